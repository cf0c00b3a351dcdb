// rooms: pa_host pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit/host: what the user tells of a host. */
#include <check.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "../../audit/host/read.h"

/* The host's addresses in one line. */
static char *addresses(const struct pa_host *host)
{
	struct pa_buffer line = { 0 };
	pa_buffer_puts(&line, "");
	for (size_t i = 0; i < host->address_count; i++) {
		char text[PA_ADDRESS_TEXT_MAX];
		pa_address_format(host->addresses[i].address, host->addresses[i].family, text);
		pa_buffer_printf(&line, "%s%s/%u", i ? " " : "", text, host->addresses[i].prefix_length);
	}
	return line.data;
}

START_TEST(a_new_host_knows_nothing)
{
	struct pa_host *host = pa_host_new("web1");
	ck_assert_str_eq(host->name, "web1");
	ck_assert(!host->addresses_known && !host->interfaces_known && !host->routes_known && !host->live);
	ck_assert_int_eq(host->forward_ipv4, PA_UNKNOWN);
	ck_assert_int_eq(host->forward_ipv6, PA_UNKNOWN);
	ck_assert_int_eq(host->route_localnet, PA_UNKNOWN);
	ck_assert_ptr_null(pa_host_free(host));
	ck_assert_ptr_null(pa_host_free(NULL));
	host = pa_host_new(NULL);
	ck_assert_ptr_null(host->name);
	pa_host_free(host);
}
END_TEST

static const struct {
	const char *text, *addresses; /* NULL: refused */
	const char *message;
} self_table[] = {
	{ "192.0.2.1", "192.0.2.1/32", NULL },
	{ "192.0.2.1,2001:db8::1", "192.0.2.1/32 2001:db8::1/128", NULL },
	{ " 192.0.2.1 ,\t2001:db8::1 ", "192.0.2.1/32 2001:db8::1/128", NULL },
	{ "192.0.2.1/24", NULL, "'192.0.2.1/24' is not an address" },
	{ "192.0.2.1,,192.0.2.2", NULL, "'' is not an address" },
	{ "192.0.2.1,", NULL, "'' is not an address" },
	{ "", NULL, "'' is not an address" },
	{ "eth0", NULL, "'eth0' is not an address" },
	{ "fe80::1%eth0", NULL, "'fe80::1%eth0' is not an address" },
};

START_TEST(self_is_a_list_of_addresses)
{
	struct pa_host *host = pa_host_new(NULL);
	struct pa_diags diags = { 0 };
	bool good = pa_host_add_self(host, self_table[_i].text, &diags);
	ck_assert_int_eq(good, self_table[_i].addresses != NULL);
	ck_assert_int_eq(host->addresses_known, good);
	char *line = addresses(host);
	ck_assert_str_eq(line, good ? self_table[_i].addresses : "");
	free(line);
	ck_assert_uint_eq(diags.count, good ? 0 : 1);
	if (!good) {
		ck_assert_str_eq(diags.items[0].message, self_table[_i].message);
		ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INPUT);
		ck_assert_ptr_nonnull(diags.items[0].help);
	}
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(all_wrong_addresses_are_told_at_once)
{
	struct pa_host *host = pa_host_new(NULL);
	struct pa_diags diags = { 0 };
	ck_assert(!pa_host_add_self(host, "x,192.0.2.1,y", &diags));
	ck_assert_uint_eq(diags.count, 2);
	ck_assert_uint_eq(host->address_count, 0);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(self_replaces_what_was_read_live_and_adds_to_what_was_given)
{
	struct pa_host_address live[] = {
		{ .family = 4, .address = PA_IPV4_BASE | 1, .interface = "eth0" },
		{ .family = 4, .address = PA_IPV4_BASE | 2, .interface = "eth0", .broadcast = true }
	};
	struct pa_host *host = pa_host_new(NULL);
	struct pa_diags diags = { 0 };
	host->addresses = live;
	host->address_count = 2;
	ck_assert(pa_host_add_self(host, "192.0.2.1,192.0.2.2,192.0.2.3", &diags));
	ck_assert(pa_host_add_self(host, "192.0.2.4,192.0.2.5", &diags));
	char *line = addresses(host);
	ck_assert_str_eq(line, "192.0.2.1/32 192.0.2.2/32 192.0.2.3/32 192.0.2.4/32 192.0.2.5/32");
	free(line);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

/* --- netlink ----------------------------------------------------------------------------------------------- */

#define SEQUENCE 7

/* Append a message with a payload of one number. */
static void put(struct pa_buffer *datagram, uint16_t type, uint16_t flags, uint32_t sequence, int payload)
{
	struct nlmsghdr header = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(payload)), .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = sequence
	};
	pa_buffer_add(datagram, &header, sizeof(header));
	pa_buffer_add(datagram, &payload, sizeof(payload));
}

static const struct {
	const char *name;
	struct {
		uint16_t type, flags;
		uint32_t sequence;
		int payload;
	} messages[3];
	bool finished;
	int error;
	int taken; /* the sum of the payloads taken over */
} datagram_table[] = {
	{ "more to come", { { RTM_NEWLINK, 0, SEQUENCE, 1 }, { RTM_NEWLINK, 0, SEQUENCE, 2 } }, false, 0, 3 },
	{ "done", { { RTM_NEWLINK, 0, SEQUENCE, 1 }, { NLMSG_DONE, 0, SEQUENCE, 0 } }, true, 0, 1 },
	{ "done, and it failed", { { RTM_NEWLINK, 0, SEQUENCE, 1 }, { NLMSG_DONE, 0, SEQUENCE, -ENOMEM } }, true, ENOMEM, 1 },
	{ "error", { { NLMSG_ERROR, 0, SEQUENCE, -EPERM } }, true, EPERM, 0 },
	{ "torn", { { RTM_NEWLINK, NLM_F_DUMP_INTR, SEQUENCE, 1 }, { RTM_NEWLINK, 0, SEQUENCE, 2 } }, false, EAGAIN, 3 },
	{ "torn at the end",
	  { { RTM_NEWLINK, 0, SEQUENCE, 1 }, { NLMSG_DONE, NLM_F_DUMP_INTR, SEQUENCE, 0 } },
	  true,
	  EAGAIN,
	  1 },
	{ "an earlier attempt",
	  { { RTM_NEWLINK, 0, 6, 1 }, { NLMSG_DONE, 0, 6, -EPERM }, { RTM_NEWLINK, 0, SEQUENCE, 4 } },
	  false,
	  0,
	  4 },
};

START_TEST(datagrams_are_taken_over)
{
	struct pa_buffer datagram = { 0 }, messages = { 0 };
	for (size_t i = 0; i < 3 && datagram_table[_i].messages[i].type; i++)
		put(&datagram, datagram_table[_i].messages[i].type, datagram_table[_i].messages[i].flags,
		    datagram_table[_i].messages[i].sequence, datagram_table[_i].messages[i].payload);
	int error = 99, taken = 0;
	bool finished = pa_netlink_take(datagram.data, (int)datagram.length, SEQUENCE, &messages, &error);
	ck_assert_msg(finished == datagram_table[_i].finished, "%s", datagram_table[_i].name);
	ck_assert_msg(error == datagram_table[_i].error, "%s: %d", datagram_table[_i].name, error);
	const struct nlmsghdr *message = NULL;
	while ((message = pa_netlink_next(&messages, message)))
		taken += *(const int *)mnl_nlmsg_get_payload(message);
	ck_assert_msg(taken == datagram_table[_i].taken, "%s: %d", datagram_table[_i].name, taken);
	pa_buffer_done(&datagram);
	pa_buffer_done(&messages);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *given = tcase_create("given");
	tcase_add_test(given, a_new_host_knows_nothing);
	tcase_add_loop_test(given, self_is_a_list_of_addresses, 0, sizeof(self_table) / sizeof(*self_table));
	tcase_add_test(given, all_wrong_addresses_are_told_at_once);
	tcase_add_test(given, self_replaces_what_was_read_live_and_adds_to_what_was_given);
	suite_add_tcase(suite, given);
	TCase *netlink = tcase_create("netlink");
	tcase_add_loop_test(netlink, datagrams_are_taken_over, 0, sizeof(datagram_table) / sizeof(*datagram_table));
	suite_add_tcase(suite, netlink);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
