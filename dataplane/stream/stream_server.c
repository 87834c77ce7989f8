/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plural.h"
#include "stream_socket.h"

/* Descriptors for everything else: DPDK's huge pages, ports, the publish socket, the loops. An image
 * has none once it is mapped. */
#define OTHER_DESCRIPTORS (4096 + 256)

#define MS_PER_S 1000
#define MIB      (1u << 20)

/* Ports in memory (ring, null, pcap) have no network whose port 53 could be meant. */
static bool
is_wanted(const struct vly_options *options)
{
	for (unsigned i = 0; i < options->port_cnt; i++) {
		enum vly_port_kind kind = options->port[i].kind;
		if (kind != VLY_PORT_PCAP && kind != VLY_PORT_RING && kind != VLY_PORT_NULL)
			return options->stream.thread_cnt > 0;
	}
	return false;
}

/* With a packet socket, the kernel gets a copy of each frame, so a UDP socket would answer every
 * query a second time. With kernel=NAME behind the port, the kernel gets frames from us alone. */
static bool
udp_is_wanted(const struct vly_options *options)
{
	for (unsigned i = 0; i < options->port_cnt; i++)
		if (options->port[i].kind == VLY_PORT_AF_PACKET &&
		    options->port[i].kernel[0] == '\0')
			return false;
	return true;
}

/* Raises the limit on descriptors as far as permitted, and returns the connections that fit. */
static unsigned
plan_connections(const struct vly_stream_options *stream, unsigned listener_cnt)
{
	struct rlimit limit;
	rlim_t others = OTHER_DESCRIPTORS + listener_cnt;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return stream->connections_max;
	if (limit.rlim_cur < stream->connections_max + others) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= stream->connections_max + others)
		return stream->connections_max;
	rlim_t possible =
		limit.rlim_cur > 2 * others ? limit.rlim_cur - others : limit.rlim_cur / 2;
	vly_log_warning("--stream-connections: using %u instead of %u: only %llu files may be "
			"opened (LimitNOFILE=, ulimit -n)",
			(unsigned)possible, stream->connections_max,
			(unsigned long long)limit.rlim_cur);
	return (unsigned)possible;
}

static int
open_listener(struct vly_stream_server *server, unsigned thread_idx,
	      const struct vly_stream_place *place)
{
	struct vly_stream_thread *thread = &server->thread[thread_idx];
	int fd = vly_stream_socket_open(place);

	if (fd == -2) {
		vly_log_info("streams: this machine has no %s",
			     place->family == AF_INET ? "IPv4" : "IPv6");
		return 0;
	}
	if (fd < 0)
		return -1;
	struct vly_stream_listener *listener = &thread->listener[thread->listener_cnt++];
	listener->fd = fd;
	listener->place = *place;
	return 0;
}

static bool
is_ipv4(const struct vly_address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address->octet, mapped, sizeof(mapped)) == 0;
}

static int
open_type(struct vly_stream_server *server, unsigned thread_idx,
	  const struct vly_addresses *addresses, int type, unsigned port)
{
	struct vly_stream_place place = {
		.type = type,
		.port = (uint16_t)port,
		.shared = server->thread_cnt > 1,
		.any = addresses->cnt == 0,
	};

	for (unsigned i = 0; i < addresses->cnt; i++) {
		place.address = addresses->address[i];
		place.family = is_ipv4(&place.address) ? AF_INET : AF_INET6;
		if (open_listener(server, thread_idx, &place) != 0)
			return -1;
	}
	if (!place.any)
		return 0;
	place.family = AF_INET;
	if (open_listener(server, thread_idx, &place) != 0)
		return -1;
	place.family = AF_INET6;
	return open_listener(server, thread_idx, &place);
}

static int
open_listeners(struct vly_stream_server *server, const struct vly_options *options)
{
	bool has_udp = udp_is_wanted(options);

	if (!has_udp)
		vly_log_info(
			"streams: no UDP socket, since an af_packet port receives the same frames "
			"as the kernel");
	for (unsigned i = 0; i < server->thread_cnt; i++) {
		server->thread[i].listener = server->listener + i * server->per_thread_cnt;
		const struct vly_addresses *addresses = &options->addresses;
		const unsigned tls_port = options->stream.tls_port;
		if (open_type(server, i, addresses, SOCK_STREAM, VLY_DNS_PORT) != 0)
			return -1;
		if (tls_port != 0 && open_type(server, i, addresses, SOCK_STREAM, tls_port) != 0)
			return -1;
		if (has_udp && open_type(server, i, addresses, SOCK_DGRAM, VLY_DNS_PORT) != 0)
			return -1;
	}
	return 0;
}

static int
allocate(struct vly_stream_server *server, const struct vly_options *options)
{
	const struct vly_stream_options *stream = &options->stream;
	unsigned place_cnt = options->addresses.cnt > 0 ? options->addresses.cnt : 2;

	server->per_thread_cnt = (stream->tls_port != 0 ? 3 : 2) * place_cnt;
	unsigned listener_cnt = stream->thread_cnt * server->per_thread_cnt;
	unsigned connections_max = plan_connections(stream, listener_cnt);
	server->settings = (struct vly_stream_settings){
		.state_ms = {[VLY_STREAM_IDLE] = stream->idle_s * MS_PER_S,
			     [VLY_STREAM_READING] = stream->read_s * MS_PER_S,
			     [VLY_STREAM_WRITING] = stream->write_s * MS_PER_S},
		.open_max = (connections_max + stream->thread_cnt - 1) / stream->thread_cnt,
		.buffers_max = (size_t)stream->memory_mib * MIB / stream->thread_cnt,
		.udp_limit_max = (uint16_t)options->udp_payload_max,
	};
	/* calloc() does not provide the alignment of the queries in it */
	size_t thread_bytes = stream->thread_cnt * sizeof(server->thread[0]);
	server->thread = aligned_alloc(_Alignof(struct vly_stream_thread), thread_bytes);
	server->listener = calloc(listener_cnt, sizeof(server->listener[0]));
	if (server->thread == NULL || server->listener == NULL)
		return -1;
	memset(server->thread, 0, thread_bytes);
	server->thread_cnt = stream->thread_cnt;
	return vly_stream_limits_create(&server->limits,
					server->settings.open_max * stream->thread_cnt,
					stream->per_client_max);
}

/* A bound UDP socket would receive queries, which would be lost, while there are no zones. A TCP
 * socket that does not listen makes the kernel refuse connections, and keeps the port reserved. */
static void
let_go_of_udp(struct vly_stream_server *server)
{
	for (unsigned i = 0; i < server->thread_cnt; i++) {
		for (unsigned j = 0; j < server->thread[i].listener_cnt; j++) {
			struct vly_stream_listener *listener = &server->thread[i].listener[j];
			if (listener->place.type != SOCK_DGRAM)
				continue;
			close(listener->fd);
			listener->fd = -1;
		}
	}
}

static int
take_udp_again(struct vly_stream_thread *thread)
{
	for (unsigned i = 0; i < thread->listener_cnt; i++) {
		struct vly_stream_listener *listener = &thread->listener[i];
		if (listener->fd < 0)
			listener->fd = vly_stream_socket_open(&listener->place);
		if (listener->fd < 0)
			return -1;
	}
	return 0;
}

int
vly_stream_server_open(struct vly_stream_server *server, const struct vly_options *options)
{
	if (!is_wanted(options))
		return 0;
	if (allocate(server, options) != 0) {
		vly_log_error("no memory for %u stream threads", options->stream.thread_cnt);
		return -1;
	}
	if (open_listeners(server, options) != 0)
		return -1;
	let_go_of_udp(server);
	return 0;
}

int
vly_stream_server_start(struct vly_stream_server *server, struct vly_counters *counters,
			struct vly_requests *requests, struct vly_handovers *handovers)
{
	for (unsigned i = 0; i < server->thread_cnt; i++) {
		struct vly_stream_thread *thread = &server->thread[i];
		thread->settings = &server->settings;
		thread->limits = &server->limits;
		thread->requests = requests;
		thread->pool.handovers = handovers;
		thread->counters = vly_counters_stream(counters, i);
		thread->samples = vly_counters_ring(counters, counters->lcore_cnt + 1 + i);
		if (take_udp_again(thread) != 0)
			return -1;
		int error = vly_stream_thread_start(thread);
		if (error != 0) {
			vly_log_error("cannot start stream thread %u: %s", i, strerror(-error));
			return -1;
		}
		server->started_cnt++;
	}
	if (server->thread_cnt > 0)
		vly_log_info(
			"streams: %u thread%s on port 53, up to %u connections, %u of one client",
			server->thread_cnt, vly_plural(server->thread_cnt),
			server->settings.open_max * server->thread_cnt,
			server->limits.per_client_max);
	return 0;
}

void
vly_stream_server_stop(struct vly_stream_server *server)
{
	for (unsigned i = 0; i < server->started_cnt; i++)
		vly_stream_thread_stop(&server->thread[i]);
	server->started_cnt = 0;
}

void
vly_stream_server_close(struct vly_stream_server *server)
{
	for (unsigned i = 0; i < server->thread_cnt; i++)
		for (unsigned j = 0; j < server->thread[i].listener_cnt; j++)
			if (server->thread[i].listener[j].fd >= 0)
				close(server->thread[i].listener[j].fd);
	if (server->limits.slot != NULL)
		vly_stream_limits_destroy(&server->limits);
	free(server->listener);
	free(server->thread);
}
