/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence_store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cookie_secrets.h"
#include "log.h"

int
vly_defence_store_open(struct vly_defence_store *store, const char *state_dir)
{
	memset(store, 0, sizeof(*store));
	if (asprintf(&store->state_path, "%s/defence.json", state_dir) < 0)
		store->state_path = NULL;
	if (asprintf(&store->own_secrets_path, "%s/cookie-secrets", state_dir) < 0)
		store->own_secrets_path = NULL;
	return store->state_path && store->own_secrets_path ? 0 : -1;
}

void
vly_defence_store_close(struct vly_defence_store *store)
{
	free(store->state_path);
	free(store->own_secrets_path);
}

/* It would be overwritten by the next change. */
static void
set_aside(struct vly_defence_store *store, const char *reason)
{
	char aside[PATH_MAX];

	snprintf(aside, sizeof(aside), "%s.damaged", store->state_path);
	bool moved = rename(store->state_path, aside) == 0;
	snprintf(store->state_trouble, sizeof(store->state_trouble),
		 "what was set at run time is lost: %.400s%s", reason,
		 moved ? "; kept as defence.json.damaged" : "");
	vly_log(VLY_LOG_ERROR, "%s", store->state_trouble);
}

struct vly_defence_state *
vly_defence_store_load(struct vly_defence_store *store)
{
	struct vly_defence_state *state = vly_defence_state_new();
	char reason[500];

	if (!state || vly_defence_state_load(state, store->state_path, reason, sizeof(reason)) >= 0)
		return state;
	set_aside(store, reason);
	vly_defence_state_free(state);
	return vly_defence_state_new();
}

void
vly_defence_store_save(struct vly_defence_store *store, const struct vly_defence_state *state)
{
	char reason[500];

	store->state_trouble[0] = '\0';
	if (vly_defence_state_save(state, store->state_path, reason, sizeof(reason)) == 0)
		return;
	snprintf(store->state_trouble, sizeof(store->state_trouble),
		 "in force, but lost when volley-control restarts: %s", reason);
	vly_log(VLY_LOG_ERROR, "defence: %s", store->state_trouble);
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
		snprintf(reason, reason_bytes, "no random bits for the secrets of cookies");
		return -1;
	}
	if (vly_cookie_secrets_write(secrets, store->own_secrets_path, reason, reason_bytes) == 0)
		return 0;
	snprintf(store->secrets_trouble, sizeof(store->secrets_trouble),
		 "the secrets of cookies are not kept, and made anew at each start: %.400s",
		 reason);
	vly_log(VLY_LOG_WARNING, "%s", store->secrets_trouble);
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
