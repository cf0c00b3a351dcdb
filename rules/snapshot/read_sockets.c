/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listeners, processes and connections of a snapshot. */
#include "document.h"

#include <netinet/in.h>
#include <stdlib.h>

/* --- listeners -------------------------------------------------------------------------------------------------------- */

static void take_holders(struct pa_document *document, const struct pa_json_node *item, size_t listener)
{
	struct pa_sockets *sockets = document->snapshot->sockets;
	const struct pa_json_node *list = pa_document_member(document, item, "processes");
	if (!list)
		return;
	if (list->kind != PA_JSON_ARRAY) {
		pa_document_wrong(document, pa_document_place(document, list), "a list of process ids should stand here");
		return;
	}
	const struct pa_json_node *pid = list + 1;
	for (uint32_t i = 0; i < list->length; i++, pid = pa_json_after(&document->tape, pid)) {
		if (pid->kind != PA_JSON_INTEGER || pid->negative || pid->number > UINT32_MAX) {
			pa_document_wrong(document, pa_document_place(document, pid), "a process id should stand here");
			return;
		}
		const struct pa_process process = { .pid = (uint32_t)pid->number };
		pa_sockets_hold(sockets, listener, pa_sockets_add_process(sockets, &process));
	}
}

static void take_kind(struct pa_document *document, const struct pa_json_node *item, struct pa_listener *listener)
{
	const char *kind = pa_document_text(document, item, "kind");
	listener->raw = pa_text_equal(kind, "raw");
	listener->mptcp = pa_text_equal(kind, "mptcp");
	if (!document->failed && !listener->raw && !listener->mptcp && !pa_text_equal(kind, "plain"))
		pa_document_wrong(document, pa_document_place(document, item),
				  "a listener of kind plain, mptcp or raw should stand here");
	if (!document->failed && listener->raw && listener->port != 0)
		pa_document_wrong(document, pa_document_place(document, item), "a raw socket has no port");
}

/* Not there: NULL. */
static const char *optional_text(struct pa_document *document, const struct pa_json_node *item, const char *key)
{
	bool there = !document->failed && pa_json_member(&document->tape, item, key) != NULL;
	return there ? pa_document_text(document, item, key) : NULL;
}

static void take_listener(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	(void)context;
	uint64_t uid;
	struct pa_listener listener = { .protocol = (unsigned)pa_document_number(document, item, "protocol", 255),
					.family = pa_document_family(document, item, "family"),
					.port = (unsigned)pa_document_number(document, item, "port", 65535),
					.v6only = pa_document_tristate(document, item, "v6only"),
					.interface = pa_document_text(document, item, "interface"),
					.user = pa_document_text(document, item, "user"),
					.cgroup = pa_document_text(document, item, "cgroup"),
					.unit = pa_document_text(document, item, "unit"),
					.activates = pa_document_text(document, item, "activates"),
					.processes_known = pa_document_bool(document, item, "processes_known") };
	listener.activates_executable = optional_text(document, item, "activates_executable");
	listener.activates_user = optional_text(document, item, "activates_user");
	listener.any_address = !pa_document_address(document, item, "address", listener.family, &listener.address);
	listener.uid_known = pa_document_known_number(document, item, "uid", UINT32_MAX, &uid);
	listener.uid = (uint32_t)uid;
	pa_document_known_number(document, item, "inode", UINT64_MAX, &listener.inode);
	take_kind(document, item, &listener);
	if (!document->failed)
		take_holders(document, item, pa_sockets_add_listener(document->snapshot->sockets, &listener));
}

/* --- processes -------------------------------------------------------------------------------------------------------- */

static bool parse_set(const char *text, uint64_t *ret_set)
{
	if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
		return false;
	*ret_set = strtoull(text, NULL, 16);
	return true;
}

static void take_capabilities(struct pa_document *document, const struct pa_json_node *item, struct pa_process *process)
{
	const struct pa_json_node *list = pa_document_member(document, item, "capabilities");
	uint64_t *const sets[] = { &process->permitted, &process->effective, &process->ambient };
	if (!list || list->kind == PA_JSON_NULL)
		return;
	bool good = list->kind == PA_JSON_ARRAY && list->length == 3;
	for (size_t i = 0; i < 3 && good; i++) {
		const char *text = pa_document_string(document, list + 1 + i);
		good = text && parse_set(text, sets[i]);
	}
	if (!good)
		pa_document_wrong(document, pa_document_place(document, list),
				  "three sets of 16 hexadecimal digits should stand here");
	process->capabilities_known = good;
}

static void take_ids(struct pa_document *document, const struct pa_json_node *item, struct pa_process *process)
{
	uint64_t real, effective, group;
	process->ids_known = pa_document_known_number(document, item, "real_uid", UINT32_MAX, &real);
	process->ids_known =
		pa_document_known_number(document, item, "effective_uid", UINT32_MAX, &effective) && process->ids_known;
	process->ids_known =
		pa_document_known_number(document, item, "effective_gid", UINT32_MAX, &group) && process->ids_known;
	process->real_uid = (uint32_t)real;
	process->effective_uid = (uint32_t)effective;
	process->effective_gid = (uint32_t)group;
}

static void take_proxy(struct pa_document *document, const struct pa_json_node *item, struct pa_process *process)
{
	const char *text = pa_document_text(document, item, "proxy_address");
	process->proxy_port = (unsigned)pa_document_number(document, item, "proxy_port", 65535);
	bool good = !text || pa_address_parse(text, &process->proxy_address, &process->proxy_family);
	if (!document->failed && (!good || !text != (process->proxy_port == 0)))
		pa_document_wrong(document, pa_document_place(document, item),
				  "an address and a port of the proxy should stand here");
}

static void take_process(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	(void)context;
	struct pa_process process = { .pid = (uint32_t)pa_document_number(document, item, "pid", UINT32_MAX),
				      .command = pa_document_text(document, item, "command"),
				      .executable = pa_document_text(document, item, "executable"),
				      .executable_deleted = pa_document_bool(document, item, "executable_deleted"),
				      .user = pa_document_text(document, item, "user"),
				      .group = pa_document_text(document, item, "group"),
				      .foreign_user_namespace = pa_document_tristate(document, item, "foreign_user_namespace"),
				      .unit = pa_document_text(document, item, "unit"),
				      .container = pa_document_text(document, item, "container"),
				      .is_service_manager = pa_document_bool(document, item, "service_manager") };
	take_ids(document, item, &process);
	take_capabilities(document, item, &process);
	take_proxy(document, item, &process);
	if (!document->failed)
		pa_sockets_add_process(document->snapshot->sockets, &process);
}

/* --- connections ------------------------------------------------------------------------------------------------------ */

static void take_connection(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	(void)context;
	struct pa_connections row = { .protocol = (unsigned)pa_document_number(document, item, "protocol", 255),
				      .family = pa_document_family(document, item, "family"),
				      .remote_port = (unsigned)pa_document_number(document, item, "remote_port", 65535),
				      .count = pa_document_number(document, item, "count", UINT32_MAX),
				      .time_wait = pa_document_number(document, item, "time_wait", UINT32_MAX) };
	bool known = pa_document_address(document, item, "local", row.family, &row.local);
	known = pa_document_address(document, item, "remote", row.family, &row.remote) && known;
	if (!document->failed && (!known || row.time_wait > row.count))
		pa_document_wrong(document, pa_document_place(document, item),
				  "connections between two addresses should stand here");
	if (!document->failed)
		pa_sockets_add_connections(document->snapshot->sockets, &row);
}

static void read_listeners(struct pa_document *document)
{
	pa_document_read_items(document, PA_JSON_OBJECT, take_listener, NULL);
}

static void read_processes(struct pa_document *document)
{
	pa_document_read_items(document, PA_JSON_OBJECT, take_process, NULL);
}

static void read_connections(struct pa_document *document)
{
	pa_document_read_list(document, &document->snapshot->sockets->connections_known, take_connection, NULL);
}

/* --- what is covered -------------------------------------------------------------------------------------------------- */

static void take_coverage(struct pa_document *document, const struct pa_json_node *pair, void *context)
{
	(void)context;
	bool good = pair->length == 2 && pair[1].kind == PA_JSON_INTEGER && pair[2].kind == PA_JSON_INTEGER &&
		    !pair[1].negative && pair[1].number <= 255 && (pair[2].number == 4 || pair[2].number == 6);
	if (good)
		pa_sockets_add_coverage(document->snapshot->sockets, (unsigned)pair[1].number, (int)pair[2].number);
	else
		pa_document_wrong(document, pa_document_place(document, pair), "a protocol and a family should stand here");
}

static void read_coverage(struct pa_document *document)
{
	pa_document_read_items(document, PA_JSON_ARRAY, take_coverage, NULL);
}

static void read_processes_complete(struct pa_document *document)
{
	pa_document_read_bool(document, &document->snapshot->sockets->processes_complete);
}

static void take_missing(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	(void)context;
	const char *sentence = pa_document_string(document, item);
	if (sentence)
		pa_sockets_add_missing(document->snapshot->sockets, "%s", sentence);
}

static void read_missing(struct pa_document *document)
{
	pa_document_read_items(document, PA_JSON_STRING, take_missing, NULL);
}

static void read_source(struct pa_document *document)
{
	const char *source = pa_document_string(document, pa_document_read(document, PA_JSON_STRING));
	if (source)
		document->snapshot->sockets->source = pa_arena_strdup(document->snapshot->sockets->arena, source);
}

/* --- all -------------------------------------------------------------------------------------------------------------- */

/*
 * Who holds a listener is written with the listener, what is known of the process in a list of its own: processes are read first,
 * since of two with one id the first counts. The document has them in another order: two passes.
 */
enum { PROCESSES, OTHERS };

static const struct pa_document_part parts[] = {
	{ "source", read_source, OTHERS },	    { "listeners", read_listeners, OTHERS },
	{ "processes", read_processes, PROCESSES }, { "connections", read_connections, OTHERS },
	{ "covers", read_coverage, OTHERS },	    { "processes_complete", read_processes_complete, OTHERS },
	{ "missing", read_missing, OTHERS },
};

void pa_document_read_sockets(struct pa_document *document)
{
	if (pa_document_take_null(document))
		return;
	document->snapshot->sockets = pa_sockets_new(NULL);
	const struct pa_json_reader start = document->reader;
	pa_document_read_parts(document, parts, sizeof(parts) / sizeof(*parts), PROCESSES);
	if (pa_document_failed(document))
		return;
	document->reader = start;
	pa_document_read_parts(document, parts, sizeof(parts) / sizeof(*parts), OTHERS);
	if (!pa_document_failed(document))
		pa_sockets_finish(document->snapshot->sockets);
}
