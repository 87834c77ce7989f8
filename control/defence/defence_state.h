/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The run-time settings: values of settings, and prefixes to deny or allow, each without a time
 * limit or until a certain time. They override the configuration, and are kept in a file of JSON:
 *     {"version": 1,
 *      "set": {"source-rate.address": {"value": "50000"}},
 *      "prefixes": [{"prefix": "192.0.2.0/24", "action": "deny", "until": 1800000000}]}
 *
 * A state is changed by copying it, changing the copy, and putting the copy in its place when
 * everything else has worked. Times are Unix seconds, so they go on while control is down. Any one
 * thread; only _save() and _load() block, for the disk.
 */
#ifndef VLY_CONTROL_DEFENCE_STATE_H
#define VLY_CONTROL_DEFENCE_STATE_H

#include <stdbool.h>

#include "base/prefix_list.h"
#include "base/state_file.h"
#include "config/defence_settings.h"

struct vly_defence_entry {
	struct vly_prefix_rule rule;
	int64_t until_s; /* 0: for good */
};

struct vly_defence_state {
	struct vly_defence_values set; /* NULL: as configured */
	int64_t set_until_s[VLY_DEFENCE_SETTING_CNT];
	struct vly_defence_entry *entry; /* sorted by prefix, each once */
	size_t entry_cnt;
	struct json_t *foreign; /* settings in the file that this release does not have; or NULL */
};

/* Both return NULL without memory. */
__attribute__((warn_unused_result)) struct vly_defence_state *vly_defence_state_new(void);
__attribute__((nonnull, warn_unused_result)) struct vly_defence_state *
vly_defence_state_copy(const struct vly_defence_state *from);

void vly_defence_state_free(struct vly_defence_state *state);

/* Sets a valid value (copied), or removes it when it is NULL. Returns 0, or -1 without memory. */
__attribute__((nonnull(1), warn_unused_result)) int
vly_defence_state_set(struct vly_defence_state *state, enum vly_defence_setting setting,
		      const char *value, int64_t until_s);

/* Enters every rule of the list, in place of an entry for the same prefix; if the list has a prefix
 * twice, the last counts. Sorts the list. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_state_put(struct vly_defence_state *state, struct vly_prefix_list *list,
		      int64_t until_s);

/* Removes the entries for the prefixes of the list, which it sorts. Returns how many were
 * removed. */
__attribute__((nonnull)) size_t vly_defence_state_forget(struct vly_defence_state *state,
							 struct vly_prefix_list *list);

/* Finds the entry for exactly this prefix; NULL: there is none. */
__attribute__((nonnull)) const struct vly_defence_entry *
vly_defence_state_find(const struct vly_defence_state *state, const struct vly_prefix_rule *rule);

/* Removes expired values and entries. Returns whether there were any. */
__attribute__((nonnull)) bool vly_defence_state_expire(struct vly_defence_state *state,
						       int64_t now_s);

/* The time at which the next value or entry expires; 0: never. */
__attribute__((nonnull)) int64_t vly_defence_state_next(const struct vly_defence_state *state);

/* Writes the file, foreign settings included. Returns 0, or -1 with "path: why" in `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_state_save(const struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes);

/*
 * Fills an empty state from the file (untrusted). `reason` is "path: why" unless all of it was
 * read. A file of another version counts as unreadable, not as damaged, because the release that
 * wrote it can read it.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_state_read
vly_defence_state_load(struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes);

#endif
