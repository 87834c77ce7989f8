/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limit.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

struct vly_limiter *
vly_limiter_create(void)
{
	struct vly_limiter *limiter = aligned_alloc(_Alignof(struct vly_limiter), sizeof(*limiter));

	if (limiter == NULL)
		return NULL;
	memset(limiter, 0, sizeof(*limiter));
	/* Blocks only before the machine has ever had any randomness. */
	if (getrandom(limiter, offsetof(struct vly_limiter, line), 0) < 0) {
		free(limiter);
		return NULL;
	}
	limiter->key[0] |= 1;
	limiter->key[1] |= 1;
	return limiter;
}

void
vly_limiter_destroy(struct vly_limiter *limiter)
{
	free(limiter);
}

bool
vly_limiter_slips(struct vly_limiter *limiter, uint32_t slip)
{
	if (slip == 0)
		return false;
	limiter->dice = limiter->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (limiter->dice >> 32) * slip >> 32 == 0;
}
