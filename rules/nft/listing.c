/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listing.h"

#include "attributes.h"
#include "intercept.h"
#include "legible.h"
#include "sandbox.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define JSON_CHUNK ((size_t)1 << 20)
#define PROGRESS_INTERVAL 500 /* milliseconds */

/*
 * What was seen between two answers to "which generation": libnftables asks before and after it reads, and reads again
 * from the start when they differ.
 */
struct segment {
	struct pa_digest digest;
	struct pa_legible legible;
	struct pa_buffer record;
	bool used;
};

struct listing {
	const struct pa_child *child;
	struct segment current;
	struct segment complete;
	struct pa_buffer json;
	uint32_t generation; /* the last that the kernel told libnftables */
	bool json_failed;
	int64_t next_progress;
	size_t elements;
};

/* --- what the kernel tells libnftables --------------------------------------------------------------------- */

static void segment_clear(struct segment *segment)
{
	pa_digest_restart(&segment->digest);
	segment->legible.lost = false;
	pa_buffer_clear(&segment->record);
	segment->used = false;
}

static void take_generation(struct listing *listing, const struct nlmsghdr *message)
{
	pa_message_generation(message, &listing->generation);
	if (listing->current.used) {
		struct segment old = listing->complete;
		listing->complete = listing->current;
		listing->current = old;
	}
	segment_clear(&listing->current);
	listing->elements = 0;
}

static void show_progress(struct listing *listing, const struct nlmsghdr *message)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	const char *table = "", *set = "";
	int64_t now = pa_clock_now();
	char what[200];

	if (now < listing->next_progress)
		return;
	listing->next_progress = now + PROGRESS_INTERVAL;
	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_SET_ELEM_LIST_TABLE)
			table = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_SET_ELEM_LIST_SET)
			set = pa_attribute_text(&attribute);
	}
	snprintf(what, sizeof(what), "table %.60s, set %.60s: %zu elements", table, set, listing->elements);
	pa_child_progress(listing->child, what);
}

static void take_message(struct listing *listing, const struct nlmsghdr *message)
{
	struct segment *segment = &listing->current;
	size_t elements;

	if (pa_message_is(message, NFT_MSG_NEWGEN)) {
		take_generation(listing, message);
		return;
	}
	if (message->nlmsg_type == NLMSG_DONE)
		segment->digest.dumps++;
	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return;
	segment->used = true;
	elements = pa_digest_take(&segment->digest, message);
	if (pa_legible_take(&segment->legible, &segment->digest, message))
		pa_buffer_add(&segment->record, message, NLMSG_ALIGN((size_t)message->nlmsg_len));
	if (pa_message_is(message, NFT_MSG_NEWSETELEM)) {
		listing->elements += elements;
		show_progress(listing, message);
	} else {
		listing->elements = 0;
	}
}

static void received(void *context, const void *data, size_t length)
{
	const struct nlmsghdr *message;
	const char *at = data;

	while ((message = pa_messages_next(&at, &length)))
		take_message(context, message);
}

/* --- what libnftables prints ------------------------------------------------------------------------------- */

static bool take_json(void *context, const char *text, size_t length)
{
	struct listing *listing = context;

	pa_buffer_add(&listing->json, text, length);
	if (listing->json.length >= JSON_CHUNK) {
		pa_child_write(listing->child, PA_CHILD_JSON, listing->json.data, listing->json.length);
		pa_buffer_clear(&listing->json);
	}
	return true;
}

/* Only the cause: "internal:0:0-0: Error: cache initialization failed: Operation not permitted". */
static __attribute__((noreturn)) void end_with_error(const struct listing *listing, struct nft_ctx *nft)
{
	const char *text = nft_ctx_get_error_buffer(nft), *cause = text ? strstr(text, "Error: ") : NULL;
	size_t length;

	cause = cause ? cause + strlen("Error: ") : "no reason given";
	length = strcspn(cause, "\n");
	pa_child_end(listing->child, PA_CHILD_UNABLE, "libnftables could not read the ruleset: %.*s", (int)(length & 0xff),
		     cause);
}

/*
 * JSON with handles; protocols as numbers, because their names are those of this host's /etc/protocols. Not all
 * numeric: ethertypes would be printed in the wrong byte order and ct states as bits.
 */
static void print_ruleset(struct listing *listing)
{
	struct pa_intercept hooks = { .received = received, .json = take_json, .context = listing };
	struct nft_ctx *nft;

	pa_intercept_keep_json();
	pa_intercept_set(&hooks);
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft || nft_ctx_buffer_error(nft) != 0)
		pa_child_end(listing->child, PA_CHILD_UNABLE, "libnftables could not be started");
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_NUMERIC_PROTO);
	if (nft_run_cmd_from_buffer(nft, "list ruleset") != 0)
		end_with_error(listing, nft);
	pa_intercept_set(NULL);
	if (listing->current.used)
		take_generation(listing, &(struct nlmsghdr){ .nlmsg_len = 0 });
	pa_child_write(listing->child, PA_CHILD_JSON, listing->json.data, listing->json.length);
}

/* --- is it whole ------------------------------------------------------------------------------------------- */

/* The handles of the rules in the JSON text: quotes inside of names are escaped, so these words are what they seem. */
static struct pa_tally rules_in_json(const char *json, size_t length)
{
	static const char rule[] = "{\"rule\": {", handle[] = "\"handle\": ";
	const char *end = json + length, *at = json;
	struct pa_tally found = { 0 };

	while ((at = memmem(at, (size_t)(end - at), rule, sizeof(rule) - 1))) {
		uint64_t number = 0;

		at = memmem(at, (size_t)(end - at), handle, sizeof(handle) - 1);
		if (!at)
			break;
		for (at += sizeof(handle) - 1; at < end && *at >= '0' && *at <= '9'; at++)
			number = number * 10 + (uint64_t)(*at - '0');
		found.count++;
		found.sum += pa_digest_handle(number);
	}
	return found;
}

/* Every rule that the kernel gave is in the text. */
static void check_text(const struct listing *listing)
{
	struct pa_tally found = { 0 }, expected = listing->complete.digest.listed;
	off_t length = lseek(listing->child->text[PA_CHILD_JSON], 0, SEEK_END);

	if (length > 0) {
		void *text = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, listing->child->text[PA_CHILD_JSON], 0);
		if (text == MAP_FAILED)
			pa_child_end(listing->child, PA_CHILD_UNABLE, "the output of libnftables could not be read: %s",
				     strerror(errno));
		found = rules_in_json(text, (size_t)length);
	}
	if (found.count != expected.count || found.sum != expected.sum)
		pa_child_end(listing->child, PA_CHILD_UNABLE,
			     "libnftables printed %llu rules of the %llu that the kernel has, or others",
			     (unsigned long long)found.count, (unsigned long long)expected.count);
}

static struct mnl_socket *open_socket(const struct pa_child *child)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		pa_child_end(child, PA_CHILD_UNABLE, "no netlink socket for nf_tables: %s", strerror(errno));
	return socket;
}

static uint32_t generation_now(const struct pa_child *child, struct mnl_socket *socket)
{
	uint32_t generation = 0;
	int status = pa_raw_generation(socket, &generation);

	if (status == -EPERM || status == -EACCES) {
		pa_child_help(child, "run as root (sudo), or audit a file: nft -j list ruleset > FILE");
		pa_child_end(child, PA_CHILD_UNABLE, "reading the live ruleset needs the capability CAP_NET_ADMIN");
	}
	if (status == -EINVAL || status == -EOPNOTSUPP)
		pa_child_end(child, PA_CHILD_UNABLE, "this kernel has no nf_tables");
	if (status != 0)
		pa_child_end(child, PA_CHILD_UNABLE, "the generation of the ruleset could not be read: %s", strerror(-status));
	return generation;
}

static void prove(const struct listing *listing, struct mnl_socket *socket, uint32_t generation)
{
	const struct pa_digest *first = &listing->complete.digest;
	bool with_rules = !pa_digest_rules_complete(first);
	struct pa_digest second;
	int status;

	pa_digest_init(&second);
	if (first->torn)
		pa_child_end(listing->child, PA_CHILD_TORN, "rules are missing or doubled");
	status = pa_raw_dump(socket, with_rules, &second);
	if (status == -EINTR || status == -ENOENT)
		pa_child_end(listing->child, PA_CHILD_TORN, "the kernel says that a dump was interrupted");
	if (status != 0)
		pa_child_end(listing->child, PA_CHILD_UNABLE, "the second reading of the ruleset failed: %s",
			     strerror(-status));
	if (!pa_digest_agree(first, &second, with_rules))
		pa_child_end(listing->child, PA_CHILD_TORN, "two readings of the ruleset differ");
	if (listing->generation != generation || generation_now(listing->child, socket) != generation)
		pa_child_end(listing->child, PA_CHILD_TORN, "the ruleset was changed");
	pa_digest_done(&second);
}

static void give_facts(const struct listing *listing)
{
	const struct segment *segment = &listing->complete;

	if (segment->legible.lost) {
		pa_child_help(listing->child, "rename it; what is not UTF-8 is lost in the JSON that the ruleset is read from");
		pa_child_end(listing->child, PA_CHILD_UNABLE, "%s", segment->legible.problem);
	}
	pa_child_write(listing->child, PA_CHILD_FACTS, segment->record.data, segment->record.length);
}

void pa_listing_run(const struct pa_child *child, enum pa_listing_proof proof)
{
	struct listing *listing = pa_xcalloc(1, sizeof(*listing));
	struct mnl_socket *socket = NULL;
	uint32_t generation = 0;

	listing->child = child;
	listing->next_progress = pa_clock_now() + PROGRESS_INTERVAL;
	if (proof == PA_LISTING_PROVE) {
		socket = open_socket(child);
		generation = generation_now(child, socket);
	}
	setenv("TZ", "UTC", 1);
	pa_sandbox_limit_calls(child, false);
	print_ruleset(listing);
	give_facts(listing);
	check_text(listing);
	if (proof == PA_LISTING_PROVE)
		prove(listing, socket, generation);
	pa_child_end(child, PA_CHILD_DONE, "%s", "");
}
