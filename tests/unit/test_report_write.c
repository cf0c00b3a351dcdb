// rooms: pa_reports pa_compare pa_ir pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing reports: whole or not at all, and an old one survives. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_report_fixture.h"

static char folder[] = "/tmp/portaudit-write-XXXXXX";
static char path[64];
static struct pa_diags diags;
static struct pa_buffer document;

static void setup(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 7);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/report.json", folder);
	diags = (struct pa_diags){ 0 };
	document = (struct pa_buffer){ 0 };
	pa_buffer_puts(&document, "new report\n");
}

static void remove_folder(void)
{
	DIR *stream = opendir(folder);
	for (struct dirent *entry; (entry = readdir(stream));)
		unlinkat(dirfd(stream), entry->d_name, 0);
	closedir(stream);
	rmdir(folder);
}

static void teardown(void)
{
	remove_folder();
	pa_buffer_done(&document);
	pa_diags_done(&diags);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void check_contents(const char *name, const char *expected)
{
	char text[256];
	FILE *file = fopen(name, "r");
	ck_assert_msg(file != NULL, "%s", name);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	ck_assert_str_eq(text, expected);
}

/* Nothing is left beside the reports. */
static void check_entries(size_t expected)
{
	size_t count = 0;
	DIR *stream = opendir(folder);
	while (readdir(stream))
		count++;
	closedir(stream);
	ck_assert_uint_eq(count - 2, expected);
}

static void check_refused(const char *name, enum pa_diag_kind kind, const char *reason)
{
	ck_assert(!pa_report_write(name, &document, &diags));
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_int_eq(diags.items[0].level, PA_DIAG_ERROR);
	ck_assert_int_eq(diags.items[0].kind, kind);
	ck_assert_msg(strstr(diags.items[0].message, reason) != NULL, "%s", diags.items[0].message);
}

START_TEST(a_new_report_is_written)
{
	ck_assert(pa_report_write(path, &document, &diags));
	check_contents(path, "new report\n");
	check_entries(1);
	struct stat status;
	ck_assert_int_eq(stat(path, &status), 0);
	mode_t mask = umask(0);
	umask(mask);
	ck_assert_uint_eq(status.st_mode & 07777, 0666 & ~mask);
}
END_TEST

START_TEST(an_old_report_is_replaced_and_keeps_its_permissions)
{
	put(path, "old report\n");
	ck_assert_int_eq(chmod(path, 0604), 0);
	struct stat before, after;
	ck_assert_int_eq(stat(path, &before), 0);
	ck_assert(pa_report_write(path, &document, &diags));
	ck_assert_int_eq(stat(path, &after), 0);
	check_contents(path, "new report\n");
	check_entries(1);
	ck_assert_uint_eq(after.st_mode, before.st_mode);
	ck_assert(after.st_ino != before.st_ino); /* another file took the name: readers of the old one are not disturbed */
}
END_TEST

START_TEST(an_empty_report_is_a_report)
{
	struct pa_buffer nothing = { 0 };
	ck_assert(pa_report_write(path, &nothing, &diags));
	check_contents(path, "");
}
END_TEST

START_TEST(a_relative_name_is_beside_the_program)
{
	char old[4096];
	ck_assert_ptr_nonnull(getcwd(old, sizeof(old)));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert(pa_report_write("report.json", &document, &diags));
	ck_assert_int_eq(chdir(old), 0);
	check_contents(path, "new report\n");
}
END_TEST

START_TEST(a_symbolic_link_is_refused)
{
	char target[64];
	snprintf(target, sizeof(target), "%s/precious", folder);
	put(target, "precious\n");
	ck_assert_int_eq(symlink(target, path), 0);
	check_refused(path, PA_DIAG_INPUT, "report.json': it is a symbolic link");
	check_contents(target, "precious\n");
	check_entries(2);
}
END_TEST

START_TEST(a_dangling_link_is_refused)
{
	ck_assert_int_eq(symlink("/nonexistent/x", path), 0);
	check_refused(path, PA_DIAG_INPUT, "it is a symbolic link");
}
END_TEST

START_TEST(a_folder_is_refused)
{
	char slash[64];
	snprintf(slash, sizeof(slash), "%s/", folder);
	check_refused(folder, PA_DIAG_INPUT, "it is a folder");
	pa_diags_done(&diags);
	diags = (struct pa_diags){ 0 };
	check_refused(slash, PA_DIAG_INPUT, "it is a folder");
	check_entries(0);
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
	check_refused("/nonexistent/x\033y/report", PA_DIAG_INPUT,
		      "cannot open the folder of '/nonexistent/x\\x1by/report': No such file or directory");
}
END_TEST

START_TEST(an_empty_name_is_refused)
{
	check_refused("", PA_DIAG_INPUT, "the name is empty");
}
END_TEST

START_TEST(a_full_device_is_an_error)
{
	check_refused("/dev/full", PA_DIAG_INCOMPLETE, "cannot write to '/dev/full': No space left on device");
}
END_TEST

START_TEST(a_device_is_written_to)
{
	ck_assert(pa_report_write("/dev/null", &document, &diags));
	struct stat status;
	ck_assert_int_eq(stat("/dev/null", &status), 0);
	ck_assert(S_ISCHR(status.st_mode));
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_is_an_error)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_refused(path, PA_DIAG_INPUT, "cannot open");
}
END_TEST

/* RLIMIT_FSIZE stands for the disk that is full in the middle: the write stops half-way with an error. */
START_TEST(a_failed_write_leaves_the_old_report)
{
	put(path, "old report\n");
	for (size_t i = 0; i < 5000; i++)
		pa_buffer_puts(&document, "more of it\n");
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit limit = { .rlim_cur = 10000, .rlim_max = RLIM_INFINITY }, old;
	getrlimit(RLIMIT_FSIZE, &old);
	limit.rlim_max = old.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_refused(path, PA_DIAG_INCOMPLETE, "cannot write '");
	setrlimit(RLIMIT_FSIZE, &old);
	check_contents(path, "old report\n");
	check_entries(1);
}
END_TEST

static bool put_map(const char *name, const char *text)
{
	int descriptor = open(name, O_WRONLY);
	bool good = descriptor >= 0 && write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
	close(descriptor);
	return good;
}

/* As root, or as the root of a user namespace of its own. */
static bool enter_mount_namespace(void)
{
	char users[32], groups[32];
	snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
	snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWNS) == 0)
		return true;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put_map("/proc/self/setgroups", "deny") &&
	       put_map("/proc/self/uid_map", users) && put_map("/proc/self/gid_map", groups);
}

/* In a mount namespace of its own: 0 good, 1 bad, 77 no such namespace here. */
static int write_to_full_disk(void)
{
	if (!enter_mount_namespace())
		return 77;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("none", folder, "tmpfs", 0, "size=64k") != 0)
		return 77;
	put(path, "old report\n");
	for (size_t i = 0; i < 20000; i++)
		pa_buffer_puts(&document, "more of it\n");
	if (pa_report_write(path, &document, &diags) || diags.items[0].kind != PA_DIAG_INCOMPLETE ||
	    !strstr(diags.items[0].message, "No space left on device"))
		return 1;
	check_contents(path, "old report\n");
	check_entries(1);
	return 0;
}

START_TEST(a_full_disk_leaves_the_old_report)
{
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		_exit(write_to_full_disk());
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		fprintf(stderr, "SKIPPED: a full disk needs a mount namespace, which is refused here\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* With standard output connected to `target`; returns what pa_report_write() said. */
static bool write_to_standard_output(const char *target)
{
	fflush(stdout);
	int kept = dup(STDOUT_FILENO), descriptor = open(target, O_WRONLY | O_CREAT, 0600);
	dup2(descriptor, STDOUT_FILENO);
	bool good = pa_report_write("-", &document, &diags);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(descriptor);
	return good;
}

START_TEST(standard_output)
{
	ck_assert(write_to_standard_output(path));
	check_contents(path, "new report\n");
	ck_assert(!write_to_standard_output("/dev/full"));
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INCOMPLETE);
	ck_assert_str_eq(diags.items[0].message, "cannot write to standard output: No space left on device");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_write");
	TCase *tcase = tcase_create("write");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_new_report_is_written);
	tcase_add_test(tcase, an_old_report_is_replaced_and_keeps_its_permissions);
	tcase_add_test(tcase, an_empty_report_is_a_report);
	tcase_add_test(tcase, a_relative_name_is_beside_the_program);
	tcase_add_test(tcase, a_symbolic_link_is_refused);
	tcase_add_test(tcase, a_dangling_link_is_refused);
	tcase_add_test(tcase, a_folder_is_refused);
	tcase_add_test(tcase, a_missing_folder_is_named);
	tcase_add_test(tcase, an_empty_name_is_refused);
	tcase_add_test(tcase, a_full_device_is_an_error);
	tcase_add_test(tcase, a_device_is_written_to);
	tcase_add_test(tcase, a_pipe_that_nobody_reads_is_an_error);
	tcase_add_test(tcase, a_failed_write_leaves_the_old_report);
	tcase_add_test(tcase, a_full_disk_leaves_the_old_report);
	tcase_add_test(tcase, standard_output);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
