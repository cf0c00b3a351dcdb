/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state and conntrack (conntrack_mt() in net/netfilter/xt_conntrack.c). A packet that conntrack does not know (invalid, untracked)
 * passes a conntrack match whose --ctstate it fits, whatever else is asked there; without --ctstate it never does. SNAT and DNAT
 * are bits of the flow beside its state: together with states they make alternatives.
 */
#include "xt.h"

enum { WITH_FLOW = PA_CT_NEW | PA_CT_ESTABLISHED | PA_CT_RELATED, WITHOUT_FLOW = PA_CT_INVALID | PA_CT_UNTRACKED };

struct word_bits {
	const char *name;
	unsigned bits;
};

/* A list of words that may be shortened; the first that begins so is taken, as iptables does. */
static bool parse_words(const char *text, const struct word_bits *words, size_t count, unsigned *ret_bits)
{
	*ret_bits = 0;
	for (;; text++) {
		size_t length = strcspn(text, ","), i = 0;
		while (i < count &&
		       (!length || strncasecmp(text, words[i].name, length) != 0 || length > strlen(words[i].name)))
			i++;
		if (i == count)
			return false;
		*ret_bits |= words[i].bits;
		text += length;
		if (!*text)
			return true;
	}
}

/* Of the states that the bits say. */
static struct pa_step state_step(struct pa_arena *arena, unsigned states, const char *text)
{
	struct pa_interval keys[8];
	size_t count = 0;
	for (unsigned bit = 1; bit <= PA_CT_UNTRACKED; bit <<= 1)
		if (states & bit)
			keys[count++] = (struct pa_interval){ bit, bit };
	struct pa_step step = pa_xt_test(arena, PA_FIELD_CT_STATE, keys, count, false);
	step.text = text;
	return step;
}

static void add_to_fork(struct pa_xt_fork *fork, struct pa_step step)
{
	if (fork->count < sizeof(fork->steps) / sizeof(fork->steps[0]))
		fork->steps[fork->count++] = step;
}

/* --- what is asked of the flow ------------------------------------------------------------------------------------------------ */

struct flow_tests {
	struct pa_xt_lowering *lowering;
	const struct pa_xt_use *use;
	struct pa_xt_fork fork;
	bool known; /* one of them reads the flow itself */
};

static const char *text_of(struct flow_tests *tests, const struct pa_xt_option *option)
{
	const char *text = pa_xt_option_text(tests->lowering, option);
	return option->negated ? pa_arena_printf(tests->lowering->arena, "! %s", text) : text;
}

static void add_test(struct flow_tests *tests, const struct pa_xt_option *option, struct pa_step step)
{
	step.text = text_of(tests, option);
	add_to_fork(&tests->fork, step);
	tests->known = true;
}

static void add_question(struct flow_tests *tests, const struct pa_xt_option *option)
{
	const char *text = text_of(tests, option);
	bool by_time = strcmp(option->name, "ctexpire") == 0;
	add_to_fork(&tests->fork,
		    by_time ? pa_xt_opaque_step(text, PA_OPACITY_MATCH, true) : pa_xt_question(tests->lowering->arena, text));
}

static void add_address(struct flow_tests *tests, const char *name, enum pa_field field)
{
	const struct pa_xt_option *option = pa_xt_option(tests->use, name);
	struct pa_interval interval;
	pa_u128 value, mask;
	if (!option)
		return;
	const char *text = option->arguments[0]->text;
	if (!pa_xt_network(text, strlen(text), tests->lowering->family, &value, &mask))
		pa_xt_fail_value(tests->lowering, option);
	else if (pa_xt_mask_interval(value, mask, &interval))
		add_test(tests, option, pa_xt_test(tests->lowering->arena, field, &interval, 1, option->negated));
	else
		add_test(tests, option, pa_xt_test_masked(tests->lowering->arena, field, mask, value & mask, option->negated));
}

/* NONE has no bit: alone it fits no flow. */
static void add_status(struct flow_tests *tests)
{
	static const struct word_bits words[] = { { "NONE", 0 },
						  { "EXPECTED", PA_STATUS_EXPECTED },
						  { "SEEN_REPLY", PA_STATUS_SEEN_REPLY },
						  { "ASSURED", PA_STATUS_ASSURED },
						  { "CONFIRMED", PA_STATUS_CONFIRMED } };
	const struct pa_xt_option *option = pa_xt_option(tests->use, "ctstatus");
	unsigned bits;
	if (!option)
		return;
	if (parse_words(option->arguments[0]->text, words, sizeof(words) / sizeof(*words), &bits))
		add_test(tests, option,
			 pa_xt_test_masked(tests->lowering->arena, PA_FIELD_CT_STATUS, bits, 0, !option->negated));
	else
		pa_xt_fail_value(tests->lowering, option);
}

static void add_direction(struct flow_tests *tests)
{
	static const struct word_bits words[] = { { "ORIGINAL", 1 }, { "REPLY", 2 } };
	const struct pa_xt_option *option = pa_xt_option(tests->use, "ctdir");
	unsigned bits;
	if (!option)
		return;
	if (parse_words(option->arguments[0]->text, words, 2, &bits) && bits < 3)
		add_test(tests, option,
			 pa_xt_test_value(tests->lowering->arena, PA_FIELD_CT_DIRECTION, bits - 1, option->negated));
	else
		pa_xt_fail_value(tests->lowering, option);
}

/* The time that is left is no field of ours. */
static void add_expiration(struct flow_tests *tests)
{
	const struct pa_xt_option *option = pa_xt_option(tests->use, "ctexpire");
	if (option)
		add_question(tests, option);
}

static void collect(struct flow_tests *tests)
{
	add_address(tests, "ctorigsrc", PA_FIELD_CT_ORIG_SADDR);
	add_address(tests, "ctorigdst", PA_FIELD_CT_ORIG_DADDR);
	add_address(tests, "ctreplsrc", PA_FIELD_CT_REPLY_SADDR);
	add_address(tests, "ctrepldst", PA_FIELD_CT_REPLY_DADDR);
	add_status(tests);
	add_direction(tests);
	add_expiration(tests);
}

/*
 * Ways that packets with a flow take; those without one pass beside them all where --ctstate fits them (`without`). One way alone
 * needs no alternatives.
 */
static void add_ways(struct flow_tests *tests, struct pa_xt_fork forks[3], size_t count, bool without, const char *text)
{
	if (count == 1 && !without) {
		for (size_t i = 0; i < forks[0].count; i++)
			pa_xt_add(tests->lowering, &forks[0].steps[i]);
		return;
	}
	if (without)
		add_to_fork(&forks[count++], state_step(tests->lowering->arena, WITHOUT_FLOW, text));
	pa_xt_add_fork(tests->lowering, forks, count);
}

/* The flow of a related packet may have another protocol than the packet: an ICMP error belongs to a flow of TCP. */
static void add_protocol(struct flow_tests *tests, bool without)
{
	const struct pa_xt_option *option = pa_xt_option(tests->use, "ctproto");
	struct pa_arena *arena = tests->lowering->arena;
	struct pa_xt_fork forks[3] = { 0 };
	unsigned number;
	if (!option)
		return;
	if (!pa_xt_protocol(option->arguments[0]->text, &number)) {
		pa_xt_fail_value(tests->lowering, option);
		return;
	}
	const char *text = text_of(tests, option);
	struct pa_step test = pa_xt_test_value(arena, PA_FIELD_L4PROTO, number, option->negated);
	test.key.parts[0].of_flow = true;
	test.text = text;
	add_to_fork(&forks[0], state_step(arena, PA_CT_NEW | PA_CT_ESTABLISHED, text));
	add_to_fork(&forks[0], test);
	add_to_fork(&forks[1], state_step(arena, PA_CT_RELATED, text));
	add_to_fork(&forks[1], pa_xt_question(arena, text));
	add_ways(tests, forks, 2, without, text);
}

/*
 * Of a flow without ports the kernel compares its ICMP id, type and code, or a key of GRE; of DCCP some kernels track the ports and
 * others (6.18) take them for 0. There nothing is known.
 */
static struct pa_step ports_step(struct pa_arena *arena, bool negated)
{
	static const struct pa_interval protocols[] = { { 6, 6 }, { 17, 17 }, { 132, 132 }, { 136, 136 } };
	struct pa_step step = pa_xt_test(arena, PA_FIELD_L4PROTO, protocols, sizeof(protocols) / sizeof(*protocols), negated);
	step.implied = true;
	return step;
}

static void add_port(struct flow_tests *tests, const char *name, enum pa_field field, bool without)
{
	const struct pa_xt_rule *rule = tests->lowering->rule;
	const struct pa_xt_option *option = pa_xt_option(tests->use, name);
	struct pa_arena *arena = tests->lowering->arena;
	struct pa_xt_fork forks[3] = { 0 };
	struct pa_interval ports;
	if (!option)
		return;
	if (!pa_xt_port_range(option->arguments[0]->text, ':', &ports)) {
		pa_xt_fail_value(tests->lowering, option);
		return;
	}
	struct pa_step test = pa_xt_test(arena, field, &ports, ports.first <= ports.last, option->negated);
	unsigned protocol = rule->has_protocol && !rule->protocol.negated ? rule->number_of_protocol : 0;
	bool none = ports.first > ports.last; /* whatever it is */
	bool has_ports = none || protocol == 6 || protocol == 17 || protocol == 132 || protocol == 136;
	test.text = text_of(tests, option);
	if (!has_ports)
		add_to_fork(&forks[0], ports_step(arena, false));
	add_to_fork(&forks[0], test);
	add_to_fork(&forks[1], ports_step(arena, true));
	add_to_fork(&forks[1], state_step(arena, WITH_FLOW, test.text));
	add_to_fork(&forks[1], pa_xt_question(arena, test.text));
	add_ways(tests, forks, has_ports ? 1 : 2, without, test.text);
}

/* --- the state -------------------------------------------------------------------------------------------------------------------- */

static void add_alternative(struct pa_xt_fork *forks, size_t *count, struct pa_step state, const struct pa_step *status,
			    const struct pa_xt_fork *rest)
{
	struct pa_xt_fork *fork = &forks[(*count)++];
	add_to_fork(fork, state);
	if (status)
		add_to_fork(fork, *status);
	for (size_t i = 0; i < rest->count; i++)
		add_to_fork(fork, rest->steps[i]);
}

static void add_states(struct pa_xt_lowering *lowering, unsigned states, unsigned nat, bool negated, const char *text,
		       const struct pa_xt_fork *rest)
{
	struct pa_arena *arena = lowering->arena;
	struct pa_xt_fork forks[3] = { 0 };
	size_t count = 0;
	unsigned wanted = negated ? ~states & (WITH_FLOW | WITHOUT_FLOW) : states;
	struct pa_step status = pa_xt_test_masked(arena, PA_FIELD_CT_STATUS, nat, 0, !negated);
	status.text = text;
	/* one list of states where nothing else is asked */
	if (!rest->count && (!nat || !negated)) {
		add_alternative(forks, &count, state_step(arena, wanted, text), NULL, rest);
	} else {
		if (wanted & WITHOUT_FLOW)
			add_alternative(forks, &count, state_step(arena, wanted & WITHOUT_FLOW, text), NULL,
					&(struct pa_xt_fork){ .count = 0 });
		if (wanted & WITH_FLOW)
			add_alternative(forks, &count, state_step(arena, wanted & WITH_FLOW, text),
					nat && negated ? &status : NULL, rest);
	}
	if (nat && !negated && (~wanted & WITH_FLOW))
		add_alternative(forks, &count, state_step(arena, ~wanted & WITH_FLOW, text), &status, rest);
	if (count == 0)
		add_alternative(forks, &count, state_step(arena, 0, text), NULL, rest);
	pa_xt_add_fork(lowering, forks, count);
}

static const struct word_bits state_words[] = { { "INVALID", PA_CT_INVALID },
						{ "NEW", PA_CT_NEW },
						{ "ESTABLISHED", PA_CT_ESTABLISHED },
						{ "RELATED", PA_CT_RELATED },
						{ "UNTRACKED", PA_CT_UNTRACKED },
						{ "SNAT", 0x100 },
						{ "DNAT", 0x200 } };

/* Adds the states; whether packets without a flow may fit them. */
static bool lower_state(struct pa_xt_lowering *lowering, const struct pa_xt_option *option, size_t words,
			const struct pa_xt_fork *rest)
{
	unsigned bits;
	if (!parse_words(option->arguments[0]->text, state_words, words, &bits)) {
		pa_xt_fail(lowering, option->arguments[0], "\"%s\" is no list of states", option->arguments[0]->text);
		return false;
	}
	const char *text = pa_xt_option_text(lowering, option);
	unsigned nat = (bits & 0x100 ? PA_STATUS_SNAT : 0) | (bits & 0x200 ? PA_STATUS_DNAT : 0);
	add_states(lowering, bits & 0xff, nat, option->negated,
		   option->negated ? pa_arena_printf(lowering->arena, "! %s", text) : text, rest);
	return ((option->negated ? ~bits : bits) & WITHOUT_FLOW) != 0;
}

void pa_xt_match_state(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "state");
	if (option)
		lower_state(lowering, option, 5, &(struct pa_xt_fork){ .count = 0 });
	else
		pa_xt_fail(lowering, use->word, "the match state needs --state");
}

void pa_xt_match_conntrack(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct flow_tests tests = { .lowering = lowering, .use = use };
	const struct pa_xt_option *state = pa_xt_option(use, "ctstate");
	collect(&tests);
	if (!use->count)
		pa_xt_fail(lowering, use->word, "the match conntrack needs an option");
	if (lowering->failed)
		return;
	bool without = false;
	if (state) {
		without = lower_state(lowering, state, sizeof(state_words) / sizeof(*state_words), &tests.fork);
	} else {
		if (!tests.known && tests.fork.count) {
			struct pa_step flow = state_step(lowering->arena, WITH_FLOW, NULL);
			flow.implied = true;
			pa_xt_add(lowering, &flow);
		}
		for (size_t i = 0; i < tests.fork.count; i++)
			pa_xt_add(lowering, &tests.fork.steps[i]);
	}
	add_protocol(&tests, without);
	add_port(&tests, "ctorigsrcport", PA_FIELD_CT_ORIG_SPORT, without);
	add_port(&tests, "ctorigdstport", PA_FIELD_CT_ORIG_DPORT, without);
	add_port(&tests, "ctreplsrcport", PA_FIELD_CT_REPLY_SPORT, without);
	add_port(&tests, "ctrepldstport", PA_FIELD_CT_REPLY_DPORT, without);
}
