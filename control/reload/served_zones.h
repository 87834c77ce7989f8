/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of served zones: every configured zone, the image it is answered from, and the result of
 * its last load.
 *
 * A load becomes live as a whole or not at all:
 *   1. vly_served_zones_find() the zones to load, or vly_served_zones_add() new ones; or
 *      vly_served_zones_successor() makes the list for a new configuration;
 *   2. vly_served_zones_stage() the result of each zone's load, vly_served_zones_stage_removal() of
 *      zones that are to go. A zone that is not staged stays as it is;
 *   3. vly_served_zones_images() lists the images that the dataplane should have;
 *   4. vly_served_zones_accept() when the dataplane has taken them, or vly_served_zones_refuse().
 * A zone that fails to load keeps the version it had, and with it the image.
 *
 * An image that several zones share stays as long as one of them needs it (image_uses.h). A zone
 * that was removed is in no new image. But as long as an old image stays for another zone
 * that failed to load, the removed zone is still answered from that image: it is a remnant, and
 * vly_served_zones_remnants() counts such zones.
 *
 * Threads: the loop's thread, which none of the functions blocks. Those for one zone take the same
 * time however many there are; _images() takes time in proportion to the number of images, _accept()
 * and _refuse() to that of staged zones, all others to that of zones. While the image cache reads a
 * list (vly_image_cache_store()), nobody may change it.
 * Ownership: a list owns its configuration, whose strings the zones refer to.
 */
#ifndef VLY_CONTROL_SERVED_ZONES_H
#define VLY_CONTROL_SERVED_ZONES_H

#include <uthash.h>

#include "config/config.h"
#include "image_uses.h"
#include "load_item.h"

struct vly_served_zone {
	const char *name;
	const char *file;             /* "": it comes from primaries */
	struct vly_live_image *image; /* a reference; NULL: never loaded */
	struct vly_load_item *staged; /* not owned; until accepted or refused */
	struct vly_served_zone *next_staged;
	struct vly_zone_info info; /* of `image` */
	uint64_t loaded_unix_ns;
	char *includes;               /* owned; see struct vly_load_item; of `image` */
	struct vly_zone_error *error; /* owned; of the last load, or NULL */
	struct vly_served_zone *failed_prev, *failed_next; /* among zones with an error */
	struct vly_served_zone *signed_prev, *signed_next; /* among signed zones */
	uint32_t place;                                    /* its index in zones[] */
	bool cached;                                       /* `image` is from the image cache */
	uint8_t signature_level; /* enum vly_signature_level that was logged (signature_watch.h) */
	bool is_added;     /* by vly_served_zones_add(): it and its strings are of one allocation */
	bool is_leaving;   /* its removal is staged */
	bool has_own_file; /* `file` is of an allocation of its own */
	uint16_t directory; /* its file is in config->directories[directory - 1]; 0: it is listed */
	uint32_t scan_mark; /* reload_scan.c: the last scan that met it */
	bool is_living;     /* it is configured as a living zone (living/living.h) */
	bool is_member;     /* it is a member of a catalog (member_zones.h) */
	bool is_adopted; /* the manager of living zones lists its images; `image` is one of them */
	uint8_t policy;  /* of a living zone: enum vly_config_serial */
	UT_hash_handle hh;
};

struct vly_served_zones {
	struct vly_config *config;     /* without the section `steer` */
	struct vly_steer_model *steer; /* a reference: that section */
	/* [place_cnt], in the configuration's order, then as they were added; NULL: removed */
	struct vly_served_zone **zones;
	uint32_t place_cnt;
	uint32_t place_room;
	struct vly_served_zone *block; /* the zones that were there from the beginning */
	struct vly_served_zone *by_name;
	struct vly_served_zone *staged;     /* a list by next_staged */
	struct vly_served_zone *failed;     /* a list by failed_next */
	struct vly_served_zone *signed_any; /* a list by signed_next */
	/* of images: of each zone the staged one, else `image`, unless it is adopted */
	struct vly_image_uses uses;
	uint64_t settings;       /* vly_cache_settings_hash() of the last full load; 0: none */
	uint32_t zone_cnt;       /* zones in the list */
	uint32_t loaded_cnt;     /* zones with an image */
	uint32_t staged_new_cnt; /* zones without an image, but with a staged one */
	uint32_t cached_cnt;     /* of the loaded ones, those from the image cache */
	uint32_t failed_cnt;     /* zones with an error, with or without an older version */
	uint32_t signed_cnt;
	uint32_t taken_cnt; /* zones that the list before had, too (vly_served_zones_successor()) */
};

/* Makes the list of the zones of `config`, none of them loaded. Returns the list, which owns
 * `config` from then on; or NULL without memory, and `config` stays the caller's. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zones *
vly_served_zones_new(struct vly_config *config);

/* The same, but zones that are in `live`, too, keep the version and the error that they have
 * there. The stamp of one that has another file now is invalid. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zones *
vly_served_zones_successor(const struct vly_served_zones *live, struct vly_config *config);

/* Finds a zone by its name as vly_domain_canonical() spells it; NULL: it is not in the list. */
__attribute__((nonnull)) struct vly_served_zone *
vly_served_zones_find(const struct vly_served_zones *served, const char *name);

/* Adds a zone that is not in the list, not loaded yet; name and file are copied. Returns it; or NULL
 * without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_served_zone *
vly_served_zones_add(struct vly_served_zones *served, const char *name, const char *file);

/* Gives a zone of `next` that `live` has, too, the version and the error that it has there; as
 * vly_served_zones_successor() does. */
__attribute__((nonnull)) void vly_served_zones_take(struct vly_served_zones *next,
						    struct vly_served_zone *zone,
						    const struct vly_served_zones *live);

/* The zone has another file now (copied). Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int vly_served_zones_move(struct vly_served_zone *zone,
								       const char *file);

/* The zone at or behind a place in zones[], with its place in *place; NULL: there is none. */
__attribute__((nonnull)) struct vly_served_zone *
vly_served_zones_next(const struct vly_served_zones *served, uint32_t *place);

/* Stages the result of a load: takes over the error of `item`; the rest stays the item's, which must
 * stay in place until _accept() or _refuse(). */
__attribute__((nonnull)) void vly_served_zones_stage(struct vly_served_zones *served,
						     struct vly_served_zone *zone,
						     struct vly_load_item *item);

/* Stages the removal of a zone, which is freed by _accept(). Nothing else of it may be staged. */
__attribute__((nonnull)) void vly_served_zones_stage_removal(struct vly_served_zones *served,
							     struct vly_served_zone *zone);

/* Lists all images that the zones need: of each zone the staged one, else the one that it has.
 * Returns the list, the caller's reference; or NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_image_list *
vly_served_zones_images(const struct vly_served_zones *served);

/* Whether all zones have a version, staged ones counted; members of catalogs apart. */
__attribute__((nonnull)) bool vly_served_zones_are_complete(const struct vly_served_zones *served);

/* Logs and counts the remnants: zones of `live` that `next` does not have, but that an image which
 * `next` needs holds. */
__attribute__((nonnull)) uint32_t vly_served_zones_remnants(const struct vly_served_zones *live,
							    const struct vly_served_zones *next);

/* Logs and counts the zones whose removal is staged, but that an image holds which other zones need. */
__attribute__((nonnull)) uint32_t vly_served_zones_staying(const struct vly_served_zones *served);

/* Makes the staged versions the ones that zones have: takes over the images and the includes of the
 * items. */
__attribute__((nonnull)) void vly_served_zones_accept(struct vly_served_zones *served);

/* Sets when the signatures of a zone expire (struct vly_zone_info). */
__attribute__((nonnull)) void vly_served_zones_set_signatures(struct vly_served_zones *served,
							      struct vly_served_zone *zone,
							      uint64_t expiry_s, uint64_t margin_s);

/* Sets the error of a zone, or none if `text` is NULL. */
__attribute__((nonnull(1, 2))) void vly_served_zones_set_error(struct vly_served_zones *served,
							       struct vly_served_zone *zone,
							       const char *text);

/* The manager of living zones lists the images of this zone, which has a version, from now on. */
__attribute__((nonnull)) void vly_served_zones_hand_over(struct vly_served_zones *served,
							 struct vly_served_zone *zone);

/* Drops the staged versions; `reason` becomes the error of their zones. */
__attribute__((nonnull)) void vly_served_zones_refuse(struct vly_served_zones *served,
						      const char *reason);

/* Copies the errors of `next`, which was refused, to the zones of `live` that have the same
 * names. */
__attribute__((nonnull)) void vly_served_zones_copy_errors(struct vly_served_zones *live,
							   const struct vly_served_zones *next);

void vly_served_zones_free(struct vly_served_zones *served);

#endif
