/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones with overlays, without a compiler of overlays: an overlay is the difference of two complete
 * forms, node by node, as volley/image.h describes it.
 *
 * Use: vly_test_version_open() for each version of a zone; vly_test_overlay_open() for each version
 * upon the one below. The images are the caller's to close.
 */
#ifndef VLY_TEST_LAYERS_H
#define VLY_TEST_LAYERS_H

#include "server.h"

/* The octets of an image of these zones in complete form, all with this version; the caller's to
 * free. NULL, with the reason on stderr: they do not compile. */
uint8_t *vly_test_version_build(const struct vly_test_zone *zone, size_t zone_cnt, uint64_t version,
				size_t *bytes);

/* Opens an image of `bytes` octets; NULL, with the reason on stderr, when that fails. */
struct vly_image *vly_test_block_open(const uint8_t *block, size_t bytes, uint64_t id);

/* Both at once. */
struct vly_image *vly_test_version_open(const struct vly_test_zone *zone, size_t zone_cnt,
					uint64_t version, uint64_t id);

/* The octets of an overlay: what differs from the zone `zone_idx` in `below` to that of the same
 * name in `above`. The caller's to free. */
uint8_t *vly_test_overlay_build(const struct vly_image *below, uint32_t below_idx,
				const struct vly_image *above, uint32_t above_idx, size_t *bytes);

struct vly_image *vly_test_overlay_open(const struct vly_image *below, uint32_t below_idx,
					const struct vly_image *above, uint32_t above_idx,
					uint64_t id);

#endif
