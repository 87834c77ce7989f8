/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files have of the keys of dynamic updates: their secrets, and in the state directory those that were added
 * or disabled.
 *
 * Use: vly_key_files_read() when a configuration is read, in a thread: a file system may hang;
 * vly_updater_configure() on the loop; vly_key_files_free(), which wipes the secrets.
 */
#ifndef VLY_CONTROL_KEY_FILES_H
#define VLY_CONTROL_KEY_FILES_H

#include "disabled_keys.h"

struct vly_key_files {
	struct vly_keyring *secrets;
	json_t *added; /* NULL: `reason` says why its file can't be read */
	char reason[VLY_REASON_BYTES];
	struct vly_disabled_list disabled;
	uint64_t change_cnt; /* the updater's, from before they were read */
};

/* Returns NULL without memory. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) struct vly_key_files *
vly_key_files_read(const struct vly_config *config, const char *state_dir);

/* NULL is permitted. */
void vly_key_files_free(struct vly_key_files *files);

#endif
