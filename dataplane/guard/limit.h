/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Response limits: how much one lcore sends to the network that a client is in, by kind of
 * response (struct vly_response_limits).
 *
 * Use: vly_limiter_create() or _init() in the thread that will use it; per burst and query
 * vly_limiter_find(), which fetches the client's cells while other work goes on; per response
 * vly_limiter_spend_first(), vly_limiter_spend() when that says no, and vly_limiter_slips() when
 * that does, too; vly_limiter_sweep() before all that whenever it is due; vly_limiter_destroy().
 *
 * A sketch of fixed size: by a keyed hash, each network has two cells (rate.h) for each kind, both
 * in one cache line, and each good for half of the rate. The first that has room pays; a response
 * is over the limit when neither has. So a network shares one of its cells with another now and
 * then, and loses a half at worst; it takes two above their limits, or one at both cells, to close
 * it out. No number of sources fills the sketch.
 */
#ifndef VLY_DATAPLANE_LIMIT_H
#define VLY_DATAPLANE_LIMIT_H

#include <stdbool.h>
#include <string.h>

#include <volley/defence.h>

/*
 * 512 KiB for each lcore. 10 million units a second from everywhere are 150 for each cell, a third
 * of the half of what the tightest default lets one network have. With a thousand networks above
 * their limits, which takes as much, another one meets one of them at both cells once in 500. Half
 * the size makes it twice as likely; twice the size takes more of the cache from the zones.
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

/* Makes a limiter of zeros. Keys are random. Returns 0, or a negative errno. */
__attribute__((nonnull, warn_unused_result)) int vly_limiter_init(struct vly_limiter *limiter);

/* NULL: no memory. */
struct vly_limiter *vly_limiter_create(void);
void vly_limiter_destroy(struct vly_limiter *limiter);

/* Cells are swept in this time, in units of rate.h: less than half of the time in which these come
 * round, so that a cell of the past is never taken for one of the future. Half a line a
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
	/* Multiplied twice: once leaves neighbours at equal distances, which some keys make lines
	 * that many of them share. */
	uint64_t hash = (network ^ limiter->key[ipv4]) * limiter->key[!ipv4];

	return (uint32_t)((hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static inline struct vly_limit_line *
vly_limiter_line(struct vly_limiter *limiter, uint32_t hash)
{
	return &limiter->line[hash >> (32 - VLY_LIMIT_LINE_BITS)];
}

/* Says which client it is, and has its cells fetched. */
static inline uint32_t
vly_limiter_find(struct vly_limiter *limiter, const struct vly_response_limits *limits,
		 uint64_t address, bool ipv4)
{
	uint32_t hash = vly_limiter_hash(limiter, limits, address, ipv4);

	__builtin_prefetch(vly_limiter_line(limiter, hash), 1);
	return hash;
}

/* The cell of a client's network in a row. A network's kinds share none. */
static inline uint32_t *
vly_limiter_cell(struct vly_limit_line *line, uint32_t hash, enum vly_response_kind kind,
		 unsigned row)
{
	unsigned first = hash >> (32 - VLY_LIMIT_LINE_BITS - 3 * (row + 1));

	return &line->cell[row][(first + 2 * kind) % VLY_LIMIT_ROW_CELLS];
}

/* Units that a cell lies ahead of now: 0 for one of the past. */
static inline uint32_t
vly_limiter_ahead(uint32_t cell, uint32_t now)
{
	int32_t ahead = (int32_t)(cell - now);

	return (uint32_t)(ahead & ~(ahead >> 31));
}

/* What a response of so many octets costs a cell, which is good for half of the rate. */
static inline uint64_t
vly_limiter_cost(const struct vly_rate *rate, unsigned bytes)
{
	uint32_t units = (bytes + VLY_RESPONSE_UNIT_BYTES - 1) >> VLY_RESPONSE_UNIT_SHIFT;

	return (uint64_t)rate->cost * units * 2;
}

/* vly_limiter_spend() as far as a look at the first cell tells: false means to call that. */
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

/* Whether a response of that kind and so many octets is within its client's limit; it is then
 * spent, otherwise nothing is. `now` is in rate.h's units. */
__attribute__((nonnull, warn_unused_result)) bool
vly_limiter_spend(struct vly_limiter *limiter, const struct vly_response_limits *limits,
		  uint32_t hash, enum vly_response_kind kind, unsigned bytes, uint32_t now);

/* Charges a response that is sent anyway with so many octets, which may take its client's network
 * beyond the limit: until that is made good by time nothing is within it. Does nothing to a network
 * that is beyond it. */
__attribute__((nonnull)) void vly_limiter_charge(struct vly_limiter *limiter,
						 const struct vly_response_limits *limits,
						 uint32_t hash, enum vly_response_kind kind,
						 unsigned bytes, uint32_t now);

/* Whether a limited response is one of those that go out with TC=1: one in `slip` of them, at
 * random, so that nobody's queries can always be the others. 0: none. */
__attribute__((nonnull, warn_unused_result)) bool vly_limiter_slips(struct vly_limiter *limiter,
								    uint32_t slip);

#endif
