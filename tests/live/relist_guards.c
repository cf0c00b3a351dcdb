/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule's expressions as a list of tests, each with everything that is loaded into its register, and of effects between them. Tests
 * may change places as long as no effect is in between; one that was made before need not be made again.
 */
#include <stdlib.h>
#include <string.h>

#include "relist.h"

#define MOST 64
struct guard {
	char *text; /* "meta load l4proto | cmp eq 0x06" */
	unsigned segment;
	bool used;
};
struct guards {
	struct guard guard[MOST];
	size_t count;
	unsigned segment;
	char *loaded; /* since the last test */
};

/* "[ cmp eq reg 1 0x00000016 ]" without what is of no interest: registers, names of anonymous sets. */
static char *plain(const char *line, size_t length)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 2; i + 2 < length; i++) {
		if (strncmp(line + i, "reg ", 4) == 0) {
			i += 3 + strspn(line + i + 4, "0123456789");
			fputc('r', out);
		} else if (strncmp(line + i, "__set", 5) == 0 || strncmp(line + i, "__map", 5) == 0) {
			i += strcspn(line + i, " ") - 1;
			fputs("__x", out);
		} else {
			fputc(line[i], out);
		}
	}
	fclose(out);
	return text;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_test(const char *text)
{
	return begins(text, "cmp ") || begins(text, "range ") || (begins(text, "lookup ") && !strstr(text, " dreg "));
}

static bool is_effect(const char *text)
{
	return begins(text, "meta set") || begins(text, "ct set") || begins(text, "payload write") ||
	       begins(text, "exthdr write") || begins(text, "notrack") || begins(text, "dynset") || strstr(text, "dreg 0") ||
	       begins(text, "exthdr reset") || begins(text, "limit") || begins(text, "quota") || begins(text, "connlimit");
}

static void append(char **text, const char *more)
{
	char *joined = NULL;
	if (asprintf(&joined, "%s%s%s", *text ? *text : "", *text ? " | " : "", more) < 0)
		abort();
	free(*text);
	*text = joined;
}

static void add(struct guards *guards, const char *text)
{
	append(&guards->loaded, text);
	for (size_t i = 0; i < guards->count; i++)
		if (strcmp(guards->guard[i].text, guards->loaded) == 0 && !is_effect(text)) {
			free(guards->loaded);
			guards->loaded = NULL;
			return; /* made already */
		}
	if (guards->count < MOST)
		guards->guard[guards->count++] = (struct guard){ .text = guards->loaded, .segment = guards->segment };
	guards->loaded = NULL;
}

static void read_guards(struct guards *guards, const char *text)
{
	bool again = false; /* a second comparison of what is in the register: a range */
	char *kept = NULL;
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		char *line = plain(text, strcspn(text, "\n"));
		bool none = begins(line, "bitwise") && (strstr(line, "0xffffffff ) ^ 0x00000000") != NULL);
		if (begins(line, "counter") || begins(line, "log ") || none) {
			free(line);
			continue;
		}
		if (is_test(line) && again && !guards->loaded && kept)
			guards->loaded = strdup(kept);
		if (is_test(line)) {
			free(kept);
			kept = guards->loaded ? strdup(guards->loaded) : NULL;
			again = true;
			add(guards, line);
		} else if (is_effect(line)) {
			add(guards, line);
			guards->segment++;
			again = false;
		} else {
			append(&guards->loaded, line);
			again = false;
		}
		free(line);
	}
	free(kept);
	if (guards->loaded)
		add(guards, "end");
}

static void strike_common(struct guards *one, struct guards *other)
{
	for (size_t i = 0; i < one->count; i++)
		for (size_t j = 0; j < other->count && !one->guard[i].used; j++) {
			struct guard *a = &one->guard[i], *b = &other->guard[j];
			if (!b->used && a->segment == b->segment && strcmp(a->text, b->text) == 0)
				a->used = b->used = true;
		}
}

static void put_left(FILE *out, const char *name, const struct guards *guards)
{
	for (size_t i = 0; i < guards->count; i++)
		if (!guards->guard[i].used)
			fprintf(out, "\n    %s %s%s", name, guards->guard[i].segment ? "(late) " : "", guards->guard[i].text);
}

static void done(struct guards *guards)
{
	for (size_t i = 0; i < guards->count; i++)
		free(guards->guard[i].text);
}

char *relist_difference(const char *before, const char *after)
{
	struct guards one = { 0 }, other = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	read_guards(&one, before);
	read_guards(&other, after);
	strike_common(&one, &other);
	put_left(out, "lost", &one);
	put_left(out, "new ", &other);
	fclose(out);
	done(&one);
	done(&other);
	if (size)
		return text;
	free(text);
	return NULL;
}

/* --- what does not matter ------------------------------------------------------------------------------------------- */

static bool understood_as(const char *understood, const char *field, unsigned value)
{
	char *text = NULL;
	if (asprintf(&text, "%s 0:ff 0:%x-0:%x]", field, value, value) < 0)
		abort();
	bool found = strstr(understood, text) != NULL;
	free(text);
	return found;
}

/*
 * A line of the difference: a mask that is written as a prefix; an address of a flow in a table of its family; which ICMP error a
 * reject sends; a protocol that the program asks for all the same.
 */
static bool is_harmless_line(const char *line, const char *understood)
{
	const char *value = strstr(line, "cmp eq r 0x");
	unsigned long number = value ? strtoul(value + 9, NULL, 16) : 0;
	if (strstr(line, "| bitwise r = ( r & ") && strstr(line, ") ^ 0x00000000"))
		return true;
	if (strstr(line, "load src => r , dir") || strstr(line, "load dst => r , dir") || strstr(line, "reject type 0 code") ||
	    strstr(line, "reject type 2 code"))
		return true;
	if (strstr(line, "load nfproto"))
		return understood_as(understood, "meta nfproto", (unsigned)number);
	if (strstr(line, "load l4proto") || strstr(line, "load 1b @ network header + 9 "))
		return understood_as(understood, "meta l4proto", (unsigned)number);
	if (strstr(line, "load 1b @ network header + 6 "))
		return understood_as(understood, "ip6 nexthdr", (unsigned)number);
	if (number == 0x8 || number == 0xdd86) /* a table of one family, or the step that asks for it */
		return strstr(line, "load 2b @ link header + 12 ") || strstr(line, "load protocol") ||
		       strstr(line, "load 8b @ link header + 6 ");
	return strstr(line, "load 8b @ link header + 6 ") != NULL;
}

bool relist_is_harmless(const char *difference, const char *understood)
{
	bool harmless = true;
	unsigned lost = 0;
	for (const char *at = strchr(difference, '\n'); at; at = strchr(at + 1, '\n')) {
		char *line = strndup(at + 1, strcspn(at + 1, "\n"));
		lost += begins(line, "    lost ");
		harmless = harmless && (begins(line, "    new ") || is_harmless_line(line, understood));
		free(line);
	}
	return harmless && lost;
}
