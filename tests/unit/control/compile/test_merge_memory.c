/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overlays and merges without memory: whichever allocation fails, it is an error of the caller, and
 * the builder stays as it was. malloc(), calloc() and realloc() of our own objects come here first
 * (ld's --wrap). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "layer_reader.h"
#include "server.h"
#include "zone_model.h"

static unsigned left = UINT_MAX;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t cnt, size_t bytes);
void *__wrap_calloc(size_t cnt, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);

/* Whether this is the one that fails. */
static bool
fails(void)
{
	if (left == UINT_MAX || left-- != 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t bytes)
{
	return fails() ? NULL : __real_malloc(bytes);
}

void *
__wrap_calloc(size_t cnt, size_t bytes)
{
	return fails() ? NULL : __real_calloc(cnt, bytes);
}

void *
__wrap_realloc(void *block, size_t bytes)
{
	return fails() ? NULL : __real_realloc(block, bytes);
}

static struct vly_image_builder *
new_builder(void)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_not_null(builder);
	return builder;
}

Test(merge_memory, overlay)
{
	struct vly_test_random random = {7};
	struct vly_model before, after;
	struct vly_model_pair pair = {&after, &before, false};
	const struct vly_overlay_source source = vly_model_source(&pair);
	struct vly_zone_report report;
	const char *why;
	bool hit = true;
	unsigned at = 0;

	vly_model_begin(&before, "z.", &random);
	after = before;
	for (unsigned i = 0; i < 10; i++)
		vly_model_change(&after, &random);
	for (; hit; at++) {
		struct vly_image_builder *builder = new_builder();
		uint64_t bytes = vly_image_builder_bytes(builder);
		left = at;
		enum vly_overlay_result result =
			vly_model_add_overlay(&pair, &source, builder, 2, 1, &report, &why);
		hit = left == UINT_MAX;
		left = UINT_MAX;
		cr_assert_eq(result, hit ? VLY_OVERLAY_FAILED : VLY_OVERLAY_DONE, "allocation %u",
			     at);
		cr_expect_eq(vly_image_builder_bytes(builder) == bytes, hit);
		cr_expect(!hit || strcmp(report.first.text, "out of memory") == 0, "%s",
			  report.first.text);
		vly_image_builder_free(builder);
	}
	cr_expect_gt(at, 15);
}

static void
merge_all(const struct vly_merge_layer *layer, unsigned layer_cnt, unsigned allocations_min)
{
	bool hit = true;
	unsigned at = 0;

	for (; hit; at++) {
		struct vly_image_builder *builder = new_builder();
		uint64_t bytes = vly_image_builder_bytes(builder);
		left = at;
		int result = vly_image_builder_add_layers(builder, layer, layer_cnt);
		hit = left == UINT_MAX;
		left = UINT_MAX;
		cr_assert_eq(result, hit ? -1 : 0, "allocation %u", at);
		cr_expect_eq(vly_image_builder_bytes(builder) == bytes, hit);
		vly_image_builder_free(builder);
	}
	cr_expect_gt(at, allocations_min);
}

Test(merge_memory, layers)
{
	struct vly_test_random random = {7};
	struct vly_merge_layer layer[5] = {0};
	struct vly_image *image[5];
	struct vly_model before, after;
	struct vly_model_pair pair = {&after, &before, false};

	vly_model_begin(&after, "z.", &random);
	for (unsigned i = 0; i < 5; i++) {
		struct vly_image_builder *builder = new_builder();
		if (i == 0)
			vly_model_compile(&after, builder, 1);
		else
			cr_assert_eq(vly_model_compile_overlay(&pair, builder, i + 1, i),
				     VLY_OVERLAY_DONE);
		image[i] = vly_test_seal(builder);
		layer[i].image = image[i];
		before = after;
		vly_model_change(&after, &random);
	}
	merge_all(layer, 1, 4);
	merge_all(layer, 5, 18);
	for (unsigned i = 0; i < 5; i++)
		vly_image_close(image[i]);
}
