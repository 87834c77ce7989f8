/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The defender's files: the state (state-dir/defence.json) and the cookie secrets
 * (state-dir/cookie-secrets, or the file that the configuration names); and the problems with them, as
 * sentences, as long as they last.
 *
 * Use: vly_defence_store_open(), then the other functions in any order, vly_defence_store_close().
 * All block for the disk except _open(), _close() and _secrets_path(): they are for the defender's
 * thread, and for the loop's at start.
 */
#ifndef VLY_CONTROL_DEFENCE_STORE_H
#define VLY_CONTROL_DEFENCE_STORE_H

#include "base/reason.h"
#include "config/config.h"
#include "defence_state.h"

struct vly_defence_store {
	char *state_path;
	char *own_secrets_path;
	bool state_unread;                     /* the file may be good, and is left as it is */
	char state_trouble[VLY_TROUBLE_BYTES]; /* "": none */
	char secrets_trouble[VLY_TROUBLE_BYTES];
};

/* Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_store_open(struct vly_defence_store *store, const char *state_dir);

__attribute__((nonnull)) void vly_defence_store_close(struct vly_defence_store *store);

/*
 * Loads the state. A damaged file is renamed, and the settings in it are lost. A file that can't be
 * read, or that another release wrote, stays as it is; the state is then empty, store->state_unread
 * is set, and the state must be neither saved nor published. Both set state_trouble. Returns the
 * state, or NULL without memory.
 */
__attribute__((nonnull, warn_unused_result)) struct vly_defence_state *
vly_defence_store_load(struct vly_defence_store *store);

/* To be called before each change: reads a file again that could not be read. Returns 0, and *state
 * is replaced if the file was read now; or -1 with `reason`, and the change must be refused. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_store_retry(struct vly_defence_store *store, struct vly_defence_state **state,
			char *reason, size_t reason_bytes);

/* Saves the state. A failure sets state_trouble, until it works again. */
__attribute__((nonnull)) void vly_defence_store_save(struct vly_defence_store *store,
						     const struct vly_defence_state *state);

__attribute__((nonnull)) const char *
vly_defence_store_secrets_path(const struct vly_defence_store *store,
			       const struct vly_config_defence *config);

/*
 * Reads the secrets that the configuration asks for. Without a configured file, they are made if
 * there are none; a failure to save them sets secrets_trouble, but is no failure here. Returns 0;
 * or -1 with `reason`, and *secrets stay as they were.
 */
__attribute__((nonnull, warn_unused_result)) int vly_defence_store_read_secrets(
	struct vly_defence_store *store, const struct vly_config_defence *config,
	struct vly_cookie_secrets *secrets, char *reason, size_t reason_bytes);

#endif
