/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
// labels: root
/*
 * Whether the kernel takes a text from iptables-restore, against whether the reader takes it: dumps that others made, rules of these
 * with one word damaged, and texts by hand. They are loaded, since `iptables-nft-restore --test` does not ask the kernel. Needs root
 * and both kinds of iptables: everything happens in a network namespace of this process.
 */
#include <glob.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../rules/iptables/iptables.h"
#include "case_file.h"

#define CORPUS PA_SOURCE_DIR "/../shared/corpus"
#define DAMAGED 150 /* rules; PORTAUDIT_DAMAGED in the environment: another number */

enum kind { NFT, LEGACY, KINDS };
static const char *const kind_names[KINDS] = { "nft", "legacy" };

static bool kernel_takes(enum kind kind, int family, const char *text)
{
	char command[128];
	snprintf(command, sizeof(command), "ip%stables-%s-restore >/dev/null 2>&1", family == 6 ? "6" : "", kind_names[kind]);
	FILE *pipe = popen(command, "w");
	if (!pipe)
		return false;
	fputs(text, pipe);
	return pclose(pipe) == 0;
}

/* Into ret_why: what the reader found, when it refuses. */
static bool reader_takes(enum kind kind, int family, const char *text, struct pa_buffer *ret_why)
{
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	struct pa_iptables_text given = { .name = "dump",
					  .text = text,
					  .length = strlen(text),
					  .family = family == 6 ? PA_IPTABLES_IPV6 : PA_IPTABLES_IPV4,
					  .source = kind == NFT ? PA_SOURCE_IPTABLES_NFT : PA_SOURCE_IPTABLES_LEGACY };
	bool taken = pa_iptables_lower(&given, ruleset, &diags) && pa_ruleset_check(ruleset, &diags);
	pa_buffer_clear(ret_why);
	for (size_t i = 0; !taken && i < diags.count; i++)
		if (diags.items[i].level == PA_DIAG_ERROR)
			pa_buffer_printf(ret_why, "%u:%u: %s\n", diags.items[i].where.line, diags.items[i].where.column,
					 diags.items[i].message);
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return taken;
}

/* --- texts by hand ------------------------------------------------------------------------------------------------------ */

#define FILTER(rules) "*filter\n:INPUT ACCEPT [0:0]\n:OWN - [0:0]\n" rules "COMMIT\n"
#define NAT(rules) "*nat\n:PREROUTING ACCEPT [0:0]\n" rules "COMMIT\n"

static const struct {
	bool kernel, reader; /* take it */
	int family;
	const char *text;
} texts[] = {
#define GOOD4(text) { true, true, 4, text },
#define GOOD6(text) { true, true, 6, text },
#define BAD4(text) { false, false, 4, text },
#define BAD6(text) { false, false, 6, text },
#define STRICT4(text) { true, false, 4, text },
#include "ipt_kernel.def"
#undef GOOD4
#undef GOOD6
#undef BAD4
#undef BAD6
#undef STRICT4
};

static int check_texts(void)
{
	struct pa_buffer why = { 0 };
	int wrong = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (enum kind kind = 0; kind < KINDS; kind++) {
			bool kernel = kernel_takes(kind, texts[i].family, texts[i].text);
			bool reader = reader_takes(kind, texts[i].family, texts[i].text, &why);
			if (kernel == texts[i].kernel && reader == texts[i].reader)
				continue;
			printf("%s, IPv%d: iptables-restore %s, the reader %s%s%s:\n%s\n", kind_names[kind], texts[i].family,
			       kernel ? "takes" : "refuses", reader ? "takes" : "refuses", reader ? "" : ": ",
			       reader ? "" : why.data, texts[i].text);
			wrong++;
		}
	}
	printf("%zu texts by hand, %d otherwise than said\n", sizeof(texts) / sizeof(texts[0]), wrong);
	pa_buffer_done(&why);
	return wrong;
}

/* --- dumps that others made ---------------------------------------------------------------------------------------------- */

static int family_of(const char *path)
{
	return path[strlen(path) - 1] == '6' ? 6 : 4;
}

/* A dump that the reader refuses is refused by the kernel as well. That the kernel alone refuses one (a module is missing) is said. */
static int check_dump(const char *path, const char *text, size_t taken[2][2])
{
	struct pa_buffer why = { 0 };
	int wrong = 0;
	for (enum kind kind = 0; kind < KINDS; kind++) {
		bool kernel = kernel_takes(kind, family_of(path), text),
		     reader = reader_takes(kind, family_of(path), text, &why);
		taken[kernel][reader]++;
		if (kernel && !reader) {
			printf("%s: %s takes it, the reader does not: %s", path, kind_names[kind], why.data);
			wrong++;
		} else if (!kernel && reader) {
			printf("%s: %s refuses it here, the reader takes it\n", path, kind_names[kind]);
		}
	}
	pa_buffer_done(&why);
	return wrong;
}

static int check_dumps(const glob_t *found)
{
	struct pa_buffer text = { 0 };
	size_t taken[2][2] = { 0 };
	int wrong = 0;
	for (size_t i = 0; i < found->gl_pathc; i++) {
		pa_buffer_clear(&text);
		wrong += read_file(found->gl_pathv[i], &text) ? check_dump(found->gl_pathv[i], text.data, taken) : 1;
	}
	printf("%zu dumps, two kinds of iptables: %zu taken by both, %zu by the reader alone, %zu refused by both, %zu by the reader "
	       "alone\n",
	       found->gl_pathc, taken[1][1], taken[0][1], taken[0][0], taken[1][0]);
	pa_buffer_done(&text);
	return wrong;
}

/* --- one word damaged ----------------------------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;

static size_t below(size_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state >> 33) % limit;
}

/* One rule of a dump with its table: `*filter`, its chains, the rule, COMMIT. */
struct one_rule {
	struct pa_buffer head, rule;
};

static void add_line(struct pa_buffer *out, const char *line, size_t size)
{
	pa_buffer_add(out, line, size);
	pa_buffer_putc(out, '\n');
}

/* Rule `number` of the text; false: it has fewer. */
static bool take_rule(const char *text, size_t number, struct one_rule *out)
{
	size_t rule = 0;
	pa_buffer_clear(&out->rule);
	pa_buffer_clear(&out->head);
	for (; *text; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n')) {
		size_t size = strcspn(text, "\n");
		if (text[0] == '*' && out->rule.length == 0)
			pa_buffer_clear(&out->head);
		if (text[0] == '*' && out->rule.length > 0)
			return true;
		if (text[0] == '*' || text[0] == ':' || strncmp(text, "-N", 2) == 0)
			add_line(&out->head, text, size);
		else if (strncmp(text, "-A", 2) == 0 && rule++ == number)
			pa_buffer_add(&out->rule, text, size);
	}
	return out->rule.length > 0;
}

/* Bounds of word `number` of a line; false: it has fewer. */
static bool find_word(const char *line, size_t number, size_t *ret_start, size_t *ret_end)
{
	size_t at = 0;
	for (;; number--) {
		at += strspn(line + at, " ");
		size_t end = at + strcspn(line + at, " ");
		if (end == at)
			return false;
		if (number == 0) {
			*ret_start = at;
			*ret_end = end;
			return true;
		}
		at = end;
	}
}

/* A word goes, comes twice, loses its last letter, gains a digit, or is negated. */
static void damage(const char *line, struct pa_buffer *out)
{
	size_t words = 0, start = 0, end = 0;
	while (find_word(line, words, &start, &end))
		words++;
	pa_buffer_clear(out);
	if (words < 3 || !find_word(line, 2 + below(words - 2), &start, &end)) {
		pa_buffer_puts(out, line);
		return;
	}
	size_t how = below(5), size = end - start;
	pa_buffer_add(out, line, start);
	if (how == 1)
		pa_buffer_printf(out, "%.*s ", (int)size, line + start);
	if (how == 4)
		pa_buffer_puts(out, "! ");
	if (how != 0)
		pa_buffer_add(out, line + start, how == 2 ? size - 1 : size);
	if (how == 3)
		pa_buffer_puts(out, "7");
	pa_buffer_puts(out, line + end);
}

static size_t count_rules(const char *text)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, "\n-A")); at++)
		count++;
	return count;
}

struct tally {
	size_t agree, kernel_alone, strict, reader_alone;
};

/* What the kernel takes and the reader refuses, since it is not what was meant; see STRICT in ipt_kernel.def. */
static bool is_strict(const char *why)
{
	static const char *const reasons[] = {
		"the quote is not closed",		     /* the rest of the line becomes part of the word */
		"needs the protocol of its name",	     /* `! -p tcp -m tcp`, by nft alone */
		"is no port or range of ports",		     /* of udp: over 65535 */
		"is no option, and none before it takes it", /* `-i ! -o eth0`: an interface called "!" */
	};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strstr(why, reasons[i]))
			return true;
	return false;
}

static void check_damaged(const char *path, const char *text, struct tally *tally)
{
	struct pa_buffer why = { 0 }, line = { 0 }, whole = { 0 };
	struct one_rule one = { 0 };
	size_t rules = count_rules(text);
	enum kind kind = (enum kind)below(KINDS);
	if (rules > 0 && take_rule(text, below(rules), &one)) {
		damage(one.rule.data, &line);
		pa_buffer_printf(&whole, "%s%s\nCOMMIT\n", one.head.data ? one.head.data : "", line.data);
		bool kernel = kernel_takes(kind, family_of(path), whole.data);
		bool reader = reader_takes(kind, family_of(path), whole.data, &why);
		tally->agree += kernel == reader;
		bool strict = kernel && !reader && is_strict(why.data);
		tally->strict += strict;
		tally->reader_alone += kernel && !reader && !strict;
		tally->kernel_alone += reader && !kernel;
		if (kernel != reader && ((kernel && !strict) || getenv("PORTAUDIT_DAMAGED")))
			printf("%s, IPv%d: %s alone refuses: %s: %s\n", kind_names[kind], family_of(path),
			       reader ? "iptables" : "the reader", line.data, reader ? "" : why.data);
	}
	pa_buffer_done(&why);
	pa_buffer_done(&line);
	pa_buffer_done(&whole);
	pa_buffer_done(&one.head);
	pa_buffer_done(&one.rule);
}

static int check_words(const glob_t *found)
{
	const char *asked = getenv("PORTAUDIT_DAMAGED");
	size_t count = asked ? strtoul(asked, NULL, 10) : DAMAGED;
	struct pa_buffer text = { 0 };
	struct tally tally = { 0 };
	for (size_t i = 0; i < count; i++) {
		const char *path = found->gl_pathv[below(found->gl_pathc)];
		pa_buffer_clear(&text);
		if (read_file(path, &text))
			check_damaged(path, text.data, &tally);
	}
	printf("%zu damaged rules: both say the same of %zu, iptables alone refuses %zu, the reader alone %zu\n", count,
	       tally.agree, tally.kernel_alone, tally.reader_alone);
	pa_buffer_done(&text);
	return (int)tally.reader_alone;
}

int main(void)
{
	glob_t found = { 0 };
	int wrong;

	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 || !kernel_takes(NFT, 4, FILTER("")) ||
	    !kernel_takes(LEGACY, 4, FILTER(""))) {
		puts("skipped: needs root and both kinds of iptables");
		return 77;
	}
	wrong = check_texts();
	if (glob(CORPUS "/{real-ipt/*,managers/*/*}.{rules4,rules6,legacy4,legacy6}", GLOB_BRACE, NULL, &found) != 0) {
		puts("SKIPPED: no rulesets of others at " CORPUS);
		return wrong ? 1 : 0;
	}
	wrong += check_dumps(&found);
	wrong += check_words(&found);
	globfree(&found);
	return wrong ? 1 : 0;
}
