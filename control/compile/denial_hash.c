/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NSEC3: the chain that belongs to an NSEC3PARAM record, as sorted hashes and as buckets. */
#include <stdlib.h>

#include "denial_parts.h"
#include "zone/nsec3_record.h"

/* Hashes in a bucket of the image. */
#define BUCKET_CNT 7

/* Hashes for each bucket, on average, at most. */
#define HASHES_PER_BUCKET 4

#define BITS_MAX 28

/* Hashes in one bucket: with so many, the owners are no hashes of names, and each query would look
 * at all of them. Among 2^28 buckets of hashes, none has 40. */
#define SAME_BITS_MAX 64
static_assert(SAME_BITS_MAX <= BUCKET_CNT * (1 + VLY_IMAGE_HASH_NEXT_MAX), "a reader takes them");

/* NSEC3PARAM records that are looked at: a zone has one, or two while its chain is exchanged. */
#define PARAMS_MAX 8

/* Iterations for all names of a zone that has too many for validators: a few seconds. With more, a
 * large zone that nobody validates would keep the thread for hours. */
#define INSECURE_ROUNDS_MAX 50000000

const struct vly_zone_record *
vly_denial_find_nsec3(const struct vly_zone *zone, uint32_t idx,
		      const struct vly_nsec3_params *params)
{
	const struct vly_zone_record *record;

	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == VLY_TYPE_NSEC3 && vly_nsec3_has_params(record, params))
			return record;
	}
	return NULL;
}

static int
by_hash(const void *a, const void *b)
{
	return memcmp(a, b, VLY_NSEC3_HASH_BYTES);
}

/* Finds the chain with denial->params, and what is gone from it: hash[] without pieces. */
static void
collect(struct vly_denial *denial)
{
	const struct vly_zone *zone = denial->zone;
	bool in_order = true;
	unsigned len;

	denial->cnt = 0;
	for (uint32_t i = 1; i < denial->node_cnt; i++) {
		struct vly_denial_hash *entry = &denial->hash[denial->cnt];
		if (zone->node[i].parent != 0 ||
		    !vly_nsec3_read_owner(vly_zone_node_name(zone, i, &len), entry->hash) ||
		    (!vly_denial_is_gone(denial, i) &&
		     vly_denial_find_nsec3(zone, i, &denial->params) == NULL))
			continue;
		entry->node = i;
		in_order &= denial->cnt == 0 || by_hash(entry - 1, entry) < 0;
		denial->cnt++;
	}
	if (!in_order)
		qsort(denial->hash, denial->cnt, sizeof(*denial->hash), by_hash);
}

/* Whether each record of the chain names the next one, and the last one the first. Of a part of a zone,
 * which has one chain, nobody asks. */
static bool
is_closed(const struct vly_denial *denial)
{
	if (denial->heir != NULL)
		return false;
	for (uint32_t i = 0; i < denial->cnt; i++) {
		const struct vly_denial_hash *next = &denial->hash[i + 1 < denial->cnt ? i + 1 : 0];
		const struct vly_zone_record *record =
			vly_denial_find_nsec3(denial->zone, denial->hash[i].node, &denial->params);
		unsigned at = VLY_NSEC3_HEAD_BYTES + denial->params.salt_len;
		if (record->data_len < at + 1u + VLY_NSEC3_HASH_BYTES ||
		    record->data[at] != VLY_NSEC3_HASH_BYTES ||
		    memcmp(record->data + at + 1, next->hash, VLY_NSEC3_HASH_BYTES) != 0)
			return false;
	}
	return true;
}

/* The top bits, which select a bucket. */
static uint32_t
bucket_of(const struct vly_denial *denial, const uint8_t *hash)
{
	return (uint32_t)(((uint64_t)vly_be32(hash) << denial->bits) >> 32);
}

static uint32_t
tag_of(const struct vly_denial *denial, const uint8_t *hash)
{
	return (uint32_t)(vly_be64(hash) << denial->bits >> 32);
}

static int
refuse_crowd(const struct vly_denial *denial, uint32_t at)
{
	const struct vly_zone_record *record =
		vly_denial_find_nsec3(denial->zone, denial->hash[at].node, &denial->params);

	vly_zone_report_add(denial->report, VLY_ZONE_CHECK_must,
			    denial->zone->file[record->file_idx], record->line,
			    "the owners of more than %u NSEC3 records begin alike: they are no "
			    "hashes of names (RFC 5155 §5)",
			    SAME_BITS_MAX);
	return -1;
}

/* Notes where the hashes of each bucket begin. */
static int
index_hashes(struct vly_denial *denial)
{
	uint32_t at = 0;

	for (denial->bits = 0;
	     denial->bits < BITS_MAX && denial->cnt >> denial->bits > HASHES_PER_BUCKET;)
		denial->bits++;
	uint64_t bucket_cnt = UINT64_C(1) << denial->bits;
	denial->first = vly_pages_alloc((bucket_cnt + 1) * sizeof(*denial->first));
	if (denial->first == NULL)
		return -1;
	for (uint64_t i = 0; i <= bucket_cnt; i++) {
		while (at < denial->cnt && bucket_of(denial, denial->hash[at].hash) < i)
			at++;
		denial->first[i] = at;
		if (i > 0 && at - denial->first[i - 1] > SAME_BITS_MAX && denial->heir == NULL)
			return refuse_crowd(denial, at - 1);
	}
	return 0;
}

/* The number of hashes that are not behind this one. In a part of a zone, many may be in one bucket. */
static uint32_t
count_to(const struct vly_denial *denial, const uint8_t *hash)
{
	const uint32_t bucket = bucket_of(denial, hash);
	uint32_t low = denial->first[bucket];
	uint32_t high = denial->first[bucket + 1];

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (memcmp(denial->hash[middle].hash, hash, VLY_NSEC3_HASH_BYTES) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct vly_denial_hash *
vly_denial_hash_find(const struct vly_denial *denial, const uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	uint32_t cnt = count_to(denial, hash);

	return cnt > 0 && memcmp(denial->hash[cnt - 1].hash, hash, VLY_NSEC3_HASH_BYTES) == 0
		       ? &denial->hash[cnt - 1]
		       : NULL;
}

vly_image_ref
vly_denial_hash_heir(const struct vly_denial *denial, uint32_t idx)
{
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	unsigned len;
	const uint8_t *name = vly_zone_node_name(denial->zone, denial->heir[idx], &len);
	const struct vly_denial_hash *entry =
		vly_nsec3_read_owner(name, hash) ? vly_denial_hash_find(denial, hash) : NULL;

	return entry != NULL ? entry->piece : 0;
}

/* The piece of an entry, or of the heir of one that is gone. */
static vly_image_ref
piece_of(const struct vly_denial *denial, uint32_t entry_idx)
{
	const struct vly_denial_hash *entry = &denial->hash[entry_idx];

	return vly_denial_is_gone(denial, entry->node) ? vly_denial_hash_heir(denial, entry->node)
						       : entry->piece;
}

vly_image_ref
vly_denial_hash_cover(const struct vly_denial *denial, const uint8_t *name, unsigned name_len)
{
	uint8_t hash[VLY_NSEC3_HASH_BYTES];

	/* validators don't look at it (image.h) */
	if (denial->params.iterations > VLY_NSEC3_ITERATIONS_MAX)
		return denial->hash[0].piece;
	vly_nsec3_hash(&denial->params, name, name_len, hash);
	uint32_t cnt = count_to(denial, hash);
	return piece_of(denial, (cnt > 0 ? cnt : denial->cnt) - 1);
}

/* Whether the chain with denial->params has an NSEC3 for the apex. */
static bool
has_apex(const struct vly_denial *denial)
{
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	unsigned len;
	const uint8_t *name = vly_zone_node_name(denial->zone, 0, &len);

	vly_nsec3_hash(&denial->params, name, len, hash);
	return denial->cnt > 0 &&
	       bsearch(hash, denial->hash, denial->cnt, sizeof(*denial->hash), by_hash) != NULL;
}

/* Makes hash[] that of the best chain: one that is closed, or else the longest. False: none. */
static bool
choose(struct vly_denial *denial, const struct vly_rrset *params_set)
{
	struct vly_nsec3_params best;
	uint64_t best_rank = 0;

	for (unsigned i = 0; i < params_set->record_cnt && i < PARAMS_MAX; i++) {
		const struct vly_zone_record *record = params_set->record[i];
		if (!vly_nsec3_read_params(record, &denial->params) || record->data[1] != 0)
			continue;
		collect(denial);
		uint64_t rank = denial->cnt + ((uint64_t)is_closed(denial) << 32);
		if (!has_apex(denial) || rank <= best_rank)
			continue;
		best_rank = rank;
		best = denial->params;
	}
	if (best_rank == 0)
		return false;
	denial->params = best;
	memcpy(denial->salt, best.salt, best.salt_len);
	denial->params.salt = denial->salt;
	if (params_set->record_cnt > 1)
		collect(denial);
	return true;
}

/* The hash of node `idx`: index and 1; 0: there is none. */
static uint32_t
match_node(const struct vly_denial *denial, uint32_t idx)
{
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	unsigned len;
	const uint8_t *name = vly_zone_node_name(denial->zone, idx, &len);

	vly_nsec3_hash(&denial->params, name, len, hash);
	const struct vly_denial_hash *entry = vly_denial_hash_find(denial, hash);
	return entry != NULL && !vly_denial_is_gone(denial, entry->node)
		       ? (uint32_t)(entry - denial->hash) + 1
		       : 0;
}

/* Where it would take too long, each name has the apex' record: it shows the iterations, and
 * validators look at nothing else. */
static void
match_nodes(struct vly_denial *denial)
{
	const struct vly_zone *zone = denial->zone;
	const uint64_t rounds = (uint64_t)denial->params.iterations * denial->node_cnt;
	bool is_costly = denial->params.iterations > VLY_NSEC3_ITERATIONS_MAX &&
			 rounds > INSECURE_ROUNDS_MAX;

	denial->match[0] = match_node(denial, 0);
	for (uint32_t i = 1; i < denial->node_cnt; i++)
		if (!(zone->node[i].flags & VLY_ZONE_HIDDEN))
			denial->match[i] = is_costly ? denial->match[0] : match_node(denial, i);
}

/* A hash without a piece is left out. */
static int
number_pieces(struct vly_denial *denial)
{
	uint32_t cnt = 0;

	for (uint32_t i = 0; i < denial->cnt; i++) {
		struct vly_denial_hash entry = denial->hash[i];
		if (vly_denial_is_gone(denial, entry.node))
			entry.piece = vly_denial_number(denial, entry.node);
		else if (vly_denial_number_piece(denial, entry.node, &entry.piece) != 0)
			return -1;
		denial->hash[cnt] = entry;
		cnt += entry.piece != 0;
	}
	denial->cnt = cnt;
	return 0;
}

/* Of a part of a zone, the image has an order: signers renew records that are close to each other, which
 * would crowd into a few buckets. */
static int
list_owners(struct vly_denial *denial)
{
	denial->name = vly_pages_alloc(denial->size * sizeof(*denial->name));
	if (denial->name == NULL)
		return -1;
	for (uint32_t i = 0; i < denial->cnt; i++)
		denial->name[i] = (struct vly_denial_name){.node = denial->hash[i].node,
							   .piece = denial->hash[i].piece};
	return 0;
}

int
vly_denial_hash_load(struct vly_denial *denial, struct vly_rrsets *rrsets)
{
	const struct vly_rrset *params_set = vly_rrsets_find(rrsets, VLY_TYPE_NSEC3PARAM);

	if (params_set == NULL)
		return 0;
	denial->size = denial->node_cnt;
	denial->hash = vly_pages_alloc(denial->size * sizeof(*denial->hash));
	denial->piece = vly_pages_alloc(denial->size * sizeof(*denial->piece));
	if (denial->hash == NULL || denial->piece == NULL)
		return -1;
	if (!choose(denial, params_set))
		return 0;
	denial->kind = VLY_DENIAL_NSEC3;
	if (number_pieces(denial) != 0 || index_hashes(denial) != 0)
		return -1;
	match_nodes(denial);
	return denial->heir != NULL ? list_owners(denial) : 0;
}

/* Fills a bucket with up to seven hashes from `at` on; returns how many. */
static uint32_t
fill_bucket(const struct vly_denial *denial, struct vly_image_hash_bucket *bucket, uint32_t at,
	    uint32_t end)
{
	uint32_t cnt = end - at < BUCKET_CNT ? end - at : BUCKET_CNT;

	bucket->before = denial->hash[(at > 0 ? at : denial->cnt) - 1].piece;
	for (uint32_t i = 0; i < BUCKET_CNT; i++) {
		bucket->tag[i] = i < cnt ? tag_of(denial, denial->hash[at + i].hash) : UINT32_MAX;
		bucket->piece[i] = i < cnt ? denial->hash[at + i].piece : 0;
	}
	return cnt;
}

vly_image_ref
vly_denial_hash_append(struct vly_denial *denial, uint32_t *extra_cnt)
{
	uint64_t bucket_cnt = UINT64_C(1) << denial->bits;
	uint32_t extra = 0;

	for (uint64_t i = 0; i < bucket_cnt; i++) {
		uint32_t cnt = denial->first[i + 1] - denial->first[i];
		extra += cnt > BUCKET_CNT ? (cnt - 1) / BUCKET_CNT : 0;
	}
	uint64_t off = vly_arena_append(denial->file,
					(bucket_cnt + extra) * sizeof(struct vly_image_hash_bucket),
					VLY_IMAGE_ALIGN);
	if (off == 0)
		return 0;
	struct vly_image_hash_bucket *bucket = (void *)(denial->file->base + off);
	uint64_t next = bucket_cnt;
	for (uint64_t i = 0; i < bucket_cnt; i++) {
		uint32_t at = denial->first[i];
		const uint32_t end = denial->first[i + 1];
		struct vly_image_hash_bucket *to = &bucket[i];
		at += fill_bucket(denial, to, at, end);
		while (at < end) {
			to->next = (uint32_t)next;
			to = &bucket[next++];
			at += fill_bucket(denial, to, at, end);
		}
	}
	*extra_cnt = extra;
	return vly_denial_ref(off);
}
