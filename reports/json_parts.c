/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules, places and ports in JSON. */
#include "json_parts.h"

void pa_json_place(struct pa_json *json, const struct pa_chain *chain, const struct pa_rule *rule)
{
	pa_json_string(json, "family", pa_family_name(chain->table->family));
	pa_json_string(json, "table", chain->table->name);
	pa_json_string(json, "chain", chain->name);
	if (rule && rule->handle)
		pa_json_number(json, "handle", rule->handle);
	else
		pa_json_null(json, "handle");
	const struct pa_location *where = rule ? &rule->where : &chain->where;
	pa_json_string(json, "file", where->file);
	if (where->file && where->line)
		pa_json_number(json, "line", where->line);
	else
		pa_json_null(json, "line");
}

void pa_json_rule(struct pa_json *json, const char *key, const struct pa_rule *rule)
{
	pa_json_open(json, key, '{');
	pa_json_place(json, rule->chain, rule);
	pa_json_string(json, "text", rule->text);
	const struct pa_manager *manager = pa_rule_manager(rule);
	if (manager)
		pa_json_string(json, "manager", manager->name);
	pa_json_close(json, '}');
}

void pa_json_port(struct pa_json *json, const char *key, struct pa_interval port)
{
	if (port.first == port.last) {
		pa_json_number(json, key, (uint64_t)port.first);
		return;
	}
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "%u-%u", (unsigned)port.first, (unsigned)port.last);
	pa_json_string(json, key, text.data);
	pa_buffer_done(&text);
}
