/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a living zone in a thread of the pool, in a transaction of its own. */
#ifndef VLY_CONTROL_LIVING_READ_H
#define VLY_CONTROL_LIVING_READ_H

#include "living.h"

struct vly_living_read {
	uv_work_t work; /* private, and the next three */
	struct vly_living *living;
	int result;
	int failure;
	const char *zone; /* the caller's, in canonical spelling */
	/* In the thread: reads, and returns 0; or -1 with the reason. */
	int (*read)(struct vly_living_read *self, struct vly_store_txn *txn,
		    const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES]);
	/* On the loop, once: `error` is NULL, or why it was not read. The struct is the caller's again. */
	void (*done)(struct vly_living_read *self, const char *error);
	char reason[VLY_REASON_BYTES];
};

/* The struct is the caller's, and must stay until `done`, which is never called before this
 * returns. */
__attribute__((nonnull)) void vly_living_read(struct vly_living *living,
					      struct vly_living_read *read);

/* The same at once, in a thread that may block. Returns NULL, or why it was not read. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_living_read_now(struct vly_living *living, struct vly_living_read *read);

#endif
