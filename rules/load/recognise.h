/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kind of ruleset a text is, from the text itself: names of files say nothing, and standard input has none. */
#ifndef PORTAUDIT_LOAD_RECOGNISE_H
#define PORTAUDIT_LOAD_RECOGNISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pa_text_kind {
	PA_TEXT_NFT_SCRIPT, /* also an empty text, and whatever is nothing of the below: nft says what is wrong with it */
	PA_TEXT_NFT_JSON,
	PA_TEXT_SNAPSHOT,      /* JSON written by portaudit */
	PA_TEXT_IPTABLES_SAVE, /* of either family: its reader finds out which */
	PA_TEXT_IPSET_SAVE,
	PA_TEXT_BINARY, /* holds NUL bytes */
};

/* *ret_line: the line that decided, from 1. */
enum pa_text_kind pa_text_recognise(const char *text, size_t length, uint32_t *ret_line);

/* Line endings and marks of other systems, which nft takes for syntax errors. */
enum pa_text_defect { PA_TEXT_SOUND, PA_TEXT_HAS_MARK, PA_TEXT_HAS_CRLF };
enum pa_text_defect pa_text_defect(const char *text, size_t length, uint32_t *ret_line);

#endif
