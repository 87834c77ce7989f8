/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A builder that has been cleared makes the same image as a new one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

static const struct vly_test_zone small = {"small.", VLY_TEST_APEX "a A 192.0.2.1\n*.w TXT x\n"};
static const struct vly_test_zone bad = {"bad.", VLY_TEST_APEX "a CNAME b\na A 192.0.2.1\n"};
static const struct vly_test_zone no_records = {"none.", "; nothing\n"};

/* A zone whose image is so large that a cleared builder does not keep its memory. */
static struct vly_test_zone
make_large(void)
{
	struct vly_test_zone zone = {.name = "large."};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(VLY_TEST_APEX, out);
	for (unsigned i = 0; i < 20000; i++)
		fprintf(out, "h%u A 192.0.2.1\n", i);
	fclose(out);
	zone.text = text;
	return zone;
}

static struct vly_image_builder *
new_builder(void)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_not_null(builder);
	return builder;
}

/* Seals the builder; returns the image's octets, the caller's. */
static uint8_t *
seal(struct vly_image_builder *builder, size_t *bytes)
{
	struct vly_built_image built;

	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	uint8_t *image = vly_test_image_read(built.fd, bytes);
	cr_assert_not_null(image);
	cr_expect_eq(*bytes, built.bytes);
	close(built.fd);
	return image;
}

static void
expect_small_image(struct vly_image_builder *builder)
{
	struct vly_image_builder *fresh = new_builder();
	struct vly_zone_error error = {0};
	size_t bytes, fresh_bytes;

	cr_assert_eq(vly_test_zone_add(fresh, &small, &error), 0);
	cr_assert_eq(vly_test_zone_add(builder, &small, &error), 0, "%s", error.text);
	uint8_t *image = seal(builder, &bytes);
	uint8_t *fresh_image = seal(fresh, &fresh_bytes);
	cr_assert_eq(bytes, fresh_bytes);
	cr_expect_eq(memcmp(image, fresh_image, bytes), 0);
	free(image);
	free(fresh_image);
}

static void
add_and_clear(struct vly_image_builder *builder, const struct vly_test_zone *zone, int result)
{
	struct vly_zone_error error = {0};

	cr_expect_eq(vly_test_zone_add(builder, zone, &error), result, "%s", error.text);
	cr_assert_eq(vly_image_builder_clear(builder), 0);
}

Test(image_builder, is_as_new_once_cleared)
{
	struct vly_test_zone large = make_large();
	struct vly_image_builder *builder = new_builder();

	cr_assert_eq(vly_image_builder_clear(builder), 0);
	add_and_clear(builder, &small, 0);
	add_and_clear(builder, &bad, -1);
	uint64_t bytes = vly_image_builder_bytes(builder);
	add_and_clear(builder, &large, 0);
	cr_expect_eq(vly_image_builder_bytes(builder), bytes);
	add_and_clear(builder, &no_records, -1);
	add_and_clear(builder, &small, 0);
	expect_small_image(builder);
	free((char *)large.text);
}

Test(image_builder, is_as_new_after_a_large_zone)
{
	struct vly_test_zone large = make_large();
	struct vly_image_builder *builder = new_builder();

	add_and_clear(builder, &large, 0);
	expect_small_image(builder);
	free((char *)large.text);
}
