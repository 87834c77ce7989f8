/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The served zones: every configured zone, the image that answers it, and what became of its last
 * load.
 *
 * A load is brought in by stages, so that it is wholly there or not at all:
 *   1. vly_served_zones_find() zones of the served zones, or vly_served_zones_successor() for a new
 *      configuration;
 *   2. vly_served_zones_stage() the result of each load;
 *   3. vly_served_zones_images() lists the images that the dataplane should have then;
 *   4. vly_served_zones_accept(), or vly_served_zones_refuse() when the dataplane would not take
 * them. A zone that failed keeps the version it had, and the image with it.
 *
 * An image shared by zones stays while one of them needs it. A zone that the configuration no
 * longer has is in no new image, but while an old one is kept for a zone that failed it would
 * still be answered from there: vly_served_zones_remnants() counts these.
 *
 * Threads: the loop's only. Ownership: the served zones owns its configuration, whose strings the
 * zones use.
 */
#ifndef VLY_CONTROL_SERVED_ZONES_H
#define VLY_CONTROL_SERVED_ZONES_H

#include <uthash.h>

#include "config/config.h"
#include "loader.h"

struct vly_served_zone {
	const char *name;
	const char *file;
	struct vly_live_image *image;  /* NULL: never loaded */
	struct vly_live_image *staged; /* a reference, until accepted or refused */
	struct vly_zone_info info;     /* of `image` */
	struct vly_zone_info staged_info;
	uint64_t loaded_unix_ns;
	char *includes; /* see struct vly_load_item; of `image` */
	char *staged_includes;
	bool cached; /* `image` is from the start-up cache */
	bool staged_cached;
	struct vly_zone_error *error; /* of the last load, or NULL */
	UT_hash_handle hh;
};

struct vly_served_zones {
	struct vly_config *config;
	struct vly_served_zone *zones; /* config->zone_cnt, in the configuration's order */
	struct vly_served_zone *by_name;
	uint32_t loaded_cnt; /* zones with an image */
	uint32_t cached_cnt; /* of those, the ones from the start-up cache */
	uint32_t failed_cnt; /* zones with an error, whether they have an older version or not */
};

/* The zones of `config` (taken over), none of them loaded. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zones *
vly_served_zones_new(struct vly_config *config);

/* The same, where zones keep what they have in `live`. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zones *
vly_served_zones_successor(const struct vly_served_zones *live, struct vly_config *config);

/* `name` as vly_domain_canonical() writes it. */
__attribute__((nonnull)) struct vly_served_zone *
vly_served_zones_find(const struct vly_served_zones *served, const char *name);

/* Takes over the item's image, includes and error. */
__attribute__((nonnull)) void vly_served_zones_stage(struct vly_served_zones *served,
						     struct vly_served_zone *zone,
						     struct vly_load_item *item);

/* All images that zones need, staged ones first asked. NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_image_list *
vly_served_zones_images(const struct vly_served_zones *served);

/* Zones of `live` that are not in `next` but in an image that the last vly_served_zones_images()
 * has listed; logs each. */
__attribute__((nonnull)) uint32_t vly_served_zones_remnants(const struct vly_served_zones *live,
							    const struct vly_served_zones *next);

__attribute__((nonnull)) void vly_served_zones_accept(struct vly_served_zones *served);
__attribute__((nonnull)) void vly_served_zones_refuse(struct vly_served_zones *served,
						      const char *reason);

/* Copies the errors of `next`, which was refused, to the zones of `live` that have the same
 * names. */
__attribute__((nonnull)) void vly_served_zones_copy_errors(struct vly_served_zones *live,
							   const struct vly_served_zones *next);

void vly_served_zones_free(struct vly_served_zones *served);

#endif
