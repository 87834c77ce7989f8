/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_udp.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <rte_cycles.h>

#include "answer/guard.h"
#include "guard/defence.h"
#include "request/signed_query.h"

/* Few packets come this way; larger batches would only take memory for the largest datagrams. */
#define BATCH 16

/* Any datagram fits. A buffer's pages cost nothing until a datagram of that size arrives. */
#define BUFFER_BYTES (65536 + VLY_NAME_SLACK_BYTES)

#define CONTROL_BYTES CMSG_SPACE(sizeof(struct in6_pktinfo))

struct vly_stream_udp {
	struct vly_stream_policy *policy;
	struct vly_stream_counters *counters;
	uint16_t limit_max;
	struct vly_requests_client *requests; /* NULL: volley-control answers nothing */
	const uv_loop_t *loop;
	struct vly_guard guard;
	struct vly_steering steering;
	unsigned asked_cnt;
	atomic_uint held_cnt; /* queries in query[] being answered, for the watchdog */
	unsigned reply_cnt;
	struct mmsghdr received[BATCH];
	struct mmsghdr reply[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_in6 address[BATCH]; /* the larger of the two */
	_Alignas(struct cmsghdr) uint8_t control[BATCH][CONTROL_BYTES];
	struct vly_query query[BATCH];
	unsigned asked[BATCH]; /* of each query: its index in received[] */
	unsigned signed_cnt;
	unsigned signed_query[BATCH]; /* the same, of queries with TSIG */
	uint8_t original[VLY_MESSAGE_BYTES_MAX];
	uint8_t buffer[BATCH][BUFFER_BYTES];
};

struct vly_stream_udp *
vly_stream_udp_create(struct vly_stream_policy *policy, struct vly_stream_counters *counters,
		      uint16_t limit_max)
{
	/* calloc() does not provide the alignment of the queries */
	struct vly_stream_udp *udp = aligned_alloc(_Alignof(struct vly_stream_udp), sizeof(*udp));

	if (udp == NULL)
		return NULL;
	memset(udp, 0, sizeof(*udp));
	udp->policy = policy;
	udp->counters = counters;
	udp->limit_max = limit_max;
	vly_guard_start(&udp->guard, vly_limiter_create(), NULL, rte_get_tsc_hz());
	vly_steering_start(&udp->steering, &counters->answers, rte_rdtsc());
	for (unsigned i = 0; i < BATCH; i++)
		udp->query[i].steering = &udp->steering;
	if (udp->guard.limiter != NULL)
		return udp;
	free(udp);
	return NULL;
}

static struct vly_stream_source
source_of(const struct sockaddr_in6 *address)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)(const void *)address;
	bool is_ipv4 = address->sin6_family == AF_INET;

	return (struct vly_stream_source){
		.ipv4 = is_ipv4,
		.port = ntohs(address->sin6_port), /* at the same place in sockaddr_in */
		.address = is_ipv4 ? (const uint8_t *)&ipv4->sin_addr
				   : (const uint8_t *)&address->sin6_addr,
	};
}

static int
receive(struct vly_stream_udp *udp, int fd)
{
	for (unsigned i = 0; i < BATCH; i++) {
		udp->iov[i] = (struct iovec){udp->buffer[i], BUFFER_BYTES - VLY_NAME_SLACK_BYTES};
		udp->received[i].msg_hdr = (struct msghdr){
			.msg_name = &udp->address[i],
			.msg_namelen = sizeof(udp->address[i]),
			.msg_iov = &udp->iov[i],
			.msg_iovlen = 1,
			.msg_control = udp->control[i],
			.msg_controllen = CONTROL_BYTES,
		};
	}
	return recvmmsg(fd, udp->received, BATCH, MSG_DONTWAIT, NULL);
}

static void
make_query(struct vly_stream_udp *udp, unsigned i, const struct vly_stream_source *source)
{
	struct vly_lcore_counters *counters = &udp->counters->answers;
	struct vly_query *query = &udp->query[udp->asked_cnt];

	udp->asked[udp->asked_cnt++] = i;
	query->message = udp->buffer[i];
	query->message_len = (uint16_t)udp->received[i].msg_len;
	query->room = VLY_MESSAGE_BYTES_MAX;
	query->limit_max = udp->limit_max;
	query->limit = VLY_UDP_BYTES_MIN;
	query->stream = false;
	query->client_is_ipv4 = source->ipv4;
	query->frame_off = 0;
	query->client = source->address;
	counters->queries_ipv4 += source->ipv4;
	counters->queries_ipv6 += !source->ipv4;
}

/* Hands a message to volley-control. Without room there, it is lost, and the client repeats it. */
static void
hand_over(struct vly_stream_udp *udp, unsigned i, int fd, const struct vly_request_message *message)
{
	const struct msghdr *header = &udp->received[i].msg_hdr;
	struct vly_request_origin origin = {
		.fd = fd,
		.client = udp->address[i],
		.control_bytes = (uint16_t)header->msg_controllen,
	};

	memcpy(origin.control, udp->control[i], sizeof(origin.control));
	(void)vly_requests_put(udp->requests, &origin, message, uv_now(udp->loop));
}

static bool
is_request(const struct vly_stream_udp *udp, unsigned i)
{
	return udp->requests != NULL && vly_requests_want(udp->requests->requests, udp->buffer[i]);
}

static bool
is_signed(struct vly_stream_udp *udp, unsigned i)
{
	if (udp->requests == NULL || !vly_requests_want_signed(udp->requests->requests) ||
	    vly_signed_query_take(udp->buffer[i], (uint16_t)udp->received[i].msg_len) == 0)
		return false;
	vly_signed_query_restore(udp->buffer[i]);
	return true;
}

/* Answers a query without its TSIG, and hands both to volley-control. */
static void
answer_signed(struct vly_stream_udp *udp, unsigned i, int fd)
{
	struct vly_request_message message = {udp->original, udp->buffer[i],
					      (uint16_t)udp->received[i].msg_len, 0};
	struct vly_stream_source source = source_of(&udp->address[i]);

	memcpy(udp->original, udp->buffer[i], message.bytes);
	uint16_t bytes = vly_signed_query_take(udp->buffer[i], message.bytes);
	make_query(udp, i, &source);
	struct vly_query *query = &udp->query[--udp->asked_cnt];
	query->message_len = bytes;
	vly_query_answer(query, 1, vly_table_live(), &udp->guard, &udp->counters->answers);
	if (query->response_len == 0)
		return;
	message.draft_bytes =
		vly_signed_query_fit(udp->buffer[i], query->response_len, udp->original + bytes,
				     message.bytes - bytes, query->limit);
	hand_over(udp, i, fd, &message);
}

/* Takes a datagram to where it is answered. */
static void
sort(struct vly_stream_udp *udp, unsigned i, int fd)
{
	struct vly_stream_source source = source_of(&udp->address[i]);
	const struct vly_request_message message = {
		.octets = udp->buffer[i],
		.bytes = (uint16_t)udp->received[i].msg_len,
	};

	if (!vly_stream_policy_admits(udp->policy, &source, message.octets, message.bytes))
		return;
	if (is_request(udp, i))
		hand_over(udp, i, fd, &message);
	else if (is_signed(udp, i))
		udp->signed_query[udp->signed_cnt++] = i;
	else
		make_query(udp, i, &source);
}

static void
answer(struct vly_stream_udp *udp, int fd, unsigned cnt)
{
	struct vly_lcore_counters *counters = &udp->counters->answers;

	udp->asked_cnt = udp->signed_cnt = 0;
	rcu_thread_online();
	for (unsigned i = 0; i < cnt; i++) {
		counters->rx_bytes += udp->received[i].msg_len;
		sort(udp, i, fd);
	}
	counters->rx_packets += cnt;
	counters->bursts++;
	udp->counters->udp_queries += cnt;
	atomic_store_explicit(&udp->held_cnt, udp->asked_cnt, memory_order_relaxed);
	vly_guard_begin(&udp->guard, vly_defence_live(), rte_rdtsc());
	vly_steering_begin(&udp->steering, vly_steer_live());
	vly_query_answer(udp->query, udp->asked_cnt, vly_table_live(), &udp->guard, counters);
	for (unsigned i = 0; i < udp->signed_cnt; i++)
		answer_signed(udp, udp->signed_query[i], fd);
	rcu_thread_offline();
	atomic_store_explicit(&udp->held_cnt, 0, memory_order_relaxed);
}

unsigned
vly_stream_udp_held(const struct vly_stream_udp *udp, const struct vly_query **query)
{
	*query = udp->query;
	return atomic_load_explicit(&udp->held_cnt, memory_order_relaxed);
}

/*
 * Makes the destination of the query the source of the response, in the same control message. The
 * routing table chooses the interface, except for link-local addresses, which are ambiguous without
 * one.
 */
static void
turn_round(struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (control == NULL || control->cmsg_level != IPPROTO_IPV6) {
		if (control != NULL)
			((struct in_pktinfo *)(void *)CMSG_DATA(control))->ipi_ifindex = 0;
		return;
	}
	struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(control);
	if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
		info->ipi6_ifindex = 0;
}

static void
collect_replies(struct vly_stream_udp *udp)
{
	udp->reply_cnt = 0;
	for (unsigned i = 0; i < udp->asked_cnt; i++) {
		unsigned from = udp->asked[i];
		if (udp->query[i].response_len == 0)
			continue;
		udp->iov[from].iov_len = udp->query[i].response_len;
		turn_round(&udp->received[from].msg_hdr);
		udp->reply[udp->reply_cnt++] = udp->received[from];
	}
}

/* A response that can't be sent is dropped, as in a congested network; the others are still
 * sent. */
static void
send_replies(struct vly_stream_udp *udp, int fd)
{
	struct vly_lcore_counters *counters = &udp->counters->answers;

	for (unsigned at = 0; at < udp->reply_cnt;) {
		int sent = sendmmsg(fd, udp->reply + at, udp->reply_cnt - at, MSG_DONTWAIT);
		if (sent <= 0) {
			counters->tx_full++;
			at++;
			continue;
		}
		counters->tx_packets += (unsigned)sent;
		for (; sent > 0; sent--, at++)
			counters->tx_bytes += udp->reply[at].msg_len;
	}
}

void
vly_stream_udp_set_requests(struct vly_stream_udp *udp, struct vly_requests_client *requests,
			    const uv_loop_t *loop)
{
	udp->requests = requests;
	udp->loop = loop;
}

void
vly_stream_udp_on_response(struct vly_stream_udp *udp, struct vly_request *request)
{
	struct vly_lcore_counters *counters = &udp->counters->answers;
	struct vly_request_origin *origin = &request->origin;
	struct iovec iov = {request->response, request->response_bytes};
	struct msghdr message = {
		.msg_name = &origin->client,
		.msg_namelen = origin->client.sin6_family == AF_INET ? sizeof(struct sockaddr_in)
								     : sizeof(origin->client),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = origin->control,
		.msg_controllen = origin->control_bytes,
	};

	if (request->response == NULL)
		return;
	turn_round(&message);
	if (sendmsg(origin->fd, &message, MSG_DONTWAIT) < 0) {
		counters->tx_full++;
		return;
	}
	counters->tx_packets++;
	counters->tx_bytes += request->response_bytes;
}

void
vly_stream_udp_serve(struct vly_stream_udp *udp, int fd)
{
	int cnt = receive(udp, fd);

	if (cnt <= 0)
		return;
	answer(udp, fd, (unsigned)cnt);
	collect_replies(udp);
	send_replies(udp, fd);
}

void
vly_stream_udp_free(struct vly_stream_udp *udp)
{
	if (udp != NULL)
		vly_limiter_destroy(udp->guard.limiter);
	free(udp);
}
