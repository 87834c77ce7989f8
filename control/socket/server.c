/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control_socket.h"
#include "server_parts.h"

/* A monitoring system that asks on behalf of each zone connects in a burst, and the loop may be
 * with one long answer meanwhile. Beyond it a client that does not want to block gets EAGAIN. Costs
 * memory only when it is used. */
#define BACKLOG 128

/* A new connection's request may be read in the second turn: others are accepted before. Until then
 * it is not idle. */
#define TURNS_OF_GRACE 2

/* Connections that are not idle are as many as commands may be under way, and those that are new.
 * With more than that something is wrong. */
#define CLIENTS_MAX (VLY_SERVER_IDLE_MAX + VLY_SERVER_SLOW_MAX + VLY_SERVER_QUICK_MAX + BACKLOG)

static bool
is_idle(struct vly_client *client)
{
	return !client->busy && !client->last && !vly_client_is_ready(client) &&
	       client->server->turn_cnt - client->taken_turn >= TURNS_OF_GRACE;
}

static struct vly_client *
find_longest_idle(struct vly_server *server)
{
	struct vly_client *idle = NULL;

	for (struct vly_client *client = server->clients; client; client = client->next)
		if (is_idle(client) && (!idle || client->active < idle->active))
			idle = client;
	return idle;
}

static void
make_room(struct vly_server *server)
{
	struct vly_client *idle;
	unsigned cnt = 0;

	for (struct vly_client *client = server->clients; client; client = client->next)
		cnt += is_idle(client);
	for (; cnt > VLY_SERVER_IDLE_MAX && (idle = find_longest_idle(server)); cnt--)
		vly_client_dismiss(
			idle,
			"the connection was idle, and was closed to make room for another one");
}

/* Serves a request of each client that has one. */
static void
on_turn(uv_idle_t *turn)
{
	struct vly_server *server = turn->data;
	struct vly_client *next;

	if (++server->turn_cnt >= server->last_turn)
		uv_idle_stop(turn);
	for (struct vly_client *client = server->clients; client; client = next) {
		next = client->next;
		if (client->broken)
			vly_client_close(client);
		else
			vly_client_serve(client);
	}
	make_room(server);
}

void
vly_server_wake(struct vly_server *server)
{
	if (!server->ending)
		uv_idle_start(&server->turn, on_turn);
}

static void
on_connection(uv_stream_t *stream, int status)
{
	struct vly_server *server = stream->data;
	struct vly_client *client = status < 0 ? NULL : calloc(1, sizeof(*client));

	if (!client)
		return;
	uv_pipe_init(stream->loop, &client->pipe, 0);
	client->pipe.data = client;
	client->server = server;
	client->taken_turn = server->turn_cnt;
	server->last_turn = server->turn_cnt + TURNS_OF_GRACE;
	vly_server_wake(server);
	bool accepted = uv_accept(stream, (uv_stream_t *)&client->pipe) == 0;
	vly_client_begin(client);
	if (!accepted)
		vly_client_close(client);
	else if (server->client_cnt > CLIENTS_MAX)
		vly_client_dismiss(client, "too many connections to the control socket: try again "
					   "later");
}

static int
listen_on(struct vly_server *server)
{
	mode_t mask = umask(0117); /* bind() creates it with mode 0660 */
	int err = uv_pipe_bind(&server->pipe, server->path);

	umask(mask);
	return err ? err : uv_listen((uv_stream_t *)&server->pipe, BACKLOG, on_connection);
}

static void
on_server_closed(uv_handle_t *handle)
{
	struct vly_server *server = handle->data;

	if (--server->handle_cnt > 0)
		return;
	free(server->path);
	free(server);
}

static void
close_server(struct vly_server *server)
{
	server->ending = true;
	server->handle_cnt = 2;
	uv_close((uv_handle_t *)&server->turn, on_server_closed);
	uv_close((uv_handle_t *)&server->pipe,
		 on_server_closed); /* removes the socket's name too */
}

struct vly_server *
vly_server_new(uv_loop_t *loop, const char *path, const char *group,
	       void (*handle)(void *arg, struct vly_client *client, struct vly_request *request),
	       void *arg, char *reason, size_t reason_bytes)
{
	struct vly_server *server = calloc(1, sizeof(*server));
	int err = vly_control_socket_clear(path) < 0 ? uv_translate_sys_error(errno) : 0;

	if (!server || err) {
		snprintf(reason, reason_bytes, "control socket %s: %s", path,
			 err == UV_EADDRINUSE ? "another volley-control listens there"
			 : err                ? uv_strerror(err)
					      : "out of memory");
		free(server);
		return NULL;
	}
	server->path = strdup(path);
	server->handle = handle;
	server->arg = arg;
	uv_pipe_init(loop, &server->pipe, 0);
	uv_idle_init(loop, &server->turn);
	server->pipe.data = server;
	server->turn.data = server;
	err = server->path ? listen_on(server) : UV_ENOMEM;
	if (err) {
		/* libuv says EACCES for ENOENT, too */
		snprintf(reason, reason_bytes, "control socket %s: %s", path,
			 err == UV_EACCES ? "permission denied, or its directory does not exist"
					  : uv_strerror(err));
		close_server(server);
		return NULL;
	}
	vly_control_socket_give(path, group);
	return server;
}

void
vly_server_free(struct vly_server *server)
{
	if (!server)
		return;
	server->ending = true;
	while (server->pending)
		vly_pending_cancel(server->pending);
	while (server->clients)
		vly_client_close(server->clients);
	close_server(server);
}
