/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random hosts: which addresses they have, what lies on top of what, and how much of that is known. */
#ifndef RANDOM_HOST_H
#define RANDOM_HOST_H

#include "random_rules.h"

#define NOT_ASKED false, false, 0, 0, NULL /* known of what rules ask */

static struct pa_host *random_host(void)
{
	static const struct pa_host_address all[] = {
		{ 4, V4(192, 0, 2, 1), 24, "eth0", false, false },
		{ 4, V4(192, 0, 2, 255), 24, "eth0", true, false },
		{ 4, V4(10, 0, 0, 1), 8, "eth1", false, false },
		{ 6, V6(0x20010db800000000, 1), 64, "eth0", false, false },
		{ 6, V6(0x20010db800000000, 0), 64, "eth0", false, true },
		{ 6, V6(0xfe80000000000000, 1), 64, "eth0", false, false },
	};
	static const struct pa_host_route routes[] = {
		{ 4, { V4(198, 51, 100, 0), V4(198, 51, 100, 255) }, "eth0", true },
		{ 4, { V4(198, 51, 100, 0), V4(198, 51, 100, 255) }, "eth1", true },
		{ 4, { V4(192, 0, 2, 0), V4(192, 0, 2, 255) }, "eth0", false },
		{ 4, { V4(10, 0, 0, 0), V4(10, 255, 255, 255) }, "eth1", false },
		{ 6, { V6(0x20010db800000000, 0), V6(0x20010db800000000, UINT64_MAX) }, "eth0", false },
		{ 6, { V6(0xfe80000000000000, 0), V6(0xfe80000000000000, UINT64_MAX) }, "eth0", false },
		{ 6, { V6(0xfe80000000000000, 0), V6(0xfe80000000000000, UINT64_MAX) }, "br-a", false },
		{ 6, { V6(0x20010db800010000, 0), V6(0x20010db80001ffff, UINT64_MAX) }, NULL, false },
		{ 6, { 0, PA_U128_MAX }, "eth1", false },
	};
	struct pa_host *host = pa_host_new("h");
	unsigned knowledge = draw(3);
	host->has_now = draw_state >> 21 & 1;
	host->now = (int64_t)(draw_state >> 22 & 7);
	host->addresses_known = knowledge > 0;
	static const char *const none[] = { NULL }, *const port[] = { "eth1", NULL }, *const deep[] = { "br-a", "eth1", NULL };
	static const struct pa_host_link links[][4] = { { { "lo", none, true, false, false, false, NOT_ASKED },
							  { "eth0", none, true, false, false, false, NOT_ASKED },
							  { "br-a", port, true, false, true, false, NOT_ASKED },
							  { "eth1", none, true, false, false, true, NOT_ASKED } },
							{ { "eth0", none, true, false, false, false, NOT_ASKED },
							  { "br-a", port, true, true, false, false, NOT_ASKED },
							  { "br-b", NULL, false, false, false, false, NOT_ASKED },
							  { "eth1", none, true, false, false, false, NOT_ASKED } },
							{ { "eth0", deep, false, false, false, false, NOT_ASKED },
							  { "br-a", port, true, false, true, false, NOT_ASKED },
							  { "eth1", none, true, false, false, false, NOT_ASKED },
							  { "br-b", none, true, false, false, false, NOT_ASKED } } };
	host->links_known = host->addresses_known && draw_state >> 40 & 1;
	host->link_count = draw_state >> 41 & 1 ? 4 : 3;
	host->links = pa_arena_dup(host->arena, links[(draw_state >> 42) % 3], 4, sizeof(links[0][0]));
	static const char *const kinds[] = { NULL, "", "veth", "tun" };
	for (size_t i = 0; i < host->link_count; i++) {
		host->links[i].type_known = draw_state >> (44 + i) & 3;
		host->links[i].type = draw_state >> (46 + i) & 1 ? 1 : 772;
		host->links[i].group_known = draw_state >> (48 + i) & 3;
		host->links[i].group = (uint32_t)(draw_state >> (50 + i) & 3);
		host->links[i].kind = kinds[draw_state >> (52 + i) & 3];
	}
	host->route_localnet = (enum pa_tristate)draw(3);
	host->forward_ipv4 = draw(4) ? PA_YES : PA_NO;
	host->forward_ipv6 = draw(4) ? PA_YES : PA_NO;
	if (knowledge) {
		host->address_count = sizeof(all) / sizeof(all[0]);
		host->addresses = pa_arena_dup(host->arena, all, host->address_count, sizeof(all[0]));
		for (size_t i = 0; knowledge == 1 && i < host->address_count; i++)
			host->addresses[i].interface = NULL;
	}
	host->routes_known = knowledge == 2;
	host->route_count = host->routes_known ? sizeof(routes) / sizeof(routes[0]) : 0;
	host->routes = pa_arena_dup(host->arena, routes, sizeof(routes) / sizeof(routes[0]), sizeof(routes[0]));
	return host;
}

#endif
