/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The index of the start-up cache: which zones are in which image file, and what files they were
 * made of. A text file `index` beside the images, one line each, ending in the checksum of all
 * lines before:
 *
 *     volley-images 3 SETTINGS
 *     image CHECKSUM BYTES ZONES SUPERSEDED
 *     zone IMAGE SERIAL RECORDS NODES WARNINGS EXPIRY MARGIN BYTES MTIME CTIME INODE INCLUDES NAME
 *          FILE
 *     include BYTES MTIME CTIME INODE FILE
 *     end CHECKSUM
 *
 * Images stand newest first, and IMAGE counts their lines from 0. SUPERSEDED is the number of those zones
 * in an image that are answered from a newer one, whose index has them; so an image that has any may only be used if
 * all zones of the index are still configured. EXPIRY and MARGIN are those of struct vly_zone_info; the
 * include lines of a zone follow it. Checksums and
 * SETTINGS (vly_cache_settings_hash()) are hexadecimal, all other numbers decimal.
 *
 * Use, to write: a zeroed struct vly_index_text, vly_index_begin(), vly_index_add_image() for all
 * images, then vly_index_add_zone() for zones, vly_index_end(); free(text). To read:
 * vly_image_index_parse(), vly_image_index_free(). Untrusted: parsing accepts nothing but what this
 * describes. Any thread.
 */
#ifndef VLY_CONTROL_IMAGE_INDEX_H
#define VLY_CONTROL_IMAGE_INDEX_H

#include <stddef.h>

#include "zone/zone_info.h"

struct vly_index_text {
	char *text;
	size_t len;
	size_t size;
	bool failed; /* no memory */
};

struct vly_index_image {
	uint64_t checksum; /* of the image: its header's */
	uint64_t bytes;
	uint32_t zone_cnt; /* that it holds */
	uint32_t
		superseded_cnt; /* of those, the ones that a newer image of the index answers for */
};

struct vly_index_zone {
	uint32_t image;
	struct vly_zone_info info;
	const char *name;
	const char *file;
	const char *includes; /* the include lines as they stand, without "include "; "" for none */
};

struct vly_image_index {
	char *text; /* what names and files point into */
	struct vly_index_image *image;
	uint32_t image_cnt;
	struct vly_index_zone *zone;
	uint32_t zone_cnt;
};

__attribute__((nonnull)) void vly_index_begin(struct vly_index_text *text, uint64_t settings);
__attribute__((nonnull)) void vly_index_add_image(struct vly_index_text *text,
						  const struct vly_index_image *image);

/* Returns false when the zone can't be described in an index: a file name with a line break. */
__attribute__((nonnull)) bool vly_index_add_zone(struct vly_index_text *text,
						 const struct vly_index_zone *zone);

/* Returns 0, or -1 when there was no memory. */
__attribute__((nonnull, warn_unused_result)) int vly_index_end(struct vly_index_text *text);

/* One line of struct vly_index_zone's `includes`. False as above. */
__attribute__((nonnull)) bool vly_index_add_include(struct vly_index_text *text,
						    const struct vly_file_stamp *stamp,
						    const char *file);

/* Reads the include line at *includes and goes on behind it; `file` has room for `size`. False at
 * the end. */
__attribute__((nonnull)) bool vly_index_next_include(const char **includes,
						     struct vly_file_stamp *stamp, char *file,
						     size_t size);

/*
 * Parses `text` (taken over, with `len` octets and a NUL behind them). Returns 0 with *index the
 * caller's to free; 1 when it was written under other settings, or by a release with another format; or -1 when it is damaged or there
 * is no memory.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_image_index_parse(struct vly_image_index *index, char *text, size_t len, uint64_t settings);

__attribute__((nonnull)) void vly_image_index_free(struct vly_image_index *index);

#endif
