/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_compare pa_packets pa_allow pa_load pa_nft pa_xtables pa_iptables pa_evaluate pa_space pa_ir pa_base
/* Which program writes a chain; the rulesets that such programs wrote; legacy rules beside rules of nft. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../audit/compare/compare.h"
#include "portaudit/load.h"

/* --- names ---------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *table, *chain, *comment,
		*jumps; /* the chains that its rules jump to, with blanks; "-": a rule that does not */
	const char *manager;
} chains[] = {
	{ "filter", "ufw-user-input", NULL, "", "ufw" },
	{ "filter", "INPUT", NULL, "ufw-before-input ufw-after-input", "ufw" },
	{ "filter", "INPUT", NULL, "- ufw-before-input", "ufw" },
	{ "filter", "FORWARD", NULL, "ufw-before-forward DOCKER-USER", NULL },
	{ "filter", "DOCKER-USER", NULL, "-", "Docker" },
	{ "nat", "DOCKER", NULL, "-", "Docker" },
	{ "filter", "MYDOCKER", NULL, "-", NULL },
	{ "firewalld", "filter_IN_public_allow", NULL, "-", "firewalld" },
	{ "filter", "IN_public_allow", NULL, "-", "firewalld" },
	{ "filter", "KUBE-ROUTER-INPUT", NULL, "-", "kube-router" },
	{ "filter", "KUBE-FIREWALL", NULL, "-", "kube-proxy" },
	{ "kube-proxy", "services", NULL, "-", "kube-proxy" },
	{ "filter", "cali-INPUT", NULL, "-", "Calico" },
	{ "filter", "CNI-FORWARD", NULL, "-", "a CNI plugin" },
	{ "netavark", "INPUT", NULL, "-", "Podman (netavark)" },
	{ "raw", "PREROUTING", "wg-quick(8) rule for wg0", "-", "wg-quick" },
	{ "raw", "PREROUTING", "a rule for wg0", "-", NULL },
	{ "filter", "shorewall", NULL, "", "Shorewall" },
	{ "fw4", "input", NULL, "-", "OpenWrt firewall4" },
	{ "filter", "input", NULL, "-", NULL },
	{ "filter", "f2b-sshd", NULL, "-", "fail2ban" },
	{ "filter", "IN_public", NULL, "-", NULL },
	{ "filter", "FWDO_libvirt", NULL, "-", NULL },
	{ "docker-bridges", "filter-FORWARD", NULL, "-", "Docker" },
	{ "filter", "DOCKER-USER", NULL, "", "Docker" },
	{ "filter", "FI-vnet3", NULL, "-", "libvirt" },
	{ "filter", "FI-lan", NULL, "-", NULL },
	{ "filter", "LIBVIRT_INP", NULL, "-", "libvirt" },
	{ "libvirt_network", "guest_input", NULL, "-", "libvirt" },
	{ "filter", "NETAVARK_FORWARD", NULL, "-", "Podman (netavark)" },
	{ "nat", "NETAVARK-HOSTPORT-DNAT", NULL, "-", "Podman (netavark)" },
	{ "filter", "ts-input", NULL, "-", "Tailscale" },
	{ "filter", "ts-mine", NULL, "-", NULL },
	{ "filter", "CILIUM_INPUT", NULL, "-", "Cilium" },
	{ "calico", "filter-INPUT", NULL, "-", "Calico" },
	{ "filter", "LOCALINPUT", NULL, "-", "ConfigServer Firewall" },
	{ "sshguard", "blacklist", NULL, "-", "sshguard" },
	{ "crowdsec", "crowdsec-chain", NULL, "-", "CrowdSec" },
	{ "filter", "CROWDSEC_CHAIN", NULL, "-", "CrowdSec" },
	{ "lxd", "in.lxdbr0", NULL, "-", "LXD" },
	{ "incus", "in.incusbr0", NULL, "-", "Incus" },
	{ "filter", "INPUT", "generated for LXD network lxdbr0", "-", "LXD" },
	{ "filter", "in_world_http_s1", NULL, "-", "FireHOL" },
	{ "filter", "in_house", NULL, "-", NULL },
	{ "filter", "ANTREA-FORWARD", NULL, "-", "Antrea" },
	{ "filter", "WEAVE-NPC", NULL, "-", "Weave Net" },
	{ "filter", "neutron-openvswi-INPUT", NULL, "-", "OpenStack Neutron" },
	{ "mullvad", "input", NULL, "-", "Mullvad VPN" },
	{ "filter", "AS0_ACCEPT", NULL, "-", "OpenVPN Access Server" },
	{ "filter", "INPUT", NULL, "f2b-sshd -", "fail2ban" },
};

static struct pa_chain *add_chain(struct pa_ruleset *ruleset, size_t row)
{
	struct pa_chain *chain = pa_table_add_chain(ruleset, pa_ruleset_add_table(ruleset, PA_FAMILY_INET, chains[row].table),
						    chains[row].chain);
	char *copy = pa_arena_strdup(ruleset->arena, chains[row].jumps), *rest = copy;

	for (char *word; (word = strsep(&rest, " "));) {
		if (!*word)
			continue;
		struct pa_rule *rule = pa_chain_add_rule(ruleset, chain);
		rule->comment = chains[row].comment;
		rule->text = "rule";
		rule->steps = pa_arena_alloc(ruleset->arena, 1, sizeof(*rule->steps));
		rule->step_count = 1;
		rule->steps[0].kind = PA_STEP_VERDICT;
		rule->steps[0].verdict.kind = *word == '-' ? PA_VERDICT_ACCEPT : PA_VERDICT_JUMP;
		rule->steps[0].verdict.target_name = *word == '-' ? NULL : word;
	}
	return chain;
}

START_TEST(test_chain)
{
	struct pa_ruleset *ruleset = pa_ruleset_new();
	const struct pa_manager *manager = pa_chain_manager(add_chain(ruleset, _i));

	ck_assert_pstr_eq(manager ? manager->name : NULL, chains[_i].manager);
	pa_ruleset_free(ruleset);
}
END_TEST

/* Names that say something in the company of others only. */
static const struct {
	const char *table, *chain, *beside, *text, *manager; /* text: of a rule in the base chain `beside` */
} beside[] = {
	{ "filter", "IN_public", "INPUT_ZONES", NULL, "firewalld" },
	{ "filter", "FWDI_libvirt", "FORWARD_IN_ZONES", NULL, "firewalld" },
	{ "nat", "PRE_public", "PREROUTING_ZONES", NULL, "firewalld" },
	{ "nat", "PRE_public", "PREROUTING_OWN", NULL, NULL },
	{ "filter", "HI-v100298530", "libvirt-host-in", NULL, "libvirt" },
	{ "filter", "DOCKER", "INPUT_ZONES", NULL, "Docker" },
	{ "filter", "net2fw", "shorewall", NULL, "Shorewall" },
	{ "filter", "DENYIN", "LOCALINPUT", NULL, "ConfigServer Firewall" },
	{ "filter", "f2b-sshd", "LOCALINPUT", NULL, "fail2ban" },
	{ "filter", "in_lan", "INPUT", "-A INPUT -j LOG --log-prefix \"DROP UNMATCHED IN-unknown:\"", "FireHOL" },
	{ "filter", "in_lan", "INPUT", "-A INPUT -j LOG --log-prefix \"unknown\"", NULL },
};

START_TEST(test_beside)
{
	struct pa_ruleset *ruleset = pa_ruleset_new();
	struct pa_table *table = pa_ruleset_add_table(ruleset, PA_FAMILY_IP, beside[_i].table);
	struct pa_chain *other = pa_table_add_chain(ruleset, table, beside[_i].beside);
	struct pa_chain *chain = pa_table_add_chain(ruleset, table, beside[_i].chain);

	other->is_base = beside[_i].text != NULL;
	if (beside[_i].text)
		pa_chain_add_rule(ruleset, other)->text = beside[_i].text;
	const struct pa_manager *manager = pa_chain_manager(chain);
	ck_assert_pstr_eq(manager ? manager->name : NULL, beside[_i].manager);
	pa_ruleset_free(ruleset);
}
END_TEST

/* A rule of one's own in a shared chain is nobody's, whoever else uses the chain. */
START_TEST(test_rule)
{
	struct pa_ruleset *ruleset = pa_ruleset_new();
	const struct pa_chain *chain = add_chain(ruleset, 2);

	ck_assert_ptr_null(pa_rule_manager(chain->rules[0]));
	ck_assert_str_eq(pa_rule_manager(chain->rules[1])->name, "ufw");
	pa_ruleset_free(ruleset);
}
END_TEST

/* --- what they wrote ------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *folder, *manager;
	bool partly; /* chains have names that the administrator chose: some are nobody's */
} written[] = {
	{ "ufw", "ufw", false },
	{ "docker", "Docker", false },
	{ "firewalld", "firewalld", false },
	{ "fail2ban", "fail2ban", false },
	{ "wireguard", "wg-quick", false },
	{ "openwrt-fw4", "OpenWrt firewall4", false },
	{ "firehol", "FireHOL", true },
	{ "ferm", NULL, false },
	{ "kindnet-tests", "kindnet", false },
	{ "kube-proxy", "kube-proxy", false },
};

/* The base chains of iptables, which a table has whether anybody uses them or not. */
static bool is_shared(const struct pa_chain *chain)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (chain->is_base && strcmp(chain->name, names[i]) == 0)
			return true;
	return false;
}

/* How many chains are attributed as they should be. */
static size_t check_file(const char *path, const char *name, bool partly)
{
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_load_files(&path, 1, NULL, &diags);
	size_t count = 0;

	ck_assert_msg(ruleset || strstr(path, ".nft"), "%s: not read", path);
	for (size_t i = 0; ruleset && i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		const struct pa_manager *manager = pa_chain_manager(chain);
		bool right = manager ? name && strcmp(manager->name, name) == 0 : is_shared(chain) || !name || partly;

		ck_assert_msg(right, "%s: chain %s %s %s is said to be of %s", path, pa_family_name(chain->table->family),
			      chain->table->name, chain->name, manager ? manager->name : "nobody");
		count += manager != NULL;
	}
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return count;
}

static void check_folder(size_t row)
{
	static const char *const kinds[] = { "json", "nft", "rules4", "rules6", "legacy4" };
	size_t files = 0, found = 0;

	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		char pattern[512];
		glob_t paths;

		snprintf(pattern, sizeof(pattern), PA_SOURCE_DIR "/../shared/corpus/managers/%s/*.%s", written[row].folder,
			 kinds[k]);
		if (glob(pattern, 0, NULL, &paths) != 0)
			continue;
		files += paths.gl_pathc;
		for (size_t i = 0; i < paths.gl_pathc; i++)
			found += check_file(paths.gl_pathv[i], written[row].manager, written[row].partly);
		globfree(&paths);
	}
	if (files == 0)
		printf("skipped: no rulesets of %s beside this folder\n", written[row].folder);
	else
		printf("%s: %zu chains in %zu files\n", written[row].folder, found, files);
	ck_assert(files == 0 || !written[row].manager || found > 0);
}

START_TEST(test_written)
{
	check_folder(_i);
}
END_TEST

/* --- MGR-002 ----------------------------------------------------------------------------------------------------------------- */

struct world {
	struct pa_ruleset *ruleset;
	struct comparison c;
};

static void set_up(struct world *world)
{
	*world = (struct world){ .ruleset = pa_ruleset_new() };
	pa_ruleset_add_source(world->ruleset, PA_LIVE_NAME);
	world->c.ruleset = world->ruleset;
	world->c.result = pa_xcalloc(1, sizeof(*world->c.result));
	world->c.result->arena = pa_arena_new();
}

static void tear_down(struct world *world)
{
	free(world->c.finding_regions);
	pa_result_free(world->c.result);
	pa_ruleset_free(world->ruleset);
}

static void add_table(struct world *world, const char *name, enum pa_table_source source, bool rule, bool drop)
{
	struct pa_table *table = pa_ruleset_add_table(world->ruleset, PA_FAMILY_IP, name);
	struct pa_chain *chain = pa_table_add_chain(world->ruleset, table, "INPUT");

	table->source = source;
	chain->is_base = true;
	chain->policy = drop ? PA_VERDICT_DROP : PA_VERDICT_ACCEPT;
	if (rule)
		pa_chain_add_rule(world->ruleset, chain)->text = "a rule";
}

START_TEST(test_legacy_beside_nft)
{
	struct world world;

	set_up(&world);
	add_table(&world, "t", PA_SOURCE_NFT, true, false);
	add_table(&world, "filter", PA_SOURCE_IPTABLES_LEGACY, true, false);
	add_table(&world, "nat", PA_SOURCE_IPTABLES_LEGACY, false, true);
	check_legacy_beside_nft(&world.c);
	ck_assert_uint_eq(world.c.result->finding_count, 1);
	ck_assert_str_eq(
		world.c.result->findings[0].message,
		"tables ip filter, ip nat of iptables-legacy decide beside ip t of nf_tables: a packet gets in only where both let it "
		"in, and nft shows only its own");
	ck_assert_uint_eq(world.c.result->findings[0].rule_count, 1);
	tear_down(&world);
}
END_TEST

/* Legacy tables that say nothing, or nothing beside them, are no finding. */
START_TEST(test_legacy_alone)
{
	struct world world;

	set_up(&world);
	add_table(&world, "filter", PA_SOURCE_IPTABLES_LEGACY, _i == 0, false);
	add_table(&world, "t", PA_SOURCE_IPTABLES_NFT, _i == 1, false);
	check_legacy_beside_nft(&world.c);
	ck_assert_uint_eq(world.c.result->finding_count, 0);
	ck_assert_ptr_null(world.c.result->checks[PA_CHECK_MGR_002].reason);
	tear_down(&world);
}
END_TEST

/* "Passed" would be a claim about what nobody looked at. */
START_TEST(test_legacy_unknown)
{
	struct world world;

	set_up(&world);
	add_table(&world, "t", PA_SOURCE_NFT, true, false);
	if (_i == 0)
		world.ruleset->legacy_unread = true;
	else
		pa_ruleset_add_source(world.ruleset, "rules.nft");
	check_legacy_beside_nft(&world.c);
	ck_assert_uint_eq(world.c.result->finding_count, 0);
	ck_assert_int_eq(world.c.result->checks[PA_CHECK_MGR_002].status, PA_STATUS_NOT_ASSESSED);
	tear_down(&world);
}
END_TEST

/* The fix names the way of each program once, after what it says anyway. */
START_TEST(test_fix)
{
	struct world world;
	const struct pa_rule *rules[3];

	set_up(&world);
	rules[0] = add_chain(world.ruleset, 4)->rules[0];
	rules[1] = add_chain(world.ruleset, 5)->rules[0];
	rules[2] = add_chain(world.ruleset, 18)->rules[0];
	struct pa_finding *finding = compare_add(&world.c, PA_CHECK_EXP_005, "a");
	*finding = (struct pa_finding){
		.check = PA_CHECK_EXP_005, .fix = "limit it", .rules = rules, .rule_count = 3, .has_row = true
	};
	finding = compare_add(&world.c, PA_CHECK_HYG_001, "b");
	*finding = (struct pa_finding){ .check = PA_CHECK_HYG_001, .rules = &rules[1], .rule_count = 1 };
	compare_name_managers(&world.c);
	ck_assert_str_eq(
		world.c.result->findings[0].fix,
		"limit it; inet filter DOCKER-USER rule 1 `rule` is written by Docker: publish the port on one address (-p "
		"127.0.0.1:PORT:PORT) or not at all, or refuse it in chain DOCKER-USER; inet fw4 input rule 1 `rule` is written by "
		"OpenWrt firewall4: change /etc/config/firewall (`uci set firewall...`), then `service firewall reload`");
	ck_assert_str_eq(world.c.result->findings[1].fix,
			 "inet nat DOCKER rule 1 `rule` is written by Docker: change it there");
	tear_down(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("managers");
	TCase *tests = tcase_create("managers");

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, test_chain, 0, sizeof(chains) / sizeof(chains[0]));
	tcase_add_loop_test(tests, test_beside, 0, sizeof(beside) / sizeof(beside[0]));
	tcase_add_test(tests, test_rule);
	tcase_add_loop_test(tests, test_written, 0, sizeof(written) / sizeof(written[0]));
	tcase_add_test(tests, test_legacy_beside_nft);
	tcase_add_loop_test(tests, test_legacy_alone, 0, 2);
	tcase_add_loop_test(tests, test_legacy_unknown, 0, 2);
	tcase_add_test(tests, test_fix);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
