/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The canonical text of a rule of iptables, taken apart: words are parted by single blanks, and quoted where they hold one. */
#include "portaudit/ruleset.h"

static const char *take_word(const char *text, struct pa_buffer *word)
{
	bool quoted = *text == '"';

	pa_buffer_clear(word);
	for (text += quoted; *text && *text != (quoted ? '"' : ' '); text++) {
		if (quoted && *text == '\\' && text[1])
			text++;
		pa_buffer_putc(word, *text);
	}
	if (quoted && *text)
		text++;
	return *text == ' ' ? text + 1 : text;
}

const char **pa_rule_words(const struct pa_rule *rule, struct pa_arena *arena)
{
	size_t count = 1;
	struct pa_buffer word = { 0 };
	const char **words;

	for (const char *c = rule->text; *c; c++)
		count += *c == ' ';
	words = pa_arena_alloc(arena, count + 1, sizeof(*words));
	count = 0;
	for (const char *at = rule->text; *at;) {
		at = take_word(at, &word);
		words[count++] = pa_arena_strndup(arena, word.data ? word.data : "", word.length);
	}
	pa_buffer_done(&word);
	return words;
}
