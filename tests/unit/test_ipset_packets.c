/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
// labels: root
/*
 * Which packets `-m set` lets through, by the counters of rules of iptables-nft in a network namespace of this process, against the steps
 * that the rules are lowered to: directions and dimensions, interfaces, protocols, lists of sets, exceptions. Packets go over lo.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../rules/iptables/ipset.h"

#define SOURCE "10.200.0.1"
#define SOURCE_PORT 4000

static const char sets_text[] =
	"create ni hash:net,iface\nadd ni 10.0.0.0/8,lo\nadd ni 10.1.0.0/16,eth9\n"
	"create nip hash:net,iface\nadd nip 10.0.0.0/8,lo\nadd nip 10.0.0.0/8,physdev:eth1\n"
	"create nin hash:net,iface\nadd nin 10.0.0.0/8,l wildcard\nadd nin 10.1.0.0/16,lo nomatch\n"
	"create bp bitmap:port range 0-65535\nadd bp 53\nadd bp 2048\n"
	"create hp hash:ip,port\nadd hp 10.1.0.1,udp:53\nadd hp 10.1.0.1,icmp:8/0\nadd hp 10.1.0.1,sctp:53\nadd hp 10.1.0.1,gre:0\n"
	"create h4 hash:ip\nadd h4 10.1.0.1\ncreate h6 hash:ip family inet6\nadd h6 2001:db8::1\n"
	"create nm hash:net\nadd nm 10.0.0.0/8\nadd nm 10.1.0.0/16 nomatch\nadd nm 10.1.0.9\n"
	"create ipi hash:ip,port,ip\nadd ipi 10.200.0.1,udp:53,10.1.0.1\nadd ipi 10.1.0.1,udp:4000,10.200.0.1\n"
	"create ipn hash:ip,port,net\nadd ipn 10.200.0.1,udp:50-60,10.0.0.0/8\nadd ipn 10.200.0.1,udp:53,10.1.0.0/16 nomatch\n"
	"create np hash:net,port\nadd np 10.0.0.0/8,udp:1-100\nadd np 10.1.0.0/16,udp:53 nomatch\n"
	"create bk hash:ip bitmask 255.0.0.255\nadd bk 10.77.77.1\n"
	"create im bitmap:ip,mac range 10.1.0.0/24\nadd im 10.1.0.1\n"
	"create li list:set\nadd li h6\nadd li bp\nadd li hp\n"
	"create lp list:set\nadd lp hp\nadd lp h6\n"
	"create lx list:set\nadd lx nm\nadd lx h4\n";

static const struct {
	const char *arguments; /* behind --match-set */
	const char *name, *directions;
	bool negated, return_nomatch;
} rules[] = {
	{ "ni dst,src", "ni", "dst,src", false, false },
	{ "ni dst,dst", "ni", "dst,dst", false, false },
	{ "ni dst,dst", "ni", "dst,dst", true, false },
	{ "nip dst,src", "nip", "dst,src", false, false },
	{ "nin dst,src", "nin", "dst,src", false, false },
	{ "nin dst,src --return-nomatch", "nin", "dst,src", false, true },
	{ "nin dst,src --return-nomatch", "nin", "dst,src", true, true },
	{ "bp dst", "bp", "dst", false, false },
	{ "bp src", "bp", "src", false, false },
	{ "bp dst", "bp", "dst", true, false },
	{ "hp dst,dst", "hp", "dst,dst", false, false },
	{ "hp dst", "hp", "dst", false, false },
	{ "hp dst", "hp", "dst", true, false },
	{ "hp dst,src", "hp", "dst,src", false, false },
	{ "hp dst,dst,src", "hp", "dst,dst,src", false, false },
	{ "hp dst,dst", "hp", "dst,dst", true, false },
	{ "h4 dst", "h4", "dst", false, false },
	{ "nm dst", "nm", "dst", false, false },
	{ "nm src,dst,src", "nm", "src,dst,src", false, false },
	{ "nm dst --return-nomatch", "nm", "dst", false, true },
	{ "ipi src,dst,dst", "ipi", "src,dst,dst", false, false },
	{ "ipi dst,src,src", "ipi", "dst,src,src", false, false },
	{ "ipn src,dst,dst", "ipn", "src,dst,dst", false, false },
	{ "ipn src,dst,dst --return-nomatch", "ipn", "src,dst,dst", false, true },
	{ "np dst,dst", "np", "dst,dst", false, false },
	{ "np dst,dst", "np", "dst,dst", true, false },
	{ "bk dst", "bk", "dst", false, false },
	{ "li dst", "li", "dst", false, false },
	{ "li dst,dst", "li", "dst,dst", false, false },
	{ "li dst", "li", "dst", true, false },
	{ "lp dst", "lp", "dst", false, false },
	{ "lx dst", "lx", "dst", false, false },
	{ "lx dst --return-nomatch", "lx", "dst", false, true },
	{ "im dst,src", "im", "dst,src", false, false },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static const struct packet {
	unsigned protocol;
	const char *destination;
	unsigned port; /* ICMP: type << 8 | code */
} packets[] = {
	{ IPPROTO_UDP, "10.1.0.1", 53 },	  { IPPROTO_UDP, "10.1.0.1", 77 },     { IPPROTO_UDP, "10.2.0.1", 53 },
	{ IPPROTO_UDP, "10.1.0.9", 55 },	  { IPPROTO_UDP, "10.2.0.2", 4444 },   { IPPROTO_ICMP, "10.1.0.1", 8 << 8 },
	{ IPPROTO_ICMP, "10.1.0.1", 8 << 8 | 1 }, { IPPROTO_UDPLITE, "10.1.0.1", 53 }, { IPPROTO_SCTP, "10.1.0.1", 53 },
	{ IPPROTO_GRE, "10.1.0.1", 0 },
};
#define PACKETS (sizeof(packets) / sizeof(packets[0]))

/* --- the kernel ------------------------------------------------------------------------------------------------------------- */

static bool run(const char *command)
{
	return system(command) == 0;
}

/* The answers of a receiver that is not there must not count. */
static bool set_up(void)
{
	struct pa_buffer script = { 0 };
	FILE *restore = NULL;
	bool good;

	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0 || !run("ip link set lo up && ip addr add 10.0.0.0/8 dev lo"))
		return false;
	restore = popen("ipset restore", "w");
	if (!restore)
		return false;
	fputs(sets_text, restore);
	if (pclose(restore) != 0)
		return false;
	pa_buffer_puts(
		&script,
		"{ echo '*filter'; echo ':INPUT ACCEPT [0:0]'; echo '-A INPUT -p icmp --icmp-type 3 -j DROP'; echo '-A INPUT -p icmp --icmp-type 0 -j DROP'\n");
	for (size_t i = 0; i < RULES; i++)
		pa_buffer_printf(&script, "echo '-A INPUT -m set %s--match-set %s -m comment --comment r%zu'\n",
				 rules[i].negated ? "! " : "", rules[i].arguments, i);
	pa_buffer_puts(&script, "echo COMMIT; } | iptables-nft-restore");
	good = run(script.data);
	pa_buffer_done(&script);
	return good;
}

static bool send_packet(const struct packet *packet)
{
	bool is_udp = packet->protocol == IPPROTO_UDP;
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(is_udp ? SOURCE_PORT : 0) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(is_udp ? packet->port : 0) };
	uint16_t header[16] = { htons(SOURCE_PORT), htons(packet->port) };
	int fd = socket(AF_INET, is_udp ? SOCK_DGRAM : SOCK_RAW, is_udp ? 0 : packet->protocol);

	inet_pton(AF_INET, SOURCE, &from.sin_addr);
	inet_pton(AF_INET, packet->destination, &to.sin_addr);
	if (packet->protocol == IPPROTO_ICMP) {
		header[0] = htons(packet->port);
		header[1] = htons(0xffff - packet->port);
	}
	bool good = fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
		    sendto(fd, header, sizeof(header), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(header);
	if (fd >= 0)
		close(fd);
	return good;
}

/* Which rules a packet has met. */
static bool ask_kernel(const struct packet *packet, bool met[RULES])
{
	char line[1024];
	FILE *save;

	if (!run("iptables-nft -Z") || !send_packet(packet) || !(save = popen("iptables-nft-save -c", "r")))
		return false;
	memset(met, 0, RULES * sizeof(*met));
	while (fgets(line, sizeof(line), save)) {
		const char *comment = strstr(line, "--comment r");
		size_t rule = comment ? strtoul(comment + strlen("--comment r"), NULL, 10) : RULES;
		if (rule < RULES)
			met[rule] = strncmp(line, "[0:", 3) != 0;
	}
	return pclose(save) == 0;
}

/* --- the steps ----------------------------------------------------------------------------------------------------------------- */

static pa_u128 address(const char *text)
{
	pa_u128 value = 0;
	int family;

	pa_address_parse(text, &value, &family);
	return value;
}

static pa_u128 value_of(const struct packet *packet, const struct pa_key_part *part)
{
	bool is_icmp = packet->protocol == IPPROTO_ICMP;

	if (part->opaque)
		return 772; /* ARPHRD_LOOPBACK */
	switch ((unsigned)part->field) {
	case PA_FIELD_NFPROTO:
		return PA_NFPROTO_IPV4;
	case PA_FIELD_SADDR:
		return address(SOURCE) & part->mask;
	case PA_FIELD_DADDR:
		return address(packet->destination) & part->mask;
	case PA_FIELD_L4PROTO:
		return packet->protocol;
	case PA_FIELD_SPORT:
		return is_icmp ? 0 : SOURCE_PORT;
	case PA_FIELD_DPORT:
		return is_icmp ? 0 : packet->port;
	case PA_FIELD_ICMP_TYPE:
		return is_icmp ? packet->port >> 8 : 0;
	case PA_FIELD_ICMP_CODE:
		return is_icmp ? packet->port & 0xff : 0;
	case PA_FIELD_IIFNAME:
		return pa_ifname_value("lo");
	default:
		return 0; /* OIFNAME: there is none in input */
	}
}

static bool step_holds(const struct pa_step *step, const struct packet *packet)
{
	const struct pa_elements *elements = step->elements;
	bool in = false;

	for (size_t i = 0; i < elements->count && !in; i++) {
		in = true;
		for (unsigned p = 0; p < elements->parts; p++) {
			pa_u128 value = value_of(packet, &step->key.parts[p]);
			struct pa_interval key = elements->keys[i * elements->parts + p];
			in = in && value >= key.first && value <= key.last;
		}
	}
	return in != step->negated;
}

static bool ask_steps(struct pa_ipsets *sets, struct pa_arena *arena, size_t rule, const struct packet *packet)
{
	struct pa_ipset_match match = { .name = rules[rule].name,
					.directions = rules[rule].directions,
					.negated = rules[rule].negated,
					.return_nomatch = rules[rule].return_nomatch,
					.family = 4,
					.text = "match" };
	struct pa_step steps[PA_IPSET_STEPS_MAX];
	size_t count;
	bool holds = pa_ipset_lower(sets, &match, arena, steps, &count);

	for (size_t i = 0; i < count; i++)
		holds = holds && step_holds(&steps[i], packet);
	return holds;
}

int main(void)
{
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_arena *arena = pa_arena_new();
	struct pa_diags diags = { 0 };
	unsigned asked = 0, met_count = 0, wrong = 0;
	bool met[RULES];

	if (!set_up()) {
		puts("skipped: needs root, ip, iptables, ipset and a kernel that has sets");
		return 77;
	}
	if (!pa_ipsets_read(sets, "sets", sets_text, strlen(sets_text), PA_DIAG_INPUT, &diags)) {
		printf("%u: %s\n", diags.items[0].where.line, diags.items[0].message);
		return 1;
	}
	for (size_t p = 0; p < PACKETS; p++) {
		if (!ask_kernel(&packets[p], met)) {
			printf("packet %zu could not be sent\n", p);
			wrong++;
			continue;
		}
		for (size_t i = 0; i < RULES; i++, asked++) {
			bool ours = ask_steps(sets, arena, i, &packets[p]);
			met_count += met[i];
			wrong += ours != met[i];
			if (ours != met[i])
				printf("protocol %u to %s port %u: %s--match-set %s: the kernel says %s\n", packets[p].protocol,
				       packets[p].destination, packets[p].port, rules[i].negated ? "! " : "",
				       rules[i].arguments, met[i] ? "yes" : "no");
		}
	}
	printf("%u questions, %u met, %u answered otherwise\n", asked, met_count, wrong);
	pa_ipsets_free(sets);
	pa_arena_free(arena);
	pa_diags_done(&diags);
	return wrong || met_count < 50 || met_count == asked;
}
