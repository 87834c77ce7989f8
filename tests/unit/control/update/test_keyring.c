/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/state_file.h"
#include "update.h"
#include "update/added_keys.h"
#include "update/disabled_keys.h"
#include "update/keyring.h"

/* Words of a configuration are not const. */
#define W(text) ((char *)(uintptr_t)(text))

static const struct vly_update_context here = {.client = {[10] = 255, [11] = 255, 192, 0, 2, 1},
					       .now = 1000};

static struct vly_keyring *
make(const struct vly_keyring *before)
{
	static char *names[] = {W("*.dyn")};
	static char *types[] = {W("TXT")};
	static char *sources[] = {W("198.51.100.0/24")};
	static struct vly_config_key keys[] = {
		{W("k."), W("hmac-sha256"), W("c2VjcmV0"), NULL},
		{W("lost."), W("hmac-sha256"), NULL, W("/nonexistent/secret")},
	};
	static struct vly_grant_text grants[] = {
		{.key = W("k."), .names = names, .name_cnt = 1, .rate = W("2/d")},
		{.key = W("k."), .types = types, .type_cnt = 1},
		{.key = W("lost.")},
	};
	static struct vly_grant_text far[] = {
		{.key = W("k."), .sources = sources, .source_cnt = 1}};
	static struct vly_config_zone zones[] = {
		{.name = W("z."), .update = grants, .update_cnt = 3},
		{.name = W("far."), .update = far, .update_cnt = 1},
		{.name = W("plain.")},
	};
	static const struct vly_config config = {
		.keys = keys, .key_cnt = 2, .zones = zones, .zone_cnt = 3};
	json_t *added = json_pack("[{s:s,s:s,s:s,s:s,s:[s]},{s:s,s:s,s:s,s:s},{s:s}]", "name",
				  "added.", "algorithm", "hmac-sha384", "secret", "c2VjcmV0",
				  "zone", "z.", "types", "A", "name", "k.", "algorithm",
				  "hmac-sha1", "secret", "AAAA", "zone", "z.", "wrong", "member");
	struct vly_keyring *secrets = vly_keyring_read(&config);

	cr_assert_not_null(secrets);
	struct vly_keyring *keyring = vly_keyring_new(&config, added, secrets, before);
	cr_assert_not_null(keyring);
	vly_keyring_release(secrets);
	json_decref(added);
	return keyring;
}

static void
expect(struct vly_keyring *keyring, const char *zone, const char *update, const char *why)
{
	static uint8_t octets[VLY_MESSAGE_BYTES_MAX];
	struct vly_update_message message;
	char reason[VLY_REASON_BYTES] = "";
	size_t len = vly_test_update_write(octets, zone, update);

	cr_assert_eq(vly_update_message_read(&message, octets, len), VLY_RCODE_NOERROR);
	bool allowed =
		vly_keyring_judge(vly_keyring_named(keyring, "k."), &message, zone, &here, reason);
	cr_expect_eq(allowed, why == NULL, "%s: %s", update, reason);
	cr_expect_str_eq(reason, why == NULL ? "" : why);
	vly_update_message_free(&message);
}

Test(keyring, each_change_is_allowed_by_a_grant_of_the_zone)
{
	struct vly_keyring *keyring = make(NULL);

	expect(keyring, "z.", "u a.dyn.z. 60 IN A 192.0.2.1\nu b.z. 60 IN TXT x\n", NULL);
	expect(keyring, "z.", "u a.dyn.z. 60 IN A 192.0.2.1\nu b.z. 60 IN A 192.0.2.1\n",
	       "b.z. A is not allowed by types");
	expect(keyring, "z.", "u a.dyn.z. 60 IN NS ns.y.\n", "a.dyn.z. NS is not allowed by types");
	expect(keyring, "z.", "p b.z. 0 ANY ANY\n", NULL);
	expect(keyring, "far.", "p b.far. 0 ANY ANY\n", "an update is not allowed by sources");
	cr_expect(vly_keyring_has_zone(vly_keyring_named(keyring, "k."), "far."));
	cr_expect_not(vly_keyring_has_zone(vly_keyring_named(keyring, "k."), "plain."));
	expect(keyring, "plain.", "u a.plain. 60 IN A 192.0.2.1\n",
	       "an update is not allowed by the zone");
	vly_keyring_release(keyring);
}

/* Refused updates take nothing, nor do those that another grant allows. */
Test(keyring, a_rate_is_taken_by_updates_that_use_its_grant)
{
	struct vly_keyring *keyring = make(NULL);

	for (unsigned i = 0; i < 5; i++) {
		expect(keyring, "z.", "u b.z. 60 IN TXT x\n", NULL);
		expect(keyring, "z.", "u a.dyn.z. 60 IN A 192.0.2.1\nu b.z. 0 ANY A\n",
		       "b.z. A is not allowed by types");
	}
	expect(keyring, "z.", "u a.dyn.z. 60 IN A 192.0.2.1\n", NULL);
	expect(keyring, "z.", "u a.dyn.z. 60 IN A 192.0.2.1\n", NULL);
	expect(keyring, "z.", "u a.dyn.z. 60 IN A 192.0.2.1\n", "the update is over the rate");
	vly_keyring_release(keyring);
}

Test(keyring, whole_names_are_permitted_type_by_type)
{
	struct vly_keyring *keyring = make(NULL);
	const struct vly_keyring_key *key = vly_keyring_named(keyring, "k.");
	const uint8_t inside[] = "\1a\3dyn\1z", outside[] = "\1b\1z";

	cr_expect(vly_keyring_permits(key, "z.", &here, inside, sizeof(inside), VLY_TYPE_A));
	cr_expect(!vly_keyring_permits(key, "z.", &here, outside, sizeof(outside), VLY_TYPE_A));
	cr_expect(vly_keyring_permits(key, "z.", &here, outside, sizeof(outside), VLY_TYPE_TXT));
	cr_expect(
		!vly_keyring_permits(key, "plain.", &here, outside, sizeof(outside), VLY_TYPE_TXT));
	vly_keyring_release(keyring);
}

/* A key of the configuration wins, and what is wrong is left out. */
Test(keyring, added_keys)
{
	struct vly_keyring *keyring = make(NULL);
	const struct vly_keyring_key *key = vly_keyring_named(keyring, "added.");

	cr_expect_eq(keyring->key_cnt, 3);
	cr_assert_not_null(key);
	cr_expect(key->is_added);
	cr_expect_eq(key->tsig->algorithm, VLY_TSIG_HMAC_SHA384);
	cr_expect_eq(key->grant_cnt, 1);
	cr_expect_eq(vly_keyring_named(keyring, "k.")->tsig->algorithm, VLY_TSIG_HMAC_SHA256);
	cr_expect(!vly_keyring_named(keyring, "k.")->is_added);
	vly_keyring_release(keyring);
}

Test(keyring, keys_that_cannot_be_used_are_not_found)
{
	struct vly_keyring *keyring = make(NULL);

	cr_expect_not_null(vly_keyring_find(keyring, (const uint8_t *)"\1k", 3));
	cr_expect_null(vly_keyring_find(keyring, (const uint8_t *)"\4lost", 6));
	cr_expect_null(vly_keyring_find(keyring, (const uint8_t *)"\1x", 3));
	cr_expect_str_eq(vly_keyring_named(keyring, "lost.")->trouble,
			 "/nonexistent/secret: No such file or directory");
	vly_keyring_named(keyring, "k.")->is_disabled = true;
	cr_expect_null(vly_keyring_find(keyring, (const uint8_t *)"\1k", 3));
	vly_keyring_release(keyring);
}

Test(keyring, counts_go_on_with_the_next_configuration)
{
	struct vly_keyring *before = make(NULL);

	vly_keyring_named(before, "k.")->update_cnt = 7;
	vly_keyring_named(before, "k.")->is_disabled = true;
	struct vly_keyring *keyring = make(before);
	vly_keyring_release(before);
	cr_expect_eq(vly_keyring_named(keyring, "k.")->update_cnt, 7);
	cr_expect(vly_keyring_named(keyring, "k.")->is_disabled);
	vly_keyring_release(keyring);
}

static void
load_disabled(struct vly_keyring *keyring, const char *state_dir, char trouble[VLY_REASON_BYTES])
{
	struct vly_disabled_list list;

	vly_disabled_keys_read(state_dir, &list);
	vly_disabled_keys_apply(keyring, &list, trouble);
	vly_disabled_list_free(&list);
}

/* A new directory, and in it a file; `text` NULL: a directory in its place, which can't be read. */
static void
make_state(char *directory, const char *name, const char *text)
{
	char path[64];
	char reason[VLY_REASON_BYTES];

	strcpy(directory, "/tmp/keyring-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (text == NULL)
		cr_assert_eq(mkdir(path, 0700), 0);
	else
		cr_assert_eq(vly_state_file_write(path, text, strlen(text), reason, sizeof(reason)),
			     0);
}

static void
remove_state(const char *directory, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	cr_expect_eq(remove(path), 0);
	cr_expect_eq(rmdir(directory), 0);
}

/* Their keys may come back with another configuration. */
Test(keyring, disabled_keys_that_are_not_there_stay_in_the_file)
{
	struct vly_keyring *keyring = make(NULL);
	char directory[32];
	char trouble[VLY_REASON_BYTES];
	char path[64];
	char reason[VLY_REASON_BYTES];
	char *text;
	size_t bytes;

	make_state(directory, "disabled-keys", "gone.\nlost.\nk.\n");
	load_disabled(keyring, directory, trouble);
	cr_expect(vly_keyring_named(keyring, "k.")->is_disabled);
	vly_keyring_named(keyring, "k.")->is_disabled = false;
	cr_expect_eq(vly_disabled_keys_save(keyring, directory, reason), 0);
	snprintf(path, sizeof(path), "%s/disabled-keys", directory);
	cr_assert_eq(vly_state_file_read(path, 100, &text, &bytes, reason, sizeof(reason)),
		     VLY_STATE_READ);
	cr_expect_str_eq(text, "gone.\nlost.\n");
	free(text);
	remove_state(directory, "disabled-keys");
	vly_keyring_release(keyring);
}

Test(keyring, a_list_of_disabled_keys_that_cannot_be_read_stays)
{
	struct vly_keyring *keyring = make(NULL);
	char directory[32];
	char trouble[VLY_REASON_BYTES];
	char reason[VLY_REASON_BYTES] = "";

	make_state(directory, "disabled-keys", NULL);
	load_disabled(keyring, directory, trouble);
	cr_expect(strstr(trouble, "all keys of dynamic updates are disabled: ") != NULL);
	cr_expect(vly_keyring_named(keyring, "k.")->is_disabled);
	cr_expect_eq(vly_disabled_keys_save(keyring, directory, reason), -1);
	cr_expect(strstr(reason, "disabled-keys: ") != NULL, "%s", reason);
	remove_state(directory, "disabled-keys");
	vly_keyring_release(keyring);
}

Test(keyring, keys_that_were_disabled_for_an_unreadable_list_come_back)
{
	struct vly_keyring *before = make(NULL);
	char directory[32];
	char trouble[VLY_REASON_BYTES];
	char path[64];
	char reason[VLY_REASON_BYTES] = "";

	vly_keyring_named(before, "added.")->is_disabled = true;
	make_state(directory, "disabled-keys", NULL);
	load_disabled(before, directory, trouble);
	struct vly_keyring *keyring = make(before);
	vly_keyring_release(before);
	snprintf(path, sizeof(path), "%s/disabled-keys", directory);
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(vly_state_file_write(path, "lost.\nk.\n", 8, reason, sizeof(reason)), 0);
	/* the list can be read again, but was not: what it has stays */
	cr_expect_eq(vly_disabled_keys_save(keyring, directory, reason), 0, "%s", reason);
	cr_expect(vly_keyring_named(keyring, "k.")->is_disabled);
	load_disabled(keyring, directory, trouble);
	cr_expect_str_eq(trouble, "");
	cr_expect(vly_keyring_named(keyring, "k.")->is_disabled, "it is on the list");
	cr_expect(vly_keyring_named(keyring, "added.")->is_disabled, "it was disabled before");
	vly_keyring_named(keyring, "k.")->is_disabled = false;
	cr_expect_eq(vly_disabled_keys_save(keyring, directory, reason), 0);
	cr_assert_eq(remove(path), 0);
	cr_assert_eq(mkdir(path, 0700), 0);
	load_disabled(keyring, directory, trouble);
	cr_expect(vly_keyring_named(keyring, "k.")->is_disabled);
	cr_assert_eq(rmdir(path), 0);
	load_disabled(keyring, directory, trouble);
	cr_expect_not(vly_keyring_named(keyring, "k.")->is_disabled, "there is no list");
	cr_expect(vly_keyring_named(keyring, "added.")->is_disabled, "it was disabled before");
	cr_expect_eq(rmdir(directory), 0);
	vly_keyring_release(keyring);
}

Test(keyring, added_keys_that_cannot_be_read_are_no_empty_list)
{
	static const char *const texts[] = {NULL, "[{", "{}", ""};
	char directory[32];
	char reason[VLY_REASON_BYTES];

	for (unsigned i = 0; i < 4; i++) {
		make_state(directory, "added-keys.json", texts[i]);
		cr_expect_null(vly_added_keys_load(directory, reason));
		cr_expect(strstr(reason, "added-keys.json: ") != NULL, "%s", reason);
		remove_state(directory, "added-keys.json");
	}
	json_t *none = vly_added_keys_load("/nonexistent", reason);
	cr_expect(json_is_array(none));
	json_decref(none);
}

/* The grants of a key are sorted; each zone keeps its own, in the order of the configuration. */
Test(keyring, a_key_of_many_zones_has_the_grants_of_each)
{
	enum { ZONES = 1000 };
	static char name[ZONES][20];
	static char *types[] = {W("TXT")};
	static struct vly_grant_text grants[] = {
		{.key = W("k."), .types = types, .type_cnt = 1, .rate = W("1/d")},
		{.key = W("k."), .types = types, .type_cnt = 1},
	};
	static struct vly_config_key keys[] = {{W("k."), W("hmac-sha256"), W("c2VjcmV0"), NULL}};
	static struct vly_config_zone zones[ZONES];
	const struct vly_config config = {
		.keys = keys, .key_cnt = 1, .zones = zones, .zone_cnt = ZONES};
	json_t *added = json_array();
	char update[60];

	for (unsigned i = 0; i < ZONES; i++) {
		snprintf(name[i], sizeof(name[i]), "z%u.", i * 7919 % ZONES);
		zones[i] = (struct vly_config_zone){
			.name = name[i], .update = grants, .update_cnt = i % 3};
	}
	struct vly_keyring *secrets = vly_keyring_read(&config);
	cr_assert_not_null(secrets);
	struct vly_keyring *keyring = vly_keyring_new(&config, added, secrets, NULL);
	cr_assert_not_null(keyring);
	vly_keyring_release(secrets);
	for (unsigned i = 0; i < ZONES; i++) {
		snprintf(update, sizeof(update), "u a.%s 60 IN TXT x\n", name[i]);
		expect(keyring, name[i], update,
		       i % 3 == 0 ? "an update is not allowed by the zone" : NULL);
		cr_expect_eq(vly_keyring_has_zone(vly_keyring_named(keyring, "k."), name[i]),
			     i % 3 != 0);
	}
	for (unsigned i = 1; i < ZONES; i += 3) {
		snprintf(update, sizeof(update), "u b.%s 60 IN TXT x\n", name[i]);
		expect(keyring, name[i], update, "the update is over the rate");
	}
	json_decref(added);
	vly_keyring_release(keyring);
}
