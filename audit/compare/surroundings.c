/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UNK-002, UNK-003, UNK-004: what the audit of this ruleset does not cover. Only the live host tells; each is one finding that names what
 * there is, since a host of containers has many namespaces for one reason.
 */
#include "compare.h"

#define NAMED_MAX 5

static void put_list(const char *const *items, size_t count, struct pa_buffer *out)
{
	for (size_t i = 0; i < count && i < NAMED_MAX; i++)
		pa_buffer_printf(out, "%s%s", i ? ", " : "", items[i]);
	if (count > NAMED_MAX)
		pa_buffer_printf(out, " and %zu more", count - NAMED_MAX);
}

static void report(struct comparison *c, enum pa_check_id check, struct pa_buffer *message, const char *fix)
{
	/* One for each host, whatever is in the list today: a process number would make it a new one every day. */
	struct pa_finding *finding = compare_add(c, check, "host");

	if (c->options && c->options->allow_unknown)
		finding->severity = PA_SEVERITY_INFO;
	finding->message = compare_text(c, message);
	finding->fix = fix;
}

static void report_namespaces(struct comparison *c)
{
	const struct pa_host *host = c->host;
	struct pa_buffer text = { 0 };

	pa_buffer_printf(&text,
			 "%zu other network namespace%s of this host %s connected and not covered: ", host->namespace_count,
			 host->namespace_count == 1 ? "" : "s", host->namespace_count == 1 ? "is" : "are");
	put_list(host->namespaces, host->namespace_count, &text);
	report(c, PA_CHECK_UNK_002, &text,
	       "audit them as well: `nsenter -t PROCESS -n portaudit`, `ip netns exec NAME portaudit`; where that is done or not "
	       "wanted, say so: `check PA-UNK-002 off` in the policy, or --allow-unknown");
	pa_buffer_done(&text);
}

static void report_beside(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	pa_buffer_puts(&text, "packets are handled beside the rules: ");
	put_list(c->host->beside, c->host->beside_count, &text);
	report(c, PA_CHECK_UNK_003, &text,
	       "look at what they do (`bpftool net`, `tc filter show`, `ipvsadm -L`, `ip xfrm policy`); when it changes nothing that this "
	       "audit says, `check PA-UNK-003 off` in the policy, or --allow-unknown");
	pa_buffer_done(&text);
}

static void report_unseen(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	pa_buffer_puts(&text, "some things could not be looked at: ");
	put_list(c->host->unseen, c->host->unseen_count, &text);
	report(c, PA_CHECK_UNK_004, &text,
	       "run as root in the host's own namespaces, or with CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_NET_ADMIN; else --allow-unknown");
	pa_buffer_done(&text);
}

void check_surroundings(struct comparison *c)
{
	static const enum pa_check_id checks[] = { PA_CHECK_UNK_002, PA_CHECK_UNK_003, PA_CHECK_UNK_004 };

	for (size_t i = 0; i < 3; i++)
		if (!c->host->surroundings_known)
			compare_not_assessed(c, checks[i], "only the live host tells");
	if (!c->host->surroundings_known)
		return;
	if (c->host->namespace_count > 0 && compare_enabled(c, PA_CHECK_UNK_002))
		report_namespaces(c);
	if (c->host->beside_count > 0 && compare_enabled(c, PA_CHECK_UNK_003))
		report_beside(c);
	if (c->host->unseen_count > 0 && compare_enabled(c, PA_CHECK_UNK_004))
		report_unseen(c);
}
