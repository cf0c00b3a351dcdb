/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_compare pa_evaluate pa_space pa_iptables pa_ir pa_allow pa_host pa_base
/*
 * Who listens behind what gets in: rules, a policy and a table of sockets go in, the findings of the checks on listeners come out, no
 * more and no fewer. Each check fires in one case and is silent in another.
 *
 * A table has one line for each socket and holder:
 *
 *     PROTOCOL ADDRESS PORT INTERFACE PID COMMAND EXECUTABLE USER UID RIGHTS UNIT
 *
 * ADDRESS: *4 is 0.0.0.0, *6 is :: for both families, *v6 is :: for IPv6 alone. "-" is what is not known (PID: nobody was looked at;
 * "none": nobody holds it). RIGHTS: full, bind (CAP_NET_BIND_SERVICE alone), none. A "!" before EXECUTABLE: it was deleted.
 * Lines with the same socket and different processes are one socket. "connections" ADDRESS PORT COUNT TIME-WAIT, "incomplete" TEXT.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../audit/compare/compare.h"
#include "../../rules/iptables/iptables.h"
#include "portaudit/socket.h"

#define OPEN_STATE "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
#define HEAD "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n" OPEN_STATE
#define ACCEPT(port) "-A INPUT -p tcp --dport " #port " -j ACCEPT\n"
#define SSHD "tcp *4 22 - 811 sshd /usr/sbin/sshd root 0 full ssh.service\n"

struct example {
	const char *name;
	const char *rules;	 /* of IPv4, behind HEAD */
	const char *rules6;	 /* of IPv6; NULL: nothing gets in */
	const char *nat;	 /* of IPv4, a table nat; or NULL */
	const char *policy;	 /* or NULL */
	const char *sockets;	 /* NULL: not looked at */
	const char *findings[6]; /* "CODE a piece of the message" */
	const char *conditions;	 /* "CODE a piece of the condition" of the finding of that code; NULL: none has one */
	const char *statuses[4]; /* "CODE passed|failed|unknown" */
	int unprivileged_start;	 /* 0: 1024; -1: not known */
	enum pa_tristate localnet;
	bool unknown_range;
};

/* --- making what goes in ------------------------------------------------------------------------------------------------ */

static void lower(struct pa_ruleset *ruleset, enum pa_iptables_family family, const char *rules, const char *nat)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, HEAD "%sCOMMIT\n%s", rules, nat ? nat : "");
	struct pa_iptables_text given = { .name = "rules", .text = text.data, .length = text.length, .family = family };
	ck_assert_msg(pa_iptables_lower(&given, ruleset, &diags), "%s", diags.count ? diags.items[0].message : "");
	pa_buffer_done(&text);
	pa_diags_done(&diags);
}

static struct pa_ruleset *make_ruleset(const struct example *example)
{
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	lower(ruleset, PA_IPTABLES_IPV4, example->rules, example->nat);
	lower(ruleset, PA_IPTABLES_IPV6, example->rules6 ? example->rules6 : "", NULL);
	ck_assert(pa_ruleset_check(ruleset, &diags));
	pa_diags_done(&diags);
	return ruleset;
}

static const char *known(const char *word)
{
	return strcmp(word, "-") == 0 ? NULL : word;
}

static pa_u128 address_of(const char *text)
{
	pa_u128 value;
	int family;
	ck_assert_msg(pa_address_parse(text, &value, &family), "%s", text);
	return value;
}

static struct pa_listener make_listener(const char *protocol, const char *address, unsigned port, const char *interface)
{
	struct pa_listener listener = { .protocol = protocol[0] == 't' ? 6 : 17, .port = port, .interface = known(interface) };
	listener.any_address = address[0] == '*';
	listener.family = strcmp(address, "*4") == 0 || strchr(address, '.') ? 4 : 6;
	listener.v6only = strcmp(address, "*v6") == 0 ? PA_YES : PA_NO;
	if (!listener.any_address)
		listener.address = address_of(address);
	return listener;
}

static uint64_t rights_of(const char *word)
{
	const uint64_t all = (UINT64_C(1) << 41) - 1, bind = UINT64_C(1) << PA_CAP_NET_BIND_SERVICE;
	return strcmp(word, "full") == 0 ? all : strcmp(word, "bind") == 0 ? bind : 0;
}

static void add_socket(struct pa_sockets *sockets, const char *line)
{
	static char last[128];
	static size_t listener;
	char protocol[8], address[64], interface[32], pid[16], command[32], executable[128], user[32], uid[16], rights[16],
		unit[64];
	unsigned port;
	ck_assert_msg(sscanf(line, "%7s %63s %u %31s %15s %31s %127s %31s %15s %15s %63s", protocol, address, &port, interface,
			     pid, command, executable, user, uid, rights, unit) == 11,
		      "%s", line);
	char socket[128];
	snprintf(socket, sizeof(socket), "%s %s %u %s %p", protocol, address, port, interface, (void *)sockets);
	if (strcmp(socket, last) != 0) {
		struct pa_listener made = make_listener(protocol, address, port, interface);
		made.processes_known = strcmp(pid, "-") != 0;
		made.uid_known = known(uid) != NULL;
		made.uid = (uint32_t)strtoul(uid, NULL, 10);
		made.user = known(user);
		listener = pa_sockets_add_listener(sockets, &made);
	}
	snprintf(last, sizeof(last), "%s", socket);
	if (pid[0] < '0' || pid[0] > '9')
		return;
	struct pa_process process = {
		.pid = (uint32_t)strtoul(pid, NULL, 10),
		.command = known(command),
		.executable = known(executable[0] == '!' ? executable + 1 : executable),
		.executable_deleted = executable[0] == '!',
		.ids_known = known(uid) != NULL,
		.effective_uid = (uint32_t)strtoul(uid, NULL, 10),
		.user = known(user),
		.capabilities_known = known(rights) != NULL,
		.permitted = rights_of(rights),
		.effective = rights_of(rights),
		.unit = known(unit),
	};
	pa_sockets_hold(sockets, listener, pa_sockets_add_process(sockets, &process));
}

static void add_connections(struct pa_sockets *sockets, const char *line)
{
	char remote[64];
	struct pa_connections connections = { .protocol = 6, .family = 4, .local = address_of("192.0.2.1") };
	ck_assert_int_eq(sscanf(line, "connections %63s %u %zu %zu", remote, &connections.remote_port, &connections.count,
				&connections.time_wait),
			 4);
	connections.remote = address_of(remote);
	pa_sockets_add_connections(sockets, &connections);
}

static struct pa_sockets *make_sockets(const char *table)
{
	struct pa_sockets *sockets = pa_sockets_new("a test");
	bool complete = true;
	char *text = pa_xstrdup(table), *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "incomplete ", 11) == 0) {
			complete = false;
			pa_sockets_add_missing(sockets, "%s", line + 11);
		} else if (strncmp(line, "covered ", 8) == 0) {
			for (int family = 4; family <= 6; family += 2)
				pa_sockets_add_coverage(sockets, (unsigned)strtoul(line + 8, NULL, 10), family);
		} else if (strncmp(line, "connections ", 12) == 0) {
			sockets->connections_known = true;
			add_connections(sockets, line);
		} else {
			add_socket(sockets, line);
		}
	}
	free(text);
	for (unsigned protocol = 6; complete && protocol <= 17; protocol += 11)
		for (int family = 4; family <= 6; family += 2)
			pa_sockets_add_coverage(sockets, protocol, family);
	pa_sockets_finish(sockets);
	ck_assert_int_eq(sockets->listeners_complete, complete);
	return sockets;
}

static struct pa_host *make_host(const struct example *example, const struct pa_sockets *sockets)
{
	struct pa_host *host = pa_host_new("test");
	struct pa_diags diags = { 0 };
	static struct pa_interval reserved[] = { { 50000, 50010 } };
	ck_assert(pa_host_add_self(host, "192.0.2.1, 10.0.0.1, 2001:db8::1", &diags));
	host->route_localnet = example->localnet ? example->localnet : PA_NO;
	host->unprivileged_port_start = example->unprivileged_start ? example->unprivileged_start : 1024;
	if (!example->unknown_range) {
		host->ephemeral_first = 32768;
		host->ephemeral_last = 60999;
		host->reserved_ports_known = true;
		host->reserved_ports = reserved;
		host->reserved_port_count = 1;
	}
	host->sockets = sockets;
	pa_diags_done(&diags);
	return host;
}

/* --- holding it against what is expected ---------------------------------------------------------------------------------- */

static const char *const checks[] = { "PA-EXP-001", "PA-EXP-002", "PA-EXP-010", "PA-REQ-002", "PA-LOO-003", "PA-SOC-001",
				      "PA-SOC-002", "PA-SOC-003", "PA-SOC-004", "PA-SOC-005", "PA-SOC-006", "PA-SOC-007",
				      "PA-SOC-008", "PA-SOC-009", "PA-SOC-010", "PA-SOC-011", "PA-SOC-012", "PA-V6-001",
				      "PA-POL-003", "PA-FWD-002", "PA-FWD-004", NULL };

static bool says(const struct pa_finding *finding, const char *expected)
{
	size_t length = strcspn(expected, " ");
	return strncmp(pa_check_info(finding->check)->code + 3, expected, length) == 0 &&
	       strstr(finding->message, expected + length + 1) != NULL;
}

/* What was assumed of the kernel is named, and makes the finding a possible one. */
static void compare_condition(const struct example *example, const struct pa_finding *finding)
{
	const char *code = pa_check_info(finding->check)->code + 3, *wanted = example->conditions;
	bool assumes = wanted && strncmp(wanted, code, strcspn(wanted, " ")) == 0;
	bool named = finding->condition && strstr(finding->condition, "kernel's default");
	ck_assert_msg(named == assumes, "%s: %s rests on %s", example->name, code,
		      finding->condition ? finding->condition : "nothing");
	if (!assumes)
		return;
	ck_assert_msg(strstr(finding->condition, strchr(wanted, ' ') + 1), "%s: %s", example->name, finding->condition);
	ck_assert_int_eq(finding->certainty, PA_POSSIBLE);
}

static void compare_findings(const struct example *example, const struct pa_result *result)
{
	bool met[6] = { false };
	for (size_t i = 0; i < result->finding_count; i++) {
		bool found = false;
		for (size_t k = 0; k < 6 && example->findings[k] && !found; k++)
			found = !met[k] && (met[k] = says(&result->findings[i], example->findings[k]));
		ck_assert_msg(found, "%s: not expected: %s %s", example->name, pa_check_info(result->findings[i].check)->code,
			      result->findings[i].message);
		compare_condition(example, &result->findings[i]);
		ck_assert_msg(result->findings[i].fix && result->findings[i].fix[0], "%s: no fix", example->name);
	}
	for (size_t k = 0; k < 6 && example->findings[k]; k++)
		ck_assert_msg(met[k], "%s: missing: %s", example->name, example->findings[k]);
}

static void compare_statuses(const struct example *example, const struct pa_result *result)
{
	for (size_t i = 0; i < 4 && example->statuses[i]; i++) {
		char code[16] = "PA-", wanted[16];
		enum pa_check_id check;
		ck_assert_int_eq(sscanf(example->statuses[i], "%12s %15s", code + 3, wanted), 2);
		ck_assert(pa_check_find(code, &check));
		enum pa_check_status status = result->checks[check].status;
		const char *said = status == PA_STATUS_PASSED ? "passed" : status == PA_STATUS_FAILED ? "failed" : "unknown";
		ck_assert_msg(strcmp(said, wanted) == 0, "%s: %s is %s (%s)", example->name, code, said,
			      result->checks[check].reason ? result->checks[check].reason : "");
	}
}

static void run(const struct example *example)
{
	struct pa_diags diags = { 0 };
	struct pa_arena *arena = pa_arena_new();
	struct pa_cut *cuts;
	const struct pa_compare_options options = { .only_checks = checks };
	struct pa_ruleset *ruleset = make_ruleset(example);
	struct pa_sockets *sockets = example->sockets ? make_sockets(example->sockets) : NULL;
	struct pa_host *host = make_host(example, sockets);
	struct pa_policy *policy = NULL;
	if (example->policy) {
		policy = pa_policy_parse(example->policy, strlen(example->policy), "allow.conf", NULL, NULL, &diags);
		ck_assert_msg(policy, "%s: %s", example->name, diags.count ? diags.items[0].message : "");
	}
	size_t count = pa_policy_cuts(policy, host, ruleset, arena, &cuts);
	struct pa_evaluation *evaluation = pa_evaluate(ruleset, host, cuts, count, &diags);
	ck_assert_ptr_nonnull(evaluation);
	struct pa_result *result = pa_compare(evaluation, ruleset, host, policy, &options);
	ck_assert_ptr_null(pa_space_failed(pa_evaluation_space(evaluation)));
	compare_findings(example, result);
	compare_statuses(example, result);
	pa_result_free(result);
	pa_evaluation_free(evaluation);
	pa_policy_free(policy);
	pa_host_free(host);
	pa_sockets_free(sockets);
	pa_ruleset_free(ruleset);
	pa_arena_free(arena);
	pa_diags_done(&diags);
}

#include "listeners.def"

START_TEST(every_example)
{
	run(&examples[_i]);
}
END_TEST

/* Every check of the list fires somewhere and passes somewhere. */
START_TEST(every_check)
{
	for (size_t i = 0; checks[i]; i++) {
		bool fires = false, passes = false;
		if (strcmp(checks[i], "PA-EXP-001") == 0 || strncmp(checks[i], "PA-FWD-", 7) == 0)
			continue; /* the cases of tests/cases/check */
		for (size_t k = 0; k < sizeof(examples) / sizeof(*examples); k++) {
			size_t length = strlen(checks[i] + 3);
			for (size_t n = 0; n < 6 && examples[k].findings[n]; n++)
				fires = fires || strncmp(examples[k].findings[n], checks[i] + 3, length) == 0;
			for (size_t n = 0; n < 4 && examples[k].statuses[n]; n++)
				passes = passes || (strncmp(examples[k].statuses[n], checks[i] + 3, length) == 0 &&
						    strstr(examples[k].statuses[n], "passed"));
		}
		ck_assert_msg(fires && passes, "%s %s", checks[i], fires ? "passes in no example" : "fires in no example");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("listeners");
	TCase *group = tcase_create("examples");
	tcase_add_loop_test(group, every_example, 0, sizeof(examples) / sizeof(*examples));
	tcase_add_test(group, every_check);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
