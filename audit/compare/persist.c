/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PER-002: the live host filters now, and nothing that boot starts loads rules. PER-003: somebody other than root may change the files
 * that are loaded, or the policy. Both need the files of the host: not in a container, not offline.
 */
#include "compare.h"

static bool filters(const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];

		if (chain->is_base && chain->type == PA_CHAIN_FILTER &&
		    (chain->policy == PA_VERDICT_DROP || chain->rule_count > 0))
			return true;
	}
	return false;
}

void check_boot(struct comparison *c)
{
	struct pa_finding *finding;

	if (!c->host->files_known) {
		compare_not_assessed(c, PA_CHECK_PER_002, "only the live host's own network namespace tells");
		return;
	}
	if (c->host->loads_at_boot == PA_UNKNOWN) {
		compare_not_assessed(c, PA_CHECK_PER_002, "how this host starts is not known, or scripts may load rules");
		return;
	}
	if (c->host->loads_at_boot == PA_YES || !filters(c->ruleset))
		return;
	finding = compare_add(c, PA_CHECK_PER_002, "boot");
	finding->message =
		"rules are loaded now, but no unit that boot starts loads any: after the next boot this host does not filter";
	finding->fix =
		"save the rules (`nft list ruleset`) in /etc/nftables.conf and enable the unit: `systemctl enable nftables`; or enable the "
		"program that writes them (ufw, firewalld, netfilter-persistent)";
}

void check_writers(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	if (!c->host->files_known && c->host->loose_file_count == 0)
		compare_not_assessed(c, PA_CHECK_PER_003, "only the live host's own network namespace tells");
	for (size_t i = 0; i < c->host->loose_file_count; i++) {
		struct pa_finding *finding = compare_add(c, PA_CHECK_PER_003, c->host->loose_files[i]);

		pa_buffer_printf(&text, "%s: whoever may decides what is reachable", c->host->loose_files[i]);
		finding->message = compare_text(c, &text);
		finding->fix =
			"give the file and the folders above it to root, and nobody else the right to write: `chown root:root`, `chmod "
			"go-w`";
	}
	pa_buffer_done(&text);
}
