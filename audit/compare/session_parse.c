/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a connection is written: by users, and by ssh in SSH_CONNECTION. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/difference.h"

static bool parse_port(const char *text, unsigned *ret_port)
{
	char *end = NULL;
	unsigned long port = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;

	if (!end || *end || port == 0 || port > 65535)
		return false;
	*ret_port = (unsigned)port;
	return true;
}

/* "192.0.2.1:22", "[2001:db8::1]:22" */
static bool parse_end(const char *text, size_t length, pa_u128 *ret_address, int *ret_family, unsigned *ret_port)
{
	char copy[PA_ADDRESS_TEXT_MAX + 16], *colon, *address = copy;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	colon = strrchr(copy, ':');
	if (!colon || !parse_port(colon + 1, ret_port))
		return false;
	*colon = '\0';
	if (copy[0] == '[' && colon > copy + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		address++;
	} else if (strchr(copy, ':')) {
		return false;
	}
	return pa_address_parse(address, ret_address, ret_family);
}

bool pa_session_parse(const char *text, struct pa_session *ret_session)
{
	const char *arrow = strstr(text, "->");
	struct pa_session session = { 0 };
	int family = 0;

	if (!arrow || !parse_end(text, (size_t)(arrow - text), &session.client, &session.family, &session.client_port) ||
	    !parse_end(arrow + 2, strlen(arrow + 2), &session.server, &family, &session.server_port) ||
	    family != session.family)
		return false;
	*ret_session = session;
	return true;
}

bool pa_session_parse_ssh(const char *text, struct pa_session *ret_session)
{
	char client[64], server[64], client_port[16], server_port[16], rest;
	struct pa_session session = { 0 };
	int family = 0;

	if (sscanf(text, "%63s %15s %63s %15s %c", client, client_port, server, server_port, &rest) != 4)
		return false;
	if (!pa_address_parse(client, &session.client, &session.family) ||
	    !pa_address_parse(server, &session.server, &family) || family != session.family ||
	    !parse_port(client_port, &session.client_port) || !parse_port(server_port, &session.server_port))
		return false;
	*ret_session = session;
	return true;
}
