// rooms: pa_host pa_base
// labels: root
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot loads and who may write it, in a tree of files that the test makes. Owners need root; status 77 (skipped) without. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../audit/host/read.h"

static char root[] = "/tmp/portaudit-files-XXXXXX";

static void make(const char *commands)
{
	char *whole = NULL;
	ck_assert_int_gt(asprintf(&whole,
				  "cd %s && rm -rf ./* && umask 022 && mkdir -p etc/systemd/system/multi-user.target.wants && "
				  "touch etc/systemd/system/multi-user.target.wants/cron.service && %s",
				  root, commands),
			 0);
	ck_assert_int_eq(system(whole), 0);
	free(whole);
}

static struct pa_host *read_tree(const char *commands)
{
	struct pa_host *host = pa_host_new(NULL);
	make(commands);
	pa_host_read_files_below(host, root);
	return host;
}

#define UFW "touch etc/systemd/system/multi-user.target.wants/ufw.service && mkdir etc/ufw && "

static const struct {
	const char *commands;
	enum pa_tristate answer;
} boots[] = {
	{ "true", PA_NO },
	{ "touch etc/systemd/system/multi-user.target.wants/nftables.service", PA_YES },
	{ "mkdir etc/systemd/system/sysinit.target.wants && touch etc/systemd/system/sysinit.target.wants/netfilter-persistent.service",
	  PA_YES },
	{ "printf '[Service]\\nExecStart=/usr/sbin/nft -f /etc/my.nft\\n' > etc/systemd/system/multi-user.target.wants/mine.service",
	  PA_YES },
	{ "printf '[Service]\\nExecStart=/bin/true\\n# nft\\n' > etc/systemd/system/multi-user.target.wants/mine.service",
	  PA_NO },
	{ "touch etc/systemd/system/multi-user.target.wants/ufw.service && mkdir etc/ufw && echo ENABLED=no > etc/ufw/ufw.conf",
	  PA_NO },
	{ "touch etc/systemd/system/multi-user.target.wants/ufw.service && mkdir etc/ufw && echo ENABLED=yes > etc/ufw/ufw.conf",
	  PA_YES },
	{ UFW "printf 'ENABLED=no\\n ENABLED=\"yes\" # now\\n' > etc/ufw/ufw.conf", PA_YES },
	{ UFW "printf 'ENABLED=yes\\n#ENABLED=yes\\nexport ENABLED=no\\n' > etc/ufw/ufw.conf", PA_NO },
	{ UFW "echo ENABLED=yesterday > etc/ufw/ufw.conf", PA_NO },
	{ UFW "echo \"ENABLED='YES'\" > etc/ufw/ufw.conf", PA_YES },
	{ UFW "echo 'ENABLED=$WANTED' > etc/ufw/ufw.conf", PA_UNKNOWN },
	{ UFW "true", PA_NO },
	{ UFW "echo ENABLED=no > etc/ufw/ufw.conf; touch etc/systemd/system/multi-user.target.wants/nftables.service", PA_YES },
	{ "touch etc/systemd/system/multi-user.target.wants/nftables.service && ln -s /dev/null etc/systemd/system/nftables.service",
	  PA_NO },
	{ "touch etc/rc.local && chmod 755 etc/rc.local", PA_UNKNOWN },
	{ "touch etc/rc.local && chmod 644 etc/rc.local", PA_NO },
	{ "rm -r etc/systemd && mkdir -p etc/runlevels/default && touch etc/runlevels/default/iptables", PA_YES },
	{ "rm -r etc/systemd", PA_UNKNOWN },
};

START_TEST(boot)
{
	struct pa_host *host = read_tree(boots[_i].commands);
	ck_assert_int_eq(host->loads_at_boot, boots[_i].answer);
	pa_host_free(host);
}
END_TEST

#define WANTS "etc/systemd/system/multi-user.target.wants/"

static const struct {
	const char *commands, *names; /* with blanks */
} loaders[] = {
	{ "true", "" },
	{ "touch " WANTS "nftables.service " WANTS "firewalld.service " WANTS "ssh.service", "firewalld nftables " },
	{ "touch " WANTS "nftables.service && mkdir etc/rc2.d && touch etc/rc2.d/S01nftables etc/rc2.d/S02netfilter-persistent",
	  "nftables netfilter-persistent " },
	{ UFW "echo ENABLED=no > etc/ufw/ufw.conf; touch " WANTS "nftables.service", "nftables " },
	{ UFW "echo ENABLED=yes > etc/ufw/ufw.conf; touch " WANTS "nftables.service", "nftables ufw " },
};

START_TEST(boot_loaders)
{
	struct pa_host *host = read_tree(loaders[_i].commands);
	struct pa_buffer names = { 0 };
	for (size_t i = 0; i < host->boot_loader_count; i++)
		pa_buffer_printf(&names, "%s ", host->boot_loaders[i]);
	ck_assert_str_eq(names.data ? names.data : "", loaders[_i].names);
	pa_buffer_done(&names);
	pa_host_free(host);
}
END_TEST

static const struct {
	const char *commands, *said; /* NULL: nothing */
} files[] = {
	{ "touch etc/nftables.conf", NULL },
	{ "touch etc/nftables.conf && chmod 666 etc/nftables.conf", "/etc/nftables.conf may be written by everybody" },
	{ "touch etc/nftables.conf && chown 65534 etc/nftables.conf",
	  "/etc/nftables.conf may be written by its owner, user 65534" },
	{ "touch etc/nftables.conf && chmod 664 etc/nftables.conf && chgrp 65534 etc/nftables.conf",
	  "/etc/nftables.conf may be written by group 65534" },
	{ "touch etc/nftables.conf && chmod 664 etc/nftables.conf", NULL }, /* the group is root's */
	{ "mkdir etc/iptables && touch etc/iptables/rules.v4 && chmod 777 etc/iptables",
	  "/etc/iptables may be written by everybody" },
	{ "mkdir etc/iptables && touch etc/iptables/rules.v4 && chmod 1777 etc/iptables", NULL },
	{ "mkdir etc/iptables && touch etc/iptables/other && chmod 666 etc/iptables/other", NULL },
	{ "mkdir etc/real && touch etc/real/rules && chmod 666 etc/real/rules && ln -s real/rules etc/nftables.conf",
	  "/etc/real/rules may be written by everybody" },
};

START_TEST(writers)
{
	struct pa_host *host = read_tree(files[_i].commands);
	ck_assert_uint_eq(host->loose_file_count, files[_i].said != NULL);
	if (files[_i].said)
		ck_assert_msg(strstr(host->loose_files[0], files[_i].said) != NULL, "%s", host->loose_files[0]);
	pa_host_free(host);
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("skipped: not root");
		return 77;
	}
	if (!mkdtemp(root) || chmod(root, 0755) != 0)
		return EXIT_FAILURE;
	Suite *suite = suite_create("files");
	TCase *tests = tcase_create("files");
	tcase_add_loop_test(tests, boot, 0, sizeof(boots) / sizeof(*boots));
	tcase_add_loop_test(tests, boot_loaders, 0, sizeof(loaders) / sizeof(*loaders));
	tcase_add_loop_test(tests, writers, 0, sizeof(files) / sizeof(*files));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	char *remove = NULL;
	if (asprintf(&remove, "rm -rf %s", root) < 0 || system(remove) != 0)
		return EXIT_FAILURE;
	free(remove);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
