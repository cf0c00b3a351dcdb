/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets with any source, put on the wire of one interface of a namespace: the tests that forge sources share them. */
#ifndef PORTAUDIT_TEST_FORGED_H
#define PORTAUDIT_TEST_FORGED_H

#include <arpa/inet.h>
#include <check.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Where a packet goes in: an interface, the other end of its pair, and the addresses that packets are sent to. */
struct wire {
	const char *interface, *peer;
	const char *ipv4, *ipv6;
};

static void set_sysctl(const char *name, unsigned value)
{
	char path[200];
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	FILE *file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s", path);
	fprintf(file, "%u", value);
	fclose(file);
}

/* A namespace of its own, made ready by these commands of a shell; its interfaces get no addresses by themselves. */
static void enter_namespace(const char *commands)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	set_sysctl("ipv6/conf/default/addr_gen_mode", 1);
	set_sysctl("ipv4/conf/all/rp_filter", 0);
	set_sysctl("ipv4/conf/default/rp_filter", 0);
	ck_assert_int_eq(system(commands), 0);
}

static void hardware_address(int descriptor, const char *name, uint8_t *ret_address)
{
	struct ifreq request = { 0 };
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(descriptor, SIOCGIFHWADDR, &request), 0);
	memcpy(ret_address, request.ifr_hwaddr.sa_data, 6);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned add_words(const uint8_t *bytes, size_t size, unsigned sum)
{
	for (size_t i = 0; i < size; i += 2)
		sum += (unsigned)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static unsigned fold(unsigned sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

/* An empty UDP datagram to the host. */
static size_t make_packet(uint8_t *bytes, const struct wire *wire, const char *source, unsigned port)
{
	bool six = strchr(source, ':') != NULL;
	size_t header = six ? 40 : 20;
	memset(bytes, 0, 80);
	put16(bytes + header, 40000);
	put16(bytes + header + 2, port);
	put16(bytes + header + 4, 8);
	if (six) {
		bytes[0] = 0x60;
		put16(bytes + 4, 8);
		bytes[6] = 17;
		bytes[7] = 64;
		ck_assert_int_eq(inet_pton(AF_INET6, source, bytes + 8), 1);
		ck_assert_int_eq(inet_pton(AF_INET6, wire->ipv6, bytes + 24), 1);
		put16(bytes + 46, fold(add_words(bytes + 8, 40, 17 + 8)));
	} else {
		bytes[0] = 0x45;
		put16(bytes + 2, 28);
		bytes[8] = 64;
		bytes[9] = 17;
		ck_assert_int_eq(inet_pton(AF_INET, source, bytes + 12), 1);
		ck_assert_int_eq(inet_pton(AF_INET, wire->ipv4, bytes + 16), 1);
		put16(bytes + 10, fold(add_words(bytes, 20, 0)));
	}
	return header + 8;
}

static void send_packet(int descriptor, const struct wire *wire, const char *source, unsigned port)
{
	uint8_t frame[100] = { 0 };
	hardware_address(descriptor, wire->interface, frame);
	hardware_address(descriptor, wire->peer, frame + 6);
	put16(frame + 12, strchr(source, ':') ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	size_t size = 14 + make_packet(frame + 14, wire, source, port);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(wire->peer), .sll_halen = 6 };
	ck_assert_int_eq(sendto(descriptor, frame, size, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)size);
}

/* Which of the ports from `first` on a command writes, each behind `before` at the beginning of a line or anywhere (""). */
static void read_ports(const char *command, const char *before, unsigned first, bool *in, size_t count)
{
	char line[65536];
	FILE *pipe = popen(command, "r");
	ck_assert(pipe != NULL);
	while (fgets(line, sizeof(line), pipe)) {
		size_t length = strlen(before);
		if (strncmp(line, before, length) != 0)
			continue;
		unsigned long port = strtoul(line + length, NULL, 10);
		if (port >= first && port < first + count)
			in[port - first] = true;
	}
	pclose(pipe);
}

/* The ports in a set of table inet judge. */
static void read_set(const char *name, unsigned first, bool *in, size_t count)
{
	char command[100];
	snprintf(command, sizeof(command), "nft -n list set inet judge %s | tr -cs 0-9 '\\n'", name);
	read_ports(command, "", first, in, count);
}

#endif
