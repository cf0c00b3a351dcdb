/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT-001: the port budget of source translation (the arithmetic of carrier-grade NAT, RFC 6888 and RFC 6269).
 *
 * A connection through masquerade or snat keeps one port of the pool for itself, for its protocol and among the connections to the
 * same destination address and port: the kernel uses a port again for another destination (nf_nat_core.c looks for a unique
 * tuple). An address of the pool has the ports 1024-65535, 64,512 of them, for clients whose own source port is above 1023 - or those that
 * the rule names. Clients are the sources of what the ruleset really forwards through the rule.
 *
 * Addresses are not clients: a network of more than 1,024 addresses is an address plan and counts as 254 clients - but in full where a rule
 * with a pool that was measured out (several addresses, or a port range) names it, or where the sources are a provider's (100.64.0.0/10, RFC
 * 6598). Sources that no rule limits are the connected networks of the other interfaces, when these are known; else it is not asked.
 *
 * Below 64 ports for each client: info. Below 16: medium - a browser opens that many connections to one place. One masquerade for a few
 * networks of 254 is far above. Only IPv4: of IPv6 networks nobody knows how many clients they have.
 */
#include <stdlib.h>

#include "compare.h"

#define PORTS_OF_ADDRESS 64512u
#define PLAN_SIZE 1024u
#define PLAN_CLIENTS 254u
#define UNLIMITED ((pa_u128)1 << 24) /* more sources than this: the rule does not limit them */
#define FEW_PORTS 64u
#define TOO_FEW_PORTS 16u
#define ROWS_MAX 512

static const struct pa_interval provider_space = { PA_IPV4_BASE | 0x64400000u, PA_IPV4_BASE | 0x647fffffu };

struct pool {
	const struct pa_rule *rule;
	pa_u128 addresses, ports; /* ports of one address */
	bool measured;
	struct pa_interval *sources;
	size_t source_count, source_capacity;
	bool unlimited;
	struct pa_ranges output; /* of one of the rows */
};

/* The pool of a rule, when it is one whose size is known; a prefix (netmap) has an address for each client. */
static bool make_pool(const struct pa_rule *rule, struct pool *ret_pool)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		struct pool pool = { .rule = rule, .addresses = 1, .ports = PORTS_OF_ADDRESS };

		if (step->kind != PA_STEP_NAT || step->nat_family == 6)
			continue;
		if (step->nat == PA_NAT_SNAT && step->value.kind == PA_OPERAND_VALUE)
			pool.addresses = step->value.interval.last - step->value.interval.first + 1;
		else if (step->nat != PA_NAT_MASQUERADE)
			return false;
		if (step->port.kind == PA_OPERAND_VALUE)
			pool.ports = step->port.interval.last - step->port.interval.first + 1;
		else if (step->port.kind != PA_OPERAND_NONE)
			return false;
		pool.measured = pool.addresses > 1 || step->port.kind == PA_OPERAND_VALUE;
		*ret_pool = pool;
		return true;
	}
	return false;
}

/* --- clients -------------------------------------------------------------------------------------------------------------- */

static void add_source(struct pool *pool, struct pa_interval source)
{
	if (source.last - source.first >= UNLIMITED) {
		pool->unlimited = true;
		return;
	}
	pa_grow(&pool->sources, &pool->source_capacity, pool->source_count + 1, sizeof(*pool->sources));
	pool->sources[pool->source_count++] = source;
}

static void take_row(struct pool *pool, const struct pa_row *row)
{
	struct pa_ranges sources = row->box.field[PA_FIELD_SADDR];
	bool through = false;

	for (size_t i = 0; i < row->rule_count; i++)
		through = through || row->rules[i] == pool->rule;
	if (!through || row->family != 4)
		return;
	pool->output = row->box.field[PA_FIELD_OIFNAME];
	pool->unlimited = pool->unlimited || sources.count == 0;
	for (size_t i = 0; i < sources.count; i++)
		add_source(pool, sources.items[i]);
}

static bool is_way_out(const struct pool *pool, const char *interface)
{
	pa_u128 name = pa_ifname_value(interface);

	for (size_t i = 0; i < pool->output.count; i++)
		if (name >= pool->output.items[i].first && name <= pool->output.items[i].last)
			return true;
	return false;
}

/* A network that clients are in: one that this host has an address of, on another side. */
static bool is_inside(const struct pool *pool, const struct pa_host_address *address)
{
	return address->family == 4 && !address->broadcast && address->interface && address->prefix_length < 31 &&
	       address->address >> 24 != LOOPBACK4_FIRST >> 24 && !is_way_out(pool, address->interface);
}

/* The connected networks, as far as the sources are in them; false: they are not known. */
static bool keep_connected(const struct comparison *c, struct pool *pool)
{
	struct pa_interval *kept = NULL;
	size_t count = 0, capacity = 0;

	if (!c->host->live || !c->host->addresses_known || pool->output.count == 0)
		return !pool->unlimited;
	for (size_t i = 0; i < c->host->address_count; i++) {
		const struct pa_host_address *address = &c->host->addresses[i];
		struct pa_interval network;

		if (!is_inside(pool, address))
			continue;
		network = pa_prefix_interval(address->address, 4, address->prefix_length);
		for (size_t j = 0; j < (pool->unlimited ? 1 : pool->source_count); j++) {
			struct pa_interval part = pool->unlimited ? network : pool->sources[j];

			part.first = part.first > network.first ? part.first : network.first;
			part.last = part.last < network.last ? part.last : network.last;
			if (part.first > part.last)
				continue;
			pa_grow(&kept, &capacity, count + 1, sizeof(*kept));
			kept[count++] = part;
		}
	}
	free(pool->sources);
	pool->sources = kept;
	pool->source_count = count;
	pool->source_capacity = capacity;
	return true;
}

static pa_u128 count_clients(const struct pool *pool)
{
	bool in_full = pool->measured && !pool->unlimited;
	pa_u128 clients = 0;

	for (size_t i = 0; i < pool->source_count; i++) {
		struct pa_interval source = pool->sources[i];
		pa_u128 size = source.last - source.first + 1;
		bool provider = source.first >= provider_space.first && source.last <= provider_space.last;

		clients += size > PLAN_SIZE && !in_full && !provider ? PLAN_CLIENTS
			   : size > 2 && size % 4 == 0		     ? size - 2
								     : size;
	}
	return clients;
}

/* --- the finding ------------------------------------------------------------------------------------------------------------ */

static void put_count(pa_u128 count, struct pa_buffer *out)
{
	unsigned long number = (unsigned long)count;

	if (number >= 1000000)
		pa_buffer_printf(out, "%lu,%03lu,%03lu", number / 1000000, number / 1000 % 1000, number % 1000);
	else if (number >= 1000)
		pa_buffer_printf(out, "%lu,%03lu", number / 1000, number % 1000);
	else
		pa_buffer_printf(out, "%lu", number);
}

static void put_budget(pa_u128 ports, pa_u128 clients, struct pa_buffer *out)
{
	if (ports >= clients)
		put_count(ports / clients, out);
	else
		pa_buffer_puts(out, "not even 1");
}

/* "with 4 addresses: 252 ports for each client": the next pool that has enough, and the next power of two. */
static void put_what_if(const struct pool *pool, pa_u128 clients, struct pa_buffer *out)
{
	pa_u128 needed = (clients * FEW_PORTS + PORTS_OF_ADDRESS - 1) / PORTS_OF_ADDRESS;

	if (pool->ports < PORTS_OF_ADDRESS) {
		pa_buffer_puts(out, "without the port range: ");
		put_budget(pool->addresses * PORTS_OF_ADDRESS, clients, out);
		pa_buffer_puts(out, " ports for each client; ");
	}
	if (needed <= pool->addresses)
		needed = pool->addresses * 2;
	for (int i = 0; i < 2; i++, needed *= 4) {
		pa_buffer_puts(out, i ? ", with " : "snat to more addresses; with ");
		put_count(needed, out);
		pa_buffer_puts(out, " of them: ");
		put_budget(needed * PORTS_OF_ADDRESS, clients, out);
		pa_buffer_puts(out, i ? "" : " ports for each client");
	}
}

static void report(struct comparison *c, const struct pool *pool, pa_u128 clients)
{
	pa_u128 ports = pool->addresses * pool->ports;
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "%s ", pool->rule->text);
	finding = compare_add(c, PA_CHECK_NAT_001, text.data);
	if (ports >= clients * TOO_FEW_PORTS && finding->severity == pa_check_info(PA_CHECK_NAT_001)->severity)
		finding->severity = PA_SEVERITY_INFO;
	pa_buffer_clear(&text);
	describe_rule(pool->rule, &text);
	pa_buffer_puts(&text, " has ");
	put_count(pool->addresses, &text);
	pa_buffer_printf(&text, pool->addresses == 1 ? " address with " : " addresses, each with ");
	put_count(pool->ports, &text);
	pa_buffer_puts(&text, pool->ports == 1 ? " port for each destination and protocol, and up to "
					       : " ports for each destination and protocol, and up to ");
	put_count(clients, &text);
	pa_buffer_puts(&text, " clients: ");
	put_budget(ports, clients, &text);
	pa_buffer_puts(&text, ports < 2 * clients ? " port for each client" : " ports for each client");
	finding->message = compare_text(c, &text);
	put_what_if(pool, clients, &text);
	finding->fix = compare_text(c, &text);
	finding->rules = pa_arena_dup(c->result->arena, &pool->rule, 1, sizeof(pool->rule));
	finding->rule_count = 1;
	pa_buffer_done(&text);
}

static void judge(struct comparison *c, struct pool *pool)
{
	pa_u128 clients;

	if (pool->source_count == 0 && !pool->unlimited)
		return; /* nothing is forwarded through it */
	pool->source_count = compare_merge_intervals(pool->sources, pool->source_count);
	if (!keep_connected(c, pool))
		return;
	clients = count_clients(pool);
	if (clients > 0 && pool->addresses * pool->ports < clients * FEW_PORTS)
		report(c, pool, clients);
}

void check_port_budget(struct comparison *c)
{
	struct pool *pools = pa_arena_alloc(c->scratch, c->ruleset->rule_count + 1, sizeof(*pools));
	size_t count = 0;

	for (size_t i = 0; i < c->ruleset->rule_count; i++)
		count += make_pool(c->ruleset->rules[i], &pools[count]);
	if (count == 0 || c->host->forward_ipv4 == PA_NO)
		return;
	for (size_t i = 0; i < c->part_count[PA_PATH_FORWARD]; i++) {
		const struct pa_exposure *exposure = c->parts[PA_PATH_FORWARD][i].exposure;
		const struct pa_row *rows;
		size_t found = pa_evaluation_rows(c->evaluation, exposure, exposure->set, false, ROWS_MAX, &rows);

		for (size_t j = 0; j < found; j++)
			for (size_t k = 0; k < count; k++)
				take_row(&pools[k], &rows[j]);
	}
	for (size_t i = 0; i < count; i++) {
		judge(c, &pools[i]);
		free(pools[i].sources);
	}
}
