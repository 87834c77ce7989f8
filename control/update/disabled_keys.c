/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disabled_keys.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/state_file.h"
#include "common/log.h"
#include "zone/domain.h"

/* Ten thousand names of 100 octets. */
#define FILE_BYTES_MAX (1 << 20)

static void
path_of(char path[PATH_MAX], const char *state_dir)
{
	snprintf(path, PATH_MAX, "%s/disabled-keys", state_dir);
}

/* The key that a line of the file names; NULL: the keyring has none. */
static struct vly_keyring_key *
key_of(struct vly_keyring *keyring, const char *line)
{
	char name[VLY_DOMAIN_TEXT_BYTES];

	return vly_domain_canonical(line, name) == NULL ? vly_keyring_named(keyring, name) : NULL;
}

/* The list can't be read: a key that is not known to be disabled may be on it. */
static void
suspend_all(struct vly_keyring *keyring)
{
	for (unsigned i = 0; i < keyring->key_cnt; i++) {
		struct vly_keyring_key *key = &keyring->key[i];
		key->is_suspended |= !key->is_disabled;
		key->is_disabled = true;
	}
}

static void
resume_all(struct vly_keyring *keyring)
{
	for (unsigned i = 0; i < keyring->key_cnt; i++) {
		struct vly_keyring_key *key = &keyring->key[i];
		key->is_disabled &= !key->is_suspended;
		key->is_suspended = false;
	}
}

static void
disable(struct vly_keyring *keyring, char *text)
{
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct vly_keyring_key *key = key_of(keyring, line);
		if (key != NULL)
			key->is_disabled = true;
	}
}

void
vly_disabled_keys_read(const char *state_dir, struct vly_disabled_list *list)
{
	char path[PATH_MAX];
	size_t bytes;

	*list = (struct vly_disabled_list){0};
	path_of(path, state_dir);
	list->result = vly_state_file_read(path, FILE_BYTES_MAX, &list->text, &bytes, list->reason,
					   sizeof(list->reason));
	if (list->result != VLY_STATE_READ)
		list->text = NULL;
}

void
vly_disabled_list_free(struct vly_disabled_list *list)
{
	free(list->text);
	list->text = NULL;
}

void
vly_disabled_keys_apply(struct vly_keyring *keyring, struct vly_disabled_list *list,
			char trouble[VLY_REASON_BYTES])
{
	trouble[0] = '\0';
	if (list->result == VLY_STATE_READ || list->result == VLY_STATE_NONE)
		resume_all(keyring);
	if (list->result == VLY_STATE_READ)
		disable(keyring, list->text);
	if (list->result == VLY_STATE_READ || list->result == VLY_STATE_NONE ||
	    keyring->key_cnt == 0)
		return;
	snprintf(trouble, VLY_REASON_BYTES,
		 "all keys of dynamic updates are disabled: %.380s; correct the file, or remove "
		 "it, then run volleyctl reload",
		 list->reason);
	vly_log_error("%s", trouble);
	suspend_all(keyring);
}

/* Writes the file's names of keys that the keyring lacks, or that are suspended, and the other keys that are
 * disabled. Returns NULL without memory. */
static char *
list_names(struct vly_keyring *keyring, char *old, size_t *bytes)
{
	char *text = NULL;
	char *rest = NULL;
	FILE *out = open_memstream(&text, bytes);

	if (out == NULL)
		return NULL;
	for (char *line = old ? strtok_r(old, "\n", &rest) : NULL; line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		const struct vly_keyring_key *key = key_of(keyring, line);
		if (key == NULL || key->is_suspended)
			fprintf(out, "%s\n", line);
	}
	for (unsigned i = 0; i < keyring->key_cnt; i++)
		if (keyring->key[i].is_disabled && !keyring->key[i].is_suspended)
			fprintf(out, "%s\n", keyring->key[i].name);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

int
vly_disabled_keys_save(struct vly_keyring *keyring, const char *state_dir,
		       char reason[VLY_REASON_BYTES])
{
	char path[PATH_MAX];
	char *old = NULL;
	size_t bytes;
	int result = -1;

	path_of(path, state_dir);
	enum vly_state_read read =
		vly_state_file_read(path, FILE_BYTES_MAX, &old, &bytes, reason, VLY_REASON_BYTES);
	if (read != VLY_STATE_READ && read != VLY_STATE_NONE)
		return -1;
	char *text = list_names(keyring, read == VLY_STATE_READ ? old : NULL, &bytes);
	if (read == VLY_STATE_READ)
		free(old);
	if (text == NULL)
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
	else if (bytes > FILE_BYTES_MAX)
		snprintf(reason, VLY_REASON_BYTES, "%.400s: too many names", path);
	else
		result = vly_state_file_write(path, text, bytes, reason, VLY_REASON_BYTES);
	free(text);
	return result;
}
