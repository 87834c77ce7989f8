/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For image_builder.c (which zones there are) and image_builder_seal.c (the finished image) alone. */
#ifndef VLY_CONTROL_IMAGE_BUILDER_PARTS_H
#define VLY_CONTROL_IMAGE_BUILDER_PARTS_H

#include "compile.h"
#include "image_builder.h"
#include "zone/zone_scanner.h"

struct vly_image_builder {
	struct vly_hash_key key;
	int fd;
	struct vly_image_draft draft;
	struct vly_image_zone *zone;
	uint32_t zone_cnt;
	uint32_t zone_size;
	char *includes; /* of the zone added last */
	struct vly_zone_scanner scanner;
	struct vly_dnssec_settings dnssec;
	bool checks_signed;
};

#endif
