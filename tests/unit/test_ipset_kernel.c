/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
// labels: root
/*
 * Random sets, saved by ipset and asked of the kernel with `ipset test`, against the boxes that the text is lowered to. Needs root, ipset
 * and a kernel with sets: everything happens in a network namespace of this process.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../rules/iptables/ipset.h"

#define ROUNDS 2
#define ENTRIES 40
#define QUERIES 60

static uint64_t state = 88172645463325252u;

static unsigned below(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % limit;
}

/* What a type's entries and questions are made of: a letter for each dimension, see put_dimension(). */
static const struct {
	const char *type, *options, *dimensions;
	bool nomatch;
} kinds[] = {
	{ "hash:ip", "", "a", false },
	{ "hash:ip", "netmask 30", "a", false },
	{ "hash:ip", "bitmask 255.255.255.5", "a", false },
	{ "hash:ip", "family inet6", "A", false },
	{ "hash:net", "", "n", true },
	{ "hash:net", "family inet6", "N", true },
	{ "hash:ip,port", "", "ap", false },
	{ "hash:ip,port", "netmask 29", "ap", false },
	{ "hash:ip,port", "family inet6", "Aq", false },
	{ "hash:ip,port,ip", "", "apa", false },
	{ "hash:ip,port,net", "", "apn", true },
	{ "hash:net,port", "", "np", true },
	{ "hash:net,port", "family inet6", "Nq", true },
	{ "hash:net,net", "", "nn", true },
	{ "hash:net,port,net", "", "npn", true },
	{ "hash:net,iface", "", "ni", true },
	{ "bitmap:ip", "range 10.0.0.0/24", "a", false },
	{ "bitmap:port", "range 0-99", "P", false },
	{ "hash:ip,mark", "markmask 0x5", "am", false },
	{ "hash:mac", "", "e", false },
	{ "hash:ip,mac", "", "ae", false },
};

static const char *const interfaces[] = { "lo", "eth0", "eth1", "br0", "br1" };

/* A point is what a question asks, and one value a dimension. */
static void put_dimension(struct pa_buffer *out, char kind, bool point, pa_u128 *value)
{
	static const unsigned lengths[] = { 24, 26, 28, 29, 30, 31, 32 };
	static const struct {
		const char *name;
		unsigned number;
	} protocols[] = { { "tcp", 6 }, { "udp", 17 }, { "sctp", 132 }, { "udplite", 136 } };
	unsigned low = below(32), length = lengths[below(7)], port = below(6), protocol = below(4);

	switch (kind) {
	case 'a':
	case 'n':
		pa_buffer_printf(out, "10.0.0.%u", low + 1);
		if (kind == 'n' && !point)
			pa_buffer_printf(out, "/%u", length);
		*value = PA_IPV4_BASE + 0x0a000000u + low + 1;
		break;
	case 'A':
	case 'N':
		pa_buffer_printf(out, "2001:db8::%x", low + 1);
		if (kind == 'N' && !point)
			pa_buffer_printf(out, "/%u", length + 96);
		*value = ((pa_u128)0x20010db8u << 96) + low + 1;
		break;
	case 'p':
	case 'q':
		if (below(6) == 0) {
			pa_buffer_printf(out, "%s:8/%u", kind == 'p' ? "icmp" : "icmpv6", port);
			*value = (pa_u128)(kind == 'p' ? 1 : 58) << 16 | 8 << 8 | port;
		} else if (!point && below(3) == 0) {
			pa_buffer_printf(out, "%s:%u-%u", protocols[protocol].name, port, port + below(4));
		} else {
			pa_buffer_printf(out, "%s:%u", protocols[protocol].name, port);
			*value = (pa_u128)protocols[protocol].number << 16 | port;
		}
		break;
	case 'P':
		pa_buffer_printf(out, "%u", low);
		*value = (pa_u128)6 << 16 | low;
		break;
	case 'i':
		pa_buffer_puts(out, interfaces[port % 5]);
		*value = pa_ifname_value(interfaces[port % 5]);
		break;
	case 'm':
		pa_buffer_printf(out, "%u", low);
		*value = low;
		break;
	default:
		pa_buffer_printf(out, "00:00:00:00:00:%02x", low + 1);
		*value = low + 1;
	}
}

struct point {
	pa_u128 value[3];
};

static void put_entry(struct pa_buffer *out, const char *dimensions, bool point, struct point *ret_point)
{
	for (unsigned i = 0; dimensions[i]; i++) {
		pa_buffer_puts(out, i ? "," : "");
		put_dimension(out, dimensions[i], point, &ret_point->value[i]);
	}
}

static struct pa_buffer run(const char *command)
{
	struct pa_buffer out = { 0 };
	FILE *pipe = popen(command, "r");
	char chunk[4096];
	size_t got;

	while (pipe && (got = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		pa_buffer_add(&out, chunk, got);
	if (!pipe || pclose(pipe) != 0)
		pa_buffer_clear(&out);
	return out;
}

/* The entries and the questions; what ipset says to each: lines "y" and "n", after the saved set. */
static struct pa_buffer ask(size_t kind, struct point *points, char queries[QUERIES][64])
{
	struct pa_buffer command = { 0 };
	struct point unused;

	pa_buffer_printf(&command, "ipset destroy; ipset create s %s %s 2>/dev/null || exit 0\n(", kinds[kind].type,
			 kinds[kind].options);
	for (unsigned i = 0; i < ENTRIES; i++) {
		pa_buffer_puts(&command, "echo 'add s ");
		put_entry(&command, kinds[kind].dimensions, false, &unused);
		pa_buffer_printf(&command, "%s'\n", kinds[kind].nomatch && below(3) == 0 ? " nomatch" : "");
	}
	pa_buffer_puts(&command, ") | ipset -exist restore && ipset save && echo --\n");
	for (unsigned i = 0; i < QUERIES; i++) {
		struct pa_buffer query = { 0 };
		put_entry(&query, kinds[kind].dimensions, true, &points[i]);
		snprintf(queries[i], 64, "%s", query.data);
		pa_buffer_printf(&command, "ipset -q test s %s && echo y || echo n\n", query.data);
		pa_buffer_done(&query);
	}
	struct pa_buffer out = run(command.data);
	pa_buffer_done(&command);
	return out;
}

/* A part of the key at the point: source addresses and ports, in dimensions "apn" as src,src,dst. */
static pa_u128 at_point(const struct pa_key_part *part, const char *dimensions, const struct point *point)
{
	bool second = part->field == PA_FIELD_DADDR;

	for (unsigned i = 0; dimensions[i]; i++) {
		char kind = dimensions[i];
		bool is_address = strchr("anAN", kind) != NULL, is_port = strchr("pqP", kind) != NULL;
		if (is_address && part->field == (second ? PA_FIELD_DADDR : PA_FIELD_SADDR) && second == (i > 0))
			return point->value[i] & part->mask;
		if (is_port && part->field == PA_FIELD_L4PROTO)
			return point->value[i] >> 16;
		if (is_port && (part->field == PA_FIELD_SPORT || part->field == PA_FIELD_ICMP_CODE))
			return point->value[i] & (part->field == PA_FIELD_SPORT ? 0xffff : 0xff);
		if (is_port && part->field == PA_FIELD_ICMP_TYPE)
			return point->value[i] >> 8 & 0xff;
		if ((kind == 'i' && part->field == PA_FIELD_IIFNAME) || (kind == 'm' && part->field == PA_FIELD_MARK) ||
		    (kind == 'e' && part->field == PA_FIELD_ETHER_SADDR))
			return point->value[i] & part->mask;
	}
	return 0;
}

static bool holds(const struct pa_step *step, const char *dimensions, const struct point *point)
{
	const struct pa_elements *elements = step->elements;

	for (size_t i = 0; i < elements->count; i++) {
		bool all = true;
		for (unsigned p = 0; p < elements->parts && all; p++) {
			pa_u128 value = at_point(&step->key.parts[p], dimensions, point);
			struct pa_interval key = elements->keys[i * elements->parts + p];
			all = value >= key.first && value <= key.last;
		}
		if (all)
			return true;
	}
	return false;
}

/* How many questions were asked; -1: a disagreement. */
static int round_of(size_t kind)
{
	struct point points[QUERIES];
	char queries[QUERIES][64];
	struct pa_buffer answer = ask(kind, points, queries);
	const char *behind = answer.length ? strstr(answer.data, "--\n") : NULL;
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_diags diags = { 0 };
	struct pa_arena *arena = pa_arena_new();
	struct pa_step steps[PA_IPSET_STEPS_MAX];
	bool six = strpbrk(kinds[kind].dimensions, "AN") != NULL;
	struct pa_ipset_match match = { .name = "s", .directions = "src,src,dst", .family = six ? 6 : 4, .text = "match" };
	size_t count;
	int result = behind ? QUERIES : 0;

	if (strcmp(kinds[kind].dimensions, "nn") == 0)
		match.directions = "src,dst";
	if (behind && !pa_ipsets_read(sets, "saved", answer.data, (size_t)(behind - answer.data), PA_DIAG_INPUT, &diags)) {
		printf("%s: %s\n", kinds[kind].type, diags.items[0].message);
		result = -1;
	} else if (behind && pa_ipset_lower(sets, &match, arena, steps, &count)) {
		for (unsigned i = 0; i < QUERIES; i++) {
			bool ours = holds(&steps[count - 1], kinds[kind].dimensions, &points[i]),
			     theirs = behind[3 + 2 * i] == 'y';
			if (ours == theirs)
				continue;
			printf("%s: %s: the kernel says %s\n%s", kinds[kind].type, queries[i], theirs ? "yes" : "no",
			       answer.data);
			result = -1;
			break;
		}
	}
	pa_ipsets_free(sets);
	pa_arena_free(arena);
	pa_diags_done(&diags);
	pa_buffer_done(&answer);
	return result;
}

int main(void)
{
	int failed = 0, asked = 0, kinds_asked = 0;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 || system("ipset create s hash:ip 2>/dev/null") != 0) {
		puts("skipped: needs root, ipset and a kernel that has sets");
		return 77;
	}
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		int of_kind = 0;
		for (unsigned i = 0; i < ROUNDS; i++) {
			int result = round_of(kind);
			failed += result < 0;
			of_kind += result > 0 ? result : 0;
		}
		if (of_kind == 0)
			printf("this kernel has no %s %s\n", kinds[kind].type, kinds[kind].options);
		kinds_asked += of_kind > 0;
		asked += of_kind;
	}
	printf("%d questions about %d kinds of sets, %d rounds disagree\n", asked, kinds_asked, failed);
	return failed || asked < 10 * QUERIES ? 1 : 0;
}
