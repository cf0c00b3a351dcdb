/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: portaudit pa_base PkgConfig::JANSSON
/* The command `port`, as users call it: what it says of a port, and what it refuses. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "portaudit/base.h"

static char rules[] = "/tmp/portaudit-port-XXXXXX";

static const char text[] = "table inet filter {\n"
			   "	chain input {\n"
			   "		type filter hook input priority filter; policy drop;\n"
			   "		iif lo accept\n"
			   "		tcp dport { 22, 8080 } accept\n"
			   "		ip saddr 10.0.0.0/8 tcp dport 5432 accept\n"
			   "	}\n"
			   "	chain forward {\n"
			   "		type filter hook forward priority filter; policy drop;\n"
			   "		ct status dnat accept\n"
			   "	}\n"
			   "}\n"
			   "table ip nat {\n"
			   "	chain prerouting {\n"
			   "		type nat hook prerouting priority dstnat;\n"
			   "		tcp dport 8000 redirect to :8080\n"
			   "		tcp dport 4443 dnat to 10.0.0.5:443\n"
			   "	}\n"
			   "	chain postrouting {\n"
			   "		type nat hook postrouting priority srcnat;\n"
			   "		meta l4proto tcp oifname eth0 masquerade to :20000-20999\n"
			   "	}\n"
			   "}\n";

static int run(const char *arguments, struct pa_buffer *ret_output)
{
	char *command = NULL, block[4096];
	ck_assert_int_gt(asprintf(&command, "%s port -r %s %s 2>&1", PA_PROGRAM, rules, arguments), 0);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	for (size_t got; (got = fread(block, 1, sizeof(block), pipe)) > 0;)
		pa_buffer_add(ret_output, block, got);
	free(command);
	int status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Rulesets as other commands take them: behind the port. */
START_TEST(rulesets_behind_the_port)
{
	char command[200], line[4096] = "";
	snprintf(command, sizeof(command), "%s port 5432/tcp %s --sockets none 2>&1 | tr '\\n' ' '", PA_PROGRAM, rules);
	FILE *pipe = popen(command, "r");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), pipe));
	pclose(pipe);
	ck_assert_msg(strstr(line, "10.0.0.0/8") && strstr(line, "5432/tcp"), "%s", line);
}
END_TEST

/* Who listens: saved text, and the sockets of the live host. */
START_TEST(who_listens)
{
	static const char table[] = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
				    "tcp LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:((\"tomcat\",pid=9,fd=3))\n"
				    "tcp LISTEN 0 128 [::]:22 [::]:* users:((\"sshd\",pid=8,fd=3))\n";
	char file[] = "/tmp/portaudit-ss-XXXXXX", arguments[100];
	struct pa_buffer output = { 0 };
	int descriptor = mkstemp(file);
	ck_assert_int_eq(write(descriptor, table, sizeof(table) - 1), sizeof(table) - 1);
	close(descriptor);
	snprintf(arguments, sizeof(arguments), "8080 --sockets %s", file);
	ck_assert_int_eq(run(arguments, &output), 0);
	ck_assert_msg(strstr(output.data, "tomcat (pid 9") && strstr(output.data, "nobody that could be seen"), "%s",
		      output.data);
	pa_buffer_clear(&output);
	snprintf(arguments, sizeof(arguments), "8081/tcp --sockets %s", file);
	ck_assert_int_eq(run(arguments, &output), 0);
	ck_assert_msg(strstr(output.data, "listens      nobody\n"), "%s", output.data);
	unlink(file);
	pa_buffer_done(&output);
}
END_TEST

static const struct {
	const char *arguments;
	int status;
	const char *pieces[6];
} rows[] = {
	{ "8080",
	  0,
	  { "8080/tcp  http-alt", "yes, from anywhere", "8000/tcp", "sends packets for another port here", "8080/udp",
	    "Near ports" } },
	{ "5432/tcp", 0, { "yes, from some senders only", "10.0.0.0/8", "it is the port of postgresql" } },
	{ "4443/tcp", 0, { "address translation sends packets elsewhere", "10.0.0.5:443", "sends packets for it elsewhere" } },
	{ "20500/tcp", 0, { "source translation uses it", "not a good choice" } },
	{ "40000/udp",
	  0,
	  { "yes: the kernel hands out 32768-60999", "may find its port taken",
	    "Near ports that a new service could have: 29999" } },
	{ "50000/tcp", 0, { "dynamic port (49152-65535)" } },
	{ "ssh", 0, { "22/tcp  ssh", "system port (0-1023)", "CAP_NET_BIND_SERVICE" } },
	{ "4444/tcp", 0, { "no: no new connection gets in", "a good choice, as long as" } },
	{ "0", 2, { "ports are 1 to 65535, not 0" } },
	{ "65536", 2, { "ports are 1 to 65535, not 65536" } },
	{ "nonsense", 2, { "neither a port nor a known service" } },
	{ "80/icmp", 2, { "'icmp' is no protocol with ports" } },
	{ "", 2, { "'port' needs a port", "portaudit port 8080/tcp firewall.nft" } },
	{ "1 2", 2, { "2: error: No such file or directory" } },
	{ "4444 /dev/null", 0, { "no: no new connection gets in" } },
	{ "80 -f junit", 2, { "writes text or json, not junit" } },
};

START_TEST(says)
{
	struct pa_buffer output = { 0 };
	ck_assert_int_eq(run(rows[_i].arguments, &output), rows[_i].status);
	for (size_t i = 0; i < 6 && rows[_i].pieces[i]; i++)
		ck_assert_msg(strstr(output.data, rows[_i].pieces[i]) != NULL, "no '%s' in:\n%s", rows[_i].pieces[i],
			      output.data);
	pa_buffer_done(&output);
}
END_TEST

START_TEST(good_ports_are_not_called_bad)
{
	struct pa_buffer output = { 0 };
	run("4444/tcp", &output);
	ck_assert_ptr_null(strstr(output.data, "not a good choice"));
	ck_assert_ptr_null(strstr(output.data, "Near ports"));
	ck_assert_ptr_null(strstr(output.data, "conflict"));
	pa_buffer_done(&output);
}
END_TEST

START_TEST(json)
{
	struct pa_buffer output = { 0 };
	ck_assert_int_eq(run("8080 --format json", &output), 0);
	json_t *document = json_loads(output.data, 0, NULL);
	ck_assert_ptr_nonnull(document);
	ck_assert_str_eq(json_string_value(json_object_get(document, "class")), "user");
	ck_assert_int_eq(json_integer_value(json_object_get(document, "port")), 8080);
	ck_assert(json_is_null(json_object_get(document, "reserved")));
	ck_assert(json_is_true(json_object_get(document, "complete")));
	const json_t *tcp = json_array_get(json_object_get(document, "protocols"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(tcp, "service")), "http-alt");
	ck_assert_uint_eq(json_array_size(json_object_get(tcp, "exposures")), 2); /* IPv4 and IPv6 */
	ck_assert_uint_eq(json_array_size(json_object_get(json_object_get(tcp, "translated"), "exposures")), 1);
	ck_assert(json_is_null(json_object_get(tcp, "listeners")));
	ck_assert(json_is_false(json_object_get(tcp, "good_choice")));
	ck_assert_uint_eq(json_array_size(json_object_get(document, "suggestions")), 3);
	json_decref(document);
	pa_buffer_done(&output);
}
END_TEST

int main(void)
{
	int file = mkstemp(rules);
	if (file < 0 || write(file, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		return EXIT_FAILURE;
	close(file);
	Suite *suite = suite_create("port");
	TCase *tests = tcase_create("port");
	tcase_add_test(tests, rulesets_behind_the_port);
	tcase_add_test(tests, who_listens);
	tcase_add_loop_test(tests, says, 0, sizeof(rows) / sizeof(*rows));
	tcase_add_test(tests, good_ports_are_not_called_bad);
	tcase_add_test(tests, json);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	unlink(rules);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
