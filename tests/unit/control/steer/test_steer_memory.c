/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps of clients without memory: whichever allocation fails, it is an error of the caller, with nothing left
 * behind (the leak checker of the sanitizers looks). malloc(), calloc() and realloc() of our own objects come
 * here first (ld's --wrap). */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steer/map_builder.h"
#include "steer/map_text.h"

static unsigned left = UINT_MAX;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t cnt, size_t bytes);
void *__wrap_calloc(size_t cnt, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

/* Whether this is the one that fails. */
static bool
fails(void)
{
	return left != UINT_MAX && left-- == 0;
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
__wrap_realloc(void *old, size_t bytes)
{
	return fails() ? NULL : __real_realloc(old, bytes);
}

/* So many prefixes, regions and nodes that all arrays and tables grow. */
#define PREFIX_CNT 1500

static char text[PREFIX_CNT * 48];

static void
write_text(bool times)
{
	size_t used = 0;

	for (unsigned i = 0; i < PREFIX_CNT; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u.%u.%u.0/24 r%u%s\n",
					 1 + i % 200, i / 250, i % 250, i, times ? " 12.5" : "");
}

/* Returns 0, or -1 when an allocation failed on the way. */
static int
read_text(bool times, struct vly_region_list *list)
{
	char reason[VLY_REASON_BYTES];
	int error = times ? vly_map_latency_parse("own.txt", text, strlen(text), 3, list, reason)
			  : vly_map_text_parse("own.txt", text, strlen(text), list, reason);

	if (error != 0)
		cr_assert_not_null(strstr(reason, "out of memory"), "%s", reason);
	return error;
}

static int
build(const struct vly_region_list *list)
{
	struct vly_partition partition;
	struct vly_partition product;
	struct vly_region_pair *pair;
	struct vly_built_map map;
	uint32_t class_of[PREFIX_CNT + 1];

	for (uint32_t i = 0; i <= PREFIX_CNT; i++)
		class_of[i] = i;
	if (vly_partition_make(&partition, list) != 0)
		return -1;
	int error = vly_partition_product(&product, &pair, &partition, &partition);
	if (error == 0) {
		error = vly_client_map_build(&map, &product, class_of, PREFIX_CNT + 1);
		if (error == 0)
			vly_built_map_free(&map);
		vly_partition_free(&product);
		free(pair);
	}
	vly_partition_free(&partition);
	return error;
}

static unsigned
fail_each(bool times)
{
	unsigned name_cnt = times ? 2 * PREFIX_CNT : PREFIX_CNT;
	unsigned failed = 0;
	int error = -1;

	write_text(times);
	/* a name is an allocation: most of them are skipped */
	for (; error != 0; failed += failed < 20 || failed > name_cnt ? 1 : 397) {
		struct vly_region_list list = {0};
		left = failed;
		error = read_text(times, &list);
		if (error == 0)
			error = build(&list);
		left = UINT_MAX;
		vly_region_list_free(&list);
	}
	return failed;
}

Test(steer_memory, text)
{
	cr_expect_gt(fail_each(false), PREFIX_CNT);
}

Test(steer_memory, times)
{
	cr_expect_gt(fail_each(true), PREFIX_CNT);
}
