/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/health/health_stream.h"
#include "common/log.h"
#include "common/plural.h"
#include "common/version.h"

struct vly_health_server {
	struct vly_health_server_settings settings;
	int fd;
	uv_poll_t poll;
	uv_timer_t teller;
	uv_check_t flusher;
	unsigned closed_cnt;
	struct vly_health_stream *connection; /* NULL: there is none */
	struct vly_check_set *checks;
	json_int_t list; /* that is being received, if has_list */
	bool has_list;
	unsigned tell_cnt;
	unsigned reported_cnt; /* checks, as the log has it */
};

/* How often results that are no flips are told. Shorter: a person sees them sooner. Longer: fewer octets; a check that
 * runs each second takes about 250 octets each time. */
#define TELL_MS 1000

static void
flush(struct vly_health_server *server)
{
	struct vly_health_state state;

	while (server->connection && vly_health_stream_has_room(server->connection) &&
	       vly_check_set_next(server->checks, &state))
		vly_health_stream_send(server->connection, "state",
				       vly_health_state_encode(&state));
}

static void
on_flush(uv_check_t *flusher)
{
	struct vly_health_server *server = flusher->data;

	uv_check_stop(flusher);
	flush(server);
}

/* Flips that come in one turn of the loop are told at its end. */
static void
on_news(void *arg, bool is_urgent)
{
	struct vly_health_server *server = arg;

	if (is_urgent && server->connection)
		uv_check_start(&server->flusher, on_flush);
}

static void
on_tell(uv_timer_t *timer)
{
	struct vly_health_server *server = timer->data;
	struct vly_check_set_counts counts;

	server->tell_cnt++;
	if (server->connection && server->tell_cnt % (VLY_HEALTH_ALIVE_MS / TELL_MS) == 0) {
		vly_check_set_count(server->checks, &counts);
		vly_health_stream_send(server->connection, "alive",
				       json_pack("{s:i,s:i,s:i,s:I}", "checks", (int)counts.checks,
						 "running", (int)counts.running, "waiting",
						 (int)counts.waiting, "late_ms",
						 (json_int_t)counts.late_ms));
	}
	flush(server);
}

static void
refuse(struct vly_health_server *server, const json_t *object, const char *why)
{
	const char *id = json_string_value(json_object_get(object, "id"));

	vly_log_warning("a check is refused: %s", why);
	vly_health_stream_send(server->connection, "refused",
			       json_pack("{s:s,s:s}", "id", id ? id : "", "reason", why));
}

static void
take_check(struct vly_health_server *server, const json_t *object)
{
	struct vly_health_check check;
	struct vly_health_state known;
	char why[VLY_HEALTH_WHY_BYTES];

	if (!vly_health_state_decode(object, &known)) {
		refuse(server, object, "it has no id or no state");
		return;
	}
	if (vly_health_check_decode(object, &check, why) < 0) {
		refuse(server, object, why);
		return;
	}
	const char *refusal = vly_check_set_add(server->checks, &check, &known);
	if (refusal)
		refuse(server, object, refusal);
}

static void
end_list(struct vly_health_server *server)
{
	struct vly_check_set_counts counts;

	vly_check_set_end(server->checks);
	vly_check_set_count(server->checks, &counts);
	if (server->reported_cnt != counts.checks)
		vly_log_info("%u check%s", counts.checks, vly_plural(counts.checks));
	server->reported_cnt = counts.checks;
	vly_health_stream_send(server->connection, "ended",
			       json_pack("{s:I,s:i}", "list", (json_int_t)server->list, "checks",
					 (int)counts.checks));
	vly_check_set_tell_all(server->checks);
	flush(server);
}

static bool
on_line(void *arg, const char *key, const json_t *value)
{
	struct vly_health_server *server = arg;

	if (strcmp(key, "list") == 0 && json_is_integer(value)) {
		server->list = json_integer_value(value);
		server->has_list = true;
		vly_check_set_begin(server->checks);
	} else if (strcmp(key, "check") == 0 && json_is_object(value) && server->has_list) {
		take_check(server, value);
	} else if (strcmp(key, "end") == 0 && server->has_list &&
		   json_integer_value(value) == server->list) {
		server->has_list = false;
		end_list(server);
	} else {
		vly_log_error("volley-control sent a line that is not expected here: \"%.40s\"",
			      key);
		return false;
	}
	return true;
}

static void
on_room(void *arg)
{
	flush(arg);
}

static void
on_down(void *arg, const char *reason)
{
	struct vly_health_server *server = arg;

	server->connection = NULL;
	server->has_list = false;
	vly_log_warning("the connection of volley-control has ended: %s; the checks go on", reason);
}

static void
on_connection(uv_poll_t *poll, int status, int events)
{
	static const struct vly_health_stream_events handlers = {on_line, on_room, on_down};
	struct vly_health_server *server = poll->data;

	(void)events;
	if (status < 0)
		return;
	int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (!vly_health_peer_is_ours(fd)) {
		vly_log_warning("a connection of another user was refused");
		close(fd);
		return;
	}
	if (server->connection)
		vly_health_stream_close(server->connection);
	server->has_list = false;
	server->connection = vly_health_stream_new(server->settings.loop, fd, &handlers, server);
	if (!server->connection)
		return;
	vly_health_stream_send(server->connection, "hello",
			       json_pack("{s:i,s:s,s:i}", "protocol", VLY_HEALTH_PROTOCOL,
					 "version", vly_version, "pid", (int)getpid()));
	vly_log_info("volley-control is connected");
}

/* A socket that nobody listens on is left over. Returns whether it was removed. */
static bool
remove_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const bool is_stale = fd >= 0 &&
			      connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
			      errno == ECONNREFUSED;

	if (fd >= 0)
		close(fd);
	return is_stale && unlink(address->sun_path) == 0;
}

/* Returns the socket; or -1 with a reason. */
static int
listen_at(const char *path, char *reason, size_t reason_bytes)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const mode_t mask = umask(0177);
	int fd = -1;
	int error = ENAMETOOLONG;

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) <
	    (int)sizeof(address.sun_path)) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)remove_stale(&address);
		error = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
					listen(fd, 4) < 0
				? errno
				: 0;
	}
	umask(mask);
	if (error == 0)
		return fd;
	snprintf(reason, reason_bytes, "socket %s: %s", path,
		 error == EADDRINUSE ? "in use by another volley-health: give each its own --socket"
		 : error == ENOENT   ? "its directory does not exist"
				     : strerror(error));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void
start_handles(struct vly_health_server *server)
{
	uv_poll_start(&server->poll, UV_READABLE, on_connection);
	uv_timer_init(server->settings.loop, &server->teller);
	uv_check_init(server->settings.loop, &server->flusher);
	server->poll.data = server;
	server->teller.data = server;
	server->flusher.data = server;
	uv_timer_start(&server->teller, on_tell, TELL_MS, TELL_MS);
}

struct vly_health_server *
vly_health_server_new(const struct vly_health_server_settings *settings, char *reason,
		      size_t reason_bytes)
{
	struct vly_health_server *server = calloc(1, sizeof(*server));

	snprintf(reason, reason_bytes, "out of memory");
	if (!server)
		return NULL;
	server->settings = *settings;
	const struct vly_check_set_settings set = {
		.loop = settings->loop,
		.running_max = settings->running_max,
		.start_rate = settings->start_rate,
		.on_news = on_news,
		.arg = server,
	};
	server->fd = listen_at(settings->path, reason, reason_bytes);
	if (server->fd >= 0)
		server->checks = vly_check_set_new(&set);
	if (server->checks && uv_poll_init(settings->loop, &server->poll, server->fd) == 0) {
		start_handles(server);
		return server;
	}
	if (server->fd >= 0) {
		unlink(settings->path);
		close(server->fd);
	}
	vly_check_set_free(server->checks);
	free(server);
	return NULL;
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_health_server *server = handle->data;

	if (++server->closed_cnt == 3)
		free(server);
}

void
vly_health_server_free(struct vly_health_server *server)
{
	if (!server)
		return;
	if (server->connection)
		vly_health_stream_close(server->connection);
	server->connection = NULL;
	unlink(server->settings.path);
	uv_poll_stop(&server->poll);
	close(server->fd);
	vly_check_set_free(server->checks);
	uv_close((uv_handle_t *)&server->poll, on_closed);
	uv_close((uv_handle_t *)&server->teller, on_closed);
	uv_close((uv_handle_t *)&server->flusher, on_closed);
}
