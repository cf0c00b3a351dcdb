// rooms: pa_reports pa_compare pa_ir pa_allow pa_base PkgConfig::JANSSON
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain and trace: one packet's way, for people and for machines. */
#include <jansson.h>
#include <stdio.h>

#include "test_report_fixture.h"

static struct fixture f;
static struct pa_walk walk;
static struct pa_walk_step steps[64];
static struct pa_packet packet;
static struct pa_style style;
static struct pa_step ssh_test, implied_test;
static struct pa_key_part implied_part;

static void setup(void)
{
	fixture_open(&f);
	walk = (struct pa_walk){ .steps = steps };
	packet = fixture_packet(4, 3306);
	style = (struct pa_style){ .width = 80 };
	ssh_test = (struct pa_step){ .kind = PA_STEP_MATCH, .text = "tcp dport 22" };
	implied_part = (struct pa_key_part){ .field = PA_FIELD_NFPROTO };
	implied_test =
		(struct pa_step){ .kind = PA_STEP_MATCH, .implied = true, .key = { .count = 1, .parts = &implied_part } };
}

static void teardown(void)
{
	fixture_close(&f);
}

static struct pa_walk_step *add(const struct pa_chain *chain, const struct pa_rule *rule, enum pa_walk_outcome outcome,
				enum pa_verdict_kind verdict)
{
	struct pa_walk_step *step = &steps[walk.step_count++];
	*step = (struct pa_walk_step){ .chain = chain, .rule = rule, .outcome = outcome, .verdict = verdict };
	return step;
}

/* Through NAT, a jump and a limit into a drop. */
static void make_walk(void)
{
	struct pa_rule *dnat = fixture_rule(&f, &f.prerouting, 4, "ip daddr 192.0.2.10 tcp dport 443 dnat to 10.0.0.5:8443");
	add(&f.prerouting, dnat, PA_WALK_NO_MATCH, 0)->failed_step = &implied_test;
	add(&f.prerouting, NULL, PA_WALK_POLICY, PA_VERDICT_ACCEPT);
	add(NULL, NULL, PA_WALK_KERNEL, 0)->text = "192.0.2.1 is an address of this host: input";
	add(&f.input, fixture_rule(&f, &f.input, 6, "iifname \"eth0\" jump lan"), PA_WALK_MATCHED, PA_VERDICT_JUMP);
	struct pa_walk_step *inner = add(&f.lan, fixture_rule(&f, &f.lan, 9, "tcp dport 22 accept"), PA_WALK_NO_MATCH, 0);
	inner->failed_step = &ssh_test;
	inner->depth = 1;
	add(&f.input, fixture_rule(&f, &f.input, 10, "limit rate 5/second log"), PA_WALK_PASSED, 0)->text =
		"assumed: `limit rate 5/second` is not exceeded";
	add(&f.input, fixture_rule(&f, &f.input, 11, "tcp dport 3306 drop"), PA_WALK_MATCHED, PA_VERDICT_DROP);
	walk.fate = PA_FATE_DROP;
}

static char *explain(void)
{
	struct pa_buffer out = { 0 };
	pa_report_walk(&walk, &packet, &style, &out);
	return out.data;
}

START_TEST(the_walk_is_told)
{
	make_walk();
	char *text = explain();
	ck_assert_str_eq(text, "packet:  tcp 198.51.100.7:40000 -> 192.0.2.1:3306 on eth0\n"
			       "verdict: dropped, by inet filter input handle 11\n"
			       "\n"
			       "ip nat prerouting: nat, hook prerouting, priority -100, policy accept\n"
			       "    handle 4: ip daddr 192.0.2.10 tcp dport 443 dnat to 10.0.0.5:8443\n"
			       "        no match: the test of meta nfproto that the rule implies\n"
			       "    no rule decided: policy accept\n"
			       "* 192.0.2.1 is an address of this host: input\n"
			       "\n"
			       "inet filter input: filter, hook input, priority 0, policy drop\n"
			       "    handle 6: iifname \"eth0\" jump lan\n"
			       "        matches: jump\n"
			       "    inet filter lan\n"
			       "        handle 9: tcp dport 22 accept\n"
			       "            no match: not `tcp dport 22`\n"
			       "back in inet filter input\n"
			       "    handle 10: limit rate 5/second log\n"
			       "        matches, and goes on\n"
			       "        assumed: `limit rate 5/second` is not exceeded\n"
			       ">   handle 11: tcp dport 3306 drop\n"
			       "        matches: drop\n");
	free(text);
}
END_TEST

START_TEST(the_policy_may_decide)
{
	add(&f.input, NULL, PA_WALK_POLICY, PA_VERDICT_DROP);
	walk.fate = PA_FATE_DROP;
	char *text = explain();
	ck_assert_ptr_nonnull(strstr(text, "verdict: dropped, by the policy of inet filter input\n"));
	ck_assert_ptr_nonnull(strstr(text, ">   no rule decided: policy drop\n"));
	free(text);
}
END_TEST

/* A NAT chain accepts, but it is the filter chain that lets the packet in. */
START_TEST(nat_changes_are_told)
{
	struct pa_rule *dnat = fixture_rule(&f, &f.prerouting, 4, "tcp dport 443 dnat to 10.0.0.5:8443");
	add(&f.input, fixture_rule(&f, &f.input, 5, "accept"), PA_WALK_MATCHED, PA_VERDICT_ACCEPT);
	add(&f.prerouting, dnat, PA_WALK_MATCHED, PA_VERDICT_ACCEPT);
	walk.path = PA_PATH_FORWARD;
	walk.destination_changed = walk.has_destination_port = true;
	walk.destination = (struct pa_interval)ONE(fixture_address("10.0.0.5"));
	walk.destination_port = (struct pa_interval)ONE(8443);
	char *text = explain();
	ck_assert_ptr_nonnull(strstr(text, "verdict: accepted, is forwarded, by inet filter input handle 5; NAT sends it to\n"
					   "         10.0.0.5:8443\n"));
	free(text);
}
END_TEST

START_TEST(what_it_depends_on_is_told)
{
	make_walk();
	walk.fate = PA_FATE_DEPENDS;
	walk.condition = "`limit rate 5/second`, `ip saddr @seen`, the packet's sport and what the packet does not say";
	struct pa_walk_assumption assumptions[] = {
		{ .text = "limit rate 5/second",
		  .holds = true,
		  .otherwise = { [PA_FATE_DROP] = true, [PA_FATE_REJECT] = true } },
		{ .text = "ip saddr @seen", .holds = false, .otherwise = { [PA_FATE_ACCEPT] = true } }
	};
	walk.assumptions = assumptions;
	walk.assumption_count = 2;
	char *text = explain();
	ck_assert_ptr_nonnull(strstr(text, "on what: `limit rate 5/second`, `ip saddr @seen`, the packet's sport and what\n"
					   "         the packet does not say\n"));
	ck_assert_ptr_nonnull(strstr(text, "    `limit rate 5/second`: yes. If not: dropped or rejected\n"
					   "    `ip saddr @seen`: no. If yes: let through\n"));
	free(text);
}
END_TEST

START_TEST(long_runs_without_a_match_are_cut)
{
	for (unsigned i = 0; i < 40; i++)
		add(&f.input, fixture_rule(&f, &f.input, i + 1, "tcp dport 22 accept"), PA_WALK_NO_MATCH, 0)->failed_step =
			&ssh_test;
	add(&f.input, NULL, PA_WALK_POLICY, PA_VERDICT_DROP);
	walk.fate = PA_FATE_DROP;
	char *text = explain();
	ck_assert_ptr_nonnull(strstr(text, "    handle 3: "));
	ck_assert_ptr_null(strstr(text, "    handle 4: "));
	ck_assert_ptr_nonnull(strstr(text, "    ... 34 more rules that do not match (-v shows them)\n    handle 38: "));
	ck_assert_ptr_nonnull(strstr(text, "    handle 40: "));
	free(text);
	style.verbose = true;
	text = explain();
	for (unsigned i = 0; i < 40; i++) {
		char handle[32];
		snprintf(handle, sizeof(handle), "    handle %u: ", i + 1);
		ck_assert_msg(strstr(text, handle) != NULL, "%s", handle);
	}
	free(text);
}
END_TEST

START_TEST(nothing_sees_the_packet)
{
	char *text = explain();
	ck_assert_ptr_nonnull(strstr(text, "verdict: accepted, gets in\n\nNo chain sees this packet.\n"));
	free(text);
}
END_TEST

START_TEST(hostile_rules_are_escaped)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, HOSTILE);
	f.input.name = HOSTILE;
	ssh_test.text = HOSTILE;
	add(&f.input, rule, PA_WALK_NO_MATCH, 0)->failed_step = &ssh_test;
	add(&f.input, rule, PA_WALK_MATCHED, PA_VERDICT_ACCEPT)->text = HOSTILE;
	walk.condition = HOSTILE;
	walk.fate = PA_FATE_DEPENDS;
	char *text = explain();
	ck_assert(pa_text_is_utf8(text, strlen(text)));
	for (const char *c = text; *c; c++)
		ck_assert((unsigned char)*c >= 0x20 || *c == '\n');
	free(text);
}
END_TEST

static void check_verdict(const char *id, const char *expected)
{
	struct pa_buffer out = { 0 };
	ck_assert(pa_report_verdict(&walk, &packet, id, &out));
	ck_assert_str_eq(out.data, expected);
	json_t *json = json_loads(out.data, 0, NULL);
	ck_assert_ptr_nonnull(json);
	json_decref(json);
	pa_buffer_done(&out);
}

START_TEST(verdicts)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "tcp dport 3306 accept");
	rule->where = (struct pa_location){ .file = "a.nft", .line = 12 };
	add(&f.input, fixture_rule(&f, &f.input, 4, "tcp dport 22 accept"), PA_WALK_NO_MATCH, 0);
	add(NULL, NULL, PA_WALK_KERNEL, 0)->text = "routing";
	add(&f.input, rule, PA_WALK_MATCHED, PA_VERDICT_ACCEPT);
	check_verdict(
		"7",
		"{\"id\":7,\"fate\":\"in-accept\",\"walk\":[{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\","
		"\"handle\":5,\"file\":\"a.nft\",\"line\":12,\"rule\":\"tcp dport 3306 accept\",\"verdict\":\"accept\"}]}\n");
	walk.step_count = 0;
	walk.path = PA_PATH_FORWARD;
	check_verdict("\"a\"", "{\"id\":\"a\",\"fate\":\"forward-accept\",\"walk\":[]}\n");
	walk.path = PA_PATH_OUT;
	check_verdict(NULL, "{\"id\":null,\"fate\":\"out-accept\",\"walk\":[]}\n");
	walk.fate = PA_FATE_REJECT;
	check_verdict("1", "{\"id\":1,\"fate\":\"reject\",\"walk\":[]}\n");
	walk.condition = "something";
	check_verdict("1", "{\"id\":1,\"fate\":\"reject\",\"walk\":[]}\n");
	walk.fate = PA_FATE_DEPENDS;
	check_verdict("1", "{\"id\":1,\"fate\":\"depends\",\"condition\":\"something\",\"walk\":[]}\n");
	walk.fate = PA_FATE_DROP;
	add(&f.input, NULL, PA_WALK_POLICY, PA_VERDICT_DROP);
	check_verdict("1",
		      "{\"id\":1,\"fate\":\"drop\",\"walk\":[{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\","
		      "\"handle\":null,\"file\":null,\"line\":null,\"rule\":null,\"verdict\":\"drop\"}]}\n");
}
END_TEST

START_TEST(verdicts_name_what_nat_changed)
{
	walk.destination_changed = walk.has_destination_port = true;
	walk.destination = (struct pa_interval)ONE(fixture_address("10.0.0.5"));
	walk.destination_port = (struct pa_interval)ONE(8443);
	check_verdict("1", "{\"id\":1,\"fate\":\"in-accept\",\"dst\":\"10.0.0.5\",\"dport\":8443,\"walk\":[]}\n");
	walk.destination_port = (struct pa_interval)ONE(3306); /* as it was */
	check_verdict("1", "{\"id\":1,\"fate\":\"in-accept\",\"dst\":\"10.0.0.5\",\"walk\":[]}\n");
	walk.destination = (struct pa_interval){ fixture_address("10.0.0.5"), fixture_address("10.0.0.6") };
	walk.destination_port = (struct pa_interval){ 1000, 2000 };
	check_verdict("1",
		      "{\"id\":1,\"fate\":\"in-accept\",\"dst\":\"10.0.0.5-10.0.0.6\",\"dport\":\"1000-2000\",\"walk\":[]}\n");
	walk.destination = (struct pa_interval)ONE(fixture_address("192.0.2.1")); /* as it was: redirect */
	walk.destination_port = (struct pa_interval)ONE(8443);
	check_verdict("1", "{\"id\":1,\"fate\":\"in-accept\",\"dport\":8443,\"walk\":[]}\n");
	walk.destination_changed = false; /* redirect: the port, and an address of the host that is not known */
	walk.destination_is_self = true;
	check_verdict("1", "{\"id\":1,\"fate\":\"in-accept\",\"dst\":null,\"dport\":8443,\"walk\":[]}\n");
	walk.destination_is_self = walk.has_destination_port = false;
	walk.source_changed = walk.has_source_port = true;
	walk.source = (struct pa_interval)ONE(fixture_address("192.0.2.1"));
	walk.source_port = (struct pa_interval)ONE(5);
	check_verdict("1", "{\"id\":1,\"fate\":\"in-accept\",\"src\":\"192.0.2.1\",\"sport\":5,\"walk\":[]}\n");
}
END_TEST

START_TEST(hostile_rules_stay_one_line_of_json)
{
	add(&f.input, fixture_rule(&f, &f.input, 5, HOSTILE), PA_WALK_MATCHED, PA_VERDICT_ACCEPT);
	f.input.name = HOSTILE;
	walk.condition = HOSTILE;
	walk.fate = PA_FATE_DEPENDS;
	struct pa_buffer out = { 0 };
	ck_assert(pa_report_verdict(&walk, &packet, "1", &out));
	ck_assert_ptr_eq(strchr(out.data, '\n'), out.data + out.length - 1);
	json_t *json = json_loads(out.data, 0, NULL);
	ck_assert_ptr_nonnull(json);
	ck_assert(strncmp(json_string_value(json_object_get(json, "condition")), "x\033[2Jy\nz<a&b>]]>\"'\\ \\xff\\xc0\\xaf ",
			  32) == 0);
	json_decref(json);
	pa_buffer_done(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_walk");
	TCase *tcase = tcase_create("walk");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_walk_is_told);
	tcase_add_test(tcase, the_policy_may_decide);
	tcase_add_test(tcase, nat_changes_are_told);
	tcase_add_test(tcase, what_it_depends_on_is_told);
	tcase_add_test(tcase, long_runs_without_a_match_are_cut);
	tcase_add_test(tcase, nothing_sees_the_packet);
	tcase_add_test(tcase, hostile_rules_are_escaped);
	tcase_add_test(tcase, verdicts);
	tcase_add_test(tcase, verdicts_name_what_nat_changed);
	tcase_add_test(tcase, hostile_rules_stay_one_line_of_json);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
