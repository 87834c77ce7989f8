/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence_store.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "common/log.h"
#include "config/cookie_secrets.h"

int
vly_defence_store_open(struct vly_defence_store *store, const char *state_dir)
{
	memset(store, 0, sizeof(*store));
	if (asprintf(&store->state_path, "%s/defence.json", state_dir) < 0)
		store->state_path = NULL;
	if (asprintf(&store->own_secrets_path, "%s/" VLY_COOKIE_SECRETS_FILE, state_dir) < 0)
		store->own_secrets_path = NULL;
	return store->state_path && store->own_secrets_path ? 0 : -1;
}

void
vly_defence_store_close(struct vly_defence_store *store)
{
	free(store->state_path);
	free(store->own_secrets_path);
}

__attribute__((format(printf, 2, 3))) static void
set_trouble(struct vly_defence_store *store, const char *format, ...)
{
	char before[VLY_TROUBLE_BYTES];
	va_list args;

	memcpy(before, store->state_trouble, sizeof(before));
	va_start(args, format);
	vsnprintf(store->state_trouble, sizeof(store->state_trouble), format, args);
	va_end(args);
	if (strcmp(before, store->state_trouble) != 0)
		vly_log_error("defence: %s", store->state_trouble);
}

/* A damaged file is renamed, or the next change would overwrite it. If that fails, the file stays,
 * and changes are refused. */
static void
set_aside(struct vly_defence_store *store, const char *reason)
{
	char aside[PATH_MAX];

	store->state_unread = vly_state_file_set_aside(store->state_path, aside, sizeof(aside)) < 0;
	if (store->state_unread)
		set_trouble(store,
			    "%.400s; the file could not be renamed: %s; changes are refused until "
			    "it is moved away",
			    reason, strerror(errno));
	else
		set_trouble(
			store,
			"all run-time settings are lost: %.300s; the file was renamed to %.200s",
			reason, strrchr(aside, '/') + 1);
}

/* Named once: after the first change they are in the file as before. */
static void
name_foreign(struct vly_defence_store *store, const struct vly_defence_state *state)
{
	void *first = json_object_iter(state->foreign);

	if (first)
		set_trouble(store,
			    "%s has settings of another release of Volley, which are preserved but "
			    "have no effect: %.100s%s",
			    store->state_path, json_object_iter_key(first),
			    json_object_size(state->foreign) > 1 ? " and others" : "");
}

struct vly_defence_state *
vly_defence_store_load(struct vly_defence_store *store)
{
	struct vly_defence_state *state = vly_defence_state_new();
	char reason[VLY_REASON_BYTES];

	if (!state)
		return NULL;
	enum vly_state_read result =
		vly_defence_state_load(state, store->state_path, reason, sizeof(reason));
	store->state_unread = result == VLY_STATE_UNREADABLE;
	if (result == VLY_STATE_READ || result == VLY_STATE_NONE) {
		store->state_trouble[0] = '\0';
		name_foreign(store, state);
		return state;
	}
	if (result == VLY_STATE_DAMAGED)
		set_aside(store, reason);
	else
		set_trouble(store,
			    "the run-time settings can't be read: %.400s; changes are refused "
			    "until they can",
			    reason);
	vly_defence_state_free(state);
	return vly_defence_state_new();
}

int
vly_defence_store_retry(struct vly_defence_store *store, struct vly_defence_state **state,
			char *reason, size_t reason_bytes)
{
	if (!store->state_unread)
		return 0;
	struct vly_defence_state *fresh = vly_defence_store_load(store);
	if (!fresh || store->state_unread) {
		snprintf(reason, reason_bytes, "%s",
			 fresh ? store->state_trouble : "out of memory");
		vly_defence_state_free(fresh);
		return -1;
	}
	vly_defence_state_free(*state);
	*state = fresh;
	vly_log_info("%s can be read again", store->state_path);
	return 0;
}

void
vly_defence_store_save(struct vly_defence_store *store, const struct vly_defence_state *state)
{
	char reason[VLY_REASON_BYTES];

	store->state_trouble[0] = '\0';
	if (vly_defence_state_save(state, store->state_path, reason, sizeof(reason)) == 0)
		return;
	set_trouble(store, "in force, but not saved, and lost when volley-control restarts: %s",
		    reason);
}

const char *
vly_defence_store_secrets_path(const struct vly_defence_store *store,
			       const struct vly_config_defence *config)
{
	return config->secrets_file ? config->secrets_file : store->own_secrets_path;
}

/* Secrets that could not be kept before go on. */
static int
make_secrets(struct vly_defence_store *store, struct vly_cookie_secrets *secrets, char *reason,
	     size_t reason_bytes)
{
	if (!(secrets->secret_mask & 1 << VLY_COOKIE_CURRENT) &&
	    vly_cookie_secrets_make(secrets) < 0) {
		snprintf(reason, reason_bytes,
			 "the kernel returned no random bits for the cookie secrets");
		return -1;
	}
	if (vly_cookie_secrets_write(secrets, store->own_secrets_path, reason, reason_bytes) == 0)
		return 0;
	snprintf(store->secrets_trouble, sizeof(store->secrets_trouble),
		 "the cookie secrets could not be saved, and change at each start: %.400s", reason);
	vly_log_warning("%s", store->secrets_trouble);
	return 0;
}

int
vly_defence_store_read_secrets(struct vly_defence_store *store,
			       const struct vly_config_defence *config,
			       struct vly_cookie_secrets *secrets, char *reason,
			       size_t reason_bytes)
{
	int result = vly_cookie_secrets_read(secrets, vly_defence_store_secrets_path(store, config),
					     reason, reason_bytes);

	store->secrets_trouble[0] = '\0';
	if (result > 0 && !config->secrets_file)
		result = make_secrets(store, secrets, reason, reason_bytes);
	return result == 0 ? 0 : -1;
}
