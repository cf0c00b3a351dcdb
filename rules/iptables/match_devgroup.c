/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -m devgroup: the group of the interface, which the host knows (net/netfilter/xt_devgroup.c, libxt_devgroup.c). */
#include "xt.h"

/* Other names than that of group 0 are those of /etc/iproute2/group. */
static bool read_group(const char *text, uint64_t *ret_value, uint64_t *ret_mask)
{
	*ret_value = 0;
	*ret_mask = UINT32_MAX;
	return strcmp(text, "default") == 0 || pa_xt_value_mask(text, UINT32_MAX, ret_value, ret_mask);
}

/* The kernel compares under the mask: what the value has beside it does not count. A name that is not known leaves a question. */
static void add_group(struct pa_xt_lowering *lowering, const struct pa_xt_option *option, enum pa_field interface)
{
	const char *text = pa_arena_printf(lowering->arena, "-m devgroup %s%s", option->negated ? "! " : "",
					   pa_xt_option_text(lowering, option));
	struct pa_step step = pa_xt_question(lowering->arena, text);
	struct pa_key_part *part = &step.key.parts[0];
	uint64_t value, mask;
	part->reason = "is a property of the interface that its name does not tell";
	part->understood = true;
	if (read_group(option->arguments[0]->text, &value, &mask)) {
		struct pa_link_test test = { PA_LINK_GROUP, interface, mask, 0 };
		struct pa_interval wanted = { value & mask, value & mask };
		part->link = pa_arena_dup(lowering->arena, &test, 1, sizeof(test));
		step.elements = pa_xt_elements(lowering->arena, &wanted, 1, 1);
		step.negated = option->negated;
	}
	pa_xt_add(lowering, &step);
}

void pa_xt_match_devgroup(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *in = pa_xt_option(use, "src-group"), *out = pa_xt_option(use, "dst-group");
	if (in)
		add_group(lowering, in, PA_FIELD_IIFNAME);
	if (out)
		add_group(lowering, out, PA_FIELD_OIFNAME);
	if (!in && !out)
		pa_xt_fail_without(lowering, use);
}
