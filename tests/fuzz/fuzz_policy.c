/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_allow pa_base
/*
 * Any bytes as a policy: a policy, or errors with places; never both, never neither. What is returned keeps the promises
 * of policy.h.
 */
#include <stdlib.h>

#include "portaudit/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_intervals(const struct pa_interval *items, size_t count, pa_u128 lowest, pa_u128 highest)
{
	for (size_t i = 0; i < count; i++) {
		demand(items[i].first <= items[i].last);
		demand(items[i].first >= lowest && items[i].last <= highest);
		demand(i == 0 || items[i].first > items[i - 1].last + 1);
	}
}

static void check_addresses(const struct pa_addresses *addresses)
{
	check_intervals(addresses->ipv4, addresses->ipv4_count, PA_IPV4_BASE, PA_IPV4_LAST);
	check_intervals(addresses->ipv6, addresses->ipv6_count, 0, PA_U128_MAX);
	check_intervals(addresses->except_ipv4, addresses->except_ipv4_count, PA_IPV4_BASE, PA_IPV4_LAST);
	check_intervals(addresses->except_ipv6, addresses->except_ipv6_count, 0, PA_U128_MAX);
	demand(!addresses->any ||
	       (!addresses->self && !addresses->except_self && !addresses->ipv4_count && !addresses->ipv6_count));
	demand(addresses->self || (!addresses->except_ipv4_count && !addresses->except_ipv6_count));
	demand(addresses->text != NULL);
}

static void check_endpoint(const struct pa_endpoint *endpoint)
{
	check_addresses(&endpoint->addresses);
	check_intervals(endpoint->ports.items, endpoint->ports.count, 0, 65535);
	demand(endpoint->ports.any ? endpoint->ports.count == 0 : endpoint->ports.count || endpoint->ports.ephemeral);
	check_intervals(endpoint->interfaces.names, endpoint->interfaces.name_count, 0, PA_U128_MAX);
	demand(endpoint->interfaces.any ? endpoint->interfaces.name_count + endpoint->interfaces.glob_count == 0
					: endpoint->interfaces.name_count + endpoint->interfaces.glob_count > 0);
}

static void check_items(const struct pa_service_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		demand(items[i].text != NULL);
		demand(items[i].protocol <= 255);
		check_intervals(&items[i].ports, 1, 0, 65535);
		check_intervals(&items[i].icmp_type, 1, 0, 255);
		check_intervals(&items[i].icmp_code, 1, 0, 255);
	}
}

static void check_statement(const struct pa_statement *statement)
{
	demand(statement->text && statement->where.file && statement->where.line && statement->where.column);
	demand(statement->item_count || (statement->kind == PA_STATEMENT_WAIVE && !statement->has_what));
	check_items(statement->items, statement->item_count);
	check_endpoint(&statement->from);
	check_endpoint(&statement->to);
	demand(statement->kind != PA_STATEMENT_LISTEN || statement->listen_text);
	demand(statement->kind != PA_STATEMENT_WAIVE || (statement->check && statement->fields.reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pa_diags diags = { 0 };
	struct pa_policy *policy = pa_policy_parse((const char *)data, size, "fuzz.conf", "web1", NULL, &diags);
	demand(policy ? !pa_diags_has_errors(&diags) : pa_diags_has_errors(&diags));
	for (size_t i = 0; i < diags.count; i++)
		demand(diags.items[i].level == PA_DIAG_NOTE || (diags.items[i].where.line && diags.items[i].where.column));
	for (size_t i = 0; policy && i < policy->statement_count; i++)
		check_statement(policy->statements[i]);
	pa_policy_free(policy);
	pa_diags_done(&diags);
	return 0;
}
