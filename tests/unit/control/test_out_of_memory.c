/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables without memory: whichever allocation fails, it is an error of the caller, and no end of
 * the program. malloc() and calloc() of our own objects come here first (ld's --wrap). */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reload/served_zones.h"
#include "socket/top_count.h"

/* So many that the tables grow on the way. */
#define NAME_CNT 2000

static unsigned left = UINT_MAX;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t cnt, size_t bytes);
void *__wrap_calloc(size_t cnt, size_t bytes);

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

/* What the compiler makes of malloc() and memset(). */
void *
__wrap_calloc(size_t cnt, size_t bytes)
{
	return fails() ? NULL : __real_calloc(cnt, bytes);
}

static char path[] = "/tmp/volley-memory-XXXXXX";

static void
write_config(void)
{
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	dprintf(fd, "zones:\n");
	for (unsigned i = 0; i < NAME_CNT; i++)
		dprintf(fd, "- {name: z%u, file: /z/%u}\n", i, i);
	close(fd);
}

Test(out_of_memory, served)
{
	struct vly_config_errors errors;
	unsigned failed = 0;

	write_config();
	struct vly_config *config = vly_config_load(path, &errors);
	unlink(path);
	cr_assert_not_null(config);
	for (unsigned at = 0;; at++) {
		left = at;
		struct vly_served_zones *served = vly_served_zones_new(config);
		bool hit = left == UINT_MAX;
		left = UINT_MAX;
		if (!hit) {
			cr_assert_not_null(served);
			cr_expect_not_null(vly_served_zones_find(served, "z1999."));
			vly_served_zones_free(served);
			break;
		}
		failed += served == NULL;
		cr_assert_null(served, "allocation %u", at);
	}
	cr_expect_gt(failed, 2, "the table did not grow: %u", failed);
}

Test(out_of_memory, configuration)
{
	struct vly_config_errors errors;

	write_config();
	for (unsigned at = 0;; at++) {
		left = at;
		struct vly_config *config = vly_config_load(path, &errors);
		bool hit = left == UINT_MAX;
		left = UINT_MAX;
		cr_expect(config || errors.cnt > 0 || hit);
		vly_config_free(config);
		vly_config_errors_free(&errors);
		if (!hit)
			break;
	}
	unlink(path);
}

Test(out_of_memory, top)
{
	char name[20];

	for (unsigned at = 0, hit = true; hit; at += at < 20 ? 1 : 97) {
		struct vly_top *top = NULL;
		left = at;
		for (unsigned i = 0; i < NAME_CNT; i++) {
			snprintf(name, sizeof(name), "name%u", i);
			vly_top_add(&top, name, 1);
		}
		hit = left == UINT_MAX;
		left = UINT_MAX;
		json_t *json = vly_top_json(&top, "name", NAME_CNT, 1);
		cr_expect_eq(json_array_size(json), NAME_CNT - hit, "one is left out");
		json_decref(json);
	}
}
