/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
/* Any bytes as a text of iptables-save: a ruleset that can be checked and printed, or errors with places; nothing else. */
#include <stdlib.h>
#include <string.h>

#include "../../rules/iptables/iptables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_text(const char *text, size_t size, enum pa_iptables_family family)
{
	struct pa_iptables_text given = { .name = "fuzz", .text = text, .length = size, .family = family };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	bool read = pa_iptables_lower(&given, ruleset, &diags);
	if (read != !pa_diags_has_errors(&diags))
		abort();
	for (size_t i = 0; i < diags.count; i++)
		if (!diags.items[i].where.file || diags.items[i].where.line == 0 || diags.items[i].where.column == 0)
			abort();
	if (read && pa_ruleset_check(ruleset, &diags)) {
		struct pa_buffer out = { 0 };
		pa_ruleset_print(ruleset, &out);
		pa_buffer_done(&out);
	}
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (memchr(data, '\0', size)) /* the loader refuses such text */
		return 0;
	read_text((const char *)data, size, PA_IPTABLES_BY_CONTENT);
	read_text((const char *)data, size, PA_IPTABLES_IPV6);
	return 0;
}
