// rooms: pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random address expressions, evaluated address by address from their definition, against the intervals and the three steps
 * that policy.h promises. The universe: 10.0.0.0-10.0.0.15 and 2001:db8::0-f, of which the host has some.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/policy.h"

enum { SIZE = 16, UNIVERSE = 2 * SIZE, NAMES = 6, ROUNDS = 20000 };

/* Bit i: address i of IPv4, then of IPv6. */
typedef uint32_t members;

static const members self_members = 0x00f30c0f;

static unsigned next_random(uint64_t *state, unsigned below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33) % below;
}

static members range_members(unsigned family, unsigned first, unsigned last)
{
	members found = 0;
	for (unsigned i = first; i <= last; i++)
		found |= (members)1 << (family * SIZE + i);
	return found;
}

static void add_range(uint64_t *state, struct pa_buffer *text, members *ret_members)
{
	unsigned family = next_random(state, 2), first = next_random(state, SIZE),
		 last = first + next_random(state, SIZE - first);
	if (family)
		pa_buffer_printf(text, "2001:db8::%x-2001:db8::%x", first, last);
	else
		pa_buffer_printf(text, "10.0.0.%u-10.0.0.%u", first, last);
	*ret_members |= range_members(family, first, last);
}

static void add_addr(uint64_t *state, struct pa_buffer *text, const members *names, unsigned name_count, members *ret_members)
{
	unsigned choice = next_random(state, 12);
	if (choice == 0) {
		pa_buffer_puts(text, "any");
		*ret_members = ~(members)0;
	} else if (choice < 3) {
		pa_buffer_puts(text, "self");
		*ret_members |= self_members;
	} else if (choice < 6 && name_count) {
		unsigned name = next_random(state, name_count);
		pa_buffer_printf(text, "n%u", name);
		*ret_members |= names[name];
	} else {
		add_range(state, text, ret_members);
	}
}

static members add_addrs(uint64_t *state, struct pa_buffer *text, const members *names, unsigned name_count, unsigned depth)
{
	members found = 0;
	unsigned count = 1 + next_random(state, 3);
	for (unsigned i = 0; i < count; i++) {
		pa_buffer_puts(text, i ? ", " : "");
		add_addr(state, text, names, name_count, &found);
	}
	if (depth < 4 && next_random(state, 3) == 0) {
		pa_buffer_puts(text, " except ");
		found &= ~add_addrs(state, text, names, name_count, depth + 1);
	}
	return found;
}

static pa_u128 address_of(unsigned index)
{
	pa_u128 documentation = (pa_u128)0x20010db8 << 96;
	return index < SIZE ? (PA_IPV4_BASE | 0x0a000000u | index) : documentation | (index - SIZE);
}

static bool is_in(const struct pa_interval *items, size_t count, pa_u128 value)
{
	for (size_t i = 0; i < count; i++)
		if (value >= items[i].first && value <= items[i].last)
			return true;
	return false;
}

/* The three steps. */
static bool holds(const struct pa_addresses *addresses, unsigned index)
{
	bool own = self_members >> index & 1, ipv4 = index < SIZE;
	pa_u128 value = address_of(index);
	bool in = addresses->any || (ipv4 ? is_in(addresses->ipv4, addresses->ipv4_count, value)
					  : is_in(addresses->ipv6, addresses->ipv6_count, value));
	bool excepted = ipv4 ? is_in(addresses->except_ipv4, addresses->except_ipv4_count, value)
			     : is_in(addresses->except_ipv6, addresses->except_ipv6_count, value);
	if (addresses->except_self && own)
		in = false;
	if (addresses->self && own && !excepted)
		in = true;
	return in;
}

static void check_shape(const struct pa_interval *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ck_assert(items[i].first <= items[i].last);
		ck_assert(i == 0 || items[i].first > items[i - 1].last + 1);
	}
}

/* One policy of a few networks and a statement; returns whether it was accepted ('except' may leave nothing). */
static bool try_one(uint64_t *state)
{
	members names[NAMES], expected;
	struct pa_buffer text = { 0 };
	struct pa_diags diags = { 0 };
	for (unsigned i = 0; i < NAMES; i++) {
		pa_buffer_printf(&text, "network n%u = ", i);
		names[i] = add_addrs(state, &text, names, i, 0);
		pa_buffer_putc(&text, '\n');
	}
	pa_buffer_puts(&text, "allow ssh from ");
	expected = add_addrs(state, &text, names, NAMES, 0);
	struct pa_policy *policy = pa_policy_parse(text.data, text.length, "test.conf", NULL, NULL, &diags);
	bool accepted = policy;
	if (policy) {
		const struct pa_addresses *from = &policy->statements[0]->from.addresses;
		for (unsigned i = 0; i < UNIVERSE; i++)
			ck_assert_msg(holds(from, i) == (expected >> i & 1), "address %u of\n%s", i, text.data);
		check_shape(from->ipv4, from->ipv4_count);
		check_shape(from->ipv6, from->ipv6_count);
		check_shape(from->except_ipv4, from->except_ipv4_count);
		check_shape(from->except_ipv6, from->except_ipv6_count);
		ck_assert(!from->any || (!from->self && !from->except_self && !from->ipv4_count && !from->ipv6_count));
	}
	for (size_t i = 0; i < diags.count; i++)
		ck_assert_str_eq(diags.items[i].message, "'except' leaves no address");
	pa_policy_free(policy);
	pa_diags_done(&diags);
	pa_buffer_done(&text);
	return accepted;
}

START_TEST(random_expressions)
{
	uint64_t state = 20260101;
	unsigned accepted = 0;
	for (unsigned i = 0; i < ROUNDS; i++)
		accepted += try_one(&state);
	ck_assert_uint_gt(accepted, ROUNDS / 4);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("allow_addresses");
	TCase *tests = tcase_create("addresses");
	tcase_set_timeout(tests, 100);
	tcase_add_test(tests, random_expressions);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
