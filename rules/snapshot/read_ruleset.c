/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ruleset of a snapshot: nft's listing, the kernel's messages, the texts of programs. */
#include "document.h"

/* The listing stays text: rules/nft reads it as it reads that of the kernel. */
static void take_listing(struct pa_document *document)
{
	struct pa_json_reader *reader = &document->reader;
	pa_json_peek(reader);
	size_t start = pa_json_offset(reader);
	if (!pa_json_skip(reader))
		return;
	pa_buffer_clear(&document->snapshot->recording.listing);
	pa_buffer_add(&document->snapshot->recording.listing, reader->text + start, pa_json_offset(reader) - start);
}

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648, section 4, with padding. false: it is something else. */
static bool decode(const char *text, size_t length, struct pa_buffer *out)
{
	if (length % 4 != 0)
		return false;
	for (size_t at = 0; at < length; at += 4) {
		size_t padding =
			at + 4 < length ? 0 : (size_t)(text[at + 3] == '=') + (text[at + 2] == '=' && text[at + 3] == '=');
		uint32_t three = 0;
		for (size_t i = 0; i < 4 - padding; i++) {
			int digit = digit_of(text[at + i]);
			if (digit < 0)
				return false;
			three |= (uint32_t)digit << (18 - 6 * i);
		}
		const unsigned char bytes[] = { three >> 16 & 0xff, three >> 8 & 0xff, three & 0xff };
		pa_buffer_add(out, bytes, 3 - padding);
	}
	return true;
}

static void take_messages(struct pa_document *document)
{
	const struct pa_json_node *node = pa_document_read(document, PA_JSON_STRING);
	pa_buffer_clear(&document->snapshot->recording.messages);
	if (node && !decode(node->string, node->length, &document->snapshot->recording.messages))
		pa_document_wrong(document, pa_document_place(document, node), "this is not base64");
}

static void take_legacy(struct pa_document *document)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	const struct pa_json_node *node = pa_document_read(document, PA_JSON_OBJECT);
	for (size_t i = 0; i < 2 && node; i++) {
		const struct pa_json_node *family = pa_document_member(document, node, families[i]);
		if (!family)
			return;
		document->snapshot->recording.legacy[i].names = pa_document_text(document, family, "tables");
		document->snapshot->recording.legacy[i].error = pa_document_text(document, family, "error");
	}
}

static void take_program(struct pa_document *document, const struct pa_json_node *node, void *context)
{
	(void)context;
	struct pa_recording *recording = &document->snapshot->recording;
	if (recording->text_count == PA_RECORDED_TEXTS_MAX) {
		pa_document_wrong(document, pa_document_place(document, node), "more programs than are asked");
		return;
	}
	struct pa_recorded_text text = { .program = pa_document_text(document, node, "program"), .wanted = true };
	const char *printed = pa_document_text(document, node, "text");
	text.problem = pa_document_text(document, node, "problem");
	text.help = pa_document_text(document, node, "help");
	if (!document->failed && (!text.program || (!printed && !text.problem)))
		pa_document_wrong(document, pa_document_place(document, node),
				  "a program with a text or a problem should stand here");
	if (document->failed)
		return;
	if (printed)
		pa_buffer_puts(&text.text, printed);
	recording->texts[recording->text_count++] = text;
}

static void take_programs(struct pa_document *document)
{
	pa_document_read_items(document, PA_JSON_OBJECT, take_program, NULL);
}

void pa_document_read_ruleset(struct pa_document *document)
{
	static const struct pa_document_part parts[] = { { "nft", take_listing, 0 },
							 { "messages", take_messages, 0 },
							 { "legacy", take_legacy, 0 },
							 { "programs", take_programs, 0 } };
	pa_document_read_parts(document, parts, sizeof(parts) / sizeof(*parts), 0);
}
