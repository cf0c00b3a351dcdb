/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft's data types and the names that it gives to their values. */
#ifndef PORTAUDIT_RULES_IR_NAMES_H
#define PORTAUDIT_RULES_IR_NAMES_H

#include "portaudit/base.h"

enum pa_datatype {
#define DATATYPE(id, name, bits, symbols) PA_DATATYPE_##id,
#include "datatype.def"
#undef DATATYPE
	PA_DATATYPE_COUNT
};

/* What the value of a data type looks like in text; the rest prints as its name or as a number. */
const char *pa_datatype_name(enum pa_datatype type);
unsigned pa_datatype_bits(enum pa_datatype type);

/* The type of that name; WORD for one that is not known here. */
enum pa_datatype pa_datatype_find(const char *name, size_t length);

/* The value of a symbolic constant. false: the type has none of that name. */
bool pa_symbol_find(enum pa_datatype type, const char *name, size_t length, uint64_t *ret_value);
/* The name of a value, or NULL. */
const char *pa_symbol_name(enum pa_datatype type, uint64_t value);
/* The values are bits, of which several may be set (ct state, ct status, tcp flags). */
bool pa_datatype_is_flags(enum pa_datatype type);

#endif
