// rooms: pa_compare pa_evaluate pa_iptables pa_allow pa_ir pa_host pa_space pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks that rest on facts of a live host, with such facts made up: UNK-002, 003, 004, PER-002, 003, NAT-001, NAT-002. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../../rules/iptables/iptables.h"
#include "portaudit/finding.h"
#include "portaudit/socket.h"

static const char rules[] = "*nat\n"
			    ":PREROUTING ACCEPT [0:0]\n"
			    ":POSTROUTING ACCEPT [0:0]\n"
			    "-A PREROUTING -i wan0 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080\n"
			    "-A POSTROUTING -o wan0 -p tcp -j MASQUERADE --to-ports 9000-9999\n"
			    "COMMIT\n"
			    "*filter\n"
			    ":INPUT DROP [0:0]\n"
			    ":FORWARD DROP [0:0]\n"
			    ":OUTPUT ACCEPT [0:0]\n"
			    "-A INPUT -i lo -j ACCEPT\n"
			    "-A INPUT -i wan0 -p tcp -m tcp --dport 8080 -j ACCEPT\n"
			    "-A FORWARD -i lan0 -o wan0 -j ACCEPT\n"
			    "COMMIT\n";

struct world {
	struct pa_diags diags;
	struct pa_ruleset *ruleset;
	struct pa_host *host;
	struct pa_evaluation *evaluation;
	struct pa_result *result;
};

static struct world make_world(void)
{
	struct world world = { .host = pa_host_new("test") };
	const struct pa_iptables_text text = { .name = "rules.v4",
					       .text = rules,
					       .length = sizeof(rules) - 1,
					       .family = PA_IPTABLES_IPV4,
					       .source = PA_SOURCE_NFT };
	world.ruleset = pa_ruleset_new();
	ck_assert(pa_iptables_lower(&text, world.ruleset, &world.diags));
	ck_assert(pa_ruleset_check(world.ruleset, &world.diags));
	world.host->live = true;
	return world;
}

static void judge(struct world *world)
{
	const struct pa_compare_options options = { 0 };
	struct pa_arena *arena = pa_arena_new();
	struct pa_cut *cuts;
	size_t count = pa_policy_cuts(NULL, world->host, world->ruleset, arena, &cuts);
	world->evaluation = pa_evaluate(world->ruleset, world->host, cuts, count, &world->diags);
	ck_assert_ptr_nonnull(world->evaluation);
	world->result = pa_compare(world->evaluation, world->ruleset, world->host, NULL, &options);
	ck_assert_ptr_null(pa_space_failed(pa_evaluation_space(world->evaluation)));
	pa_arena_free(arena);
}

static void end(struct world *world)
{
	pa_result_free(world->result);
	pa_evaluation_free(world->evaluation);
	pa_host_free(world->host);
	pa_ruleset_free(world->ruleset);
	pa_diags_done(&world->diags);
}

/* The message of the first finding of a check that has these words; NULL: there is none. */
static const char *said(const struct world *world, enum pa_check_id check, const char *words)
{
	for (size_t i = 0; i < world->result->finding_count; i++)
		if (world->result->findings[i].check == check && strstr(world->result->findings[i].message, words))
			return world->result->findings[i].message;
	return NULL;
}

static enum pa_check_status status_of(const struct world *world, enum pa_check_id check)
{
	return world->result->checks[check].status;
}

START_TEST(facts_that_are_missing_are_not_assessed)
{
	struct world world = make_world();
	judge(&world);
	ck_assert_int_eq(status_of(&world, PA_CHECK_UNK_002), PA_STATUS_NOT_ASSESSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_UNK_003), PA_STATUS_NOT_ASSESSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_UNK_004), PA_STATUS_NOT_ASSESSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_PER_002), PA_STATUS_NOT_ASSESSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_PER_003), PA_STATUS_NOT_ASSESSED);
	end(&world);
}
END_TEST

START_TEST(nothing_beside_passes)
{
	struct world world = make_world();
	world.host->surroundings_known = world.host->files_known = true;
	world.host->loads_at_boot = PA_YES;
	judge(&world);
	ck_assert_int_eq(status_of(&world, PA_CHECK_UNK_002), PA_STATUS_PASSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_UNK_003), PA_STATUS_PASSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_UNK_004), PA_STATUS_PASSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_PER_002), PA_STATUS_PASSED);
	ck_assert_int_eq(status_of(&world, PA_CHECK_PER_003), PA_STATUS_PASSED);
	end(&world);
}
END_TEST

START_TEST(what_is_beside_is_named)
{
	static const char *namespaces[] = { "web (ip netns)", "that of process 7 (nginx)" };
	static const char *beside[] = { "an XDP program on eth0" };
	static const char *unseen[] = { "IPsec: Operation not permitted" };
	static const char *loose[] = { "/etc/nftables.conf may be written by everybody" };
	struct world world = make_world();
	world.host->surroundings_known = world.host->files_known = true;
	world.host->namespaces = namespaces;
	world.host->namespace_count = 2;
	world.host->beside = beside;
	world.host->unseen = unseen;
	world.host->loose_files = loose;
	world.host->beside_count = world.host->unseen_count = world.host->loose_file_count = 1;
	world.host->loads_at_boot = PA_NO;
	judge(&world);
	ck_assert(said(&world, PA_CHECK_UNK_002,
		       "2 other network namespaces of this host are connected and not covered: web (ip netns)"));
	ck_assert(said(&world, PA_CHECK_UNK_003, "an XDP program on eth0"));
	ck_assert(said(&world, PA_CHECK_UNK_004, "IPsec: Operation not permitted"));
	ck_assert(said(&world, PA_CHECK_PER_002, "no unit that boot starts loads any"));
	ck_assert(said(&world, PA_CHECK_PER_003, "/etc/nftables.conf may be written by everybody"));
	end(&world);
}
END_TEST

/* Scripts that nobody can look into may load rules. */
static const struct {
	const char *services[3];
	bool files_known;
	enum pa_check_status status;
	const char *said;
} managers[] = {
	{ { NULL }, true, PA_STATUS_PASSED, NULL },
	{ { NULL }, false, PA_STATUS_NOT_ASSESSED, NULL },
	{ { "firewalld" }, true, PA_STATUS_PASSED, NULL },
	{ { "iptables", "ip6tables" }, true, PA_STATUS_PASSED, NULL },
	{ { "firewalld", "mine" }, true, PA_STATUS_PASSED, NULL },
	{ { "firewalld", "ufw" },
	  true,
	  PA_STATUS_FAILED,
	  "firewalld (service firewalld, which boot starts) and ufw (service ufw" },
	{ { "netfilter-persistent", "nftables" },
	  true,
	  PA_STATUS_FAILED,
	  "saved rules of iptables (service netfilter-persistent" },
};

/* Of rules that no program marks as its own. */
START_TEST(services_of_two_managers)
{
	struct world world = make_world();
	const char *services[3];
	memcpy(services, managers[_i].services, sizeof(services));
	world.host->boot_loaders = services;
	while (world.host->boot_loader_count < 3 && services[world.host->boot_loader_count])
		world.host->boot_loader_count++;
	world.host->files_known = managers[_i].files_known;
	world.host->loads_at_boot = PA_YES;
	judge(&world);
	ck_assert_int_eq(status_of(&world, PA_CHECK_MGR_001), managers[_i].status);
	if (managers[_i].said)
		ck_assert_ptr_nonnull(said(&world, PA_CHECK_MGR_001, managers[_i].said));
	end(&world);
}
END_TEST

START_TEST(an_unknown_boot_is_no_finding)
{
	struct world world = make_world();
	world.host->files_known = true;
	judge(&world);
	ck_assert_int_eq(status_of(&world, PA_CHECK_PER_002), PA_STATUS_NOT_ASSESSED);
	end(&world);
}
END_TEST

START_TEST(clients_of_connected_networks)
{
	struct pa_host_address addresses[] = {
		{ .family = 4, .prefix_length = 30, .interface = "wan0" },
		{ .family = 4, .prefix_length = 24, .interface = "lan0" },
	};
	struct world world = make_world();
	int family;
	pa_address_parse("198.51.100.2", &addresses[0].address, &family);
	pa_address_parse("192.0.2.1", &addresses[1].address, &family);
	world.host->addresses = addresses;
	world.host->address_count = 2;
	world.host->addresses_known = true;
	world.host->forward_ipv4 = PA_YES;
	judge(&world);
	ck_assert(said(&world, PA_CHECK_NAT_001,
		       "1,000 ports for each destination and protocol, and up to 254 clients: 3 ports for each client"));
	end(&world);
}
END_TEST

/* httpd on 80, which is redirected; app on 8080, which gets what it shall; peer inside the range of source ports. */
START_TEST(programs_and_translations)
{
	struct pa_process processes[] = { { .pid = 1, .command = "httpd" },
					  { .pid = 2, .command = "app" },
					  { .pid = 3, .command = "peer" } };
	uint32_t holders[] = { 0, 1, 2 };
	struct pa_listener listeners[] = {
		{ .protocol = 6, .family = 4, .any_address = true, .port = 80, .processes = &holders[0], .process_count = 1 },
		{ .protocol = 6, .family = 4, .any_address = true, .port = 8080, .processes = &holders[1], .process_count = 1 },
		{ .protocol = 6, .family = 4, .any_address = true, .port = 9100, .processes = &holders[2], .process_count = 1 },
		{ .protocol = 17,
		  .family = 4,
		  .any_address = true,
		  .port = 9200,
		  .processes = &holders[2],
		  .process_count = 1 },
	};
	const struct pa_sockets sockets = { .listeners = listeners,
					    .listener_count = 4,
					    .processes = processes,
					    .process_count = 3,
					    .listeners_complete = true };
	struct world world = make_world();
	world.host->sockets = &sockets;
	judge(&world);
	ck_assert(said(&world, PA_CHECK_NAT_002, "httpd listens on 80/tcp, but all that gets in for that port is sent to"));
	ck_assert(said(&world, PA_CHECK_NAT_002, "takes 9100/tcp as a source port, and peer listens there"));
	ck_assert_ptr_null(said(&world, PA_CHECK_NAT_002, "app"));
	ck_assert_ptr_null(said(&world, PA_CHECK_NAT_002, "9200")); /* the rule is for TCP */
	end(&world);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compare-host");
	TCase *tests = tcase_create("compare-host");
	tcase_add_test(tests, facts_that_are_missing_are_not_assessed);
	tcase_add_test(tests, nothing_beside_passes);
	tcase_add_test(tests, what_is_beside_is_named);
	tcase_add_test(tests, an_unknown_boot_is_no_finding);
	tcase_add_loop_test(tests, services_of_two_managers, 0, sizeof(managers) / sizeof(*managers));
	tcase_add_test(tests, clients_of_connected_networks);
	tcase_add_test(tests, programs_and_translations);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
