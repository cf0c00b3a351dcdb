/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of the expressions that look at a packet, one function each (nft_expression.def). */
#include "lower.h"

#define PRINTER(id)                                                                                            \
	void pa_expression_text_##id(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind, \
				     const struct pa_json_node *node, const struct pa_value_types *types)

/* " word value", when the member is there. */
static void put_option(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node,
		       const char *member, const char *word)
{
	const struct pa_json_node *value = pa_json_member(tape, node, member);
	if (!value || (value->kind == PA_JSON_INTEGER && value->number == 0))
		return;
	pa_buffer_printf(out, " %s ", word);
	pa_text_node(out, value);
}

PRINTER(payload)
{
	(void)kind, (void)types;
	const struct pa_json_node *base = pa_json_member(tape, node, "base");
	if (base) {
		pa_buffer_putc(out, '@');
		pa_text_node(out, base);
		pa_buffer_putc(out, ',');
		pa_text_node(out, pa_json_member(tape, node, "offset"));
		pa_buffer_putc(out, ',');
		pa_text_node(out, pa_json_member(tape, node, "len"));
		return;
	}
	const struct pa_json_node *tunnel = pa_json_member(tape, node, "tunnel");
	if (tunnel) {
		pa_text_node(out, tunnel);
		pa_buffer_putc(out, ' ');
	}
	pa_text_node(out, pa_json_member(tape, node, "protocol"));
	pa_buffer_putc(out, ' ');
	pa_text_node(out, pa_json_member(tape, node, "field"));
}

PRINTER(meta)
{
	static const char *const bare[] = { "iifname", "oifname", "iif", "oif", "iifgroup", "oifgroup" };
	(void)kind, (void)types;
	const struct pa_json_node *key = pa_json_member(tape, node, "key");
	bool qualified = true;
	for (size_t i = 0; key && i < sizeof(bare) / sizeof(*bare); i++)
		qualified = qualified && !pa_json_is(key, bare[i]);
	if (qualified)
		pa_buffer_puts(out, "meta ");
	pa_text_node(out, key);
}

/* "ct original saddr", "rt ip6 nexthop": a word that not all of them have, and the key. */
static void print_key(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node, const char *word,
		      const char *option)
{
	const struct pa_json_node *value = pa_json_member(tape, node, option);
	pa_buffer_puts(out, word);
	if (value) {
		pa_text_node(out, value);
		pa_buffer_putc(out, ' ');
	}
	pa_text_node(out, pa_json_member(tape, node, "key"));
}

PRINTER(ct)
{
	(void)kind, (void)types;
	print_key(out, tape, node, "ct ", "dir");
}

PRINTER(fib)
{
	(void)kind, (void)types;
	const struct pa_json_node *flags = pa_json_member(tape, node, "flags");
	pa_buffer_puts(out, "fib ");
	if (flags && flags->kind == PA_JSON_ARRAY) {
		pa_text_nodes(out, tape, flags, " . ");
	} else {
		pa_text_node(out, flags);
	}
	pa_buffer_putc(out, ' ');
	pa_text_node(out, pa_json_member(tape, node, "result"));
}

PRINTER(rt)
{
	(void)kind, (void)types;
	print_key(out, tape, node, "rt ", "family");
}

/* Extension headers, options, chunks: "exthdr frag", "frag id", "tcp option maxseg size". */
PRINTER(header)
{
	(void)types;
	const struct pa_json_node *field = pa_json_member(tape, node, "field");
	if (kind[0] != 'e' || !field)
		pa_buffer_printf(out, "%s ", kind);
	const struct pa_json_node *base = pa_json_member(tape, node, "base");
	const struct pa_json_node *name = pa_json_member(tape, node, "name");
	pa_text_node(out, name ? name : pa_json_member(tape, node, "type"));
	if (base) {
		pa_buffer_puts(out, "@");
		pa_text_node(out, base);
		pa_buffer_putc(out, ',');
		pa_text_node(out, pa_json_member(tape, node, "offset"));
		pa_buffer_putc(out, ',');
		pa_text_node(out, pa_json_member(tape, node, "len"));
	}
	if (field) {
		pa_buffer_putc(out, ' ');
		pa_text_node(out, field);
	}
}

PRINTER(socket)
{
	(void)kind, (void)types;
	pa_buffer_puts(out, "socket ");
	pa_text_node(out, pa_json_member(tape, node, "key"));
	put_option(out, tape, node, "level", "level");
}

PRINTER(osf)
{
	(void)kind, (void)types;
	pa_buffer_puts(out, "osf");
	put_option(out, tape, node, "ttl", "ttl");
	pa_buffer_putc(out, ' ');
	pa_text_node(out, pa_json_member(tape, node, "key"));
}

PRINTER(ipsec)
{
	(void)kind, (void)types;
	pa_buffer_puts(out, "ipsec ");
	pa_text_node(out, pa_json_member(tape, node, "dir"));
	put_option(out, tape, node, "spnum", "spnum");
	put_option(out, tape, node, "family", "");
	pa_buffer_putc(out, ' ');
	pa_text_node(out, pa_json_member(tape, node, "key"));
}

PRINTER(tunnel)
{
	(void)kind, (void)types;
	pa_buffer_puts(out, "tunnel ");
	pa_text_node(out, pa_json_member(tape, node, "key"));
}

PRINTER(numgen)
{
	(void)kind, (void)types;
	pa_buffer_puts(out, "numgen ");
	pa_text_node(out, pa_json_member(tape, node, "mode"));
	put_option(out, tape, node, "mod", "mod");
	put_option(out, tape, node, "offset", "offset");
}

PRINTER(jhash)
{
	(void)kind, (void)types;
	const struct pa_json_node *expression = pa_json_member(tape, node, "expr");
	pa_buffer_puts(out, "jhash ");
	if (expression)
		pa_expression_text(out, tape, expression, &pa_plain_types);
	put_option(out, tape, node, "mod", "mod");
	put_option(out, tape, node, "seed", "seed");
	put_option(out, tape, node, "offset", "offset");
}

PRINTER(symhash)
{
	(void)kind, (void)types;
	pa_buffer_puts(out, "symhash");
	put_option(out, tape, node, "mod", "mod");
	put_option(out, tape, node, "offset", "offset");
}
