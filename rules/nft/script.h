/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the child: load nft scripts into a network namespace of their own and print what came of them. */
#ifndef PORTAUDIT_NFT_SCRIPT_H
#define PORTAUDIT_NFT_SCRIPT_H

#include "sandbox.h"
#include "script_error.h"

struct pa_script_job {
	struct pa_script *scripts; /* loaded one after another */
	size_t count;
	struct pa_sandbox_identity identity;
	const char *const *folders;	    /* that may be read: those of the scripts and those for includes */
	const char *const *include_folders; /* where `include "name"` is searched after /etc; NULL-terminated or NULL */
};

/* For pa_child_job: the context is a struct pa_script_job. */
void pa_script_work(const struct pa_child *child, void *job);
bool pa_script_answer(pid_t child, void *job);

#endif
