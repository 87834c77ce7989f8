/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interface between the XDP program and volley-dataplane: names and contents of the maps.
 *
 * The program passes every frame to the kernel until volley-dataplane has written the
 * configuration, and again when that is cleared or the sockets are gone: so a dead dataplane cuts
 * off nobody.
 *
 * Rules and the blocks of CPUs are inner maps: rules, so that a change is one swap; blocks, so that
 * there are as many as the machine has CPUs. Without rules, the program drops only the frames that
 * vly_policy_classify() drops. Without a block for its CPU, it counts and limits nothing.
 *
 * Trust: only the dataplane, with CAP_BPF, can write the maps. Neither side checks them further.
 */
#ifndef VLY_XDP_H
#define VLY_XDP_H

#include <stdint.h>

#include <volley/address.h>
#include <volley/policy.h>
#include <volley/sample.h>

/* Names of at most 15 octets (BPF_OBJ_NAME_LEN). */
#define VLY_XDP_PROGRAM "volley_xdp"
#define VLY_XDP_CONFIG  "vly_config" /* array: struct vly_xdp_config */
#define VLY_XDP_RULES   "vly_rules"  /* array of one array: struct vly_policy_rules */
#define VLY_XDP_CPUS    "vly_cpus"   /* array of arrays, by CPU number: struct vly_xdp_cpu */

/* The most CPUs of Linux on x86-64; each costs 8 octets. */
#define VLY_XDP_CPUS_MAX 8192

/* The most queues that DPDK supports on a port (RTE_MAX_QUEUES_PER_PORT). */
#define VLY_XDP_QUEUES_MAX 1024

enum vly_xdp_mode {
	VLY_XDP_PASS = 0, /* not configured: pass every frame to the kernel */
	VLY_XDP_SERVE,
};

struct vly_xdp_config {
	uint32_t mode;       /* enum vly_xdp_mode */
	uint32_t tick_units; /* a jiffy, the program's clock tick, in units of rate.h */
	uint64_t mac;        /* vly_policy_mac() of the interface's address */
	struct vly_addresses addresses;
};

/* A dropped frame. */
struct vly_xdp_sample {
	uint64_t weight; /* packets of this cause since its last sample, this one included */
	uint16_t cause;  /* enum vly_verdict */
	uint16_t frame_len;
	uint16_t kept_len;
	uint16_t pad;
	uint8_t frame[VLY_SAMPLE_FRAME_BYTES];
};

/* Samples that a CPU keeps between two reads: more than its credit for all verdicts
 * (dataplane/port/ xdp_cpus.c); a power of two. */
#define VLY_XDP_SAMPLES_MAX 128

/*
 * The block of one CPU, in memory that the dataplane maps. The program writes it, except for two
 * fields that the dataplane writes, too: credit[], the samples of a verdict that the program may
 * still take, which the dataplane refills after it has read the samples, so that their cost is
 * bounded under any load and none is overwritten unread; and no_lcore[].
 */
struct vly_xdp_cpu {
	uint64_t verdict[VLY_VERDICT_CNT];
	uint64_t sampled[VLY_VERDICT_CNT]; /* verdict[] at its last sample */
	uint32_t credit[VLY_VERDICT_CNT];
	uint32_t pad;
	/* 1: a query arrived on the queue, which has no socket; the dataplane resets it to 0 */
	uint8_t no_lcore[VLY_XDP_QUEUES_MAX];
	uint64_t sample_cnt; /* so far; the next is sample[sample_cnt % VLY_XDP_SAMPLES_MAX] */
	struct vly_xdp_sample sample[VLY_XDP_SAMPLES_MAX];
	struct vly_policy_state state;
};

#endif
