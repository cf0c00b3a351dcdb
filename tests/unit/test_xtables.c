/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_xtables pa_base
/* The runner of programs, with small scripts in their place; what is wanted of which program; when two texts say the same. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../rules/xtables/program.h"
#include "../../rules/xtables/xtables.h"

static char folder[] = "/tmp/pa-xtables-XXXXXX";
static const char *const folders[] = { folder, NULL };

static int64_t in(int milliseconds)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000 + milliseconds;
}

static void write_program(const char *name, const char *script)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

static void remove_program(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
}

/* --- the runner ----------------------------------------------------------------------------------------------------------- */

/* A program, and what comes of it: the text, or (after "!") how the problem goes on behind the path. */
static const struct {
	const char *script, *expected;
} programs[] = {
	{ "echo '*filter'; echo COMMIT", "*filter\nCOMMIT\n" },
	{ "exit 0", "" },
	{ "echo warning >&2; echo rules", "rules\n" },
	{ "echo '*filter'; exit 1", "! ended with status 1" },
	{ "echo '*filter'; echo 'no permission' >&2; exit 4", "! ended with status 4: no permission" },
	{ "printf 'a\\n\\nb\\n' >&2; exit 1", "! ended with status 1: a  b" },
	{ "echo '*filter'; kill -9 $$", "! ended with signal 9 (Killed)" },
	{ "echo '*filter'; kill -SEGV $$", "! ended with signal 11 (Segmentation fault)" },
	{ "printf '*filter\\n:INPUT AC'", "! is cut off" },
	{ "printf 'a\\000b\\n'", "! printed a NUL byte" },
	{ "echo half; sleep 100", "! did not end in the time given" },
	{ "echo half; exec >&- 2>&-; sleep 100", "! did not end in the time given" },
	{ "sleep 100 & echo done", "! did not end in the time given" },
	{ "yes rules", "! printed more than 100000 bytes" },
	{ "yes error >&2 & sleep 0.1; kill $!; echo fine", "fine\n" },
	{ "cat; echo end of input", "end of input\n" },
	{ "pwd; /usr/bin/env | /usr/bin/grep -v -e ^PWD= -e ^SHLVL= -e ^_= -e ^OLDPWD= | /usr/bin/sort",
	  "/\nLC_ALL=C\nTZ=UTC\n" },
	{ "ls /proc/self/fd | wc -l", "4\n" }, /* the three and the folder */
	{ "trap", "" },
};

START_TEST(test_program)
{
	const char *arguments[] = { "save", NULL };
	struct pa_program_output output;
	char path[256];

	write_program("save", programs[_i].script);
	snprintf(path, sizeof(path), "%s/save", folder);
	setenv("LEAK", "1", 1);
	signal(SIGPIPE, SIG_IGN);
	bool good = pa_program_run(path, arguments, (struct pa_program_limits){ 100000, in(1500) }, &output);
	if (programs[_i].expected[0] == '!') {
		ck_assert(!good);
		ck_assert_ptr_null(output.text.data);
		ck_assert_msg(strstr(output.problem, programs[_i].expected + 1), "%s", output.problem);
		ck_assert_msg(strstr(output.problem, path), "%s", output.problem);
	} else {
		ck_assert_msg(good, "%s", output.problem);
		ck_assert_str_eq(output.text.length ? output.text.data : "", programs[_i].expected);
	}
	pa_buffer_done(&output.text);
}
END_TEST

/* What hangs is gone afterwards, with what it started. */
START_TEST(test_nothing_is_left)
{
	const char *arguments[] = { "save", NULL };
	struct pa_program_output output;
	char path[256], pid_path[256];
	int first = 0, second = 0;

	snprintf(path, sizeof(path), "%s/save", folder);
	snprintf(pid_path, sizeof(pid_path), "%s/pids", folder);
	write_program("save", "echo $$ > ${0%/*}/pids; sleep 100 & echo $! >> ${0%/*}/pids; wait");
	ck_assert(!pa_program_run(path, arguments, (struct pa_program_limits){ 100000, in(500) }, &output));
	FILE *file = fopen(pid_path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fscanf(file, "%d %d", &first, &second), 2);
	fclose(file);
	unlink(pid_path);
	for (int tries = 0; tries < 100 && kill(second, 0) == 0; tries++) {
		char state[256];
		snprintf(state, sizeof(state), "/proc/%d/stat", second);
		FILE *stat = fopen(state, "r");
		char letter = 'X';
		if (stat && fscanf(stat, "%*d %*s %c", &letter) == 1 && letter == 'Z')
			tries = 100; /* dead, and waiting for a parent that does not ask */
		if (stat)
			fclose(stat);
		usleep(10000);
		ck_assert_int_lt(tries, 99 + (letter == 'Z') * 10);
	}
	ck_assert_int_ne(kill(first, 0), 0);
}
END_TEST

START_TEST(test_no_such_program)
{
	const char *arguments[] = { "save", NULL };
	struct pa_program_output output;
	char path[PA_PROGRAM_PATH_MAX];

	ck_assert(!pa_program_find("nothing-of-this-name", folders, path));
	ck_assert(!pa_program_run("/nothing/of/this/name", arguments, (struct pa_program_limits){ 1000, in(1000) }, &output));
	ck_assert_str_eq(output.problem, "/nothing/of/this/name could not be started: No such file or directory");
	write_program("save", "echo");
	snprintf(path, sizeof(path), "%s/save", folder);
	chmod(path, 0644);
	ck_assert(!pa_program_find("save", folders, path));
	chmod(path, 0755);
	ck_assert(pa_program_find("save", folders, path));
	ck_assert(pa_program_find("sh", pa_program_folders, path));
	ck_assert_int_eq(path[0], '/');
}
END_TEST

/* The caller's standard descriptors may be closed. */
START_TEST(test_closed_descriptors)
{
	const char *arguments[] = { "save", NULL };
	struct pa_program_output output;
	char path[256];
	int saved[3];

	write_program("save", "cat; echo out; echo err >&2; exit 2");
	snprintf(path, sizeof(path), "%s/save", folder);
	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD, 20);
		close(i);
	}
	bool good = pa_program_run(path, arguments, (struct pa_program_limits){ 1000, in(3000) }, &output);
	for (int i = 0; i < 3; i++)
		dup2(saved[i], i);
	ck_assert(!good);
	ck_assert_msg(strstr(output.problem, "status 2: err"), "%s", output.problem);
}
END_TEST

/* --- which texts --------------------------------------------------------------------------------------------------------------- */

static struct pa_xtables_text *read_kinds(bool nft4, bool legacy6)
{
	struct pa_xtables_request request = { .folders = folders, .deadline = in(5000) };

	request.wanted[PA_XTABLES_NFT4] = nft4;
	request.wanted[PA_XTABLES_LEGACY6] = legacy6;
	return pa_xtables_read_live(&request);
}

START_TEST(test_texts)
{
	write_program("iptables-nft-save", "echo '-A INPUT -m set --match-set a src -j DROP'");
	write_program("ipset", "[ \"$1\" = save ] && echo create a hash:ip");
	write_program("ip6tables-legacy-save", "echo '*filter'; date +'# %s %N'; echo \":INPUT ACCEPT [$$:1]\"");
	struct pa_xtables_text *texts = read_kinds(true, true);
	ck_assert(texts[PA_XTABLES_NFT4].wanted && !texts[PA_XTABLES_NFT4].problem);
	ck_assert_str_eq(texts[PA_XTABLES_SETS].text.data, "create a hash:ip\n");
	ck_assert_msg(!texts[PA_XTABLES_LEGACY6].problem, "%s", texts[PA_XTABLES_LEGACY6].problem);
	ck_assert(strstr(texts[PA_XTABLES_LEGACY6].text.data, ":INPUT ACCEPT"));
	ck_assert_int_eq(texts[PA_XTABLES_LEGACY6].family, 6);
	ck_assert(!texts[PA_XTABLES_NFT6].wanted && !texts[PA_XTABLES_NFT6].text.data);
	pa_xtables_free(texts);

	/* no set is named: ipset is not asked */
	write_program("iptables-nft-save", "echo '*filter'");
	texts = read_kinds(true, false);
	ck_assert(!texts[PA_XTABLES_SETS].wanted);
	ck_assert_str_eq(texts[PA_XTABLES_NFT4].text.data, "*filter\n");
	pa_xtables_free(texts);
}
END_TEST

START_TEST(test_problems)
{
	remove_program("ipset");
	write_program("iptables-nft-save", "echo '-A INPUT -m set --match-set a src -j DROP'");
	remove_program("ip6tables-legacy-save");
	struct pa_xtables_text *texts = read_kinds(true, true);
	ck_assert_str_eq(texts[PA_XTABLES_SETS].problem, "ipset is needed to see all rules, and it is not installed");
	ck_assert_str_eq(texts[PA_XTABLES_SETS].help, "install it (Debian: apt install ipset)");
	ck_assert_str_eq(texts[PA_XTABLES_LEGACY6].help, "install it (Debian: apt install iptables)");
	pa_xtables_free(texts);

	write_program("iptables-nft-save", "echo \"# Table \\`filter' is incompatible, use 'nft' tool.\"; echo '*nat'");
	write_program("ip6tables-legacy-save", "echo \":INPUT ACCEPT\"; echo \"-A INPUT -p $(date +%N)\"");
	texts = read_kinds(true, true);
	ck_assert_str_eq(texts[PA_XTABLES_NFT4].problem, "Table `filter' is incompatible, use 'nft' tool.");
	ck_assert_ptr_null(texts[PA_XTABLES_NFT4].text.data);
	ck_assert_msg(strstr(texts[PA_XTABLES_LEGACY6].problem, "printed something else each of"), "%s",
		      texts[PA_XTABLES_LEGACY6].problem);
	pa_xtables_free(texts);
}
END_TEST

static const struct {
	const char *one, *other;
	bool same;
} pairs[] = {
	{ "", "", true },
	{ "# at 10:00\n*filter\n:INPUT ACCEPT [1:20]\n", "# at 11:00 and more\n*filter\n:INPUT ACCEPT [345:6]\n", true },
	{ "*filter\n:INPUT ACCEPT [1:20]\n", "*filter\n:INPUT DROP [1:20]\n", false },
	{ "*filter\n", "*filter\n-A INPUT -j DROP\n", false },
	{ "add a 10.0.0.1 timeout 59 packets 1 bytes 2\n", "add a 10.0.0.1 timeout 5 packets 10 bytes 2000\n", true },
	{ "add a 10.0.0.1 timeout 59\n", "add a 10.0.0.1\n", false },
	{ "add a 10.0.0.1\n", "add a 10.0.0.2\n", false },
	{ "-A INPUT -m comment --comment \"# 1\"\n", "-A INPUT -m comment --comment \"# 2\"\n", false },
};

START_TEST(test_same_state)
{
	ck_assert_int_eq(pa_xtables_same_state(pairs[_i].one, pairs[_i].other), pairs[_i].same);
	ck_assert_int_eq(pa_xtables_same_state(pairs[_i].other, pairs[_i].one), pairs[_i].same);
}
END_TEST

START_TEST(test_legacy_names)
{
	char names[PA_XTABLES_NAMES_MAX], path[256];

	snprintf(path, sizeof(path), "%s/names", folder);
	ck_assert(pa_xtables_legacy_names(path, names)); /* no such list: no tables */
	ck_assert_str_eq(names, "");
	FILE *file = fopen(path, "w");
	fputs("nat\nfilter\n", file);
	fclose(file);
	ck_assert(pa_xtables_legacy_names(path, names));
	ck_assert_str_eq(names, "nat filter");
	unlink(path);
	ck_assert(!pa_xtables_legacy_names(folder, names)); /* a folder cannot be read */
	ck_assert_int_eq(errno, EISDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xtables");
	TCase *tests = tcase_create("xtables");

	if (!mkdtemp(folder))
		return 1;
	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, test_program, 0, sizeof(programs) / sizeof(programs[0]));
	tcase_add_test(tests, test_nothing_is_left);
	tcase_add_test(tests, test_no_such_program);
	tcase_add_test(tests, test_closed_descriptors);
	tcase_add_test(tests, test_texts);
	tcase_add_test(tests, test_problems);
	tcase_add_loop_test(tests, test_same_state, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tests, test_legacy_names);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	for (const char *const *name = (const char *[]){ "save", "ipset", "iptables-nft-save", "ip6tables-legacy-save", NULL };
	     *name; name++)
		remove_program(*name);
	rmdir(folder);
	return failed ? 1 : 0;
}
