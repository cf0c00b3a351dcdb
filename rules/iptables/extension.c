/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registries as tables. */
#include "xt.h"

#define MATCH(name, families, lowering, treatment, options) \
	{ name, PA_XT_##families, PA_XT_ANY, PA_XT_##treatment, pa_xt_match_##lowering, options },
static const struct pa_xt_extension matches[] = {
#include "match.def"
};
#undef MATCH

#define TARGET(name, families, tables, lowering, options) \
	{ name, PA_XT_##families, PA_XT_##tables, PA_XT_EXACT, pa_xt_target_##lowering, options },
static const struct pa_xt_extension targets[] = {
#include "target.def"
};
#undef TARGET

static const struct pa_xt_extension *find(const struct pa_xt_extension *rows, size_t count, const char *name, int family)
{
	unsigned bit = family == 4 ? PA_XT_V4 : PA_XT_V6;
	for (size_t i = 0; i < count; i++)
		if ((rows[i].families & bit) && strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const struct pa_xt_extension *pa_xt_find_match(const char *name, int family)
{
	return find(matches, sizeof(matches) / sizeof(*matches), name, family);
}

const struct pa_xt_extension *pa_xt_find_target(const char *name, int family)
{
	return find(targets, sizeof(targets) / sizeof(*targets), name, family);
}

bool pa_xt_next_option(const char **at, struct pa_xt_option_row *ret_row)
{
	const char *text = *at + strspn(*at, " ");
	size_t length = strcspn(text, " ");
	if (!length)
		return false;
	*at = text + length;
	size_t name = strcspn(text, "=: ");
	*ret_row = (struct pa_xt_option_row){ text, name, text, name, 1 };
	if (text[name] == '=') {
		ret_row->canonical = text + name + 1;
		ret_row->canonical_length = strcspn(ret_row->canonical, ": ");
	}
	const char *colon = memchr(text, ':', length);
	const char *equals = memchr(text, '=', length);
	/* "set:2=match-set" and "match-set:2" */
	if (colon)
		ret_row->arguments = colon[1] == '?' ? PA_XT_MAYBE_ONE : (unsigned)(colon[1] - '0');
	if (colon && equals && colon < equals) {
		ret_row->canonical = equals + 1;
		ret_row->canonical_length = strcspn(ret_row->canonical, " ");
	}
	return true;
}
