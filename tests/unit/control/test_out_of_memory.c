/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables and zone files without memory: whichever allocation fails, it is an error of the caller, and no end of
 * the program. malloc() and calloc() of our own objects come here first (ld's --wrap). */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile/image_builder.h"
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

#define RRSIG(type) " RRSIG " type " 13 1 300 20300101000000 20200101000000 1 z. AAAA\n"

/* The hash of "z." without salt and iterations. */
#define HASH "s4nsfbqlv7g61inco06qt7sdighk0773"

/* How the zone is signed: records of the apex, and what follows each name. */
static const struct {
	const char *apex;
	const char *each;
} kinds[] = {
	{"", ""},
	{"@" RRSIG("SOA") "@ NSEC z. A\n", " NSEC z. A\n" RRSIG("A")},
	{"@" RRSIG("SOA") "@ NSEC3PARAM 1 0 0 -\n" HASH " NSEC3 1 0 0 - " HASH " A\n", RRSIG("A")},
};

/* A zone that includes a file, with so many names that its arenas and tables grow. Returns its
 * path. */
static const char *
write_zone(size_t kind)
{
	static char included[] = "/tmp/volley-included-XXXXXX";
	int fd = mkstemp(path);
	int included_fd = mkstemp(included);

	cr_assert(fd >= 0 && included_fd >= 0);
	dprintf(fd, "@ 300 SOA ns mail 1 2 3 4 5\n%s@ NS ns\nns A 192.0.2.1\n$INCLUDE %s\n",
		kinds[kind].apex, included);
	for (unsigned i = 0; i < NAME_CNT; i++)
		dprintf(included_fd, "h%u A 192.0.2.1\n%s", i, kinds[kind].each);
	close(fd);
	close(included_fd);
	return included;
}

static void
load_zone(size_t kind)
{
	static const struct vly_dnssec_settings dnssec = {
		.now_s = 1800000000, .verify = VLY_DNSSEC_VERIFY_ALL, .thread_max = 1};
	static const struct vly_hash_key key;
	const char *included = write_zone(kind);
	unsigned failed = 0;

	for (unsigned at = 0, hit = true; hit; at++) {
		struct vly_zone_report report;
		struct vly_zone_info info;
		int result = -1;
		vly_zone_report_defaults(&report);
		left = at;
		struct vly_image_builder *builder = vly_image_builder_new(&key);
		if (builder != NULL) {
			vly_image_builder_check_signed(builder, &dnssec);
			result = vly_image_builder_add_file(builder, "z.", path, NULL, &report,
							    &info);
		}
		hit = left == UINT_MAX;
		left = UINT_MAX;
		cr_expect_eq(result == 0, !hit, "allocation %u", at);
		cr_expect(result == 0 || builder == NULL || report.error_cnt > 0);
		failed += result != 0;
		/* with memory again, the same builder reads the zone */
		if (builder != NULL && hit) {
			vly_zone_report_defaults(&report);
			cr_expect_eq(vly_image_builder_add_file(builder, "z.", path, NULL, &report,
								&info),
				     0, "after allocation %u: %s", at, report.first.text);
		}
		vly_image_builder_free(builder);
	}
	cr_expect_gt(failed, 10, "the arenas did not grow: %u", failed);
	unlink(path);
	unlink(included);
}

Test(out_of_memory, zone_file)
{
	load_zone(0);
}

Test(out_of_memory, zone_with_nsec)
{
	load_zone(1);
}

Test(out_of_memory, zone_with_nsec3)
{
	load_zone(2);
}
