#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage: sarif.sh PROGRAM SCHEMA, in the folder of the cases. Status 77: no schema, or nothing that validates.
program=$1
schema=$2
if [ ! -r "$schema" ] || ! python3 -c 'import jsonschema' 2> /dev/null; then
	echo "SKIPPED: $schema or python3-jsonschema is not here"
	exit 77
fi
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
for ruleset in *.nft *.rules4; do
	policy=${ruleset%.*}.conf
	if [ -r "$policy" ]; then
		"$program" check --now 2026-01-01 --policy "$policy" -f sarif "$ruleset" > "$folder/$ruleset.sarif"
	else
		"$program" check --now 2026-01-01 -f sarif "$ruleset" > "$folder/$ruleset.sarif"
	fi
done
for case in ../diff/*/; do
	set --
	[ -f "$case/allow.conf" ] && set -- -p "$case/allow.conf"
	"$program" diff --now 2026-01-01 -f sarif "$@" "$case"old.* "$case"new.* > "$folder/$(basename "$case").sarif"
done
python3 -W ignore - "$schema" "$folder" << 'PYTHON'
import glob, json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
validator = jsonschema.validators.validator_for(schema)(schema)
files = glob.glob(sys.argv[2] + "/*.sarif")
wrong = results = suppressed = changes = 0
for file in files:
    document = json.load(open(file))
    for error in list(validator.iter_errors(document))[:3]:
        print(file, error.message[:300])
        wrong += 1
    prints = [result["partialFingerprints"]["portaudit/v1"] for result in document["runs"][0]["results"]]
    if len(set(prints)) != len(prints):
        print(file, "has the same fingerprint twice")
        wrong += 1
    changes += document["runs"][0]["automationDetails"]["id"] == "portaudit/diff/" and len(prints)
    for result in document["runs"][0]["results"]:
        results += 1
        suppressed += "suppressions" in result
        if not result["locations"]:
            print(file, result["ruleId"], "has no place")
            wrong += 1
print(len(files), "documents,", results, "results,", changes, "of them changes,", suppressed, "suppressed,", wrong, "wrong")
sys.exit(wrong != 0 or len(files) < 50 or results < 50 or suppressed == 0 or changes < 10)
PYTHON
