# SPDX-License-Identifier: GPL-2.0-or-later
"""What kernel.sh does: run the commands of each repair. `kernel.py PROGRAM CASES` starts `kernel.py --trial ...` in namespaces of their own."""
import glob
import json
import os
import subprocess
import sys
import tempfile

BACKENDS = {"nft": ["nft"], "iptables": ["iptables-nft", "iptables-legacy"]}


def run(words, status=(0,), **more):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **more)
    if done.returncode not in status:
        raise RuntimeError(f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def load(case, backend):
    run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1"])
    run(["ip", "link", "set", "eth0", "up"])
    run(["ip", "link", "set", "eth1", "up"])
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", "192.0.2.1/24", "dev", "eth0"])
    run(["ip", "link", "add", "docker0", "type", "veth", "peer", "name", "container"])
    run(["ip", "link", "set", "docker0", "up"])
    run(["ip", "link", "set", "container", "up"])
    run(["ip", "address", "add", "172.17.0.1/16", "dev", "docker0"])
    run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])
    if backend == "nft":
        run(["nft", "-f", case + ".nft"])
        return
    kind = backend.split("-")[1]
    for file, program in ((".rules4", "iptables"), (".rules6", "ip6tables")):
        if os.path.exists(case + file):
            with open(case + file, encoding="utf-8") as rules:
                run([f"{program}-{kind}-restore"], stdin=rules)


def audit(program, case, *more):
    words = [program, "check", "-f", "json", "--now", "2026-01-01", "--sockets", "none", *more]
    if os.path.exists(case + ".conf"):
        words += ["-p", case + ".conf"]
    return json.loads(run(words, (0, 1, 3)))["findings"]


def shell(command, backend):
    # `iptables` is that of the backend, whatever this host's default is
    folder = tempfile.mkdtemp()
    if backend != "nft":
        for name in ("iptables", "ip6tables"):
            path = run(["sh", "-c", f"command -v {name}-{backend.split('-')[1]}"]).strip()
            os.symlink(path, f"{folder}/{name}")
    run(["sh", "-e", "-c", command], env={**os.environ, "PATH": folder + ":" + os.environ["PATH"]})


def trial(program, case, backend, fingerprint, number):
    """Prints what is wrong, or "" when all is as it was promised; without a fingerprint, the repairs that there are."""
    load(case, backend)
    before = audit(program, case, "--suggest")
    if not fingerprint:
        found = [(f["fingerprint"], n, len(r["commands"])) for f in before for n, r in enumerate(f["suggestion"]["repairs"])]
        print(json.dumps(found))
        return
    finding = next(f for f in before if f["fingerprint"] == fingerprint)
    repair = finding["suggestion"]["repairs"][number]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as old:
        old.write(run([program, "snapshot"]))
        old.flush()
        for command in repair["commands"]:
            shell(command, backend)
        after = audit(program, case)
        changes = json.loads(run([program, "diff", "-f", "json", old.name, "live"], (0, 1, 3)))["changes"]
    wrong = []
    if any(f["fingerprint"] == fingerprint for f in after):
        wrong.append("the finding is still there")
    known = {f["fingerprint"] for f in before}
    told = (repair["then"] or "").split(", ")
    wrong += [f"a new finding: {f['message']}" for f in after if f["fingerprint"] not in known and f["check"] not in told]
    kinds = {c["kind"] for c in changes}
    promised = {k for k in ("closes", "opens") if repair[k]}
    if repair["untranslated"]:
        changes = [c for c in changes if c["packets"] == "new"]
        kinds = {c["kind"] for c in changes}
    if kinds != promised:
        wrong.append(f"diff shows {sorted(kinds)}, promised were {sorted(promised)}")
    for change in changes:
        packet = change["packet"]
        words = repair[change["kind"]] or ""
        if "dport" in packet and f"/{packet['proto']}" in words and "any/" not in words:
            if not in_words(packet["dport"], packet["proto"], words):
                wrong.append(f"{packet} {change['change']}, but told was: {words}")
    if wrong:
        print(f"{finding['message']}\n  {repair['what']}\n  {repair['commands']}\n  " + "\n  ".join(wrong))


def in_words(port, protocol, words):
    for word in words.replace(";", " ").split():
        if not word.endswith("/" + protocol):
            continue
        for part in word.split("/")[0].split(","):
            first, _, last = part.partition("-")
            if int(first) <= port <= int(last or first):
                return True
    return False


def in_namespace(*words):
    return run(["unshare", "-n", sys.executable, __file__, "--trial", *words])


def main(program, cases):
    done, silent, wrong = 0, 0, 0
    for file in sorted(glob.glob(cases + "/*.nft") + glob.glob(cases + "/*.rules4")):
        case = file.rsplit(".", 1)[0]
        for backend in BACKENDS["nft" if file.endswith(".nft") else "iptables"]:
            repairs = json.loads(in_namespace(program, case, backend, "", "0"))
            for fingerprint, number, commands in repairs:
                said = in_namespace(program, case, backend, fingerprint, str(number)) if commands else "no command"
                done += 1
                silent += not commands
                wrong += bool(said.strip())
                if said.strip():
                    print(f"{os.path.basename(case)} ({backend}): {said}")
    print(f"{done} repairs were carried out, {wrong} were not as promised ({silent} without a command)")
    return 0 if wrong == 0 and done >= 40 else 1


if __name__ == "__main__":
    if sys.argv[1] == "--trial":
        trial(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5], int(sys.argv[6]))
    else:
        sys.exit(main(os.path.abspath(sys.argv[1]), sys.argv[2]))
