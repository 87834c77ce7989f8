/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which keys an operator has disabled: `state-dir`/disabled-keys, a name in each line.
 * vly_disabled_keys_read() in any thread, then vly_disabled_keys_apply() on the loop, as the other functions. */
#ifndef VLY_CONTROL_DISABLED_KEYS_H
#define VLY_CONTROL_DISABLED_KEYS_H

#include "base/state_file.h"
#include "keyring.h"

/* The file, as it was read. */
struct vly_disabled_list {
	enum vly_state_read result;
	char *text; /* VLY_STATE_READ; else NULL */
	char reason[VLY_REASON_BYTES];
};

/* Reads the file into *list, to be freed. Blocks for the disk. */
__attribute__((nonnull)) void vly_disabled_keys_read(const char *state_dir,
						     struct vly_disabled_list *list);

__attribute__((nonnull)) void vly_disabled_list_free(struct vly_disabled_list *list);

/* Disables those keys that the list names; once. If it couldn't be read, all keys are disabled, as one of them may
 * be in wrong hands, until the next call with one that could, and the reason is logged and stands in `trouble`, which
 * is "" otherwise. */
__attribute__((nonnull)) void vly_disabled_keys_apply(struct vly_keyring *keyring,
						      struct vly_disabled_list *list,
						      char trouble[VLY_REASON_BYTES]);

/* Replaces the file. Blocks for the disk. Names of the file that the keyring lacks stay, as their keys may come back with
 * another configuration. Returns 0; or -1 with a sentence in `reason`, also when the file can't be
 * read: then it stays as it is. */
__attribute__((nonnull, warn_unused_result)) int
vly_disabled_keys_save(struct vly_keyring *keyring, const char *state_dir,
		       char reason[VLY_REASON_BYTES]);

#endif
