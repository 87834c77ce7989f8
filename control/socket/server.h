/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: a UNIX stream socket; one JSON object per line each way; mode 0660, so that
 * the members of its group may operate Volley.
 *
 * For each request `handle` is called, which may take members out of it. It answers
 *   - at once, with vly_client_send(), or
 *   - later: it keeps a struct vly_pending, calls vly_pending_begin(), may send progress, and calls
 *     vly_pending_end() with the answer.
 * When the server is freed it cancels what has not ended: nothing of a command outlives the server.
 * A client's next request is looked at when the last one is answered and most of the answer is
 * read.
 *
 * What a client costs is bounded: a request, one answer beyond UNREAD_BYTES_MAX (server_client.c),
 * and 64 KiB sent ahead. Of more than VLY_SERVER_IDLE_MAX idle connections those end that have
 * been idle for longest; busy ones are bounded by the commands that may be under way.
 *
 * Threads: the loop's. Only vly_server_new() blocks.
 */
#ifndef VLY_CONTROL_SERVER_H
#define VLY_CONTROL_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#include "request.h"

/* A longer line is refused: room for 100,000 prefixes, each of them as long as can be. */
#define VLY_SERVER_LINE_BYTES_MAX (8u << 20)

/* The most idle connections. Only operators and their scripts have access; and a new connection
 * always gets in, because the one that has been idle for longest is closed. */
#define VLY_SERVER_IDLE_MAX 64

/* The most commands in progress that take long, such as reloads. */
#define VLY_SERVER_SLOW_MAX 48

/* The most other commands in progress, such as changes of the defence. Both limits bound what the
 * commands of disconnected clients hold: each keeps its request. */
#define VLY_SERVER_QUICK_MAX 128

struct vly_server;
struct vly_client;

/* A command that is answered later. The caller sets the first three members. */
struct vly_pending {
	/*
	 * Cancels the command: makes sure that vly_pending_end() will not be called, and frees the
	 * memory that holds `pending`. Returns a sentence for the client about the state of its
	 * command. Called at most once, and never after vly_pending_end(). Must not call the
	 * server.
	 */
	const char *(*cancel)(struct vly_pending *pending);
	bool is_slow;
	bool goes_on; /* the command continues when the client has disconnected; else it is cancelled */

	/* private */
	struct vly_client *client;
	struct vly_pending *next;
	struct vly_pending *prev;
};

/*
 * Listens on `path`. A stale socket is replaced; this blocks for two seconds at most. The socket
 * gets the group `group` if that exists. Returns the server, or NULL with a sentence in `reason`.
 */
__attribute__((nonnull(1, 2, 3, 4, 6), warn_unused_result)) struct vly_server *
vly_server_new(uv_loop_t *loop, const char *path, const char *group,
	       void (*handle)(void *arg, struct vly_client *client, struct vly_request *request),
	       void *arg, char *reason, size_t reason_bytes);

/* Answers with `line` (taken over). */
__attribute__((nonnull)) void vly_client_send(struct vly_client *client, json_t *line);

/* Begins a command that is answered later. Returns false when too many are in progress: the client
 * has got an error, and `pending` stays the caller's. */
__attribute__((nonnull, warn_unused_result)) bool vly_pending_begin(struct vly_pending *pending,
								    struct vly_client *client);

/* Sends `line` (taken over) before the answer. It is left out for a client that does not read. */
__attribute__((nonnull)) void vly_pending_progress(struct vly_pending *pending, json_t *line);

/* Answers with `line` (taken over), if the client is still there. `pending` is the caller's again.
 */
__attribute__((nonnull)) void vly_pending_end(struct vly_pending *pending, json_t *line);

/* Cancels all commands, stops listening, removes the socket, and closes all connections. The memory
 * is freed when the loop has closed the handles. */
void vly_server_free(struct vly_server *server);

#endif
