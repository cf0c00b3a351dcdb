/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `waive`: findings that the policy hides until a day, and the findings on the waivers themselves.
 *
 * A waiver without `for` hides every finding of its check. One with `for` hides the findings whose packets all lie in what it
 * speaks of; several waivers of one check may cover a finding together. What gets in undeclared, denied or through a source-port
 * hole is divided at the borders of waivers before it becomes findings (group.c), so that the rest stays a finding; any other
 * finding that only overlaps stays whole. What a waiver hides was reported by its check all the same: no other check reports it.
 *
 * A waiver holds through the end of its last day, UTC.
 *   WVR-001  it has expired: what it hid is a finding again
 *   WVR-002  it hides something, and ends within 30 days
 *   WVR-003  it hides nothing, although its check was assessed
 *   WVR-004  it lasts more than `set waiver-max` from today on
 */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

enum { SOON_DAYS = 30 };

static bool is_about_waivers(enum pa_check_id check)
{
	static const char family[] = "PA-WVR-";

	return strncmp(pa_check_info(check)->code, family, strlen(family)) == 0;
}

static struct region waived_region(struct comparison *c, const struct pa_statement *statement, enum pa_path path)
{
	struct pa_statement on_path = *statement;

	if (!statement->has_what)
		return (struct region){ .known = true, .set = pa_set_full(c->space) };
	on_path.path = path;
	return compare_region(c, &on_path, RELAX_NOTHING);
}

static void set_up(struct comparison *c, struct waiver *waiver, const struct pa_statement *statement)
{
	*waiver = (struct waiver){ .statement = statement, .expired = c->today > statement->until };
	if (!pa_check_find(statement->check, &waiver->check))
		waiver->check = PA_CHECK_COUNT; /* a policy that was parsed without a catalogue */
	for (int path = 0; path < PATH_COUNT; path++)
		waiver->regions[path] = waived_region(c, statement, (enum pa_path)path);
}

void compare_set_up_waivers(struct comparison *c)
{
	for (size_t i = 0; c->policy && i < c->policy->statement_count; i++)
		c->waiver_count += c->policy->statements[i]->kind == PA_STATEMENT_WAIVE;
	if (c->waiver_count == 0)
		return;
	c->waivers = pa_arena_alloc(c->scratch, c->waiver_count, sizeof(*c->waivers));
	for (size_t i = 0, at = 0; i < c->policy->statement_count; i++)
		if (c->policy->statements[i]->kind == PA_STATEMENT_WAIVE)
			set_up(c, &c->waivers[at++], c->policy->statements[i]);
}

const struct waiver *compare_waiver_of(const struct comparison *c, const struct pa_statement *statement)
{
	for (size_t i = 0; i < c->waiver_count; i++)
		if (c->waivers[i].statement == statement)
			return &c->waivers[i];
	return NULL;
}

pa_set compare_waived(const struct comparison *c, const struct waiver *waiver, enum pa_path path)
{
	bool in_force = !waiver->expired && waiver->regions[path].known && !is_about_waivers(waiver->check);

	return in_force ? waiver->regions[path].set : pa_set_empty(c->space);
}

/* --- applying ------------------------------------------------------------------------------------------------------ */

/* What all waivers in force say of the finding's packets: the first of them that speaks of it, when nothing is left. */
static const struct pa_statement *covering(struct comparison *c, size_t index)
{
	const struct finding_region *region = &c->finding_regions[index];
	const struct pa_statement *first = NULL;
	pa_set rest = region->set;

	for (size_t i = 0; i < c->waiver_count; i++) {
		const struct waiver *waiver = &c->waivers[i];
		pa_set left;

		if (waiver->check != c->result->findings[index].check || waiver->expired || is_about_waivers(waiver->check))
			continue;
		if (!waiver->statement->has_what)
			return waiver->statement;
		if (!region->known)
			continue;
		left = pa_set_minus(c->space, rest, compare_waived(c, waiver, region->path));
		if (!first && !pa_set_equal(c->space, left, rest))
			first = waiver->statement;
		rest = left;
	}
	return first && pa_set_is_empty(c->space, rest) ? first : NULL;
}

/* Does the finding, or a part of it, lie in what the waiver speaks of? */
static bool touches(struct comparison *c, const struct waiver *waiver, size_t index)
{
	const struct finding_region *region = &c->finding_regions[index];

	if (!waiver->statement->has_what)
		return true;
	if (!region->known || !waiver->regions[region->path].known)
		return false;
	return !pa_set_is_empty(c->space, pa_set_intersect(c->space, region->set, waiver->regions[region->path].set));
}

static void count_matches(struct comparison *c, struct waiver *waiver)
{
	for (size_t i = 0; i < c->result->finding_count; i++) {
		const struct pa_finding *finding = &c->result->findings[i];

		if (finding->check == waiver->check && (finding->waiver || waiver->expired) && touches(c, waiver, i))
			waiver->matches++;
	}
}

void compare_apply_waivers(struct comparison *c)
{
	for (size_t i = 0; c->waiver_count > 0 && i < c->result->finding_count; i++)
		if (!c->result->findings[i].waiver)
			c->result->findings[i].waiver = covering(c, i);
	for (size_t i = 0; i < c->waiver_count; i++)
		count_matches(c, &c->waivers[i]);
}

/* --- findings on waivers ---------------------------------------------------------------------------------------------- */

static struct pa_finding *report(struct comparison *c, enum pa_check_id check, const struct waiver *waiver,
				 struct pa_buffer *text)
{
	struct pa_finding *finding;

	if (!compare_enabled(c, check))
		return NULL;
	finding = compare_add(c, check, waiver->statement->text);
	compare_statement_severity(c, finding, waiver->statement);
	describe_place(&waiver->statement->where, text);
	pa_buffer_printf(text, ": `%s`", waiver->statement->text);
	return finding;
}

static void report_expired(struct comparison *c, const struct waiver *waiver, struct pa_buffer *text)
{
	struct pa_finding *finding = report(c, PA_CHECK_WVR_001, waiver, text);
	int days = c->today - waiver->statement->until;
	bool alone = c->options && c->options->policy_alone;

	if (!finding)
		return;
	pa_buffer_printf(text, " has expired, %d day%s ago", days, days == 1 ? "" : "s");
	if (!alone && waiver->matches == 0)
		pa_buffer_puts(text, "; it would hide nothing now");
	else if (!alone)
		pa_buffer_printf(text, "; what it hid is reported again (%zu finding%s)", waiver->matches,
				 waiver->matches == 1 ? "" : "s");
	finding->message = compare_text(c, text);
	finding->fix = waiver->matches == 0 && !alone
			       ? "remove the waiver"
			       : "close what it covers and remove the waiver, or have a new day approved";
}

static void report_ending(struct comparison *c, const struct waiver *waiver, struct pa_buffer *text)
{
	int days = waiver->statement->until - c->today;
	struct pa_finding *finding;

	if (days > SOON_DAYS || !(finding = report(c, PA_CHECK_WVR_002, waiver, text)))
		return;
	if (days == 0)
		pa_buffer_puts(text, " ends today");
	else
		pa_buffer_printf(text, " ends in %d day%s", days, days == 1 ? "" : "s");
	pa_buffer_printf(text, "; what it hides (%zu finding%s) is reported then", waiver->matches,
			 waiver->matches == 1 ? "" : "s");
	finding->message = compare_text(c, text);
	finding->fix = "close what it covers until then";
}

/* A finding of another check that lies in what the waiver speaks of. */
static const char *reported_as(struct comparison *c, const struct waiver *waiver)
{
	for (size_t i = 0; waiver->statement->has_what && i < c->result->finding_count; i++)
		if (c->result->findings[i].check != waiver->check && touches(c, waiver, i))
			return pa_check_info(c->result->findings[i].check)->code;
	return NULL;
}

static bool has_finding_of(const struct comparison *c, enum pa_check_id check)
{
	for (size_t i = 0; i < c->result->finding_count; i++)
		if (c->result->findings[i].check == check)
			return true;
	return false;
}

static bool touches_any(struct comparison *c, const struct waiver *waiver)
{
	for (size_t i = 0; i < c->result->finding_count; i++)
		if (c->result->findings[i].check == waiver->check && touches(c, waiver, i))
			return true;
	return false;
}

static void report_useless(struct comparison *c, const struct waiver *waiver, struct pa_buffer *text)
{
	struct pa_finding *finding = report(c, PA_CHECK_WVR_003, waiver, text);
	const char *other = reported_as(c, waiver);

	if (!finding)
		return;
	if (is_about_waivers(waiver->check)) {
		pa_buffer_puts(text, " hides nothing: findings about waivers cannot be waived");
		finding->fix = "remove it; `check ... off` switches a check off";
	} else if (touches_any(c, waiver)) {
		pa_buffer_puts(text, " hides nothing: the findings there are about more than it speaks of");
		finding->fix = "widen what it is `for`, or remove it";
	} else if (waiver->statement->has_what && has_finding_of(c, waiver->check)) {
		pa_buffer_puts(text, " hides nothing: no finding of that check lies in what it speaks of");
		finding->fix =
			"correct what it is `for` (findings that are not about certain packets are waived without `for`), or remove it";
	} else {
		pa_buffer_puts(text, " hides nothing: there is no such finding");
		finding->fix = "remove it: it would hide a finding of the future";
	}
	if (other)
		pa_buffer_printf(text, "; what is found there is reported as %s", other);
	finding->message = compare_text(c, text);
}

static void report_long(struct comparison *c, const struct waiver *waiver, struct pa_buffer *text)
{
	struct pa_finding *finding = report(c, PA_CHECK_WVR_004, waiver, text);

	if (!finding)
		return;
	pa_buffer_printf(text, " holds for %d more days; `set waiver-max` permits %d", waiver->statement->until - c->today,
			 c->policy->waiver_max_days);
	finding->message = compare_text(c, text);
	finding->fix = "choose an earlier day";
}

void check_waivers(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	for (size_t i = 0; i < c->waiver_count; i++) {
		const struct waiver *waiver = &c->waivers[i];
		enum pa_check_status status = waiver->check == PA_CHECK_COUNT ? PA_STATUS_NOT_ASSESSED
									      : compare_check_result(c, waiver->check).status;

		if (waiver->expired) {
			report_expired(c, waiver, &text);
			continue;
		}
		if (waiver->matches > 0)
			report_ending(c, waiver, &text);
		else if (status != PA_STATUS_NOT_ASSESSED && status != PA_STATUS_OFF && waiver->regions[PA_PATH_IN].known)
			report_useless(c, waiver, &text);
		if (c->policy->waiver_max_days >= 0 && waiver->statement->until - c->today > c->policy->waiver_max_days)
			report_long(c, waiver, &text);
	}
	pa_buffer_done(&text);
}
