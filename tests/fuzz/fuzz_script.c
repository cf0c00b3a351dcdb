/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_load pa_nft pa_iptables pa_ir pa_base
/* Any bytes as a script, as what libnftables says of one, and as what the child recorded of the kernel. */
#include "../../rules/load/recognise.h"
#include "../../rules/nft/attributes.h"
#include "../../rules/nft/facts.h"
#include "../../rules/nft/legible.h"
#include "../../rules/nft/lines.h"
#include "../../rules/nft/script_error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void scan_lines(const char *text, size_t size)
{
	struct pa_buffer records = { 0 };
	struct pa_location where;
	struct pa_rule_lines *lines;

	pa_rule_lines_scan("fuzz", text, size, NULL, &records);
	lines = pa_rule_lines_read(records.data, records.length);
	if (pa_rule_lines_find(lines, PA_FAMILY_INET, "t", "c", 0, 1, &where) && (!where.file || where.line == 0))
		abort();
	pa_rule_lines_free(lines);
	pa_buffer_done(&records);
	pa_rule_lines_free(pa_rule_lines_read(text, size));
}

static void read_errors(const char *text, size_t size)
{
	struct pa_script script = { .name = "fuzz", .text = text, .length = size };
	struct pa_diags diags = { 0 };

	pa_script_errors_add(&diags, &script, text, size);
	if (diags.count == 0)
		abort();
	for (size_t i = 0; i < diags.count; i++)
		if (!pa_text_is_utf8(diags.items[i].message, strlen(diags.items[i].message)))
			abort();
	pa_diags_done(&diags);
}

static void read_messages(const char *at, size_t left)
{
	struct pa_legible legible = { .lost = false };
	struct pa_digest digest;
	const struct nlmsghdr *message;

	pa_digest_init(&digest);
	while ((message = pa_messages_next(&at, &left))) {
		pa_digest_take(&digest, message);
		pa_legible_take(&legible, &digest, message);
	}
	if (legible.lost && !pa_text_is_utf8(legible.problem, strlen(legible.problem)))
		abort();
	if (!digest.torn && !pa_digest_agree(&digest, &digest, true))
		abort();
	pa_digest_done(&digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = pa_xmalloc(size + 1);
	const char *problem = NULL;
	struct pa_nft_facts *facts;
	uint32_t line;

	memcpy(text, data, size);
	text[size] = '\0';
	pa_text_recognise(text, size, &line);
	pa_text_defect(text, size, &line);
	if (!memmem(text, size, "include", 7)) /* which would read files of this host */
		scan_lines(text, size);
	read_errors(text, size);
	read_messages(text, size);
	facts = pa_nft_facts_read(text, size, &problem);
	if (!facts != !!problem)
		abort();
	pa_nft_facts_free(facts);
	free(text);
	return 0;
}
