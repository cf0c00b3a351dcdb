/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wide part of the grammar: rows of phrase.def and block.def with values drawn into them. */
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

enum {
	PRE = 1 << HOOK_PREROUTING,
	IN = 1 << HOOK_INPUT,
	FWD = 1 << HOOK_FORWARD,
	OUT = 1 << HOOK_OUTPUT,
	POST = 1 << HOOK_POSTROUTING,
	ING = 1 << HOOK_INGRESS,
	EGR = 1 << HOOK_EGRESS,
	ANY = 1 << 8, /* in chains that are jumped to as well */
	INET = 1 << 9,
};

struct phrase {
	enum phrase_kind kind;
	int family;
	const char *transport;
	unsigned where;
	const char *text;
};

#define tcp "tcp"
#define udp "udp"
#define udplite "udplite"
#define sctp "sctp"
#define dccp "dccp"
#define icmp "icmp"
#define icmpv6 "icmpv6"
#define several grammar_several
#define PHRASE(kind, family, transport, where, text) { PHRASE_##kind, family, transport, where, text },
static const struct phrase phrases[] = {
#include "phrase.def"
};
#undef tcp
#undef udp
#undef udplite
#undef sctp
#undef dccp
#undef icmp
#undef icmpv6
#undef several
#define PHRASES (sizeof(phrases) / sizeof(phrases[0]))

static const struct {
	const char *name;
	int family;
	const char *text;
} blocks[] = {
#define BLOCK(name, family, text) { #name, family, text },
#include "block.def"
};
#define BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

/* How far each letter's list has been drawn from in this text: the next value is another one. */
struct drawing {
	struct grammar *grammar;
	uint32_t next[128];
};

static void draw_next(struct drawing *drawing, FILE *out, char letter, const char *const *from, uint32_t count)
{
	uint32_t *next = &drawing->next[(unsigned char)letter];
	if (*next == 0)
		*next = 1 + chance_below(drawing->grammar->chance, count);
	fputs(from[*next % count], out);
	(*next)++;
}

/* Prefixes of every length, some inside others. */
static void draw_big(struct drawing *drawing, FILE *out)
{
	struct chance *chance = drawing->grammar->chance;
	unsigned count = 20 + chance_below(chance, 60);
	for (unsigned i = 0; i < count; i++) {
		unsigned length = 9 + chance_below(chance, 24);
		uint32_t address = chance_of(chance, 40) ? 0x0a000000u | chance_below(chance, 1024)
							 : 0xcb007100u | chance_below(chance, 256);
		address &= length == 32 ? 0xffffffffu : ~(0xffffffffu >> length);
		fprintf(out, "%s%u.%u.%u.%u/%u", i ? ", " : "", address >> 24, address >> 16 & 255, address >> 8 & 255,
			address & 255, length);
	}
}

static void draw_verdict(struct drawing *drawing, FILE *out)
{
	char *text = grammar_verdict(drawing->grammar);
	fputs(text, out);
	free(text);
}

static void draw(struct drawing *drawing, FILE *out, char letter)
{
	const char *const *from;
	uint32_t count = grammar_list(letter, &from);
	switch (letter) {
	case 'o':
		fputs(chance_of(drawing->grammar->chance, 25) ? "!= " : "", out);
		break;
	case 'v':
		draw_verdict(drawing, out);
		break;
	case 'B':
		draw_big(drawing, out);
		break;
	default:
		draw_next(drawing, out, letter, from, count);
		break;
	}
}

static char *expand(struct grammar *grammar, const char *text)
{
	struct drawing drawing = { .grammar = grammar };
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);
	for (; *text; text++)
		if (*text == '$' && text[1])
			draw(&drawing, out, *++text);
		else
			fputc(*text, out);
	fclose(out);
	return result;
}

static bool stands_here(const struct grammar *grammar, unsigned where)
{
	if (where & INET && grammar->family != 0)
		return false;
	return where & ANY || (grammar->base && where >> grammar->hook & 1);
}

/* A set of the other family is in no table of this one. */
static bool fits(const struct grammar *grammar, const struct phrase *phrase, enum phrase_kind kind)
{
	int other = phrase->family ? 10 - phrase->family : -1;
	if (phrase->kind != kind || !stands_here(grammar, phrase->where))
		return false;
	return grammar->family != other && grammar->network != other;
}

char *phrase_draw(struct grammar *grammar, enum phrase_kind kind)
{
	for (int attempt = 0; attempt < 400; attempt++) {
		const struct phrase *phrase = &phrases[chance_below(grammar->chance, PHRASES)];
		if (!fits(grammar, phrase, kind) || (phrase->transport && !grammar_want_transport(grammar, phrase->transport)))
			continue;
		if (phrase->family)
			grammar->network = phrase->family;
		return expand(grammar, phrase->text);
	}
	return NULL;
}

/* The name stands in the text, and is not the beginning of another one. */
static bool is_named(const char *text, const char *name)
{
	size_t size = strlen(name);
	for (const char *at = strstr(text, name); at; at = strstr(at + 1, name))
		if (!strchr("abcdefghijklmnopqrstuvwxyz_", at[size]) || !at[size])
			return true;
	return false;
}

char *block_draw(struct grammar *grammar, size_t index, const char *rules)
{
	char *text, *head;
	if (!is_named(rules, blocks[index].name))
		return strdup("");
	text = expand(grammar, blocks[index].text);
	head = say("\t%s\n", text);
	free(text);
	return head;
}

size_t block_count(void)
{
	return BLOCKS;
}
