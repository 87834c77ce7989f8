/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a map from a MaxMind database (libmaxminddb): each network of its search tree becomes a
 * prefix, whose region is what the database says about it:
 *   country      the ISO code, "DE"; without one, that of the country that the network is
 *                registered in
 *   continent    the code, "EU"
 *   subdivision  country and first subdivision, "US-CA"; the country alone without one
 *   asn          "AS64496"
 *   city         the name of the nearest of the given places, if one is within km_max kilometres
 *                of the network's coordinates
 * Networks about which it says nothing have no region.
 *
 * In a database of both families, ::/96 is IPv4. Other IPv6 networks that lead to the same node,
 * such as 6to4 (2002::/16), are aliases of it and are left out: clients hardly come from there.
 *
 * Use: a zeroed list; a read or parse function; then the list is settled (region_list.h). After an
 * error it is empty. Files are untrusted, and a file is copied before it is looked at, so it may
 * change meanwhile. No state; any thread; reading blocks for the disk, and a database of a city
 * takes seconds of a CPU, so not for the loop.
 */
#ifndef VLY_CONTROL_MAP_DATABASE_H
#define VLY_CONTROL_MAP_DATABASE_H

#include "base/reason.h"
#include "region_list.h"

enum vly_map_by {
	VLY_MAP_BY_COUNTRY,
	VLY_MAP_BY_CONTINENT,
	VLY_MAP_BY_SUBDIVISION,
	VLY_MAP_BY_ASN,
	VLY_MAP_BY_CITY,
	VLY_MAP_BY_CNT,
};

/* "country" and so on. */
extern const char *const vly_map_by_name[VLY_MAP_BY_CNT];

struct vly_map_place {
	const char *name; /* at most VLY_REGION_NAME_MAX octets */
	double latitude;  /* degrees, -90 .. 90 */
	double longitude; /* degrees, -180 .. 180 */
};

struct vly_map_choice {
	enum vly_map_by by;
	/* for VLY_MAP_BY_CITY: at least one; of equally near ones, the first */
	const struct vly_map_place *place;
	unsigned place_cnt;
	double km_max; /* 0: at any distance, and for other values of `by` */
};

struct vly_map_about {
	uint64_t built_s; /* since 1970, as the database says */
	char type[64];    /* "GeoLite2-Country" */
};

/* Each returns 0, with what the database says about itself in *about; or -1 with a sentence in
 * `reason` that names the file. `file` is the name for messages. */
__attribute__((nonnull, warn_unused_result)) int
vly_map_database_read(const char *path, const struct vly_map_choice *choice,
		      struct vly_region_list *list, struct vly_map_about *about,
		      char reason[VLY_REASON_BYTES]);

__attribute__((nonnull, warn_unused_result)) int
vly_map_database_parse(const char *file, const void *octets, size_t bytes,
		       const struct vly_map_choice *choice, struct vly_region_list *list,
		       struct vly_map_about *about, char reason[VLY_REASON_BYTES]);

#endif
