/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has a port, for the one line that says why we can't have it. Start-up only. */
#ifndef VLY_DATAPLANE_SOCKET_OWNER_H
#define VLY_DATAPLANE_SOCKET_OWNER_H

#define VLY_SOCKET_OWNER_CHARS 64

/* Writes " by NAME (PID)" into `text`, or nothing when that can't be found out. `type` is
 * SOCK_STREAM or SOCK_DGRAM. */
__attribute__((nonnull)) void vly_socket_owner(char text[VLY_SOCKET_OWNER_CHARS], int type,
					       unsigned port);

#endif
