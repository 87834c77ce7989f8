/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steering: which of the alternatives of a steered name (image.h) a client gets. volley-control makes
 * a block of what changes seldom, and slots, which it goes on writing. Both are memfds, passed on with
 * STEER (publish.h).
 *
 * The block is immutable and position-independent; its parts are aligned to 64 octets:
 *
 *     struct vly_steer_header
 *     struct vly_steer_policy[policy_slot_cnt]   by their keys
 *     struct vly_steer_row[row_cnt]              of each policy one for each class of clients
 *     struct vly_steer_map[map_cnt]
 *     the client maps                            struct vly_client_map each
 *
 * How an alternative is chosen, for a choice with a policy (struct vly_image_choice):
 *   1. vly_steer_policy_find() by the choice's key. A block and an image may be replaced in any order,
 *      so the block may not have the policy: then it is alternative 0, for everybody. The scope is the
 *      source prefix, so that no resolver keeps that answer for others when the block has come.
 *   2. The policy's client map gives a class and a prefix length for the client's address. That is
 *      the address in the query's client subnet option (RFC 7871), if the policy uses that, the
 *      resolver may send it, and its source prefix is not 0; otherwise the query's source address. A
 *      policy without a map has class 0 and prefix length 0.
 *   3. The row of the class says which slots there are, and how one of them is picked: at random, in
 *      turn, or by a hash of the client's prefix.
 *   4. The slot has the number of the alternative. It is taken if the choice has so many, otherwise
 *      alternative 0 is.
 *   5. The scope of the answer (RFC 7871 §7.2.1) is the prefix length of step 2, or if that is longer,
 *      and there is more than one slot, that of the client's prefix in step 3. It is 0 if the policy
 *      does not use client subnets.
 *
 * Slots: uint16_t[slot_cnt], and nothing else. When a member of a pool fails, control writes the slots
 * that had it. Each is read and written as a whole (relaxed atomics), and for each the reader checks
 * that the choice has such an alternative. So answers change at once, without a message and without a
 * new block; while several slots are written, some clients get the old state and some the new one.
 *
 * Ownership: control seals the block (VLY_STEER_SEALS) before it passes that on, and the slots against
 * resizing (VLY_STEER_SLOT_SEALS). It keeps its own mapping of the slots. When it makes a new block, it
 * makes new slots, too, and writes to both until the new ones are live.
 *
 * Trust: none. The reader checks the block once (common/steer_check.h), and slots at each read.
 *
 * Integers are in host order. Functions here are pure, and expect a block that was checked.
 */
#ifndef VLY_STEER_H
#define VLY_STEER_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/client_map.h>

/* "VLYSTEER" read as a little-endian number. */
#define VLY_STEER_MAGIC   UINT64_C(0x5245455453594c56)
#define VLY_STEER_VERSION 1

#define VLY_STEER_ALIGN 64

/* Seals that the memfds must carry (fcntl F_GET_SEALS). */
#define VLY_STEER_SEALS      (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define VLY_STEER_SLOT_SEALS (F_SEAL_SHRINK | F_SEAL_GROW)

/* Slots of a row, as a power of two. More make weights finer, but take more of the cache: 4096 slots
 * are 8 KiB, a quarter of the first level, and hold weights to 0.03 %. */
#define VLY_STEER_BITS_MAX 12

/* In place of the index of a map: there is none. */
#define VLY_STEER_NO_MAP UINT32_MAX

struct vly_steer_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes; /* sizeof(struct vly_steer_header) */
	uint64_t block_bytes;  /* the size of the memfd, and a multiple of VLY_STEER_ALIGN */
	uint64_t checksum;     /* XXH3_64bits() of the block behind the header */
	uint64_t generation;   /* counts blocks, chosen by control */
	/* Of vly_steer_sticky_idx(). With the same key, other servers send a client to the same
	 * slot. */
	uint64_t sticky_key[2];
	uint32_t policy_slot_cnt; /* a power of two; at least one is free */
	uint32_t row_cnt;
	uint32_t map_cnt;
	uint32_t slot_cnt; /* 1..; the slots' memfd has 2 octets for each */
	/* 1: client subnet options are read and echoed; 0: they are ignored as unknown ones are */
	uint32_t ecs;
	/* A map: resolvers of class 1 may send the option, it is ignored from others. Or
	 * VLY_STEER_NO_MAP: all may. */
	uint32_t resolver_map;
	uint64_t policy_off; /* of the first policy, from the start of the block */
	uint64_t row_off;
	uint64_t map_off;
	uint64_t reserved[3]; /* 0 */
};
static_assert(sizeof(struct vly_steer_header) == 128, "the header is two cache lines");

enum vly_steer_policy_flag {
	VLY_STEER_USES_ECS =
		1, /* the client is that of the client subnet option, if there is one */
};

struct vly_steer_policy {
	/* As in struct vly_image_choice: a hash over the policy's name and how it numbers its
	 * alternatives. 0: this entry is free. */
	uint64_t key;
	uint32_t map;       /* index; or VLY_STEER_NO_MAP */
	uint32_t class_cnt; /* 1..VLY_CLIENT_CLASS_MAX, no less than the map has; without a map 1 */
	uint32_t row;       /* index of the row of class 0; the others follow */
	uint8_t flags;      /* enum vly_steer_policy_flag */
	uint8_t reserved[11]; /* 0 */
};
static_assert(sizeof(struct vly_steer_policy) == 32, "two to a cache line");

enum vly_steer_method {
	VLY_STEER_RANDOM, /* each slot with the same probability: slots are weights */
	VLY_STEER_ROTATE, /* in turn, by each thread that answers, for each steered type */
	VLY_STEER_STICKY, /* by the client's prefix: vly_steer_sticky_idx() */
	VLY_STEER_METHOD_CNT
};

struct vly_steer_row {
	uint32_t slot;        /* index of its first slot */
	uint8_t bits;         /* it has 1 << bits slots, 0..VLY_STEER_BITS_MAX */
	uint8_t method;       /* enum vly_steer_method */
	uint8_t sticky4_bits; /* sticky: of the client's prefix, 0..32; others: 0 */
	uint8_t sticky6_bits; /* 0..128 */
};
static_assert(sizeof(struct vly_steer_row) == 8, "eight to a cache line");

/* A client map, from the start of the block. */
struct vly_steer_map {
	uint64_t off; /* a multiple of VLY_STEER_ALIGN */
	uint64_t bytes;
};

static inline const struct vly_steer_policy *
vly_steer_policies(const struct vly_steer_header *steer)
{
	return (const void *)((const uint8_t *)steer + steer->policy_off);
}

static inline const struct vly_steer_row *
vly_steer_rows(const struct vly_steer_header *steer)
{
	return (const void *)((const uint8_t *)steer + steer->row_off);
}

static inline const struct vly_steer_map *
vly_steer_maps(const struct vly_steer_header *steer)
{
	return (const void *)((const uint8_t *)steer + steer->map_off);
}

/* The client map with the index, which exists. */
static inline const struct vly_client_map *
vly_steer_map_at(const struct vly_steer_header *steer, uint32_t idx)
{
	return (const void *)((const uint8_t *)steer + vly_steer_maps(steer)[idx].off);
}

/*
 * The policy with a key that is not 0, or NULL. The writer puts a policy into the first free entry
 * from (key % policy_slot_cnt) on; the first entry follows the last.
 */
static inline const struct vly_steer_policy *
vly_steer_policy_find(const struct vly_steer_header *steer, uint64_t key)
{
	const struct vly_steer_policy *policy = vly_steer_policies(steer);
	const uint32_t mask = steer->policy_slot_cnt - 1;

	for (uint32_t probe = 0; probe <= mask; probe++) {
		const struct vly_steer_policy *at = &policy[((uint32_t)key + probe) & mask];
		if (at->key == key)
			return at;
		if (at->key == 0)
			return NULL;
	}
	return NULL;
}

/* The upper half of a product of 64 bits each, mixed with the lower one. */
static inline uint64_t
vly_steer_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/*
 * Which of the 1 << bits slots a client's prefix has. `word`: the address as two big-endian numbers,
 * IPv4 as the upper 32 bits of the first; only the first prefix_bits (0..128, IPv4 0..32) count.
 */
static inline uint32_t
vly_steer_sticky_idx(const uint64_t key[2], const uint64_t word[2], bool is_ipv4,
		     unsigned prefix_bits, unsigned bits)
{
	const uint64_t mask0 = prefix_bits == 0   ? 0
			       : prefix_bits < 64 ? ~(UINT64_MAX >> prefix_bits)
						  : UINT64_MAX;
	const uint64_t mask1 = prefix_bits <= 64   ? 0
			       : prefix_bits < 128 ? ~(UINT64_MAX >> (prefix_bits - 64))
						   : UINT64_MAX;
	/* odd parts of pi, so that a key of zeros hashes, too */
	const uint64_t a = UINT64_C(0x243f6a8885a308d3) ^ key[0];
	const uint64_t b = UINT64_C(0x13198a2e03707345) ^ key[1];
	uint64_t hash = vly_steer_fold((word[0] & mask0) ^ a, b ^ (is_ipv4 ? 4 : 6));

	hash = vly_steer_fold(hash ^ (word[1] & mask1) ^ b, UINT64_C(0xa4093822299f31d1) ^ a);
	return bits == 0 ? 0 : (uint32_t)(hash >> (64 - bits));
}

#endif
