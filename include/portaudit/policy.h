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

/*
 * Addresses of an endpoint: sorted, disjoint intervals per family, `except` already taken out. any: both families, all
 * (then the lists are empty). self: the host's own addresses as well.
 */
struct pa_addresses {
	bool any;
	bool self;
	struct pa_interval *ipv4; /* IPv4-mapped values */
	size_t ipv4_count;
	struct pa_interval *ipv6;
	size_t ipv6_count;
	/* `any except ...` and `self except ...`: what is taken out (already applied where it could be). */
	struct pa_interval *except_ipv4;
	size_t except_ipv4_count;
	struct pa_interval *except_ipv6;
	size_t except_ipv6_count;
	const char *text; /* as written */
};

/* Interfaces: intervals of pa_ifname_value(); globs that are no prefix are expanded against nothing and kept as text. */
struct pa_interfaces {
	bool any;
	struct pa_interval *names;
	size_t name_count;
	const char **globs; /* patterns with `?` or an inner `*`: matched against the names that the ruleset and host know */
	size_t glob_count;
	const char *text;
};

/* One protocol with its ports, or ICMP types. any_protocol: `any`. */
struct pa_service_item {
	bool any_protocol;
	unsigned protocol;	  /* IP protocol number */
	bool any_port;		  /* protocols without ports have it too */
	struct pa_interval ports; /* destination ports; `ephemeral` is resolved by the host: */
	bool ephemeral;
	bool icmp; /* protocol 1 or 58: type and code below */
	struct pa_interval icmp_type;
	struct pa_interval icmp_code;
	const char *text; /* "443/tcp", "ssh", as written */
};

struct pa_ports {
	bool any;
	struct pa_interval *items;
	size_t count;
};

struct pa_endpoint {
	bool given;
	struct pa_addresses addresses;
	struct pa_ports ports; /* from: source ports. to: not used by the grammar's `what`, further destination ports */
	struct pa_interfaces interfaces;
};

/* The fields of a block. NULL or PA_DAY_NONE: not given. */
struct pa_fields {
	const char *owner, *reason, *ticket, *approved_by;
	pa_day review;
	bool has_severity;
	enum pa_severity severity;
	bool rate_limited, logged;
	const char *listener; /* as written: "required", "none", "any", "exe /usr/sbin/sshd user root" */
};

enum pa_statement_kind { PA_STATEMENT_ALLOW, PA_STATEMENT_DENY, PA_STATEMENT_REQUIRE, PA_STATEMENT_LISTEN, PA_STATEMENT_WAIVE };

struct pa_statement {
	enum pa_statement_kind kind;
	unsigned id; /* position among all statements */
	struct pa_location where;
	const char *text; /* the statement's line(s) as written, blanks folded, without the block */
	/* allow, deny, require; waive ... for */
	enum pa_path path;
	int family; /* 0 both, 4, 6 */
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
};

struct pa_policy {
	struct pa_arena *arena;
	const char *file;
	struct pa_statement **statements;
	size_t statement_count;
	struct pa_check_setting *checks;
	size_t check_count;
	/* set ... */
	bool has_fail_on;
	enum pa_severity fail_on;
	bool loopback_checked; /* set loopback checked */
	bool has_self;
	struct pa_addresses self;    /* set self ... */
	int waiver_max_days;	     /* -1: not set */
	const char **require_fields; /* NULL-terminated, or NULL */
};

/*
 * Parse a policy file. `host` selects the host blocks that apply (--as-host, or this host's name; NULL: none of them does).
 * `checks_known` tells whether a check id exists (so that rules/ needs not know the catalogue); NULL accepts any
 * well-formed id. All errors of all files are added to diags, then NULL is returned.
 */
struct pa_policy *pa_policy_load(const char *path, const char *host, bool (*check_known)(const char *id),
				 struct pa_diags *diags);
/* The same from memory; `name` stands in the diagnostics, includes are relative to its folder. */
struct pa_policy *pa_policy_parse(const char *text, size_t length, const char *name, const char *host,
				  bool (*check_known)(const char *id), struct pa_diags *diags);
struct pa_policy *pa_policy_free(struct pa_policy *policy);

/* The compiled-in service table: "ssh" -> 22/tcp. Returns the number of items (0: unknown name). */
size_t pa_service_lookup(const char *name, const struct pa_service_item **ret_items);
/* The service usually found on a port ("ssh" for 22/tcp), or NULL. */
const char *pa_service_name(unsigned protocol, unsigned port);
const char *pa_protocol_name(unsigned protocol); /* "tcp", or NULL */

#endif
