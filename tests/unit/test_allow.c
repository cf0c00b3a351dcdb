// rooms: pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies that are accepted: text in, meaning out. Refused ones are in tests/reject. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "portaudit/policy.h"

/* --- the meaning of a policy as text -------------------------------------------------------------------------------- */
static void dump_ranges(struct pa_buffer *out, const struct pa_interval *items, size_t count, int family)
{
	for (size_t i = 0; i < count; i++) {
		char text[PA_ADDRESS_RANGE_TEXT_MAX];
		pa_address_range_format(items[i], family, text);
		pa_buffer_printf(out, " %s", text);
	}
}

static void dump_addresses(struct pa_buffer *out, const struct pa_addresses *addresses)
{
	pa_buffer_puts(out, addresses->any ? " any" : "");
	dump_ranges(out, addresses->ipv4, addresses->ipv4_count, 4);
	dump_ranges(out, addresses->ipv6, addresses->ipv6_count, 6);
	pa_buffer_puts(out, addresses->except_self ? " -self" : "");
	pa_buffer_puts(out, addresses->self ? " +self" : "");
	if (addresses->except_ipv4_count || addresses->except_ipv6_count)
		pa_buffer_puts(out, " but");
	dump_ranges(out, addresses->except_ipv4, addresses->except_ipv4_count, 4);
	dump_ranges(out, addresses->except_ipv6, addresses->except_ipv6_count, 6);
}

static void dump_numbers(struct pa_buffer *out, struct pa_interval range)
{
	pa_buffer_printf(out, range.first == range.last ? "%u" : "%u-%u", (unsigned)range.first, (unsigned)range.last);
}

static void dump_item(struct pa_buffer *out, const struct pa_service_item *item)
{
	if (item->any_protocol) {
		pa_buffer_puts(out, " *");
		return;
	}
	pa_buffer_printf(out, " %u:", item->protocol);
	if (item->icmp) {
		dump_numbers(out, item->icmp_type);
		pa_buffer_putc(out, '/');
		dump_numbers(out, item->icmp_code);
	} else if (item->any_port || item->ephemeral) {
		pa_buffer_puts(out, item->any_port ? "*" : "ephemeral");
	} else {
		dump_numbers(out, item->ports);
	}
}

static void dump_interfaces(struct pa_buffer *out, const struct pa_interfaces *interfaces)
{
	if (interfaces->any)
		return;
	pa_buffer_puts(out, " on");
	for (size_t i = 0; i < interfaces->name_count; i++) {
		char name[PA_IFNAME_MAX + 1];
		struct pa_interval range = interfaces->names[i];
		pa_ifname_format(range.first, name);
		pa_buffer_printf(out, " %s%s", name, range.first == range.last ? "" : "*");
	}
	for (size_t i = 0; i < interfaces->glob_count; i++)
		pa_buffer_printf(out, " ~%s", interfaces->globs[i]);
}

static void dump_endpoint(struct pa_buffer *out, const char *word, const struct pa_endpoint *endpoint)
{
	if (!endpoint->given) {
		ck_assert(endpoint->addresses.any && endpoint->ports.any && endpoint->interfaces.any);
		return;
	}
	pa_buffer_printf(out, " %s", word);
	dump_addresses(out, &endpoint->addresses);
	if (!endpoint->ports.any)
		pa_buffer_puts(out, endpoint->ports.ephemeral ? " port ephemeral" : " port");
	for (size_t i = 0; i < endpoint->ports.count; i++) {
		pa_buffer_putc(out, ' ');
		dump_numbers(out, endpoint->ports.items[i]);
	}
	dump_interfaces(out, &endpoint->interfaces);
}

static void dump_text(struct pa_buffer *out, const char *word, const char *text)
{
	if (text)
		pa_buffer_printf(out, " %s=%s", word, text);
}

static void dump_fields(struct pa_buffer *out, const struct pa_fields *fields)
{
	dump_text(out, "owner", fields->owner);
	dump_text(out, "reason", fields->reason);
	dump_text(out, "ticket", fields->ticket);
	dump_text(out, "approved-by", fields->approved_by);
	dump_text(out, "listener", fields->listener);
	if (fields->review != PA_DAY_NONE)
		pa_buffer_printf(out, " review=%d", fields->review);
	if (fields->has_severity)
		pa_buffer_printf(out, " severity=%s", pa_severity_name(fields->severity));
	pa_buffer_puts(out, fields->rate_limited ? " rate-limited" : "");
	pa_buffer_puts(out, fields->logged ? " logged" : "");
}

static void dump_dnat(struct pa_buffer *out, const struct pa_statement *statement)
{
	char text[PA_ADDRESS_TEXT_MAX];
	if (!statement->has_dnat)
		return;
	pa_address_format(statement->dnat_address, statement->dnat_family, text);
	pa_buffer_printf(out, " dnat %s %u", text, statement->dnat_port);
}

static void dump_statement(struct pa_buffer *out, const struct pa_statement *statement)
{
	static const char *const kinds[] = { "allow", "deny", "require", "listen", "waive" };
	bool waive = statement->kind == PA_STATEMENT_WAIVE, listen = statement->kind == PA_STATEMENT_LISTEN;
	pa_buffer_puts(out, kinds[statement->kind]);
	if (!waive && !listen)
		pa_buffer_printf(out, " %s", pa_path_name(statement->path));
	if (statement->family)
		pa_buffer_printf(out, " %d", statement->family);
	dump_text(out, "check", statement->check);
	for (size_t i = 0; i < statement->item_count; i++)
		dump_item(out, &statement->items[i]);
	dump_endpoint(out, "from", &statement->from);
	dump_endpoint(out, "to", &statement->to);
	dump_dnat(out, statement);
	dump_text(out, "listen", statement->listen_text);
	if (waive)
		pa_buffer_printf(out, " until=%d", statement->until);
	dump_fields(out, &statement->fields);
	pa_buffer_putc(out, '\n');
}

static struct pa_policy *accept(const char *text, const char *host)
{
	struct pa_diags diags = { 0 };
	struct pa_policy *policy = pa_policy_parse(text, strlen(text), "test.conf", host, NULL, &diags);
	for (size_t i = 0; i < diags.count; i++)
		fprintf(stderr, "%u:%u: %s\n", diags.items[i].where.line, diags.items[i].where.column, diags.items[i].message);
	ck_assert_msg(policy && diags.count == 0, "refused, or with a warning: %s", text);
	pa_diags_done(&diags);
	return policy;
}

static void expect(const char *text, const char *meaning)
{
	struct pa_policy *policy = accept(text, "web1");
	struct pa_buffer seen = { 0 };
	for (size_t i = 0; i < policy->statement_count; i++)
		dump_statement(&seen, policy->statements[i]);
	pa_buffer_puts(&seen, "");
	ck_assert_str_eq(seen.data ? seen.data : "", meaning);
	pa_buffer_done(&seen);
	pa_policy_free(policy);
}

static const struct {
	const char *text, *meaning;
} cases[] = {
	{ "", "" },
	{ "\n\n# only a comment", "" },
	{ "allow ssh", "allow in 6:22\n" },
	{ "allow ssh from any\r\nallow http from any\r\n", "allow in 6:22 from any\nallow in 6:80 from any\n" },
	{ "\xef\xbb\xbf"
	  "allow ssh from any",
	  "allow in 6:22 from any\n" },
	{ "deny in ipv6 telnet from 2001:db8::/32", "deny in 6 6:23 from 2001:db8::/32\n" },
	{ "require forward ipv4 22/tcp from any to 10.0.0.5", "require forward 4 6:22 from any to 10.0.0.5\n" },
	{ "allow out dns,ntp, https from self to any", "allow out 6:53 17:53 17:123 6:443 from +self to any\n" },
	{ "deny telnet, 3306,5432/tcp from any", "deny in 6:23 6:3306 6:5432 from any\n" },
	{ "allow 80,443/tcp, 443/udp", "allow in 6:80 6:443 17:443\n" },
	{ "allow 80-90,100/sctp", "allow in 132:80-90 132:100\n" },
	{ "allow 22,22/tcp, ssh, 22/6", "allow in 6:22\n" },
	{ "allow any", "allow in *\n" },
	{ "allow any/any", "allow in *\n" },
	{ "allow any/tcp, any/47, gre, esp", "allow in 6:* 47:* 50:*\n" },
	{ "allow 53/any", "allow in 6:53 17:53 136:53 132:53 33:53\n" },
	{ "allow system,8080/udp", "allow in 17:0-1023 17:8080\n" },
	{ "allow user,dynamic,ephemeral/tcp", "allow in 6:1024-49151 6:49152-65535 6:ephemeral\n" },
	{ "allow domain/tcp, ntp/any", "allow in 6:53 17:123\n" },
	{ "allow ping", "allow in 1:8/0-255 58:128/0-255\n" },
	{ "allow icmp, icmpv6", "allow in 1:0-255/0-255 58:0-255/0-255\n" },
	{ "allow 8,0/icmp, 3:4/icmp, 3-5/icmp, fragmentation-needed/icmp", "allow in 1:8/0-255 1:0/0-255 1:3/4 1:3-5/0-255\n" },
	{ "allow nd-neighbor-solicit/icmpv6, 1/58", "allow in 58:135/0-255 58:1/0-255\n" },
	{ "allow icmpv6-essential", "allow in 58:1-4/0-255 58:128-129/0-255 58:130-132/0-255 58:133-136/0-255 58:143/0-255\n" },
	{ "allow ssh from 10.0.0.0/8, 10.1.0.0/16, 11.0.0.0-11.255.255.255", "allow in 6:22 from 10.0.0.0/7\n" },
	{ "allow ssh from 10.0.0.1, 10.0.0.3, 2001:db8::1, 10.0.0.2", "allow in 6:22 from 10.0.0.1-10.0.0.3 2001:db8::1\n" },
	{ "allow ssh from any except 10.0.0.0/8", "allow in 6:22 from 0.0.0.0-9.255.255.255 11.0.0.0-255.255.255.255 ::/0\n" },
	{ "allow ssh from 10.0.0.0/24 except 10.0.0.0/25 except 10.0.0.1", "allow in 6:22 from 10.0.0.1 10.0.0.128/25\n" },
	{ "allow ssh from 0.0.0.0/0, ::/0", "allow in 6:22 from any\n" },
	{ "allow ssh from self except 10.0.0.1", "allow in 6:22 from +self but 10.0.0.1\n" },
	{ "allow ssh from any except self", "allow in 6:22 from 0.0.0.0/0 ::/0 -self\n" },
	{ "allow ssh from any except self except 10.0.0.1",
	  "allow in 6:22 from 0.0.0.0/0 ::/0 -self +self but 0.0.0.0-10.0.0.0 "
	  "10.0.0.2-255.255.255.255 ::/0\n" },
	{ "allow ssh from self, 10.0.0.1", "allow in 6:22 from 10.0.0.1 +self\n" },
	{ "allow ssh from self, any", "allow in 6:22 from any\n" },
	{ "network me = self except 10.0.0.1\nallow ssh from me, 192.0.2.0/24",
	  "allow in 6:22 from 192.0.2.0/24 +self but 10.0.0.1\n" },
	{ "allow dns from any port 53", "allow in 6:53 17:53 from any port 53\n" },
	{ "allow dns from any port 53,1024-65535 on eth0", "allow in 6:53 17:53 from any port 53 1024-65535 on eth0\n" },
	{ "allow ssh from any port ephemeral, domain, 54", "allow in 6:22 from any port ephemeral 53-54\n" },
	{ "allow ssh from any port any, 22", "allow in 6:22 from any\n" },
	{ "allow ssh from on lan\nzone lan = eth1, br-*", "allow in 6:22 from any on br-* eth1\n" },
	{ "allow ssh from any on *", "allow in 6:22 from any\n" },
	{ "allow ssh from any on any", "allow in 6:22 from any\n" },
	{ "zone a = b, eth0\nzone b = wg?, e*h, wg?\nallow ssh from any on a, eth0",
	  "allow in 6:22 from any on eth0 ~e*h ~wg?\n" },
	{ "allow forward https from any on eth0 to 192.0.2.10 on eth1 dnat to 10.0.0.5:8443",
	  "allow forward 6:443 from any on eth0 to 192.0.2.10 on eth1 dnat 10.0.0.5 8443\n" },
	{ "allow forward 1/tcp dnat to 10.0.0.5", "allow forward 6:1 dnat 10.0.0.5 0\n" },
	{ "allow forward 1/tcp dnat to 2001:db8::5", "allow forward 6:1 dnat 2001:db8::5 0\n" },
	{ "allow forward 1/tcp dnat to [2001:db8::5]", "allow forward 6:1 dnat 2001:db8::5 0\n" },
	{ "allow forward 1/tcp dnat to [2001:db8::5]:80", "allow forward 6:1 dnat 2001:db8::5 80\n" },
	{ "allow a from b on c\nzone c = d\nservice a = e, 1/udp\nservice e = ssh\nnetwork b = f, 10.0.0.2\nnetwork f = 10.0.0.1\nzone d = eth9",
	  "allow in 6:22 17:1 from 10.0.0.1-10.0.0.2 on eth9\n" },
	{ "service ssh = 2222/tcp\nallow ssh, ssh/tcp from any port ssh", "allow in 6:2222 from any port 2222\n" },
	{ "allow ssh from any { owner a; reason \"b \\\"c\\\" \\\\\" }", "allow in 6:22 from any owner=a reason=b \"c\" \\\n" },
	{ "allow ssh from any {\n\n # comment\n owner a # comment\n ; ; ticket T-1\n approved-by me; review 1970-01-02\n severity low\n"
	  " listener exe /usr/sbin/sshd user root, user x\n rate-limited; logged }",
	  "allow in 6:22 from any owner=a ticket=T-1 approved-by=me listener=exe /usr/sbin/sshd user root, user x review=1 severity=low "
	  "rate-limited logged\n" },
	{ "allow ssh from any {}", "allow in 6:22 from any\n" },
	{ "listen system/any by user root, user _chrony exe /usr/sbin/chronyd   # the rule",
	  "listen 6:0-1023 17:0-1023 136:0-1023 132:0-1023 33:0-1023 listen=by user root, user _chrony exe /usr/sbin/chronyd\n" },
	{ "listen 3306,5432/tcp only on 127.0.0.1,::1 { owner dba }",
	  "listen 6:3306 6:5432 listen=only on 127.0.0.1, ::1 owner=dba\n" },
	{ "listen ephemeral/tcp never", "listen 6:ephemeral listen=never\n" },
	{ "waive PA-EXP-001 until 1970-02-01 { reason x }", "waive check=PA-EXP-001 until=31 reason=x\n" },
	{ "waive PA-EXP-001 for 8080/tcp from 192.0.2.0/24 port 53 on eth0 to self until 1970-01-01 { reason x }",
	  "waive check=PA-EXP-001 6:8080 from 192.0.2.0/24 port 53 on eth0 to +self until=0 reason=x\n" },
	{ "host web* {\n allow ssh\n host web2 {\n allow http\n }\n}\nhost db1, web1 {\n allow dns/tcp\n}\nhost db* {\n allow ntp\n}",
	  "allow in 6:22\nallow in 6:53\n" },
	{ "host web* {\n network n = 10.0.0.1\n allow ssh from n\n}\nhost db* {\n network n = 10.0.0.2\n allow ssh from n\n}",
	  "allow in 6:22 from 10.0.0.1\n" },
};

START_TEST(meaning)
{
	expect(cases[_i].text, cases[_i].meaning);
}
END_TEST

/* The canonical text: parsed again it has the same meaning and the same text. */
START_TEST(canonical_text)
{
	struct pa_policy *policy = accept(cases[_i].text, "web1");
	for (size_t i = 0; i < policy->statement_count; i++) {
		const struct pa_statement *statement = policy->statements[i];
		struct pa_buffer whole = { 0 }, first = { 0 }, second = { 0 };
		ck_assert(!strpbrk(statement->text, "\n\t#"));
		pa_buffer_printf(&whole,
				 "zone lan = eth1, br-*\nnetwork me = self except 10.0.0.1\nnetwork n = 10.0.0.1\n%s%s\n",
				 statement->text, statement->kind == PA_STATEMENT_WAIVE ? " { reason x }" : "");
		if (strstr(cases[_i].text, "zone a") || strstr(cases[_i].text, "service")) {
			pa_buffer_done(&whole);
			continue; /* needs the names of the case */
		}
		struct pa_policy *again = accept(whole.data, "web1");
		struct pa_statement stripped = *statement;
		stripped.fields = again->statements[0]->fields;
		dump_statement(&first, &stripped);
		dump_statement(&second, again->statements[0]);
		ck_assert_str_eq(first.data, second.data);
		ck_assert_str_eq(statement->text, again->statements[0]->text);
		pa_policy_free(again);
		pa_buffer_done(&whole);
		pa_buffer_done(&first);
		pa_buffer_done(&second);
	}
	pa_policy_free(policy);
}
END_TEST

static const struct {
	const char *written, *canonical;
} texts[] = {
	{ "allow   80 ,443/tcp,443/udp\tfrom  any # c", "allow 80,443/tcp, 443/udp from any" },
	{ "allow ssh from a ,b except  c on eth0,eth1 {owner x}", "allow ssh from a, b except c on eth0, eth1" },
	{ "deny telnet,3306 , system/tcp from any port 53 , 54", "deny telnet, 3306,system/tcp from any port 53,54" },
	{ "listen 22/tcp by user \"a b\" ,exe /x", "listen 22/tcp by user \"a b\", exe /x" },
	{ "waive PA-EXP-001  until 2026-12-31{reason x}", "waive PA-EXP-001 until 2026-12-31" },
};

START_TEST(texts_of_statements)
{
	struct pa_buffer whole = { 0 };
	pa_buffer_printf(&whole, "network a = 10.0.0.1\nnetwork b = 10.0.0.2\nnetwork c = 10.0.0.2\n%s\n", texts[_i].written);
	struct pa_policy *policy = accept(whole.data, NULL);
	ck_assert_uint_eq(policy->statement_count, 1);
	ck_assert_str_eq(policy->statements[0]->text, texts[_i].canonical);
	ck_assert_uint_eq(policy->statements[0]->where.line, 4);
	ck_assert_uint_eq(policy->statements[0]->where.column, 1);
	ck_assert_str_eq(policy->statements[0]->where.file, "test.conf");
	pa_policy_free(policy);
	pa_buffer_done(&whole);
}
END_TEST

/* --- settings and checks ------------------------------------------------------------------------------------------------ */
START_TEST(settings)
{
	struct pa_policy *policy =
		accept("set fail-on medium\nset waiver-max 180 days\nset require-fields owner, reason ticket\n"
		       "set loopback checked\nset self 192.0.2.1, 2001:db8::1\nset untrusted internet, ppp*\n"
		       "zone internet = eth0\n",
		       NULL);
	ck_assert(policy->has_fail_on && policy->fail_on == PA_SEVERITY_MEDIUM);
	ck_assert_int_eq(policy->waiver_max_days, 180);
	ck_assert_str_eq(policy->require_fields[0], "owner");
	ck_assert_str_eq(policy->require_fields[1], "reason");
	ck_assert_str_eq(policy->require_fields[2], "ticket");
	ck_assert_ptr_null(policy->require_fields[3]);
	ck_assert(policy->loopback_checked);
	ck_assert(policy->has_self && policy->self.ipv4_count == 1 && policy->self.ipv6_count == 1);
	ck_assert(policy->has_untrusted && policy->untrusted.name_count == 2 && policy->untrusted.glob_count == 0);
	pa_policy_free(policy);
	policy = accept("", NULL);
	ck_assert(!policy->has_untrusted);
	ck_assert(!policy->has_fail_on && !policy->loopback_checked && !policy->has_self && !policy->require_fields);
	ck_assert_int_eq(policy->waiver_max_days, -1);
	pa_policy_free(policy);
}
END_TEST

/* The innermost host block wins, before or after what it overrides. */
START_TEST(settings_of_hosts)
{
	const char *text =
		"host web1 {\nset fail-on low\ncheck PA-EXP-001 off\n}\nset fail-on high\nset loopback checked\n"
		"check PA-EXP-001 on\ncheck PA-EXP-001 severity info { reason r }\nhost db1 {\nset loopback trusted\nset self 10.0.0.1\n}\n";
	struct pa_policy *policy = accept(text, "web1");
	ck_assert(policy->fail_on == PA_SEVERITY_LOW && policy->loopback_checked && !policy->has_self);
	ck_assert_uint_eq(policy->check_count, 1);
	ck_assert_str_eq(policy->checks[0].check, "PA-EXP-001");
	ck_assert(policy->checks[0].has_enabled && !policy->checks[0].enabled);
	ck_assert(policy->checks[0].has_severity && policy->checks[0].severity == PA_SEVERITY_INFO);
	pa_policy_free(policy);
	policy = accept(text, "db1");
	ck_assert(policy->fail_on == PA_SEVERITY_HIGH && !policy->loopback_checked && policy->has_self);
	ck_assert(policy->checks[0].enabled);
	pa_policy_free(policy);
}
END_TEST

START_TEST(slip_in_a_zone_is_a_warning)
{
	struct pa_diags diags = { 0 };
	const char text[] = "zone internet = eth0\nallow ssh from any on internte, eth0, lo\n";
	struct pa_policy *policy = pa_policy_parse(text, strlen(text), "test.conf", NULL, NULL, &diags);
	ck_assert_ptr_nonnull(policy);
	ck_assert_uint_eq(diags.count, 1);
	ck_assert(diags.items[0].level == PA_DIAG_WARNING);
	ck_assert_str_eq(diags.items[0].message, "'internte' is no zone and is taken as an interface");
	ck_assert_str_eq(diags.items[0].help, "did you mean 'internet'?");
	pa_policy_free(policy);
	pa_diags_done(&diags);
}
END_TEST

/* --- files ---------------------------------------------------------------------------------------------------------------- */
static void write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static const char *const example_names[] = { "allow.conf", "monitors.list", "allow.d/20-b.conf", "allow.d/10-a.conf",
					     "allow.d/x.off" };

static void remove_example(const char *folder)
{
	char path[512];
	for (size_t i = 0; i < sizeof(example_names) / sizeof(*example_names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, example_names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/allow.d", folder);
	rmdir(path);
	rmdir(folder);
}

static const char example[] =
	"# /etc/portaudit/allow.conf\n"
	"set fail-on medium\n"
	"set waiver-max 180 days\n"
	"set require-fields owner, reason\n"
	"\n"
	"zone    internet = eth0\n"
	"zone    lan      = eth1, br-*\n"
	"network admins   = 10.20.0.0/16, 2001:db8:20::/48 except 10.20.99.0/24\n"
	"network monitors = file \"monitors.list\"\n"
	"service web      = 80,443/tcp, 443/udp\n"
	"\n"
	"allow ping, icmpv6-essential from any          { owner netops; reason \"RFC 4890\" }\n"
	"allow ssh from admins on lan {\n"
	"    listener exe /usr/sbin/sshd user root\n"
	"    rate-limited\n"
	"    owner  netops\n"
	"    reason \"administration, management network only\"\n"
	"}\n"
	"allow web from any on internet {\n"
	"    listener unit nginx.service\n"
	"    owner web-team; reason \"public site\"; review 2027-03-31\n"
	"}\n"
	"allow forward 443/tcp from any on internet to 192.0.2.10 dnat to 10.0.0.5:8443 { owner web-team; reason \"API\" }\n"
	"allow out dns, ntp, https from self to any     { owner netops; reason \"updates\" }\n"
	"\n"
	"require ssh from admins on lan                 { listener required; severity critical }\n"
	"deny  telnet, 3306,5432/tcp from any on internet { severity critical }\n"
	"\n"
	"listen system/any    by user root, user _chrony exe /usr/sbin/chronyd   # the privileged-port rule\n"
	"listen 3306,5432/tcp only on 127.0.0.1, ::1\n"
	"listen ephemeral/any never\n"
	"\n"
	"waive PA-EXP-001 for 8080/tcp from 192.0.2.0/24 until 2026-12-31 {\n"
	"    ticket CHG-4711; approved-by \"network change board\"\n"
	"    reason \"old reporting job, moves behind nginx\"\n"
	"}\n"
	"host web*, cache1 {\n"
	"    allow 6081/tcp from any on lan             { owner web-team; reason \"varnish\" }\n"
	"}\n"
	"include \"allow.d/*.conf\"\n";

static const char example_meaning[] =
	"allow in 1:8/0-255 58:128/0-255 58:1-4/0-255 58:128-129/0-255 58:130-132/0-255 58:133-136/0-255 58:143/0-255 from any "
	"owner=netops reason=RFC 4890\n"
	"allow in 6:22 from 10.20.0.0-10.20.98.255 10.20.100.0-10.20.255.255 2001:db8:20::/48 on br-* eth1 owner=netops "
	"reason=administration, management network only listener=exe /usr/sbin/sshd user root rate-limited\n"
	"allow in 6:80 6:443 17:443 from any on eth0 owner=web-team reason=public site listener=unit nginx.service review=20908\n"
	"allow forward 6:443 from any on eth0 to 192.0.2.10 dnat 10.0.0.5 8443 owner=web-team reason=API\n"
	"allow out 6:53 17:53 17:123 6:443 from +self to any owner=netops reason=updates\n"
	"require in 6:22 from 10.20.0.0-10.20.98.255 10.20.100.0-10.20.255.255 2001:db8:20::/48 on br-* eth1 listener=required "
	"severity=critical\n"
	"deny in 6:23 6:3306 6:5432 from any on eth0 severity=critical\n"
	"listen 6:0-1023 17:0-1023 136:0-1023 132:0-1023 33:0-1023 listen=by user root, user _chrony exe /usr/sbin/chronyd\n"
	"listen 6:3306 6:5432 listen=only on 127.0.0.1, ::1\n"
	"listen 6:ephemeral 17:ephemeral 136:ephemeral 132:ephemeral 33:ephemeral listen=never\n"
	"waive check=PA-EXP-001 6:8080 from 192.0.2.0/24 until=20818 reason=old reporting job, moves behind nginx ticket=CHG-4711 "
	"approved-by=network change board\n"
	"allow in 6:6081 from any on br-* eth1 owner=web-team reason=varnish\n"
	"allow in 17:161 from 192.0.2.1 192.0.2.8/29 2001:db8:9::/48\n"
	"allow in 6:1\n";

/* The example of the manual: included files come in the order of their names, lists are read, other files are not. */
START_TEST(example_of_the_manual)
{
	char folder[] = "/tmp/portaudit-allow-XXXXXX", path[512];
	struct pa_diags diags = { 0 };
	struct pa_buffer seen = { 0 };
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/allow.d", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	write_file(folder, "allow.conf", example);
	write_file(folder, "monitors.list",
		   "# from the inventory\n192.0.2.1\n\n  192.0.2.8-192.0.2.15 # pool\r\n2001:db8:9::/48");
	write_file(folder, "allow.d/20-b.conf", "allow 1/tcp\n");
	write_file(folder, "allow.d/10-a.conf", "allow snmp/udp from monitors\n");
	write_file(folder, "allow.d/x.off", "not read\n");
	snprintf(path, sizeof(path), "%s/allow.conf", folder);
	struct pa_policy *policy = pa_policy_load(path, "web1", NULL, &diags);
	for (size_t i = 0; i < diags.count; i++)
		fprintf(stderr, "%s\n", diags.items[i].message);
	remove_example(folder);
	ck_assert_ptr_nonnull(policy);
	for (size_t i = 0; i < policy->statement_count; i++) {
		ck_assert_uint_eq(policy->statements[i]->id, i);
		dump_statement(&seen, policy->statements[i]);
	}
	ck_assert_str_eq(seen.data, example_meaning);
	ck_assert_ptr_nonnull(strstr(policy->statements[12]->where.file, "/allow.d/10-a.conf"));
	pa_buffer_done(&seen);
	pa_policy_free(policy);
	pa_diags_done(&diags);
}
END_TEST

START_TEST(missing_file)
{
	struct pa_diags diags = { 0 };
	ck_assert_ptr_null(pa_policy_load("/nonexistent/allow.conf", NULL, NULL, &diags));
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_str_eq(diags.items[0].message, "cannot read /nonexistent/allow.conf: No such file or directory");
	ck_assert(diags.items[0].kind == PA_DIAG_INPUT && diags.items[0].level == PA_DIAG_ERROR);
	pa_diags_done(&diags);
}
END_TEST

/* --- big inputs ------------------------------------------------------------------------------------------------------------- */
static double seconds_of(const struct pa_buffer *text, bool accepted, size_t statements, const char *first_message)
{
	struct pa_diags diags = { 0 };
	clock_t start = clock();
	struct pa_policy *policy = pa_policy_parse(text->data, text->length, "test.conf", NULL, NULL, &diags);
	double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	ck_assert_int_eq(policy != NULL, accepted);
	if (policy)
		ck_assert_uint_eq(policy->statement_count, statements);
	if (first_message)
		ck_assert_str_eq(diags.items[0].message, first_message);
	ck_assert_uint_le(diags.count, 101);
	pa_policy_free(policy);
	pa_diags_done(&diags);
	return seconds;
}

/* Generous: 0.3 s for the first on a machine of 2023; sanitizers and loaded machines are slower, quadratic is minutes. */
enum { SECONDS_MAX = 10 };

START_TEST(a_hundred_thousand_lines)
{
	struct pa_buffer good = { 0 }, bad = { 0 }, names = { 0 };
	for (unsigned i = 0; i < 100000; i++) {
		pa_buffer_printf(&good, "allow %u/tcp from 10.0.0.0/8 on eth1 { owner netops; reason \"r %u\" }\n",
				 i % 60000 + 1, i);
		pa_buffer_printf(&bad, "alow %u/tcp\n", i);
		pa_buffer_printf(&names, i < 50000 ? "network n%u = 10.0.0.1\n" : "allow ssh from x%u\n", i);
	}
	ck_assert(seconds_of(&good, true, 100000, NULL) < SECONDS_MAX);
	ck_assert(seconds_of(&bad, false, 0, "unknown statement 'alow'") < SECONDS_MAX);
	ck_assert(seconds_of(&names, false, 0, "unknown network 'x50000'") < SECONDS_MAX);
	pa_buffer_done(&good);
	pa_buffer_done(&bad);
	pa_buffer_done(&names);
}
END_TEST

START_TEST(services_that_double)
{
	struct pa_buffer text = { 0 };
	for (unsigned i = 0; i < 60; i++)
		pa_buffer_printf(&text, "service s%u = s%u, s%u\nzone z%u = z%u, z%u\nnetwork n%u = n%u, n%u\n", i, i + 1,
				 i + 1, i, i + 1, i + 1, i, i + 1, i + 1);
	pa_buffer_puts(&text, "service s60 = ssh\nzone z60 = e?h\nnetwork n60 = 10.0.0.1\nallow s0 from n0 on z0\n");
	ck_assert(seconds_of(&text, true, 1, NULL) < SECONDS_MAX);
	pa_buffer_done(&text);
}
END_TEST

START_TEST(a_line_of_a_megabyte)
{
	struct pa_buffer text = { 0 };
	pa_buffer_puts(&text, "allow ssh from 10.0.0.1");
	while (text.length < 1000000)
		pa_buffer_puts(&text, ", 10.0.0.1");
	ck_assert(seconds_of(&text, false, 0, "the line is longer than 65536 bytes") < SECONDS_MAX);
	pa_buffer_done(&text);
}
END_TEST

/* --- the small vocabularies ---------------------------------------------------------------------------------------------------- */
static const struct {
	const char *text;
	pa_day day; /* PA_DAY_NONE: refused */
} days[] = {
	{ "1970-01-01", 0 },	       { "1970-12-31", 364 },	       { "1972-02-29", 789 },
	{ "2000-02-29", 11016 },       { "2000-03-01", 11017 },	       { "2026-12-31", 20818 },
	{ "2100-03-01", 47541 },       { "9999-12-31", 2932896 },      { "2100-02-29", PA_DAY_NONE },
	{ "1969-12-31", PA_DAY_NONE }, { "2026-00-01", PA_DAY_NONE },  { "2026-13-01", PA_DAY_NONE },
	{ "2026-04-31", PA_DAY_NONE }, { "2026-01-00", PA_DAY_NONE },  { "2026-1-01", PA_DAY_NONE },
	{ "2026/01/01", PA_DAY_NONE }, { "2026-01-01 ", PA_DAY_NONE }, { "+026-01-01", PA_DAY_NONE },
	{ "", PA_DAY_NONE },	       { "2026-01-0x", PA_DAY_NONE },
};

START_TEST(day)
{
	pa_day seen = PA_DAY_NONE;
	ck_assert_int_eq(pa_day_parse(days[_i].text, &seen), days[_i].day != PA_DAY_NONE);
	ck_assert_int_eq(seen, days[_i].day);
}
END_TEST

START_TEST(severities)
{
	enum pa_severity severity = PA_SEVERITY_LOW;
	for (int i = PA_SEVERITY_INFO; i <= PA_SEVERITY_CRITICAL; i++) {
		ck_assert(pa_severity_parse(pa_severity_name((enum pa_severity)i), &severity));
		ck_assert_int_eq(severity, i);
	}
	ck_assert_str_eq(pa_severity_name(PA_SEVERITY_CRITICAL), "critical");
	ck_assert(!pa_severity_parse("High", &severity) && !pa_severity_parse("", &severity));
	ck_assert_str_eq(pa_path_name(PA_PATH_FORWARD), "forward");
}
END_TEST

START_TEST(services)
{
	const struct pa_service_item *items = NULL;
	ck_assert_uint_eq(pa_service_lookup("ssh", &items), 1);
	ck_assert_str_eq(items[0].text, "ssh");
	ck_assert(items[0].protocol == 6 && items[0].ports.first == 22 && items[0].ports.last == 22);
	ck_assert_uint_eq(pa_service_lookup("https", &items), 1);
	ck_assert_uint_eq(pa_service_lookup("domain", &items), 2);
	ck_assert_uint_eq(pa_service_lookup("nothing", &items), 0);
	ck_assert_uint_eq(pa_service_lookup("", &items), 0);
	ck_assert_uint_eq(pa_service_lookup("zzzz", &items), 0);
	ck_assert_str_eq(pa_service_name(6, 22), "ssh");
	ck_assert_str_eq(pa_service_name(17, 53), "domain");
	ck_assert_str_eq(pa_service_name(6, 5903), "vnc");
	ck_assert_str_eq(pa_service_name(6, 3389), "rdp");
	ck_assert_str_eq(pa_service_name(17, 443), "http3");
	ck_assert_ptr_null(pa_service_name(6, 4));
	ck_assert_ptr_null(pa_service_name(1, 8));
	ck_assert_str_eq(pa_protocol_name(58), "icmpv6");
	ck_assert_str_eq(pa_protocol_name(112), "vrrp");
	ck_assert_ptr_null(pa_protocol_name(253));
}
END_TEST

/* The table is found by bisection: every name in it must be found, whole. */
static const char *const service_rows[] = {
#define SERVICE(name, protocol, first, last, usual) name,
#define ICMP_SERVICE(name, protocol, first, last) name,
#include "../../rules/allow/service.def"
#undef SERVICE
#undef ICMP_SERVICE
};

START_TEST(service_table_is_sorted)
{
	size_t count = sizeof(service_rows) / sizeof(*service_rows);
	for (size_t i = 1; i < count; i++)
		ck_assert_msg(strcmp(service_rows[i - 1], service_rows[i]) <= 0, "%s stands after %s", service_rows[i],
			      service_rows[i - 1]);
	for (size_t i = 0; i < count; i++) {
		const struct pa_service_item *items = NULL;
		ck_assert_uint_gt(pa_service_lookup(service_rows[i], &items), 0);
	}
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

int main(void)
{
	Suite *suite = suite_create("allow");
	TCase *tests = tcase_create("allow");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, meaning, 0, COUNT(cases));
	tcase_add_loop_test(tests, canonical_text, 0, COUNT(cases));
	tcase_add_loop_test(tests, texts_of_statements, 0, COUNT(texts));
	tcase_add_test(tests, settings);
	tcase_add_test(tests, settings_of_hosts);
	tcase_add_test(tests, slip_in_a_zone_is_a_warning);
	tcase_add_test(tests, example_of_the_manual);
	tcase_add_test(tests, missing_file);
	tcase_add_test(tests, a_hundred_thousand_lines);
	tcase_add_test(tests, services_that_double);
	tcase_add_test(tests, a_line_of_a_megabyte);
	tcase_add_loop_test(tests, day, 0, COUNT(days));
	tcase_add_test(tests, severities);
	tcase_add_test(tests, services);
	tcase_add_test(tests, service_table_is_sorted);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
