/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the loader that need neither kernel nor libnftables. */
#include "attributes.h"
#include "facts.h"
#include "legible.h"
#include "lines.h"
#include "recognise.h"
#include "script_error.h"
#include "split.h"
#include "wholeness.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* --- messages ---------------------------------------------------------------------------------------------- */

static void begin(struct pa_buffer *out, unsigned type)
{
	struct nlmsghdr header = { .nlmsg_len = NLMSG_LENGTH(4), .nlmsg_type = (uint16_t)type };
	struct nfgenmsg general = { .nfgen_family = NFPROTO_INET };

	pa_buffer_add(out, &header, sizeof(header));
	pa_buffer_add(out, &general, sizeof(general));
}

static void put(struct pa_buffer *out, size_t message, unsigned type, const void *data, size_t length)
{
	struct nlattr header = { .nla_len = (uint16_t)(sizeof(header) + length), .nla_type = (uint16_t)type };
	uint32_t total;

	pa_buffer_add(out, &header, sizeof(header));
	pa_buffer_add(out, data, length);
	while (out->length % 4)
		pa_buffer_putc(out, '\0');
	total = (uint32_t)(out->length - message);
	memcpy(out->data + message, &total, sizeof(total));
}

static void put_text(struct pa_buffer *out, size_t message, unsigned type, const char *text)
{
	put(out, message, type, text, strlen(text) + 1);
}

static void put_u32(struct pa_buffer *out, size_t message, unsigned type, uint32_t value)
{
	unsigned char bytes[4] = { value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255 };

	put(out, message, type, bytes, sizeof(bytes));
}

static void put_u64(struct pa_buffer *out, size_t message, unsigned type, uint64_t value)
{
	unsigned char bytes[8] = { 0 };

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (56 - 8 * i));
	put(out, message, type, bytes, sizeof(bytes));
}

static void put_chain(struct pa_buffer *out, const char *name, uint32_t use)
{
	size_t at = out->length;

	begin(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN);
	put_text(out, at, NFTA_CHAIN_TABLE, "t");
	put_text(out, at, NFTA_CHAIN_NAME, name);
	put_u64(out, at, NFTA_CHAIN_HANDLE, 1);
	put_u32(out, at, NFTA_CHAIN_USE, use);
}

static void put_rule(struct pa_buffer *out, const char *chain, uint64_t handle, uint64_t before)
{
	size_t at = out->length;

	begin(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE);
	put_text(out, at, NFTA_RULE_TABLE, "t");
	put_text(out, at, NFTA_RULE_CHAIN, chain);
	put_u64(out, at, NFTA_RULE_HANDLE, handle);
	if (before)
		put_u64(out, at, NFTA_RULE_POSITION, before);
}

static void put_set(struct pa_buffer *out, const char *name, uint32_t flags, uint32_t key_type)
{
	size_t at = out->length;

	begin(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET);
	put_text(out, at, NFTA_SET_TABLE, "t");
	put_text(out, at, NFTA_SET_NAME, name);
	put_u32(out, at, NFTA_SET_FLAGS, flags);
	put_u32(out, at, NFTA_SET_KEY_TYPE, key_type);
}

static void take_all(struct pa_digest *digest, struct pa_legible *legible, struct pa_buffer *messages)
{
	const char *at = messages->data;
	size_t left = messages->length;
	const struct nlmsghdr *message;

	while ((message = pa_messages_next(&at, &left))) {
		pa_digest_take(digest, message);
		if (legible)
			pa_legible_take(legible, digest, message);
	}
	ck_assert_uint_eq(left, 0);
	pa_buffer_done(messages);
}

/* --- wholeness --------------------------------------------------------------------------------------------- */

/* Rules as (handle, rule before) pairs of one chain with that count of uses. */
static void dump(struct pa_digest *digest, uint32_t use, const uint64_t (*rules)[2], size_t count)
{
	struct pa_buffer messages = { 0 };

	pa_digest_init(digest);
	put_chain(&messages, "c", use);
	for (size_t i = 0; i < count; i++)
		put_rule(&messages, "c", rules[i][0], rules[i][1]);
	take_all(digest, NULL, &messages);
}

START_TEST(whole_dumps)
{
	static const uint64_t whole[][2] = { { 5, 0 }, { 7, 5 }, { 9, 7 } }, gap[][2] = { { 5, 0 }, { 9, 7 } },
			      twice[][2] = { { 5, 0 }, { 7, 5 }, { 7, 5 } }, head[][2] = { { 7, 5 }, { 9, 7 } },
			      first_twice[][2] = { { 5, 0 }, { 5, 0 }, { 7, 5 } };
	struct pa_digest a, b;

	dump(&a, 3, whole, 3);
	ck_assert(!a.torn && pa_digest_rules_complete(&a));
	ck_assert_uint_eq(a.listed.count, 3);
	dump(&b, 3, whole, 2);
	ck_assert(!b.torn);
	ck_assert(!pa_digest_rules_complete(&b)); /* the tail is missing */
	ck_assert(!pa_digest_agree(&a, &b, true));
	ck_assert(pa_digest_agree(&a, &b, false));
	pa_digest_done(&b);
	dump(&b, 2, gap, 2);
	ck_assert(b.torn && !pa_digest_rules_complete(&b));
	pa_digest_done(&b);
	dump(&b, 3, twice, 3);
	ck_assert(b.torn);
	pa_digest_done(&b);
	dump(&b, 2, head, 2);
	ck_assert(b.torn);
	pa_digest_done(&b);
	dump(&b, 3, first_twice, 3);
	ck_assert(b.torn);
	pa_digest_done(&b);
	pa_digest_done(&a);
}
END_TEST

static void put_elements(struct pa_buffer *out, const char *set, const char *const *keys)
{
	struct pa_buffer list = { 0 }, element = { 0 }, key = { 0 };
	size_t at = out->length;

	begin(out, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM);
	put_text(out, at, NFTA_SET_ELEM_LIST_TABLE, "t");
	put_text(out, at, NFTA_SET_ELEM_LIST_SET, set);
	for (; *keys; keys++) {
		char padded[16] = "";
		struct nlattr header;

		memcpy(padded, *keys, strlen(*keys));
		pa_buffer_clear(&key);
		header = (struct nlattr){ sizeof(header) + 16, NFTA_DATA_VALUE };
		pa_buffer_add(&key, &header, sizeof(header));
		pa_buffer_add(&key, padded, 16);
		pa_buffer_clear(&element);
		header = (struct nlattr){ (uint16_t)(sizeof(header) + key.length), NFTA_SET_ELEM_KEY };
		pa_buffer_add(&element, &header, sizeof(header));
		pa_buffer_add(&element, key.data, key.length);
		header = (struct nlattr){ (uint16_t)(sizeof(header) + element.length), NFTA_LIST_ELEM };
		pa_buffer_add(&list, &header, sizeof(header));
		pa_buffer_add(&list, element.data, element.length);
	}
	put(out, at, NFTA_SET_ELEM_LIST_ELEMENTS, list.data, list.length);
	pa_buffer_done(&list);
	pa_buffer_done(&element);
	pa_buffer_done(&key);
}

static void dump_set(struct pa_digest *digest, uint32_t flags, const char *const *keys)
{
	struct pa_buffer messages = { 0 };

	pa_digest_init(digest);
	put_set(&messages, "s", flags, 41);
	put_elements(&messages, "s", keys);
	take_all(digest, NULL, &messages);
}

START_TEST(whole_sets)
{
	static const char *const ab[] = { "a", "b", NULL }, *const ba[] = { "b", "a", NULL }, *const aa[] = { "a", "a", NULL },
				 *const only_a[] = { "a", NULL };
	static const struct {
		uint32_t flags;
		const char *const *first, *const *second;
		bool agree;
	} rows[] = {
		{ 0, ab, ba, true },
		{ 0, ab, aa, false },
		{ 0, ab, only_a, false },
		{ NFT_SET_EVAL, ab, only_a, true },
		{ NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, ab, only_a, true },
	};
	struct pa_digest a, b;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dump_set(&a, rows[i].flags, rows[i].first);
		dump_set(&b, rows[i].flags, rows[i].second);
		ck_assert_msg(pa_digest_agree(&a, &b, true) == rows[i].agree, "row %zu", i);
		pa_digest_done(&a);
		pa_digest_done(&b);
	}
}
END_TEST

START_TEST(legible_elements)
{
	static const char *const good[] = { "eth0", "gr\xc3\xbc", NULL }, *const bad[] = { "eth0", "\xfe", NULL };
	struct pa_legible legible = { .lost = false };
	struct pa_buffer messages = { 0 };
	struct pa_digest digest;

	pa_digest_init(&digest);
	put_set(&messages, "s", 0, 41);
	put_set(&messages, "addresses", 0, 8);
	put_elements(&messages, "s", good);
	put_elements(&messages, "addresses", bad);
	take_all(&digest, &legible, &messages);
	ck_assert(!legible.lost);
	put_elements(&messages, "s", bad);
	take_all(&digest, &legible, &messages);
	ck_assert(legible.lost);
	ck_assert_str_eq(legible.problem, "an element in table t s is not UTF-8: \"\\xfe\"");
	pa_digest_done(&digest);
}
END_TEST

START_TEST(facts_of_messages)
{
	struct pa_buffer messages = { 0 };
	const char *problem = NULL;
	struct pa_nft_facts *facts;

	put_set(&messages, "s", NFT_SET_INTERVAL | NFT_SET_EVAL, 7);
	put_chain(&messages, "c", 0);
	facts = pa_nft_facts_read(messages.data, messages.length, &problem);
	ck_assert_ptr_nonnull(facts);
	ck_assert(pa_nft_facts_set(facts, PA_FAMILY_INET, "t", "s")->dynamic);
	ck_assert(pa_nft_facts_set(facts, PA_FAMILY_INET, "t", "s")->interval);
	ck_assert_ptr_null(pa_nft_facts_set(facts, PA_FAMILY_IP, "t", "s"));
	ck_assert_ptr_nonnull(pa_nft_facts_chain(facts, PA_FAMILY_INET, "t", "c"));
	pa_nft_facts_free(facts);
	ck_assert_ptr_null(pa_nft_facts_read(messages.data, messages.length - 1, &problem));
	ck_assert_str_eq(problem, "the recorded messages from the kernel are cut off");
	pa_buffer_done(&messages);
}
END_TEST

/* --- split ------------------------------------------------------------------------------------------------- */

struct parts {
	struct pa_buffer what; /* one letter a message, '|' between parts */
	size_t largest;
};

static bool note_part(void *context, const void *part, size_t length)
{
	struct parts *parts = context;
	const char *at = part;
	const struct nlmsghdr *message;

	parts->largest = length > parts->largest ? length : parts->largest;
	while ((message = pa_messages_next(&at, &length))) {
		unsigned type = message->nlmsg_type;
		char letter = type == NFNL_MSG_BATCH_BEGIN			     ? '('
			      : type == NFNL_MSG_BATCH_END			     ? ')'
			      : type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSET) ? 's'
										     : 'r';
		pa_buffer_putc(&parts->what, letter);
	}
	return length == 0;
}

static void put_anonymous_set(struct pa_buffer *out)
{
	put_set(out, "__set%d", NFT_SET_ANONYMOUS | NFT_SET_CONSTANT, 13);
}

START_TEST(split_batches)
{
	struct pa_buffer batch = { 0 };
	struct parts parts = { .largest = 0 };
	size_t rule;

	begin(&batch, NFNL_MSG_BATCH_BEGIN);
	rule = batch.length;
	put_rule(&batch, "chain", 1, 0);
	rule = batch.length - rule;
	put_rule(&batch, "chain", 2, 0);
	put_anonymous_set(&batch);
	put_rule(&batch, "__set%d", 3, 0); /* uses it */
	put_rule(&batch, "chain", 4, 0);
	begin(&batch, NFNL_MSG_BATCH_END);

	ck_assert(pa_split_batch(batch.data, batch.length, batch.length, note_part, &parts));
	ck_assert_str_eq(parts.what.data, "(rrsrr)");
	pa_buffer_clear(&parts.what);
	parts.largest = 0;
	ck_assert(pa_split_batch(batch.data, batch.length, 40 + 3 * rule, note_part, &parts));
	ck_assert_str_eq(parts.what.data, "(rr)(sr)(r)");
	ck_assert_uint_le(parts.largest, 40 + 3 * rule);
	pa_buffer_clear(&parts.what);
	errno = 0;
	ck_assert(!pa_split_batch(batch.data, batch.length, 40 + rule, note_part, &parts));
	ck_assert_int_eq(errno, EMSGSIZE);
	ck_assert(!pa_split_batch(batch.data, batch.length - 1, batch.length, note_part, &parts));
	ck_assert_int_eq(errno, EINVAL);
	pa_buffer_done(&parts.what);
	pa_buffer_done(&batch);
}
END_TEST

/* --- text -------------------------------------------------------------------------------------------------- */

START_TEST(kinds_of_text)
{
	static const struct {
		const char *text;
		enum pa_text_kind kind;
		uint32_t line;
	} rows[] = {
		{ "", PA_TEXT_NFT_SCRIPT, 1 },
		{ "#!/usr/sbin/nft -f\n\nflush ruleset\n", PA_TEXT_NFT_SCRIPT, 3 },
		{ "create table ip t\n", PA_TEXT_NFT_SCRIPT, 1 },
		{ "table ip t {\n*filter\n}", PA_TEXT_NFT_SCRIPT, 1 },
		{ " \n{\"nftables\": []}", PA_TEXT_NFT_JSON, 2 },
		{ "[]", PA_TEXT_NFT_JSON, 1 },
		{ "\xef\xbb\xbf{}", PA_TEXT_NFT_JSON, 1 },
		{ "{\"schema\":\"portaudit/1\"}", PA_TEXT_SNAPSHOT, 1 },
		{ "# Generated by iptables-save v1.8\n", PA_TEXT_IPTABLES_SAVE, 1 },
		{ "# saved\r\n*nat\r\n", PA_TEXT_IPTABLES_SAVE, 2 },
		{ "*filter\n-A INPUT -s 2001:db8::/32 -j DROP\n", PA_TEXT_IPTABLES_SAVE, 1 },
		{ "*filter\n-A INPUT -s 192.0.2.1 -m comment --comment a:b -j DROP\n", PA_TEXT_IPTABLES_SAVE, 1 },
		{ ":INPUT DROP [0:0]\n", PA_TEXT_IPTABLES_SAVE, 1 },
		{ "rules of the router\n*filter\nCOMMIT\n", PA_TEXT_IPTABLES_SAVE, 2 },
		{ "create s hash:net family inet6\n", PA_TEXT_IPSET_SAVE, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t line = 0;
		enum pa_text_kind kind = pa_text_recognise(rows[i].text, strlen(rows[i].text), &line);
		ck_assert_msg(kind == rows[i].kind && (rows[i].kind == PA_TEXT_NFT_SCRIPT || line == rows[i].line),
			      "row %zu: kind %d, line %u", i, (int)kind, line);
	}
}
END_TEST

#define POLICY SIZE_MAX

static const char *place(const char *script, const char *chain, size_t index, size_t count, char text[64])
{
	struct pa_buffer records = { 0 };
	struct pa_location where;
	struct pa_rule_lines *lines;
	bool found;

	pa_rule_lines_scan("f", script, strlen(script), NULL, &records);
	lines = pa_rule_lines_read(records.data, records.length);
	found = index == POLICY ? pa_rule_lines_find_policy(lines, PA_FAMILY_INET, "t", chain, &where)
				: pa_rule_lines_find(lines, PA_FAMILY_INET, "t", chain, index, count, &where);
	if (found)
		snprintf(text, 64, "%s:%u:%u", where.file, where.line, where.column);
	else
		snprintf(text, 64, "unknown");
	pa_rule_lines_free(lines);
	pa_buffer_done(&records);
	return text;
}

START_TEST(places_of_rules)
{
	static const struct {
		const char *script;
		size_t index, count;
		const char *place;
	} rows[] = {
		{ "table inet t {\n chain c {\n\ttype filter hook input priority 0; policy drop;\n\n accept\n}\n}\n", 0, 1,
		  "f:5:2" },
		{ "table inet t { chain c { accept; drop; }; }", 1, 2, "f:1:34" },
		{ "table inet t { chain c { accept; drop; }; }", 1, 3, "unknown" },
		{ "table inet t { chain c {\n tcp dport {\n 1,\n 2 } accept\n drop\n}\n}", 1, 2, "f:5:2" },
		{ "table inet t { chain c {\n tcp dport \\\n 1 accept\n drop # accept\n # accept\n}\n}", 1, 2, "f:4:2" },
		{ "table inet t { chain c {\n log prefix \"a}b;c\" accept\n drop\n}\n}", 1, 2, "f:3:2" },
		{ "table inet t { chain c {\n jump {\n accept\n drop\n }\n drop\n}\n}", 1, 2, "f:6:2" },
		{ "table inet t { set s { type x; elements = { 1 }\n}\nchain c {\n drop\n}\n}", 0, 1, "f:4:2" },
		{ "add rule inet t c accept\nadd rule inet t c drop", 1, 2, "f:2:1" },
		{ "table inet t { chain c { accept\n}\n}\nflush ruleset\nadd rule inet t c drop", 0, 1, "f:5:1" },
		{ "add rule inet t c accept\nadd rule inet t c index 0 drop", 0, 2, "unknown" },
		{ "add rule inet t c accept\ninsert rule inet t c drop", 0, 1, "unknown" },
		{ "add rule inet t c accept\nflush chain inet t c\nadd rule inet t c drop\n", 0, 1, "unknown" },
		{ "add rule inet t c accept\nflush table inet t\n", 0, 1, "unknown" },
		{ "define x = t\nadd rule inet t c accept\nadd rule inet $x c accept", 0, 1, "unknown" },
		{ "add rule inet t c accept\nfrobnicate\n", 0, 1, "unknown" },
		{ "add rule ip t c accept\n", 0, 1, "unknown" },
		{ "table inet t {\n chain c {\n\ttype filter hook input priority 0; policy drop;\n}\n}\n", POLICY, 0,
		  "f:3:37" },
		{ "table inet t {\n chain c {\n\ttype filter hook input priority 0\n}\n}\n", POLICY, 0, "f:3:2" },
		{ "add chain inet t c { type filter hook input priority 0; }\nadd chain inet t c {\npolicy drop; }", POLICY, 0,
		  "f:3:1" },
		{ "table inet t { chain c { policy drop; }\n}\nflush ruleset\ntable inet t { chain c { accept; }\n}", POLICY, 0,
		  "unknown" },
		{ "table inet t { chain c { policy drop; }\n}\ndelete chain inet t c\n", POLICY, 0, "unknown" },
		{ "table inet t { set s { type x; }\nchain c {\n drop\n}\n}", POLICY, 0, "unknown" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];
		ck_assert_msg(pa_text_equal(place(rows[i].script, "c", rows[i].index, rows[i].count, text), rows[i].place),
			      "row %zu: %s", i, text);
	}
}
END_TEST

START_TEST(errors_of_scripts)
{
	static const char text[] =
		"In file included from a.nft:1:1-19:\n/etc/x:3:7-12: Error: syntax error\nroot:*:1:2-3: x\n   ^^\n"
		"/proc/self/fd/5:2:1-4: Warning: old\n/proc/self/fd/5:2:6-9: Error: User does not exist\n";
	struct pa_script script = { .name = "s.nft", .text = "one\ntwo three\n", .length = 14, .fd = 5 };
	struct pa_diags diags = { 0 };

	pa_script_errors_add(&diags, &script, text, strlen(text));
	ck_assert_uint_eq(diags.count, 3);
	ck_assert_str_eq(diags.items[0].where.file, "/etc/x");
	ck_assert_uint_eq(diags.items[0].where.line, 3);
	ck_assert_uint_eq(diags.items[0].where.column, 7);
	ck_assert_uint_eq(diags.items[0].where.length, 6);
	ck_assert_ptr_null(diags.items[0].source);
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INPUT);
	ck_assert_int_eq(diags.items[1].level, PA_DIAG_WARNING);
	ck_assert_str_eq(diags.items[2].where.file, "s.nft");
	ck_assert_str_eq(diags.items[2].source, "two three");
	ck_assert_int_eq(diags.items[2].kind, PA_DIAG_INCOMPLETE);
	pa_diags_done(&diags);

	pa_script_errors_add(&diags, &script, NULL, 0);
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INCOMPLETE);
	pa_diags_done(&diags);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("loader");
	TCase *parts = tcase_create("parts");
	SRunner *runner;
	int failed;

	tcase_add_test(parts, whole_dumps);
	tcase_add_test(parts, whole_sets);
	tcase_add_test(parts, legible_elements);
	tcase_add_test(parts, facts_of_messages);
	tcase_add_test(parts, split_batches);
	tcase_add_test(parts, kinds_of_text);
	tcase_add_test(parts, places_of_rules);
	tcase_add_test(parts, errors_of_scripts);
	suite_add_tcase(suite, parts);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
