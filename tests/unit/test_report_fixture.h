/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small ruleset, rows and findings made by hand, for the tests of the reports. */
#ifndef PORTAUDIT_TEST_REPORT_FIXTURE_H
#define PORTAUDIT_TEST_REPORT_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/report.h"

/* Everything that a terminal, an XML parser or a JSON parser may choke on. */
#define HOSTILE "x\033[2Jy\nz<a&b>]]>\"'\\ \xff\xc0\xaf \xef\xbf\xbe \xe2\x80\xae \xc2\x9b \x7f\xc3\xa4"

struct fixture {
	struct pa_arena *arena;
	struct pa_table table, nat_table;
	struct pa_chain input, prerouting, lan;
	struct pa_ruleset ruleset;
	struct pa_policy policy;
	struct pa_result result;
	struct pa_report report;
	const char *source;
};

static inline void fixture_open(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->arena = pa_arena_new();
	f->table = (struct pa_table){ .family = PA_FAMILY_INET, .name = "filter" };
	f->nat_table = (struct pa_table){ .family = PA_FAMILY_IP, .name = "nat" };
	f->input = (struct pa_chain){
		.table = &f->table, .name = "input", .is_base = true, .hook = PA_HOOK_INPUT, .policy = PA_VERDICT_DROP
	};
	f->lan = (struct pa_chain){ .table = &f->table, .name = "lan" };
	f->prerouting = (struct pa_chain){
		.table = &f->nat_table,
		.name = "prerouting",
		.is_base = true,
		.type = PA_CHAIN_NAT,
		.hook = PA_HOOK_PREROUTING,
		.priority = -100,
		.policy = PA_VERDICT_ACCEPT,
	};
	f->source = "live kernel";
	f->ruleset.sources = &f->source;
	f->ruleset.source_count = 1;
	f->policy.file = "allow.conf";
	f->report = (struct pa_report){
		.version = "1.2.3",
		.command = "list",
		.host = "web1",
		.now = 1795343400, /* 2026-11-22T10:30:00Z */
		.seconds = 0.0214,
		.ruleset = &f->ruleset,
		.complete = true,
		.fail_on = PA_SEVERITY_LOW,
	};
}

static inline void fixture_close(struct fixture *f)
{
	pa_arena_free(f->arena);
}

static inline struct pa_rule *fixture_rule(struct fixture *f, const struct pa_chain *chain, unsigned handle, const char *text)
{
	struct pa_rule *rule = pa_arena_alloc(f->arena, 1, sizeof(*rule));
	*rule = (struct pa_rule){ .chain = chain, .handle = handle, .id = handle, .text = text };
	return rule;
}

static inline struct pa_ranges fixture_ranges(struct fixture *f, size_t count, const struct pa_interval *items)
{
	return (struct pa_ranges){ .items = pa_arena_dup(f->arena, items, count, sizeof(*items)), .count = count };
}

#define RANGES(f, ...)                                                                                  \
	fixture_ranges((f), sizeof((struct pa_interval[]){ __VA_ARGS__ }) / sizeof(struct pa_interval), \
		       (struct pa_interval[]){ __VA_ARGS__ })
#define ONE(value)               \
	{                        \
		(value), (value) \
	}

static inline pa_u128 fixture_address(const char *text)
{
	pa_u128 value;
	int family;
	ck_assert_msg(pa_address_parse(text, &value, &family), "%s", text);
	return value;
}

/* "10.0.0.0", 8 */
static inline struct pa_ranges fixture_prefix(struct fixture *f, const char *text, unsigned length)
{
	struct pa_interval interval = pa_prefix_interval(fixture_address(text), strchr(text, ':') ? 6 : 4, length);
	return fixture_ranges(f, 1, &interval);
}

static inline struct pa_ranges fixture_name(struct fixture *f, const char *name)
{
	return RANGES(f, ONE(pa_ifname_value(name)));
}

/* Every name but these, sorted by value. */
static inline struct pa_ranges fixture_all_but(struct fixture *f, size_t count, const char *const *names)
{
	struct pa_interval *items = pa_arena_alloc(f->arena, count + 1, sizeof(*items));
	pa_u128 from = 0;
	for (size_t i = 0; i < count; i++) {
		items[i] = (struct pa_interval){ from, pa_ifname_value(names[i]) - 1 };
		from = pa_ifname_value(names[i]) + 1;
	}
	items[count] = (struct pa_interval){ from, PA_U128_MAX };
	return (struct pa_ranges){ .items = items, .count = count + 1 };
}

static inline struct pa_ranges fixture_not_lo(struct fixture *f)
{
	const char *lo = "lo";
	return fixture_all_but(f, 1, &lo);
}

/* A row of path in, on every interface but lo; port 0 leaves the ports open. */
static inline struct pa_row fixture_row(struct fixture *f, int family, unsigned protocol, unsigned port,
					const struct pa_rule *rule)
{
	struct pa_row row = { .path = PA_PATH_IN, .family = family, .plain = true, .rules_complete = true };
	row.box.field[PA_FIELD_NFPROTO] = RANGES(f, ONE(family == 6 ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4));
	row.box.field[PA_FIELD_IIFNAME] = fixture_not_lo(f);
	row.box.field[PA_FIELD_L4PROTO] = RANGES(f, ONE(protocol));
	if (port)
		row.box.field[PA_FIELD_DPORT] = RANGES(f, ONE(port));
	if (rule) {
		row.rules = pa_arena_alloc(f->arena, 1, sizeof(*row.rules));
		row.rules[0] = rule;
		row.rule_count = 1;
	}
	return row;
}

static inline void fixture_set(struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	packet->known[field] = true;
	packet->value[field] = value;
}

/* A SYN to port `port` on eth0. */
static inline struct pa_packet fixture_packet(int family, unsigned port)
{
	struct pa_packet packet = { .path = PA_PATH_IN, .family = family };
	fixture_set(&packet, PA_FIELD_L4PROTO, 6);
	fixture_set(&packet, PA_FIELD_SADDR, fixture_address(family == 6 ? "2001:db8::7" : "198.51.100.7"));
	fixture_set(&packet, PA_FIELD_DADDR, fixture_address(family == 6 ? "2001:db8::1" : "192.0.2.1"));
	fixture_set(&packet, PA_FIELD_SPORT, 40000);
	fixture_set(&packet, PA_FIELD_DPORT, port);
	fixture_set(&packet, PA_FIELD_TCP_FLAGS, PA_TCP_SYN);
	fixture_set(&packet, PA_FIELD_CT_STATE, PA_CT_NEW);
	fixture_set(&packet, PA_FIELD_IIFNAME, pa_ifname_value("eth0"));
	return packet;
}

/* A dozen rows such as a small server has them. */
static inline void fixture_add_rows(struct fixture *f)
{
	struct pa_row *rows = pa_arena_alloc(f->arena, 16, sizeof(*rows));
	size_t n = 0;
	struct pa_rule *ssh = fixture_rule(f, &f->input, 7, "iifname \"eth1\" ip saddr 10.20.0.0/16 tcp dport 22 accept");
	ssh->comment = "management only";
	rows[n] = fixture_row(f, 4, 6, 22, ssh);
	rows[n].box.field[PA_FIELD_SADDR] = fixture_prefix(f, "10.20.0.0", 16);
	rows[n++].box.field[PA_FIELD_IIFNAME] = fixture_name(f, "eth1");
	struct pa_rule *web = fixture_rule(f, &f->input, 9, "tcp dport { 80, 443 } accept");
	for (int family = 4; family <= 6; family += 2) {
		rows[n] = fixture_row(f, family, 6, 0, web);
		rows[n++].box.field[PA_FIELD_DPORT] = RANGES(f, ONE(80), ONE(443));
	}
	struct pa_rule *ping = fixture_rule(f, &f->input, 11, "icmp type echo-request limit rate 5/second accept");
	rows[n] = fixture_row(f, 4, 1, 0, ping);
	rows[n].box.field[PA_FIELD_ICMP_TYPE] = RANGES(f, ONE(8));
	rows[n].certainty = PA_POSSIBLE;
	rows[n++].condition = "while `limit rate 5/second` of inet filter input handle 11 is not exceeded";
	struct pa_rule *dnat = fixture_rule(f, &f->prerouting, 4, "ip daddr 192.0.2.10 tcp dport 443 dnat to 10.0.0.5:8443");
	rows[n] = fixture_row(f, 4, 6, 443, dnat);
	rows[n].path = PA_PATH_FORWARD;
	rows[n].box.field[PA_FIELD_DADDR] = RANGES(f, ONE(fixture_address("192.0.2.10")));
	rows[n].box.field[PA_FIELD_IIFNAME] = fixture_name(f, "eth0");
	rows[n].has_target = true;
	rows[n++].target = (struct pa_target){
		.has_address = true,
		.family = 4,
		.address = ONE(fixture_address("10.0.0.5")),
		.has_port = true,
		.port = ONE(8443),
	};
	struct pa_rule *dns = fixture_rule(f, &f->input, 14, "udp sport 53 accept");
	rows[n] = fixture_row(f, 4, 17, 0, dns);
	rows[n++].box.field[PA_FIELD_SPORT] = RANGES(f, ONE(53));
	struct pa_rule *block = fixture_rule(f, &f->input, 15, "ip saddr != 203.0.113.0/24 tcp dport 25 accept");
	rows[n] = fixture_row(f, 4, 6, 25, block);
	struct pa_interval hole = pa_prefix_interval(fixture_address("203.0.113.0"), 4, 24);
	rows[n++].box.field[PA_FIELD_SADDR] = RANGES(f, { PA_IPV4_BASE, hole.first - 1 }, { hole.last + 1, PA_IPV4_LAST });
	rows[n] = fixture_row(f, 6, 6, 3306, fixture_rule(f, &f->lan, 21, "tcp dport 3306 accept"));
	rows[n++].box.field[PA_FIELD_SADDR] = fixture_prefix(f, "2001:db8:20::", 48);
	f->report.rows = rows;
	f->report.row_count = n;
}

/* A check with two findings, a policy of three lines, and something that was not assessed. */
static inline void fixture_add_result(struct fixture *f)
{
	struct pa_finding *findings = pa_arena_alloc(f->arena, 2, sizeof(*findings));
	struct pa_statement *statements = pa_arena_alloc(f->arena, 3, sizeof(*statements));
	static const char *const texts[] = { "allow ssh from 10.20.0.0/16", "deny 3306/tcp from any", "listen 3306/tcp never" };
	for (unsigned i = 0; i < 3; i++)
		statements[i] =
			(struct pa_statement){ .id = i, .text = texts[i], .where = { .file = "allow.conf", .line = 10 + i } };
	struct pa_rule *mysql = fixture_rule(f, &f->input, 17, "tcp dport { 3306, 8080 } accept");
	const struct pa_rule **rules = pa_arena_alloc(f->arena, 1, sizeof(*rules));
	rules[0] = mysql;
	findings[0] = (struct pa_finding){
		.check = PA_CHECK_EXP_003,
		.severity = PA_SEVERITY_CRITICAL,
		.message = "3306/tcp (mysql) is reachable from anywhere, and 'deny 3306/tcp from any' says it must never be",
		.fix = "take 3306 out of the set in inet filter input handle 17, or limit the rule with ip saddr",
		.has_row = true,
		.row = fixture_row(f, 4, 6, 3306, mysql),
		.has_packet = true,
		.packet = fixture_packet(4, 3306),
		.rules = rules,
		.rule_count = 1,
		.statement = &statements[1],
		.fingerprint = "0123456789abcdef0123456789abcdef",
	};
	findings[1] = findings[0];
	findings[1].check = PA_CHECK_EXP_001;
	findings[1].severity = PA_SEVERITY_HIGH;
	findings[1].message = "8080/tcp is reachable over IPv6, and no 'allow' covers it";
	findings[1].certainty = PA_POSSIBLE;
	findings[1].condition = "while `limit rate 5/second` of inet filter input handle 11 is not exceeded";
	findings[1].row = fixture_row(f, 6, 6, 8080, mysql);
	findings[1].packet = fixture_packet(6, 8080);
	findings[1].statement = NULL;
	memcpy(findings[1].fingerprint, "f123456789abcdef0123456789abcdef", 33);
	struct pa_statement_result *lines = pa_arena_alloc(f->arena, 3, sizeof(*lines));
	lines[0] = (struct pa_statement_result){ .statement = &statements[0], .status = PA_STATUS_PASSED };
	lines[1] = (struct pa_statement_result){ .statement = &statements[1], .status = PA_STATUS_FAILED };
	lines[2] = (struct pa_statement_result){ .statement = &statements[2],
						 .status = PA_STATUS_NOT_ASSESSED,
						 .reason = "sockets are not read yet" };
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		if (pa_check_info(check)->needs & PA_NEEDS_SOCKETS)
			f->result.checks[check] = (struct pa_check_result){ .status = PA_STATUS_NOT_ASSESSED,
									    .reason = "sockets are not read yet" };
	f->result.checks[PA_CHECK_EXP_001].status = PA_STATUS_FAILED;
	f->result.checks[PA_CHECK_EXP_003].status = PA_STATUS_FAILED;
	f->result.checks[PA_CHECK_HYG_001] =
		(struct pa_check_result){ .status = PA_STATUS_OFF, .reason = "off in allow.conf:3" };
	const char **sentences = pa_arena_alloc(f->arena, 1, sizeof(*sentences));
	sentences[0] = "`listen` in allow.conf:12 is not assessed: sockets are not read yet";
	f->result.findings = findings;
	f->result.finding_count = 2;
	f->result.statements = lines;
	f->result.statement_count = 3;
	f->result.not_assessed = sentences;
	f->result.not_assessed_count = 1;
	f->report.command = "check";
	f->report.policy = &f->policy;
	f->report.result = &f->result;
}

/* The report in a format; the caller frees. */
static inline char *fixture_format(const struct fixture *f, enum pa_format format, const struct pa_style *style)
{
	struct pa_buffer out = { 0 };
	ck_assert(pa_report_format(format, &f->report, style, &out));
	ck_assert_uint_eq(strlen(out.data), out.length);
	return out.data;
}

#endif
