/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The states of members: what health checks say, and what an operator wishes. The wish goes first.
 *
 * Use:
 *   1. vly_steer_states_new(), which reads the operator's wishes of the last run;
 *   2. vly_steer_states_configure() with each model: members of the same POOL/MEMBER keep their state;
 *   3. vly_steer_states_set() whenever a check changes its mind, vly_steer_states_wish() for an operator, and
 *      vly_steer_states_expire() when vly_steer_states_next_end() has come;
 *   4. vly_steer_states_flags() is what slots are made of; `changed` tells that it has changed.
 *
 * A member that no check has said anything about is up. Flips are logged with their reason, and counted.
 * Wishes are kept in a file, as JSON:
 *     {"version":1,"members":[{"name":"eu/fra1","wish":"down","since":1700000000,"until":1700003600}]}
 * Until 0, or left out: for good. A file that can't be read stays as it is, and nothing is kept until the next
 * start.
 *
 * Threads: one at a time. Setting a wish blocks for the disk: the file is small, and people wait for it.
 */
#ifndef VLY_CONTROL_STEER_STATES_H
#define VLY_CONTROL_STEER_STATES_H

#include "steer_model.h"
#include "steer_slots.h"

#define VLY_STEER_MEMBER_ID_BYTES (2 * VLY_STEER_NAME_BYTES)
#define VLY_STEER_REASON_BYTES    200

enum vly_steer_wish {
	VLY_STEER_WISH_NONE,
	VLY_STEER_WISH_UP,    /* whatever checks say */
	VLY_STEER_WISH_DOWN,  /* the same */
	VLY_STEER_WISH_DRAIN, /* nobody new is sent there, as long as others can answer */
	VLY_STEER_WISH_CNT,
};

extern const char *const vly_steer_wish_name[VLY_STEER_WISH_CNT];

struct vly_steer_member_state {
	char id[VLY_STEER_MEMBER_ID_BYTES]; /* POOL/MEMBER */
	bool is_known;                      /* a check has said something */
	bool is_healthy;
	char reason[VLY_STEER_REASON_BYTES]; /* of the check */
	int64_t since_s;                     /* when the check became what it says; 0: never */
	uint64_t flip_cnt;                   /* of checks and wishes: it came up or went down */
	enum vly_steer_wish wish;
	int64_t wish_since_s;
	int64_t wish_until_s; /* 0: for good */
	bool is_configured;
	UT_hash_handle hh;
};

struct vly_steer_states;

/* `path` is the file of wishes, copied. `changed` is called when flags have changed. Returns NULL without
 * memory. Blocks for the disk. */
__attribute__((nonnull(1, 2), warn_unused_result)) struct vly_steer_states *
vly_steer_states_new(const char *path, void (*changed)(void *arg), void *arg);
void vly_steer_states_free(struct vly_steer_states *states);

/* Returns 0, or -1 without memory, and all is as before. Does not call `changed`. */
__attribute__((nonnull, warn_unused_result)) int
vly_steer_states_configure(struct vly_steer_states *states, const struct vly_steer_model *model);

/* What a check says about the member `id` (POOL/MEMBER) since `now_s`. Returns false if there is no such
 * member: it may just have left the configuration. */
__attribute__((nonnull)) bool vly_steer_states_set(struct vly_steer_states *states, const char *id,
						   bool is_healthy, const char *reason,
						   int64_t now_s);

/* Nothing checks the member any more: it is as if no check had ever said anything. */
__attribute__((nonnull)) void vly_steer_states_forget(struct vly_steer_states *states,
						      const char *id);

/*
 * What an operator wishes for a member, or for all members of a pool: `name` is POOL or POOL/MEMBER. until_s 0:
 * for good. Returns the number of members; 0: there is none. `trouble` is "", or says why the wish is not kept
 * over a restart.
 */
__attribute__((nonnull)) unsigned vly_steer_states_wish(struct vly_steer_states *states,
							const char *name, enum vly_steer_wish wish,
							int64_t now_s, int64_t until_s,
							char trouble[VLY_STEER_REASON_BYTES]);

/* When the next wish ends; 0: none does. */
__attribute__((nonnull)) int64_t vly_steer_states_next_end(const struct vly_steer_states *states);

/* Ends the wishes whose time has come. */
__attribute__((nonnull)) void vly_steer_states_expire(struct vly_steer_states *states,
						      int64_t now_s);

/* enum vly_steer_member_flag for all members, in the order of the model. */
__attribute__((nonnull)) const uint8_t *
vly_steer_states_flags(const struct vly_steer_states *states);

/* The state of a member, by its place in the model. */
__attribute__((nonnull)) const struct vly_steer_member_state *
vly_steer_states_at(const struct vly_steer_states *states, unsigned idx);

/* Flips since the start. */
__attribute__((nonnull)) uint64_t vly_steer_states_flip_cnt(const struct vly_steer_states *states);

/* Why wishes are not kept, or "". */
__attribute__((nonnull)) const char *
vly_steer_states_trouble(const struct vly_steer_states *states);

#endif
