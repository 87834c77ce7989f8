/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "key_files.h"
#include "updater_parts.h"

/* Returns 0, or -1 without memory. */
static int
make_keyring(struct vly_updater *updater, struct vly_keyring *secrets)
{
	struct vly_keyring *keyring =
		vly_keyring_new(updater->config, updater->added, secrets, updater->keyring);

	if (keyring == NULL)
		return -1;
	vly_keyring_release(updater->keyring);
	updater->keyring = keyring;
	return 0;
}

/* Takes the keys of the state directory. If they couldn't be read, those in memory stay in use. */
static void
take_added(struct vly_updater *updater, const struct vly_key_files *files)
{
	updater->added_trouble[0] = '\0';
	if (files->added != NULL) {
		json_decref(updater->added);
		updater->added = json_incref(files->added);
		return;
	}
	snprintf(updater->added_trouble, sizeof(updater->added_trouble),
		 "no key can be added or removed: %.400s; correct the file, or remove it, then run "
		 "volleyctl reload",
		 files->reason);
	vly_log_error("%s", updater->added_trouble);
}

/* The count is read first: it grows when a change is on disk, so that what is read after that has the change, if
 * the count has. */
struct vly_key_files *
vly_updater_read_files(const struct vly_updater *updater, const struct vly_config *config)
{
	const uint64_t change_cnt = atomic_load(&updater->change_cnt);
	struct vly_key_files *files = vly_key_files_read(config, updater->state_dir);

	if (files != NULL)
		files->change_cnt = change_cnt;
	return files;
}

void
vly_updater_configure(struct vly_updater *updater, const struct vly_config *config,
		      struct vly_key_files *files)
{
	/* else what was read lacks the change */
	const bool is_newest = files != NULL && files->change_cnt == updater->change_cnt;

	updater->config = config;
	if (is_newest)
		take_added(updater, files);
	if (files == NULL || make_keyring(updater, files->secrets) != 0) {
		vly_log_error("the keys of dynamic updates stay as they were: out of memory");
		return;
	}
	const struct vly_keyring *keyring = updater->keyring;
	if (is_newest)
		vly_disabled_keys_apply(updater->keyring, &files->disabled,
					updater->disabled_trouble);
	for (unsigned i = 0; i < keyring->key_cnt; i++)
		if (keyring->key[i].trouble[0] != '\0')
			vly_log_error("key %s can't be used: %s", keyring->key[i].name,
				      keyring->key[i].trouble);
}

const struct vly_keyring *
vly_updater_keyring(const struct vly_updater *updater)
{
	return updater->keyring;
}

const struct vly_tsig_key *
vly_updater_find_key(const struct vly_updater *updater, const uint8_t *name, unsigned name_len)
{
	const struct vly_keyring_key *key = vly_keyring_find(updater->keyring, name, name_len);

	return key && !key->is_disabled ? key->tsig : NULL;
}

int
vly_updater_disable(struct vly_updater *updater, const char *name, bool disable,
		    char reason[VLY_REASON_BYTES])
{
	struct vly_keyring_key *key = vly_keyring_named(updater->keyring, name);

	if (key == NULL) {
		snprintf(reason, VLY_REASON_BYTES, "there is no key %.300s", name);
		return -1;
	}
	key->is_disabled = disable;
	key->is_suspended = false;
	vly_log_info("key %s is %s", key->name, disable ? "disabled" : "enabled");
	const int result = vly_disabled_keys_save(updater->keyring, updater->state_dir, reason);
	updater->change_cnt++;
	return result == 0 ? 0 : 1;
}

/* Whether the file of added keys can't be read; what it has would be lost. */
static bool
is_unread(const struct vly_updater *updater, char reason[VLY_REASON_BYTES])
{
	snprintf(reason, VLY_REASON_BYTES, "%s", updater->added_trouble);
	return updater->added_trouble[0] != '\0';
}

int
vly_updater_add(struct vly_updater *updater, json_t *object, char reason[VLY_REASON_BYTES])
{
	struct vly_added_key added;

	if (updater->config == NULL) {
		snprintf(reason, VLY_REASON_BYTES, "the zones are being loaded");
		return -1;
	}
	if (!vly_config_has_streams(updater->config->dataplane)) {
		snprintf(reason, VLY_REASON_BYTES,
			 "a key needs dataplane.stream-threads of 1 or more: these threads take "
			 "dynamic updates");
		return -1;
	}
	if (is_unread(updater, reason) || vly_added_key_read(&added, object, reason) != 0)
		return -1;
	const bool is_there = vly_keyring_named(updater->keyring, added.key.name) != NULL;
	snprintf(reason, VLY_REASON_BYTES, "there is a key %.300s already", added.key.name);
	vly_added_key_free(&added);
	if (is_there)
		return -1;
	snprintf(reason, VLY_REASON_BYTES, "out of memory");
	if (json_array_append(updater->added, object) != 0)
		return -1;
	if (make_keyring(updater, updater->keyring) != 0) {
		json_array_remove(updater->added, json_array_size(updater->added) - 1);
		return -1;
	}
	vly_log_info("key %s is added", json_string_value(json_object_get(object, "name")));
	/* a key of that name may have been disabled once */
	int result = vly_disabled_keys_save(updater->keyring, updater->state_dir, reason);
	if (result == 0)
		result = vly_added_keys_save(updater->added, updater->state_dir, reason);
	updater->change_cnt++;
	return result == 0 ? 0 : 1;
}

/* The list without a key; NULL without memory. */
static json_t *
copy_without(const json_t *keys, const char *name)
{
	json_t *kept = json_array();
	size_t i;
	json_t *object;

	json_array_foreach(keys, i, object)
	{
		const char *found = json_string_value(json_object_get(object, "name"));
		if (found != NULL && strcmp(found, name) == 0)
			continue;
		if (json_array_append(kept, object) != 0) {
			json_decref(kept);
			return NULL;
		}
	}
	return kept;
}

int
vly_updater_remove(struct vly_updater *updater, const char *name, char reason[VLY_REASON_BYTES])
{
	const struct vly_keyring_key *key = vly_keyring_named(updater->keyring, name);

	if (key == NULL || !key->is_added) {
		snprintf(reason, VLY_REASON_BYTES, "%.300s: %s", name,
			 key == NULL
				 ? "there is no such key"
				 : "the key is in the configuration: remove it there, or disable "
				   "it");
		return -1;
	}
	if (is_unread(updater, reason))
		return -1;
	json_t *before = updater->added;
	updater->added = copy_without(before, name);
	if (updater->added == NULL || make_keyring(updater, updater->keyring) != 0) {
		json_decref(updater->added);
		updater->added = before;
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return -1;
	}
	json_decref(before);
	vly_log_info("key %s is removed", name);
	const int result = vly_added_keys_save(updater->added, updater->state_dir, reason);
	updater->change_cnt++;
	return result == 0 ? 0 : 1;
}

const char *
vly_updater_added_trouble(const struct vly_updater *updater)
{
	return updater->added_trouble;
}

const char *
vly_updater_disabled_trouble(const struct vly_updater *updater)
{
	return updater->disabled_trouble;
}
