/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules into the kernel and out again, by libnftables. */
#include <ctype.h>
#include <nftables/libnftables.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "relist.h"

const char *const relist_table_name[RELIST_TABLES] = { "ip", "ip6", "inet", "netdev", "bridge" };

char *relist_base(enum relist_table table)
{
	const char *name = relist_table_name[table];
	char *text = NULL;
	if (asprintf(&text,
		     "add table %s t\nadd chain %s t c\nadd chain %s t c9\n"
		     "add set %s t w4 { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 }; }\n"
		     "add set %s t wp { type inet_service; flags interval; elements = { 22, 80-90 }; }\n"
		     "add set %s t wd { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1h; }\n",
		     name, name, name, name, name, name) < 0)
		abort();
	return text;
}

static struct nft_ctx *nft;
static sigjmp_buf before_abort;

static struct nft_ctx *context(void)
{
	if (!nft) {
		nft = nft_ctx_new(NFT_CTX_DEFAULT);
		nft_ctx_buffer_output(nft);
		nft_ctx_buffer_error(nft);
	}
	return nft;
}

static void leave(int signal)
{
	siglongjmp(before_abort, signal);
}

/* Some rules are too much for nft: an assertion fails. Its memory is lost then, which is bearable here. */
static bool run(const char *command)
{
	struct sigaction act = { .sa_handler = leave, .sa_flags = SA_NODEFER }, old;
	sigaction(SIGABRT, &act, &old);
	sigaction(SIGSEGV, &act, &old);
	if (sigsetjmp(before_abort, 1)) {
		nft = NULL;
		sigaction(SIGABRT, &old, NULL);
		sigaction(SIGSEGV, &old, NULL);
		return false;
	}
	bool done = nft_run_cmd_from_buffer(context(), command) == 0;
	sigaction(SIGABRT, &old, NULL);
	sigaction(SIGSEGV, &old, NULL);
	return done;
}

static bool add_rule(enum relist_table table, const char *rule)
{
	char *command = NULL;
	if (asprintf(&command, "add rule %s t c %s", relist_table_name[table], rule) < 0)
		abort();
	bool done = run(command);
	free(command);
	return done;
}

static bool start(enum relist_table table)
{
	char *base = relist_base(table);
	bool done = run("flush ruleset") && run(base);
	if (!done)
		fprintf(stderr, "relist: %s\n", nft_ctx_get_error_buffer(context()));
	free(base);
	return done;
}

/* The kernel's expressions of each rule, and then the listing. */
static char *list(void)
{
	nft_ctx_output_set_debug(context(), NFT_DEBUG_NETLINK);
	bool done = run("list ruleset");
	nft_ctx_output_set_debug(context(), 0);
	return done ? strdup(nft_ctx_get_output_buffer(context())) : NULL;
}

static char *line_at(const char *text)
{
	return strndup(text, strcspn(text, "\n"));
}

/* The lines "  [ ... ]" of the rules of chain c, in their order. */
static size_t read_expressions(const char *text, char **ret, size_t room)
{
	FILE *out = NULL;
	size_t size = 0, count = 0;
	bool inside = false;
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		if (inside && strncmp(at, "  [ ", 4) == 0) {
			fprintf(out, "%.*s\n", (int)strcspn(at + 2, "\n"), at + 2);
			continue;
		}
		const char *name = memchr(at, ' ', strcspn(at, "\n"));
		bool header = name && strncmp(name, " t c ", 5) == 0 && isdigit((unsigned char)name[5]);
		if (!header) {
			inside = inside && *at == '\t';
			continue;
		}
		if (out)
			fclose(out);
		out = NULL;
		inside = count < room;
		if (inside)
			out = open_memstream(&ret[count++], &size);
	}
	if (out)
		fclose(out);
	return count;
}

static size_t read_listing(const char *text, char **ret, size_t room)
{
	const char *at = strstr(text, "\n\tchain c {\n");
	size_t count = 0;
	at = at ? strchr(at + 2, '\n') + 1 : NULL;
	for (; at && strncmp(at, "\t\t", 2) == 0 && count < room; at += strcspn(at, "\n"), at += *at == '\n') {
		if (at[2] != '\t') {
			ret[count++] = line_at(at + 2);
			continue;
		}
		char *joined = NULL, *rest = line_at(at + 3);
		if (count && asprintf(&joined, "%s %s", ret[count - 1], rest) >= 0) {
			free(ret[count - 1]);
			ret[count - 1] = joined;
		}
		free(rest);
	}
	return count;
}

bool relist_asks;

/* Loads those rules that have a text; takes the expressions, and the listing, of each that was taken. */
static bool load(enum relist_table table, char *const *rules, size_t count, char **expressions, char **listing,
		 char **complaints, char **understood)
{
	size_t *position = calloc(count + 1, sizeof(*position)), loaded = 0, seen;
	char **shown = calloc(count + 1, sizeof(*shown)), **told = calloc(count + 1, sizeof(*told)), *text = NULL;
	char **meant = calloc(count + 1, sizeof(*meant));
	bool done = start(table);
	for (size_t i = 0; done && i < count; i++) {
		if (rules[i] && add_rule(table, rules[i]))
			position[loaded++] = i;
		else if (rules[i] && complaints)
			complaints[i] = line_at(nft_ctx_get_error_buffer(context()));
	}
	text = done ? list() : NULL;
	seen = text ? read_expressions(text, told, count) : 0;
	done = text && seen == loaded && read_listing(text, shown, count) == loaded;
	done = done && (!relist_asks || relist_understand(meant, loaded));
	if (!done)
		fprintf(stderr, "relist: %zu rules, the kernel tells of %zu\n", loaded, seen);
	for (size_t i = 0; i < count; i++)
		if (done && i < loaded) {
			expressions[position[i]] = told[i];
			listing[position[i]] = shown[i];
			understood[position[i]] = meant[i];
		} else {
			free(told[i]);
			free(shown[i]);
		}
	free(text);
	free(position);
	free(shown);
	free(told);
	free(meant);
	return done;
}

static void judge(struct relist_outcome *outcome)
{
	outcome->result = !outcome->before ? RELIST_REFUSED : !outcome->after ? RELIST_UNLISTED : RELIST_SAME;
	if (outcome->result != RELIST_SAME)
		return;
	outcome->difference = relist_difference(outcome->before, outcome->after);
	if (outcome->difference)
		outcome->result = RELIST_DIFFERENT;
}

bool relist_try(enum relist_table table, char *const *rules, size_t count, struct relist_outcome *ret_outcomes)
{
	char **before = calloc(count, sizeof(*before)), **after = calloc(count, sizeof(*after));
	char **listing = calloc(count, sizeof(*listing)), **again = calloc(count, sizeof(*again));
	char **complaints = calloc(count, sizeof(*complaints));
	char **meant = calloc(count, sizeof(*meant)), **meant_again = calloc(count, sizeof(*meant_again));
	bool done = load(table, rules, count, before, listing, NULL, meant) &&
		    load(table, listing, count, after, again, complaints, meant_again);
	for (size_t i = 0; i < count; i++) {
		ret_outcomes[i] = (struct relist_outcome){ .before = before[i],
							   .after = after[i],
							   .listing = listing[i],
							   .difference = complaints[i],
							   .understood = meant[i],
							   .understood_again = meant_again[i] };
		free(again[i]);
		judge(&ret_outcomes[i]);
	}
	free(before);
	free(after);
	free(listing);
	free(again);
	free(complaints);
	free(meant);
	free(meant_again);
	return done;
}

void relist_outcome_done(struct relist_outcome *outcome)
{
	free(outcome->listing);
	free(outcome->before);
	free(outcome->after);
	free(outcome->difference);
	free(outcome->understood);
	free(outcome->understood_again);
}
