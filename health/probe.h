/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run of a check: a connection, a request, a query, a command.
 *
 * Use: vly_probe_start(); then either `done` is called once, from the loop and never from within vly_probe_start(),
 * or the caller ends it with vly_probe_cancel(), as after a timeout: no probe has a timeout of its own. The probe is
 * gone then.
 *
 * Ownership: the check must stay as it is until the probe is gone. Threads: the loop's. Nothing blocks.
 */
#ifndef VLY_HEALTH_PROBE_H
#define VLY_HEALTH_PROBE_H

#include <uv.h>

#include "common/health/health_check.h"
#include "common/health/health_state.h"

enum vly_probe_code {
	VLY_PROBE_PASSED,
	VLY_PROBE_FAILED,
	VLY_PROBE_UNABLE, /* we could not look: says nothing about the target */
};

struct vly_probe_result {
	enum vly_probe_code code;
	char reason[VLY_HEALTH_REASON_BYTES];
};

struct vly_probe;
struct vly_prober;

typedef void (*vly_probe_done)(void *arg, const struct vly_probe_result *result);

/* What all probes share. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_prober *vly_prober_new(uv_loop_t *loop);

/* To be called when no probe is under way. What has been cancelled may take until later. */
void vly_prober_free(struct vly_prober *prober);

/* Returns the probe; or NULL, and *result is there at once. */
__attribute__((nonnull, warn_unused_result)) struct vly_probe *
vly_probe_start(struct vly_prober *prober, const struct vly_health_check *check,
		vly_probe_done done, void *arg, struct vly_probe_result *result);

/* Ends the probe without a call of `done`. Returns what it waited for: "connecting" (static). */
__attribute__((nonnull)) const char *vly_probe_cancel(struct vly_probe *probe);

#endif
