/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_nft pa_xtables pa_ir pa_base
// labels: root
/*
 * The live kernel with the -save programs, in a network namespace of this process. The reader of this test takes chains and whole lines;
 * it is the loader that is looked at: rules of the right moment, in the chains that nft listed, while others change the ruleset.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../rules/nft/load_live.h"

static int failures;
static unsigned texts_read;

static bool run(const char *command)
{
	return system(command) == 0;
}

static void expect(bool holds, const char *what)
{
	if (!holds)
		printf("FAILED: %s\n", what);
	failures += !holds;
}

/* --- a reader of lines -------------------------------------------------------------------------------------------------------- */

static void read_chain(struct pa_ruleset *ruleset, struct pa_table *table, char *line)
{
	char *name = strsep(&line, " "), *policy = strsep(&line, " ");
	struct pa_chain *chain = pa_table_add_chain(ruleset, table, name);

	chain->is_base = policy && *policy != '-';
	chain->hook = PA_HOOK_INPUT;
	chain->policy = policy && strcmp(policy, "DROP") == 0 ? PA_VERDICT_DROP : PA_VERDICT_ACCEPT;
}

static bool read_lines(struct pa_ruleset *ruleset, const struct pa_xtables_text *text, const struct pa_xtables_text *texts,
		       enum pa_table_source source, struct pa_diags *diags)
{
	char *copy = pa_arena_strdup(ruleset->arena, text->text.data), *rest = copy;
	struct pa_table *table = NULL;

	(void)texts;
	(void)diags;
	texts_read++;
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (*line == '*') {
			table = pa_ruleset_add_table(ruleset, text->family == 4 ? PA_FAMILY_IP : PA_FAMILY_IP6, line + 1);
			table->source = source;
		} else if (*line == ':') {
			read_chain(ruleset, table, line + 1);
		} else if (strncmp(line, "-A ", 3) == 0) {
			char *words = line + 3, *name = strsep(&words, " ");
			struct pa_rule *rule = pa_chain_add_rule(ruleset, pa_table_find_chain(table, name));
			rule->text = words ? words : "";
		}
	}
	return true;
}

static const struct pa_xtables_reader reader = { read_lines };

/* --- looking ----------------------------------------------------------------------------------------------------------------- */

static struct pa_ruleset *load(unsigned seconds)
{
	struct pa_load_options options = { .timeout_seconds = seconds };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_nft_load_live(&options, &reader, &diags);

	for (size_t i = 0; i < diags.count; i++)
		printf("%s\n", diags.items[i].message);
	for (size_t i = 0; ruleset && i < ruleset->gap_count; i++)
		printf("gap: %s\n", ruleset->gaps[i].message);
	pa_diags_done(&diags);
	return ruleset;
}

static const struct pa_chain *find(const struct pa_ruleset *ruleset, enum pa_table_source source, const char *table,
				   const char *chain)
{
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (ruleset->chains[i]->table->source == source && strcmp(ruleset->chains[i]->table->name, table) == 0 &&
		    strcmp(ruleset->chains[i]->name, chain) == 0)
			return ruleset->chains[i];
	return NULL;
}

static void check_replaced(void)
{
	struct pa_ruleset *ruleset = load(60);
	const struct pa_chain *input = ruleset ? find(ruleset, PA_SOURCE_IPTABLES_NFT, "filter", "INPUT") : NULL;
	const struct pa_chain *after = ruleset ? find(ruleset, PA_SOURCE_NFT, "later", "c") : NULL;

	expect(input && input->rule_count == 2, "the table of iptables-nft is there");
	if (input && input->rule_count == 2) {
		expect(strstr(input->rules[0]->text, "--name ssh") != NULL, "its rules have their arguments");
		expect(input->rules[0]->handle != 0 && !input->rules[0]->where.file, "they have the handles of nft");
		expect(!input->table->has_xt, "nothing of it is lost");
	}
	expect(input && after && input->id < after->id, "chains keep their age");
	expect(ruleset && ruleset->gap_count == 0, "there is no gap");
	pa_ruleset_free(ruleset);
}

static void check_legacy(void)
{
	expect(run("iptables-legacy -A INPUT -p tcp --dport 23 -j DROP"), "a legacy rule can be made");
	struct pa_ruleset *ruleset = load(60);
	const struct pa_chain *input = ruleset ? find(ruleset, PA_SOURCE_IPTABLES_LEGACY, "filter", "INPUT") : NULL;
	expect(input && input->rule_count == 1 && strstr(input->rules[0]->text, "--dport 23"), "the legacy table is there");
	pa_ruleset_free(ruleset);
}

/* Rules come and go in pairs: "first" and "second" are there both or not at all, and in the listing as in the text. */
static pid_t start_writer(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		execl("/bin/sh", "sh", "-c",
		      "while :; do printf '*filter\\n-A INPUT -m recent --set --name first\\n-A INPUT -m recent --set --name second\\nCOMMIT\\n' |"
		      " iptables-nft-restore -n; sleep 0.3; printf '*filter\\n-D INPUT -m recent --set --name first\\n"
		      "-D INPUT -m recent --set --name second\\nCOMMIT\\n' | iptables-nft-restore -n; sleep 0.3; done",
		      NULL);
		_exit(127);
	}
	return pid;
}

static void check_moving(void)
{
	pid_t writer = start_writer();
	unsigned whole = 0;

	for (unsigned i = 0; i < 8; i++) {
		struct pa_ruleset *ruleset = load(60);
		const struct pa_chain *input = ruleset ? find(ruleset, PA_SOURCE_IPTABLES_NFT, "filter", "INPUT") : NULL;
		bool first = false, second = false;

		for (size_t j = 0; input && j < input->rule_count; j++) {
			first = first || strstr(input->rules[j]->text, "--name first");
			second = second || strstr(input->rules[j]->text, "--name second");
		}
		expect(input && first == second, "both rules or none");
		expect(ruleset && ruleset->gap_count == 0, "the text and the listing are of one moment");
		whole += ruleset != NULL;
		pa_ruleset_free(ruleset);
	}
	kill(-writer, SIGKILL);
	waitpid(writer, NULL, 0);
	printf("%u of 8 readings, %u texts\n", whole, texts_read);
}

int main(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 ||
	    !run("iptables-nft -A INPUT -p tcp --dport 22 -m recent --name ssh --set >/dev/null 2>&1")) {
		puts("skipped: needs root and iptables");
		return 77;
	}
	expect(run("iptables-nft -A INPUT -m recent --name ssh --update --seconds 60 -j DROP && nft add table ip later && "
		   "nft 'add chain ip later c { type filter hook input priority 0; }'"),
	       "rules can be made");
	check_replaced();
	check_moving();
	check_legacy();
	printf("%d failures\n", failures);
	return failures ? 1 : 0;
}
