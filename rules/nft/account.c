/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listing of a rule against what the kernel says of it. libnftables leaves tests out of a listing that it takes for its own,
 * runs others into one, and loses what it cannot print. Each thing that the kernel's expressions look at has to be in the listing as
 * often, and each protocol that they ask for has to be asked by a step.
 *
 * A protocol that no step asks for becomes one. Where the kernel looks at more than the listing shows, something unknown may end the
 * rule. Where the listing shows more, or other things, nobody knows which packets the rule takes.
 */
#include <linux/netfilter/nf_tables.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "listed.h"
#include "lower.h"

enum account { BALANCED, KERNEL_HAS_MORE, LISTING_HAS_MORE };

static enum account worse(enum account one, enum account other)
{
	return one > other ? one : other;
}

/* --- what is looked at --------------------------------------------------------------------------------------------- */

static enum account compare_sources(const struct pa_nft_tests *kernel, const struct pa_listed *listed)
{
	enum account account = BALANCED;
	for (unsigned i = 0; i < PA_SOURCE_COUNT; i++)
		if (kernel->loads[i] != listed->loads[i])
			account = worse(account, kernel->loads[i] > listed->loads[i] ? KERNEL_HAS_MORE : LISTING_HAS_MORE);
	return account;
}

/* In whole bytes: the kernel has no smaller ones. */
static bool share_byte(const struct pa_listed_bits *one, const struct pa_listed_bits *other)
{
	return one->base == other->base && one->first / 8 <= (other->end - 1) / 8 && other->first / 8 <= (one->end - 1) / 8;
}

static struct pa_listed_bits bits_of(const struct pa_nft_comparison *bytes)
{
	return (struct pa_listed_bits){ bytes->base, bytes->offset * 8, (bytes->offset + bytes->length) * 8 };
}

static unsigned count_sharing(const struct pa_listed *listed, const struct pa_listed_bits *bits)
{
	unsigned count = 0;
	for (unsigned i = 0; i < listed->payload_count; i++)
		count += share_byte(&listed->payload[i], bits);
	return count;
}

static unsigned count_comparing(const struct pa_nft_tests *kernel, const struct pa_listed_bits *bits)
{
	unsigned count = 0;
	for (unsigned i = 0; i < kernel->payload_count; i++) {
		struct pa_listed_bits compared = bits_of(&kernel->payload[i]);
		count += share_byte(&compared, bits);
	}
	return count;
}

static bool is_icmp_type(const struct pa_listed_bits *bits)
{
	return bits->base == NFT_PAYLOAD_TRANSPORT_HEADER && bits->first == 0 && bits->end == 8;
}

/* `icmpv6 max-delay` is of one type of message, for which the kernel asks; a step says so already. */
static bool asks_icmp_type(const struct pa_lowering *lowering)
{
	for (size_t i = 0; i < lowering->step_count; i++) {
		const struct pa_step *step = &lowering->steps[i];
		if (step->kind == PA_STEP_MATCH && step->implied && !step->key.parts[0].opaque &&
		    step->key.parts[0].field == PA_FIELD_ICMP_TYPE)
			return true;
	}
	return false;
}

/*
 * One comparison of the kernel may be of several fields, or of the beginning of one: each field is in as many as the listing shows.
 * `icmp_type`: the type of ICMP messages is no more than what the steps ask.
 */
static enum account compare_payload(const struct pa_nft_tests *kernel, const struct pa_listed *listed, bool icmp_type)
{
	enum account account = BALANCED;
	for (unsigned i = 0; i < listed->payload_count; i++) {
		unsigned shown = count_sharing(listed, &listed->payload[i]);
		unsigned made = count_comparing(kernel, &listed->payload[i]);
		if (icmp_type && is_icmp_type(&listed->payload[i]) && made == shown + 1)
			continue;
		if (made != shown)
			account = worse(account, made > shown ? KERNEL_HAS_MORE : LISTING_HAS_MORE);
	}
	for (unsigned i = 0; i < kernel->payload_count; i++) {
		struct pa_listed_bits compared = bits_of(&kernel->payload[i]);
		if (!pa_listed_is_protocol(&compared) && !(icmp_type && is_icmp_type(&compared)) &&
		    !count_sharing(listed, &compared))
			account = worse(account, KERNEL_HAS_MORE);
	}
	return account;
}

/* --- protocols ------------------------------------------------------------------------------------------------------- */

static bool is_one_value(const struct pa_step *step)
{
	const struct pa_elements *elements = step->elements;
	return step->kind == PA_STEP_MATCH && !step->negated && step->key.count == 1 && elements->count == 1 &&
	       !elements->decl && !elements->may_grow && !elements->has_catch_all &&
	       elements->keys[0].first == elements->keys[0].last;
}

static enum pa_field field_of(enum pa_protocol_source source)
{
	switch (source) {
	case PA_PROTOCOL_NETWORK:
		return PA_FIELD_NFPROTO;
	case PA_PROTOCOL_TRANSPORT:
		return PA_FIELD_L4PROTO;
	case PA_PROTOCOL_NEXT_HEADER:
		return PA_FIELD_IP6_NEXTHDR;
	case PA_PROTOCOL_LINK:
	case PA_PROTOCOL_FRAME:
		break;
	}
	return PA_FIELD_COUNT;
}

static bool asks(const struct pa_step *step, const struct pa_nft_protocol_test *test)
{
	if (!is_one_value(step) || step->elements->keys[0].first != test->value)
		return false;
	const struct pa_key_part *part = &step->key.parts[0];
	if (test->source == PA_PROTOCOL_LINK)
		return part->opaque && strcmp(part->opaque, "meta iiftype") == 0;
	enum pa_field field = field_of(test->source);
	return !part->opaque && part->field == field && part->mask == pa_field_max(field) && !part->xor_value;
}

/* Frames of VLANs and ARP are no packets that steps speak of: does any text? */
static bool is_frame_told(const struct pa_lowering *lowering)
{
	static const char *const words[] = { "vlan ", "8021", "arp", "ether type", "protocol" };
	for (size_t i = 0; i < lowering->step_count; i++)
		for (size_t w = 0; lowering->texts[i] != PA_NO_TEXT && w < sizeof(words) / sizeof(*words); w++)
			if (strstr(lowering->text.data + lowering->texts[i], words[w]))
				return true;
	return false;
}

/* In one of the first `end` steps. */
static bool is_asked(const struct pa_lowering *lowering, size_t end, const struct pa_nft_protocol_test *test)
{
	if (test->source == PA_PROTOCOL_FRAME)
		return is_frame_told(lowering);
	for (size_t i = 0; i < end; i++)
		if (asks(&lowering->steps[i], test))
			return true;
	return false;
}

static bool is_of_table(const struct pa_lowering *lowering, const struct pa_nft_protocol_test *test)
{
	enum pa_family family = lowering->table->family;
	return test->source == PA_PROTOCOL_NETWORK && ((family == PA_FAMILY_IP && test->value == PA_NFPROTO_IPV4) ||
						       (family == PA_FAMILY_IP6 && test->value == PA_NFPROTO_IPV6));
}

static const char *name_of(enum pa_protocol_source source)
{
	switch (source) {
	case PA_PROTOCOL_NETWORK:
		return "a test of the family";
	case PA_PROTOCOL_TRANSPORT:
		return "a test of the protocol";
	case PA_PROTOCOL_NEXT_HEADER:
		return "a test of ip6 nexthdr";
	case PA_PROTOCOL_FRAME:
		return "a test of the Ethernet type";
	case PA_PROTOCOL_LINK:
		break;
	}
	return "a test of meta iiftype";
}

/* By name, so that it is not taken for the one of another rule. */
static void put_hidden(const struct pa_lowering *lowering, struct pa_buffer *text, const char *what)
{
	pa_buffer_printf(text, "%s that the listing of rule %s %s %s handle %llu does not show", what,
			 pa_family_name(lowering->table->family), lowering->table->name, lowering->chain->name,
			 (unsigned long long)lowering->rule_handle);
}

/* A test in front of the rule of which nothing is known but that the rule may end there. `what` says what it is. */
static void add_hidden_test(struct pa_lowering *lowering, const char *what)
{
	put_hidden(lowering, pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_LISTING), what);
	pa_lower_end_text(lowering);
	lowering->steps[lowering->step_count - 1].implied = true;
	pa_lower_move_to_front(lowering);
}

/* A test of the interface's type: the host knows the answer for the interfaces that it has. */
static void add_hidden_type(struct pa_lowering *lowering, unsigned type)
{
	const char *name = pa_symbol_name(PA_DATATYPE_IFTYPE, type);
	char what[80];
	if (name)
		snprintf(what, sizeof(what), "a test of meta iiftype %s", name);
	else
		snprintf(what, sizeof(what), "a test of meta iiftype %u", type);
	pa_lower_require_link_type(lowering, type);
	put_hidden(lowering, pa_lower_begin_text(lowering), what);
	pa_lower_end_text(lowering);
}

/* `late`: the kernel makes it behind an effect that the steps do not tell from what is before. */
static void add_protocol(struct pa_lowering *lowering, const struct pa_nft_protocol_test *test)
{
	size_t before = lowering->step_count;
	bool link = test->source == PA_PROTOCOL_LINK;
	if (link && !test->late && test->value == ARPHRD_ETHER)
		pa_lower_require_ether(lowering);
	else if (link && !test->late)
		add_hidden_type(lowering, test->value);
	else if (!link && !test->late && test->source != PA_PROTOCOL_FRAME)
		pa_lower_require_value(lowering, field_of(test->source), test->value);
	if (lowering->step_count > before)
		pa_lower_move_to_front(lowering);
	else
		add_hidden_test(lowering, name_of(test->source));
}

static void add_protocols(struct pa_lowering *lowering, const struct pa_nft_tests *kernel)
{
	for (unsigned i = 0; i < kernel->protocol_count; i++) {
		const struct pa_nft_protocol_test *test = &kernel->protocol[i];
		size_t end = test->late ? lowering->step_count : pa_lower_first_effect(lowering);
		if (!is_of_table(lowering, test) && !is_asked(lowering, end, test))
			add_protocol(lowering, test);
	}
}

static bool kernel_asks(const struct pa_nft_tests *kernel, enum pa_protocol_source source, pa_u128 value)
{
	for (unsigned i = 0; i < kernel->protocol_count; i++)
		if (kernel->protocol[i].source == source && kernel->protocol[i].value == value)
			return true;
	return false;
}

/* A protocol that was taken to be asked for, because of the header that the listing names, and that the kernel does not ask for. */
static bool is_unbacked(const struct pa_step *step, const struct pa_nft_tests *kernel)
{
	if (!step->implied || !is_one_value(step) || step->key.parts[0].opaque)
		return false;
	pa_u128 value = step->elements->keys[0].first;
	if (step->key.parts[0].field == PA_FIELD_NFPROTO)
		return !kernel->family_by_itself && !kernel_asks(kernel, PA_PROTOCOL_NETWORK, value);
	if (value == IPPROTO_TCP && kernel->tcp_by_itself)
		return false;
	return step->key.parts[0].field == PA_FIELD_L4PROTO && !kernel_asks(kernel, PA_PROTOCOL_TRANSPORT, value) &&
	       !kernel_asks(kernel, PA_PROTOCOL_NEXT_HEADER, value);
}

/* --- the flow's protocol ------------------------------------------------------------------------------------------------ */

/* How often a step's text asks for the protocol of the flow: `ct l3proto . ct protocol` does twice. */
static unsigned flow_protocols_in(const char *text)
{
	unsigned count = 0;
	for (const char *at = strstr(text, "ct "); at; at = strstr(at + 3, "ct "))
		count += (at == text || at[-1] == ' ' || at[-1] == '(') &&
			 (strncmp(at + 3, "l3proto", 7) == 0 || strncmp(at + 3, "protocol", 8) == 0 ||
			  strncmp(at + 3, "original l3proto", 16) == 0 || strncmp(at + 3, "original protocol", 17) == 0 ||
			  strncmp(at + 3, "reply l3proto", 13) == 0 || strncmp(at + 3, "reply protocol", 14) == 0);
	return count;
}

static unsigned count_flow_protocols(const struct pa_lowering *lowering)
{
	unsigned count = 0;
	for (size_t i = 0; i < lowering->step_count; i++)
		if (lowering->texts[i] != PA_NO_TEXT)
			count += flow_protocols_in(lowering->text.data + lowering->texts[i]);
	return count;
}

/* --- repairs -------------------------------------------------------------------------------------------------------------- */

/* nft 1.0.6 lists two relations of different values as one range of the second: no range of such a rule is what it seems. */
static void forget_ranges(struct pa_lowering *lowering)
{
	for (size_t i = 0; i < lowering->step_count; i++) {
		struct pa_step *step = &lowering->steps[i];
		bool range = step->kind == PA_STEP_MATCH && !step->implied && step->key.count == 1 &&
			     step->elements->count == 1 && step->elements->keys[0].first != step->elements->keys[0].last;
		if (range)
			step->kind = PA_STEP_NONE;
	}
}

/* No test of the rule is what it seems. */
static void forget_tests(struct pa_lowering *lowering)
{
	for (size_t i = 0; i < lowering->step_count; i++) {
		struct pa_step *step = &lowering->steps[i];
		if (step->kind == PA_STEP_MATCH || (step->kind == PA_STEP_OPAQUE && step->opacity == PA_OPACITY_MATCH))
			step->kind = PA_STEP_NONE;
		if (step->kind != PA_STEP_VMAP)
			continue;
		step->kind = PA_STEP_OPAQUE;
		step->opacity = PA_OPACITY_VERDICT;
		step->volatile_ = true;
		step->reason = pa_nft_reasons[PA_REASON_LISTING].text;
	}
}

void pa_lower_account(struct pa_lowering *lowering, const struct pa_json_node *statements)
{
	const struct pa_nft_facts *facts = lowering->document->facts;
	const struct pa_nft_rule_fact *fact =
		facts ? pa_nft_facts_rule(facts, lowering->table->family, lowering->table->name, lowering->rule_handle) : NULL;
	if (!fact)
		return;
	struct pa_listed listed;
	pa_listed_read(&lowering->tape, statements, &listed);
	enum account account = compare_sources(&fact->tests, &listed);
	if (!fact->tests.too_many && !listed.unknown_place)
		account = worse(account, compare_payload(&fact->tests, &listed, asks_icmp_type(lowering)));
	for (size_t i = 0; i < lowering->step_count && !fact->tests.too_many; i++)
		if (is_unbacked(&lowering->steps[i], &fact->tests))
			account = LISTING_HAS_MORE;
	if (fact->flow_protocols > count_flow_protocols(lowering))
		add_hidden_test(lowering, "a test of ct l3proto or ct protocol");
	bool paired = fact->tests.paired_relations && (account != BALANCED || fact->tests.paired_protocols);
	if (paired)
		forget_ranges(lowering);
	if (account == LISTING_HAS_MORE)
		forget_tests(lowering);
	add_protocols(lowering, &fact->tests);
	if (paired)
		add_hidden_test(lowering, "a pair of comparisons");
	else if (account != BALANCED)
		add_hidden_test(lowering, account == KERNEL_HAS_MORE ? "a test" : "what it asks");
}
