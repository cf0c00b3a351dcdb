/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where one packet may end, as the walk says it; its classes in a space. */
#ifndef PACKET_ENDS_H
#define PACKET_ENDS_H

#include "evaluate/evaluation.h"
#include "evaluate/walker.h"
#include "random_packets.h"

/* One way a packet may end. */
struct end {
	enum {
		END_DROP,
		END_REJECT,
		END_ACCEPT,
		END_NOWHERE
	} kind; /* NOWHERE: gets in, but is not in the universe of the path */
	enum pa_path path;
	int address_kind, port_kind; /* of enum pa_wkind; PA_W_PACKET: untouched */
	pa_u128 address, port;
};
struct ends {
	struct end items[64];
	size_t count;
};

static void add_end(struct ends *ends, struct end end)
{
	for (size_t i = 0; i < ends->count; i++) {
		if (memcmp(&ends->items[i], &end, sizeof(end)) == 0)
			return;
	}
	if (ends->count < 64)
		ends->items[ends->count++] = end;
}

/* --- by the walk --- */

static int compare_ends(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct end));
}

static void take_leaf(void *context, const struct pa_wstate *state)
{
	struct end end;
	memset(&end, 0, sizeof(end));
	end.kind = state->fate == PA_FATE_ACCEPT ? END_ACCEPT : state->fate == PA_FATE_REJECT ? END_REJECT : END_DROP;
	if (end.kind == END_ACCEPT) {
		end.path = state->path;
		const struct pa_wvalue *address = &state->now[PA_FIELD_DADDR], *port = &state->now[PA_FIELD_DPORT];
		end.address_kind = address->kind;
		end.port_kind = port->kind;
		end.address = address->kind == PA_W_VALUE ? address->first : 0;
		end.port = port->kind == PA_W_VALUE ? port->first : 0;
	}
	add_end(context, end);
}

static struct pa_wrange one_value(struct pa_wrun *run, pa_u128 first, pa_u128 last)
{
	struct pa_interval *value = pa_arena_alloc(run->arena, 1, sizeof(*value));
	*value = (struct pa_interval){ first, last };
	return (struct pa_wrange){ value, 1 };
}

static const unsigned scenario_states[PA_SCENARIOS] = {
	[PA_SCENARIO_NEW] = PA_CT_NEW,
	[PA_SCENARIO_REPLY] = PA_CT_ESTABLISHED,
	[PA_SCENARIO_RELATED] = PA_CT_RELATED,
	[PA_SCENARIO_INVALID] = PA_CT_INVALID,
	[PA_SCENARIO_UNTRACKED] = PA_CT_UNTRACKED,
	[PA_SCENARIO_ESTABLISHED] = PA_CT_ESTABLISHED,
};

/* As pa_walker_walk() begins, for one path, with the leaves kept apart. */
static bool walk_ends(const struct pa_walker *walker, const struct pa_packet *packet, enum pa_scenario scenario,
		      struct ends *ends)
{
	struct pa_wrun run = { .walker = walker, .arena = pa_arena_new(), .limit = 4000, .leaf = take_leaf, .context = ends };
	struct pa_wstate *state = pa_arena_alloc(run.arena, 1, sizeof(*state));
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		pa_u128 value = packet->value[f];
		state->packet[f] =
			packet->known[f] ? one_value(&run, value, value) : one_value(&run, 0, pa_field_max((enum pa_field)f));
	}
	bool reply = scenario == PA_SCENARIO_REPLY;
	state->packet[PA_FIELD_CT_STATE] = one_value(&run, scenario_states[scenario], scenario_states[scenario]);
	if (scenario != PA_SCENARIO_RELATED)
		state->packet[PA_FIELD_CT_DIRECTION] = one_value(&run, reply, reply);
	state->state_default = scenario == PA_SCENARIO_NEW;
	pa_wstate_init(&run, state, packet->path, false);
	static const enum pa_field zeros[] = { PA_FIELD_MARK, PA_FIELD_CT_MARK };
	/* over lo a packet may bring a mark along */
	bool marked = walker->plan.output_marks && packet->path == PA_PATH_IN &&
		      packet->value[PA_FIELD_IIFNAME] == pa_ifname_value("lo");
	if (marked)
		state->packet[PA_FIELD_MARK] = one_value(&run, 0, UINT32_MAX);
	for (size_t i = marked; i < 2; i++)
		state->now[zeros[i]] = (struct pa_wvalue){ .kind = PA_W_VALUE };
	pa_wstate_enter(&run, state);
	pa_wrun_start(&run, state);
	pa_arena_free(run.arena);
	free(run.work);
	qsort(ends->items, ends->count, sizeof(ends->items[0]), compare_ends);
	return !run.cut;
}

static const enum pa_field type_fields[] = { PA_FIELD_DADDR_TYPE, PA_FIELD_DADDR_IIF_TYPE, PA_FIELD_SADDR_TYPE };

static bool has_next(struct pa_evaluation *e, pa_node node, const uint32_t classes[PA_FIELD_COUNT])
{
	return pa_node_at(e->space, node, classes, false) == PA_TRUE;
}

static pa_node universe_of(struct pa_evaluation *e, enum pa_path path)
{
	pa_node tracked = pa_node_or(e->space, pa_universe_new(e), pa_universe_untracked(e));
	return pa_node_and(e->space, pa_universe_path(e, path), tracked);
}

static void class_numbers(struct pa_evaluation *e, const struct pa_packet *packet, uint32_t classes[PA_FIELD_COUNT])
{
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		classes[f] = pa_classes_find(pa_space_classes(e->space, (enum pa_field)f), packet->value[f]);
}

__attribute__((unused)) static void print_ends(const char *who, const struct ends *ends)
{
	static const char *const kinds[] = { "drop", "reject", "accept", "outside the universe" }, *const paths[] = { "in",
														      "forward",
														      "out" };
	static const char *const values[] = { "untouched", "value", "unknown", "self" };
	for (size_t i = 0; i < ends->count; i++) {
		const struct end *end = &ends->items[i];
		char address[PA_ADDRESS_TEXT_MAX] = "";
		if (end->address_kind == PA_W_VALUE)
			pa_address_format(end->address, pa_value_is_ipv4(end->address) ? 4 : 6, address);
		fprintf(stderr, "  %s: %s", who, kinds[end->kind]);
		if (end->kind == END_ACCEPT)
			fprintf(stderr, " %s, daddr %s %s, dport %s %u", paths[end->path], values[end->address_kind], address,
				values[end->port_kind], (unsigned)end->port);
		fputc('\n', stderr);
	}
}

static void forget_rejects(struct ends *ends)
{
	struct ends old = *ends;
	memset(ends, 0, sizeof(*ends));
	for (size_t i = 0; i < old.count; i++) {
		if (old.items[i].kind == END_REJECT)
			old.items[i].kind = END_DROP;
		add_end(ends, old.items[i]);
	}
}

#endif
