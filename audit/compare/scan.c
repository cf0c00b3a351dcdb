/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCN-001: what a scanner saw is held against the analysis, port by port.
 *
 *   open         conflicts when no packet that the scanner can have sent gets in, neither to this host nor to what DNAT publishes
 *   closed       (a reset, or port unreachable) the same, unless the rule that refuses the packet answers in just that way
 *   unfiltered   as closed, for a lone ACK
 *   filtered     conflicts when every such packet certainly gets in to this host, and its answer out. Not where DNAT leads
 *                elsewhere: that another host is silent is no contradiction.
 *
 * Where the scanner's address is not known it may be any address that a sender can have, on any interface but lo. A scan from the host
 * itself came over lo. What is possible only (an opaque test decides) agrees with every answer. Ports that nmap could not
 * tell, odd probes (FIN, idle ...) and other hosts of the scan are counted, never judged.
 */
#include "scan.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A changed ruleset disagrees in many places for one reason: beyond so many findings the report says that there are more. */
#define CONFLICTS_MAX 50
#define WALKS_MAX 4096
#define PORTS 65536

static const struct pa_interval client_ports = { 1024, 65535 };

/* --- which hosts of the scan are this one ------------------------------------------------------------------------------ */

static bool is_loopback(const struct pa_scan_host *host)
{
	return host->address == LOOPBACK6 || (host->address >= LOOPBACK4_FIRST && host->address <= LOOPBACK4_LAST);
}

static bool is_own_address(const struct pa_host *host, pa_u128 address)
{
	for (size_t i = 0; i < host->address_count; i++)
		if (!host->addresses[i].broadcast && host->addresses[i].address == address)
			return true;
	return false;
}

static bool has_one_address(const struct pa_scan *scan)
{
	for (size_t i = 1; i < scan->host_count; i++)
		if (scan->hosts[i].address != scan->hosts[0].address)
			return false;
	return true;
}

/* Offline without --self, the only host of a scan is taken for the one that the ruleset is of. */
static bool is_this_host(const struct pa_scan *scan, const struct pa_host *host, const struct pa_scan_host *scanned)
{
	if (is_loopback(scanned))
		return scanned->from_itself && host->live;
	return host->addresses_known ? is_own_address(host, scanned->address) : has_one_address(scan);
}

static bool came_over_lo(const struct pa_scan_host *scanned)
{
	return scanned->from_itself || is_loopback(scanned);
}

/* --- cuts ---------------------------------------------------------------------------------------------------------------- */

struct cut_list {
	struct pa_cut *items;
	size_t count, capacity;
};

static void cut(struct cut_list *cuts, enum pa_field field, pa_u128 first, pa_u128 last)
{
	pa_grow(&cuts->items, &cuts->capacity, cuts->count + 1, sizeof(*cuts->items));
	cuts->items[cuts->count++] = (struct pa_cut){ field, { first, last } };
}

static void cut_host(struct cut_list *cuts, const struct pa_scan_host *host)
{
	cut(cuts, PA_FIELD_DADDR, host->address, host->address);
	for (size_t i = 0; i < host->answer_count; i++) {
		const struct pa_scan_answer *answer = &host->answers[i];

		cut(cuts, PA_FIELD_L4PROTO, answer->protocol, answer->protocol);
		for (size_t j = 0; j < answer->count; j++)
			cut(cuts, PA_FIELD_DPORT, answer->ports[j].first, answer->ports[j].last);
	}
}

size_t pa_scan_cuts(const struct pa_scan *scan, const struct pa_host *host, struct pa_arena *arena, struct pa_cut **ret_cuts)
{
	struct cut_list cuts = { 0 };
	size_t count;

	for (size_t i = 0; i < scan->host_count; i++)
		if (is_this_host(scan, host, &scan->hosts[i]))
			cut_host(&cuts, &scan->hosts[i]);
	cut(&cuts, PA_FIELD_SPORT, client_ports.first, client_ports.last);
	cut(&cuts, PA_FIELD_TCP_FLAGS, PA_TCP_SYN, PA_TCP_SYN);
	cut(&cuts, PA_FIELD_TCP_FLAGS, PA_TCP_ACK, PA_TCP_ACK);
	if (scan->source_port != 0)
		cut(&cuts, PA_FIELD_SPORT, scan->source_port, scan->source_port);
	if (scan->source_known)
		cut(&cuts, PA_FIELD_SADDR, scan->source, scan->source);
	*ret_cuts = pa_arena_dup(arena, cuts.items, cuts.count, sizeof(*cuts.items));
	count = cuts.count;
	free(cuts.items);
	return count;
}

/* --- what the scanner can have sent -------------------------------------------------------------------------------------- */

/* The probes of one answer. `plain`: such as are beyond doubt, for what must hold for all of them. */
static pa_set probes(struct comparison *c, const struct scan_part *part, bool plain)
{
	const struct pa_scan *scan = part->scan;
	struct box_builder builder = { 0 };
	pa_set set;

	box_family(&builder, part->host->family);
	box_set(&builder, PA_FIELD_L4PROTO, part->answer->protocol, part->answer->protocol);
	box_set(&builder, PA_FIELD_DADDR, part->host->address, part->host->address);
	builder.box.field[PA_FIELD_DPORT] = (struct pa_ranges){ part->answer->ports, part->answer->count };
	if (scan->source_port != 0)
		box_set(&builder, PA_FIELD_SPORT, scan->source_port, scan->source_port);
	else
		box_set(&builder, PA_FIELD_SPORT, client_ports.first, client_ports.last);
	if (scan->source_known && scan->source_family == part->host->family && !came_over_lo(part->host))
		box_set(&builder, PA_FIELD_SADDR, scan->source, scan->source);
	if (part->answer->protocol == PROTOCOL_TCP)
		box_set(&builder, PA_FIELD_TCP_FLAGS, part->flags, part->flags);
	if (plain && c->arbitrary->used[PA_FIELD_PKTTYPE])
		box_set(&builder, PA_FIELD_PKTTYPE, 0, 0);
	if (plain && c->arbitrary->used[PA_FIELD_IP_OPTIONS])
		box_set(&builder, PA_FIELD_IP_OPTIONS, 0, 0);
	if (plain && c->arbitrary->used[PA_FIELD_EXTHDRS])
		box_set(&builder, PA_FIELD_EXTHDRS, 0, 0);
	if (plain && c->arbitrary->used[PA_FIELD_FRAG])
		box_set(&builder, PA_FIELD_FRAG, 0, 0);
	set = compare_box(c, &builder);
	if (came_over_lo(part->host))
		return pa_set_intersect(c->space, set, compare_loopback(c, PA_PATH_IN));
	return pa_set_minus(c->space, set, compare_loopback(c, PA_PATH_IN));
}

/* Without the addresses that no sender has; a scan over lo has them. */
static pa_set without_martians(struct comparison *c, const struct scan_part *part, pa_set set)
{
	const struct family_interval *martians;
	size_t count = compare_martians(&martians);

	for (size_t i = 0; i < count && !came_over_lo(part->host); i++)
		if (martians[i].family == part->host->family)
			set = pa_set_minus(c->space, set,
					   compare_single(c, PA_FIELD_SADDR, martians[i].first, martians[i].last));
	return set;
}

static pa_set ports_of(struct comparison *c, pa_set set)
{
	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (i != PA_FIELD_DPORT)
			set = pa_set_project(c->space, set, (enum pa_field)i);
	return set;
}

static pa_set asked_ports(struct comparison *c, const struct scan_part *part)
{
	struct box_builder builder = { 0 };

	builder.box.field[PA_FIELD_DPORT] = (struct pa_ranges){ part->answer->ports, part->answer->count };
	return compare_box(c, &builder);
}

/* What gets in of a set, and goes to this host or to what DNAT makes of it. */
static pa_set reached(struct comparison *c, pa_set set)
{
	pa_set in = pa_set_intersect(c->space, set, pa_evaluation_reachable(c->evaluation, PA_PATH_IN, PA_POSSIBLE));

	for (size_t i = 0; i < c->part_count[PA_PATH_FORWARD]; i++) {
		const struct pa_exposure *exposure = c->parts[PA_PATH_FORWARD][i].exposure;

		if (exposure->has_target)
			in = pa_set_union(c->space, in, pa_set_intersect(c->space, set, exposure->set));
	}
	return in;
}

/* The ports of an answer on which the analysis says otherwise for every packet that the scanner can have sent. */
static pa_set disputed(struct comparison *c, const struct scan_part *part)
{
	pa_set sent, refused, ports = asked_ports(c, part);

	if (part->answer->state != PA_SCAN_FILTERED)
		return pa_set_minus(c->space, ports, ports_of(c, reached(c, probes(c, part, false))));
	sent = pa_set_intersect(c->space, without_martians(c, part, probes(c, part, true)),
				pa_evaluation_universe(c->evaluation, PA_PATH_IN));
	refused = pa_set_minus(c->space, sent, pa_evaluation_reachable(c->evaluation, PA_PATH_IN, PA_CERTAIN));
	ports = pa_set_intersect(c->space, ports, ports_of(c, sent));
	return pa_set_minus(c->space, ports, ports_of(c, refused));
}

/* --- who decides: port by port, as far as rules tell ports apart ----------------------------------------------------------- */

static void split_at(bool *starts, const struct pa_elements *elements, unsigned part)
{
	for (size_t i = 0; elements && i < elements->count; i++) {
		struct pa_interval key = elements->keys[i * elements->parts + part];

		if (key.first < PORTS)
			starts[key.first] = true;
		if (key.last < PORTS - 1)
			starts[key.last + 1] = true;
	}
}

/* starts[p]: some rule may tell port p from p - 1. A masked port is told from its neighbours everywhere. */
static bool *port_starts(struct comparison *c)
{
	bool *starts = pa_arena_alloc(c->scratch, PORTS, sizeof(*starts));

	for (size_t i = 0; i < c->ruleset->rule_count; i++) {
		const struct pa_rule *rule = c->ruleset->rules[i];

		for (size_t j = 0; j < rule->step_count; j++) {
			const struct pa_step *step = &rule->steps[j];

			if (step->kind != PA_STEP_MATCH && step->kind != PA_STEP_VMAP)
				continue;
			for (unsigned k = 0; k < step->key.count; k++) {
				const struct pa_key_part *part = &step->key.parts[k];

				if (part->opaque || part->field != PA_FIELD_DPORT)
					continue;
				if (part->mask != pa_field_max(PA_FIELD_DPORT) || part->xor_value != 0)
					memset(starts, true, PORTS * sizeof(*starts));
				else
					split_at(starts, step->elements, k);
			}
		}
	}
	return starts;
}

struct verdict {
	enum pa_fate fate;
	const struct pa_rule *rule; /* NULL: a policy, or several rules */
	const struct pa_chain *chain;
};

static struct verdict walk(struct comparison *c, const struct pa_packet *packet)
{
	struct verdict verdict = { 0 };
	struct pa_walk walk = { 0 };

	pa_walk(c->ruleset, c->host, packet, true, &walk);
	verdict.fate = walk.fate;
	for (size_t i = 0; i < walk.step_count; i++) {
		const struct pa_walk_step *step = &walk.steps[i];
		bool final = step->verdict == PA_VERDICT_ACCEPT || step->verdict == PA_VERDICT_DROP ||
			     step->verdict == PA_VERDICT_REJECT;

		if ((step->outcome == PA_WALK_MATCHED || step->outcome == PA_WALK_POLICY) && final) {
			verdict.rule = step->outcome == PA_WALK_MATCHED ? step->rule : NULL;
			verdict.chain = step->chain;
		}
	}
	pa_walk_done(&walk);
	return verdict;
}

static void forget(struct pa_packet *packet, enum pa_field field)
{
	packet->known[field] = false;
	packet->value[field] = 0;
}

static bool has_word(const struct pa_rule *rule, const char *const *words)
{
	for (; rule && rule->text && *words; words++)
		if (strstr(rule->text, *words))
			return true;
	return false;
}

/* Does the rule that refuses the packet answer as a closed port does? What several rules do is not looked into. */
static bool answers_as_closed(const struct scan_part *part, const struct verdict *verdict)
{
	static const char *const reset[] = { "reset", NULL };
	static const char *const others[] = { "host-", "net-", "admin-", "addr-", "proto-", "no-route", "prohib", NULL };

	if (verdict->fate == PA_FATE_DEPENDS)
		return true;
	if (verdict->fate != PA_FATE_REJECT)
		return false;
	return part->answer->protocol == PROTOCOL_TCP ? has_word(verdict->rule, reset) : !has_word(verdict->rule, others);
}

/* A filter on the way out keeps a port silent that is open. */
static bool answer_gets_out(struct comparison *c, const struct pa_packet *packet)
{
	struct pa_packet reply = { .path = PA_PATH_OUT, .family = packet->family };
	static const enum pa_field kept[] = { PA_FIELD_NFPROTO, PA_FIELD_L4PROTO, PA_FIELD_SADDR, PA_FIELD_DADDR,
					      PA_FIELD_SPORT,	PA_FIELD_DPORT,	  PA_FIELD_MARK,  PA_FIELD_CT_MARK };

	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		reply.value[kept[i]] = packet->value[kept[i]];
		reply.known[kept[i]] = packet->known[kept[i]];
	}
	compare_swap_fields(&reply, PA_FIELD_SADDR, PA_FIELD_DADDR);
	compare_swap_fields(&reply, PA_FIELD_SPORT, PA_FIELD_DPORT);
	reply.value[PA_FIELD_OIFNAME] = packet->value[PA_FIELD_IIFNAME];
	reply.known[PA_FIELD_OIFNAME] = packet->known[PA_FIELD_IIFNAME];
	reply.value[PA_FIELD_CT_STATE] = PA_CT_ESTABLISHED;
	reply.known[PA_FIELD_CT_STATE] = true;
	reply.value[PA_FIELD_CT_DIRECTION] = 1;
	reply.known[PA_FIELD_CT_DIRECTION] = true;
	if (packet->value[PA_FIELD_L4PROTO] == PROTOCOL_TCP) {
		reply.value[PA_FIELD_TCP_FLAGS] = PA_TCP_SYN | PA_TCP_ACK;
		reply.known[PA_FIELD_TCP_FLAGS] = true;
	}
	return walk(c, &reply).fate == PA_FATE_ACCEPT;
}

/* --- findings ---------------------------------------------------------------------------------------------------------------- */

/* Ports of one answer that one rule decides. */
struct dispute {
	struct verdict verdict;
	struct pa_packet packet;
	struct pa_interval *ports;
	size_t count, capacity;
};
struct disputes {
	struct comparison *c;
	const struct scan_part *part;
	const bool *starts;
	struct pa_packet packet; /* of the scanner */
	struct dispute *items;
	size_t count, capacity;
	size_t walks;
	bool cut;
};

static void keep_ports(struct disputes *disputes, const struct verdict *verdict, const struct pa_packet *packet,
		       struct pa_interval ports)
{
	struct dispute *dispute = NULL;

	for (size_t i = 0; i < disputes->count && !dispute; i++)
		if (disputes->items[i].verdict.rule == verdict->rule && disputes->items[i].verdict.chain == verdict->chain)
			dispute = &disputes->items[i];
	if (!dispute) {
		pa_grow(&disputes->items, &disputes->capacity, disputes->count + 1, sizeof(*disputes->items));
		dispute = &disputes->items[disputes->count++];
		*dispute = (struct dispute){ .verdict = *verdict, .packet = *packet };
	}
	pa_grow(&dispute->ports, &dispute->capacity, dispute->count + 1, sizeof(*dispute->ports));
	dispute->ports[dispute->count++] = ports;
}

/* A packet of the scanner, to any of the ports. */
static struct pa_packet probe_packet(struct comparison *c, const struct scan_part *part)
{
	pa_set sent = pa_set_intersect(c->space, probes(c, part, true), pa_evaluation_universe(c->evaluation, PA_PATH_IN));
	pa_set plain = without_martians(c, part, sent);
	struct pa_packet packet =
		pa_evaluation_example(c->evaluation, PA_PATH_IN, pa_set_is_empty(c->space, plain) ? sent : plain);

	packet.path = PA_PATH_IN;
	forget(&packet, PA_FIELD_CT_ORIG_DPORT);
	return packet;
}

static void judge_ports(struct disputes *disputes, struct pa_interval ports)
{
	struct comparison *c = disputes->c;
	const struct scan_part *part = disputes->part;
	struct pa_packet packet = disputes->packet, open;
	struct verdict verdict;

	packet.value[PA_FIELD_DPORT] = ports.first;
	packet.known[PA_FIELD_DPORT] = true;
	open = packet;
	if (++disputes->walks > WALKS_MAX) {
		disputes->cut = true;
		return;
	}
	if (part->answer->state == PA_SCAN_FILTERED) {
		if (!answer_gets_out(c, &packet))
			return;
	} else if (part->answer->state != PA_SCAN_OPEN) {
		if (!part->scan->source_known && !came_over_lo(part->host))
			forget(&open, PA_FIELD_SADDR);
		if (part->scan->source_port == 0)
			forget(&open, PA_FIELD_SPORT);
		verdict = walk(c, &open);
		if (answers_as_closed(part, &verdict))
			return;
	}
	verdict = walk(c, &packet);
	keep_ports(disputes, &verdict, &packet, ports);
}

static bool judge_box(void *context, const struct pa_box *box)
{
	struct disputes *disputes = context;

	for (size_t i = 0; i < box->field[PA_FIELD_DPORT].count; i++) {
		unsigned first = (unsigned)box->field[PA_FIELD_DPORT].items[i].first;
		unsigned last = (unsigned)box->field[PA_FIELD_DPORT].items[i].last;

		while (first <= last) {
			unsigned end = first;

			while (end < last && !disputes->starts[end + 1])
				end++;
			judge_ports(disputes, (struct pa_interval){ first, end });
			first = end + 1;
		}
	}
	return true;
}

static void put_ports(const struct scan_part *part, struct dispute *dispute, struct pa_buffer *out)
{
	const char *protocol = part->answer->protocol == PROTOCOL_TCP	? "tcp"
			       : part->answer->protocol == PROTOCOL_UDP ? "udp"
									: "sctp";

	dispute->count = compare_merge_intervals(dispute->ports, dispute->count);
	for (size_t i = 0; i < dispute->count && i < 8; i++) {
		unsigned first = (unsigned)dispute->ports[i].first, last = (unsigned)dispute->ports[i].last;

		pa_buffer_printf(out, i ? ",%u" : "%u", first);
		if (last > first)
			pa_buffer_printf(out, "-%u", last);
	}
	pa_buffer_printf(out, "%s/%s", dispute->count > 8 ? ",..." : "", protocol);
}

static void put_decision(const struct verdict *verdict, struct pa_buffer *out)
{
	if (verdict->rule) {
		describe_rule(verdict->rule, out);
	} else if (verdict->chain) {
		pa_buffer_puts(out, "the policy of chain ");
		describe_chain(verdict->chain, out);
	} else {
		pa_buffer_puts(out, "no base chain speaks of it");
	}
}

static const char *state_name(enum pa_scan_state state)
{
	switch (state) {
	case PA_SCAN_OPEN:
		return "open";
	case PA_SCAN_CLOSED:
		return "closed";
	case PA_SCAN_FILTERED:
		return "filtered";
	case PA_SCAN_UNFILTERED:
		return "unfiltered";
	case PA_SCAN_UNCERTAIN:
		break;
	}
	return "open or filtered";
}

static void put_scan(const struct scan_part *part, struct pa_buffer *out)
{
	char date[16] = "";
	time_t start = (time_t)part->scan->start;
	struct tm day;

	if (part->scan->start != 0 && gmtime_r(&start, &day))
		strftime(date, sizeof(date), " of %Y-%m-%d", &day);
	pa_buffer_printf(out, "the %s scan%s saw ", part->scan->scanner, date);
}

static void put_seen(const struct scan_part *part, struct dispute *dispute, struct pa_buffer *out)
{
	char address[PA_ADDRESS_TEXT_MAX];

	put_ports(part, dispute, out);
	pa_address_format(part->host->address, part->host->family, address);
	pa_buffer_printf(out, " of %s %s", address, state_name(part->answer->state));
	if (part->answer->reason[0])
		pa_buffer_printf(out, " (%s)", part->answer->reason);
	if (part->scan->source_known && !came_over_lo(part->host)) {
		pa_address_format(part->scan->source, part->scan->source_family, address);
		pa_buffer_printf(out, " from %s", address);
	}
}

static const char *fix_of(enum pa_scan_state state)
{
	if (state == PA_SCAN_FILTERED)
		return "look for another filter on the way to this host, or between the rules and the program; when the rules were "
		       "changed since the scan, scan again";
	return "find out who answers: a device in front of this host, or programs that get packets beside the rules; when the rules "
	       "were changed since the scan, scan again";
}

static void report(struct comparison *c, const struct scan_part *part, struct dispute *dispute)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;
	bool filtered = part->answer->state == PA_SCAN_FILTERED;

	put_seen(part, dispute, &text);
	finding = compare_add(c, PA_CHECK_SCN_001, text.data); /* the same one after the next scan */
	pa_buffer_clear(&text);
	put_scan(part, &text);
	put_seen(part, dispute, &text);
	pa_buffer_puts(&text,
		       filtered ? ", but the rules let every such packet in: " : ", but the rules let no such packet in: ");
	put_decision(&dispute->verdict, &text);
	finding->message = compare_text(c, &text);
	finding->fix = fix_of(part->answer->state);
	finding->has_packet = true;
	finding->packet = dispute->packet;
	if (dispute->verdict.rule) {
		finding->rules = pa_arena_dup(c->result->arena, &dispute->verdict.rule, 1, sizeof(dispute->verdict.rule));
		finding->rule_count = 1;
	}
	pa_buffer_done(&text);
}

/* --- the check ----------------------------------------------------------------------------------------------------------------- */

struct scan_count {
	size_t asked, unknown, reported, hosts, others;
	bool cut;
};

static size_t port_count(const struct pa_scan_answer *answer)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->count; i++)
		count += (size_t)(answer->ports[i].last - answer->ports[i].first) + 1;
	return count;
}

static bool says_something(const struct pa_scan_answer *answer)
{
	if (answer->state == PA_SCAN_UNCERTAIN || answer->probe == PA_PROBE_OTHER)
		return false;
	return answer->probe == PA_PROBE_NEW ? answer->state != PA_SCAN_UNFILTERED
					     : answer->protocol == PROTOCOL_TCP && answer->state != PA_SCAN_FILTERED;
}

static void judge_answer(struct comparison *c, struct scan_part *part, const bool *starts, struct scan_count *count)
{
	struct disputes disputes = { .c = c, .part = part, .starts = starts };
	pa_set conflict;

	count->asked += port_count(part->answer);
	if (!says_something(part->answer)) {
		count->unknown += port_count(part->answer);
		return;
	}
	part->flags = part->answer->probe == PA_PROBE_ACK ? PA_TCP_ACK : PA_TCP_SYN;
	conflict = disputed(c, part);
	if (pa_set_is_empty(c->space, conflict))
		return;
	disputes.packet = probe_packet(c, part);
	pa_set_boxes(c->space, conflict, 0, judge_box, &disputes);
	for (size_t i = 0; i < disputes.count; i++) {
		if (count->reported++ < CONFLICTS_MAX)
			report(c, part, &disputes.items[i]);
		free(disputes.items[i].ports);
	}
	count->cut = count->cut || disputes.cut || count->reported > CONFLICTS_MAX;
	free(disputes.items);
}

static void say_counts(struct comparison *c, const struct pa_scan *scan, const struct scan_count *count)
{
	if (count->unknown > 0)
		compare_sentence(
			c,
			"PA-SCN-001: %s could not tell, or did not ask with ordinary packets, how %zu of %zu scanned ports fare; "
			"they are not compared",
			scan->scanner, count->unknown, count->asked);
	if (count->others > 0)
		compare_sentence(c, "PA-SCN-001: %zu of the scanned addresses are not this host's and are not compared",
				 count->others);
	if (count->cut)
		compare_sentence(c, "PA-SCN-001 names the first disagreements; there may be more");
}

void check_scan(struct comparison *c)
{
	const struct pa_scan *scan = c->options ? c->options->scan : NULL;
	struct scan_count count = { 0 };
	const bool *starts;

	if (!scan) {
		compare_not_assessed(c, PA_CHECK_SCN_001, "needs a scan of this host: --scan FILE, written by nmap -oX FILE");
		return;
	}
	starts = port_starts(c);
	for (size_t i = 0; i < scan->host_count; i++) {
		struct scan_part part = { .scan = scan, .host = &scan->hosts[i] };

		if (!is_this_host(scan, c->host, part.host)) {
			count.others++;
			continue;
		}
		count.hosts++;
		count.asked += part.host->unnamed;
		count.unknown += part.host->unnamed;
		for (size_t j = 0; j < part.host->answer_count; j++) {
			part.answer = &part.host->answers[j];
			judge_answer(c, &part, starts, &count);
		}
	}
	say_counts(c, scan, &count);
	if (count.hosts == 0)
		compare_not_assessed(
			c, PA_CHECK_SCN_001,
			"none of the scanned addresses is known to be this host's: give its addresses with --self");
	else if (count.asked == count.unknown)
		compare_not_assessed(c, PA_CHECK_SCN_001, "the scan could not tell how any port fares");
}
