/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the process that has a port, for the error message when the port is in use. Start-up only;
 * reads /proc. */
#ifndef VLY_DATAPLANE_SOCKET_OWNER_H
#define VLY_DATAPLANE_SOCKET_OWNER_H

#define VLY_SOCKET_OWNER_CHARS 64

/* Writes " by NAME (PID)" into `text`, or "" if the process is unknown. `type`: SOCK_STREAM or
 * SOCK_DGRAM. */
__attribute__((nonnull)) void vly_socket_owner(char text[VLY_SOCKET_OWNER_CHARS], int type,
					       unsigned port);

#endif
