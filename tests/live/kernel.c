/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define PORTION 256 /* packets between two looks at the observer */

static bool wants_flow(const struct packet *packet)
{
	return packet->state == STATE_ESTABLISHED || packet->state == STATE_RELATED;
}

/* Packets in the order in which the sockets change least; `flows` says which kind. */
static size_t choose(const struct packets *packets, bool flows, size_t *order)
{
	size_t count = 0;
	for (int entry = ENTRY_WIRE; entry <= ENTRY_LO; entry++)
		for (int way = 0; way < JUDGE_INTERFACES; way++)
			for (int family = 4; family <= 6; family += 2)
				for (size_t i = 0; i < packets->count; i++) {
					const struct packet *packet = &packets->item[i];
					if ((int)packet->entry == entry && packet->family == family &&
					    wants_flow(packet) == flows &&
					    (packet->entry == ENTRY_WIRE ? packet->iif == way : way == 0))
						order[count++] = i;
				}
	return count;
}

static bool send_portions(struct topology *topology, const struct packets *packets, const size_t *order, size_t count,
			  struct observation *seen)
{
	bool good = true;
	for (size_t i = 0; good && i < count; i += PORTION) {
		good = send_packets(topology, packets, order + i, count - i < PORTION ? count - i : PORTION);
		good = observer_read(topology, 0, packets, seen) && good;
	}
	return observer_read(topology, 2, packets, seen) && good;
}

/* Flows stay from one packet to the next, and two packets may want one flow differently: a flow, a packet, away with it. */
static bool send_with_flows(struct topology *topology, const struct packets *packets, const size_t *order, size_t count,
			    struct observation *seen)
{
	bool good = true;
	for (size_t i = 0; good && i < count; i++) {
		if (!flow_add(topology, &packets->item[order[i]])) {
			flows_flush(topology);
			flow_add(topology, &packets->item[order[i]]);
		}
		good = send_packets(topology, packets, order + i, 1);
		if (i % PORTION == PORTION - 1)
			good = observer_read(topology, 0, packets, seen) && good;
	}
	flows_flush(topology);
	return observer_read(topology, 2, packets, seen) && good;
}

bool kernel_judge(struct topology *topology, const struct packets *packets, struct observation *ret_seen)
{
	size_t *order = calloc(packets->count + 1, sizeof(*order));
	memset(ret_seen, 0, packets->count * sizeof(*ret_seen));
	for (size_t i = 0; i < packets->count; i++)
		ret_seen[i].oif = JUDGE_NO_INTERFACE;
	flows_flush(topology);
	bool good = order && send_portions(topology, packets, order, choose(packets, false, order), ret_seen);
	flows_flush(topology);
	good = good && send_with_flows(topology, packets, order, choose(packets, true, order), ret_seen);
	free(order);
	return good;
}

enum fate kernel_fate(const struct packet *packet, const struct observation *seen)
{
	static const unsigned wanted[] = {
		[ENTRY_WIRE] = SEEN_IN | SEEN_FORWARD, [ENTRY_OUT] = SEEN_OUT, [ENTRY_LO] = SEEN_IN
	};
	unsigned arrived = seen->seen & wanted[packet->entry];
	if (arrived)
		return arrived & SEEN_IN ? FATE_IN : arrived & SEEN_FORWARD ? FATE_FORWARD : FATE_OUT;
	return seen->seen & SEEN_REJECT ? FATE_REJECT : FATE_DROP;
}
