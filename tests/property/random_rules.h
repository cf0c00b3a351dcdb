/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random rulesets, hosts and packets over few constants, so that rules and packets meet. What the kernel refuses is not made:
 * translations stand in nat chains only, `fib daddr . iif` where there is an incoming interface, jumps go to later chains.
 */
#ifndef RANDOM_RULES_H
#define RANDOM_RULES_H

#include "random_text.h"
#include "random_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- rules --- */

struct random_rules {
	struct pa_ruleset *ruleset;
	struct pa_table *table;
	struct pa_chain *chain;
	struct pa_rule *rule;
	struct pa_chain *targets[4]; /* of the table: chains to jump to, a chain only to later ones */
	unsigned target_count, next_target;
	int family; /* what the rule speaks of: 4 or 6 */
	bool said_family;
	pa_u128 protocol; /* the rule says so; 0: it does not */
	bool simple;	  /* no opaque tests, no dynamic sets */
	bool without_conntrack;
};

static struct pa_step *add_step(struct random_rules *r, enum pa_step_kind kind)
{
	struct pa_step *step = &r->rule->steps[r->rule->step_count++];
	step->kind = kind;
	return step;
}

static struct pa_key random_key(struct random_rules *r, const enum pa_field *fields, unsigned count)
{
	struct pa_key key = { count, pa_arena_alloc(r->ruleset->arena, count, sizeof(*key.parts)) };
	for (unsigned i = 0; i < count; i++)
		key.parts[i] = (struct pa_key_part){ .field = fields[i], .mask = pa_field_max(fields[i]) };
	return key;
}

static void imply(struct random_rules *r, enum pa_field field, pa_u128 value)
{
	struct pa_step *step = add_step(r, PA_STEP_MATCH);
	struct pa_elements *elements = pa_arena_alloc(r->ruleset->arena, 1, sizeof(*elements));
	step->key = random_key(r, &field, 1);
	elements->keys = pa_arena_alloc(r->ruleset->arena, 1, sizeof(*elements->keys));
	elements->keys[0] = (struct pa_interval){ value, value };
	elements->parts = elements->count = 1;
	elements->sorted = true;
	step->elements = elements;
	step->implied = true;
}

static bool of_family(enum pa_field field)
{
	return field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_TTL || field == PA_FIELD_DSCP ||
	       (field >= PA_FIELD_CT_ORIG_SADDR && field <= PA_FIELD_CT_REPLY_DADDR && field != PA_FIELD_CT_ORIG_SPORT &&
		field != PA_FIELD_CT_ORIG_DPORT) ||
	       field == PA_FIELD_IP6_NEXTHDR || field == PA_FIELD_ICMP_TYPE || field == PA_FIELD_ICMP_CODE ||
	       field == PA_FIELD_ICMP_ID || field == PA_FIELD_IP_OPTIONS || field == PA_FIELD_EXTHDRS ||
	       field == PA_FIELD_FRAG || field == PA_FIELD_RT_TYPE;
}

static bool of_icmp(enum pa_field field)
{
	return field == PA_FIELD_ICMP_TYPE || field == PA_FIELD_ICMP_CODE || field == PA_FIELD_ICMP_ID;
}

static bool of_tcp(enum pa_field field)
{
	return field == PA_FIELD_TCP_FLAGS || field == PA_FIELD_WINDOW || field == PA_FIELD_TCP_MSS;
}

/* The tests that the front end puts before this one. */
static void imply_for(struct random_rules *r, enum pa_field field)
{
	bool port = field == PA_FIELD_SPORT || field == PA_FIELD_DPORT || field == PA_FIELD_CT_ORIG_SPORT ||
		    field == PA_FIELD_CT_ORIG_DPORT || field == PA_FIELD_CT_REPLY_SPORT || field == PA_FIELD_CT_REPLY_DPORT;
	bool icmp = of_icmp(field);
	bool both = r->table->family != PA_FAMILY_IP && r->table->family != PA_FAMILY_IP6;
	if (of_family(field) && both && !r->said_family) {
		imply(r, PA_FIELD_NFPROTO, r->family == 4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6);
		r->said_family = true;
	}
	pa_u128 wanted = port ? (draw(2) ? 6 : 17) : icmp ? (r->family == 4 ? 1 : 58) : of_tcp(field) ? 6 : 0;
	if (wanted && !r->protocol)
		imply(r, PA_FIELD_L4PROTO, r->protocol = wanted);
}

static const enum pa_field random_fields[] = {
	PA_FIELD_IIFNAME,	 PA_FIELD_IIFNAME,	 PA_FIELD_OIFNAME,	 PA_FIELD_L4PROTO,     PA_FIELD_SADDR,
	PA_FIELD_SADDR,		 PA_FIELD_DADDR,	 PA_FIELD_DADDR,	 PA_FIELD_SPORT,       PA_FIELD_DPORT,
	PA_FIELD_DPORT,		 PA_FIELD_DPORT,	 PA_FIELD_ICMP_TYPE,	 PA_FIELD_TCP_FLAGS,   PA_FIELD_PKTTYPE,
	PA_FIELD_DSCP,		 PA_FIELD_TTL,		 PA_FIELD_CT_STATE,	 PA_FIELD_CT_STATE,    PA_FIELD_CT_STATE,
	PA_FIELD_CT_STATUS,	 PA_FIELD_CT_DIRECTION,	 PA_FIELD_CT_MARK,	 PA_FIELD_MARK,	       PA_FIELD_MARK,
	PA_FIELD_CT_ORIG_SADDR,	 PA_FIELD_CT_ORIG_DADDR, PA_FIELD_CT_ORIG_DPORT, PA_FIELD_DADDR_TYPE,  PA_FIELD_NFPROTO,
	PA_FIELD_DADDR_IIF_TYPE, PA_FIELD_SADDR_TYPE,	 PA_FIELD_IP6_NEXTHDR,	 PA_FIELD_TCP_OPTIONS, PA_FIELD_TCP_MSS,
	PA_FIELD_WINDOW,	 PA_FIELD_IP_OPTIONS,	 PA_FIELD_EXTHDRS,	 PA_FIELD_FRAG,	       PA_FIELD_ICMP_ID,
	PA_FIELD_CT_PROTOCOL,
};

static bool is_of_conntrack(enum pa_field field)
{
	return field == PA_FIELD_CT_STATE || field == PA_FIELD_CT_DIRECTION || field == PA_FIELD_CT_STATUS ||
	       field == PA_FIELD_CT_MARK || (field >= PA_FIELD_CT_ORIG_SADDR && field <= PA_FIELD_CT_PROTOCOL);
}

static bool allowed_here(const struct random_rules *r, enum pa_field field)
{
	if (r->without_conntrack && is_of_conntrack(field))
		return false;
	bool incoming = r->chain->is_base && (r->chain->hook == PA_HOOK_PREROUTING || r->chain->hook == PA_HOOK_INPUT);
	/* what the TTL is after forwarding is a question to the diagrams and known to the walk */
	if (field == PA_FIELD_DADDR_IIF_TYPE || field == PA_FIELD_SADDR_TYPE || field == PA_FIELD_TTL)
		return incoming;
	if (field == PA_FIELD_IP6_NEXTHDR)
		return r->family == 6 && draw(3) == 0;
	if (field == PA_FIELD_EXTHDRS || field == PA_FIELD_FRAG || field == PA_FIELD_IP_OPTIONS)
		return r->family == (field == PA_FIELD_IP_OPTIONS ? 4 : 6);
	if (field == PA_FIELD_SPORT || field == PA_FIELD_DPORT || field == PA_FIELD_CT_ORIG_DPORT)
		return !r->protocol || r->protocol == 6 || r->protocol == 17;
	if (of_tcp(field))
		return !r->protocol || r->protocol == 6;
	return !of_icmp(field) || !r->protocol || r->protocol == (r->family == 4 ? 1 : 58);
}

/* Fields that are drawn like another one, in its place: what the seeds of found differences draw stays what it was. */
static enum pa_field replaced(enum pa_field field)
{
	bool turned = draw_state >> 21 & 1;
	if (field == PA_FIELD_CT_ORIG_SADDR && turned)
		return draw_state >> 22 & 1 ? PA_FIELD_CT_REPLY_SADDR : PA_FIELD_CT_REPLY_DADDR;
	if (field == PA_FIELD_CT_ORIG_DPORT && turned)
		return draw_state >> 22 & 1 ? PA_FIELD_CT_REPLY_SPORT : PA_FIELD_CT_REPLY_DPORT;
	return field == PA_FIELD_EXTHDRS && draw_state >> 20 & 1 ? PA_FIELD_RT_TYPE : field;
}

static enum pa_field random_field(struct random_rules *r)
{
	enum pa_field field = PICK(random_fields);
	while (!allowed_here(r, field))
		field = PICK(random_fields);
	return replaced(field);
}

static void mask_part(struct pa_key_part *part)
{
	bool address = part->field == PA_FIELD_SADDR || part->field == PA_FIELD_DADDR;
	if (address && part->mask == pa_field_max(part->field))
		part->mask &= ~(pa_u128)(1u << draw(4) | 1u << (8 + draw(2)));
	else if (part->field == PA_FIELD_MARK || part->field == PA_FIELD_CT_MARK || part->field == PA_FIELD_TCP_FLAGS ||
		 part->field == PA_FIELD_CT_STATE || part->field == PA_FIELD_CT_STATUS)
		part->mask = 1 + draw(20);
	else if (part->field == PA_FIELD_TCP_OPTIONS || part->field == PA_FIELD_IP_OPTIONS || part->field == PA_FIELD_EXTHDRS ||
		 part->field == PA_FIELD_RT_TYPE)
		part->mask = (pa_u128)1 << draw(4);
	if (part->field == PA_FIELD_MARK && draw(2))
		part->xor_value = draw(4);
}

/* A named set of the table is shared by the rules that ask the same field. */
static const struct pa_elements *named_set(struct random_rules *r, const struct pa_key *key)
{
	enum pa_field field = key->parts[0].field;
	char name[40];
	snprintf(name, sizeof(name), "s%u_%d", (unsigned)field, r->family);
	struct pa_set_decl *set = pa_table_find_set(r->table, name);
	if (!set) {
		set = pa_table_add_set(r->ruleset, r->table, name);
		set->type_text = "";
		set->elements = *random_elements(r->ruleset->arena, key, r->family, false);
		set->elements.decl = set;
		set->elements.may_grow = !r->simple && draw(4) == 0;
		set->elements.may_shrink = !r->simple && draw(4) == 0;
	}
	return &set->elements;
}

static void text_of_test(struct random_rules *r, struct pa_step *step, const char *middle)
{
	struct pa_buffer text = { 0 };
	put_key_text(&text, &step->key);
	pa_buffer_puts(&text, middle);
	if (step->elements->decl)
		pa_buffer_printf(&text, "@%s ", step->elements->decl->name);
	put_elements_text(r->ruleset->arena, &text, &step->key, step->elements);
	step->text = keep_text(r->ruleset->arena, &text);
}

static unsigned random_parts(struct random_rules *r, enum pa_field fields[3])
{
	unsigned count = draw(6) ? 1 : 2 + draw(2);
	for (unsigned i = 0; i < count; i++) {
		bool twice;
		do {
			fields[i] = random_field(r);
			twice = false;
			for (unsigned j = 0; j < i; j++)
				twice = twice || pa_field_info(fields[j])->bits == pa_field_info(fields[i])->bits;
		} while (twice);
		imply_for(r, fields[i]);
	}
	return count;
}

static struct pa_elements *whether(struct pa_arena *arena, pa_u128 answer)
{
	struct pa_elements *elements = pa_arena_alloc(arena, 1, sizeof(*elements));
	*elements = (struct pa_elements){ .parts = 1, .sorted = true, .count = 1 };
	elements->keys = pa_arena_dup(arena, &(struct pa_interval){ answer, answer }, 1, sizeof(*elements->keys));
	return elements;
}

/* One interface or all that begin alike, with another one or none beside it. */
static struct pa_elements *which(struct pa_arena *arena, unsigned long bits)
{
	static const char *const names[] = { "eth0", "eth1", "br-a", "lo" };
	struct pa_elements *elements = whether(arena, 0);
	pa_u128 name = pa_ifname_value(names[bits & 3]);
	struct pa_interval first = bits & 4 ? pa_ifname_prefix("eth") : (struct pa_interval){ name, name };
	pa_u128 other = bits & 8 ? 0 : pa_ifname_value("zz");
	elements->sorted = false;
	elements->count = bits & 16 ? 1 : 2;
	elements->keys = pa_arena_dup(arena, (struct pa_interval[]){ first, { other, other } }, 2, sizeof(*elements->keys));
	return elements;
}

/* In the place of another question about the source. */
static void ask_routes(struct random_rules *r, struct pa_step *step)
{
	step->key.parts[0] =
		(struct pa_key_part){ .mask = PA_U128_MAX, .opaque = "fib saddr . iif oif", .reason = "asks the routes" };
	step->key.parts[0].always = true;
	step->key.parts[0].fib = (enum pa_fib)(1 + (draw_state >> 26) % (PA_FIB_COUNT - 1));
	bool names = step->key.parts[0].fib < PA_FIB_XT_STRICT && draw_state >> 30 & 1;
	step->elements = names ? which(r->ruleset->arena, draw_state >> 32) : whether(r->ruleset->arena, draw_state >> 24 & 1);
}

/* In the place of the interface's name: what it is, alone or beside what else the key asks. */
static void ask_link(struct random_rules *r, struct pa_key_part *part, enum pa_field interface)
{
	static const char *const texts[2][PA_LINK_PROPERTIES] = { { "meta iiftype", "iifgroup", "meta iifkind" },
								  { "meta oiftype", "oifgroup", "meta oifkind" } };
	struct pa_link_test test = { .property = (enum pa_link_property)(draw_state >> 25 & 1), .interface = interface };
	test.property = draw_state >> 26 & 1 ? PA_LINK_KIND : test.property;
	test.mask = test.property == PA_LINK_GROUP && draw_state >> 27 & 1 ? 1 : PA_U128_MAX;
	test.xor_value = test.mask == 1 ? draw_state >> 28 & 1 : 0;
	*part = (struct pa_key_part){ .mask = PA_U128_MAX,
				      .opaque = texts[interface == PA_FIELD_OIFNAME][test.property],
				      .reason = "is a property of the interface that its name does not tell" };
	part->link = pa_arena_dup(r->ruleset->arena, &test, 1, sizeof(test));
}

/* Values that interfaces have, and others. */
static void random_properties(struct pa_interval *keys, size_t stride, size_t count, enum pa_link_property property)
{
	static const char *const kinds[] = { "veth", "tun", "bridge" };
	static const unsigned types[] = { 1, 772, 512 };
	for (size_t i = 0; i < count && i < 3; i++) {
		pa_u128 value = property == PA_LINK_TYPE ? types[i] : property == PA_LINK_GROUP ? i : pa_ifname_value(kinds[i]);
		keys[i * stride] = (struct pa_interval){ value, value };
	}
}

static struct pa_elements *random_links(struct random_rules *r, struct pa_key_part *part, enum pa_field interface)
{
	struct pa_elements *elements = pa_arena_alloc(r->ruleset->arena, 1, sizeof(*elements));
	ask_link(r, part, interface);
	*elements = (struct pa_elements){ .parts = 1, .count = 1 + (draw_state >> 30 & 1) };
	elements->keys = pa_arena_alloc(r->ruleset->arena, 2, sizeof(*elements->keys));
	random_properties(elements->keys, 1, elements->count, part->link->property);
	return elements;
}

/* The same of the first thing that a lookup or a concatenation asks. */
static void ask_link_first(struct random_rules *r, struct pa_key *key, const struct pa_elements *elements)
{
	enum pa_field interface = key->parts[0].field;
	bool is_name = !key->parts[0].opaque && (interface == PA_FIELD_IIFNAME || interface == PA_FIELD_OIFNAME);
	if (r->simple || !is_name || elements->decl || !(draw_state >> 23 & 1))
		return;
	ask_link(r, &key->parts[0], interface);
	random_properties(elements->keys, elements->parts, elements->count, key->parts[0].link->property);
}

static void add_match(struct random_rules *r)
{
	enum pa_field fields[3];
	unsigned count = random_parts(r, fields);
	struct pa_step *step = add_step(r, PA_STEP_MATCH);
	step->key = random_key(r, fields, count);
	if (!r->simple && draw(25) == 0) {
		step->key.parts[0].opaque = draw(2) ? "numgen random mod 4" : "meta cgroup";
		step->key.parts[0].volatile_ = step->key.parts[0].opaque[0] == 'n';
		static const struct pa_moment hour = { .kind = PA_MOMENT_HOUR };
		if (draw_state >> 21 & 1)
			step->key.parts[0] = (struct pa_key_part){ .mask = 0, .opaque = "meta hour", .moment = &hour };
	} else if (count == 1 && draw(4) == 0) {
		mask_part(&step->key.parts[0]);
	}
	bool plain = !step->key.parts[0].opaque && step->key.parts[0].mask == pa_field_max(fields[0]) &&
		     !step->key.parts[0].xor_value;
	step->elements = count == 1 && plain && draw(4) == 0 ? named_set(r, &step->key)
							     : random_elements(r->ruleset->arena, &step->key, r->family, false);
	if (!r->simple && count == 1 && (fields[0] == PA_FIELD_SADDR_TYPE || fields[0] == PA_FIELD_DADDR_IIF_TYPE) &&
	    draw_state >> 22 & 1)
		ask_routes(r, step);
	bool by_interface = fields[0] == PA_FIELD_IIFNAME || fields[0] == PA_FIELD_OIFNAME;
	if (!r->simple && count == 1 && by_interface && draw_state >> 23 & 1)
		step->elements = random_links(r, &step->key.parts[0], fields[0]);
	else if (count > 1)
		ask_link_first(r, &step->key, step->elements);
	step->negated = draw(4) == 0;
	text_of_test(r, step, step->negated ? " != " : " ");
}

static struct pa_verdict random_verdict(struct random_rules *r)
{
	static const enum pa_verdict_kind kinds[] = { PA_VERDICT_ACCEPT,   PA_VERDICT_ACCEPT, PA_VERDICT_ACCEPT,
						      PA_VERDICT_DROP,	   PA_VERDICT_DROP,   PA_VERDICT_REJECT,
						      PA_VERDICT_CONTINUE, PA_VERDICT_RETURN, PA_VERDICT_JUMP,
						      PA_VERDICT_JUMP,	   PA_VERDICT_GOTO };
	struct pa_verdict verdict = { .kind = PICK(kinds) };
	bool goes = verdict.kind == PA_VERDICT_JUMP || verdict.kind == PA_VERDICT_GOTO;
	if (goes && r->next_target == r->target_count)
		verdict.kind = PA_VERDICT_ACCEPT;
	else if (goes)
		verdict.target_name = r->targets[r->next_target + draw(r->target_count - r->next_target)]->name;
	return verdict;
}

static struct pa_datum random_datum(struct random_rules *r, bool is_verdict, bool address, bool port)
{
	struct pa_datum datum = { .kind = is_verdict ? PA_DATUM_VERDICT : PA_DATUM_VALUES };
	if (is_verdict) {
		datum.verdict = random_verdict(r);
		return datum;
	}
	datum.values = pa_arena_alloc(r->ruleset->arena, 2, sizeof(*datum.values));
	if (address)
		datum.values[datum.count++] = random_interval(PA_FIELD_DADDR, r->family);
	if (port)
		datum.values[datum.count++] = random_interval(PA_FIELD_DPORT, r->family);
	if (!datum.count)
		datum.values[datum.count++] = (struct pa_interval){ draw(4), 0 };
	datum.values[0].last = address || port ? datum.values[0].last : datum.values[0].first;
	return datum;
}

static struct pa_elements *random_map(struct random_rules *r, struct pa_key *ret_key, bool is_verdict, bool address, bool port)
{
	enum pa_field fields[3];
	unsigned count = random_parts(r, fields);
	*ret_key = random_key(r, fields, count);
	struct pa_elements *map = random_elements(r->ruleset->arena, ret_key, r->family, true);
	map->data = pa_arena_alloc(r->ruleset->arena, map->count, sizeof(*map->data));
	for (size_t i = 0; i < map->count; i++)
		map->data[i] = random_datum(r, is_verdict, address, port);
	map->has_catch_all = draw(6) == 0;
	map->may_grow = !r->simple && draw(12) == 0;
	map->may_shrink = !r->simple && draw(12) == 0;
	if (map->has_catch_all) {
		map->catch_all = pa_arena_alloc(r->ruleset->arena, 1, sizeof(*map->catch_all));
		*map->catch_all = random_datum(r, is_verdict, address, port);
	}
	return map;
}

static void add_vmap(struct random_rules *r)
{
	struct pa_key key;
	struct pa_elements *map = random_map(r, &key, true, false, false);
	struct pa_step *step = add_step(r, PA_STEP_VMAP);
	ask_link_first(r, &key, map);
	step->key = key;
	step->elements = map;
	text_of_test(r, step, " vmap ");
}

static void put_operand(struct random_rules *r, struct pa_buffer *text, const struct pa_operand *operand)
{
	if (operand->kind == PA_OPERAND_VALUE)
		put_value(text, operand->interval.first > 0xffff ? PA_FIELD_DADDR : PA_FIELD_DPORT, operand->interval);
	if (operand->kind == PA_OPERAND_FIELD) {
		struct pa_key_part part = operand->part;
		put_key_text(text, &(struct pa_key){ 1, &part });
	}
	if (operand->kind == PA_OPERAND_MAP) {
		put_key_text(text, &operand->key);
		pa_buffer_puts(text, " map ");
		put_elements_text(r->ruleset->arena, text, &operand->key, operand->map);
	}
}

static void add_assign(struct random_rules *r)
{
	static const enum pa_field changed[] = { PA_FIELD_MARK,	 PA_FIELD_MARK,	 PA_FIELD_MARK,	   PA_FIELD_MARK,
						 PA_FIELD_MARK,	 PA_FIELD_MARK,	 PA_FIELD_CT_MARK, PA_FIELD_CT_MARK,
						 PA_FIELD_DSCP,	 PA_FIELD_DSCP,	 PA_FIELD_DPORT,   PA_FIELD_PKTTYPE,
						 PA_FIELD_SADDR, PA_FIELD_DADDR, PA_FIELD_WINDOW,  PA_FIELD_CT_STATE };
	enum pa_field field = PICK(changed), from = draw(2) ? PA_FIELD_CT_MARK : PA_FIELD_MARK;
	if (!allowed_here(r, field))
		field = PA_FIELD_MARK;
	if (r->without_conntrack)
		from = PA_FIELD_MARK;
	bool is_mark = field == PA_FIELD_MARK || field == PA_FIELD_CT_MARK;
	bool is_address = field == PA_FIELD_SADDR || field == PA_FIELD_DADDR;
	struct pa_operand value = { .kind = PA_OPERAND_VALUE, .interval = { draw(4), 0 } };
	if (field == PA_FIELD_CT_STATE)
		value.interval.first = PA_CT_NEW;
	if (is_address || field == PA_FIELD_DPORT)
		value.interval.first = random_value(field, r->family);
	value.interval.last = value.interval.first;
	struct pa_elements *map = NULL;
	if (draw(6) == 0 && is_mark) {
		struct pa_key key;
		map = random_map(r, &key, false, false, false);
		value = (struct pa_operand){ .kind = PA_OPERAND_MAP, .key = key, .map = map };
	} else if (is_mark && draw(3) == 0) {
		value = (struct pa_operand){ .kind = PA_OPERAND_FIELD, .part = { .field = from, .mask = pa_field_max(from) } };
		if (draw(2)) {
			value.part.mask = draw(8);
			value.part.xor_value = draw(4);
		}
	}
	imply_for(r, field);
	struct pa_step *step = add_step(r, PA_STEP_ASSIGN);
	struct pa_buffer text = { 0 };
	step->field = field;
	step->value = value;
	pa_buffer_printf(&text, "%s set ", pa_field_info(field)->name);
	put_operand(r, &text, &value);
	step->text = keep_text(r->ruleset->arena, &text);
}

static void add_opaque(struct random_rules *r)
{
	static const struct {
		const char *text;
		bool volatile_;
		enum pa_opacity opacity;
	} statements[] = {
		{ "limit rate 5/second", true, PA_OPACITY_MATCH },   { "limit rate 5/second", true, PA_OPACITY_MATCH },
		{ "socket transparent 1", false, PA_OPACITY_MATCH }, { "queue to 1", false, PA_OPACITY_VERDICT },
		{ "fwd to \"eth1\"", false, PA_OPACITY_STOLEN },     { "xt target unknown", true, PA_OPACITY_VERDICT }
	};
	unsigned i = draw(6);
	struct pa_step *step = add_step(r, PA_STEP_OPAQUE);
	step->text = statements[i].text;
	step->volatile_ = statements[i].volatile_;
	step->opacity = statements[i].opacity;
}

static void add_nat(struct random_rules *r)
{
	bool source = r->chain->hook == PA_HOOK_POSTROUTING || r->chain->hook == PA_HOOK_INPUT;
	enum pa_nat_kind kind = source ? (draw(3) ? PA_NAT_SNAT : PA_NAT_MASQUERADE) : draw(3) ? PA_NAT_DNAT : PA_NAT_REDIRECT;
	if (kind == PA_NAT_MASQUERADE && r->chain->hook == PA_HOOK_INPUT)
		kind = PA_NAT_SNAT;
	bool address = kind == PA_NAT_SNAT || (kind == PA_NAT_DNAT && draw(6)), port = !address || draw(2);
	if (kind != PA_NAT_DNAT && kind != PA_NAT_SNAT)
		port = draw(2);
	if (port && !allowed_here(r, PA_FIELD_DPORT))
		address = !(port = false) && (kind == PA_NAT_DNAT || address);
	if (port)
		imply_for(r, PA_FIELD_DPORT);
	if (address)
		imply_for(r, PA_FIELD_DADDR);
	struct pa_operand values[2] = { { 0 }, { 0 } };
	if (draw(4) == 0 && (address || port)) {
		struct pa_key key;
		struct pa_elements *map = random_map(r, &key, false, address, port);
		for (unsigned i = 0; i < 2; i++) {
			if (i ? port : address)
				values[i] = (struct pa_operand){
					.kind = PA_OPERAND_MAP, .key = key, .map = map, .datum_index = i && address
				};
		}
	} else {
		if (address)
			values[0] = (struct pa_operand){ .kind = PA_OPERAND_VALUE,
							 .interval = random_interval(PA_FIELD_DADDR, r->family) };
		if (port)
			values[1] = (struct pa_operand){ .kind = PA_OPERAND_VALUE,
							 .interval = random_interval(PA_FIELD_DPORT, r->family) };
	}
	struct pa_step *step = add_step(r, PA_STEP_NAT);
	static const char *const names[] = { "snat", "dnat", "masquerade", "redirect" };
	struct pa_buffer text = { 0 };
	step->nat = kind;
	step->nat_family = address ? r->family : 0;
	step->value = values[0];
	step->port = values[1];
	pa_buffer_printf(&text, "%s%s", names[kind], address ? r->family == 4 ? " ip to " : " ip6 to " : " to ");
	put_operand(r, &text, &values[0]);
	pa_buffer_puts(&text, port ? ":" : "");
	if (values[1].kind != PA_OPERAND_MAP || !address)
		put_operand(r, &text, &values[1]);
	step->text = keep_text(r->ruleset->arena, &text);
}

#define RANDOM_STEPS 40

static void add_action(struct random_rules *r)
{
	unsigned action = draw(20);
	if (r->chain->is_base && r->chain->type == PA_CHAIN_NAT && draw(3)) {
		add_nat(r);
	} else if (action == 0 && !r->simple) {
		add_opaque(r);
	} else if (action < 4) {
		add_vmap(r);
	} else if (action < 7) {
		add_assign(r);
	} else if (action == 7) {
		add_step(r, PA_STEP_NOTRACK)->text = "notrack";
	} else if (action == 8) {
		add_step(r, PA_STEP_NONE)->text = "counter";
	} else {
		struct pa_step *step = add_step(r, PA_STEP_VERDICT);
		step->verdict = random_verdict(r);
		step->text = verdict_text(r->ruleset->arena, &step->verdict);
	}
}

static void add_rule(struct random_rules *r)
{
	r->rule = pa_chain_add_rule(r->ruleset, r->chain);
	r->rule->steps = pa_arena_alloc(r->ruleset->arena, RANDOM_STEPS, sizeof(*r->rule->steps));
	r->family = r->table->family == PA_FAMILY_IP6 ? 6 : r->table->family == PA_FAMILY_IP || draw(2) ? 4 : 6;
	r->said_family = false;
	r->protocol = 0;
	for (unsigned n = draw(8) ? draw(3) : 3; n > 0; n--) {
		if (!r->simple && draw(25) == 0)
			add_opaque(r);
		else if (draw(15) == 0)
			add_assign(r);
		else
			add_match(r);
	}
	if (draw(20))
		add_action(r);
	r->rule->text = "";
}

/* The text of a rule from those of its steps; minimising changes them. */
static void write_texts(struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t k = 0; k < ruleset->chains[i]->rule_count; k++) {
			struct pa_rule *rule = ruleset->chains[i]->rules[k];
			struct pa_buffer text = { 0 };
			for (size_t s = 0; s < rule->step_count; s++) {
				const struct pa_step *step = &rule->steps[s];
				pa_buffer_puts(&text, text.length ? " " : "");
				if (step->text)
					pa_buffer_puts(&text, step->text);
				else
					pa_buffer_printf(&text, "(%s %" PRIu64 ")",
							 pa_field_info(step->key.parts[0].field)->name,
							 (uint64_t)step->elements->keys[0].first);
			}
			rule->text = keep_text(ruleset->arena, &text);
		}
	}
}

/* What minimising left over. */
__attribute__((unused)) static void print_rules(const struct pa_ruleset *ruleset, struct pa_buffer *out)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		if (chain->table->dormant)
			continue;
		pa_buffer_printf(out, "%s %s %s", pa_family_name(chain->table->family), chain->table->name, chain->name);
		if (chain->is_base)
			pa_buffer_printf(out, " type %s hook %s priority %d policy %s", pa_chain_type_name(chain->type),
					 pa_hook_name(chain->hook), chain->priority, pa_verdict_name(chain->policy));
		for (const char *const *device = chain->devices; device && *device; device++)
			pa_buffer_printf(out, " %s", *device);
		pa_buffer_putc(out, '\n');
		for (size_t k = 0; k < chain->rule_count; k++) {
			if (chain->rules[k]->step_count)
				pa_buffer_printf(out, "\t%s\n", chain->rules[k]->text);
		}
	}
}

__attribute__((unused)) static bool has_translations(const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		for (size_t s = 0; s < ruleset->rules[i]->step_count; s++) {
			const struct pa_step *step = &ruleset->rules[i]->steps[s];
			bool writes = step->kind == PA_STEP_ASSIGN &&
				      (step->field == PA_FIELD_SADDR || step->field == PA_FIELD_DADDR ||
				       step->field == PA_FIELD_DPORT);
			if (step->kind == PA_STEP_NAT || writes)
				return true;
		}
	}
	return false;
}

static void add_base_chain(struct random_rules *r, unsigned number)
{
	static const int priorities[] = { -300, -200, -199, -150, -100, -99, 0, 0, 0, 0, 0, 10, 99, 100, 101 };
	static const enum pa_hook hooks[] = { PA_HOOK_PREROUTING, PA_HOOK_PREROUTING, PA_HOOK_INPUT,  PA_HOOK_INPUT,
					      PA_HOOK_FORWARD,	  PA_HOOK_FORWARD,    PA_HOOK_OUTPUT, PA_HOOK_POSTROUTING };
	char name[16];
	snprintf(name, sizeof(name), "b%u", number);
	r->chain = pa_table_add_chain(r->ruleset, r->table, name);
	r->chain->is_base = true;
	r->chain->hook = PICK(hooks);
	r->chain->priority = PICK(priorities);
	r->chain->policy = draw(3) ? PA_VERDICT_ACCEPT : PA_VERDICT_DROP;
	if (r->chain->hook != PA_HOOK_FORWARD && draw(3) == 0) {
		r->chain->type = PA_CHAIN_NAT;
		if (r->chain->priority <= -200)
			r->chain->priority = -100;
		if (draw(5))
			r->chain->policy = PA_VERDICT_ACCEPT;
	}
	if (r->chain->hook == PA_HOOK_OUTPUT && r->chain->type == PA_CHAIN_FILTER && draw(4) == 0)
		r->chain->type = PA_CHAIN_ROUTE;
	r->next_target = 0;
	for (unsigned i = draw(6); i > 0; i--)
		add_rule(r);
}

static void add_table(struct random_rules *r, unsigned number)
{
	static const enum pa_family families[] = { PA_FAMILY_IP, PA_FAMILY_IP6, PA_FAMILY_INET, PA_FAMILY_INET };
	char name[16];
	snprintf(name, sizeof(name), "t%u", number);
	r->table = pa_ruleset_add_table(r->ruleset, PICK(families), name);
	r->table->dormant = draw(12) == 0;
	/* as iptables-legacy's beside nft's; from the same number, so that the rulesets of a seed stay what they were */
	r->table->age_unknown = number == 1 && (draw_state >> 40) % 3 == 0;
	r->target_count = draw(5);
	for (unsigned i = 0; i < r->target_count; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		r->targets[i] = pa_table_add_chain(r->ruleset, r->table, name);
	}
	for (unsigned i = 0; i < r->target_count; i++) {
		r->chain = r->targets[i];
		r->next_target = i + 1;
		for (unsigned k = draw(5); k > 0; k--)
			add_rule(r);
	}
	for (unsigned i = 1 + draw(4); i > 0; i--)
		add_base_chain(r, i);
}

/* Chains of unknown age meet others at their priority. */
static void meet_others(struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		struct pa_chain *chain = ruleset->chains[i];
		for (size_t k = 0; chain->table->age_unknown && chain->is_base && k < ruleset->chain_count; k++) {
			const struct pa_chain *other = ruleset->chains[k];
			if (other->is_base && !other->table->age_unknown && other->hook == chain->hook &&
			    (other->type == PA_CHAIN_NAT) == (chain->type == PA_CHAIN_NAT))
				chain->priority = other->priority;
		}
	}
}

/* Chains that are bound to devices; drawn apart, so that the rest of a seed stays what it was. */
static void add_device_table(struct random_rules *r)
{
	static const char *const lists[][3] = { { "eth0" }, { "eth1" },	      { "eth0", "eth1" }, { "br-*" },
						{ "eth*" }, { "lo", "eth0" }, { "br-a" },	  { "eth0", "br-*" } };
	static const int priorities[] = { 0, 0, 0, -10, 10, -500 };
	static const enum pa_family families[] = { PA_FAMILY_INET, PA_FAMILY_NETDEV, PA_FAMILY_NETDEV, PA_FAMILY_BRIDGE };
	char name[16];
	snprintf(name, sizeof(name), "d%zu", r->ruleset->table_count);
	r->table = pa_ruleset_add_table(r->ruleset, PICK(families), name);
	bool inet = r->table->family == PA_FAMILY_INET, bridge = r->table->family == PA_FAMILY_BRIDGE;
	r->without_conntrack = bridge ? draw(5) != 0 : !inet;
	r->target_count = draw(3);
	for (unsigned i = 0; i < r->target_count; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		r->targets[i] = pa_table_add_chain(r->ruleset, r->table, name);
	}
	for (unsigned i = 0; i < r->target_count; i++) {
		r->chain = r->targets[i];
		r->next_target = i + 1;
		for (unsigned k = draw(4); k > 0; k--)
			add_rule(r);
	}
	for (unsigned i = 1 + draw(3); i > 0; i--) {
		snprintf(name, sizeof(name), "b%u", i);
		r->chain = pa_table_add_chain(r->ruleset, r->table, name);
		r->chain->is_base = true;
		r->chain->hook = inet || draw(3) ? PA_HOOK_INGRESS : PA_HOOK_EGRESS;
		if (bridge)
			r->chain->hook = (enum pa_hook)draw(5);
		r->chain->priority = PICK(priorities);
		r->chain->policy = draw(4) ? PA_VERDICT_ACCEPT : PA_VERDICT_DROP;
		r->chain->devices = draw(12) && !bridge ? lists[draw(8)] : NULL;
		r->next_target = 0;
		for (unsigned k = draw(5); k > 0; k--)
			add_rule(r);
	}
}

static struct pa_ruleset *random_ruleset(uint64_t seed)
{
	struct pa_diags diags = { 0 };
	struct random_rules r = { .ruleset = pa_ruleset_new() };
	draw_state = seed * 0x9e3779b97f4a7c15u + 1;
	draw(2);
	r.simple = draw(2);
	for (unsigned i = 1 + draw(3); i > 0; i--)
		add_table(&r, i);
	uint64_t state = draw_state;
	draw_state = seed * 0x9e3779b97f4a7c15u + 7;
	draw(2);
	if (draw(4) == 0) {
		for (unsigned i = draw(4) ? 1 : 2; i > 0; i--)
			add_device_table(&r);
	}
	draw_state = state;
	meet_others(r.ruleset);
	if (!pa_ruleset_check(r.ruleset, &diags)) {
		fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, diags.items[0].message);
		abort();
	}
	pa_diags_done(&diags);
	write_texts(r.ruleset);
	return r.ruleset;
}

#endif
