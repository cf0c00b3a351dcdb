/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "did you mean": the nearest of the words that are legal at a place. */
#include <ctype.h>
#include <string.h>

#include "allow.h"

/* A third of the word may be wrong: 'admim' suggests 'admins', 'ntp' does not suggest 'ssh'. */
struct pa_suggestion pa_suggestion_start(struct pa_allow *allow, const char *text, size_t length)
{
	struct pa_suggestion suggestion = { .allow = allow };
	if (length < 2 || length > PA_ALLOW_WORD_SHOWN)
		return suggestion;
	for (size_t i = 0; i < length; i++)
		suggestion.word[i] = (char)tolower((unsigned char)text[i]);
	suggestion.length = length;
	suggestion.distance = (length < 5 ? 1 : (unsigned)(length + 1) / 3) + 1;
	return suggestion;
}

/* The budget keeps a file full of errors and names from taking minutes. */
void pa_suggestion_offer(struct pa_suggestion *suggestion, const char *candidate)
{
	size_t length = strlen(candidate);
	size_t apart = length > suggestion->length ? length - suggestion->length : suggestion->length - length;
	if (suggestion->length == 0 || apart >= suggestion->distance || suggestion->allow->suggestion_budget == 0)
		return;
	suggestion->allow->suggestion_budget--;
	unsigned distance = pa_text_distance(suggestion->word, candidate);
	if (distance < suggestion->distance) {
		suggestion->distance = distance;
		suggestion->best = candidate;
	}
}

void pa_suggestion_offer_all(struct pa_suggestion *suggestion, const char *const *candidates)
{
	for (; *candidates; candidates++)
		pa_suggestion_offer(suggestion, *candidates);
}

const char *pa_suggestion_help(const struct pa_suggestion *suggestion, const char *otherwise)
{
	return suggestion->best ? pa_allow_text(suggestion->allow, "did you mean '%s'?", suggestion->best) : otherwise;
}
