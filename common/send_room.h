/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Room in the send buffer of the publish socket. Clients' messages and their responses leave a fourth
 * of it free, so that requests and results behind them can always be sent: one that cannot ends the
 * connection.
 *
 * Use: vly_send_room_make() on the socket, vly_send_room_left() before clients' messages; each takes
 * its octets and VLY_SEND_ROOM_OVERHEAD of that. Any thread.
 */
#ifndef VLY_COMMON_SEND_ROOM_H
#define VLY_COMMON_SEND_ROOM_H

#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* As many octets as the default net.core.wmem_max allows; the kernel doubles it. */
#define VLY_SEND_ROOM_BYTES 212992

/* More than the kernel counts for a packet beside its octets. */
#define VLY_SEND_ROOM_OVERHEAD 8192

/* The socket's own size stays if the kernel refuses this one. */
static inline void
vly_send_room_make(int fd)
{
	const int bytes = VLY_SEND_ROOM_BYTES;

	(void)!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* Octets that clients' messages may take now. */
static inline size_t
vly_send_room_left(int fd)
{
	int used = 0;
	int size = 0;
	socklen_t len = sizeof(size);

	if (ioctl(fd, SIOCOUTQ, &used) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) != 0)
		return 0;
	return used < size / 4 * 3 ? (size_t)(size / 4 * 3 - used) : 0;
}

#endif
