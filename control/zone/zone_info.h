/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts about a zone that remain when it is compiled. */
#ifndef VLY_CONTROL_ZONE_INFO_H
#define VLY_CONTROL_ZONE_INFO_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/file_stamp.h"

/* What is known of a zone once it is compiled. */
struct vly_zone_info {
	uint32_t serial;
	uint64_t record_cnt;
	uint64_t node_cnt;
	uint32_t warning_cnt;
	/* Of a signed zone, see struct vly_dnssec_facts; otherwise 0. */
	uint64_t expiry_s;
	uint64_t margin_s;
	/* Of the zone file; its inode is 0 when a file may have changed without the stamp showing
	 * it. */
	struct vly_file_stamp stamp;
	/* Of a living zone: its version in the store, and its number in the image; otherwise 0. */
	uint64_t version;
	uint32_t zone_idx;
	uint64_t digest; /* the same: of its records */
	bool is_signed;
	bool proves_covers; /* VLY_IMAGE_PROVES_COVERS */
	bool has_alias;     /* of a living zone: it has ALIAS records */
};

/* Progress of a load, for progress lines. Written by one thread, read by any. */
struct vly_load_progress {
	_Atomic uint64_t record_cnt;
};

#endif
