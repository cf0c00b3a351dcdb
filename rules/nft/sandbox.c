/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Namespaces, identity and files of the child. The seccomp filters are in sandbox_calls.c. */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- identity ---------------------------------------------------------------------------------------------- */

/* Of all capabilities the loading of a ruleset needs one. */
static bool keep_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	data[CAP_NET_ADMIN / 32].effective = data[CAP_NET_ADMIN / 32].permitted = 1u << (CAP_NET_ADMIN % 32);
	return syscall(SYS_capset, &header, data) == 0;
}

static bool become(uid_t user, gid_t group)
{
	return prctl(PR_SET_KEEPCAPS, 1) == 0 && setresgid(group, group, group) == 0 && setresuid(user, user, user) == 0 &&
	       keep_net_admin();
}

static __attribute__((noreturn)) void refused(const struct pa_child *child, const char *what, int error)
{
	pa_child_help(
		child,
		geteuid() == 0
			? "audit what is loaded elsewhere: nft -j list ruleset > FILE, and give that file"
			: "run as root, or audit what is loaded elsewhere: nft -j list ruleset > FILE, and give that file");
	pa_child_end(child, PA_CHILD_UNABLE,
		     "an nft script is loaded into a network namespace of its own, and %s is refused here: %s", what,
		     strerror(error));
}

/* Root may do without a user namespace where those are switched off. */
static void enter_as_root(const struct pa_child *child, const struct pa_sandbox_identity *identity)
{
	if (unshare(CLONE_NEWNET) != 0)
		refused(child, "making one", errno);
	/* In a user namespace without setgroups() the groups are those of an ordinary user already. */
	if (setgroups(0, NULL) != 0 && identity->group != getegid())
		refused(child, "giving up the groups of root", errno);
	if (!become(identity->user, identity->group))
		refused(child, "giving up the rights of root", errno);
}

void pa_sandbox_enter(const struct pa_child *child, const struct pa_sandbox_identity *identity)
{
	prctl(PR_SET_DUMPABLE, 1); /* else the maps belong to root when the program has capabilities of its own */
	if (unshare(CLONE_NEWUSER) != 0) {
		int error = errno;
		if (geteuid() != 0)
			refused(child, "making a user namespace", error);
		enter_as_root(child, identity);
		return;
	}
	if (!pa_child_request(child))
		refused(child, "mapping the user of a user namespace", EPERM);
	if (unshare(CLONE_NEWNET) != 0)
		refused(child, "making one", errno);
	(void)setgroups(0, NULL); /* refused to ordinary users, whose groups are their own */
	if (!become(0, 0))
		refused(child, "becoming root of it", errno);
}

static bool write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	ssize_t length = (ssize_t)strlen(text);
	bool written;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, (size_t)length) == length;
	return close(fd) == 0 && written;
}

static bool map_one(pid_t child, uid_t user, gid_t group)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "0 %u 1\n", (unsigned)user);
	snprintf(groups, sizeof(groups), "0 %u 1\n", (unsigned)group);
	return write_file(child, "uid_map", users) && write_file(child, "gid_map", groups);
}

/* A container may have no user but its own; then the child has to be that one. */
bool pa_sandbox_map(pid_t child, const struct pa_sandbox_identity *identity)
{
	if (geteuid() != 0 && !write_file(child, "setgroups", "deny"))
		return false;
	if (map_one(child, identity->user, identity->group))
		return true;
	(void)write_file(child, "setgroups", "deny");
	return map_one(child, geteuid(), getegid());
}

/* --- files ------------------------------------------------------------------------------------------------- */

/* Where libnftables and the C library look up names. */
static const char *const name_files[] = {
	"/etc/protocols",
	"/etc/services",
	"/etc/passwd",
	"/etc/group",
	"/etc/nsswitch.conf",
	"/etc/ld.so.cache",
	"/etc/iproute2",
	"/usr/lib",
	"/usr/share/iproute2",
	"/etc/xtables/connlabel.conf",
	"/lib",
	"/usr/local/lib",
	"/lib64",
	"/usr/etc/iproute2",
	"/etc/connlabel.conf",
};

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

static void allow(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = reading };
	struct stat state;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return; /* what is not there cannot be read */
	if (fstat(rule.parent_fd, &state) == 0 && !S_ISDIR(state.st_mode))
		rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
}

void pa_sandbox_limit_files(const struct pa_child *child, const char *const *folders)
{
	/* All rights that the first version of landlock knows. */
	struct landlock_ruleset_attr handled = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);

	if (ruleset < 0)
		return;
	for (size_t i = 0; i < sizeof(name_files) / sizeof(name_files[0]); i++)
		allow(ruleset, name_files[i]);
	for (size_t i = 0; folders && folders[i]; i++)
		allow(ruleset, folders[i]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		pa_child_end(child, PA_CHILD_UNABLE, "the process for libnftables could not be confined: %s", strerror(errno));
	close(ruleset);
}
