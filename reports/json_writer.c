/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON text (RFC 8259), written as it comes. */
#include "json_writer.h"

#include <string.h>

#include "utf8.h"

static void add_code(uint32_t code, struct pa_buffer *out)
{
	if (code == '\n')
		pa_buffer_puts(out, "\\n");
	else if (code == '\t')
		pa_buffer_puts(out, "\\t");
	else
		pa_buffer_printf(out, "\\u%04x", code);
}

/* One character of a string; every code point that must be escaped lies in the plane that \uNNNN reaches. */
static size_t add_character(const char *text, size_t left, struct pa_buffer *out)
{
	uint32_t code = 0;
	size_t taken = pa_utf8_decode(text, left, &code);
	if (taken == 0) {
		pa_buffer_printf(out, "\\\\x%02x", (unsigned)(unsigned char)*text);
		return 1;
	}
	if (code == '"' || code == '\\') {
		pa_buffer_putc(out, '\\');
		pa_buffer_putc(out, *text);
	} else if (pa_utf8_is_control(code)) {
		add_code(code, out);
	} else {
		pa_buffer_add(out, text, taken);
	}
	return taken;
}

static void add_quoted(const char *text, struct pa_buffer *out)
{
	size_t left = strlen(text);
	pa_buffer_putc(out, '"');
	while (left) {
		size_t taken = add_character(text, left, out);
		text += taken;
		left -= taken;
	}
	pa_buffer_putc(out, '"');
}

static void begin_value(struct pa_json *json, const char *key)
{
	if (json->follows)
		pa_buffer_putc(json->out, ',');
	if (key) {
		add_quoted(key, json->out);
		pa_buffer_putc(json->out, ':');
	}
	json->follows = true;
}

void pa_json_open(struct pa_json *json, const char *key, char bracket)
{
	begin_value(json, key);
	pa_buffer_putc(json->out, bracket);
	json->follows = false;
}

void pa_json_close(struct pa_json *json, char bracket)
{
	pa_buffer_putc(json->out, bracket);
	json->follows = true;
}

void pa_json_line(struct pa_json *json)
{
	pa_buffer_puts(json->out, json->follows ? ",\n" : "\n");
	json->follows = false;
}

void pa_json_string(struct pa_json *json, const char *key, const char *text)
{
	begin_value(json, key);
	if (text)
		add_quoted(text, json->out);
	else
		pa_buffer_puts(json->out, "null");
}

void pa_json_number(struct pa_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	pa_buffer_printf(json->out, "%llu", (unsigned long long)value);
}

void pa_json_bool(struct pa_json *json, const char *key, bool value)
{
	pa_json_raw(json, key, value ? "true" : "false");
}

void pa_json_null(struct pa_json *json, const char *key)
{
	pa_json_raw(json, key, "null");
}

void pa_json_raw(struct pa_json *json, const char *key, const char *value)
{
	begin_value(json, key);
	pa_buffer_puts(json->out, value);
}
