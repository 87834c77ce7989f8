/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overlays from an enemy: what no compiler writes is refused, and says what is wrong. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "layers.h"
#include "message.h"
#include "random.h"

static uint8_t *block; /* of the overlay, or of the complete form below it */
static size_t bytes;
static struct vly_image *below;

static void
set_up(void)
{
	static const struct vly_test_zone before = {
		"z.", VLY_TEST_APEX "a A 192.0.2.1\ngone A 192.0.2.2\n*.w A 192.0.2.3\n"};
	static const struct vly_test_zone after = {
		"z.", VLY_TEST_APEX "a A 192.0.2.9\n*.w A 192.0.2.3\nb.*.w CNAME a\n"};
	struct vly_image *above = vly_test_version_open(&after, 1, 2, 2);

	below = vly_test_version_open(&before, 1, 1, 1);
	cr_assert(below != NULL && above != NULL);
	block = vly_test_overlay_build(below, 0, above, 0, &bytes);
	vly_image_close(above);
}

static void
tear_down(void)
{
	free(block);
	vly_image_close(below);
}

static const struct vly_image_header *
header(void)
{
	return (const void *)block;
}

static struct vly_image_zone *
zone(void)
{
	return (void *)(block + header()->section[VLY_SECTION_ZONES].off);
}

static void *
in_heap(vly_image_ref ref)
{
	return block + header()->section[VLY_SECTION_HEAP].off +
	       (uint64_t)ref * VLY_IMAGE_REF_BYTES;
}

/* The node of a name of the overlay, in wire form. */
static struct vly_image_node *
node_of(const char *name, size_t len)
{
	struct vly_image_bucket *bucket =
		(void *)(block + header()->section[VLY_SECTION_BUCKETS].off);

	for (uint32_t i = 0; i < 8 * header()->bucket_cnt; i++) {
		vly_image_ref ref = bucket[i / 8].node[i % 8];
		struct vly_image_node *node = in_heap(ref);
		if (ref != 0 && node->name_len == len &&
		    memcmp(vly_image_node_name(node), name, len) == 0)
			return node;
	}
	fputs("no such node\n", stderr);
	abort();
}

static void
expect(const char *reason)
{
	struct vly_image_error error = {0};
	struct vly_image image;

	vly_test_image_reseal(block, bytes);
	int result = vly_image_verify(block, bytes, NULL, &image, &error);
	if (reason == NULL)
		cr_expect_eq(result, 0, "%s", error.text);
	else
		cr_expect(result == -1 && strstr(error.text, reason) != NULL, "expected %s, got %s",
			  reason, error.text);
}

#define EXPECT(field, value, reason)                                                               \
	do {                                                                                       \
		const __typeof__(field) good = field;                                              \
		field = (value);                                                                   \
		expect(reason);                                                                    \
		field = good;                                                                      \
		expect(NULL);                                                                      \
	} while (0)

TestSuite(image_overlay, .init = set_up, .fini = tear_down);

Test(image_overlay, versions)
{
	expect(NULL);
	EXPECT(zone()->below, 0, "cannot lie upon");
	EXPECT(zone()->below, 2, "cannot lie upon");
	EXPECT(zone()->below, 3, "cannot lie upon");
	EXPECT(zone()->version, 0, "cannot lie upon");
	EXPECT(zone()->flags, 0, "cannot lie upon");
	EXPECT(zone()->flags, VLY_IMAGE_OVERLAY | 8, "unknown flags");
	EXPECT(zone()->version, UINT64_MAX, NULL);
}

Test(image_overlay, of_a_signed_zone)
{
	zone()->signed_nodata = zone()->nodata;
	zone()->signed_nxdomain = zone()->nxdomain;
	expect("overlay of a signed zone without denial");
}

Test(image_overlay, has_an_apex)
{
	struct vly_image_node *apex = in_heap(zone()->apex);

	EXPECT(apex->flags, 0, "not its apex");
	EXPECT(apex->flags, VLY_NODE_GONE, "gone, but has answers");
	EXPECT(apex->flags, VLY_NODE_APEX | VLY_NODE_GONE, "gone, but has answers");
}

Test(image_overlay, gone_names)
{
	struct vly_image_node *gone = node_of("\4gone\1z", 8);
	const struct vly_image_node *apex = in_heap(zone()->apex);

	EXPECT(gone->other, apex->other, "gone, but has answers");
	EXPECT(gone->wildcard, zone()->apex, "gone, but has answers");
	EXPECT(gone->type_cnt, 1, "gone, but has answers");
	EXPECT(gone->flags, VLY_NODE_GONE | VLY_NODE_CUT, "gone, but has answers");
	EXPECT(gone->flags, VLY_NODE_GONE | VLY_NODE_STEERED, "steered, with flags");
	EXPECT(gone->zone, 1, "does not exist");
	uint8_t *name = (uint8_t *)(uintptr_t)vly_image_node_name(gone);
	EXPECT(name[0], 5, "malformed name");
	EXPECT(gone->name_len, 7, "malformed name");
}

Test(image_overlay, wildcard_that_is_gone)
{
	struct vly_image_node *apex = in_heap(zone()->apex);
	const struct vly_image_node *gone = node_of("\4gone\1z", 8);
	const vly_image_ref ref =
		(vly_image_ref)((uint64_t)((const uint8_t *)gone - (const uint8_t *)in_heap(0)) /
				VLY_IMAGE_REF_BYTES);

	EXPECT(apex->wildcard, ref, "a wildcard that is gone");
}

/* Answers of older versions get the end of their SOA from the NODATA. */
Test(image_overlay, nodata_is_a_soa)
{
	struct vly_image_answer *nodata = in_heap(zone()->nodata);

	EXPECT(nodata->nscount, 0, "not a SOA record");
	EXPECT(nodata->nscount, 2, "not a SOA record");
	EXPECT(nodata->ancount, 1, "not a SOA record");
	EXPECT(nodata->arcount, 1, "not a SOA record");
	nodata->keep_len = VLY_SOA_TAIL_BYTES - 1;
	nodata->fix_cnt = 0;
	nodata->wire_len = VLY_SOA_TAIL_BYTES - 1;
	expect("not a SOA record");
	/* in a complete form without overlays, nobody looks there */
	zone()->flags = 0;
	zone()->version = 0;
	zone()->below = 0;
	node_of("\4gone\1z", 8)->flags = 0;
	expect("is outside the heap"); /* the name has no answers */
}

Test(image_overlay, gone_names_in_a_complete_form)
{
	free(block);
	bytes = below->mapped_bytes;
	block = malloc(bytes);
	memcpy(block, below->header, bytes);
	expect(NULL);
	struct vly_image_node *node = node_of("\4gone\1z", 8);
	node->type_cnt = 0;
	node->other = 0;
	node->flags = VLY_NODE_GONE;
	expect("is no overlay");
}

/* Answers; that nothing crashes is the test. */
static void
ask(const struct vly_table *table, const char *name, unsigned type)
{
	static uint8_t message[1024];
	static struct vly_query query;
	struct vly_lcore_counters counters = {0};
	const struct vly_test_question question = {.name = name, .type = (uint16_t)type};
	unsigned len = vly_test_question_write(message, &question);

	memset(&query, 0xa5, sizeof(query));
	query.message = message;
	query.message_len = (uint16_t)len;
	query.room = sizeof(message);
	query.limit_max = 1232;
	query.limit = VLY_UDP_BYTES_MIN;
	query.stream = false;
	query.udp_sum = 0;
	vly_query_answer(&query, 1, table, NULL, &counters);
	cr_assert_leq(query.response_len, query.room);
}

/* What is accepted after any damage is answered from, upon the form below it, without leaving the
 * images: the sanitizers see to that. */
Test(image_overlay, damaged_stays_inside, .timeout = 120)
{
	static const char *const names[] = {"z.",       "a.z.",      "gone.z.", "x.w.z.",
					    "b.*.w.z.", "x.gone.z.", "n.z.",    "x.a.z."};
	struct vly_test_random random = {41};
	uint8_t *good = malloc(bytes);
	unsigned accepted_cnt = 0;

	memcpy(good, block, bytes);
	for (unsigned round = 0; round < 6000; round++) {
		memcpy(block, good, bytes);
		for (unsigned i = 1 + vly_test_random_below(&random, 2); i > 0; i--) {
			unsigned at = 256 + 2 * vly_test_random_below(&random,
								      (unsigned)(bytes - 260) / 2);
			unsigned from = 256 + 2 * vly_test_random_below(
							  &random, (unsigned)(bytes - 260) / 2);
			if (vly_test_random_chance(&random, 50))
				memcpy(block + at, good + from, 4);
			else
				block[at] ^= (uint8_t)(1u << vly_test_random_below(&random, 8));
		}
		vly_test_image_reseal(block, bytes);
		struct vly_image image = {.id = 2};
		struct vly_image_error error = {0};
		if (vly_image_verify(block, bytes, NULL, &image, &error) != 0)
			continue;
		struct vly_image *images[] = {below, &image};
		struct vly_table *table = vly_table_build(images, 2, &error);
		if (table == NULL)
			continue;
		accepted_cnt++;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			for (unsigned type = 1; type < 40; type += 5)
				ask(table, names[i], type);
		vly_table_free(table);
	}
	cr_expect_gt(accepted_cnt, 100);
	free(good);
}
