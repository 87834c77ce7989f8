/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes one change of several that follow one another: what was added and removed again is in neither
 * list. The SOA records are left out. Pure; any thread.
 */
#ifndef VLY_CONTROL_CONDENSE_H
#define VLY_CONTROL_CONDENSE_H

#include "change/change.h"

/* Points into the changes that it was made of. */
struct vly_condensed {
	const struct vly_change_record **record; /* the removed ones, then the added ones */
	size_t removed_cnt;
	size_t added_cnt;
};

/* Condenses change[0..cnt-1], in their order. Records are the same when the canonical form of their
 * data and their TTL are (vly_change_record_order()). Returns 0 with *condensed, whose `record` is the
 * caller's to free; or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_condense(const struct vly_change *change, size_t cnt, struct vly_condensed *condensed);

#endif
