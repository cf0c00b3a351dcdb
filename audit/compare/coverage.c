/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a list of sockets does not tell, and what is taken in its place.
 *
 * Coverage is asked for each protocol and family: `ss -tln` has no UDP, so that nothing is said of UDP, and what is said of TCP stands.
 * Settings of the kernel that are not known (offline) are taken for its defaults; a finding that rests on one names it and is possible
 * only, and where such a check finds nothing it is not assessed: the host's own setting may differ.
 */
#include "listener.h"

static const unsigned protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };
#define COUNT (sizeof(protocols) / sizeof(*protocols))

pa_set compare_covered(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < COUNT; i++) {
		for (int family = 4; family <= 6; family += 2) {
			struct box_builder builder = { 0 };

			if (!pa_sockets_cover(c->host->sockets, protocols[i], family))
				continue;
			box_family(&builder, family);
			box_set(&builder, PA_FIELD_L4PROTO, protocols[i], protocols[i]);
			set = pa_set_union(c->space, set, compare_box(c, &builder));
		}
	}
	return set;
}

static bool covers_both(const struct comparison *c, unsigned protocol)
{
	return pa_sockets_cover(c->host->sockets, protocol, 4) && pa_sockets_cover(c->host->sockets, protocol, 6);
}

/* Of protocols beside TCP and UDP only what the kernel itself says is whole, and that is not told apart here. */
bool compare_covers_items(const struct comparison *c, const struct pa_service_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < COUNT; k++)
			if ((items[i].any_protocol || items[i].protocol == protocols[k]) && !items[i].icmp &&
			    !covers_both(c, protocols[k]))
				return false;
	return true;
}

/* "UDP", "TCP over IPv6 and UDP" */
const char *compare_uncovered(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	for (size_t i = 0; i < COUNT; i++) {
		bool has[2] = { pa_sockets_cover(c->host->sockets, protocols[i], 4),
				pa_sockets_cover(c->host->sockets, protocols[i], 6) };

		if (has[0] && has[1])
			continue;
		pa_buffer_printf(&text, "%s%s", text.length ? " and " : "", protocols[i] == PROTOCOL_TCP ? "TCP" : "UDP");
		if (has[0] || has[1])
			pa_buffer_printf(&text, " over IPv%d", has[0] ? 6 : 4);
	}
	return compare_text(c, &text);
}

const char *compare_why_uncovered(struct comparison *c)
{
	const char *uncovered = compare_uncovered(c);

	return pa_arena_printf(c->result->arena,
			       "sockets of %s are not in the list (ss -tulpn shows all): only the others were assessed",
			       uncovered);
}

void compare_settle(struct comparison *c, enum pa_check_id check)
{
	c->settled[check] = true;
}

/* --- defaults in the place of settings ----------------------------------------------------------------------------------- */

bool compare_knows_ephemeral(const struct pa_host *host)
{
	return host->ephemeral_last != 0 && host->reserved_ports_known;
}

const char *compare_assumed_ephemeral(struct comparison *c)
{
	struct pa_interval range = compare_ephemeral(c->host);

	if (compare_knows_ephemeral(c->host))
		return NULL;
	if (c->host->ephemeral_last != 0)
		return "if net.ipv4.ip_local_reserved_ports is empty, as is the kernel's default: the host's own is not known";
	return pa_arena_printf(c->result->arena,
			       "if net.ipv4.ip_local_port_range is %u-%u%s, the kernel's default: the host's own is not known",
			       (unsigned)range.first, (unsigned)range.last,
			       c->host->reserved_ports_known ? "" : " and nothing is reserved");
}

int compare_unprivileged_start(const struct pa_host *host)
{
	return host->unprivileged_port_start < 0 ? FIRST_USER_PORT : host->unprivileged_port_start;
}

void compare_assume(struct comparison *c, struct pa_finding *finding, const char *assumption)
{
	finding->certainty = PA_POSSIBLE;
	finding->condition = finding->condition
				     ? pa_arena_printf(c->result->arena, "%s; and %s", finding->condition, assumption)
				     : assumption;
}
