/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The key of the name hash (volley/name.h): 256 random bits, the same for all images of a table. It
 * is kept in the state directory, so that images of the last run can be used in the next one.
 * Someone who knows it can choose names that collide: the file has mode 0600.
 */
#ifndef VLY_CONTROL_HASH_KEY_H
#define VLY_CONTROL_HASH_KEY_H

#include <stddef.h>

#include <volley/name.h>

/*
 * Reads the key from `state_dir`, or makes one and stores it there. Returns 0; 1 with `reason` when
 * the key is new and could not be stored (a file that can't be read, or is not a key, stays as it
 * is); or -1 with errno when the kernel returns no random bits. Blocks for the disk.
 */
__attribute__((nonnull, warn_unused_result)) int vly_hash_key_load(const char *state_dir,
								   struct vly_hash_key *key,
								   char *reason,
								   size_t reason_bytes);

#endif
