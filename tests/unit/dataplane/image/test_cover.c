/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The searches for what covers a name, in orders and buckets that the test builds as image.h
 * describes them, against scans over all owners. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "image/cover.h"
#include "random.h"

#define HEAP_BYTES (8u << 20)
#define NAMES_MAX  600
#define LABELS_MAX 254

struct owner {
	unsigned len; /* of the labels, without the apex */
	uint8_t label[LABELS_MAX];
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	vly_image_ref piece;
};

struct world {
	struct vly_test_random random;
	uint8_t *heap;
	unsigned used;
	struct owner owner[NAMES_MAX];
	unsigned cnt;
};

static vly_image_ref
take(struct world *world, unsigned bytes, unsigned align)
{
	unsigned off = (world->used + align - 1) / align * align;

	world->used = off + bytes;
	cr_assert_lt(world->used, HEAP_BYTES);
	return off / VLY_IMAGE_REF_BYTES;
}

static void *
at(const struct world *world, vly_image_ref ref)
{
	return world->heap + ref * VLY_IMAGE_REF_BYTES;
}

static void
open_world(struct world *world, uint64_t seed)
{
	world->random = (struct vly_test_random){seed};
	world->heap = aligned_alloc(VLY_IMAGE_ALIGN, HEAP_BYTES);
	cr_assert_not_null(world->heap);
	memset(world->heap, 0, HEAP_BYTES);
	world->used = VLY_IMAGE_ALIGN;
	world->cnt = 0;
}

static void
add_piece(struct world *world, struct owner *owner, const uint8_t *labels, unsigned len)
{
	owner->piece = take(world, 8 + len, 8);
	struct vly_image_piece *piece = at(world, owner->piece);
	piece->owner_len = (uint8_t)len;
	piece->record_cnt = 1;
	memcpy(piece->rrsig_off, labels, len);
}

/* RFC 4034 §6.1: label by label from the right. */
static int
canonical(const struct owner *a, const struct owner *b)
{
	unsigned a_end = a->len, b_end = b->len;

	while (a_end > 0 && b_end > 0) {
		unsigned x = 0, y = 0;
		while (x + a->label[x] + 1 != a_end)
			x += a->label[x] + 1u;
		while (y + b->label[y] + 1 != b_end)
			y += b->label[y] + 1u;
		unsigned x_len = a->label[x], y_len = b->label[y];
		int order =
			memcmp(a->label + x + 1, b->label + y + 1, x_len < y_len ? x_len : y_len);
		if (order != 0 || x_len != y_len)
			return order != 0 ? order : (int)x_len - (int)y_len;
		a_end = x;
		b_end = y;
	}
	return (a_end > 0) - (b_end > 0);
}

static int
by_name(const void *a, const void *b)
{
	return canonical(a, b);
}

static int
by_hash(const void *a, const void *b)
{
	return memcmp(((const struct owner *)a)->hash, ((const struct owner *)b)->hash,
		      VLY_NSEC3_HASH_BYTES);
}

/* One to four labels: words that begin with one another, long ones, and extreme octets. */
static void
random_labels(struct vly_test_random *random, struct owner *owner)
{
	static const char *const words[] = {"a",
					    "aaaaaaa",
					    "aaaaaaaa",
					    "aaaaaaaaa",
					    "host0001",
					    "host00000001",
					    "an-exceptionally-long-label-that-needs-several-orders",
					    ""};
	static const uint8_t octets[] = {0, 1, 2, 'a', 'b', 255};

	owner->len = 0;
	for (unsigned i = 1 + vly_test_random_below(random, 4); i > 0; i--) {
		const char *word = words[vly_test_random_below(random, 8)];
		uint8_t *label = owner->label + owner->len;
		unsigned len = (unsigned)strlen(word);
		memcpy(label + 1, word, len);
		for (unsigned more = vly_test_random_below(random, 3) + (len == 0); more > 0;
		     more--)
			label[1 + len++] = octets[vly_test_random_below(random, sizeof(octets))];
		label[0] = (uint8_t)len;
		owner->len += len + 1;
		if (owner->len > LABELS_MAX - VLY_LABEL_BYTES_MAX - 1)
			break;
	}
}

/* The key of a name, from what image.h says. */
static unsigned
naive_key(const struct owner *owner, uint8_t key[VLY_ORDER_KEY_BYTES])
{
	unsigned len = 0;

	memset(key, 0, VLY_ORDER_KEY_BYTES);
	for (unsigned end = owner->len; end > 0;) {
		unsigned start = 0;
		while (start + owner->label[start] + 1 != end)
			start += owner->label[start] + 1u;
		for (unsigned i = start + 1; i < end; i++) {
			if (owner->label[i] <= 1)
				key[len++] = 1;
			key[len++] = (uint8_t)(owner->label[i] + (owner->label[i] <= 1));
		}
		key[len++] = 0;
		end = start;
	}
	return len;
}

static uint64_t
head_of(const struct owner *owner, unsigned depth)
{
	uint8_t key[VLY_ORDER_KEY_BYTES];
	uint64_t head = 0;

	(void)naive_key(owner, key);
	for (unsigned i = depth; i < depth + 8; i++)
		head = head << 8 | (i < VLY_ORDER_KEY_BYTES ? key[i] : 0);
	return head;
}

/* Octets behind `depth` that all the keys share. */
static unsigned
shared_octets(const struct owner *owner, unsigned cnt, unsigned depth)
{
	uint8_t first[VLY_ORDER_KEY_BYTES], key[VLY_ORDER_KEY_BYTES];
	unsigned end = naive_key(&owner[0], first);

	for (unsigned i = 1; i < cnt; i++) {
		unsigned len = naive_key(&owner[i], key);
		unsigned same = depth;
		while (same < end && same < len && first[same] == key[same])
			same++;
		end = same;
	}
	return end > depth ? end - depth : 0;
}

static vly_image_ref
build_order(struct world *world, const struct owner *owner, unsigned cnt, unsigned depth,
	    vly_image_ref before)
{
	const unsigned skip_len = cnt > 1 ? shared_octets(owner, cnt, depth) : 0;
	uint8_t key[VLY_ORDER_KEY_BYTES];
	uint64_t head[NAMES_MAX];
	unsigned first[NAMES_MAX + 1];
	unsigned entry_cnt = 0, deep_cnt = 0;

	for (unsigned i = 0; i < cnt; i++) {
		uint64_t octets = head_of(&owner[i], depth + skip_len);
		if (entry_cnt > 0 && head[entry_cnt - 1] == octets)
			continue;
		first[entry_cnt] = i;
		head[entry_cnt++] = octets;
	}
	first[entry_cnt] = cnt;
	for (unsigned i = 0; i < entry_cnt; i++)
		deep_cnt += first[i + 1] - first[i] > 1;
	unsigned sample_cnt = (entry_cnt + VLY_ORDER_BLOCK - 1) / VLY_ORDER_BLOCK;
	vly_image_ref ref = take(world,
				 (unsigned)sizeof(struct vly_image_order) + ((skip_len + 7) & ~7u) +
					 8 * (sample_cnt + entry_cnt + deep_cnt) + 4 * entry_cnt,
				 8);
	struct vly_image_order *order = at(world, ref);
	*order = (struct vly_image_order){.cnt = entry_cnt,
					  .deep_cnt = deep_cnt,
					  .before = before,
					  .skip_len = (uint16_t)skip_len};
	(void)naive_key(&owner[0], key);
	memcpy(order + 1, key + depth, skip_len);
	uint64_t *sample = (uint64_t *)(uintptr_t)vly_image_order_sample(order);
	struct vly_image_deep *deep =
		(struct vly_image_deep *)(uintptr_t)vly_image_order_deep(order);
	vly_image_ref *piece = (vly_image_ref *)(uintptr_t)vly_image_order_piece(order);
	for (unsigned i = 0; i < entry_cnt; i++) {
		sample[i / VLY_ORDER_BLOCK] =
			i % VLY_ORDER_BLOCK == 0 ? head[i] : sample[i / VLY_ORDER_BLOCK];
		sample[sample_cnt + i] = head[i];
		piece[i] = owner[first[i + 1] - 1].piece;
		if (first[i + 1] - first[i] > 1)
			*deep++ = (struct vly_image_deep){
				i,
				build_order(world, owner + first[i], first[i + 1] - first[i],
					    depth + skip_len + 8, i > 0 ? piece[i - 1] : before)};
	}
	return ref;
}

static void
fill_names(struct world *world, unsigned cnt)
{
	world->owner[world->cnt++].len = 0; /* the apex */
	while (world->cnt < cnt)
		random_labels(&world->random, &world->owner[world->cnt++]);
	qsort(world->owner, world->cnt, sizeof(world->owner[0]), by_name);
	unsigned kept = 1;
	for (unsigned i = 1; i < world->cnt; i++)
		if (canonical(&world->owner[kept - 1], &world->owner[i]) != 0)
			world->owner[kept++] = world->owner[i];
	world->cnt = kept;
	for (unsigned i = 0; i < world->cnt; i++)
		add_piece(world, &world->owner[i], world->owner[i].label, world->owner[i].len);
}

static void
check_order(struct world *world, vly_image_ref ref)
{
	for (unsigned i = 0; i < 1000; i++) {
		struct owner name;
		struct vly_order_search search;
		unsigned idx = 0;
		random_labels(&world->random, &name);
		if (i % 4 == 0)
			name = world->owner[vly_test_random_below(&world->random, world->cnt)];
		while (idx + 1 < world->cnt && canonical(&world->owner[idx + 1], &name) <= 0)
			idx++;
		vly_order_begin(&search, at(world, ref), name.label, name.len);
		cr_assert_eq(vly_order_find(&search, world->heap, name.label, name.len),
			     world->owner[idx].piece, "question %u of %u names", i, world->cnt);
	}
}

Test(cover, orders)
{
	static struct world world;

	for (unsigned round = 0; round < 60; round++) {
		open_world(&world, 4034 + round);
		fill_names(&world, 1 + vly_test_random_below(&world.random, NAMES_MAX));
		check_order(&world, build_order(&world, world.owner, world.cnt, 0,
						world.owner[world.cnt - 1].piece));
		free(world.heap);
	}
}

static void
write_digits(const uint8_t hash[VLY_NSEC3_HASH_BYTES], uint8_t label[33])
{
	label[0] = 32;
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = 0;
		for (unsigned bit = 5 * i; bit < 5 * i + 5; bit++)
			value = value << 1 | (hash[bit / 8] >> (7 - bit % 8) & 1);
		label[1 + i] = (uint8_t)(value < 10 ? '0' + value : 'a' + value - 10);
	}
}

/* A hash whose first octets are often those of another, so that many tags are equal. */
static void
random_hash(struct world *world, uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	unsigned same = vly_test_random_below(&world->random, 12);

	vly_test_random_fill(&world->random, hash, VLY_NSEC3_HASH_BYTES);
	if (world->cnt > 0 && vly_test_random_chance(&world->random, 70))
		memcpy(hash, world->owner[vly_test_random_below(&world->random, world->cnt)].hash,
		       same);
	if (vly_test_random_chance(&world->random, 10))
		memset(hash + same, 0xff, 8);
}

static uint64_t
first_bits(const uint8_t *hash)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < 8; i++)
		bits = bits << 8 | hash[i];
	return bits;
}

static unsigned
bucket_of(const uint8_t *hash, unsigned bits)
{
	return bits == 0 ? 0 : (unsigned)(first_bits(hash) >> (64 - bits));
}

/* Fills the buckets from owners in the order of their hashes. Returns the denial. */
static vly_image_ref
build_buckets(struct world *world, unsigned bits)
{
	const unsigned bucket_cnt = 1u << bits;
	const unsigned extra_max = world->cnt / 7 + 1;
	vly_image_ref index = take(world, (bucket_cnt + extra_max) * 64, 64);
	struct vly_image_hash_bucket *bucket = at(world, index);
	vly_image_ref last = world->owner[world->cnt - 1].piece;
	unsigned extra_cnt = 0, idx = 0;

	for (unsigned i = 0; i < bucket_cnt + extra_max; i++)
		memset(bucket[i].tag, 0xff, sizeof(bucket[i].tag));
	for (unsigned i = 0; i < bucket_cnt; i++) {
		struct vly_image_hash_bucket *to = &bucket[i];
		to->before = last;
		for (unsigned fill = 0;
		     idx < world->cnt && bucket_of(world->owner[idx].hash, bits) == i; idx++) {
			if (fill == 7) {
				to->next = bucket_cnt + extra_cnt++;
				to = &bucket[to->next];
				to->before = last;
				fill = 0;
			}
			to->tag[fill] =
				(uint32_t)(first_bits(world->owner[idx].hash) << bits >> 32);
			last = to->piece[fill++] = world->owner[idx].piece;
		}
	}
	vly_image_ref ref = take(world, sizeof(struct vly_image_denial), 8);
	*(struct vly_image_denial *)at(world, ref) =
		(struct vly_image_denial){.kind = VLY_DENIAL_NSEC3,
					  .bits = (uint8_t)bits,
					  .extra_cnt = extra_cnt,
					  .index = index};
	return ref;
}

static void
check_buckets(struct world *world, vly_image_ref ref)
{
	const struct vly_image_denial *denial = at(world, ref);
	const struct vly_image_hash_bucket *bucket = at(world, denial->index);
	static const struct vly_name name;

	for (unsigned i = 0; i < 2000; i++) {
		struct vly_cover cover = {.denial = denial};
		unsigned idx = world->cnt - 1;
		random_hash(world, cover.hash);
		cover.bucket = &bucket[bucket_of(cover.hash, denial->bits)];
		cover.tag = (uint32_t)(first_bits(cover.hash) << denial->bits >> 32);
		for (unsigned at_idx = 0; at_idx < world->cnt; at_idx++)
			if (memcmp(world->owner[at_idx].hash, cover.hash, VLY_NSEC3_HASH_BYTES) <=
			    0)
				idx = at_idx;
		cr_assert_eq(vly_cover_find(&cover, world->heap, &name, 0),
			     at(world, world->owner[idx].piece),
			     "question %u of %u hashes, %u bits", i, world->cnt, denial->bits);
	}
}

Test(cover, buckets)
{
	static struct world world;

	for (unsigned round = 0; round < 60; round++) {
		open_world(&world, 5155 + round);
		unsigned cnt = 1 + vly_test_random_below(&world.random, NAMES_MAX);
		for (; world.cnt < cnt; world.cnt++)
			random_hash(&world, world.owner[world.cnt].hash);
		qsort(world.owner, world.cnt, sizeof(world.owner[0]), by_hash);
		for (unsigned i = 0; i < world.cnt; i++) {
			uint8_t label[33];
			write_digits(world.owner[i].hash, label);
			add_piece(&world, &world.owner[i], label, sizeof(label));
		}
		check_buckets(&world, build_buckets(&world, round % 9));
		free(world.heap);
	}
}
