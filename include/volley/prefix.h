/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prefixes of client addresses, and the action for their packets: the longest matching prefix
 * decides.
 *
 * volley-control builds the table as ranges of addresses, sorted and without overlaps, each with
 * the action of the longest prefix that covers it. A lookup has three steps:
 *   1. one bit for each /24 of IPv4, or for each /32 of IPv6 by its hash, says whether any prefix
 *      can be there: for most clients, this is the only memory that is read;
 *   2. an index by the upper bits narrows the search;
 *   3. a bisection ends it, in 18 steps at most.
 * The XDP program, native code and response limits read it. The size is fixed and the content
 * position-independent, so the same octets are the value of a map.
 *
 * Trust: a table from another process must pass vly_prefix_table_is_sound() (prefix_check.h); then
 * vly_prefix_find4() and vly_prefix_find6() stay inside it for any address. Pure; any thread,
 * inside the read side of the table's owner.
 */
#ifndef VLY_PREFIX_H
#define VLY_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/verifier.h>

/* log2 of the ranges of each family. n prefixes make at most 2n + 1 ranges, so 100,000 prefixes fit
 * with room to spare. */
#define VLY_PREFIX_RANGES_BITS 18
#define VLY_PREFIX_RANGES_MAX  (UINT32_C(1) << VLY_PREFIX_RANGES_BITS)

/* Buckets of IPv4, by the upper 16 bits. */
#define VLY_PREFIX_INDEX4_CNT (UINT32_C(1) << 16)

/* The index of IPv6 has a part for each /16, with a number of buckets that depends on its ranges:
 * for 4,000 ranges, by the next 11 bits. Registries assign addresses from few such networks, so
 * parts of equal size would be too large for most of them and too small for these. */
#define VLY_PREFIX_PART_CNT   (UINT32_C(1) << 16)
#define VLY_PREFIX_INDEX6_CNT (UINT32_C(1) << 19)

/* Networks of IPv4 that have a bit: addresses without the last octet. */
#define VLY_PREFIX_NET4_CNT (UINT32_C(1) << 24)

/* log2 of the bits for the /32 networks of IPv6, which share bits by their hash. With 100,000
 * listed networks, 98 % of the bits are clear, so 98 % of other clients end at step 1. */
#define VLY_PREFIX_LISTED6_BITS 22
#define VLY_PREFIX_LISTED6_CNT  (UINT32_C(1) << VLY_PREFIX_LISTED6_BITS)

enum vly_prefix_action {
	VLY_PREFIX_NONE = 0,
	VLY_PREFIX_DENY = 1,  /* the policy drops the packet */
	VLY_PREFIX_ALLOW = 2, /* exempt from rates and response limits */
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
	/* index[i]: the number of ranges that start in a bucket below i */
	uint32_t index4[VLY_PREFIX_INDEX4_CNT + 1];
	uint32_t index6[VLY_PREFIX_INDEX6_CNT + 1];
	uint32_t part6[VLY_PREFIX_PART_CNT]; /* VLY_PREFIX_PART() */
	struct vly_prefix4 range4[VLY_PREFIX_RANGES_MAX];
	struct vly_prefix6 range6[VLY_PREFIX_RANGES_MAX];
	/* bit n % 8 of octet n / 8: a prefix with an action covers at least a part of network n */
	uint8_t listed4[VLY_PREFIX_NET4_CNT / 8];
	/* the same for networks whose hash is n; if there are more such networks than bits, all
	 * bits are set */
	uint8_t listed6[VLY_PREFIX_LISTED6_CNT / 8];
};

#define VLY_PREFIX_INLINE static inline __attribute__((always_inline))

/* The mask does not change an index of a sound table: it proves the bound to the BPF verifier. */
#define VLY_PREFIX_AT(i) ((i) & (VLY_PREFIX_RANGES_MAX - 1))

/* A part of index6: its first bucket, and the number of bits behind the upper 16 that select
 * one. */
#define VLY_PREFIX_PART(bucket, bits) ((bucket) << 5 | (bits))
#define VLY_PREFIX_PART_BUCKET(part)  ((part) >> 5)
#define VLY_PREFIX_PART_BITS(part)    ((part)&31)

/* The bucket of an address. It is monotonic in the address. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_bucket4(uint32_t address)
{
	return address >> 16;
}

/* The same for an IPv6 address by its upper 64 bits. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_bucket6(const struct vly_prefix_table *table, uint64_t high64)
{
	uint32_t part = table->part6[high64 >> 48];
	uint64_t behind = high64 & ((UINT64_C(1) << 48) - 1);

	return (VLY_PREFIX_PART_BUCKET(part) +
		(uint32_t)(behind >> (48 - VLY_PREFIX_PART_BITS(part)))) &
	       (VLY_PREFIX_INDEX6_CNT - 1);
}

/* The octet with the bit of an address, to be prefetched. */
VLY_PREFIX_INLINE const uint8_t *
vly_prefix_listed4(const struct vly_prefix_table *table, uint32_t address)
{
	return &table->listed4[address >> 11];
}

VLY_PREFIX_INLINE bool
vly_prefix_is_listed4(const struct vly_prefix_table *table, uint32_t address)
{
	return *vly_prefix_listed4(table, address) >> (address >> 8 & 7) & 1;
}

/* `net` is the upper 32 bits of an address. The bits of neighbours are far apart. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_hash6(uint32_t net)
{
	return net * UINT32_C(0x9e3779b1) >> (32 - VLY_PREFIX_LISTED6_BITS);
}

VLY_PREFIX_INLINE const uint8_t *
vly_prefix_listed6(const struct vly_prefix_table *table, uint32_t net)
{
	return &table->listed6[vly_prefix_hash6(net) >> 3];
}

VLY_PREFIX_INLINE bool
vly_prefix_is_listed6(const struct vly_prefix_table *table, uint32_t net)
{
	return *vly_prefix_listed6(table, net) >> (vly_prefix_hash6(net) & 7) & 1;
}

/* The action for `address`. Searches for the first range in its bucket that starts above it: the
 * previous range covers it. */
VLY_PREFIX_INLINE enum vly_prefix_action
vly_prefix_find4(const struct vly_prefix_table *table, uint32_t address)
{
	if (table->range4_cnt == 0 || !vly_prefix_is_listed4(table, address))
		return VLY_PREFIX_NONE;
	uint32_t bucket = vly_prefix_bucket4(address);
	/* Kept in 64 bits, whatever the compiler can prove: with comparisons of 32 bits, the BPF
	 * verifier follows both ends as separate states. */
	uint64_t wide = address;
	VLY_VERIFIER_HIDE(wide);
	uint64_t low = table->index4[bucket];
	uint64_t high = table->index4[bucket + 1];

	for (int step = 0; step <= VLY_PREFIX_RANGES_BITS && low < high; step++) {
		uint64_t middle = low + (high - low) / 2;
		if (table->range4[VLY_PREFIX_AT(middle)].start <= wide)
			low = middle + 1;
		else
			high = middle;
	}
	return (enum vly_prefix_action)table->range4[VLY_PREFIX_AT(low - 1)].action;
}

/* The action for an address, given as its upper and lower 64 bits. */
VLY_PREFIX_INLINE enum vly_prefix_action
vly_prefix_find6(const struct vly_prefix_table *table, uint64_t high64, uint64_t low64)
{
	if (table->range6_cnt == 0 || !vly_prefix_is_listed6(table, (uint32_t)(high64 >> 32)))
		return VLY_PREFIX_NONE;
	uint32_t bucket = vly_prefix_bucket6(table, high64);
	uint64_t low = table->index6[bucket];
	uint64_t high = table->index6[bucket + 1];

	for (int step = 0; step <= VLY_PREFIX_RANGES_BITS && low < high; step++) {
		uint64_t middle = low + (high - low) / 2;
		const struct vly_prefix6 *range = &table->range6[VLY_PREFIX_AT(middle)];
		if (range->start_high < high64 ||
		    (range->start_high == high64 && range->start_low <= low64))
			low = middle + 1;
		else
			high = middle;
	}
	return (enum vly_prefix_action)table->range6[VLY_PREFIX_AT(low - 1)].action;
}

#endif
