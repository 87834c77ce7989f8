/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists of client prefixes from text: "192.0.2.0/24", "2001:db8::/32", or an address alone, which
 * is a prefix of all its bits. Files have one on a line; what follows a # or a ; is a comment.
 *
 * All zeros is an empty list; vly_prefix_list_free() frees what it points to. Text is untrusted.
 * Any one thread.
 */
#ifndef VLY_CONTROL_PREFIX_LIST_H
#define VLY_CONTROL_PREFIX_LIST_H

#include <stdbool.h>

#include "prefix_table.h"

/* Longest text of a prefix, with its NUL. */
#define VLY_PREFIX_TEXT_BYTES 52

/* The number of prefixes that the dataplane's table has room for in every case: n prefixes make at
 * most 2n + 1 ranges. */
#define VLY_PREFIX_LIST_MAX (VLY_PREFIX_RANGES_MAX / 2 - 1)

struct vly_prefix_list {
	struct vly_prefix_rule *rule;
	size_t cnt;
	size_t room;
};

/* Receives a complaint about each invalid line. */
struct vly_prefix_complaints {
	void (*tell)(void *arg, unsigned line, const char *text);
	void *arg;
};

/* "none", "deny" and "allow", by enum vly_prefix_action. */
extern const char *const vly_prefix_action_name[];

/* Reads one prefix (untrusted) without an action. Returns NULL, or a sentence about it in
 * `reason`. */
#define VLY_PREFIX_REASON_BYTES 160
__attribute__((nonnull, warn_unused_result)) const char *
vly_prefix_parse(const char *text, struct vly_prefix_rule *rule,
		 char reason[VLY_PREFIX_REASON_BYTES]);

/* Writes the prefix in its usual form. Returns `out`. */
__attribute__((nonnull)) const char *vly_prefix_format(const struct vly_prefix_rule *rule,
						       char out[VLY_PREFIX_TEXT_BYTES]);

/* Appends a rule. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_prefix_list_add(struct vly_prefix_list *list, const struct vly_prefix_rule *rule);

/*
 * Appends the prefixes of text[0..bytes-1] (untrusted) with `action`. Returns the number of invalid
 * lines, each of which is reported to `complaints`; or -1 without memory, or with more than
 * VLY_PREFIX_LIST_MAX prefixes, which is reported, too.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_prefix_list_read(struct vly_prefix_list *list, const char *text, size_t bytes, uint8_t action,
		     const struct vly_prefix_complaints *complaints);

/* Sorts the list, and keeps the last one of equal prefixes. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_prefix_list_settle(struct vly_prefix_list *list);

__attribute__((nonnull)) void vly_prefix_list_free(struct vly_prefix_list *list);

#endif
