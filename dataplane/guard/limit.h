/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Response limits: how much one lcore sends to the network of a client, for each kind of response
 * (struct vly_response_limits).
 *
 * Use:
 *   1. vly_limiter_create() or vly_limiter_init() in the thread that uses it;
 *   2. for each burst, vly_limiter_sweep() if vly_limiter_is_due();
 *   3. for each query, vly_limiter_find(), which prefetches the client's cells;
 *   4. for each response, vly_limiter_spend_first(); if false, vly_limiter_spend(); if that is
 *      false, too, the response is over the limit, and vly_limiter_slips() says whether TC=1 is
 *      sent;
 *   5. vly_limiter_destroy().
 *
 * A sketch of fixed size: a keyed hash gives each network two cells (rate.h) for each kind, both in
 * one cache line, and each with half of the rate. The first cell that has room is charged; a
 * response is over the limit if neither has. So a network that shares one of its cells with a busy
 * one loses half of its rate at worst. To shut it out takes two networks above their limits, or one
 * that shares both cells. No number of sources fills the sketch.
 *
 * One thread per limiter. `limits` are those of the live defence, inside a read side. Nothing
 * blocks, except vly_limiter_init() on a machine that has no randomness yet.
 */
#ifndef VLY_DATAPLANE_LIMIT_H
#define VLY_DATAPLANE_LIMIT_H

#include <stdbool.h>
#include <string.h>

#include <volley/defence.h>

/*
 * 512 KiB for each lcore. A flood of 10 million units a second from random addresses spends 150 a
 * second of each cell: a third of a cell's share of the tightest default. With a thousand networks
 * above their limits, which takes a flood of that size, another network shares both of its cells
 * with them with a probability of 1 in 500. Half the size doubles that; twice the size takes more
 * of the cache from the zones.
 */
#define VLY_LIMIT_LINE_BITS 13
#define VLY_LIMIT_LINE_CNT  (1u << VLY_LIMIT_LINE_BITS)

/* Cells of each row in a line. */
#define VLY_LIMIT_ROW_CELLS 8

struct vly_limit_line {
	uint32_t cell[2][VLY_LIMIT_ROW_CELLS];
} __attribute__((aligned(64)));

struct vly_limiter {
	uint64_t key[2]; /* of the hash; odd */
	uint64_t dice;   /* for slips */
	uint32_t swept;  /* when the line before next_line was due; in rate.h's units */
	uint32_t next_line;
	bool started; /* the cells have been set to a time */
	struct vly_limit_line line[VLY_LIMIT_LINE_CNT];
};

/* Initializes a zeroed limiter with random keys. Returns 0, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int vly_limiter_init(struct vly_limiter *limiter);

/* Returns an initialized limiter, or NULL: no memory, or no randomness. */
struct vly_limiter *vly_limiter_create(void);
void vly_limiter_destroy(struct vly_limiter *limiter);

/* All cells are swept within this time, in units of rate.h. It is less than half of the time after
 * which these wrap, so that a cell of the past is not taken for one of the future. Half a line per
 * millisecond costs nothing. */
#define VLY_LIMIT_SWEEP_UNITS (UINT32_C(16) * VLY_RATE_UNITS_PER_S)

/* Sweeps as many lines as are due. */
__attribute__((nonnull)) void vly_limiter_sweep(struct vly_limiter *limiter, uint32_t now);

static inline bool
vly_limiter_is_due(const struct vly_limiter *limiter, uint32_t now)
{
	return !limiter->started ||
	       now - limiter->swept >= VLY_LIMIT_SWEEP_UNITS / VLY_LIMIT_LINE_CNT;
}

/* The hash of the network of a client: an IPv6 address's upper 64 bits, or an IPv4 address. */
static inline uint32_t
vly_limiter_hash(const struct vly_limiter *limiter, const struct vly_response_limits *limits,
		 uint64_t address, bool ipv4)
{
	uint64_t network =
		address >> (ipv4 ? 32 - limits->prefix4_bits : 64 - limits->prefix6_bits);
	/* Multiplied twice: after one multiplication, neighbours are at equal distances, and with
	 * some keys many of them share a line. */
	uint64_t hash = (network ^ limiter->key[ipv4]) * limiter->key[!ipv4];

	return (uint32_t)((hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static inline struct vly_limit_line *
vly_limiter_line(struct vly_limiter *limiter, uint32_t hash)
{
	return &limiter->line[hash >> (32 - VLY_LIMIT_LINE_BITS)];
}

/* Returns the client's hash, and prefetches its cells. */
static inline uint32_t
vly_limiter_find(struct vly_limiter *limiter, const struct vly_response_limits *limits,
		 uint64_t address, bool ipv4)
{
	uint32_t hash = vly_limiter_hash(limiter, limits, address, ipv4);

	__builtin_prefetch(vly_limiter_line(limiter, hash), 1);
	return hash;
}

/* The cell of a client's network in a row. The kinds of a network share no cell. */
static inline uint32_t *
vly_limiter_cell(struct vly_limit_line *line, uint32_t hash, enum vly_response_kind kind,
		 unsigned row)
{
	unsigned first = hash >> (32 - VLY_LIMIT_LINE_BITS - 3 * (row + 1));

	return &line->cell[row][(first + 2 * kind) % VLY_LIMIT_ROW_CELLS];
}

/* Units by which a cell is ahead of now; 0 for one of the past. */
static inline uint32_t
vly_limiter_ahead(uint32_t cell, uint32_t now)
{
	int32_t ahead = (int32_t)(cell - now);

	return (uint32_t)(ahead & ~(ahead >> 31));
}

/* The cost of a response for a cell, which has half of the rate: twice the configured cost. */
static inline uint64_t
vly_limiter_cost(const struct vly_rate *rate, unsigned bytes)
{
	uint32_t units = (bytes + VLY_RESPONSE_UNIT_BYTES - 1) >> VLY_RESPONSE_UNIT_SHIFT;

	return (uint64_t)rate->cost * units * 2;
}

/* As vly_limiter_spend(), but looks only at the first cell. If false, call that. */
static inline bool
vly_limiter_spend_first(struct vly_limiter *limiter, const struct vly_response_limits *limits,
			uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now)
{
	const struct vly_rate *rate = &limits->rate[kind];
	uint32_t *cell = vly_limiter_cell(vly_limiter_line(limiter, hash), hash, kind, 0);
	uint64_t after = vly_limiter_ahead(*cell, now) + vly_limiter_cost(rate, bytes);

	if (__builtin_expect(after > rate->burst, 0))
		return false;
	*cell = now + (uint32_t)after;
	return true;
}

/* Whether a response of this kind and `bytes` octets is within its client's limit. If so, it is
 * charged. `now` is in rate.h's units. */
__attribute__((nonnull, warn_unused_result)) bool
vly_limiter_spend(struct vly_limiter *limiter, const struct vly_response_limits *limits,
		  uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now);

/* Charges `bytes` octets for a response that is sent in any case. This may take the network beyond
 * its limit, and then nothing is within it until time has passed. Does nothing if the network is
 * beyond its limit already. */
__attribute__((nonnull)) void vly_limiter_charge(struct vly_limiter *limiter,
						 const struct vly_response_limits *limits,
						 uint32_t hash, enum vly_response_kind kind,
						 unsigned bytes, uint32_t now);

/* Whether a limited response is sent with TC=1: one in `slip` of them (0: none), at random, so that
 * no client's queries are always among the others. */
__attribute__((nonnull, warn_unused_result)) bool vly_limiter_slips(struct vly_limiter *limiter,
								    uint32_t slip);

#endif
