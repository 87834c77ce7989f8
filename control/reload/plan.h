/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan of a load: which zones share an image. It depends on nothing but the sizes of the zone
 * files and the names of the zones. No state; any thread; does not block.
 *
 * Zones whose names end in the same labels are in one slice (vly_image_slice()), and a slice is
 * never split over shared images: so the dataplane knows from a name which image to look in.
 */
#ifndef VLY_CONTROL_PLAN_H
#define VLY_CONTROL_PLAN_H

#include <stdint.h>

#include <volley/name.h>

/*
 * A zone file of this size or more gets an image of its own. In a reload of everything, the cost of
 * one changed zone is the compilation of all zones in its image; and an image costs at least a
 * page, a file descriptor and an entry in the table (at most 16,384). A file of 16 MiB with 520,000
 * short records took 0.34 s to read and compile on one core at 2.6 GHz.
 * Smaller: more images. Larger: large zones of a full reload are not spread over the cores.
 */
#define VLY_PLAN_OWN_IMAGE_BYTES (UINT64_C(16) << 20)

/*
 * Small zones share an image up to this many octets of text, unless a single slice has more. It
 * bounds the memory that a single failed zone holds: the whole image with its last good version.
 * It is also the unit of work that is spread over the cores: a million zones of 500 octets, each of
 * which counts VLY_PLAN_ZONE_BYTES more, make 16 images.
 */
#define VLY_PLAN_SHARED_IMAGE_BYTES (UINT64_C(64) << 20)

/* The cost of a zone besides its text, so that a million empty files do not share one image. */
#define VLY_PLAN_ZONE_BYTES 512

struct vly_plan_zone {
	uint64_t file_bytes;
	const char *name; /* as vly_domain_canonical() spells it */
};

/*
 * Writes the number of each zone's group, from 0, to group[0..zone_cnt-1]. There are at most
 * group_max groups (at least 1): while the two constants above give more, both are doubled.
 * Returns the number of groups.
 */
__attribute__((nonnull(3, 5))) uint32_t vly_plan_groups(const struct vly_plan_zone *zone,
							uint32_t zone_cnt,
							const struct vly_hash_key *key,
							uint32_t group_max, uint32_t *group);

#endif
