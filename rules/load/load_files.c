/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of any kind, together one host: each is read once, recognised from its text, and given to its front end. */
#include "../iptables/iptables.h"
#include "../nft/scripts.h"
#include "input.h"
#include "portaudit/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct inputs {
	struct pa_input *items;
	size_t count;
};

/* --- what kinds of text are read --------------------------------------------------------------------------- */

static bool refuse_kind(const struct pa_input *input, uint32_t line, struct pa_diags *diags)
{
	switch (input->kind) {
	case PA_TEXT_NFT_SCRIPT:
	case PA_TEXT_NFT_JSON:
	case PA_TEXT_IPTABLES_SAVE:
	case PA_TEXT_IPSET_SAVE:
	case PA_TEXT_SNAPSHOT:
		return false;
	case PA_TEXT_BINARY:
		pa_input_error(diags, PA_DIAG_INPUT, input, line, "holds a NUL byte: this is no text");
		return true;
	}
	return true;
}

static bool refuse_defect(const struct pa_input *input, struct pa_diags *diags)
{
	uint32_t line;

	if (input->kind == PA_TEXT_IPTABLES_SAVE || input->kind == PA_TEXT_IPSET_SAVE || input->kind == PA_TEXT_SNAPSHOT)
		return false; /* which its reader takes as they are */
	switch (pa_text_defect(input->text.data, input->text.length, &line)) {
	case PA_TEXT_SOUND:
		break;
	case PA_TEXT_HAS_MARK:
		pa_input_error(diags, PA_DIAG_INPUT, input, line, "begins with a byte order mark, which nft does not read")
			->help = "save it as UTF-8 without a mark";
		return true;
	case PA_TEXT_HAS_CRLF:
		if (input->kind == PA_TEXT_NFT_JSON)
			break; /* white space in JSON */
		pa_input_error(diags, PA_DIAG_INPUT, input, line, "the line ends with CR LF, which nft does not read")->help =
			"convert it: sed -i 's/\\r$//' FILE";
		return true;
	}
	return false;
}

static bool recognise(struct pa_input *input, struct pa_diags *diags)
{
	uint32_t line;

	if (input->text.length == 0)
		pa_buffer_puts(&input->text, "\n");
	input->kind = pa_text_recognise(input->text.data, input->text.length, &line);
	return !refuse_kind(input, line, diags) && !refuse_defect(input, diags);
}

static bool read_inputs(const char *const *paths, size_t count, struct inputs *inputs, struct pa_diags *diags)
{
	bool good = true, standard_input = false;

	inputs->items = pa_xcalloc(count ? count : 1, sizeof(*inputs->items));
	for (size_t i = 0; i < count; i++) {
		struct pa_input *input = &inputs->items[inputs->count++];
		bool taken = standard_input && strcmp(paths[i], "-") == 0;

		standard_input = standard_input || strcmp(paths[i], "-") == 0;
		if (taken)
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "standard input can be read only once");
		good = !taken && pa_input_read(paths[i], input, diags) && recognise(input, diags) && good;
	}
	return good;
}

static void inputs_done(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		pa_buffer_done(&inputs->items[i].text);
	free(inputs->items);
}

/* --- what each front end gets -------------------------------------------------------------------------------- */

static struct pa_nft_text nft_text(const struct pa_input *input)
{
	return (struct pa_nft_text){ .name = input->name,
				     .text = input->text.data,
				     .length = input->text.length,
				     .is_standard_input = input->is_standard_input,
				     .owner = input->state.st_uid,
				     .group = input->state.st_gid,
				     .is_regular = S_ISREG(input->state.st_mode) };
}

/* All scripts are loaded by one child: they are one ruleset. */
static bool load_scripts(struct pa_ruleset *ruleset, const struct inputs *inputs, const struct pa_load_options *options,
			 struct pa_diags *diags)
{
	struct pa_nft_text *scripts = pa_xcalloc(inputs->count + 1, sizeof(*scripts));
	size_t count = 0;

	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind == PA_TEXT_NFT_SCRIPT)
			scripts[count++] = nft_text(&inputs->items[i]);
	bool loaded = pa_nft_load_scripts(scripts, count, ruleset, options, diags);
	free(scripts);
	return loaded;
}

static bool lower_json(struct pa_ruleset *ruleset, const struct pa_input *input, struct pa_diags *diags)
{
	struct pa_nft_document document = { .json = input->text.data,
					    .length = input->text.length,
					    .source_name = input->name };

	return pa_nft_lower(&document, ruleset, diags);
}

/* The sets of all files, and which of them rules of any file fill. false: an error was told. */
static bool read_sets(const struct inputs *inputs, struct pa_ipsets *sets, struct pa_diags *diags)
{
	bool good = true;

	for (size_t i = 0; i < inputs->count; i++) {
		const struct pa_input *input = &inputs->items[i];

		if (input->kind == PA_TEXT_IPSET_SAVE)
			good = pa_ipsets_read(sets, input->name, input->text.data, input->text.length, PA_DIAG_INPUT, diags) &&
			       good;
	}
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind == PA_TEXT_IPTABLES_SAVE)
			pa_ipsets_note_targets(sets, inputs->items[i].text.data, inputs->items[i].text.length);
	return good;
}

static bool lower_iptables(struct pa_ruleset *ruleset, const struct pa_input *input, struct pa_ipsets *sets,
			   struct pa_diags *diags)
{
	struct pa_iptables_text text = {
		.name = input->name, .text = input->text.data, .length = input->text.length, .sets = sets
	};

	return pa_iptables_lower(&text, ruleset, diags);
}

/* Tables of equal priority run in the order of the files, those of scripts first. */
static bool lower_texts(struct pa_ruleset *ruleset, const struct inputs *inputs, struct pa_diags *diags)
{
	struct pa_ipsets *sets = pa_ipsets_new();
	bool lowered = read_sets(inputs, sets, diags);

	for (size_t i = 0; i < inputs->count; i++) {
		const struct pa_input *input = &inputs->items[i];

		pa_ruleset_add_source(ruleset, input->name);
		if (input->kind == PA_TEXT_NFT_JSON)
			lowered = lower_json(ruleset, input, diags) && lowered;
		else if (input->kind == PA_TEXT_IPTABLES_SAVE)
			lowered = lower_iptables(ruleset, input, sets, diags) && lowered;
	}
	pa_ipsets_free(sets);
	return lowered;
}

static bool has_family(const struct pa_ruleset *ruleset, enum pa_family family)
{
	for (size_t i = 0; i < ruleset->table_count; i++)
		if (ruleset->tables[i]->family == family || ruleset->tables[i]->family == PA_FAMILY_INET)
			return true;
	return false;
}

/* A dump is of one family, and people forget the other: what is not given is not filtered. */
static void note_other_family(const struct pa_ruleset *ruleset, const struct inputs *inputs, struct pa_diags *diags)
{
	bool four = has_family(ruleset, PA_FAMILY_IP), six = has_family(ruleset, PA_FAMILY_IP6);

	for (size_t i = 0; i < inputs->count && four != six; i++) {
		if (inputs->items[i].kind != PA_TEXT_IPTABLES_SAVE)
			continue;
		struct pa_diag *diag =
			pa_diags_add(diags, PA_DIAG_NOTE, PA_DIAG_INPUT,
				     "no rules of %s were given: it is taken as not filtered", four ? "IPv6" : "IPv4");
		diag->where.file = pa_arena_strdup(diags->arena, inputs->items[i].name);
		diag->help = pa_arena_printf(diags->arena, "give the output of %s as well, if the host has such rules",
					     four ? "ip6tables-save" : "iptables-save");
		return;
	}
}

/* Sets alone refuse nothing and let nothing in: who gives them forgot the rules that ask them. */
static bool has_rules(const struct inputs *inputs, struct pa_diags *diags)
{
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind != PA_TEXT_IPSET_SAVE)
			return true;
	if (inputs->count > 0)
		pa_input_error(diags, PA_DIAG_INPUT, &inputs->items[0], 0,
			       "holds ip sets, and no rules were given that ask them")
			->help = "give the output of iptables-save and ip6tables-save as well";
	return inputs->count == 0;
}

/* --- snapshots ----------------------------------------------------------------------------------------------- */

static bool has_snapshot(const struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind == PA_TEXT_SNAPSHOT)
			return true;
	return false;
}

/* What cannot be read of a snapshot is an error of the file: on the host it came from it was read. */
static void blame_file(const struct pa_input *input, size_t first, struct pa_diags *diags)
{
	for (size_t i = first; i < diags->count; i++) {
		struct pa_diag *diag = &diags->items[i];

		diag->kind = PA_DIAG_INPUT;
		if (diag->where.file)
			continue;
		diag->where.file = pa_arena_strdup(diags->arena, input->name);
		diag->where.line = 1;
		diag->where.column = 1;
		diag->help = "'portaudit snapshot' makes one anew";
	}
}

/* A snapshot is one host, whole. */
static struct pa_ruleset *load_snapshot(const struct inputs *inputs, const struct pa_load_options *options,
					struct pa_diags *diags)
{
	const struct pa_input *input = &inputs->items[0];
	struct pa_ruleset *ruleset = NULL;

	if (inputs->count > 1 || !options->ret_snapshot) {
		pa_input_error(diags, PA_DIAG_INPUT, input, 0,
			       inputs->count > 1 ? "a snapshot is a whole host: no other file can be given with it"
						 : "a snapshot cannot be given here");
		return NULL;
	}
	*options->ret_snapshot = pa_snapshot_parse(input->text.data, input->text.length, input->name, diags);
	if (*options->ret_snapshot) {
		size_t before = diags->count;

		ruleset = pa_ruleset_load_recording(&(*options->ret_snapshot)->recording, diags);
		if (!ruleset)
			blame_file(input, before, diags);
	}
	return ruleset;
}

struct pa_ruleset *pa_ruleset_load_files(const char *const *paths, size_t count, const struct pa_load_options *options,
					 struct pa_diags *diags)
{
	struct inputs inputs = { 0 };
	struct pa_ruleset *ruleset = NULL;

	if (options && options->ret_snapshot)
		*options->ret_snapshot = NULL;
	if (!read_inputs(paths, count, &inputs, diags) || !has_rules(&inputs, diags)) {
		inputs_done(&inputs);
		return NULL;
	}
	if (options && has_snapshot(&inputs)) {
		ruleset = load_snapshot(&inputs, options, diags);
	} else {
		ruleset = pa_ruleset_new();
		if (!load_scripts(ruleset, &inputs, options, diags) || !lower_texts(ruleset, &inputs, diags) ||
		    !pa_ruleset_check(ruleset, diags))
			ruleset = pa_ruleset_free(ruleset);
		else
			note_other_family(ruleset, &inputs, diags);
	}
	inputs_done(&inputs);
	return ruleset;
}
