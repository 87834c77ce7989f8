/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the XDP program and volley-dataplane must agree on: names, and the contents of the maps.
 *
 * The program passes every frame to the kernel until volley-dataplane has written its
 * configuration, and again once that is cleared or the sockets are gone: a dead dataplane cuts
 * nobody off.
 *
 * Rules, and what each CPU counts, are inner maps: rules, so that a change is one swap; CPUs, so
 * that there are as many as the machine has. Without rules the program drops only what
 * vly_policy_classify() drops; without a block for its CPU it counts and limits nothing.
 */
#ifndef VLY_XDP_H
#define VLY_XDP_H

#include <stdint.h>

#include <volley/address.h>
#include <volley/policy.h>
#include <volley/sample.h>

/* The kernel keeps 15 octets of a name. */
#define VLY_XDP_PROGRAM "volley_xdp"
#define VLY_XDP_CONFIG  "vly_config" /* array: struct vly_xdp_config */
#define VLY_XDP_RULES   "vly_rules"  /* array of one array: struct vly_policy_rules */
#define VLY_XDP_CPUS    "vly_cpus"   /* array of arrays, by CPU number: struct vly_xdp_cpu */

/* What Linux can have on x86-64; 8 octets each. */
#define VLY_XDP_CPUS_MAX 8192

/* As many queues as DPDK can have on a port. */
#define VLY_XDP_QUEUES_MAX 1024

enum vly_xdp_mode {
	VLY_XDP_PASS = 0, /* not configured: leave everything to the kernel */
	VLY_XDP_SERVE,
};

struct vly_xdp_config {
	uint32_t mode;       /* enum vly_xdp_mode */
	uint32_t tick_units; /* a jiffy in units of rate.h: the program's clock */
	uint64_t mac;        /* the interface's, by vly_policy_mac() */
	struct vly_addresses addresses;
};

/* A dropped frame, as the program saw it. */
struct vly_xdp_sample {
	uint64_t weight; /* packets of this cause since its last sample, this one included */
	uint16_t cause;  /* enum vly_verdict */
	uint16_t frame_len;
	uint16_t kept_len;
	uint16_t pad;
	uint8_t frame[VLY_SAMPLE_FRAME_BYTES];
};

/* Drops that a CPU keeps between two reads. */
#define VLY_XDP_SAMPLES_MAX 128

/*
 * What one CPU counts, in memory that the dataplane maps. The program writes it, but for credit[]:
 * so many samples of a verdict it may still take. The dataplane refills it after it has read what
 * there is, so that samples cost the same whatever comes, and none is overwritten unread.
 */
struct vly_xdp_cpu {
	uint64_t verdict[VLY_VERDICT_CNT];
	uint64_t sampled[VLY_VERDICT_CNT]; /* verdict[] at its last sample */
	uint32_t credit[VLY_VERDICT_CNT];
	uint32_t pad;
	/* 1: a query came in on that queue, which has no socket; the dataplane sets it back to 0 */
	uint8_t no_lcore[VLY_XDP_QUEUES_MAX];
	uint64_t sample_cnt; /* so far: the next goes to sample[sample_cnt % VLY_XDP_SAMPLES_MAX] */
	struct vly_xdp_sample sample[VLY_XDP_SAMPLES_MAX];
	struct vly_policy_state state;
};

#endif
