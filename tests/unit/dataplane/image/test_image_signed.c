/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of signed zones with one thing wrong each, and a right checksum: the reason names it. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "signed_image.h"

/* So many that the deeper order takes most of the heap. */
#define KEYS 1000

/* So many that the deeper order is divided among the threads. */
#define MANY_KEYS 40000

/* The least with which an image has helpers. */
#define HELP_BYTES (16u << 20)

#define FAR 0x10000000

static struct signed_image made;

static void
make(void)
{
	struct vly_image_error error;

	signed_image_make(&made, KEYS, 0);
	cr_assert_eq(signed_image_verify(&made, NULL, &error), 0, "%s", error.text);
}

static void
done(void)
{
	signed_image_free(&made);
}

TestSuite(image_signed, .init = make, .fini = done);

static void
expect_refused(const char *change, const char *reason)
{
	struct vly_image_error error;

	cr_expect_eq(signed_image_verify(&made, NULL, &error), -1, "accepted: %s", change);
	cr_expect_neq(strstr(error.text, reason), NULL, "%s: expected %s, got %s", change, reason,
		      error.text);
	signed_image_undo(&made);
}

#define REFUSED(change, reason)                                                                    \
	do {                                                                                       \
		change;                                                                            \
		expect_refused(#change, reason);                                                   \
	} while (0)

static void
expect_accepted(const char *change)
{
	struct vly_image_error error;

	cr_expect_eq(signed_image_verify(&made, NULL, &error), 0, "%s: %s", change, error.text);
	signed_image_undo(&made);
}

#define ACCEPTED(change)                                                                           \
	do {                                                                                       \
		change;                                                                            \
		expect_accepted(#change);                                                          \
	} while (0)

Test(image_signed, zone)
{
	struct vly_image_zone *zone = made.zone;

	REFUSED(zone[ZONE_NSEC].signed_nodata = 0, "zone 0: signed by halves");
	REFUSED(zone[ZONE_NSEC].signed_nxdomain = 0, "zone 0: signed by halves");
	REFUSED(zone[ZONE_NSEC].signed_nxdomain = FAR, "answer 268435456 is outside the heap");
	REFUSED(zone[ZONE_NSEC].signed_nodata = FAR, "answer 268435456 is outside the heap");
	REFUSED(zone[ZONE_UNSIGNED].denial = zone[ZONE_NSEC].denial, "zone 2: signed by halves");
	REFUSED(zone[ZONE_NSEC].denial = FAR, "zone 0: its denial is outside the heap");
	REFUSED(zone[ZONE_NSEC].label_cnt = 0, "zone 0: impossible label count");
	ACCEPTED(zone[ZONE_NSEC].denial = 0);
	/* damage is found whether a zone is divided or not */
	zone[ZONE_NSEC3].node_cnt = 1;
	REFUSED(made.hash[1].tag[1] = 0, "zone 1: hash bucket 1 is out of order");
}

Test(image_signed, node)
{
	REFUSED(made.apex[ZONE_NSEC]->flags &= (uint8_t)~VLY_NODE_SIGNED,
		"unsigned, but zone 0 is not");
	REFUSED(made.apex[ZONE_UNSIGNED]->flags |= VLY_NODE_SIGNED, "signed, but zone 2 is not");
	REFUSED(made.apex[ZONE_UNSIGNED]->flags |= VLY_NODE_RRSIG,
		"signatures at a name of an unsigned zone");
	REFUSED(made.wildcard->flags |= VLY_NODE_RRSIG | VLY_NODE_CUT,
		"signatures at a delegation");
	REFUSED(made.wildcard->flags |= VLY_NODE_STEERED, "steered, with flags");
	REFUSED(made.wildcard->flags = VLY_NODE_GONE, "no overlay");
	REFUSED(made.wildcard->zone = ZONE_NSEC3, "a wildcard of zone 0 is in zone 1");
	REFUSED(made.dnssec->answer[0] = FAR, "answer 268435456 is outside the heap");
	REFUSED(made.dnssec->answer[0] = 0, "answer 0 is outside the heap");
	REFUSED(made.dnssec->other = 0, "answer 0 is outside the heap");
	REFUSED(made.dnssec->denial = FAR, "piece 268435456 is outside the heap");
	REFUSED(made.dnssec->cover = FAR, "piece 268435456 is outside the heap");
	REFUSED(made.dnssec->no_wildcard = FAR, "piece 268435456 is outside the heap");
	REFUSED(made.dnssec->insert_off = 17, "no place for pieces at 17");
	ACCEPTED(made.dnssec->insert_off = 16);
	ACCEPTED(made.dnssec->denial = 0);
	ACCEPTED(made.dnssec->cover = 0);
	ACCEPTED(made.dnssec->no_wildcard = 0);
}

/* The last octets of the heap have room for a node, but not for its DO forms. */
Test(image_signed, node_extends_past_the_heap)
{
	const size_t tail = sizeof(struct vly_image_node) + 1 + VLY_NAME_SLACK_BYTES + 7;
	struct vly_image_node *last = (void *)(made.block + made.bytes - (tail & ~(size_t)7));

	*last = (struct vly_image_node){.zone = ZONE_NSEC, .name_len = 1, .flags = VLY_NODE_SIGNED};
	made.apex[ZONE_NSEC]->wildcard = signed_image_ref(&made, last);
	expect_refused("a node at the end", "extends past the heap");
}

Test(image_signed, proof)
{
	REFUSED(made.proof->insert_off = 17, "no place for pieces at 17");
	REFUSED(made.proved->wire_len = made.proved->keep_len = 15, "no place for pieces at 16");
	REFUSED(made.proof->piece_cnt = VLY_PIECES_MAX, "a proof of 20 pieces");
	REFUSED(made.proof->piece_cnt = UINT16_MAX, "its proof extends past the heap");
	REFUSED(made.proof->piece[0] = 0, "piece 0 is outside the heap");
	REFUSED(made.proof->piece[0] = FAR, "piece 268435456 is outside the heap");
	ACCEPTED(made.proof->piece_cnt = 0);
}

Test(image_signed, piece)
{
	struct vly_image_piece *piece = made.nsec;
	uint8_t *wire = piece_wire(piece);

	REFUSED(piece->record_cnt = 0, "no records");
	REFUSED((piece->record_cnt = 1, memmove(piece_wire(piece), wire, 38)),
		"one record, but 24 octets behind it");
	REFUSED(piece->record_cnt = 4, "no signature begins at 0");
	REFUSED(piece->wire_len = 0, "no record has the first 14 of 0 octets");
	REFUSED(piece->wire_len = 16384, "16384 octets are too many");
	REFUSED(piece->first_len = 13, "no record has the first 13 of 38 octets");
	REFUSED(piece->first_len = 39, "no record has the first 39 of 38 octets");
	REFUSED(piece->owner_len = 3, "no record has the first 14");
	REFUSED(piece->owner_len = 255, "an owner of 258 octets is too long");
	REFUSED(piece->owner_len = 1, "malformed owner");
	REFUSED(wire[0] = 0, "malformed owner");
	REFUSED(wire[0] = 2, "malformed owner");
	REFUSED(wire[0] = 64, "malformed owner");
	REFUSED(wire[1] = 'A', "malformed owner");
	REFUSED(wire[2] = 0xc0, "the owner's pointer is not empty");
	REFUSED(wire[3] = 1, "the owner's pointer is not empty");
	REFUSED(piece->rrsig_off[0] = 13, "no signature begins at 13");
	REFUSED(piece->rrsig_off[0] = 15, "no signature begins at 15");
	REFUSED(piece->rrsig_off[1] = 25, "no signature begins at 25");
	REFUSED(piece->rrsig_off[1] = 27, "no signature begins at 27");
	REFUSED(wire[14] = 0xc0, "the pointer at 14 is not empty");
	REFUSED(wire[27] = 12, "the pointer at 26 is not empty");
}

/* The root's octet stands in place of the pointer. */
Test(image_signed, piece_of_the_root_zone)
{
	made.zone[ZONE_NSEC].label_cnt = 0;
	made.apex[ZONE_NSEC]->name_len = 1;
	memset((uint8_t *)(uintptr_t)vly_image_node_name(made.apex[ZONE_NSEC]), 0, 3);
	memcpy(made.good, made.block, made.bytes);
	ACCEPTED(piece_wire(made.nsec)[3] = 1);
	REFUSED(piece_wire(made.nsec)[2] = 1, "the owner's pointer is not empty");
}

Test(image_signed, piece_extends_past_the_heap)
{
	struct vly_image_piece *last = (void *)(made.block + made.bytes - VLY_IMAGE_SLACK_BYTES);

	*last = (struct vly_image_piece){.wire_len = 12, .first_len = 12, .record_cnt = 1};
	made.dnssec->denial = signed_image_ref(&made, last);
	expect_refused("a piece at the end", "extends past the heap");
	made.dnssec->denial = (vly_image_ref)(made.header->section[VLY_SECTION_HEAP].bytes / 8);
	expect_refused("a piece behind the end", "is outside the heap");
}

Test(image_signed, denial)
{
	REFUSED(made.denial->kind = 0, "zone 0: unknown kind of denial 0");
	REFUSED(made.denial->kind = 3, "zone 0: unknown kind of denial 3");
	REFUSED(made.denial3->bits = 29, "zone 1: hash buckets by 29 bits");
	REFUSED(made.denial3->bits = 28, "zone 1: its hash buckets are outside the heap");
	REFUSED(made.denial3->extra_cnt = UINT32_MAX, "zone 1: its hash buckets are outside");
	REFUSED(made.denial3->index = 0, "zone 1: its hash buckets are outside the heap");
	REFUSED(made.denial3->index += 1, "zone 1: its hash buckets are not aligned");
	REFUSED(made.denial3->iterations = 151, "zone 1: 151 iterations are too many");
	REFUSED(made.denial->index = 0, "order 0 is outside the heap");
	REFUSED(made.denial->index = FAR, "order 268435456 is outside the heap");
	ACCEPTED(made.denial3->iterations = 150);
	ACCEPTED(made.denial3->salt_len = 255);
}

Test(image_signed, denial_extends_past_the_heap)
{
	struct vly_image_denial *last = (void *)(made.block + made.bytes - 96);

	*last = *made.denial;
	made.zone[ZONE_NSEC].denial = signed_image_ref(&made, last);
	memcpy(made.good, made.block, made.bytes);
	ACCEPTED(last->salt_len = 16);
	REFUSED(last->salt_len = 17, "zone 0: its denial is outside the heap");
}

Test(image_signed, hash_bucket)
{
	struct vly_image_hash_bucket *hash = made.hash;

	REFUSED(hash[0].tag[3] = 9, "zone 1: hash bucket 0 is out of order");
	REFUSED(hash[1].piece[1] = 0, "zone 1: hash bucket 1 has a hash without a piece");
	REFUSED(hash[1].tag[6] = 500, "zone 1: hash bucket 1 has a hash without a piece");
	REFUSED(hash[1].piece[3] = hash[1].piece[0],
		"zone 1: hash bucket 1 has a hash behind a free entry");
	REFUSED(hash[1].piece[0] = FAR, "piece 268435456 is outside the heap");
	REFUSED(hash[1].before = FAR, "piece 268435456 is outside the heap");
	REFUSED(hash[1].piece[0] = made.dnssec->denial, "its owner is no hash");
	REFUSED(hash[1].before = made.dnssec->denial, "its owner is no hash");
	REFUSED(hash[0].next = 3, "zone 1: hash bucket 3 cannot follow 0");
	REFUSED(hash[0].next = 1, "zone 1: hash bucket 1 cannot follow 0");
	REFUSED(hash[1].next = 2, "zone 1: hash bucket 2 cannot follow 1"); /* 1 is not full */
	REFUSED(hash[2].next = 2, "zone 1: hash bucket 2 cannot follow 2");
	REFUSED(hash[2].tag[0] = 5, "zone 1: hash bucket 2 is out of order behind 0");
	ACCEPTED(hash[0].tag[3] = hash[0].tag[2]);
	ACCEPTED(hash[1].tag[1] = UINT32_MAX);
	REFUSED(hash[1].before = 0, "piece 0 is outside the heap");
}

/* Each query would look at all of them. */
Test(image_signed, hash_buckets_in_a_row)
{
	struct vly_image_hash_bucket *row = (void *)(made.block + (made.bytes - 18 * 64) / 64 * 64);

	for (unsigned i = 0; i < 17; i++) {
		row[i] = made.hash[0];
		memset(row[i].tag, 0, sizeof(row[i].tag));
		row[i].next = i < 15 ? i + 1 : 0;
	}
	made.denial3->bits = 0;
	made.denial3->extra_cnt = 16;
	made.denial3->index = signed_image_ref(&made, row);
	memcpy(made.good, made.block, made.bytes);
	ACCEPTED((void)row);
	REFUSED(row[15].next = 16, "zone 1: more than 15 hash buckets follow 0");
	ACCEPTED(row[1].next = 3);
}

Test(image_signed, order)
{
	struct vly_image_order *order = made.order;
	struct vly_image_order *deep = made.deep;

	REFUSED(order->cnt = 0, "is empty");
	REFUSED(order->cnt = UINT32_MAX, "extends past the heap");
	REFUSED(order->deep_cnt = 4, "4 deeper orders for 3 keys");
	REFUSED(order->deep_cnt = UINT32_MAX, "extends past the heap");
	REFUSED(order->reserved = 1, "unknown flags 0x1");
	REFUSED(order->skip_len = UINT16_MAX, "extends past the heap");
	REFUSED(order->before = 0, "piece 0 is outside the heap");
	REFUSED(order->before = FAR, "piece 268435456 is outside the heap");
	REFUSED(order_key(order)[1] = 0, "key 1 is out of order");
	REFUSED(order_sample(order)[0] = 1, "the sample differs from key 0");
	REFUSED(order_piece(order)[1] = 0, "piece 0 is outside the heap");
	REFUSED(order_deep(order)[1].idx = 3, "deeper order 1 is out of order");
	REFUSED(order_deep(order)[1].idx = 1, "deeper order 1 is out of order");
	REFUSED(order_deep(order)[0].order = FAR, "order 268435456 is outside the heap");
	REFUSED(order_key(deep)[KEYS - 1] = order_key(deep)[KEYS - 2], "key 999 is out of order");
	REFUSED(order_sample(deep)[3] = 1, "the sample differs from key 192");
	REFUSED(order_piece(deep)[KEYS - 1] = FAR, "piece 268435456 is outside the heap");
}

Test(image_signed, order_that_leads_to_itself)
{
	REFUSED(order_deep(made.order)[0].order = signed_image_ref(&made, made.order),
		"is too deep");
	REFUSED(made.deep->skip_len = 500, "is too deep");
	/* each order once is all that the heap holds */
	REFUSED(order_deep(made.order)[1].order = signed_image_ref(&made, made.deep),
		"zone 0: its denial is larger than the heap");
}

static const struct vly_image_helpers *
all_helpers(void)
{
	static struct vly_image_helpers helpers = {.cnt = VLY_IMAGE_HELPERS_MAX};

	cr_assert_eq(sched_getaffinity(0, sizeof(helpers.cpus), &helpers.cpus), 0);
	return &helpers;
}

/* Whichever thread meets the damage, the reason is the same. */
Test(image_signed_large, damage_is_found_by_helpers)
{
	struct vly_image_error error;

	signed_image_make(&made, MANY_KEYS, HELP_BYTES);
	cr_assert_eq(signed_image_verify(&made, all_helpers(), &error), 0, "%s", error.text);
	for (unsigned i = 1; i < MANY_KEYS; i += MANY_KEYS / 41) {
		char reason[64];
		order_key(made.deep)[i] = order_key(made.deep)[i - 1];
		snprintf(reason, sizeof(reason), "key %u is out of order", i);
		cr_expect_eq(signed_image_verify(&made, all_helpers(), &error), -1);
		cr_expect_neq(strstr(error.text, reason), NULL, "expected %s, got %s", reason,
			      error.text);
		order_key(made.deep)[i] = 3 * (uint64_t)i;
	}
	signed_image_free(&made);
}
