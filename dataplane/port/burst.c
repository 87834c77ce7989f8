/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "burst.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "base/large.h"
#include "base/packet.h"
#include "base/packet_sum.h"
#include "guard/defence.h"

/* A step of a burst, in a function of its own: all steps in one would run out of registers. */
#define STAGE __attribute__((noinline))

/* What the kernel gets is a copy. */
static inline enum vly_verdict
pass(struct vly_burst *burst, const struct rte_mbuf *mbuf)
{
	if (burst->to_kernel == NULL)
		return VLY_VERDICT_no_kernel_path;
	return vly_exception_offer(burst->to_kernel, mbuf, burst->guard.clock.units);
}

__attribute__((noinline)) static void
refuse(const struct vly_worker *worker, struct vly_burst *burst, struct rte_mbuf *mbuf,
       enum vly_verdict verdict)
{
	uint32_t now = burst->guard.clock.units;

	if (verdict == VLY_VERDICT_pass)
		verdict = pass(burst, mbuf);
	else if (mbuf->nb_segs != 1 && verdict > VLY_VERDICT_serve)
		verdict = VLY_VERDICT_too_large; /* only its beginning was judged */
	burst->refused[burst->refused_cnt++] = mbuf;
	worker->counters->verdict[verdict]++;
	if (verdict > VLY_VERDICT_serve && vly_sampler_wants(&burst->sampler, verdict, 1, now))
		vly_sampler_keep(&burst->sampler, verdict, rte_pktmbuf_mtod(mbuf, const uint8_t *),
				 mbuf->data_len, now);
}

/* The port's MAC address, which may change at any time. */
static inline uint64_t
port_mac(const struct vly_worker *worker)
{
	return worker->mac == NULL ? 0 : atomic_load_explicit(worker->mac, memory_order_relaxed);
}

/* Whether the checksums of a query are correct. Drivers report "good" only for checksums that the
 * device has checked, but some report "bad" for correct packets, such as UDP without a checksum. So
 * all packets that are not reported "good" are checked here. */
static inline bool
is_intact(const struct vly_worker *worker, const struct rte_mbuf *mbuf, const uint8_t *frame,
	  const struct vly_packet *packet, uint64_t *udp_sum)
{
	const uint8_t *dns = frame + packet->dns_off;
	const uint8_t *udp = dns - VLY_UDP_BYTES;
	bool ipv4 = packet->ip_version == 4;

	/* RTE_MBUF_F_RX_L4_CKSUM_NONE includes this bit: the packet has not left its host, and its
	 * checksum is not filled in. */
	if (!worker->checks_sums || (mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD) == 0)
		return vly_packet_is_intact(dns, packet->dns_len, ipv4, worker->partial_sums,
					    udp_sum);
	*udp_sum = 0; /* not computed */
	if (!vly_packet_udp_may_have(VLY_OCTETS_LOAD(16, udp + 6), ipv4))
		return false;
	return !ipv4 || (mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD) != 0 ||
	       vly_packet_ipv4_is_intact(udp);
}

/* Separates queries for us, by their form, from all other frames. */
STAGE static void
classify(const struct vly_worker *worker, struct vly_burst *burst)
{
	unsigned cnt = burst->received_cnt;
	struct vly_packet *packet = burst->packet;
	struct rte_mbuf **asked = burst->asked;
	uint64_t *udp_sum = burst->udp_sum;
	uint64_t rx_bytes = 0;
	uint64_t mac = port_mac(worker);

	for (unsigned i = 0; i < VLY_BURST_FETCHED_AHEAD; i++) {
		burst->received[cnt + i] = burst->received[cnt - 1];
		rte_prefetch0(rte_pktmbuf_mtod(burst->received[i], void *));
	}
	for (unsigned i = 0; i < cnt; i++) {
		struct rte_mbuf *mbuf = burst->received[i];
		const uint8_t *later =
			rte_pktmbuf_mtod(burst->received[i + VLY_BURST_FETCHED_AHEAD], void *);
		rte_prefetch0(later);
		rte_prefetch0(later + RTE_CACHE_LINE_SIZE); /* the sum reads the whole query */
		const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		enum vly_verdict verdict = vly_policy_classify(frame, frame + mbuf->data_len,
							       packet, mac, worker->addresses);
		rx_bytes += mbuf->pkt_len;
		/* A frame that fills its buffer is larger than any query. */
		if (verdict == VLY_VERDICT_serve &&
		    (mbuf->nb_segs != 1 || rte_pktmbuf_tailroom(mbuf) < VLY_NAME_SLACK_BYTES))
			verdict = VLY_VERDICT_too_large;
		if (verdict == VLY_VERDICT_serve &&
		    !is_intact(worker, mbuf, frame, packet, udp_sum))
			verdict = VLY_VERDICT_bad_checksum;
		if (likely(verdict == VLY_VERDICT_serve)) {
			*asked++ = mbuf;
			packet++;
			udp_sum++;
		} else {
			refuse(worker, burst, mbuf, verdict);
		}
	}
	burst->asked_cnt = (unsigned)(asked - burst->asked);
	worker->counters->rx_packets += cnt;
	worker->counters->rx_bytes += rx_bytes;
}

/* Signed queries, whose responses volley-control signs. Returns false if one is not to be served here. */
__attribute__((noinline)) static bool
judge_signed(struct vly_burst *burst, const struct vly_policy_rules *rules, uint8_t *verdict)
{
	bool all_served = true;

	for (unsigned i = 0; i < burst->asked_cnt; i++) {
		const struct rte_mbuf *mbuf = burst->asked[i];
		const uint8_t *frame = rte_pktmbuf_mtod(mbuf, const uint8_t *);
		const struct vly_packet *packet = &burst->packet[i];
		if (verdict[i] == VLY_VERDICT_serve && vly_policy_wants_signed(packet, rules) &&
		    vly_policy_is_signed(frame, frame + mbuf->data_len, packet->dns_off,
					 packet->dns_len))
			verdict[i] = (uint8_t)vly_policy_admit_signed(rules, burst->rules_state,
								      burst->guard.clock.units);
		all_served &= verdict[i] == VLY_VERDICT_serve;
	}
	return all_served;
}

/* Keeps the queries that the rules admit. */
STAGE static void
admit(const struct vly_worker *worker, struct vly_burst *burst,
      const struct vly_policy_rules *rules)
{
	uint8_t verdict[VLY_BURST_MAX];
	unsigned kept = 0;

	bool all_served = vly_judge(rules, burst->rules_state, burst->guard.clock.units,
				    burst->packet, burst->asked_cnt, verdict);
	worker->counters->source_dry_run = burst->rules_state->source_dry_run;
	if (rules->request_opcodes >> VLY_REQUEST_SIGNED_QUERY & 1)
		all_served = judge_signed(burst, rules, verdict);
	if (all_served)
		return;
	for (unsigned i = 0; i < burst->asked_cnt; i++) {
		if (unlikely(verdict[i] != VLY_VERDICT_serve)) {
			refuse(worker, burst, burst->asked[i], verdict[i]);
			continue;
		}
		if (unlikely(i != kept)) {
			burst->packet[kept] = burst->packet[i];
			burst->asked[kept] = burst->asked[i];
			burst->udp_sum[kept] = burst->udp_sum[i];
		}
		kept++;
	}
	burst->asked_cnt = kept;
}

STAGE static void
make_queries(const struct vly_worker *worker, struct vly_burst *burst)
{
	const uint16_t limit_max[2] = {worker->limit_max_ipv6, worker->limit_max_ipv4};
	unsigned cnt = burst->asked_cnt;
	unsigned ipv4_cnt = 0;

	for (unsigned i = 0; i < cnt; i++) {
		const struct vly_packet *packet = &burst->packet[i];
		const struct rte_mbuf *mbuf = burst->asked[i];
		struct vly_query *query = &burst->query[i];
		uint8_t *frame = rte_pktmbuf_mtod(mbuf, uint8_t *);
		bool ipv4 = packet->ip_version == 4;
		query->message = frame + packet->dns_off;
		query->message_len = packet->dns_len;
		query->udp_sum = burst->udp_sum[i];
		query->room = (uint16_t)(mbuf->buf_len - mbuf->data_off - packet->dns_off);
		query->limit_max = limit_max[ipv4];
		query->limit = VLY_UDP_BYTES_MIN;
		query->client_is_ipv4 = ipv4;
		query->frame_off = packet->dns_off;
		/* followed by our address, and that by the UDP header */
		query->client = query->message - VLY_UDP_BYTES - 2 * (ipv4 ? 4 : 16);
		ipv4_cnt += ipv4;
	}
	worker->counters->queries_ipv4 += ipv4_cnt;
	worker->counters->queries_ipv6 += cnt - ipv4_cnt;
	if (!worker->has_xdp)
		worker->counters->verdict[VLY_VERDICT_serve] += cnt;
}

/* Makes a frame of each response. */
STAGE static void
write_replies(struct vly_burst *burst)
{
	unsigned reply_cnt = 0;
	uint64_t reply_bytes = 0;

	for (unsigned i = 0, cnt = burst->asked_cnt; i < cnt; i++) {
		const struct vly_query *query = &burst->query[i];
		struct rte_mbuf *mbuf = burst->asked[i];
		if (unlikely(query->response_len == 0)) {
			burst->refused[burst->refused_cnt++] = mbuf;
			continue;
		}
		uint16_t bytes = vly_packet_reply(rte_pktmbuf_mtod(mbuf, uint8_t *), query->message,
						  query->client_is_ipv4, query->response_len,
						  query->response_sum);
		mbuf->data_len = bytes;
		mbuf->pkt_len = bytes;
		reply_bytes += bytes;
		burst->reply[reply_cnt++] = mbuf;
	}
	burst->reply_cnt = reply_cnt;
	burst->reply_bytes = reply_bytes;
}

/* A full TX ring means more responses than the port can carry: to wait would only move the loss to
 * the RX ring. */
static void
send_replies(const struct vly_worker *worker, struct vly_burst *burst)
{
	uint16_t sent = rte_eth_tx_burst(worker->port_id, worker->queue_idx, burst->reply,
					 (uint16_t)burst->reply_cnt);

	worker->counters->tx_packets += sent;
	if (unlikely(sent < burst->reply_cnt)) {
		worker->counters->tx_full += burst->reply_cnt - sent;
		for (unsigned i = sent; i < burst->reply_cnt; i++)
			burst->reply_bytes -= burst->reply[i]->pkt_len;
		rte_pktmbuf_free_bulk(burst->reply + sent, burst->reply_cnt - sent);
	}
	worker->counters->tx_bytes += burst->reply_bytes;
	if (burst->refused_cnt > 0)
		rte_pktmbuf_free_bulk(burst->refused, burst->refused_cnt);
}

/* Samples a query now and then, before its response is written over it. */
static void
sample_served(struct vly_burst *burst, uint64_t tsc)
{
	uint32_t now = burst->guard.clock.units;

	if (burst->asked_cnt == 0 ||
	    !vly_sampler_wants(&burst->sampler, VLY_VERDICT_serve, burst->asked_cnt, now))
		return;
	unsigned i =
		(unsigned)(tsc % burst->asked_cnt); /* at random, so that none is always left out */
	vly_sampler_keep(&burst->sampler, VLY_VERDICT_serve,
			 rte_pktmbuf_mtod(burst->asked[i], const uint8_t *),
			 (uint16_t)burst->asked[i]->data_len, now);
}

void
vly_burst_answer(const struct vly_worker *worker, struct vly_burst *burst)
{
	uint64_t start_tsc = rte_rdtsc();
	struct vly_guard *guard = &burst->guard;

	burst->refused_cnt = 0;
	vly_burst_enter(burst, VLY_BURST_CLASSIFY);
	vly_guard_begin(guard, vly_defence_live(), start_tsc);
	vly_steering_begin(&burst->steering, vly_steer_live());
	classify(worker, burst);
	vly_burst_enter(burst, VLY_BURST_ADMIT);
	if (burst->rules_state != NULL && vly_policy_has_rules(&guard->defence->rules))
		admit(worker, burst, &guard->defence->rules);
	vly_burst_enter(burst, VLY_BURST_ANSWER);
	make_queries(worker, burst);
	sample_served(burst, start_tsc);
	vly_query_answer(burst->query, burst->asked_cnt, vly_table_live(), guard, worker->counters);
	vly_burst_enter(burst, VLY_BURST_WRITE);
	write_replies(burst);
	vly_burst_enter(burst, VLY_BURST_SEND);
	send_replies(worker, burst);
	worker->counters->bursts++;
	worker->counters->rx_waited = burst->backlog.kept_cnt;
	worker->counters->busy_tsc += rte_rdtsc() - start_tsc;
}

/* Everything that was received is the kernel's. */
void
vly_burst_pass(const struct vly_worker *worker, struct vly_burst *burst)
{
	burst->refused_cnt = 0;
	vly_burst_enter(burst, VLY_BURST_CLASSIFY);
	vly_guard_begin(&burst->guard, vly_defence_live(), rte_rdtsc());
	for (unsigned i = 0; i < burst->received_cnt; i++) {
		worker->counters->rx_bytes += burst->received[i]->pkt_len;
		refuse(worker, burst, burst->received[i], VLY_VERDICT_pass);
	}
	worker->counters->rx_packets += burst->received_cnt;
	worker->counters->bursts++;
	rte_pktmbuf_free_bulk(burst->refused, burst->refused_cnt);
}

/* worker->error_what names the step that failed. */
static int
fill_burst(struct vly_worker *worker, struct vly_burst *burst)
{
	worker->error_what = "cannot set up the source rates";
	if (!worker->has_xdp) {
		burst->rules_state = vly_judge_state_create();
		if (burst->rules_state == NULL)
			return -ENOMEM;
	}
	worker->error_what = "cannot set up the response limits";
	if (vly_limiter_init(&burst->limiter) != 0)
		return -ENOMEM;
	worker->error_what = "cannot set up the backlog ring (--memory)";
	if (vly_backlog_init(&burst->backlog, worker->port_id, worker->queue_idx) != 0)
		return rte_errno != 0 ? -rte_errno : -ENOMEM;
	if (worker->exception != NULL)
		burst->to_kernel = vly_exception_queue_of(worker->exception, worker->queue_idx);
	vly_sampler_start(&burst->sampler, worker->samples, worker->port_idx);
	vly_guard_start(&burst->guard, &burst->limiter, &burst->sampler, worker->tsc_hz);
	vly_steering_start(&burst->steering, worker->counters, rte_rdtsc());
	for (unsigned i = 0; i < VLY_BURST_MAX; i++)
		burst->query[i].steering = &burst->steering;
	return 0;
}

void
vly_burst_free(struct vly_burst *burst)
{
	vly_backlog_free(&burst->backlog);
	free(burst->rules_state);
	free(burst);
}

int
vly_burst_create(struct vly_worker *worker, struct vly_burst **made)
{
	struct vly_burst *burst = vly_large_alloc(sizeof(*burst));

	worker->error_what = "cannot set up its bursts";
	if (burst == NULL)
		return -ENOMEM;
	int error = fill_burst(worker, burst);
	if (error != 0) {
		vly_burst_free(burst);
		return error;
	}
	*made = burst;
	return 0;
}
