/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Images that zones are copied from, as they are, into another image (compile/merge.h): because an image has
 * zones that nobody wants any more, or because there are many small ones.
 *
 * Use: all zeros but the lock are no sources; vly_image_sources_copy() for each zone;
 * vly_image_sources_free().
 *
 * Ownership: a source borrows its image, which must stay until the sources are freed. Threads: any number at
 * once may copy, each into a builder of its own. Does not block but for memory, and for the first copy out of
 * an image, which looks at all names in it.
 * Trust: images that this process has made, or verified when it read them.
 */
#ifndef VLY_CONTROL_IMAGE_SOURCE_H
#define VLY_CONTROL_IMAGE_SOURCE_H

#include <pthread.h>

#include "compile/image_builder.h"
#include "publish/live_image.h"

struct vly_image_source; /* one image, mapped */

struct vly_image_sources {
	pthread_mutex_t lock;
	struct vly_image_source *first;
};

/* Copies the zone `name` (as vly_domain_canonical() writes it) out of `live`. Returns 0; or -1 with errno, and
 * the builder is as it was: ENOENT if it is not there as a complete form. */
__attribute__((nonnull, warn_unused_result)) int
vly_image_sources_copy(struct vly_image_sources *sources, struct vly_live_image *live,
		       const char *name, struct vly_image_builder *builder);

/* Calls `each` with the names of all zones in an image, as vly_domain_canonical() writes them. Returns 0; or -1
 * without memory, or if the image has layers of zones that change. Any thread. */
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_image_each_zone(const struct vly_live_image *live, void (*each)(void *arg, const char *name),
		    void *arg);

__attribute__((nonnull)) void vly_image_sources_free(struct vly_image_sources *sources);

#endif
