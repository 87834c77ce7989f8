/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

/* Progress is dropped for a client with this much unread. */
#define UNREAD_BYTES_MAX 65536

#define BUFFER_FIRST_BYTES 4096

/* A killed predecessor listens until the kernel has taken down its memory. Nothing else goes on
 * at start. */
#define LEAVING_MS      2000
#define LEAVING_STEP_MS 20

struct vly_client {
	uv_pipe_t pipe;
	struct vly_server *server;
	unsigned refs; /* one of the connection, one per hold */
	bool open;
	bool busy;    /* its request is not answered yet */
	bool serving; /* serve_lines() is on the stack */
	char *buffer;
	size_t len;
	size_t room;
	struct vly_client *next;
	struct vly_client *prev;
};

struct vly_server {
	uv_pipe_t pipe;
	char *path;
	void (*handle)(void *arg, struct vly_client *client, struct vly_request *request);
	void *arg;
	struct vly_client *clients;
	unsigned client_cnt;
	bool closing;
};

struct line_write {
	uv_write_t write;
	struct vly_client *client;
	char *text;
};

static void serve_lines(struct vly_client *client);

void
vly_client_hold(struct vly_client *client)
{
	client->refs++;
}

void
vly_client_release(struct vly_client *client)
{
	if (--client->refs > 0)
		return;
	free(client->buffer);
	free(client);
}

static void
on_client_closed(uv_handle_t *handle)
{
	vly_client_release(handle->data);
}

static void
close_client(struct vly_client *client)
{
	struct vly_server *server = client->server;

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
}

static void
on_written(uv_write_t *write, int status)
{
	struct line_write *line = write->data;

	if (status < 0)
		close_client(line->client);
	vly_client_release(line->client);
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
	vly_client_hold(client);
	return 0;
}

void
vly_client_send(struct vly_client *client, json_t *line, bool final)
{
	size_t unread = uv_stream_get_write_queue_size((uv_stream_t *)&client->pipe);

	if (client->open && (final || unread < UNREAD_BYTES_MAX) && write_line(client, line) < 0)
		close_client(client);
	json_decref(line);
	if (!final)
		return;
	client->busy = false;
	if (!client->serving)
		serve_lines(client);
}

static void
refuse(struct vly_client *client, const char *reason)
{
	vly_client_send(client, json_pack("{s:b,s:s}", "ok", 0, "error", reason), true);
}

static void
serve_line(struct vly_client *client, const char *line, size_t len)
{
	struct vly_request request;
	char reason[400];

	client->busy = true;
	if (vly_request_decode(line, len, &request, reason, sizeof(reason)) < 0) {
		refuse(client, reason);
		return;
	}
	client->server->handle(client->server->arg, client, &request);
	vly_request_clear(&request);
}

static void
serve_lines(struct vly_client *client)
{
	size_t used = 0;

	client->serving = true;
	vly_client_hold(client);
	while (client->open && !client->busy) {
		char *line = client->buffer + used;
		char *end = client->len > used ? memchr(line, '\n', client->len - used) : NULL;
		if (!end)
			break;
		used += (size_t)(end - line) + 1;
		serve_line(client, line, (size_t)(end - line));
	}
	client->serving = false;
	client->len -= used;
	if (used > 0)
		memmove(client->buffer, client->buffer + used, client->len);
	vly_client_release(client);
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

static void
on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
	struct vly_client *client = stream->data;

	(void)buffer;
	if (got == UV_ENOBUFS && !client->busy)
		refuse(client, "the request is longer than 8 MiB");
	if (got < 0) {
		close_client(client);
		return;
	}
	client->len += (size_t)got;
	if (!client->busy)
		serve_lines(client);
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
	client->refs = 1;
	client->open = true;
	client->next = server->clients;
	if (client->next)
		client->next->prev = client;
	server->clients = client;
	server->client_cnt++;
	if (uv_accept(stream, (uv_stream_t *)&client->pipe) < 0) {
		close_client(client);
	} else if (server->client_cnt > VLY_SERVER_CLIENTS_MAX) {
		refuse(client, "too many connections to the control socket");
		close_client(client);
	} else {
		uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
	}
}

/* Returns 0 when a server takes connections at `address`, else -1 with errno. */
static int
try_connect(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	int err = errno;
	close(fd);
	errno = err;
	return result;
}

/* Removes a socket that nobody listens on. Returns 0 when the name is free, else -1 with errno. */
static int
clear_path(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(status.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (unsigned i = 0; try_connect(&address) == 0; i++) {
		if (i == LEAVING_MS / LEAVING_STEP_MS) {
			errno = EADDRINUSE;
			return -1;
		}
		usleep(LEAVING_STEP_MS * 1000);
	}
	return errno == ECONNREFUSED ? unlink(path) : -1;
}

static void
set_group(const char *path, const char *name)
{
	const struct group *group = getgrnam(name);

	if (!group)
		vly_log(VLY_LOG_INFO, "no group %s: the control socket stays with group %d", name,
			(int)getegid());
	else if (chown(path, (uid_t)-1, group->gr_gid) < 0)
		vly_log(VLY_LOG_WARNING, "%s: can't be given to group %s: %s", path, name,
			strerror(errno));
}

static int
listen_on(struct vly_server *server)
{
	mode_t mask = umask(0117); /* bind() creates it with mode 0660 */
	int err = uv_pipe_bind(&server->pipe, server->path);

	umask(mask);
	return err ? err : uv_listen((uv_stream_t *)&server->pipe, 16, on_connection);
}

static void
on_server_closed(uv_handle_t *handle)
{
	struct vly_server *server = handle->data;

	free(server->path);
	free(server);
}

struct vly_server *
vly_server_new(uv_loop_t *loop, const char *path, const char *group,
	       void (*handle)(void *arg, struct vly_client *client, struct vly_request *request),
	       void *arg, char *reason, size_t reason_bytes)
{
	struct vly_server *server = calloc(1, sizeof(*server));
	int err = clear_path(path) < 0 ? uv_translate_sys_error(errno) : 0;

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
	server->pipe.data = server;
	err = server->path ? listen_on(server) : UV_ENOMEM;
	if (err) {
		snprintf(reason, reason_bytes, "control socket %s: %s", path, uv_strerror(err));
		uv_close((uv_handle_t *)&server->pipe, on_server_closed);
		return NULL;
	}
	set_group(path, group);
	return server;
}

void
vly_server_free(struct vly_server *server)
{
	if (!server)
		return;
	while (server->clients)
		close_client(server->clients);
	uv_close((uv_handle_t *)&server->pipe,
		 on_server_closed); /* removes the socket's name too */
}
