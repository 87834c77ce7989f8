/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What operators set at run time: values of settings, and prefixes to deny or allow, each for good
 * or until a time. It goes before the configuration, and is kept in a file of JSON:
 *
 *     {"version": 1,
 *      "set": {"source-rate.address": {"value": "50000"}},
 *      "prefixes": [{"prefix": "192.0.2.0/24", "action": "deny", "until": 1800000000}]}
 *
 * A state is changed by copying it, changing the copy, and putting that in its place when all else
 * has worked. Times are Unix seconds: they count on while control is down. Any one thread.
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

/* Sets a good value (copied), or takes back what was set when it is NULL. Returns 0, or -1 without
 * memory. */
__attribute__((nonnull(1), warn_unused_result)) int
vly_defence_state_set(struct vly_defence_state *state, enum vly_defence_setting setting,
		      const char *value, int64_t until_s);

/* Enters every rule of the list, in place of what is there for the same prefix; of a prefix that
 * the list has twice, the last. Sorts the list. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_state_put(struct vly_defence_state *state, struct vly_prefix_list *list,
		      int64_t until_s);

/* Removes what is there for the prefixes of the list, which it sorts. Returns how many there were.
 */
__attribute__((nonnull)) size_t vly_defence_state_forget(struct vly_defence_state *state,
							 struct vly_prefix_list *list);

/* NULL: nothing was entered for exactly this prefix. */
__attribute__((nonnull)) const struct vly_defence_entry *
vly_defence_state_find(const struct vly_defence_state *state, const struct vly_prefix_rule *rule);

/* Removes what has come to its end. Returns whether there was anything. */
__attribute__((nonnull)) bool vly_defence_state_expire(struct vly_defence_state *state,
						       int64_t now_s);

/* When the next thing comes to its end; 0: never. */
__attribute__((nonnull)) int64_t vly_defence_state_next(const struct vly_defence_state *state);

/* Writes the file, foreign settings included. Returns 0, or -1 with "path: why" in `reason`. */
__attribute__((nonnull, warn_unused_result)) int
vly_defence_state_save(const struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes);

/*
 * Fills a fresh state from the file (untrusted). Unless all of it was read, `reason` has "path:
 * why". A file of another version is unreadable and not damaged: the release that wrote it can read
 * it. Blocks.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_state_read
vly_defence_state_load(struct vly_defence_state *state, const char *path, char *reason,
		       size_t reason_bytes);

#endif
