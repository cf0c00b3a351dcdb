/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot as JSON. What is not known is null; lists are in the order of their structs, which is that of the host. */
#include <stdio.h>
#include <string.h>

#include "json_writer.h"
#include "portaudit/snapshot.h"

static void add_tristate(struct pa_json *json, const char *key, enum pa_tristate value)
{
	if (value == PA_UNKNOWN)
		pa_json_null(json, key);
	else
		pa_json_bool(json, key, value == PA_YES);
}

static void add_known_number(struct pa_json *json, const char *key, bool known, uint64_t value)
{
	if (known)
		pa_json_number(json, key, value);
	else
		pa_json_null(json, key);
}

static void add_address(struct pa_json *json, const char *key, pa_u128 address, int family)
{
	char text[PA_ADDRESS_TEXT_MAX];
	pa_address_format(address, family, text);
	pa_json_string(json, key, text);
}

/* --- the ruleset ------------------------------------------------------------------------------------------------ */

/* RFC 4648, section 4. */
static void add_base64(struct pa_json *json, const char *key, const struct pa_buffer *bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct pa_buffer text = { 0 };
	pa_buffer_putc(&text, '"');
	for (size_t i = 0; i < bytes->length; i += 3) {
		size_t left = bytes->length - i;
		uint32_t three = (uint32_t)(unsigned char)bytes->data[i] << 16;
		three |= left > 1 ? (uint32_t)(unsigned char)bytes->data[i + 1] << 8 : 0;
		three |= left > 2 ? (uint32_t)(unsigned char)bytes->data[i + 2] : 0;
		const char four[] = { digits[three >> 18], digits[three >> 12 & 63], left > 1 ? digits[three >> 6 & 63] : '=',
				      left > 2 ? digits[three & 63] : '=' };
		pa_buffer_add(&text, four, sizeof(four));
	}
	pa_buffer_putc(&text, '"');
	pa_json_raw(json, key, text.data);
	pa_buffer_done(&text);
}

static void add_text(struct pa_json *json, const struct pa_recorded_text *text)
{
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "program", text->program);
	pa_json_string(json, "text", text->problem ? NULL : text->text.data ? text->text.data : "");
	pa_json_string(json, "problem", text->problem);
	pa_json_string(json, "help", text->help);
	pa_json_close(json, '}');
}

static void add_ruleset(struct pa_json *json, const struct pa_recording *recording)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	pa_json_line(json);
	pa_json_open(json, "ruleset", '{');
	pa_json_line(json);
	/* The listing is JSON already: libnftables wrote it. */
	pa_json_raw(json, "nft", recording->listing.data);
	pa_json_line(json);
	add_base64(json, "messages", &recording->messages);
	pa_json_line(json);
	pa_json_open(json, "legacy", '{');
	for (size_t i = 0; i < 2; i++) {
		pa_json_open(json, families[i], '{');
		pa_json_string(json, "tables", recording->legacy[i].names ? recording->legacy[i].names : "");
		pa_json_string(json, "error", recording->legacy[i].error);
		pa_json_close(json, '}');
	}
	pa_json_close(json, '}');
	pa_json_line(json);
	pa_json_open(json, "programs", '[');
	for (size_t i = 0; i < recording->text_count; i++)
		add_text(json, &recording->texts[i]);
	pa_json_close(json, ']');
	pa_json_close(json, '}');
}

/* --- the host --------------------------------------------------------------------------------------------------- */

static void add_addresses(struct pa_json *json, const struct pa_host *host)
{
	pa_json_line(json);
	pa_json_open(json, "addresses", '{');
	pa_json_bool(json, "complete", host->addresses_known);
	pa_json_open(json, "list", '[');
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_number(json, "family", (uint64_t)own->family);
		add_address(json, "address", own->address, own->family);
		pa_json_number(json, "prefix_length", own->prefix_length);
		pa_json_string(json, "interface", own->interface);
		pa_json_string(json, "type", own->broadcast ? "broadcast" : own->anycast ? "anycast" : "local");
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
	pa_json_close(json, '}');
}

static void add_interfaces(struct pa_json *json, const struct pa_host *host)
{
	pa_json_line(json);
	if (!host->interfaces_known) {
		pa_json_null(json, "interfaces");
		return;
	}
	pa_json_open(json, "interfaces", '[');
	for (size_t i = 0; i < host->interface_count; i++)
		pa_json_string(json, NULL, host->interfaces[i]);
	pa_json_close(json, ']');
}

static void add_links(struct pa_json *json, const struct pa_host *host)
{
	pa_json_line(json);
	if (!host->links_known) {
		pa_json_null(json, "links");
		return;
	}
	pa_json_open(json, "links", '[');
	for (size_t i = 0; i < host->link_count; i++) {
		const struct pa_host_link *link = &host->links[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "name", link->name);
		if (link->lower) {
			pa_json_open(json, "lower", '[');
			for (const char *const *name = link->lower; *name; name++)
				pa_json_string(json, NULL, *name);
			pa_json_close(json, ']');
		} else {
			pa_json_null(json, "lower");
		}
		pa_json_bool(json, "flat", link->flat);
		pa_json_bool(json, "always", link->always);
		pa_json_bool(json, "bridge", link->bridge);
		pa_json_bool(json, "port", link->port);
		add_known_number(json, "type", link->type_known, link->type);
		add_known_number(json, "group", link->group_known, link->group);
		pa_json_string(json, "kind", link->kind);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

static void add_routes(struct pa_json *json, const struct pa_host *host)
{
	pa_json_line(json);
	pa_json_open(json, "routes", '{');
	pa_json_bool(json, "complete", host->routes_known);
	pa_json_open(json, "list", '[');
	for (size_t i = 0; i < host->route_count; i++) {
		const struct pa_host_route *route = &host->routes[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_number(json, "family", (uint64_t)route->family);
		add_address(json, "first", route->to.first, route->family);
		add_address(json, "last", route->to.last, route->family);
		pa_json_string(json, "interface", route->interface);
		pa_json_bool(json, "multipath", route->multipath);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
	pa_json_close(json, '}');
}

static void add_source_checks(struct pa_json *json, const struct pa_host *host)
{
	if (!host->source_checks_known) {
		pa_json_null(json, "source_checks");
		return;
	}
	pa_json_open(json, "source_checks", '[');
	for (size_t i = 0; i < host->source_check_count; i++) {
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "interface", host->source_checks[i].interface);
		pa_json_number(json, "rp_filter", host->source_checks[i].rp_filter);
		pa_json_bool(json, "accept_local", host->source_checks[i].accept_local);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

static void add_reserved_ports(struct pa_json *json, const struct pa_host *host)
{
	if (!host->reserved_ports_known) {
		pa_json_null(json, "ip_local_reserved_ports");
		return;
	}
	pa_json_open(json, "ip_local_reserved_ports", '[');
	for (size_t i = 0; i < host->reserved_port_count; i++) {
		pa_json_open(json, NULL, '[');
		pa_json_number(json, NULL, (uint64_t)host->reserved_ports[i].first);
		pa_json_number(json, NULL, (uint64_t)host->reserved_ports[i].last);
		pa_json_close(json, ']');
	}
	pa_json_close(json, ']');
}

/* null: nobody looked. */
static void add_sentences(struct pa_json *json, const char *key, bool known, const char *const *sentences, size_t count)
{
	if (!known) {
		pa_json_null(json, key);
		return;
	}
	pa_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		pa_json_string(json, NULL, sentences[i]);
	pa_json_close(json, ']');
}

/* What is beside the rules, and what boot loads. */
static void add_surroundings(struct pa_json *json, const struct pa_host *host)
{
	bool known = host->surroundings_known;
	add_sentences(json, "beside", known, host->beside, host->beside_count);
	add_sentences(json, "namespaces", known, host->namespaces, host->namespace_count);
	add_sentences(json, "unseen", known, host->unseen, host->unseen_count);
	add_tristate(json, "loads_at_boot", host->loads_at_boot);
	add_sentences(json, "boot_loaders", host->files_known, host->boot_loaders, host->boot_loader_count);
	add_sentences(json, "loose_files", host->files_known, host->loose_files, host->loose_file_count);
}

static void add_settings(struct pa_json *json, const struct pa_host *host)
{
	pa_json_line(json);
	pa_json_open(json, "settings", '{');
	add_tristate(json, "forward_ipv4", host->forward_ipv4);
	add_tristate(json, "forward_ipv6", host->forward_ipv6);
	add_tristate(json, "route_localnet", host->route_localnet);
	add_source_checks(json, host);
	if (host->ephemeral_last) {
		pa_json_open(json, "ip_local_port_range", '[');
		pa_json_number(json, NULL, host->ephemeral_first);
		pa_json_number(json, NULL, host->ephemeral_last);
		pa_json_close(json, ']');
	} else {
		pa_json_null(json, "ip_local_port_range");
	}
	add_reserved_ports(json, host);
	add_known_number(json, "zone", host->zone_known, (uint64_t)(PA_SNAPSHOT_ZONE_ZERO - host->minutes_west));
	add_known_number(json, "ip_unprivileged_port_start", host->unprivileged_port_start >= 0,
			 (uint64_t)host->unprivileged_port_start);
	add_surroundings(json, host);
	pa_json_close(json, '}');
}

/* --- sockets ---------------------------------------------------------------------------------------------------- */

/* Sets of capabilities have 64 bits, more than numbers of JSON are sure to hold. */
static void add_capabilities(struct pa_json *json, const struct pa_process *process)
{
	const uint64_t sets[] = { process->permitted, process->effective, process->ambient };
	if (!process->capabilities_known) {
		pa_json_null(json, "capabilities");
		return;
	}
	pa_json_open(json, "capabilities", '[');
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		char text[20];
		snprintf(text, sizeof(text), "%016llx", (unsigned long long)sets[i]);
		pa_json_string(json, NULL, text);
	}
	pa_json_close(json, ']');
}

static void add_process(struct pa_json *json, const struct pa_process *process)
{
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_number(json, "pid", process->pid);
	pa_json_string(json, "command", process->command);
	pa_json_string(json, "executable", process->executable);
	pa_json_bool(json, "executable_deleted", process->executable_deleted);
	add_known_number(json, "real_uid", process->ids_known, process->real_uid);
	add_known_number(json, "effective_uid", process->ids_known, process->effective_uid);
	add_known_number(json, "effective_gid", process->ids_known, process->effective_gid);
	pa_json_string(json, "user", process->user);
	pa_json_string(json, "group", process->group);
	add_capabilities(json, process);
	add_tristate(json, "foreign_user_namespace", process->foreign_user_namespace);
	pa_json_string(json, "unit", process->unit);
	pa_json_string(json, "container", process->container);
	pa_json_bool(json, "service_manager", process->is_service_manager);
	if (process->proxy_port)
		add_address(json, "proxy_address", process->proxy_address, process->proxy_family);
	else
		pa_json_null(json, "proxy_address");
	pa_json_number(json, "proxy_port", process->proxy_port);
	pa_json_close(json, '}');
}

static void add_listener(struct pa_json *json, const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_number(json, "protocol", listener->protocol);
	pa_json_string(json, "kind", listener->raw ? "raw" : listener->mptcp ? "mptcp" : "plain");
	pa_json_number(json, "family", (uint64_t)listener->family);
	if (listener->any_address)
		pa_json_null(json, "address");
	else
		add_address(json, "address", listener->address, listener->family);
	pa_json_number(json, "port", listener->port);
	add_tristate(json, "v6only", listener->v6only);
	pa_json_string(json, "interface", listener->interface);
	add_known_number(json, "uid", listener->uid_known, listener->uid);
	pa_json_string(json, "user", listener->user);
	add_known_number(json, "inode", listener->inode != 0, listener->inode);
	pa_json_string(json, "cgroup", listener->cgroup);
	pa_json_string(json, "unit", listener->unit);
	pa_json_string(json, "activates", listener->activates);
	if (listener->activates) {
		pa_json_string(json, "activates_executable", listener->activates_executable);
		pa_json_string(json, "activates_user", listener->activates_user);
	}
	pa_json_bool(json, "processes_known", listener->processes_known);
	pa_json_open(json, "processes", '[');
	for (size_t i = 0; i < listener->process_count; i++)
		pa_json_number(json, NULL, sockets->processes[listener->processes[i]].pid);
	pa_json_close(json, ']');
	pa_json_close(json, '}');
}

static void add_connections(struct pa_json *json, const struct pa_sockets *sockets)
{
	pa_json_line(json);
	pa_json_open(json, "connections", '{');
	pa_json_bool(json, "complete", sockets->connections_known);
	pa_json_open(json, "list", '[');
	for (size_t i = 0; i < sockets->connection_count; i++) {
		const struct pa_connections *row = &sockets->connections[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_number(json, "protocol", row->protocol);
		pa_json_number(json, "family", (uint64_t)row->family);
		add_address(json, "local", row->local, row->family);
		add_address(json, "remote", row->remote, row->family);
		pa_json_number(json, "remote_port", row->remote_port);
		pa_json_number(json, "count", row->count);
		pa_json_number(json, "time_wait", row->time_wait);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
	pa_json_close(json, '}');
}

static void add_coverage(struct pa_json *json, const struct pa_sockets *sockets)
{
	pa_json_line(json);
	pa_json_open(json, "covers", '[');
	for (size_t i = 0; i < sockets->coverage_count; i++) {
		pa_json_open(json, NULL, '[');
		pa_json_number(json, NULL, sockets->coverage[i].protocol);
		pa_json_number(json, NULL, (uint64_t)sockets->coverage[i].family);
		pa_json_close(json, ']');
	}
	pa_json_close(json, ']');
	pa_json_line(json);
	pa_json_bool(json, "processes_complete", sockets->processes_complete);
	pa_json_open(json, "missing", '[');
	for (size_t i = 0; i < sockets->missing_count; i++)
		pa_json_string(json, NULL, sockets->missing[i]);
	pa_json_close(json, ']');
}

static void add_sockets(struct pa_json *json, const struct pa_sockets *sockets)
{
	pa_json_line(json);
	if (!sockets) {
		pa_json_null(json, "sockets");
		return;
	}
	pa_json_open(json, "sockets", '{');
	pa_json_string(json, "source", sockets->source);
	pa_json_line(json);
	pa_json_open(json, "listeners", '[');
	for (size_t i = 0; i < sockets->listener_count; i++)
		add_listener(json, sockets, &sockets->listeners[i]);
	pa_json_close(json, ']');
	pa_json_line(json);
	pa_json_open(json, "processes", '[');
	for (size_t i = 0; i < sockets->process_count; i++)
		add_process(json, &sockets->processes[i]);
	pa_json_close(json, ']');
	add_connections(json, sockets);
	add_coverage(json, sockets);
	pa_json_close(json, '}');
}

/* --- all -------------------------------------------------------------------------------------------------------- */

static void add_notes(struct pa_json *json, const struct pa_snapshot *snapshot)
{
	static const char *const levels[] = {
		[PA_DIAG_ERROR] = "error", [PA_DIAG_WARNING] = "warning", [PA_DIAG_NOTE] = "note"
	};
	pa_json_line(json);
	pa_json_open(json, "notes", '[');
	for (size_t i = 0; i < snapshot->note_count; i++) {
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "level", levels[snapshot->notes[i].level]);
		pa_json_string(json, "message", snapshot->notes[i].message);
		pa_json_string(json, "help", snapshot->notes[i].help);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

void pa_snapshot_write(const struct pa_snapshot *snapshot, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	pa_json_open(&json, NULL, '{');
	pa_json_string(&json, "schema", PA_SNAPSHOT_SCHEMA);
	pa_json_string(&json, "portaudit", snapshot->version);
	pa_json_string(&json, "kernel", snapshot->kernel);
	pa_json_number(&json, "time", (uint64_t)snapshot->time);
	pa_json_string(&json, "host", snapshot->host->name);
	add_ruleset(&json, &snapshot->recording);
	add_addresses(&json, snapshot->host);
	add_interfaces(&json, snapshot->host);
	add_links(&json, snapshot->host);
	add_routes(&json, snapshot->host);
	add_settings(&json, snapshot->host);
	add_sockets(&json, snapshot->sockets);
	add_notes(&json, snapshot);
	pa_json_close(&json, '}');
	pa_buffer_putc(out, '\n');
}
