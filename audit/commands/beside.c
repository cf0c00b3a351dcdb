/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other rulesets that a command holds the audited one against. */
#include <string.h>
#include <unistd.h>

#include "job.h"

bool pa_job_compare(struct pa_job *job, struct pa_job_beside *beside, bool is_old, struct pa_diags *diags)
{
	const struct pa_ruleset *const rulesets[2] = { is_old ? beside->ruleset : job->ruleset,
						       is_old ? job->ruleset : beside->ruleset };
	const struct pa_policy *policy = job->options->command == PA_COMMAND_DIFF ? job->policy : NULL;
	struct pa_cut *cuts = NULL; /* those of plain packets as well, without a policy */
	size_t count = pa_policy_cuts(policy, job->host, rulesets[1], job->arena, &cuts);
	if (!pa_evaluate_pair(rulesets, job->host, cuts, count, diags, beside->pair))
		return false;
	beside->difference = pa_compare_pair(beside->pair, rulesets, job->host, policy, diags);
	return beside->difference != NULL;
}

/* What went wrong, in one line; an audit that is not complete stays that. */
static void tell_failed(struct pa_job *job, struct pa_job_beside *beside, const struct pa_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct pa_diag *diag = &diags->items[i];
		if (diag->level != PA_DIAG_ERROR)
			continue;
		if (diag->kind == PA_DIAG_INCOMPLETE)
			pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%s: %s", beside->told.name,
				     diag->message);
		if (!beside->told.failed)
			beside->told.failed =
				diag->where.line ? pa_arena_printf(job->arena, "line %u: %s", diag->where.line, diag->message)
						 : pa_arena_strdup(job->arena, diag->message);
	}
	if (!beside->told.failed)
		beside->told.failed = "it could not be read";
}

/*
 * Everything is read before anything is evaluated: the process that reads is a copy of this one, with a limit of its memory.
 */
static void read_one(struct pa_job *job, struct pa_job_beside *beside, const char *source)
{
	struct pa_diags diags = { 0 };
	beside->told.name = source;
	beside->ruleset = pa_job_load_source(job, source, &diags);
	if (!beside->ruleset)
		tell_failed(job, beside, &diags);
	for (size_t i = 0; beside->ruleset && i < beside->ruleset->gap_count; i++)
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%s: %s", source,
			     beside->ruleset->gaps[i].message);
	pa_diags_done(&diags);
}

static void compare_one(struct pa_job *job, struct pa_job_beside *beside, bool is_old)
{
	struct pa_diags diags = { 0 };
	if (beside->ruleset && !pa_job_compare(job, beside, is_old, &diags))
		tell_failed(job, beside, &diags);
	beside->told.difference = beside->difference;
	pa_diags_done(&diags);
}

/* The files that the services of Debian and others load at boot: those that exist, where their service is started; with commas. */
static const char *boot_files(struct pa_job *job)
{
	static const struct {
		const char *service, *file;
	} loaded[] = { { "nftables", "/etc/nftables.conf" },
		       { "netfilter-persistent", "/etc/iptables/rules.v4" },
		       { "netfilter-persistent", "/etc/iptables/rules.v6" } };
	const char *list = NULL;
	for (size_t i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++) {
		if (access(loaded[i].file, F_OK) == 0 && pa_host_starts_at_boot(loaded[i].service))
			list = list ? pa_arena_printf(job->arena, "%s,%s", list, loaded[i].file) : loaded[i].file;
	}
	return list;
}

/* A service that is started at boot and writes rules while it runs: no file holds what it will write. NULL: none. */
static const char *writer_at_boot(void)
{
	static const char *const writers[] = { "ufw",	  "firewalld", "docker",     "podman",	"libvirtd", "shorewall", "ferm",
					       "firehol", "fail2ban",  "tailscaled", "kubelet", "k3s",	    "crowdsec" };
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (pa_host_starts_at_boot(writers[i]))
			return writers[i];
	return NULL;
}

static bool wants(const struct pa_options *options, const char *check)
{
	for (size_t i = 0; options->checks && options->checks[i]; i++) {
		if (strcmp(options->checks[i], check) == 0)
			return true;
	}
	return !options->checks;
}

/* An earlier result, or a ruleset: what is in the file tells. Standard input is read once, as a ruleset. */
static bool read_baseline(struct pa_job *job, const char *source)
{
	if (strcmp(source, "-") != 0 && access(source, F_OK) == 0 && !pa_baseline_load(source, &job->known, &job->diags))
		return false;
	if (!job->known && wants(job->options, "PA-PER-004"))
		read_one(job, &job->beside[1], source);
	if (job->known && !job->known->complete)
		pa_diags_add(&job->diags, PA_DIAG_WARNING, PA_DIAG_INPUT,
			     "the audit that wrote %s was not complete: some of what is new may only have been unseen", source);
	return true;
}

bool pa_job_read_beside(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	struct pa_job_beside *saved = &job->beside[0];
	bool by_default = !options->saved && !pa_job_is_offline(options);
	const char *writer = by_default ? writer_at_boot() : NULL;
	const char *files = options->saved;
	if (by_default && !writer && pa_host_in_first_namespace() == PA_YES)
		files = boot_files(job);
	if (files && wants(options, "PA-PER-001"))
		read_one(job, saved, files);
	return !options->baseline || read_baseline(job, options->baseline);
}

void pa_job_compare_beside(struct pa_job *job, struct pa_compare_options *compare)
{
	compare_one(job, &job->beside[0], false);
	compare_one(job, &job->beside[1], true);
	compare->saved = &job->beside[0].told;
	compare->baseline = &job->beside[1].told;
	compare->known = job->known;
	if (!job->options->has_session)
		return;
	pa_session_follow(job->ruleset, job->host, &job->options->session, job->arena, &job->session);
	compare->session = &job->session;
}
