/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which process has a socket, for the line that says why a port can't be had. Start-up only: it may
 * look at every open file of the machine. Any thread. */
#ifndef VLY_COMMON_SOCKET_OWNER_H
#define VLY_COMMON_SOCKET_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#define VLY_SOCKET_OWNER_CHARS 64

/* A socket that is bound to a port. */
struct vly_bound_socket {
	unsigned long inode;
	bool ipv4;
	uint8_t address[16]; /* in network order; of IPv4, the first four octets */
};

/*
 * Gives each socket that is bound to `port` to `take` until that returns false. `root` stands
 * before /proc; `type` is SOCK_STREAM for listening ones, or SOCK_DGRAM for unconnected ones.
 */
__attribute__((nonnull(1, 4))) void
vly_socket_each(const char *root, int type, unsigned port,
		bool (*take)(void *context, const struct vly_bound_socket *socket), void *context);

/* Writes "NAME (PID)" of the process that has the socket, or "" when that can't be found out. */
__attribute__((nonnull)) void vly_socket_owner(const char *root, unsigned long inode,
					       char text[VLY_SOCKET_OWNER_CHARS]);

/* Writes " by NAME (PID)" of a process that has a socket on the port, or "". `type` is
 * SOCK_STREAM or SOCK_DGRAM. */
__attribute__((nonnull)) void vly_port_owner(char text[VLY_SOCKET_OWNER_CHARS], int type,
					     unsigned port);

#endif
