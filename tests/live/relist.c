/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "relist.h"

static const char usage[] =
	"relist: what nft's listing of random rules loses (root, a network namespace of its own)\n"
	"  relist [--seed N] [--rounds N] [--seconds N] [--save DIR] [--ask]\n"
	"A round is 300 rules of one table. --save: the smallest rule of each class as DIR/relist-N.nft\n"
	"--ask: what the program makes of the rules as well\n"
	"Exit: 0 done, 1 the program did not notice something, 2 usage, 3 nothing could be loaded, 77 no namespaces here.\n";

#define ROUND 300
#define CLASSES 2000

struct class
{
	char *key, *rule, *difference, *listing;
	enum relist_table table;
	unsigned long count;
};
static struct class classes[CLASSES];
static size_t class_count;
static unsigned long tried, refused, unlisted, different;

/* Constants do not make another class. */
static char *key_of(const char *difference)
{
	char *key = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&key, &size);
	for (const char *at = difference; *at; at++) {
		if (strncmp(at, "0x", 2) == 0) {
			at += 1 + strspn(at + 2, "0123456789abcdef");
			fputc('#', out);
			while (at[1] == ' ' && strncmp(at + 2, "0x", 2) == 0)
				at += 3 + strspn(at + 4, "0123456789abcdef");
		} else {
			fputc(*at, out);
		}
	}
	fclose(out);
	return key;
}

static struct class *find(const char *key)
{
	for (size_t i = 0; i < class_count; i++)
		if (strcmp(classes[i].key, key) == 0)
			return &classes[i];
	return NULL;
}

/* Does the rule without one part show the same? */
static bool still(enum relist_table table, const struct relist_rule *rule, const char *key)
{
	char *text = relist_rule_text(rule), *now = NULL;
	struct relist_outcome outcome;
	relist_try(table, &text, 1, &outcome);
	if (outcome.result == RELIST_DIFFERENT || outcome.result == RELIST_UNLISTED)
		now = key_of(outcome.difference);
	bool same = now && strcmp(now, key) == 0;
	relist_outcome_done(&outcome);
	free(text);
	free(now);
	return same;
}

static void shrink(enum relist_table table, struct relist_rule *rule, const char *key)
{
	for (size_t i = 0; i < rule->parts;) {
		struct relist_rule less = *rule;
		memmove(&less.part[i], &less.part[i + 1], (--less.parts - i) * sizeof(*less.part));
		if (less.parts && still(table, &less, key)) {
			free(rule->part[i]);
			*rule = less;
		} else {
			i++;
		}
	}
}

/* A faithful listing of which the program says that it is not; one that is not, of which the program knows nothing. */
static unsigned long alarms, silent;

static void hold_against(const char *rule, const struct relist_outcome *outcome)
{
	if (!outcome->understood)
		return;
	bool named = strstr(outcome->understood, "(a ") || strstr(outcome->understood, "(what ");
	if (outcome->result == RELIST_SAME && named) {
		alarms++;
		printf("named without cause: %s\n    listed %s\n    understood %s\n", rule, outcome->listing,
		       outcome->understood);
	}
	if (outcome->result == RELIST_DIFFERENT && outcome->understood_again &&
	    strcmp(outcome->understood, outcome->understood_again) == 0 &&
	    !relist_is_harmless(outcome->difference, outcome->understood)) {
		silent++;
		printf("not noticed: %s\n    listed %s%s\n    understood %s\n", rule, outcome->listing, outcome->difference,
		       outcome->understood);
	}
}

static void note(enum relist_table table, struct relist_rule *rule, const struct relist_outcome *outcome)
{
	char *key = key_of(outcome->difference);
	struct class *class = find(key);
	if (class) {
		class->count++;
		free(key);
		return;
	}
	if (class_count == CLASSES)
		return;
	shrink(table, rule, key);
	char *text = relist_rule_text(rule);
	struct relist_outcome again;
	relist_try(table, &text, 1, &again);
	classes[class_count++] = (struct class){ .key = key,
						 .table = table,
						 .count = 1,
						 .rule = text,
						 .listing = again.listing ? strdup(again.listing) : NULL,
						 .difference = again.difference ? strdup(again.difference) : NULL };
	relist_outcome_done(&again);
}

static bool go_round(struct chance *chance)
{
	struct relist_rule rules[ROUND];
	struct relist_outcome outcomes[ROUND];
	char *texts[ROUND];
	enum relist_table table = chance_below(chance, RELIST_TABLES);
	for (size_t i = 0; i < ROUND; i++) {
		relist_rule_draw(chance, table, &rules[i]);
		texts[i] = relist_rule_text(&rules[i]);
	}
	bool done = relist_try(table, texts, ROUND, outcomes);
	for (size_t i = 0; i < ROUND; i++) {
		tried++;
		refused += outcomes[i].result == RELIST_REFUSED;
		unlisted += outcomes[i].result == RELIST_UNLISTED;
		different += outcomes[i].result == RELIST_DIFFERENT;
		hold_against(texts[i], &outcomes[i]);
		if (done && (outcomes[i].result == RELIST_DIFFERENT || outcomes[i].result == RELIST_UNLISTED))
			note(table, &rules[i], &outcomes[i]);
		relist_outcome_done(&outcomes[i]);
		relist_rule_done(&rules[i]);
		free(texts[i]);
	}
	return done;
}

static bool write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	if (!file)
		return false;
	bool written = fputs(text, file) >= 0;
	return fclose(file) == 0 && written;
}

static void save(const char *folder, size_t number, const struct class *class)
{
	char *path = NULL, *text = NULL, *base = relist_base(class->table);
	const char *name = relist_table_name[class->table], *rule = class->rule;
	const char *hook = strstr(rule, "dnat") || strstr(rule, "redirect")	? "type nat hook prerouting priority -100"
			   : strstr(rule, "snat") || strstr(rule, "masquerade") ? "type nat hook postrouting priority 100"
			   : strstr(rule, "tproxy")				? "type filter hook prerouting priority -150"
			   : class->table == RELIST_NETDEV
				   ? "type filter hook ingress devices = { eth0, eth1, lan0 } priority 0"
				   : "type filter hook input priority 0";
	static const char *const ends[] = { "accept",	"drop",	      "return", "c9",	  "reject",   "dnat", "snat",
					    "redirect", "masquerade", "queue",	"tproxy", "synproxy", "vmap" };
	bool ended = false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		ended = ended || strstr(rule, ends[i]);
	if (asprintf(&path, "%s/relist-%04zu.nft", folder, number) < 0 ||
	    asprintf(&text, "%sadd chain %s t base { %s; policy drop; }\nadd rule %s t base %s %s\n", base, name, hook, name,
		     rule, ended ? "" : "accept") < 0 ||
	    !write_file(path, text))
		fprintf(stderr, "relist: %s cannot be written\n", path);
	free(path);
	free(text);
	free(base);
}

static int by_count(const void *a, const void *b)
{
	const struct class *one = a, *other = b;
	return one->count < other->count ? 1 : -(one->count > other->count);
}

static void report(const char *folder)
{
	qsort(classes, class_count, sizeof(*classes), by_count);
	for (size_t i = 0; i < class_count; i++) {
		const struct class *class = &classes[i];
		printf("%zu: %lu times, %s: %s\n    listed %s%s\n", i, class->count, relist_table_name[class->table],
		       class->rule, class->listing ? class->listing : "?", class->difference ? class->difference : "");
		if (folder)
			save(folder, i, class);
	}
	if (relist_asks)
		printf("named without cause: %lu, not noticed: %lu\n", alarms, silent);
	printf("%lu rules, %lu refused, %lu whose listing is refused, %lu differ in %zu ways\n", tried, refused, unlisted,
	       different, class_count);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },    { "rounds", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 't' }, { "save", required_argument, NULL, 'o' },
		{ "ask", no_argument, NULL, 'a' },	     { NULL, 0, NULL, 0 }
	};
	unsigned long seed = 1, rounds = 10, seconds = 0;
	const char *folder = NULL;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == '?') {
			fputs(usage, stderr);
			return 2;
		}
		if (option == 'a') {
			relist_asks = true;
			continue;
		}
		*(option == 's'	  ? &seed
		  : option == 'r' ? &rounds
				  : &seconds) = option == 'o' ? seconds : strtoul(optarg, NULL, 10);
		if (option == 'o')
			folder = optarg;
	}
	if (unshare(CLONE_NEWNET)) {
		puts("NOT RUN: no network namespace of our own");
		return 77;
	}
	time_t end = time(NULL) + (time_t)seconds;
	struct chance chance = { (seed + 1) * 0x9e3779b97f4a7c15u };
	unsigned long done = 0, given_up = 0;
	for (unsigned long i = 0; seconds ? time(NULL) < end : i < rounds; i++)
		*(go_round(&chance) ? &done : &given_up) += 1;
	if (given_up)
		printf("%lu rounds whose rules nft itself does not list\n", given_up);
	report(folder);
	return !done ? 3 : silent ? 1 : 0;
}
