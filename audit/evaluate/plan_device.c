/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The base chains that are bound to devices, ingress and egress of netdev and inet tables. They run by priority, of equal ones the
 * one created last first, before everything else or behind it.
 *
 * A packet that comes in through eth0 and belongs to an interface on top of it (eth0.10, a bridge, a bond) passes the chains of
 * eth0 first and then those of its own interface (__netif_receive_skb_core() in net/core/dev.c); on the way out it is the other way round.
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

/* Base chains of the hook that can drop or change packets, in order; how many. */
static size_t list_chains(const struct pa_ruleset *ruleset, enum pa_hook hook, const struct pa_chain **out)
{
	size_t count = 0;
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		bool bound = !chain->devices || chain->devices[0];
		if (chain->is_base && chain->hook == hook && !chain->table->dormant && bound && pa_chain_matters(chain))
			out[count++] = chain;
	}
	qsort(out, count, sizeof(*out), compare_chains);
	return count;
}

static bool is_single(const struct pa_chain *chain)
{
	struct pa_interval device = chain->devices ? device_interval(chain->devices[0]) : (struct pa_interval){ 0, 1 };
	return chain->devices && !chain->devices[1] && device.first == device.last;
}

/*
 * A packet may meet the chains of several devices that lie below its interface, in any order, and one that is bound to several of
 * them more than once. That changes nothing where none of them looks at what another one sets.
 */
static uint64_t find_unordered(const struct pa_chain **chains, size_t count, enum pa_hook hook)
{
	uint64_t fields = 0, device = (uint64_t)1 << pa_device_field(hook);
	for (size_t i = 0; i < count; i++) {
		uint64_t assigns = pa_chain_assigns(chains[i]), reads = pa_chain_reads(chains[i]);
		bool single = is_single(chains[i]);
		for (size_t k = 0; k < count; k++) {
			bool same_device =
				single && is_single(chains[k]) && pa_text_equal(chains[i]->devices[0], chains[k]->devices[0]);
			uint64_t others = pa_chain_assigns(chains[k]);
			if (!same_device && (k == i ? reads & device && assigns : (assigns & others) != 0))
				fields |= assigns;
			if (!same_device && reads & others)
				fields |= assigns | others;
		}
	}
	/* what conntrack says of a packet is no field that could be open */
	fields &= ~((uint64_t)1 << PA_FIELD_CT_STATE);
	return hook == PA_HOOK_INGRESS ? fields & ~((uint64_t)1 << PA_FIELD_CT_MARK) : fields;
}

static void plan_bound(const struct pa_ruleset *ruleset, enum pa_hook hook, struct pa_arena *arena, struct pa_plan *plan)
{
	const struct pa_chain **chains = pa_xcalloc(ruleset->chain_count + 1, sizeof(const struct pa_chain *));
	size_t count = list_chains(ruleset, hook, chains);
	struct pa_hook_plan *stages = &plan->hook[hook];
	stages->stages = pa_arena_alloc(arena, 2 * count + 1, sizeof(*stages->stages));
	for (size_t i = 0; i < 2 * count; i++) {
		const struct pa_chain *chain = chains[i % count];
		bool below = (i < count) == (hook == PA_HOOK_INGRESS);
		/* nothing lies on top of lo */
		bool none = below ? is_single(chain) && pa_text_equal(chain->devices[0], "lo") : !chain->devices;
		if (none)
			continue;
		stages->stages[stages->count++] = (struct pa_stage){ .kind = PA_STAGE_CHAIN,
								     .devices = chain_devices(chain, arena),
								     .below = below,
								     .text = below ? below_text(chain, arena) : NULL,
								     .chain = chain,
								     .priority = chain->priority };
	}
	plan->unordered[hook] = find_unordered(chains, count, hook);
	free(chains);
}

void pa_plan_devices(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan)
{
	plan_bound(ruleset, PA_HOOK_INGRESS, arena, plan);
	plan_bound(ruleset, PA_HOOK_EGRESS, arena, plan);
}
