/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "health_lines.h"

struct vly_health_stream {
	uv_poll_t poll;
	int fd;
	bool is_closed;
	bool is_broken; /* nothing more can be sent: reading will tell why */
	const struct vly_health_stream_events *events;
	void *arg;
	char *queue; /* what waits for the peer */
	size_t queue_bytes;
	size_t queue_size;
	size_t sent; /* octets of the queue that have gone */
	struct vly_health_lines lines;
};

bool
vly_health_peer_is_ours(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_health_stream *stream = handle->data;

	free(stream->queue);
	free(stream);
}

void
vly_health_stream_close(struct vly_health_stream *stream)
{
	if (stream->is_closed)
		return;
	stream->is_closed = true;
	uv_poll_stop(&stream->poll);
	uv_close((uv_handle_t *)&stream->poll, on_closed);
	close(stream->fd);
}

static void
fail(struct vly_health_stream *stream, const char *reason)
{
	if (stream->is_closed)
		return;
	vly_health_stream_close(stream);
	stream->events->down(stream->arg, reason);
}

static void on_event(uv_poll_t *poll, int status, int events);

static void
watch(struct vly_health_stream *stream)
{
	const bool waits = stream->queue_bytes > stream->sent && !stream->is_broken;

	uv_poll_start(&stream->poll, UV_READABLE | (waits ? UV_WRITABLE : 0), on_event);
}

/* Nothing more is sent; the peer learns it, and so do we, by the end of what we read. */
static void
break_off(struct vly_health_stream *stream)
{
	stream->is_broken = true;
	shutdown(stream->fd, SHUT_RDWR);
}

static void
write_some(struct vly_health_stream *stream)
{
	while (stream->sent < stream->queue_bytes && !stream->is_broken) {
		const ssize_t bytes =
			send(stream->fd, stream->queue + stream->sent,
			     stream->queue_bytes - stream->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (bytes < 0)
			break_off(stream);
		else
			stream->sent += (size_t)bytes;
	}
	stream->sent = 0;
	stream->queue_bytes = 0;
}

static bool
append(struct vly_health_stream *stream, const char *text, size_t bytes)
{
	if (stream->sent > 0) {
		stream->queue_bytes -= stream->sent;
		memmove(stream->queue, stream->queue + stream->sent, stream->queue_bytes);
		stream->sent = 0;
	}
	if (stream->queue_bytes + bytes > 2 * (size_t)VLY_HEALTH_STREAM_ROOM)
		return false;
	if (stream->queue_bytes + bytes > stream->queue_size) {
		const size_t size = 2 * (stream->queue_bytes + bytes);
		char *grown = realloc(stream->queue, size);
		if (!grown)
			return false;
		stream->queue = grown;
		stream->queue_size = size;
	}
	memcpy(stream->queue + stream->queue_bytes, text, bytes);
	stream->queue_bytes += bytes;
	return true;
}

void
vly_health_stream_send(struct vly_health_stream *stream, const char *key, json_t *value)
{
	const bool waits = stream->queue_bytes > stream->sent;
	size_t bytes;
	char *text = vly_health_line_write(key, value, &bytes);

	if (stream->is_closed || stream->is_broken) {
		free(text);
		return;
	}
	if (!text || !append(stream, text, bytes))
		break_off(stream);
	else if (!waits)
		write_some(stream);
	free(text);
	watch(stream);
}

bool
vly_health_stream_has_room(const struct vly_health_stream *stream)
{
	return !stream->is_closed && !stream->is_broken &&
	       stream->queue_bytes - stream->sent < VLY_HEALTH_STREAM_ROOM;
}

static void
take_lines(struct vly_health_stream *stream)
{
	json_t *line, *value;
	const char *key;
	int result = 0;

	while (!stream->is_closed &&
	       (result = vly_health_lines_take(&stream->lines, &line, &key, &value)) > 0) {
		const bool is_good = stream->events->line(stream->arg, key, value);
		json_decref(line);
		if (!is_good)
			fail(stream, "a line that is not understood");
	}
	if (result < 0)
		fail(stream, "a line that is malformed or too long");
}

static void
on_event(uv_poll_t *poll, int status, int events)
{
	struct vly_health_stream *stream = poll->data;
	size_t room;

	if (status < 0) { /* libuv has EBADF for all errors */
		fail(stream, "closed by the other side");
		return;
	}
	if (events & UV_WRITABLE) {
		write_some(stream);
		watch(stream);
		if (vly_health_stream_has_room(stream))
			stream->events->room(stream->arg);
	}
	if (stream->is_closed || !(events & (UV_READABLE | UV_DISCONNECT)))
		return;
	char *octets = vly_health_lines_room(&stream->lines, &room);
	const ssize_t bytes = recv(stream->fd, octets, room, MSG_DONTWAIT);
	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (bytes <= 0) {
		fail(stream, bytes == 0 ? "closed by the other side" : strerror(errno));
		return;
	}
	vly_health_lines_filled(&stream->lines, (size_t)bytes);
	take_lines(stream);
}

struct vly_health_stream *
vly_health_stream_new(uv_loop_t *loop, int fd, const struct vly_health_stream_events *events,
		      void *arg)
{
	struct vly_health_stream *stream = calloc(1, sizeof(*stream));

	if (!stream || uv_poll_init(loop, &stream->poll, fd) < 0) {
		free(stream);
		close(fd);
		return NULL;
	}
	stream->fd = fd;
	stream->events = events;
	stream->arg = arg;
	stream->poll.data = stream;
	watch(stream);
	return stream;
}
