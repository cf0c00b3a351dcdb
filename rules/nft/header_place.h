/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the fields of headers lie, by the names that libnftables gives them (src/proto.c of nftables). */
#ifndef PORTAUDIT_NFT_HEADER_PLACE_H
#define PORTAUDIT_NFT_HEADER_PLACE_H

#include "json_reader.h"

struct pa_header_place {
	const char *protocol;
	const char *field;
	unsigned base;	 /* NFT_PAYLOAD_* */
	unsigned offset; /* bits */
	unsigned length;
};

/* Two strings of { "payload": { "protocol": "tcp", "field": "dport" } }. NULL: no field that is known here. */
const struct pa_header_place *pa_header_place_find(const struct pa_json_node *protocol, const struct pa_json_node *field);

#endif
