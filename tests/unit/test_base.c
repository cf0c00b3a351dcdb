// rooms: pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit/base: memory, text, values, diagnostics, fields. Tables of text in, text out where there is a textual form. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "portaudit/field.h"

/* --- memory ------------------------------------------------------------------------------------------------ */

START_TEST(arena_items_are_aligned_zeroed_and_apart)
{
	struct pa_arena *arena = pa_arena_new();
	unsigned char *items[3000], *expected = pa_xmalloc(70000);
	size_t sizes[3000];
	for (size_t i = 0; i < 3000; i++) {
		sizes[i] = i % 100 == 0 ? 70000 : i % 97;
		items[i] = pa_arena_alloc(arena, sizes[i], 1);
		ck_assert_uint_eq((uintptr_t)items[i] % 16, 0);
		memset(expected, 0, sizes[i]);
		ck_assert(memcmp(items[i], expected, sizes[i]) == 0);
		memset(items[i], (int)(i % 255 + 1), sizes[i]);
	}
	for (size_t i = 0; i < 3000; i++) {
		memset(expected, (int)(i % 255 + 1), sizes[i]);
		ck_assert(memcmp(items[i], expected, sizes[i]) == 0);
	}
	free(expected);
	ck_assert_ptr_null(pa_arena_free(arena));
	ck_assert_ptr_null(pa_arena_free(NULL));
}
END_TEST

START_TEST(arena_copies_text)
{
	struct pa_arena *arena = pa_arena_new();
	ck_assert_str_eq(pa_arena_strdup(arena, "one"), "one");
	ck_assert_str_eq(pa_arena_strndup(arena, "one two", 3), "one");
	ck_assert_str_eq(pa_arena_strndup(arena, "one", 30), "one");
	ck_assert_str_eq(pa_arena_printf(arena, "%s-%d", "x", 5), "x-5");
	static const int numbers[] = { 1, 2, 3 };
	const int *copy = pa_arena_dup(arena, numbers, 3, sizeof(int));
	ck_assert_mem_eq(copy, numbers, sizeof(numbers));
	ck_assert_ptr_nonnull(pa_arena_dup(arena, NULL, 0, 8));
	pa_arena_free(arena);
}
END_TEST

START_TEST(buffer_grows_and_stays_terminated)
{
	struct pa_buffer buffer = { 0 };
	for (int i = 0; i < 1000; i++)
		pa_buffer_printf(&buffer, "%d,", i);
	ck_assert_uint_eq(buffer.length, 3890);
	ck_assert_str_eq(buffer.data + buffer.length - 8, "998,999,");
	pa_buffer_clear(&buffer);
	ck_assert_str_eq(buffer.data, "");
	pa_buffer_puts(&buffer, "a");
	pa_buffer_putc(&buffer, 'b');
	pa_buffer_add(&buffer, "c\0d", 3);
	ck_assert_uint_eq(buffer.length, 5);
	ck_assert_mem_eq(buffer.data, "abc\0d", 6);
	pa_buffer_done(&buffer);
	ck_assert_ptr_null(buffer.data);
}
END_TEST

START_TEST(arrays_grow)
{
	int *items = NULL;
	size_t capacity = 0;
	for (size_t i = 0; i < 1000; i++) {
		pa_grow(&items, &capacity, i + 1, sizeof(*items));
		ck_assert_uint_gt(capacity, i);
		items[i] = (int)i;
	}
	ck_assert_int_eq(items[999], 999);
	free(items);
}
END_TEST

enum exhaustion { TOO_LARGE_MALLOC, OVERFLOW_ARENA, OVERFLOW_GROW, LIMITED_CALLOC };

static void exhaust(enum exhaustion how)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };
	void *items = NULL;
	size_t capacity = 0;
	switch (how) {
	case TOO_LARGE_MALLOC:
		pa_xmalloc(SIZE_MAX / 2);
		return;
	case OVERFLOW_ARENA:
		pa_arena_alloc(pa_arena_new(), SIZE_MAX / 4, 16);
		return;
	case OVERFLOW_GROW:
		pa_grow(&items, &capacity, SIZE_MAX / 2, 16);
		return;
	case LIMITED_CALLOC:
		setrlimit(RLIMIT_AS, &limit);
		pa_xcalloc(1 << 20, 1 << 10);
		return;
	}
}

/* Status 3 and one fixed line: never a result that is not whole. */
START_TEST(running_out_of_memory_ends_with_status_3)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		exhaust((enum exhaustion)_i);
		_exit(0);
	}
	close(ends[1]);
	char line[8192] = "";
	ssize_t length = 0, got;
	int status;
	while ((got = read(ends[0], line + length, sizeof(line) - 1 - (size_t)length)) > 0)
		length += got;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 3);
	ck_assert_int_gt(length, 0);
	/* The end of it: a sanitizer says lines of its own before, each written by itself. */
	static const char expected[] = "portaudit: out of memory: the audit is not complete\n";
	ck_assert_int_ge(length, (ssize_t)sizeof(expected) - 1);
	ck_assert_str_eq(line + length - (sizeof(expected) - 1), expected);
	close(ends[0]);
}
END_TEST

/* --- text -------------------------------------------------------------------------------------------------- */

START_TEST(text_equality_knows_null)
{
	ck_assert(pa_text_equal(NULL, NULL));
	ck_assert(!pa_text_equal(NULL, ""));
	ck_assert(!pa_text_equal("", NULL));
	ck_assert(pa_text_equal("a", "a"));
	ck_assert(!pa_text_equal("a", "A"));
}
END_TEST

static const struct {
	const char *bytes;
	size_t length;
	bool valid;
} utf8_table[] = {
	{ "", 0, true },
	{ "plain", 5, true },
	{ "a\0b", 3, false },
	{ "\xc3\xa9", 2, true },
	{ "\xc3", 1, false },
	{ "\xc0\xaf", 2, false },	  /* overlong */
	{ "\xc1\xbf", 2, false },	  /* overlong */
	{ "\xe0\x9f\xbf", 3, false },	  /* overlong */
	{ "\xe0\xa0\x80", 3, true },	  /* U+0800 */
	{ "\xed\x9f\xbf", 3, true },	  /* U+D7FF */
	{ "\xed\xa0\x80", 3, false },	  /* surrogate */
	{ "\xee\x80\x80", 3, true },	  /* U+E000 */
	{ "\xf0\x8f\xbf\xbf", 4, false }, /* overlong */
	{ "\xf0\x90\x80\x80", 4, true },  /* U+10000 */
	{ "\xf4\x8f\xbf\xbf", 4, true },  /* U+10FFFF */
	{ "\xf4\x90\x80\x80", 4, false }, /* beyond */
	{ "\xf5\x80\x80\x80", 4, false },
	{ "\x80", 1, false },
	{ "\xfe", 1, false },
	{ "\xe2\x82", 2, false },
	{ "\xe2\x82\xac!", 4, true },
	{ "\xe2\x28\xa1", 3, false },
};

START_TEST(utf8_is_recognised)
{
	ck_assert_msg(pa_text_is_utf8(utf8_table[_i].bytes, utf8_table[_i].length) == utf8_table[_i].valid, "row %d", _i);
}
END_TEST

static const struct {
	const char *pattern, *text;
	bool matches;
} glob_table[] = {
	{ "", "", true },	  { "", "a", false },	       { "*", "", true },	   { "*", "anything", true },
	{ "eth?", "eth0", true }, { "eth?", "eth", false },    { "eth?", "eth10", false }, { "br-*", "br-", true },
	{ "br-*", "br-x", true }, { "br-*", "brx", false },    { "*a*b", "xaxxb", true },  { "*a*b", "xaxxbc", false },
	{ "a*a*a", "aa", false }, { "a*a*a", "aaa", true },    { "**", "x", true },	   { "*?", "", false },
	{ "x", "y", false },	  { "*.wg", "a.wg.wg", true },
};

START_TEST(glob_matches)
{
	ck_assert_msg(pa_text_glob(glob_table[_i].pattern, glob_table[_i].text) == glob_table[_i].matches, "'%s' '%s'",
		      glob_table[_i].pattern, glob_table[_i].text);
}
END_TEST

/* Thirty stars against 2,000 letters: hours for a matcher that tries every way. */
START_TEST(glob_is_not_exponential)
{
	char pattern[64], text[2001];
	for (int i = 0; i < 30; i++)
		memcpy(pattern + 2 * i, "*a", 2);
	memcpy(pattern + 60, "b", 2);
	memset(text, 'a', 2000);
	text[2000] = '\0';
	ck_assert(!pa_text_glob(pattern, text));
}
END_TEST

static const struct {
	const char *a, *b;
	unsigned distance;
} distance_table[] = {
	{ "", "", 0 },		 { "", "abc", 3 },	{ "abc", "", 3 },	    { "abc", "abc", 0 }, { "abc", "acb", 1 },
	{ "chekc", "check", 1 }, { "lsit", "list", 1 }, { "kitten", "sitting", 3 }, { "ca", "abc", 3 },	 { "a", "b", 1 },
};

START_TEST(distance_counts_edits)
{
	const char *a = distance_table[_i].a, *b = distance_table[_i].b;
	ck_assert_uint_eq(pa_text_distance(a, b), distance_table[_i].distance);
	ck_assert_uint_eq(pa_text_distance(b, a), distance_table[_i].distance);
}
END_TEST

/* --- values ------------------------------------------------------------------------------------------------ */

static const struct {
	const char *in;
	int family; /* 0: neither */
	const char *out;
} address_table[] = {
	{ "192.0.2.1", 4, "192.0.2.1" },
	{ "0.0.0.0", 4, "0.0.0.0" },
	{ "255.255.255.255", 4, "255.255.255.255" },
	{ "::", 6, "::" },
	{ "2001:DB8:0:0:0:0:0:1", 6, "2001:db8::1" },
	{ "::ffff:192.0.2.1", 6, "::ffff:192.0.2.1" }, /* an IPv6 text stays one, though the value is the same */
	{ "fe80::1", 6, "fe80::1" },
	{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "192.0.2", 0, NULL },
	{ "192.0.2.256", 0, NULL },
	{ "192.0.2.01", 0, NULL },
	{ "0x7f.1", 0, NULL },
	{ "192.0.2.1 ", 0, NULL },
	{ "192.0.2.1/32", 0, NULL },
	{ "fe80::1%eth0", 0, NULL },
	{ "localhost", 0, NULL },
	{ "", 0, NULL },
	{ "1::2::3", 0, NULL },
};

START_TEST(addresses_there_and_back)
{
	pa_u128 value = 42;
	int family = 0;
	bool parsed = pa_address_parse(address_table[_i].in, &value, &family);
	ck_assert_int_eq(parsed, address_table[_i].family != 0);
	ck_assert_int_eq(family, address_table[_i].family);
	if (!parsed) {
		ck_assert(value == 42);
		return;
	}
	char out[PA_ADDRESS_TEXT_MAX];
	pa_address_format(value, family, out);
	ck_assert_str_eq(out, address_table[_i].out);
}
END_TEST

START_TEST(ipv4_is_the_mapped_part)
{
	pa_u128 value;
	int family;
	ck_assert(pa_address_parse("10.1.2.3", &value, &family));
	ck_assert(value == (PA_IPV4_BASE | 0x0a010203));
	ck_assert(pa_value_is_ipv4(value));
	ck_assert(!pa_value_is_ipv4(PA_IPV4_BASE - 1));
	ck_assert(!pa_value_is_ipv4(PA_IPV4_LAST + 1));
	ck_assert(!pa_value_is_ipv4(0));
	char out[PA_ADDRESS_TEXT_MAX];
	pa_address_format(1, 4, out); /* no IPv4 address: not shown as 0.0.0.1 */
	ck_assert_str_eq(out, "::1");
}
END_TEST

static pa_u128 address(const char *text)
{
	pa_u128 value;
	int family;
	ck_assert_msg(pa_address_parse(text, &value, &family), "%s", text);
	return value;
}

static const struct {
	const char *first, *last;
	int family;
	const char *out;
} range_table[] = {
	{ "10.0.0.0", "10.255.255.255", 4, "10.0.0.0/8" },
	{ "10.0.0.1", "10.0.0.1", 4, "10.0.0.1" },
	{ "10.0.0.1", "10.0.0.9", 4, "10.0.0.1-10.0.0.9" },
	{ "10.0.0.0", "10.0.0.1", 4, "10.0.0.0/31" },
	{ "10.0.0.1", "10.0.0.2", 4, "10.0.0.1-10.0.0.2" },
	{ "0.0.0.0", "255.255.255.255", 4, "0.0.0.0/0" },
	{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, "::/0" },
	{ "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 6, "2001:db8::/32" },
	{ "::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, "::/1" },
	{ "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 6, "::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ "::ffff:0.0.0.0", "::ffff:255.255.255.255", 6, "::ffff:0.0.0.0/96" },
	{ "0.0.0.0", "ffff::", 4, "::ffff:0.0.0.0-ffff::" }, /* not IPv4: not shown as such */
};

START_TEST(ranges_have_their_shortest_form)
{
	char out[PA_ADDRESS_RANGE_TEXT_MAX];
	struct pa_interval range = { address(range_table[_i].first), address(range_table[_i].last) };
	pa_address_range_format(range, range_table[_i].family, out);
	ck_assert_str_eq(out, range_table[_i].out);
}
END_TEST

static const struct {
	const char *address;
	int family;
	unsigned length;
	const char *out;
} prefix_table[] = {
	{ "10.1.2.3", 4, 8, "10.0.0.0/8" },	  { "10.1.2.3", 4, 32, "10.1.2.3" },
	{ "10.1.2.3", 4, 0, "0.0.0.0/0" },	  { "10.1.2.3", 4, 99, "10.1.2.3" },
	{ "2001:db8::1", 6, 0, "::/0" },	  { "2001:db8::1", 6, 64, "2001:db8::/64" },
	{ "2001:db8::1", 6, 128, "2001:db8::1" }, { "::ffff:10.1.2.3", 6, 104, "::ffff:10.0.0.0/104" },
};

START_TEST(prefixes_become_intervals)
{
	char out[PA_ADDRESS_RANGE_TEXT_MAX];
	pa_address_range_format(pa_prefix_interval(address(prefix_table[_i].address), prefix_table[_i].family,
						   prefix_table[_i].length),
				prefix_table[_i].family, out);
	ck_assert_str_eq(out, prefix_table[_i].out);
}
END_TEST

START_TEST(interface_names_are_sixteen_bytes)
{
	char out[PA_IFNAME_MAX + 1];
	ck_assert(pa_ifname_value("lo") == ((pa_u128)'l' << 120 | (pa_u128)'o' << 112));
	ck_assert(pa_ifname_value("") == 0);
	pa_ifname_format(pa_ifname_value("wlp0s20f3"), out);
	ck_assert_str_eq(out, "wlp0s20f3");
	pa_ifname_format(pa_ifname_value("abcdefghijklmnop"), out);
	ck_assert_str_eq(out, "abcdefghijklmnop");
	pa_ifname_format(0, out);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(interface_prefix_holds_its_names_only)
{
	struct pa_interval br = pa_ifname_prefix("br-");
	static const char *const inside[] = { "br-", "br-0", "br-lan", "br-zzzzzzzzzzzzz" }, *const outside[] = { "br", "br.",
														  "bs", "br+x",
														  "" };
	for (size_t i = 0; i < sizeof(inside) / sizeof(*inside); i++)
		ck_assert(pa_ifname_value(inside[i]) >= br.first && pa_ifname_value(inside[i]) <= br.last);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
		ck_assert(pa_ifname_value(outside[i]) < br.first || pa_ifname_value(outside[i]) > br.last);
	struct pa_interval every = pa_ifname_prefix("");
	ck_assert(every.first == 0 && every.last == PA_U128_MAX);
}
END_TEST

/* --- diagnostics ------------------------------------------------------------------------------------------- */

START_TEST(diags_are_sorted_by_first_appearance_of_the_file)
{
	static const struct {
		const char *file;
		uint32_t line, column;
		const char *message;
	} added[] = { { "b", 9, 1, "b9" },   { "a", 5, 2, "a5.2" },	 { NULL, 0, 0, "none1" }, { "b", 2, 7, "b2.7 first" },
		      { "a", 5, 1, "a5.1" }, { "b", 2, 7, "b2.7 then" }, { NULL, 0, 0, "none2" } };
	static const char *const sorted[] = { "b2.7 first", "b2.7 then", "b9", "a5.1", "a5.2", "none1", "none2" };
	struct pa_diags diags = { 0 };
	for (size_t i = 0; i < 7; i++) {
		struct pa_diag *diag = pa_diags_add(&diags, PA_DIAG_WARNING, PA_DIAG_INPUT, "%s", added[i].message);
		diag->where = (struct pa_location){ added[i].file, added[i].line, added[i].column, 1 };
	}
	ck_assert(!pa_diags_has_errors(&diags));
	pa_diags_sort(&diags);
	ck_assert_uint_eq(diags.count, 7);
	for (size_t i = 0; i < 7; i++)
		ck_assert_str_eq(diags.items[i].message, sorted[i]);
	pa_diags_add(&diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%d things", 3);
	ck_assert(pa_diags_has_errors(&diags));
	ck_assert_str_eq(diags.items[7].message, "3 things");
	ck_assert_int_eq(diags.items[7].kind, PA_DIAG_INCOMPLETE);
	ck_assert_ptr_null(diags.items[7].help);
	pa_diags_done(&diags);
	ck_assert_uint_eq(diags.count, 0);
	pa_diags_done(&diags);
}
END_TEST

/* --- fields ------------------------------------------------------------------------------------------------ */

START_TEST(every_field_has_a_row)
{
	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		const struct pa_field_info *info = pa_field_info((enum pa_field)i);
		ck_assert_ptr_nonnull(info->id);
		ck_assert_ptr_nonnull(info->name);
		ck_assert_uint_ge(info->bits, 1);
		ck_assert_uint_le(info->bits, 128);
	}
	ck_assert_str_eq(pa_field_info(PA_FIELD_SADDR)->name, "saddr");
	ck_assert_int_eq(pa_field_info(PA_FIELD_MARK)->treatment, PA_TREATMENT_STATE);
	ck_assert(pa_field_max(PA_FIELD_SADDR) == PA_U128_MAX);
	ck_assert(pa_field_max(PA_FIELD_DPORT) == 65535);
	ck_assert(pa_field_max(PA_FIELD_CT_DIRECTION) == 1);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

static Suite *suite(void)
{
	Suite *suite = suite_create("base");
	TCase *memory = tcase_create("memory"), *text = tcase_create("text"), *value = tcase_create("value"),
	      *rest = tcase_create("diagnostics and fields");
	tcase_add_test(memory, arena_items_are_aligned_zeroed_and_apart);
	tcase_add_test(memory, arena_copies_text);
	tcase_add_test(memory, buffer_grows_and_stays_terminated);
	tcase_add_test(memory, arrays_grow);
	tcase_add_loop_test(memory, running_out_of_memory_ends_with_status_3, TOO_LARGE_MALLOC, LIMITED_CALLOC + 1);
	tcase_add_test(text, text_equality_knows_null);
	tcase_add_loop_test(text, utf8_is_recognised, 0, ROWS(utf8_table));
	tcase_add_loop_test(text, glob_matches, 0, ROWS(glob_table));
	tcase_add_test(text, glob_is_not_exponential);
	tcase_add_loop_test(text, distance_counts_edits, 0, ROWS(distance_table));
	tcase_add_loop_test(value, addresses_there_and_back, 0, ROWS(address_table));
	tcase_add_test(value, ipv4_is_the_mapped_part);
	tcase_add_loop_test(value, ranges_have_their_shortest_form, 0, ROWS(range_table));
	tcase_add_loop_test(value, prefixes_become_intervals, 0, ROWS(prefix_table));
	tcase_add_test(value, interface_names_are_sixteen_bytes);
	tcase_add_test(value, interface_prefix_holds_its_names_only);
	tcase_add_test(rest, diags_are_sorted_by_first_appearance_of_the_file);
	tcase_add_test(rest, every_field_has_a_row);
	suite_add_tcase(suite, memory);
	suite_add_tcase(suite, text);
	suite_add_tcase(suite, value);
	suite_add_tcase(suite, rest);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
