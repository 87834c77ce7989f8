/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Catalogs that we produce: living zones whose records follow the configuration. What has changed becomes one
 * change of the zone, which goes out by IXFR as any other.
 *
 * Use: vly_producers_new(); vly_producers_configure() with each configuration that is in force;
 * vly_producers_problems(); vly_producers_free(), when vly_producers_is_busy() says no. Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_PRODUCERS_H
#define VLY_CONTROL_PRODUCERS_H

#include <uv.h>

#include "config/config.h"
#include "living/living.h"

struct vly_producers;

/* Returns NULL without memory. `living` must outlive the producers; *key is copied. */
__attribute__((nonnull, warn_unused_result)) struct vly_producers *
vly_producers_new(uv_loop_t *loop, const struct vly_hash_key *key, struct vly_living *living);

/* The configuration is of no use behind the call. */
__attribute__((nonnull)) void vly_producers_configure(struct vly_producers *producers,
						      const struct vly_config *config);

/* Calls fn for each catalog that does not list what it should, with the reason. */
__attribute__((nonnull(1, 2))) void
vly_producers_problems(const struct vly_producers *producers,
		       void (*fn)(void *arg, const char *catalog, const char *problem), void *arg);

/* Whether a thread works for them. */
__attribute__((nonnull, warn_unused_result)) bool
vly_producers_is_busy(const struct vly_producers *producers);

/* Not while they, or the manager of living zones, are busy. */
void vly_producers_free(struct vly_producers *producers);

#endif
