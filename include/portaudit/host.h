/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of the host that the ruleset alone does not tell. Each says whether it is known: unknown is never a default. */
#ifndef PORTAUDIT_HOST_H
#define PORTAUDIT_HOST_H

#include "portaudit/base.h"

struct pa_sockets; /* socket.h */

/* An address of the host, or a broadcast address of one of its networks. */
struct pa_host_address {
	int family; /* 4 or 6 */
	pa_u128 address;
	unsigned prefix_length;
	const char *interface; /* NULL: not known (--self) */
	bool broadcast;	       /* the address is a broadcast address, not one of the host's own */
	bool anycast;	       /* delivered here, but of type anycast (IPv6 subnet-router anycast on a forwarding host) */
};

/*
 * A route of the main table: packets to `to` leave through `interface`. The first row that holds a destination decides (longest
 * prefix first, the lowest metric only); of rows of equal family and `to` it may be any, as with the ways of one multipath route.
 */
struct pa_host_route {
	int family;
	struct pa_interval to;
	const char *interface; /* NULL: unreachable, blackhole */
	/* one of several ways of one route, even where the others are dead; not where several routes lead there */
	bool multipath;
};

/*
 * What an interface is to others. `lower`: all interfaces below it, through which its packets pass as well (a VLAN's device, a bridge's
 * ports, and what is below those); NULL-terminated, NULL: not known. `flat`: nothing is below those. `always`: there is one, and
 * every packet passes it. `bridge`: it is a bridge. `port`: it is a port of another one. What rules ask of it: `type`, ARPHRD_* of
 * linux/if_arp.h; `group`; `kind`, as in `ip link add type`, "" of one without, NULL: not known.
 */
struct pa_host_link {
	const char *name;
	const char *const *lower;
	bool flat;
	bool always;
	bool bridge;
	bool port;
	bool type_known;
	bool group_known;
	uint32_t type;
	uint32_t group;
	const char *kind;
};

/*
 * How the kernel checks the sources of IPv4 packets that come in by an interface: the larger one of the settings of all interfaces and
 * its own (IN_DEV_RPFILTER() and IN_DEV_ACCEPT_LOCAL() in include/linux/inetdevice.h). IPv6 has no such settings.
 */
struct pa_source_check {
	const char *interface;
	unsigned rp_filter; /* 0: not at all; 1: the way back goes through that interface; 2: there is a way back */
	bool accept_local;  /* own addresses are taken as sources too */
};

struct pa_host {
	struct pa_arena *arena;
	const char *name;
	bool live;	      /* from the kernel this process runs on, or recorded there (snapshot.h) */
	bool addresses_known; /* `addresses` is complete: every other address is foreign */
	struct pa_host_address *addresses;
	size_t address_count;
	bool interfaces_known;
	const char **interfaces;
	size_t interface_count;
	bool links_known; /* `links` has what every interface is; one that it lacks may be anything */
	struct pa_host_link *links;
	size_t link_count;
	bool routes_known;
	struct pa_host_route *routes;
	size_t route_count;
	enum pa_tristate forward_ipv4;	 /* net.ipv4.ip_forward, or forwarding on any interface */
	enum pa_tristate forward_ipv6;	 /* net.ipv6.conf.all.forwarding, or force_forwarding on any interface */
	enum pa_tristate route_localnet; /* net.ipv4.conf.*.route_localnet set on any interface */
	bool source_checks_known;	 /* `source_checks` has every interface that takes IPv4 */
	struct pa_source_check *source_checks;
	size_t source_check_count;
	bool has_now; /* --now: what rules ask of the time is asked of this moment */
	int64_t now;  /* seconds since 1970 */
	bool zone_known;
	int minutes_west; /* of the kernel's own zone (settimeofday(2)): local time is that much behind UTC */
	unsigned ephemeral_first, ephemeral_last; /* ip_local_port_range; 0, 0: not known */
	bool reserved_ports_known;
	struct pa_interval *reserved_ports; /* ip_local_reserved_ports, sorted */
	size_t reserved_port_count;
	int unprivileged_port_start;	  /* ip_unprivileged_port_start; -1: not known */
	const struct pa_sockets *sockets; /* who listens; NULL: not looked at. Borrowed */
	bool surroundings_known;	  /* live: the three lists are whole, but for what `unseen` names */
	const char **beside;		  /* what handles packets beside the rules: "an XDP program on eth0" */
	size_t beside_count;
	const char **namespaces; /* other network namespaces with a connected interface: "web (ip netns)" */
	size_t namespace_count;
	const char **unseen; /* what could not be looked at, and why */
	size_t unseen_count;
	bool files_known;		/* live, and in the network namespace that the host's files are for */
	enum pa_tristate loads_at_boot; /* does anything that boot starts load rules? */
	const char **boot_loaders;	/* services that boot starts and that load rules: "nftables". With files_known */
	size_t boot_loader_count;
	const char **loose_files; /* sentences: "/etc/nftables.conf may be written by group 100" */
	size_t loose_file_count;
};

struct pa_host *pa_host_new(const char *name); /* nothing known */
struct pa_host *pa_host_free(struct pa_host *host);
/*
 * Addresses (rtnetlink through libmnl), interfaces, routes, sysctls of this network namespace. Never NULL: what could not be
 * read stays unknown and is an error in diags (INCOMPLETE); what is there but beyond this struct (policy routing, ranges of
 * local addresses) makes addresses_known or routes_known false.
 */
struct pa_host *pa_host_read_live(struct pa_diags *diags);
/* Is this process in the network namespace that the host started with? Files, units and other namespaces are that one's. */
enum pa_tristate pa_host_in_first_namespace(void);
/* Is a service started at boot ("nftables"), and will it do something (ufw may be switched off)? systemd, System V or OpenRC. */
bool pa_host_starts_at_boot(const char *service);
/*
 * Add to loose_files when others than root may write a file, or a folder on the way to it. `root`: where that way ends, "" is /. A
 * file that is not there says nothing.
 */
void pa_host_check_file(struct pa_host *host, const char *root, const char *path);
/*
 * --self and `set self`: from now on exactly these addresses (and loopback) are local; what was read live is forgotten, a second
 * call adds. Text: addresses, with commas. false: one is no address, diags says which (INPUT), the host is as it was.
 */
bool pa_host_add_self(struct pa_host *host, const char *text, struct pa_diags *diags);

#endif
