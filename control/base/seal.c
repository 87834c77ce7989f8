/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seal.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include <volley/image.h>

/* The kernel itself waits for its pages for about 0.15 s before. */
static const struct timespec between = {.tv_nsec = 10 * 1000 * 1000};

static time_t
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int
vly_seal(int fd)
{
	time_t last = now_s() + VLY_SEAL_SECONDS;

	while (fcntl(fd, F_ADD_SEALS, VLY_IMAGE_SEALS | F_SEAL_SEAL) != 0) {
		if (errno != EBUSY || now_s() >= last)
			return -1;
		nanosleep(&between, NULL);
	}
	return 0;
}
