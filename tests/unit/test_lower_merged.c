/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_nft pa_ir pa_base
/*
 * Neighbouring header fields that are both negated: one comparison, two, or nobody knows. The same JSON comes with
 * different expressions of the kernel.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../rules/nft/attributes.h"
#include "../../rules/nft/document.h"
#include "../../rules/nft/legible.h"

/* --- the kernel's message ------------------------------------------------------------------------------------------ */

struct expression {
	enum { END, LOAD, META, DIFFERS, SAME } kind;
	uint32_t reg;
	uint32_t base, offset, length; /* LOAD */
};

static void add(struct pa_buffer *out, unsigned type, const void *data, size_t length)
{
	struct nlattr header = { .nla_len = (uint16_t)(sizeof(header) + length), .nla_type = (uint16_t)type };
	pa_buffer_add(out, &header, sizeof(header));
	pa_buffer_add(out, data, length);
	while (out->length % 4)
		pa_buffer_putc(out, '\0');
}

static void add_u32(struct pa_buffer *out, unsigned type, uint32_t value)
{
	unsigned char bytes[4] = { value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255 };
	add(out, type, bytes, sizeof(bytes));
}

static void add_nested(struct pa_buffer *out, unsigned type, struct pa_buffer *inner)
{
	add(out, type | NLA_F_NESTED, inner->data, inner->length);
	pa_buffer_done(inner);
}

static void add_expression(struct pa_buffer *out, const struct expression *expression)
{
	static const char *const names[] = { [LOAD] = "payload", [META] = "meta", [DIFFERS] = "cmp", [SAME] = "cmp" };
	const char *name = names[expression->kind];
	struct pa_buffer data = { 0 }, item = { 0 };
	switch (expression->kind) {
	case LOAD:
		add_u32(&data, NFTA_PAYLOAD_DREG, expression->reg);
		add_u32(&data, NFTA_PAYLOAD_BASE, expression->base);
		add_u32(&data, NFTA_PAYLOAD_OFFSET, expression->offset);
		add_u32(&data, NFTA_PAYLOAD_LEN, expression->length);
		break;
	case META:
		add_u32(&data, NFTA_META_DREG, expression->reg);
		add_u32(&data, NFTA_META_KEY, NFT_META_MARK);
		break;
	case DIFFERS:
	case SAME:
		add_u32(&data, NFTA_CMP_SREG, expression->reg);
		add_u32(&data, NFTA_CMP_OP, expression->kind == SAME ? NFT_CMP_EQ : NFT_CMP_NEQ);
		break;
	case END:
		break;
	}
	add(&item, NFTA_EXPR_NAME, name, strlen(name) + 1);
	add_nested(&item, NFTA_EXPR_DATA, &data);
	add_nested(out, NFTA_LIST_ELEM, &item);
}

static void put_rule(struct pa_buffer *out, const struct expression *expressions)
{
	struct nlmsghdr header = { .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE };
	struct nfgenmsg general = { .nfgen_family = NFPROTO_INET };
	const unsigned char handle[8] = { [7] = 5 };
	struct pa_buffer list = { 0 };
	for (; expressions->kind != END; expressions++)
		add_expression(&list, expressions);
	pa_buffer_add(out, &header, sizeof(header));
	pa_buffer_add(out, &general, sizeof(general));
	add(out, NFTA_RULE_TABLE, "t", 2);
	add(out, NFTA_RULE_CHAIN, "c", 2);
	add(out, NFTA_RULE_HANDLE, handle, sizeof(handle));
	add_nested(out, NFTA_RULE_EXPRESSIONS, &list);
	header.nlmsg_len = (uint32_t)out->length;
	memcpy(out->data, &header, sizeof(header));
}

/* What the loader records of the message: all or nothing. */
static struct pa_nft_facts *facts_of(const struct expression *expressions, bool *ret_recorded)
{
	struct pa_legible legible = { 0 };
	struct pa_digest digest;
	struct pa_buffer message = { 0 };
	const char *problem = NULL;
	pa_digest_init(&digest);
	put_rule(&message, expressions);
	*ret_recorded = pa_legible_take(&legible, &digest, (const void *)message.data);
	struct pa_nft_facts *facts = pa_nft_facts_read(message.data, *ret_recorded ? message.length : 0, &problem);
	ck_assert_ptr_nonnull(facts);
	pa_buffer_done(&message);
	pa_digest_done(&digest);
	return facts;
}

/* --- the cases ------------------------------------------------------------------------------------------------------- */

#define DIFFERENT(protocol, field, value)                                                                           \
	"{\"match\": {\"op\": \"!=\", \"left\": {\"payload\": {\"protocol\": \"" protocol "\", \"field\": \"" field \
	"\"}}, \"right\": " value "}}"
#define PORTS DIFFERENT("tcp", "sport", "33000") ", " DIFFERENT("tcp", "dport", "80")
#define TH 2
#define NH 1
#define LOADS(reg, base, offset, length)        \
	{                                       \
		LOAD, reg, base, offset, length \
	}
#define OTHER(kind, reg)           \
	{                          \
		kind, reg, 0, 0, 0 \
	}

static const struct {
	const char *statements;
	const char *text;
	struct expression expressions[9];
} cases[] = {
	/* one comparison, and two */
	{ PORTS, "tcp sport . tcp dport != 33000 . 80", { LOADS(1, TH, 0, 4), OTHER(DIFFERS, 1) } },
	{ PORTS,
	  "tcp sport != 33000 tcp dport != 80",
	  { LOADS(1, TH, 0, 2), OTHER(DIFFERS, 1), LOADS(1, TH, 2, 2), OTHER(DIFFERS, 1) } },
	/* both are loaded before they are compared */
	{ PORTS,
	  "tcp sport != 33000 tcp dport != 80",
	  { LOADS(1, TH, 0, 2), LOADS(9, TH, 2, 2), OTHER(DIFFERS, 1), OTHER(DIFFERS, 9) } },
	{ PORTS,
	  "tcp sport . tcp dport != 33000 . 80",
	  { LOADS(9, TH, 0, 4), OTHER(META, 1), LOADS(1, TH, 0, 4), OTHER(DIFFERS, 1) } },
	/* something else was loaded over the ports, or they are compared the other way: nothing to be said */
	{ PORTS, "tcp sport != 33000 tcp dport != 80", { LOADS(1, TH, 0, 4), OTHER(META, 1), OTHER(DIFFERS, 1) } },
	{ PORTS, "tcp sport != 33000 tcp dport != 80", { LOADS(1, TH, 0, 4), OTHER(SAME, 1) } },
	/* the bytes of another header */
	{ PORTS, "tcp sport != 33000 tcp dport != 80", { LOADS(1, NH, 0, 4), OTHER(DIFFERS, 1) } },
	/* each comparison stands for one statement only */
	{ DIFFERENT("tcp", "sport", "1") ", " DIFFERENT("tcp", "sport", "3") ", " DIFFERENT("tcp", "dport", "2") ", " DIFFERENT(
		  "tcp", "dport", "4"),
	  "tcp sport != 1 tcp sport . tcp dport != 3 . 2 tcp dport != 4",
	  { LOADS(1, TH, 0, 2), OTHER(DIFFERS, 1), LOADS(1, TH, 0, 4), OTHER(DIFFERS, 1), LOADS(1, TH, 2, 2),
	    OTHER(DIFFERS, 1) } },
	{ PORTS ", " PORTS,
	  "tcp sport != 33000 tcp dport != 80 tcp sport . tcp dport != 33000 . 80",
	  { LOADS(1, TH, 0, 2), OTHER(DIFFERS, 1), LOADS(1, TH, 2, 2), OTHER(DIFFERS, 1), LOADS(1, TH, 0, 4),
	    OTHER(DIFFERS, 1) } },
	/* three fields; single bytes */
	{ DIFFERENT("ip", "ttl", "9") ", " DIFFERENT("ip", "protocol", "5") ", " DIFFERENT("ip", "checksum", "7"),
	  "ip ttl . ip protocol . ip checksum != 9 . 5 . 7",
	  { LOADS(1, NH, 8, 4), OTHER(DIFFERS, 1) } },
	{ DIFFERENT("ip", "ttl", "9") ", " DIFFERENT("ip", "protocol", "5") ", " DIFFERENT("ip", "checksum", "7"),
	  "ip ttl != 9 ip protocol . ip checksum != 5 . 7",
	  { LOADS(1, NH, 8, 1), OTHER(DIFFERS, 1), LOADS(1, NH, 9, 3), OTHER(DIFFERS, 1) } },
	{ DIFFERENT("icmp", "type", "8") ", " DIFFERENT("icmp", "code", "0"),
	  "icmp type != 8 icmp code != 0",
	  { LOADS(1, TH, 0, 1), OTHER(DIFFERS, 1), LOADS(1, TH, 1, 1), OTHER(DIFFERS, 1) } },
	/* as wide as libnftables before 1.0 had it */
	{ DIFFERENT("ip", "saddr", "\"10.0.0.1\"") ", " DIFFERENT("ip", "daddr", "\"10.0.0.2\""),
	  "ip saddr . ip daddr != 10.0.0.1 . 10.0.0.2",
	  { LOADS(1, NH, 12, 8), OTHER(DIFFERS, 1) } },
};

static struct pa_ruleset *lower(const char *statements, const struct pa_nft_facts *facts)
{
	struct pa_buffer json = { 0 };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	pa_buffer_printf(
		&json,
		"{\"nftables\": [{\"table\": {\"family\": \"inet\", \"name\": \"t\"}},"
		"{\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"c\"}},"
		"{\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"c\", \"handle\": 5, \"expr\": [%s]}}]}",
		statements);
	struct pa_nft_document document = { .json = json.data, .length = json.length, .source_name = "x", .facts = facts };
	ck_assert(pa_nft_lower(&document, ruleset, &diags));
	ck_assert_uint_eq(diags.count, 0);
	pa_buffer_done(&json);
	pa_diags_done(&diags);
	return ruleset;
}

static const struct pa_rule *the_rule(const struct pa_ruleset *ruleset)
{
	ck_assert_uint_eq(ruleset->chain_count, 1);
	ck_assert_uint_eq(ruleset->chains[0]->rule_count, 1);
	return ruleset->chains[0]->rules[0];
}

START_TEST(told_by_the_kernel)
{
	bool recorded;
	struct pa_nft_facts *facts = facts_of(cases[_i].expressions, &recorded);
	ck_assert(recorded);
	struct pa_ruleset *ruleset = lower(cases[_i].statements, facts);
	const struct pa_rule *rule = the_rule(ruleset);
	ck_assert_str_eq(rule->text, cases[_i].text);
	/* These rules ask for no protocol, and nft's do: then no test of a header is believed (account.c), and the text says how it was read. */
	for (size_t i = 0; i < rule->step_count; i++)
		ck_assert_int_ne(rule->steps[i].kind, PA_STEP_MATCH);
	pa_ruleset_free(ruleset);
	pa_nft_facts_free(facts);
}
END_TEST

/* Of another rule, of another table: nothing is known of this one. */
START_TEST(of_one_rule)
{
	bool recorded;
	struct pa_nft_facts *facts = facts_of(cases[0].expressions, &recorded);
	const struct pa_nft_rule_fact *fact = pa_nft_facts_rule(facts, PA_FAMILY_INET, "t", 5);
	ck_assert_ptr_nonnull(fact);
	ck_assert_uint_eq(fact->count, 1);
	ck_assert_uint_eq(fact->differing[0].length, 4);
	ck_assert_ptr_null(pa_nft_facts_rule(facts, PA_FAMILY_INET, "t", 6));
	ck_assert_ptr_null(pa_nft_facts_rule(facts, PA_FAMILY_INET, "u", 5));
	ck_assert_ptr_null(pa_nft_facts_rule(facts, PA_FAMILY_IP, "t", 5));
	pa_nft_facts_free(facts);
}
END_TEST

/* A file: "not both" for certain, and each test by itself if there are two. */
START_TEST(nobody_knows)
{
	static const char question[] = "tcp sport != 33000 and tcp dport != 80 are two tests";
	struct pa_ruleset *ruleset = lower(PORTS, NULL);
	const struct pa_rule *rule = the_rule(ruleset);
	ck_assert_str_eq(rule->text, "tcp sport . tcp dport != 33000 . 80");
	ck_assert_uint_eq(rule->step_count, 4); /* tcp comes first */
	ck_assert_uint_eq(rule->steps[1].key.count, 2);
	ck_assert_ptr_null(rule->steps[1].key.parts[1].opaque);
	for (size_t i = 2; i < 4; i++) {
		const struct pa_step *step = &rule->steps[i];
		ck_assert(step->implied && step->negated);
		ck_assert_str_eq(step->text, question);
		ck_assert_uint_eq(step->key.count, 2);
		ck_assert_uint_eq(step->key.parts[0].field, i == 2 ? PA_FIELD_SPORT : PA_FIELD_DPORT);
		ck_assert_str_eq(step->key.parts[1].opaque, question);
		ck_assert(step->elements->keys[0].first == (i == 2 ? 33000 : 80));
	}
	pa_ruleset_free(ruleset);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lower_merged");
	TCase *tests = tcase_create("all");
	tcase_add_loop_test(tests, told_by_the_kernel, 0, (int)(sizeof(cases) / sizeof(*cases)));
	tcase_add_test(tests, of_one_rule);
	tcase_add_test(tests, nobody_knows);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
