/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel as judge: real packets through real rulesets in network namespaces of our own, compared with what
 * the program says of the same packets. Knows the program only as an executable and by the formats it documents.
 *
 *   topology.c  two namespaces: the judged host and the wire     send.c     frames and raw packets
 *   flows.c     conntrack entries                                observe.c  what came out where (NFLOG)
 *   kernel.c    a batch of packets in, observations out          program.c  the executable: trace and list
 *   packet.c    bytes; case.c JSON lines                         derive.c   packets from a ruleset's constants
 *   generate.c  random rulesets; minimise.c smaller ones         compare.c  the verdict on the verdicts
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JUDGE_INTERFACES 3
#define JUDGE_LO JUDGE_INTERFACES /* after eth0, eth1, lan0 */
#define JUDGE_NO_INTERFACE (-1)
#define JUDGE_MAGIC 0x4a554447u /* before the id in every payload */
#define JUDGE_PAYLOAD 12
#define JUDGE_SEQUENCE 16u /* tcp sequence numbers are the id times this: room for what a segment takes of them */

/* An address of either family; IPv4 in the first four bytes. */
struct address {
	uint8_t byte[16];
};

/* How the packet gets into the judged host. */
enum entry {
	ENTRY_WIRE, /* a frame on one of the interfaces */
	ENTRY_OUT,  /* a raw socket of the host, to somewhere else */
	ENTRY_LO,   /* a raw socket of the host, to the host: output and then input */
};

enum flow_state { STATE_NEW, STATE_ESTABLISHED, STATE_RELATED, STATE_INVALID, STATE_UNTRACKED, STATE_COUNT };

struct packet {
	uint32_t id;
	enum entry entry;
	enum flow_state state;
	int iif;    /* ENTRY_WIRE: index of the interface */
	int oif;    /* as routed, index; JUDGE_NO_INTERFACE: to the host itself */
	int family; /* 4 or 6 */
	uint8_t protocol;
	uint8_t type, code; /* icmp, icmpv6 */
	uint8_t flags;	    /* tcp */
	uint8_t ttl, dscp;
	uint8_t pkttype; /* PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST: by the frame's address */
	bool reply;	 /* direction, when established or related */
	bool said_path;	 /* the path cannot be told from the destination: it is said */
	uint16_t sport, dport;
	uint32_t mark;	  /* ENTRY_OUT only */
	uint32_t ct_mark; /* established, related: the flow's */
	struct address src, dst;
	uint8_t detail;	 /* options and rarely asked fields: detail.c; 0: none, and not told */
	char expect[24]; /* a fate, from a case file; empty: none */
};

#define SEEN_IN 1u
#define SEEN_FORWARD 2u
#define SEEN_OUT 4u
#define SEEN_REJECT 8u

/* What the kernel did with a packet. Addresses and ports as they left the last hook. */
struct observation {
	unsigned seen; /* SEEN_* */
	int oif;       /* as the forward hook or postrouting saw it */
	struct address src, dst;
	uint16_t sport, dport;
};

struct packets {
	struct packet *item;
	size_t count, room;
};

/* What the program said of a packet. */
enum fate { FATE_NONE, FATE_IN, FATE_FORWARD, FATE_OUT, FATE_DROP, FATE_REJECT, FATE_DEPENDS };
struct said {
	enum fate fate;
	bool has_src, has_dst, has_sport, has_dport;
	struct address src, dst;
	char *src_text, *dst_text; /* several that are possible: a prefix, a range, or "any" */
	uint16_t sport, dport, sport_last, dport_last;
	char *condition;
};

/* --- topology.c: everything lives in namespaces that vanish with the process --------------------------------- */
struct topology {
	int home, judged, wire;		      /* namespace descriptors */
	int port[JUDGE_INTERFACES];	      /* packet sockets on the wire's ends */
	int raw4, raw6;			      /* raw sockets of the judged host */
	int log, conntrack;		      /* netlink sockets of the judged host */
	unsigned index[JUDGE_INTERFACES + 1]; /* interface indexes in the judged host */
};
extern const char *interface_name[JUDGE_INTERFACES + 1];
/* The judged host's addresses, comma separated, as --self wants them. */
extern const char *own_addresses;

bool topology_open(struct topology *topology); /* complains on stderr */
void topology_close(struct topology *topology);
/* Other names for the three interfaces; they have to live as long as they are used. NULL: their first names. */
bool topology_rename(struct topology *topology, const char *const names[JUDGE_INTERFACES]);
/* One more address of the host, and all of those away again. false: it has it, or there is no room. */
bool topology_add_address(struct topology *topology, int family, const struct address *address);
void topology_drop_addresses(struct topology *topology);
/* Which interface the judged host's routes take; JUDGE_NO_INTERFACE: to itself. */
int topology_route(int family, const struct address *destination);
/* The interface that has this address; JUDGE_NO_INTERFACE: not ours. */
int topology_owner(int family, const struct address *address);
/* Runs a program inside a namespace; its output (both streams) in ret_output (freed by the caller). Its status. */
int run_inside(int namespace, char *const argv[], const char *input, char **ret_output);
/* Replaces the judged host's whole ruleset by this text, the observer's table after it. NULL or nft's complaint (free it). */
char *ruleset_load(struct topology *topology, const char *text);

/* --- packet.c ------------------------------------------------------------------------------------------------- */
/* The packet from its IP header on; the size. room: 512 is enough. */
size_t packet_bytes(const struct packet *packet, uint8_t *bytes, size_t room);
uint32_t crc32c(const uint8_t *bytes, size_t size);
bool packet_has_ports(uint8_t protocol);
bool packet_is_error(const struct packet *packet); /* an ICMP error */
struct packet *packets_add(struct packets *packets);
void packets_done(struct packets *packets);

/* --- observe.c ------------------------------------------------------------------------------------------------ */
char *observer_rules(const char *ruleset); /* the observer for this ruleset; the caller frees */
bool observer_open(struct topology *topology);
/* Reads everything that is there; waits for the first of it at most this long. false: messages were lost. */
bool observer_read(struct topology *topology, int milliseconds, const struct packets *packets, struct observation *seen);

/* --- flows.c -------------------------------------------------------------------------------------------------- */
bool flows_open(struct topology *topology);
void flows_flush(struct topology *topology);
/* Makes the flow that the packet says it belongs to. */
bool flow_add(struct topology *topology, const struct packet *packet);

/* --- send.c, kernel.c ----------------------------------------------------------------------------------------- */
bool send_packets(struct topology *topology, const struct packets *packets, const size_t *order, size_t count);
/* One observation for each packet; a packet's flow is there when it needs one. false: the observer lost messages. */
bool kernel_judge(struct topology *topology, const struct packets *packets, struct observation *ret_seen);
enum fate kernel_fate(const struct packet *packet, const struct observation *seen);

/* --- case.c --------------------------------------------------------------------------------------------------- */
const char *fate_name(enum fate fate);
enum fate fate_parse(const char *name);
void address_format(int family, const struct address *address, char text[INET6_ADDRSTRLEN]);
bool address_parse(const char *text, int *ret_family, struct address *ret_address);
/* One line as `trace --packets` reads it; expect NULL: none. */
void packet_write(FILE *file, const struct packet *packet, const char *expect);
/* The destination that NAT gave it, as a line of NAME.nat; false: it was not moved. */
bool moved_write(FILE *file, const struct packet *packet, const struct observation *seen, uint32_t id);
/* "192.0.2.0/24", "192.0.2.1-192.0.2.9", one address, or "any". */
bool address_in(const char *text, int family, const struct address *address);
bool packets_read(const char *path, struct packets *packets); /* complains on stderr */
char *file_read(const char *path);			      /* NULL: errno */
bool file_write(const char *path, const char *text);

/* --- random.c: the same numbers on every machine --------------------------------------------------------------- */
struct chance {
	uint64_t state;
};
uint32_t chance_below(struct chance *chance, uint32_t bound);
bool chance_of(struct chance *chance, unsigned percent);

/* --- detail.c ------------------------------------------------------------------------------------------------- */
/* Options of TCP, and what stands behind the network header: their bytes at `at`, their size. */
size_t detail_tcp(const struct packet *packet, uint8_t *at);
size_t detail_network(const struct packet *packet, uint8_t *at, uint8_t *first);
/* Where the message of an IPv6 packet begins; *protocol is the first next header, and then that of the message. */
size_t detail_skip(const uint8_t *bytes, size_t size, uint8_t *protocol);
/* Gives packets such details where the ruleset speaks of them. */
void detail_choose(const char *ruleset, struct chance *chance, struct packet *packet);
void detail_write(FILE *file, const struct packet *packet);
void detail_read(const void *object, struct packet *packet); /* a json_t */

/* --- derive.c ------------------------------------------------------------------------------------------------- */
/* Packets made of the ruleset's constants, their neighbours, and what every host sees. ids from 0. */
void packets_derive(const char *ruleset, size_t count, struct chance *chance, struct packets *packets);

/* --- program.c ------------------------------------------------------------------------------------------------ */
struct program {
	const char *path;  /* the executable */
	char *folder;	   /* scratch */
	char *sets;	   /* a file of ip sets that is given beside the ruleset, or NULL */
	unsigned failures; /* runs that gave no answer */
	bool quiet;	   /* say nothing of them */
};
/* said[i] belongs to packets->item[i]; NULL and a complaint on stderr when the program gave no answer. */
struct said *program_trace(struct program *program, const char *ruleset, const struct packets *packets,
			   const struct observation *seen);
void said_free(struct said *said, size_t count);
struct boxes *program_list(struct program *program, const char *ruleset);
void boxes_free(struct boxes *boxes);
/* What the rows say: FATE_IN or FATE_FORWARD, FATE_DROP, FATE_DEPENDS; FATE_NONE: rows do not speak of such packets. */
enum fate boxes_fate(const struct boxes *boxes, const struct packet *packet, int oif);

/* --- compare.c ------------------------------------------------------------------------------------------------ */
enum difference {
	DIFFERENCE_NONE,
	DIFFERENCE_FALSE_CLOSED,
	DIFFERENCE_FALSE_OPEN,
	DIFFERENCE_NAT,
	DIFFERENCE_REJECT,
	DIFFERENCE_DEPENDS,
	DIFFERENCE_LIST_CLOSED,
	DIFFERENCE_LIST_OPEN,
	DIFFERENCE_COUNT
};
extern const char *const difference_name[DIFFERENCE_COUNT];
struct tally {
	unsigned long rulesets, refused, packets, agree, depends, accepted, listed;
	unsigned long difference[DIFFERENCE_COUNT];
	struct cause {
		char *text;
		unsigned long count;
	} cause[64];
	size_t causes;
};
/* explain.c: every part of the condition names something open that the ruleset has, or that the packet does not say. */
bool condition_explained(const char *ruleset, const char *condition, const struct packet *packet);
enum difference compare_packet(const struct packet *packet, const struct observation *seen, const struct said *said,
			       const char *ruleset);
enum difference compare_row(const struct packet *packet, const struct observation *seen, enum fate listed);
void tally_depends(struct tally *tally, const char *condition);
void tally_print(FILE *file, const struct tally *tally);
void tally_done(struct tally *tally);

/* --- share.c ---------------------------------------------------------------------------------------------------- */
/* What one file of others came to, printed, and added to its folder's. kind: how it was loaded. */
void share_note(const char *path, const char *kind, const struct tally *before, const struct tally *now, bool skipped);
void share_print_folders(void);

/* --- table.c ---------------------------------------------------------------------------------------------------- */
/* One ruleset's share. `agree`: a definite answer, and the kernel's. */
struct result {
	unsigned long rulesets, packets, agree, depends, unexplained, differ;
};
void table_note(const char *ruleset, const struct result *result);
bool table_write(const char *path); /* Markdown; complains on stderr */

/* --- generate.c, minimise.c ------------------------------------------------------------------------------------- */
#define SCRIPT_STEPS 10
struct script_rule {
	char *step[SCRIPT_STEPS];
	size_t steps;
};
/* A chain, or a set or map (no rules, `head` is all of it). */
struct script_block {
	char *head;
	struct script_rule *rule;
	size_t rules;
};
struct script_table {
	char *head;
	struct script_block *block;
	size_t blocks;
};
struct script {
	struct script_table *table;
	size_t tables;
};
/* `wide_too`: with what no packet decides. Without it one packet has one fate. */
void script_generate(struct script *script, struct chance *chance, bool wide_too);
char *script_text(const struct script *script);
void script_done(struct script *script);
/* listing.c: what `nft list ruleset` prints, as a script. */
void script_read(struct script *script, const char *listing);

/* Drops parts of the script one by one as long as `still` says that what matters is still there. */
void script_minimise(struct script *script, bool (*still)(const char *text, void *data), void *data);

#endif
