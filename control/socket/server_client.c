/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "server_parts.h"

/* A client with this much unread gets no progress, and its next request waits. Several ordinary
 * answers; an answer that is longer than all that is held once. */
#define UNREAD_BYTES_MAX 65536

/* What a client sends ahead of its answers stays in the kernel beyond this. Reading goes on below
 * it, or the end of a client that waits would not be seen. */
#define AHEAD_BYTES_MAX 65536

#define BUFFER_FIRST_BYTES 4096

struct line_write {
	uv_write_t write;
	struct vly_client *client;
	char *text;
};

static void
release(struct vly_client *client)
{
	if (--client->refs > 0)
		return;
	free(client->buffer);
	free(client);
}

static void
on_client_closed(uv_handle_t *handle)
{
	release(handle->data);
}

static struct vly_client *
unlink_pending(struct vly_pending *pending)
{
	struct vly_client *client = pending->client;

	if (pending->prev)
		pending->prev->next = pending->next;
	else
		client->server->pending = pending->next;
	if (pending->next)
		pending->next->prev = pending->prev;
	client->pending = NULL;
	return client;
}

void
vly_client_close(struct vly_client *client)
{
	struct vly_server *server = client->server;
	struct vly_pending *pending = client->pending;

	if (!client->open)
		return;
	client->open = false;
	server->client_cnt--;
	if (client->prev)
		client->prev->next = client->next;
	else
		server->clients = client->next;
	if (client->next)
		client->next->prev = client->prev;
	uv_close((uv_handle_t *)&client->pipe, on_client_closed);
	if (!pending || pending->goes_on)
		return;
	unlink_pending(pending);
	pending->cancel(pending);
	release(client);
}

static size_t
unread_bytes(const struct vly_client *client)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&client->pipe);
}

/* The end of the first request in the buffer, or NULL. */
static char *
find_line_end(struct vly_client *client)
{
	if (client->len == client->scanned)
		return NULL;
	char *end = memchr(client->buffer + client->scanned, '\n', client->len - client->scanned);
	client->scanned = end ? (size_t)(end - client->buffer) : client->len;
	return end;
}

/* Nothing more will be sent to a client that has been dismissed, or that has closed its end. */
static bool
is_finished(struct vly_client *client)
{
	bool over =
		client->last || (client->ended && !client->busy && find_line_end(client) == NULL);

	return over && unread_bytes(client) == 0;
}

static void
on_written(uv_write_t *write, int status)
{
	struct line_write *line = write->data;
	struct vly_client *client = line->client;

	if (status < 0 || is_finished(client))
		vly_client_close(client);
	if (client->open)
		vly_server_wake(client->server);
	release(client);
	free(line->text);
	free(line);
}

static int
write_line(struct vly_client *client, const json_t *json)
{
	struct line_write *line = calloc(1, sizeof(*line));
	char *text = json_dumps(json, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;

	if (!line || !text) {
		free(line);
		free(text);
		return -1;
	}
	text[len] = '\n'; /* in the place of the NUL: uv_write() counts */
	line->text = text;
	line->client = client;
	line->write.data = line;
	uv_buf_t buffer = uv_buf_init(text, (unsigned)(len + 1));
	if (uv_write(&line->write, (uv_stream_t *)&client->pipe, &buffer, 1, on_written) < 0) {
		free(text);
		free(line);
		return -1;
	}
	client->refs++;
	return 0;
}

/* Closing is left to the loop: the caller may be in the middle of a command that it would cancel.
 */
static void
send_line(struct vly_client *client, json_t *line)
{
	if (client->open && write_line(client, line) < 0) {
		client->broken = true;
		vly_server_wake(client->server);
	}
	json_decref(line);
}

void
vly_client_send(struct vly_client *client, json_t *line)
{
	send_line(client, line);
	client->busy = false;
	client->active = ++client->server->active;
	if (client->open)
		vly_server_wake(client->server);
}

static void
refuse(struct vly_client *client, const char *reason)
{
	vly_client_send(client,
			json_pack("{s:b,s:s,s:s}", "ok", 0, "code", "failed", "error", reason));
}

void
vly_client_dismiss(struct vly_client *client, const char *reason)
{
	if (client->last || unread_bytes(client) > 0) {
		vly_client_close(client);
		return;
	}
	client->last = true;
	uv_read_stop((uv_stream_t *)&client->pipe);
	refuse(client, reason);
	if (unread_bytes(client) > 0)
		vly_client_close(client);
}

static unsigned
count_pending(const struct vly_server *server, bool is_slow)
{
	unsigned cnt = 0;

	for (const struct vly_pending *pending = server->pending; pending; pending = pending->next)
		cnt += pending->is_slow == is_slow;
	return cnt;
}

bool
vly_pending_begin(struct vly_pending *pending, struct vly_client *client)
{
	struct vly_server *server = client->server;
	unsigned max = pending->is_slow ? VLY_SERVER_SLOW_MAX : VLY_SERVER_QUICK_MAX;

	if (count_pending(server, pending->is_slow) >= max) {
		refuse(client, "too many of these commands are in progress: try again later");
		return false;
	}
	pending->client = client;
	pending->prev = NULL;
	pending->next = server->pending;
	if (pending->next)
		pending->next->prev = pending;
	server->pending = pending;
	client->pending = pending;
	client->refs++;
	return true;
}

void
vly_pending_progress(struct vly_pending *pending, json_t *line)
{
	if (unread_bytes(pending->client) < UNREAD_BYTES_MAX)
		send_line(pending->client, line);
	else
		json_decref(line);
}

void
vly_pending_end(struct vly_pending *pending, json_t *line)
{
	struct vly_client *client = unlink_pending(pending);

	vly_client_send(client, line);
	release(client);
}

void
vly_pending_cancel(struct vly_pending *pending)
{
	struct vly_client *client = unlink_pending(pending);
	const char *text = pending->cancel(pending);

	send_line(client, json_pack("{s:b,s:s,s:s}", "ok", 0, "code", "ending", "error", text));
	release(client);
}

bool
vly_client_is_ready(struct vly_client *client)
{
	return client->open && !client->last && !client->busy &&
	       unread_bytes(client) <= UNREAD_BYTES_MAX && find_line_end(client);
}

/* An idle connection keeps no buffer. */
static void
drop_line(struct vly_client *client, size_t bytes)
{
	client->len -= bytes;
	client->scanned = 0;
	memmove(client->buffer, client->buffer + bytes, client->len);
	if (client->len > 0)
		return;
	free(client->buffer);
	client->buffer = NULL;
	client->room = 0;
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct vly_client *client = handle->data;

	(void)suggested;
	if (client->len == client->room && client->room < VLY_SERVER_LINE_BYTES_MAX) {
		size_t room = client->room ? 2 * client->room : BUFFER_FIRST_BYTES;
		char *grown = realloc(client->buffer, room);
		if (grown) {
			client->buffer = grown;
			client->room = room;
		}
	}
	*buffer = uv_buf_init(client->buffer ? client->buffer + client->len : NULL,
			      (unsigned)(client->room - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer);

/* Reads on while less than AHEAD_BYTES_MAX waits, or one long request is coming in. */
static void
steer_reading(struct vly_client *client)
{
	bool waits = client->busy || unread_bytes(client) > UNREAD_BYTES_MAX ||
		     find_line_end(client) != NULL;
	bool wanted = !client->last && !client->ended && (client->len < AHEAD_BYTES_MAX || !waits);

	if (!client->open || wanted == client->reading)
		return;
	client->reading = wanted;
	if (wanted)
		uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
	else
		uv_read_stop((uv_stream_t *)&client->pipe);
}

static void
serve_line(struct vly_client *client, const char *line, size_t len)
{
	struct vly_request request;
	char reason[400];

	client->busy = true;
	client->active = ++client->server->active;
	if (vly_request_decode(line, len, &request, reason, sizeof(reason)) < 0) {
		refuse(client, reason);
		return;
	}
	client->server->handle(client->server->arg, client, &request);
	vly_request_clear(&request);
}

static void
on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	struct vly_client *client = stream->data;

	(void)buffer;
	if (got < 0) {
		client->ended = true;
		if (got != UV_EOF || client->busy || is_finished(client))
			vly_client_close(client);
		else
			steer_reading(client);
		return;
	}
	client->len += (size_t)got;
	bool has_line = find_line_end(client) != NULL;
	if (!has_line && client->len >= VLY_SERVER_LINE_BYTES_MAX) {
		vly_client_dismiss(client, "the request is longer than 8 MiB");
		return;
	}
	if (has_line)
		vly_server_wake(client->server);
	steer_reading(client);
}

void
vly_client_serve(struct vly_client *client)
{
	if (vly_client_is_ready(client)) {
		size_t len = client->scanned;
		serve_line(client, client->buffer, len);
		drop_line(client, len + 1);
	}
	if (vly_client_is_ready(client))
		vly_server_wake(client->server);
	steer_reading(client);
}

void
vly_client_begin(struct vly_client *client)
{
	struct vly_server *server = client->server;

	client->refs = 1;
	client->open = true;
	client->active = ++server->active;
	client->next = server->clients;
	if (client->next)
		client->next->prev = client;
	server->clients = client;
	server->client_cnt++;
	steer_reading(client);
}
