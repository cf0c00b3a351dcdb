/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Edits as nft commands (nft(8)). What must not be seen half done is one command with `;` between its parts: one transaction. Rules are named
 * by handle, so nothing is hit that came since; for a script, which has none of the host's handles, only what needs none is written.
 */
#include <string.h>

#include "edit.h"

/* --- values ----------------------------------------------------------------------------------------------------------------- */

static bool is_interface(enum pa_field field)
{
	return field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME;
}

static bool put_name(struct pa_interval value, struct pa_buffer *out)
{
	char name[PA_IFNAME_MAX + 1];
	pa_ifname_format(value.first, name);
	if (strpbrk(name, "\"*\\"))
		return false; /* nft would read something else */
	pa_buffer_printf(out, "\"%s%s\"", name, value.first == value.last ? "" : "*");
	return true;
}

static void put_address(struct pa_interval value, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	bool four = pa_value_is_ipv4(value.first) && pa_value_is_ipv4(value.last);
	pa_address_range_format(value, four ? 4 : 6, text);
	pa_buffer_puts(out, text);
}

static const char *state_name(pa_u128 value)
{
	switch ((unsigned)value) {
	case PA_CT_INVALID:
		return "invalid";
	case PA_CT_ESTABLISHED:
		return "established";
	case PA_CT_RELATED:
		return "related";
	case PA_CT_NEW:
		return "new";
	default:
		return "untracked";
	}
}

static bool put_value(enum pa_field field, struct pa_interval value, struct pa_buffer *out)
{
	if (is_interface(field))
		return put_name(value, out);
	if (field == PA_FIELD_SADDR || field == PA_FIELD_DADDR)
		put_address(value, out);
	else if (field == PA_FIELD_CT_STATE)
		pa_buffer_puts(out, state_name(value.first));
	else if (value.first == value.last)
		pa_buffer_printf(out, "%u", (unsigned)value.first);
	else
		pa_buffer_printf(out, "%u-%u", (unsigned)value.first, (unsigned)value.last);
	return true;
}

/* "22", "{ 22, 80 }", "!= 22" */
static bool put_values(const struct pa_edit_test *test, struct pa_buffer *out)
{
	bool many = test->values.count > 1, written = true;
	pa_buffer_puts(out, test->negated ? "!= " : "");
	pa_buffer_puts(out, many ? "{ " : "");
	for (size_t i = 0; i < test->values.count; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		written = put_value(test->field, test->values.items[i], out) && written;
	}
	pa_buffer_puts(out, many ? " }" : "");
	return written;
}

/* --- tests ------------------------------------------------------------------------------------------------------------------- */

/* The name of the header whose ports are asked; NULL: it has none. */
static const char *port_header(int protocol)
{
	static const struct {
		int protocol;
		const char *name;
	} headers[] = { { 6, "tcp" }, { 17, "udp" }, { 33, "dccp" }, { 132, "sctp" }, { 136, "udplite" } };
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if (headers[i].protocol == protocol)
			return headers[i].name;
	return NULL;
}

static bool has_header_test(const struct pa_edit_rule *rule)
{
	for (size_t i = 0; i < rule->test_count; i++) {
		enum pa_field field = rule->tests[i].field;
		if (!rule->tests[i].instead &&
		    (field == PA_FIELD_SPORT || field == PA_FIELD_DPORT || field == PA_FIELD_ICMP_TYPE))
			return true;
	}
	return false;
}

static const char *address_header(const struct pa_edit_test *test)
{
	return pa_value_is_ipv4(test->values.items[0].first) ? "ip" : "ip6";
}

/* What is asked, without the values; an empty text: nothing, another test asks it as well. false: there are no words for it. */
static bool put_key(const struct pa_edit_rule *rule, const struct pa_edit_test *test, struct pa_buffer *out)
{
	int protocol = pa_edit_protocol(rule);
	if (is_interface(test->field)) {
		pa_buffer_puts(out, test->field == PA_FIELD_IIFNAME ? "iifname " : "oifname ");
	} else if (test->field == PA_FIELD_SADDR || test->field == PA_FIELD_DADDR) {
		pa_buffer_printf(out, "%s %s ", address_header(test), test->field == PA_FIELD_SADDR ? "saddr" : "daddr");
	} else if (test->field == PA_FIELD_L4PROTO) {
		if (!has_header_test(rule))
			pa_buffer_puts(out, "meta l4proto ");
	} else if (test->field == PA_FIELD_SPORT || test->field == PA_FIELD_DPORT) {
		if (!port_header(protocol))
			return false;
		pa_buffer_printf(out, "%s %s ", port_header(protocol), test->field == PA_FIELD_SPORT ? "sport" : "dport");
	} else if (test->field == PA_FIELD_ICMP_TYPE) {
		if (protocol != 1 && protocol != 58)
			return false;
		pa_buffer_puts(out, protocol == 1 ? "icmp type " : "icmpv6 type ");
	} else if (test->field == PA_FIELD_CT_STATE) {
		pa_buffer_puts(out, "ct state ");
	} else {
		return false;
	}
	return true;
}

static bool put_test(const struct pa_edit_rule *rule, const struct pa_edit_test *test, struct pa_buffer *out)
{
	size_t before = out->length;
	if (!put_key(rule, test, out))
		return false;
	if (out->length == before)
		return true;
	if (!put_values(test, out))
		return false;
	pa_buffer_putc(out, ' ');
	return true;
}

/* --- a test of the rule with other values -------------------------------------------------------------------------------------- */

/* The part of the text that says what is asked: "tcp dport " of "tcp dport { 22, 80 }". 0: it is not told. */
static size_t key_length(const char *text)
{
	static const char *const words[] = { "dport ",	 "sport ", "saddr ", "daddr ", "iifname ",
					     "oifname ", "iif ",   "oif ",   "type ",  "ct state " };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *found = strstr(text, words[i]);
		if (found && (found == text || found[-1] == ' '))
			return (size_t)(found - text) + strlen(words[i]);
	}
	return 0;
}

static const struct pa_edit_test *test_instead(const struct pa_edit_rule *rule, const struct pa_step *step)
{
	for (size_t i = 0; i < rule->test_count; i++)
		if (rule->tests[i].instead == step)
			return &rule->tests[i];
	return NULL;
}

static bool put_own_step(const struct pa_edit_rule *rule, const struct pa_step *step, struct pa_buffer *out)
{
	const struct pa_edit_test *test = test_instead(rule, step);
	size_t length = test ? key_length(step->text) : 0;
	if (!test) {
		pa_buffer_puts(out, step->text);
		return true;
	}
	pa_buffer_add(out, step->text, length);
	return length > 0 && put_values(test, out);
}

/* Nothing in it ends the rule: names that the kernel took from elsewhere may hold anything. */
static bool is_one_statement(const char *text)
{
	bool quoted = false;
	for (; *text; text++) {
		if (*text == '"')
			quoted = !quoted;
		else if (*text == '\n' || (*text == ';' && !quoted))
			return false;
	}
	return !quoted;
}

static bool put_own(const struct pa_edit_rule *rule, const struct pa_rule *own, struct pa_buffer *out)
{
	size_t before = out->length;
	bool written = true, first = true;
	for (size_t i = 0; i < own->step_count && written; i++) {
		const struct pa_step *step = &own->steps[i];
		if (step->implied || !step->text)
			continue;
		pa_buffer_puts(out, first ? "" : " ");
		first = false;
		written = put_own_step(rule, step, out);
	}
	if (own->comment && strchr(own->comment, '"'))
		return false;
	if (own->comment)
		pa_buffer_printf(out, " comment \"%s\"", own->comment);
	return written && is_one_statement(out->data + before);
}

/* --- rules ----------------------------------------------------------------------------------------------------------------------- */

static bool asks_address(const struct pa_edit_rule *rule)
{
	for (size_t i = 0; i < rule->test_count; i++)
		if (rule->tests[i].field == PA_FIELD_SADDR || rule->tests[i].field == PA_FIELD_DADDR)
			return true;
	return false;
}

/* icmp and icmpv6 say the family themselves. */
static bool says_family(const struct pa_edit_rule *rule)
{
	int protocol = pa_edit_protocol(rule);
	return asks_address(rule) || (has_header_test(rule) && (protocol == 1 || protocol == 58));
}

bool pa_edit_nft_rule(const struct pa_edit *edit, size_t index, struct pa_buffer *out)
{
	const struct pa_edit_rule *rule = &edit->rules[index];
	if (rule->family && !says_family(rule))
		pa_buffer_printf(out, "meta nfproto ipv%d ", rule->family);
	for (size_t i = 0; i < rule->test_count; i++)
		if (!rule->tests[i].instead && !put_test(rule, &rule->tests[i], out))
			return false;
	if (edit->kind != PA_EDIT_INSERT)
		return put_own(rule, edit->rule, out);
	pa_buffer_puts(out, pa_verdict_name(rule->verdict));
	return true;
}

/* --- commands --------------------------------------------------------------------------------------------------------------------- */

/* "inet filter input" */
static void put_chain(const struct pa_chain *chain, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s %s %s", pa_family_name(chain->table->family), chain->table->name, chain->name);
}

static void put_handle(const struct pa_rule *rule, struct pa_buffer *out)
{
	pa_buffer_printf(out, " handle %llu", (unsigned long long)rule->handle);
}

static void put_delete(const struct pa_edit *edit, struct pa_buffer *out)
{
	pa_buffer_puts(out, "delete rule ");
	put_chain(edit->chain, out);
	put_handle(edit->rule, out);
}

/* Before a rule, by its handle, or by its number where the host has no such handle; else at the end. */
static void put_insert(const struct pa_edit *edit, const struct pa_rule *before, struct pa_buffer *out)
{
	pa_buffer_puts(out, before ? "insert rule " : "add rule ");
	put_chain(edit->chain, out);
	if (before && edit->chain->table->scratch_handles)
		pa_buffer_printf(out, " index %u", before->index);
	else if (before)
		put_handle(before, out);
	pa_buffer_putc(out, ' ');
}

static bool put_rules(const struct pa_edit *edit, const struct pa_rule *before, struct pa_buffer *out)
{
	for (size_t i = 0; i < edit->rule_count; i++) {
		pa_buffer_puts(out, i ? "; " : "");
		put_insert(edit, before, out);
		if (!pa_edit_nft_rule(edit, i, out))
			return false;
	}
	return true;
}

static bool put_script(const struct pa_edit *edit, struct pa_buffer *out)
{
	bool written = true;
	switch (edit->kind) {
	case PA_EDIT_DELETE:
		put_delete(edit, out);
		break;
	case PA_EDIT_NARROW:
		written = put_rules(edit, edit->rule, out);
		pa_buffer_puts(out, "; ");
		put_delete(edit, out);
		break;
	case PA_EDIT_MOVE:
		put_insert(edit, edit->before, out);
		written = put_own(&(struct pa_edit_rule){ .family = 0 }, edit->rule, out);
		pa_buffer_puts(out, "; ");
		put_delete(edit, out);
		break;
	case PA_EDIT_INSERT:
		written = put_rules(edit, edit->before, out);
		break;
	case PA_EDIT_POLICY:
		pa_buffer_puts(out, "chain ");
		put_chain(edit->chain, out);
		pa_buffer_puts(out, " { policy drop; }");
		break;
	}
	return written;
}

/* "nft delete rule inet filter input handle 5"; in quotes where a shell would read more into it. */
static void put_command(const char *script, struct pa_buffer *out)
{
	static const char plain[] = " _-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ./,:+@%=";
	pa_buffer_puts(out, "nft ");
	if (script[strspn(script, plain)] == '\0')
		pa_buffer_puts(out, script);
	else
		pa_edit_quote(script, out);
}

/* A name that nft reads as one word (its grammar: a letter, then letters, digits and these). */
static bool is_name(const char *name)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_./-";
	return name[0] && !strchr("0123456789-./", name[0]) && name[strspn(name, plain)] == '\0';
}

void pa_edit_write_nft(const struct pa_edit *edit, struct pa_edit_commands *commands)
{
	struct pa_buffer script = { 0 }, command = { 0 };
	const struct pa_rule *named = edit->rule ? edit->rule : edit->before;
	bool by_handle = edit->kind != PA_EDIT_INSERT && edit->kind != PA_EDIT_POLICY;
	bool named_plainly = is_name(edit->chain->name) && is_name(edit->chain->table->name);
	if (!named_plainly || (by_handle && (edit->chain->table->scratch_handles || !named->handle))) {
		commands->failed = true;
		return;
	}
	if (put_script(edit, &script)) {
		put_command(script.data, &command);
		pa_edit_add(commands, &command);
	} else {
		commands->failed = true;
	}
	pa_buffer_done(&script);
	pa_buffer_done(&command);
}
