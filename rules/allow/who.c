/* SPDX-License-Identifier: GPL-2.0-or-later */
/* whos = who { "," who }: who may listen. */
#include <ctype.h>
#include <string.h>

#include "allow.h"

enum who_word { WHO_USER, WHO_GROUP, WHO_EXE, WHO_UNIT, WHO_CAPABILITY };
static const char *const who_words[] = { "user", "group", "exe", "unit", "capability", NULL };

static const char *const capability_words[] = {
#define CAPABILITY(bit, name) [bit] = name,
#include "capability.def"
#undef CAPABILITY
	NULL,
};

bool pa_cursor_is_who(const struct pa_cursor *cursor)
{
	struct pa_cursor ahead = *cursor;
	return pa_cursor_choose(&ahead, who_words) >= 0;
}

/* "CAP_NET_BIND_SERVICE", "cap_net_bind_service", "net_bind_service" */
static const char *capability_name(struct pa_allow *allow, const char *word)
{
	char *lower = pa_arena_strdup(allow->scratch, word);
	for (char *at = lower; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return strncmp(lower, "cap_", 4) == 0 ? lower : pa_allow_text(allow, "cap_%s", lower);
}

static void add_capability(struct pa_cursor *cursor, struct pa_place place, const char *word, struct pa_who *who)
{
	struct pa_allow *allow = cursor->allow;
	const char *name = capability_name(allow, word);
	for (unsigned bit = 0; capability_words[bit]; bit++) {
		if (pa_text_equal(capability_words[bit], name)) {
			who->capabilities |= UINT64_C(1) << bit;
			return;
		}
	}
	struct pa_suggestion suggestion = pa_suggestion_start(allow, name, strlen(name));
	pa_suggestion_offer_all(&suggestion, capability_words);
	pa_allow_meaning_error(allow, place, pa_suggestion_help(&suggestion, "capabilities(7) lists them"),
			       "unknown capability '%s'", pa_allow_shown(allow, word, strlen(word)));
}

/* A program is named by its path: a name alone could be anybody's. */
static const char *checked_path(struct pa_cursor *cursor, struct pa_place place, const char *word)
{
	if (word[0] != '/' && word[0] != '*')
		pa_allow_meaning_error(cursor->allow, place, "write the whole path, as in exe /usr/sbin/sshd",
				       "'%s' is no path", pa_allow_shown(cursor->allow, word, strlen(word)));
	return word;
}

/* As systemctl(1) does, a unit without a suffix is a service. */
static const char *unit_name(struct pa_cursor *cursor, const char *word)
{
	return strchr(word, '.') || strchr(word, '*') ? word
						      : pa_arena_printf(cursor->allow->policy->arena, "%s.service", word);
}

static void add_word(struct pa_cursor *cursor, enum who_word kind, struct pa_place place, const char *word, struct pa_who *who)
{
	switch (kind) {
	case WHO_USER:
		who->user = word;
		break;
	case WHO_GROUP:
		who->group = word;
		break;
	case WHO_EXE:
		who->executable = checked_path(cursor, place, word);
		break;
	case WHO_UNIT:
		who->unit = unit_name(cursor, word);
		break;
	case WHO_CAPABILITY:
		add_capability(cursor, place, word, who);
		break;
	}
}

static bool take_word(struct pa_cursor *cursor, const char **ret_word)
{
	if (pa_cursor_is(cursor, PA_TOKEN_STRING)) {
		*ret_word = pa_token_string(cursor->allow, cursor->at++);
		return true;
	}
	if (!pa_cursor_is(cursor, PA_TOKEN_WORD)) {
		pa_cursor_expected(cursor, pa_allow_text(cursor->allow, "a name after '%.*s'", (int)cursor->at[-1].length,
							 cursor->at[-1].text));
		return false;
	}
	*ret_word = pa_arena_strdup(cursor->allow->policy->arena, pa_cursor_word(cursor));
	return true;
}

/* who = 1*( ( "user" | "group" | "exe" | "unit" | "capability" ) WORD ): at least one, and all that follow. */
static bool parse_who(struct pa_cursor *cursor, struct pa_who *who)
{
	const struct pa_token *first = cursor->at;
	unsigned seen = 0;
	if (!pa_cursor_is_who(cursor)) {
		pa_cursor_unexpected(cursor, who_words);
		return false;
	}
	while (pa_cursor_is_who(cursor)) {
		struct pa_place keyword = pa_cursor_place(cursor);
		int kind = pa_cursor_choose(cursor, who_words);
		struct pa_place place = pa_cursor_place(cursor);
		const char *word;
		if (!take_word(cursor, &word))
			return false;
		if (kind != WHO_CAPABILITY && seen & 1u << kind)
			pa_allow_meaning_error(cursor->allow, keyword, "a comma says 'or'",
					       "'%s' is given twice for one listener", who_words[kind]);
		seen |= 1u << kind;
		add_word(cursor, (enum who_word)kind, place, word, who);
	}
	who->text = pa_tokens_text(cursor->allow, first, cursor->at);
	return true;
}

/* Room for one more: twice as much whenever it is full, that is, at a power of two. */
static struct pa_who *next_who(struct pa_arena *arena, struct pa_whos *whos)
{
	if ((whos->count & (whos->count - 1)) == 0) {
		struct pa_who *longer = pa_arena_alloc(arena, whos->count ? 2 * whos->count : 1, sizeof(*longer));
		if (whos->count)
			memcpy(longer, whos->items, whos->count * sizeof(*longer));
		whos->items = longer;
	}
	return &whos->items[whos->count++];
}

bool pa_parse_whos(struct pa_cursor *cursor, struct pa_whos *ret_whos)
{
	do {
		if (!parse_who(cursor, next_who(cursor->allow->policy->arena, ret_whos)))
			return false;
	} while (pa_cursor_take(cursor, PA_TOKEN_COMMA));
	return true;
}
