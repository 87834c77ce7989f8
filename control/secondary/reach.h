/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which addresses of primaries could not be reached a moment ago, over UDP or TCP: their other zones need not
 * wait for the same, so that a primary that is down does not hold up the zones of others. An address that refuses
 * connections costs little: it is tried again after a second, then two, and so on.
 *
 * Pure, but for memory: the time is a parameter. An address that is not noted for want of memory counts as
 * reachable.
 */
#ifndef VLY_CONTROL_REACH_H
#define VLY_CONTROL_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Shorter: more time is lost with a primary that is down. Longer: it is used later when it is back, unless it
 * sends NOTIFY. */
#define VLY_REACH_MS       10000
#define VLY_REACH_FIRST_MS 1000

enum vly_reach_way {
	VLY_REACH_UDP,
	VLY_REACH_TCP,
	VLY_REACH_WAYS,
};

struct vly_reach {
	struct vly_reach_address *by_address;
};

/* An attempt that was begun at begin_ms has failed. One that took VLY_REACH_FIRST_MS or more is not repeated for
 * VLY_REACH_MS. */
__attribute__((nonnull)) void vly_reach_failed(struct vly_reach *reach,
					       const struct sockaddr_storage *address,
					       enum vly_reach_way way, uint64_t begin_ms,
					       uint64_t now_ms);

/* Whether it is not to be tried now. */
__attribute__((nonnull)) bool vly_reach_is_down(struct vly_reach *reach,
						const struct sockaddr_storage *address,
						enum vly_reach_way way, uint64_t now_ms);

/* Forgets the failures of an address: something has come from there. */
__attribute__((nonnull)) void vly_reach_forget_address(struct vly_reach *reach,
						       const struct sockaddr_storage *address);

/* Forgets all failures: an operator wants to know. */
__attribute__((nonnull)) void vly_reach_forget(struct vly_reach *reach);

#endif
