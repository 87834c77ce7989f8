/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "certificates.h"
#include "common/log.h"
#include "config/config.h"
#include "session/profiles.h"

static struct certificate leaf;
static unsigned log_cnt;

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	log_cnt++;
}

static void
set_up(void)
{
	certificate_dir_make();
	certificate_make(&leaf, "leaf.example", NULL, 30);
}

static void
tear_down(void)
{
	certificate_free(&leaf);
	certificate_dir_remove();
}

TestSuite(profiles, .init = set_up, .fini = tear_down);

static char good[] = "good";
static char broken[] = "broken";
static char unused[] = "unused";
static char missing[] = "/nowhere/ca.pem";
static char host[] = "leaf.example";

/* The third one is no remote's. */
static struct vly_profiles *
load(const struct vly_config_tls *server)
{
	static struct vly_config_tls tls[3];
	static struct vly_config_remote remotes[3];
	static struct vly_config_transfers transfers;

	tls[0] = (struct vly_config_tls){.name = good, .ca_file = leaf.path, .hostname = host};
	tls[1] = (struct vly_config_tls){.name = broken, .ca_file = missing, .hostname = host};
	tls[2] = (struct vly_config_tls){.name = unused, .ca_file = missing, .hostname = host};
	for (unsigned i = 0; i < 2; i++)
		remotes[i].profile = &tls[i];
	transfers.profile = server;
	const struct vly_config config = {
		.tls = tls,
		.tls_cnt = 3,
		.remotes = remotes,
		.remote_cnt = 3,
		.transfers = &transfers,
	};
	struct vly_profiles *profiles = vly_profiles_load(&config);
	cr_assert_not_null(profiles);
	return profiles;
}

Test(profiles, what_remotes_use_is_there_or_has_a_reason)
{
	char reason[VLY_REASON_BYTES] = "";
	struct vly_profiles *profiles = load(NULL);

	cr_expect_eq(vly_profiles_hold(profiles), profiles);
	vly_profiles_release(profiles);
	cr_expect_not_null(vly_profiles_client(profiles, good, reason), "%s", reason);
	cr_expect_null(vly_profiles_client(profiles, broken, reason));
	cr_expect_str_eq(reason, "tls `broken`: /nowhere/ca.pem: No such file or directory");
	cr_expect_null(vly_profiles_client(profiles, unused, reason), "it is not read");
	cr_expect_null(vly_profiles_server(profiles, reason));
	vly_profiles_log(profiles);
	cr_expect_eq(log_cnt, 1);
	vly_profiles_release(profiles);
}

Test(profiles, ours_as_server)
{
	char reason[VLY_REASON_BYTES] = "";
	const struct vly_config_tls server = {
		.name = good, .certificate_file = leaf.path, .key_file = leaf.key_path};
	const struct vly_config_tls wrong = {
		.name = good, .certificate_file = leaf.path, .key_file = leaf.path};
	struct vly_profiles *profiles = load(&server);

	cr_expect_not_null(vly_profiles_server(profiles, reason), "%s", reason);
	vly_profiles_release(profiles);
	profiles = load(&wrong);
	cr_expect_null(vly_profiles_server(profiles, reason));
	cr_expect_not_null(strstr(reason, "this is no key in PEM"), "%s", reason);
	vly_profiles_release(profiles);
}

Test(profiles, without_memory)
{
	char reason[VLY_REASON_BYTES] = "";

	cr_expect_null(vly_profiles_hold(NULL));
	cr_expect_null(vly_profiles_client(NULL, good, reason));
	cr_expect_str_eq(reason, "out of memory");
	cr_expect_null(vly_profiles_server(NULL, reason));
	vly_profiles_log(NULL);
	vly_profiles_release(NULL);
}
