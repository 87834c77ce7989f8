/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counters in shared memory: written by volley-dataplane, read by whoever got the memfd (publish.h
 * HELLO).
 *
 * One block: struct vly_counters, then lcore_cnt × struct vly_lcore_counters, then port_cnt ×
 * struct vly_port_counters, then stream_cnt × struct vly_stream_counters, then ring_cnt × struct
 * vly_sample_ring: one of each lcore, then the main thread's, for what the XDP programs dropped,
 * then one of each stream thread. Each lcore and each stream thread writes only its own lines, with
 * plain 64-bit stores, so a reader sees every value whole, and the set of them up to a burst apart.
 * Counters never go backwards while the dataplane lives; start_unix_ns tells one life from the
 * next.
 *
 * A reader maps the memfd read-only (it is sealed against resizing) and checks magic, version and
 * sizes.
 */
#ifndef VLY_COUNTERS_H
#define VLY_COUNTERS_H

#include <stdint.h>

#include <volley/policy.h>
#include <volley/sample.h>

#define VLY_COUNTERS_MAGIC   UINT64_C(0x544e554f43594c56) /* "VLYCOUNT" */
#define VLY_COUNTERS_VERSION 7

/* name, help: for `volleyctl stats` and for metrics. */
#define VLY_LCORE_COUNTERS(X)                                                                      \
	X(rx_packets, "packets received from the port")                                            \
	X(rx_bytes, "octets received, Ethernet header included")                                   \
	X(rx_waited, "packets that waited while the lcore answered those before them")             \
	X(tx_packets, "packets given to the port")                                                 \
	X(tx_bytes, "octets given to the port")                                                    \
	X(tx_full, "responses dropped because the port took no more")                              \
	X(queries_ipv4, "queries over IPv4")                                                       \
	X(queries_ipv6, "queries over IPv6")                                                       \
	X(queries_edns, "queries with an OPT record")                                              \
	X(rcode_noerror, "responses with NOERROR, referrals included")                             \
	X(rcode_formerr, "responses with FORMERR")                                                 \
	X(rcode_servfail, "responses with SERVFAIL")                                               \
	X(rcode_nxdomain, "responses with NXDOMAIN")                                               \
	X(rcode_notimp, "responses with NOTIMP")                                                   \
	X(rcode_refused, "responses with REFUSED")                                                 \
	X(rcode_other, "responses with another RCODE, such as BADVERS")                            \
	X(referrals, "responses that refer to a child zone")                                       \
	X(truncated, "responses with TC=1")                                                        \
	X(dropped_message, "messages too short or too odd to deserve a response")                  \
	X(limited_answer, "answers over their limit of the client's prefix")                       \
	X(limited_referral, "referrals over their limit")                                          \
	X(limited_nxdomain, "NXDOMAIN responses over their limit")                                 \
	X(limited_error, "error responses over their limit")                                       \
	X(slipped, "limited responses that went out empty with TC=1")                              \
	X(badcookie, "limited responses that went out as BADCOOKIE")                               \
	X(cookies_valid, "queries with a valid server cookie")                                     \
	X(cookies_new, "queries with a client cookie alone")                                       \
	X(cookies_invalid, "queries with a server cookie that is not ours, or too old")            \
	X(source_dry_run, "packets that the source rate would have dropped")                       \
	X(bursts, "bursts that held at least one packet")                                          \
	X(polls_empty, "polls that found nothing")                                                 \
	X(busy_tsc, "cycles spent on bursts")                                                      \
	X(sleeps, "times that an idle lcore slept")

struct vly_lcore_counters {
#define X(name, help) uint64_t name;
	VLY_LCORE_COUNTERS(X)
#undef X
	/* what the policy decided in user space, by enum vly_verdict: for pci and other ports
	 * without XDP, and for what stream threads get */
	uint64_t verdict[VLY_VERDICT_CNT];
	uint32_t lcore_id;
	uint32_t port_idx;
	uint32_t queue_idx;
	uint32_t cpu;
} __attribute__((aligned(64)));

/* What may be wrong with a port: id, what `volleyctl status` and the log say of its interface. The
 * worst that is true counts: the later, the worse. */
#define VLY_PORT_TROUBLES(X)                                                                       \
	X(none, "is well again")                                                                   \
	X(mtu, "has another MTU than at the start: packets that do not fit are lost until "        \
	       "volley-dataplane is restarted")                                                    \
	X(no_carrier, "has no carrier: no packets come or go")                                     \
	X(down, "is down: no packets come or go")                                                  \
	X(detached, "lost our XDP program: the kernel has its packets until volley-dataplane is "  \
		    "restarted")                                                                   \
	X(gone, "is gone: volley-dataplane must be restarted when it is back")

enum vly_port_trouble {
#define X(id, text) VLY_PORT_TROUBLE_##id,
	VLY_PORT_TROUBLES(X)
#undef X
		VLY_PORT_TROUBLE_CNT,
};

struct vly_port_counters {
	char name[64];                         /* as on the command line, such as af_xdp:eth0 */
	uint64_t xdp_verdict[VLY_VERDICT_CNT]; /* the XDP program's, copied every 100 ms */
	uint64_t xdp_source_dry_run;           /* struct vly_policy_state */
	uint64_t rx_missed;                    /* packets that found the port's ring full */
	uint64_t xdp_attached;                 /* 1: this port runs the XDP program */
	uint64_t unserved_queue_cnt;           /* queues without an lcore that queries came in on
						  within the last minute or so */
	uint64_t trouble;                      /* enum vly_port_trouble, as of the last 100 ms */
	char kernel[16];                       /* its interface to the kernel; empty: none */
	uint64_t to_kernel;                    /* packets through that */
	uint64_t from_kernel;
	uint64_t kernel_lost; /* those that the interface or the port did not take */
} __attribute__((aligned(64)));

/* name, help */
#define VLY_STREAM_COUNTERS(X)                                                                     \
	X(accepted, "connections accepted")                                                        \
	X(refused_prefix, "connections refused because the client's prefix has its share")         \
	X(refused_denied, "connections refused because the client's prefix is denied")             \
	X(closed_denied, "connections whose client's prefix was denied meanwhile")                 \
	X(closed_client, "connections that the client ended")                                      \
	X(closed_idle, "connections closed because they were idle")                                \
	X(closed_limit, "connections closed to make room for new ones")                            \
	X(closed_memory, "connections closed because all buffers were in use")                     \
	X(closed_slow_query, "connections whose message was not complete in time")                 \
	X(closed_slow_reader, "connections whose client did not take its responses in time")       \
	X(closed_malformed, "connections closed because of a length too short for DNS")            \
	X(udp_queries, "datagrams that the fast path left to the kernel, dropped ones included")

/* One thread that answers over TCP, and over UDP what the fast path leaves to the kernel. */
struct vly_stream_counters {
	/* As an lcore counts; packets and bytes are messages and their octets, busy_tsc and what
	 * idles stay 0. */
	struct vly_lcore_counters answers;
#define X(name, help) uint64_t name;
	VLY_STREAM_COUNTERS(X)
#undef X
	uint64_t open; /* connections now: the only one that falls */
} __attribute__((aligned(64)));

struct vly_counters {
	uint64_t magic;
	uint32_t version;
	uint32_t total_bytes;
	uint32_t lcore_cnt;
	uint32_t port_cnt;
	uint32_t lcore_bytes; /* sizeof(struct vly_lcore_counters) */
	uint32_t port_bytes;  /* sizeof(struct vly_port_counters) */
	uint32_t stream_cnt;
	uint32_t stream_bytes; /* sizeof(struct vly_stream_counters) */
	uint32_t ring_cnt;
	uint32_t ring_bytes; /* sizeof(struct vly_sample_ring) */
	uint64_t start_unix_ns;
	uint64_t tsc_hz;
	uint64_t generation; /* of the live table */
	uint64_t zone_cnt;   /* in the live table */
	/* CLOCK_MONOTONIC before the ports' counters were last copied: packets that were counted
	 * until then are in them */
	uint64_t ports_read_ns;
} __attribute__((aligned(64)));

static inline struct vly_lcore_counters *
vly_counters_lcore(struct vly_counters *counters, uint32_t idx)
{
	return (struct vly_lcore_counters *)(counters + 1) + idx;
}

static inline struct vly_port_counters *
vly_counters_port(struct vly_counters *counters, uint32_t idx)
{
	return (struct vly_port_counters *)vly_counters_lcore(counters, counters->lcore_cnt) + idx;
}

static inline struct vly_stream_counters *
vly_counters_stream(struct vly_counters *counters, uint32_t idx)
{
	return (struct vly_stream_counters *)vly_counters_port(counters, counters->port_cnt) + idx;
}

static inline struct vly_sample_ring *
vly_counters_ring(struct vly_counters *counters, uint32_t idx)
{
	return (struct vly_sample_ring *)vly_counters_stream(counters, counters->stream_cnt) + idx;
}

#endif
