/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"
#include "document.h"
#include "listing.h"
#include "load_xtables.h"
#include "reading.h"
#include "wholeness.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <unistd.h>

#define TORN_PAUSE_MAX 64 /* milliseconds between tries */

/*
 * The reader of iptables-save text. While there is none, tables with xt parts and legacy tables are gaps, and no program is run.
 */
static const struct pa_xtables_reader *const xtables_reader = NULL;

static void list_live(const struct pa_child *child, void *unused)
{
	(void)unused;
	pa_listing_run(child, PA_LISTING_PROVE);
}

/*
 * Tries until a ruleset is whole or the time is up. A ruleset that is replaced all the time can be read between two
 * replacements; the pauses grow so that a long commit is not disturbed.
 */
static bool read_whole(const struct pa_child_job *job, struct pa_child_result *result, struct pa_diags *diags)
{
	char torn[sizeof(result->report.message)] = "";
	unsigned tries = 0, pause = 1;

	for (pa_child_run(job, result); result->report.outcome == PA_CHILD_TORN; pa_child_run(job, result)) {
		tries++;
		memcpy(torn, result->report.message, sizeof(torn));
		pa_child_result_done(result);
		usleep(pause * 1000);
		pause = pause < TORN_PAUSE_MAX ? pause * 2 : pause;
	}
	if (result->report.outcome == PA_CHILD_DONE)
		return true;
	if (tries > 0 && pa_child_now() >= job->deadline) {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the live ruleset was never whole in %u readings: %s",
			     tries, torn)
			->help = "it is being changed all the time: stop what changes it, or audit a saved ruleset";
		return false;
	}
	pa_load_add_failure(diags, result, "the live ruleset could not be read");
	return false;
}

/* The generation of the ruleset, which every commit changes; 0: it could not be read (the listing will say why). */
static uint32_t read_generation(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	uint32_t generation = 0;

	if (socket && (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 || pa_raw_generation(socket, &generation) != 0))
		generation = 0;
	if (socket)
		mnl_socket_close(socket);
	return generation;
}

/* What nft lists, as a ruleset that is not checked yet. NULL: diags says why. */
static struct pa_ruleset *read_listing(const struct pa_child_job *job, struct pa_diags *diags)
{
	struct pa_child_result result;
	struct pa_ruleset *ruleset = NULL;

	if (read_whole(job, &result, diags)) {
		ruleset = pa_ruleset_new();
		pa_ruleset_add_source(ruleset, PA_LIVE_NAME);
		if (!pa_load_lower_live(ruleset, &result, diags))
			ruleset = pa_ruleset_free(ruleset);
	}
	pa_child_result_done(&result);
	return ruleset;
}

enum xtables_result { XTABLES_DONE, XTABLES_CHANGED, XTABLES_FAILED };

/* Reads what nft does not show. CHANGED: that belongs to another generation than the listing. */
static enum xtables_result read_xtables(struct pa_ruleset *ruleset, uint32_t generation, int64_t deadline,
					struct pa_diags *diags)
{
	struct pa_xtables_plan plan;
	struct pa_xtables_text *texts;
	enum xtables_result result = XTABLES_DONE;

	pa_xtables_make_plan(ruleset, &plan);
	if (!plan.any)
		return XTABLES_DONE;
	if (!xtables_reader) {
		pa_xtables_add_gaps(ruleset, &plan);
		return XTABLES_DONE;
	}
	if (generation == 0) {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the generation of the ruleset could not be read");
		return XTABLES_FAILED;
	}
	plan.request.deadline = deadline;
	texts = pa_xtables_read_live(&plan.request);
	if (read_generation() != generation)
		result = XTABLES_CHANGED;
	else if (!pa_xtables_apply(ruleset, &plan, texts, xtables_reader, diags))
		result = XTABLES_FAILED;
	pa_xtables_free(texts);
	return result;
}

struct pa_ruleset *pa_ruleset_load_live(const struct pa_load_options *options, struct pa_diags *diags)
{
	struct pa_child_job job = { .work = list_live, .deadline = pa_load_deadline(options), .options = options };
	unsigned pause = 1;

	for (;;) {
		uint32_t generation = read_generation();
		struct pa_ruleset *ruleset = read_listing(&job, diags);
		enum xtables_result result = ruleset ? read_xtables(ruleset, generation, job.deadline, diags) : XTABLES_FAILED;

		if (result == XTABLES_DONE && pa_ruleset_check(ruleset, diags))
			return ruleset;
		pa_ruleset_free(ruleset);
		if (result != XTABLES_CHANGED)
			return NULL;
		if (pa_child_now() >= job.deadline) {
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE,
				     "the live ruleset and what iptables-save prints were never of one moment")
				->help = "it is being changed all the time: stop what changes it, or audit a saved ruleset";
			return NULL;
		}
		usleep(pause * 1000);
		pause = pause < TORN_PAUSE_MAX ? pause * 2 : pause;
	}
}
