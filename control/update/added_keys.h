/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys that operators have added at run time: `state-dir`/added-keys.json, a list of objects
 *
 *     {"name": "k.example.", "algorithm": "hmac-sha256", "secret": "...", "zone": "example.",
 *      "names": ["www"], "types": ["A"], "ttl-min": "60", "ttl-max": "300", "until": "2027-12-31",
 *      "sources": ["192.0.2.0/24"], "rate": "10/h"}
 *
 * of which the last seven are a grant, and may be left out. Blocks for the disk where it says so. The
 * loop's thread.
 */
#ifndef VLY_CONTROL_ADDED_KEYS_H
#define VLY_CONTROL_ADDED_KEYS_H

#include <jansson.h>

#include "base/reason.h"
#include "config/config.h"

/* One of them, in the words of a configuration; all points into the JSON or `word`. */
struct vly_added_key {
	struct vly_config_key key;
	const char *zone;
	struct vly_grant_text grant;
	char **word;
};

/* Reads an object (untrusted). Returns 0 with *added, to be freed; or -1 with a sentence. */
__attribute__((nonnull, warn_unused_result)) int
vly_added_key_read(struct vly_added_key *added, json_t *object, char reason[VLY_REASON_BYTES]);

__attribute__((nonnull)) void vly_added_key_free(struct vly_added_key *added);

/* Reads the file. Returns the list, the caller's, which is empty when there is no file; or NULL with a
 * sentence when it can't be read, or is not a list: then it must not be replaced. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) json_t *
vly_added_keys_load(const char *state_dir, char reason[VLY_REASON_BYTES]);

/* Replaces the file. Returns 0, or -1 with a sentence. Blocks for the disk. */
__attribute__((nonnull, warn_unused_result)) int
vly_added_keys_save(const json_t *keys, const char *state_dir, char reason[VLY_REASON_BYTES]);

#endif
