/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_packets pa_allow pa_base
/*
 * JSON lines and the words of `explain`. Tables of text in, text out; a single quote in a JSON line stands for a double one.
 * A packet is written as its family, path and fields; what every packet has (its family's constants, marks 0, the original
 * direction) is left out, and written when it is otherwise.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "portaudit/packets.h"

/* --- a packet as text ---------------------------------------------------------------------------------------------- */
static bool is_constant(const struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	return packet->known[field] && packet->value[field] == value;
}

/* What is not to be written. */
static bool is_plain(const struct pa_packet *packet, enum pa_field field)
{
	bool v4 = packet->family == 4;
	if (field == PA_FIELD_NFPROTO)
		return is_constant(packet, field, v4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6);
	if (field == PA_FIELD_IP_VERSION || field == PA_FIELD_IP_HDRLENGTH)
		return v4 ? is_constant(packet, field, field == PA_FIELD_IP_VERSION ? 4 : 5) : !packet->known[field];
	if (field == PA_FIELD_IP6_NEXTHDR)
		return v4 ? !packet->known[field]
			  : packet->known[field] == packet->known[PA_FIELD_L4PROTO] &&
				       packet->value[field] == packet->value[PA_FIELD_L4PROTO];
	if (field == PA_FIELD_EXTHDRS || field == PA_FIELD_FRAG || field == PA_FIELD_IP_OPTIONS)
		return is_constant(packet, field, 0);
	if (field == PA_FIELD_TCP_OPTIONS)
		return packet->known[field] == (packet->known[PA_FIELD_L4PROTO] && packet->value[PA_FIELD_L4PROTO] != 6);
	if (field == PA_FIELD_MARK || field == PA_FIELD_CT_MARK || field == PA_FIELD_CT_DIRECTION)
		return is_constant(packet, field, 0);
	return !packet->known[field];
}

static void add_field(const struct pa_packet *packet, enum pa_field field, struct pa_buffer *out)
{
	char address[PA_ADDRESS_TEXT_MAX], name[PA_IFNAME_MAX + 1];
	pa_buffer_printf(out, " %s=", pa_field_info(field)->name);
	if (!packet->known[field]) {
		pa_buffer_puts(out, "?");
	} else if (field == PA_FIELD_SADDR || field == PA_FIELD_DADDR) {
		pa_address_format(packet->value[field], packet->family, address);
		pa_buffer_puts(out, address);
	} else if (field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME) {
		pa_ifname_format(packet->value[field], name);
		pa_buffer_puts(out, name);
	} else {
		pa_buffer_printf(out, "%llu", (unsigned long long)packet->value[field]);
	}
}

static void add_packet(const struct pa_packet *packet, bool path_known, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%d %s", packet->family, path_known ? pa_path_name(packet->path) : "-");
	for (unsigned field = 0; field < PA_FIELD_COUNT; field++)
		if (!is_plain(packet, field))
			add_field(packet, field, out);
}

static void add_line(const struct pa_packet_line *line, struct pa_buffer *out)
{
	static const char *const fates[] = {
		[PA_FATE_ACCEPT] = "accept", [PA_FATE_DROP] = "drop", [PA_FATE_REJECT] = "reject", [PA_FATE_DEPENDS] = "depends"
	};
	pa_buffer_printf(out, "%s: ", line->id_json);
	add_packet(&line->packet, line->path_known, out);
	if (line->has_expect)
		pa_buffer_printf(out, " -> %s%s%s (%s)", line->expect_path_known ? pa_path_name(line->expect_path) : "",
				 line->expect_path_known ? "-" : "", fates[line->expect], line->expect_text);
}

/* LINE:COLUMN+LENGTH message (help), one after the other. */
static void add_diags(const struct pa_diags *diags, struct pa_buffer *out)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct pa_diag *diag = &diags->items[i];
		ck_assert_int_eq(diag->kind, PA_DIAG_INPUT);
		pa_buffer_puts(out, out->length ? "; " : "");
		pa_buffer_puts(out, diag->level == PA_DIAG_NOTE ? "note: " : "");
		if (diag->where.file)
			pa_buffer_printf(out, "%u:%u+%u ", diag->where.line, diag->where.column, diag->where.length);
		pa_buffer_puts(out, diag->message);
		if (diag->help)
			pa_buffer_printf(out, " (%s)", diag->help);
	}
}

struct in_out {
	const char *in, *out;
};

static char *with_double_quotes(const char *text)
{
	char *copy = pa_xstrdup(text);
	for (char *at = strchr(copy, '\''); at; at = strchr(at, '\''))
		*at = '"';
	return copy;
}

/* Packets, or errors: never both. */
static void check_lines(const char *text, size_t length, const char *expected)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer out = { 0 };
	struct pa_packet_file *file = pa_packets_parse(text, length, "p.jsonl", &diags);
	ck_assert(!file == pa_diags_has_errors(&diags));
	for (size_t i = 0; file && i < file->count; i++) {
		pa_buffer_puts(&out, i ? "; " : "");
		add_line(&file->lines[i], &out);
		ck_assert_str_eq(file->lines[i].where.file, "p.jsonl");
	}
	add_diags(&diags, &out);
	pa_buffer_puts(&out, "");
	ck_assert_msg(strcmp(out.data, expected) == 0, "%s\nexpected %s\nseen     %s", text, expected, out.data);
	pa_packets_free(file);
	pa_diags_done(&diags);
	pa_buffer_done(&out);
}

static void check_table_row(const struct in_out *row)
{
	char *text = with_double_quotes(row->in);
	check_lines(text, strlen(text), row->out);
	free(text);
}

/* --- lines that are packets ------------------------------------------------------------------------------------------- */
static const struct in_out accepted[] = {
	/* the example of the manual */
	{ "{'id':7,'iif':'eth0','family':4,'proto':'tcp','src':'198.51.100.7','sport':40000,'dst':'192.0.2.1','dport':22,"
	  "'flags':'syn','state':'new'}",
	  "7: 4 - iifname=eth0 meta l4proto=6 saddr=198.51.100.7 daddr=192.0.2.1 sport=40000 dport=22 tcp flags=2 ct state=8" },
	/* the family: said, or told by an address, or by the protocol's name */
	{ "{'family':4}", "null: 4 -" },
	{ "{'family':6}", "null: 6 -" },
	{ "{'src':'192.0.2.1'}", "null: 4 - saddr=192.0.2.1" },
	{ "{'dst':'2001:db8::1'}", "null: 6 - daddr=2001:db8::1" },
	{ "{'proto':'icmp'}", "null: 4 - meta l4proto=1" },
	{ "{'proto':'icmpv6'}", "null: 6 - meta l4proto=58" },
	{ "{'family':6,'src':'::ffff:192.0.2.1'}", "null: 6 - saddr=::ffff:192.0.2.1" },
	{ "{'family':6,'proto':'icmp','type':8}", "null: 6 - meta l4proto=1 sport=2048 icmp type=8 icmp code=0" },
	/* protocols */
	{ "{'family':4,'proto':'tcp'}", "null: 4 - meta l4proto=6 tcp flags=2" },
	{ "{'family':4,'proto':6,'dport':0}", "null: 4 - meta l4proto=6 dport=0 tcp flags=2" },
	{ "{'family':4,'proto':'udp','dport':53}", "null: 4 - meta l4proto=17 dport=53" },
	{ "{'family':6,'proto':'udplite','sport':1,'dport':65535}", "null: 6 - meta l4proto=136 sport=1 dport=65535" },
	{ "{'family':4,'proto':'sctp','dport':9}", "null: 4 - meta l4proto=132 dport=9" },
	{ "{'family':4,'proto':'dccp','dport':9}", "null: 4 - meta l4proto=33 dport=9" },
	{ "{'family':4,'proto':0}", "null: 4 - meta l4proto=0" },
	{ "{'family':6,'proto':255}", "null: 6 - meta l4proto=255" },
	/* icmp: the first bytes are also what `th sport` reads */
	{ "{'proto':'icmp','type':8}", "null: 4 - meta l4proto=1 sport=2048 icmp type=8 icmp code=0" },
	{ "{'proto':'icmp','type':3,'code':4}", "null: 4 - meta l4proto=1 sport=772 icmp type=3 icmp code=4" },
	{ "{'proto':'icmpv6','type':255,'code':255}", "null: 6 - meta l4proto=58 sport=65535 icmp type=255 icmp code=255" },
	{ "{'family':4,'proto':58,'type':128}", "null: 4 - meta l4proto=58 sport=32768 icmp type=128 icmp code=0" },
	/* flags */
	{ "{'family':4,'proto':'tcp','flags':'none'}", "null: 4 - meta l4proto=6 tcp flags=0" },
	{ "{'family':4,'proto':'tcp','flags':'syn,ack'}", "null: 4 - meta l4proto=6 tcp flags=18" },
	{ "{'flags':'fin,syn,rst,psh,ack,urg,ecn,cwr','proto':'tcp','family':4}", "null: 4 - meta l4proto=6 tcp flags=255" },
	/* conntrack */
	{ "{'family':4,'state':'new'}", "null: 4 - ct state=8" },
	{ "{'family':4,'state':'established','direction':'reply'}", "null: 4 - ct state=2 ct direction=1" },
	{ "{'family':4,'state':'established'}", "null: 4 - ct state=2" },
	{ "{'family':4,'state':'related'}", "null: 4 - ct state=4 ct direction=?" },
	{ "{'family':4,'state':'related','direction':'original'}", "null: 4 - ct state=4" },
	{ "{'family':4,'state':'invalid'}", "null: 4 - ct state=1" },
	{ "{'family':4,'state':'untracked'}", "null: 4 - ct state=64" },
	{ "{'family':4,'status':[]}", "null: 4 - ct status=0" },
	{ "{'family':4,'status':['dnat','snat','seen-reply','assured','confirmed']}", "null: 4 - ct status=62" },
	{ "{'family':4,'mark':4294967295,'ct_mark':1}", "null: 4 - ct mark=1 meta mark=4294967295" },
	/* the rest of the header */
	{ "{'family':4,'ttl':0,'dscp':63,'pkttype':'host','length':20}",
	  "null: 4 - meta pkttype=0 dscp=63 ttl=0 ip length=20 meta length=20" },
	{ "{'family':6,'ttl':255,'dscp':0,'pkttype':'broadcast','length':40}",
	  "null: 6 - meta pkttype=1 dscp=0 ttl=255 ip6 length=0 meta length=40" },
	{ "{'family':4,'length':65535,'pkttype':'multicast'}", "null: 4 - meta pkttype=2 ip length=65535 meta length=65535" },
	{ "{'family':6,'length':65575,'pkttype':'other'}", "null: 6 - meta pkttype=3 ip6 length=65535 meta length=65575" },
	/* paths and interfaces */
	{ "{'family':4,'path':'in','iif':'lo'}", "null: 4 in iifname=lo" },
	{ "{'family':4,'path':'forward','iif':'a','oif':'br-0123456789ab'}",
	  "null: 4 forward iifname=a oifname=br-0123456789ab" },
	{ "{'family':4,'path':'out','oif':'eth0.7'}", "null: 4 out oifname=eth0.7" },
	{ "{'family':4,'oif':'eth1'}", "null: 4 - oifname=eth1" },
	/* ids and expectations */
	{ "{'id':'web-1','family':4,'expect':'in-accept'}", "\"web-1\": 4 - -> in-accept (in-accept)" },
	{ "{'id':-9223372036854775808,'family':4,'expect':'forward-accept'}",
	  "-9223372036854775808: 4 - -> forward-accept (forward-accept)" },
	{ "{'id':'\\u001b\\\\\\n','family':4,'expect':'out-accept'}", "\"\\u001B\\\\\\n\": 4 - -> out-accept (out-accept)" },
	{ "{'family':4,'expect':'drop'}", "null: 4 - -> drop (drop)" },
	{ "{'family':4,'expect':'reject'}", "null: 4 - -> reject (reject)" },
	{ "{'family':4,'expect':'depends'}", "null: 4 - -> depends (depends)" },
	/* lines */
	{ "\n  \t\n{'family':4}\r\n\r\n{'family':6}", "null: 4 -; null: 6 -" },
	{ "\xef\xbb\xbf{'family':4}\n", "null: 4 -" },
};

START_TEST(accepts)
{
	check_table_row(&accepted[_i]);
}
END_TEST

/* --- lines that are not ----------------------------------------------------------------------------------------------- */
static const struct in_out refused[] = {
	/* no JSON, or not an object */
	{ "", "p.jsonl: no packet in it (a packet is a line such as {\"proto\":\"tcp\",\"dst\":\"192.0.2.1\",\"dport\":22})" },
	{ "[]", "1:1+2 a packet is a JSON object (write {\"proto\":\"tcp\",\"dst\":\"192.0.2.1\",\"dport\":22})" },
	{ "{'family':4", "1:11+1 not a JSON object: '}' expected near end of file" },
	{ "{'family':4} x", "1:14+1 not a JSON object: end of file expected near 'x'" },
	{ "{'family':4,'family':4}", "1:20+1 not a JSON object: duplicate object key near '\"family\"'" },
	{ "{'family':4,'ttl':99999999999999999999}", "1:38+1 not a JSON object: too big integer near '99999999999999999999'" },
	{ "{'family':4,'iif':'\\u0000'}",
	  "1:26+1 not a JSON object: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"\\u0000\"'" },
	{ "{'family':4,'iif':'\xff'}", "1:19+1 not a JSON object: unable to decode byte 0xff near '\"'" },
	/* keys */
	{ "{'family':4,'dprot':22,'proto':'tcp'}", "1:13+7 unknown key 'dprot' (did you mean 'dport'?)" },
	{ "{'family':4,'expects':'drop'}", "1:13+9 unknown key 'expects' (did you mean 'expect'?)" },
	{ "{'family':4,'colour':1}", "1:13+8 unknown key 'colour'" },
	/* types */
	{ "{'family':'4'}", "1:11+3 family must be 4 or 6" },
	{ "{'family':5}", "1:11+1 family must be 4 or 6" },
	{ "{'family':null}", "1:11+4 family must be 4 or 6" },
	{ "{'family':4,'id':1.5}", "1:18+3 id must be a whole number or a string" },
	{ "{'family':4,'proto':'udp','dport':'53'}", "1:35+4 dport must be a whole number" },
	{ "{'family':4,'proto':'udp','dport':53.0}", "1:35+4 dport must be a whole number" },
	{ "{'family':4,'proto':['tcp']}", "1:21+7 proto must be a name or a whole number" },
	{ "{'family':4,'src':1}", "1:19+1 src must be a string" },
	{ "{'family':4,'iif':2}", "1:19+1 iif must be a string" },
	{ "{'family':4,'proto':'tcp','flags':2}", "1:35+1 flags must be a string" },
	{ "{'family':4,'state':true}", "1:21+4 state must be a string" },
	{ "{'family':4,'status':'dnat'}", "1:22+6 status must be a list of strings" },
	{ "{'family':4,'status':[32]}", "1:22+4 status must be a list of strings" },
	/* ranges */
	{ "{'family':4,'proto':'tcp','dport':65536}", "1:35+5 dport 65536 is out of range (dport is 0 to 65535)" },
	{ "{'family':4,'proto':'tcp','sport':-1}", "1:35+2 sport -1 is out of range (sport is 0 to 65535)" },
	{ "{'family':4,'proto':256}", "1:21+3 proto 256 is out of range (proto is 0 to 255)" },
	{ "{'proto':'icmp','type':256}", "1:24+3 type 256 is out of range (type is 0 to 255)" },
	{ "{'family':4,'mark':4294967296}", "1:20+10 mark 4294967296 is out of range (mark is 0 to 4294967295)" },
	{ "{'family':4,'ct_mark':-1}", "1:23+2 ct_mark -1 is out of range (ct_mark is 0 to 4294967295)" },
	{ "{'family':4,'ttl':256}", "1:19+3 ttl 256 is out of range (ttl is 0 to 255)" },
	{ "{'family':4,'dscp':64}", "1:20+2 dscp 64 is out of range (dscp is 0 to 63)" },
	{ "{'family':4,'length':19}", "1:22+2 length 19 is out of range (length is 20 to 65575)" },
	{ "{'family':4,'length':65536}", "1:22+5 an IPv4 packet has at most 65535 bytes" },
	{ "{'family':6,'length':39}", "1:22+2 an IPv6 packet has at least 40 bytes" },
	/* words */
	{ "{'family':4,'proto':'tpc'}", "1:21+5 unknown proto 'tpc' (did you mean 'tcp'?)" },
	{ "{'family':4,'proto':'gre'}", "1:21+5 unknown proto 'gre' (it is tcp, udp, udplite, sctp, dccp, icmp or icmpv6)" },
	{ "{'family':4,'state':'NEW'}", "1:21+5 unknown state 'NEW' (did you mean 'new'?)" },
	{ "{'family':4,'state':'open'}",
	  "1:21+6 unknown state 'open' (it is new, established, related, invalid or untracked)" },
	{ "{'family':4,'path':'input'}", "1:20+7 unknown path 'input' (it is in, forward or out)" },
	{ "{'family':4,'direction':'both'}", "1:25+6 unknown direction 'both' (it is original or reply)" },
	{ "{'family':4,'status':['dnat','expected']}",
	  "1:22+19 unknown status 'expected' (it is dnat, snat, seen-reply, assured or confirmed)" },
	{ "{'family':4,'pkttype':'unicast'}", "1:23+9 unknown pkttype 'unicast' (it is host, broadcast, multicast or other)" },
	{ "{'family':4,'expect':'accept'}",
	  "1:22+8 unknown expect 'accept' (it is in-accept, forward-accept, out-accept, drop, reject or depends)" },
	{ "{'family':4,'proto':'tcp','flags':'syn,akc'}", "1:35+9 unknown flag 'akc' (did you mean 'ack'?)" },
	{ "{'family':4,'proto':'tcp','flags':''}", "1:35+2 unknown flag '' (it is fin, syn, rst, psh, ack, urg, ecn or cwr)" },
	{ "{'family':4,'proto':'tcp','flags':'syn,none'}",
	  "1:35+10 unknown flag 'none' (it is fin, syn, rst, psh, ack, urg, ecn or cwr)" },
	{ "{'family':4,'proto':'tcp','flags':'syn,syn'}", "1:35+9 the flag 'syn' is given twice" },
	/* addresses and interfaces */
	{ "{'src':'192.0.2.0/24'}",
	  "1:8+14 src '192.0.2.0/24' is not an address (a packet has one address: name one of the network)" },
	{ "{'dst':'fe80::1%eth0'}", "1:8+14 dst 'fe80::1%eth0' is not an address (leave the zone ('%' and what follows) out)" },
	{ "{'dst':'localhost'}",
	  "1:8+11 dst 'localhost' is not an address (an address is written 192.0.2.1 or 2001:db8::1; names are not looked up)" },
	{ "{'dst':'any','family':4}", "1:8+5 dst 'any' is not an address (leave it out)" },
	{ "{'dst':'self','family':4}", "1:8+6 dst 'self' is not an address (name one of the host's addresses)" },
	{ "{'family':4,'iif':''}", "1:19+2 '' is no interface name: it is empty" },
	{ "{'family':4,'oif':'0123456789abcdef'}",
	  "1:19+18 '0123456789abcdef' is no interface name: it is longer than 15 bytes" },
	{ "{'family':4,'iif':'eth*'}",
	  "1:19+6 'eth*' is no interface name: it is a pattern, and a packet comes through one interface" },
	{ "{'family':4,'iif':'eth0:1'}", "1:19+8 'eth0:1' is no interface name: it holds a blank, '/' or ':'" },
	{ "{'family':4,'iif':'..'}", "1:19+4 '..' is no interface name: the kernel has no such name" },
	/* keys that do not fit each other */
	{ "{}", "1:1+2 the packet has no family (add \"family\":4, \"family\":6, or an address)" },
	{ "{'proto':'tcp','dport':22}", "1:1+26 the packet has no family (add \"family\":4, \"family\":6, or an address)" },
	{ "{'family':4,'src':'2001:db8::1'}", "1:19+13 src is an IPv6 address in an IPv4 packet" },
	{ "{'family':6,'src':'::1','dst':'192.0.2.1'}", "1:31+11 dst is an IPv4 address in an IPv6 packet" },
	{ "{'src':'192.0.2.1','dst':'::1'}", "1:26+5 dst is an IPv6 address in an IPv4 packet" },
	{ "{'family':4,'dport':22}", "1:13+7 dport without proto" },
	{ "{'family':4,'flags':'syn'}", "1:13+7 flags without proto" },
	{ "{'family':4,'proto':47,'dport':22}", "1:24+7 gre has no ports" },
	{ "{'family':4,'proto':254,'sport':22}", "1:25+7 254 has no ports" },
	{ "{'proto':'icmp','dport':8}", "1:17+7 icmp has no ports (it has type and code)" },
	{ "{'family':4,'proto':'tcp','type':8}", "1:27+6 tcp has no type" },
	{ "{'family':4,'proto':'udp','flags':'syn'}", "1:27+7 udp has no flags" },
	{ "{'proto':'icmp','code':4}", "1:17+6 code without type" },
	{ "{'family':4,'path':'out','iif':'eth0'}",
	  "1:32+6 a packet of path out has no iif (name the interface that it leaves through: oif)" },
	{ "{'family':4,'path':'in','oif':'eth0'}",
	  "1:31+6 a packet of path in has no oif (name the interface that it comes in through: iif)" },
	{ "{'family':4,'direction':'reply'}",
	  "1:25+7 a new packet has the original direction (add \"state\":\"established\")" },
	{ "{'family':4,'state':'new','direction':'reply'}",
	  "1:39+7 a new packet has the original direction (add \"state\":\"established\")" },
	/* one slip, one error; all slips of all lines */
	{ "{'family':7,'proto':'tcp','dport':22}", "1:11+1 family must be 4 or 6" },
	{ "{'famly':4}", "1:2+7 unknown key 'famly' (did you mean 'family'?)" },
	{ "{'family':4,'proto':'tpc','dport':22}", "1:21+5 unknown proto 'tpc' (did you mean 'tcp'?)" },
	{ "{'family':4,'state':'nwe','direction':'reply'}", "1:21+5 unknown state 'nwe' (did you mean 'new'?)" },
	{ "{'src':'x','dst':'y'}\n{'family':4}\n\n{'ttl':-1,'family':6}",
	  "1:8+3 src 'x' is not an address (an address is written 192.0.2.1 or 2001:db8::1; names are not looked up); "
	  "1:18+3 dst 'y' is not an address (an address is written 192.0.2.1 or 2001:db8::1; names are not looked up); "
	  "4:8+2 ttl -1 is out of range (ttl is 0 to 255)" },
	/* places: errors in the order of columns, keys in strings and in nested values, keys written with escapes */
	{ "{'dport':70000,'ttl':300,'proto':'tcp','family':4,'sport':-5}",
	  "1:10+5 dport 70000 is out of range (dport is 0 to 65535); 1:22+3 ttl 300 is out of range (ttl is 0 to 255); "
	  "1:59+2 sport -5 is out of range (sport is 0 to 65535)" },
	{ "{'id':'\\'ttl\\':1','family':4,'x':{'ttl':[1,{}]},'ttl' : 300 }",
	  "1:30+3 unknown key 'x'; 1:57+3 ttl 300 is out of range (ttl is 0 to 255)" },
	{ "{'family':4,'\\u0074tl':300}", "1:1+27 ttl 300 is out of range (ttl is 0 to 255)" },
};

START_TEST(refuses)
{
	check_table_row(&refused[_i]);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------------------------------- */
static void add_lines(struct pa_buffer *text, const char *line, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		pa_buffer_puts(text, line);
}

START_TEST(stops_after_a_hundred_errors)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer text = { 0 };
	add_lines(&text, "{\"family\":4,\"ttl\":-1}\n", 150);
	ck_assert_ptr_null(pa_packets_parse(text.data, text.length, "many", &diags));
	ck_assert_uint_eq(diags.count, 101);
	ck_assert_uint_eq(diags.items[99].where.line, 100);
	ck_assert_str_eq(diags.items[100].message, "many: stopped at line 100, after 100 errors");
	ck_assert_int_eq(diags.items[100].level, PA_DIAG_NOTE);
	pa_diags_done(&diags);
	pa_buffer_done(&text);
}
END_TEST

/* No note where nothing was left. */
START_TEST(tells_of_a_hundred_errors)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer text = { 0 };
	add_lines(&text, "{\"family\":4,\"ttl\":-1}\n", 100);
	ck_assert_ptr_null(pa_packets_parse(text.data, text.length, "many", &diags));
	ck_assert_uint_eq(diags.count, 100);
	pa_diags_done(&diags);
	pa_buffer_done(&text);
}
END_TEST

START_TEST(reads_many_lines)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer text = { 0 };
	add_lines(&text, "{\"family\":4,\"ttl\":7}\n", 5000);
	struct pa_packet_file *file = pa_packets_parse(text.data, text.length, "many", &diags);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(file->count, 5000);
	ck_assert_uint_eq(file->lines[4999].where.line, 5000);
	ck_assert(file->lines[4999].packet.value[PA_FIELD_TTL] == 7);
	pa_packets_free(file);
	pa_diags_done(&diags);
	pa_buffer_done(&text);
}
END_TEST

/* A NUL byte is not the end of the text. */
START_TEST(refuses_a_nul_byte)
{
	static const char text[] = "{\"family\":4}\0\n{\"family\":4,\"ttl\":\0}\n{\"family\":5}\n";
	check_lines(text, sizeof(text) - 1, "1:13+1 a NUL byte; 2:19+1 a NUL byte; 3:11+1 family must be 4 or 6");
}
END_TEST

START_TEST(shows_the_line)
{
	struct pa_diags diags = { 0 };
	static const char text[] = "\n{\"family\":5}\n{}";
	ck_assert_ptr_null(pa_packets_parse(text, sizeof(text) - 1, "p.jsonl", &diags));
	ck_assert_str_eq(diags.items[0].source, "{\"family\":5}");
	ck_assert_str_eq(diags.items[0].where.file, "p.jsonl");
	ck_assert_str_eq(diags.items[1].source, "{}");
	pa_diags_done(&diags);
}
END_TEST

static void check_load(const char *path, const char *expected)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer out = { 0 };
	ck_assert_ptr_null(pa_packets_load(path, &diags));
	add_diags(&diags, &out);
	ck_assert_str_eq(out.data, expected);
	pa_diags_done(&diags);
	pa_buffer_done(&out);
}

START_TEST(says_what_cannot_be_read)
{
	check_load("/nonexistent/p.jsonl", "cannot read /nonexistent/p.jsonl: No such file or directory");
	check_load("/", "cannot read /: Is a directory");
	check_load("/dev/null", "/dev/null: no packet in it (a packet is a line such as "
				"{\"proto\":\"tcp\",\"dst\":\"192.0.2.1\",\"dport\":22})");
}
END_TEST

START_TEST(does_not_read_without_end)
{
	check_load("/dev/zero", "cannot read /dev/zero: it is larger than 256 MB");
}
END_TEST

START_TEST(reads_standard_input)
{
	static const char text[] = "{\"id\":1,\"family\":4}\n";
	int ends[2];
	struct pa_diags diags = { 0 };
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], text, sizeof(text) - 1), (int)sizeof(text) - 1);
	close(ends[1]);
	ck_assert_int_ge(dup2(ends[0], 0), 0);
	struct pa_packet_file *file = pa_packets_load("-", &diags);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(file->count, 1);
	ck_assert_str_eq(file->lines[0].where.file, "standard input");
	pa_packets_free(file);
	close(ends[0]);
}
END_TEST

/* The packets that the kernel has judged. */
START_TEST(reads_the_cases)
{
	glob_t found;
	size_t count = 0;
	ck_assert_int_eq(glob(PA_SOURCE_DIR "/tests/packets/*.jsonl", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct pa_diags diags = { 0 };
		struct pa_packet_file *file = pa_packets_load(found.gl_pathv[i], &diags);
		ck_assert_msg(file, "%s: %s", found.gl_pathv[i], diags.count ? diags.items[0].message : "");
		for (size_t j = 0; j < file->count; j++)
			ck_assert(file->lines[j].has_expect);
		count += file->count;
		pa_packets_free(file);
		pa_diags_done(&diags);
	}
	ck_assert_uint_gt(count, 1000);
	globfree(&found);
}
END_TEST

/* --- explain ------------------------------------------------------------------------------------------------------------ */
static void check_words(const char *text, const char *expected)
{
	const char *words[40];
	size_t count = 0;
	char *copy = pa_xstrdup(text), *rest = NULL;
	for (char *word = strtok_r(copy, " ", &rest); word && count < 40; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	struct pa_packet packets[PA_EXPLAIN_MAX];
	struct pa_diags diags = { 0 };
	struct pa_buffer out = { 0 };
	bool path_known = false;
	size_t made = pa_explain_parse(words, count, packets, &path_known, &diags);
	ck_assert((made == 0) == pa_diags_has_errors(&diags));
	for (size_t i = 0; i < made; i++) {
		pa_buffer_puts(&out, i ? "; " : "");
		add_packet(&packets[i], path_known, &out);
	}
	add_diags(&diags, &out);
	ck_assert_msg(strcmp(out.data, expected) == 0, "%s\nexpected %s\nseen     %s", text, expected, out.data);
	pa_diags_done(&diags);
	pa_buffer_done(&out);
	free(copy);
}

static const struct in_out explained[] = {
	{ "3306/tcp from 203.0.113.7 on eth0", "4 - iifname=eth0 meta l4proto=6 saddr=203.0.113.7 dport=3306 tcp flags=2" },
	{ "3306/tcp from 203.0.113.7 port 40000 to 192.0.2.1 on eth0",
	  "4 - iifname=eth0 meta l4proto=6 saddr=203.0.113.7 daddr=192.0.2.1 sport=40000 dport=3306 tcp flags=2" },
	{ "22/tcp", "4 - meta l4proto=6 dport=22 tcp flags=2; 6 - meta l4proto=6 dport=22 tcp flags=2" },
	{ "ssh ipv6", "6 - meta l4proto=6 dport=22 tcp flags=2" },
	{ "ping",
	  "4 - meta l4proto=1 sport=2048 icmp type=8 icmp code=0; 6 - meta l4proto=58 sport=32768 icmp type=128 icmp code=0" },
	{ "ping from 2001:db8::7", "6 - meta l4proto=58 saddr=2001:db8::7 sport=32768 icmp type=128 icmp code=0" },
	{ "8/icmp", "4 - meta l4proto=1 sport=2048 icmp type=8 icmp code=0" },
	{ "3:4/icmp", "4 - meta l4proto=1 sport=772 icmp type=3 icmp code=4" },
	{ "fragmentation-needed/icmp", "4 - meta l4proto=1 sport=772 icmp type=3 icmp code=4" },
	{ "echo-request/icmpv6", "6 - meta l4proto=58 sport=32768 icmp type=128 icmp code=0" },
	{ "domain/udp ipv4", "4 - meta l4proto=17 dport=53" },
	{ "53/17 ipv4", "4 - meta l4proto=17 dport=53" },
	{ "any/gre ipv4", "4 - meta l4proto=47" },
	{ "any/254 ipv4", "4 - meta l4proto=254" },
	{ "0/udp ipv4", "4 - meta l4proto=17 dport=0" },
	{ "out 443/tcp to 2001:db8::1 on eth1", "6 out oifname=eth1 meta l4proto=6 daddr=2001:db8::1 dport=443 tcp flags=2" },
	{ "on eth1 443/tcp ipv4 out", "4 out oifname=eth1 meta l4proto=6 dport=443 tcp flags=2" },
	{ "443/tcp forward on eth1 ipv4", "4 forward iifname=eth1 meta l4proto=6 dport=443 tcp flags=2" },
	{ "443/tcp in ipv4", "4 in meta l4proto=6 dport=443 tcp flags=2" },
	{ "443/tcp ipv4 state established", "4 - meta l4proto=6 dport=443 tcp flags=2 ct state=2" },
	{ "443/tcp ipv4 state related", "4 - meta l4proto=6 dport=443 tcp flags=2 ct state=4 ct direction=?" },
	{ "443/tcp ipv4 from any port any to any on any", "4 - meta l4proto=6 dport=443 tcp flags=2" },
	{ "443/tcp ipv4 from any port 53", "4 - meta l4proto=6 sport=53 dport=443 tcp flags=2" },
	/* only a part is followed */
	{ "domain ipv4", "4 - meta l4proto=6 dport=53 tcp flags=2; note: domain is more than one packet: this is 53/tcp "
			 "(for another, write its PORT/PROTOCOL)" },
	{ "ceph-osd/tcp ipv6", "6 - meta l4proto=6 dport=6800 tcp flags=2; note: ceph-osd/tcp is more than one packet: this is "
			       "6800/tcp (for another, write its PORT/PROTOCOL)" },
	{ "icmpv6-essential", "6 - meta l4proto=58 sport=256 icmp type=1 icmp code=0; note: icmpv6-essential is more than one "
			      "packet: this is 1/icmpv6 (for another, write its PORT/PROTOCOL)" },
	/* errors */
	{ "", "name a port or a service to explain (write 22/tcp, or the name of a service)" },
	{ "from 192.0.2.1", "name a port or a service to explain (write 22/tcp, or the name of a service)" },
	{ "any", "'any' is more than one packet (name a port: 22/tcp)" },
	{ "any/tcp", "'any/tcp' is more than one packet (name a port: 22/tcp)" },
	{ "22", "'22' has no protocol (write 22/tcp)" },
	{ "tcp/22", "'tcp/22' has the protocol first (write 22/tcp)" },
	{ "22/", "'22/' is not PORT/PROTOCOL (write PORT/PROTOCOL: 22/tcp)" },
	{ "/tcp", "'/tcp' is not PORT/PROTOCOL (write PORT/PROTOCOL: 22/tcp)" },
	{ "1/2/3", "'1/2/3' is not PORT/PROTOCOL (write PORT/PROTOCOL: 22/tcp)" },
	{ "22/tpc", "unknown protocol 'tpc' (did you mean 'tcp'?)" },
	{ "22/256", "protocol 256 is out of range (protocols are 0 to 255)" },
	{ "22/gre", "protocol gre has no ports (write any/gre)" },
	{ "gre", "'gre' is a protocol, not a port (write any/gre)" },
	{ "udp", "'udp' is a protocol, not a port (write 22/udp)" },
	{ "icmp", "'icmp' has no ICMP type (write ping, or echo-request/icmp)" },
	{ "65536/tcp", "port 65536 is out of range (ports are 0 to 65535)" },
	{ "80-90/tcp", "'80-90/tcp' is more than one port (name one: 80/tcp)" },
	{ "80,443/tcp", "'80,443/tcp' is more than one port (name one: 80/tcp)" },
	{ "shh", "unknown service 'shh' (did you mean 'ssh'?)" },
	{ "nonsense-word", "unknown service 'nonsense-word' (write PORT/PROTOCOL: 22/tcp)" },
	{ "shh/tcp", "unknown port 'shh' (did you mean 'ssh'?)" },
	{ "ntp/tcp", "'ntp/tcp': the service has no such port (write ntp)" },
	{ "256/icmp", "'256/icmp' is out of range (ICMP types and codes are 0 to 255)" },
	{ "8:256/icmp", "'8:256/icmp' is out of range (ICMP types and codes are 0 to 255)" },
	{ "echo-requst/icmp", "'echo-requst/icmp' names no ICMP type (did you mean 'echo-request'?)" },
	{ "any/icmp", "'any/icmp' names no ICMP type (name one type: ping, 8/icmp, 3:4/icmp)" },
	{ "8/icmp ipv6", "'8/icmp' is IPv4's" },
	{ "8/icmp port 7 from any port 7",
	  "unexpected word 'port' (the source port follows 'from ADDRESS', the destination port is "
	  "the first word: 22/tcp); unexpected word '7' (after the service: from, to, on, in, "
	  "forward, out, ipv4, ipv6 or state)" },
	{ "ping from any port 7", "'ping' has no source port" },
	{ "any/gre from any port 7", "'any/gre' has no source port" },
	{ "22/tcp form 10.0.0.1", "unexpected word 'form' (did you mean 'from'?)" },
	{ "22/tcp 80/tcp",
	  "unexpected word '80/tcp' (after the service: from, to, on, in, forward, out, ipv4, ipv6 or state)" },
	{ "22/tcp from", "'from' needs an address" },
	{ "22/tcp from 10.0.0.1 port", "'port' needs a number" },
	{ "22/tcp to", "'to' needs an address" },
	{ "22/tcp on", "'on' needs an interface" },
	{ "22/tcp state", "'state' needs what conntrack calls the packet" },
	{ "22/tcp state nwe", "unknown state 'nwe' (did you mean 'new'?)" },
	{ "22/tcp from 10.0.0.0/8", "'10.0.0.0/8' is not an address (a packet has one address: name one of the network)" },
	{ "22/tcp to self", "'self' is not an address (name one of the host's addresses)" },
	{ "22/tcp from 10.0.0.1 port http", "'http' is not a port number" },
	{ "22/tcp from 10.0.0.1 port 70000", "port 70000 is out of range (ports are 0 to 65535)" },
	{ "22/tcp on eth*", "'eth*' is no interface name: it is a pattern, and a packet comes through one interface" },
	{ "22/tcp from 10.0.0.1 to ::1", "'from' is an IPv4 address and 'to' is an IPv6 address" },
	{ "22/tcp ipv6 from 10.0.0.1", "an IPv4 address in an IPv6 packet" },
	{ "22/tcp ipv4 ipv6", "the family is given twice" },
	{ "22/tcp in out", "the path is given twice" },
	{ "22/tcp from 10.0.0.1 from 10.0.0.2", "'from' is given twice" },
	{ "22/tcp from x to y",
	  "'x' is not an address (an address is written 192.0.2.1 or 2001:db8::1; names are not looked up); "
	  "'y' is not an address (an address is written 192.0.2.1 or 2001:db8::1; names are not looked up)" },
};

START_TEST(explains)
{
	check_words(explained[_i].in, explained[_i].out);
}
END_TEST

/* Nothing is written where nothing was understood. */
START_TEST(leaves_the_outputs_alone)
{
	static const char *const words[] = { "22/tcp", "out", "from", "x" };
	struct pa_packet packets[PA_EXPLAIN_MAX] = { { .family = 99 } };
	struct pa_diags diags = { 0 };
	bool path_known = false;
	ck_assert_uint_eq(pa_explain_parse(words, 4, packets, &path_known, &diags), 0);
	ck_assert(!path_known && packets[0].family == 99);
	pa_diags_done(&diags);
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof(*(table))))

int main(void)
{
	Suite *suite = suite_create("packets");
	TCase *lines = tcase_create("lines"), *files = tcase_create("files"), *words = tcase_create("words");
	tcase_add_loop_test(lines, accepts, 0, ROWS(accepted));
	tcase_add_loop_test(lines, refuses, 0, ROWS(refused));
	tcase_add_test(files, stops_after_a_hundred_errors);
	tcase_add_test(files, tells_of_a_hundred_errors);
	tcase_add_test(files, reads_many_lines);
	tcase_add_test(files, refuses_a_nul_byte);
	tcase_add_test(files, shows_the_line);
	tcase_add_test(files, says_what_cannot_be_read);
	tcase_add_test(files, does_not_read_without_end);
	tcase_add_test(files, reads_standard_input);
	tcase_add_test(files, reads_the_cases);
	tcase_set_timeout(files, 60);
	tcase_add_loop_test(words, explains, 0, ROWS(explained));
	tcase_add_test(words, leaves_the_outputs_alone);
	suite_add_tcase(suite, lines);
	suite_add_tcase(suite, files);
	suite_add_tcase(suite, words);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
