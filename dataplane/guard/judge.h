/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vly_policy_admit() (volley/policy.h) for a burst of packets, with the same verdicts but faster:
 * memory is prefetched, and the cells of a source are computed together. For ports without an XDP
 * program.
 *
 * One thread per state. `rules` are those of the live defence, inside the burst's read side.
 * Nothing blocks.
 */
#ifndef VLY_DATAPLANE_JUDGE_H
#define VLY_DATAPLANE_JUDGE_H

#include <volley/policy.h>

/* A burst of an lcore. */
#define VLY_JUDGE_MAX 64

/* Judges packet[0..cnt - 1], which vly_policy_classify() would serve, in their order; cnt is at
 * most VLY_JUDGE_MAX. `now` is in rate.h's units. Writes the verdict on each; returns whether all
 * are served. */
bool vly_judge(const struct vly_policy_rules *rules, struct vly_policy_state *state, uint32_t now,
	       const struct vly_packet *packet, unsigned cnt, uint8_t *verdict);

/* Returns a zeroed state, on large pages if the kernel has any; or NULL: no memory. free() it. */
__attribute__((warn_unused_result)) struct vly_policy_state *vly_judge_state_create(void);

#endif
