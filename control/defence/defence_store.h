/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the defender keeps on disk: the state (state-dir/defence.json) and the secrets of cookies
 * (state-dir/cookie-secrets, or the file that the configuration names); and what is wrong with
 * them, for people, as long as it is wrong.
 *
 * Use: vly_defence_store_open(), then the rest in any order, vly_defence_store_close(). The loop's
 * thread.
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
 * The state as it was kept; NULL without memory. A damaged file is set aside, and what was set is
 * lost. One that can't be read, or that another release wrote, is left as it is; the state is then
 * empty, store->state_unread is set, and the state must neither be saved nor be published. Both are
 * trouble.
 */
__attribute__((nonnull, warn_unused_result)) struct vly_defence_state *
vly_defence_store_load(struct vly_defence_store *store);

/* Before each change: reads a file again that could not be read. Returns 0, with *state replaced if
 * it was read now; or -1 with the trouble in `reason`: there must be no change. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_store_retry(struct vly_defence_store *store, struct vly_defence_state **state,
			char *reason, size_t reason_bytes);

/* When it fails, that is trouble until it works again. */
__attribute__((nonnull)) void vly_defence_store_save(struct vly_defence_store *store,
						     const struct vly_defence_state *state);

__attribute__((nonnull)) const char *
vly_defence_store_secrets_path(const struct vly_defence_store *store,
			       const struct vly_config_defence *config);

/*
 * Reads the secrets that the configuration asks for. Our own are made when there are none; that
 * they can't be kept is trouble, but no failure. Returns 0; or -1 with `reason` and *secrets as
 * they were.
 */
__attribute__((nonnull, warn_unused_result)) int vly_defence_store_read_secrets(
	struct vly_defence_store *store, const struct vly_config_defence *config,
	struct vly_cookie_secrets *secrets, char *reason, size_t reason_bytes);

#endif
