/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Removes zones from the store, with all records and their journals. They must not be answered any more
 * (vly_living_remove()). */
#ifndef VLY_CONTROL_LIVING_ERASE_H
#define VLY_CONTROL_LIVING_ERASE_H

#include "living.h"

struct vly_living_erase {
	uv_work_t work; /* private, and the next two */
	struct vly_living *living;
	int result;
	const char **
		zone; /* [cnt], the caller's, in canonical spelling; those that the store does not have
			      are passed over */
	uint32_t cnt;
	/* On the loop, once: `error` is NULL, or why they are all there still. The struct is the caller's again. */
	void (*done)(struct vly_living_erase *self, const char *error);
	char reason[VLY_REASON_BYTES];
};

/* The struct is the caller's, and must stay until `done`, which is never called before this returns. */
__attribute__((nonnull)) void vly_living_erase(struct vly_living *living,
					       struct vly_living_erase *erase);

#endif
