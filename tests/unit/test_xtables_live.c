/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_xtables pa_base
// labels: root
/*
 * The real programs, in a network namespace of this process: what they print of rules that nft cannot show, and that reading changes
 * nothing - no table is made, and the generation of the ruleset stays.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../rules/xtables/program.h"
#include "../../rules/xtables/xtables.h"

#define V4 "/proc/self/net/ip_tables_names"
#define V6 "/proc/self/net/ip6_tables_names"

static int failures;

static void expect(bool holds, const char *what)
{
	if (!holds)
		printf("FAILED: %s\n", what);
	failures += !holds;
}

static void expect_text(const struct pa_xtables_text *texts, enum pa_xtables_kind kind, const char *wanted)
{
	const struct pa_xtables_text *text = &texts[kind];
	bool holds = wanted ? text->text.data && strstr(text->text.data, wanted) : !text->wanted && !text->text.data;

	if (!holds)
		printf("FAILED: %s: \"%s\" is not in:\n%s%s\n", text->program, wanted ? wanted : "(nothing)",
		       text->problem ? text->problem : "", text->text.data ? text->text.data : "");
	failures += !holds;
}

static struct pa_xtables_text *read_all(bool nft, bool legacy)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	struct pa_xtables_request request = { .deadline = (int64_t)now.tv_sec * 1000 + 30000 };
	request.wanted[PA_XTABLES_NFT4] = request.wanted[PA_XTABLES_NFT6] = nft;
	request.wanted[PA_XTABLES_LEGACY4] = request.wanted[PA_XTABLES_LEGACY6] = legacy;
	return pa_xtables_read_live(&request);
}

static bool run(const char *command)
{
	return system(command) == 0;
}

/*
 * Which of two chains of one hook and priority runs first: the one that was registered last, whether it is of nft or of a legacy table.
 * Said by a mark that the chain of nft sets and the legacy rules look at.
 */
static void check_order(bool legacy_last)
{
	static const char legacy[] =
		"iptables-legacy -F INPUT; iptables-legacy -A INPUT -p udp -m mark --mark 1 -m comment --comment nft-first;"
		"iptables-legacy -A INPUT -p udp -m mark ! --mark 1 -m comment --comment legacy-first;";
	static const char nft[] = "nft add table ip order; nft 'add chain ip order c { type filter hook input priority 0; }';"
				  "nft add rule ip order c meta mark set 1;";
	struct pa_buffer script = { 0 };

	if (unshare(CLONE_NEWNET) != 0)
		return;
	pa_buffer_printf(&script,
			 "ip link set lo up; %s %s bash -c 'echo > /dev/udp/127.0.0.1/9'; iptables-legacy-save -c | "
			 "grep -q '^.1:.*%s'",
			 legacy_last ? nft : legacy, legacy_last ? legacy : nft, legacy_last ? "legacy-first" : "nft-first");
	expect(run(script.data), legacy_last ? "a legacy table that is registered last runs first"
					     : "a chain of nft that is registered last runs first");
	pa_buffer_done(&script);
}

static bool can_run(void)
{
	static const char *const needed[] = {
		"iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save", "ipset", "nft", NULL
	};
	char path[PA_PROGRAM_PATH_MAX];

	for (const char *const *name = needed; *name; name++)
		if (!pa_program_find(*name, pa_program_folders, path))
			return false;
	return geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
	       run("ipset create probe hash:ip 2>/dev/null && ipset destroy probe");
}

int main(void)
{
	char names[PA_XTABLES_NAMES_MAX];

	if (!can_run()) {
		puts("skipped: needs root, iptables, ipset, nft and a kernel that has sets");
		return 77;
	}
	/* nothing there: nothing printed, nothing made */
	struct pa_xtables_text *texts = read_all(true, true);
	for (unsigned i = 0; i < PA_XTABLES_SETS; i++)
		expect(!texts[i].problem && texts[i].text.length == 0, "a namespace without rules prints nothing");
	pa_xtables_free(texts);
	expect(pa_xtables_legacy_names(V4, names) && names[0] == '\0', "reading made no legacy table");
	expect(pa_xtables_legacy_names(V6, names) && names[0] == '\0', "reading made no legacy table of IPv6");
	expect(run("test -z \"$(nft list tables)\""), "reading made no table of nft");

	/* rules that nft shows without their arguments, and a set */
	expect(run("ipset create bad hash:net && ipset add bad 192.0.2.0/24 && "
		   "iptables-nft -A INPUT -p tcp --dport 22 -m recent --name ssh --set && "
		   "iptables-nft -A INPUT -m set --match-set bad src -j DROP && ip6tables-nft -A INPUT -m hl --hl-eq 255 -j ACCEPT"),
	       "rules can be made");
	texts = read_all(true, false);
	expect_text(texts, PA_XTABLES_NFT4, "-m recent --set --name ssh");
	expect_text(texts, PA_XTABLES_NFT4, "--match-set bad src -j DROP");
	expect_text(texts, PA_XTABLES_NFT6, "-m hl --hl-eq 255 -j ACCEPT");
	expect_text(texts, PA_XTABLES_SETS, "add bad 192.0.2.0/24");
	expect_text(texts, PA_XTABLES_LEGACY4, NULL);
	pa_xtables_free(texts);
	expect(pa_xtables_legacy_names(V4, names) && names[0] == '\0', "reading made no legacy table");

	/* legacy tables */
	expect(run("iptables-legacy -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080 && iptables-legacy -A INPUT -j DROP"),
	       "legacy rules can be made");
	expect(pa_xtables_legacy_names(V4, names) && strstr(names, "nat") && strstr(names, "filter"),
	       "the legacy tables are listed");
	expect(pa_xtables_legacy_names(V6, names) && names[0] == '\0', "there are none of IPv6");
	texts = read_all(false, true);
	expect_text(texts, PA_XTABLES_LEGACY4, "-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080");
	expect_text(texts, PA_XTABLES_LEGACY4, "*filter");
	expect_text(texts, PA_XTABLES_SETS, NULL);
	pa_xtables_free(texts);
	expect(pa_xtables_legacy_names(V6, names) && names[0] == '\0', "reading made no legacy table of IPv6");

	/* a table that iptables-nft cannot show */
	expect(run("nft add rule ip filter INPUT numgen random mod 2 0 accept"), "a rule of nft in a table of iptables");
	texts = read_all(true, false);
	expect(texts[PA_XTABLES_NFT4].problem && strstr(texts[PA_XTABLES_NFT4].problem, "incompatible"),
	       "an incompatible table is a problem");
	expect(!texts[PA_XTABLES_NFT6].problem, "the other family is read");
	pa_xtables_free(texts);
	check_order(true);
	check_order(false);
	printf("%d failures\n", failures);
	return failures ? 1 : 0;
}
