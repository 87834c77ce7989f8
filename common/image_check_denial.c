/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/param.h>

#include "image_check_parts.h"

/* The denial of a zone with so many nodes is divided among all parts, and so are its orders with so
 * many keys. Others take less time than the start of a thread. */
#define DIVIDED_CNT 16384

/* Octets of the longest key: each octet of a name twice. */
#define KEY_BYTES_MAX (2 * VLY_NAME_BYTES_MAX)

/* Those of a key that each order looks at, besides the ones that it skips. */
#define KEY_STEP_BYTES 8

/* "0" to "v", base32hex (RFC 5155 §1.3): the owner of an NSEC3 record, below the apex. */
#define HASH_LABEL_BYTES 32

#define BITS_MAX 28

/* Buckets whose pieces are prefetched ahead of the one being checked. */
#define BUCKETS_AHEAD 2

/* A part of a check. */
struct walk {
	struct vly_image_checker checker;
	uint32_t zone_idx;
	/* Octets that may yet be checked, each octet of the heap once: so orders that share others,
	 * or lead to themselves, cost no more than honest ones. */
	uint64_t octets_left;
};

struct share {
	unsigned part;
	unsigned part_cnt;
};

static const struct share whole = {0, 1};

static int
spend(struct walk *walk, uint64_t bytes)
{
	if (bytes > walk->octets_left)
		return vly_image_refuse(walk->checker.error,
					"zone %u: its denial is larger than the heap",
					walk->zone_idx);
	walk->octets_left -= bytes;
	return 0;
}

static int
check_hash_piece(const struct walk *walk, vly_image_ref ref)
{
	if (vly_image_check_piece(&walk->checker, walk->zone_idx, ref) != 0)
		return -1;
	const struct vly_image_piece *piece = vly_image_at(walk->checker.image->heap, ref);
	if (piece->owner_len != 1 + HASH_LABEL_BYTES ||
	    vly_image_piece_wire(piece)[0] != HASH_LABEL_BYTES)
		return vly_image_refuse(walk->checker.error, "piece %u: its owner is no hash", ref);
	return 0;
}

static int
check_entries(const struct walk *walk, uint64_t idx, const struct vly_image_hash_bucket *bucket)
{
	for (unsigned i = 0; i < 7; i++) {
		if (i > 0 && bucket->piece[i - 1] == 0 && bucket->piece[i] != 0)
			return vly_image_refuse(
				walk->checker.error,
				"zone %u: hash bucket %llu has a hash behind a free entry",
				walk->zone_idx, (unsigned long long)idx);
		if (bucket->piece[i] == 0 && bucket->tag[i] != UINT32_MAX)
			return vly_image_refuse(
				walk->checker.error,
				"zone %u: hash bucket %llu has a hash without a piece",
				walk->zone_idx, (unsigned long long)idx);
		if (i > 0 && bucket->tag[i] < bucket->tag[i - 1])
			return vly_image_refuse(walk->checker.error,
						"zone %u: hash bucket %llu is out of order",
						walk->zone_idx, (unsigned long long)idx);
		if (bucket->piece[i] != 0 && check_hash_piece(walk, bucket->piece[i]) != 0)
			return -1;
	}
	return 0;
}

struct buckets {
	const struct vly_image_hash_bucket *bucket;
	uint64_t first_extra;
	uint64_t cnt;
};

static int
check_hash_bucket(const struct walk *walk, const struct buckets *all, uint64_t idx)
{
	const struct vly_image_hash_bucket *bucket = &all->bucket[idx];

	if (check_entries(walk, idx, bucket) != 0)
		return -1;
	if (check_hash_piece(walk, bucket->before) != 0)
		return -1;
	if (bucket->next == 0)
		return 0;
	if (bucket->next <= idx || bucket->next < all->first_extra || bucket->next >= all->cnt ||
	    bucket->piece[6] == 0)
		return vly_image_refuse(walk->checker.error,
					"zone %u: hash bucket %u cannot follow %llu",
					walk->zone_idx, bucket->next, (unsigned long long)idx);
	if (all->bucket[bucket->next].tag[0] < bucket->tag[6])
		return vly_image_refuse(walk->checker.error,
					"zone %u: hash bucket %u is out of order behind %llu",
					walk->zone_idx, bucket->next, (unsigned long long)idx);
	return 0;
}

/* Of a bucket that a query may begin with. Others have their own check of `next`, by which this walk
 * ends if that is wrong. */
static int
check_hash_row(const struct walk *walk, const struct buckets *all, uint64_t idx)
{
	uint64_t at = idx;

	for (unsigned cnt = 0; cnt <= VLY_IMAGE_HASH_NEXT_MAX; cnt++) {
		uint32_t next = all->bucket[at].next;
		if (next <= at || next >= all->cnt)
			return 0;
		at = next;
	}
	return vly_image_refuse(walk->checker.error,
				"zone %u: more than %u hash buckets follow %llu", walk->zone_idx,
				VLY_IMAGE_HASH_NEXT_MAX, (unsigned long long)idx);
}

/* Hashes are in another order than the pieces of their names. */
static void
fetch_pieces(const struct walk *walk, const struct vly_image_hash_bucket *bucket)
{
	for (unsigned i = 0; i < 7; i++)
		__builtin_prefetch(vly_image_at(walk->checker.image->heap, bucket->piece[i]));
}

static uint64_t
hash_bucket_cnt(const struct vly_image_denial *denial)
{
	return (UINT64_C(1) << denial->bits) + denial->extra_cnt;
}

static int
check_hash_buckets(struct walk *walk, const struct vly_image_denial *denial, struct share share)
{
	const struct buckets all = {vly_image_at(walk->checker.image->heap, denial->index),
				    UINT64_C(1) << denial->bits, hash_bucket_cnt(denial)};
	const uint64_t bytes = all.cnt * sizeof(*all.bucket);
	const uint64_t end = vly_image_part_begin(all.cnt, share.part + 1, share.part_cnt);

	if (!vly_image_heap_has(&walk->checker, denial->index, bytes))
		return vly_image_refuse(walk->checker.error,
					"zone %u: its hash buckets are outside the heap",
					walk->zone_idx);
	if (denial->index * (uint64_t)VLY_IMAGE_REF_BYTES % sizeof(*all.bucket) != 0)
		return vly_image_refuse(walk->checker.error,
					"zone %u: its hash buckets are not aligned",
					walk->zone_idx);
	if (spend(walk, bytes) != 0)
		return -1;
	for (uint64_t i = vly_image_part_begin(all.cnt, share.part, share.part_cnt); i < end; i++) {
		if (i + BUCKETS_AHEAD < end)
			fetch_pieces(walk, &all.bucket[i + BUCKETS_AHEAD]);
		if (check_hash_bucket(walk, &all, i) != 0 ||
		    (i < all.first_extra && check_hash_row(walk, &all, i) != 0))
			return -1;
	}
	return 0;
}

static uint64_t
order_bytes(const struct vly_image_order *order)
{
	uint64_t sample_cnt = ((uint64_t)order->cnt + VLY_ORDER_BLOCK - 1) / VLY_ORDER_BLOCK;

	return sizeof(*order) + ((order->skip_len + 7u) & ~7u) +
	       (sample_cnt + order->cnt) * sizeof(uint64_t) +
	       (uint64_t)order->deep_cnt * sizeof(struct vly_image_deep) +
	       (uint64_t)order->cnt * sizeof(vly_image_ref);
}

/* `at`: octets of keys that the orders above have looked at. It grows with each order, so that the
 * depth is limited. */
static int
check_order_head(struct walk *walk, vly_image_ref ref, unsigned at)
{
	const struct vly_image_order *order = vly_image_at(walk->checker.image->heap, ref);

	if (!vly_image_heap_has(&walk->checker, ref, sizeof(*order)))
		return vly_image_refuse(walk->checker.error, "order %u is outside the heap", ref);
	if (!vly_image_heap_has(&walk->checker, ref, order_bytes(order)))
		return vly_image_refuse(walk->checker.error, "order %u extends past the heap", ref);
	if (order->cnt == 0)
		return vly_image_refuse(walk->checker.error, "order %u is empty", ref);
	if (order->deep_cnt > order->cnt)
		return vly_image_refuse(walk->checker.error,
					"order %u: %u deeper orders for %u keys", ref,
					order->deep_cnt, order->cnt);
	if (order->reserved != 0)
		return vly_image_refuse(walk->checker.error, "order %u: unknown flags 0x%x", ref,
					order->reserved);
	if (at + order->skip_len > KEY_BYTES_MAX)
		return vly_image_refuse(walk->checker.error, "order %u is too deep", ref);
	return spend(walk, order_bytes(order));
}

static int
check_keys(const struct walk *walk, vly_image_ref ref, struct share share)
{
	const struct vly_image_order *order = vly_image_at(walk->checker.image->heap, ref);
	const uint64_t *sample = vly_image_order_sample(order);
	const uint64_t *key = vly_image_order_key(order);
	const vly_image_ref *piece = vly_image_order_piece(order);
	const uint64_t end = vly_image_part_begin(order->cnt, share.part + 1, share.part_cnt);

	for (uint64_t i = vly_image_part_begin(order->cnt, share.part, share.part_cnt); i < end;
	     i++) {
		if (i > 0 && key[i] <= key[i - 1])
			return vly_image_refuse(walk->checker.error,
						"order %u: key %llu is out of order", ref,
						(unsigned long long)i);
		if (i % VLY_ORDER_BLOCK == 0 && sample[i / VLY_ORDER_BLOCK] != key[i])
			return vly_image_refuse(walk->checker.error,
						"order %u: the sample differs from key %llu", ref,
						(unsigned long long)i);
		if (vly_image_check_entry(&walk->checker, walk->zone_idx, piece[i]) != 0)
			return -1;
	}
	return 0;
}

static bool
is_divided(const struct walk *walk, vly_image_ref ref)
{
	const struct vly_image_order *order = vly_image_at(walk->checker.image->heap, ref);

	return vly_image_heap_has(&walk->checker, ref, sizeof(*order)) && order->cnt >= DIVIDED_CNT;
}

/* At most KEY_BYTES_MAX / KEY_STEP_BYTES calls deep. */
static int
check_order(struct walk *walk, vly_image_ref ref, unsigned at, struct share share)
{
	if (check_order_head(walk, ref, at) != 0)
		return -1;
	const struct vly_image_order *order = vly_image_at(walk->checker.image->heap, ref);
	const struct vly_image_deep *deep = vly_image_order_deep(order);
	const uint64_t begin = vly_image_part_begin(order->deep_cnt, share.part, share.part_cnt);
	const uint64_t end = vly_image_part_begin(order->deep_cnt, share.part + 1, share.part_cnt);

	if (vly_image_check_entry(&walk->checker, walk->zone_idx, order->before) != 0 ||
	    check_keys(walk, ref, share) != 0)
		return -1;
	at += order->skip_len + KEY_STEP_BYTES;
	for (uint64_t i = 0; i < order->deep_cnt; i++) {
		if (deep[i].idx >= order->cnt || (i > 0 && deep[i].idx <= deep[i - 1].idx))
			return vly_image_refuse(walk->checker.error,
						"order %u: deeper order %llu is out of order", ref,
						(unsigned long long)i);
		bool divided = is_divided(walk, deep[i].order);
		if (!divided && (i < begin || i >= end))
			continue;
		if (check_order(walk, deep[i].order, at, divided ? share : whole) != 0)
			return -1;
	}
	return 0;
}

static int
check_denial_head(const struct walk *walk, const struct vly_image_denial *denial)
{
	const struct vly_image_checker *checker = &walk->checker;
	const vly_image_ref ref = checker->image->zone[walk->zone_idx].denial;

	if (!vly_image_heap_has(checker, ref, sizeof(*denial)) ||
	    !vly_image_heap_has(checker, ref,
				sizeof(*denial) + denial->salt_len + VLY_IMAGE_SLACK_BYTES))
		return vly_image_refuse(checker->error, "zone %u: its denial is outside the heap",
					walk->zone_idx);
	if (denial->kind != VLY_DENIAL_NSEC && denial->kind != VLY_DENIAL_NSEC3)
		return vly_image_refuse(checker->error, "zone %u: unknown kind of denial %u",
					walk->zone_idx, denial->kind);
	if (denial->kind == VLY_DENIAL_NSEC3 && denial->bits > BITS_MAX)
		return vly_image_refuse(checker->error, "zone %u: hash buckets by %u bits",
					walk->zone_idx, denial->bits);
	if (denial->kind == VLY_DENIAL_NSEC3 && denial->iterations > VLY_NSEC3_ITERATIONS_MAX)
		return vly_image_refuse(checker->error, "zone %u: %u iterations are too many",
					walk->zone_idx, denial->iterations);
	return 0;
}

/* `share`: of a large zone. The others are checked whole by the part that they are in. */
static int
check_denial(struct walk *walk, struct share share, bool is_in_part)
{
	const struct vly_image_zone *zone = &walk->checker.image->zone[walk->zone_idx];
	const struct vly_image_denial *denial =
		vly_image_at(walk->checker.image->heap, zone->denial);

	if (zone->node_cnt < DIVIDED_CNT) {
		if (!is_in_part)
			return 0;
		share = whole;
	}
	if (check_denial_head(walk, denial) != 0)
		return -1;
	return denial->kind == VLY_DENIAL_NSEC || (zone->flags & VLY_IMAGE_OVERLAY)
		       ? check_order(walk, denial->index, 0, share)
		       : check_hash_buckets(walk, denial, share);
}

int
vly_image_check_denial(const struct vly_image *image, unsigned part, unsigned part_cnt,
		       struct vly_image_error *error)
{
	struct walk walk = {.checker = vly_image_checker_of(image, error)};
	const uint32_t zone_cnt = image->header->zone_cnt;
	const uint64_t begin = vly_image_part_begin(zone_cnt, part, part_cnt);
	const uint64_t end = vly_image_part_begin(zone_cnt, part + 1, part_cnt);

	walk.octets_left = walk.checker.heap_bytes;
	for (uint32_t i = 0; i < zone_cnt; i++) {
		walk.zone_idx = i;
		if (image->zone[i].denial != 0 &&
		    check_denial(&walk, (struct share){part, part_cnt}, i >= begin && i < end) != 0)
			return -1;
	}
	return 0;
}
