/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The base chains that are bound to devices, ingress and egress of netdev and inet tables, and those of bridge tables, which are
 * bound to what is a port of a bridge. They run by priority, of equal ones the one created last first, before everything else or behind it.
 *
 * A packet that comes in through eth0 and belongs to an interface on top of it (eth0.10, a bridge, a bond) passes the chains of
 * eth0 first, then, if that is a bridge, prerouting and input of bridge tables, and then those of its own interface
 * (__netif_receive_skb_core() in net/core/dev.c); on the way out it is the other way round. Measured on kernel 6.18.
 */
#include "evaluation.h"

#include <stdlib.h>
#include <string.h>

enum pa_field pa_device_field(enum pa_hook hook)
{
	return hook == PA_HOOK_EGRESS ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME;
}

/* "ppp*" are all names that begin with ppp. */
static struct pa_interval device_interval(const char *name)
{
	char prefix[PA_IFNAME_MAX + 1];
	size_t length = strlen(name);
	if (!length || name[length - 1] != '*' || length > PA_IFNAME_MAX) {
		pa_u128 value = pa_ifname_value(name);
		return (struct pa_interval){ value, value };
	}
	memcpy(prefix, name, length - 1);
	prefix[length - 1] = '\0';
	return pa_ifname_prefix(prefix);
}

bool pa_chain_has_device(const struct pa_chain *chain, const char *name)
{
	pa_u128 value = pa_ifname_value(name);
	for (const char *const *device = chain->devices; device && *device; device++) {
		struct pa_interval interval = device_interval(*device);
		if (interval.first <= value && interval.last >= value)
			return true;
	}
	return !chain->devices;
}

static const struct pa_devices *chain_devices(const struct pa_chain *chain, struct pa_arena *arena)
{
	struct pa_devices *devices = pa_arena_alloc(arena, 1, sizeof(*devices));
	size_t count = 0;
	while (chain->devices && chain->devices[count])
		count++;
	devices->known = chain->devices != NULL;
	devices->items = pa_arena_alloc(arena, count + 1, sizeof(*devices->items));
	for (size_t i = 0; i < count; i++)
		devices->items[devices->count++] = device_interval(chain->devices[i]);
	devices->single = count == 1 && devices->items[0].first == devices->items[0].last;
	return devices;
}

static const char *below_text(const struct pa_chain *chain, struct pa_arena *arena)
{
	struct pa_buffer text = { 0 };
	const char *family = pa_family_name(chain->table->family), *table = chain->table->name;
	if (!chain->devices)
		pa_buffer_printf(&text, "chain %s of table %s %s is bound to the interface", chain->name, family, table);
	else
		pa_buffer_puts(&text, "the interface lies on top of ");
	for (const char *const *device = chain->devices; device && *device; device++)
		pa_buffer_printf(&text, "%s%s", device == chain->devices ? "" : " or ", *device);
	if (chain->devices)
		pa_buffer_printf(&text, ", so that chain %s of table %s %s sees its packets", chain->name, family, table);
	const char *kept = pa_arena_strdup(arena, text.data);
	pa_buffer_done(&text);
	return kept;
}

static int compare_chains(const void *a, const void *b)
{
	const struct pa_chain *const *x = a, *const *y = b;
	if ((*x)->priority != (*y)->priority)
		return (*x)->priority < (*y)->priority ? -1 : 1;
	return (*x)->id > (*y)->id ? -1 : 1;
}

/* Base chains of the hook, of bridge tables or of others, that can drop or change packets, in order; how many. */
static size_t list_chains(const struct pa_ruleset *ruleset, enum pa_hook hook, bool bridge, const struct pa_chain **out)
{
	size_t count = 0;
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		bool fits = chain->is_base && chain->hook == hook && bridge == (chain->table->family == PA_FAMILY_BRIDGE);
		bool bound = bridge || !chain->devices || chain->devices[0];
		if (fits && bound && !chain->table->dormant && pa_chain_matters(chain))
			out[count++] = chain;
	}
	qsort(out, count, sizeof(*out), compare_chains);
	return count;
}

static bool is_single(const struct pa_chain *chain)
{
	bool one = chain->devices && chain->devices[0] && !chain->devices[1];
	struct pa_interval device = one ? device_interval(chain->devices[0]) : (struct pa_interval){ 0, 1 };
	return device.first == device.last;
}

/* What conntrack says of a packet is no field that could be open; before it has seen the packet there is no flow either. */
static pa_u128 of_conntrack(enum pa_hook hook)
{
	bool incoming = hook == PA_HOOK_INGRESS || hook == PA_HOOK_PREROUTING || hook == PA_HOOK_INPUT;
	return (pa_u128)1 << PA_FIELD_CT_STATE | (incoming ? (pa_u128)1 << PA_FIELD_CT_MARK : 0);
}

/*
 * A packet may meet the chains of several devices that lie below its interface, in any order, and one that is bound to several of
 * them (or to bridges on top of each other) more than once. That changes nothing where none of them looks at what another one sets.
 */
static pa_u128 find_unordered(const struct pa_chain **chains, size_t count, enum pa_hook hook)
{
	pa_u128 fields = 0, device = (pa_u128)1 << pa_device_field(hook);
	for (size_t i = 0; i < count; i++) {
		pa_u128 assigns = pa_chain_assigns(chains[i]), reads = pa_chain_reads(chains[i]);
		bool single = is_single(chains[i]);
		for (size_t k = 0; k < count; k++) {
			bool same_device =
				single && is_single(chains[k]) && pa_text_equal(chains[i]->devices[0], chains[k]->devices[0]);
			pa_u128 others = pa_chain_assigns(chains[k]);
			if (!same_device && (k == i ? reads & device && assigns : (assigns & others) != 0))
				fields |= assigns;
			if (!same_device && reads & others)
				fields |= assigns | others;
		}
	}
	return fields & ~of_conntrack(hook);
}

static void add_own(struct pa_hook_plan *stages, const struct pa_chain *chain, struct pa_arena *arena)
{
	if (chain->devices)
		stages->stages[stages->count++] = (struct pa_stage){ .kind = PA_STAGE_CHAIN,
								     .binding = PA_BOUND_OWN,
								     .devices = chain_devices(chain, arena),
								     .chain = chain,
								     .priority = chain->priority };
}

static void add_below(struct pa_hook_plan *stages, const struct pa_chain *chain, struct pa_arena *arena)
{
	if (is_single(chain) && pa_text_equal(chain->devices[0], "lo")) /* nothing lies on top of lo */
		return;
	stages->stages[stages->count++] = (struct pa_stage){ .kind = PA_STAGE_CHAIN,
							     .binding = PA_BOUND_BELOW,
							     .devices = chain_devices(chain, arena),
							     .text = below_text(chain, arena),
							     .chain = chain,
							     .priority = chain->priority };
}

/* Where bridge tables ask conntrack, it sees packets before IP does: that is not followed. */
static void add_bridge(struct pa_hook_plan *stages, const struct pa_chain *chain, const char *text, bool opaque)
{
	stages->stages[stages->count++] =
		(struct pa_stage){ .kind = PA_STAGE_CHAIN,
				   .binding = PA_BOUND_BRIDGE,
				   .text = text,
				   .opaque = opaque,
				   .assigns = opaque ? pa_chain_assigns(chain) & ~of_conntrack(chain->hook) : 0,
				   .chain = chain,
				   .priority = chain->priority };
}

/* The chains of one way, in or out. */
struct way {
	const struct pa_chain **chains; /* bound to devices, then of bridges */
	size_t bound, bridged;
	bool tracked; /* some of the latter ask conntrack */
};

static struct way list_way(const struct pa_ruleset *ruleset, enum pa_hook hook, enum pa_hook first, enum pa_hook second)
{
	struct way way = { .chains = pa_xcalloc(ruleset->chain_count + 1, sizeof(const struct pa_chain *)) };
	way.bound = list_chains(ruleset, hook, false, way.chains);
	way.bridged = list_chains(ruleset, first, true, way.chains + way.bound);
	way.bridged += list_chains(ruleset, second, true, way.chains + way.bound + way.bridged);
	for (size_t i = way.bound; i < way.bound + way.bridged; i++)
		way.tracked = way.tracked || pa_chain_tracks(way.chains[i]);
	return way;
}

static void plan_ingress(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan)
{
	struct way way = list_way(ruleset, PA_HOOK_INGRESS, PA_HOOK_PREROUTING, PA_HOOK_INPUT);
	struct pa_hook_plan *stages = &plan->hook[PA_HOOK_INGRESS];
	stages->stages = pa_arena_alloc(arena, 2 * way.bound + way.bridged + 1, sizeof(*stages->stages));
	for (size_t i = 0; i < way.bound; i++)
		add_below(stages, way.chains[i], arena);
	for (size_t i = way.bound; i < way.bound + way.bridged; i++)
		add_bridge(stages, way.chains[i], "the packet comes in through a bridge", way.tracked);
	for (size_t i = 0; i < way.bound; i++)
		add_own(stages, way.chains[i], arena);
	plan->unordered[PA_HOOK_INGRESS] = find_unordered(way.chains, way.bound + way.bridged, PA_HOOK_INGRESS);
	free(way.chains);
}

static void plan_egress(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan)
{
	struct way way = list_way(ruleset, PA_HOOK_EGRESS, PA_HOOK_OUTPUT, PA_HOOK_POSTROUTING);
	struct pa_hook_plan *stages = &plan->hook[PA_HOOK_EGRESS];
	stages->stages = pa_arena_alloc(arena, 2 * way.bound + way.bridged + 1, sizeof(*stages->stages));
	for (size_t i = 0; i < way.bound; i++)
		add_own(stages, way.chains[i], arena);
	for (size_t i = way.bound; i < way.bound + way.bridged; i++)
		add_bridge(stages, way.chains[i], "the packet leaves through a bridge", way.tracked);
	for (size_t i = 0; i < way.bound; i++)
		add_below(stages, way.chains[i], arena);
	plan->unordered[PA_HOOK_EGRESS] = find_unordered(way.chains, way.bound + way.bridged, PA_HOOK_EGRESS);
	free(way.chains);
}

/*
 * What a bridge carries between its ports does not come to IP's chains, unless br_netfilter shows it to them: then forward of bridge
 * tables runs before or behind theirs.
 */
static void plan_bridged(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_hook_plan *forward)
{
	const struct pa_chain **chains = pa_xcalloc(ruleset->chain_count + 1, sizeof(const struct pa_chain *));
	size_t count = list_chains(ruleset, PA_HOOK_FORWARD, true, chains);
	struct pa_hook_plan stages = { .stages = pa_arena_alloc(arena, forward->count + count + 1, sizeof(*stages.stages)) };
	for (size_t i = 0; i < count; i++)
		add_bridge(&stages, chains[i], "br_netfilter shows bridged packets to the forward hook", true);
	for (size_t i = 0; i < forward->count; i++)
		stages.stages[stages.count++] = forward->stages[i];
	if (count)
		*forward = stages;
	free(chains);
}

void pa_plan_devices(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan)
{
	plan_ingress(ruleset, arena, plan);
	plan_egress(ruleset, arena, plan);
	plan_bridged(ruleset, arena, &plan->hook[PA_HOOK_FORWARD]);
}

/* --- what is known of an interface --- */

static bool holds_device(const struct pa_devices *devices, const char *name)
{
	pa_u128 value = pa_ifname_value(name);
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->items[i].first <= value && devices->items[i].last >= value)
			return true;
	}
	return false;
}

static bool is_bridge(const struct pa_host *host, const char *name)
{
	for (size_t i = 0; i < host->link_count; i++) {
		if (host->links[i].bridge && pa_text_equal(host->links[i].name, name))
			return true;
	}
	return false;
}

/* A port carries packets of its own only where the bridge was told so (broute). */
static struct pa_link_meets meets_bridge(const struct pa_host *host, const struct pa_host_link *link,
					 const struct pa_stage *stage)
{
	bool surely = link->bridge && stage->chain->hook != PA_HOOK_FORWARD, maybe = !link->lower || link->port || link->bridge;
	bool one_port = surely && link->lower && link->lower[0] && !link->lower[1];
	for (const char *const *lower = link->lower; lower && *lower; lower++)
		maybe = maybe || is_bridge(host, *lower);
	struct pa_link_meets result = { PA_MEETS_NEVER, surely && link->flat, 0 };
	if (maybe)
		result.meets = surely ? PA_MEETS_ALWAYS : PA_MEETS_MAYBE;
	if (one_port)
		result.device = pa_ifname_value(link->lower[0]);
	return result;
}

struct pa_link_meets pa_link_meets(const struct pa_host *host, const struct pa_host_link *link, const struct pa_stage *stage)
{
	struct pa_link_meets result = { PA_MEETS_MAYBE, link->flat, 0 };
	size_t found = 0;
	if (stage->binding == PA_BOUND_BRIDGE)
		return meets_bridge(host, link, stage);
	if (!stage->devices->known || !link->lower)
		return result;
	for (const char *const *lower = link->lower; *lower; lower++) {
		if (!holds_device(stage->devices, *lower))
			continue;
		found++;
		result.device = pa_ifname_value(*lower);
	}
	if (found > 1)
		result.device = 0;
	result.meets = !found ? PA_MEETS_NEVER : link->always ? PA_MEETS_ALWAYS : PA_MEETS_MAYBE;
	return result;
}
