/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network namespace of a test's own, and frames for its interfaces. */
#ifndef PORTAUDIT_TEST_WIRE_H
#define PORTAUDIT_TEST_WIRE_H

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

static inline void set_sysctl(const char *name, unsigned value)
{
	char path[200];
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	FILE *file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s", path);
	fprintf(file, "%u", value);
	fclose(file);
}

/* A namespace of its own, made ready by these commands of a shell; its interfaces get no addresses by themselves. */
static inline void enter_namespace(const char *commands)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	set_sysctl("ipv6/conf/default/addr_gen_mode", 1);
	set_sysctl("ipv4/conf/all/rp_filter", 0);
	set_sysctl("ipv4/conf/default/rp_filter", 0);
	ck_assert_int_eq(system(commands), 0);
}

static inline void hardware_address(int descriptor, const char *name, uint8_t *ret_address)
{
	struct ifreq request = { 0 };
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(descriptor, SIOCGIFHWADDR, &request), 0);
	memcpy(ret_address, request.ifr_hwaddr.sa_data, 6);
}

static inline void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

#endif
