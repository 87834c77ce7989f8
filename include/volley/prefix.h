/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prefixes of client addresses, and what is to become of their packets: the longest prefix that
 * matches decides.
 *
 * Built by volley-control as ranges of addresses, sorted and free of overlaps, each with the action
 * of the longest prefix that covers it. An index by the upper 16 bits narrows the search, and a
 * bisection ends it: 18 steps at worst. Read by the XDP program, by native code and by response
 * limits. Fixed size, position-independent: the same octets are a map's value.
 *
 * vly_prefix_table_is_sound() must have said yes to a table from another process;
 * vly_prefix_find4() and 6() then stay inside it whatever is asked.
 */
#ifndef VLY_PREFIX_H
#define VLY_PREFIX_H

#include <stdint.h>

/* Ranges of each family. n prefixes make at most 2n + 1, so that 100,000 fit with room. */
#define VLY_PREFIX_RANGES_MAX (UINT32_C(1) << 18)

#define VLY_PREFIX_INDEX_CNT 65537

enum vly_prefix_action {
	VLY_PREFIX_NONE = 0,
	VLY_PREFIX_DENY = 1,  /* dropped by the policy */
	VLY_PREFIX_ALLOW = 2, /* no rate and no response limit applies */
};

/* Numbers in host order; a range ends where the next one begins. */
struct vly_prefix4 {
	uint32_t start;
	uint32_t action;
};

struct vly_prefix6 {
	uint64_t start_high;
	uint64_t start_low;
	uint64_t action;
};

struct vly_prefix_table {
	uint32_t range4_cnt; /* 0: no prefix of this family; else range4[0].start is 0 */
	uint32_t range6_cnt;
	/* index[i]: how many ranges start below i << 16 (i << 112 for IPv6) */
	uint32_t index4[VLY_PREFIX_INDEX_CNT + 1];
	uint32_t index6[VLY_PREFIX_INDEX_CNT + 1];
	struct vly_prefix4 range4[VLY_PREFIX_RANGES_MAX];
	struct vly_prefix6 range6[VLY_PREFIX_RANGES_MAX];
};

#endif
