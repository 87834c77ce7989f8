/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include "answer/guard.h"
#include "backlog.h"
#include "base/large.h"
#include "base/packet.h"
#include "base/packet_sum.h"
#include "guard/defence.h"
#include "guard/judge.h"
#include "idle.h"

/* The stages overlap only while all of them have queries (pipeline.c): in bursts of 64 an lcore
 * answers 6 % more than in those of 32; 128 are no better. */
#define BURST VLY_BURST_MAX

_Static_assert(BURST <= VLY_JUDGE_MAX, "a burst is judged at once");

/* Packets whose headers are prefetched ahead of the one being classified. */
#define FETCHED_AHEAD 8

/* The delay until an lcore sees that there are zones; a thousand checks a second cost little. */
#define WAIT_FOR_ZONES_US 1000

/* A step of a burst, in a function of its own: all steps in one would run out of registers. */
#define STAGE __attribute__((noinline))

/* The step that an lcore is in, for the watchdog: one store for each step of a burst. */
enum stage {
	STAGE_RECEIVE,
	STAGE_REST,
	STAGE_CLASSIFY, /* from here on it has packets */
	STAGE_ADMIT,
	STAGE_ANSWER,
	STAGE_WRITE,
	STAGE_SEND,
};

struct burst {
	struct vly_guard guard;
	struct vly_backlog backlog;
	struct vly_sampler sampler;
	struct vly_exception_queue *to_kernel; /* NULL: there is no way */
	struct vly_policy_state *rules_state;  /* NULL: the XDP program has applied the rules */
	struct rte_mbuf *received[BURST + FETCHED_AHEAD];
	struct rte_mbuf *asked[BURST]; /* queries to answer */
	struct rte_mbuf *reply[BURST];
	struct rte_mbuf *refused[BURST]; /* to be freed */
	struct vly_packet packet[BURST]; /* of asked[] */
	uint64_t udp_sum[BURST + 1];     /* of asked[] (query.h); written before it is decided */
	struct vly_query query[BURST];   /* of asked[]; zeros to begin with: never `stream` */
	_Atomic enum stage stage;
	unsigned received_cnt;
	unsigned asked_cnt;
	unsigned reply_cnt;
	unsigned refused_cnt;
	uint64_t reply_bytes; /* of reply[] */
	struct vly_limiter limiter;
};

static inline void
enter(struct burst *burst, enum stage stage)
{
	atomic_store_explicit(&burst->stage, stage, memory_order_relaxed);
}

/* What the kernel gets is a copy. */
static inline enum vly_verdict
pass(struct burst *burst, const struct rte_mbuf *mbuf)
{
	if (burst->to_kernel == NULL)
		return VLY_VERDICT_no_kernel_path;
	return vly_exception_offer(burst->to_kernel, mbuf, burst->guard.clock.units);
}

__attribute__((noinline)) static void
refuse(const struct vly_worker *worker, struct burst *burst, struct rte_mbuf *mbuf,
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
classify(const struct vly_worker *worker, struct burst *burst)
{
	unsigned cnt = burst->received_cnt;
	struct vly_packet *packet = burst->packet;
	struct rte_mbuf **asked = burst->asked;
	uint64_t *udp_sum = burst->udp_sum;
	uint64_t rx_bytes = 0;
	uint64_t mac = port_mac(worker);

	for (unsigned i = 0; i < FETCHED_AHEAD; i++) {
		burst->received[cnt + i] = burst->received[cnt - 1];
		rte_prefetch0(rte_pktmbuf_mtod(burst->received[i], void *));
	}
	for (unsigned i = 0; i < cnt; i++) {
		struct rte_mbuf *mbuf = burst->received[i];
		const uint8_t *later = rte_pktmbuf_mtod(burst->received[i + FETCHED_AHEAD], void *);
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

/* Keeps the queries that the rules admit. */
STAGE static void
admit(const struct vly_worker *worker, struct burst *burst, const struct vly_policy_rules *rules)
{
	uint8_t verdict[BURST];
	unsigned kept = 0;

	bool all_served = vly_judge(rules, burst->rules_state, burst->guard.clock.units,
				    burst->packet, burst->asked_cnt, verdict);
	worker->counters->source_dry_run = burst->rules_state->source_dry_run;
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
make_queries(const struct vly_worker *worker, struct burst *burst)
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
write_replies(struct burst *burst)
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
send_replies(const struct vly_worker *worker, struct burst *burst)
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

/* Spins or sleeps after an empty poll. */
static void
rest(const struct vly_worker *worker, struct vly_idle *idle)
{
	unsigned us = vly_idle_next(idle, rte_rdtsc());

	worker->counters->polls_empty++;
	if (us == 0) {
		rte_pause();
		return;
	}
	worker->counters->sleeps++;
	vly_idle_sleep(idle, us);
}

/* Samples a query now and then, before its response is written over it. */
static void
sample_served(struct burst *burst, uint64_t tsc)
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

static void
answer_burst(const struct vly_worker *worker, struct burst *burst)
{
	uint64_t start_tsc = rte_rdtsc();
	struct vly_guard *guard = &burst->guard;

	burst->refused_cnt = 0;
	enter(burst, STAGE_CLASSIFY);
	vly_guard_begin(guard, vly_defence_live(), start_tsc);
	classify(worker, burst);
	enter(burst, STAGE_ADMIT);
	if (burst->rules_state != NULL && vly_policy_has_rules(&guard->defence->rules))
		admit(worker, burst, &guard->defence->rules);
	enter(burst, STAGE_ANSWER);
	make_queries(worker, burst);
	sample_served(burst, start_tsc);
	vly_query_answer(burst->query, burst->asked_cnt, vly_table_live(), guard, worker->counters);
	enter(burst, STAGE_WRITE);
	write_replies(burst);
	enter(burst, STAGE_SEND);
	send_replies(worker, burst);
	worker->counters->bursts++;
	worker->counters->rx_waited = burst->backlog.kept_cnt;
	worker->counters->busy_tsc += rte_rdtsc() - start_tsc;
}

static inline void
send_for_kernel(const struct vly_worker *worker)
{
	if (worker->exception == NULL || worker->queue_idx != 0)
		return;
	uint64_t start_tsc = rte_rdtsc();
	if (vly_exception_send(worker->exception))
		worker->counters->busy_tsc += rte_rdtsc() - start_tsc;
}

/* Everything that was received is the kernel's. */
static void
pass_burst(const struct vly_worker *worker, struct burst *burst)
{
	burst->refused_cnt = 0;
	enter(burst, STAGE_CLASSIFY);
	vly_guard_begin(&burst->guard, vly_defence_live(), rte_rdtsc());
	for (unsigned i = 0; i < burst->received_cnt; i++) {
		worker->counters->rx_bytes += burst->received[i]->pkt_len;
		refuse(worker, burst, burst->received[i], VLY_VERDICT_pass);
	}
	worker->counters->rx_packets += burst->received_cnt;
	worker->counters->bursts++;
	rte_pktmbuf_free_bulk(burst->refused, burst->refused_cnt);
}

/* Without zones, where there is a way to the kernel: it has the port to itself, and refuses queries
 * like those to any closed port. */
static void
pass_all(const struct vly_worker *worker, struct burst *burst)
{
	struct vly_idle idle;

	vly_idle_start(&idle, worker->spin, worker->wait_fd, worker->tsc_hz);
	while (!atomic_load_explicit(worker->serve, memory_order_acquire) &&
	       !atomic_load_explicit(worker->stop, memory_order_relaxed)) {
		enter(burst, STAGE_RECEIVE);
		burst->received_cnt = vly_backlog_receive(&burst->backlog, burst->received);
		if (burst->received_cnt > 0) {
			vly_idle_end(&idle);
			pass_burst(worker, burst);
		} else {
			enter(burst, STAGE_REST);
			rest(worker, &idle);
		}
		send_for_kernel(worker);
		rcu_quiescent_state();
	}
}

/* Without zones, every query would get REFUSED, which resolvers take for a lame server. They take
 * silence for a lost packet, and retry. */
static void
wait_for_zones(const struct vly_worker *worker)
{
	struct vly_idle idle;

	vly_idle_start(&idle, false, -1, worker->tsc_hz);
	/* acquire: the first burst must see the table, which was published before */
	while (!atomic_load_explicit(worker->serve, memory_order_acquire) &&
	       !atomic_load_explicit(worker->stop, memory_order_relaxed)) {
		worker->counters->sleeps++;
		vly_idle_sleep(&idle, WAIT_FOR_ZONES_US);
	}
}

static void
run(const struct vly_worker *worker, struct burst *burst)
{
	struct vly_idle idle;

	vly_idle_start(&idle, worker->spin, worker->wait_fd, worker->tsc_hz);
	while (!atomic_load_explicit(worker->stop, memory_order_relaxed)) {
		enter(burst, STAGE_RECEIVE);
		burst->received_cnt = vly_backlog_receive(&burst->backlog, burst->received);
		if (burst->received_cnt > 0) {
			vly_idle_end(&idle);
			answer_burst(worker, burst);
		} else {
			enter(burst, STAGE_REST);
			rest(worker, &idle);
		}
		send_for_kernel(worker);
		rcu_quiescent_state();
	}
}

/* worker->error_what names the step that failed. */
static int
fill_burst(struct vly_worker *worker, struct burst *burst)
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
	return 0;
}

static void
free_burst(struct burst *burst)
{
	free(burst->rules_state);
	free(burst);
}

static int
create_burst(struct vly_worker *worker, struct burst **made)
{
	struct burst *burst = vly_large_alloc(sizeof(*burst));

	worker->error_what = "cannot set up its bursts";
	if (burst == NULL)
		return -ENOMEM;
	int error = fill_burst(worker, burst);
	if (error != 0) {
		free_burst(burst);
		return error;
	}
	*made = burst;
	return 0;
}

static void
set_state(struct vly_worker *worker, enum vly_worker_state state)
{
	atomic_store_explicit(&worker->state, state, memory_order_release);
}

int
vly_worker_run(void *argument)
{
	struct vly_worker *worker = argument;
	struct burst *burst = NULL;
	/* Here, so that the memory is that of the lcore's own NUMA node. */
	int error = create_burst(worker, &burst);

	if (error != 0) {
		worker->error = -error;
		set_state(worker, VLY_WORKER_FAILED);
		return error;
	}
	/* By default the kernel adds up to 50 µs to each sleep, to wake up several threads at
	 * once. */
	prctl(PR_SET_TIMERSLACK, 1);
	worker->tid = gettid();
	worker->burst = burst;
	set_state(worker, VLY_WORKER_RUNNING);
	rcu_register_thread();
	if (worker->exception != NULL)
		pass_all(worker, burst);
	else
		wait_for_zones(worker);
	run(worker, burst);
	rcu_unregister_thread();
	set_state(worker, VLY_WORKER_ENDED);
	vly_backlog_free(&burst->backlog);
	free_burst(burst);
	return 0;
}

uint64_t
vly_worker_progress(const struct vly_worker *worker)
{
	const struct vly_lcore_counters *counters = worker->counters;

	return __atomic_load_n(&counters->bursts, __ATOMIC_RELAXED) +
	       __atomic_load_n(&counters->polls_empty, __ATOMIC_RELAXED) +
	       __atomic_load_n(&counters->sleeps, __ATOMIC_RELAXED);
}

const char *
vly_worker_held(const struct vly_worker *worker, struct vly_evidence *evidence)
{
	static const char *const text[] = {
		[STAGE_RECEIVE] = "receiving from the port", [STAGE_REST] = "idle",
		[STAGE_CLASSIFY] = "classifying packets",    [STAGE_ADMIT] = "applying the rules",
		[STAGE_ANSWER] = "answering queries",        [STAGE_WRITE] = "writing packets",
		[STAGE_SEND] = "sending through the port",
	};
	const struct burst *burst = worker->burst;
	enum stage stage = atomic_load_explicit(&burst->stage, memory_order_relaxed);

	vly_evidence_clear(evidence);
	for (unsigned i = 0; stage >= STAGE_CLASSIFY && i < burst->received_cnt && i < BURST; i++) {
		const struct rte_mbuf *mbuf = burst->received[i];
		vly_evidence_add_frame(evidence, rte_pktmbuf_mtod(mbuf, const void *),
				       mbuf->data_len);
	}
	return text[stage];
}
