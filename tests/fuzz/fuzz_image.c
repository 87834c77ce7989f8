/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a zone image: with the magic number, version, size and checksum put right, so that
 * the checks behind those see them. What is accepted is asked for every name that can be found in
 * it, and for names below. Overlays lie upon version 1 of a zone that is always there. Nothing may
 * be read outside: the image is as large as its block, which the sanitizer guards. Steering has a policy
 * with key 1 and alternatives that no image has. Half of the
 * mutations change one number of what a signed zone denies names with: its denial, its order or hash
 * buckets, or a piece.
 */
#include <stddef.h>
#include <stdlib.h>

#include "fixed_zones.h"
#include "layers.h"
#include "message.h"
#include "steering.h"
#include "target.h"

/* Octets of an answer below the room are written to here. */
static uint8_t buffer[4096 + 64];

static void
make_plausible(uint8_t *block, size_t bytes)
{
	struct vly_image_header *header = (void *)block;

	header->magic = VLY_IMAGE_MAGIC;
	header->version = VLY_IMAGE_VERSION;
	header->header_bytes = sizeof(*header);
	header->image_bytes = bytes;
	vly_test_image_reseal(block, bytes);
}

static struct vly_steering *
steering(void)
{
	static const uint16_t slot[] = {0, 1, 2, 3, 4, 5, 6, UINT16_MAX};
	static const struct vly_test_row row = {VLY_STEER_ROTATE, 3, 0, 0, slot};
	static const struct vly_test_policy policy = {1, VLY_STEER_NO_MAP, 0, 1, &row};
	static struct vly_lcore_counters counters;
	static struct vly_steering made;

	if (made.live != NULL)
		return &made;
	vly_steering_start(&made, &counters, 1);
	vly_steering_begin(
		&made, vly_test_steer_map(&(struct vly_test_steer){.resolver_map = VLY_STEER_NO_MAP,
								   .policy_cnt = 1,
								   .policy = &policy},
					  NULL));
	return &made;
}

static void
ask(const struct vly_table *table, const uint8_t *name, unsigned type, bool edns)
{
	static struct vly_query query;
	static struct vly_lcore_counters counters;

	unsigned len = vly_test_question_write(
		buffer,
		&(struct vly_test_question){
			.wire = name, .type = (uint16_t)type, .edns = edns, .dnssec_ok = edns});
	query = (struct vly_query){.message = buffer,
				   .message_len = (uint16_t)len,
				   .room = edns ? 4096 : 1024,
				   .limit_max = 1232,
				   .limit = VLY_UDP_BYTES_MIN,
				   .steering = steering()};
	vly_query_answer(&query, 1, table, NULL, &counters);
	if (query.response_len > query.room)
		abort();
}

/* A name of the image and one below it, of each type that the image's answers differ by. */
static void
ask_around(const struct vly_table *table, const uint8_t *name, unsigned len)
{
	static const unsigned types[] = {1, 5, 6, 16, 39, 43, 46, 47, 255};
	uint8_t below[VLY_NAME_BYTES_MAX + 1] = {1, 'q'};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		ask(table, name, types[i], false);
		ask(table, name, types[i], true);
		if (len + 2 > VLY_NAME_BYTES_MAX)
			continue;
		memcpy(below + 2, name, len);
		ask(table, below, types[i], false);
		ask(table, below, types[i], true);
	}
}

/* The zones that overlays lie upon: unsigned, with NSEC, and with NSEC3 and opt-out. */
static struct vly_image *
base(void)
{
	static const struct vly_test_zone zones[] = {
		{"z.", VLY_TEST_APEX "a A 192.0.2.1\n"
				     "*.b MX 1 a\n"
				     "c NS ns.c\n"
				     "d CNAME a\n"
				     "e CNAME n\n"
				     "f DNAME d\n"
				     "g.h TXT t\n"},
		/* those that corpus/image/overlay-nsec and overlay-nsec3 are changes of */
		{
			"n.",
#include "zones/layered_nsec.inc"
		},
		{
			"h.",
#include "zones/layered_nsec3.inc"
		},
	};
	static struct vly_image *image;

	if (image == NULL)
		image = vly_test_version_open(zones, sizeof(zones) / sizeof(zones[0]), 1, 1);
	if (image == NULL)
		abort();
	return image;
}

/* With what it may lie upon, if the keys allow that. */
static struct vly_table *
build(struct vly_image *image)
{
	struct vly_image_error error;
	struct vly_image *both[] = {base(), image};
	struct vly_table *table = vly_table_build(both, 2, &error);

	return table != NULL ? table : vly_table_build(&image, 1, &error);
}

/* Whether the image may have an overlay upon the zone of a node that it does not have itself. */
static bool
is_below(const struct vly_image *image, const struct vly_image *below,
	 const struct vly_image_node *node)
{
	const struct vly_image_node *lower =
		vly_image_at(below->heap, below->zone[node->zone].apex);

	for (uint32_t i = 0; i < image->header->zone_cnt && i < 8; i++) {
		const struct vly_image_node *apex = vly_image_at(image->heap, image->zone[i].apex);
		if (apex->name_len == lower->name_len &&
		    memcmp(vly_image_node_name(apex), vly_image_node_name(lower), apex->name_len) ==
			    0)
			return true;
	}
	return false;
}

static void
ask_image(struct vly_image *image)
{
	static const uint8_t far[] = "\1z\0\1c\1z\0\0";
	struct vly_table *table = build(image);

	if (table == NULL)
		return;
	ask_around(table, far, 3);
	ask_around(table, far + 3, 5);
	ask_around(table, far + 8, 1);
	for (uint32_t i = 0; i < image->header->zone_cnt && i < 8; i++) {
		const struct vly_image_node *apex = vly_image_at(image->heap, image->zone[i].apex);
		ask_around(table, vly_image_node_name(apex), apex->name_len);
	}
	for (uint32_t i = 0; i < image->header->bucket_cnt && i < 64; i++) {
		const struct vly_image_bucket *bucket = &image->bucket[i];
		for (unsigned slot = 0; slot < 8 && bucket->node[slot] != 0; slot++) {
			const struct vly_image_node *node =
				vly_image_at(image->heap, bucket->node[slot]);
			ask_around(table, vly_image_node_name(node), node->name_len);
		}
	}
	const struct vly_image *below = base();
	for (uint32_t i = 0; i < 8 * below->header->bucket_cnt; i++) {
		vly_image_ref ref = below->bucket[i / 8].node[i % 8];
		const struct vly_image_node *node = vly_image_at(below->heap, ref);
		if (ref != 0 && is_below(image, below, node))
			ask_around(table, vly_image_node_name(node), node->name_len);
	}
	vly_table_free(table);
}

/* Octets of an order or of hash buckets that are changed. */
#define INDEX_BYTES 512

/* Of a piece, with its owner. */
#define PIECE_BYTES 96

struct region {
	uint8_t *at;
	size_t bytes;
};

/* Up to `wanted` octets at a place in the heap of an image that nobody has verified; at NULL if
 * there are less than eight. */
static struct region
region_of(uint8_t *data, size_t bytes, vly_image_ref ref, size_t wanted)
{
	const struct vly_image_header *header = (const void *)data;
	const uint64_t heap = header->section[VLY_SECTION_HEAP].off;
	const uint64_t off = (uint64_t)ref * VLY_IMAGE_REF_BYTES;

	if (heap > bytes || off >= bytes - heap || bytes - heap - off < 8)
		return (struct region){NULL, 0};
	const size_t left = bytes - heap - off;
	return (struct region){data + heap + off, left < wanted ? left : wanted};
}

/* What the first zone with a denial has. */
static struct region
denial_region(uint8_t *data, size_t bytes, unsigned choice)
{
	const struct vly_image_header *header = (const void *)data;
	const uint64_t off = header->section[VLY_SECTION_ZONES].off;
	struct vly_image_denial denial;
	struct vly_image_zone zone;

	if (off > bytes || bytes - off < sizeof(zone))
		return (struct region){NULL, 0};
	memcpy(&zone, data + off, sizeof(zone));
	struct region region = region_of(data, bytes, zone.denial, sizeof(denial));
	if (choice == 0 || region.bytes < sizeof(denial))
		return region;
	memcpy(&denial, region.at, sizeof(denial));
	region = region_of(data, bytes, denial.index, INDEX_BYTES);
	if (choice == 1 || region.bytes < sizeof(struct vly_image_hash_bucket))
		return region;
	/* both begin with numbers that are followed by the ref of a piece */
	vly_image_ref before;
	memcpy(&before,
	       region.at + (denial.kind == VLY_DENIAL_NSEC || (zone.flags & VLY_IMAGE_OVERLAY)
				    ? offsetof(struct vly_image_order, before)
				    : offsetof(struct vly_image_hash_bucket, before)),
	       sizeof(before));
	return region_of(data, bytes, before, PIECE_BYTES);
}

static void
change_number(const struct region *region, unsigned seed)
{
	uint8_t *at = region->at + seed / 8 % (region->bytes / 4) * 4;
	const uint8_t *other = region->at + seed / 1024 % (region->bytes / 4) * 4;
	uint16_t number;

	memcpy(&number, at, sizeof(number));
	switch (seed % 4) {
	case 0:
		number++;
		break;
	case 1:
		number--;
		break;
	case 2:
		memmove(at, other, 4);
		return;
	default:
		LLVMFuzzerMutate(at, 4, 4);
		return;
	}
	memcpy(at, &number, sizeof(number));
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed)
{
	if (seed % 2 == 0 || bytes < sizeof(struct vly_image_header))
		return LLVMFuzzerMutate(data, bytes, bytes_max);
	struct region region = denial_region(data, bytes, seed / 2 % 3);
	if (region.at == NULL)
		return LLVMFuzzerMutate(data, bytes, bytes_max);
	change_number(&region, seed / 8);
	return bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct vly_image_error error = {0};
	struct vly_image image = {.id = 2};
	uint8_t *block;

	if (bytes > 16384)
		return -1;
	if (posix_memalign((void **)&block, VLY_IMAGE_ALIGN, bytes == 0 ? 1 : bytes) != 0)
		abort();
	memcpy(block, data, bytes);
	if (bytes >= sizeof(struct vly_image_header))
		make_plausible(block, bytes);
	if (vly_image_verify(block, bytes, NULL, &image, &error) == 0)
		ask_image(&image);
	else if (error.text[0] == '\0')
		abort();
	free(block);
	return 0;
}
