/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STA-001: a TCP or UDP connection may be opened, and its replies are refused. Looked for from both sides: replies to examples
 * of what may be opened, and openings that fit examples of refused replies. The reply of a translated connection comes from
 * where NAT sent the first packet, and is translated back on its way. On the interfaces that the host has; where these are not
 * known, on those that the ruleset names.
 */
#include "compare.h"
#include "difference_private.h"

#define EXAMPLE_LIMIT 48
#define OPENINGS_LIMIT 512

static enum pa_path opposite(enum pa_path path)
{
	return path == PA_PATH_IN ? PA_PATH_OUT : path == PA_PATH_OUT ? PA_PATH_IN : PA_PATH_FORWARD;
}

void compare_swap_fields(struct pa_packet *packet, enum pa_field a, enum pa_field b)
{
	pa_u128 value = packet->value[a];
	bool known = packet->known[a];

	packet->value[a] = packet->value[b];
	packet->known[a] = packet->known[b];
	packet->value[b] = value;
	packet->known[b] = known;
}

static void know(struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	packet->value[field] = value;
	packet->known[field] = true;
}

/* The packet that travels the other way: only what both share is kept. */
static struct pa_packet turn(const struct pa_packet *packet, bool reply)
{
	static const enum pa_field kept[] = { PA_FIELD_NFPROTO, PA_FIELD_L4PROTO, PA_FIELD_SADDR,   PA_FIELD_DADDR,
					      PA_FIELD_SPORT,	PA_FIELD_DPORT,	  PA_FIELD_IIFNAME, PA_FIELD_OIFNAME };
	struct pa_packet turned = { .path = opposite(packet->path), .family = packet->family };

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		turned.value[kept[i]] = packet->value[kept[i]];
		turned.known[kept[i]] = packet->known[kept[i]];
	}
	compare_swap_fields(&turned, PA_FIELD_SADDR, PA_FIELD_DADDR);
	compare_swap_fields(&turned, PA_FIELD_SPORT, PA_FIELD_DPORT);
	compare_swap_fields(&turned, PA_FIELD_IIFNAME, PA_FIELD_OIFNAME);
	know(&turned, PA_FIELD_CT_STATE, reply ? PA_CT_ESTABLISHED : PA_CT_NEW);
	know(&turned, PA_FIELD_CT_DIRECTION, reply ? 1 : 0);
	if (packet->value[PA_FIELD_L4PROTO] == PROTOCOL_TCP)
		know(&turned, PA_FIELD_TCP_FLAGS, reply ? PA_TCP_SYN | PA_TCP_ACK : PA_TCP_SYN);
	know(&turned, PA_FIELD_PKTTYPE, 0);
	return turned;
}

static bool is_translated(const struct pa_walk *walk)
{
	return walk->source_changed || walk->source_unknown || walk->destination_changed || walk->destination_unknown ||
	       walk->destination_is_self;
}

static bool has_fate(struct comparison *c, const struct pa_packet *packet, bool accepted)
{
	struct pa_walk walk = { 0 };
	bool is;

	pa_walk(c->ruleset, c->host, packet, true, &walk);
	is = accepted ? walk.fate == PA_FATE_ACCEPT && !is_translated(&walk)
		      : walk.fate == PA_FATE_DROP || walk.fate == PA_FATE_REJECT;
	pa_walk_done(&walk);
	return is;
}

/* The names of one field that are looked at: those the host has; else those that some rule names; else all. */
static pa_set real_interfaces(struct comparison *c, enum pa_field field)
{
	const struct pa_ranges names[] = { c->arbitrary->input_names, c->arbitrary->output_names };
	pa_u128 lo = compare_loopback_name();
	pa_set set = pa_set_empty(c->space), none = compare_single(c, field, 0, 0);

	for (size_t i = 0; c->host->interfaces_known && i < c->host->interface_count; i++) {
		pa_u128 name = pa_ifname_value(c->host->interfaces[i]);

		set = pa_set_union(c->space, set, compare_single(c, field, name, name));
	}
	for (size_t i = 0; !c->host->interfaces_known && i < 2; i++)
		for (size_t j = 0; j < names[i].count; j++)
			set = pa_set_union(c->space, set,
					   compare_single(c, field, names[i].items[j].first, names[i].items[j].last));
	set = pa_set_minus(c->space, set, pa_set_union(c->space, none, compare_single(c, field, lo, lo)));
	return pa_set_is_empty(c->space, set) ? pa_set_full(c->space) : set;
}

/* TCP and UDP of one family between plain addresses; the client's port is one that clients use. */
static pa_set plain_ports(struct comparison *c, enum pa_path path, int family, enum pa_field client, pa_set set)
{
	struct box_builder builder = { 0 };
	pa_set protocols = pa_set_union(c->space, compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP),
					compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_UDP, PROTOCOL_UDP));
	const struct family_interval *martians;
	size_t count = compare_martians(&martians);

	if (path != PA_PATH_OUT)
		set = pa_set_intersect(c->space, set, real_interfaces(c, PA_FIELD_IIFNAME));
	if (path != PA_PATH_IN)
		set = pa_set_intersect(c->space, set, real_interfaces(c, PA_FIELD_OIFNAME));
	box_family(&builder, family);
	if (c->arbitrary->source_port.count > 0)
		box_set(&builder, client, c->arbitrary->source_port.value[0], c->arbitrary->source_port.value[0]);
	set = pa_set_intersect(c->space, pa_set_intersect(c->space, set, protocols), compare_box(c, &builder));
	for (size_t i = 0; i < count; i++) {
		if (martians[i].family != family)
			continue;
		set = pa_set_minus(c->space, set, compare_single(c, PA_FIELD_SADDR, martians[i].first, martians[i].last));
		set = pa_set_minus(c->space, set, compare_single(c, PA_FIELD_DADDR, martians[i].first, martians[i].last));
	}
	return set;
}

/*
 * Connections go the way that the routes say: rules that ask for the way back refuse replies of others, as they should. Where a
 * connection is translated, its header does not say yet where it goes.
 */
static pa_set routed(struct comparison *c, enum pa_path path, int family, bool translated, pa_set set)
{
	if (path != PA_PATH_OUT)
		set = pa_set_intersect(c->space, set, compare_routed(c, family, PA_FIELD_SADDR, PA_FIELD_IIFNAME));
	if (path != PA_PATH_IN && !translated)
		set = pa_set_intersect(c->space, set, compare_routed(c, family, PA_FIELD_DADDR, PA_FIELD_OIFNAME));
	return set;
}

/* A single value; a range that NAT chooses from is any of it. */
static pa_u128 chosen(struct pa_interval range)
{
	return range.first;
}

/* Where replies come to: an address that a rule gives the source, or one of the host's own (masquerade). false: not known. */
static bool new_source(const struct pa_host *host, const struct pa_walk *walk, int family, pa_u128 *ret_address)
{
	if (walk->source_changed) {
		*ret_address = chosen(walk->source);
		return true;
	}
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		bool loopback =
			own->address == LOOPBACK6 || (own->address >= LOOPBACK4_FIRST && own->address <= LOOPBACK4_LAST);

		if (own->family == family && !own->broadcast && !loopback) {
			*ret_address = own->address;
			return true;
		}
	}
	return false;
}

/*
 * The reply to a connection that NAT translates, as it arrives, and how it is translated back. false: it is not known where the
 * connection goes, or where its replies do.
 */
static bool translated_reply(const struct pa_host *host, const struct pa_packet *opening, const struct pa_walk *walk,
			     struct pa_packet *ret_reply, struct pa_reply_translation *ret_back)
{
	struct pa_packet reply = turn(opening, true);
	bool destination = walk->destination_changed, source = walk->source_changed || walk->source_unknown;
	pa_u128 address = 0;

	if (walk->destination_unknown || walk->destination_is_self || walk->path != opening->path ||
	    (source && !new_source(host, walk, opening->family, &address)))
		return false;
	for (size_t i = 0; i < PA_TUPLE_PARTS; i++)
		know(&reply, pa_tuple[i].original, opening->value[pa_tuple[i].header]);
	if (destination)
		know(&reply, PA_FIELD_SADDR, chosen(walk->destination));
	if (destination && walk->has_destination_port)
		know(&reply, PA_FIELD_SPORT, chosen(walk->destination_port));
	if (source)
		know(&reply, PA_FIELD_DADDR, address);
	if (source && walk->has_source_port)
		know(&reply, PA_FIELD_DPORT, chosen(walk->source_port));
	know(&reply, PA_FIELD_CT_STATUS,
	     PA_STATUS_SEEN_REPLY | PA_STATUS_CONFIRMED | (destination ? PA_STATUS_DNAT : 0) | (source ? PA_STATUS_SNAT : 0));
	*ret_back = (struct pa_reply_translation){ .source = destination,
						   .source_address = opening->value[PA_FIELD_DADDR],
						   .destination = source,
						   .destination_address = opening->value[PA_FIELD_SADDR],
						   .has_ports = walk->has_destination_port || walk->has_source_port,
						   .source_port = opening->value[PA_FIELD_DPORT],
						   .destination_port = opening->value[PA_FIELD_SPORT] };
	*ret_reply = reply;
	return true;
}

/* The opening gets through translated, its reply does not. */
static bool loses_translated_reply(struct comparison *c, const struct pa_packet *opening, struct pa_packet *ret_reply)
{
	struct pa_walk walk = { 0 };
	struct pa_reply_translation back;
	bool known, refused = false;

	pa_walk(c->ruleset, c->host, opening, true, &walk);
	known = walk.fate == PA_FATE_ACCEPT && translated_reply(c->host, opening, &walk, ret_reply, &back);
	pa_walk_done(&walk);
	if (known) {
		struct pa_walker *walker = pa_walker_new(c->ruleset, c->host);

		pa_walker_translate_replies(walker, &back);
		pa_walker_walk(walker, ret_reply, true, &walk);
		refused = walk.fate == PA_FATE_DROP || walk.fate == PA_FATE_REJECT;
		pa_walk_done(&walk);
		pa_walker_free(walker);
	}
	return refused;
}

static bool loses_reply(struct comparison *c, const struct pa_packet *opening, bool translated, struct pa_packet *ret_reply)
{
	if (translated)
		return loses_translated_reply(c, opening, ret_reply);
	*ret_reply = turn(opening, true);
	return has_fate(c, ret_reply, false) && has_fate(c, opening, true);
}

/* --- two rulesets --------------------------------------------------------------------------------------------------------- */

/* What becomes of a connection under a ruleset: is it opened, and its reply let through? */
struct connection {
	bool opened, answered, refused;
	struct pa_packet reply;
	struct pa_decision decision; /* of the reply */
};

/* One for first packets and plain replies; one for replies of translated connections. */
struct followers {
	struct pa_walker *plain, *translating;
};

static struct connection follow_connection(const struct followers *followers, const struct pa_host *host,
					   const struct pa_packet *opening, struct pa_arena *arena)
{
	struct connection connection = { .reply = turn(opening, true) };
	struct pa_reply_translation back;
	struct pa_walk walk = { 0 };
	bool translated, known = true;

	pa_walker_walk(followers->plain, opening, true, &walk);
	connection.opened = walk.fate == PA_FATE_ACCEPT;
	translated = is_translated(&walk);
	if (connection.opened && translated)
		known = translated_reply(host, opening, &walk, &connection.reply, &back);
	pa_walk_done(&walk);
	if (connection.opened && known) {
		if (translated)
			pa_walker_translate_replies(followers->translating, &back);
		pa_walker_walk(translated ? followers->translating : followers->plain, &connection.reply, true, &walk);
		connection.answered = walk.fate == PA_FATE_ACCEPT;
		connection.refused = walk.fate == PA_FATE_DROP || walk.fate == PA_FATE_REJECT;
		connection.decision = difference_decision(&walk, arena);
		pa_walk_done(&walk);
	}
	return connection;
}

/* Looks for a connection whose reply is lost, among openings. */
struct loss_search {
	struct comparison *c; /* of the second ruleset */
	struct followers old, new;
	enum pa_path path; /* of the openings */
	struct pa_lost_reply *lost;
	bool found;
};

static bool is_lost(struct loss_search *search, const struct pa_packet *opening)
{
	struct comparison *c = search->c;
	struct connection now = follow_connection(&search->new, c->host, opening, c->scratch), before;

	if (!now.opened || !now.refused)
		return false;
	before = follow_connection(&search->old, c->host, opening, c->scratch);
	if (!before.opened || !before.answered)
		return false;
	*search->lost = (struct pa_lost_reply){ *opening, now.reply, before.decision, now.decision };
	search->found = true;
	return true;
}

static bool try_closed(void *context, const struct pa_box *box)
{
	struct loss_search *search = context;
	enum pa_path path = opposite(search->path);
	struct pa_packet reply = pa_evaluation_example(search->c->evaluation, path, pa_set_box(search->c->space, box)), opening;

	reply.path = path;
	opening = turn(&reply, false);
	return !is_lost(search, &opening);
}

static struct followers followers_of(const struct pa_ruleset *ruleset, const struct pa_host *host)
{
	struct followers followers = { pa_walker_new(ruleset, host), pa_walker_new(ruleset, host) };

	pa_walker_be_brief(followers.plain);
	pa_walker_be_brief(followers.translating);
	return followers;
}

static void free_followers(struct followers *followers)
{
	pa_walker_free(followers->plain);
	pa_walker_free(followers->translating);
}

/* Examples of what gets in, of one exposure. Returns how many were followed. */
static size_t try_openings(struct loss_search *search, const struct pa_exposure *exposure, int family, size_t limit)
{
	struct comparison *c = search->c;
	pa_set part = plain_ports(c, search->path, family, PA_FIELD_SPORT, exposure->set);
	const struct pa_row *rows;
	size_t count, i;

	if (exposure->certainty != PA_CERTAIN || pa_set_is_empty(c->space, part))
		return 0;
	count = pa_evaluation_rows(c->evaluation, exposure, part, false, limit, &rows);
	for (i = 0; i < count && i < limit && !search->found; i++) {
		struct pa_packet opening = rows[i].example;

		opening.path = search->path;
		is_lost(search, &opening);
	}
	return i;
}

/* Replies that got through, and now do not for sure. */
static pa_set closed_replies(struct comparison *c, struct pa_evaluation *before, enum pa_path path)
{
	return pa_set_minus(c->space, pa_evaluation_scenario(before, path, PA_SCENARIO_REPLY, PA_POSSIBLE),
			    pa_evaluation_scenario(c->evaluation, path, PA_SCENARIO_REPLY, PA_CERTAIN));
}

/* What may be opened, and what opens what closed for replies. */
bool compare_find_lost_reply(struct comparison *c, struct pa_evaluation *before, const struct pa_ruleset *old,
			     enum pa_path path, int family, struct pa_lost_reply *ret_lost)
{
	enum pa_path back = opposite(path);
	struct loss_search search = { .c = c, .path = path, .lost = ret_lost };
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, path, &exposures), looked = 0;
	pa_set closed = closed_replies(c, before, back);

	/* replies to what masquerade forwards arrive as if they were this host's */
	if (pa_set_is_empty(c->space, closed) &&
	    (path != PA_PATH_FORWARD || pa_set_is_empty(c->space, closed_replies(c, before, PA_PATH_IN))))
		return false;
	search.old = followers_of(old, c->host);
	search.new = followers_of(c->ruleset, c->host);
	for (size_t i = 0; i < count && looked < OPENINGS_LIMIT && !search.found; i++)
		looked += try_openings(&search, &exposures[i], family, OPENINGS_LIMIT - looked);
	if (!search.found)
		pa_set_boxes(c->space, plain_ports(c, back, family, PA_FIELD_DPORT, closed), EXAMPLE_LIMIT, try_closed,
			     &search);
	free_followers(&search.old);
	free_followers(&search.new);
	return search.found;
}

/* --- STA-001 --------------------------------------------------------------------------------------------------------------- */

/* From what may be opened on the opposite path to its replies on this one. */
static bool refused_reply(struct comparison *c, enum pa_path path, int family, struct pa_packet *ret_packet)
{
	enum pa_path from = opposite(path);
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, from, &exposures);

	for (size_t i = 0; i < count; i++) {
		pa_set part = pa_set_intersect(c->space, exposures[i].set, compare_new_packets(c, from, PA_CERTAIN));
		const struct pa_row *rows;
		size_t row_count;

		part = plain_ports(c, from, family, PA_FIELD_SPORT, part);
		part = routed(c, from, family, exposures[i].has_target, part);
		if (exposures[i].certainty != PA_CERTAIN || pa_set_is_empty(c->space, part))
			continue;
		row_count = pa_evaluation_rows(c->evaluation, &exposures[i], part, false, EXAMPLE_LIMIT, &rows);
		for (size_t j = 0; j < row_count; j++) {
			struct pa_packet opening = rows[j].example;

			opening.path = from;
			if (loses_reply(c, &opening, exposures[i].has_target, ret_packet))
				return true;
		}
	}
	return false;
}

struct reply_search {
	struct comparison *c;
	enum pa_path path;
	struct pa_packet packet;
	bool found;
};

static bool try_refused(void *context, const struct pa_box *box)
{
	struct reply_search *search = context;
	struct comparison *c = search->c;
	struct pa_packet reply = pa_evaluation_example(c->evaluation, search->path, pa_set_box(c->space, box)), opening;

	reply.path = search->path;
	opening = turn(&reply, false);
	if (!has_fate(c, &opening, true))
		return true;
	reply = turn(&opening, true);
	if (!has_fate(c, &reply, false))
		return true;
	search->packet = reply;
	search->found = true;
	return false;
}

static bool refused_opening(struct comparison *c, enum pa_path path, int family, struct pa_packet *ret_packet)
{
	pa_set all = pa_set_intersect(c->space, pa_evaluation_scenario_universe(c->evaluation, path, PA_SCENARIO_REPLY),
				      c->scope[path]);
	pa_set refused =
		pa_set_minus(c->space, all, pa_evaluation_scenario(c->evaluation, path, PA_SCENARIO_REPLY, PA_POSSIBLE));
	struct reply_search search = { .c = c, .path = path };

	refused = routed(c, path, family, false, plain_ports(c, path, family, PA_FIELD_DPORT, refused));
	pa_set_boxes(c->space, refused, EXAMPLE_LIMIT, try_refused, &search);
	*ret_packet = search.packet;
	return search.found;
}

static const char *const reply_words[PATH_COUNT] = {
	[PA_PATH_IN] = "replies to connections that this host may open do not get in",
	[PA_PATH_FORWARD] = "replies to connections that may be forwarded are not let through",
	[PA_PATH_OUT] = "replies to connections that get in may not leave this host",
};

static void report_replies(struct comparison *c, enum pa_path path, const char *family, const struct pa_packet *packet)
{
	static const char *const hooks[PATH_COUNT] = { "input", "forward", "output" };
	struct pa_buffer text = { 0 };
	struct pa_finding *finding = compare_add(c, PA_CHECK_STA_001, pa_path_name(path));

	pa_buffer_printf(&text, "%s (%s)", reply_words[path], family);
	finding->message = compare_text(c, &text);
	pa_buffer_printf(&text, "put `ct state established,related accept` at the start of the base chain at hook %s",
			 hooks[path]);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	finding->has_packet = true;
	finding->packet = *packet;
}

void check_replies(struct comparison *c)
{
	for (int i = 0; i < PATH_COUNT; i++) {
		enum pa_path path = (enum pa_path)i;
		struct pa_packet four, six;
		bool refused4 = refused_reply(c, path, 4, &four) || refused_opening(c, path, 4, &four);
		bool refused6 = refused_reply(c, path, 6, &six) || refused_opening(c, path, 6, &six);

		if (refused4 || refused6)
			report_replies(c, path,
				       refused4 && refused6 ? "IPv4 and IPv6"
				       : refused4	    ? "IPv4"
							    : "IPv6",
				       refused4 ? &four : &six);
	}
}
