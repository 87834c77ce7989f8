/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which health checks speak for which members of pools, and what they say together.
 *
 * Use: vly_steer_checks_new() with a model; then only reading; vly_steer_checks_free().
 *
 * Ownership: it holds a reference to the model, and what is reached from it is the model's. Immutable: any thread.
 */
#ifndef VLY_CONTROL_STEER_CHECKS_H
#define VLY_CONTROL_STEER_CHECKS_H

#include "common/health/health_state.h"
#include "steer_model.h"
#include "steer_states.h"

/* A check of a member. */
struct vly_steer_checked {
	const struct vly_config_steer_check *check;
	const struct vly_config_steer_pool *pool;
	const struct vly_config_steer_member *member;
};

struct vly_steer_checks {
	struct vly_steer_model *model;
	struct vly_steer_checked *item; /* [cnt], by the check's id */
	unsigned cnt;
};

/* What checks say about a member. */
struct vly_steer_verdict {
	bool is_known; /* false: none of them has said anything yet */
	bool is_healthy;
	const struct vly_health_state *by; /* the check that decides it; NULL: not known */
};

/* Takes a reference. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_steer_checks *
vly_steer_checks_new(struct vly_steer_model *model);
void vly_steer_checks_free(struct vly_steer_checks *checks);

/* The first item of a check, by its id; the others follow. Returns cnt if there is none. */
__attribute__((nonnull)) unsigned vly_steer_checks_find(const struct vly_steer_checks *checks,
							const char *id);

/* POOL/MEMBER; with a check for each family, the family's name follows: POOL/MEMBER/AAAA. Returns `out`. */
#define VLY_STEER_CHECK_NAME_BYTES (VLY_STEER_MEMBER_ID_BYTES + 6)
__attribute__((nonnull)) const char *vly_steer_check_name(const struct vly_steer_checked *item,
							  char out[VLY_STEER_CHECK_NAME_BYTES]);

/*
 * A member is down when one of its checks is, and up when one is up and none is down: a check that has not run yet
 * does not count. `find` gives the state of a check by its id, or NULL.
 */
__attribute__((nonnull(1, 2))) struct vly_steer_verdict
vly_steer_checks_judge(const struct vly_config_steer_member *member,
		       const struct vly_health_state *(*find)(void *arg, const char *id),
		       void *arg);

#endif
