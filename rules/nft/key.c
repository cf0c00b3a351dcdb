/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables made of nft_key.def and nft_reason.def, and looking things up in them. */
#include "key.h"

#include <string.h>

const struct pa_nft_reason pa_nft_reasons[PA_REASON_COUNT] = {
#define REASON(id_, again_, answers_, understood_, text_)       \
	[PA_REASON_##id_] = { .id = #id_,                       \
			      .text = text_,                    \
			      .again = PA_AGAIN_##again_,       \
			      .answers = PA_ANSWERS_##answers_, \
			      .understood = understood_ },
#include "nft_reason.def"
#undef REASON
};

#define GROUP(id, expression, name, nfproto, l4proto, flags) static const struct pa_nft_key id##_keys[] = {
#define KNOWN(key, field_, type_, since_) \
	{ .name = key, .field = PA_FIELD_##field_, .type = PA_DATATYPE_##type_, .since = since_ },
#define TYPED(key, field_, type_, first, second, since_) \
	{ .name = key,                                   \
	  .field = PA_FIELD_##field_,                    \
	  .type = PA_DATATYPE_##type_,                   \
	  .has_icmp_types = true,                        \
	  .icmp_type = { first, second },                \
	  .since = since_ },
#define FLOWED(key, field_, type_, since_) \
	{ .name = key, .field = PA_FIELD_##field_, .type = PA_DATATYPE_##type_, .needs_flow = true, .since = since_ },
#define ZERO(key, field_, type_, since_) \
	{ .name = key, .field = PA_FIELD_##field_, .type = PA_DATATYPE_##type_, .is_zero = true, .since = since_ },
#define PRESENT(field_, bit_, since_)  \
	{ .name = "",                  \
	  .is_present = true,          \
	  .bit = bit_,                 \
	  .field = PA_FIELD_##field_,  \
	  .type = PA_DATATYPE_BOOLEAN, \
	  .since = since_ },
#define OPAQUE(key, type_, reason_, since_) \
	{ .name = key, .is_opaque = true, .type = PA_DATATYPE_##type_, .reason = PA_REASON_##reason_, .since = since_ },
#define WAY(key, type_, fib_, reason_, since_) \
	{ .name = key,                         \
	  .is_opaque = true,                   \
	  .type = PA_DATATYPE_##type_,         \
	  .fib = PA_FIB_##fib_,                \
	  .reason = PA_REASON_##reason_,       \
	  .since = since_ },
#define LINKED(key, type_, property_, interface_, since_)                         \
	{ .name = key,                                                            \
	  .is_opaque = true,                                                      \
	  .type = PA_DATATYPE_##type_,                                            \
	  .reason = PA_REASON_INTERFACE,                                          \
	  .is_linked = true,                                                      \
	  .link = { PA_LINK_##property_, PA_FIELD_##interface_, PA_U128_MAX, 0 }, \
	  .since = since_ },
#define END                  \
	{                    \
		.name = NULL \
	}                    \
	}                    \
	;
#include "nft_key.def"

const struct pa_nft_group pa_nft_groups[PA_GROUP_COUNT] = {
#define GROUP(id, expression_, name_, nfproto_, l4proto_, flags_) \
	[PA_GROUP_##id] = { expression_, name_, nfproto_, l4proto_, flags_, id##_keys },
#include "nft_key.def"
};

const struct pa_nft_reason *pa_nft_reason_of(const char *text)
{
	for (size_t i = 0; text && i < PA_REASON_COUNT; i++)
		if (pa_nft_reasons[i].text == text)
			return &pa_nft_reasons[i];
	return NULL;
}

static bool is_name(const struct pa_json_node *node, const char *name)
{
	return node ? pa_json_is(node, name) : !*name;
}

const struct pa_nft_group *pa_nft_find_group(const char *expression, const struct pa_json_node *name)
{
	for (size_t i = 0; i < PA_GROUP_COUNT; i++)
		if (is_name(name, pa_nft_groups[i].name) && strcmp(pa_nft_groups[i].expression, expression) == 0)
			return &pa_nft_groups[i];
	return NULL;
}

/* "sid[2]" is a key of the row "sid[]". */
static bool is_indexed(const struct pa_json_node *node, const char *name)
{
	size_t length = strlen(name);
	if (length < 2 || name[length - 1] != ']' || !node || node->kind != PA_JSON_STRING || node->length < length)
		return false;
	return memcmp(node->string, name, length - 1) == 0;
}

const struct pa_nft_key *pa_nft_find_key(const struct pa_nft_group *group, const struct pa_json_node *name)
{
	const struct pa_nft_key *any = NULL;
	for (const struct pa_nft_key *key = group->keys; key->name; key++) {
		if (is_name(name, key->name) || is_indexed(name, key->name))
			return key;
		if (strcmp(key->name, "*") == 0)
			any = key;
	}
	return any;
}

const struct pa_nft_key *pa_nft_presence(const struct pa_nft_group *group)
{
	return group->keys->is_present ? group->keys : NULL;
}
