/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --suggest has to say of a finding. */
#include "suggestion.h"

#include <stdio.h>

#include "edit.h"
#include "format.h"

/* --- what was proved ------------------------------------------------------------------------------------------------------ */

/* "closes 3306/tcp from any; nothing else changes" */
static void put_proof(const struct pa_repair *repair, struct pa_buffer *out)
{
	if (repair->closes) {
		pa_buffer_puts(out, "closes ");
		pa_text_escape(repair->closes, out);
	}
	if (repair->opens) {
		pa_buffer_puts(out, repair->closes ? "; opens " : "opens ");
		pa_text_escape(repair->opens, out);
	}
	if (repair->untranslated)
		pa_buffer_puts(
			out,
			"; packets that belong to known connections (related), with the same headers, are no longer translated");
	if (repair->closes || repair->opens)
		pa_buffer_printf(out, "; %s",
				 repair->exact ? "nothing else changes"
					       : "that is all that changes, and more than this finding");
	else
		pa_buffer_puts(out, "no packet fares otherwise");
	pa_buffer_puts(out, " (in, forward and out, IPv4 and IPv6)");
	if (repair->others)
		pa_buffer_printf(out, "; closes findings of %s, too", repair->others);
	if (repair->then)
		pa_buffer_printf(out, "; what is left then is told as %s", repair->then);
}

static void put_manager(const struct pa_repair *repair, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s writes this chain, and undoes the edit when it writes it again. Its own way: %s",
			 repair->manager->name, repair->manager->close);
}

/* --- text --------------------------------------------------------------------------------------------------------------------- */

static void print_part(const struct pa_style *style, enum pa_paint paint, const char *label, struct pa_buffer *text,
		       struct pa_buffer *out)
{
	char lead[16];
	snprintf(lead, sizeof(lead), "    %-9s", label);
	pa_paragraph(style, paint, lead, text->data ? text->data : "", out);
	pa_buffer_clear(text);
}

/* A command is not folded: it is to be copied. */
static void print_commands(const struct pa_edit *edit, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_edit_commands commands = { .arena = pa_arena_new() };
	struct pa_buffer text = { 0 };
	pa_edit_write(edit, &commands);
	for (size_t i = 0; i < commands.count; i++) {
		pa_buffer_puts(out, i ? "             " : "    command  ");
		pa_text_escape(commands.items[i], &text);
		pa_painted_text(style, PA_PAINT_STRONG, text.data, out);
		pa_buffer_putc(out, '\n');
		pa_buffer_clear(&text);
	}
	pa_arena_free(commands.arena);
	pa_buffer_done(&text);
}

static void print_repair(const struct pa_repair *repair, bool second, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	pa_edit_phrase(&repair->edit, &text);
	print_part(style, PA_PAINT_NONE, second ? "or" : "repair", &text, out);
	print_commands(&repair->edit, style, out);
	put_proof(repair, &text);
	print_part(style, PA_PAINT_GOOD, "proved", &text, out);
	if (repair->manager) {
		put_manager(repair, &text);
		print_part(style, PA_PAINT_WARN, "but", &text, out);
	}
	pa_buffer_done(&text);
}

static void put_none(const struct pa_suggestion *suggestion, struct pa_buffer *out)
{
	pa_buffer_puts(out, suggestion->untried > 0 ? "no single edit was found that closes this and nothing else: "
						    : "no single edit closes this and nothing else: ");
	pa_text_escape(suggestion->none, out);
	if (suggestion->untried > 0)
		pa_buffer_printf(out, "; %zu edit%s not tried, since the ruleset is large", suggestion->untried,
				 suggestion->untried == 1 ? " was" : "s were");
}

void pa_text_suggestion(const struct pa_finding *finding, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_suggestion *suggestion = finding->suggestion;
	struct pa_buffer text = { 0 };
	if (!suggestion)
		return;
	for (size_t i = 0; i < suggestion->count; i++)
		print_repair(&suggestion->repairs[i], i > 0, style, out);
	if (suggestion->count == 0) {
		put_none(suggestion, &text);
		print_part(style, PA_PAINT_NONE, "repair", &text, out);
	}
	pa_buffer_done(&text);
}

void pa_text_suggestion_plain(const struct pa_finding *finding, struct pa_buffer *out)
{
	const struct pa_suggestion *suggestion = finding->suggestion;
	for (size_t i = 0; suggestion && i < suggestion->count; i++) {
		const struct pa_repair *repair = &suggestion->repairs[i];
		struct pa_edit_commands commands = { .arena = pa_arena_new() };
		pa_buffer_puts(out, "repair: ");
		pa_edit_phrase(&repair->edit, out);
		pa_edit_write(&repair->edit, &commands);
		for (size_t k = 0; k < commands.count; k++)
			pa_buffer_printf(out, "\ncommand: %s", commands.items[k]);
		pa_buffer_puts(out, "\nproved: ");
		put_proof(repair, out);
		pa_buffer_putc(out, '\n');
		pa_arena_free(commands.arena);
	}
	if (suggestion && suggestion->count == 0) {
		pa_buffer_puts(out, "repair: ");
		put_none(suggestion, out);
		pa_buffer_putc(out, '\n');
	}
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------------ */

static const char *kind_word(enum pa_edit_kind kind)
{
	switch (kind) {
	case PA_EDIT_DELETE:
		return "delete-rule";
	case PA_EDIT_NARROW:
		return "narrow-rule";
	case PA_EDIT_MOVE:
		return "move-rule";
	case PA_EDIT_INSERT:
		return "add-rule";
	case PA_EDIT_POLICY:
		return "chain-policy";
	}
	return NULL;
}

static void add_commands(struct pa_json *json, const struct pa_edit *edit)
{
	struct pa_edit_commands commands = { .arena = pa_arena_new() };
	pa_edit_write(edit, &commands);
	pa_json_open(json, "commands", '[');
	for (size_t i = 0; i < commands.count; i++)
		pa_json_string(json, NULL, commands.items[i]);
	pa_json_close(json, ']');
	pa_arena_free(commands.arena);
}

/* Where in a file the edit is to be made, and what is written there. */
static void add_place(struct pa_json *json, const struct pa_edit *edit)
{
	const struct pa_rule *rule = edit->rule ? edit->rule : edit->before;
	const struct pa_location *where = rule ? &rule->where : &edit->chain->where;
	struct pa_buffer lines = { 0 };
	pa_json_string(json, "file", where->file);
	if (where->file && where->line)
		pa_json_number(json, "line", where->line);
	else
		pa_json_null(json, "line");
	pa_json_open(json, "rules", '[');
	if (edit->rule_count > 0 && pa_edit_lines(edit, &lines)) {
		char *at = lines.data;
		for (char *end; at; at = end) {
			end = at;
			while (*end && *end != '\n')
				end++;
			end = *end ? (*end = '\0', end + 1) : NULL;
			pa_json_string(json, NULL, at);
		}
	}
	pa_json_close(json, ']');
	pa_buffer_done(&lines);
}

static void add_repair(struct pa_json *json, const struct pa_repair *repair)
{
	struct pa_buffer text = { 0 };
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "kind", kind_word(repair->edit.kind));
	pa_edit_phrase(&repair->edit, &text);
	pa_json_string(json, "what", text.data);
	add_commands(json, &repair->edit);
	add_place(json, &repair->edit);
	pa_json_string(json, "closes", repair->closes);
	pa_json_string(json, "opens", repair->opens);
	pa_json_bool(json, "exact", repair->exact);
	pa_json_bool(json, "untranslated", repair->untranslated);
	pa_json_string(json, "also_closes", repair->others);
	pa_json_string(json, "then", repair->then);
	pa_json_string(json, "manager", repair->manager ? repair->manager->name : NULL);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

void pa_json_suggestion(struct pa_json *json, const struct pa_finding *finding)
{
	const struct pa_suggestion *suggestion = finding->suggestion;
	if (!suggestion)
		return;
	pa_json_open(json, "suggestion", '{');
	pa_json_open(json, "repairs", '[');
	for (size_t i = 0; i < suggestion->count; i++)
		add_repair(json, &suggestion->repairs[i]);
	pa_json_close(json, ']');
	pa_json_string(json, "none", suggestion->none);
	pa_json_number(json, "tried", suggestion->tried);
	pa_json_number(json, "untried", suggestion->untried);
	pa_json_close(json, '}');
}
