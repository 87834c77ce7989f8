/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The index of the complete forms of living zones that are kept on disk (form_cache.h), a text file:
 *
 *     volley-living-images 1 SETTINGS
 *     form CHECKSUM BYTES VERSION SERIAL DIGEST NODES NAME
 *     end CHECKSUM
 *
 * CHECKSUM and BYTES are those of the image, which has this zone alone; VERSION, SERIAL and DIGEST those of the zone
 * in the store. The last line has the checksum of all before it. SETTINGS, checksums and digests are hexadecimal.
 *
 * Use, to write: a zeroed struct vly_index_text; vly_form_index_begin(), _add() for each zone, _end(); free(text).
 * Any thread. Untrusted when it is read.
 */
#ifndef VLY_CONTROL_FORM_INDEX_H
#define VLY_CONTROL_FORM_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/image_index.h"

struct vly_form_entry {
	struct vly_index_image image;
	uint64_t version;
	uint64_t digest;
	uint32_t serial;
	uint32_t node_cnt;
};

__attribute__((nonnull)) void vly_form_index_begin(struct vly_index_text *text, uint64_t settings);
__attribute__((nonnull)) void vly_form_index_add(struct vly_index_text *text,
						 const struct vly_form_entry *entry,
						 const char *name);

/* Returns 0, or -1 when there was no memory. */
__attribute__((nonnull, warn_unused_result)) int vly_form_index_end(struct vly_index_text *text);

/* Finds a zone. Returns 0 with *entry; 1: it is not there, or the index was written with other settings; -1: the index
 * is damaged. `text` has a NUL behind its `len` octets, and is changed. */
__attribute__((nonnull, warn_unused_result)) int vly_form_index_find(char *text, size_t len,
								     uint64_t settings,
								     const char *name,
								     struct vly_form_entry *entry);

#endif
