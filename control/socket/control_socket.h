/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket's name in the file system, for server.c alone. No state. */
#ifndef VLY_CONTROL_CONTROL_SOCKET_H
#define VLY_CONTROL_CONTROL_SOCKET_H

/* Removes a stale socket. Returns 0 when the name is free; or -1 with errno: EADDRINUSE when a
 * process listens there. Blocks for two seconds at most, while that is so. */
__attribute__((nonnull, warn_unused_result)) int vly_control_socket_clear(const char *path);

/* Sets the group of the socket; logs a failure. */
__attribute__((nonnull)) void vly_control_socket_give(const char *path, const char *group);

#endif
