/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client map: for each IPv4 and IPv6 address, the class of the client (what a steering policy
 * makes of it), and the length of the widest prefix around the address in which all addresses have
 * that class: the exact scope of an answer (RFC 7871 §7.2.1).
 *
 * volley-control builds it (control/steer/map_builder.h). It is a tree for each family: a root with
 * an entry for each value of the first 16 bits; below, branches that look at 8 bits, and paths that
 * compare up to 63 bits where all that leave the path have one class. An entry is a leaf, or the
 * number of a branch or a path. A lookup of IPv4 reads a root entry, a branch, and an entry that the
 * branch has no room for: three dependent reads as long as no prefix is longer than /24. A /48 among
 * a million others takes about as many.
 *
 * Use, in stages that prefetch:
 *   1. vly_client_map_begin4() or _begin6() with a cursor: prefetches the root entry;
 *   2. vly_client_map_step(), any number of times: each reads what was prefetched and prefetches
 *      what the next one reads; true when the leaf is known, and further calls are harmless;
 *   3. vly_client_map_finish(): makes the steps that are left, and returns the leaf;
 *   4. VLY_CLIENT_LEAF_CLASS() and VLY_CLIENT_LEAF_BITS() of it.
 * Or vly_client_map_find(), which does all of that at once.
 *
 * The block is position-independent, aligned to 64 octets, and immutable. It is a part of the
 * steering block, whose version says its layout, and whose owner frees it after a grace period.
 *
 * Trust: a block from another process must pass vly_client_map_check() (common/client_map_check.h)
 * once; then lookups stay inside it for any address, end after VLY_CLIENT_MAP_STEPS_MAX steps, and
 * give a class below class_cnt. Pure; any thread, inside the read side of the block's owner.
 */
#ifndef VLY_CLIENT_MAP_H
#define VLY_CLIENT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/address.h>
#include <volley/octets.h>

/* Bits that the root looks at. 12: a dense map needs one more dependent read. 20: each map has 8 MiB
 * of roots, which push other things out of the caches. */
#define VLY_CLIENT_MAP_ROOT_BITS 16
#define VLY_CLIENT_MAP_ROOT_CNT  (UINT32_C(1) << VLY_CLIENT_MAP_ROOT_BITS)

/* Bits that a branch looks at. 6: a /24 needs two branches below the root instead of one. */
#define VLY_CLIENT_BRANCH_BITS 8
#define VLY_CLIENT_BRANCH_CNT  (UINT32_C(1) << VLY_CLIENT_BRANCH_BITS)

/* Entries of a branch that are in its cache line; the others are in the spill. */
#define VLY_CLIENT_BRANCH_INLINE 7

/* Bits of a path: below 64, so that a cursor shifts by less than the width of its words. */
#define VLY_CLIENT_PATH_BITS_MAX 63
/* A path that does not end in a leaf has at least as many bits as a branch: it bounds the steps. */
#define VLY_CLIENT_PATH_BITS_MIN VLY_CLIENT_BRANCH_BITS

/* Classes are below it: 23 bits. */
#define VLY_CLIENT_CLASS_MAX (UINT32_C(1) << 23)

/* The root entry; then branches and paths, of which all but one path at the end take at least 8 of
 * the 112 bits behind the root, with an entry in the spill after each. */
#define VLY_CLIENT_MAP_STEPS_MAX (1 + 2 * ((128 - VLY_CLIENT_MAP_ROOT_BITS) / 8 + 1))

/*
 * An entry: one of
 *   VLY_CLIENT_ENTRY_LEAF | class << 8 | length of the prefix, 0..128
 *   VLY_CLIENT_ENTRY_PATH | number of the path
 *   number of the branch
 */
#define VLY_CLIENT_ENTRY_LEAF UINT32_C(0x80000000)
#define VLY_CLIENT_ENTRY_PATH UINT32_C(0x40000000)
#define VLY_CLIENT_NODE_MAX   UINT32_C(0x40000000) /* numbers of branches and paths are below it */

#define VLY_CLIENT_LEAF(class, bits)                                                               \
	(VLY_CLIENT_ENTRY_LEAF | (uint32_t)(class) << 8 | (uint32_t)(bits))
#define VLY_CLIENT_LEAF_CLASS(entry) ((entry) >> 8 & (VLY_CLIENT_CLASS_MAX - 1))
#define VLY_CLIENT_LEAF_BITS(entry)  ((entry)&0xff)

/* The next 8 bits of the address number a slot. Slots with the same entry are neighbours: a run. */
struct vly_client_branch {
	uint64_t first[4]; /* bit n % 64 of first[n / 64]: a run starts at slot n. Slot 0 is one */
	uint32_t spill;    /* index into the spill of the entry of run 7, the others follow */
	uint32_t entry[VLY_CLIENT_BRANCH_INLINE]; /* of runs 0..6; unused ones are 0 */
};

/* Addresses whose next bits are these go on at `entry`; the others have the same class, and their
 * scope ends with the first bit that differs. */
struct vly_client_path {
	uint64_t bits;  /* the first one on top, zeros behind the last one */
	uint32_t other; /* VLY_CLIENT_LEAF(class of the others, number of bits: 1..63) */
	uint32_t entry;
};

/* The block: this, then branches, paths and the spill, one behind the other. */
struct vly_client_map {
	uint64_t bytes; /* of the whole block: vly_client_map_bytes() */
	uint32_t class_cnt;
	uint32_t branch_cnt;
	uint32_t path_cnt;
	uint32_t spill_cnt;
	uint32_t pad[10]; /* 0 */
	uint32_t root4[VLY_CLIENT_MAP_ROOT_CNT];
	uint32_t root6[VLY_CLIENT_MAP_ROOT_CNT];
};

_Static_assert(sizeof(struct vly_client_branch) == 64, "a branch is a cache line");
_Static_assert(sizeof(struct vly_client_path) == 16, "no path crosses a cache line");
_Static_assert(sizeof(struct vly_client_map) % 64 == 0, "branches are aligned");

/* What is to be read next. */
enum vly_client_next {
	VLY_CLIENT_NEXT_NONE, /* the leaf is known */
	VLY_CLIENT_NEXT_ENTRY,
	VLY_CLIENT_NEXT_BRANCH,
	VLY_CLIENT_NEXT_PATH,
};

/* A lookup between two steps. */
struct vly_client_cursor {
	uint64_t
		high; /* the bits of the address that were not yet looked at, the first one on top */
	uint64_t low;
	const void *at;
	uint32_t leaf;
	uint8_t depth; /* bits that were looked at */
	uint8_t next;  /* enum vly_client_next */
};

#define VLY_CLIENT_INLINE static inline __attribute__((always_inline))

/* The octets of a block, a multiple of 64. Cannot overflow. */
VLY_CLIENT_INLINE uint64_t
vly_client_map_bytes(uint32_t branch_cnt, uint32_t path_cnt, uint32_t spill_cnt)
{
	uint64_t bytes = sizeof(struct vly_client_map) +
			 branch_cnt * (uint64_t)sizeof(struct vly_client_branch) +
			 path_cnt * (uint64_t)sizeof(struct vly_client_path) +
			 spill_cnt * (uint64_t)sizeof(uint32_t);

	return (bytes + 63) & ~UINT64_C(63);
}

VLY_CLIENT_INLINE const struct vly_client_branch *
vly_client_map_branches(const struct vly_client_map *map)
{
	return (const struct vly_client_branch *)(map + 1);
}

VLY_CLIENT_INLINE const struct vly_client_path *
vly_client_map_paths(const struct vly_client_map *map)
{
	return (const struct vly_client_path *)(vly_client_map_branches(map) + map->branch_cnt);
}

VLY_CLIENT_INLINE const uint32_t *
vly_client_map_spill(const struct vly_client_map *map)
{
	return (const uint32_t *)(vly_client_map_paths(map) + map->path_cnt);
}

/* `bits` of the address were looked at, 1..63. */
VLY_CLIENT_INLINE void
vly_client_cursor_advance(struct vly_client_cursor *cursor, unsigned bits)
{
	cursor->high = cursor->high << bits | cursor->low >> (64 - bits);
	cursor->low <<= bits;
	cursor->depth = (uint8_t)(cursor->depth + bits);
}

VLY_CLIENT_INLINE void
vly_client_cursor_await(struct vly_client_cursor *cursor, const void *at, enum vly_client_next next)
{
	cursor->at = at;
	cursor->next = (uint8_t)next;
	__builtin_prefetch(at, 0, 3);
}

/* Goes where an entry says. */
VLY_CLIENT_INLINE void
vly_client_cursor_follow(const struct vly_client_map *map, struct vly_client_cursor *cursor,
			 uint32_t entry)
{
	if (entry & VLY_CLIENT_ENTRY_LEAF) {
		cursor->leaf = entry;
		cursor->next = VLY_CLIENT_NEXT_NONE;
	} else if (entry & VLY_CLIENT_ENTRY_PATH) {
		vly_client_cursor_await(cursor,
					vly_client_map_paths(map) + (entry ^ VLY_CLIENT_ENTRY_PATH),
					VLY_CLIENT_NEXT_PATH);
	} else {
		vly_client_cursor_await(cursor, vly_client_map_branches(map) + entry,
					VLY_CLIENT_NEXT_BRANCH);
	}
}

/* The run of a branch that has the slot. */
VLY_CLIENT_INLINE unsigned
vly_client_branch_run(const struct vly_client_branch *branch, unsigned slot)
{
	unsigned run = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t counted = i < slot / 64 ? UINT64_MAX : UINT64_MAX >> (63 - slot % 64);
		run += i <= slot / 64 ? (unsigned)__builtin_popcountll(branch->first[i] & counted)
				      : 0;
	}
	return run - 1;
}

VLY_CLIENT_INLINE void
vly_client_cursor_branch(const struct vly_client_map *map, struct vly_client_cursor *cursor)
{
	const struct vly_client_branch *branch = (const struct vly_client_branch *)cursor->at;
	unsigned run = vly_client_branch_run(
		branch, (unsigned)(cursor->high >> (64 - VLY_CLIENT_BRANCH_BITS)));

	vly_client_cursor_advance(cursor, VLY_CLIENT_BRANCH_BITS);
	if (run < VLY_CLIENT_BRANCH_INLINE)
		vly_client_cursor_follow(map, cursor, branch->entry[run]);
	else
		vly_client_cursor_await(cursor,
					vly_client_map_spill(map) + branch->spill +
						(run - VLY_CLIENT_BRANCH_INLINE),
					VLY_CLIENT_NEXT_ENTRY);
}

VLY_CLIENT_INLINE void
vly_client_cursor_path(const struct vly_client_map *map, struct vly_client_cursor *cursor)
{
	const struct vly_client_path *path = (const struct vly_client_path *)cursor->at;
	uint64_t different = cursor->high ^ path->bits;
	unsigned bits = VLY_CLIENT_LEAF_BITS(path->other) & 63;
	unsigned equal = different ? (unsigned)__builtin_clzll(different) : 64;

	if (equal < bits) {
		vly_client_cursor_follow(map, cursor,
					 VLY_CLIENT_LEAF(VLY_CLIENT_LEAF_CLASS(path->other),
							 cursor->depth + equal + 1));
		return;
	}
	vly_client_cursor_advance(cursor, bits);
	vly_client_cursor_follow(map, cursor, path->entry);
}

/* Begins a lookup of an IPv4 address, a number in host order. */
VLY_CLIENT_INLINE void
vly_client_map_begin4(const struct vly_client_map *map, uint32_t address,
		      struct vly_client_cursor *cursor)
{
	*cursor = (struct vly_client_cursor){.high = (uint64_t)address
						     << (32 + VLY_CLIENT_MAP_ROOT_BITS),
					     .depth = VLY_CLIENT_MAP_ROOT_BITS};
	vly_client_cursor_await(cursor, &map->root4[address >> (32 - VLY_CLIENT_MAP_ROOT_BITS)],
				VLY_CLIENT_NEXT_ENTRY);
}

/* The same for an IPv6 address, given as its upper and lower 64 bits in host order. */
VLY_CLIENT_INLINE void
vly_client_map_begin6(const struct vly_client_map *map, uint64_t high64, uint64_t low64,
		      struct vly_client_cursor *cursor)
{
	*cursor = (struct vly_client_cursor){.high = high64, .low = low64};
	vly_client_cursor_advance(cursor, VLY_CLIENT_MAP_ROOT_BITS);
	vly_client_cursor_await(cursor, &map->root6[high64 >> (64 - VLY_CLIENT_MAP_ROOT_BITS)],
				VLY_CLIENT_NEXT_ENTRY);
}

/* Reads what was prefetched. Returns whether the leaf is known. */
VLY_CLIENT_INLINE bool
vly_client_map_step(const struct vly_client_map *map, struct vly_client_cursor *cursor)
{
	switch (cursor->next) {
	case VLY_CLIENT_NEXT_ENTRY:
		vly_client_cursor_follow(map, cursor, *(const uint32_t *)cursor->at);
		break;
	case VLY_CLIENT_NEXT_BRANCH:
		vly_client_cursor_branch(map, cursor);
		break;
	case VLY_CLIENT_NEXT_PATH:
		vly_client_cursor_path(map, cursor);
		break;
	default:
		break;
	}
	return cursor->next == VLY_CLIENT_NEXT_NONE;
}

/* Ends the lookup. Returns the leaf. */
VLY_CLIENT_INLINE uint32_t
vly_client_map_finish(const struct vly_client_map *map, struct vly_client_cursor *cursor)
{
	for (unsigned i = 0; i < VLY_CLIENT_MAP_STEPS_MAX && !vly_client_map_step(map, cursor); i++)
		;
	return cursor->leaf;
}

/* The leaf of an address of either family. Of IPv4, its length is 0..32. */
static inline uint32_t
vly_client_map_find(const struct vly_client_map *map, const struct vly_address *address)
{
	uint64_t high = VLY_BE(64, address->half[0]);
	uint64_t low = VLY_BE(64, address->half[1]);
	struct vly_client_cursor cursor;

	if (high == 0 && low >> 32 == 0xffff)
		vly_client_map_begin4(map, (uint32_t)low, &cursor);
	else
		vly_client_map_begin6(map, high, low, &cursor);
	return vly_client_map_finish(map, &cursor);
}

#endif
