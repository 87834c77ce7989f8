/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan of a load: which zones share an image. A pure function of the zone files' sizes and of
 * the zones' names. No state; any thread.
 *
 * Zones whose names end alike, in one slice (vly_image_slice()), share an image: so the dataplane
 * can tell from a name alone which image it is in.
 */
#ifndef VLY_CONTROL_PLAN_H
#define VLY_CONTROL_PLAN_H

#include <stdint.h>

#include <volley/name.h>

/*
 * A zone file of this size gets an image of its own. Replacing a zone in a reload of everything
 * costs the compilation of what shares its image, and an image costs at least a page, a file
 * descriptor and a place in the commit (at most 4,096). A file of 16 MiB with 520,000 short
 * records took 0.34 s to read and compile on one core at 2.6 GHz. Smaller: more images. Larger: a
 * full reload can't spread big zones over the cores.
 */
#define VLY_PLAN_OWN_IMAGE_BYTES (UINT64_C(16) << 20)

/*
 * Small zones share an image up to this much text, unless a slice alone has more. It bounds what a
 * single zone that no longer loads keeps in memory: the whole image that has its last good version.
 * A million zones of 500 octets, which count VLY_PLAN_ZONE_BYTES more each, make 16 images, which
 * is also the unit of work that is spread over the cores.
 */
#define VLY_PLAN_SHARED_IMAGE_BYTES (UINT64_C(64) << 20)

/* What a zone costs beside its text, so that a million files of no size don't share one image. */
#define VLY_PLAN_ZONE_BYTES 512

struct vly_plan_zone {
	uint64_t file_bytes;
	const char *name; /* as vly_domain_canonical() spells it */
};

/*
 * Writes the number of each zone's group to group[0..zone_cnt-1], from 0. There are at most
 * group_max (not 0) groups: when the constants above give more, both are doubled until it fits.
 * Returns the number of groups.
 */
__attribute__((nonnull(3, 5))) uint32_t vly_plan_groups(const struct vly_plan_zone *zone,
							uint32_t zone_cnt,
							const struct vly_hash_key *key,
							uint32_t group_max, uint32_t *group);

#endif
