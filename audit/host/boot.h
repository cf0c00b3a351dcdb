/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside audit/host: which services boot starts. */
#ifndef PORTAUDIT_HOST_BOOT_H
#define PORTAUDIT_HOST_BOOT_H

#include "read.h"

/* A service that the units of systemd, SysV or OpenRC start. */
struct pa_boot_service {
	const char *name;      /* "nftables", without ".service" or "S01" */
	bool loads;	       /* its name or its ExecStart= is that of a program that loads rules */
	enum pa_tristate idle; /* YES: it does nothing: ufw that is not enabled */
};
struct pa_boot {
	struct pa_boot_service *services; /* each once, in the order of the folders */
	size_t count, capacity;
	bool scripts; /* programs that boot runs, too, and that nobody can look into */
};

/* Below `root` ("" on a live host). Strings in the arena; free with pa_boot_done(). */
void pa_boot_read(const char *root, struct pa_arena *arena, struct pa_boot *ret_boot);
void pa_boot_done(struct pa_boot *boot);
void pa_host_read_boot(struct pa_host *host, const char *root); /* loads_at_boot, boot_loaders */

#endif
