/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_scan pa_base
/* The XML of nmap: what is read of it, and where errors are. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/scan.h"

#define BEGIN \
	"<?xml version=\"1.0\"?>\n<!DOCTYPE nmaprun>\n<nmaprun scanner=\"nmap\" start=\"1767182400\" args=\"nmap -sS -&#45;source-port 53 -S 192.0.2.9 x\">\n"
#define INFO "<scaninfo type=\"syn\" protocol=\"tcp\" services=\"1-100\"/>\n"
#define HOST \
	"<host><status state=\"up\" reason=\"localhost-response\"/><address addr=\"02:00:00:00:00:01\" addrtype=\"mac\"/><address addr=\"2001:db8::1\" addrtype=\"ipv6\"/><ports>\n"
#define END "</ports></host></nmaprun>\n"
#define PORT(number, state) "<port protocol=\"tcp\" portid=\"" number "\"><state state=\"" state "\" reason=\"why\"/></port>\n"

static struct pa_scan *read_scan(const char *text, struct pa_diags *diags)
{
	return pa_scan_parse(text, strlen(text), "scan.xml", diags);
}

START_TEST(reads)
{
	struct pa_diags diags = { 0 };
	struct pa_scan *scan =
		read_scan(BEGIN INFO HOST PORT("22", "open") PORT("24", "closed") PORT("23", "open") END, &diags);
	ck_assert_ptr_nonnull(scan);
	ck_assert_str_eq(scan->scanner, "nmap");
	ck_assert_int_eq(scan->start, 1767182400);
	ck_assert(scan->source_known && scan->source_family == 4);
	ck_assert_uint_eq(scan->source_port, 53);
	ck_assert_uint_eq(scan->host_count, 1);
	const struct pa_scan_host *host = &scan->hosts[0];
	ck_assert(host->from_itself && host->family == 6);
	ck_assert_uint_eq(host->answer_count, 2);
	ck_assert_int_eq(host->answers[0].state, PA_SCAN_OPEN);
	ck_assert_int_eq(host->answers[0].probe, PA_PROBE_NEW);
	ck_assert_uint_eq(host->answers[0].count, 1); /* 22 and 23 */
	ck_assert(host->answers[0].ports[0].first == 22 && host->answers[0].ports[0].last == 23);
	ck_assert_uint_eq(host->answers[0].where.line, 6);
	ck_assert_uint_eq(diags.count, 0);
	pa_scan_free(scan);
	pa_diags_done(&diags);
}
END_TEST

START_TEST(counts_what_has_no_names)
{
	struct pa_diags diags = { 0 };
	struct pa_scan *scan =
		read_scan(BEGIN INFO HOST "<extraports state=\"closed\" count=\"98\"/>" PORT("22", "open") END, &diags);
	ck_assert_ptr_nonnull(scan); /* 98 and 1 are not 100: which ones is not known */
	ck_assert_uint_eq(scan->hosts[0].unnamed, 98);
	ck_assert_uint_eq(scan->hosts[0].answer_count, 1);
	pa_scan_free(scan);
	scan = read_scan(BEGIN INFO HOST "<extraports state=\"closed\" count=\"99\"/>" PORT("22", "open") END, &diags);
	ck_assert_uint_eq(scan->hosts[0].unnamed, 0);
	ck_assert_uint_eq(scan->hosts[0].answer_count, 2);
	ck_assert_uint_eq(scan->hosts[0].answers[1].count, 2); /* 1-21, 23-100 */
	pa_scan_free(scan);
	pa_diags_done(&diags);
}
END_TEST

static const struct {
	const char *text, *message;
	unsigned line;
} broken[] = {
	{ "", "empty", 1 },
	{ "<html/>", "begins with <html>", 1 },
	{ "<nmaprun/>", "no port of any host", 1 },
	{ BEGIN HOST PORT("22", "opne") END, "unknown state 'opne'", 5 },
	{ BEGIN HOST PORT("22", "open") PORT("65536", "open") END, "no number from 0 to 65535", 6 },
	{ BEGIN "<host>\n<address addr=\"gateway\" addrtype=\"ipv4\"/></host></nmaprun>", "'gateway' is not an address", 5 },
	{ BEGIN HOST PORT("22", "open"), "not well-formed", 5 },
	{ "<!DOCTYPE nmaprun [<!ENTITY a \"b\">]><nmaprun/>", "entities", 1 },
	{ "<!DOCTYPE nmaprun SYSTEM \"/etc/passwd\"><nmaprun/>", "no port of any host", 1 },
};

START_TEST(refuses)
{
	struct pa_diags diags = { 0 };
	ck_assert_ptr_null(read_scan(broken[_i].text, &diags));
	ck_assert_uint_ge(diags.count, 1);
	ck_assert_msg(strstr(diags.items[0].message, broken[_i].message) != NULL, "%s", diags.items[0].message);
	ck_assert_uint_eq(diags.items[0].where.line, broken[_i].line);
	ck_assert_str_eq(diags.items[0].where.file, "scan.xml");
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INPUT);
	pa_diags_done(&diags);
}
END_TEST

START_TEST(probes)
{
	static const struct {
		const char *args, *type;
		enum pa_scan_probe probe;
	} rows[] = {
		{ "nmap -sS x", "syn", PA_PROBE_NEW },		 { "nmap -sT x", "connect", PA_PROBE_NEW },
		{ "nmap -sA x", "ack", PA_PROBE_ACK },		 { "nmap -sX x", "xmas", PA_PROBE_OTHER },
		{ "nmap --badsum x", "syn", PA_PROBE_OTHER },	 { "nmap --scanflags=URG x", "syn", PA_PROBE_OTHER },
		{ "nmap -sI zombie x", "idle", PA_PROBE_OTHER },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pa_diags diags = { 0 };
		struct pa_buffer text = { 0 };
		pa_buffer_printf(&text, "<nmaprun args=\"%s\"><scaninfo type=\"%s\" protocol=\"tcp\"/>", rows[i].args,
				 rows[i].type);
		pa_buffer_puts(&text, HOST PORT("22", "open") END);
		struct pa_scan *scan = read_scan(text.data, &diags);
		ck_assert_ptr_nonnull(scan);
		ck_assert_int_eq(scan->hosts[0].answers[0].probe, rows[i].probe);
		pa_scan_free(scan);
		pa_buffer_done(&text);
		pa_diags_done(&diags);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("scan");
	TCase *tests = tcase_create("scan");
	tcase_add_test(tests, reads);
	tcase_add_test(tests, counts_what_has_no_names);
	tcase_add_loop_test(tests, refuses, 0, sizeof(broken) / sizeof(*broken));
	tcase_add_test(tests, probes);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
