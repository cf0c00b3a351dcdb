/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
/*
 * `ipset save` text, and --match-set as steps. Tables: the sets, the match, and the step as text: the parts of the key and the boxes,
 * "saddr . l4proto . dport: 10.0.0.0/8 . 6 . 80". "+" behind the key: may grow, "-": may shrink.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../rules/iptables/ipset.h"

/* --- steps as text --------------------------------------------------------------------------------------------------- */

static void put_key(struct pa_buffer *out, const struct pa_key *key)
{
	for (unsigned i = 0; i < key->count; i++) {
		const struct pa_key_part *part = &key->parts[i];
		pa_buffer_printf(out, "%s%s", i ? " . " : "", part->opaque ? part->opaque : pa_field_info(part->field)->name);
		if (!part->opaque && part->mask != pa_field_max(part->field))
			pa_buffer_printf(out, " & 0x%x", (unsigned)part->mask);
	}
}

static void put_value(struct pa_buffer *out, const struct pa_key_part *part, struct pa_interval interval)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	bool all = !part->opaque && interval.first == 0 && interval.last == pa_field_max(part->field);

	if (all) {
		pa_buffer_putc(out, '*');
	} else if (part->opaque) {
		pa_buffer_printf(out, "%u", (unsigned)interval.first);
	} else if (part->field == PA_FIELD_SADDR || part->field == PA_FIELD_DADDR) {
		pa_address_range_format(interval, pa_value_is_ipv4(interval.first) ? 4 : 6, text);
		pa_buffer_puts(out, text);
	} else if (part->field == PA_FIELD_IIFNAME || part->field == PA_FIELD_OIFNAME) {
		pa_ifname_format(interval.first, text);
		pa_buffer_printf(out, "%s%s", text, interval.first == interval.last ? "" : "*");
	} else if (interval.first == interval.last) {
		pa_buffer_printf(out, "%llu", (unsigned long long)interval.first);
	} else {
		pa_buffer_printf(out, "%llu-%llu", (unsigned long long)interval.first, (unsigned long long)interval.last);
	}
}

static void put_step(struct pa_buffer *out, const struct pa_step *step)
{
	pa_buffer_puts(out, step->negated ? "not " : step->implied ? "implied " : "");
	put_key(out, &step->key);
	pa_buffer_printf(out, "%s%s:", step->elements->may_grow ? " +" : "", step->elements->may_shrink ? " -" : "");
	if (step->elements->opaque)
		pa_buffer_printf(out, " %s", step->elements->opaque);
	for (size_t i = 0; i < step->elements->count; i++) {
		pa_buffer_puts(out, i ? ", " : " ");
		for (unsigned p = 0; p < step->elements->parts; p++) {
			pa_buffer_puts(out, p ? " . " : "");
			put_value(out, &step->key.parts[p], step->elements->keys[i * step->elements->parts + p]);
		}
	}
}

static char *lower(const char *text, struct pa_ipset_match match, const char *targets)
{
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_diags diags = { 0 };
	struct pa_arena *arena = pa_arena_new();
	struct pa_step steps[PA_IPSET_STEPS_MAX];
	struct pa_buffer out = { 0 };
	size_t count;

	ck_assert_msg(pa_ipsets_read(sets, "t", text, strlen(text), PA_DIAG_INPUT, &diags), "%s: %s", text,
		      diags.count ? diags.items[0].message : "no error");
	pa_ipsets_note_targets(sets, targets, strlen(targets));
	match.text = match.text ? match.text : "the match";
	match.family = match.family ? match.family : 4;
	pa_ipset_lower(sets, &match, arena, steps, &count);
	for (size_t i = 0; i < count; i++) {
		pa_buffer_puts(&out, i ? "; " : "");
		put_step(&out, &steps[i]);
	}
	pa_ipsets_free(sets);
	pa_arena_free(arena);
	pa_diags_done(&diags);
	return out.data;
}

#define S "create s "
static const struct {
	const char *text; /* behind "%": what iptables-save prints of SET targets */
	struct pa_ipset_match match;
	const char *expected;
} matches[] = {
	{ S "hash:ip\nadd s 10.0.0.2\nadd s 10.0.0.1\nadd s 10.1.0.0/30\n",
	  { .name = "s", .directions = "src" },
	  "saddr: 10.0.0.1-10.0.0.2, 10.1.0.0/30" },
	{ S "hash:ip\n", { .name = "s", .directions = "dst" }, "meta nfproto:" },
	{ S "hash:ip\nadd s 10.0.0.2\n", { .name = "s", .directions = "dst,src", .negated = true }, "not daddr: 10.0.0.2" },
	{ S "hash:ip family inet6\nadd s 2001:db8::1\n",
	  { .name = "s", .directions = "src", .family = 6 },
	  "saddr: 2001:db8::1" },
	{ S "hash:ip family inet6\nadd s 2001:db8::1\n", { .name = "s", .directions = "src", .family = 4 }, "meta nfproto:" },
	{ S "hash:ip netmask 24\nadd s 10.0.1.7\n", { .name = "s", .directions = "src" }, "saddr: 10.0.1.0/24" },
	{ S "hash:ip bitmask 255.0.255.0\nadd s 10.7.1.5\n",
	  { .name = "s", .directions = "src" },
	  "saddr & 0xff00ff00: 10.0.1.0" },
	{ S "hash:ip timeout 0\nadd s 10.0.0.1\n", { .name = "s", .directions = "src" }, "saddr: 10.0.0.1" },
	{ S "hash:ip timeout 60\nadd s 10.0.0.1\n", { .name = "s", .directions = "src" }, "saddr -: 10.0.0.1" },
	{ S "hash:ip timeout 60\nadd s 10.0.0.1 timeout 0\n", { .name = "s", .directions = "src" }, "saddr: 10.0.0.1" },
	{ S "hash:ip timeout 0\nadd s 10.0.0.1 timeout 5\n", { .name = "s", .directions = "src" }, "saddr -: 10.0.0.1" },
	{ S "hash:ip\nadd s 10.0.0.1\n"
	    "%"
	    "-A INPUT -j SET --add-set s src\n",
	  { .name = "s", .directions = "src" },
	  "saddr +: 10.0.0.1" },
	{ S "hash:ip forceadd\nadd s 10.0.0.1\n"
	    "%"
	    "-A INPUT -j SET --add-set \"s\" src --exist",
	  { .name = "s", .directions = "src" },
	  "saddr + -: 10.0.0.1" },
	{ S "hash:ip\nadd s 10.0.0.1\n"
	    "%"
	    "-A FORWARD -p tcp -j SET --del-set s src,dst\n",
	  { .name = "s", .directions = "src" },
	  "saddr -: 10.0.0.1" },
	{ S "hash:ip counters\nadd s 10.0.0.1 packets 4 bytes 300\n",
	  { .name = "s", .directions = "src", .tests_counters = true },
	  "saddr -: 10.0.0.1" },
	/* the most specific prefix decides */
	{ S "hash:net\nadd s 10.0.0.0/8\nadd s 10.1.0.0/16 nomatch\nadd s 10.1.2.0/24\n",
	  { .name = "s", .directions = "src" },
	  "saddr: 10.0.0.0/16, 10.1.2.0/24, 10.2.0.0-10.255.255.255" },
	{ S "hash:net\nadd s 10.0.0.0/8\nadd s 10.1.0.0/16 nomatch\nadd s 10.1.2.0/24\n",
	  { .name = "s", .directions = "src", .return_nomatch = true },
	  "saddr: 10.1.0.0/23, 10.1.3.0-10.1.255.255" },
	{ S "hash:net\nadd s 10.0.0.0-10.0.0.9 nomatch\nadd s 10.0.0.0/28\n",
	  { .name = "s", .directions = "src" },
	  "saddr: 10.0.0.10-10.0.0.15" },
	{ S "hash:net timeout 9\nadd s 10.0.0.0/8\nadd s 10.1.0.0/16 nomatch\n",
	  { .name = "s", .directions = "src" },
	  "saddr + -: 10.0.0.0/16, 10.2.0.0-10.255.255.255" },
	{ S "hash:net family inet6\nadd s 8000::/1\nadd s ffff::/16 nomatch\n",
	  { .name = "s", .directions = "src", .family = 6 },
	  "saddr: 8000::-fffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	{ S "hash:net family inet6\nadd s 8000::/1 nomatch\nadd s ffff::/16\n",
	  { .name = "s", .directions = "src", .family = 6 },
	  "saddr: ffff::/16" },
	/* ports */
	{ S "hash:ip,port\nadd s 10.0.0.1,80\nadd s 10.0.0.1,udp:53-60\n",
	  { .name = "s", .directions = "dst,dst" },
	  "daddr . meta l4proto . dport: 10.0.0.1 . 6 . 80, 10.0.0.1 . 17 . 53-60" },
	{ S "hash:ip,port\nadd s 10.0.0.1,tcp:80\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . meta l4proto . dport: 10.0.0.1 . 6 . 80" },
	{ S "hash:ip,port\nadd s 10.0.0.1,tcp:80\n", { .name = "s", .directions = "src" }, "meta nfproto:" },
	{ S "hash:ip,port\nadd s 10.0.0.1,tcp:80\n",
	  { .name = "s", .directions = "src", .negated = true },
	  "not meta nfproto:" },
	{ S "hash:ip,port\nadd s 10.0.0.1,icmp:8/0\nadd s 10.0.0.2,icmp:host-unknown\nadd s 10.0.0.3,vrrp:0\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . meta l4proto . icmp type . icmp code: 10.0.0.1 . 1 . 8 . 0, 10.0.0.2 . 1 . 3 . 7, 10.0.0.3 . 112 . * . *" },
	{ S "hash:ip,port family inet6\nadd s 2001:db8::1,icmpv6:echo-request\nadd s 2001:db8::1,ipv6-icmp:no-route\n",
	  { .name = "s", .directions = "src,src", .family = 6 },
	  "saddr . meta l4proto . icmp type . icmp code: 2001:db8::1 . 58 . 128 . 0, 2001:db8::1 . 58 . 1 . 0" },
	{ S "bitmap:port range 0-1000\nadd s 22-25\nadd s udp:80\n",
	  { .name = "s", .directions = "dst" },
	  "meta l4proto . dport: 6 . 22-25, 17 . 22-25, 6 . 80, 17 . 80" },
	{ S "hash:ip,port,ip\nadd s 10.0.0.1,tcp:80,10.0.0.2\n",
	  { .name = "s", .directions = "src,dst,dst" },
	  "saddr . meta l4proto . dport . daddr: 10.0.0.1 . 6 . 80 . 10.0.0.2" },
	{ S "hash:ip,port,net\nadd s 10.0.0.1,80,10.0.0.0/30\nadd s 10.0.0.1,80,10.0.0.2/31 nomatch\n",
	  { .name = "s", .directions = "src,dst,dst" },
	  "saddr . meta l4proto . dport . daddr: 10.0.0.1 . 6 . 80 . 10.0.0.0/31" },
	{ S "hash:ip,port,ip\nadd s 10.0.0.1,tcp:80,10.0.0.2\nadd s 10.0.0.2,tcp:80,10.0.0.2\n",
	  { .name = "s", .directions = "src,dst,src" },
	  "saddr . meta l4proto . dport: 10.0.0.2 . 6 . 80" },
	{ S "hash:net,port\nadd s 10.0.0.0/8,80-82\nadd s 10.0.0.0/9,81 nomatch\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . meta l4proto . dport: 10.128.0.0/9 . 6 . 80-82, 10.0.0.0/9 . 6 . 80, 10.0.0.0/9 . 6 . 82" },
	/* two prefixes: the first is the more important one */
	{ S "hash:net,net\nadd s 10.0.0.0/8,0.0.0.0/0 nomatch\nadd s 10.0.0.0/16,0.0.0.0/0\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . daddr: 10.0.0.0/16 . 0.0.0.0/0" },
	{ S "hash:net,net\nadd s 10.0.0.0/8,10.1.0.0/16 nomatch\nadd s 10.0.0.0/16,10.0.0.0/8\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . daddr: 10.0.0.0/16 . 10.0.0.0/8" },
	/* interfaces: the longest prefix decides, whatever its interface is */
	{ S "hash:net,iface\nadd s 10.0.0.0/8,eth0\nadd s 10.0.0.0/9,eth1\n",
	  { .name = "s", .directions = "src,src" },
	  "saddr . iifname: 10.0.0.0/9 . eth1, 10.128.0.0/9 . eth0" },
	{ S "hash:net,iface\nadd s 10.0.0.0/8,eth0\nadd s 10.0.0.0/9,physdev:eth1\n",
	  { .name = "s", .directions = "dst,dst" },
	  "daddr . oifname -: 10.0.0.0/8 . eth0" },
	{ S "hash:net,iface\nadd s 0.0.0.0/0,br wildcard\nadd s 0.0.0.0/0,eth0 nomatch\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . oifname: 0.0.0.0/0 . br*" },
	{ S "hash:net,iface\nadd s 0.0.0.0/0,br wildcard\nadd s 0.0.0.0/0,br0 nomatch\n",
	  { .name = "s", .directions = "src,dst" },
	  "saddr . oifname: entries of one prefix contradict each other" },
	{ S "hash:net,iface timeout 4\nadd s 10.0.0.0/8,eth0\n",
	  { .name = "s", .directions = "src,src" },
	  "saddr . iifname + -: 10.0.0.0/8 . eth0" },
	/* marks, Ethernet addresses */
	{ S "hash:ip,mark markmask 0xff\nadd s 10.0.0.1,0x1234\n",
	  { .name = "s", .directions = "src,src" },
	  "saddr . meta mark & 0xff: 10.0.0.1 . 52" },
	{ S "hash:mac\nadd s 00:11:22:33:44:55\n",
	  { .name = "s", .directions = "src" },
	  "implied meta iiftype: 1; ether saddr: 73588229205" },
	{ S "hash:mac\nadd s 00:11:22:33:44:55\n",
	  { .name = "s", .directions = "dst", .negated = true },
	  "not meta iiftype . ether daddr: 1 . 73588229205" },
	{ S "bitmap:ip,mac range 10.0.0.0/24\nadd s 10.0.0.5\n",
	  { .name = "s", .directions = "src,src" },
	  "implied meta iiftype: 1; saddr . ether saddr -: 10.0.0.5 . 1-281474976710655" },
	{ S "hash:ip,mac\nadd s 10.0.0.5,0:1:2:3:4:5\n",
	  { .name = "s", .directions = "src,src" },
	  "implied meta iiftype: 1; saddr . ether saddr: 10.0.0.5 . 4328719365" },
	/* lists */
	{ "create a hash:ip\nadd a 10.0.0.1\ncreate p bitmap:port range 0-99\nadd p 80\ncreate b hash:ip,port\nadd b 10.0.0.2,1\n"
	  "create x hash:ip family inet6\nadd x ::1\n" S "list:set\nadd s a\nadd s p before a\nadd s b\nadd s x\n",
	  { .name = "s", .directions = "src" },
	  "saddr . meta l4proto . sport: 10.0.0.1 . * . *, * . 6 . 80, * . 17 . 80" },
	{ "create m hash:mac\nadd m 00:00:00:00:00:01\n" S "list:set\nadd s m\n",
	  { .name = "s", .directions = "src" },
	  "meta iiftype . ether saddr: 1 . 1" },
	{ "create a hash:ip,mark markmask 1\nadd a 10.0.0.1,1\ncreate b hash:ip,mark markmask 2\nadd b 10.0.0.1,2\n" S
	  "list:set\nadd s a\nadd s b\n",
	  { .name = "s", .directions = "src,src" },
	  "saddr . meta mark & 0x1: its members are looked up with different masks" },
	{ "create a hash:ip\nadd a 10.0.0.1\n" S "list:set timeout 3\nadd s a\n",
	  { .name = "s", .directions = "src" },
	  "saddr -: 10.0.0.1" },
	/* what is added to a list is added to a member */
	{ "create a hash:ip\nadd a 10.0.0.1\n" S "list:set\nadd s a\n"
	  "%"
	  "-j SET --add-set s src",
	  { .name = "a", .directions = "src" },
	  "saddr +: 10.0.0.1" },
	{ "create a hash:ip\nadd a 10.0.0.1\n" S "list:set\nadd s a\n"
	  "%"
	  "-j SET --add-set a src",
	  { .name = "s", .directions = "src" },
	  "saddr +: 10.0.0.1" },
	{ S "hash:ip\nadd s 10.0.0.1\n"
	    "%"
	    "-j SET --add-set t src --map-set s src",
	  { .name = "s", .directions = "src" },
	  "saddr: 10.0.0.1" },
	/* forms of writing */
	{ "-N s iphash --hashsize 64\n-A s 10.0.0.1\n# comment\n\n  add  s\t10.0.0.2 comment \"a b\"\r\nCOMMIT\n",
	  { .name = "s", .directions = "src" },
	  "saddr: 10.0.0.1-10.0.0.2" },
	{ S "ipmap --from 10.0.0.0 --to 10.0.0.9\nadd s 10.0.0.9", { .name = "s", .directions = "src" }, "saddr: 10.0.0.9" },
	{ "create t hash:ip\nadd t 10.0.0.1\n" S "hash:ip\nadd s 10.0.0.2\nswap s t\ndestroy t\n",
	  { .name = "s", .directions = "src" },
	  "saddr: 10.0.0.1" },
	{ S "hash:ip\nadd s 10.0.0.2\nflush s\nadd s 10.0.0.3\nrename s u\n",
	  { .name = "u", .directions = "src" },
	  "saddr: 10.0.0.3" },
	{ S "hash:ip\n-exist create s hash:ip\n-! add s 10.0.0.3\n", { .name = "s", .directions = "src" }, "saddr: 10.0.0.3" },
	{ S "hash:ip\n", { .name = "v", .directions = "src" }, "saddr: the contents of ip set v were not given" },
	{ S "hash:ip\n",
	  { .name = "s", .directions = "both", .negated = true },
	  "not saddr: src and dst, with commas, are the directions of a set" },
};

START_TEST(test_match)
{
	char *sets = pa_xstrdup(matches[_i].text), *percent = strchr(sets, '%');
	if (percent)
		*percent = '\0';
	char *text = lower(sets, matches[_i].match, percent ? percent + 1 : "");
	ck_assert_str_eq(text, matches[_i].expected);
	free(text);
	free(sets);
}
END_TEST

/* --- errors ----------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	unsigned line, column;
	const char *message; /* how it begins */
} errors[] = {
	{ "create s hash:what\n", 1, 10, "`hash:what` is no type of set" },
	{ "create s\n", 1, 1, "`create` wants a name and a type" },
	{ "create s hash:ip family inet4\n", 1, 25, "no family of addresses" },
	{ "create s hash:ip wildcard\n", 1, 18, "`wildcard` is no option" },
	{ "create s hash:ip hashsize\n", 1, 18, "`hashsize` without a value" },
	{ "create s hash:ip netmask 33\n", 1, 26, "no length of a prefix" },
	{ "create s hash:net netmask 24\n", 1, 19, "`netmask` of a set of type hash:net is not understood" },
	{ "create s bitmap:ip\n", 1, 10, "a set of type bitmap:ip wants a range" },
	{ "create s hash:ip\ncreate s hash:ip\n", 2, 8, "a set of this name was created before" },
	{ "add s 10.0.0.1\n", 1, 5, "no set of this name was created before" },
	{ "create s hash:ip\nadd s\n", 2, 1, "`add` wants an entry" },
	{ "create s hash:ip\nadd s 10.0.0\n", 2, 7, "no IPv4 address" },
	{ "create s hash:ip\nadd s localhost\n", 2, 7, "no IPv4 address" },
	{ "create s hash:ip\nadd s 10.0.0.1,80\n", 2, 16, "more parts than entries" },
	{ "create s hash:ip,port\nadd s 10.0.0.1\n", 2, 7, "fewer parts than entries" },
	{ "create s hash:ip,port\nadd s 10.0.0.1,http\n", 2, 16, "no port number or range" },
	{ "create s hash:ip,port\nadd s 10.0.0.1,any:0\n", 2, 16, "no protocol" },
	{ "create s hash:ip,port\nadd s 10.0.0.1,vrrp:5\n", 2, 16, "a protocol without ports" },
	{ "create s hash:ip,port\nadd s 10.0.0.1,icmp:9999\n", 2, 16, "no ICMP type and code" },
	{ "create s hash:ip,port\nadd s 10.0.0.1,icmpv6:1/1\n", 2, 16, "a protocol of the other family" },
	{ "create s hash:ip,port\nadd s 10.0.0.1,tcp:70000\n", 2, 16, "no port number or range" },
	{ "create s hash:net\nadd s 0.0.0.0/0\n", 2, 7, "this type of set cannot hold all addresses" },
	{ "create s hash:net\nadd s 10.0.0.0/33\n", 2, 7, "no IPv4 address" },
	{ "create s hash:ip\nadd s 10.0.0.1 nomatch\n", 2, 16, "`nomatch` is for sets of prefixes" },
	{ "create s hash:ip\nadd s 10.0.0.1 timeout 5\n", 2, 16, "the set was created without `timeout`" },
	{ "create s hash:ip\nadd s 10.0.0.1 comment \"x\n", 2, 24, "a quote that does not end" },
	{ "create s hash:ip\nadd s 10.0.0.1 what\n", 2, 16, "`what` is no option of an entry" },
	{ "create s hash:ip\ndel s 10.0.0.1\n", 2, 1, "`del` is no command" },
	{ "create s hash:net,iface\nadd s 10.0.0.0/8,averyveryverylongname\n", 2, 18, "no name of an interface" },
	{ "create s bitmap:port range 0-9\nadd s 10\n", 2, 7, "outside the range" },
	{ "create s bitmap:ip range 10.0.0.0/24\nadd s 10.0.1.0\n", 2, 7, "outside the range" },
	{ "create s list:set\nadd s t\n", 2, 7, "no set of this name was created before" },
	{ "create s list:set\ncreate t list:set\nadd s t\n", 3, 7, "a list of sets cannot hold another one" },
	{ "create s hash:mac\nadd s 1:2:3:4:5\n", 2, 7, "no Ethernet address" },
};

START_TEST(test_error)
{
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_diags diags = { 0 };

	ck_assert(!pa_ipsets_read(sets, "f.ipset", errors[_i].text, strlen(errors[_i].text), PA_DIAG_INPUT, &diags));
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_msg(strncmp(diags.items[0].message, errors[_i].message, strlen(errors[_i].message)) == 0, "%s",
		      diags.items[0].message);
	ck_assert_str_eq(diags.items[0].where.file, "f.ipset");
	ck_assert_uint_eq(diags.items[0].where.line, errors[_i].line);
	ck_assert_uint_eq(diags.items[0].where.column, errors[_i].column);
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INPUT);
	pa_ipsets_free(sets);
	pa_diags_done(&diags);
}
END_TEST

/* What is asked twice is worked out once, except when packets may change it between the questions. */
START_TEST(test_elements_are_shared)
{
	static const char text[] = "create s hash:ip\nadd s 10.0.0.1\n";
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_diags diags = { 0 };
	struct pa_arena *arena = pa_arena_new();
	struct pa_step one[PA_IPSET_STEPS_MAX], other[PA_IPSET_STEPS_MAX];
	struct pa_ipset_match match = { .name = "s", .directions = "src", .family = 4, .text = "m" };
	size_t count;

	ck_assert(pa_ipsets_read(sets, "t", text, strlen(text), PA_DIAG_INPUT, &diags));
	ck_assert(pa_ipset_lower(sets, &match, arena, one, &count));
	ck_assert(pa_ipset_lower(sets, &match, arena, other, &count));
	ck_assert_ptr_eq(one[count - 1].elements, other[count - 1].elements);
	pa_ipsets_note_change(sets, "s", PA_IPSET_ADDS);
	ck_assert(pa_ipset_lower(sets, &match, arena, one, &count));
	ck_assert(pa_ipset_lower(sets, &match, arena, other, &count));
	ck_assert_ptr_ne(one[count - 1].elements, other[count - 1].elements);
	ck_assert_ptr_ne(one[count - 1].elements->decl, other[count - 1].elements->decl);
	pa_ipsets_free(sets);
	pa_arena_free(arena);
}
END_TEST

/* --- what programs wrote ------------------------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "r");
	char *text = pa_xmalloc(1 << 20);

	ck_assert_ptr_nonnull(file);
	*ret_length = fread(text, 1, 1 << 20, file);
	fclose(file);
	return text;
}

static void check_file(const char *path)
{
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_diags diags = { 0 };
	size_t length, adds = 0, found = 0, count;
	char *text = read_file(path, &length);
	struct pa_arena *arena = pa_arena_new();
	struct pa_step steps[PA_IPSET_STEPS_MAX];

	ck_assert_msg(pa_ipsets_read(sets, path, text, length, PA_DIAG_INPUT, &diags), "%s: %s", path,
		      diags.count ? diags.items[0].message : "no error");
	for (const char *at = text; (at = memmem(at, length - (at - text), "add ", 4)); at += 4)
		adds++;
	for (size_t i = 0; i < pa_ipsets_count(sets); i++) {
		const struct pa_ipset *set = pa_ipsets_at(sets, i);
		struct pa_ipset_match match = { .name = pa_ipset_name(set), .directions = "src", .text = "m" };
		match.family = pa_ipset_family(set);
		ck_assert(pa_ipset_lower(sets, &match, arena, steps, &count));
		found += steps[count - 1].elements->count;
	}
	ck_assert_uint_gt(found, 0);
	ck_assert_uint_eq(found, adds);
	free(text);
	pa_arena_free(arena);
	pa_ipsets_free(sets);
}

START_TEST(test_managers)
{
	glob_t found;

	if (glob(PA_SOURCE_DIR "/../shared/corpus/managers/*/*.ipset", 0, NULL, &found) != 0) {
		puts("skipped: no rulesets of managers beside this folder");
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_file(found.gl_pathv[i]);
	printf("%zu files of managers\n", found.gl_pathc);
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ipset");
	TCase *tests = tcase_create("ipset");

	tcase_add_loop_test(tests, test_match, 0, sizeof(matches) / sizeof(matches[0]));
	tcase_add_loop_test(tests, test_error, 0, sizeof(errors) / sizeof(errors[0]));
	tcase_add_test(tests, test_elements_are_shared);
	tcase_add_test(tests, test_managers);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
