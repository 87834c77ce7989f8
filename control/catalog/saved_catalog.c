/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file has the catalog's records, as those which a change adds (change/change.h). */
#include "saved_catalog.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/new_file.h"
#include "change/change.h"
#include "zone/domain.h"

/* A slash in a name is no directory. */
static void
write_path(char path[PATH_MAX], const char *state_dir, const char *name)
{
	int len = snprintf(path, PATH_MAX, "%s/catalogs/", state_dir);

	for (; *name && len < PATH_MAX - 1; name++)
		path[len++] = *name == '/' ? '%' : *name;
	path[len] = '\0';
}

/* Adds "LABELS.apex". `left` is made of labels. */
static int
add(struct vly_change *change, const struct vly_catalog *catalog, const uint8_t *left,
    unsigned left_len, uint16_t type, const uint8_t *data, unsigned data_len)
{
	uint8_t owner[2 * VLY_NAME_BYTES_MAX];

	memcpy(owner, left, left_len);
	unsigned len = left_len + vly_domain_wire(catalog->name, owner + left_len);
	return vly_change_add(change, owner, len, type, 0, data, data_len);
}

/* Adds the records of a member. Returns 0, or -1 with errno. */
static int
add_member(struct vly_change *change, const struct vly_catalog *catalog,
	   const struct vly_catalog_member *member)
{
	static const uint8_t zones[] = "\005zones";
	uint8_t name[VLY_NAME_BYTES_MAX];
	uint8_t text[256];
	uint8_t left[6 + 1 + VLY_LABEL_BYTES_MAX + 6];
	uint8_t *label = left + 6; /* in front of it there is room for "group" */
	unsigned len = 1u + member->label_len + 6;

	label[0] = member->label_len;
	memcpy(label + 1, member->label, member->label_len);
	memcpy(label + 1 + member->label_len, zones, 6);
	int result = add(change, catalog, label, len, VLY_TYPE_PTR, name,
			 vly_domain_wire(member->zone, name));
	memcpy(left + 2, "\003coo", 4);
	if (result == 0 && member->coo)
		result = add(change, catalog, left + 2, len + 4, VLY_TYPE_PTR, name,
			     vly_domain_wire(member->coo, name));
	memcpy(left, "\005group", 6);
	for (unsigned i = 0; result == 0 && i < member->group_cnt; i++) {
		text[0] = (uint8_t)strlen(member->group[i]);
		memcpy(text + 1, member->group[i], text[0]);
		result = add(change, catalog, left, len + 6, VLY_TYPE_TXT, text, text[0] + 1u);
	}
	return result;
}

static int
write_change(const struct vly_change *change, const char *path)
{
	size_t bytes = vly_change_encoded_bytes(change);
	uint8_t *octets = malloc(bytes);
	struct vly_new_file file;
	int result = -1;

	if (!octets)
		return -1;
	vly_change_encode(change, octets);
	if (vly_new_file_open(&file, path, VLY_NEW_FILE_ENDING) == 0) {
		result = vly_new_file_write(&file, octets, bytes);
		if (result == 0)
			result = vly_new_file_replace(&file);
		else
			vly_new_file_drop(&file);
	}
	free(octets);
	return result;
}

int
vly_saved_catalog_write(const char *state_dir, const struct vly_catalog *catalog,
			char reason[VLY_REASON_BYTES])
{
	struct vly_change change;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/catalogs", state_dir);
	(void)mkdir(path, 0700); /* what fails is said below */
	write_path(path, state_dir, catalog->name);
	vly_change_init(&change);
	int result = add(&change, catalog, (const uint8_t *)"\007version", 8, VLY_TYPE_TXT,
			 (const uint8_t *)"\0012", 2);
	for (uint32_t i = 0; result == 0 && i < catalog->member_cnt; i++)
		result = add_member(&change, catalog, catalog->member[i]);
	if (result == 0)
		result = write_change(&change, path);
	if (result != 0)
		snprintf(reason, VLY_REASON_BYTES, "%.300s: %s", path, strerror(errno));
	vly_change_free(&change);
	return result;
}

/* 1,000,000 members with names of usual length take about 100 MB. */
#define BYTES_MAX ((size_t)1 << 30)

struct vly_catalog *
vly_saved_catalog_read(const char *state_dir, const char *name, char reason[VLY_REASON_BYTES])
{
	struct vly_catalog_reader reader;
	struct vly_change change;
	char path[PATH_MAX];
	struct stat status;

	write_path(path, state_dir, name);
	*reason = '\0';
	if (stat(path, &status) != 0)
		return NULL;
	snprintf(reason, VLY_REASON_BYTES, "%.300s: it is damaged", path);
	uint8_t *octets =
		(size_t)status.st_size <= BYTES_MAX ? malloc((size_t)status.st_size + 1) : NULL;
	FILE *file = fopen(path, "re");
	size_t bytes = file && octets ? fread(octets, 1, (size_t)status.st_size, file) : 0;
	if (file)
		fclose(file);
	vly_change_init(&change);
	struct vly_catalog *catalog = NULL;
	if (vly_change_decode(&change, octets ? octets : (const uint8_t *)"", bytes) == 0) {
		vly_catalog_begin(&reader, name);
		for (size_t i = 0; i < change.added.cnt; i++) {
			const struct vly_change_record *record = &change.added.record[i];
			vly_catalog_take(&reader, record->owner, record->owner_len, record->type,
					 record->data, record->data_len);
		}
		catalog = vly_catalog_end(&reader, reason);
	}
	vly_change_free(&change);
	free(octets);
	return catalog;
}

void
vly_saved_catalog_remove(const char *state_dir, const char *name)
{
	char path[PATH_MAX];

	write_path(path, state_dir, name);
	(void)unlink(path); /* mostly there is none */
}
