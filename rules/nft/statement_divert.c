/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements that hand the packet to somebody else, and those of iptables. */
#include "lower.h"

static void put_json(struct pa_lowering *lowering, struct pa_buffer *text, const char *kind, const struct pa_json_node *node)
{
	pa_buffer_puts(text, kind);
	if (node->kind != PA_JSON_NULL) {
		pa_buffer_putc(text, ' ');
		pa_json_text(text, &lowering->tape, node, 120);
	}
	pa_lower_end_text(lowering);
}

/* A program in user space decides, and may decide anything. */
void pa_statement_queue(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *number = pa_json_member(&lowering->tape, node, "num");
	const struct pa_json_node *flags = pa_json_member(&lowering->tape, node, "flags");
	struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_QUEUE);
	pa_buffer_puts(text, kind);
	if (flags) {
		pa_buffer_puts(text, " flags ");
		pa_expression_text(text, &lowering->tape, flags, &pa_plain_types);
	}
	if (number) {
		pa_buffer_puts(text, " to ");
		pa_expression_text(text, &lowering->tape, number, &pa_plain_types);
	}
	pa_lower_end_text(lowering);
}

/* nft_synproxy_eval(): ends the rule for what is no TCP, answers SYN itself, drops what is no valid cookie. */
void pa_statement_synproxy(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	put_json(lowering, pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_SYNPROXY), kind, node);
}

/* " ip to 127.0.0.1:80" */
static void put_tproxy(struct pa_lowering *lowering, struct pa_buffer *text, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *family = pa_json_member(&lowering->tape, node, "family");
	const struct pa_json_node *address = pa_json_member(&lowering->tape, node, "addr");
	const struct pa_json_node *port = pa_json_member(&lowering->tape, node, "port");
	pa_buffer_puts(text, kind);
	if (family) {
		pa_buffer_putc(text, ' ');
		pa_text_node(text, family);
	}
	pa_buffer_puts(text, " to ");
	if (address)
		pa_expression_text(text, &lowering->tape, address, &pa_plain_types);
	if (port) {
		pa_buffer_putc(text, ':');
		pa_expression_text(text, &lowering->tape, port, &pa_plain_types);
	}
	pa_lower_end_text(lowering);
}

/* nft_tproxy_eval(): ends the rule where no socket is found, else gives the packet to it. */
void pa_statement_tproxy(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	put_tproxy(lowering, pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_TPROXY), kind, node);
	put_tproxy(lowering, pa_lower_opaque(lowering, PA_OPACITY_STOLEN, PA_REASON_TPROXY), kind, node);
	lowering->steps[lowering->step_count - 1].implied = true;
}

void pa_statement_fwd(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	put_json(lowering, pa_lower_opaque(lowering, PA_OPACITY_STOLEN, PA_REASON_STOLEN), kind, node);
}

/* A copy goes elsewhere; the packet itself goes on. */
void pa_statement_dup(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	pa_lower_add_step(lowering, PA_STEP_NONE);
	put_json(lowering, pa_lower_begin_text(lowering), kind, node);
}

/* nft_flow_offload_eval(): ends the rule for flows that cannot be offloaded, new ones among them. */
void pa_statement_flow(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_OFFLOAD);
	pa_buffer_printf(text, "%s ", kind);
	pa_text_node(text, pa_json_member(&lowering->tape, node, "op"));
	pa_buffer_putc(text, ' ');
	pa_text_node(text, pa_json_member(&lowering->tape, node, "flowtable"));
	pa_lower_end_text(lowering);
}

/* libnftables names an xtables match or target and loses its arguments. */
void pa_statement_xt(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *type = pa_json_member(&lowering->tape, node, "type");
	const struct pa_json_node *name = pa_json_member(&lowering->tape, node, "name");
	bool is_match = type && pa_json_is(type, "match");
	lowering->table->has_xt = true;
	lowering->table->source = PA_SOURCE_IPTABLES_NFT;
	struct pa_buffer *text = pa_lower_opaque(lowering, is_match ? PA_OPACITY_MATCH : PA_OPACITY_VERDICT, PA_REASON_XTABLES);
	pa_buffer_puts(text, kind);
	if (type) {
		pa_buffer_putc(text, ' ');
		pa_text_node(text, type);
	}
	if (name) {
		pa_buffer_putc(text, ' ');
		pa_text_node(text, name);
	}
	pa_lower_end_text(lowering);
}
