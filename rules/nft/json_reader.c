/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A JSON reader for listings of up to gigabytes: see json_reader.h. RFC 8259. */
#include "json_reader.h"

#include <math.h>
#include <stdlib.h>

static const char TRUNCATED[] = "the text ends in the middle";

/* What a byte is inside a string: 0 plain, 1 the string or the plain part ends here. */
static const uint8_t special[256] = {
	[0x00] = 1, [0x01] = 1, [0x02] = 1, [0x03] = 1, [0x04] = 1, [0x05] = 1, [0x06] = 1, [0x07] = 1, [0x08] = 1,
	[0x09] = 1, [0x0a] = 1, [0x0b] = 1, [0x0c] = 1, [0x0d] = 1, [0x0e] = 1, [0x0f] = 1, [0x10] = 1, [0x11] = 1,
	[0x12] = 1, [0x13] = 1, [0x14] = 1, [0x15] = 1, [0x16] = 1, [0x17] = 1, [0x18] = 1, [0x19] = 1, [0x1a] = 1,
	[0x1b] = 1, [0x1c] = 1, [0x1d] = 1, [0x1e] = 1, [0x1f] = 1, ['"'] = 1,	['\\'] = 1,
};

void pa_json_tape_done(struct pa_json_tape *tape)
{
	free(tape->nodes);
	*tape = (struct pa_json_tape){ 0 };
}

void pa_json_init(struct pa_json_reader *reader, const char *text, size_t length, struct pa_arena *arena)
{
	*reader = (struct pa_json_reader){ .text = text, .end = text + length, .at = text, .arena = arena };
}

size_t pa_json_offset(const struct pa_json_reader *reader)
{
	return (size_t)(reader->at - reader->text);
}

bool pa_json_fail(struct pa_json_reader *reader, size_t offset, const char *error)
{
	if (!reader->error) {
		reader->error = error;
		reader->error_offset = offset;
	}
	return false;
}

static bool fail_here(struct pa_json_reader *reader, const char *error)
{
	return pa_json_fail(reader, pa_json_offset(reader), reader->at == reader->end ? TRUNCATED : error);
}

/* The next byte that is no white space, not consumed; 0 at the end. */
static inline char next_byte(struct pa_json_reader *reader)
{
	const char *at = reader->at;
	while (at < reader->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	reader->at = at;
	return at < reader->end ? *at : '\0';
}

/* --- strings --------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind `\u`; -1 if there are none. */
static int32_t read_hex4(const char *at, const char *end)
{
	int32_t value = 0;
	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* `\uXXXX`, or two of them for one character; *at stands behind the `u`. 0: there is no such character. */
static uint32_t read_unicode_escape(const char **at, const char *end)
{
	int32_t first = read_hex4(*at, end);
	if (first <= 0)
		return 0;
	*at += 4;
	if (first < 0xd800 || first > 0xdfff)
		return (uint32_t)first;
	if (first > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return 0;
	int32_t second = read_hex4(*at + 2, end);
	if (second < 0xdc00 || second > 0xdfff)
		return 0;
	*at += 6;
	return 0x10000 + ((uint32_t)first - 0xd800) * 0x400 + ((uint32_t)second - 0xdc00);
}

static char simple_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

/* Decode what stands between `text` and the quote at `quote`. NULL: there is a bad escape. */
static const char *decode(struct pa_json_reader *reader, const char *text, const char *quote, size_t *ret_length)
{
	char *out = pa_arena_alloc(reader->arena, (size_t)(quote - text) + 1, 1);
	size_t length = 0;
	for (const char *at = text; at < quote;) {
		if (*at != '\\') {
			out[length++] = *at++;
			continue;
		}
		const char *escape = at;
		char c = at[1];
		at += 2;
		uint32_t code = c == 'u' ? read_unicode_escape(&at, quote) : (uint32_t)simple_escape(c);
		if (!code) {
			pa_json_fail(reader, (size_t)(escape - reader->text),
				     c == 'u' ? "an escape that names no character (or NUL)" : "an unknown escape");
			return NULL;
		}
		length += put_utf8(out + length, code);
	}
	*ret_length = length;
	return out;
}

/* The closing quote, or NULL after an error. */
static const char *find_quote(struct pa_json_reader *reader, const char *at, bool *ret_escaped, unsigned char *ret_bits)
{
	unsigned char bits = 0;
	for (; at < reader->end; at++) {
		unsigned char c = (unsigned char)*at;
		bits |= c;
		if (!special[c])
			continue;
		if (c == '"') {
			*ret_bits = bits;
			return at;
		}
		if (c != '\\') {
			pa_json_fail(reader, (size_t)(at - reader->text), "a control character inside a string");
			return NULL;
		}
		*ret_escaped = true;
		at += at + 1 < reader->end;
	}
	pa_json_fail(reader, (size_t)(reader->end - reader->text), TRUNCATED);
	return NULL;
}

/* The string that begins at the quote under reader->at. */
static bool read_string(struct pa_json_reader *reader, const char **ret_string, size_t *ret_length)
{
	const char *text = reader->at + 1;
	bool escaped = false;
	unsigned char bits = 0;
	const char *quote = find_quote(reader, text, &escaped, &bits);
	if (!quote)
		return false;
	*ret_string = text;
	*ret_length = (size_t)(quote - text);
	if (*ret_length > UINT32_MAX)
		return fail_here(reader, "a string that is too long");
	if (bits & 0x80 && !pa_text_is_utf8(text, *ret_length))
		return fail_here(reader, "a string that is not UTF-8");
	reader->at = quote + 1;
	if (escaped)
		*ret_string = decode(reader, text, quote, ret_length);
	return *ret_string != NULL;
}

/* --- scalars --------------------------------------------------------------------------------------------------- */

static bool read_literal(struct pa_json_reader *reader, const char *word, enum pa_json_kind kind, struct pa_json_node *node)
{
	size_t length = strlen(word);
	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return fail_here(reader, "this is no JSON value");
	reader->at += length;
	node->kind = (uint8_t)kind;
	return true;
}

static bool is_digit(const struct pa_json_reader *reader, const char *at)
{
	return at < reader->end && *at >= '0' && *at <= '9';
}

/* The rest of a number that is no integer: [ "." digits ] [ ("e"|"E") ["+"|"-"] digits ]. */
static bool read_real(struct pa_json_reader *reader, const char *start, struct pa_json_node *node)
{
	const char *at = reader->at;
	if (at < reader->end && *at == '.') {
		at++;
		if (!is_digit(reader, at))
			return fail_here(reader, "a number without digits behind the point");
		while (is_digit(reader, at))
			at++;
	}
	if (at < reader->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < reader->end && (*at == '+' || *at == '-'))
			at++;
		if (!is_digit(reader, at))
			return fail_here(reader, "a number without digits in its exponent");
		while (is_digit(reader, at))
			at++;
	}
	char *copy = pa_arena_strndup(reader->arena, start, (size_t)(at - start));
	if (isinf(strtod(copy, NULL)))
		return pa_json_fail(reader, (size_t)(start - reader->text), "a number that is out of range");
	reader->at = at;
	node->kind = PA_JSON_REAL;
	return true;
}

static bool read_number(struct pa_json_reader *reader, struct pa_json_node *node)
{
	const char *start = reader->at;
	if (start == reader->end)
		return fail_here(reader, TRUNCATED);
	node->negative = *start == '-';
	const char *digits = start + node->negative;
	const char *at = digits;
	uint64_t value = 0;
	bool overflow = false;
	for (; is_digit(reader, at); at++) {
		uint64_t digit = (uint64_t)(*at - '0');
		if (at - digits >= 18 &&
		    (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, digit, &value)))
			overflow = true;
		else if (at - digits < 18)
			value = value * 10 + digit;
	}
	if (at == digits || (*digits == '0' && at - digits > 1))
		return fail_here(reader, "this is no JSON value");
	reader->at = at;
	if (at < reader->end && (*at == '.' || *at == 'e' || *at == 'E'))
		return read_real(reader, start, node);
	if (overflow || (node->negative && value > (uint64_t)1 << 63))
		return pa_json_fail(reader, (size_t)(start - reader->text), "an integer over 64 bits");
	node->kind = PA_JSON_INTEGER;
	node->number = value;
	return true;
}

static bool read_scalar(struct pa_json_reader *reader, char c, struct pa_json_node *node)
{
	size_t length;
	switch (c) {
	case '"':
		node->kind = PA_JSON_STRING;
		if (!read_string(reader, &node->string, &length))
			return false;
		node->length = (uint32_t)length;
		return true;
	case 'n':
		return read_literal(reader, "null", PA_JSON_NULL, node);
	case 't':
		return read_literal(reader, "true", PA_JSON_TRUE, node);
	case 'f':
		return read_literal(reader, "false", PA_JSON_FALSE, node);
	default:
		return read_number(reader, node);
	}
}

/* --- the tape ---------------------------------------------------------------------------------------------------- */

/*
 * The hot part: nearly all of a listing passes through it. The place in the text is handed from function to function in
 * a register; NULL is an error, which the reader keeps.
 */
struct taping {
	struct pa_json_reader *reader;
	struct pa_json_tape *tape;
	const char *start;
	unsigned depth;
	uint32_t open[PA_JSON_DEPTH_MAX]; /* the containers around the place */
};

static const char *fail_at(struct taping *taping, const char *at, const char *error)
{
	taping->reader->at = at;
	fail_here(taping->reader, error);
	return NULL;
}

static inline const char *skip_blank(const char *at, const char *end)
{
	while (at < end && (unsigned char)*at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	return at;
}

/*
 * The first byte from `at` on that is a quote, a backslash, a control character or no ASCII; eight at a time, with the
 * carry tricks that are exact for the lowest byte found. On a big-endian machine bytes are looked at one by one.
 */
static inline const char *plain_end(const char *at, const char *end)
{
	const uint64_t ones = 0x0101010101010101u, highs = ones << 7;
	while (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && end - at >= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
		uint64_t found =
			((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((word - ones * ' ') & ~word) | word;
		if (found & highs)
			return at + (__builtin_ctzll(found & highs) >> 3);
		at += 8;
	}
	while (at < end && !special[(unsigned char)*at] && (unsigned char)*at < 0x80)
		at++;
	return at;
}

static inline const char *tape_string(struct taping *taping, const char *at, struct pa_json_node *node)
{
	const char *quote = plain_end(at + 1, taping->reader->end);
	size_t length = (size_t)(quote - at - 1);
	if (quote < taping->reader->end && *quote == '"' && length <= UINT32_MAX) {
		node->kind = PA_JSON_STRING;
		node->length = (uint32_t)length;
		node->string = at + 1;
		return quote + 1;
	}
	taping->reader->at = at;
	return read_scalar(taping->reader, '"', node) ? taping->reader->at : NULL;
}

/* Strings and short integers here, the rest where there is time. */
static inline const char *tape_scalar(struct taping *taping, const char *at, struct pa_json_node *node)
{
	if (*at == '"')
		return tape_string(taping, at, node);
	const char *digit = at;
	uint64_t value = 0;
	while (is_digit(taping->reader, digit) && digit - at < 18)
		value = value * 10 + (uint64_t)(*digit++ - '0');
	bool is_short = digit > at && digit < taping->reader->end && (*at != '0' || digit - at == 1);
	if (is_short && (*digit == ',' || *digit == '}' || *digit == ']' || *digit == ' ')) {
		node->kind = PA_JSON_INTEGER;
		node->number = value;
		return digit;
	}
	taping->reader->at = at;
	return read_scalar(taping->reader, *at, node) ? taping->reader->at : NULL;
}

static inline struct pa_json_node *add_node(struct taping *taping, const char *at)
{
	struct pa_json_tape *tape = taping->tape;
	if (tape->count == tape->capacity)
		pa_grow(&tape->nodes, &tape->capacity, tape->count + 1, sizeof(*tape->nodes));
	struct pa_json_node *node = &tape->nodes[tape->count++];
	*node = (struct pa_json_node){ .end = (uint32_t)tape->count, .distance = (uint32_t)(at - taping->start) };
	return node;
}

static inline bool is_duplicate(const struct pa_json_tape *tape, uint32_t object, const struct pa_json_node *key)
{
	const struct pa_json_node *other = &tape->nodes[object + 1];
	while (other < key) {
		if (other->length == key->length && memcmp(other->string, key->string, key->length) == 0)
			return true;
		other = &tape->nodes[other[1].end];
	}
	return false;
}

/* The key of the next member and its colon. */
static inline const char *tape_key(struct taping *taping, const char *at, uint32_t object)
{
	const char *end = taping->reader->end, *start = at;
	if (at == end || *at != '"')
		return fail_at(taping, at, "a member without a name in quotes");
	struct pa_json_node *key = add_node(taping, at);
	at = tape_string(taping, at, key);
	if (!at)
		return NULL;
	struct pa_json_node *owner = &taping->tape->nodes[object];
	if (owner->length && is_duplicate(taping->tape, object, key))
		return fail_at(taping, start, "an object with two members of one name");
	if (++owner->length > PA_JSON_MEMBERS_MAX)
		return fail_at(taping, start, "an object with too many members");
	at = skip_blank(at, end);
	if (at == end || *at != ':')
		return fail_at(taping, at, "a member without a colon");
	return at + 1;
}

static inline const char *open_container(struct taping *taping, const char *at, struct pa_json_node *node)
{
	if (taping->depth == PA_JSON_DEPTH_MAX)
		return fail_at(taping, at, "values nested too deeply");
	node->kind = *at == '{' ? PA_JSON_OBJECT : PA_JSON_ARRAY;
	taping->open[taping->depth++] = (uint32_t)(taping->tape->count - 1);
	return at + 1;
}

/*
 * From behind a value, or from behind the bracket that opened a container (`fresh`), to the next value of the innermost
 * container. Containers that end here are closed; with depth 0 the outermost was.
 */
static inline const char *next_value(struct taping *taping, const char *at, bool fresh)
{
	const char *end = taping->reader->end;
	for (; taping->depth; fresh = false) {
		uint32_t index = taping->open[taping->depth - 1];
		struct pa_json_node *owner = &taping->tape->nodes[index];
		bool is_object = owner->kind == PA_JSON_OBJECT;
		at = skip_blank(at, end);
		if (at == end)
			return fail_at(taping, at, TRUNCATED);
		if (*at == (is_object ? '}' : ']')) {
			owner->end = (uint32_t)taping->tape->count;
			taping->depth--;
			at++;
			continue;
		}
		if (!fresh) {
			if (*at != ',')
				return fail_at(taping, at, "no comma between two values");
			at = skip_blank(at + 1, end);
		}
		if (is_object)
			return tape_key(taping, at, index);
		owner->length++;
		return at;
	}
	return at;
}

static bool read_value(struct taping *taping)
{
	struct pa_json_reader *reader = taping->reader;
	const char *at = reader->at;
	do {
		at = skip_blank(at, reader->end);
		if (at == reader->end)
			return fail_at(taping, at, TRUNCATED);
		bool container = *at == '{' || *at == '[';
		struct pa_json_node *node = add_node(taping, at);
		at = container ? open_container(taping, at, node) : tape_scalar(taping, at, node);
		if (at && taping->tape->count >= UINT32_MAX)
			return fail_at(taping, at, "a value with too many parts");
		if (at)
			at = next_value(taping, at, container);
		if (!at)
			return false;
	} while (taping->depth);
	reader->at = at;
	return true;
}

bool pa_json_read(struct pa_json_reader *reader, struct pa_json_tape *tape, size_t *ret_index)
{
	if (reader->error)
		return false;
	struct taping taping;
	taping.reader = reader;
	taping.tape = tape;
	taping.start = reader->at;
	taping.depth = 0;
	*ret_index = tape->count;
	return read_value(&taping);
}

bool pa_json_read_without(struct pa_json_reader *reader, struct pa_json_tape *tape, const char *left_out, size_t *ret_index,
			  size_t *ret_offset)
{
	size_t object = tape->count;
	size_t wanted = strlen(left_out);
	struct taping taping = { .reader = reader, .tape = tape, .start = reader->at };
	*ret_index = object;
	*ret_offset = 0;
	if (reader->error)
		return false;
	if (next_byte(reader) != '{')
		return fail_here(reader, "this is no object");
	const char *at = open_container(&taping, reader->at, add_node(&taping, reader->at));
	for (bool fresh = true; at; fresh = false) {
		at = next_value(&taping, at, fresh);
		if (!at || !taping.depth)
			break;
		const struct pa_json_node *key = &tape->nodes[tape->count - 1];
		reader->at = skip_blank(at, reader->end);
		if (key->length == wanted && memcmp(key->string, left_out, wanted) == 0) {
			*ret_offset = pa_json_offset(reader);
			add_node(&taping, reader->at)->kind = PA_JSON_NULL;
			at = pa_json_skip(reader) ? reader->at : NULL;
			continue;
		}
		taping.depth = 0; /* the value alone, then on in the object */
		at = read_value(&taping) ? reader->at : NULL;
		taping.open[0] = (uint32_t)object;
		taping.depth = 1;
	}
	if (at)
		reader->at = at;
	return at != NULL;
}

const struct pa_json_node *pa_json_member_named(const struct pa_json_tape *tape, const struct pa_json_node *object,
						const char *key, size_t length)
{
	if (!object || object->kind != PA_JSON_OBJECT)
		return NULL;
	const struct pa_json_node *name = object + 1;
	for (uint32_t i = 0; i < object->length; i++) {
		if (name->length == length && memcmp(name->string, key, length) == 0)
			return name + 1;
		name = &tape->nodes[name[1].end];
	}
	return NULL;
}

/* --- walking ------------------------------------------------------------------------------------------------------ */

enum pa_json_kind pa_json_peek(struct pa_json_reader *reader)
{
	switch (reader->error ? '\0' : next_byte(reader)) {
	case '{':
		return PA_JSON_OBJECT;
	case '[':
		return PA_JSON_ARRAY;
	case '"':
		return PA_JSON_STRING;
	case 't':
		return PA_JSON_TRUE;
	case 'f':
		return PA_JSON_FALSE;
	case 'n':
	case '\0':
		return PA_JSON_NULL;
	default:
		return PA_JSON_INTEGER;
	}
}

bool pa_json_enter(struct pa_json_reader *reader, enum pa_json_kind kind)
{
	if (reader->error)
		return false;
	if (next_byte(reader) != (kind == PA_JSON_OBJECT ? '{' : '['))
		return fail_here(reader, kind == PA_JSON_OBJECT ? "this is no object" : "this is no array");
	reader->at++;
	reader->first = true;
	return true;
}

/* Whether another value comes before `close`; a comma is consumed. */
static bool more(struct pa_json_reader *reader, char close)
{
	if (reader->error)
		return false;
	bool first = reader->first;
	reader->first = false;
	char c = next_byte(reader);
	if (c == close) {
		reader->at++;
		return false;
	}
	if (first)
		return c ? true : fail_here(reader, TRUNCATED);
	if (c != ',')
		return fail_here(reader, "no comma between two values");
	reader->at++;
	return true;
}

bool pa_json_next_item(struct pa_json_reader *reader)
{
	return more(reader, ']');
}

bool pa_json_next_key(struct pa_json_reader *reader, const char **ret_key, size_t *ret_length)
{
	if (!more(reader, '}'))
		return false;
	if (next_byte(reader) != '"')
		return fail_here(reader, "a member without a name in quotes");
	if (!read_string(reader, ret_key, ret_length))
		return false;
	if (next_byte(reader) != ':')
		return fail_here(reader, "a member without a colon");
	reader->at++;
	return true;
}

/* Behind the closing quote of the string that begins at `at`; the end when there is none. */
static const char *behind_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

bool pa_json_skip(struct pa_json_reader *reader)
{
	if (reader->error)
		return false;
	char c = next_byte(reader);
	if (c != '{' && c != '[') {
		struct pa_json_node node;
		return read_scalar(reader, c, &node);
	}
	size_t depth = 0;
	const char *at = reader->at;
	while (at < reader->end) {
		c = *at;
		if (c == '"') {
			at = behind_string(at, reader->end);
			continue;
		}
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	reader->at = at;
	return depth == 0 || pa_json_fail(reader, pa_json_offset(reader), TRUNCATED);
}

bool pa_json_finish(struct pa_json_reader *reader)
{
	if (reader->error)
		return false;
	next_byte(reader);
	return reader->at == reader->end || fail_here(reader, "text behind the end");
}
