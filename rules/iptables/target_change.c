/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets that change the packet, its mark or the mark of its flow; the next rule follows. */
#include "xt.h"

#define ALL32 0xffffffffu

/* field := (field & mask) ^ value */
static void add_arithmetic(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_field field, uint64_t mask,
			   uint64_t value)
{
	struct pa_step step = pa_xt_assign_step(field, pa_xt_use_text(lowering, use));
	if ((mask & pa_field_max(field)) == 0) {
		step.value = (struct pa_operand){ .kind = PA_OPERAND_VALUE };
		step.value.interval = (struct pa_interval){ value, value };
	} else {
		step.value = (struct pa_operand){ .kind = PA_OPERAND_FIELD };
		step.value.part = (struct pa_key_part){ .field = field, .mask = mask, .xor_value = value };
	}
	pa_xt_add(lowering, &step);
}

static void add_unknown(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_field field)
{
	struct pa_step step = pa_xt_assign_step(field, pa_xt_use_text(lowering, use));
	step.value = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .text = step.text };
	pa_xt_add(lowering, &step);
}

/* --- marks ---------------------------------------------------------------------------------------------------------------- */

/* false: none of the options that set a mark is given (or one is wrong: lowering->failed). */
static bool lower_mark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_field field)
{
	static const char *const names[] = { "set-mark", "set-xmark", "and-mark", "or-mark", "xor-mark" };
	const struct pa_xt_option *option = NULL;
	uint64_t value, mask;
	for (size_t i = 0; i < 5 && !option; i++)
		option = pa_xt_option(use, names[i]);
	if (!option)
		return false;
	if (!pa_xt_value_mask(option->arguments[0]->text, ALL32, &value, &mask)) {
		pa_xt_fail_value(lowering, option);
		return true;
	}
	switch (option->name[0]) {
	case 'a':
		add_arithmetic(lowering, use, field, value, 0);
		break;
	case 'o':
		add_arithmetic(lowering, use, field, ALL32 & ~value, value);
		break;
	case 'x':
		add_arithmetic(lowering, use, field, ALL32, value);
		break;
	default: /* --set-mark value/mask sets the bits of the value as well, --set-xmark turns those outside the mask over */
		mask = strcmp(option->name, "set-mark") == 0 ? mask | value : mask;
		add_arithmetic(lowering, use, field, ALL32 & ~mask, value);
		break;
	}
	return true;
}

void pa_xt_target_mark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	if (!lower_mark(lowering, use, PA_FIELD_MARK))
		pa_xt_fail_without(lowering, use);
}

/* The masks of --save-mark and --restore-mark; --mask is both. */
static bool copy_masks(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, uint64_t *ret_nf, uint64_t *ret_ct)
{
	static const char *const names[] = { "mask", "nfmask", "ctmask" };
	*ret_nf = *ret_ct = ALL32;
	for (size_t i = 0; i < 3; i++) {
		const struct pa_xt_option *option = pa_xt_option(use, names[i]);
		uint64_t value;
		if (!option)
			continue;
		if (!pa_xt_number(option->arguments[0]->text, ALL32, &value)) {
			pa_xt_fail_value(lowering, option);
			return false;
		}
		if (i != 2)
			*ret_nf = value;
		if (i != 1)
			*ret_ct = value;
	}
	return true;
}

/* target := (target & ~cleared) ^ (source & mask) (connmark_tg_shift() in net/netfilter/xt_connmark.c) */
static void lower_copy(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, bool save)
{
	uint64_t nf, ct;
	if (!copy_masks(lowering, use, &nf, &ct))
		return;
	enum pa_field target = save ? PA_FIELD_CT_MARK : PA_FIELD_MARK;
	uint64_t cleared = save ? ct : nf, mask = save ? nf : ct;
	struct pa_step step = pa_xt_assign_step(target, pa_xt_use_text(lowering, use));
	step.value = (struct pa_operand){ .kind = PA_OPERAND_FIELD, .keep = ALL32 & ~cleared };
	step.value.part = (struct pa_key_part){ .field = save ? PA_FIELD_MARK : PA_FIELD_CT_MARK, .mask = mask };
	pa_xt_add(lowering, &step);
}

void pa_xt_target_connmark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	bool shifted = pa_xt_option(use, "left-shift-mark") || pa_xt_option(use, "right-shift-mark");
	bool save = pa_xt_option(use, "save-mark"), restore = pa_xt_option(use, "restore-mark");
	if (shifted)
		add_unknown(lowering, use, restore ? PA_FIELD_MARK : PA_FIELD_CT_MARK);
	else if (save || restore)
		lower_copy(lowering, use, save);
	else if (!lower_mark(lowering, use, PA_FIELD_CT_MARK))
		pa_xt_fail_without(lowering, use);
}

void pa_xt_target_hmark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	add_unknown(lowering, use, PA_FIELD_MARK);
}

/* A set may give the packet a mark; what SET adds and deletes is told by the sets that may grow and shrink. */
void pa_xt_target_set(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step step = pa_xt_no_effect(pa_xt_use_text(lowering, use));
	if (pa_xt_option(use, "map-set") && pa_xt_option(use, "map-mark"))
		add_unknown(lowering, use, PA_FIELD_MARK);
	else
		pa_xt_add(lowering, &step);
}

/*
 * A socket takes the packet, which is accepted with a new mark, or there is none and it is dropped (net/netfilter/xt_TPROXY.c).
 * Where it goes then is a matter of routes by mark: anything may happen.
 */
void pa_xt_target_tproxy(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "tproxy-mark");
	uint64_t value, mask;
	if (option && !pa_xt_value_mask(option->arguments[0]->text, ALL32, &value, &mask)) {
		pa_xt_fail_value(lowering, option);
		return;
	}
	if (option)
		add_unknown(lowering, use, PA_FIELD_MARK);
	struct pa_step step = pa_xt_opaque_step(pa_xt_use_text(lowering, use), PA_OPACITY_VERDICT, true);
	pa_xt_add(lowering, &step);
}

/* --- header fields -------------------------------------------------------------------------------------------------------- */

void pa_xt_target_dscp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	uint64_t value;
	if (pa_xt_dscp(lowering, use, &value))
		add_arithmetic(lowering, use, PA_FIELD_DSCP, 0, value);
}

/* The byte is DSCP and ECN: (tos & ~mask) ^ value (net/netfilter/xt_DSCP.c). */
void pa_xt_target_tos(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	uint64_t value, mask;
	if (use->count != 1) {
		pa_xt_fail_without(lowering, use);
		return;
	}
	const struct pa_xt_option *option = &use->options[0];
	if (!pa_xt_tos(option->arguments[0]->text, &value, &mask)) {
		pa_xt_fail_value(lowering, option);
		return;
	}
	uint64_t kept = 0xff & ~mask;
	if (option->name[0] == 'a') {
		kept = value;
		value = 0;
	} else if (option->name[0] == 'o') {
		kept = 0xff & ~value;
	} else if (option->name[0] == 'x') {
		kept = 0xff;
	}
	add_arithmetic(lowering, use, PA_FIELD_DSCP, kept >> 2, value >> 2);
	add_arithmetic(lowering, use, PA_FIELD_ECN, kept & 3, value & 3);
}

/* --ecn-tcp-remove clears both bits of TCP; the other options set single ones. */
void pa_xt_target_ecn(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	uint64_t value;
	for (size_t i = 0; i < use->count; i++) {
		const struct pa_xt_option *option = &use->options[i];
		if (strcmp(option->name, "ecn-tcp-remove") == 0) {
			add_arithmetic(lowering, use, PA_FIELD_TCP_FLAGS, 0x3f, 0);
		} else if (!pa_xt_number(option->arguments[0]->text, 3, &value)) {
			pa_xt_fail_value(lowering, option);
		} else if (strcmp(option->name, "ecn-ip-ect") == 0) {
			add_arithmetic(lowering, use, PA_FIELD_ECN, 0, value);
		} else {
			uint64_t bit = strcmp(option->name, "ecn-tcp-cwr") == 0 ? PA_TCP_CWR : PA_TCP_ECN;
			add_arithmetic(lowering, use, PA_FIELD_TCP_FLAGS, 0xff & ~bit, value ? bit : 0);
		}
	}
}

void pa_xt_target_ttl(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	uint64_t value;
	if (use->count != 1)
		pa_xt_fail_without(lowering, use);
	else if (!pa_xt_number(use->options[0].arguments[0]->text, 255, &value))
		pa_xt_fail_value(lowering, &use->options[0]);
	else if (strcmp(use->options[0].name, "set") == 0)
		add_arithmetic(lowering, use, PA_FIELD_TTL, 0, value);
	else
		add_unknown(lowering, use, PA_FIELD_TTL);
}

/* Prefixes of addresses, translated without a flow (net/ipv6/netfilter/ip6t_NPT.c). */
void pa_xt_target_npt(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	add_unknown(lowering, use, use->name[0] == 'D' ? PA_FIELD_DADDR : PA_FIELD_SADDR);
}
