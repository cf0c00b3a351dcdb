/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a rule line as options: what getopt_long() and do_parse() of iptables/xshared.c make of them. Long options may be
 * shortened as long as they are unique among those of iptables and of the matches and the target that stand before them, and
 * `-p tcp` brings the options of the match tcp along.
 */
#include "xt.h"

struct parser {
	struct pa_xt_reader *reader;
	const struct pa_xt_table *table;
	struct pa_xt_rule *rule;
	size_t at;			   /* the next word */
	const struct pa_xt_word *negation; /* a `!` that waits for its option */
	struct pa_xt_use *last;		   /* whose options are read: the match or target that was named last */
	bool protocol_loaded;
};

/* The options of iptables itself: the letter that each stands for. */
static const struct {
	const char *name;
	char letter;
} general[] = {
	{ "append", 'A' },     { "insert", 'I' },	{ "delete", 'D' },	  { "replace", 'R' },
	{ "policy", 'P' },     { "new-chain", 'N' },	{ "flush", 'F' },	  { "delete-chain", 'X' },
	{ "zero", 'Z' },       { "check", 'C' },	{ "rename-chain", 'E' },  { "list", 'L' },
	{ "list-rules", 'S' }, { "source", 's' },	{ "src", 's' },		  { "destination", 'd' },
	{ "dst", 'd' },	       { "protocol", 'p' },	{ "in-interface", 'i' },  { "out-interface", 'o' },
	{ "fragments", 'f' },  { "jump", 'j' },		{ "goto", 'g' },	  { "match", 'm' },
	{ "table", 't' },      { "set-counters", 'c' }, { "numeric", 'n' },	  { "verbose", 'v' },
	{ "exact", 'x' },      { "wait", 'w' },		{ "wait-interval", 'W' }, { "line-numbers", '0' },
	{ "modprobe", 'M' },   { "ipv4", '4' },		{ "ipv6", '6' },	  { "version", 'V' },
	{ "help", 'h' },
};
#define GENERAL_COUNT (sizeof(general) / sizeof(*general))

#define complain(parser, word, ...) pa_xt_error((parser)->reader, &(parser)->rule->line, word, __VA_ARGS__)

const struct pa_xt_option *pa_xt_option(const struct pa_xt_use *use, const char *name)
{
	for (size_t i = 0; i < use->count; i++)
		if (strcmp(use->options[i].name, name) == 0)
			return &use->options[i];
	return NULL;
}

/* --- words ------------------------------------------------------------------------------------------------------------ */

static const struct pa_xt_word *peek(const struct parser *parser)
{
	return parser->at < parser->rule->line.count ? &parser->rule->line.words[parser->at] : NULL;
}

static bool is_bang(const struct pa_xt_word *word)
{
	return word && !word->quoted && strcmp(word->text, "!") == 0;
}

/* A word behind `--name=` or stuck to a short option. */
static const struct pa_xt_word *rest_of_word(const struct parser *parser, const struct pa_xt_word *word, const char *rest)
{
	struct pa_xt_word *part = pa_arena_alloc(parser->reader->arena, 1, sizeof(*part));
	uint32_t skipped = (uint32_t)(rest - word->text);
	*part = (struct pa_xt_word){ rest, word->column + skipped, word->length - skipped, false };
	return part;
}

/* The argument of an option; `! value`, as older versions wrote it, negates the option. */
static const struct pa_xt_word *take_argument(struct parser *parser, const struct pa_xt_word *option, const char *attached,
					      bool *negated)
{
	if (attached)
		return rest_of_word(parser, option, attached);
	const struct pa_xt_word *word = peek(parser);
	if (is_bang(word) && parser->at + 1 < parser->rule->line.count) {
		parser->at++;
		if (*negated)
			complain(parser, word, "%s: negated twice", option->text);
		*negated = true;
		word = peek(parser);
	}
	if (!word) {
		complain(parser, option, "%s needs an argument", option->text);
		return NULL;
	}
	parser->at++;
	return word;
}

/* --- matches and targets -------------------------------------------------------------------------------------------------- */

static struct pa_xt_use *new_use(struct parser *parser, const struct pa_xt_extension *extension, const char *name,
				 const struct pa_xt_word *word)
{
	struct pa_xt_use *use = pa_arena_alloc(parser->reader->arena, 1, sizeof(*use));
	*use = (struct pa_xt_use){ .extension = extension, .name = name, .word = word };
	parser->last = use;
	return use;
}

static struct pa_xt_use *add_match(struct parser *parser, const char *name, const struct pa_xt_word *word)
{
	struct pa_xt_rule *rule = parser->rule;
	struct pa_xt_use *use = new_use(parser, pa_xt_find_match(name, parser->table->family), name, word);
	if (rule->match_count == rule->match_capacity) {
		struct pa_xt_use **old = rule->matches;
		rule->match_capacity = rule->match_capacity ? rule->match_capacity * 2 : 4;
		rule->matches = pa_arena_alloc(parser->reader->arena, rule->match_capacity, sizeof(struct pa_xt_use *));
		if (old)
			memcpy(rule->matches, old, rule->match_count * sizeof(struct pa_xt_use *));
	}
	rule->matches[rule->match_count++] = use;
	return use;
}

static bool add_option(struct parser *parser, struct pa_xt_use *use, const struct pa_xt_option *option)
{
	bool exact = use->extension && use->extension->treatment == PA_XT_EXACT;
	if (use == parser->rule->target && option->negated && use->extension)
		return complain(parser, option->word, "%s cannot be negated", option->word->text);
	if (exact && pa_xt_option(use, option->name))
		return complain(parser, option->word, "%s is given twice", option->word->text);
	if (use->count == use->capacity) {
		struct pa_xt_option *old = use->options;
		use->capacity = use->capacity ? use->capacity * 2 : 4;
		use->options = pa_arena_alloc(parser->reader->arena, use->capacity, sizeof(*use->options));
		if (old)
			memcpy(use->options, old, use->count * sizeof(*old));
	}
	use->options[use->count++] = *option;
	return true;
}

/* --- long options ------------------------------------------------------------------------------------------------------------ */

/* What a long option may be. */
struct candidates {
	struct pa_xt_use *use; /* NULL: one of iptables itself */
	struct pa_xt_option_row row;
	char letter;
	unsigned count; /* different ones so far */
	bool exact;
};

static void consider(struct candidates *found, const char *name, size_t length, const struct candidates *candidate)
{
	const struct pa_xt_option_row *row = &candidate->row;
	if (found->exact || row->length < length || memcmp(row->name, name, length) != 0)
		return;
	bool exact = row->length == length;
	bool same = found->count && found->use == candidate->use && found->letter == candidate->letter &&
		    found->row.canonical_length == row->canonical_length &&
		    memcmp(found->row.canonical, row->canonical, row->canonical_length) == 0;
	if (same && !exact)
		return;
	unsigned count = exact ? 1 : found->count + 1;
	*found = *candidate;
	found->count = count;
	found->exact = exact;
}

static void consider_use(struct candidates *found, const char *name, size_t length, struct pa_xt_use *use)
{
	struct candidates candidate = { .use = use };
	const char *at = use->extension ? use->extension->options : "";
	while (pa_xt_next_option(&at, &candidate.row))
		consider(found, name, length, &candidate);
}

/* The order is that of the merged option tables of iptables: its own, then the newest extension first. */
static struct candidates find_long(const struct parser *parser, const char *name, size_t length)
{
	struct candidates found = { 0 };
	const struct pa_xt_rule *rule = parser->rule;
	for (size_t i = 0; i < GENERAL_COUNT; i++) {
		size_t size = strlen(general[i].name);
		struct candidates candidate = { .letter = general[i].letter,
						.row = { general[i].name, size, &general[i].letter, 1, 1 } };
		consider(&found, name, length, &candidate);
	}
	if (rule->target && rule->target == parser->last)
		consider_use(&found, name, length, rule->target);
	for (size_t i = rule->match_count; i-- > 0;)
		consider_use(&found, name, length, rule->matches[i]);
	if (rule->target && rule->target != parser->last)
		consider_use(&found, name, length, rule->target);
	return found;
}

/* `-p tcp --dport 22`: the match of the protocol comes by itself. */
static bool load_protocol_match(struct parser *parser)
{
	static const struct {
		unsigned number;
		const char *name;
	} protocols[] = { { 6, "tcp" },	   { 17, "udp" }, { 132, "sctp" }, { 33, "dccp" },    { 136, "udplite" }, { 1, "icmp" },
			  { 58, "icmp6" }, { 50, "esp" }, { 51, "ah" },	   { 108, "ipcomp" }, { 135, "mh" } };
	struct pa_xt_rule *rule = parser->rule;
	if (!rule->protocol.word || parser->protocol_loaded)
		return false;
	parser->protocol_loaded = true;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (protocols[i].number != rule->number_of_protocol || !rule->has_protocol)
			continue;
		for (size_t m = 0; m < rule->match_count; m++)
			if (strcmp(rule->matches[m]->name, protocols[i].name) == 0)
				return false;
		if (!pa_xt_find_match(protocols[i].name, parser->table->family))
			return false;
		add_match(parser, protocols[i].name, rule->protocol.word);
		return true;
	}
	return false;
}

static bool take_general(struct parser *parser, char letter, const struct pa_xt_word *word, const char *attached);

static bool take_extension_option(struct parser *parser, const struct candidates *found, const struct pa_xt_word *word,
				  const char *attached)
{
	struct pa_xt_option option = { .word = word, .negated = parser->negation != NULL };
	option.name = pa_arena_strndup(parser->reader->arena, found->row.canonical, found->row.canonical_length);
	option.spelled = pa_arena_strndup(parser->reader->arena, found->row.name, found->row.length);
	parser->negation = NULL;
	unsigned arguments = found->row.arguments;
	if (arguments == PA_XT_MAYBE_ONE) {
		const struct pa_xt_word *next = peek(parser);
		arguments = attached || (next && !is_bang(next) && next->text[0] != '-') ? 1 : 0;
	}
	for (unsigned i = 0; i < arguments; i++) {
		option.arguments[i] = take_argument(parser, word, i ? NULL : attached, &option.negated);
		if (!option.arguments[i])
			return false;
	}
	if (attached && !arguments)
		return complain(parser, word, "%s takes no argument", word->text);
	return add_option(parser, found->use, &option);
}

/* What follows a match that nobody knows is its business: a word that begins no option of iptables. */
static bool is_foreign(const struct parser *parser, const struct pa_xt_word *word)
{
	if (!parser->last || parser->last->extension)
		return false;
	return word->quoted || word->text[0] != '-' || word->text[1] == '-' || !word->text[1];
}

static bool take_foreign(struct parser *parser, const struct pa_xt_word *word)
{
	struct pa_xt_option option = { .word = word, .name = word->text, .spelled = word->text };
	option.negated = parser->negation != NULL;
	parser->negation = NULL;
	return add_option(parser, parser->last, &option);
}

static bool take_long(struct parser *parser, const struct pa_xt_word *word)
{
	const char *name = word->text + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	struct candidates found = find_long(parser, name, length);
	if (!found.count && parser->last && !parser->last->extension)
		return take_foreign(parser, word);
	if (!found.count && load_protocol_match(parser))
		found = find_long(parser, name, length);
	if (!found.count)
		return complain(parser, word, "no option \"%s\" here: neither iptables nor what is named before it has one",
				word->text);
	if (found.count > 1 && !found.exact)
		return complain(parser, word, "\"%s\" is short for more than one option", word->text);
	if (!found.use)
		return take_general(parser, found.letter, word, equals ? equals + 1 : NULL);
	return take_extension_option(parser, &found, word, equals ? equals + 1 : NULL);
}

/* --- options of iptables itself ------------------------------------------------------------------------------------------------ */

static bool set_general(struct parser *parser, struct pa_xt_general *general_option, const struct pa_xt_word *option,
			const char *attached)
{
	bool negated = parser->negation != NULL;
	parser->negation = NULL;
	if (general_option->option)
		return complain(parser, option, "%s is given twice", option->text);
	general_option->option = option;
	general_option->word = take_argument(parser, option, attached, &negated);
	general_option->negated = negated;
	return general_option->word != NULL;
}

static bool take_protocol(struct parser *parser, const struct pa_xt_word *option, const char *attached)
{
	struct pa_xt_rule *rule = parser->rule;
	if (!set_general(parser, &rule->protocol, option, attached))
		return false;
	if (!pa_xt_protocol(rule->protocol.word->text, &rule->number_of_protocol))
		return complain(parser, rule->protocol.word, "\"%s\" is no protocol", rule->protocol.word->text);
	rule->has_protocol = rule->number_of_protocol != 0;
	if (!rule->has_protocol && rule->protocol.negated)
		return complain(parser, rule->protocol.word, "a rule of no protocol would match nothing");
	return true;
}

static bool take_jump(struct parser *parser, char letter, const struct pa_xt_word *option, const char *attached)
{
	struct pa_xt_rule *rule = parser->rule;
	bool negated = parser->negation != NULL;
	if (rule->jump)
		return complain(parser, option, "%s: the rule has a target already", option->text);
	rule->jump = take_argument(parser, option, attached, &negated);
	if (!rule->jump)
		return false;
	if (negated)
		return complain(parser, option, "%s cannot be negated", option->text);
	rule->is_goto = letter == 'g';
	if (rule->is_goto)
		return true;
	const struct pa_xt_extension *extension = pa_xt_find_target(rule->jump->text, parser->table->family);
	bool loud = rule->jump->text[strspn(rule->jump->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
	if (extension || (loud && !pa_xt_find_chain(parser->table, rule->jump->text)))
		rule->target = new_use(parser, extension, rule->jump->text, rule->jump);
	return true;
}

static bool take_match(struct parser *parser, const struct pa_xt_word *option, const char *attached)
{
	bool negated = parser->negation != NULL;
	const struct pa_xt_word *name = take_argument(parser, option, attached, &negated);
	if (name && negated)
		return complain(parser, option, "%s cannot be negated", option->text);
	return name && add_match(parser, name->text, name);
}

/* -A CHAIN, -I CHAIN [number], -P CHAIN policy, -F [CHAIN] ... */
static bool take_command(struct parser *parser, char letter, const struct pa_xt_word *option, const char *attached)
{
	struct pa_xt_rule *rule = parser->rule;
	bool negated = false, optional = strchr("FXZ", letter) != NULL;
	if (rule->command)
		return complain(parser, option, "%s: the line has a command already", option->text);
	rule->command = letter;
	if (!optional || attached || (peek(parser) && peek(parser)->text[0] != '-'))
		rule->chain = take_argument(parser, option, attached, &negated);
	if (!optional && !rule->chain)
		return false;
	const struct pa_xt_word *next = peek(parser);
	uint64_t number;
	if (letter == 'P')
		rule->value = take_argument(parser, option, NULL, &negated);
	else if (strchr("IDR", letter) && next && pa_xt_number(next->text, UINT32_MAX, &number)) {
		rule->value = next;
		parser->at++;
	}
	return letter != 'P' || rule->value;
}

/* -c packets bytes, or -c packets,bytes */
static bool take_counters(struct parser *parser, const struct pa_xt_word *option, const char *attached)
{
	bool negated = false;
	const struct pa_xt_word *first = take_argument(parser, option, attached, &negated);
	if (first && !strchr(first->text, ','))
		return take_argument(parser, option, NULL, &negated) != NULL;
	return first != NULL;
}

static bool take_general(struct parser *parser, char letter, const struct pa_xt_word *word, const char *attached)
{
	struct pa_xt_rule *rule = parser->rule;
	bool negatable = strchr("sdpiof", letter) != NULL;
	if (parser->negation && !negatable)
		return complain(parser, word, "%s cannot be negated", word->text);
	switch (letter) {
	case 's':
		return set_general(parser, &rule->source, word, attached);
	case 'd':
		return set_general(parser, &rule->destination, word, attached);
	case 'i':
		return set_general(parser, &rule->in, word, attached);
	case 'o':
		return set_general(parser, &rule->out, word, attached);
	case 'p':
		return take_protocol(parser, word, attached);
	case 'f':
		if (parser->table->family == 6)
			return complain(parser, word, "%s is of IPv4 only: IPv6 has the match frag", word->text);
		rule->fragment = (struct pa_xt_general){ word, word, parser->negation != NULL };
		parser->negation = NULL;
		return true;
	case 'j':
	case 'g':
		return take_jump(parser, letter, word, attached);
	case 'm':
		return take_match(parser, word, attached);
	case 'A':
	case 'I':
	case 'D':
	case 'R':
	case 'P':
	case 'N':
	case 'F':
	case 'X':
	case 'Z':
		return take_command(parser, letter, word, attached);
	case 'c':
		return take_counters(parser, word, attached);
	case '4':
	case '6':
		rule->other_family = rule->other_family || parser->table->family != letter - '0';
		return true;
	case 'n':
	case 'v':
	case 'x':
	case 'w':
	case '0':
		return true;
	default:
		return complain(parser, word, "%s has no place in a file of rules", word->text);
	}
}

/* Short options: "-s 10.0.0.1", "-s10.0.0.1", "-fj ACCEPT". */
static bool take_short(struct parser *parser, const struct pa_xt_word *word)
{
	static const char with_argument[] = "AIDRPNFXZCELSsdpiojgmtcMWw", alone[] = "f46nvx";
	for (const char *letter = word->text + 1; *letter; letter++) {
		if (strchr(alone, *letter)) {
			if (!take_general(parser, *letter, word, NULL))
				return false;
			continue;
		}
		if (!strchr(with_argument, *letter))
			return complain(parser, word, "iptables has no option \"%s\"", word->text);
		return take_general(parser, *letter, word, letter[1] ? letter + 1 : NULL);
	}
	return true;
}

static bool take_word(struct parser *parser)
{
	const struct pa_xt_word *word = peek(parser);
	parser->at++;
	if (is_bang(word)) {
		if (parser->negation)
			return complain(parser, word, "negated twice");
		parser->negation = word;
		return true;
	}
	if (is_foreign(parser, word) && !(word->text[0] == '-' && word->text[1] == '-' && !word->quoted))
		return take_foreign(parser, word);
	if (word->text[0] == '-' && word->text[1] == '-' && word->text[2])
		return take_long(parser, word);
	if (word->text[0] == '-' && word->text[1] && word->text[1] != '-')
		return take_short(parser, word);
	return complain(parser, word, "\"%s\" is no option, and none before it takes it", word->text);
}

struct pa_xt_rule *pa_xt_read_rule(struct pa_xt_reader *reader, const struct pa_xt_table *table, const struct pa_xt_line *line)
{
	struct pa_xt_rule *rule = pa_arena_alloc(reader->arena, 1, sizeof(*rule));
	struct parser parser = { .reader = reader, .table = table, .rule = rule };
	rule->line = *line;
	while (peek(&parser))
		if (!take_word(&parser))
			return NULL;
	if (parser.negation) {
		complain(&parser, parser.negation, "a ! with no option behind it");
		return NULL;
	}
	if (!rule->command) {
		complain(&parser, &line->words[0], "a line of a table says -A CHAIN, :CHAIN or COMMIT");
		return NULL;
	}
	return rule;
}
