// rooms: pa_sockets pa_host pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules/sockets: each file of tests/cases/sockets/ is what ss or netstat printed; NAME.expected holds what is read of it, or the
 * errors. With PORTAUDIT_ACCEPT set in the environment the test writes what came out.
 */
#include <check.h>
#include <glob.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "portaudit/socket.h"

#define FOLDER PA_SOURCE_DIR "/tests/cases/sockets"

static bool read_file(const char *path, struct pa_buffer *text)
{
	char chunk[4096];
	size_t got;
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	while ((got = fread(chunk, 1, sizeof(chunk), file)))
		pa_buffer_add(text, chunk, got);
	fclose(file);
	return true;
}

static const char *tristate(enum pa_tristate value)
{
	return value == PA_YES ? "yes" : value == PA_NO ? "no" : "?";
}

static void write_processes(struct pa_buffer *out, const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	for (size_t i = 0; i < listener->process_count; i++) {
		const struct pa_process *process = &sockets->processes[listener->processes[i]];
		pa_buffer_printf(out, " %u/%s%s", process->pid, process->command,
				 process->is_service_manager ? "(manager)" : "");
	}
	if (!listener->processes_known)
		pa_buffer_puts(out, " processes?");
}

static void write_listener(struct pa_buffer *out, const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	char address[PA_ADDRESS_TEXT_MAX];
	pa_address_format(listener->address, listener->family, address);
	pa_buffer_printf(out, "%s%u%s IPv%d %s port %u", listener->raw ? "raw " : "", listener->protocol,
			 listener->mptcp ? " mptcp" : "", listener->family, listener->any_address ? "any" : address,
			 listener->port);
	if (listener->family == 6 && listener->any_address)
		pa_buffer_printf(out, " v6only %s", tristate(listener->v6only));
	if (listener->interface)
		pa_buffer_printf(out, " on %s", listener->interface);
	if (listener->uid_known)
		pa_buffer_printf(out, " uid %u", listener->uid);
	if (listener->user)
		pa_buffer_printf(out, " user %s", listener->user);
	if (listener->inode)
		pa_buffer_printf(out, " inode %llu", (unsigned long long)listener->inode);
	if (listener->cgroup)
		pa_buffer_printf(out, " cgroup %s unit %s", listener->cgroup, listener->unit ? listener->unit : "-");
	if (listener->reuseport == PA_YES)
		pa_buffer_puts(out, " shared");
	write_processes(out, sockets, listener);
	pa_buffer_puts(out, "\n");
}

static void write_sockets(struct pa_buffer *out, const struct pa_sockets *sockets)
{
	char local[PA_ADDRESS_TEXT_MAX], remote[PA_ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < sockets->listener_count; i++)
		write_listener(out, sockets, &sockets->listeners[i]);
	for (size_t i = 0; i < sockets->connection_count; i++) {
		const struct pa_connections *row = &sockets->connections[i];
		pa_address_format(row->local, row->family, local);
		pa_address_format(row->remote, row->family, remote);
		pa_buffer_printf(out, "%zu connections (%zu in TIME-WAIT) from %s to %s port %u\n", row->count, row->time_wait,
				 local, remote, row->remote_port);
	}
	pa_buffer_puts(out, "covers");
	for (size_t i = 0; i < sockets->coverage_count; i++)
		pa_buffer_printf(out, " %u/IPv%d", sockets->coverage[i].protocol, sockets->coverage[i].family);
	pa_buffer_printf(out, "%s%s%s\n", sockets->listeners_complete ? ", listeners complete" : "",
			 sockets->processes_complete ? ", processes complete" : "",
			 sockets->connections_known ? ", connections known" : "");
	for (size_t i = 0; i < sockets->missing_count; i++)
		pa_buffer_printf(out, "missing: %s\n", sockets->missing[i]);
}

static void write_diags(struct pa_buffer *out, const struct pa_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct pa_diag *diag = &diags->items[i];
		pa_buffer_printf(out, "error %u:%u+%u: %s", diag->where.line, diag->where.column, diag->where.length,
				 diag->message);
		pa_buffer_printf(out, "%s%s\n", diag->help ? " | " : "", diag->help ? diag->help : "");
	}
}

static void run_case(const char *path)
{
	struct pa_buffer text = { 0 }, out = { 0 }, expected = { 0 };
	struct pa_diags diags = { 0 };
	char other[600];
	ck_assert(read_file(path, &text));
	struct pa_sockets *sockets = pa_sockets_parse(text.data ? text.data : "", text.length, "FILE", &diags);
	ck_assert(!sockets == pa_diags_has_errors(&diags));
	if (sockets)
		write_sockets(&out, sockets);
	write_diags(&out, &diags);
	snprintf(other, sizeof(other), "%.*s.expected", (int)strlen(path) - 4, path);
	if (getenv("PORTAUDIT_ACCEPT")) {
		FILE *file = fopen(other, "w");
		ck_assert_ptr_nonnull(file);
		fwrite(out.data, 1, out.length, file);
		fclose(file);
	}
	ck_assert_msg(read_file(other, &expected), "%s is missing", other);
	ck_assert_msg(strcmp(out.data, expected.data) == 0, "%s: what came out:\n%s", path, out.data);
	pa_sockets_free(sockets);
	pa_diags_done(&diags);
	pa_buffer_done(&text);
	pa_buffer_done(&out);
	pa_buffer_done(&expected);
}

START_TEST(test_cases)
{
	glob_t found;
	ck_assert_int_eq(glob(FOLDER "/*.txt", 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 10);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_case(found.gl_pathv[i]);
	globfree(&found);
}
END_TEST

START_TEST(test_no_text)
{
	struct pa_diags diags = { 0 };
	static const char nul[] = "State Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 5 *:2\0 *:*\n";
	ck_assert_ptr_null(pa_sockets_parse("", 0, "FILE", &diags));
	ck_assert_ptr_null(pa_sockets_parse(nul, sizeof(nul) - 1, "FILE", &diags));
	ck_assert_uint_eq(diags.count, 2);
	ck_assert_uint_eq(diags.items[1].where.line, 2);
	ck_assert_str_eq(diags.items[1].message, "a NUL byte: this is no text");
	pa_diags_done(&diags);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sockets in text");
	TCase *tests = tcase_create("text");
	tcase_add_test(tests, test_cases);
	tcase_add_test(tests, test_no_text);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
