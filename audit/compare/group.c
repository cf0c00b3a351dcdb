/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows grouped by the rules that let them in, and their boxes merged: one mistake becomes one finding. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* Boxes of one exposure that are told apart by their rules; what is left of it is one more group. */
#define ROW_LIMIT 4096
/* Boxes of one group that are merged and described. */
#define PIECE_LIMIT 64

/* --- pieces ----------------------------------------------------------------------------------------------------- */

static struct pa_ranges copy_ranges(struct comparison *c, struct pa_ranges from)
{
	struct pa_interval *items = pa_arena_dup(c->scratch, from.items, from.count, sizeof(*items));

	return (struct pa_ranges){ items, compare_merge_intervals(items, from.count) };
}

/*
 * What can arrive at all. NAT takes only what its rules name from one path to the other, and what these name is worth
 * telling: translated packets are held against the packets of both paths.
 */
static pa_set arriving(struct comparison *c, const struct pa_exposure *exposure)
{
	pa_set in = pa_set_project(c->space, c->scope[PA_PATH_IN], PA_FIELD_OIFNAME);

	if (!exposure->has_target || exposure->path == PA_PATH_OUT)
		return c->scope[exposure->path];
	in = pa_set_minus(c->space, in, compare_single(c, PA_FIELD_OIFNAME, 0, 0));
	if (exposure->path == PA_PATH_IN)
		return pa_set_union(c->space, in, pa_set_project(c->space, c->scope[PA_PATH_FORWARD], PA_FIELD_OIFNAME));
	return pa_set_union(c->space, in, c->scope[PA_PATH_FORWARD]);
}

/* Does the box hold every packet of the path, when the field is forgotten? Then the field does not matter. */
static bool field_matters(struct comparison *c, const struct pa_exposure *exposure, int family, const struct pa_box *box,
			  enum pa_field field)
{
	struct pa_box wider = *box;
	struct box_builder builder = { 0 };
	pa_set rest;

	wider.field[field].count = 0;
	rest = pa_set_intersect(c->space, pa_set_box(c->space, &wider), arriving(c, exposure));
	if (family != 0) {
		box_family(&builder, family);
		rest = pa_set_intersect(c->space, rest, compare_box(c, &builder));
	}
	return !pa_set_is_empty(c->space, pa_set_minus(c->space, rest, pa_set_box(c->space, box)));
}

static struct piece make_piece(struct comparison *c, const struct pa_exposure *exposure, int family, const struct pa_box *box)
{
	struct piece piece = { .family = family };
	struct pa_box rest = *box;

	rest.field[PA_FIELD_NFPROTO].count = 0;
	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		/* A port or an ICMP type is nothing without its protocol. */
		bool needed = i == PA_FIELD_L4PROTO &&
			      (box->field[PA_FIELD_DPORT].count > 0 || box->field[PA_FIELD_SPORT].count > 0 ||
			       box->field[PA_FIELD_ICMP_TYPE].count > 0);

		if (!needed && rest.field[i].count > 0 && !field_matters(c, exposure, family, &rest, (enum pa_field)i))
			rest.field[i].count = 0;
		if (rest.field[i].count > 0)
			piece.field[i] = copy_ranges(c, rest.field[i]);
	}
	return piece;
}

static bool same_ranges(struct pa_ranges a, struct pa_ranges b)
{
	return a.count == b.count && (a.count == 0 || memcmp(a.items, b.items, a.count * sizeof(*a.items)) == 0);
}

static struct pa_ranges union_ranges(struct comparison *c, struct pa_ranges a, struct pa_ranges b)
{
	struct pa_interval *items;

	if (a.count == 0 || b.count == 0)
		return (struct pa_ranges){ NULL, 0 };
	items = pa_arena_alloc(c->scratch, a.count + b.count, sizeof(*items));
	memcpy(items, a.items, a.count * sizeof(*items));
	memcpy(items + a.count, b.items, b.count * sizeof(*items));
	return (struct pa_ranges){ items, compare_merge_intervals(items, a.count + b.count) };
}

/* Two boxes that differ in one field (or in the family alone) are one box. */
static bool merge_pieces(struct comparison *c, struct piece *a, const struct piece *b)
{
	int different = -1;

	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		if (same_ranges(a->field[i], b->field[i]))
			continue;
		if (different >= 0 || a->family != b->family)
			return false;
		different = i;
	}
	if (different >= 0)
		a->field[different] = union_ranges(c, a->field[different], b->field[different]);
	else if (a->family != b->family)
		a->family = 0;
	return true;
}

static void merge_all(struct comparison *c, struct group *group)
{
	bool merged = true;

	while (merged) {
		merged = false;
		for (size_t i = 0; i < group->piece_count; i++) {
			for (size_t j = i + 1; j < group->piece_count; j++) {
				if (!merge_pieces(c, &group->pieces[i], &group->pieces[j]))
					continue;
				memmove(&group->pieces[j], &group->pieces[j + 1],
					(group->piece_count - j - 1) * sizeof(*group->pieces));
				group->piece_count--;
				merged = true;
				j--;
			}
		}
	}
}

/* --- hulls ------------------------------------------------------------------------------------------------------ */

static bool has_family(const struct piece *piece, int family)
{
	return piece->family == 0 || piece->family == family;
}

/* The smallest box around the pieces of one family. */
static struct pa_box hull_box(struct comparison *c, const struct group *group, int family)
{
	struct pa_box box = { 0 };
	bool first = true;

	for (size_t i = 0; i < group->piece_count; i++) {
		const struct piece *piece = &group->pieces[i];

		if (!has_family(piece, family))
			continue;
		for (int f = 0; f < PA_FIELD_COUNT; f++)
			box.field[f] = first ? piece->field[f] : union_ranges(c, box.field[f], piece->field[f]);
		first = false;
	}
	return box;
}

/* Does everything in the box get in, if not by this group then by others? */
static bool is_let_in(struct comparison *c, const struct group *group, int family, const struct pa_box *box)
{
	enum pa_path path = group->exposure->path;
	struct box_builder builder = { 0 };
	pa_set rest = pa_set_intersect(c->space, pa_set_box(c->space, box), arriving(c, group->exposure));

	box_family(&builder, family);
	rest = pa_set_intersect(c->space, rest, compare_box(c, &builder));
	rest = pa_set_minus(c->space, rest, group->set);
	return pa_set_is_empty(c->space, pa_set_minus(c->space, rest,
						      pa_evaluation_reachable(c->evaluation, path, group->row.certainty)));
}

/* Forget what only keeps other rules' packets out. */
static void widen_hull(struct comparison *c, const struct group *group, int family, struct pa_box *box)
{
	static const enum pa_field fields[] = { PA_FIELD_ICMP_CODE, PA_FIELD_ICMP_TYPE, PA_FIELD_DPORT, PA_FIELD_L4PROTO };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct pa_box wider = *box;

		wider.field[fields[i]].count = 0;
		if (box->field[fields[i]].count > 0 && is_let_in(c, group, family, &wider))
			*box = wider;
	}
}

/*
 * "Everything but 22/tcp, which another rule lets in" is many boxes; "everything, apart from what other rules let in" is
 * one. Taken where it is true.
 */
static void take_hull(struct comparison *c, struct group *group)
{
	struct piece hulls[2];
	size_t count = 0;

	for (int family = 4; family <= 6; family += 2) {
		struct pa_box box = hull_box(c, group, family);
		bool any = false;

		for (size_t i = 0; i < group->piece_count; i++)
			any = any || has_family(&group->pieces[i], family);
		if (!any)
			continue;
		if (!is_let_in(c, group, family, &box))
			return;
		widen_hull(c, group, family, &box);
		hulls[count++] = make_piece(c, group->exposure, family, &box);
	}
	memcpy(group->pieces, hulls, count * sizeof(*hulls));
	group->piece_count = count;
	group->apart = true;
	merge_all(c, group);
}

/* Too many boxes, or boxes with too many holes, for a sentence. */
static bool is_ragged(const struct group *group)
{
	if (group->piece_count > 2 || group->cut)
		return true;
	for (size_t i = 0; i < group->piece_count; i++) {
		struct pa_ranges protocols = group->pieces[i].field[PA_FIELD_L4PROTO];

		for (size_t j = 0; j < protocols.count; j++)
			if (protocols.items[j].last - protocols.items[j].first > 8)
				return true;
	}
	return false;
}

/* --- groups ----------------------------------------------------------------------------------------------------- */

static bool same_target(const struct pa_exposure *a, const struct pa_exposure *b)
{
	const struct pa_target *s = &a->target, *t = &b->target;

	if (a->has_target != b->has_target)
		return false;
	if (!a->has_target)
		return true;
	return s->has_address == t->has_address && s->has_port == t->has_port && s->to_self == t->to_self &&
	       (!s->has_address || memcmp(&s->address, &t->address, sizeof(s->address)) == 0) &&
	       (!s->has_port || memcmp(&s->port, &t->port, sizeof(s->port)) == 0);
}

static bool same_group(const struct group *group, const struct pa_exposure *exposure, const struct pa_row *row,
		       const struct pa_statement *waiver)
{
	return group->waiver == waiver && group->row.certainty == row->certainty &&
	       pa_text_equal(group->row.condition, row->condition) && group->exposure->path == exposure->path &&
	       same_target(group->exposure, exposure) && group->row.rule_count == row->rule_count &&
	       (row->rule_count == 0 || memcmp(group->row.rules, row->rules, row->rule_count * sizeof(*row->rules)) == 0);
}

static struct group *group_for(struct comparison *c, struct groups *groups, const struct pa_exposure *exposure,
			       const struct pa_row *row, const struct pa_statement *waiver)
{
	struct group *group;

	for (size_t i = groups->count; i > 0; i--)
		if (same_group(&groups->items[i - 1], exposure, row, waiver))
			return &groups->items[i - 1];
	pa_grow(&groups->items, &groups->capacity, groups->count + 1, sizeof(*groups->items));
	group = &groups->items[groups->count++];
	*group = (struct group){ .exposure = exposure, .row = *row, .waiver = waiver, .set = pa_set_empty(c->space) };
	return group;
}

static void add_row(struct comparison *c, struct groups *groups, const struct pa_exposure *exposure, const struct pa_row *row,
		    const struct pa_statement *waiver, pa_set set)
{
	struct group *group = group_for(c, groups, exposure, row, waiver);

	group->set = pa_set_union(c->space, group->set, set);
	group->cut = group->cut || group->piece_count == PIECE_LIMIT;
	if (group->piece_count == PIECE_LIMIT)
		return;
	pa_grow(&group->pieces, &group->piece_capacity, group->piece_count + 1, sizeof(*group->pieces));
	group->pieces[group->piece_count++] = make_piece(c, exposure, row->family, &row->box);
}

/* More boxes than are told apart: the others become one group, with the rules of the first of them. */
static void add_rest(struct comparison *c, struct groups *groups, const struct pa_exposure *exposure,
		     const struct pa_statement *waiver, pa_set rest)
{
	const struct pa_row *rows;
	struct pa_row row;

	if (pa_set_is_empty(c->space, rest) || pa_evaluation_rows(c->evaluation, exposure, rest, true, 1, &rows) == 0)
		return;
	row = rows[0];
	row.rules_complete = false;
	add_row(c, groups, exposure, &row, waiver, rest);
	group_for(c, groups, exposure, &row, waiver)->cut = true;
}

static void add_part(struct comparison *c, struct groups *groups, const struct pa_exposure *exposure,
		     const struct pa_statement *waiver, pa_set set)
{
	const struct pa_row *rows;
	pa_set rest = set;
	size_t count;

	if (pa_set_is_empty(c->space, set) || pa_space_failed(c->space))
		return;
	count = pa_evaluation_rows(c->evaluation, exposure, set, true, ROW_LIMIT, &rows);
	for (size_t i = 0; i < count; i++) {
		pa_set part = pa_set_intersect(c->space, set, pa_set_box(c->space, &rows[i].box));

		add_row(c, groups, exposure, &rows[i], waiver, part);
		if (count == ROW_LIMIT)
			rest = pa_set_minus(c->space, rest, part);
	}
	if (count == ROW_LIMIT)
		add_rest(c, groups, exposure, waiver, rest);
}

void groups_add(struct comparison *c, struct groups *groups, const struct pa_exposure *exposure, pa_set set)
{
	for (size_t i = 0; groups->divides && i < c->waiver_count; i++) {
		const struct waiver *waiver = &c->waivers[i];
		pa_set waived;

		if (waiver->check != groups->check)
			continue;
		waived = pa_set_intersect(c->space, set, compare_waived(c, waiver, exposure->path));
		add_part(c, groups, exposure, waiver->statement, waived);
		set = pa_set_minus(c->space, set, waived);
	}
	add_part(c, groups, exposure, NULL, set);
}

/* A group beside waived ones is not described by a box around it: that would hold what is waived. */
static bool has_waived(const struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->items[i].waiver)
			return true;
	return false;
}

void groups_merge(struct comparison *c, struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		merge_all(c, &groups->items[i]);
		if (is_ragged(&groups->items[i]) && !has_waived(groups))
			take_hull(c, &groups->items[i]);
	}
}

void groups_done(struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		free(groups->items[i].pieces);
	free(groups->items);
	*groups = (struct groups){ 0 };
}
