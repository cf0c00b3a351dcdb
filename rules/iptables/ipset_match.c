/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --match-set as a step of a rule: the fields that the directions name, against the boxes of the set. ip_set_test() in the kernel's
 * ip_set_core.c: a set of the other family, or one with more dimensions than directions are given, holds nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "ipset_data.h"

#define PROTOCOL_ICMP 1u
#define PROTOCOL_ICMPV6 58u
#define ETHER_TEXT "meta iiftype" /* what nft tests before it looks at an Ethernet header */
#define ETHER_TYPE 1		  /* ARPHRD_ETHER */
#define DIRECTIONS_MAX 6

/* What was worked out for one way to ask a set. */
struct pa_ipset_lowered {
	const struct pa_ipset *set;
	char directions[DIRECTIONS_MAX + 1]; /* 's' and 'd' */
	int family;
	bool return_nomatch;
	bool negated; /* matters to how the Ethernet header is asked for */
	struct pa_key key;
	struct pa_elements elements;
	bool wants_ether; /* test ETHER_TEXT first */
};

/* The boxes that come together, in the parts of the key. */
struct joining {
	const struct pa_ipset_match *match;
	const char *directions; /* 's' and 'd' */
	struct pa_arena *arena;
	struct pa_key_part parts[PA_KEY_PARTS_MAX];
	unsigned part_count;
	struct pa_interval *keys;
	size_t count, capacity;
	bool ether_in_key;
	bool wants_ether;
	bool may_grow, may_shrink;
	const char *problem;
};

static pa_u128 part_max(const struct pa_key_part *part)
{
	return part->opaque ? UINT16_MAX : pa_field_max(part->field);
}

/* --- the key --------------------------------------------------------------------------------------------------------- */

static unsigned find_part(struct joining *joining, struct pa_key_part part)
{
	unsigned i;

	for (i = 0; i < joining->part_count; i++) {
		const struct pa_key_part *have = &joining->parts[i];
		if (part.opaque ? have->opaque != NULL : !have->opaque && have->field == part.field) {
			if (!part.opaque && have->mask != part.mask)
				joining->problem = "its members are looked up with different masks";
			return i;
		}
	}
	if (i == PA_KEY_PARTS_MAX) {
		joining->problem = "its members look at too many fields";
		return 0;
	}
	joining->parts[joining->part_count++] = part;
	return i;
}

static unsigned find_field(struct joining *joining, enum pa_field field)
{
	return find_part(joining, (struct pa_key_part){ .field = field, .mask = pa_field_max(field) });
}

static unsigned find_ether(struct joining *joining)
{
	return find_part(joining, (struct pa_key_part){ .opaque = ETHER_TEXT, .mask = UINT16_MAX });
}

/* --- boxes ------------------------------------------------------------------------------------------------------------ */

/* What a box says of the parts; of parts that come later it says nothing. */
struct box {
	struct pa_interval part[PA_KEY_PARTS_MAX];
	bool says[PA_KEY_PARTS_MAX];
	bool empty;
};

/* One field may be named twice (src,src): both must hold. */
static void restrict_box(struct box *box, unsigned part, struct pa_interval values)
{
	struct pa_interval *have = &box->part[part];

	if (!box->says[part]) {
		*have = values;
	} else {
		have->first = have->first > values.first ? have->first : values.first;
		have->last = have->last < values.last ? have->last : values.last;
		box->empty = box->empty || have->first > have->last;
	}
	box->says[part] = true;
}

static void restrict_ports(struct joining *joining, struct box *box, struct pa_interval key, bool source)
{
	pa_u128 protocol = key.first >> 16;
	struct pa_interval low = { key.first & 0xffff, key.last & 0xffff };

	restrict_box(box, find_field(joining, PA_FIELD_L4PROTO), (struct pa_interval){ protocol, protocol });
	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		/* entries have one type and one code */
		restrict_box(box, find_field(joining, PA_FIELD_ICMP_TYPE),
			     (struct pa_interval){ low.first >> 8, low.last >> 8 });
		restrict_box(box, find_field(joining, PA_FIELD_ICMP_CODE),
			     (struct pa_interval){ low.first & 0xff, low.last & 0xff });
	} else if (low.first != 0 || low.last != 0xffff) {
		restrict_box(box, find_field(joining, source ? PA_FIELD_SPORT : PA_FIELD_DPORT), low);
	}
}

static void restrict_dimension(struct joining *joining, struct box *box, const struct pa_ipset *set, unsigned at,
			       struct pa_interval key)
{
	bool source = joining->directions[at] == 's';
	struct pa_key_part part = { .field = source ? PA_FIELD_SADDR : PA_FIELD_DADDR, .mask = PA_U128_MAX };

	switch (set->type->dimensions[at]) {
	case PA_IPSET_IP:
	case PA_IPSET_NET:
		part.mask = set->is_masked ? set->address_mask : PA_U128_MAX;
		restrict_box(box, find_part(joining, part), key);
		break;
	case PA_IPSET_PORT:
		restrict_ports(joining, box, key, source);
		break;
	case PA_IPSET_MARK:
		part = (struct pa_key_part){ .field = PA_FIELD_MARK, .mask = set->mark_mask };
		restrict_box(box, find_part(joining, part), key);
		break;
	case PA_IPSET_MAC:
		joining->wants_ether = true;
		if (joining->ether_in_key)
			restrict_box(box, find_ether(joining), (struct pa_interval){ ETHER_TYPE, ETHER_TYPE });
		restrict_box(box, find_field(joining, source ? PA_FIELD_ETHER_SADDR : PA_FIELD_ETHER_DADDR), key);
		break;
	case PA_IPSET_IFACE:
		restrict_box(box, find_field(joining, source ? PA_FIELD_IIFNAME : PA_FIELD_OIFNAME), key);
		break;
	case PA_IPSET_NONE:
	case PA_IPSET_SET:
		break;
	}
}

/* Boxes are kept with room for all parts that a key can have, until their number is known. */
static void add_box(struct joining *joining, const struct box *box)
{
	if (box->empty)
		return;
	pa_grow(&joining->keys, &joining->capacity, (joining->count + 1) * PA_KEY_PARTS_MAX, sizeof(*joining->keys));
	struct pa_interval *keys = &joining->keys[joining->count++ * PA_KEY_PARTS_MAX];
	for (unsigned i = 0; i < PA_KEY_PARTS_MAX; i++)
		keys[i] = box->says[i] ? box->part[i] : (struct pa_interval){ 0, PA_U128_MAX };
}

static void add_boxes_of(struct joining *joining, const struct pa_ipset *set, const struct pa_interval *keys)
{
	/* bitmap:port is asked for tcp and for udp */
	static const pa_u128 bitmap_protocols[] = { 6, 17 };
	bool is_bitmap = set->type->both_families && set->type->dimensions[0] == PA_IPSET_PORT;

	for (size_t p = 0; p < (is_bitmap ? 2 : 1); p++) {
		struct box box = { .empty = false };
		for (unsigned i = 0; i < set->dimension_count; i++) {
			struct pa_interval key = keys[i];
			key.first |= is_bitmap ? bitmap_protocols[p] << 16 : 0;
			key.last |= is_bitmap ? bitmap_protocols[p] << 16 : 0;
			restrict_dimension(joining, &box, set, i, key);
		}
		add_box(joining, &box);
	}
}

/* --- sets ------------------------------------------------------------------------------------------------------------- */

static void note_changes(struct joining *joining, const struct pa_ipset *set)
{
	bool expires = false, physical = false, excepts = set->type->dimensions[1] == PA_IPSET_IFACE;

	for (size_t i = 0; i < set->count; i++) {
		expires = expires || (set->entries[i].flags & (PA_ENTRY_EXPIRES | PA_ENTRY_ANY_MAC));
		excepts = excepts || (set->entries[i].flags & PA_ENTRY_NOMATCH);
		physical = physical || (set->entries[i].flags & PA_ENTRY_PHYSDEV);
	}
	/* When an exception goes, or is not looked at, what it hid comes to light. */
	if (expires || joining->match->tests_counters || set->packets_delete || (set->packets_add && set->force_add)) {
		joining->may_shrink = true;
		joining->may_grow = joining->may_grow || excepts;
	}
	joining->may_grow = joining->may_grow || set->packets_add;
	joining->may_shrink = joining->may_shrink || physical; /* by chance, see ipset_region.c */
}

static void join_set(struct joining *joining, const struct pa_ipset *set)
{
	struct pa_ipset_region region;
	bool can_except = strstr(set->type->name, "net") != NULL;

	if (set->dimension_count > strlen(joining->directions) || (set->family && set->family != joining->match->family))
		return;
	note_changes(joining, set);
	pa_ipset_region(set, joining->match->return_nomatch && can_except, &region);
	if (region.problem)
		joining->problem = region.problem;
	for (size_t i = 0; i < region.count; i++)
		add_boxes_of(joining, set, &region.keys[i * set->dimension_count]);
	free(region.keys);
}

static void join(struct joining *joining, const struct pa_ipsets *sets, const struct pa_ipset *set)
{
	if (set->type->dimensions[0] != PA_IPSET_SET) {
		join_set(joining, set);
		return;
	}
	joining->ether_in_key = true;
	for (size_t i = 0; i < set->count; i++) {
		const struct pa_ipset *member = pa_ipsets_find(sets, set->members[i]);
		if (member)
			join_set(joining, member);
		else
			joining->problem = "a member of the list was taken away";
		joining->may_shrink = joining->may_shrink || (set->entries[i].flags & PA_ENTRY_EXPIRES);
	}
}

/* --- elements ---------------------------------------------------------------------------------------------------------- */

static int by_first(const void *a, const void *b)
{
	const struct pa_interval *one = a, *other = b;

	return (one->first > other->first) - (one->first < other->first);
}

/* Sorted and apart, as sets of one part are to be. */
static size_t tidy(struct pa_interval *keys, size_t count)
{
	size_t kept = 0;

	if (count > 1)
		qsort(keys, count, sizeof(*keys), by_first);
	for (size_t i = 0; i < count; i++) {
		if (kept && (keys[kept - 1].last == PA_U128_MAX || keys[i].first <= keys[kept - 1].last + 1))
			keys[kept - 1].last = keys[i].last > keys[kept - 1].last ? keys[i].last : keys[kept - 1].last;
		else
			keys[kept++] = keys[i];
	}
	return kept;
}

/* A key is needed even when nothing is in the set. */
static void finish(struct joining *joining, const struct pa_ipset *set, struct pa_ipset_lowered *lowered)
{
	struct pa_elements *elements = &lowered->elements;
	struct pa_set_decl *decl = pa_arena_alloc(joining->arena, 1, sizeof(*decl));

	if (joining->part_count == 0)
		find_field(joining, PA_FIELD_NFPROTO);
	unsigned parts = joining->part_count;
	decl->name = pa_arena_strdup(joining->arena, set->name);
	decl->type_text = set->type->name;
	decl->where = set->where;
	decl->where.file = pa_arena_strdup(joining->arena, set->where.file);
	*elements = (struct pa_elements){
		.parts = parts, .may_grow = joining->may_grow, .may_shrink = joining->may_shrink, .decl = decl
	};
	elements->opaque = joining->problem;
	struct pa_interval *keys = joining->problem ? NULL : joining->keys;
	size_t count = joining->problem ? 0 : joining->count;
	for (size_t i = 0; i < count; i++)
		for (unsigned p = 0; p < parts; p++) {
			struct pa_interval key = joining->keys[i * PA_KEY_PARTS_MAX + p];
			key.last = key.last > part_max(&joining->parts[p]) ? part_max(&joining->parts[p]) : key.last;
			keys[i * parts + p] = key;
		}
	elements->sorted = parts == 1;
	elements->count = parts == 1 ? tidy(keys, count) : count;
	elements->keys = count ? pa_arena_dup(joining->arena, keys, elements->count * parts, sizeof(*keys)) : NULL;
	lowered->key = (struct pa_key){ parts, pa_arena_dup(joining->arena, joining->parts, parts, sizeof(*joining->parts)) };
	lowered->wants_ether = joining->wants_ether && !joining->ether_in_key && elements->count;
	free(joining->keys);
}

/* "src,dst" as "sd". false: something else stands there. */
static bool read_directions(const char *text, char out[DIRECTIONS_MAX + 1])
{
	size_t count = 0;

	for (const char *at = text;; at += 4) {
		if (count == DIRECTIONS_MAX || (strncmp(at, "src", 3) != 0 && strncmp(at, "dst", 3) != 0))
			return false;
		out[count++] = *at;
		if (at[3] != ',') {
			out[count] = '\0';
			return at[3] == '\0';
		}
	}
}

static struct pa_ipset_lowered *work_out(const struct pa_ipsets *sets, const struct pa_ipset *set,
					 const struct pa_ipset_match *match, const char *directions, struct pa_arena *arena)
{
	struct pa_ipset_lowered *lowered = pa_arena_alloc(arena, 1, sizeof(*lowered));
	struct joining joining = { .match = match, .directions = directions, .arena = arena, .ether_in_key = match->negated };

	*lowered = (struct pa_ipset_lowered){
		.set = set, .family = match->family, .return_nomatch = match->return_nomatch, .negated = match->negated
	};
	memcpy(lowered->directions, directions, sizeof(lowered->directions));
	join(&joining, sets, set);
	finish(&joining, set, lowered);
	return lowered;
}

static bool is_same(const struct pa_ipset_lowered *lowered, const struct pa_ipset *set, const struct pa_ipset_match *match,
		    const char *directions)
{
	return lowered->set == set && strcmp(lowered->directions, directions) == 0 && lowered->family == match->family &&
	       lowered->return_nomatch == match->return_nomatch && lowered->negated == match->negated;
}

/* A set that packets change between two tests, or whose counters are asked, is worked out for each: two free variables. */
static struct pa_ipset_lowered *look_up(struct pa_ipsets *sets, const struct pa_ipset *set, const struct pa_ipset_match *match,
					const char *directions, struct pa_arena *arena)
{
	bool once = set->packets_add || set->packets_delete || match->tests_counters;

	for (size_t i = 0; !once && set->members && i < set->count; i++) {
		const struct pa_ipset *member = pa_ipsets_find(sets, set->members[i]);
		once = member && (member->packets_add || member->packets_delete);
	}
	for (size_t i = 0; !once && i < sets->lowered_count; i++)
		if (is_same(sets->lowered[i], set, match, directions))
			return sets->lowered[i];
	struct pa_ipset_lowered *lowered = work_out(sets, set, match, directions, arena);
	if (!once) {
		pa_grow(&sets->lowered, &sets->lowered_capacity, sets->lowered_count + 1, sizeof(struct pa_ipset_lowered *));
		sets->lowered[sets->lowered_count++] = lowered;
	}
	return lowered;
}

/* --- what packets change ------------------------------------------------------------------------------------------------ */

void pa_ipsets_note_change(struct pa_ipsets *sets, const char *name, enum pa_ipset_change change)
{
	struct pa_ipset *set = NULL;

	for (size_t i = 0; i < sets->count; i++)
		if (strcmp(sets->sets[i]->name, name) == 0)
			set = sets->sets[i];
	if (!set)
		return; /* a test of it is opaque anyway */
	set->packets_add = set->packets_add || change == PA_IPSET_ADDS;
	set->packets_delete = set->packets_delete || change == PA_IPSET_DELETES;
	for (size_t i = 0; set->members && i < set->count; i++)
		pa_ipsets_note_change(sets, set->members[i], change); /* which are no lists */
}

void pa_ipsets_note_targets(struct pa_ipsets *sets, const char *text, size_t length)
{
	static const char blanks[] = " \t\r\n";
	char *copy = pa_xmalloc(length + 1), *rest = copy, *word, *before = NULL;

	memcpy(copy, text, length);
	copy[length] = '\0';
	while ((word = strsep(&rest, blanks))) {
		size_t end = strlen(word);
		if (!end)
			continue;
		bool quoted = end >= 2 && word[0] == '"' && word[end - 1] == '"';
		word[quoted ? end - 1 : end] = '\0';
		if (before && strcmp(before, "--add-set") == 0)
			pa_ipsets_note_change(sets, word + quoted, PA_IPSET_ADDS);
		else if (before && strcmp(before, "--del-set") == 0)
			pa_ipsets_note_change(sets, word + quoted, PA_IPSET_DELETES);
		before = word;
	}
	free(copy);
}

/* --- steps -------------------------------------------------------------------------------------------------------------- */

static struct pa_step test_of(struct pa_arena *arena, struct pa_key_part part, pa_u128 value)
{
	struct pa_elements *elements = pa_arena_alloc(arena, 1, sizeof(*elements));
	struct pa_interval interval = { value, value };

	*elements = (struct pa_elements){ .parts = 1, .sorted = true, .count = 1 };
	elements->keys = pa_arena_dup(arena, &interval, 1, sizeof(interval));
	return (struct pa_step){ .kind = PA_STEP_MATCH,
				 .implied = true,
				 .key = { 1, pa_arena_dup(arena, &part, 1, sizeof(part)) },
				 .elements = elements };
}

/* Any answer, each time: a packet may have changed the set between two questions. */
static struct pa_step unknown_step(const struct pa_ipset_match *match, const char *reason, struct pa_arena *arena)
{
	struct pa_step step = test_of(arena, (struct pa_key_part){ .field = PA_FIELD_SADDR, .mask = PA_U128_MAX }, 0);
	struct pa_elements *elements = pa_arena_alloc(arena, 1, sizeof(*elements));
	struct pa_set_decl *decl = pa_arena_alloc(arena, 1, sizeof(*decl));

	decl->name = pa_arena_strdup(arena, match->name);
	decl->type_text = "ip set";
	*elements = (struct pa_elements){ .parts = 1, .sorted = true, .opaque = reason, .decl = decl };
	step.elements = elements;
	step.implied = false;
	step.negated = match->negated;
	step.text = pa_arena_strdup(arena, match->text);
	return step;
}

bool pa_ipset_lower(struct pa_ipsets *sets, const struct pa_ipset_match *match, struct pa_arena *arena,
		    struct pa_step steps[PA_IPSET_STEPS_MAX], size_t *ret_count)
{
	const struct pa_ipset *set = sets ? pa_ipsets_find(sets, match->name) : NULL;
	struct pa_key_part ether = { .opaque = ETHER_TEXT, .mask = UINT16_MAX };
	char directions[DIRECTIONS_MAX + 1] = "";
	size_t count = 0;

	*ret_count = 1;
	if (!set) {
		steps[0] = unknown_step(match, pa_arena_printf(arena, "the contents of ip set %s were not given", match->name),
					arena);
		return false;
	}
	if (!read_directions(match->directions, directions)) {
		steps[0] = unknown_step(match, "src and dst, with commas, are the directions of a set", arena);
		return false;
	}
	const struct pa_ipset_lowered *lowered = look_up(sets, set, match, directions, arena);
	if (lowered->wants_ether)
		steps[count++] = test_of(arena, ether, ETHER_TYPE);
	steps[count++] = (struct pa_step){ .kind = PA_STEP_MATCH,
					   .negated = match->negated,
					   .text = pa_arena_strdup(arena, match->text),
					   .key = lowered->key,
					   .elements = &lowered->elements };
	*ret_count = count;
	return true;
}
