/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the AF_XDP socket of a queue, on which an lcore can wait. DPDK's driver creates the
 * sockets, but has no function that returns them.
 *
 * Use: vly_xsk_list() before and after the queue is set up, then vly_xsk_find_new(). The sockets
 * stay the driver's. Main thread, while no other thread opens sockets.
 */
#ifndef VLY_DATAPLANE_XSK_H
#define VLY_DATAPLANE_XSK_H

#include "setup/options.h"

/* Room for the sockets of more lcores than there can be. */
#define VLY_XSK_MAX (2 * VLY_LCORES_MAX)

struct vly_xsk_list {
	unsigned cnt;
	int fd[VLY_XSK_MAX];
};

/* All AF_XDP sockets of the process. */
__attribute__((nonnull)) void vly_xsk_list(struct vly_xsk_list *list);

/* The only socket that is in `after` and not in `before`; -1 if there is none or more than one. */
__attribute__((nonnull)) int vly_xsk_find_new(const struct vly_xsk_list *before,
					      const struct vly_xsk_list *after);

#endif
