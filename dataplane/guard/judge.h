/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vly_policy_admit() (volley/policy.h) for a burst of packets at once, with the same verdicts: its
 * loads are asked for in time, and the cells of a source are reckoned with together. For ports
 * without an XDP program.
 */
#ifndef VLY_DATAPLANE_JUDGE_H
#define VLY_DATAPLANE_JUDGE_H

#include <volley/policy.h>

#define VLY_JUDGE_MAX 64

/* Judges packet[0..cnt - 1], which vly_policy_classify() would serve, in their order; cnt is at
 * most VLY_JUDGE_MAX. Writes each one's verdict; returns whether all are served. */
bool vly_judge(const struct vly_policy_rules *rules, struct vly_policy_state *state, uint32_t now,
	       const struct vly_packet *packet, unsigned cnt, uint8_t *verdict);

/* A state of zeros, on large pages where there are any; NULL: no memory. free() it. */
__attribute__((warn_unused_result)) struct vly_policy_state *vly_judge_state_create(void);

#endif
