/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of a check, and its form in JSON (<volley/health.h>). Times are of CLOCK_REALTIME, in milliseconds
 * since 1970, as they outlive both programs. No state; any thread; no function blocks.
 */
#ifndef VLY_COMMON_HEALTH_STATE_H
#define VLY_COMMON_HEALTH_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include <volley/health.h>

struct vly_health_state {
	char id[VLY_HEALTH_ID_BYTES];
	enum vly_health_status status;
	uint64_t since_unix_ms;               /* when it became what it is; 0: never known */
	uint64_t last_unix_ms;                /* the end of the last run; 0: none */
	uint32_t latency_us;                  /* of that run */
	uint32_t flaps;                       /* flips to down that still count */
	bool passed;                          /* that run */
	char reason[VLY_HEALTH_REASON_BYTES]; /* what it said, in UTF-8 */
};

extern const char *const vly_health_status_names[VLY_HEALTH_STATE_CNT];

/* Returns an object, or NULL without memory. */
__attribute__((nonnull, warn_unused_result)) json_t *
vly_health_state_encode(const struct vly_health_state *state);

/* Reads an object (untrusted; or NULL), also one that is a check with its last state. Returns false when it is none. */
__attribute__((nonnull(2), warn_unused_result)) bool
vly_health_state_decode(const json_t *object, struct vly_health_state *state);

/* Sets the reason: what is not printable ASCII becomes '?', as it comes from outside. */
__attribute__((nonnull)) void vly_health_reason_set(char reason[VLY_HEALTH_REASON_BYTES],
						    const char *text);

#endif
