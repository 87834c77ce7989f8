/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_directory.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

/* File names of one scan that are no domain names, named in the log: a line each. */
#define LOGGED_NAMES_MAX 20

enum vly_directory_match
vly_zone_directory_match(const char *pattern, const char *file, char name[VLY_DOMAIN_TEXT_BYTES],
			 const char **why)
{
	const char *place = strstr(pattern, "%s");
	const size_t before = (size_t)(place - pattern);
	const size_t behind = strlen(place + 2);
	const size_t len = strlen(file);
	char text[NAME_MAX + 1];

	if (len < before + behind || len > NAME_MAX || memcmp(file, pattern, before) != 0 ||
	    strcmp(file + len - behind, place + 2) != 0)
		return VLY_DIRECTORY_OTHER;
	snprintf(text, sizeof(text), "%.*s", (int)(len - before - behind), file + before);
	*why = vly_domain_canonical(text, name);
	return *why == NULL ? VLY_DIRECTORY_ZONE : VLY_DIRECTORY_BAD;
}

const char *
vly_zone_pattern_check(const char *pattern)
{
	const char *place = strstr(pattern, "%s");

	if (place == NULL || strstr(place + 2, "%s") != NULL)
		return "must have %s once, in the place of the zone's name";
	return strchr(pattern, '/') != NULL ? "must not have a slash" : NULL;
}

static int
add(struct vly_found_zones *scan, uint16_t directory, const char *path, const char *file,
    const char *name)
{
	const size_t name_bytes = strlen(name) + 1;
	const size_t bytes = name_bytes + strlen(path) + strlen(file) + 2;

	if (scan->cnt == scan->room) {
		uint32_t room = scan->room > 0 ? 2 * scan->room : 64;
		void *grown = realloc(scan->zone, room * sizeof(*scan->zone));
		if (grown == NULL)
			return -1;
		scan->zone = grown;
		scan->room = room;
	}
	char *text = malloc(bytes);
	if (text == NULL)
		return -1;
	memcpy(text, name, name_bytes);
	snprintf(text + name_bytes, bytes - name_bytes, "%s/%s", path, file);
	scan->zone[scan->cnt++] = (struct vly_found_zone){text, text + name_bytes, directory};
	return 0;
}

/* Returns 0, or an error number. */
static int
scan_names(DIR *names, const struct vly_config_directory *directory, uint16_t idx,
	   struct vly_found_zones *scan, uint32_t *bad_cnt)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	struct dirent *entry;
	const char *why;

	while (errno = 0, (entry = readdir(names)) != NULL) {
		if (entry->d_type == DT_DIR)
			continue;
		enum vly_directory_match match =
			vly_zone_directory_match(directory->pattern, entry->d_name, name, &why);
		if (match == VLY_DIRECTORY_BAD && ++*bad_cnt <= LOGGED_NAMES_MAX)
			vly_log_warning("%s/%s is not served: %s", directory->path, entry->d_name,
					why);
		if (match == VLY_DIRECTORY_ZONE &&
		    add(scan, idx, directory->path, entry->d_name, name) != 0)
			return ENOMEM;
	}
	return errno;
}

static int
scan_directory(const struct vly_config_directory *directory, uint16_t idx,
	       struct vly_found_zones *scan, uint32_t *bad_cnt)
{
	DIR *names = opendir(directory->path);

	if (names == NULL)
		return errno;
	int error = scan_names(names, directory, idx, scan, bad_cnt);
	closedir(names);
	return error;
}

int
vly_zone_directories_scan(const struct vly_config *config, struct vly_found_zones *scan,
			  char reason[VLY_REASON_BYTES])
{
	uint32_t bad_cnt = 0;
	int error = 0;

	*scan = (struct vly_found_zones){0};
	for (unsigned i = 0; error == 0 && i < config->directory_cnt; i++) {
		error = scan_directory(&config->directories[i], (uint16_t)i, scan, &bad_cnt);
		if (error != 0)
			snprintf(reason, VLY_REASON_BYTES,
				 "the zones of directory %s could not be listed: %s",
				 config->directories[i].path, strerror(error));
	}
	if (bad_cnt > LOGGED_NAMES_MAX)
		vly_log_warning(
			"%u more files are not served, as their names are not those of zones",
			bad_cnt - LOGGED_NAMES_MAX);
	if (error == 0)
		return 0;
	vly_found_zones_free(scan);
	return -1;
}

void
vly_found_zones_free(struct vly_found_zones *scan)
{
	for (uint32_t i = 0; i < scan->cnt; i++)
		free(scan->zone[i].name);
	free(scan->zone);
	*scan = (struct vly_found_zones){0};
}
