/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_packets pa_allow pa_base
/*
 * Any bytes as a packets file and, behind "explain ", as the words of that command: packets, or errors with places; never
 * both, never neither. The values of the packets fit their fields.
 */
#include <stdlib.h>
#include <string.h>

#include "portaudit/packets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_packet(const struct pa_packet *packet)
{
	demand(packet->family == 4 || packet->family == 6);
	demand(packet->path == PA_PATH_IN || packet->path == PA_PATH_FORWARD || packet->path == PA_PATH_OUT);
	for (unsigned field = 0; field < PA_FIELD_COUNT; field++)
		demand(packet->known[field] ? packet->value[field] <= pa_field_max(field) : packet->value[field] == 0);
	demand(packet->known[PA_FIELD_NFPROTO] && packet->known[PA_FIELD_MARK] && packet->known[PA_FIELD_CT_MARK]);
	for (enum pa_field field = PA_FIELD_SADDR; field <= PA_FIELD_DADDR; field++)
		demand(packet->family == 6 || !packet->known[field] || pa_value_is_ipv4(packet->value[field]));
}

static void check_line(const struct pa_packet_line *line)
{
	demand(line->where.file && line->where.line && line->where.column);
	demand(pa_text_is_utf8(line->id_json, strlen(line->id_json)) && !strchr(line->id_json, '\n'));
	demand(!line->has_expect || line->expect_text);
	demand(!line->expect_path_known || line->expect == PA_FATE_ACCEPT);
	check_packet(&line->packet);
}

/* Every error of a file points into its line. */
static void check_places(const struct pa_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct pa_diag *diag = &diags->items[i];
		if (diag->level == PA_DIAG_NOTE || !diag->where.file)
			continue;
		demand(diag->where.line && diag->where.column);
		demand(!diag->source || diag->where.column + diag->where.length <= strlen(diag->source) + 1 ||
		       !pa_text_is_utf8(diag->source, strlen(diag->source)) || diag->where.length == 1);
	}
}

static void fuzz_lines(const uint8_t *data, size_t size)
{
	struct pa_diags diags = { 0 };
	struct pa_packet_file *file = pa_packets_parse((const char *)data, size, "fuzz.jsonl", &diags);
	demand(!file == pa_diags_has_errors(&diags));
	demand(!file || file->count);
	for (size_t i = 0; file && i < file->count; i++)
		check_line(&file->lines[i]);
	check_places(&diags);
	pa_packets_free(file);
	pa_diags_done(&diags);
}

static void fuzz_words(char *text)
{
	enum { WORDS = 64 };
	const char *words[WORDS];
	size_t count = 0;
	char *rest = NULL;
	for (char *word = strtok_r(text, " ", &rest); word && count < WORDS; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	struct pa_packet packets[PA_EXPLAIN_MAX];
	struct pa_diags diags = { 0 };
	bool path_known;
	size_t made = pa_explain_parse(words, count, packets, &path_known, &diags);
	demand((made == 0) == pa_diags_has_errors(&diags));
	demand(made <= PA_EXPLAIN_MAX);
	for (size_t i = 0; i < made; i++)
		check_packet(&packets[i]);
	demand(made < 2 || packets[0].family != packets[1].family);
	pa_diags_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char begin[] = "explain ";
	size_t length = sizeof(begin) - 1;
	if (size < length || memcmp(data, begin, length) != 0) {
		fuzz_lines(data, size);
		return 0;
	}
	char *text = pa_xcalloc(size - length + 1, 1);
	memcpy(text, data + length, size - length);
	fuzz_words(text);
	free(text);
	return 0;
}
