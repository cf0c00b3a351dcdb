/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The document: libxml2 reads it from memory, element by element. It is told to take it for UTF-8 and to load nothing; entities, with
 * which a short text can become an endless one, are refused before it sees the text. The <!DOCTYPE nmaprun> that nmap writes
 * declares none.
 */
#include <libxml/xmlreader.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

void scan_error(struct scan_reader *reader, const char *help, const char *format, ...)
{
	if (reader->error_count++ >= SCAN_ERRORS_MAX)
		return;
	va_list arguments;
	va_start(arguments, format);
	char *message = pa_arena_vprintf(reader->scan->arena, format, arguments);
	va_end(arguments);
	struct pa_diag *diag = pa_diags_add(reader->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->where = reader->here;
	diag->help = help;
}

/* --- elements ------------------------------------------------------------------------------------------------------- */

const char *scan_attribute(const struct element *element, const char *name)
{
	return element->get(element->context, name);
}

static void read_root(struct scan_reader *reader, const struct element *element)
{
	const char *scanner = scan_attribute(element, "scanner"), *arguments = scan_attribute(element, "args");
	unsigned long start = 0;
	reader->scan->scanner = pa_arena_strdup(reader->scan->arena, scanner ? scanner : "nmap");
	if (scan_parse_number(scan_attribute(element, "start"), 253402300799, &start))
		reader->scan->start = (int64_t)start;
	if (arguments)
		scan_read_arguments(reader, arguments);
}

static unsigned protocol_number(const char *name)
{
	static const struct {
		const char *name;
		unsigned number;
	} protocols[] = { { "tcp", 6 }, { "udp", 17 }, { "sctp", 132 } };
	for (size_t i = 0; name && i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return protocols[i].number;
	return 0;
}

static enum pa_scan_probe probe_of(const char *type)
{
	static const char *const plain[] = { "syn", "connect", "udp", "sctpinit" };
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (pa_text_equal(type, plain[i]))
			return PA_PROBE_NEW;
	return pa_text_equal(type, "ack") || pa_text_equal(type, "window") ? PA_PROBE_ACK : PA_PROBE_OTHER;
}

static void read_info(struct scan_reader *reader, const struct element *element)
{
	const char *services = scan_attribute(element, "services");
	if (reader->info_count == SCAN_INFOS_MAX) {
		scan_error(reader, NULL, "more than %d <scaninfo>", SCAN_INFOS_MAX);
		return;
	}
	struct scan_info *info = &reader->infos[reader->info_count++];
	info->probe = probe_of(scan_attribute(element, "type"));
	info->protocol = protocol_number(scan_attribute(element, "protocol"));
	if (services && !scan_parse_ports(services, &info->services))
		scan_error(reader, "ports are written as 1-1023,3306", "<scaninfo> has no list of ports");
}

enum { IN_NOTHING, IN_ROOT, IN_INFO, IN_HOST, IN_STATUS, IN_ADDRESS, IN_PORTS, IN_UNLISTED, IN_REASON, IN_PORT, IN_STATE };

/* The elements that matter, and where they stand; all others are passed over with what is in them. */
static const struct {
	int parent, kind;
	const char *name;
	void (*read)(struct scan_reader *reader, const struct element *element);
} elements[] = {
	{ IN_NOTHING, IN_ROOT, "nmaprun", read_root },
	{ IN_ROOT, IN_INFO, "scaninfo", read_info },
	{ IN_ROOT, IN_HOST, "host", NULL },
	{ IN_HOST, IN_STATUS, "status", scan_read_status },
	{ IN_HOST, IN_ADDRESS, "address", scan_read_address },
	{ IN_HOST, IN_PORTS, "ports", NULL },
	{ IN_PORTS, IN_UNLISTED, "extraports", scan_read_unlisted },
	{ IN_UNLISTED, IN_REASON, "extrareasons", scan_read_unlisted_reason },
	{ IN_PORTS, IN_PORT, "port", scan_read_port },
	{ IN_PORT, IN_STATE, "state", scan_read_state },
};

struct document {
	struct scan_reader *scan;
	xmlTextReaderPtr reader;
	int kinds[SCAN_DEPTH_MAX]; /* of the elements that are open */
	char *values[8];	   /* attributes that were asked for, to be freed */
	size_t value_count;
	bool malformed;
};

/* The value lives until the element is done. */
static const char *get_attribute(void *context, const char *name)
{
	struct document *document = context;
	xmlChar *value;
	if (document->value_count == sizeof(document->values) / sizeof(*document->values))
		return NULL;
	value = xmlTextReaderGetAttribute(document->reader, (const xmlChar *)name);
	if (value)
		document->values[document->value_count++] = (char *)value;
	return (const char *)value;
}

static void forget_attributes(struct document *document)
{
	while (document->value_count > 0)
		xmlFree(document->values[--document->value_count]);
}

static void see_place(struct document *document)
{
	long line = xmlGetLineNo(xmlTextReaderCurrentNode(document->reader));
	document->scan->here =
		(struct pa_location){ .file = document->scan->name, .line = line > 0 ? (uint32_t)line : 1, .column = 1 };
}

static void end_element(struct document *document, int kind)
{
	if (kind == IN_UNLISTED)
		scan_end_unlisted(document->scan);
	else if (kind == IN_HOST)
		scan_end_host(document->scan);
}

static void begin_element(struct document *document, int depth, const char *name)
{
	struct element element = { name, get_attribute, document };
	int parent = depth > 0 ? document->kinds[depth - 1] : IN_NOTHING, kind = -1;
	for (size_t i = 0; i < sizeof(elements) / sizeof(*elements); i++) {
		if (elements[i].parent != parent || strcmp(elements[i].name, name) != 0)
			continue;
		kind = elements[i].kind;
		if (kind == IN_HOST)
			scan_begin_host(document->scan);
		if (elements[i].read)
			elements[i].read(document->scan, &element);
		forget_attributes(document);
	}
	document->kinds[depth] = kind;
	if (depth == 0 && kind != IN_ROOT) {
		scan_error(document->scan, "write it with nmap -oX FILE", "this is no XML of nmap: it begins with <%s>", name);
		document->malformed = true;
	} else if (xmlTextReaderIsEmptyElement(document->reader)) {
		end_element(document, kind);
	}
}

/* false: enough, the document is refused. */
static bool take_node(struct document *document)
{
	int depth = xmlTextReaderDepth(document->reader), type = xmlTextReaderNodeType(document->reader);
	if (type != XML_READER_TYPE_ELEMENT && type != XML_READER_TYPE_END_ELEMENT)
		return true;
	see_place(document);
	if (depth < 0 || depth >= SCAN_DEPTH_MAX) {
		scan_error(document->scan, NULL, "elements are nested more than %d deep", SCAN_DEPTH_MAX);
		return false;
	}
	if (type == XML_READER_TYPE_END_ELEMENT) {
		end_element(document, document->kinds[depth]);
		return true;
	}
	begin_element(document, depth, (const char *)xmlTextReaderConstName(document->reader));
	return !document->malformed;
}

/* --- errors of form --------------------------------------------------------------------------------------------------- */

static void take_xml_error(void *context, xmlErrorPtr error)
{
	struct document *document = context;
	if (document->malformed || error->level < XML_ERR_ERROR)
		return;
	document->malformed = true;
	struct scan_reader *reader = document->scan;
	reader->here = (struct pa_location){ .file = reader->name,
					     .line = error->line > 0 ? (uint32_t)error->line : 1,
					     .column = error->int2 > 0 ? (uint32_t)error->int2 : 1 };
	const char *message = error->message ? error->message : "not well-formed";
	scan_error(reader, "nmap writes a whole document only when it ends by itself: was it interrupted?",
		   "not well-formed XML: %.*s", (int)strcspn(message, "\n"), message);
}

/* What a text of nmap never holds; false: said why. */
static bool is_harmless(struct scan_reader *reader, const char *text, size_t length)
{
	reader->here = (struct pa_location){ .file = reader->name, .line = 1, .column = 1 };
	if (length == 0)
		scan_error(reader, "write it with nmap -oX FILE", "the file is empty");
	else if (length > SCAN_SIZE_MAX)
		scan_error(reader, NULL, "it is larger than 256 MB");
	else if (memchr(text, '\0', length))
		scan_error(reader, NULL, "a NUL byte: this is no XML in UTF-8");
	else if (memmem(text, length, "<!ENTITY", 8))
		scan_error(reader, "nmap declares none", "the document declares entities, which are not read");
	return reader->error_count == 0;
}

static void read_document(struct scan_reader *reader, const char *text, size_t length)
{
	struct document document = { .scan = reader };
	int got;
	document.reader =
		xmlReaderForMemory(text, (int)length, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES);
	if (!document.reader) {
		pa_diags_add(reader->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%s: libxml2 has no memory", reader->name);
		reader->error_count++;
		return;
	}
	xmlTextReaderSetStructuredErrorHandler(document.reader, take_xml_error, &document);
	while ((got = xmlTextReaderRead(document.reader)) == 1)
		if (!take_node(&document))
			break;
	if (got < 0 && !document.malformed)
		scan_error(reader, NULL, "libxml2 cannot read it");
	forget_attributes(&document);
	xmlFreeTextReader(document.reader);
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

/* A scan without a port would agree with everything. */
static void refuse_empty(struct scan_reader *reader)
{
	if (reader->error_count > 0 || reader->scan->host_count > 0)
		return;
	reader->here = (struct pa_location){ .file = reader->name, .line = 1, .column = 1 };
	scan_error(reader, "when the host does not answer a ping, nmap -Pn scans it all the same",
		   "the scan has no port of any host");
}

struct pa_scan *pa_scan_parse(const char *text, size_t length, const char *name, struct pa_diags *diags)
{
	struct pa_scan *scan = pa_xcalloc(1, sizeof(*scan));
	struct scan_reader *reader = pa_xcalloc(1, sizeof(*reader));
	scan->arena = pa_arena_new();
	scan->file = pa_arena_strdup(scan->arena, name);
	/* Diagnostics outlive the scan. */
	if (!diags->arena)
		diags->arena = pa_arena_new();
	*reader = (struct scan_reader){ .scan = scan, .diags = diags, .name = pa_arena_strdup(diags->arena, name) };
	if (is_harmless(reader, text, length))
		read_document(reader, text, length);
	refuse_empty(reader);
	for (size_t i = 0; i < reader->gathered_count; i++)
		free(reader->gathered[i].ports.items);
	for (size_t i = 0; i < reader->info_count; i++)
		free(reader->infos[i].services.items);
	bool failed = reader->error_count > 0;
	free(reader);
	return failed ? pa_scan_free(scan) : scan;
}

struct pa_scan *pa_scan_free(struct pa_scan *scan)
{
	if (!scan)
		return NULL;
	free(scan->hosts);
	pa_arena_free(scan->arena);
	free(scan);
	return NULL;
}

struct pa_scan *pa_scan_load(const char *path, struct pa_diags *diags)
{
	struct pa_scan *scan = NULL;
	struct pa_buffer text = { 0 };
	const char *name;
	if (pa_file_read(path, &text, &name, diags))
		scan = pa_scan_parse(text.data ? text.data : "", text.length, name, diags);
	pa_buffer_done(&text);
	return scan;
}
