// rooms: pa_reports pa_compare pa_ir pa_allow pa_base PkgConfig::JANSSON
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON documents: their shape by tests/schemas/portaudit-1.json, their contents by example. */
#include <jansson.h>
#include <stdio.h>

#include "json_schema.h"
#include "test_report_fixture.h"

static struct fixture f;
static const struct pa_style plain;

static void setup(void)
{
	json_error_t error;
	fixture_open(&f);
	schema = json_load_file(PA_SOURCE_DIR "/tests/schemas/portaudit-1.json", JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(schema != NULL, "%s:%d: %s", error.source, error.line, error.text);
}

static void teardown(void)
{
	json_decref(schema);
	fixture_close(&f);
}

/* --- tests --------------------------------------------------------------------------------------------------- */
/* The document, parsed, and held against the schema. */
static json_t *document(void)
{
	json_error_t error;
	char *text = fixture_format(&f, PA_FORMAT_JSON, &plain);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s at %d: %.1000s", error.text, error.position, text);
	const char *wrong = conforms(schema, json);
	ck_assert_msg(!wrong, "%s in %.1000s", wrong, text);
	free(text);
	return json;
}

/* The only exposure of a report of one row, as text with sorted keys. */
static void check_member(const struct pa_row *row, const char *key, const char *expected)
{
	f.report.rows = row;
	f.report.row_count = 1;
	json_t *json = document();
	json_t *exposure = json_array_get(json_object_get(json, "exposures"), 0);
	json_t *member = json_object_get(exposure, key);
	char *text = member ? json_dumps(member, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	ck_assert_msg(pa_text_equal(text, expected), "%s: %s, not %s", key, text ? text : "(missing)",
		      expected ? expected : "(missing)");
	free(text);
	json_decref(json);
}

START_TEST(the_schema_can_refuse)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"{\"schema\":\"portaudit/2\"}",
		"{\"schema\":\"portaudit/1\",\"host\":1,\"sources\":[],\"complete\":true,\"incomplete\":[],\"exposures_cut\":false,"
		"\"no_firewall\":false,\"exposures\":[]}",
		"{\"schema\":\"portaudit/1\",\"host\":\"a\",\"sources\":[],\"complete\":true,\"incomplete\":[],\"exposures_cut\":false,"
		"\"no_firewall\":false,\"exposures\":[{}]}",
		"{\"schema\":\"portaudit/1\",\"host\":\"a\",\"sources\":[],\"complete\":true,\"incomplete\":[],\"exposures_cut\":false,"
		"\"no_firewall\":false,\"exposures\":[],\"more\":1}",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		json_t *json = json_loads(wrong[i], 0, NULL);
		ck_assert_msg(conforms(schema, json) != NULL, "%s", wrong[i]);
		json_decref(json);
	}
}
END_TEST

START_TEST(a_list_is_as_the_manual_says)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, fixture_rule(&f, &f.input, 5, "tcp dport 22 accept"));
	row.box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "10.0.0.0", 8);
	row.box.field[PA_FIELD_IIFNAME] = fixture_name(&f, "eth0");
	f.report.rows = &row;
	f.report.row_count = 1;
	char *text = fixture_format(&f, PA_FORMAT_JSON, &plain);
	ck_assert_str_eq(
		text,
		"{\"schema\":\"portaudit/1\",\"host\":\"web1\",\"sources\":[\"live kernel\"],\"complete\":true,\"incomplete\":[],"
		"\"exposures_cut\":false,\"no_firewall\":false,\n"
		"\"exposures\":[\n"
		"{\"path\":\"in\",\"certainty\":\"certain\",\"condition\":null,\"family\":4,\"proto\":\"tcp\",\"iif\":[\"eth0\"],"
		"\"src\":[\"10.0.0.0/8\"],\"sport\":[\"0-65535\"],\"dst\":[\"0.0.0.0/0\"],\"dport\":[\"22\"],\"icmp\":null,\"to\":null,"
		"\"rules\":[{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"input\",\"handle\":5,\"file\":null,\"line\":null,"
		"\"text\":\"tcp dport 22 accept\"}],\"service\":\"ssh\",\"class\":\"system\",\"listeners\":null}]}\n");
	free(text);
	json_decref(document());
}
END_TEST

START_TEST(documents_conform)
{
	fixture_add_rows(&f);
	json_t *list = document();
	ck_assert_uint_eq(json_array_size(json_object_get(list, "exposures")), f.report.row_count);
	ck_assert_ptr_null(json_object_get(list, "findings"));
	json_decref(list);
	fixture_add_result(&f);
	json_t *check = document();
	ck_assert_uint_eq(json_array_size(json_object_get(check, "findings")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(check, "checks")), PA_CHECK_COUNT);
	ck_assert_uint_eq(json_array_size(json_object_get(check, "policy")), 3);
	ck_assert_uint_eq(json_array_size(json_object_get(check, "not_assessed")), 1);
	json_decref(check);
}
END_TEST

START_TEST(the_same_input_gives_the_same_bytes)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	char *first = fixture_format(&f, PA_FORMAT_JSON, &plain), *second = fixture_format(&f, PA_FORMAT_JSON, &plain);
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

START_TEST(an_incomplete_audit_says_so)
{
	const char *reasons[] = { "legacy tables are there" };
	f.report.complete = false;
	f.report.incomplete = reasons;
	f.report.incomplete_count = 1;
	json_t *json = document();
	ck_assert(json_is_false(json_object_get(json, "complete")));
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(json, "incomplete"), 0)), reasons[0]);
	json_decref(json);
	f.report.complete = true;
	f.report.incomplete_count = 0;
	f.report.rows_cut = true;
	json = document();
	ck_assert(json_is_false(json_object_get(json, "complete")));
	ck_assert(json_is_true(json_object_get(json, "exposures_cut")));
	json_decref(json);
}
END_TEST

START_TEST(interfaces)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	check_member(&row, "iif", "\"any\"");
	row.box.field[PA_FIELD_IIFNAME].count = 0;
	check_member(&row, "iif", "\"any\"");
	check_member(&row, "oif", NULL);
	row.box.field[PA_FIELD_IIFNAME] = RANGES(&f, { 1, PA_U128_MAX });
	check_member(&row, "iif", "[\"*\",\"lo\"]");
	row.box.field[PA_FIELD_IIFNAME] = fixture_all_but(&f, 2, (const char *const[]){ "eth0", "lo" });
	check_member(&row, "iif", "[\"*\",\"!eth0\"]");
	struct pa_interval bridges = pa_ifname_prefix("br-");
	row.box.field[PA_FIELD_IIFNAME] = RANGES(&f, { bridges.first, bridges.last }, ONE(pa_ifname_value("eth0")));
	row.box.field[PA_FIELD_OIFNAME] = fixture_name(&f, "eth1");
	row.path = PA_PATH_FORWARD;
	check_member(&row, "iif", "[\"br-*\",\"eth0\"]");
	check_member(&row, "oif", "[\"eth1\"]");
	row.box.field[PA_FIELD_IIFNAME].count = 0;
	check_member(&row, "iif", "\"any\"");
}
END_TEST

START_TEST(long_lists_are_whole)
{
	struct pa_interval items[1000];
	for (size_t i = 0; i < 1000; i++)
		items[i] = (struct pa_interval)ONE(fixture_address("10.0.0.1") + 2 * i);
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	row.box.field[PA_FIELD_SADDR] = fixture_ranges(&f, 1000, items);
	f.report.rows = &row;
	f.report.row_count = 1;
	json_t *json = document();
	json_t *sources = json_object_get(json_array_get(json_object_get(json, "exposures"), 0), "src");
	ck_assert_uint_eq(json_array_size(sources), 1000);
	ck_assert_str_eq(json_string_value(json_array_get(sources, 999)), "10.0.7.207");
	json_decref(json);
}
END_TEST

START_TEST(several_protocols_are_several_rows)
{
	struct pa_row row = fixture_row(&f, 4, 6, 0, NULL);
	row.box.field[PA_FIELD_L4PROTO] = RANGES(&f, ONE(1), ONE(6), { 18, 30 });
	f.report.rows = &row;
	f.report.row_count = 1;
	json_t *json = document(), *exposures = json_object_get(json, "exposures");
	static const char *const protocols[] = { "icmp", "tcp", "18-30" };
	ck_assert_uint_eq(json_array_size(exposures), 3);
	for (size_t i = 0; i < 3; i++) {
		json_t *exposure = json_array_get(exposures, i);
		ck_assert_str_eq(json_string_value(json_object_get(exposure, "proto")), protocols[i]);
		ck_assert_int_eq(json_is_null(json_object_get(exposure, "icmp")), i != 0);
		ck_assert_int_eq(json_is_null(json_object_get(exposure, "dport")), i != 1);
	}
	json_decref(json);
	row.box.field[PA_FIELD_L4PROTO].count = 0;
	check_member(&row, "proto", "\"any\"");
	check_member(&row, "dport", "[\"0-65535\"]");
}
END_TEST

START_TEST(rules_not_looked_up)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	check_member(&row, "rules", "[]");
	check_member(&row, "rules_complete", NULL);
	row.rules_complete = false;
	check_member(&row, "rules_complete", "false");
}
END_TEST

START_TEST(icmp_types)
{
	struct pa_row row = fixture_row(&f, 4, 1, 0, NULL);
	row.box.field[PA_FIELD_ICMP_TYPE] = RANGES(&f, ONE(8));
	check_member(&row, "icmp", "{\"code\":[\"0-255\"],\"type\":[\"8\"]}");
	check_member(&row, "sport", "null");
	check_member(&row, "class", "null");
}
END_TEST

START_TEST(targets)
{
	struct pa_row row = fixture_row(&f, 4, 6, 443, NULL);
	check_member(&row, "to", "null");
	row.has_target = true;
	row.target = (struct pa_target){ .has_address = true, .family = 4, .address = ONE(fixture_address("10.0.0.5")) };
	check_member(&row, "to", "{\"addr\":\"10.0.0.5\",\"port\":null}");
	row.target.has_port = true;
	row.target.port = (struct pa_interval)ONE(8443);
	check_member(&row, "to", "{\"addr\":\"10.0.0.5\",\"port\":8443}");
	row.target.port.last = 8450;
	row.target.address.last += 1;
	check_member(&row, "to", "{\"addr\":\"10.0.0.5-10.0.0.6\",\"port\":\"8443-8450\"}");
	row.target = (struct pa_target){ .to_self = true, .has_port = true, .port = ONE(8080) };
	check_member(&row, "to", "{\"addr\":\"self\",\"port\":8080}");
}
END_TEST

START_TEST(classes_and_services)
{
	struct pa_row row = fixture_row(&f, 4, 6, 3306, NULL);
	check_member(&row, "class", "\"user\"");
	check_member(&row, "service", "\"mysql\"");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, ONE(22), ONE(1023));
	check_member(&row, "class", "\"system\"");
	check_member(&row, "service", "null");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, { 1023, 1024 });
	check_member(&row, "class", "null");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, { 49152, 65535 });
	check_member(&row, "class", "\"dynamic\"");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, { 1024, 49151 });
	check_member(&row, "class", "\"user\"");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, { 0, 65535 });
	check_member(&row, "class", "null");
	check_member(&row, "dport", "[\"0-65535\"]");
}
END_TEST

START_TEST(further_fields)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	row.plain = false;
	row.box.field[PA_FIELD_TCP_FLAGS] = RANGES(&f, ONE(PA_TCP_SYN));
	check_member(&row, "flags", NULL);
	check_member(&row, "with", NULL);
	row.box.field[PA_FIELD_TCP_FLAGS] = RANGES(&f, ONE(0), ONE(PA_TCP_ACK | PA_TCP_PSH));
	row.box.field[PA_FIELD_TTL] = RANGES(&f, { 0, 9 });
	row.box.field[PA_FIELD_CT_ORIG_DADDR] = RANGES(&f, ONE(fixture_address("192.0.2.1")));
	check_member(&row, "flags", "[\"none\",\"psh,ack\"]");
	check_member(&row, "with", "{\"ct original daddr\":[\"192.0.2.1\"],\"ttl\":[\"0-9\"]}");
}
END_TEST

/* What `check` says of a packet can be given to `trace` as it is. */
START_TEST(packets)
{
	struct pa_packet packet = fixture_packet(6, 8080);
	fixture_add_result(&f);
	f.result.findings[0].packet = packet;
	fixture_set(&f.result.findings[0].packet, PA_FIELD_CT_STATUS, PA_STATUS_DNAT | PA_STATUS_CONFIRMED);
	fixture_set(&f.result.findings[0].packet, PA_FIELD_MARK, 7);
	f.result.findings[1].has_packet = false;
	json_t *json = document(), *findings = json_object_get(json, "findings");
	char *text = json_dumps(json_object_get(json_array_get(findings, 0), "packet"), JSON_COMPACT);
	ck_assert_str_eq(
		text,
		"{\"path\":\"in\",\"iif\":\"eth0\",\"family\":6,\"proto\":\"tcp\",\"src\":\"2001:db8::7\",\"sport\":40000,"
		"\"dst\":\"2001:db8::1\",\"dport\":8080,\"flags\":\"syn\",\"state\":\"new\",\"mark\":7,"
		"\"status\":[\"dnat\",\"confirmed\"]}");
	ck_assert(json_is_null(json_object_get(json_array_get(findings, 1), "packet")));
	free(text);
	json_decref(json);
}
END_TEST

START_TEST(hostile_strings_survive)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, HOSTILE);
	f.table.name = f.input.name = HOSTILE;
	rule->where = (struct pa_location){ .file = HOSTILE, .line = 3 };
	fixture_add_rows(&f);
	fixture_add_result(&f);
	f.report.host = f.source = HOSTILE;
	f.result.findings[0].message = f.result.findings[0].fix = HOSTILE;
	f.result.findings[0].rules[0] = rule;
	f.result.not_assessed[0] = HOSTILE;
	f.result.statements[2].reason = HOSTILE;
	json_t *json = document();
	const char *host = json_string_value(json_object_get(json, "host"));
	ck_assert_ptr_nonnull(
		strstr(host, "x\033[2Jy\nz<a&b>]]>\"'\\ \\xff\\xc0\\xaf \xef\xbf\xbe \xe2\x80\xae \xc2\x9b \x7f\xc3\xa4"));
	json_decref(json);
	/* On a terminal, too, nothing but newlines between the values does anything. */
	char *text = fixture_format(&f, PA_FORMAT_JSON, &plain);
	ck_assert(pa_text_is_utf8(text, strlen(text)));
	for (const char *c = text; *c; c++)
		ck_assert(((unsigned char)*c >= 0x20 && *c != 0x7f) || *c == '\n');
	ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
	ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
	free(text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_json");
	TCase *tcase = tcase_create("json");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_schema_can_refuse);
	tcase_add_test(tcase, a_list_is_as_the_manual_says);
	tcase_add_test(tcase, documents_conform);
	tcase_add_test(tcase, the_same_input_gives_the_same_bytes);
	tcase_add_test(tcase, an_incomplete_audit_says_so);
	tcase_add_test(tcase, interfaces);
	tcase_add_test(tcase, long_lists_are_whole);
	tcase_add_test(tcase, several_protocols_are_several_rows);
	tcase_add_test(tcase, rules_not_looked_up);
	tcase_add_test(tcase, icmp_types);
	tcase_add_test(tcase, targets);
	tcase_add_test(tcase, classes_and_services);
	tcase_add_test(tcase, further_fields);
	tcase_add_test(tcase, packets);
	tcase_add_test(tcase, hostile_strings_survive);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
