/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of a host, and those that the user gives. */
#include <string.h>

#include "portaudit/host.h"
#include "read.h"

struct pa_host *pa_host_new(const char *name)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_host *host = pa_arena_alloc(arena, 1, sizeof(*host));
	host->arena = arena;
	host->name = name ? pa_arena_strdup(arena, name) : NULL;
	host->unprivileged_port_start = -1;
	return host;
}

struct pa_host *pa_host_free(struct pa_host *host)
{
	if (host)
		pa_arena_free(host->arena);
	return NULL;
}

/* Lists are in the arena and doubled there: what is left behind is as much again at most. */
void pa_host_add_address(struct pa_host *host, const struct pa_host_address *address)
{
	size_t count = host->address_count;
	if ((count & (count - 1)) == 0) {
		struct pa_host_address *larger = pa_arena_alloc(host->arena, count ? 2 * count : 1, sizeof(*larger));
		if (count)
			memcpy(larger, host->addresses, count * sizeof(*larger));
		host->addresses = larger;
	}
	host->addresses[host->address_count++] = *address;
}

/* The next item of a list with commas, without blanks around it; NULL after the last. */
static const char *next_item(const char **list, struct pa_arena *arena)
{
	if (!*list)
		return NULL;
	const char *start = *list + strspn(*list, " \t"), *end = start + strcspn(start, ",");
	*list = *end ? end + 1 : NULL;
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return pa_arena_strndup(arena, start, (size_t)(end - start));
}

static bool parse_self(struct pa_host *parsed, const char *text, struct pa_diags *diags)
{
	bool good = true;
	const char *item;
	while ((item = next_item(&text, parsed->arena))) {
		struct pa_host_address self = { 0 };
		if (pa_address_parse(item, &self.address, &self.family)) {
			self.prefix_length = self.family == 4 ? 32 : 128;
			pa_host_add_address(parsed, &self);
			continue;
		}
		struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "'%s' is not an address", item);
		diag->help = "give the audited host's own IPv4 and IPv6 addresses, without prefix lengths, separated by commas";
		good = false;
	}
	return good;
}

/* What was read live has an interface and is forgotten; what the user gave before has none and stays. */
static void replace_live_addresses(struct pa_host *host, const struct pa_host *given)
{
	const struct pa_host_address *old = host->addresses;
	size_t old_count = host->address_count;
	host->address_count = 0;
	for (size_t i = 0; i < old_count; i++)
		if (!old[i].interface)
			pa_host_add_address(host, &old[i]);
	for (size_t i = 0; i < given->address_count; i++)
		pa_host_add_address(host, &given->addresses[i]);
	host->addresses_known = true;
}

bool pa_host_add_self(struct pa_host *host, const char *text, struct pa_diags *diags)
{
	struct pa_host *given = pa_host_new(NULL);
	bool good = parse_self(given, text, diags);
	if (good)
		replace_live_addresses(host, given);
	pa_host_free(given);
	return good;
}
