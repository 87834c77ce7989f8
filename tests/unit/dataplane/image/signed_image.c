/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "signed_image.h"

#include <stdlib.h>

#include <criterion/criterion.h>

#include "server.h"

#define ZONES_OFF   sizeof(struct vly_image_header)
#define BUCKETS_OFF (ZONES_OFF + ZONE_CNT * sizeof(struct vly_image_zone))
#define HEAP_OFF    (BUCKETS_OFF + sizeof(struct vly_image_bucket))

/* Octets for all but the orders. */
#define REST_BYTES 8192

/* Of a record without its owner, and without data. */
#define FIXED_BYTES 10

#define HASH_LABEL_BYTES 32

static uint8_t *
heap_of(const struct signed_image *made)
{
	return made->block + HEAP_OFF;
}

static void *
append(struct signed_image *made, size_t bytes, size_t align)
{
	size_t at = (made->used + align - 1) / align * align;

	made->used = at + bytes;
	cr_assert_leq(made->used + VLY_IMAGE_SLACK_BYTES, made->bytes - HEAP_OFF);
	return heap_of(made) + at;
}

vly_image_ref
signed_image_ref(const struct signed_image *made, const void *part)
{
	return (vly_image_ref)((size_t)((const uint8_t *)part - heap_of(made)) /
			       VLY_IMAGE_REF_BYTES);
}

#define REF(part) signed_image_ref(made, part)

uint64_t *
order_sample(struct vly_image_order *order)
{
	return (uint64_t *)(uintptr_t)vly_image_order_sample(order);
}

uint64_t *
order_key(struct vly_image_order *order)
{
	return (uint64_t *)(uintptr_t)vly_image_order_key(order);
}

struct vly_image_deep *
order_deep(struct vly_image_order *order)
{
	return (struct vly_image_deep *)(uintptr_t)vly_image_order_deep(order);
}

vly_image_ref *
order_piece(struct vly_image_order *order)
{
	return (vly_image_ref *)(uintptr_t)vly_image_order_piece(order);
}

uint8_t *
piece_wire(struct vly_image_piece *piece)
{
	return (uint8_t *)(uintptr_t)vly_image_piece_wire(piece);
}

static struct vly_image_answer *
add_answer(struct signed_image *made, unsigned flags, unsigned piece_cnt)
{
	struct vly_image_answer *answer =
		append(made, sizeof(*answer) + 32 + piece_cnt * sizeof(vly_image_ref), 8);

	*answer = (struct vly_image_answer){
		.wire_len = 16, .keep_len = 16, .anchor_len = 1, .flags = (uint8_t)flags};
	return answer;
}

/* Records of empty data: the first one's owner is `label_len` letters below the apex. */
static struct vly_image_piece *
add_piece(struct signed_image *made, unsigned label_len, unsigned record_cnt)
{
	const unsigned owner_len = label_len == 0 ? 0 : 1 + label_len;
	const unsigned first_len = owner_len + 2 + FIXED_BYTES;
	const unsigned wire_len = first_len + (record_cnt - 1) * (2 + FIXED_BYTES);
	struct vly_image_piece *piece =
		append(made, vly_image_piece_wire_off(record_cnt) + wire_len, 8);

	*piece = (struct vly_image_piece){.wire_len = (uint16_t)wire_len,
					  .first_len = (uint16_t)first_len,
					  .owner_len = (uint8_t)owner_len,
					  .record_cnt = (uint8_t)record_cnt};
	for (unsigned i = 0; i + 1 < record_cnt; i++)
		piece->rrsig_off[i] = (uint16_t)(first_len + i * (2 + FIXED_BYTES));
	if (owner_len > 0) {
		piece_wire(piece)[0] = (uint8_t)label_len;
		memset(piece_wire(piece) + 1, 'a', label_len);
	}
	return piece;
}

/* A node with type 1; the DO forms are filled. */
static struct vly_image_node *
add_node(struct signed_image *made, uint32_t zone, const char *label, unsigned flags)
{
	const bool is_signed = zone != ZONE_UNSIGNED;
	const unsigned label_len = (unsigned)strlen(label);
	const uint8_t letter = (uint8_t) "nhu"[zone];
	struct vly_image_node *node = append(made, 256, 8);
	uint8_t name[16] = {0};
	unsigned len = 0;

	if (label_len > 0) {
		name[len++] = (uint8_t)label_len;
		memcpy(name + len, label, label_len);
		len += label_len;
	}
	name[len++] = 1;
	name[len++] = letter;
	len++;
	*node = (struct vly_image_node){
		.zone = zone,
		.name_len = (uint8_t)len,
		.flags = (uint8_t)(flags | (is_signed ? VLY_NODE_SIGNED : 0)),
		.type_cnt = 1,
		.other = REF(add_answer(made, VLY_ANSWER_AA, 0))};
	node->type[0] = (struct vly_image_type){1, REF(add_answer(made, VLY_ANSWER_AA, 0))};
	memcpy((uint8_t *)(uintptr_t)vly_image_node_name(node), name, len);
	if (is_signed) {
		struct vly_image_signed *dnssec = (void *)(uintptr_t)vly_image_node_signed(node);
		dnssec->other = node->other;
		dnssec->answer[0] = node->type[0].answer;
	}
	return node;
}

static void
add_zone(struct signed_image *made, uint32_t idx)
{
	struct vly_image_zone *zone = &made->zone[idx];

	made->apex[idx] = add_node(made, idx, "", VLY_NODE_APEX);
	*zone = (struct vly_image_zone){
		.apex = REF(made->apex[idx]), .node_cnt = 20000, .label_cnt = 1, .label_max = 2};
	zone->nodata = REF(add_answer(made, VLY_ANSWER_AA, 0));
	zone->nxdomain = REF(add_answer(made, VLY_ANSWER_AA | VLY_RCODE_NXDOMAIN, 0));
	if (idx == ZONE_UNSIGNED)
		return;
	zone->signed_nodata = REF(add_answer(made, VLY_ANSWER_AA, 0));
	zone->signed_nxdomain = REF(add_answer(made, VLY_ANSWER_AA | VLY_RCODE_NXDOMAIN, 0));
}

static struct vly_image_order *
add_order(struct signed_image *made, unsigned skip_len, uint32_t cnt, uint32_t deep_cnt)
{
	const size_t sample_cnt = (cnt + VLY_ORDER_BLOCK - 1) / VLY_ORDER_BLOCK;
	struct vly_image_order *order = append(
		made,
		sizeof(*order) + ((skip_len + 7) & ~7u) + (sample_cnt + cnt) * sizeof(uint64_t) +
			deep_cnt * sizeof(struct vly_image_deep) + cnt * sizeof(vly_image_ref),
		64);

	*order = (struct vly_image_order){.cnt = cnt,
					  .deep_cnt = deep_cnt,
					  .before = REF(made->nsec),
					  .skip_len = (uint16_t)skip_len};
	for (uint32_t i = 0; i < cnt; i++) {
		order_key(order)[i] = 3 * (uint64_t)i;
		order_piece(order)[i] = REF(made->nsec);
		if (i % VLY_ORDER_BLOCK == 0)
			order_sample(order)[i / VLY_ORDER_BLOCK] = 3 * (uint64_t)i;
	}
	return order;
}

static struct vly_image_denial *
add_denial(struct signed_image *made, unsigned kind, const void *index)
{
	struct vly_image_denial *denial = append(made, sizeof(*denial) + 8, 8);

	*denial = (struct vly_image_denial){
		.kind = (uint8_t)kind, .index = REF(index), .salt_len = 4};
	return denial;
}

static void
make_nsec(struct signed_image *made, uint32_t key_cnt)
{
	made->nsec = add_piece(made, 1, 3);
	made->wildcard = add_node(made, ZONE_NSEC, "*", VLY_NODE_ALIAS);
	made->apex[ZONE_NSEC]->wildcard = REF(made->wildcard);
	made->dnssec = (void *)(uintptr_t)vly_image_node_signed(made->apex[ZONE_NSEC]);
	made->dnssec->denial = REF(made->nsec);
	made->dnssec->cover = REF(made->nsec);
	made->dnssec->no_wildcard = REF(made->nsec);
	made->proved = add_answer(made, VLY_ANSWER_AA | VLY_ANSWER_PROVED, 1);
	made->dnssec->answer[0] = REF(made->proved);
	made->proof = (void *)(uintptr_t)vly_image_answer_proof(made->proved);
	made->proof->insert_off = 16;
	made->proof->piece_cnt = 1;
	made->proof->piece[0] = REF(made->nsec);
	made->deep = add_order(made, 0, key_cnt, 0);
	struct vly_image_order *one = add_order(made, 0, 1, 0);
	made->order = add_order(made, 3, 3, 2);
	order_deep(made->order)[0] = (struct vly_image_deep){1, REF(made->deep)};
	order_deep(made->order)[1] = (struct vly_image_deep){2, REF(one)};
	made->denial = add_denial(made, VLY_DENIAL_NSEC, made->order);
	made->zone[ZONE_NSEC].denial = REF(made->denial);
}

static void
make_nsec3(struct signed_image *made)
{
	made->nsec3 = add_piece(made, HASH_LABEL_BYTES, 2);
	made->hash = append(made, 3 * sizeof(*made->hash), 64);
	for (unsigned i = 0; i < 3; i++) {
		struct vly_image_hash_bucket *bucket = &made->hash[i];
		bucket->before = REF(made->nsec3);
		for (unsigned slot = 0; slot < 7; slot++) {
			bool is_free = i > 0 && slot > 1;
			bucket->tag[slot] = is_free ? UINT32_MAX : 100 * i + slot;
			bucket->piece[slot] = is_free ? 0 : REF(made->nsec3);
		}
	}
	made->hash[0].next = 2;
	made->denial3 = add_denial(made, VLY_DENIAL_NSEC3, made->hash);
	made->denial3->bits = 1;
	made->denial3->extra_cnt = 1;
	made->zone[ZONE_NSEC3].denial = REF(made->denial3);
}

static void
make_header(struct signed_image *made)
{
	*made->header = (struct vly_image_header){
		.magic = VLY_IMAGE_MAGIC,
		.version = VLY_IMAGE_VERSION,
		.header_bytes = sizeof(struct vly_image_header),
		.image_bytes = made->bytes,
		.hash_key = vly_test_key,
		.zone_cnt = ZONE_CNT,
		.bucket_cnt = 1,
		.probe_max = 1,
		.mandatory = 7,
		.section = {{ZONES_OFF, ZONE_CNT * sizeof(struct vly_image_zone)},
			    {BUCKETS_OFF, sizeof(struct vly_image_bucket)},
			    {HEAP_OFF, made->bytes - HEAP_OFF}}};
}

void
signed_image_make(struct signed_image *made, uint32_t key_cnt, size_t heap_min)
{
	/* with the samples */
	const size_t order_bytes = key_cnt * (sizeof(uint64_t) + sizeof(vly_image_ref) + 1);
	const size_t heap_bytes = REST_BYTES + order_bytes + heap_min;

	*made = (struct signed_image){.bytes = (HEAP_OFF + heap_bytes + 63) / 64 * 64,
				      .used = VLY_IMAGE_REF_BYTES};
	made->block = aligned_alloc(64, made->bytes);
	made->good = malloc(made->bytes);
	cr_assert(made->block != NULL && made->good != NULL);
	memset(made->block, 0, made->bytes);
	made->header = (void *)made->block;
	made->zone = (void *)(made->block + ZONES_OFF);
	make_header(made);
	for (uint32_t i = 0; i < ZONE_CNT; i++)
		add_zone(made, i);
	make_nsec(made, key_cnt);
	make_nsec3(made);
	struct vly_image_bucket *bucket = (void *)(made->block + BUCKETS_OFF);
	for (unsigned i = 0; i < ZONE_CNT; i++)
		bucket->node[i] = REF(made->apex[i]);
	memcpy(made->good, made->block, made->bytes);
}

void
signed_image_free(struct signed_image *made)
{
	free(made->block);
	free(made->good);
}

int
signed_image_verify(struct signed_image *made, const struct vly_image_helpers *helpers,
		    struct vly_image_error *error)
{
	struct vly_image image;

	*error = (struct vly_image_error){0};
	vly_test_image_reseal(made->block, made->bytes);
	return vly_image_verify(made->block, made->bytes, helpers, &image, error);
}

void
signed_image_undo(struct signed_image *made)
{
	memcpy(made->block, made->good, made->bytes);
}
