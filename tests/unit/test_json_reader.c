/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_nft pa_ir pa_base
/* The JSON reader: what it gives, what it refuses and where, and that no byte behind the text is touched. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../rules/nft/json_reader.h"

struct reading {
	struct pa_arena *arena;
	struct pa_json_reader reader;
	struct pa_json_tape tape;
	char *text;
};

/* The text in memory of exactly its size, so that a sanitizer sees a byte too many. */
static void begin(struct reading *reading, const char *text, size_t length)
{
	*reading = (struct reading){ .arena = pa_arena_new(), .text = pa_xmalloc(length) };
	memcpy(reading->text, text, length);
	pa_json_init(&reading->reader, reading->text, length, reading->arena);
}

static void end(struct reading *reading)
{
	pa_json_tape_done(&reading->tape);
	pa_arena_free(reading->arena);
	free(reading->text);
}

static const struct pa_json_node *put_node(struct pa_buffer *out, const struct pa_json_tape *tape,
					   const struct pa_json_node *node)
{
	const struct pa_json_node *item = node + 1;
	switch ((enum pa_json_kind)node->kind) {
	case PA_JSON_NULL:
		pa_buffer_puts(out, "n");
		break;
	case PA_JSON_FALSE:
		pa_buffer_puts(out, "f");
		break;
	case PA_JSON_TRUE:
		pa_buffer_puts(out, "t");
		break;
	case PA_JSON_INTEGER:
		pa_buffer_printf(out, "%s%llu", node->negative ? "-" : "", (unsigned long long)node->number);
		break;
	case PA_JSON_REAL:
		pa_buffer_puts(out, "r");
		break;
	case PA_JSON_STRING:
		pa_buffer_printf(out, "'%.*s'", (int)node->length, node->string);
		break;
	case PA_JSON_ARRAY:
		pa_buffer_puts(out, "[");
		for (uint32_t i = 0; i < node->length; i++)
			item = put_node(out, tape, item);
		pa_buffer_puts(out, "]");
		break;
	case PA_JSON_OBJECT:
		pa_buffer_puts(out, "{");
		for (uint32_t i = 0; i < node->length; i++) {
			item = put_node(out, tape, item);
			pa_buffer_puts(out, ":");
			item = put_node(out, tape, item);
		}
		pa_buffer_puts(out, "}");
		break;
	}
	ck_assert_ptr_eq(pa_json_after(tape, node), node->kind >= PA_JSON_ARRAY ? item : node + 1);
	return pa_json_after(tape, node);
}

static const struct {
	const char *in;
	const char *out;
} values[] = {
	{ "null", "n" },
	{ " true ", "t" },
	{ "false\n", "f" },
	{ "0", "0" },
	{ "-5", "-5" },
	{ "18446744073709551615", "18446744073709551615" },
	{ "-9223372036854775808", "-9223372036854775808" },
	{ "1.5", "r" },
	{ "1e3", "r" },
	{ "-0.5E-3", "r" },
	{ "1e-400", "r" },
	{ "\"\"", "''" },
	{ "\"abcdefgh\"", "'abcdefgh'" },
	{ "\"abcdefg\\\"hijklmnop\"", "'abcdefg\"hijklmnop'" },
	{ "\"\\\\ \\/ \\b\\f\\n\\r\\t\"", "'\\ / \b\f\n\r\t'" },
	{ "\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"", "'A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80'" },
	{ "\"\xc3\xa4\xe2\x82\xac\"", "'\xc3\xa4\xe2\x82\xac'" },
	{ "[]", "[]" },
	{ "{}", "{}" },
	{ "[ ]", "[]" },
	{ "[1,2 , 3]", "[123]" },
	{ "[[],[[]],{}]", "[[][[]]{}]" },
	{ "{\"a\":1,\"b\":{\"a\":[null,\"x\"]}}", "{'a':1'b':{'a':[n'x']}}" },
};

START_TEST(gives)
{
	struct reading reading;
	struct pa_buffer out = { 0 };
	size_t index;
	begin(&reading, values[_i].in, strlen(values[_i].in));
	ck_assert_msg(pa_json_read(&reading.reader, &reading.tape, &index), "%s: %s", values[_i].in, reading.reader.error);
	ck_assert(pa_json_finish(&reading.reader));
	put_node(&out, &reading.tape, &reading.tape.nodes[index]);
	ck_assert_str_eq(out.data, values[_i].out);
	pa_buffer_done(&out);
	end(&reading);
}
END_TEST

static const struct {
	const char *in;
	size_t offset;
	const char *error;
} errors[] = {
	{ "", 0, "ends in the middle" },
	{ "[1", 2, "ends in the middle" },
	{ "\"abc", 4, "ends in the middle" },
	{ "\"abc\\", 5, "ends in the middle" },
	{ "nul", 0, "no JSON value" },
	{ "nulx", 0, "no JSON value" },
	{ "+1", 0, "no JSON value" },
	{ "-", 0, "no JSON value" },
	{ "01", 2, "no JSON value" },
	{ "1.", 1, "without digits behind the point" },
	{ "1e", 1, "without digits in its exponent" },
	{ "1e400", 0, "out of range" },
	{ "-1e400", 0, "out of range" },
	{ "18446744073709551616", 0, "over 64 bits" },
	{ "99999999999999999999999", 0, "over 64 bits" },
	{ "-9223372036854775809", 0, "over 64 bits" },
	{ "\"a\\u0000\"", 2, "names no character" },
	{ "\"\\ud83d\"", 1, "names no character" },
	{ "\"\\udc00\"", 1, "names no character" },
	{ "\"\\ud83d\\u0041\"", 1, "names no character" },
	{ "\"\\u12g4\"", 1, "names no character" },
	{ "\"\\x\"", 1, "an unknown escape" },
	{ "\"a\tb\"", 2, "a control character" },
	{ "\"abcdefghijk\x1f\"", 12, "a control character" },
	{ "\"\xff\"", 0, "not UTF-8" },
	{ "\"\xc0\x80\"", 0, "not UTF-8" },
	{ "\"abcdefghijkl\xed\xa0\x80\"", 0, "not UTF-8" },
	{ "[1 2]", 3, "no comma" },
	{ "[1,]", 3, "no JSON value" },
	{ "[,1]", 1, "no JSON value" },
	{ "[1}", 2, "no comma" },
	{ "{\"a\"}", 4, "without a colon" },
	{ "{\"a\":1,}", 7, "without a name" },
	{ "{1:2}", 1, "without a name" },
	{ "{\"a\":1 \"b\":2}", 7, "no comma" },
	{ "{\"a\":1,\"b\":2,\"a\":3}", 13, "two members of one name" },
	{ "\xef\xbb\xbf[]", 0, "no JSON value" },
};

START_TEST(refuses)
{
	struct reading reading;
	size_t index;
	begin(&reading, errors[_i].in, strlen(errors[_i].in));
	ck_assert_msg(!pa_json_read(&reading.reader, &reading.tape, &index), "%s", errors[_i].in);
	ck_assert_msg(strstr(reading.reader.error, errors[_i].error) != NULL, "%s: %s", errors[_i].in, reading.reader.error);
	if (strcmp(errors[_i].error, "ends in the middle") != 0 && strcmp(errors[_i].error, "no JSON value") != 0)
		ck_assert_uint_eq(reading.reader.error_offset, errors[_i].offset);
	/* The first error stays. */
	const char *error = reading.reader.error;
	ck_assert(!pa_json_skip(&reading.reader));
	ck_assert(!pa_json_enter(&reading.reader, PA_JSON_ARRAY));
	ck_assert(!pa_json_next_item(&reading.reader));
	ck_assert_ptr_eq(reading.reader.error, error);
	end(&reading);
}
END_TEST

static void nested(struct pa_buffer *text, int depth)
{
	for (int i = 0; i < depth; i++)
		pa_buffer_putc(text, '[');
	for (int i = 0; i < depth; i++)
		pa_buffer_putc(text, ']');
}

START_TEST(nesting)
{
	static const struct {
		int depth;
		bool good;
	} cases[] = { { PA_JSON_DEPTH_MAX, true }, { PA_JSON_DEPTH_MAX + 1, false }, { 200000, false } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reading reading;
		struct pa_buffer text = { 0 };
		size_t index;
		nested(&text, cases[i].depth);
		begin(&reading, text.data, text.length);
		ck_assert_int_eq(pa_json_read(&reading.reader, &reading.tape, &index), cases[i].good);
		end(&reading);
		/* To skip needs no stack. */
		begin(&reading, text.data, text.length);
		ck_assert(pa_json_skip(&reading.reader));
		ck_assert(pa_json_finish(&reading.reader));
		end(&reading);
		pa_buffer_done(&text);
	}
}
END_TEST

START_TEST(members)
{
	for (int count = PA_JSON_MEMBERS_MAX; count <= PA_JSON_MEMBERS_MAX + 1; count++) {
		struct reading reading;
		struct pa_buffer text = { 0 };
		size_t index;
		for (int i = 0; i < count; i++)
			pa_buffer_printf(&text, "%s\"key%d\": %d", i ? ", " : "{", i, i);
		pa_buffer_puts(&text, "}");
		begin(&reading, text.data, text.length);
		ck_assert_int_eq(pa_json_read(&reading.reader, &reading.tape, &index), count == PA_JSON_MEMBERS_MAX);
		const struct pa_json_node *value = pa_json_member(&reading.tape, &reading.tape.nodes[index], "key63");
		ck_assert_uint_eq(value->number, 63);
		ck_assert_ptr_null(pa_json_member(&reading.tape, &reading.tape.nodes[index], "key"));
		end(&reading);
		pa_buffer_done(&text);
	}
}
END_TEST

/* The way the lowering reads: big containers by item, one member of an object later. */
START_TEST(walking)
{
	static const char text[] = "{\"list\": [ {\"a\": 1, \"elem\": [1, {\"]\": \"}\\\"\"}], \"b\": 2}, [], \"x\" ] }";
	struct reading reading;
	const char *key;
	size_t length, index, offset;
	begin(&reading, text, strlen(text));
	struct pa_json_reader *reader = &reading.reader;
	ck_assert_int_eq(pa_json_peek(reader), PA_JSON_OBJECT);
	ck_assert(pa_json_enter(reader, PA_JSON_OBJECT));
	ck_assert(pa_json_next_key(reader, &key, &length));
	ck_assert_uint_eq(length, 4);
	ck_assert(pa_json_enter(reader, PA_JSON_ARRAY));
	ck_assert(pa_json_next_item(reader));
	ck_assert(pa_json_read_without(reader, &reading.tape, "elem", &index, &offset));
	const struct pa_json_node *object = &reading.tape.nodes[index];
	ck_assert_uint_eq(object->length, 3);
	ck_assert_uint_eq(pa_json_member(&reading.tape, object, "b")->number, 2);
	ck_assert_int_eq(pa_json_member(&reading.tape, object, "elem")->kind, PA_JSON_NULL);
	ck_assert(memcmp(text + offset, "[1, {", 5) == 0);
	ck_assert(pa_json_next_item(reader));
	ck_assert(pa_json_enter(reader, PA_JSON_ARRAY));
	ck_assert(!pa_json_next_item(reader));
	ck_assert_ptr_null(reader->error);
	ck_assert(pa_json_next_item(reader));
	ck_assert_int_eq(pa_json_peek(reader), PA_JSON_STRING);
	ck_assert(pa_json_skip(reader));
	ck_assert(!pa_json_next_item(reader));
	ck_assert(!pa_json_next_key(reader, &key, &length));
	ck_assert(pa_json_finish(reader));
	end(&reading);
}
END_TEST

/* However it is cut, it is refused by reading and by skipping, or by what comes behind. */
START_TEST(truncated)
{
	static const char text[] =
		"{\"a\": [1, \"b\\u0041\\\"c\", {\"d\": null, \"e\": -1.5e3}], \"f\": true, \"long string of text\": 12345678}";
	for (size_t length = 0; length < strlen(text); length++) {
		struct reading reading;
		size_t index;
		begin(&reading, text, length);
		ck_assert(!pa_json_read(&reading.reader, &reading.tape, &index));
		ck_assert_uint_le(reading.reader.error_offset, length);
		end(&reading);
		begin(&reading, text, length);
		ck_assert(!pa_json_skip(&reading.reader));
		end(&reading);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_reader");
	TCase *tests = tcase_create("json_reader");
	tcase_add_loop_test(tests, gives, 0, sizeof(values) / sizeof(*values));
	tcase_add_loop_test(tests, refuses, 0, sizeof(errors) / sizeof(*errors));
	tcase_add_test(tests, nesting);
	tcase_add_test(tests, members);
	tcase_add_test(tests, walking);
	tcase_add_test(tests, truncated);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
