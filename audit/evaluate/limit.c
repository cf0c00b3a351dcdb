/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits in one spelling: `limit rate 5/second` of nft and `-m limit --limit 5/sec` of iptables. Both are a bucket of `burst` tokens
 * (5 unless given) that fills at the rate; the kernel rounds the time of a token to 1/10,000 s (xt_limit) or to nanoseconds
 * (nft_limit), and that is taken for the same.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "evaluation.h"

#define USUAL_BURST 5

struct limit {
	unsigned long rate, burst;
	unsigned unit; /* in seconds */
	bool over;
};

static bool take_word(const char **at, const char *word)
{
	size_t length = strlen(word);
	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

static bool take_number(const char **at, unsigned long *ret_number)
{
	char *end;
	if (!isdigit((unsigned char)**at))
		return false;
	*ret_number = strtoul(*at, &end, 10);
	*at = end;
	return *ret_number > 0 && *ret_number < 1000000000;
}

/* Any beginning of the name will do for iptables: "s", "sec"; a week is nft's alone. */
static bool take_unit(const char **at, unsigned *ret_seconds)
{
	static const struct {
		const char *name;
		unsigned seconds;
	} units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 }, { "week", 604800 } };
	size_t length = strspn(*at, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; length && i < sizeof(units) / sizeof(*units); i++) {
		if (strncmp(units[i].name, *at, length) == 0 && length <= strlen(units[i].name)) {
			*ret_seconds = units[i].seconds;
			*at += length;
			return true;
		}
	}
	return false;
}

/* "limit rate over 5/second burst 10 packets"; not of bytes. */
static bool read_nft(const char *text, struct limit *ret_limit)
{
	if (!take_word(&text, "limit rate "))
		return false;
	ret_limit->over = take_word(&text, "over ");
	if (!take_number(&text, &ret_limit->rate) || !take_word(&text, "/") || !take_unit(&text, &ret_limit->unit))
		return false;
	if (take_word(&text, " burst ") && !(take_number(&text, &ret_limit->burst) && take_word(&text, " packets")))
		return false;
	return *text == '\0';
}

/* "-m limit --limit 5/sec --limit-burst 10", in either order; 3/hour unless given */
static bool read_iptables(const char *text, struct limit *ret_limit)
{
	if (!take_word(&text, "-m limit"))
		return false;
	ret_limit->rate = 3;
	ret_limit->unit = 3600;
	while (*text) {
		if (take_word(&text, " --limit-burst ")) {
			if (!take_number(&text, &ret_limit->burst))
				return false;
		} else if (!take_word(&text, " --limit ") || !take_number(&text, &ret_limit->rate) || !take_word(&text, "/") ||
			   !take_unit(&text, &ret_limit->unit)) {
			return false;
		}
	}
	return true;
}

const char *pa_canonical_words(struct pa_evaluation *e, const char *text)
{
	struct limit nft = { .burst = USUAL_BURST }, iptables = nft;
	bool is_nft = text && read_nft(text, &nft);
	if (!text || (!is_nft && !read_iptables(text, &iptables)))
		return text;
	const struct limit limit = is_nft ? nft : iptables;
	struct pa_buffer words = { 0 };
	pa_buffer_printf(&words, "limit of %lu in %u s%s, burst %lu", limit.rate, limit.unit,
			 limit.over ? ", when exceeded" : "", limit.burst);
	const char *canonical = pa_intern(e, words.data);
	pa_buffer_done(&words);
	return canonical;
}
