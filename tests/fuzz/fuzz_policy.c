/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_allow pa_base
/*
 * Any bytes as a policy: a policy, or errors with places; never both, never neither. What is returned keeps the promises
 * of policy.h.
 */
#include <stdlib.h>
#include <string.h>

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

static bool has_long_line(const char *text, size_t length)
{
	const char *end = text + length;
	for (const char *at = text; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t line = (size_t)((newline ? newline : end) - at);
		if (line > 20000)
			return true;
		at = newline ? newline + 1 : end;
	}
	return false;
}

static void check_same_policy(const struct pa_policy *a, const struct pa_policy *b)
{
	demand(b && a->statement_count == b->statement_count && a->check_count == b->check_count);
	for (size_t i = 0; i < a->statement_count; i++) {
		const struct pa_statement *s = a->statements[i], *t = b->statements[i];
		demand(s->kind == t->kind && pa_text_equal(s->text, t->text) && s->until == t->until);
		demand(pa_text_equal(s->fields.owner, t->fields.owner) && pa_text_equal(s->fields.reason, t->fields.reason));
		demand(pa_text_equal(s->fields.listener, t->fields.listener) && s->fields.review == t->fields.review);
		demand(s->fields.rate_limited == t->fields.rate_limited && s->fields.logged == t->fields.logged);
	}
	demand(a->fail_on == b->fail_on && a->waiver_max_days == b->waiver_max_days && a->has_self == b->has_self);
}

/* The canonical form of a policy says the same, and is its own canonical form. */
static void check_layout(const struct pa_policy *policy, const char *text, size_t length)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer once = { 0 }, twice = { 0 };
	bool good = pa_policy_layout(text, length, "fuzz.conf", &once, &diags);
	demand(good || !policy || has_long_line(text, length));
	if (good) {
		demand(pa_policy_layout(once.data ? once.data : "", once.length, "fuzz.conf", &twice, &diags));
		demand(once.length == twice.length && (once.length == 0 || memcmp(once.data, twice.data, once.length) == 0));
	}
	if (good && policy) {
		struct pa_policy *again = pa_policy_parse(once.data, once.length, "fuzz.conf", "web1", NULL, &diags);
		check_same_policy(policy, again);
		pa_policy_free(again);
	}
	pa_buffer_done(&once);
	pa_buffer_done(&twice);
	pa_diags_done(&diags);
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
	check_layout(policy, (const char *)data, size);
	pa_policy_free(policy);
	pa_diags_done(&diags);
	return 0;
}
