/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load_live.h"
#include "child.h"
#include "document.h"
#include "listing.h"
#include "reading.h"
#include "recorded.h"
#include "wholeness.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <unistd.h>

#define TORN_PAUSE_MAX 64   /* milliseconds between tries */
#define DISAGREEMENTS_MAX 4 /* readings whose listing and texts have different rules */

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
	if (tries > 0 && pa_clock_now() >= job->deadline) {
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
		else if (job->options && job->options->recording)
			pa_recording_take_listing(job->options->recording, &result);
	}
	pa_child_result_done(&result);
	return ruleset;
}

/* Reads what nft does not show. */
static enum pa_xtables_result read_xtables(struct pa_ruleset *ruleset, const struct pa_xtables_reader *reader,
					   uint32_t generation, const struct pa_child_job *job, struct pa_diags *diags)
{
	struct pa_recording *recording = job->options ? job->options->recording : NULL;
	struct pa_legacy_names names[2];
	struct pa_xtables_plan plan;
	struct pa_xtables_text *texts;
	enum pa_xtables_result result = PA_XTABLES_CHANGED;

	pa_xtables_read_names(names);
	pa_xtables_make_plan(ruleset, names, &plan);
	if (recording)
		pa_recording_take_names(recording, names);
	if (!reader) {
		pa_xtables_add_gaps(ruleset, &plan);
		return PA_XTABLES_DONE;
	}
	pa_xtables_add_other_gaps(ruleset);
	if (!plan.any)
		return PA_XTABLES_DONE;
	if (generation == 0) {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the generation of the ruleset could not be read");
		return PA_XTABLES_FAILED;
	}
	plan.request.deadline = job->deadline;
	texts = pa_xtables_read_live(&plan.request);
	if (read_generation() == generation)
		result = pa_xtables_apply(ruleset, &plan, texts, reader, diags);
	if (recording && result != PA_XTABLES_CHANGED)
		pa_recording_take_texts(recording, texts);
	pa_xtables_free(texts);
	return result;
}

/*
 * A listing and texts of one generation are taken. Where they disagree all the same, another reading may do better; a difference that
 * stays is a gap.
 */
struct pa_ruleset *pa_nft_load_live(const struct pa_load_options *options, const struct pa_xtables_reader *reader,
				    struct pa_diags *diags)
{
	struct pa_child_job job = { .work = list_live, .deadline = pa_load_deadline(options), .options = options };
	unsigned pause = 1, disagreements = 0;

	for (;;) {
		uint32_t generation = read_generation();
		struct pa_ruleset *ruleset = read_listing(&job, diags);
		enum pa_xtables_result result = PA_XTABLES_FAILED;

		if (ruleset)
			result = read_xtables(ruleset, reader, generation, &job, diags);
		disagreements += result == PA_XTABLES_DISAGREE;
		if (result == PA_XTABLES_DISAGREE && disagreements == DISAGREEMENTS_MAX)
			result = PA_XTABLES_DONE;
		if (result == PA_XTABLES_DONE && pa_ruleset_check(ruleset, diags))
			return ruleset;
		pa_ruleset_free(ruleset);
		if (result == PA_XTABLES_DONE || result == PA_XTABLES_FAILED)
			return NULL;
		if (pa_clock_now() >= job.deadline) {
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE,
				     "the live ruleset and what iptables-save prints were never of one moment")
				->help = "it is being changed all the time: stop what changes it, or audit a saved ruleset";
			return NULL;
		}
		usleep(pause * 1000);
		pause = pause < TORN_PAUSE_MAX ? pause * 2 : pause;
	}
}
