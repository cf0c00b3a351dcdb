/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy: allow.conf parsed, names resolved, every statement with its place.
 *
 * All names (networks, zones, services) are resolved when it is parsed: statements hold intervals. `self` stays a flag,
 * because only the host knows what it is. Read-only once parsed; everything is in `arena`.
 */
#ifndef PORTAUDIT_POLICY_H
#define PORTAUDIT_POLICY_H

#include "portaudit/base.h"

enum pa_severity { PA_SEVERITY_INFO, PA_SEVERITY_LOW, PA_SEVERITY_MEDIUM, PA_SEVERITY_HIGH, PA_SEVERITY_CRITICAL };
const char *pa_severity_name(enum pa_severity severity);
bool pa_severity_parse(const char *text, enum pa_severity *ret_severity);

enum pa_path { PA_PATH_IN, PA_PATH_FORWARD, PA_PATH_OUT };
const char *pa_path_name(enum pa_path path); /* "in", "forward", "out" */

/* Days since 1970-01-01, for review and waiver dates. */
typedef int32_t pa_day;
#define PA_DAY_NONE INT32_MIN
bool pa_day_parse(const char *text, pa_day *ret_day); /* YYYY-MM-DD */
#define PA_DAY_TEXT_MAX 16
void pa_day_format(pa_day day, char out[PA_DAY_TEXT_MAX]); /* the same; PA_DAY_NONE: "never" */

/*
 * Addresses of an endpoint: sorted, disjoint, not touching intervals per family, `except` already taken out. Only the
 * host knows what `self` is, so the region is made in three steps:
 *   1. everything when `any` (then all lists are empty and no other flag is set), else the lists ipv4 and ipv6
 *      (`any except 10.0.0.0/8` is lists, too);
 *   2. except_self: take the host's addresses out;
 *   3. self: add the host's addresses, without those in except_ipv4 and except_ipv6.
 * Nothing set and nothing in the lists: no address (an empty list file).
 */
struct pa_addresses {
	bool any;
	bool self;
	bool except_self;
	struct pa_interval *ipv4; /* IPv4-mapped values */
	size_t ipv4_count;
	struct pa_interval *ipv6;
	size_t ipv6_count;
	/* Only with `self`: those of the host's addresses that do not count (`self except 192.0.2.1`). */
	struct pa_interval *except_ipv4;
	size_t except_ipv4_count;
	struct pa_interval *except_ipv6;
	size_t except_ipv6_count;
	const char *text; /* as written */
};

/*
 * Interfaces: the union of intervals of pa_ifname_value() and of globs; globs that are no prefix are expanded against
 * nothing and kept as text. any: all of them (then the lists are empty).
 */
struct pa_interfaces {
	bool any;
	struct pa_interval *names;
	size_t name_count;
	const char **globs; /* patterns with `?` or an inner `*`: matched against the names that the ruleset and host know */
	size_t glob_count;
	const char *text;
};

/*
 * One protocol with its ports, or ICMP types; a `what` is the union of its items. any_protocol: `any`, every packet of
 * every protocol. `80/any` is one item for each protocol that has ports (tcp, udp, udplite, sctp, dccp). ICMP (1) is
 * IPv4 only and ICMPv6 (58) IPv6 only.
 */
struct pa_service_item {
	bool any_protocol;
	unsigned protocol;	  /* IP protocol number */
	bool any_port;		  /* 0-65535; protocols without ports and ICMP have it too */
	struct pa_interval ports; /* destination ports; `ephemeral` is resolved by the host: */
	bool ephemeral;
	bool icmp; /* protocol 1 or 58: type and code below */
	struct pa_interval icmp_type;
	struct pa_interval icmp_code;
	const char *text; /* "443/tcp", "ssh", as written; a service of the policy: its name */
};

/* The union of sorted, disjoint intervals; ephemeral: the host's ip_local_port_range as well. */
struct pa_ports {
	bool any; /* `port any`, or no `port` */
	bool ephemeral;
	struct pa_interval *items;
	size_t count;
};

/* Not given: everything is `any`. In `from`, interfaces are the input interfaces, in `to` the output interfaces. */
struct pa_endpoint {
	bool given;
	struct pa_addresses addresses;
	struct pa_ports ports; /* from: source ports. to: not used by the grammar's `what`, further destination ports */
	struct pa_interfaces interfaces;
};

/* Who listens: everything that is given must fit. Names of users, groups, programs and units may hold * and ?. */
struct pa_who {
	const char *user, *group; /* a name or a number; NULL: anybody */
	const char *executable;	  /* a path */
	const char *unit;	  /* "nginx.service" */
	uint64_t capabilities;	  /* bits of linux/capability.h: some of these and no others; 0: not asked */
	const char *text;	  /* as written */
};
struct pa_whos {
	struct pa_who *items; /* one of them must fit */
	size_t count;
};

/* `listener ...` of a block. */
enum pa_listener_demand {
	PA_LISTENER_NOT_GIVEN,
	PA_LISTENER_REQUIRED, /* somebody must listen */
	PA_LISTENER_NONE,     /* nobody may */
	PA_LISTENER_ANY,      /* whoever it is */
	PA_LISTENER_BY,	      /* if anybody, then these */
};

/* The fields of a block. NULL or PA_DAY_NONE: not given. */
struct pa_fields {
	const char *owner, *reason, *ticket, *approved_by;
	pa_day review;
	bool has_severity;
	enum pa_severity severity;
	bool rate_limited, logged;
	const char *listener; /* as written: "required", "none", "any", "exe /usr/sbin/sshd user root" */
	enum pa_listener_demand listener_demand;
	struct pa_whos listener_whos; /* BY */
};

enum pa_listen_kind { PA_LISTEN_BY, PA_LISTEN_ONLY_ON, PA_LISTEN_NEVER };

enum pa_statement_kind { PA_STATEMENT_ALLOW, PA_STATEMENT_DENY, PA_STATEMENT_REQUIRE, PA_STATEMENT_LISTEN, PA_STATEMENT_WAIVE };

struct pa_statement {
	enum pa_statement_kind kind;
	unsigned id; /* position among all statements */
	struct pa_location where;
	const char *text; /* the statement on one line in canonical spacing, names as written, without the block */
	/* allow, deny, require; waive ... for */
	enum pa_path path; /* waive and listen have none: always PA_PATH_IN */
	int family;	   /* 0 both, 4, 6 */
	struct pa_service_item *items;
	size_t item_count;
	struct pa_endpoint from, to;
	bool has_dnat;
	int dnat_family;
	pa_u128 dnat_address;
	unsigned dnat_port; /* 0: any */
	struct pa_fields fields;
	/* listen */
	const char *listen_text; /* what follows the services, as written */
	enum pa_listen_kind listen;
	struct pa_whos listen_whos;	    /* BY */
	struct pa_addresses listen_only_on; /* ONLY_ON */
	/* waive */
	const char *check; /* "PA-EXP-001" */
	bool has_what;
	pa_day until;
};

struct pa_check_setting {
	const char *check; /* "PA-EXP-001" */
	struct pa_location where;
	bool has_enabled, enabled;
	bool has_severity;
	enum pa_severity severity;
	struct pa_fields fields; /* of the block, when there is one */
};

/* A `service NAME = ...` that holds for the host in question. */
struct pa_named_service {
	const char *name;
	const struct pa_service_item *items;
	size_t count;
	struct pa_location where;
};

struct pa_policy {
	struct pa_arena *arena;
	const char *file;
	struct pa_statement **statements;
	size_t statement_count;
	struct pa_named_service *services; /* by name */
	size_t service_count;
	struct pa_check_setting *checks; /* one for each check that the policy names */
	size_t check_count;
	/* set ... */
	bool has_fail_on;
	enum pa_severity fail_on;
	bool loopback_checked; /* set loopback checked */
	bool has_self;
	struct pa_addresses self; /* set self ... */
	bool has_untrusted;
	struct pa_interfaces untrusted; /* set untrusted ...: zones or interfaces; else those of the default routes */
	int waiver_max_days;		/* -1: not set */
	const char **require_fields;	/* NULL-terminated, or NULL */
};

/*
 * Parse a policy file. `host` selects the host blocks that apply (--as-host, or this host's name; NULL: none of them does).
 * `check_known` tells whether a check id exists (so that rules/ needs not know the catalogue); NULL accepts any
 * well-formed id. All errors of all files are added to diags (kind INPUT; file by file, sorted by position; above 100 a
 * note says how many more), then NULL is returned. Warnings may be added to diags of a policy that is returned. Only errors
 * of form carry their source line; an error of meaning quotes the word.
 */
struct pa_policy *pa_policy_load(const char *path, const char *host, bool (*check_known)(const char *id),
				 struct pa_diags *diags);
/* The same from memory; `name` stands in the diagnostics, includes are relative to its folder. */
struct pa_policy *pa_policy_parse(const char *text, size_t length, const char *name, const char *host,
				  bool (*check_known)(const char *id), struct pa_diags *diags);
/* As pa_policy_load(), with warnings for a person who goes through the file: unused names, FIXME, fields without a meaning. */
struct pa_policy *pa_policy_load_for_lint(const char *path, const char *host, bool (*check_known)(const char *id),
					  struct pa_diags *diags);
/*
 * The same file in canonical form (fmt): blanks, indentation, blocks under each other; comments and groups of lines stay. `name`
 * stands in the diagnostics. false: the form of the text is wrong, and diags says where (INPUT); what its names mean does not matter.
 */
bool pa_policy_layout(const char *text, size_t length, const char *name, struct pa_buffer *out, struct pa_diags *diags);
/* Read a policy file for it. false: diags says why (INPUT). */
bool pa_policy_read(const char *path, struct pa_buffer *out, struct pa_diags *diags);

struct pa_policy *pa_policy_free(struct pa_policy *policy);

/* May a network, zone or service be called so? (A letter, then letters, digits, '-', '_', '.', and no word of the language.) */
bool pa_policy_is_name(const char *word);

/* The compiled-in service table: "ssh" -> 22/tcp. Returns the number of items (0: unknown name). */
size_t pa_service_lookup(const char *name, const struct pa_service_item **ret_items);
/* The name that the policy's own services give to a port; the one with the fewest ports wins. policy may be NULL. NULL: none. */
const char *pa_policy_service_name(const struct pa_policy *policy, unsigned protocol, unsigned port);
/* The service usually found on a port ("ssh" for 22/tcp), or NULL. */
const char *pa_service_name(unsigned protocol, unsigned port);
const char *pa_protocol_name(unsigned protocol); /* "tcp", or NULL */

#endif
