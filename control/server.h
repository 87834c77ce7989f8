/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: a UNIX stream socket; one JSON object per line each way; mode 0660, so that
 * its group says who may operate Volley.
 *
 * For each request `handle` is called, which may take members out of it. It answers with
 * vly_client_send(): any number of lines, the last of them `final`, now or later. A client's next
 * request is looked at when the last one is answered. A client that went away is still safe to send
 * to while it is held (vly_client_hold()); nothing happens then.
 *
 * Threads: the loop's.
 */
#ifndef VLY_CONTROL_SERVER_H
#define VLY_CONTROL_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "request.h"

/* A longer line is refused: room for 100,000 prefixes, each of them as long as can be. */
#define VLY_SERVER_LINE_BYTES_MAX (8u << 20)

/* Operators and their scripts, not the public: more at once is a script gone wild. */
#define VLY_SERVER_CLIENTS_MAX 64

struct vly_server;
struct vly_client;

/*
 * Listens on `path`. A socket that nobody listens on is replaced; `group` gets it if there is
 * such a group. Returns the server, or NULL with a sentence in `reason`.
 */
__attribute__((nonnull(1, 2, 3, 4, 6), warn_unused_result)) struct vly_server *
vly_server_new(uv_loop_t *loop, const char *path, const char *group,
	       void (*handle)(void *arg, struct vly_client *client, struct vly_request *request),
	       void *arg, char *reason, size_t reason_bytes);

/* Sends `line` (taken over). Progress lines are left out for a client that does not read them. */
__attribute__((nonnull)) void vly_client_send(struct vly_client *client, json_t *line, bool final);

/* Keeps the client's memory until the release, connected or not. */
__attribute__((nonnull)) void vly_client_hold(struct vly_client *client);
__attribute__((nonnull)) void vly_client_release(struct vly_client *client);

/* Stops listening, removes the socket, disconnects all. The memory goes when the loop has closed
 * the handles. */
void vly_server_free(struct vly_server *server);

#endif
