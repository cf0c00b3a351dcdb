/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace: one JSON line for each packet. */
#include "difference_words.h"
#include "format.h"
#include "json_parts.h"
#include "portaudit/report.h"

const char *pa_fate_word(const struct pa_walk *walk)
{
	static const char *const accepted[] = {
		[PA_PATH_IN] = "in-accept", [PA_PATH_FORWARD] = "forward-accept", [PA_PATH_OUT] = "out-accept"
	};
	return walk->fate == PA_FATE_ACCEPT ? accepted[walk->path] : pa_decision_word(walk->fate);
}

/* NAT may leave one half as it was: only what the packet did not say already is written. */
static bool is_new(const struct pa_packet *packet, enum pa_field field, struct pa_interval value)
{
	return value.first != value.last || !packet->known[field] || packet->value[field] != value.first;
}

static void add_address(struct pa_json *json, const struct pa_packet *packet, enum pa_field field, const char *key,
			struct pa_interval address)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	if (!is_new(packet, field, address))
		return;
	pa_address_range_format(address, packet->family, text);
	pa_json_string(json, key, text);
}

/* Redirected to an address of the host, or translated, and which address is not known: `"dst":null`. */
static void add_translation(struct pa_json *json, const struct pa_walk *walk, const struct pa_packet *packet)
{
	if (walk->source_changed)
		add_address(json, packet, PA_FIELD_SADDR, "src", walk->source);
	if (walk->has_source_port && is_new(packet, PA_FIELD_SPORT, walk->source_port))
		pa_json_port(json, "sport", walk->source_port);
	if (walk->destination_changed)
		add_address(json, packet, PA_FIELD_DADDR, "dst", walk->destination);
	if (walk->destination_is_self || walk->destination_unknown)
		pa_json_raw(json, "dst", "null");
	if (walk->has_destination_port && is_new(packet, PA_FIELD_DPORT, walk->destination_port))
		pa_json_port(json, "dport", walk->destination_port);
}

static void add_step(struct pa_json *json, const struct pa_walk_step *step)
{
	pa_json_open(json, NULL, '{');
	pa_json_place(json, step->chain, step->rule);
	pa_json_string(json, "rule", step->rule ? step->rule->text : NULL);
	pa_json_string(json, "verdict", pa_verdict_name(step->outcome == PA_WALK_PASSED ? PA_VERDICT_CONTINUE : step->verdict));
	pa_json_close(json, '}');
}

/* The walk names what decided or changed something; rules that did not match are the business of `explain`. */
static void add_walk(struct pa_json *json, const struct pa_walk *walk)
{
	pa_json_open(json, "walk", '[');
	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];
		bool told =
			step->outcome == PA_WALK_MATCHED || step->outcome == PA_WALK_PASSED || step->outcome == PA_WALK_POLICY;
		if (told && step->chain)
			add_step(json, step);
	}
	pa_json_close(json, ']');
}

bool pa_report_verdict(const struct pa_walk *walk, const struct pa_packet *packet, const char *id_json, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	pa_json_open(&json, NULL, '{');
	pa_json_raw(&json, "id", id_json ? id_json : "null");
	pa_json_string(&json, "fate", pa_fate_word(walk));
	add_translation(&json, walk, packet);
	if (walk->fate == PA_FATE_DEPENDS)
		pa_json_string(&json, "condition", walk->condition ? walk->condition : "not known");
	add_walk(&json, walk);
	pa_json_close(&json, '}');
	pa_buffer_putc(out, '\n');
	return true;
}
