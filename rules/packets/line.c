/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of one JSON object into the fields of a packet. Every key is read, whatever was wrong with those before it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

struct key {
	const char *name;
	bool (*read)(struct pa_packet_reader *reader, const struct key *key, const json_t *value);
	enum pa_field field; /* of a number */
	json_int_t lowest, highest;
};

static struct pa_packet *packet_of(struct pa_packet_reader *reader)
{
	return &reader->line->packet;
}

static bool refuse_type(struct pa_packet_reader *reader, const struct key *key, const char *wanted)
{
	pa_packet_error(reader, key->name, PA_PART_VALUE, NULL, "%s must be %s", key->name, wanted);
	return false;
}

/* The text as messages quote it. */
static const char *shown(struct pa_packet_reader *reader, const char *text)
{
	return pa_allow_shown(&reader->words, text, strlen(text));
}

/* A string of the vocabulary. */
static bool read_word(struct pa_packet_reader *reader, const struct key *key, const json_t *value,
		      const struct pa_packet_word *list, unsigned *ret_value)
{
	const char *text = json_string_value(value);
	if (!text)
		return refuse_type(reader, key, "a string");
	if (pa_packet_word_find(list, text, ret_value))
		return true;
	pa_packet_error(reader, key->name, PA_PART_VALUE, pa_packet_word_help(&reader->words, list, text), "unknown %s '%s'",
			key->name, shown(reader, text));
	return false;
}

static bool check_range(struct pa_packet_reader *reader, const struct key *key, json_int_t number, json_int_t lowest,
			json_int_t highest)
{
	if (number >= lowest && number <= highest)
		return true;
	const char *help =
		pa_allow_text(&reader->words, "%s is %lld to %lld", key->name, (long long)lowest, (long long)highest);
	pa_packet_error(reader, key->name, PA_PART_VALUE, help, "%s %lld is out of range", key->name, (long long)number);
	return false;
}

static bool read_number(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	if (!json_is_integer(value))
		return refuse_type(reader, key, "a whole number");
	json_int_t number = json_integer_value(value);
	if (!check_range(reader, key, number, key->lowest, key->highest))
		return false;
	pa_packet_set(packet_of(reader), key->field, (pa_u128)number);
	return true;
}

static bool read_id(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	if (!json_is_integer(value) && !json_is_string(value))
		return refuse_type(reader, key, "a whole number or a string");
	struct pa_buffer text = { 0 };
	if (json_is_integer(value)) {
		pa_buffer_printf(&text, "%lld", (long long)json_integer_value(value));
	} else {
		char *quoted = json_dumps(value, JSON_ENCODE_ANY);
		pa_buffer_puts(&text, quoted);
		free(quoted);
	}
	reader->line->id_json = pa_arena_strdup(reader->file->arena, text.data);
	pa_buffer_done(&text);
	return true;
}

static bool read_path(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	unsigned path;
	if (!read_word(reader, key, value, pa_packet_paths, &path))
		return false;
	packet_of(reader)->path = (enum pa_path)path;
	reader->line->path_known = true;
	return true;
}

static bool read_interface(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	const char *name = json_string_value(value);
	if (!name)
		return refuse_type(reader, key, "a string");
	const char *fault = pa_packet_interface_fault(name);
	if (fault) {
		pa_packet_error(reader, key->name, PA_PART_VALUE, NULL, "'%s' is no interface name: %s", shown(reader, name),
				fault);
		return false;
	}
	bool is_output = strcmp(key->name, "oif") == 0;
	pa_packet_set(packet_of(reader), is_output ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME, pa_ifname_value(name));
	return true;
}

static bool read_family(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	json_int_t family = json_integer_value(value);
	if (!json_is_integer(value) || (family != 4 && family != 6))
		return refuse_type(reader, key, "4 or 6");
	packet_of(reader)->family = (int)family;
	return true;
}

static bool read_protocol(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	unsigned number = (unsigned)json_integer_value(value);
	if (json_is_integer(value)) {
		if (!check_range(reader, key, json_integer_value(value), 0, 255))
			return false;
	} else if (!json_is_string(value)) {
		return refuse_type(reader, key, "a name or a whole number");
	} else if (!read_word(reader, key, value, pa_packet_protocols, &number)) {
		return false;
	}
	pa_packet_set(packet_of(reader), PA_FIELD_L4PROTO, number);
	return true;
}

static bool read_address(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	const char *text = json_string_value(value);
	pa_u128 address;
	int family;
	if (!text)
		return refuse_type(reader, key, "a string");
	if (!pa_address_parse(text, &address, &family)) {
		pa_packet_error(reader, key->name, PA_PART_VALUE, pa_packet_address_help(text), "%s '%s' is not an address",
				key->name, shown(reader, text));
		return false;
	}
	bool is_source = strcmp(key->name, "src") == 0;
	pa_packet_set(packet_of(reader), is_source ? PA_FIELD_SADDR : PA_FIELD_DADDR, address);
	*(is_source ? &reader->source_family : &reader->destination_family) = family;
	return true;
}

static bool add_flag(struct pa_packet_reader *reader, const struct key *key, const char *name, unsigned *flags)
{
	unsigned flag = 0;
	if (!pa_packet_word_find(pa_packet_flags, name, &flag)) {
		pa_packet_error(reader, key->name, PA_PART_VALUE, pa_packet_word_help(&reader->words, pa_packet_flags, name),
				"unknown flag '%s'", shown(reader, name));
	} else if (*flags & flag) {
		pa_packet_error(reader, key->name, PA_PART_VALUE, NULL, "the flag '%s' is given twice", name);
		flag = 0;
	}
	*flags |= flag;
	return flag != 0;
}

static bool read_flags(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	const char *text = json_string_value(value);
	unsigned flags = 0;
	bool good = true;
	if (!text)
		return refuse_type(reader, key, "a string");
	if (strcmp(text, "none") == 0)
		text = NULL;
	while (text) {
		size_t length = strcspn(text, ",");
		good &= add_flag(reader, key, pa_arena_strndup(reader->words.scratch, text, length), &flags);
		text = text[length] ? text + length + 1 : NULL;
	}
	pa_packet_set(packet_of(reader), PA_FIELD_TCP_FLAGS, flags);
	return good;
}

static bool read_state(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	unsigned state;
	if (!read_word(reader, key, value, pa_packet_states, &state))
		return false;
	pa_packet_set(packet_of(reader), PA_FIELD_CT_STATE, state);
	return true;
}

static bool read_direction(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	unsigned direction;
	if (!read_word(reader, key, value, pa_packet_directions, &direction))
		return false;
	pa_packet_set(packet_of(reader), PA_FIELD_CT_DIRECTION, direction);
	return true;
}

static bool read_status(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	unsigned status = 0;
	bool good = true;
	if (!json_is_array(value))
		return refuse_type(reader, key, "a list of strings");
	for (size_t i = 0; i < json_array_size(value); i++) {
		unsigned bit = 0;
		if (!json_is_string(json_array_get(value, i)))
			return refuse_type(reader, key, "a list of strings");
		good &= read_word(reader, key, json_array_get(value, i), pa_packet_statuses, &bit);
		status |= bit;
	}
	pa_packet_set(packet_of(reader), PA_FIELD_CT_STATUS, status);
	return good;
}

static bool read_packet_type(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	unsigned type;
	if (!read_word(reader, key, value, pa_packet_types, &type))
		return false;
	pa_packet_set(packet_of(reader), PA_FIELD_PKTTYPE, type);
	return true;
}

static bool read_expect(struct pa_packet_reader *reader, const struct key *key, const json_t *value)
{
	/* An accepted packet has a path: the value is the fate and, in the sixteens, the path plus one. */
	enum { IN = 16 * (PA_PATH_IN + 1), FORWARD = 16 * (PA_PATH_FORWARD + 1), OUT = 16 * (PA_PATH_OUT + 1) };
	static const struct pa_packet_word fates[] = {
		{ "in-accept", PA_FATE_ACCEPT + IN },
		{ "forward-accept", PA_FATE_ACCEPT + FORWARD },
		{ "out-accept", PA_FATE_ACCEPT + OUT },
		{ "drop", PA_FATE_DROP },
		{ "reject", PA_FATE_REJECT },
		{ "depends", PA_FATE_DEPENDS },
		{ NULL, 0 },
	};
	unsigned fate;
	if (!read_word(reader, key, value, fates, &fate))
		return false;
	reader->line->has_expect = true;
	reader->line->expect = (enum pa_fate)(fate % 16);
	reader->line->expect_path_known = fate >= 16;
	reader->line->expect_path = fate >= 16 ? (enum pa_path)(fate / 16 - 1) : PA_PATH_IN;
	reader->line->expect_text = pa_arena_strdup(reader->file->arena, json_string_value(value));
	return true;
}

static const struct key keys[] = {
#define KEY(id, text, reader) [PA_KEY_##id] = { .name = text, .read = read_##reader },
#define NUMBER_KEY(id, text, into, from, upto) \
	[PA_KEY_##id] = { .name = text, .read = read_number, .field = PA_FIELD_##into, .lowest = from, .highest = upto },
#include "packet_key.def"
#undef KEY
#undef NUMBER_KEY
};

const char *pa_packet_key_name(enum pa_packet_key key)
{
	return keys[key].name;
}

static void refuse_key(struct pa_packet_reader *reader, const char *name)
{
	struct pa_suggestion suggestion = pa_suggestion_start(&reader->words, name, strlen(name));
	for (unsigned i = 0; i < PA_KEY_COUNT; i++)
		pa_suggestion_offer(&suggestion, keys[i].name);
	pa_packet_error(reader, name, PA_PART_KEY, pa_suggestion_help(&suggestion, NULL), "unknown key '%s'",
			shown(reader, name));
}

static void read_key(struct pa_packet_reader *reader, const char *name, const json_t *value)
{
	unsigned key = 0;
	while (key < PA_KEY_COUNT && strcmp(keys[key].name, name) != 0)
		key++;
	if (key == PA_KEY_COUNT) {
		refuse_key(reader, name);
		reader->has_unknown_key = true;
		return;
	}
	reader->named[key] = true;
	reader->given[key] = keys[key].read(reader, &keys[key], value);
}

void pa_packet_line_read(struct pa_packet_reader *reader, struct json_t *object)
{
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at))
		read_key(reader, json_object_iter_key(at), json_object_iter_value(at));
	pa_packet_line_agree(reader);
}
