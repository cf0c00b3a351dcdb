/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of users and groups: passwd(5) and group(5), read as files. getpwuid(3) might ask a directory over the network. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "socket_read.h"

/* The first entry of a number counts, as in getpwuid(3). */
static void add(struct pa_accounts *accounts, struct pa_number_map *map, uint32_t number, const char *name)
{
	size_t earlier;
	if (!name || pa_number_map_find(map, number, &earlier))
		return;
	pa_grow(&accounts->names, &accounts->name_capacity, accounts->name_count + 1, sizeof(*accounts->names));
	accounts->names[accounts->name_count] = pa_arena_strdup(accounts->arena, name);
	pa_number_map_put(map, number, accounts->name_count++);
}

void pa_accounts_read(struct pa_accounts *accounts)
{
	accounts->arena = pa_arena_new();
	FILE *users = fopen("/etc/passwd", "re"), *groups = fopen("/etc/group", "re");
	const struct passwd *user;
	while (users && (user = fgetpwent(users)))
		add(accounts, &accounts->users, user->pw_uid, user->pw_name);
	const struct group *group;
	while (groups && (group = fgetgrent(groups)))
		add(accounts, &accounts->groups, group->gr_gid, group->gr_name);
	if (users)
		fclose(users);
	if (groups)
		fclose(groups);
}

const char *pa_accounts_user(const struct pa_accounts *accounts, uint32_t uid)
{
	size_t at;
	return pa_number_map_find(&accounts->users, uid, &at) ? accounts->names[at] : NULL;
}

const char *pa_accounts_group(const struct pa_accounts *accounts, uint32_t gid)
{
	size_t at;
	return pa_number_map_find(&accounts->groups, gid, &at) ? accounts->names[at] : NULL;
}

void pa_accounts_done(struct pa_accounts *accounts)
{
	pa_number_map_done(&accounts->users);
	pa_number_map_done(&accounts->groups);
	free(accounts->names);
	pa_arena_free(accounts->arena);
	*accounts = (struct pa_accounts){ 0 };
}
