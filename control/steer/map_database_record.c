/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_database_parts.h"

#define EARTH_KM 6371.0

/* Longest region: country, "-", subdivision. */
#define NAME_BYTES (2 * VLY_REGION_NAME_MAX + 2)

static const char *const country[] = {"country", "iso_code", NULL};
static const char *const registered[] = {"registered_country", "iso_code", NULL};
static const char *const continent[] = {"continent", "code", NULL};
static const char *const subdivision[] = {"subdivisions", "0", "iso_code", NULL};
static const char *const asn[] = {"autonomous_system_number", NULL};
static const char *const latitude[] = {"location", "latitude", NULL};
static const char *const longitude[] = {"location", "longitude", NULL};

/* Looks up a value of a record. Returns 1; 0 if it has none; -1 with the reason. */
static int
look_up(struct vly_map_walk *walk, MMDB_entry_s *entry, const char *const *path, uint32_t type,
	MMDB_entry_data_s *value)
{
	int status = MMDB_aget_value(entry, value, path);

	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
	    (status == MMDB_SUCCESS && !value->has_data))
		return 0;
	if (status != MMDB_SUCCESS)
		return vly_map_walk_refuse(walk, "the database is damaged: %s",
					   MMDB_strerror(status));
	if (value->type != type)
		return vly_map_walk_refuse(walk, "the database is damaged: %s has another type",
					   path[0]);
	return 1;
}

/* Appends a text of a record to `name`. */
static int
append_text(struct vly_map_walk *walk, MMDB_entry_s *entry, const char *const *path,
	    char name[NAME_BYTES])
{
	MMDB_entry_data_s value;
	int found = look_up(walk, entry, path, MMDB_DATA_TYPE_UTF8_STRING, &value);

	if (found <= 0)
		return found;
	if (!vly_region_name_is_sound(value.utf8_string, value.data_size))
		return vly_map_walk_refuse(walk, "the database is damaged: %s is no name", path[0]);
	size_t used = strlen(name);
	memcpy(name + used, value.utf8_string, value.data_size);
	name[used + value.data_size] = '\0';
	return 1;
}

static int
name_country(struct vly_map_walk *walk, MMDB_entry_s *entry, char name[NAME_BYTES])
{
	int found = append_text(walk, entry, country, name);

	return found != 0 ? found : append_text(walk, entry, registered, name);
}

static int
name_subdivision(struct vly_map_walk *walk, MMDB_entry_s *entry, char name[NAME_BYTES])
{
	int found = name_country(walk, entry, name);

	if (found <= 0)
		return found;
	size_t country_len = strlen(name);
	memcpy(name + country_len, "-", 2);
	found = append_text(walk, entry, subdivision, name);
	if (found == 0)
		name[country_len] = '\0';
	return found < 0 ? -1 : 1;
}

static int
name_asn(struct vly_map_walk *walk, MMDB_entry_s *entry, char name[NAME_BYTES])
{
	MMDB_entry_data_s value;
	int found = look_up(walk, entry, asn, MMDB_DATA_TYPE_UINT32, &value);

	if (found > 0)
		snprintf(name, NAME_BYTES, "AS%u", value.uint32);
	return found;
}

static struct vly_map_point
point_of(double north, double east)
{
	double phi = north * M_PI / 180;
	double lambda = east * M_PI / 180;

	return (struct vly_map_point){cos(phi) * cos(lambda), cos(phi) * sin(lambda), sin(phi)};
}

int
vly_map_walk_points(struct vly_map_walk *walk)
{
	const struct vly_map_choice *choice = walk->choice;

	if (choice->by != VLY_MAP_BY_CITY)
		return 0;
	walk->point = malloc((choice->place_cnt + 1) * sizeof(*walk->point));
	if (walk->point == NULL)
		return vly_map_walk_refuse(walk, "out of memory");
	for (unsigned i = 0; i < choice->place_cnt; i++)
		walk->point[i] = point_of(choice->place[i].latitude, choice->place[i].longitude);
	return 0;
}

/* The cosine of the angle between two points: it falls as the distance grows. */
static double
closeness(const struct vly_map_point *a, const struct vly_map_point *b)
{
	return a->x * b->x + a->y * b->y + a->z * b->z;
}

/* A coordinate; NaN is none. */
static int
coordinate(struct vly_map_walk *walk, MMDB_entry_s *entry, const char *const *path, double max,
	   double *degrees)
{
	MMDB_entry_data_s value;
	int found = look_up(walk, entry, path, MMDB_DATA_TYPE_DOUBLE, &value);

	if (found <= 0)
		return found;
	if (!(fabs(value.double_value) <= max))
		return vly_map_walk_refuse(walk, "the database is damaged: %s is out of range",
					   path[1]);
	*degrees = value.double_value;
	return 1;
}

static int
name_place(struct vly_map_walk *walk, MMDB_entry_s *entry, char name[NAME_BYTES])
{
	const struct vly_map_choice *choice = walk->choice;
	double farthest = choice->km_max > 0 && choice->km_max < M_PI * EARTH_KM
				  ? cos(choice->km_max / EARTH_KM)
				  : -2;
	const struct vly_map_place *nearest = NULL;
	double north = 0;
	double east = 0;
	int found = coordinate(walk, entry, latitude, 90, &north);

	if (found > 0)
		found = coordinate(walk, entry, longitude, 180, &east);
	if (found <= 0)
		return found;
	struct vly_map_point here = point_of(north, east);
	for (unsigned i = 0; i < choice->place_cnt; i++) {
		double close = closeness(&here, &walk->point[i]);
		if (close < farthest || (nearest != NULL && close == farthest))
			continue;
		farthest = close;
		nearest = &choice->place[i];
	}
	if (nearest == NULL)
		return 0;
	snprintf(name, NAME_BYTES, "%s", nearest->name);
	return 1;
}

static int
name_record(struct vly_map_walk *walk, MMDB_entry_s *entry, char name[NAME_BYTES])
{
	switch (walk->choice->by) {
	case VLY_MAP_BY_CONTINENT:
		return append_text(walk, entry, continent, name);
	case VLY_MAP_BY_SUBDIVISION:
		return name_subdivision(walk, entry, name);
	case VLY_MAP_BY_ASN:
		return name_asn(walk, entry, name);
	case VLY_MAP_BY_CITY:
		return name_place(walk, entry, name);
	default:
		return name_country(walk, entry, name);
	}
}

int
vly_map_walk_region(struct vly_map_walk *walk, MMDB_entry_s *entry, uint32_t *region)
{
	uint32_t *known = vly_number_table_place(&walk->region, entry->offset);
	char name[NAME_BYTES] = "";

	if (known == NULL)
		return vly_map_walk_refuse(walk, "out of memory");
	if (*known == 0) {
		int found = name_record(walk, entry, name);
		if (found < 0)
			return -1;
		*region = found > 0 ? vly_region_number(&walk->list->names, name) : 0;
		if (found > 0 && *region == 0)
			return vly_map_walk_refuse(
				walk, "out of memory, or more than %u different regions",
				VLY_REGION_MAX - 1);
		*known = *region + 1;
	}
	*region = *known - 1;
	return 0;
}
