/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones without data in images: what the check refuses, and how they move to other images. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/image_verify.h"
#include "message.h"
#include "server.h"

static const struct vly_test_zone zone = {"u.z.", VLY_TEST_EXPIRED};
static _Alignas(VLY_IMAGE_ALIGN) uint8_t block[8192];
static size_t bytes;
static struct vly_image image;
static struct vly_image_error error;

/* Puts the image into block[], where it can be changed. */
static void
build(void)
{
	struct vly_zone_error zone_error;
	int fd = vly_test_image_build(&zone, 1, &vly_test_key, &zone_error);
	uint8_t *built = vly_test_image_read(fd, &bytes);

	cr_assert_not_null(built);
	cr_assert_leq(bytes, sizeof(block));
	memcpy(block, built, bytes);
	free(built);
	close(fd);
}

static int
verify(void)
{
	vly_test_image_reseal(block, bytes);
	image = (struct vly_image){0};
	return vly_image_verify(block, bytes, NULL, &image, &error);
}

static struct vly_image_zone *
the_zone(void)
{
	const struct vly_image_header *header = (const void *)block;

	return (void *)(block + header->section[VLY_SECTION_ZONES].off);
}

static void *
at(vly_image_ref ref)
{
	const struct vly_image_header *header = (const void *)block;

	return block + header->section[VLY_SECTION_HEAP].off + (uint64_t)ref * VLY_IMAGE_REF_BYTES;
}

TestSuite(image_unready, .init = build);

Test(image_unready, is_accepted)
{
	cr_assert_eq(verify(), 0, "%s", error.text);
	cr_expect_eq(image.zone[0].flags, VLY_IMAGE_UNREADY);
	cr_expect_eq(image.zone[0].label_cnt, 2);
}

/* The zone has nothing but the one answer. */
Test(image_unready, with_anything_is_refused)
{
	struct vly_image_zone *changed = the_zone();
	const struct vly_image_zone good = *changed;
	struct vly_image_node *apex = at(changed->apex);
	struct vly_image_answer *answer = at(changed->nodata);

	changed->version = 1;
	cr_expect_eq(verify(), -1, "a version");
	*changed = good;
	changed->serial = 1;
	cr_expect_eq(verify(), -1, "a serial");
	*changed = good;
	changed->flags |= VLY_IMAGE_OVERLAY;
	cr_expect_eq(verify(), -1, "an overlay");
	*changed = good;
	changed->flags = 4;
	cr_expect_eq(verify(), -1, "an unknown flag");
	*changed = good;
	apex->flags = VLY_NODE_APEX;
	cr_expect_eq(verify(), -1, "names below could not be found");
	apex->flags = VLY_NODE_APEX | VLY_NODE_CUT | VLY_NODE_DNAME;
	cr_expect_eq(verify(), -1, "a DNAME");
	apex->flags = VLY_NODE_APEX | VLY_NODE_CUT;
	answer->flags = VLY_RCODE_SERVFAIL;
	cr_expect_eq(verify(), -1, "an answer that does not fail");
	answer->flags = VLY_ANSWER_FAILS | VLY_RCODE_SERVFAIL;
	cr_expect_eq(verify(), 0, "%s", error.text);
}

/* As the pieces of several images are put together. */
Test(image_unready, moves_to_another_image)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_image *opened = vly_test_image_open(&zone, 1, 1);
	struct vly_merge_layer layer = {.image = opened};
	struct vly_built_image built;

	cr_assert_not_null(opened);
	cr_assert_eq(vly_image_builder_add_unready(builder, "new.", VLY_UNREADY_NOT_LOADED), 0);
	cr_assert_eq(vly_image_builder_add_layers(builder, &layer, 1), 0);
	cr_expect_eq(vly_image_builder_zone_cnt(builder), 2);
	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	struct vly_image *moved = vly_image_open(built.fd, 2, NULL, &error);
	cr_assert_not_null(moved, "%s", error.text);
	struct vly_table *table = vly_table_build(&moved, 1, &error);
	cr_assert_not_null(table);
	char *text = vly_test_ask_text(
		table, &(struct vly_test_question){.name = "a.u.z.", .type = VLY_TYPE_A});
	cr_expect_str_eq(text, "SERVFAIL\n", "%s", text);
	free(text);
	vly_table_free(table);
	vly_image_close(moved);
	vly_image_close(opened);
	close(built.fd);
}

Test(image_unready, of_no_name)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_expect_eq(vly_image_builder_add_unready(builder, "a..b", VLY_UNREADY_EXPIRED), -1);
	cr_expect_eq(vly_image_builder_zone_cnt(builder), 0);
	cr_expect_eq(vly_image_builder_add_unready(builder, ".", VLY_UNREADY_EXPIRED), 0);
	vly_image_builder_free(builder);
}
