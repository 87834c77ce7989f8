/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scans of directories without memory: what is served stays. strdup() and calloc() of our own objects come here
 * first (ld's --wrap). */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reload/reload_parts.h"

static bool has_memory = true; /* for tables and zones */
static bool has_words = true;  /* for paths */
static char root[] = "/tmp/volley-scan-XXXXXX";
static char first[100]; /* the zone's file, in one directory and in the other */
static char second[100];
static uv_loop_t loop;
static struct vly_reloader reloader;
static struct vly_reload reload;

char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_calloc(size_t cnt, size_t bytes);
void *__wrap_calloc(size_t cnt, size_t bytes);

char *
__wrap_strdup(const char *text)
{
	return has_words ? __real_strdup(text) : NULL;
}

void *
__wrap_calloc(size_t cnt, size_t bytes)
{
	return has_memory ? __real_calloc(cnt, bytes) : NULL;
}

static void
ignore(void *arg)
{
	(void)arg;
}

static struct vly_config *
load_config(void)
{
	struct vly_config_errors errors;
	char path[100];

	snprintf(path, sizeof(path), "%s/volley.yaml", root);
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fprintf(file, "zones:\n- {directory: %s/a, pattern: \"%%s.zone\"}\n", root);
	fprintf(file, "- {directory: %s/b, pattern: \"%%s.zone\"}\n", root);
	fclose(file);
	struct vly_config *config = vly_config_load(path, &errors);
	cr_assert_not_null(config, "%s", errors.text[0]);
	unlink(path);
	return config;
}

/* A scan that finds the zone in this directory alone. */
static int
scan(unsigned directory, struct vly_served_zones *target)
{
	struct vly_found_zone found = {(char *)(uintptr_t) "z.", directory == 0 ? first : second,
				       (uint16_t)directory};

	reload.scan = (struct vly_found_zones){&found, 1, 1};
	return vly_reload_apply_scan(&reload, target);
}

static void
set_up(void)
{
	char path[100];

	cr_assert_not_null(mkdtemp(root));
	for (const char *name = "ab"; *name != '\0'; name++) {
		snprintf(path, sizeof(path), "%s/%c", root, *name);
		cr_assert_eq(mkdir(path, 0700), 0);
	}
	snprintf(first, sizeof(first), "%s/a/z.zone", root);
	snprintf(second, sizeof(second), "%s/b/z.zone", root);
	cr_assert_eq(uv_loop_init(&loop), 0);
	vly_directory_watch_init(&reloader.directories, &loop, ignore, &loop);
	reloader.live = vly_served_zones_new(load_config());
	cr_assert_not_null(reloader.live);
	reload.reloader = &reloader;
	cr_assert_eq(scan(0, reloader.live), 0);
	cr_assert_not_null(vly_served_zones_find(reloader.live, "z."));
}

static void
tear_down(void)
{
	char path[100];

	vly_directory_watch_close(&reloader.directories, ignore);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
	free(reload.zones);
	vly_served_zones_free(reloader.live);
	for (const char *name = "ab"; *name != '\0'; name++) {
		snprintf(path, sizeof(path), "%s/%c", root, *name);
		rmdir(path);
	}
	rmdir(root);
}

TestSuite(reload_scan, .init = set_up, .fini = tear_down);

static void
expect_zone(const char *file, const char *when)
{
	const struct vly_served_zone *zone = vly_served_zones_find(reloader.live, "z.");

	cr_assert_not_null(zone, "%s", when);
	cr_expect_not(zone->is_leaving, "%s", when);
	cr_expect_str_eq(zone->file, file, "%s", when);
}

Test(reload_scan, a_zone_that_moved_stays)
{
	has_words = false;
	cr_expect_eq(scan(1, reloader.live), 0);
	has_words = true;
	expect_zone(first, "without memory");
	cr_expect(reloader.directories.is_scan_due, "what is missing is done later");
	cr_expect_eq(scan(1, reloader.live), 0);
	expect_zone(second, "with memory again");
}

static void
watched(unsigned directory, bool exists)
{
	struct vly_watched_file *file = calloc(1, sizeof(*file) + 100);
	const char name[] = "z.zone";
	char *key = file->name + sizeof(name);

	file->directory = directory;
	file->exists = exists;
	memcpy(file->name, name, sizeof(name));
	memcpy(key, &directory, sizeof(directory));
	memcpy(key + sizeof(directory), name, sizeof(name) - 1);
	HASH_ADD_KEYPTR(hh, reload.files, key, sizeof(directory) + sizeof(name) - 1, file);
}

Test(reload_scan, a_zone_whose_file_was_moved_stays)
{
	watched(0, false);
	watched(1, true);
	has_words = false;
	vly_reload_choose_files(&reload);
	has_words = true;
	cr_expect_not_null(reload.zones);
	cr_expect_eq(reload.zone_cnt, 0);
	expect_zone(first, "without memory");
	cr_expect(reloader.directories.is_scan_due, "what is missing is done later");
	free(reload.zones);
	vly_reload_choose_files(&reload);
	cr_expect_eq(reload.zone_cnt, 1);
	expect_zone(second, "with memory again");
	vly_watched_files_free(reload.files);
	reload.files = NULL;
}

/* The list for a new configuration would lose it. */
Test(reload_scan, a_list_without_a_zone_that_is_live_is_refused)
{
	struct vly_served_zones *next = vly_served_zones_successor(reloader.live, load_config());

	cr_assert_not_null(next);
	has_memory = false;
	cr_expect_eq(scan(0, next), -1);
	has_memory = true;
	cr_expect_eq(scan(0, next), 0);
	cr_expect_not_null(vly_served_zones_find(next, "z."));
	vly_served_zones_free(next);
}
