/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The image compiler: zone files in, one sealed zone image out.
 *
 * Use:
 *   1. vly_image_builder_new();
 *   2. vly_image_builder_add_file(), or another of the functions that add a zone, for each zone; one
 *      that fails leaves the builder as it was;
 *   3. vly_image_builder_seal() gives the memfd; or vly_image_builder_clear() forgets the zones, for
 *      step 2 again; or vly_image_builder_free() throws all away.
 *
 * One thread at a time per builder, any number of builders at once. No global state.
 */
#ifndef VLY_CONTROL_IMAGE_BUILDER_H
#define VLY_CONTROL_IMAGE_BUILDER_H

#include <stdint.h>

#include <volley/image.h>

#include "merge.h"
#include "overlay.h"
#include "steer/steer_model.h"
#include "zone/dnssec_check.h"
#include "zone/zone_info.h"
#include "zone/zone_report.h"

struct vly_image_builder;

struct vly_built_image {
	int fd; /* sealed memfd, the caller's to close */
	uint64_t bytes;
	uint32_t zone_cnt;
};

/* Returns a builder, the caller's, or NULL with errno set. All images of one table share one
 * key. */
__attribute__((nonnull, warn_unused_result)) struct vly_image_builder *
vly_image_builder_new(const struct vly_hash_key *key);

/* Zones added after this answer ANY with all RRsets of a name instead of one of them (RFC 8482
 * §4.1). */
__attribute__((nonnull)) void vly_image_builder_answer_any_all(struct vly_image_builder *builder);

/* Zones added after this have no optional records in their answers: only the glue that referrals
 * must have (RFC 9471), and no addresses of hosts that records name. */
__attribute__((nonnull)) void
vly_image_builder_answer_additional_none(struct vly_image_builder *builder);

/* Names of zones added after this are steered as the model says. Takes a reference. */
__attribute__((nonnull(1))) void vly_image_builder_steer(struct vly_image_builder *builder,
							 struct vly_steer_model *model);

/* Zones added after this are checked as signed zones, too (zone/dnssec_check.h). `settings` is
 * copied. */
__attribute__((nonnull)) void
vly_image_builder_check_signed(struct vly_image_builder *builder,
			       const struct vly_dnssec_settings *settings);

/*
 * Reads zone `name` (presentation form, such as "example." or ".") from the zone file `path`
 * (untrusted) and compiles it into the image. `progress` may be NULL. Findings go to the report.
 * Returns 0 and fills *info; or -1 with at least one error in the report. Blocks for the disk.
 */
__attribute__((nonnull(1, 2, 3, 5, 6), warn_unused_result)) int
vly_image_builder_add_file(struct vly_image_builder *builder, const char *name, const char *path,
			   struct vly_load_progress *progress, struct vly_zone_report *report,
			   struct vly_zone_info *info);

/*
 * Compiles a zone that was not read from a file (vly_zone_init(), vly_zone_add_record(),
 * vly_zone_mark_hidden()) as the complete form of `version`; checks it first. `zone` stays the
 * caller's, and is of no other use afterwards. Returns 0 and fills *info, whose stamp is zero; or -1
 * with at least one error in the report.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_add_zone(struct vly_image_builder *builder, struct vly_zone *zone,
			   uint64_t version, struct vly_zone_report *report,
			   struct vly_zone_info *info);

/* The same, of a zone that vly_zone_check() has found good. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_add_checked(struct vly_image_builder *builder, struct vly_zone *zone,
			      uint64_t version, struct vly_zone_report *report,
			      struct vly_zone_info *info);

/* Compiles an overlay into the image (overlay.h). A result other than VLY_OVERLAY_DONE leaves the
 * builder as it was. */
__attribute__((nonnull, warn_unused_result)) enum vly_overlay_result vly_image_builder_add_overlay(
	struct vly_image_builder *builder, const struct vly_overlay_source *source,
	const struct vly_overlay_change *change, struct vly_zone_report *report,
	struct vly_zone_info *info, const char **why);

/* Adds zone `apex` (presentation form) without data: the dataplane answers SERVFAIL for its names
 * (volley/image.h). Its version is 0, so that the newest image decides between this form and another
 * one. Returns 0; or -1 with errno (EINVAL: no valid name), and the builder is as it was. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_add_unready(struct vly_image_builder *builder, const char *apex,
			      enum vly_image_unready why);

/* Copies a zone into the image (merge.h). Returns 0; or -1 with errno, and the builder is as it
 * was. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_add_layers(struct vly_image_builder *builder, const struct vly_merge_layer *layer,
			     unsigned layer_cnt);

/*
 * The files that the zone added last includes, as vly_index_add_include() (image_index.h) writes
 * them, one line each; NULL when it includes none. The caller's to free.
 */
__attribute__((nonnull, warn_unused_result)) char *
vly_image_builder_take_includes(struct vly_image_builder *builder);

/* Forgets all zones, for the next one in an image of its own; its memory stays unless it is large.
 * Returns 0; or -1 with errno, and the builder can only be freed. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_clear(struct vly_image_builder *builder);

/* The nodes of the zone added last. */
__attribute__((nonnull)) uint32_t
vly_image_builder_node_cnt(const struct vly_image_builder *builder);

/* The zones that are in the image so far. */
__attribute__((nonnull)) uint32_t
vly_image_builder_zone_cnt(const struct vly_image_builder *builder);

/* The current size of the image in octets. */
uint64_t vly_image_builder_bytes(const struct vly_image_builder *builder);

/* Finishes the image and frees the builder, also on failure. Returns 0 and fills *image, or -1 with
 * errno. Blocks: it computes the checksum of the whole image, and see vly_seal(). */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_seal(struct vly_image_builder *builder, struct vly_built_image *image);

void vly_image_builder_free(struct vly_image_builder *builder);

#endif
