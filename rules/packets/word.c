/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vocabularies of packets: names as nft(8) writes them. */
#include <ctype.h>
#include <string.h>

#include "reader.h"

const struct pa_packet_word pa_packet_states[] = {
	{ "new", PA_CT_NEW },	      { "established", PA_CT_ESTABLISHED }, { "related", PA_CT_RELATED },
	{ "invalid", PA_CT_INVALID }, { "untracked", PA_CT_UNTRACKED },	    { NULL, 0 },
};

const struct pa_packet_word pa_packet_flags[] = {
	{ "fin", PA_TCP_FIN }, { "syn", PA_TCP_SYN }, { "rst", PA_TCP_RST }, { "psh", PA_TCP_PSH }, { "ack", PA_TCP_ACK },
	{ "urg", PA_TCP_URG }, { "ecn", PA_TCP_ECN }, { "cwr", PA_TCP_CWR }, { NULL, 0 },
};

const struct pa_packet_word pa_packet_statuses[] = {
	{ "dnat", PA_STATUS_DNAT },	  { "snat", PA_STATUS_SNAT },		{ "seen-reply", PA_STATUS_SEEN_REPLY },
	{ "assured", PA_STATUS_ASSURED }, { "confirmed", PA_STATUS_CONFIRMED }, { NULL, 0 },
};

/* PACKET_* of linux/if_packet.h. */
const struct pa_packet_word pa_packet_types[] = {
	{ "host", 0 }, { "broadcast", 1 }, { "multicast", 2 }, { "other", 3 }, { NULL, 0 },
};

const struct pa_packet_word pa_packet_directions[] = { { "original", 0 }, { "reply", 1 }, { NULL, 0 } };

const struct pa_packet_word pa_packet_paths[] = {
	{ "in", PA_PATH_IN }, { "forward", PA_PATH_FORWARD }, { "out", PA_PATH_OUT }, { NULL, 0 }
};

const struct pa_packet_word pa_packet_protocols[] = {
	{ "tcp", PA_PROTO_TCP },
	{ "udp", 17 },
	{ "udplite", 136 },
	{ "sctp", 132 },
	{ "dccp", 33 },
	{ "icmp", PA_PROTO_ICMP },
	{ "icmpv6", PA_PROTO_ICMPV6 },
	{ NULL, 0 },
};

bool pa_packet_word_find(const struct pa_packet_word *list, const char *name, unsigned *ret_value)
{
	for (; list->name; list++) {
		if (strcmp(list->name, name) == 0) {
			*ret_value = list->value;
			return true;
		}
	}
	return false;
}

const char *pa_packet_word_help(struct pa_allow *words, const struct pa_packet_word *list, const char *name)
{
	struct pa_suggestion suggestion = pa_suggestion_start(words, name, strlen(name));
	const char *all = list->name;
	for (const struct pa_packet_word *word = list; word->name; word++) {
		pa_suggestion_offer(&suggestion, word->name);
		if (word > list)
			all = pa_allow_text(words, "%s%s%s", all, word[1].name ? ", " : " or ", word->name);
	}
	return pa_suggestion_help(&suggestion, pa_allow_text(words, "it is %s", all));
}

/* dev_valid_name() in net/core/dev.c. */
const char *pa_packet_interface_fault(const char *name)
{
	if (*name == '\0')
		return "it is empty";
	if (strlen(name) >= PA_IFNAME_MAX)
		return "it is longer than 15 bytes";
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return "the kernel has no such name";
	for (; *name; name++) {
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return "it holds a blank, '/' or ':'";
		if (*name == '*' || *name == '?')
			return "it is a pattern, and a packet comes through one interface";
	}
	return NULL;
}

const char *pa_packet_address_help(const char *text)
{
	if (strchr(text, '/'))
		return "a packet has one address: name one of the network";
	if (strchr(text, '%'))
		return "leave the zone ('%' and what follows) out";
	if (strcmp(text, "any") == 0)
		return "leave it out";
	if (strcmp(text, "self") == 0)
		return "name one of the host's addresses";
	return "an address is written 192.0.2.1 or 2001:db8::1; names are not looked up";
}
