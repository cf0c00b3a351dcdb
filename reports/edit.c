/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An edit in words; which program it is written for. */
#include "edit.h"

#include <string.h>

#include "format.h"

#define RULE_COLUMNS 160

/* --- for both programs -------------------------------------------------------------------------------------------------- */

void pa_edit_quote(const char *word, struct pa_buffer *out)
{
	static const char plain[] = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ./,:+@%=";
	if (*word && word[strspn(word, plain)] == '\0') {
		pa_buffer_puts(out, word);
		return;
	}
	pa_buffer_putc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			pa_buffer_puts(out, "'\\''");
		else
			pa_buffer_putc(out, *word);
	}
	pa_buffer_putc(out, '\'');
}

void pa_edit_add(struct pa_edit_commands *commands, const struct pa_buffer *text)
{
	if (commands->count == PA_EDIT_COMMANDS_MAX) {
		commands->failed = true;
		return;
	}
	commands->items[commands->count++] = pa_arena_strndup(commands->arena, text->data ? text->data : "", text->length);
}

int pa_edit_protocol(const struct pa_edit_rule *rule)
{
	for (size_t i = 0; i < rule->test_count; i++) {
		const struct pa_edit_test *test = &rule->tests[i];
		if (test->field == PA_FIELD_L4PROTO && !test->negated && test->values.count == 1 &&
		    test->values.items[0].first == test->values.items[0].last)
			return (int)test->values.items[0].first;
	}
	return -1;
}

/* Text from outside that a terminal could misread, or that would end the line, is in no command. */
static bool is_printable(const char *text)
{
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return pa_text_is_utf8(text, length);
}

void pa_edit_write(const struct pa_edit *edit, struct pa_edit_commands *commands)
{
	commands->count = 0;
	commands->failed = false;
	if (pa_edit_is_iptables(edit))
		pa_edit_write_iptables(edit, commands);
	else
		pa_edit_write_nft(edit, commands);
	for (size_t i = 0; i < commands->count; i++)
		commands->failed = commands->failed || !is_printable(commands->items[i]);
	if (commands->failed)
		commands->count = 0;
}

static void put_line(const struct pa_edit *edit, const char *text, struct pa_buffer *out)
{
	if (out->length)
		pa_buffer_putc(out, '\n');
	if (pa_edit_is_iptables(edit))
		pa_buffer_printf(out, "-A %s ", edit->chain->name);
	pa_buffer_puts(out, text);
}

bool pa_edit_lines(const struct pa_edit *edit, struct pa_buffer *out)
{
	struct pa_edit_commands rules = { .arena = pa_arena_new() };
	bool written = true;
	for (size_t i = 0; i < edit->rule_count && written; i++) {
		struct pa_buffer text = { 0 };
		if (pa_edit_is_iptables(edit))
			written = pa_edit_iptables_rule(edit, i, &rules);
		else if ((written = pa_edit_nft_rule(edit, i, &text)))
			pa_edit_add(&rules, &text);
		pa_buffer_done(&text);
	}
	written = written && !rules.failed;
	for (size_t i = 0; i < rules.count && written; i++)
		put_line(edit, rules.items[i], out);
	pa_arena_free(rules.arena);
	return written;
}

/* --- in words ------------------------------------------------------------------------------------------------------------- */

static void put_chain(const struct pa_chain *chain, struct pa_buffer *out)
{
	pa_buffer_printf(out, "chain %s ", pa_family_name(chain->table->family));
	pa_text_escape(chain->table->name, out);
	pa_buffer_putc(out, ' ');
	pa_text_escape(chain->name, out);
}

/* "`tcp dport 22 accept`", several with "and" */
static void put_new_rules(const struct pa_edit *edit, struct pa_buffer *out)
{
	struct pa_buffer lines = { 0 };
	if (!pa_edit_lines(edit, &lines) || !lines.data) {
		pa_buffer_puts(out, "a rule that has no short text");
	} else {
		pa_buffer_putc(out, '`');
		for (const char *at = lines.data; *at; at++) {
			char one[2] = { *at, '\0' };
			if (*at == '\n')
				pa_buffer_puts(out, "` and `");
			else
				pa_text_escape(one, out);
		}
		pa_buffer_putc(out, '`');
	}
	pa_buffer_done(&lines);
}

static void put_position(const struct pa_edit *edit, struct pa_buffer *out)
{
	if (edit->before) {
		pa_buffer_puts(out, " before ");
		pa_text_rule(edit->before, RULE_COLUMNS, out);
		return;
	}
	pa_buffer_puts(out, " at the end of ");
	put_chain(edit->chain, out);
}

void pa_edit_phrase(const struct pa_edit *edit, struct pa_buffer *out)
{
	switch (edit->kind) {
	case PA_EDIT_DELETE:
		pa_buffer_puts(out, "delete ");
		pa_text_rule(edit->rule, RULE_COLUMNS, out);
		break;
	case PA_EDIT_NARROW:
		pa_buffer_puts(out, "narrow ");
		pa_text_rule(edit->rule, RULE_COLUMNS, out);
		pa_buffer_puts(out, " to ");
		put_new_rules(edit, out);
		break;
	case PA_EDIT_MOVE:
		pa_buffer_puts(out, "move ");
		pa_text_rule(edit->rule, RULE_COLUMNS, out);
		put_position(edit, out);
		break;
	case PA_EDIT_INSERT:
		pa_buffer_puts(out, "add ");
		put_new_rules(edit, out);
		put_position(edit, out);
		break;
	case PA_EDIT_POLICY:
		pa_buffer_puts(out, "set policy drop in ");
		put_chain(edit->chain, out);
		break;
	}
}
