/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steered nodes from an enemy: what no compiler writes is refused, and says what is wrong. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "message.h"
#include "steering.h"

static uint8_t *block;
static size_t bytes;

static void
set_up(void)
{
	static const struct vly_test_zone zone = {"z.", VLY_TEST_APEX
						  "@ A 192.0.2.1\na A 192.0.2.1\nb A 192.0.2.2\n"};
	static const struct vly_test_steered steered[] = {{"a.z.", 1, 7, 3, {"a.z.", "b.z.", ""}},
							  {"z.", 1, 8, 2, {"z.", ""}}};
	struct vly_zone_error error;
	size_t plain_bytes;
	int fd = vly_test_image_build(&zone, 1, &vly_test_key, &error);
	uint8_t *plain = vly_test_image_read(fd, &plain_bytes);

	block = vly_test_steered_build(plain, plain_bytes, steered, 2, &bytes);
	free(plain);
}

static void
tear_down(void)
{
	free(block);
}

static const struct vly_image_header *
header(void)
{
	return (const void *)block;
}

static void *
in_heap(vly_image_ref ref)
{
	return block + header()->section[VLY_SECTION_HEAP].off +
	       (uint64_t)ref * VLY_IMAGE_REF_BYTES;
}

static struct vly_image_node *
node_of(const char *text)
{
	struct vly_image_bucket *bucket =
		(void *)(block + header()->section[VLY_SECTION_BUCKETS].off);
	uint8_t wire[VLY_NAME_BYTES_MAX];
	const unsigned len = vly_test_name_wire(wire, text);

	for (uint32_t i = 0; i < 8 * header()->bucket_cnt; i++) {
		vly_image_ref ref = bucket[i / 8].node[i % 8];
		struct vly_image_node *node = in_heap(ref);
		if (ref != 0 && node->name_len == len &&
		    memcmp(vly_image_node_name(node), wire, len) == 0)
			return node;
	}
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

TestSuite(image_steered, .init = set_up, .fini = tear_down);

Test(image_steered, nodes)
{
	struct vly_image_node *node = node_of("a.z.");
	const vly_image_ref end = (vly_image_ref)(header()->section[VLY_SECTION_HEAP].bytes / 8);

	expect(NULL);
	EXPECT(node->flags, VLY_NODE_STEERED | VLY_NODE_CUT, "steered, with flags");
	EXPECT(node->flags, VLY_NODE_STEERED | VLY_NODE_DNAME, "steered, with flags");
	EXPECT(node->flags, VLY_NODE_STEERED | VLY_NODE_SIGNED, "");
	EXPECT(node->flags, VLY_NODE_STEERED | VLY_NODE_RRSIG, "steered, with flags");
	EXPECT(node->flags, VLY_NODE_STEERED | VLY_NODE_ALIAS, NULL);
	EXPECT(node->type[0].answer, 0, "choice 0 is outside the heap");
	EXPECT(node->type[0].answer, end, "is outside the heap");
	EXPECT(node->type[0].answer, UINT32_MAX, "is outside the heap");
	EXPECT(node->other, UINT32_MAX, "is outside the heap");
}

Test(image_steered, choices)
{
	struct vly_image_choice *choice = in_heap(node_of("a.z.")->type[0].answer);
	struct vly_image_choice *other = in_heap(node_of("a.z.")->other);

	cr_assert_eq(choice->alt_cnt, 3);
	EXPECT(choice->alt_cnt, 0, "0 alternatives");
	EXPECT(choice->alt_cnt, UINT16_MAX, "extends past the heap");
	EXPECT(choice->policy, 0, "3 alternatives without a policy");
	EXPECT(choice->reserved16, 1, "unknown flags");
	EXPECT(choice->reserved32, 1, "unknown flags");
	EXPECT(choice->alt[2], 0, "answer 0 is outside the heap");
	EXPECT(choice->alt[2], UINT32_MAX, "is outside the heap");
	EXPECT(other->policy, 9, NULL);
	EXPECT(other->alt_cnt, 0, "0 alternatives");
}

Test(image_steered, apex)
{
	struct vly_image_node *apex = node_of("z.");
	struct vly_image_choice *a = in_heap(apex->type[0].answer);
	struct vly_image_choice *ns = in_heap(apex->type[1].answer);
	struct vly_image_choice *soa = in_heap(apex->type[2].answer);

	cr_assert_eq(apex->type[2].type, 6);
	EXPECT(a->policy, 99, NULL);
	EXPECT(ns->policy, 8, "an apex with a steered NS");
	EXPECT(soa->policy, 8, "an apex with a steered SOA");
}
