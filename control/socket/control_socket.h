/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket's name in the file system, for server.c. No state. */
#ifndef VLY_CONTROL_CONTROL_SOCKET_H
#define VLY_CONTROL_CONTROL_SOCKET_H

/* Removes a socket that nobody listens on. Blocks, for two seconds at most, while somebody does.
 * Returns 0 when the name is free, else -1 with errno: EADDRINUSE when somebody listens. */
__attribute__((nonnull, warn_unused_result)) int vly_control_socket_clear(const char *path);

/* Gives the socket to `group`; logs when that can't be done. */
__attribute__((nonnull)) void vly_control_socket_give(const char *path, const char *group);

#endif
