/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <volley/image.h>

#include "common/log.h"
#include "common/plural.h"
#include "common/send_room.h"
#include "guard/defence.h"
#include "publish_clients.h"
#include "publish_decode.h"
#include "publish_socket.h"

/* Descriptors become free when connections of stream threads end, which takes seconds. */
#define LISTEN_PAUSE_MS 1000

static void
free_handle(uv_handle_t *handle)
{
	free(handle);
}

/* Images that were sent but not committed are closed with the connection; the live table stays. */
static void
end_connection(struct vly_publish_server *server, const char *reason)
{
	if (server->control_fd < 0)
		return;
	vly_log_info("control: connection closed: %s", reason);
	uv_poll_stop(server->control_poll);
	uv_close((uv_handle_t *)server->control_poll, free_handle);
	vly_requests_set_sender(&server->requests, NULL, -1);
	close(server->control_fd);
	server->control_fd = -1;
	vly_image_set_forget_pending(&server->images);
	vly_pending_commit_clear(&server->pending);
	server->committed_seq = 0;
	atomic_store_explicit(&server->requests.opcodes, 0, memory_order_relaxed);
	vly_requests_drop(&server->requests);
	atomic_store_explicit(&server->handovers.wishes, 0, memory_order_relaxed);
	vly_handovers_drop(&server->handovers);
}

/* Clients' messages and connections go to control as long as it is connected and wants them. */
static void
set_wishes(struct vly_publish_server *server)
{
	const struct vly_defence *defence = vly_defence_live();

	atomic_store_explicit(&server->requests.opcodes, defence->rules.request_opcodes,
			      memory_order_relaxed);
	atomic_store_explicit(&server->handovers.wishes, defence->connections,
			      memory_order_relaxed);
}

static int
send_result(int fd, uint64_t seq, enum vly_publish_code code, uint32_t zone_cnt, const char *text)
{
	struct vly_publish_result result = {
		.header = {.type = VLY_PUBLISH_RESULT, .bytes = sizeof(result), .seq = seq},
		.code = code,
		.zone_cnt = zone_cnt};

	snprintf(result.text, sizeof(result.text), "%s", text);
	return vly_publish_socket_send(fd, &result, sizeof(result), -1);
}

static int
send_hello(const struct vly_publish_server *server)
{
	const struct vly_counters *counters = server->block->counters;
	struct vly_publish_hello hello = {
		.header = {.type = VLY_PUBLISH_HELLO, .bytes = sizeof(hello)},
		.publish_version = VLY_PUBLISH_VERSION,
		.image_version = VLY_IMAGE_VERSION,
		.pid = (uint32_t)getpid(),
		.lcore_cnt = counters->lcore_cnt,
		.start_unix_ns = counters->start_unix_ns,
		.generation = counters->generation};

	return vly_publish_socket_send(server->control_fd, &hello, sizeof(hello),
				       server->block->read_fd);
}

/* 2 MiB in each turn of the loop, so that the rest of its work goes on. */
static void
on_enlarge(uv_idle_t *enlarging)
{
	struct vly_publish_server *server = enlarging->data;

	if (!vly_image_set_enlarge(&server->images))
		uv_idle_stop(enlarging);
}

/* Carries out the commit of which all parts are here. */
static enum vly_publish_code
commit_whole(struct vly_publish_server *server, uint32_t *zone_cnt, struct vly_image_error *error)
{
	struct vly_counters *counters = server->block->counters;
	const struct vly_pending_commit *pending = &server->pending;
	const uint64_t start_ns = uv_hrtime();

	enum vly_publish_code code =
		vly_image_set_commit(&server->images, &pending->change, zone_cnt, error);
	if (code != VLY_PUBLISH_OK)
		return code;
	bool first = counters->generation == 0;
	/* changes of living zones make many commits */
	enum vly_log_level level =
		first || counters->zone_cnt != *zone_cnt ? VLY_LOG_INFO : VLY_LOG_DEBUG;
	counters->generation = pending->generation;
	counters->zone_cnt = *zone_cnt;
	vly_log(level, "control: generation %llu is live after %.1f ms: %zu image%s, %u zone%s",
		(unsigned long long)pending->generation, (double)(uv_hrtime() - start_ns) / 1e6,
		server->images.cnt, vly_plural(server->images.cnt), *zone_cnt,
		vly_plural(*zone_cnt));
	if (first)
		server->on_first_commit(server->argument);
	if (server->images.may_enlarge)
		uv_idle_start(&server->enlarging, on_enlarge);
	return VLY_PUBLISH_OK;
}

static enum vly_publish_code
commit(struct vly_publish_server *server, const struct vly_publish_difference *part,
       uint32_t *zone_cnt, struct vly_image_error *error)
{
	const uint64_t live = server->block->counters->generation;
	enum vly_publish_code code = VLY_PUBLISH_OK;

	if (part->generation <= live) {
		snprintf(error->text, sizeof(error->text),
			 "generation %llu is not later than %llu, which is live",
			 (unsigned long long)part->generation, (unsigned long long)live);
		code = VLY_PUBLISH_REFUSED;
	} else if (part->since != 0 && part->since != live) {
		snprintf(error->text, sizeof(error->text),
			 "a change since generation %llu, but %llu is live: all images are needed",
			 (unsigned long long)part->since, (unsigned long long)live);
		code = VLY_PUBLISH_STALE;
	}
	if (code == VLY_PUBLISH_OK)
		code = vly_pending_commit_add(&server->pending, part, error);
	if (code == VLY_PUBLISH_OK && !server->pending.is_whole)
		return VLY_PUBLISH_OK;
	if (code == VLY_PUBLISH_OK)
		code = commit_whole(server, zone_cnt, error);
	vly_pending_commit_clear(&server->pending);
	return code;
}

/* Gives the rules to every port, or to none: if one refuses, the others get the live rules again.
 * Returns the port that refused, or NULL. */
static const struct vly_port *
set_rules(struct vly_publish_server *server, const struct vly_policy_rules *rules)
{
	for (unsigned i = 0; i < server->port_cnt; i++) {
		if (vly_port_set_rules(&server->ports[i], rules) == 0)
			continue;
		for (unsigned j = 0; j < i; j++)
			if (vly_port_set_rules(&server->ports[j], &vly_defence_live()->rules) != 0)
				vly_log_error("port %s uses the new rules, although another port "
					      "refused them",
					      server->ports[j].spec->name);
		return &server->ports[i];
	}
	return NULL;
}

static enum vly_publish_code
defend(struct vly_publish_server *server, int fd, struct vly_image_error *error)
{
	const char *reason = "";
	struct vly_defence *defence = vly_defence_map(fd, &reason);

	if (defence == NULL) {
		snprintf(error->text, sizeof(error->text), "%s", reason);
		return VLY_PUBLISH_REFUSED;
	}
	const struct vly_port *refuser = set_rules(server, &defence->rules);
	if (refuser != NULL) {
		snprintf(error->text, sizeof(error->text), "port %s refused the rules",
			 refuser->spec->name);
		vly_defence_unmap(defence);
		return VLY_PUBLISH_REFUSED;
	}
	vly_log_info("control: defence %llu is in force", (unsigned long long)defence->generation);
	vly_defence_publish(defence);
	set_wishes(server);
	return VLY_PUBLISH_OK;
}

/* Takes a response; one that waits for a commit only if that is live. */
static void
take_response(struct vly_publish_server *server, const struct vly_publish_request *request)
{
	if (vly_publish_response_is_due(request, server->committed_seq))
		vly_requests_answer(&server->requests, request->seq, request->response,
				    request->response_bytes);
}

/* Carries out the commit, or its part, in one packet. */
static enum vly_publish_code
take_commit(struct vly_publish_server *server, const struct vly_publish_request *request,
	    uint32_t *zone_cnt, struct vly_image_error *error)
{
	enum vly_publish_code code = commit(server, &request->difference, zone_cnt, error);
	const bool is_live = code == VLY_PUBLISH_OK && !request->difference.more;

	server->committed_seq = is_live ? request->seq : 0;
	return code;
}

/* Carries out the request in one packet. Returns 0, or a negative errno if the result can't be
 * sent. */
static int
handle_packet(struct vly_publish_server *server, const void *packet, size_t bytes, int passed_fd,
	      unsigned fd_cnt)
{
	struct vly_publish_request request;
	struct vly_image_error error = {.text = ""};
	enum vly_publish_code code = VLY_PUBLISH_MALFORMED;
	uint32_t zone_cnt = 0;
	const char *wrong = vly_publish_decode(packet, bytes, fd_cnt, &request);

	if (wrong == NULL && request.response != NULL) {
		take_response(server, &request);
		return 0;
	}
	if (wrong != NULL)
		snprintf(error.text, sizeof(error.text), "%s", wrong);
	else if (request.type == VLY_PUBLISH_IMAGE)
		code = vly_image_set_add(&server->images, passed_fd, request.image_id, &error);
	else if (request.type == VLY_PUBLISH_DEFENCE)
		code = defend(server, passed_fd, &error);
	else
		code = take_commit(server, &request, &zone_cnt, &error);

	if (code != VLY_PUBLISH_OK)
		vly_log_warning("control: request refused: %s", error.text);
	return send_result(server->control_fd, request.seq, code, zone_cnt, error.text);
}

/* Sends what waits, as long as there is room: control's responses and ticks go on with the rest. */
static void
send_from_clients(struct vly_publish_server *server)
{
	if (server->control_fd < 0)
		return;
	vly_requests_hold(&server->requests);
	int error = vly_publish_send_requests(server->control_fd, &server->requests);
	if (error == 0)
		error = vly_publish_send_connections(server->control_fd, &server->handovers,
						     &server->handed_cnt);
	vly_requests_release(&server->requests);
	if (error != 0)
		end_connection(server, strerror(-error));
}

static void
on_wake(uv_async_t *wake)
{
	send_from_clients(wake->data);
}

void
vly_publish_server_tick(struct vly_publish_server *server)
{
	vly_requests_expire(&server->requests, uv_now(server->loop));
	vly_handovers_expire(&server->handovers, uv_now(server->loop));
	send_from_clients(server);
}

/* Packets that are taken before the loop turns to others. */
#define PACKETS_AT_ONCE 64

/* Takes one packet. Returns whether there may be more. */
static bool
take_packet(struct vly_publish_server *server)
{
	static uint64_t packet[VLY_PUBLISH_BYTES_MAX / sizeof(uint64_t) + 1];
	int passed_fd;
	unsigned fd_cnt;

	ssize_t bytes = vly_publish_socket_receive(server->control_fd, packet,
						   VLY_PUBLISH_BYTES_MAX, &passed_fd, &fd_cnt);
	if (bytes == -EAGAIN || bytes == -EINTR)
		return false;
	if (bytes <= 0) {
		end_connection(server,
			       bytes < 0 ? strerror((int)-bytes) : "closed by volley-control");
		return false;
	}
	/* A packet longer than any message does not match its header: the decoder refuses it. */
	int error = handle_packet(server, packet, (size_t)bytes, passed_fd, fd_cnt);
	if (passed_fd >= 0)
		close(passed_fd);
	if (error != 0)
		end_connection(server, strerror(-error));
	return error == 0;
}

static void
on_control_readable(uv_poll_t *poll, int status, int events)
{
	struct vly_publish_server *server = poll->data;
	bool more = true;

	(void)events;
	/* libuv says EBADF for any error of the socket, of which there is this one only */
	if (status < 0) {
		end_connection(server, "closed by volley-control before it had read all");
		return;
	}
	for (unsigned i = 0; i < PACKETS_AT_ONCE && more; i++)
		more = take_packet(server);
	if (server->control_fd >= 0)
		send_from_clients(server); /* control has read something, so there is room again */
}

static void
start_connection(struct vly_publish_server *server, int fd)
{
	server->control_poll = malloc(sizeof(*server->control_poll));
	if (server->control_poll == NULL ||
	    uv_poll_init(server->loop, server->control_poll, fd) != 0) {
		vly_log_error("control: no memory for the connection");
		free(server->control_poll);
		close(fd);
		return;
	}
	vly_send_room_make(fd);
	server->control_fd = fd;
	server->control_poll->data = server;
	uv_poll_start(server->control_poll, UV_READABLE, on_control_readable);
	int error = send_hello(server);
	if (error != 0)
		end_connection(server, strerror(-error));
	else
		vly_log_info("control: connected");
	if (server->control_fd >= 0)
		vly_requests_set_sender(&server->requests, vly_publish_send_request,
					server->control_fd);
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void
listen_again(uv_timer_t *timer)
{
	struct vly_publish_server *server = timer->data;

	uv_poll_start(&server->listen_poll, UV_READABLE, on_connection);
}

/* A connection that can't be accepted leaves the listener readable: without a pause, the loop would
 * spin. */
static void
pause_listening(struct vly_publish_server *server, int error)
{
	vly_log_error("control: cannot accept a connection, will retry: %s", strerror(-error));
	uv_poll_stop(&server->listen_poll);
	uv_timer_start(&server->listen_timer, listen_again, LISTEN_PAUSE_MS, 0);
}

static void
on_connection(uv_poll_t *poll, int status, int events)
{
	struct vly_publish_server *server = poll->data;

	(void)events;
	if (status < 0)
		return;
	int fd = vly_publish_socket_accept(server->listen_fd, server->user);
	if (fd == -EPERM)
		vly_log_warning("control: refused a connection from another user (not root, ours "
				"or --socket-user's)");
	else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM)
		pause_listening(server, fd);
	if (fd < 0)
		return;
	if (server->control_fd < 0) {
		start_connection(server, fd);
		return;
	}
	vly_log_warning("control: refused a second connection while one is open");
	if (send_result(fd, 0, VLY_PUBLISH_BUSY, 0, "another volley-control is connected") != 0)
		vly_log_debug("control: the second connection was already closed");
	close(fd);
}

int
vly_publish_server_open(struct vly_publish_server *server, uv_loop_t *loop, const char *path,
			const char *user, const struct vly_counters_block *block,
			struct vly_port *ports, unsigned port_cnt)
{
	memset(server, 0, sizeof(*server));
	server->ports = ports;
	server->port_cnt = port_cnt;
	server->path = path;
	server->user = vly_publish_socket_user(user);
	server->loop = loop;
	server->block = block;
	server->control_fd = -1;
	server->listen_fd = vly_publish_socket_listen(path, server->user);
	if (server->listen_fd < 0)
		return -1;
	if (vly_requests_open(&server->requests, loop, on_wake) != 0 ||
	    vly_handovers_open(&server->handovers, loop, on_wake) != 0) {
		close(server->listen_fd);
		server->listen_fd = -1;
		return -1;
	}
	server->requests.wake.data = server;
	server->handovers.wake.data = server;
	server->listen_poll.data = server;
	server->listen_timer.data = server;
	uv_timer_init(loop, &server->listen_timer);
	server->enlarging.data = server;
	uv_idle_init(loop, &server->enlarging);
	int error = uv_poll_init(loop, &server->listen_poll, server->listen_fd);
	if (error == 0)
		error = uv_poll_start(&server->listen_poll, UV_READABLE, on_connection);
	if (error == 0)
		return 0;
	vly_log_error("socket %s: %s", path, uv_strerror(error));
	close(server->listen_fd);
	server->listen_fd = -1;
	unlink(path);
	return -1;
}

void
vly_publish_server_close(struct vly_publish_server *server)
{
	if (server->listen_fd < 0)
		return;
	end_connection(server, "volley-dataplane is stopping");
	vly_requests_close(&server->requests);
	vly_handovers_close(&server->handovers);
	uv_close((uv_handle_t *)&server->listen_poll, NULL);
	uv_close((uv_handle_t *)&server->listen_timer, NULL);
	uv_close((uv_handle_t *)&server->enlarging, NULL);
	close(server->listen_fd);
	server->listen_fd = -1;
	unlink(server->path);
}
