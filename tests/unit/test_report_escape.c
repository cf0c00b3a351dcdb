// rooms: pa_reports pa_compare pa_ir pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reports/escape.c: text from outside, made safe. */
#include "test_report_fixture.h"

struct escape_case {
	const char *in, *terminal, *xml;
};

static const struct escape_case cases[] = {
	{ "plain text", "plain text", "plain text" },
	{ "", "", "" },
	{ "\033[2Jboo", "\\x1b[2Jboo", "\\x1b[2Jboo" },
	{ "a\nb\tc\rd", "a\\x0ab\\x09c\\x0dd", "a\nb\tc\\x0dd" },
	{ "\x7f", "\\x7f", "\\x7f" },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5", "\xf0\x9f\x94\xa5" },
	{ "\xff\xfe", "\\xff\\xfe", "\\xff\\xfe" },				/* no UTF-8 at all */
	{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },				/* overlong */
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" },		/* a surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond U+10FFFF */
	{ "cut \xe2\x82", "cut \\xe2\\x82", "cut \\xe2\\x82" },
	{ "\xc2\x9b"
	  "2J",
	  "\\xc2\\x9b2J", "\\xc2\\x9b2J" }, /* the C1 form of ESC [ */
	{ "\xe2\x80\xae"
	  "cod",
	  "\\xe2\\x80\\xaecod", "\\xe2\\x80\\xaecod" }, /* right-to-left override */
	{ "\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbe\xef\xbf\xbf", "\\xef\\xbf\\xbe\\xef\\xbf\\xbf" }, /* U+FFFE, U+FFFF */
	{ "<a>&]]>", "<a>&]]>", "<a>&]]>" }, /* XML's own characters are libxml2's business */
};

START_TEST(texts_are_escaped)
{
	struct pa_buffer out = { 0 };
	pa_text_escape(cases[_i].in, &out);
	ck_assert_str_eq(out.data ? out.data : "", cases[_i].terminal);
	pa_buffer_clear(&out);
	pa_text_escape_xml(cases[_i].in, &out);
	ck_assert_str_eq(out.data ? out.data : "", cases[_i].xml);
	ck_assert(pa_text_is_utf8(out.data ? out.data : "", out.length));
	pa_buffer_done(&out);
}
END_TEST

/* All pairs of bytes: whatever comes in, UTF-8 without control bytes comes out. */
START_TEST(no_byte_gets_through)
{
	for (unsigned first = 1; first < 256; first++) {
		for (unsigned second = 1; second < 256; second++) {
			char text[] = { (char)first, (char)second, '\0' };
			struct pa_buffer out = { 0 };
			pa_text_escape(text, &out);
			ck_assert(pa_text_is_utf8(out.data, out.length));
			for (size_t i = 0; i < out.length; i++)
				ck_assert((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
			pa_buffer_done(&out);
		}
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_escape");
	TCase *tcase = tcase_create("escape");
	tcase_add_loop_test(tcase, texts_are_escaped, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(tcase, no_byte_gets_through);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
