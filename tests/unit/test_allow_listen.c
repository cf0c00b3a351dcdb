// rooms: pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may listen, and the services of a policy: text in, structures out. Refused ones are in tests/reject. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/policy.h"

static struct pa_policy *accept(const char *text)
{
	struct pa_diags diags = { 0 };
	struct pa_policy *policy = pa_policy_parse(text, strlen(text), "test.conf", NULL, NULL, &diags);
	ck_assert_msg(policy && diags.count == 0, "%s: %s", text, diags.count ? diags.items[0].message : "");
	pa_diags_done(&diags);
	return policy;
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

/* user/group/exe/unit/capabilities, "; " between them */
static void dump_whos(const struct pa_whos *whos, struct pa_buffer *out)
{
	for (size_t i = 0; i < whos->count; i++)
		pa_buffer_printf(out, "%s%s %s %s %s %" PRIx64, i ? "; " : "", or_dash(whos->items[i].user),
				 or_dash(whos->items[i].group), or_dash(whos->items[i].executable),
				 or_dash(whos->items[i].unit), whos->items[i].capabilities);
}

static void dump_addresses(const struct pa_addresses *addresses, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	pa_buffer_printf(out, "%s%s", addresses->any ? "any" : "", addresses->self ? "self" : "");
	for (size_t i = 0; i < addresses->ipv4_count; i++) {
		pa_address_range_format(addresses->ipv4[i], 4, text);
		pa_buffer_printf(out, " %s", text);
	}
	for (size_t i = 0; i < addresses->ipv6_count; i++) {
		pa_address_range_format(addresses->ipv6[i], 6, text);
		pa_buffer_printf(out, " %s", text);
	}
}

static const struct {
	const char *text, *meaning;
} listens[] = {
	{ "listen 22/tcp by user root", "by root - - - 0" },
	{ "listen system/any by user root, user _chrony exe /usr/sbin/chronyd",
	  "by root - - - 0; _chrony - /usr/sbin/chronyd - 0" },
	{ "listen 80/tcp by unit nginx group www-data, unit web@*", "by - www-data - nginx.service 0; - - - web@* 0" },
	{ "listen 80/tcp by unit cups.socket", "by - - - cups.socket 0" },
	{ "listen 80/tcp by capability CAP_NET_BIND_SERVICE capability net_raw", "by - - - - 2400" },
	{ "listen 80/tcp by user \"a b\", exe \"/opt/my app/x\"", "by a b - - - 0; - - /opt/my app/x - 0" },
	{ "listen 80/tcp by user a, user b, user c, user d, user e",
	  "by a - - - 0; b - - - 0; c - - - 0; d - - - 0; e - - - 0" },
	{ "listen 5432/tcp only on 127.0.0.1, ::1", "only on 127.0.0.1 ::1" },
	{ "listen 5432/tcp only on self", "only on self" },
	{ "listen ephemeral/any never", "never" },
};

START_TEST(listen_statements)
{
	struct pa_policy *policy = accept(listens[_i].text);
	const struct pa_statement *statement = policy->statements[0];
	static const char *const kinds[] = { "by ", "only on", "never" };
	struct pa_buffer out = { 0 };
	pa_buffer_puts(&out, kinds[statement->listen]);
	dump_whos(&statement->listen_whos, &out);
	if (statement->listen == PA_LISTEN_ONLY_ON) {
		pa_buffer_puts(&out, statement->listen_only_on.self ? " " : "");
		dump_addresses(&statement->listen_only_on, &out);
	}
	ck_assert_str_eq(out.data, listens[_i].meaning);
	pa_buffer_done(&out);
	pa_policy_free(policy);
}
END_TEST

static const struct {
	const char *text;
	enum pa_listener_demand demand;
	const char *whos;
} demands[] = {
	{ "allow 22/tcp", PA_LISTENER_NOT_GIVEN, "" },
	{ "allow 22/tcp { listener required }", PA_LISTENER_REQUIRED, "" },
	{ "allow 22/tcp { listener none; owner x }", PA_LISTENER_NONE, "" },
	{ "require 22/tcp { listener any }", PA_LISTENER_ANY, "" },
	{ "allow 22/tcp { listener exe /usr/sbin/sshd user root, unit ssh }", PA_LISTENER_BY,
	  "root - /usr/sbin/sshd - 0; - - - ssh.service 0" },
};

START_TEST(listener_fields)
{
	struct pa_policy *policy = accept(demands[_i].text);
	const struct pa_fields *fields = &policy->statements[0]->fields;
	struct pa_buffer out = { 0 };
	pa_buffer_puts(&out, "");
	dump_whos(&fields->listener_whos, &out);
	ck_assert_int_eq(fields->listener_demand, demands[_i].demand);
	ck_assert_str_eq(out.data ? out.data : "", demands[_i].whos);
	pa_buffer_done(&out);
	pa_policy_free(policy);
}
END_TEST

/* The fewest ports win; services of other hosts' blocks do not count. */
START_TEST(service_names)
{
	struct pa_policy *policy =
		accept("service all = 1-1023/tcp\nservice web = 80,443/tcp, 443/udp\nservice www2 = 8000-8100/tcp\n"
		       "host other {\nservice there = 9/tcp\n}\nallow web");
	ck_assert_uint_eq(policy->service_count, 3);
	ck_assert_str_eq(pa_policy_service_name(policy, 6, 443), "web");
	ck_assert_str_eq(pa_policy_service_name(policy, 17, 443), "web");
	ck_assert_str_eq(pa_policy_service_name(policy, 6, 22), "all");
	ck_assert_str_eq(pa_policy_service_name(policy, 6, 8100), "www2");
	ck_assert_ptr_null(pa_policy_service_name(policy, 17, 80));
	ck_assert_ptr_null(pa_policy_service_name(policy, 6, 8101));
	ck_assert_ptr_null(pa_policy_service_name(NULL, 6, 443));
	ck_assert_uint_eq(policy->services[2].where.line, 3);
	pa_policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("allow listen");
	TCase *group = tcase_create("listen");
	tcase_add_loop_test(group, listen_statements, 0, sizeof(listens) / sizeof(*listens));
	tcase_add_loop_test(group, listener_fields, 0, sizeof(demands) / sizeof(*demands));
	tcase_add_test(group, service_names);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
