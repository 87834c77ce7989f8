/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a map says, as it is read from a file or a database: prefixes of client addresses, each with
 * a region. Regions have names and numbers; number 0, without a name, is that of addresses in no
 * prefix.
 *
 * Use: a zeroed list; vly_region_number() and vly_region_list_add() for each prefix, in any order,
 * or one of the readers (map_text.h, map_latency.h, map_database.h); vly_region_list_settle(); then
 * vly_partition_make() (partition.h). vly_region_list_free(), at any time. One thread at a time; no
 * function blocks.
 */
#ifndef VLY_CONTROL_REGION_LIST_H
#define VLY_CONTROL_REGION_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prefix_list.h"

/* Regions, and with them classes, fit into the leaf of a client map. */
#define VLY_REGION_MAX (UINT32_C(1) << 23)

/* Longest name of a region or a pool in a file or a database. */
#define VLY_REGION_NAME_MAX 63

enum vly_family {
	VLY_FAMILY_IPV4,
	VLY_FAMILY_IPV6,
	VLY_FAMILY_CNT,
};

/* Addresses as numbers, with the first bit on top: of IPv4, the upper 32 bits of `high` are the
 * address. Bits behind the prefix are 0. */
struct vly_region_prefix {
	uint64_t high;
	uint64_t low;
	uint32_t region : 24;
	uint32_t bits : 8; /* 0..32, 0..128 */
	uint32_t line;     /* where it was read; 0: not from a text */
};

struct vly_region;

struct vly_region_names {
	struct vly_region *by_name; /* uthash */
	struct vly_region **by_number;
	uint32_t cnt;
	uint32_t room;
};

struct vly_region_list {
	struct vly_region_prefix *prefix[VLY_FAMILY_CNT];
	size_t cnt[VLY_FAMILY_CNT];
	size_t room[VLY_FAMILY_CNT];
	struct vly_region_names names;
};

/* Two entries for the same prefix: settle() has found the first such pair. */
struct vly_region_twins {
	enum vly_family family;
	struct vly_region_prefix first;
	struct vly_region_prefix second;
};

/* Whether `len` octets (untrusted) are such a name: printable ASCII without spaces. */
__attribute__((nonnull, pure)) bool vly_region_name_is_sound(const char *name, size_t len);

/* The number of the region `name`, which gets one when it is new. 0: no memory, or VLY_REGION_MAX
 * regions. */
__attribute__((nonnull, warn_unused_result)) uint32_t
vly_region_number(struct vly_region_names *names, const char *name);

/* The number of regions, with number 0: a number is below it. */
__attribute__((nonnull, pure)) uint32_t vly_region_cnt(const struct vly_region_names *names);

/* The name of a region, 1 .. vly_region_cnt() - 1. Valid until the list is freed. */
__attribute__((nonnull, pure)) const char *vly_region_name(const struct vly_region_names *names,
							   uint32_t number);

/* The prefix of a rule as the list has it; its region and line are 0. Sets *family. */
__attribute__((nonnull)) struct vly_region_prefix
vly_region_prefix_of(const struct vly_prefix_rule *rule, enum vly_family *family);

/* Writes the prefix in its usual form. Returns `out`. */
__attribute__((nonnull)) const char *
vly_region_prefix_format(const struct vly_region_prefix *prefix, enum vly_family family,
			 char out[VLY_PREFIX_TEXT_BYTES]);

/* By address, then length: <0, 0, >0. */
__attribute__((nonnull, pure)) int vly_region_prefix_compare(const struct vly_region_prefix *a,
							     const struct vly_region_prefix *b);

/* Appends a prefix. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_region_list_add(struct vly_region_list *list, enum vly_family family,
		    const struct vly_region_prefix *prefix);

/* Sorts the list: wider prefixes before those inside them. Returns 0; or -1 when a prefix is there
 * twice, with the pair in *twins, the one with the lower line first. */
__attribute__((nonnull, warn_unused_result)) int
vly_region_list_settle(struct vly_region_list *list, struct vly_region_twins *twins);

__attribute__((nonnull)) void vly_region_names_free(struct vly_region_names *names);

__attribute__((nonnull)) void vly_region_list_free(struct vly_region_list *list);

#endif
