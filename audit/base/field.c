/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of packet fields, from field.def. */
#include "portaudit/field.h"

static const struct pa_field_info fields[PA_FIELD_COUNT] = {
#define FIELD(id_, bits_, treatment_, name_) \
	[PA_FIELD_##id_] = { .id = #id_, .name = name_, .bits = bits_, .treatment = PA_TREATMENT_##treatment_ },
#include "portaudit/field.def"
#undef FIELD
};

const struct pa_tuple_part pa_tuple[PA_TUPLE_PARTS] = {
	{ PA_FIELD_SADDR, PA_FIELD_CT_ORIG_SADDR, PA_FIELD_CT_REPLY_SADDR },
	{ PA_FIELD_DADDR, PA_FIELD_CT_ORIG_DADDR, PA_FIELD_CT_REPLY_DADDR },
	{ PA_FIELD_SPORT, PA_FIELD_CT_ORIG_SPORT, PA_FIELD_CT_REPLY_SPORT },
	{ PA_FIELD_DPORT, PA_FIELD_CT_ORIG_DPORT, PA_FIELD_CT_REPLY_DPORT },
};

const struct pa_field_info *pa_field_info(enum pa_field field)
{
	return &fields[field];
}

pa_u128 pa_field_max(enum pa_field field)
{
	return PA_U128_MAX >> (128 - fields[field].bits);
}
