/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the server alone: server.c (the socket, limits, turns, the end) and
 * server_client.c (one connection: reading, serving, answering now and later). They call each
 * other.
 *
 * Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_SERVER_PARTS_H
#define VLY_CONTROL_SERVER_PARTS_H

#include "server.h"

struct vly_client {
	uv_pipe_t pipe;
	struct vly_server *server;
	unsigned refs; /* one of the connection, one of its pending command, one of each write */
	bool open;
	bool busy;   /* its request is not answered yet */
	bool broken; /* an answer could not be sent */
	bool ended;  /* it sends no more: to be closed when all is answered */
	bool last;   /* to be closed when its last answer is written */
	bool reading;
	struct vly_pending *pending;
	uint64_t active;     /* the server's count at its last request */
	uint64_t taken_turn; /* the server's turn when it was accepted */
	char *buffer;
	size_t len;
	size_t scanned; /* no newline before it */
	size_t room;
	struct vly_client *next;
	struct vly_client *prev;
};

struct vly_server {
	uv_pipe_t pipe;
	uv_idle_t turn; /* runs while there are requests that can be served */
	unsigned handle_cnt;
	char *path;
	void (*handle)(void *arg, struct vly_client *client, struct vly_request *request);
	void *arg;
	struct vly_client *clients;
	unsigned client_cnt;
	struct vly_pending *pending;
	uint64_t active;
	uint64_t turn_cnt;
	uint64_t last_turn; /* the loop turns until then at least */
	bool ending;
};

/* Has the loop serve waiting requests. One request of each client is served in a turn, so a client
 * that sends thousands does not keep others waiting. */
__attribute__((nonnull)) void vly_server_wake(struct vly_server *server);

/* Takes over a connection that was accepted: links it, and reads. */
__attribute__((nonnull)) void vly_client_begin(struct vly_client *client);

/* Ends the connection at once. */
__attribute__((nonnull)) void vly_client_close(struct vly_client *client);

/* Sends the client the reason, then closes the connection. */
__attribute__((nonnull)) void vly_client_dismiss(struct vly_client *client, const char *reason);

/* Whether a request can be served now. */
__attribute__((nonnull)) bool vly_client_is_ready(struct vly_client *client);

/* Serves the request that is ready, if one is. */
__attribute__((nonnull)) void vly_client_serve(struct vly_client *client);

/* Cancels the command, and sends the client the sentence about it. */
__attribute__((nonnull)) void vly_pending_cancel(struct vly_pending *pending);

#endif
