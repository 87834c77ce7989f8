/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The image compiler: zone files in, one sealed zone image out.
 *
 * Use:
 *   1. vly_image_builder_new();
 *   2. vly_image_builder_add_file() for each zone; a zone that fails leaves the builder as it was;
 *   3. vly_image_builder_seal() gives the memfd; or vly_image_builder_clear() forgets the zones, for
 *      step 2 again; or vly_image_builder_free() throws all away.
 *
 * One thread at a time per builder, any number of builders at once. No global state.
 */
#ifndef VLY_CONTROL_IMAGE_BUILDER_H
#define VLY_CONTROL_IMAGE_BUILDER_H

#include <stdint.h>

#include <volley/image.h>

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
 * The files that the zone added last includes, as vly_index_add_include() (image_index.h) writes
 * them, one line each; NULL when it includes none. The caller's to free.
 */
__attribute__((nonnull, warn_unused_result)) char *
vly_image_builder_take_includes(struct vly_image_builder *builder);

/* Forgets all zones, for the next one in an image of its own; its memory stays unless it is large.
 * Returns 0; or -1 with errno, and the builder can only be freed. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_clear(struct vly_image_builder *builder);

/* The current size of the image in octets. */
uint64_t vly_image_builder_bytes(const struct vly_image_builder *builder);

/* Finishes the image and frees the builder, also on failure. Returns 0 and fills *image, or -1 with
 * errno. Blocks: it computes the checksum of the whole image, and see vly_seal(). */
__attribute__((nonnull, warn_unused_result)) int
vly_image_builder_seal(struct vly_image_builder *builder, struct vly_built_image *image);

void vly_image_builder_free(struct vly_image_builder *builder);

#endif
