/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "recorded.h"
#include "attributes.h"
#include "reading.h"

#include <string.h>

_Static_assert(PA_XTABLES_COUNT <= PA_RECORDED_TEXTS_MAX, "each program has a place");

/* --- recording ------------------------------------------------------------------------------------------------- */

static void replace(struct pa_buffer *buffer, const char *data, size_t length)
{
	pa_buffer_clear(buffer);
	if (length)
		pa_buffer_add(buffer, data, length);
}

static const char *keep(struct pa_recording *recording, const char *text)
{
	if (!recording->arena)
		recording->arena = pa_arena_new();
	return text ? pa_arena_strdup(recording->arena, text) : NULL;
}

static void forget_texts(struct pa_recording *recording)
{
	for (size_t i = 0; i < recording->text_count; i++)
		pa_buffer_done(&recording->texts[i].text);
	recording->text_count = 0;
}

/* The addresses of two sockets and the numbers of requests say nothing, and would make two recordings of one state differ. */
static void forget_senders(struct pa_buffer *messages)
{
	const char *at = messages->data;
	size_t left = messages->length;

	for (const struct nlmsghdr *message; left && (message = pa_messages_next(&at, &left));) {
		struct nlmsghdr header = *message;

		header.nlmsg_pid = header.nlmsg_seq = 0;
		memcpy(messages->data + ((const char *)message - messages->data), &header, sizeof(header));
	}
}

void pa_recording_take_listing(struct pa_recording *recording, const struct pa_child_result *result)
{
	replace(&recording->listing, result->text[PA_CHILD_JSON].data, result->text[PA_CHILD_JSON].length);
	replace(&recording->messages, result->text[PA_CHILD_FACTS].data, result->text[PA_CHILD_FACTS].length);
	forget_senders(&recording->messages);
	forget_texts(recording);
}

void pa_recording_take_names(struct pa_recording *recording, const struct pa_legacy_names names[2])
{
	for (size_t i = 0; i < 2; i++) {
		recording->legacy[i].names = keep(recording, names[i].names);
		recording->legacy[i].error = keep(recording, names[i].error);
	}
}

void pa_recording_take_texts(struct pa_recording *recording, const struct pa_xtables_text *texts)
{
	forget_texts(recording);
	for (size_t i = 0; i < PA_XTABLES_COUNT; i++) {
		struct pa_recorded_text *recorded = &recording->texts[recording->text_count];

		if (!texts[i].wanted)
			continue;
		*recorded = (struct pa_recorded_text){ .program = keep(recording, texts[i].program),
						       .wanted = true,
						       .problem = keep(recording, texts[i].problem),
						       .help = keep(recording, texts[i].help) };
		if (texts[i].text.data)
			replace(&recorded->text, texts[i].text.data, texts[i].text.length);
		recording->text_count++;
	}
}

void pa_recording_done(struct pa_recording *recording)
{
	pa_buffer_done(&recording->listing);
	pa_buffer_done(&recording->messages);
	forget_texts(recording);
	recording->arena = pa_arena_free(recording->arena);
}

/* --- reading it again -------------------------------------------------------------------------------------------- */

static const struct pa_recorded_text *find_text(const struct pa_recording *recording, const char *program)
{
	for (size_t i = 0; i < recording->text_count; i++)
		if (strcmp(recording->texts[i].program, program) == 0)
			return &recording->texts[i];
	return NULL;
}

static char *copy(const char *text)
{
	return text ? pa_xstrdup(text) : NULL;
}

/* The texts as the programs gave them; a program that is needed now and was not asked then is a problem of its text. */
static struct pa_xtables_text *recorded_texts(const struct pa_recording *recording, const struct pa_xtables_request *request)
{
	static const struct pa_xtables_text programs[PA_XTABLES_COUNT] = {
#define XTABLES_PROGRAM(id, program_, argument, family_, package) \
	[PA_XTABLES_##id] = { .program = (program_), .family = (family_) },
#include "../xtables/xtables_program.def"
#undef XTABLES_PROGRAM
	};
	struct pa_xtables_text *texts = pa_xcalloc(PA_XTABLES_COUNT, sizeof(*texts));

	for (size_t i = 0; i < PA_XTABLES_COUNT; i++) {
		const struct pa_recorded_text *recorded = find_text(recording, programs[i].program);

		texts[i] = programs[i];
		texts[i].wanted = recorded || request->wanted[i];
		if (recorded && recorded->text.length)
			pa_buffer_add(&texts[i].text, recorded->text.data, recorded->text.length);
		if (recorded) {
			texts[i].problem = copy(recorded->problem);
			texts[i].help = copy(recorded->help);
		} else if (texts[i].wanted) {
			texts[i].problem = copy("the snapshot does not hold its output");
			texts[i].help = copy("make a new snapshot");
		}
	}
	return texts;
}

static void recorded_names(const struct pa_recording *recording, struct pa_legacy_names names[2])
{
	for (size_t i = 0; i < 2; i++) {
		const char *text = recording->legacy[i].names ? recording->legacy[i].names : "";
		size_t length = strnlen(text, PA_XTABLES_NAMES_MAX - 1);

		names[i] = (struct pa_legacy_names){ .error = recording->legacy[i].error };
		memcpy(names[i].names, text, length);
	}
}

struct pa_ruleset *pa_nft_load_recording(const struct pa_recording *recording, const struct pa_xtables_reader *reader,
					 struct pa_diags *diags)
{
	struct pa_ruleset *ruleset = pa_ruleset_new();
	struct pa_legacy_names names[2];
	struct pa_xtables_plan plan;
	bool good;

	pa_ruleset_add_source(ruleset, PA_LIVE_NAME);
	good = pa_load_lower_texts(ruleset, &recording->listing, &recording->messages, diags);
	if (good) {
		recorded_names(recording, names);
		pa_xtables_make_plan(ruleset, names, &plan);
		pa_xtables_add_other_gaps(ruleset);
	}
	if (good && plan.any) {
		struct pa_xtables_text *texts = recorded_texts(recording, &plan.request);

		good = pa_xtables_apply(ruleset, &plan, texts, reader, diags) != PA_XTABLES_FAILED;
		pa_xtables_free(texts);
	}
	if (!good || !pa_ruleset_check(ruleset, diags))
		return pa_ruleset_free(ruleset);
	return ruleset;
}
