/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prefixes of client addresses, and what is to become of their packets: the longest prefix that
 * matches decides.
 *
 * Built by volley-control as ranges of addresses, sorted and free of overlaps, each with the action
 * of the longest prefix that covers it. A bit for each /24 of IPv4, and one for each /32 of IPv6 by
 * its hash, tells whether any prefix can be there: of most clients, that is all that is looked at.
 * An index by the upper bits narrows the search for the others, and a bisection ends it: 18 steps
 * at worst. Read by the XDP program, by native code and by response limits. Fixed size,
 * position-independent: the same octets are a map's value.
 *
 * vly_prefix_table_is_sound() (prefix_check.h) must have said yes to a table from another process;
 * vly_prefix_find4() and 6() then stay inside it whatever is asked.
 */
#ifndef VLY_PREFIX_H
#define VLY_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/verifier.h>

/* Ranges of each family: a power of two. n prefixes make at most 2n + 1, so that 100,000 fit with
 * room. */
#define VLY_PREFIX_RANGES_BITS 18
#define VLY_PREFIX_RANGES_MAX  (UINT32_C(1) << VLY_PREFIX_RANGES_BITS)

/* Buckets of IPv4: by the upper 16 bits. */
#define VLY_PREFIX_INDEX4_CNT (UINT32_C(1) << 16)

/* Of IPv6, networks of 16 bits have a part of the index each, and in it as many buckets as their
 * ranges fill: for 4,000 ranges, by the next 11 bits. Registries give addresses out of few such
 * networks, so that equal parts would be too large for most, and too small for them. */
#define VLY_PREFIX_PART_CNT   (UINT32_C(1) << 16)
#define VLY_PREFIX_INDEX6_CNT (UINT32_C(1) << 19)

/* Networks of IPv4 that have a bit, by their number: addresses without the last octet. */
#define VLY_PREFIX_NET4_CNT (UINT32_C(1) << 24)

/* Bits that the /32 of IPv6 share. 100,000 of them leave 98 of 100 bits of others clear. */
#define VLY_PREFIX_LISTED6_BITS 22
#define VLY_PREFIX_LISTED6_CNT  (UINT32_C(1) << VLY_PREFIX_LISTED6_BITS)

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
	/* index[i]: of how many ranges the start is in a bucket below i */
	uint32_t index4[VLY_PREFIX_INDEX4_CNT + 1];
	uint32_t index6[VLY_PREFIX_INDEX6_CNT + 1];
	uint32_t part6[VLY_PREFIX_PART_CNT]; /* VLY_PREFIX_PART() */
	struct vly_prefix4 range4[VLY_PREFIX_RANGES_MAX];
	struct vly_prefix6 range6[VLY_PREFIX_RANGES_MAX];
	/* bit n % 8 of octet n / 8: a prefix with an action covers network n, or a part of it */
	uint8_t listed4[VLY_PREFIX_NET4_CNT / 8];
	/* the same of networks whose hash is n. All bits are set when there are more such networks
	 * than bits. */
	uint8_t listed6[VLY_PREFIX_LISTED6_CNT / 8];
};

#define VLY_PREFIX_INLINE static inline __attribute__((always_inline))

/* Masks do nothing to a sound table: the BPF verifier wants to see that indexes stay inside. */
#define VLY_PREFIX_AT(i) ((i) & (VLY_PREFIX_RANGES_MAX - 1))

/* A part of index6: its first bucket, and how many bits behind the upper 16 tell the bucket. */
#define VLY_PREFIX_PART(bucket, bits) ((bucket) << 5 | (bits))
#define VLY_PREFIX_PART_BUCKET(part)  ((part) >> 5)
#define VLY_PREFIX_PART_BITS(part)    ((part)&31)

/* The bucket of an address, which never falls as addresses rise. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_bucket4(uint32_t address)
{
	return address >> 16;
}

/* By its upper 64 bits. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_bucket6(const struct vly_prefix_table *table, uint64_t high64)
{
	uint32_t part = table->part6[high64 >> 48];
	uint64_t behind = high64 & ((UINT64_C(1) << 48) - 1);

	return (VLY_PREFIX_PART_BUCKET(part) +
		(uint32_t)(behind >> (48 - VLY_PREFIX_PART_BITS(part)))) &
	       (VLY_PREFIX_INDEX6_CNT - 1);
}

/* The octet that tells whether an address can be in any prefix. */
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

/* `net` is the upper 32 bits of an address. The bits of neighbours lie far apart. */
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

/* The action of the range that covers `address`. Among the ranges that start in its bucket, the
 * first that starts above it is searched for: the one before covers it. */
VLY_PREFIX_INLINE enum vly_prefix_action
vly_prefix_find4(const struct vly_prefix_table *table, uint32_t address)
{
	if (table->range4_cnt == 0 || !vly_prefix_is_listed4(table, address))
		return VLY_PREFIX_NONE;
	uint32_t bucket = vly_prefix_bucket4(address);
	/* 64 bits, whatever a compiler can prove: of comparisons of 32, the BPF verifier keeps ends
	 * apart. */
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

/* The upper and the lower 64 bits of an address. */
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
