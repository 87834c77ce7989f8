/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Prefixes of client addresses, and what is to become of their packets: the longest prefix that
 * matches decides.
 *
 * Built by volley-control as ranges of addresses, sorted and free of overlaps, each with the action
 * of the longest prefix that covers it. For IPv4, a bit for each /24 tells whether any prefix is
 * there: of most clients, that is all that is looked at. An index of 2^16 buckets narrows the
 * search for the others, and a bisection ends it: 18 steps at worst. Read by the XDP program, by
 * native code and by response limits. Fixed size, position-independent: the same octets are a map's
 * value.
 *
 * vly_prefix_table_is_sound() must have said yes to a table from another process;
 * vly_prefix_find4() and 6() then stay inside it whatever is asked.
 */
#ifndef VLY_PREFIX_H
#define VLY_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

/* Ranges of each family: a power of two. n prefixes make at most 2n + 1, so that 100,000 fit with
 * room. */
#define VLY_PREFIX_RANGES_BITS 18
#define VLY_PREFIX_RANGES_MAX  (UINT32_C(1) << VLY_PREFIX_RANGES_BITS)

#define VLY_PREFIX_INDEX_CNT 65537

/* Networks of IPv4 that have a bit, by their number: addresses without the last octet. */
#define VLY_PREFIX_NET4_CNT (UINT32_C(1) << 24)

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
	uint32_t index4[VLY_PREFIX_INDEX_CNT + 1];
	uint32_t index6[VLY_PREFIX_INDEX_CNT + 1];
	struct vly_prefix4 range4[VLY_PREFIX_RANGES_MAX];
	struct vly_prefix6 range6[VLY_PREFIX_RANGES_MAX];
	/* bit n % 8 of octet n / 8: a prefix with an action covers network n, or a part of it */
	uint8_t listed4[VLY_PREFIX_NET4_CNT / 8];
};

#define VLY_PREFIX_INLINE static inline __attribute__((always_inline))

/* Masks do nothing to a sound table: the BPF verifier wants to see that indexes stay inside. */
#define VLY_PREFIX_AT(i) ((i) & (VLY_PREFIX_RANGES_MAX - 1))

/* The bucket of an address, which never falls as addresses rise. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_bucket4(uint32_t address)
{
	return address >> 16;
}

/* By its upper 64 bits. Addresses are given out of 2000::/3 (RFC 4291 §2.5.4): buckets are the 16
 * bits behind those three, and what is below or above shares the first or the last. */
VLY_PREFIX_INLINE uint32_t
vly_prefix_bucket6(uint64_t high64)
{
	/* Without a branch, and so that no compiler makes one: the BPF verifier would search the
	 * rest for each of its ends. */
	int64_t above_first = (int64_t)(high64 >> (64 - 3 - 16)) - (1 << 16);
	int64_t below = above_first >> 63;
	__asm__("" : "+r"(below));
	int64_t above_last = (above_first & ~below) - 0xffff;
	int64_t within = above_last >> 63;
	__asm__("" : "+r"(within));
	return (uint32_t)(0xffff + (above_last & within)) & 0xffff;
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
	__asm__("" : "+r"(wide));
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
	if (table->range6_cnt == 0)
		return VLY_PREFIX_NONE;
	uint32_t bucket = vly_prefix_bucket6(high64);
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

/* One family of a table, as is_sound() looks at it. */
static inline bool
vly_prefix_index_is_sound(const uint32_t *index, uint32_t range_cnt)
{
	for (uint32_t i = 0; i + 1 < VLY_PREFIX_INDEX_CNT; i++)
		if (index[i] > index[i + 1])
			return false;
	return index[0] == 0 && index[VLY_PREFIX_INDEX_CNT - 1] == range_cnt;
}

/* The last address of range4[i]. */
static inline uint32_t
vly_prefix_last4(const struct vly_prefix_table *table, uint32_t i)
{
	return i + 1 < table->range4_cnt ? table->range4[i + 1].start - 1 : UINT32_MAX;
}

/* Whether range4[i] has no action, or all of its networks have their bits. */
static inline bool
vly_prefix_range4_is_listed(const struct vly_prefix_table *table, uint32_t i)
{
	const struct vly_prefix4 *range = &table->range4[i];
	uint32_t last_net = vly_prefix_last4(table, i) >> 8;

	if (range->action == VLY_PREFIX_NONE)
		return true;
	for (uint32_t net = range->start >> 8; net <= last_net; net++)
		if (!vly_prefix_is_listed4(table, net << 8))
			return false;
	return true;
}

/* Whether searches stay inside the table and end at the one range that covers the address. Reads
 * all of it, once. */
static inline bool
vly_prefix_table_is_sound(const struct vly_prefix_table *table)
{
	const struct vly_prefix4 *range4 = table->range4;
	const struct vly_prefix6 *range6 = table->range6;

	if (table->range4_cnt > VLY_PREFIX_RANGES_MAX ||
	    table->range6_cnt > VLY_PREFIX_RANGES_MAX ||
	    !vly_prefix_index_is_sound(table->index4, table->range4_cnt) ||
	    !vly_prefix_index_is_sound(table->index6, table->range6_cnt))
		return false;
	for (uint32_t i = 0; i < table->range4_cnt; i++) {
		uint32_t at = vly_prefix_bucket4(range4[i].start);
		bool in_order =
			i == 0 ? range4[i].start == 0 : range4[i].start > range4[i - 1].start;
		/* index[at] does not count it when it starts there, index[at + 1] does */
		if (!in_order || range4[i].action > VLY_PREFIX_ALLOW || table->index4[at] > i ||
		    table->index4[at + 1] <= i || !vly_prefix_range4_is_listed(table, i))
			return false;
	}
	for (uint32_t i = 0; i < table->range6_cnt; i++) {
		uint32_t at = vly_prefix_bucket6(range6[i].start_high);
		bool in_order =
			i == 0 ? (range6[i].start_high | range6[i].start_low) == 0
			       : range6[i].start_high > range6[i - 1].start_high ||
					 (range6[i].start_high == range6[i - 1].start_high &&
					  range6[i].start_low > range6[i - 1].start_low);
		if (!in_order || range6[i].action > VLY_PREFIX_ALLOW || table->index6[at] > i ||
		    table->index6[at + 1] <= i)
			return false;
	}
	return true;
}

#endif
