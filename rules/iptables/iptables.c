/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text of iptables-save from end to end. */
#include "xt.h"

static struct pa_xt_table *find_table(struct pa_xt_table **tables, size_t count, int family, const char *name)
{
	for (size_t i = count; i-- > 0;)
		if (tables[i]->family == family && strcmp(tables[i]->name, name) == 0)
			return tables[i];
	return NULL;
}

static size_t read_tables(struct pa_xt_reader *reader, const char *text, const struct pa_xt_span *spans, size_t count,
			  struct pa_xt_table **ret_tables)
{
	size_t read = 0;
	for (size_t i = 0; i < count; i++) {
		size_t name = spans[i].first + strspn(text + spans[i].first, " \t*");
		char *copy = pa_arena_strndup(reader->arena, text + name, strcspn(text + name, " \t\r\n"));
		struct pa_xt_table *before = find_table(ret_tables, read, spans[i].family, copy);
		struct pa_xt_table *table = pa_xt_read_table(reader, text, &spans[i], before);
		if (before)
			before->replaced = true;
		if (table)
			ret_tables[read++] = table;
	}
	return read;
}

/* iptables-nft and nft itself share tables; those of iptables-legacy are others, whatever their names. */
static bool check_names(struct pa_xt_reader *reader, struct pa_xt_table **tables, size_t count)
{
	bool sound = true;
	for (size_t i = 0; i < count; i++) {
		enum pa_family family = tables[i]->family == 4 ? PA_FAMILY_IP : PA_FAMILY_IP6;
		for (size_t k = 0; k < reader->ruleset->table_count; k++) {
			const struct pa_table *other = reader->ruleset->tables[k];
			bool legacy = other->source == PA_SOURCE_IPTABLES_LEGACY;
			if (tables[i]->replaced || other->family != family || strcmp(other->name, tables[i]->name) != 0 ||
			    legacy != (tables[i]->source == PA_SOURCE_IPTABLES_LEGACY))
				continue;
			struct pa_xt_line line = { .source = pa_arena_printf(reader->arena, "*%s", tables[i]->name),
						   .number = tables[i]->line_number };
			sound = pa_xt_error(reader, &line, NULL, "table %s %s was read from another file already",
					    pa_family_name(family), other->name);
		}
	}
	return sound;
}

bool pa_iptables_lower(const struct pa_iptables_text *text, struct pa_ruleset *ruleset, struct pa_diags *diags)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct pa_xt_reader reader = {
		.arena = ruleset->arena, .ruleset = ruleset, .diags = diags, .kind = text->kind, .sets = text->sets
	};
	struct pa_iptables_text copy = *text;
	struct pa_xt_span *spans;
	reader.file = pa_arena_strdup(ruleset->arena, text->name);
	if (text->length >= 3 && memcmp(text->text, mark, 3) == 0) {
		copy.text += 3;
		copy.length -= 3;
	}
	copy.text = pa_arena_strndup(ruleset->arena, copy.text, copy.length);
	size_t found = pa_xt_spans(&reader, &copy, &spans);
	for (size_t i = 0; i < found; i++)
		spans[i].legacy = text->source == PA_SOURCE_NFT ? spans[i].legacy : text->source == PA_SOURCE_IPTABLES_LEGACY;
	struct pa_xt_table **tables = pa_arena_alloc(ruleset->arena, found + 1, sizeof(struct pa_xt_table *));
	size_t count = read_tables(&reader, copy.text, spans, found, tables);
	pa_ruleset_add_source(ruleset, text->name);
	return check_names(&reader, tables, count) && pa_xt_lower_tables(&reader, tables, count) && reader.error_count == 0;
}
