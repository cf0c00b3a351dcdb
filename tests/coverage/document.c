/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage-document [HISTOGRAM.md]: doc/COVERAGE.md out of the registries of rules/nft. With a histogram of what rulesets use, the
 * last column says in how many of them what is opaque occurs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

/* --- how often ----------------------------------------------------------------------------------------------------- */

struct use {
	char kind[80];
	unsigned long rulesets;
};
static struct use uses[1024];
static size_t use_count;

/* "| E meta skuid | 6 | 0 | 0 | 0 |": expressions and statements only. */
static void read_line(const char *line)
{
	struct use *use = &uses[use_count];
	unsigned long number[4];
	if ((strncmp(line, "| E ", 4) != 0 && strncmp(line, "| S ", 4) != 0) || use_count == sizeof(uses) / sizeof(*uses))
		return;
	const char *end = strstr(line + 2, " | ");
	while (end && strstr(end, " | ") && (end[3] < '0' || end[3] > '9'))
		end = strstr(end + 3, " | ");
	if (!end || (size_t)(end - line) - 2 >= sizeof(use->kind) ||
	    sscanf(end, " | %lu | %lu | %lu | %lu", &number[0], &number[1], &number[2], &number[3]) != 4)
		return;
	memcpy(use->kind, line + 2, (size_t)(end - line) - 2);
	use->rulesets = number[0] + number[1] + number[2] + number[3];
	use_count++;
}

static void read_histogram(const char *path)
{
	char line[512];
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		read_line(line);
	if (file)
		fclose(file);
}

static unsigned long used(const char *kind)
{
	for (size_t i = 0; i < use_count; i++)
		if (strcmp(uses[i].kind, kind) == 0)
			return uses[i].rulesets;
	return 0;
}

static unsigned long used_beginning(const char *kind)
{
	unsigned long most = 0;
	for (size_t i = 0; i < use_count; i++)
		if (strncmp(uses[i].kind, kind, strlen(kind)) == 0 && uses[i].rulesets > most)
			most = uses[i].rulesets;
	return most;
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */

static void put_cell(const char *text)
{
	for (; *text; text++)
		printf(*text == '|' ? "\\|" : "%c", *text);
}

static void put_row(const char *what, const char *treatment, const char *means, const char *since, unsigned long rulesets)
{
	fputs("| `", stdout);
	put_cell(what);
	printf("` | %s | %s | %s |", treatment, means, since);
	if (rulesets)
		printf(" %lu", rulesets);
	puts(" |");
}

static void put_head(const char *title, const char *first, const char *third)
{
	printf("\n## %s\n\n| %s | treatment | %s | since | rulesets |\n|---|---|---|---|---|\n", title, first, third);
}

static const char *reason_text(enum pa_nft_reason_id reason)
{
	return reason == PA_REASON_NONE ? "" : pa_nft_reasons[reason].text;
}

static const char *treatment_name(enum pa_treatment treatment)
{
	static const char *const names[] = { "exact", "state", "host", "opaque" };
	return names[treatment];
}

/* "tcp dport", "exthdr frag exists", "ct original saddr", "fib daddr . iif type" */
static void key_text(const struct pa_nft_group *group, const struct pa_nft_key *key, char out[128])
{
	const char *expression = group->expression;
	bool bare = strcmp(expression, "payload") == 0 || (strcmp(expression, "exthdr") == 0 && *key->name);
	if (strcmp(expression, "fib") == 0)
		snprintf(out, 128, "fib %s %s", *key->name == '*' ? "..." : key->name, group->name);
	else
		snprintf(out, 128, "%s%s%s%s%s", bare ? "" : expression, bare ? "" : " ", group->name, *group->name ? " " : "",
			 *key->name ? key->name : "exists");
}

/* As the histogram names it; options and extension headers are counted as a whole. */
static unsigned long key_uses(const struct pa_nft_group *group, const struct pa_nft_key *key)
{
	char kind[160];
	const char *expression = group->expression;
	if (strcmp(expression, "fib") == 0) {
		snprintf(kind, sizeof(kind), "E fib %s ", group->name);
		return used_beginning(kind);
	}
	if (strcmp(expression, "exthdr") == 0 || strcmp(expression, "ct") == 0 || strcmp(expression, "payload") == 0)
		snprintf(kind, sizeof(kind), "E %s %s%s%s", expression, group->name, *group->name && *key->name ? " " : "",
			 key->name);
	else
		snprintf(kind, sizeof(kind), "E %s %s", expression, *group->name ? "" : key->name);
	return used(kind);
}

static void put_key(const struct pa_nft_group *group, const struct pa_nft_key *key)
{
	char text[128];
	key_text(group, key, text);
	if (key->is_opaque) {
		bool of_host = key->is_linked || key->fib != PA_FIB_NONE;
		put_row(text, treatment_name(of_host ? PA_TREATMENT_HOST : PA_TREATMENT_OPAQUE),
			pa_nft_reasons[key->reason].text, key->since, key_uses(group, key));
		return;
	}
	const struct pa_field_info *field = pa_field_info(key->field);
	put_row(text, treatment_name(field->treatment), key->is_zero ? "0, unless a rule sets it" : field->name, key->since, 0);
}

static void put_keys(void)
{
	const char *expression = "";
	for (size_t i = 0; i < PA_GROUP_COUNT; i++) {
		const struct pa_nft_group *group = &pa_nft_groups[i];
		char title[64];
		snprintf(title, sizeof(title), "Keys: %s", group->expression);
		if (strcmp(expression, group->expression) != 0)
			put_head(title, "nft", "field, or why not");
		expression = group->expression;
		for (const struct pa_nft_key *key = group->keys; key->name; key++)
			put_key(group, key);
	}
}

static unsigned long expression_uses(const char *name)
{
	char kind[64];
	snprintf(kind, sizeof(kind), "E %s", name);
	return used(kind);
}

static void put_expressions(void)
{
	put_head("Expressions", "nft, for example", "why not");
#define WORD_EXACT "exact"
#define WORD_OPAQUE "opaque"
#define WORD_KEYS "by key"
#define WORD_STATE "state"
#define WORD_NOTHING "no effect"
#define WORD_REFUSED "refused"
#define EXPRESSION(name, lowering, text, treatment, reason, since, example)        \
	put_row(example, WORD_##treatment, reason_text(PA_REASON_##reason), since, \
		PA_REASON_##reason == PA_REASON_NONE ? 0 : expression_uses(name));
#include "nft_expression.def"
#undef EXPRESSION
}

static unsigned long statement_uses(const char *name)
{
	char kind[64];
	snprintf(kind, sizeof(kind), "S %s", name);
	unsigned long whole = used(kind);
	return whole ? whole : used_beginning(kind);
}

static void put_statements(void)
{
	put_head("Statements", "nft, for example", "why not");
#define STATEMENT(name, lowering, treatment, reason, since, example)               \
	put_row(example, WORD_##treatment, reason_text(PA_REASON_##reason), since, \
		PA_REASON_##reason == PA_REASON_NONE ? 0 : statement_uses(name));
#include "nft_statement.def"
#undef STATEMENT
}

static void put_objects(void)
{
	put_head("Objects", "object", "what it means");
#define OBJECT(name, kind, treatment, meaning) put_row(name, WORD_##treatment, meaning, "0.1.0", 0);
#include "nft_object.def"
#undef OBJECT
}

int main(int argc, char **argv)
{
	if (argc > 1)
		read_histogram(argv[1]);
	puts("<!-- Written by tests/coverage/document from the registries of rules/nft; `cmake --build --preset dev --target coverage-page` "
	     "writes it anew. -->\n"
	     "# What portaudit knows of nftables\n\n"
	     "Every statement and expression that nftables (1.0.6 to 1.1) can print, and every key. *exact*: decided by the packet's headers or\n"
	     "its flow. *state*: changed by rules on the way, tracked by value. *host*: known from the host's addresses, routes and interfaces, and\n"
	     "where those are not known a named condition. *opaque*: cannot be\n"
	     "decided from a packet, for the reason given; a rule that asks it makes the answer two-sided (certain, possible) and is named.\n"
	     "*no effect*: has no say in what gets in. *since* is the version of portaudit that first had it so. *rulesets*: in how many of 709\n"
	     "rulesets (public ones, those of firewall managers, nftables' own tests) what is opaque occurs; options and headers are counted as a\n"
	     "whole.\n\n"
	     "Bytes by place (`@nh,96,32`) are the field that lies there, or a part of one, where table or rule say which header it is; else\n"
	     "they are opaque. A mask that would make more than 4096 intervals of a field is opaque too. `add`, `update` and `delete` of a set\n"
	     "make tests of that set two-sided. What has no row is opaque and may do anything, and\n"
	     "a test holds the rulesets of others against these tables.");
	put_statements();
	put_expressions();
	put_keys();
	put_objects();
	return 0;
}
