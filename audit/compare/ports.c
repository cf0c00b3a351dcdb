/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks on ports that need no policy: EXP-005, EXP-006, EXP-007, EXP-009. "Any source" is every source that the ruleset
 * does not single out (arbitrary.c), with the source port of a client.
 *
 * EXP-007  on some interface, any source reaches any port that the ruleset does not single out, over TCP or UDP. Not
 *          reported where default deny is reported as missing: it is the same mistake. Medium where the ruleset names
 *          another interface that is not open: then the open one is probably a trusted side, which a policy would say.
 * EXP-006  one rule lets any source reach more than 1024 ports, or all of 1-1023, of TCP or UDP.
 * EXP-005  any source reaches a service of the table below.
 * EXP-009  packets that get in, but would not with a client's source port. Protocols that use fixed ports at both ends
 *          (DHCP, mDNS, IKE ...) are meant so.
 *
 * EXP-005 and EXP-006 look at traffic to this host and at what DNAT publishes, not at what is routed through.
 */
#include "compare.h"

#define MANY_PORTS 1024

static const struct risky_service risky_services[] = {
	{ "FTP", PROTOCOL_TCP, 21, 21 },
	{ "Telnet", PROTOCOL_TCP, 23, 23 },
	{ "TFTP", PROTOCOL_UDP, 69, 69 },
	{ "rpcbind", PROTOCOL_TCP, 111, 111 },
	{ "rpcbind", PROTOCOL_UDP, 111, 111 },
	{ "NetBIOS and SMB", PROTOCOL_TCP, 135, 139 },
	{ "NetBIOS and SMB", PROTOCOL_TCP, 445, 445 },
	{ "NetBIOS and SMB", PROTOCOL_UDP, 137, 138 },
	{ "SNMP", PROTOCOL_UDP, 161, 161 },
	{ "LDAP", PROTOCOL_TCP, 389, 389 },
	{ "LDAP", PROTOCOL_UDP, 389, 389 },
	{ "rexec, rlogin and rsh", PROTOCOL_TCP, 512, 514 },
	{ "IPMI", PROTOCOL_UDP, 623, 623 },
	{ "rsync", PROTOCOL_TCP, 873, 873 },
	{ "SQL Server", PROTOCOL_TCP, 1433, 1433 },
	{ "SQL Server", PROTOCOL_UDP, 1434, 1434 },
	{ "Oracle", PROTOCOL_TCP, 1521, 1521 },
	{ "NFS", PROTOCOL_TCP, 2049, 2049 },
	{ "NFS", PROTOCOL_UDP, 2049, 2049 },
	{ "ZooKeeper", PROTOCOL_TCP, 2181, 2181 },
	{ "Docker API", PROTOCOL_TCP, 2375, 2377 },
	{ "etcd", PROTOCOL_TCP, 2379, 2380 },
	{ "MySQL", PROTOCOL_TCP, 3306, 3306 },
	{ "RDP", PROTOCOL_TCP, 3389, 3389 },
	{ "RDP", PROTOCOL_UDP, 3389, 3389 },
	{ "PostgreSQL", PROTOCOL_TCP, 5432, 5432 },
	{ "VNC", PROTOCOL_TCP, 5900, 5903 },
	{ "CouchDB", PROTOCOL_TCP, 5984, 5984 },
	{ "WinRM", PROTOCOL_TCP, 5985, 5986 },
	{ "X11", PROTOCOL_TCP, 6000, 6007 },
	{ "Redis", PROTOCOL_TCP, 6379, 6379 },
	{ "Cassandra", PROTOCOL_TCP, 9042, 9042 },
	{ "Kafka", PROTOCOL_TCP, 9092, 9092 },
	{ "Elasticsearch", PROTOCOL_TCP, 9200, 9200 },
	{ "Elasticsearch", PROTOCOL_TCP, 9300, 9300 },
	{ "Kubelet", PROTOCOL_TCP, 10250, 10250 },
	{ "memcached", PROTOCOL_TCP, 11211, 11211 },
	{ "memcached", PROTOCOL_UDP, 11211, 11211 },
	{ "MongoDB", PROTOCOL_TCP, 27017, 27017 },
};
#define RISKY_COUNT (sizeof(risky_services) / sizeof(*risky_services))

size_t compare_risky_services(const struct risky_service **ret_services)
{
	*ret_services = risky_services;
	return RISKY_COUNT;
}

static const struct port_pair paired_ports[] = {
	{ 67, 68 },   { 68, 67 },   { 547, 546 }, { 546, 547 },	  { 123, 123 },	  { 137, 137 },	  { 138, 138 },
	{ 500, 500 }, { 520, 520 }, { 521, 521 }, { 4500, 4500 }, { 5353, 5353 }, { 5355, 5355 },
};

size_t compare_paired_ports(const struct port_pair **ret_pairs)
{
	*ret_pairs = paired_ports;
	return sizeof(paired_ports) / sizeof(*paired_ports);
}

/* --- sets ------------------------------------------------------------------------------------------------------------- */

static pa_set risky_set(struct comparison *c, const char *name)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < RISKY_COUNT; i++) {
		struct box_builder builder = { 0 };

		if (name && !pa_text_equal(risky_services[i].name, name))
			continue;
		box_set(&builder, PA_FIELD_L4PROTO, risky_services[i].protocol, risky_services[i].protocol);
		box_set(&builder, PA_FIELD_DPORT, risky_services[i].first, risky_services[i].last);
		set = pa_set_union(c->space, set, compare_box(c, &builder));
	}
	return set;
}

static pa_set with_source(struct comparison *c, int family, pa_u128 source)
{
	struct box_builder builder = { 0 };
	pa_u128 port;

	box_ordinary(c, &builder, 0);
	box_family(&builder, family);
	box_set(&builder, PA_FIELD_SADDR, source, source);
	if (c->arbitrary->source_port.count > 0) {
		port = c->arbitrary->source_port.value[0];
		box_set(&builder, PA_FIELD_SPORT, port, port);
	}
	return compare_box(c, &builder);
}

static pa_set forget_sender(struct comparison *c, pa_set set)
{
	const struct ordinary_value *values;
	size_t count = compare_ordinary_values(&values);

	for (size_t i = 0; i < count; i++)
		set = pa_set_project(c->space, set, values[i].field);
	set = pa_set_project(c->space, set, PA_FIELD_SADDR);
	return pa_set_project(c->space, set, PA_FIELD_SPORT);
}

pa_set compare_from_anywhere(struct comparison *c, enum pa_path path)
{
	pa_set reach = pa_set_intersect(c->space, pa_evaluation_reachable(c->evaluation, path, PA_POSSIBLE), c->scope[path]);
	pa_set all = pa_set_empty(c->space);

	for (int family = 4; family <= 6; family += 2) {
		const struct arbitrary_values *sources = &c->arbitrary->source[family == 6];
		pa_set every = sources->count > 0 ? pa_set_full(c->space) : pa_set_empty(c->space);

		for (size_t i = 0; i < sources->count; i++) {
			pa_set one = pa_set_intersect(c->space, reach, with_source(c, family, sources->value[i]));

			every = pa_set_intersect(c->space, every, forget_sender(c, one));
		}
		all = pa_set_union(c->space, all, every);
	}
	return all;
}

/* --- notes on findings of other checks --------------------------------------------------------------------------------- */

/* What a group lets in from an arbitrary source and client port; others may add more of the same ports. */
static pa_set group_from_anywhere(struct comparison *c, const struct group *group)
{
	pa_set set = pa_set_empty(c->space);

	for (int family = 4; family <= 6; family += 2)
		if (c->arbitrary->source[family == 6].count > 0)
			set = pa_set_union(c->space, set, with_source(c, family, c->arbitrary->source[family == 6].value[0]));
	return pa_set_intersect(c->space, pa_set_intersect(c->space, group->set, set), c->anywhere[group->exposure->path]);
}

struct port_count {
	size_t all, system;
};

static bool count_ports(void *context, const struct pa_box *box)
{
	struct port_count *count = context;
	struct pa_interval any = { 0, 65535 };
	struct pa_ranges ports = box->field[PA_FIELD_DPORT];

	if (ports.count == 0)
		ports = (struct pa_ranges){ &any, 1 };
	for (size_t i = 0; i < ports.count; i++) {
		size_t first = (size_t)ports.items[i].first, last = (size_t)ports.items[i].last;

		count->all += last - first + 1;
		for (size_t port = first < 1 ? 1 : first; port <= last && port <= 1023; port++)
			count->system++;
	}
	return true;
}

bool compare_is_for_anyone(struct comparison *c, const struct group *group)
{
	return !pa_set_is_empty(c->space, group_from_anywhere(c, group));
}

static const char *wide_class(struct comparison *c, pa_set set, unsigned protocol)
{
	struct port_count count = { 0, 0 };

	set = pa_set_intersect(c->space, set, compare_single(c, PA_FIELD_L4PROTO, protocol, protocol));
	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (i != PA_FIELD_DPORT)
			set = pa_set_project(c->space, set, (enum pa_field)i);
	pa_set_boxes(c->space, set, 0, count_ports, &count);
	if (count.all > MANY_PORTS)
		return "more than 1024 ports";
	return count.system == 1023 ? "all system ports" : NULL;
}

static const char *class_of(struct comparison *c, pa_set set)
{
	const char *class = wide_class(c, set, PROTOCOL_TCP);

	return class ? class : wide_class(c, set, PROTOCOL_UDP);
}

/* The class of ports that the group opens to any source, or NULL. */
static const char *group_class(struct comparison *c, const struct group *group)
{
	return class_of(c, group_from_anywhere(c, group));
}

static bool is_published(const struct pa_exposure *exposure)
{
	return exposure->path == PA_PATH_IN || (exposure->path == PA_PATH_FORWARD && exposure->has_target);
}

pa_set compare_open(struct comparison *c, enum pa_path path)
{
	pa_set reach = compare_new_packets(c, path, PA_POSSIBLE), open = pa_set_empty(c->space);

	for (int family = 4; family <= 6; family += 2) {
		open = pa_set_union(c->space, open, compare_open_contexts(c, path, family, PROTOCOL_TCP, reach));
		open = pa_set_union(c->space, open, compare_open_contexts(c, path, family, PROTOCOL_UDP, reach));
	}
	return open;
}

void compare_note_ports(struct comparison *c, struct pa_finding *finding, const struct group *group)
{
	pa_set from_anywhere;

	if (!is_published(group->exposure))
		return;
	from_anywhere = group_from_anywhere(c, group);
	if (pa_set_is_empty(c->space, from_anywhere))
		return;
	if (!pa_set_is_empty(c->space, pa_set_intersect(c->space, from_anywhere, risky_set(c, NULL))))
		compare_stands_for(c, finding, PA_CHECK_EXP_005);
	if (group_class(c, group))
		compare_stands_for(c, finding, PA_CHECK_EXP_006);
	if (group->exposure->path == PA_PATH_IN && group_class(c, group) &&
	    !pa_set_is_empty(c->space, pa_set_intersect(c->space, from_anywhere, c->open)))
		compare_stands_for(c, finding, PA_CHECK_EXP_007);
}

/* --- EXP-009 ------------------------------------------------------------------------------------------------------------- */

static pa_set paired_set(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < sizeof(paired_ports) / sizeof(*paired_ports); i++) {
		struct box_builder builder = { 0 };

		box_set(&builder, PA_FIELD_SPORT, paired_ports[i].source, paired_ports[i].source);
		box_set(&builder, PA_FIELD_DPORT, paired_ports[i].destination, paired_ports[i].destination);
		set = pa_set_union(c->space, set, compare_box(c, &builder));
	}
	return set;
}

static void put_rules(const struct group *group, struct pa_buffer *out)
{
	if (group->row.rule_count > 0)
		describe_rules(group->row.rules, group->row.rule_count, out);
	else
		pa_buffer_puts(out, "the policy of the chain");
}

static void report_hole(struct comparison *c, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_EXP_009, group, NULL);
	struct pa_buffer text = { 0 };

	describe_group(group, &text);
	pa_buffer_printf(&text, " %s only because the sender chose that source port",
			 group->row.certainty == PA_CERTAIN ? "gets in" : "may get in");
	if (group->row.condition)
		pa_buffer_printf(&text, " (%s)", group->row.condition);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "replace ");
	put_rules(group, &text);
	pa_buffer_puts(
		&text,
		": replies are accepted by `ct state established,related accept`; a service is named by its own port (dport)");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	if (c->policy)
		compare_stands_for(c, finding, group->exposure->path == PA_PATH_IN ? PA_CHECK_EXP_001 : PA_CHECK_FWD_001);
}

static pa_set hole_set(struct comparison *c, enum pa_path path)
{
	pa_u128 port = c->arbitrary->source_port.value[0];
	pa_set reach = pa_evaluation_reachable(c->evaluation, path, PA_POSSIBLE);
	pa_set client = pa_set_intersect(c->space, reach, compare_single(c, PA_FIELD_SPORT, port, port));
	pa_set ports = pa_set_union(c->space, compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP),
				    compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_UDP, PROTOCOL_UDP));
	pa_set hole = pa_set_minus(c->space, reach, pa_set_project(c->space, client, PA_FIELD_SPORT));

	return pa_set_minus(c->space, pa_set_intersect(c->space, hole, ports), paired_set(c));
}

void check_source_ports(struct comparison *c)
{
	if (c->arbitrary->source_port.count == 0) {
		compare_not_assessed(c, PA_CHECK_EXP_009, "the ruleset names every source port that clients use");
		return;
	}
	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		pa_set hole = hole_set(c, (enum pa_path)path);
		struct groups groups = { .divides = true, .check = PA_CHECK_EXP_009 };

		for (size_t i = 0; i < c->part_count[path]; i++) {
			struct part *part = &c->parts[path][i];
			pa_set taken = pa_set_intersect(c->space, part->left, hole);

			groups_add(c, &groups, part->exposure, taken);
			part->left = pa_set_minus(c->space, part->left, taken);
		}
		groups_merge(c, &groups);
		for (size_t i = 0; i < groups.count; i++)
			report_hole(c, &groups.items[i]);
		groups_done(&groups);
	}
}

/* --- EXP-007 ------------------------------------------------------------------------------------------------------------- */

/* Is there an interface that some rule names and that is not open? Then the open one is meant to be a trusted side. */
static bool names_closed_interface(struct comparison *c)
{
	struct box_builder builder = { 0 };
	pa_set named;

	if (c->arbitrary->input_names.count == 0)
		return false;
	builder.box.field[PA_FIELD_IIFNAME] = c->arbitrary->input_names;
	named = pa_set_minus(c->space, compare_box(c, &builder), compare_loopback(c, PA_PATH_IN));
	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (i != PA_FIELD_IIFNAME)
			named = pa_set_project(c->space, named, (enum pa_field)i);
	return !pa_set_is_empty(c->space, pa_set_minus(c->space, named, pa_set_project(c->space, c->open, PA_FIELD_NFPROTO)));
}

static void report_open(struct comparison *c, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_EXP_007, group, NULL);
	struct pa_buffer text = { 0 };

	if (names_closed_interface(c) && finding->severity == pa_check_info(PA_CHECK_EXP_007)->severity)
		finding->severity = PA_SEVERITY_MEDIUM;

	pa_buffer_puts(&text, "any source may reach any port: ");
	describe_group(group, &text);
	pa_buffer_printf(&text, " %s", group->row.certainty == PA_CERTAIN ? "gets in" : "may get in");
	if (group->row.condition)
		pa_buffer_printf(&text, " (%s)", group->row.condition);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "limit ");
	put_rules(group, &text);
	pa_buffer_puts(&text, " to the sources and ports that are needed there");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	c->found_as[PA_CHECK_EXP_006] = c->found_as[PA_CHECK_EXP_005] = pa_check_info(PA_CHECK_EXP_007)->code;
}

void check_open(struct comparison *c)
{
	pa_set open = c->open, reported = pa_set_minus(c->space, open, c->open_default[PA_PATH_IN]);
	struct groups groups = { 0 };

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++) {
		struct part *part = &c->parts[PA_PATH_IN][i];

		if (compare_enabled(c, PA_CHECK_EXP_007))
			groups_add(c, &groups, part->exposure, pa_set_intersect(c->space, part->left, reported));
		part->left = pa_set_minus(c->space, part->left,
					  compare_enabled(c, PA_CHECK_EXP_007) ? open : c->open_default[PA_PATH_IN]);
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		if (group_class(c, &groups.items[i]))
			report_open(c, &groups.items[i]);
	groups_done(&groups);
}

/* --- EXP-006 ------------------------------------------------------------------------------------------------------------- */

static void report_class(struct comparison *c, const struct group *group, const char *class)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_EXP_006, group, NULL);
	struct pa_buffer text = { 0 };

	pa_buffer_printf(&text, "one rule opens %s: ", class);
	describe_group(group, &text);
	if (group->row.condition)
		pa_buffer_printf(&text, " (%s)", group->row.condition);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "name the ports that are needed in ");
	put_rules(group, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	if (!pa_set_is_empty(c->space, pa_set_intersect(c->space, group->set, risky_set(c, NULL))))
		compare_stands_for(c, finding, PA_CHECK_EXP_005);
}

static void take_group(struct comparison *c, const struct group *group)
{
	enum pa_path path = group->exposure->path;

	for (size_t i = 0; i < c->part_count[path]; i++)
		c->parts[path][i].left = pa_set_minus(c->space, c->parts[path][i].left, group->set);
}

void check_classes(struct comparison *c)
{
	struct groups groups = { 0 };

	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		for (size_t i = 0; i < c->part_count[path]; i++) {
			struct part *part = &c->parts[path][i];

			if (is_published(part->exposure))
				groups_add(c, &groups, part->exposure,
					   pa_set_intersect(c->space, part->left, c->anywhere[path]));
		}
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++) {
		const char *class = group_class(c, &groups.items[i]);

		if (class) {
			report_class(c, &groups.items[i], class);
			take_group(c, &groups.items[i]);
		}
	}
	groups_done(&groups);
}

/* --- EXP-005 ------------------------------------------------------------------------------------------------------------- */

static void report_service(struct comparison *c, const struct group *group, const char *name)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_EXP_005, group, NULL);
	struct pa_buffer text = { 0 };

	pa_buffer_printf(&text, "%s is reachable from any source: ", name);
	describe_group(group, &text);
	if (group->row.condition)
		pa_buffer_printf(&text, " (%s)", group->row.condition);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "limit the sources in ");
	put_rules(group, &text);
	pa_buffer_puts(&text, ", or reach the service over a VPN or an SSH tunnel");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

static void check_service(struct comparison *c, const char *name)
{
	pa_set service = risky_set(c, name);
	struct groups groups = { 0 };

	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		for (size_t i = 0; i < c->part_count[path]; i++) {
			struct part *part = &c->parts[path][i];
			pa_set set =
				pa_set_intersect(c->space, part->left, pa_set_intersect(c->space, service, c->anywhere[path]));

			if (is_published(part->exposure))
				groups_add(c, &groups, part->exposure, set);
		}
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		if (compare_is_for_anyone(c, &groups.items[i]))
			report_service(c, &groups.items[i], name);
	groups_done(&groups);
}

void check_services(struct comparison *c)
{
	for (size_t i = 0; i < RISKY_COUNT; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen = seen || pa_text_equal(risky_services[j].name, risky_services[i].name);
		if (!seen)
			check_service(c, risky_services[i].name);
	}
}
