/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One <host>: its address and what became of the probes to its ports. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* --- words ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum pa_scan_state state;
} states[] = {
	{ "open", PA_SCAN_OPEN },
	{ "closed", PA_SCAN_CLOSED },
	{ "filtered", PA_SCAN_FILTERED },
	{ "unfiltered", PA_SCAN_UNFILTERED },
	{ "open|filtered", PA_SCAN_UNCERTAIN },
	{ "closed|filtered", PA_SCAN_UNCERTAIN },
	{ "unknown", PA_SCAN_UNCERTAIN },
};

static bool take_state(struct scan_reader *reader, const struct element *element, enum pa_scan_state *ret_state)
{
	const char *word = scan_attribute(element, "state");
	for (size_t i = 0; word && i < sizeof(states) / sizeof(*states); i++) {
		if (strcmp(states[i].name, word) == 0) {
			*ret_state = states[i].state;
			return true;
		}
	}
	scan_error(reader, "known states are open, closed, filtered, unfiltered, open|filtered and closed|filtered",
		   "<%s> has the unknown state '%s'", element->name, word ? word : "");
	return false;
}

/* 0: a protocol whose results are not about ports (`ip`, `icmp`). */
static unsigned protocol_of(const char *name)
{
	if (!name)
		return 0;
	if (strcmp(name, "tcp") == 0)
		return IPPROTO_TCP;
	if (strcmp(name, "udp") == 0)
		return IPPROTO_UDP;
	return strcmp(name, "sctp") == 0 ? IPPROTO_SCTP : 0;
}

static const char *reason_of(struct scan_reader *reader, const struct element *element)
{
	const char *reason = scan_attribute(element, "reason");
	return pa_arena_strdup(reader->scan->arena, reason ? reason : "");
}

/* Results about a protocol that no <scaninfo> speaks of may come from any kind of probe. */
static enum pa_scan_probe probe_of(const struct scan_reader *reader, unsigned protocol)
{
	enum pa_scan_probe probe = PA_PROBE_OTHER;
	if (reader->odd_probes)
		return PA_PROBE_OTHER;
	for (size_t i = 0, seen = 0; i < reader->info_count; i++) {
		if (reader->infos[i].protocol != protocol)
			continue;
		if (seen++ && reader->infos[i].probe != probe)
			return PA_PROBE_OTHER;
		probe = reader->infos[i].probe;
	}
	return probe;
}

/* --- answers -------------------------------------------------------------------------------------------------------- */

/* The list of ports that fared so; NULL: there are too many kinds, and that was said. */
static struct port_list *answers_of(struct scan_reader *reader, unsigned protocol, enum pa_scan_state state, const char *reason)
{
	for (size_t i = 0; i < reader->gathered_count; i++) {
		struct pa_scan_answer *answer = &reader->gathered[i].answer;
		if (answer->protocol == protocol && answer->state == state && strcmp(answer->reason, reason) == 0)
			return &reader->gathered[i].ports;
	}
	if (reader->gathered_count == SCAN_ANSWERS_MAX) {
		scan_error(reader, NULL, "the ports of one host have more than %d kinds of answers", SCAN_ANSWERS_MAX);
		return NULL;
	}
	struct gathered *gathered = &reader->gathered[reader->gathered_count++];
	*gathered = (struct gathered){ .answer = { .protocol = protocol,
						   .state = state,
						   .probe = probe_of(reader, protocol),
						   .reason = reason,
						   .where = reader->here } };
	return &gathered->ports;
}

void scan_begin_host(struct scan_reader *reader)
{
	reader->in_host = true;
	reader->has_address = reader->is_down = reader->has_port = false;
	reader->host = (struct pa_scan_host){ .where = reader->here };
	reader->gathered_count = reader->unlisted_count = 0;
}

void scan_read_status(struct scan_reader *reader, const struct element *element)
{
	const char *state = scan_attribute(element, "state"), *reason = scan_attribute(element, "reason");
	reader->is_down = state && strcmp(state, "down") == 0;
	reader->host.from_itself = reason && strcmp(reason, "localhost-response") == 0;
}

void scan_read_address(struct scan_reader *reader, const struct element *element)
{
	const char *type = scan_attribute(element, "addrtype"), *text = scan_attribute(element, "addr");
	if (type && strcmp(type, "mac") == 0)
		return;
	if (!text || !pa_address_parse(text, &reader->host.address, &reader->host.family)) {
		scan_error(reader, NULL, "'%s' is not an address", text ? text : "");
		return;
	}
	reader->has_address = true;
}

/* --- ports that are listed ------------------------------------------------------------------------------------------ */

void scan_read_port(struct scan_reader *reader, const struct element *element)
{
	const char *protocol = scan_attribute(element, "protocol"), *port = scan_attribute(element, "portid");
	unsigned long number = 0;
	reader->has_port = false;
	if (!protocol || !scan_parse_number(port, 65535, &number)) {
		scan_error(reader, NULL, "<port> has no protocol or no number from 0 to 65535");
		return;
	}
	reader->port_protocol = protocol_of(protocol);
	reader->port = number;
	reader->has_port = true;
}

void scan_read_state(struct scan_reader *reader, const struct element *element)
{
	enum pa_scan_state state;
	if (!reader->has_port || !take_state(reader, element, &state))
		return;
	if (reader->port_protocol == 0) {
		reader->host.unnamed++;
		return;
	}
	struct port_list *list = answers_of(reader, reader->port_protocol, state, reason_of(reader, element));
	if (list)
		scan_add_ports(list, reader->port, reader->port);
	reader->has_port = false;
}

/* --- ports that are only counted ------------------------------------------------------------------------------------ */

void scan_read_unlisted(struct scan_reader *reader, const struct element *element)
{
	unsigned long count = 0;
	reader->unlisted = (struct unlisted){ .reason = "", .named = true };
	if (!take_state(reader, element, &reader->unlisted.state))
		return;
	if (!scan_parse_number(scan_attribute(element, "count"), 1000000, &count)) {
		scan_error(reader, NULL, "<extraports> has no count");
		return;
	}
	reader->unlisted.count = count;
	reader->unlisted.named = false;
}

/* Since nmap 7.80 the ports are named. */
void scan_read_unlisted_reason(struct scan_reader *reader, const struct element *element)
{
	const char *ports = scan_attribute(element, "ports");
	unsigned protocol = protocol_of(scan_attribute(element, "proto"));
	struct port_list found = { 0 };
	reader->unlisted.reason = reason_of(reader, element);
	if (!ports || protocol == 0)
		return;
	if (!scan_parse_ports(ports, &found)) {
		scan_error(reader, "ports are written as 1-1023,3306", "<extrareasons> has no list of ports");
	} else {
		struct port_list *list = answers_of(reader, protocol, reader->unlisted.state, reader->unlisted.reason);
		for (size_t i = 0; list && i < found.count; i++)
			scan_add_ports(list, found.items[i].first, found.items[i].last);
		reader->unlisted.named = true;
	}
	free(found.items);
}

static size_t count_ports(const struct port_list *list)
{
	size_t count = 0;
	for (size_t i = 0; i < list->count; i++)
		count += (size_t)(list->items[i].last - list->items[i].first) + 1;
	return count;
}

/* What was scanned and has no answer of its own. */
static struct port_list rest_of(struct scan_reader *reader, const struct scan_info *info)
{
	static const struct pa_interval none = { 65536, 65536 };
	struct port_list known = { 0 }, rest = { 0 };
	for (size_t i = 0; i < reader->gathered_count; i++)
		for (size_t j = 0; reader->gathered[i].answer.protocol == info->protocol && j < reader->gathered[i].ports.count;
		     j++)
			scan_add_ports(&known, reader->gathered[i].ports.items[j].first,
				       reader->gathered[i].ports.items[j].last);
	scan_add_ports(&known, none.first, none.last);
	scan_sort_ports(&known);
	for (size_t i = 0; i < info->services.count; i++) {
		pa_u128 first = info->services.items[i].first, last = info->services.items[i].last;
		for (size_t j = 0; j < known.count && first <= last; j++) {
			if (known.items[j].last < first)
				continue;
			if (known.items[j].first > last)
				break;
			if (known.items[j].first > first)
				scan_add_ports(&rest, first, known.items[j].first - 1);
			first = known.items[j].last + 1;
		}
		if (first <= last)
			scan_add_ports(&rest, first, last);
	}
	free(known.items);
	return rest;
}

/* One group of unnamed ports of a scan of one protocol: those that were scanned and are not listed. */
void scan_end_unlisted(struct scan_reader *reader)
{
	if (reader->unlisted.named)
		return;
	reader->unlisted_count++;
	reader->host.unnamed += reader->unlisted.count;
}

static void name_unlisted(struct scan_reader *reader)
{
	if (reader->unlisted_count != 1 || reader->info_count != 1 || reader->infos[0].protocol == 0)
		return;
	struct port_list rest = rest_of(reader, &reader->infos[0]);
	if (count_ports(&rest) == reader->unlisted.count && reader->host.unnamed == reader->unlisted.count) {
		struct port_list *list =
			answers_of(reader, reader->infos[0].protocol, reader->unlisted.state, reader->unlisted.reason);
		for (size_t i = 0; list && i < rest.count; i++)
			scan_add_ports(list, rest.items[i].first, rest.items[i].last);
		reader->host.unnamed = 0;
	}
	free(rest.items);
}

/* --- the whole host --------------------------------------------------------------------------------------------------- */

static void keep_answers(struct scan_reader *reader)
{
	struct pa_scan_host *host = &reader->host;
	struct pa_arena *arena = reader->scan->arena;
	host->answers = pa_arena_alloc(arena, reader->gathered_count, sizeof(*host->answers));
	for (size_t i = 0; i < reader->gathered_count; i++) {
		struct gathered *gathered = &reader->gathered[i];
		if (gathered->ports.count == 0)
			continue;
		scan_sort_ports(&gathered->ports);
		gathered->answer.count = gathered->ports.count;
		gathered->answer.ports =
			pa_arena_dup(arena, gathered->ports.items, gathered->ports.count, sizeof(*gathered->ports.items));
		host->answers[host->answer_count++] = gathered->answer;
	}
}

void scan_end_host(struct scan_reader *reader)
{
	struct pa_scan *scan = reader->scan;
	name_unlisted(reader);
	if (!reader->is_down && (reader->gathered_count > 0 || reader->host.unnamed > 0)) {
		if (!reader->has_address) {
			reader->here = reader->host.where;
			scan_error(reader, NULL, "<host> has no address");
		}
		if (reader->gathered_count > 0)
			keep_answers(reader);
		pa_grow(&scan->hosts, &reader->host_capacity, scan->host_count + 1, sizeof(*scan->hosts));
		scan->hosts[scan->host_count++] = reader->host;
	}
	for (size_t i = 0; i < reader->gathered_count; i++)
		free(reader->gathered[i].ports.items);
	reader->gathered_count = 0;
	reader->in_host = false;
}
