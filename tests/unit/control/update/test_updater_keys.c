/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that are added at run time, and the files of the state directory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "update/key_files.h"
#include "update/updater.h"

/* Words of a configuration are not const. */
#define W(text) ((char *)(uintptr_t)(text))

static char dir[] = "/tmp/volley-keys-XXXXXX";
static char nobody; /* changes of keys need neither publisher nor living zones */
static struct vly_config_dataplane dataplane;
static char secret_file[100];
static struct vly_config_key keys[] = {{W("f."), W("hmac-sha256"), NULL, secret_file}};
static struct vly_config config = {.dataplane = &dataplane, .keys = keys};

static struct vly_updater *
open_updater(void)
{
	cr_assert_not_null(mkdtemp(dir));
	struct vly_updater *updater = vly_updater_new((struct vly_publisher *)(void *)&nobody,
						      (struct vly_living *)(void *)&nobody, dir);
	cr_assert_not_null(updater);
	return updater;
}

static void
configure(struct vly_updater *updater)
{
	struct vly_key_files *files = vly_updater_read_files(updater, &config);

	cr_assert_not_null(files);
	vly_updater_configure(updater, &config, files);
	vly_key_files_free(files);
}

static int
add(struct vly_updater *updater, const char *name, char reason[VLY_REASON_BYTES])
{
	json_t *key = json_pack("{s:s,s:s,s:s,s:s}", "name", name, "algorithm", "hmac-sha256",
				"secret", "c2VjcmV0", "zone", "z.");
	int result = vly_updater_add(updater, key, reason);

	json_decref(key);
	return result;
}

static void
remove_file(const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	remove(path);
}

static void
close_updater(struct vly_updater *updater)
{
	vly_updater_free(updater);
	remove_file("added-keys.json");
	remove_file("disabled-keys");
	cr_expect_eq(rmdir(dir), 0);
}

Test(updater_keys, a_key_needs_threads_that_take_updates)
{
	struct vly_updater *updater = open_updater();
	char reason[VLY_REASON_BYTES] = "";

	cr_expect_eq(add(updater, "k.", reason), -1, "the zones are being loaded");
	dataplane.stream_threads = W("0");
	configure(updater);
	cr_expect_eq(add(updater, "k.", reason), -1);
	cr_expect_str_eq(reason, "a key needs dataplane.stream-threads of 1 or more: these threads "
				 "take dynamic updates");
	cr_expect_eq(vly_updater_keyring(updater)->key_cnt, 0);
	dataplane.stream_threads = W("2");
	configure(updater);
	cr_expect_eq(add(updater, "k.", reason), 0, "%s", reason);
	cr_expect_eq(vly_updater_keyring(updater)->key_cnt, 1);
	close_updater(updater);
}

Test(updater_keys, a_list_of_disabled_keys_that_cannot_be_read_is_a_trouble)
{
	struct vly_updater *updater = open_updater();
	char reason[VLY_REASON_BYTES] = "";
	char path[100];

	dataplane.stream_threads = W("2");
	configure(updater);
	cr_assert_eq(add(updater, "k.", reason), 0, "%s", reason);
	cr_expect_str_eq(vly_updater_disabled_trouble(updater), "");
	remove_file("disabled-keys");
	snprintf(path, sizeof(path), "%s/disabled-keys", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	configure(updater);
	cr_expect(strstr(vly_updater_disabled_trouble(updater),
			 "all keys of dynamic updates are disabled: ") != NULL);
	cr_expect(strstr(vly_updater_disabled_trouble(updater), path) != NULL);
	cr_expect(vly_updater_keyring(updater)->key[0].is_disabled);
	cr_assert_eq(rmdir(path), 0);
	configure(updater);
	cr_expect_str_eq(vly_updater_disabled_trouble(updater), "");
	cr_expect_not(vly_updater_keyring(updater)->key[0].is_disabled);
	close_updater(updater);
}

static const struct vly_keyring_key *
find(const struct vly_updater *updater, const char *name)
{
	const struct vly_keyring *keyring = vly_updater_keyring(updater);

	for (unsigned i = 0; i < keyring->key_cnt; i++)
		if (strcmp(keyring->key[i].name, name) == 0)
			return &keyring->key[i];
	return NULL;
}

/* The loop does not wait for the file, which is not there any more. */
Test(updater_keys, files_are_read_before_the_configuration_is_in_force)
{
	struct vly_updater *updater = open_updater();
	char reason[VLY_REASON_BYTES] = "";

	dataplane.stream_threads = W("2");
	snprintf(secret_file, sizeof(secret_file), "%s/secret", dir);
	FILE *file = fopen(secret_file, "w");
	cr_assert_not_null(file);
	fputs("c2VjcmV0\n", file);
	fclose(file);
	cr_assert_eq(chmod(secret_file, 0600), 0);
	config.key_cnt = 1;
	struct vly_key_files *files = vly_updater_read_files(updater, &config);
	cr_assert_not_null(files);
	remove_file("secret");
	vly_updater_configure(updater, &config, files);
	vly_key_files_free(files);
	cr_expect_str_eq(find(updater, "f.")->trouble, "");
	cr_expect_eq(find(updater, "f.")->tsig->secret_len, 6);
	cr_expect_eq(add(updater, "k.", reason), 0, "%s", reason);
	cr_expect_str_eq(find(updater, "f.")->trouble, "");
	cr_expect_eq(find(updater, "f.")->tsig->secret_len, 6);
	cr_expect_eq(vly_updater_remove(updater, "k.", reason), 0, "%s", reason);
	cr_expect_not_null(vly_updater_find_key(updater, (const uint8_t *)"\1f", 3));
	configure(updater);
	cr_expect(strstr(find(updater, "f.")->trouble, "No such file") != NULL);
	close_updater(updater);
}

/* What a thread has read may be older than what an operator did meanwhile. */
Test(updater_keys, changes_while_a_configuration_is_read_stay)
{
	struct vly_updater *updater = open_updater();
	char reason[VLY_REASON_BYTES] = "";

	dataplane.stream_threads = W("2");
	configure(updater);
	cr_assert_eq(add(updater, "gone.", reason), 0, "%s", reason);
	cr_assert_eq(add(updater, "on.", reason), 0, "%s", reason);
	cr_assert_eq(vly_updater_disable(updater, "on.", true, reason), 0, "%s", reason);
	struct vly_key_files *files = vly_updater_read_files(updater, &config);
	cr_assert_not_null(files);
	cr_assert_eq(add(updater, "new.", reason), 0, "%s", reason);
	cr_assert_eq(vly_updater_remove(updater, "gone.", reason), 0, "%s", reason);
	cr_assert_eq(vly_updater_disable(updater, "on.", false, reason), 0, "%s", reason);
	vly_updater_configure(updater, &config, files);
	vly_key_files_free(files);
	for (unsigned i = 0; i < 2; i++) {
		cr_expect_eq(vly_updater_keyring(updater)->key_cnt, 2);
		cr_expect_not_null(find(updater, "new."));
		cr_expect_not(find(updater, "on.")->is_disabled);
		configure(updater);
	}
	close_updater(updater);
}
