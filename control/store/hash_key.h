/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The key of the name hash (volley/name.h): 256 random bits, the same for all images of a table.
 * It is kept in the state directory, so that images of one run can be told from those of the next
 * by nothing but their contents. Whoever knows it can choose names that collide: mode 0600.
 */
#ifndef VLY_CONTROL_HASH_KEY_H
#define VLY_CONTROL_HASH_KEY_H

#include <stddef.h>

#include <volley/name.h>

/*
 * Reads the key kept in `state_dir`, or makes one and keeps it there when there is none. Returns 0;
 * 1 when the key is fresh and could not be kept, with the reason in `reason`: a file that could not
 * be read or is not a key stays as it is; -1 with errno when the kernel gives no random bits.
 * Blocks.
 */
__attribute__((nonnull, warn_unused_result)) int vly_hash_key_load(const char *state_dir,
								   struct vly_hash_key *key,
								   char *reason,
								   size_t reason_bytes);

#endif
