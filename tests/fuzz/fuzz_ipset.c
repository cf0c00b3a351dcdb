/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
/*
 * Any bytes as `ipset save` text: sets, or errors with places. What a set is lowered to keeps the promises of ruleset.h: boxes inside
 * their fields, one part sorted and apart, no field twice in a key.
 */
#include <stdlib.h>

#include "../../rules/iptables/ipset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_key(const struct pa_key *key)
{
	demand(key->count >= 1 && key->count <= PA_KEY_PARTS_MAX);
	for (unsigned i = 0; i < key->count; i++)
		for (unsigned j = 0; j < i; j++)
			demand(key->parts[i].opaque || key->parts[j].opaque || key->parts[i].field != key->parts[j].field);
}

static void check_step(const struct pa_step *step)
{
	const struct pa_elements *elements = step->elements;

	check_key(&step->key);
	demand(elements->parts == step->key.count && (!elements->opaque || elements->count == 0));
	for (size_t i = 0; i < elements->count * elements->parts; i++) {
		const struct pa_key_part *part = &step->key.parts[i % elements->parts];
		demand(elements->keys[i].first <= elements->keys[i].last);
		demand(part->opaque || elements->keys[i].last <= pa_field_max(part->field));
		demand(!elements->sorted || i == 0 || elements->keys[i].first > elements->keys[i - 1].last);
	}
}

static void check_set(struct pa_ipsets *sets, const char *name, struct pa_arena *arena)
{
	static const char *const directions[] = { "src", "dst,src", "src,src,src", "src,dst,dst" };
	struct pa_step steps[PA_IPSET_STEPS_MAX];
	size_t count;

	for (unsigned i = 0; i < 16; i++) {
		struct pa_ipset_match match = { .name = name,
						.directions = directions[i & 3],
						.family = i & 4 ? 6 : 4,
						.negated = i & 8,
						.text = "match" };
		match.return_nomatch = i & 1;
		demand(pa_ipset_lower(sets, &match, arena, steps, &count));
		for (size_t s = 0; s < count; s++)
			check_step(&steps[s]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pa_diags diags = { 0 };
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_arena *arena = pa_arena_new();
	bool good = pa_ipsets_read(sets, "fuzz", (const char *)data, size, PA_DIAG_INPUT, &diags);

	demand(good == !pa_diags_has_errors(&diags));
	for (size_t i = 0; i < diags.count; i++)
		demand(diags.items[i].where.line && diags.items[i].where.column);
	pa_ipsets_note_targets(sets, (const char *)data, size);
	for (size_t i = 0; i < pa_ipsets_count(sets); i++)
		check_set(sets, pa_ipset_name(pa_ipsets_at(sets, i)), arena);
	pa_ipsets_free(sets);
	pa_arena_free(arena);
	pa_diags_done(&diags);
	return 0;
}
