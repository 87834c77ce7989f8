/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that are added at run time, and the files of the state directory. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "update/updater.h"

/* Words of a configuration are not const. */
#define W(text) ((char *)(uintptr_t)(text))

static char dir[] = "/tmp/volley-keys-XXXXXX";
static char nobody; /* changes of keys need neither publisher nor living zones */
static struct vly_config_dataplane dataplane;
static const struct vly_config config = {.dataplane = &dataplane};

static struct vly_updater *
open_updater(void)
{
	cr_assert_not_null(mkdtemp(dir));
	struct vly_updater *updater = vly_updater_new((struct vly_publisher *)(void *)&nobody,
						      (struct vly_living *)(void *)&nobody, dir);
	cr_assert_not_null(updater);
	return updater;
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
	vly_updater_configure(updater, &config);
	cr_expect_eq(add(updater, "k.", reason), -1);
	cr_expect_str_eq(reason, "a key needs dataplane.stream-threads of 1 or more: these threads "
				 "take dynamic updates");
	cr_expect_eq(vly_updater_keyring(updater)->key_cnt, 0);
	dataplane.stream_threads = W("2");
	vly_updater_configure(updater, &config);
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
	vly_updater_configure(updater, &config);
	cr_assert_eq(add(updater, "k.", reason), 0, "%s", reason);
	cr_expect_str_eq(vly_updater_disabled_trouble(updater), "");
	remove_file("disabled-keys");
	snprintf(path, sizeof(path), "%s/disabled-keys", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	vly_updater_configure(updater, &config);
	cr_expect(strstr(vly_updater_disabled_trouble(updater),
			 "all keys of dynamic updates are disabled: ") != NULL);
	cr_expect(strstr(vly_updater_disabled_trouble(updater), path) != NULL);
	cr_expect(vly_updater_keyring(updater)->key[0].is_disabled);
	cr_assert_eq(rmdir(path), 0);
	vly_updater_configure(updater, &config);
	cr_expect_str_eq(vly_updater_disabled_trouble(updater), "");
	cr_expect_not(vly_updater_keyring(updater)->key[0].is_disabled);
	close_updater(updater);
}
