/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counters in shared memory. volley-dataplane writes them; volley-control gets the memfd with HELLO
 * (publish.h) and reads them.
 *
 * One block, of
 *     struct vly_counters
 *     struct vly_lcore_counters[lcore_cnt]
 *     struct vly_port_counters[port_cnt]
 *     struct vly_stream_counters[stream_cnt]
 *     struct vly_sample_ring[ring_cnt]       each lcore's, the main thread's (drops of the XDP
 *                                            programs), each stream thread's
 *
 * Threads: each lcore and each stream thread writes only its own lines; the main thread writes the
 * rest. Stores are plain and of 64 bits, so a reader sees every value whole, but values of one
 * thread may be up to a burst apart. Counters do not go back during one life of the dataplane;
 * start_unix_ns differs in the next.
 *
 * Trust: the reader maps the memfd read-only (it is sealed against resizing) and checks magic,
 * version and sizes before it calls the functions below.
 */
#ifndef VLY_COUNTERS_H
#define VLY_COUNTERS_H

#include <stdint.h>

#include <volley/policy.h>
#include <volley/sample.h>

#define VLY_COUNTERS_MAGIC   UINT64_C(0x544e554f43594c56) /* "VLYCOUNT" */
#define VLY_COUNTERS_VERSION 8

/* name, help: for `volleyctl stats` and for metrics. */
#define VLY_LCORE_COUNTERS(X)                                                                      \
	X(rx_packets, "packets received from the port")                                            \
	X(rx_bytes, "octets received, Ethernet header included")                                   \
	X(rx_waited, "packets that waited while the lcore answered earlier ones")                  \
	X(tx_packets, "packets given to the port")                                                 \
	X(tx_bytes, "octets given to the port")                                                    \
	X(tx_full, "responses dropped because the transmit ring was full")                         \
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
	X(dropped_message, "messages dropped because they are too short or are responses")         \
	X(limited_answer, "answers over the limit of the client's prefix")                         \
	X(limited_referral, "referrals over the limit of the client's prefix")                     \
	X(limited_nxdomain, "NXDOMAIN responses over the limit of the client's prefix")            \
	X(limited_error, "error responses over the limit of the client's prefix")                  \
	X(slipped, "limited responses sent empty with TC=1")                                       \
	X(badcookie, "limited responses sent as BADCOOKIE")                                        \
	X(cookies_valid, "queries with a valid server cookie")                                     \
	X(cookies_new, "queries with only a client cookie")                                        \
	X(cookies_invalid, "queries with a foreign or expired server cookie")                      \
	X(steered, "answers that a steering policy chose")                                         \
	X(ecs_queries, "queries with a client subnet that was taken into account")                 \
	X(steer_unknown, "steered answers without their policy: the first alternative was given")  \
	X(steer_bad_slot, "steering slots with an unknown alternative: the first was given")       \
	X(source_dry_run, "packets that the source rate would have dropped")                       \
	X(bursts, "bursts of at least one packet")                                                 \
	X(polls_empty, "polls that found nothing")                                                 \
	X(busy_tsc, "cycles spent on bursts")                                                      \
	X(sleeps, "sleeps of an idle lcore")

struct vly_lcore_counters {
#define X(name, help) uint64_t name;
	VLY_LCORE_COUNTERS(X)
#undef X
	/* frames by the verdict of the policy in user space: on ports without the XDP program, and
	 * in stream threads */
	uint64_t verdict[VLY_VERDICT_CNT];
	uint32_t lcore_id;
	uint32_t port_idx;
	uint32_t queue_idx;
	uint32_t cpu;
} __attribute__((aligned(64)));

/* Troubles of a port: id, and the words that follow the interface's name in `volleyctl status` and
 * the log. The later, the worse; a port has the worst that applies. */
#define VLY_PORT_TROUBLES(X)                                                                       \
	X(none, "works again")                                                                     \
	X(mtu, "has another MTU than at the start: larger packets are lost until "                 \
	       "volley-dataplane is restarted")                                                    \
	X(no_carrier, "has no carrier: no packets are received or sent")                           \
	X(down, "is down: no packets are received or sent")                                        \
	X(detached, "has lost our XDP program: its packets go to the kernel until "                \
		    "volley-dataplane is restarted")                                               \
	X(gone, "is gone: restart volley-dataplane when it is back")

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
	/* queues without an lcore on which queries arrived within the last minute or so */
	uint64_t unserved_queue_cnt;
	uint64_t trouble; /* enum vly_port_trouble, as of the last 100 ms */
	char kernel[16];  /* the port's interface to the kernel; empty: none */
	uint64_t to_kernel;
	uint64_t from_kernel;
	uint64_t kernel_lost; /* packets that this interface or the port did not take */
} __attribute__((aligned(64)));

/* name, help */
#define VLY_STREAM_COUNTERS(X)                                                                     \
	X(accepted, "connections accepted")                                                        \
	X(refused_prefix, "connections refused because the client's prefix has too many")          \
	X(refused_denied, "connections refused because the client's prefix is denied")             \
	X(closed_denied, "connections closed because the client's prefix became denied")           \
	X(closed_client, "connections closed by the client")                                       \
	X(closed_idle, "connections closed because they were idle")                                \
	X(closed_limit, "connections closed to make room for new ones")                            \
	X(closed_memory, "connections closed because all buffers were in use")                     \
	X(closed_slow_query, "connections closed because a query did not arrive in time")          \
	X(closed_slow_reader, "connections closed because responses were not read in time")        \
	X(closed_malformed, "connections closed because of a length too short for DNS")            \
	X(handed_over, "connections handed to volley-control, for zone transfers and for TLS")     \
	X(refused_tls, "connections to the port of TLS that volley-control did not take")          \
	X(udp_queries, "datagrams that came by the kernel, dropped ones included")

/* One stream thread: TCP, and the UDP that the fast path leaves to the kernel. */
struct vly_stream_counters {
	/* Packets and bytes are messages and their octets; busy_tsc, polls_empty and sleeps stay
	 * 0. */
	struct vly_lcore_counters answers;
#define X(name, help) uint64_t name;
	VLY_STREAM_COUNTERS(X)
#undef X
	uint64_t open; /* open connections: the only value that goes down */
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
	/* CLOCK_MONOTONIC before the ports' counters were last copied: they include all packets
	 * counted until then */
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
