/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits as commands of iptables (iptables(8), iptables-extensions(8)). A test of several values becomes one option where iptables has lists,
 * else a rule for each value. What is inserted is inserted before anything is deleted, so that no packet meets neither.
 */
#include <string.h>

#include "edit.h"

bool pa_edit_is_iptables(const struct pa_edit *edit)
{
	const struct pa_rule *rule = edit->rule ? edit->rule : edit->before;
	/* a table that iptables-nft made and nft listed in its own words has handles, and is edited by them */
	if (edit->chain->table->source == PA_SOURCE_NFT)
		return false;
	return !rule || !rule->text || strncmp(rule->text, "-A ", 3) == 0;
}

/* --- values --------------------------------------------------------------------------------------------------------------------- */

static bool is_prefix(struct pa_interval value)
{
	pa_u128 size = value.last - value.first;
	return (size & (size + 1)) == 0 && (value.first & size) == 0;
}

static void put_address(struct pa_interval value, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	bool four = pa_value_is_ipv4(value.first) && pa_value_is_ipv4(value.last);
	pa_address_range_format(value, four ? 4 : 6, text);
	pa_buffer_puts(out, text);
}

static void put_port(struct pa_interval value, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%u", (unsigned)value.first);
	if (value.last != value.first)
		pa_buffer_printf(out, ":%u", (unsigned)value.last);
}

static void put_ports(const struct pa_edit_test *test, struct pa_buffer *out)
{
	for (size_t i = 0; i < test->values.count; i++) {
		pa_buffer_puts(out, i ? "," : "");
		put_port(test->values.items[i], out);
	}
}

/* multiport takes 15 ports, a range counts as two. */
static bool fits_multiport(const struct pa_edit_test *test)
{
	size_t ports = 0;
	for (size_t i = 0; i < test->values.count; i++)
		ports += test->values.items[i].first == test->values.items[i].last ? 1 : 2;
	return ports <= 15;
}

static void put_state(const struct pa_edit_test *test, struct pa_buffer *out)
{
	static const struct {
		unsigned state;
		const char *name;
	} names[] = { { PA_CT_INVALID, "INVALID" }, { PA_CT_ESTABLISHED, "ESTABLISHED" }, { PA_CT_RELATED, "RELATED" } };
	const char *joint = "";
	pa_buffer_puts(out, " -m conntrack --ctstate ");
	for (size_t i = 0; i < test->values.count; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (test->values.items[i].first == names[k].state) {
				pa_buffer_printf(out, "%s%s", joint, names[k].name);
				joint = ",";
			}
}

static const char *no(const struct pa_edit_test *test)
{
	return test->negated ? "! " : "";
}

/* --- one test --------------------------------------------------------------------------------------------------------------------- */

/* Has the test no list in iptables, so that a rule is needed for each value? */
static bool is_spread(const struct pa_edit_test *test)
{
	if (test->values.count < 2 || test->negated || test->instead)
		return false;
	if (test->field == PA_FIELD_IIFNAME || test->field == PA_FIELD_OIFNAME || test->field == PA_FIELD_ICMP_TYPE)
		return true;
	return test->field == PA_FIELD_SADDR || test->field == PA_FIELD_DADDR;
}

static bool put_interface(const struct pa_edit_test *test, size_t value, struct pa_buffer *out)
{
	char name[PA_IFNAME_MAX + 1];
	struct pa_interval names = test->values.items[value];
	if (test->negated && test->values.count > 1)
		return false;
	pa_ifname_format(names.first, name);
	if (strchr(name, '+'))
		return false; /* iptables would read a pattern */
	pa_buffer_printf(out, " %s%s ", no(test), test->field == PA_FIELD_IIFNAME ? "-i" : "-o");
	pa_edit_quote(name, out);
	pa_buffer_puts(out, names.first == names.last ? "" : "+");
	return true;
}

static void put_range(const struct pa_edit_test *test, struct pa_interval value, struct pa_buffer *out)
{
	pa_buffer_printf(out, " -m iprange %s%s ", no(test), test->field == PA_FIELD_SADDR ? "--src-range" : "--dst-range");
	put_address((struct pa_interval){ value.first, value.first }, out);
	pa_buffer_putc(out, '-');
	put_address((struct pa_interval){ value.last, value.last }, out);
}

/* A rule has one -s; of ranges it may exclude several. */
static bool put_addresses(const struct pa_edit_test *test, size_t value, struct pa_buffer *out)
{
	if (test->negated && test->values.count > 1) {
		for (size_t i = 0; i < test->values.count; i++)
			put_range(test, test->values.items[i], out);
	} else if (is_prefix(test->values.items[value])) {
		pa_buffer_printf(out, " %s%s ", no(test), test->field == PA_FIELD_SADDR ? "-s" : "-d");
		put_address(test->values.items[value], out);
	} else {
		put_range(test, test->values.items[value], out);
	}
	return true;
}

static bool put_test(const struct pa_edit_rule *rule, const struct pa_edit_test *test, size_t value, struct pa_buffer *out)
{
	int protocol = pa_edit_protocol(rule);
	if (test->field == PA_FIELD_IIFNAME || test->field == PA_FIELD_OIFNAME)
		return put_interface(test, value, out);
	if (test->field == PA_FIELD_SADDR || test->field == PA_FIELD_DADDR)
		return put_addresses(test, value, out);
	if (test->field == PA_FIELD_CT_STATE) {
		put_state(test, out);
		return !test->negated;
	}
	if (test->field == PA_FIELD_L4PROTO) {
		pa_buffer_printf(out, " -p %s", protocol == 6 ? "tcp" : protocol == 17 ? "udp" : "");
		if (protocol != 6 && protocol != 17)
			pa_buffer_printf(out, "%d", protocol);
		return protocol > 0;
	}
	if (test->field == PA_FIELD_ICMP_TYPE && test->values.items[value].first == test->values.items[value].last) {
		pa_buffer_printf(out, protocol == 1 ? " %s--icmp-type %u" : " %s--icmpv6-type %u", no(test),
				 (unsigned)test->values.items[value].first);
		return (protocol == 1 || protocol == 58) && !(test->negated && test->values.count > 1);
	}
	if (test->field != PA_FIELD_SPORT && test->field != PA_FIELD_DPORT)
		return false;
	bool many = test->values.count > 1, source = test->field == PA_FIELD_SPORT;
	pa_buffer_printf(out, " %s%s%s%s ", many ? "-m multiport " : "", no(test), source ? "--sport" : "--dport",
			 many ? "s" : "");
	put_ports(test, out);
	return fits_multiport(test);
}

/* --- a test of the rule with other values -------------------------------------------------------------------------------------------- */

static bool is_text(const char *text, const char *option)
{
	return strncmp(text, option, strlen(option)) == 0 && text[strlen(option)] == ' ';
}

/* What stands in the place of "--dport 22", "--dports 22,80", "-s 10.0.0.0/8", "-i eth0". false: it cannot be written there. */
static bool put_instead(const struct pa_edit_test *test, struct pa_buffer *out)
{
	const char *old = test->instead->text;
	bool one = test->values.count == 1;
	if (is_text(old, "--dports") || is_text(old, "--sports")) {
		pa_buffer_printf(out, "%.8s ", old);
		put_ports(test, out);
		return fits_multiport(test);
	}
	if (is_text(old, "--dport") || is_text(old, "--sport")) {
		pa_buffer_printf(out, "%s%.7s%s ", one ? "" : "-m multiport ", old, one ? "" : "s");
		put_ports(test, out);
		return fits_multiport(test);
	}
	if ((is_text(old, "-s") || is_text(old, "-d")) && one && is_prefix(test->values.items[0])) {
		pa_buffer_printf(out, "%.2s ", old);
		put_address(test->values.items[0], out);
		return true;
	}
	return false;
}

/* The text with one part of it, which stands there once as whole words, exchanged. */
static bool exchange(struct pa_buffer *text, const char *old, const char *new)
{
	size_t length = strlen(old);
	const char *found = NULL;
	for (const char *at = text->data; (at = strstr(at, old)); at += length) {
		bool whole = at > text->data && at[-1] == ' ' && (at[length] == ' ' || !at[length]);
		if (whole && found)
			return false;
		found = whole ? at : found;
	}
	if (!found)
		return false;
	struct pa_buffer changed = { 0 };
	pa_buffer_add(&changed, text->data, (size_t)(found - text->data));
	pa_buffer_puts(&changed, new);
	pa_buffer_puts(&changed, found + length);
	pa_buffer_done(text);
	*text = changed;
	return true;
}

/* --- rules ------------------------------------------------------------------------------------------------------------------------------ */

/* The words of the rule behind "-A CHAIN", for a shell. */
static void put_words(const struct pa_rule *rule, struct pa_arena *arena, struct pa_buffer *out)
{
	const char **words = pa_rule_words(rule, arena);
	for (size_t i = 0; words[i]; i++) {
		if (i < 2)
			continue;
		pa_buffer_putc(out, ' ');
		if (strcmp(words[i], "!") == 0)
			pa_buffer_putc(out, '!'); /* alone it is plain to every shell */
		else
			pa_edit_quote(words[i], out);
	}
}

static void put_comment(const struct pa_rule *rule, struct pa_buffer *out)
{
	if (!rule->comment)
		return;
	pa_buffer_puts(out, " -m comment --comment ");
	pa_edit_quote(rule->comment, out);
}

static bool put_own(const struct pa_edit_rule *rule, const struct pa_rule *own, struct pa_arena *arena, struct pa_buffer *out)
{
	struct pa_rule changed = *own;
	struct pa_buffer text = { 0 };
	bool written = true;
	pa_buffer_puts(&text, own->text);
	for (size_t i = 0; i < rule->test_count && written; i++) {
		struct pa_buffer new = { 0 };
		if (rule->tests[i].instead)
			written = put_instead(&rule->tests[i], &new) && exchange(&text, rule->tests[i].instead->text, new.data);
		pa_buffer_done(&new);
	}
	changed.text = text.data;
	if (written)
		put_words(&changed, arena, out);
	if (written)
		put_comment(own, out);
	pa_buffer_done(&text);
	return written;
}

/* One of the rules that a rule of the edit becomes: `number` says which value each spread test takes. */
static bool put_spread(const struct pa_edit *edit, const struct pa_edit_rule *rule, size_t number, struct pa_arena *arena,
		       struct pa_buffer *out)
{
	for (size_t i = 0; i < rule->test_count; i++) {
		const struct pa_edit_test *test = &rule->tests[i];
		size_t value = is_spread(test) ? number % test->values.count : 0;
		if (is_spread(test))
			number /= test->values.count;
		if (!test->instead && !put_test(rule, test, value, out))
			return false;
	}
	if (edit->kind != PA_EDIT_INSERT)
		return put_own(rule, edit->rule, arena, out);
	pa_buffer_puts(out, rule->verdict == PA_VERDICT_ACCEPT ? " -j ACCEPT" : " -j DROP");
	return true;
}

bool pa_edit_iptables_rule(const struct pa_edit *edit, size_t index, struct pa_edit_commands *out)
{
	const struct pa_edit_rule *rule = &edit->rules[index];
	size_t count = 1;
	for (size_t i = 0; i < rule->test_count; i++)
		count *= is_spread(&rule->tests[i]) ? rule->tests[i].values.count : 1;
	if (count > PA_EDIT_COMMANDS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct pa_buffer text = { 0 };
		bool written = put_spread(edit, rule, i, out->arena, &text);
		if (written && text.length > 1) {
			struct pa_buffer without_blank = { .data = text.data + 1, .length = text.length - 1 };
			pa_edit_add(out, &without_blank);
		}
		pa_buffer_done(&text);
		if (!written)
			return false;
	}
	return !out->failed;
}

/* --- commands ----------------------------------------------------------------------------------------------------------------------------- */

static size_t commas_of(const struct pa_rule *rule, const char *option)
{
	size_t count = 0;
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].text && is_text(rule->steps[i].text, option))
			for (const char *c = rule->steps[i].text; *c; c++)
				count += *c == ',';
	return count;
}

/* The place of a rule in its chain as iptables counts it, from 1: `-s a,b` is a rule for each address. */
static size_t number_of(const struct pa_rule *rule)
{
	size_t number = 1;
	for (unsigned i = 0; i < rule->index; i++) {
		const struct pa_rule *before = rule->chain->rules[i];
		if (!before->continues)
			number += (1 + commas_of(before, "-s")) * (1 + commas_of(before, "-d"));
	}
	return number;
}

static void put_program(const struct pa_chain *chain, struct pa_buffer *out)
{
	const struct pa_table *table = chain->table;
	bool legacy = table->source == PA_SOURCE_IPTABLES_LEGACY;
	pa_buffer_printf(out, "%s%s ", table->family == PA_FAMILY_IP6 ? "ip6tables" : "iptables", legacy ? "-legacy" : "");
	if (strcmp(table->name, "filter") == 0)
		return;
	pa_buffer_puts(out, "-t ");
	pa_edit_quote(table->name, out);
	pa_buffer_putc(out, ' ');
}

static void put_action(const struct pa_chain *chain, const char *action, struct pa_buffer *out)
{
	put_program(chain, out);
	pa_buffer_printf(out, "%s ", action);
	pa_edit_quote(chain->name, out);
}

/* Would the words of the rule name another one, which stands before it, or none, because the comment's place is not known? */
static bool is_ambiguous(const struct pa_rule *rule)
{
	for (unsigned i = 0; i < rule->index; i++)
		if (pa_text_equal(rule->chain->rules[i]->text, rule->text))
			return true;
	return rule->comment != NULL;
}

/* `shifted`: rules that were inserted before it in the meantime. */
static void add_delete(const struct pa_edit *edit, size_t shifted, struct pa_edit_commands *commands)
{
	struct pa_buffer text = { 0 };
	put_action(edit->chain, "-D", &text);
	if (shifted || is_ambiguous(edit->rule))
		pa_buffer_printf(&text, " %zu", number_of(edit->rule) + shifted);
	else
		put_words(edit->rule, commands->arena, &text);
	pa_edit_add(commands, &text);
	pa_buffer_done(&text);
}

/* A command for each rule: all at one place, the last one first, so that they stand in order. Returns how many there are. */
static size_t add_inserts(const struct pa_edit *edit, const struct pa_edit_commands *rules, const struct pa_rule *before,
			  struct pa_edit_commands *commands)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct pa_buffer text = { 0 };
		put_action(edit->chain, before ? "-I" : "-A", &text);
		if (before)
			pa_buffer_printf(&text, " %zu", number_of(before));
		pa_buffer_printf(&text, " %s", rules->items[before ? rules->count - 1 - i : i]);
		pa_edit_add(commands, &text);
		pa_buffer_done(&text);
	}
	return rules->count;
}

static void add_policy(const struct pa_edit *edit, struct pa_edit_commands *commands)
{
	struct pa_buffer text = { 0 };
	put_action(edit->chain, "-P", &text);
	pa_buffer_puts(&text, " DROP");
	pa_edit_add(commands, &text);
	pa_buffer_done(&text);
}

void pa_edit_write_iptables(const struct pa_edit *edit, struct pa_edit_commands *commands)
{
	struct pa_edit_commands rules = { .arena = commands->arena };
	struct pa_edit moved = *edit;
	if (edit->kind == PA_EDIT_MOVE) {
		moved.rules[0] = (struct pa_edit_rule){ .family = 0 };
		moved.rule_count = 1;
	}
	for (size_t i = 0; i < moved.rule_count; i++)
		commands->failed = !pa_edit_iptables_rule(&moved, i, &rules) || commands->failed;
	size_t inserted = 0;
	if (moved.rule_count > 0)
		inserted = add_inserts(edit, &rules, edit->kind == PA_EDIT_NARROW ? edit->rule : edit->before, commands);
	if (edit->kind == PA_EDIT_DELETE || edit->kind == PA_EDIT_NARROW || edit->kind == PA_EDIT_MOVE)
		add_delete(edit, inserted, commands);
	if (edit->kind == PA_EDIT_POLICY)
		add_policy(edit, commands);
	commands->failed = commands->failed || rules.failed;
}
