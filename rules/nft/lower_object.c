/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, chains, sets and maps, with what the kernel says of them and the JSON does not. */
#include <string.h>

#include "lower.h"

static bool has_word(const struct pa_json_tape *tape, const struct pa_json_node *list, const char *word)
{
	if (!list)
		return false;
	if (list->kind != PA_JSON_ARRAY)
		return pa_json_is(list, word);
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(tape, item))
		if (pa_json_is(item, word))
			return true;
	return false;
}

/* --- tables --------------------------------------------------------------------------------------------------------- */

/*
 * Version 1.0.6 prints the flags of a table from memory that it has freed. Where the kernel was not asked, flags that
 * make no sense may be `dormant`, which would make all else in the table void.
 */
static void read_table_flags(struct pa_lowering *lowering, const struct pa_json_node *flags, struct pa_table *table)
{
	static const char *const others[] = { "owner", "persist" };
	bool known = false;
	table->dormant = has_word(&lowering->tape, flags, "dormant");
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		known = known || has_word(&lowering->tape, flags, others[i]);
	if (!flags || table->dormant || known)
		return;
	pa_ruleset_add_gap(lowering->ruleset,
			   pa_arena_printf(lowering->arena,
					   "table %s %s has flags that the listing does not show legibly: it may be dormant",
					   pa_family_name(table->family), table->name),
			   "read the live ruleset, or list it with a later version of nft");
}

bool pa_lower_table(struct pa_lowering *lowering, size_t index, size_t offset)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *node = &tape->nodes[index];
	const char *name = pa_lower_string(lowering, pa_json_member(tape, node, "name"));
	enum pa_family family;
	if (!name || !pa_lower_read_family(pa_json_member(tape, node, "family"), &family))
		return pa_lower_fail(lowering, offset, "a table without family and name");
	struct pa_table *table = pa_ruleset_find_table(lowering->ruleset, family, name);
	if (table && table->id >= lowering->first_table)
		return pa_lower_fail(lowering, offset, "table %s %s is listed twice", pa_family_name(family), name);
	if (table)
		return true; /* another document of the same host has it */
	table = pa_ruleset_add_table(lowering->ruleset, family, name);
	table->handle = pa_lower_number(pa_json_member(tape, node, "handle"), 0);
	table->comment = pa_lower_string(lowering, pa_json_member(tape, node, "comment"));
	table->where = pa_lower_place(lowering, offset);
	const struct pa_nft_facts *facts = lowering->document->facts;
	const struct pa_nft_table_fact *fact = facts ? pa_nft_facts_table(facts, family, name) : NULL;
	if (!fact) {
		read_table_flags(lowering, pa_json_member(tape, node, "flags"), table);
		return true;
	}
	table->dormant = fact->dormant;
	if (fact->comment && !table->comment)
		table->comment = pa_arena_strdup(lowering->arena, fact->comment);
	return true;
}

/* The table of a chain or set. */
static bool find_table(struct pa_lowering *lowering, const struct pa_json_node *node, size_t offset, const char *what)
{
	const char *name = pa_lower_string(lowering, pa_json_member(&lowering->tape, node, "table"));
	enum pa_family family;
	if (!name || !pa_lower_read_family(pa_json_member(&lowering->tape, node, "family"), &family))
		return pa_lower_fail(lowering, offset, "a %s without family and table", what);
	lowering->chain = NULL;
	lowering->table = pa_ruleset_find_table(lowering->ruleset, family, name);
	if (!lowering->table)
		return pa_lower_fail(lowering, offset, "a %s of table %s %s, which the listing does not have", what,
				     pa_family_name(family), name);
	return true;
}

/* --- chains --------------------------------------------------------------------------------------------------------- */

static bool read_type(const struct pa_json_node *node, enum pa_chain_type *ret_type)
{
	for (int i = PA_CHAIN_FILTER; node && i <= PA_CHAIN_ROUTE; i++)
		if (pa_json_is(node, pa_chain_type_name((enum pa_chain_type)i))) {
			*ret_type = (enum pa_chain_type)i;
			return true;
		}
	return false;
}

static bool read_hook(const struct pa_json_node *node, enum pa_hook *ret_hook)
{
	for (int i = PA_HOOK_PREROUTING; node && i <= PA_HOOK_EGRESS; i++)
		if (pa_json_is(node, pa_hook_name((enum pa_hook)i))) {
			*ret_hook = (enum pa_hook)i;
			return true;
		}
	return false;
}

static const char *const *read_devices(struct pa_lowering *lowering, const struct pa_json_node *node,
				       const struct pa_nft_chain_fact *fact)
{
	const struct pa_json_node *item = node;
	size_t count = 1;
	if (fact && fact->devices) {
		for (count = 0; fact->devices[count];)
			count++;
		const char **copy = pa_arena_alloc(lowering->arena, count + 1, sizeof(*copy));
		for (size_t i = 0; i < count; i++)
			copy[i] = pa_arena_strdup(lowering->arena, fact->devices[i]);
		return copy;
	}
	if (!node)
		return NULL;
	if (node->kind == PA_JSON_ARRAY) {
		count = node->length;
		item = node + 1;
	}
	const char **devices = pa_arena_alloc(lowering->arena, count + 1, sizeof(*devices));
	for (size_t i = 0; i < count; i++, item = pa_json_after(&lowering->tape, item))
		devices[i] = pa_lower_string(lowering, item);
	return devices;
}

static bool read_base_chain(struct pa_lowering *lowering, const struct pa_json_node *node, size_t offset,
			    struct pa_chain *chain)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *priority = pa_json_member(tape, node, "prio");
	const struct pa_json_node *policy = pa_json_member(tape, node, "policy");
	chain->is_base = true;
	if (!read_type(pa_json_member(tape, node, "type"), &chain->type) ||
	    !read_hook(pa_json_member(tape, node, "hook"), &chain->hook))
		return pa_lower_fail(lowering, offset, "base chain \"%s\" has a type or hook that is not known", chain->name);
	if (!priority || priority->kind != PA_JSON_INTEGER || priority->number > INT32_MAX)
		return pa_lower_fail(lowering, offset, "base chain \"%s\" has no priority", chain->name);
	chain->priority = priority->negative ? -(int)priority->number : (int)priority->number;
	chain->policy = PA_VERDICT_ACCEPT;
	if (policy && pa_json_is(policy, "drop"))
		chain->policy = PA_VERDICT_DROP;
	else if (policy && !pa_json_is(policy, "accept"))
		return pa_lower_fail(lowering, offset, "base chain \"%s\" has a policy that is not known", chain->name);
	return true;
}

bool pa_lower_chain(struct pa_lowering *lowering, size_t index, size_t offset)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *node = &tape->nodes[index];
	const char *name = pa_lower_string(lowering, pa_json_member(tape, node, "name"));
	if (!find_table(lowering, node, offset, "chain"))
		return false;
	if (!name)
		return pa_lower_fail(lowering, offset, "a chain without a name");
	struct pa_table *table = lowering->table;
	struct pa_chain *chain = pa_table_find_chain(table, name);
	if (chain && chain->id >= lowering->first_chain)
		return pa_lower_fail(lowering, offset, "chain \"%s\" of table %s %s is listed twice", name,
				     pa_family_name(table->family), table->name);
	if (chain)
		return true;
	const struct pa_nft_facts *facts = lowering->document->facts;
	const struct pa_nft_chain_fact *fact = facts ? pa_nft_facts_chain(facts, table->family, table->name, name) : NULL;
	chain = pa_table_add_chain(lowering->ruleset, table, name);
	chain->handle = pa_lower_number(pa_json_member(tape, node, "handle"), 0);
	chain->where = pa_lower_place(lowering, offset);
	chain->comment = pa_lower_string(lowering, pa_json_member(tape, node, "comment"));
	chain->is_anonymous = fact && fact->anonymous;
	if (fact && fact->comment && !chain->comment)
		chain->comment = pa_arena_strdup(lowering->arena, fact->comment);
	if (!pa_json_member(tape, node, "hook") && !pa_json_member(tape, node, "type"))
		return true;
	chain->devices = read_devices(lowering, pa_json_member(tape, node, "dev"), fact);
	return read_base_chain(lowering, node, offset, chain);
}

/* --- sets and maps -------------------------------------------------------------------------------------------------- */

static void add_type(struct pa_value_types *types, const char *text, size_t length)
{
	if (types->count < PA_KEY_PARTS_MAX)
		types->types[types->count++] = pa_datatype_find(text, length);
}

static void read_type_list(const char *text, const char *end, struct pa_value_types *ret_types)
{
	ret_types->count = 0;
	if (end - text > 9 && memcmp(text, "interval ", 9) == 0)
		text += 9;
	while (text < end) {
		const char *dot = memmem(text, (size_t)(end - text), " . ", 3);
		add_type(ret_types, text, (size_t)((dot ? dot : end) - text));
		text = dot ? dot + 3 : end;
	}
	if (!ret_types->count)
		add_type(ret_types, "", 0);
}

void pa_lower_read_types(const char *text, struct pa_value_types *ret_types, struct pa_value_types *ret_data)
{
	const char *colon = strstr(text, " : ");
	const char *end = text + strlen(text);
	read_type_list(text, colon ? colon : end, ret_types);
	if (ret_data)
		read_type_list(colon ? colon + 3 : end, end, ret_data);
}

/* Later versions print { "typeof": expression } for sets that were declared so. */
static void put_typeof(struct pa_lowering *lowering, const struct pa_json_node *expression, struct pa_buffer *out)
{
	struct pa_lowered_key key = { 0 };
	pa_lower_key(lowering, expression, &key);
	for (unsigned i = 0; i < key.count; i++) {
		pa_buffer_puts(out, i ? " . " : "");
		pa_buffer_puts(out, pa_datatype_name(key.parts[i].type));
	}
}

/* "ipv4_addr", [ "ipv4_addr", "inet_service" ], "ipv4_addr . inet_service" */
static void put_type(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_buffer *out)
{
	const struct pa_json_node *expression = pa_json_member(&lowering->tape, node, "typeof");
	if (expression) {
		put_typeof(lowering, expression, out);
		return;
	}
	if (!node || node->kind != PA_JSON_ARRAY) {
		pa_text_node(out, node);
		return;
	}
	const struct pa_json_node *item = node + 1;
	for (uint32_t i = 0; i < node->length; i++, item = pa_json_after(&lowering->tape, item)) {
		pa_buffer_puts(out, i ? " . " : "");
		pa_text_node(out, item);
	}
}

static const char *read_set_type(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	struct pa_buffer text = { 0 };
	const struct pa_json_node *data = pa_json_member(&lowering->tape, node, "map");
	put_type(lowering, pa_json_member(&lowering->tape, node, "type"), &text);
	if (data) {
		pa_buffer_puts(&text, " : ");
		put_type(lowering, data, &text);
	}
	const char *kept = pa_arena_strndup(lowering->arena, text.data ? text.data : "", text.length);
	pa_buffer_done(&text);
	return kept;
}

/* A limit, quota or count of its own for each element: what is in the set may not match any more. */
static bool has_breaking_statement(const struct pa_json_tape *tape, const struct pa_json_node *list)
{
	const struct pa_json_node *name;
	if (!list || list->kind != PA_JSON_ARRAY)
		return false;
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(tape, item))
		if (!pa_lower_only_member(tape, item, &name) || !(pa_json_is(name, "counter") || pa_json_is(name, "last")))
			return true;
	return false;
}

static void read_set_properties(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_set_decl *decl)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *flags = pa_json_member(tape, node, "flags");
	const struct pa_nft_facts *facts = lowering->document->facts;
	const struct pa_table *table = decl->table;
	const struct pa_nft_set_fact *fact = facts ? pa_nft_facts_set(facts, table->family, table->name, decl->name) : NULL;
	decl->handle = pa_lower_number(pa_json_member(tape, node, "handle"), 0);
	decl->size = pa_lower_number(pa_json_member(tape, node, "size"), 0);
	decl->comment = pa_lower_string(lowering, pa_json_member(tape, node, "comment"));
	decl->dynamic = has_word(tape, flags, "dynamic") || (fact && fact->dynamic);
	decl->timeout = has_word(tape, flags, "timeout") || (fact && fact->timeout);
	decl->interval = has_word(tape, flags, "interval") || (fact && fact->interval);
	decl->elements.may_grow = decl->dynamic;
	/* Where the kernel has statements for each element and the listing shows none, they may be of any kind. */
	bool hidden = fact && fact->has_expressions && !pa_json_member(tape, node, "stmt");
	decl->elements.may_shrink = hidden || pa_json_member(tape, node, "timeout") ||
				    has_breaking_statement(tape, pa_json_member(tape, node, "stmt"));
}

bool pa_lower_set(struct pa_lowering *lowering, size_t offset, bool is_map)
{
	size_t index, elements;
	const char *what = is_map ? "map" : "set";
	if (!pa_json_read_without(&lowering->reader, &lowering->tape, "elem", &index, &elements))
		return false;
	const struct pa_json_node *node = &lowering->tape.nodes[index];
	const char *name = pa_lower_string(lowering, pa_json_member(&lowering->tape, node, "name"));
	if (!find_table(lowering, node, offset, what))
		return false;
	if (!name || !pa_json_member(&lowering->tape, node, "type") ||
	    is_map != (pa_json_member(&lowering->tape, node, "map") != NULL))
		return pa_lower_fail(lowering, offset, "a %s without name and type", what);
	if (pa_table_find_set(lowering->table, name))
		return pa_lower_fail(lowering, offset, "%s \"%s\" of table %s %s is listed twice", what, name,
				     pa_family_name(lowering->table->family), lowering->table->name);
	struct pa_set_decl *decl = pa_table_add_set(lowering->ruleset, lowering->table, name);
	decl->is_map = is_map;
	decl->where = pa_lower_place(lowering, offset);
	decl->type_text = read_set_type(lowering, node);
	read_set_properties(lowering, node, decl);
	struct pa_value_types types, data;
	pa_lower_read_types(decl->type_text, &types, &data);
	decl->elements.parts = types.count;
	if (!elements) {
		if (is_map) /* empty, but no set */
			decl->elements.data = pa_arena_alloc(lowering->arena, 1, sizeof(*decl->elements.data));
		return true;
	}
	const char *behind = lowering->reader.at;
	lowering->reader.at = lowering->reader.text + elements;
	if (!pa_lower_named_elements(lowering, decl, &types, is_map ? &data : NULL))
		return false;
	lowering->reader.at = behind;
	return true;
}
