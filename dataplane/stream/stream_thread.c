/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <urcu-qsbr.h>

#include "base/thread.h"

/* Connections that wait to be accepted: bursts of new connections, as after a restart, must not be
 * dropped. The kernel limits it to net.core.somaxconn, 4096 by default. */
#define BACKLOG 4096

/* A flood of new connections must not keep the thread from serving the open ones. */
#define ACCEPT_BATCH 64

static int
open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left: closes another connection, or else accepts and closes this one. Leaving it
 * in the queue would keep the listener readable, and the loop busy. */
static void
make_room(struct vly_stream_thread *thread, int listen_fd)
{
	if (vly_stream_pool_make_room(&thread->pool))
		return;
	close(thread->reserve_fd);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	thread->reserve_fd = open_reserve();
}

static void
accept_batch(struct vly_stream_thread *thread, const struct vly_stream_listener *listener)
{
	const int listen_fd = listener->fd;

	for (unsigned i = 0; i < ACCEPT_BATCH; i++) {
		struct sockaddr_storage address;
		socklen_t address_bytes = sizeof(address);
		int fd = accept4(listen_fd, (struct sockaddr *)&address, &address_bytes,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && listener->place.port != VLY_DNS_PORT)
			vly_stream_pool_pass_on(&thread->pool, fd, &address);
		else if (fd >= 0)
			vly_stream_pool_add(&thread->pool, fd, &address);
		else if (errno == EAGAIN)
			return;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			make_room(thread, listen_fd);
	}
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct vly_stream_listener *listener = poll->data;

	(void)events;
	/* An error queued at a UDP socket, for example by ICMP: read it, so that it is cleared. */
	if (status < 0) {
		int error;
		socklen_t bytes = sizeof(error);
		getsockopt(listener->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
		uv_poll_start(poll, UV_READABLE, on_readable);
		return;
	}
	if (listener->place.type == SOCK_STREAM)
		accept_batch(listener->thread, listener);
	else
		vly_stream_udp_serve(listener->thread->udp, listener->fd);
}

static void
on_responses(void *arg)
{
	struct vly_stream_thread *thread = arg;
	struct vly_request *request;

	while ((request = vly_requests_take(&thread->requests_client)) != NULL) {
		if (request->forgotten)
			; /* its connection has ended */
		else if (request->origin.connection != NULL)
			vly_stream_conn_on_response(request);
		else
			vly_stream_udp_on_response(thread->udp, request);
		vly_request_free(request);
	}
}

static void
on_stop(uv_async_t *async)
{
	struct vly_stream_thread *thread = async->data;

	for (unsigned i = 0; i < thread->listener_cnt; i++) {
		struct vly_stream_listener *listener = &thread->listener[i];
		uv_close((uv_handle_t *)&listener->poll, NULL);
		close(listener->fd);
		listener->fd = -1;
	}
	vly_stream_pool_close(&thread->pool);
	vly_requests_leave(&thread->requests_client);
	uv_close((uv_handle_t *)async, NULL);
}

static void
run(void *argument)
{
	struct vly_stream_thread *thread = argument;

	rcu_register_thread();
	rcu_thread_offline();
	thread->tid = gettid();
	atomic_store_explicit(&thread->running, true, memory_order_release);
	uv_run(&thread->loop, UV_RUN_DEFAULT);
	atomic_store_explicit(&thread->running, false, memory_order_release);
	rcu_unregister_thread();
}

static int
watch(struct vly_stream_thread *thread, struct vly_stream_listener *listener)
{
	int error = uv_poll_init(&thread->loop, &listener->poll, listener->fd);

	if (error != 0)
		return error;
	listener->poll.data = listener;
	listener->thread = thread;
	if (listener->place.type == SOCK_STREAM && listen(listener->fd, BACKLOG) != 0)
		return -errno;
	return uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void
close_handle(uv_handle_t *handle, void *argument)
{
	(void)argument;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void
end_loop(struct vly_stream_thread *thread)
{
	uv_walk(&thread->loop, close_handle, NULL);
	uv_run(&thread->loop, UV_RUN_DEFAULT);
	uv_loop_close(&thread->loop);
	vly_stream_udp_free(thread->udp);
	vly_stream_policy_end(&thread->policy);
	close(thread->reserve_fd);
}

int
vly_stream_thread_start(struct vly_stream_thread *thread)
{
	int error = uv_loop_init(&thread->loop);

	if (error != 0)
		return error;
	thread->reserve_fd = open_reserve();
	error = vly_stream_policy_start(&thread->policy, &thread->counters->answers,
					thread->samples, rte_get_tsc_hz());
	thread->udp = vly_stream_udp_create(&thread->policy, thread->counters,
					    thread->settings->udp_limit_max);
	vly_stream_pool_open(&thread->pool, &thread->loop, thread->settings, thread->limits,
			     &thread->policy, thread->counters);
	if (thread->udp == NULL)
		error = -ENOMEM;
	if (error == 0)
		error = uv_async_init(&thread->loop, &thread->stop, on_stop);
	thread->stop.data = thread;
	if (error == 0)
		error = vly_requests_join(thread->requests, &thread->requests_client, &thread->loop,
					  on_responses, thread);
	if (error == 0)
		thread->pool.requests = &thread->requests_client;
	if (error == 0)
		vly_stream_udp_set_requests(thread->udp, &thread->requests_client, &thread->loop);
	for (unsigned i = 0; error == 0 && i < thread->listener_cnt; i++)
		error = watch(thread, &thread->listener[i]);
	if (error == 0)
		error = vly_thread_start(&thread->id, "volley-stream", run, thread);
	if (error != 0)
		end_loop(thread);
	return error;
}

void
vly_stream_thread_stop(struct vly_stream_thread *thread)
{
	uv_async_send(&thread->stop);
	uv_thread_join(&thread->id);
	end_loop(thread);
}

uint64_t
vly_stream_thread_progress(const struct vly_stream_thread *thread)
{
	return __atomic_load_n(&thread->pool.beats, __ATOMIC_RELAXED) +
	       __atomic_load_n(&thread->counters->answers.bursts, __ATOMIC_RELAXED);
}

static void
add_messages(struct vly_evidence *evidence, const struct vly_query *query, unsigned cnt)
{
	for (unsigned i = 0; i < cnt && i < VLY_BURST_MAX; i++)
		vly_evidence_add_message(evidence, query[i].client, query[i].client_is_ipv4,
					 query[i].message, query[i].message_len);
}

void
vly_stream_thread_held(const struct vly_stream_thread *thread, struct vly_evidence *evidence)
{
	const struct vly_stream_answerer *answerer = &thread->pool.answerer;
	const struct vly_query *query;
	unsigned cnt = vly_stream_udp_held(thread->udp, &query);

	vly_evidence_clear(evidence);
	add_messages(evidence, query, cnt);
	add_messages(evidence, answerer->query,
		     atomic_load_explicit(&answerer->held_cnt, memory_order_relaxed));
}
