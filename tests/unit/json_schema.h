/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much of JSON Schema (draft 7) as our schemas use; a keyword that is not known fails the test. */
#ifndef PORTAUDIT_TEST_JSON_SCHEMA_H
#define PORTAUDIT_TEST_JSON_SCHEMA_H

#include <check.h>
#include <jansson.h>
#include <regex.h>
#include <stdbool.h>
#include <string.h>

static json_t *schema;

static const char *conforms(json_t *rule, json_t *value);

static bool has_type(const char *type, json_t *value)
{
	return (!strcmp(type, "object") && json_is_object(value)) || (!strcmp(type, "array") && json_is_array(value)) ||
	       (!strcmp(type, "string") && json_is_string(value)) || (!strcmp(type, "integer") && json_is_integer(value)) ||
	       (!strcmp(type, "boolean") && json_is_boolean(value)) || (!strcmp(type, "null") && json_is_null(value));
}

static const char *check_type(json_t *types, json_t *value)
{
	if (json_is_string(types))
		return has_type(json_string_value(types), value) ? NULL : "type";
	for (size_t i = 0; i < json_array_size(types); i++)
		if (has_type(json_string_value(json_array_get(types, i)), value))
			return NULL;
	return "type";
}

static const char *check_enum(json_t *allowed, json_t *value)
{
	for (size_t i = 0; i < json_array_size(allowed); i++)
		if (json_equal(json_array_get(allowed, i), value))
			return NULL;
	return "enum";
}

static const char *check_any_of(json_t *rules, json_t *value)
{
	for (size_t i = 0; i < json_array_size(rules); i++)
		if (!conforms(json_array_get(rules, i), value))
			return NULL;
	return "anyOf";
}

static const char *check_required(json_t *names, json_t *value)
{
	for (size_t i = 0; json_is_object(value) && i < json_array_size(names); i++)
		if (!json_object_get(value, json_string_value(json_array_get(names, i))))
			return json_string_value(json_array_get(names, i));
	return NULL;
}

static const char *check_properties(json_t *rule, json_t *value)
{
	json_t *known = json_object_get(rule, "properties"), *others = json_object_get(rule, "additionalProperties");
	const char *key, *wrong;
	json_t *member;
	json_object_foreach(value, key, member)
	{
		json_t *own = json_object_get(known, key);
		if (!own && json_is_false(others))
			return key;
		if (!own)
			own = others;
		if (json_is_object(own) && (wrong = conforms(own, member)))
			return wrong;
	}
	return NULL;
}

static const char *check_pattern(const char *pattern, json_t *value)
{
	regex_t compiled;
	if (!json_is_string(value))
		return NULL;
	ck_assert_int_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
	int status = regexec(&compiled, json_string_value(value), 0, NULL, 0);
	regfree(&compiled);
	return status == 0 ? NULL : "pattern";
}

static const char *check_dependencies(json_t *dependencies, json_t *value)
{
	const char *key, *wrong;
	json_t *names;
	json_object_foreach(dependencies, key, names)
	{
		if (json_object_get(value, key) && (wrong = check_required(names, value)))
			return wrong;
	}
	return NULL;
}

static const char *check_items(json_t *rule, json_t *value)
{
	const char *wrong = NULL;
	for (size_t i = 0; !wrong && i < json_array_size(value); i++)
		wrong = conforms(rule, json_array_get(value, i));
	return wrong;
}

static const char *check_keyword(json_t *rule, const char *keyword, json_t *argument, json_t *value)
{
	if (!strcmp(keyword, "$ref"))
		return conforms(json_object_get(json_object_get(schema, "definitions"),
						strrchr(json_string_value(argument), '/') + 1),
				value);
	if (!strcmp(keyword, "type"))
		return check_type(argument, value);
	if (!strcmp(keyword, "enum"))
		return check_enum(argument, value);
	if (!strcmp(keyword, "const"))
		return json_equal(argument, value) ? NULL : "const";
	if (!strcmp(keyword, "anyOf"))
		return check_any_of(argument, value);
	if (!strcmp(keyword, "required"))
		return check_required(argument, value);
	if (!strcmp(keyword, "properties") || !strcmp(keyword, "additionalProperties"))
		return json_is_object(value) ? check_properties(rule, value) : NULL;
	if (!strcmp(keyword, "pattern"))
		return check_pattern(json_string_value(argument), value);
	if (!strcmp(keyword, "items"))
		return check_items(argument, value);
	if (!strcmp(keyword, "minItems"))
		return json_array_size(value) < (size_t)json_integer_value(argument) ? "minItems" : NULL;
	if (!strcmp(keyword, "dependencies"))
		return check_dependencies(argument, value);
	bool says_nothing = !strcmp(keyword, "$schema") || !strcmp(keyword, "title") || !strcmp(keyword, "description") ||
			    !strcmp(keyword, "definitions");
	ck_assert_msg(says_nothing, "the test does not know the keyword %s", keyword);
	return NULL;
}

/* NULL, or what is wrong. */
static const char *conforms(json_t *rule, json_t *value)
{
	const char *keyword, *wrong;
	json_t *argument;
	ck_assert(json_is_object(rule));
	json_object_foreach(rule, keyword, argument)
	{
		if ((wrong = check_keyword(rule, keyword, argument, value)))
			return wrong;
	}
	return NULL;
}

#endif
