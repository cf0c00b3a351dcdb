/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"
#include "document.h"
#include "listing.h"
#include "reading.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LIVE_NAME "live kernel"
#define TORN_PAUSE_MAX 64 /* milliseconds between tries */

static void list_live(const struct pa_child *child, void *unused)
{
	(void)unused;
	pa_listing_run(child, PA_LISTING_PROVE);
}

/*
 * Tries until a ruleset is whole or the time is up. A ruleset that is replaced all the time can be read between two
 * replacements; the pauses grow so that a long commit is not disturbed.
 */
static bool read_whole(const struct pa_load_options *options, struct pa_child_result *result, struct pa_diags *diags)
{
	struct pa_child_job job = { .work = list_live, .deadline = pa_load_deadline(options), .options = options };
	char torn[sizeof(result->report.message)] = "";
	unsigned tries = 0, pause = 1;

	for (pa_child_run(&job, result); result->report.outcome == PA_CHILD_TORN; pa_child_run(&job, result)) {
		tries++;
		memcpy(torn, result->report.message, sizeof(torn));
		pa_child_result_done(result);
		usleep(pause * 1000);
		pause = pause < TORN_PAUSE_MAX ? pause * 2 : pause;
	}
	if (result->report.outcome == PA_CHILD_DONE)
		return true;
	if (tries > 0 && pa_child_now() >= job.deadline) {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the live ruleset was never whole in %u readings: %s",
			     tries, torn)
			->help = "it is being changed all the time: stop what changes it, or audit a saved ruleset";
		return false;
	}
	pa_load_add_failure(diags, result, "the live ruleset could not be read");
	return false;
}

/* --- iptables-legacy, which nft does not show -------------------------------------------------------------- */

/* Reads a list of names, one a line. Returns its length, 0 when there is no such list, or -1 with errno. */
static ssize_t read_names(const char *path, char *names, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	length = read(fd, names, size - 1);
	close(fd);
	if (length >= 0)
		names[length] = '\0';
	for (char *c = names; length > 0 && *c; c++)
		*c = *c == '\n' && c[1] ? ' ' : *c == '\n' ? '\0' : *c;
	return length;
}

/* The lists are only read: asking the kernel about a legacy table creates it. */
static void find_legacy_tables(struct pa_ruleset *ruleset)
{
	static const struct {
		const char *path, *program;
	} lists[] = {
		{ "/proc/self/net/ip_tables_names", "iptables-legacy" },
		{ "/proc/self/net/ip6_tables_names", "ip6tables-legacy" },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		char names[1024] = "";
		ssize_t length = read_names(lists[i].path, names, sizeof(names));

		if (length < 0)
			pa_ruleset_add_gap(ruleset,
					   pa_arena_printf(ruleset->arena,
							   "whether there are %s tables could not be read (%s: %s)",
							   lists[i].program, lists[i].path, strerror(errno)),
					   "run as root");
		else if (names[0])
			pa_ruleset_add_gap(
				ruleset,
				pa_arena_printf(ruleset->arena,
						"%s tables exist (%s), and nft does not show them: what they let in or "
						"refuse is not in this audit",
						lists[i].program, names),
				pa_arena_printf(ruleset->arena, "look at them with %s-save, and move them to nft",
						lists[i].program));
	}
}

struct pa_ruleset *pa_ruleset_load_live(const struct pa_load_options *options, struct pa_diags *diags)
{
	struct pa_child_result result;
	struct pa_ruleset *ruleset = NULL;

	if (read_whole(options, &result, diags)) {
		ruleset = pa_ruleset_new();
		pa_ruleset_add_source(ruleset, LIVE_NAME);
		if (!pa_load_lower(ruleset, &result, LIVE_NAME, NULL, diags) || !pa_ruleset_check(ruleset, diags))
			ruleset = pa_ruleset_free(ruleset);
		else
			find_legacy_tables(ruleset);
	}
	pa_child_result_done(&result);
	return ruleset;
}
