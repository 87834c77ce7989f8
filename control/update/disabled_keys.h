/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which keys an operator has disabled: `state-dir`/disabled-keys, a name in each line. Blocks for the
 * disk. The loop's thread. */
#ifndef VLY_CONTROL_DISABLED_KEYS_H
#define VLY_CONTROL_DISABLED_KEYS_H

#include "keyring.h"

/* Disables those keys that the file names. If it can't be read, all keys are disabled, as one of them may
 * be in wrong hands, until the next call that can read it, and the reason is logged and stands in `trouble`, which is
 * "" otherwise. */
__attribute__((nonnull)) void vly_disabled_keys_load(struct vly_keyring *keyring,
						     const char *state_dir,
						     char trouble[VLY_REASON_BYTES]);

/* Replaces the file. Names of the file that the keyring lacks stay, as their keys may come back with
 * another configuration. Returns 0; or -1 with a sentence in `reason`, also when the file can't be
 * read: then it stays as it is. */
__attribute__((nonnull, warn_unused_result)) int
vly_disabled_keys_save(struct vly_keyring *keyring, const char *state_dir,
		       char reason[VLY_REASON_BYTES]);

#endif
