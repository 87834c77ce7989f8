/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads images of signed zones in the plainest way that image.h allows, and compares names without
 * any of the code under test. For unit tests. */
#ifndef VLY_TEST_SIGNED_IMAGE_H
#define VLY_TEST_SIGNED_IMAGE_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <volley/image.h>

#include "common/image.h"
#include "server.h"
#include "zone/domain.h"

struct signed_image {
	uint8_t *block;
	const uint8_t *heap;
	const struct vly_image_zone *zone;
	const struct vly_image_denial *denial; /* NULL: none */
	const uint8_t *apex;
	unsigned apex_len;
};

static inline void
signed_image_open(struct signed_image *image, const char *name, const char *text)
{
	struct vly_image_error refused = {0};
	struct vly_zone_error error = {0};
	size_t bytes;
	int fd =
		vly_test_image_build(&(struct vly_test_zone){name, text}, 1, &vly_test_key, &error);

	cr_assert_geq(fd, 0, "line %llu: %s", (unsigned long long)error.line, error.text);
	image->block = vly_test_image_read(fd, &bytes);
	struct vly_image *verified = vly_image_open(fd, 1, NULL, &refused);
	cr_assert_not_null(verified, "%s", refused.text);
	vly_image_close(verified);
	close(fd);
	const struct vly_image_header *header = (const void *)image->block;
	image->heap = image->block + header->section[VLY_SECTION_HEAP].off;
	image->zone = (const void *)(image->block + header->section[VLY_SECTION_ZONES].off);
	image->denial =
		image->zone->denial != 0 ? vly_image_at(image->heap, image->zone->denial) : NULL;
	const struct vly_image_node *apex = vly_image_at(image->heap, image->zone->apex);
	image->apex = vly_image_node_name(apex);
	image->apex_len = apex->name_len;
}

static inline void
signed_image_close(struct signed_image *image)
{
	free(image->block);
}

/* The node of a name; NULL: it has none. */
static inline const struct vly_image_node *
signed_image_node(const struct signed_image *image, const char *name)
{
	const struct vly_image_header *header = (const void *)image->block;
	const struct vly_image_bucket *bucket =
		(const void *)(image->block + header->section[VLY_SECTION_BUCKETS].off);
	uint8_t wire[VLY_NAME_BYTES_MAX];
	unsigned len = vly_domain_wire(name, wire);

	for (uint64_t i = 0; i < header->bucket_cnt * UINT64_C(8); i++) {
		vly_image_ref ref = bucket[i / 8].node[i % 8];
		const struct vly_image_node *node = vly_image_at(image->heap, ref);
		if (ref != 0 && node->name_len == len &&
		    memcmp(vly_image_node_name(node), wire, len) == 0)
			return node;
	}
	return NULL;
}

/* The owner of a piece as text, "-" for ref 0. */
static inline const char *
piece_owner(const struct signed_image *image, vly_image_ref ref, char text[VLY_DOMAIN_TEXT_BYTES])
{
	const struct vly_image_piece *piece = vly_image_at(image->heap, ref);
	uint8_t wire[VLY_NAME_BYTES_MAX];

	if (ref == 0)
		return "-";
	memcpy(wire, vly_image_piece_wire(piece), piece->owner_len);
	memcpy(wire + piece->owner_len, image->apex, image->apex_len);
	return vly_domain_text(wire, text);
}

/* The DO form of a type's answer; NULL: it is not listed. */
static inline const struct vly_image_answer *
signed_answer(const struct signed_image *image, const struct vly_image_node *node, unsigned type)
{
	for (unsigned i = 0; i < node->type_cnt; i++)
		if (node->type[i].type == type)
			return vly_image_at(image->heap, vly_image_node_signed(node)->answer[i]);
	return NULL;
}

/* RFC 4034 §6.1: label by label from the right, octet by octet; names in lower case. */
static inline int
canonical_compare(const uint8_t *left, const uint8_t *right)
{
	const uint8_t *label[2][VLY_NAME_LABELS_MAX + 1];
	unsigned cnt[2] = {0};

	for (; left[0] != 0; left += left[0] + 1)
		label[0][cnt[0]++] = left;
	for (; right[0] != 0; right += right[0] + 1)
		label[1][cnt[1]++] = right;
	while (cnt[0] > 0 && cnt[1] > 0) {
		const uint8_t *a = label[0][--cnt[0]];
		const uint8_t *b = label[1][--cnt[1]];
		for (unsigned i = 1; i <= a[0] && i <= b[0]; i++)
			if (a[i] != b[i])
				return a[i] < b[i] ? -1 : 1;
		if (a[0] != b[0])
			return a[0] < b[0] ? -1 : 1;
	}
	return (cnt[0] > 0) - (cnt[1] > 0);
}

/* Compares the owner of a piece with a name. */
static inline int
piece_compare(const struct signed_image *image, vly_image_ref ref, const uint8_t *wire)
{
	const struct vly_image_piece *piece = vly_image_at(image->heap, ref);
	uint8_t owner[VLY_NAME_BYTES_MAX];

	memcpy(owner, vly_image_piece_wire(piece), piece->owner_len);
	memcpy(owner + piece->owner_len, image->apex, image->apex_len);
	return canonical_compare(owner, wire);
}

/* Eight octets of a key from `at` on, as image.h describes keys. */
static inline uint64_t
order_octets(const uint8_t *key, unsigned len, unsigned at)
{
	uint64_t octets = 0;

	for (unsigned i = at; i < at + 8; i++)
		octets = octets << 8 | (i < len ? key[i] : 0);
	return octets;
}

static inline unsigned
order_key(const struct signed_image *image, const uint8_t *wire, unsigned len, uint8_t key[512])
{
	unsigned key_len = 0;

	for (unsigned end = len - image->apex_len; end > 0;) {
		unsigned start = 0;
		while (start + wire[start] + 1 != end)
			start += wire[start] + 1u;
		for (unsigned i = start + 1; i < end; i++) {
			if (wire[i] <= 1)
				key[key_len++] = 1;
			key[key_len++] = (uint8_t)(wire[i] <= 1 ? wire[i] + 1 : wire[i]);
		}
		key[key_len++] = 0;
		end = start;
	}
	return key_len;
}

/* The piece that an NSEC zone's order has for a name: entry by entry. */
static inline vly_image_ref
order_cover(const struct signed_image *image, const uint8_t *wire, unsigned len)
{
	vly_image_ref ref = image->denial->index;
	uint8_t key[512] = {0};
	unsigned key_len = order_key(image, wire, len, key);
	unsigned at = 0;

	for (;;) {
		const struct vly_image_order *order = vly_image_at(image->heap, ref);
		const uint64_t *keys = vly_image_order_key(order);
		const vly_image_ref *piece = vly_image_order_piece(order);
		const struct vly_image_deep *deep = vly_image_order_deep(order);
		int skip = memcmp(key + at, vly_image_order_skip(order), order->skip_len);
		cr_assert_eq(order->reserved, 0);
		for (uint32_t i = 0; i < order->cnt; i++) {
			cr_assert(i == 0 || keys[i - 1] < keys[i]);
			if (i % VLY_ORDER_BLOCK == 0)
				cr_assert_eq(vly_image_order_sample(order)[i / VLY_ORDER_BLOCK],
					     keys[i]);
		}
		if (skip < 0)
			return order->before;
		if (skip > 0)
			return piece[order->cnt - 1];
		at += order->skip_len;
		uint64_t octets = order_octets(key, key_len, at);
		uint32_t cnt = 0;
		while (cnt < order->cnt && keys[cnt] <= octets)
			cnt++;
		if (cnt == 0)
			return order->before;
		uint32_t d = 0;
		while (d < order->deep_cnt && deep[d].idx != cnt - 1)
			d++;
		if (keys[cnt - 1] != octets)
			return piece[cnt - 1];
		/* the rest of the name decides */
		if (d == order->deep_cnt && piece_compare(image, piece[cnt - 1], wire) > 0)
			return cnt > 1 ? piece[cnt - 2] : order->before;
		if (d == order->deep_cnt)
			return piece[cnt - 1];
		ref = deep[d].order;
		at += 8;
	}
}

/* The piece that an NSEC3 zone's buckets have for a hash. */
static inline vly_image_ref
bucket_cover(const struct signed_image *image, const uint8_t hash[20])
{
	const struct vly_image_hash_bucket *buckets =
		vly_image_at(image->heap, image->denial->index);
	unsigned bits = image->denial->bits;
	uint64_t head = 0;
	uint32_t at;

	for (unsigned i = 0; i < 8; i++)
		head = head << 8 | hash[i];
	at = (uint32_t)(bits == 0 ? 0 : head >> (64 - bits));
	uint32_t tag = (uint32_t)(head << bits >> 32);
	vly_image_ref found = buckets[at].before;
	for (;;) {
		const struct vly_image_hash_bucket *bucket = &buckets[at];
		for (unsigned i = 0; i < 7 && bucket->piece[i] != 0 && bucket->tag[i] <= tag; i++)
			found = bucket->piece[i];
		if (bucket->next == 0)
			return found;
		cr_assert_gt(bucket->next, at);
		at = bucket->next;
		cr_assert_lt(at, (1u << bits) + image->denial->extra_cnt);
	}
}

#endif
