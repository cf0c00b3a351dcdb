/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules ask of interfaces: nft_meta_get_eval() in net/netfilter/nft_meta.c (NFT_META_IIFTYPE, IIFGROUP, IIFKIND and their
 * sisters), devgroup_mt() in net/netfilter/xt_devgroup.c.
 */
#include "interface.h"

#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 256 /* different ones of one property: each makes a case of its own */

static struct pa_link_fact fact_of(const struct pa_host_link *link)
{
	struct pa_link_fact fact = { .name = pa_ifname_value(link->name) };
	fact.found[PA_LINK_TYPE] = link->type_known ? PA_LINK_VALUE : PA_LINK_UNKNOWN;
	fact.value[PA_LINK_TYPE] = link->type_known ? link->type : 0;
	fact.found[PA_LINK_GROUP] = link->group_known ? PA_LINK_VALUE : PA_LINK_UNKNOWN;
	fact.value[PA_LINK_GROUP] = link->group_known ? link->group : 0;
	if (link->kind && strlen(link->kind) < PA_IFNAME_MAX) { /* a longer one is cut */
		fact.found[PA_LINK_KIND] = *link->kind ? PA_LINK_VALUE : PA_LINK_NONE;
		fact.value[PA_LINK_KIND] = *link->kind ? pa_ifname_value(link->kind) : 0;
	}
	return fact;
}

static int compare_names(const void *one, const void *other)
{
	const struct pa_link_fact *a = one, *b = other;
	return (a->name > b->name) - (a->name < b->name);
}

static int compare_values(const void *one, const void *other)
{
	const pa_u128 *a = one, *b = other;
	return (*a > *b) - (*a < *b);
}

/* Two of one name (in a snapshot that somebody wrote) may be either. */
static size_t join_names(struct pa_link_fact *facts, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept && facts[kept - 1].name == facts[i].name)
			memset(facts[kept - 1].found, 0, sizeof(facts[kept - 1].found));
		else
			facts[kept++] = facts[i];
	}
	return kept;
}

static bool has_too_many(const struct pa_link_fact *facts, size_t count, enum pa_link_property property)
{
	pa_u128 *values = pa_xcalloc(count + 1, sizeof(*values));
	size_t different = 0;
	for (size_t i = 0; i < count; i++)
		values[i] = facts[i].value[property];
	qsort(values, count, sizeof(*values), compare_values);
	for (size_t i = 0; i < count; i++)
		different += i == 0 || values[i] != values[i - 1];
	free(values);
	return different > VALUES_MAX;
}

size_t pa_link_facts(const struct pa_host *host, struct pa_arena *arena, const struct pa_link_fact **ret_facts)
{
	size_t count = host->links_known ? host->link_count : 0;
	struct pa_link_fact *facts = pa_arena_alloc(arena, count + 1, sizeof(*facts));
	for (size_t i = 0; i < count; i++)
		facts[i] = fact_of(&host->links[i]);
	qsort(facts, count, sizeof(*facts), compare_names);
	count = join_names(facts, count);
	for (enum pa_link_property property = PA_LINK_TYPE; property < PA_LINK_PROPERTIES; property++) {
		bool unknown = has_too_many(facts, count, property);
		for (size_t i = 0; unknown && i < count; i++)
			facts[i].found[property] = PA_LINK_UNKNOWN;
	}
	*ret_facts = facts;
	return count;
}

const struct pa_link_fact *pa_link_fact_of(const struct pa_link_fact *facts, size_t count, pa_u128 name)
{
	static const struct pa_link_fact none = { .found = { PA_LINK_NONE, PA_LINK_NONE, PA_LINK_NONE } };
	struct pa_link_fact wanted = { .name = name };
	if (!name)
		return &none;
	return count ? bsearch(&wanted, facts, count, sizeof(*facts), compare_names) : NULL;
}
