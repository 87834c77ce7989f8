/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of served zones: every configured zone, the image it is answered from, and the result of
 * its last load.
 *
 * A load becomes live as a whole or not at all:
 *   1. vly_served_zones_find() the zones to load, or vly_served_zones_successor() makes the list
 *      for a new configuration;
 *   2. vly_served_zones_stage() the result of each zone's load;
 *   3. vly_served_zones_images() lists the images that the dataplane should have;
 *   4. vly_served_zones_accept() when the dataplane has taken them, or vly_served_zones_refuse().
 * A zone that fails to load keeps the version it had, and with it the image.
 *
 * An image that several zones share stays as long as one of them needs it. A zone that was removed
 * from the configuration is in no new image. But as long as an old image stays for another zone
 * that failed to load, the removed zone is still answered from that image: it is a remnant, and
 * vly_served_zones_remnants() counts such zones.
 *
 * Threads: the loop's thread, which none of the functions blocks; each but _find() takes time in
 * proportion to the number of zones. While the image cache reads a list (vly_image_cache_store()),
 * nobody may change it.
 * Ownership: a list owns its configuration, whose strings the zones refer to.
 */
#ifndef VLY_CONTROL_SERVED_ZONES_H
#define VLY_CONTROL_SERVED_ZONES_H

#include <uthash.h>

#include "config/config.h"
#include "load_item.h"

struct vly_served_zone {
	const char *name;
	const char *file;
	struct vly_live_image *image;  /* a reference; NULL: never loaded */
	struct vly_live_image *staged; /* a reference, until accepted or refused */
	struct vly_zone_info info;     /* of `image` */
	struct vly_zone_info staged_info;
	uint64_t loaded_unix_ns;
	char *includes; /* owned; see struct vly_load_item; of `image` */
	char *staged_includes;
	bool cached; /* `image` is from the image cache */
	bool staged_cached;
	uint8_t signature_level; /* enum vly_signature_level that was logged (signature_watch.h) */
	struct vly_zone_error *error; /* owned; of the last load, or NULL */
	UT_hash_handle hh;
};

struct vly_served_zones {
	struct vly_config *config;
	struct vly_served_zone *zones; /* config->zone_cnt, in the configuration's order */
	struct vly_served_zone *by_name;
	uint32_t loaded_cnt; /* zones with an image */
	uint32_t cached_cnt; /* of those, the ones from the image cache */
	uint32_t failed_cnt; /* zones with an error, with or without an older version */
};

/* Makes the list of the zones of `config`, none of them loaded. Returns the list, which owns
 * `config` from then on; or NULL without memory, and `config` stays the caller's. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zones *
vly_served_zones_new(struct vly_config *config);

/* The same, but zones that are in `live`, too, keep the version and the error that they have
 * there. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zones *
vly_served_zones_successor(const struct vly_served_zones *live, struct vly_config *config);

/* Finds a zone by its name as vly_domain_canonical() spells it; NULL: it is not configured. */
__attribute__((nonnull)) struct vly_served_zone *
vly_served_zones_find(const struct vly_served_zones *served, const char *name);

/* Stages the result of a load: takes over the image, the includes and the error of `item`. */
__attribute__((nonnull)) void vly_served_zones_stage(struct vly_served_zones *served,
						     struct vly_served_zone *zone,
						     struct vly_load_item *item);

/* Lists all images that the zones need: of each zone the staged one, else the one that it has.
 * Returns the list, the caller's reference; or NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_image_list *
vly_served_zones_images(const struct vly_served_zones *served);

/* Logs and counts the remnants: zones of `live` that `next` does not have, but that an image of
 * `list` holds. */
__attribute__((nonnull)) uint32_t vly_served_zones_remnants(const struct vly_served_zones *live,
							    const struct vly_served_zones *next,
							    const struct vly_image_list *list);

/* Makes the staged versions the ones that zones have. */
__attribute__((nonnull)) void vly_served_zones_accept(struct vly_served_zones *served);

/* Drops the staged versions; `reason` becomes the error of their zones. */
__attribute__((nonnull)) void vly_served_zones_refuse(struct vly_served_zones *served,
						      const char *reason);

/* Copies the errors of `next`, which was refused, to the zones of `live` that have the same
 * names. */
__attribute__((nonnull)) void vly_served_zones_copy_errors(struct vly_served_zones *live,
							   const struct vly_served_zones *next);

void vly_served_zones_free(struct vly_served_zones *served);

#endif
