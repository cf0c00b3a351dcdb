/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of `ipset save`, or of a file for `ipset restore`: the commands that make and fill sets. */
#include <stdlib.h>
#include <string.h>

#include "ipset_data.h"

#define ERRORS_MAX 50

/* The text in hand. */
struct source {
	struct pa_ipsets *sets;
	struct pa_diags *diags;
	const char *name;
	enum pa_diag_kind kind;
	uint32_t line;
	struct pa_word whole; /* the line */
	const char *at;	      /* what of it was not read */
	bool exist;	      /* -exist: what is there already is no error */
	unsigned errors;
};

/* --- errors and words ------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static bool fail(struct source *source, struct pa_word word, const char *format, ...)
{
	va_list arguments;

	source->errors++;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(source->sets->arena, format, arguments);
	va_end(arguments);
	struct pa_diag *diag = pa_diags_add(source->diags, PA_DIAG_ERROR, source->kind, "%s", message);
	diag->where.file = pa_arena_strdup(source->diags->arena, source->name);
	diag->where.line = source->line;
	diag->where.column = (uint32_t)(word.text - source->whole.text) + 1;
	diag->where.length = (uint32_t)word.length;
	diag->source = pa_arena_strndup(source->diags->arena, source->whole.text, source->whole.length);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word; quotes are taken off. false: the line has no more, or (after an error) a quote that does not end. */
static bool next_word(struct source *source, struct pa_word *ret_word)
{
	const char *end = source->whole.text + source->whole.length;

	while (source->at < end && is_blank(*source->at))
		source->at++;
	if (source->at == end)
		return false;
	const char *first = source->at;
	if (*first == '"') {
		const char *close = memchr(first + 1, '"', (size_t)(end - first) - 1);
		if (!close) {
			source->at = end;
			return fail(source, (struct pa_word){ first, (size_t)(end - first) }, "a quote that does not end");
		}
		*ret_word = (struct pa_word){ first + 1, (size_t)(close - first) - 1 };
		source->at = close + 1;
		return true;
	}
	while (source->at < end && !is_blank(*source->at))
		source->at++;
	*ret_word = (struct pa_word){ first, (size_t)(source->at - first) };
	return true;
}

/* "--hashsize" and "hashsize" are the same. */
static struct pa_word option_name(struct pa_word word)
{
	if (word.length > 2 && word.text[0] == '-' && word.text[1] == '-')
		return (struct pa_word){ word.text + 2, word.length - 2 };
	return word;
}

/* Two errors for one word would say less than one. */
static bool wanted(struct source *source, struct pa_word option, struct pa_word *ret_value)
{
	unsigned errors = source->errors;

	if (next_word(source, ret_value))
		return true;
	return source->errors > errors ? false
				       : fail(source, option, "`%.*s` without a value", (int)option.length, option.text);
}

static bool number(struct source *source, struct pa_word option, uint64_t most, uint64_t *ret_value)
{
	struct pa_word word;

	if (!wanted(source, option, &word))
		return false;
	return pa_word_number(word, most, ret_value) ||
	       fail(source, word, "no number that `%.*s` can have", (int)option.length, option.text);
}

/* --- create ------------------------------------------------------------------------------------------------------------ */

const struct pa_ipset_type_row *pa_ipset_type_find(struct pa_word name)
{
#define IP PA_IPSET_IP
#define NET PA_IPSET_NET
#define PORT PA_IPSET_PORT
#define MARK PA_IPSET_MARK
#define MAC PA_IPSET_MAC
#define IFACE PA_IPSET_IFACE
#define SET PA_IPSET_SET
	static const struct pa_ipset_type_row rows[] = {
#define IPSET_TYPE(name, old_name, both_families, prefix_zero, ...) \
	{ name, old_name, both_families, prefix_zero, { __VA_ARGS__ } },
#include "ipset_type.def"
#undef IPSET_TYPE
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (pa_word_is(name, rows[i].name) || pa_word_is(name, rows[i].old_name))
			return &rows[i];
	return NULL;
}

static bool is_one_of(struct pa_word word, const char *const *names)
{
	for (; *names; names++)
		if (pa_word_is(word, *names))
			return true;
	return false;
}

static bool read_family(struct source *source, struct pa_ipset *set, struct pa_word option)
{
	static const char *const four[] = { "inet", "ipv4", "-4", NULL }, *const six[] = { "inet6", "ipv6", "-6", NULL };
	struct pa_word word = option;

	if (pa_word_is(option, "family") && !wanted(source, option, &word))
		return false;
	if (!is_one_of(word, four) && !is_one_of(word, six))
		return fail(source, word, "no family of addresses: inet or inet6");
	set->family = is_one_of(word, six) ? 6 : 4;
	return true;
}

static bool read_mask(struct source *source, struct pa_ipset *set, struct pa_word option)
{
	bool is_bitmask = pa_word_is(option, "bitmask");
	enum pa_ipset_dimension second = set->type->dimensions[1];
	struct pa_word word;
	uint64_t length;
	pa_u128 mask;

	if (set->type->dimensions[0] != PA_IPSET_IP || set->type->dimensions[2] != PA_IPSET_NONE ||
	    (second != PA_IPSET_NONE && second != PA_IPSET_PORT))
		return fail(source, option, "`%.*s` of a set of type %s is not understood", (int)option.length, option.text,
			    set->type->name);
	if (!wanted(source, option, &word))
		return false;
	if (is_bitmask && pa_word_address(word, set->family, &mask)) {
		set->address_mask = set->family == 4 ? mask | ~(pa_u128)0xffffffffu : mask;
		set->is_masked = true;
		return true;
	}
	if (!is_bitmask && pa_word_number(word, set->prefix_max, &length) && length > 0) {
		set->address_mask = length == set->prefix_max ? PA_U128_MAX : ~(((pa_u128)1 << (set->prefix_max - length)) - 1);
		return true;
	}
	return fail(source, word, is_bitmask ? "no mask of addresses" : "no length of a prefix");
}

static bool read_range(struct source *source, struct pa_ipset *set, struct pa_word option)
{
	bool is_from = pa_word_is(option, "from"), is_to = pa_word_is(option, "to"),
	     is_port = set->type->dimensions[0] == PA_IPSET_PORT;
	struct pa_interval range;
	struct pa_word word;
	int length;

	if (!wanted(source, option, &word))
		return false;
	if (is_port) {
		uint64_t first, last;
		const char *dash = memchr(word.text, '-', word.length);
		struct pa_word left = { word.text, dash ? (size_t)(dash - word.text) : word.length };
		struct pa_word right = dash ? (struct pa_word){ dash + 1, word.length - left.length - 1 } : word;
		if (!pa_word_number(left, 65535, &first) || !pa_word_number(right, 65535, &last) || first > last)
			return fail(source, word, "no range of ports");
		range = (struct pa_interval){ first, last };
	} else if (!pa_word_addresses(word, 4, &range, &length)) {
		return fail(source, word, "no range of IPv4 addresses");
	}
	if (!is_to)
		set->range.first = range.first;
	if (!is_from)
		set->range.last = range.last;
	set->has_range = true;
	return true;
}

/* One option of `create`. The ones that only say how the set is kept, or that entries carry more, change no answer. */
static bool read_create_option(struct source *source, struct pa_ipset *set, struct pa_word option)
{
	static const char *const plain[] = { "counters", "comment", "skbinfo", NULL };
	static const char *const sizes[] = { "hashsize", "maxelem", "bucketsize", "initval", "probes",
					     "resize",	 "gc",	    "size",	  NULL };
	static const char *const families[] = { "family", "-4", "-6", NULL };
	static const char *const ranges[] = { "range", "from", "to", "network", NULL };
	uint64_t value;

	if (is_one_of(option, plain))
		return true;
	if (is_one_of(option, sizes))
		return number(source, option, UINT32_MAX, &value);
	if (is_one_of(option, families))
		return read_family(source, set, option);
	if (is_one_of(option, ranges) && strncmp(set->type->name, "bitmap", 6) == 0)
		return read_range(source, set, option);
	if (pa_word_is(option, "netmask") || pa_word_is(option, "bitmask"))
		return read_mask(source, set, option);
	if (pa_word_is(option, "forceadd")) {
		set->force_add = true;
		return true;
	}
	if (pa_word_is(option, "timeout")) {
		set->has_timeout = true;
		return number(source, option, UINT32_MAX, &set->timeout);
	}
	if (pa_word_is(option, "markmask") && set->type->dimensions[1] == PA_IPSET_MARK) {
		if (!number(source, option, UINT32_MAX, &value))
			return false;
		set->mark_mask = (uint32_t)value;
		return true;
	}
	return fail(source, option, "`%.*s` is no option of a set of type %s", (int)option.length, option.text,
		    set->type->name);
}

static void add_set(struct pa_ipsets *sets, struct pa_ipset *set)
{
	pa_grow(&sets->sets, &sets->capacity, sets->count + 1, sizeof(struct pa_ipset *));
	sets->sets[sets->count++] = set;
	sets->last = set;
}

/* The family first: the mask and the addresses are read with it. */
static bool read_create_options(struct source *source, struct pa_ipset *set)
{
	const char *begin = source->at;
	struct pa_word word;

	for (int pass = 0; pass < 2; pass++) {
		source->at = begin;
		while (next_word(source, &word)) {
			struct pa_word option = option_name(word);
			bool is_family = pa_word_is(option, "family") || pa_word_is(option, "-4") || pa_word_is(option, "-6");
			if (pass == 0 && is_family && !read_family(source, set, option))
				return false;
			if (pass == 1 && !read_create_option(source, set, option))
				return false;
		}
		set->prefix_max = set->family == 6 ? 128 : 32;
	}
	return true;
}

static bool create(struct source *source, struct pa_word command)
{
	struct pa_ipsets *sets = source->sets;
	struct pa_word name, type;
	unsigned errors = source->errors;

	if (!next_word(source, &name) || !next_word(source, &type))
		return source->errors > errors ? false : fail(source, command, "`create` wants a name and a type");
	struct pa_ipset *set = pa_arena_alloc(sets->arena, 1, sizeof(*set));
	*set = (struct pa_ipset){
		.type = pa_ipset_type_find(type), .family = 4, .mark_mask = UINT32_MAX, .address_mask = PA_U128_MAX
	};
	set->name = pa_arena_strndup(sets->arena, name.text, name.length);
	set->where = (struct pa_location){ pa_arena_strdup(sets->arena, source->name), source->line,
					   (uint32_t)(name.text - source->whole.text) + 1, (uint32_t)name.length };
	if (!set->type)
		return fail(source, type, "`%.*s` is no type of set that is known", (int)type.length, type.text);
	while (set->dimension_count < PA_IPSET_DIMENSIONS && set->type->dimensions[set->dimension_count] != PA_IPSET_NONE)
		set->dimension_count++;
	if (!read_create_options(source, set) || source->errors > errors)
		return false;
	if (set->type->both_families)
		set->family = 0;
	if (strncmp(set->type->name, "bitmap", 6) == 0 && (!set->has_range || set->family == 6))
		return fail(source, type, "a set of type %s wants a range%s", set->type->name,
			    set->family == 6 ? " of IPv4 addresses" : "");
	if (pa_ipsets_find(sets, set->name))
		return source->exist || fail(source, name, "a set of this name was created before");
	add_set(sets, set);
	return true;
}

/* --- add ------------------------------------------------------------------------------------------------------------- */

static bool read_add_option(struct source *source, const struct pa_ipset *set, struct pa_word option, unsigned *flags,
			    bool *wildcard)
{
	static const char *const texts[] = { "comment", "skbmark", "skbprio", "before", "after", NULL };
	static const char *const numbers[] = { "packets", "bytes", "skbqueue", NULL };
	struct pa_word word;
	uint64_t value;

	if (pa_word_is(option, "nomatch")) {
		*flags |= PA_ENTRY_NOMATCH;
		return strstr(set->type->name, "net") != NULL || fail(source, option, "`nomatch` is for sets of prefixes");
	}
	if (pa_word_is(option, "wildcard")) {
		*wildcard = true;
		return set->type->dimensions[1] == PA_IPSET_IFACE ||
		       fail(source, option, "`wildcard` is for sets of interfaces");
	}
	if (pa_word_is(option, "timeout")) {
		if (!number(source, option, UINT32_MAX, &value))
			return false;
		*flags = value ? *flags | PA_ENTRY_EXPIRES : *flags & ~(unsigned)PA_ENTRY_EXPIRES;
		return set->has_timeout || fail(source, option, "the set was created without `timeout`");
	}
	if (is_one_of(option, texts))
		return wanted(source, option, &word);
	if (is_one_of(option, numbers))
		return number(source, option, UINT64_MAX, &value);
	return fail(source, option, "`%.*s` is no option of an entry", (int)option.length, option.text);
}

static struct pa_ipset *find_set(struct source *source, struct pa_word command)
{
	struct pa_ipsets *sets = source->sets;
	unsigned errors = source->errors;
	struct pa_word name;

	if (!next_word(source, &name)) {
		if (source->errors == errors)
			fail(source, command, "the name of a set is missing");
		return NULL;
	}
	if (sets->last && pa_word_is(name, sets->last->name))
		return sets->last;
	for (size_t i = 0; i < sets->count; i++)
		if (pa_word_is(name, sets->sets[i]->name)) {
			sets->last = sets->sets[i];
			return sets->last;
		}
	fail(source, name, "no set of this name was created before");
	return NULL;
}

static bool add(struct source *source, struct pa_word command)
{
	struct pa_ipset *set = find_set(source, command);
	struct pa_word entry, option, at;
	unsigned errors = source->errors, flags = set && set->has_timeout && set->timeout ? PA_ENTRY_EXPIRES : 0;
	bool wildcard = false;

	if (!set)
		return false;
	if (!next_word(source, &entry))
		return source->errors > errors ? false : fail(source, command, "`add` wants an entry");
	while (next_word(source, &option))
		if (!read_add_option(source, set, option_name(option), &flags, &wildcard))
			return false;
	if (source->errors > errors)
		return false;
	const char *problem = pa_ipset_add(source->sets, set, entry, flags, wildcard, &at);
	return !problem || fail(source, at, "%s", problem);
}

/* --- other commands ---------------------------------------------------------------------------------------------------- */

static bool flush(struct source *source, struct pa_word command)
{
	struct pa_ipset *set = find_set(source, command);

	if (set)
		set->count = 0;
	return set != NULL;
}

static void free_set(struct pa_ipset *set)
{
	free(set->entries);
	free(set->keys);
	free(set->members);
}

static bool destroy(struct source *source, struct pa_word command)
{
	struct pa_ipsets *sets = source->sets;
	struct pa_ipset *set = find_set(source, command);
	size_t kept = 0;

	if (!set)
		return false;
	for (size_t i = 0; i < sets->count; i++)
		if (sets->sets[i] != set)
			sets->sets[kept++] = sets->sets[i];
	sets->count = kept;
	sets->last = NULL;
	free_set(set);
	return true;
}

static bool rename_set(struct source *source, struct pa_word command)
{
	struct pa_ipset *set = find_set(source, command);
	struct pa_word name;

	if (!set)
		return false;
	if (!next_word(source, &name))
		return fail(source, command, "`rename` wants two names");
	const char *copy = pa_arena_strndup(source->sets->arena, name.text, name.length);
	if (pa_ipsets_find(source->sets, copy))
		return fail(source, name, "a set of this name was created before");
	set->name = copy;
	return true;
}

/* The sets keep their names and places and change what is in them. */
static bool swap_sets(struct source *source, struct pa_word command)
{
	struct pa_ipset *one = find_set(source, command), *other = one ? find_set(source, command) : NULL;

	if (!other)
		return false;
	struct pa_ipset copy = *one;
	*one = *other;
	*other = copy;
	other->name = one->name;
	one->name = copy.name;
	return true;
}

static const struct {
	const char *names[4];
	bool (*run)(struct source *source, struct pa_word command);
} commands[] = {
	{ { "add", "-A", "a", "--add" }, add },
	{ { "create", "-N", "n", "--create" }, create },
	{ { "flush", "-F", "--flush", "f" }, flush },
	{ { "destroy", "-X", "x", "--destroy" }, destroy },
	{ { "rename", "-E", "e", "--rename" }, rename_set },
	{ { "swap", "-W", "w", "--swap" }, swap_sets },
};

static bool read_line(struct source *source)
{
	static const char *const quiet[] = { "-q", "-quiet", "--quiet", NULL }, *const exist[] = { "-!", "-exist", "--exist",
												   NULL };
	struct pa_word word;

	source->at = source->whole.text;
	source->exist = false;
	while (next_word(source, &word)) {
		if (word.text[0] == '#' || pa_word_is(word, "COMMIT"))
			return true;
		source->exist = source->exist || is_one_of(word, exist);
		if (is_one_of(word, quiet) || is_one_of(word, exist))
			continue;
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			for (size_t j = 0; j < 4; j++)
				if (pa_word_is(word, commands[i].names[j]))
					return commands[i].run(source, word);
		return fail(source, word, "`%.*s` is no command that makes or fills sets", (int)word.length, word.text);
	}
	return true;
}

bool pa_ipsets_read(struct pa_ipsets *sets, const char *name, const char *text, size_t length, enum pa_diag_kind kind,
		    struct pa_diags *diags)
{
	struct source source = { .sets = sets, .diags = diags, .name = name, .kind = kind };

	for (size_t at = 0; at < length && source.errors < ERRORS_MAX;) {
		const char *end = memchr(text + at, '\n', length - at);
		source.whole = (struct pa_word){ text + at, end ? (size_t)(end - text) - at : length - at };
		source.line++;
		read_line(&source);
		at += source.whole.length + 1;
	}
	return source.errors == 0;
}

/* --- the sets ---------------------------------------------------------------------------------------------------------- */

struct pa_ipsets *pa_ipsets_new(void)
{
	struct pa_ipsets *sets = pa_xcalloc(1, sizeof(*sets));
	sets->arena = pa_arena_new();
	return sets;
}

struct pa_ipsets *pa_ipsets_free(struct pa_ipsets *sets)
{
	if (!sets)
		return NULL;
	for (size_t i = 0; i < sets->count; i++)
		free_set(sets->sets[i]);
	free(sets->sets);
	free(sets->lowered);
	pa_arena_free(sets->arena);
	free(sets);
	return NULL;
}

const struct pa_ipset *pa_ipsets_find(const struct pa_ipsets *sets, const char *name)
{
	for (size_t i = 0; i < sets->count; i++)
		if (strcmp(sets->sets[i]->name, name) == 0)
			return sets->sets[i];
	return NULL;
}

size_t pa_ipsets_count(const struct pa_ipsets *sets)
{
	return sets->count;
}

const struct pa_ipset *pa_ipsets_at(const struct pa_ipsets *sets, size_t index)
{
	return sets->sets[index];
}

const char *pa_ipset_name(const struct pa_ipset *set)
{
	return set->name;
}

const char *pa_ipset_type(const struct pa_ipset *set)
{
	return set->type->name;
}

int pa_ipset_family(const struct pa_ipset *set)
{
	return set->family;
}

struct pa_location pa_ipset_where(const struct pa_ipset *set)
{
	return set->where;
}
