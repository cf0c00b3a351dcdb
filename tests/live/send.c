/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "judge.h"

#define BATCH 64
#define FRAME 512
#define ETHERNET 14

/* Everything that one sendmmsg() needs to point at. */
struct batch {
	struct mmsghdr message[BATCH];
	struct iovec vector[BATCH];
	struct sockaddr_in to4[BATCH];
	struct sockaddr_in6 to6[BATCH];
	_Alignas(struct cmsghdr) char control[BATCH][CMSG_SPACE(sizeof(uint32_t))];
	uint8_t frame[BATCH][FRAME];
	unsigned count;
	int socket;
};

static void put_ethernet(const struct packet *packet, uint8_t *frame)
{
	static const uint8_t group[2][6] = { { 0x01, 0, 0x5e, 0, 0, 1 }, { 0x33, 0x33, 0, 0, 0, 1 } };
	uint8_t host[6] = { 2, 0, 0, 0, (uint8_t)packet->iif, 1 }, peer[6] = { 2, 0, 0, 0, (uint8_t)packet->iif, 2 };
	if (packet->pkttype == PACKET_BROADCAST)
		memset(host, 0xff, sizeof(host));
	if (packet->pkttype == PACKET_MULTICAST)
		memcpy(host, group[packet->family == 6], sizeof(host));
	memcpy(frame, host, 6);
	memcpy(frame + 6, peer, 6);
	frame[12] = packet->family == 4 ? 0x08 : 0x86;
	frame[13] = packet->family == 4 ? 0x00 : 0xdd;
}

static void put_mark(struct batch *batch, unsigned slot, uint32_t mark)
{
	struct msghdr *header = &batch->message[slot].msg_hdr;
	header->msg_control = batch->control[slot];
	header->msg_controllen = sizeof(batch->control[slot]);
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SO_MARK;
	control->cmsg_len = CMSG_LEN(sizeof(mark));
	memcpy(CMSG_DATA(control), &mark, sizeof(mark));
}

static void put_destination(struct batch *batch, unsigned slot, const struct packet *packet)
{
	struct msghdr *header = &batch->message[slot].msg_hdr;
	if (packet->family == 4) {
		batch->to4[slot] = (struct sockaddr_in){ .sin_family = AF_INET };
		memcpy(&batch->to4[slot].sin_addr, packet->dst.byte, 4);
		header->msg_name = &batch->to4[slot];
		header->msg_namelen = sizeof(batch->to4[slot]);
		return;
	}
	batch->to6[slot] = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	memcpy(&batch->to6[slot].sin6_addr, packet->dst.byte, 16);
	header->msg_name = &batch->to6[slot];
	header->msg_namelen = sizeof(batch->to6[slot]);
}

/* A packet that the host refuses to send (EPERM: a rule dropped it) is no error of ours: the next one is tried. */
static bool flush(struct batch *batch)
{
	unsigned sent = 0;
	while (sent < batch->count) {
		int count = sendmmsg(batch->socket, batch->message + sent, batch->count - sent, 0);
		if (count > 0)
			sent += (unsigned)count;
		else if (errno == ENOBUFS || errno == EINTR || errno == EAGAIN)
			continue;
		else if (errno == EBADF || errno == ENOTSOCK || errno == ENETDOWN)
			return false;
		else
			sent++;
	}
	batch->count = 0;
	return true;
}

static int socket_for(const struct topology *topology, const struct packet *packet)
{
	if (packet->entry == ENTRY_WIRE)
		return topology->port[packet->iif];
	return packet->family == 4 ? topology->raw4 : topology->raw6;
}

static void put_packet(struct batch *batch, const struct packet *packet)
{
	unsigned slot = batch->count++;
	bool wire = packet->entry == ENTRY_WIRE;
	size_t offset = wire ? ETHERNET : 0;
	memset(&batch->message[slot], 0, sizeof(batch->message[slot]));
	if (wire)
		put_ethernet(packet, batch->frame[slot]);
	else
		put_destination(batch, slot, packet);
	if (packet->mark)
		put_mark(batch, slot, packet->mark);
	batch->vector[slot].iov_base = batch->frame[slot];
	batch->vector[slot].iov_len = offset + packet_bytes(packet, batch->frame[slot] + offset, FRAME - offset);
	batch->message[slot].msg_hdr.msg_iov = &batch->vector[slot];
	batch->message[slot].msg_hdr.msg_iovlen = 1;
}

bool send_packets(struct topology *topology, const struct packets *packets, const size_t *order, size_t count)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	bool good = batch != NULL;
	for (size_t i = 0; good && i < count; i++) {
		const struct packet *packet = &packets->item[order[i]];
		int socket = socket_for(topology, packet);
		if (batch->count && (batch->count == BATCH || batch->socket != socket))
			good = flush(batch);
		batch->socket = socket;
		put_packet(batch, packet);
	}
	good = good && flush(batch);
	free(batch);
	return good;
}
