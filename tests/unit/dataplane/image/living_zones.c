/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "message.h"

void
vly_living_name(struct vly_test_random *random, const char *zone, unsigned labels_max,
		char name[64])
{
	static const char *const words[] = {"a.", "b.", "c.", "*."}; /* the last, first only */
	unsigned labels = vly_test_random_below(random, labels_max + 1);

	*name = '\0';
	for (unsigned i = 0; i < labels; i++)
		strcat(name, words[vly_test_random_below(random, i == 0 ? 4 : 3)]);
	strcat(name, zone);
}

static void
make_record(struct vly_test_random *random, const char *zone, char record[64])
{
	static const char *const types[] = {
		"A 192.0.2.%u", "A 192.0.2.%u", "TXT \"%u\"", "NS ns%u.elsewhere.",
		"CNAME %s",     "CNAME %s",     "MX 1 %s",    "DNAME %s",
		"NS %s"};
	unsigned type = vly_test_random_below(random, 9);
	char owner[64], target[64], data[100];

	do
		vly_living_name(random, zone, 3, owner);
	while (strcmp(owner, zone) == 0 || (*owner == '*' && type == 7));
	vly_living_name(random, zone, 3, target);
	if (strstr(types[type], "%s") != NULL)
		snprintf(data, sizeof(data), types[type], target);
	else
		snprintf(data, sizeof(data), types[type], vly_test_random_below(random, 200));
	if (snprintf(record, 64, "%s %s\n", owner, data) >= 64)
		abort();
}

/* The text of a version; the caller's to free. */
static char *
zone_text(const struct vly_living_zone *zone)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	fprintf(file,
		"$TTL 300\n@ SOA ns.elsewhere. mail.elsewhere. %u %u 3 4 60\n"
		"@ NS ns.elsewhere.\n",
		(unsigned)zone->version, 2 + (unsigned)zone->version % 2);
	for (unsigned i = 0; i < VLY_LIVING_RECORDS; i++)
		if (zone->has[i])
			fputs(zone->record[i], file);
	fclose(file);
	return text;
}

/* NULL: such a zone may not be. */
static struct vly_image *
open_version(const struct vly_living_zone *zone)
{
	char *text = zone_text(zone);
	struct vly_zone_error error;
	struct vly_test_zone one = {zone->name, text};
	struct vly_image *image = NULL;
	int fd = vly_test_image_build(&one, 1, &vly_test_key, &error);

	if (fd >= 0) {
		close(fd);
		image = vly_test_version_open(&one, 1, zone->version, 1);
	}
	free(text);
	return image;
}

void
vly_living_zone_begin(struct vly_living_zone *zone, const char *name,
		      struct vly_test_random *random)
{
	memset(zone, 0, sizeof(*zone));
	snprintf(zone->name, sizeof(zone->name), "%s", name);
	zone->version = 1;
	do {
		for (unsigned i = 0; i < VLY_LIVING_RECORDS; i++) {
			make_record(random, name, zone->record[i]);
			zone->has[i] = vly_test_random_chance(random, 30);
		}
		zone->complete[1] = open_version(zone);
	} while (zone->complete[1] == NULL);
}

void
vly_living_zone_change(struct vly_living_zone *zone, struct vly_test_random *random)
{
	bool before[VLY_LIVING_RECORDS];

	memcpy(before, zone->has, sizeof(before));
	zone->version++;
	do {
		memcpy(zone->has, before, sizeof(before));
		for (unsigned i = vly_test_random_below(random, 4); i > 0; i--) {
			unsigned flipped = vly_test_random_below(random, VLY_LIVING_RECORDS);
			zone->has[flipped] = !zone->has[flipped];
		}
		zone->complete[zone->version] = open_version(zone);
	} while (zone->complete[zone->version] == NULL);
	zone->overlay[zone->version] = vly_living_merged(zone, zone->version - 1, zone->version, 1);
	if (zone->overlay[zone->version] == NULL)
		abort();
}

void
vly_living_zone_end(struct vly_living_zone *zone)
{
	for (unsigned i = 1; i < VLY_LIVING_VERSIONS; i++) {
		vly_image_close(zone->complete[i]);
		vly_image_close(zone->overlay[i]);
	}
}

struct vly_image *
vly_living_merged(const struct vly_living_zone *zone, uint64_t below, uint64_t version, uint64_t id)
{
	return vly_test_overlay_open(zone->complete[below], 0, zone->complete[version], 0, id);
}

bool
vly_living_ask(struct vly_test_random *random, const char *zone, const struct vly_table *got,
	       const struct vly_table *wanted)
{
	static const unsigned types[] = {VLY_TYPE_A,  VLY_TYPE_NS,  VLY_TYPE_SOA,   VLY_TYPE_DS,
					 VLY_TYPE_MX, VLY_TYPE_ANY, VLY_TYPE_CNAME, VLY_TYPE_TXT};
	char name[64];

	vly_living_name(random, zone, 4, name);
	const struct vly_test_question question = {
		.name = name,
		.type = (uint16_t)types[vly_test_random_below(random, 8)],
		.edns = vly_test_random_chance(random, 50),
		.dnssec_ok = vly_test_random_chance(random, 50),
		.stream = vly_test_random_chance(random, 20),
	};
	char *left = vly_test_ask_text(got, &question);
	char *right = vly_test_ask_text(wanted, &question);
	bool equal = strcmp(left, right) == 0;
	if (!equal)
		fprintf(stderr, "%s type %u:\n%s instead of\n%s", name, question.type, left, right);
	free(left);
	free(right);
	return equal;
}
