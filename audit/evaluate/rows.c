/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows: the boxes of a set, with the rules that let them in. A box that several rules share is walked, and its parts are put
 * together again by the rules they went through.
 */
#include "evaluation.h"
#include "walker.h"

#include <stdlib.h>
#include <string.h>

#define LO pa_ifname_value("lo")
#define WAYS_MAX 64
#define LEAVES_MAX 400
/* Beyond this many rows one row names all the rules that let parts of it in; until then each way in has a row of its own. */
#define SPLIT_ROWS_MAX 1000
/* Beyond this many rows the rules are looked up by one example packet each. */
#define WALKED_ROWS_MAX 20000

struct rows {
	struct pa_evaluation *e;
	const struct pa_exposure *exposure;
	struct pa_walker walker;
	struct pa_arena *arena; /* of one walk at a time */
	struct pa_row *items;
	size_t count, capacity, limit;
	bool cut;
	struct pa_ranges *wholes_of_scenario[2];
	struct pa_ranges *wholes_with_lo[2]; /* what fields can be at all, lo included, by family */
};

/* --- what a field can be at all on this path: a row that holds all of it says nothing about the field --- */

struct projection {
	struct pa_arena *arena;
	struct pa_ranges *ranges;
	enum pa_field field;
};

static bool take_projection(void *context, const struct pa_box *box)
{
	struct projection *p = context;
	struct pa_ranges ranges = box->field[p->field];
	struct pa_interval *items = pa_arena_dup(p->arena, ranges.items, ranges.count, sizeof(*items));
	*p->ranges = (struct pa_ranges){ items, ranges.count };
	return false;
}

static struct pa_ranges project(struct pa_evaluation *e, pa_node set, enum pa_field field)
{
	struct pa_ranges ranges = { 0 };
	struct projection projection = { e->arena, &ranges, field };
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if ((enum pa_field)f != field)
			set = pa_set_project(e->space, (pa_set){ set }, (enum pa_field)f).node;
	}
	pa_set_boxes(e->space, (pa_set){ set }, 1, take_projection, &projection);
	return ranges;
}

enum { WHOLE_IIF, WHOLE_OIF, WHOLE_SADDR, WHOLE_DADDR, WHOLE_PROTOCOL, WHOLE_ICMP, WHOLE_COUNT };
static const enum pa_field whole_fields[WHOLE_COUNT] = { PA_FIELD_IIFNAME, PA_FIELD_OIFNAME, PA_FIELD_SADDR,
							 PA_FIELD_DADDR,   PA_FIELD_L4PROTO, PA_FIELD_ICMP_TYPE };

/* A translated row may be of packets for this host and for others alike, whatever its path is in the end. */
static pa_node whole_universe(struct pa_evaluation *e, enum pa_path path, bool translated)
{
	pa_node universe = pa_universe_path(e, path);
	if (translated && path != PA_PATH_OUT) {
		bool fields[PA_FIELD_COUNT] = { [PA_FIELD_OIFNAME] = true };
		pa_node in = pa_universe_path(e, PA_PATH_IN),
			forward = pa_node_forget(e->space, pa_universe_path(e, PA_PATH_FORWARD), fields);
		universe = pa_node_or(e->space, in, forward);
	}
	return universe;
}

/* A row without interfaces speaks of all but lo; one that names lo holds it all only when it holds what comes over lo as well. */
static struct pa_ranges *measure_whole(struct pa_evaluation *e, const struct pa_exposure *exposure, int family, bool translated,
				       bool with_lo)
{
	enum pa_path path = exposure->path;
	struct pa_ranges *whole = pa_arena_alloc(e->arena, WHOLE_COUNT, sizeof(*whole));
	/* without what NAT brings from the other path, or plain forwarded rows would not hold it all */
	pa_node universe = pa_node_and(e->space, whole_universe(e, path, translated), e->family[family == 6]);
	if (exposure->scenario == PA_SCENARIO_NEW)
		universe = pa_node_and(e->space, universe, pa_node_or(e->space, pa_universe_new(e), pa_universe_untracked(e)));
	universe = pa_visible(e, universe);
	pa_node icmp = pa_field_in(e, PA_FIELD_L4PROTO, family == 6 ? 58 : 1, family == 6 ? 58 : 1);
	if (!with_lo && path != PA_PATH_OUT)
		universe = pa_node_minus(e->space, universe, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO));
	for (unsigned i = 0; i < WHOLE_COUNT; i++) {
		bool of_icmp = whole_fields[i] == PA_FIELD_ICMP_TYPE;
		whole[i] = project(e, of_icmp ? pa_node_and(e->space, universe, icmp) : universe, whole_fields[i]);
	}
	return whole;
}

static struct pa_ranges *whole_ranges(struct rows *rows, const struct pa_row *row, bool with_lo)
{
	bool ipv6 = row->family == 6;
	struct pa_ranges **known = with_lo ? &rows->wholes_with_lo[ipv6]
				   : rows->exposure->scenario != PA_SCENARIO_NEW
					   ? &rows->wholes_of_scenario[ipv6]
					   : &rows->e->wholes[row->path][ipv6][row->has_target];
	if (!*known)
		*known = measure_whole(rows->e, rows->exposure, row->family, row->has_target, with_lo);
	return *known;
}

/* Does a hold all of b? Sorted disjoint intervals; a without intervals is everything. */
static bool covers(struct pa_ranges a, struct pa_ranges b)
{
	size_t i = 0;
	if (a.count == 0)
		return true;
	if (b.count == 0)
		return false;
	for (size_t j = 0; j < b.count; j++) {
		while (i < a.count && a.items[i].last < b.items[j].first)
			i++;
		if (i == a.count || a.items[i].first > b.items[j].first || a.items[i].last < b.items[j].last)
			return false;
	}
	return true;
}

static bool has_lo(struct pa_ranges names)
{
	for (size_t i = 0; i < names.count; i++) {
		if (names.items[i].first <= LO && names.items[i].last >= LO)
			return true;
	}
	return false;
}

static void simplify(struct rows *rows, struct pa_row *row)
{
	bool with_lo = row->path != PA_PATH_OUT && has_lo(row->box.field[PA_FIELD_IIFNAME]);
	const struct pa_ranges *whole = whole_ranges(rows, row, with_lo);
	for (unsigned i = 0; i < WHOLE_COUNT; i++) {
		struct pa_ranges *mine = &row->box.field[whole_fields[i]];
		bool lo = whole_fields[i] == PA_FIELD_IIFNAME && with_lo;
		if (mine->count && !lo && covers(*mine, whole[i]))
			*mine = (struct pa_ranges){ 0 };
	}
	row->plain = true;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		switch (f) {
		case PA_FIELD_NFPROTO:
		case PA_FIELD_IIFNAME:
		case PA_FIELD_OIFNAME:
		case PA_FIELD_L4PROTO:
		case PA_FIELD_SADDR:
		case PA_FIELD_DADDR:
		case PA_FIELD_SPORT:
		case PA_FIELD_DPORT:
		case PA_FIELD_ICMP_TYPE:
		case PA_FIELD_ICMP_CODE:
			break;
		default:
			row->plain = row->plain && row->box.field[f].count == 0;
		}
	}
}

/* --- rules --- */

/* One way in: the rules that accept, and the packets that take it. */
struct way {
	const struct pa_rule *rules[8];
	unsigned count;
	pa_node set;
};
/* An end of the walk that gets in; the state lives as long as the walk's arena. */
struct leaf {
	const struct pa_wstate *state;
	size_t way;
};
struct ways {
	struct rows *rows;
	struct way items[WAYS_MAX];
	size_t count;
	struct leaf *leaves;
	size_t leaf_count, leaf_capacity;
	bool too_many;
};

/* Rows do not speak of fib types, and plain packets decide: as in pa_visible(). */
static pa_node leaf_set(struct pa_evaluation *e, const struct pa_wstate *state)
{
	struct pa_box box = { 0 };
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (state->split_mask >> f & 1 && pa_space_classes(e->space, (enum pa_field)f)->count > 1)
			box.field[f] = (struct pa_ranges){ state->packet[f].items, state->packet[f].count };
	}
	pa_node set = pa_set_box(e->space, &box).node;
	if (box.field[PA_FIELD_DADDR_TYPE].count || box.field[PA_FIELD_DADDR_IIF_TYPE].count ||
	    box.field[PA_FIELD_SADDR_TYPE].count || box.field[PA_FIELD_IP6_NEXTHDR].count)
		set = pa_visible(e, pa_node_and(e->space, set, e->base));
	return set;
}

/* The way of a leaf, or WAYS_MAX: there is no room for another. */
static size_t way_of(struct ways *ways, const struct pa_wstate *state)
{
	for (size_t i = 0; i < ways->count; i++) {
		const struct way *way = &ways->items[i];
		if (way->count == state->accepted_count &&
		    memcmp(way->rules, state->accepted, way->count * sizeof(way->rules[0])) == 0)
			return i;
	}
	if (ways->count == WAYS_MAX) {
		ways->too_many = true;
		return WAYS_MAX;
	}
	struct way *way = &ways->items[ways->count++];
	*way = (struct way){ .count = state->accepted_count, .set = PA_FALSE };
	memcpy(way->rules, state->accepted, way->count * sizeof(way->rules[0]));
	return ways->count - 1;
}

static void take_way(void *context, const struct pa_wstate *state)
{
	struct ways *ways = context;
	if (state->fate != PA_FATE_ACCEPT || state->path != ways->rows->exposure->path)
		return;
	size_t way = way_of(ways, state);
	if (way == WAYS_MAX)
		return;
	pa_grow(&ways->leaves, &ways->leaf_capacity, ways->leaf_count + 1, sizeof(*ways->leaves));
	ways->leaves[ways->leaf_count++] = (struct leaf){ state, way };
}

/* One way needs no set: the whole row is its. */
static void collect_sets(struct ways *ways)
{
	struct pa_evaluation *e = ways->rows->e;
	bool needed = ways->count > 1 && !ways->too_many && ways->rows->count < SPLIT_ROWS_MAX;
	for (size_t i = 0; needed && i < ways->leaf_count; i++) {
		struct way *way = &ways->items[ways->leaves[i].way];
		way->set = pa_node_or(e->space, way->set, leaf_set(e, ways->leaves[i].state));
	}
}

static void fill_from_box(struct pa_wrun *run, struct pa_wstate *state, const struct pa_row *row)
{
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		struct pa_ranges ranges = row->box.field[f];
		if (ranges.count == 0) {
			struct pa_interval *all = pa_arena_alloc(run->arena, 1, sizeof(*all));
			*all = (struct pa_interval){ f == PA_FIELD_IIFNAME || f == PA_FIELD_OIFNAME,
						     pa_field_max((enum pa_field)f) };
			ranges = (struct pa_ranges){ all, 1 };
		}
		state->packet[f] = (struct pa_wrange){ ranges.items, ranges.count };
	}
	static const struct pa_interval new_state = { PA_CT_NEW, PA_CT_NEW }, original = { 0, 0 };
	state->packet[PA_FIELD_CT_STATE] = (struct pa_wrange){ &new_state, 1 };
	state->packet[PA_FIELD_CT_DIRECTION] = (struct pa_wrange){ &original, 1 };
	state->state_default = true;
}

/* Fields of plain packets: what pa_visible() let decide for all values. */
static void restrict_to_plain(struct pa_wstate *state, const struct pa_row *row)
{
	static const struct {
		enum pa_field field;
		struct pa_interval plain;
	} values[] = {
		{ PA_FIELD_TCP_FLAGS, { PA_TCP_SYN, PA_TCP_SYN } },
#define PLAIN(field, value) { PA_FIELD_##field, { value, value } },
#include "portaudit/plain.def"
#undef PLAIN
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (row->box.field[values[i].field].count == 0)
			state->packet[values[i].field] = (struct pa_wrange){ &values[i].plain, 1 };
	}
}

static void find_ways(struct rows *rows, const struct pa_row *row, struct ways *ways)
{
	struct pa_wrun run = {
		.walker = &rows->walker, .arena = rows->arena, .limit = LEAVES_MAX, .leaf = take_way, .context = ways
	};
	struct pa_wstate *state = pa_arena_alloc(run.arena, 1, sizeof(*state));
	ways->rows = rows;
	fill_from_box(&run, state, row);
	restrict_to_plain(state, row);
	pa_wstate_init(&run, state, row->path, row->has_target);
	static const enum pa_field zeros[] = { PA_FIELD_MARK, PA_FIELD_CT_MARK };
	for (size_t i = 0; i < 2; i++)
		state->now[zeros[i]] = (struct pa_wvalue){ .kind = PA_W_VALUE };
	pa_wstate_enter(&run, state);
	pa_wrun_start(&run, state);
	ways->too_many = ways->too_many || run.cut;
	collect_sets(ways);
	free(ways->leaves);
	free(run.work);
	pa_arena_clear(rows->arena);
}

static void set_rules(struct rows *rows, struct pa_row *row, const struct pa_rule *const *rules, size_t count, bool complete)
{
	row->rules = pa_arena_dup(rows->e->arena, rules, count, sizeof(const struct pa_rule *));
	row->rule_count = count;
	row->rules_complete = complete;
}

/* --- boxes to rows --- */

static struct pa_box keep_box(struct pa_evaluation *e, const struct pa_box *box)
{
	struct pa_box kept = { 0 };
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		size_t count = box->field[f].count;
		if (count)
			kept.field[f] = (struct pa_ranges){
				pa_arena_dup(e->arena, box->field[f].items, count, sizeof(struct pa_interval)), count
			};
	}
	return kept;
}

static struct pa_row make_row(struct rows *rows, const struct pa_box *box)
{
	const struct pa_exposure *exposure = rows->exposure;
	struct pa_row row = { .path = exposure->path,
			      .certainty = exposure->certainty,
			      .condition = exposure->condition,
			      .has_target = exposure->has_target,
			      .target = exposure->target,
			      .box = keep_box(rows->e, box) };
	struct pa_ranges nfproto = row.box.field[PA_FIELD_NFPROTO];
	row.family = nfproto.count && nfproto.items[0].first == PA_NFPROTO_IPV4 ? 4 : 6;
	return row;
}

static bool push_row(struct rows *rows, const struct pa_row *row)
{
	if (rows->limit && rows->count == rows->limit) {
		rows->cut = true;
		return false;
	}
	pa_grow(&rows->items, &rows->capacity, rows->count + 1, sizeof(*rows->items));
	rows->items[rows->count++] = *row;
	return true;
}

struct part_context {
	struct rows *rows;
	const struct way *way;
	bool complete; /* no other rules let these packets in, whatever is not known */
};

static bool add_part(void *context, const struct pa_box *box)
{
	struct part_context *part = context;
	struct pa_row row = make_row(part->rows, box);
	set_rules(part->rows, &row, part->way->rules, part->way->count, part->complete);
	return push_row(part->rows, &row);
}

/* The rules of all ways, each once. */
static void set_all_rules(struct rows *rows, struct pa_row *row, const struct ways *ways)
{
	const struct pa_rule *rules[WAYS_MAX * 8];
	size_t count = 0;
	for (size_t i = 0; i < ways->count; i++) {
		for (unsigned k = 0; k < ways->items[i].count; k++) {
			bool seen = false;
			for (size_t j = 0; j < count && !seen; j++)
				seen = rules[j] == ways->items[i].rules[k];
			if (!seen)
				rules[count++] = ways->items[i].rules[k];
		}
	}
	set_rules(rows, row, rules, count, true);
}

/* A row for each way through a set. Packets that go several ways, by what is not known, get the rules of the first. */
static bool add_ways(struct rows *rows, const struct ways *ways, pa_node whole)
{
	struct pa_space *space = rows->e->space;
	for (size_t i = 0; i < ways->count && !rows->cut; i++) {
		pa_node others = PA_FALSE, set = pa_node_and(space, whole, ways->items[i].set);
		for (size_t k = i + 1; k < ways->count; k++)
			others = pa_node_or(space, others, ways->items[k].set);
		struct part_context part = { rows, &ways->items[i], true }, shared = { rows, &ways->items[i], false };
		pa_set_boxes(space, (pa_set){ pa_node_minus(space, set, others) }, 0, add_part, &part);
		if (!rows->cut)
			pa_set_boxes(space, (pa_set){ pa_node_and(space, set, others) }, 0, add_part, &shared);
		whole = pa_node_minus(space, whole, ways->items[i].set);
	}
	/* what no leaf covered (fields where plain packets decide) stays a row of the first way */
	struct part_context part = { rows, &ways->items[0], true };
	if (whole != PA_FALSE && !rows->cut)
		pa_set_boxes(space, (pa_set){ whole }, 0, add_part, &part);
	return !rows->cut;
}

static bool add_box(void *context, const struct pa_box *box)
{
	struct rows *rows = context;
	struct pa_row row = make_row(rows, box);
	struct ways *ways = pa_xcalloc(1, sizeof(*ways));
	bool more = true;
	if (rows->count < WALKED_ROWS_MAX && rows->exposure->scenario == PA_SCENARIO_NEW)
		find_ways(rows, &row, ways);
	if (ways->count > 1 && rows->count >= SPLIT_ROWS_MAX && !ways->too_many) {
		set_all_rules(rows, &row, ways);
		more = push_row(rows, &row);
		free(ways);
		return more;
	}
	if (ways->count == 1 || ways->too_many || ways->count == 0) {
		set_rules(rows, &row, ways->items[0].rules, ways->count ? ways->items[0].count : 0,
			  ways->count == 1 && !ways->too_many);
		more = push_row(rows, &row);
		free(ways);
		return more;
	}
	more = add_ways(rows, ways, pa_set_box(rows->e->space, box).node);
	free(ways);
	return more;
}

/* --- merging rows that differ in the protocol only --- */

static bool same_ranges(struct pa_ranges a, struct pa_ranges b)
{
	return a.count == b.count && (a.count == 0 || memcmp(a.items, b.items, a.count * sizeof(*a.items)) == 0);
}

static bool differ_in_protocol_only(const struct pa_row *a, const struct pa_row *b)
{
	if (a->family != b->family || a->rule_count != b->rule_count || a->rules_complete != b->rules_complete ||
	    memcmp(a->rules, b->rules, a->rule_count * sizeof(a->rules[0])) != 0)
		return false;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (f != PA_FIELD_L4PROTO && !same_ranges(a->box.field[f], b->box.field[f]))
			return false;
	}
	return true;
}

static int compare_intervals(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

static struct pa_ranges join_ranges(struct pa_evaluation *e, struct pa_ranges a, struct pa_ranges b, pa_u128 max)
{
	if (a.count == 0 || b.count == 0)
		return (struct pa_ranges){ 0 };
	struct pa_interval *all = pa_arena_alloc(e->arena, a.count + b.count, sizeof(*all));
	memcpy(all, a.items, a.count * sizeof(*all));
	memcpy(all + a.count, b.items, b.count * sizeof(*all));
	qsort(all, a.count + b.count, sizeof(*all), compare_intervals);
	size_t kept = 0;
	for (size_t i = 0; i < a.count + b.count; i++) {
		if (kept && all[i].first <= all[kept - 1].last + 1)
			all[kept - 1].last = all[i].last > all[kept - 1].last ? all[i].last : all[kept - 1].last;
		else
			all[kept++] = all[i];
	}
	if (kept == 1 && all[0].first == 0 && all[0].last == max)
		return (struct pa_ranges){ 0 };
	return (struct pa_ranges){ all, kept };
}

/* Rows are few where this matters; many rows hardly ever differ in the protocol only. */
#define MERGED_ROWS_MAX 3000

static void merge_protocols(struct rows *rows)
{
	if (rows->count > MERGED_ROWS_MAX)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < rows->count; i++) {
		struct pa_row *row = &rows->items[i];
		bool merged = false;
		bool portless = row->box.field[PA_FIELD_DPORT].count == 0 && row->box.field[PA_FIELD_SPORT].count == 0 &&
				row->box.field[PA_FIELD_ICMP_TYPE].count == 0;
		for (size_t j = 0; j < kept && portless && !merged; j++) {
			merged = differ_in_protocol_only(&rows->items[j], row);
			if (merged)
				rows->items[j].box.field[PA_FIELD_L4PROTO] =
					join_ranges(rows->e, rows->items[j].box.field[PA_FIELD_L4PROTO],
						    row->box.field[PA_FIELD_L4PROTO], pa_field_max(PA_FIELD_L4PROTO));
		}
		if (!merged)
			rows->items[kept++] = *row;
	}
	rows->count = kept;
}

/* A box is a product: each field of the example is chosen for itself. */
static struct pa_packet box_example(struct rows *rows, const struct pa_row *row)
{
	bool with_lo = row->path != PA_PATH_OUT && has_lo(row->box.field[PA_FIELD_IIFNAME]);
	const struct pa_ranges *whole = whole_ranges(rows, row, with_lo);
	struct pa_box box = row->box;
	for (unsigned i = 0; i < WHOLE_COUNT; i++) {
		bool icmp = whole_fields[i] == PA_FIELD_ICMP_TYPE || whole_fields[i] == PA_FIELD_L4PROTO;
		if (box.field[whole_fields[i]].count == 0 && !icmp)
			box.field[whole_fields[i]] = whole[i];
	}
	return pa_box_example(rows->e, row->path, row->family, &box);
}

size_t pa_evaluation_rows(struct pa_evaluation *e, const struct pa_exposure *exposure, pa_set part, bool with_loopback,
			  size_t limit, const struct pa_row **ret_rows)
{
	struct rows rows = { .e = e, .exposure = exposure, .limit = limit };
	rows.walker =
		(struct pa_walker){ .ruleset = e->ruleset, .host = e->host, .plan = e->plan, .arena = e->arena, .brief = true };
	if (!e->walk_index)
		pa_walk_index_make(e->ruleset, e->arena, &e->walk_index);
	memcpy(rows.walker.fib, e->fib, sizeof(e->fib));
	memcpy(rows.walker.fib_count, e->fib_count, sizeof(e->fib_count));
	rows.walker.source_regions = e->source_regions;
	rows.walker.source_region_count = e->source_region_count;
	rows.walker.links = e->links;
	rows.walker.link_count = e->link_count;
	rows.walker.index = e->walk_index;
	rows.arena = pa_arena_new();
	pa_node set = part.node;
	if (!with_loopback && exposure->path != PA_PATH_OUT)
		set = pa_node_minus(e->space, set, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO));
	pa_set_boxes(e->space, (pa_set){ set }, 0, add_box, &rows);
	for (size_t i = 0; i < rows.count; i++)
		simplify(&rows, &rows.items[i]);
	merge_protocols(&rows);
	for (size_t i = 0; i < rows.count; i++) {
		simplify(&rows, &rows.items[i]);
		rows.items[i].example = box_example(&rows, &rows.items[i]);
	}
	struct pa_row *kept = pa_arena_dup(e->arena, rows.items, rows.count, sizeof(*kept));
	free(rows.items);
	pa_arena_free(rows.arena);
	*ret_rows = kept;
	return rows.count;
}
