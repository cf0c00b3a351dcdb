/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the child process may do. A script that is audited comes from anybody: it includes files, names hosts, and feeds
 * a large parser. Without its own namespaces it would change the firewall of this host.
 */
#ifndef PORTAUDIT_NFT_SANDBOX_H
#define PORTAUDIT_NFT_SANDBOX_H

#include "child.h"

/* Whose rights the child has. */
struct pa_sandbox_identity {
	uid_t user;
	gid_t group;
};

/*
 * In the child: a network namespace of its own, inside a user namespace of its own in which it is root and outside of
 * which it is identity->user. Ends the process (PA_CHILD_UNABLE, with what to do) when that is refused. The user
 * namespace comes first: entered in one step, the lists of legacy tables in /proc/net are unreadable.
 */
void pa_sandbox_enter(const struct pa_child *child, const struct pa_sandbox_identity *identity);

/* In the parent, as job->answer: maps the user ids of the child. */
bool pa_sandbox_map(pid_t child, const struct pa_sandbox_identity *identity);

/*
 * In the child: from now on files can be read only below `folders` (NULL-terminated) and where libnftables looks up
 * names of protocols, services, users and marks; nothing can be written. Does nothing on a kernel without landlock.
 */
void pa_sandbox_limit_files(const struct pa_child *child, const char *const *folders);

/*
 * In the child: no programs, no processes, no sockets but netlink, no files for writing; with `files` false no file can
 * be opened at all (so that names in /etc of this host do not stand for numbers in what is printed).
 */
void pa_sandbox_limit_calls(const struct pa_child *child, bool files);

#endif
