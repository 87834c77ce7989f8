/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of living zones: living and serial of a zone, journal of control. */
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

/* 100,000 changes of a few records take about 20 MB of the store; at one change in a second they are
 * the last day's. They are what zone history shows, what zone revert undoes, and what incremental
 * transfers are made of. */
#define CHANGES_DEFAULT "100000"
#define SIZE_DEFAULT    "64M"
#define AGE_DEFAULT     "30d"

#define CHANGES_MAX    UINT64_C(1000000000)
#define SIZE_MIN_BYTES UINT64_C(4096)
#define SIZE_MAX_BYTES (UINT64_C(1) << 40)
#define AGE_MAX_S      (UINT64_C(10) * 365 * 86400)

static const char *const serial_words[] = {
	[VLY_SERIAL_INCREMENT] = "increment",
	[VLY_SERIAL_UNIXTIME] = "unixtime",
	[VLY_SERIAL_DATESERIAL] = "dateserial",
};
#define SERIAL_CNT (sizeof(serial_words) / sizeof(serial_words[0]))

static bool
read_changes(const char *text, uint64_t *number)
{
	return vly_config_number_read(text, vly_config_no_units, 1, CHANGES_MAX, number);
}

static bool
read_size(const char *text, uint64_t *number)
{
	return vly_config_number_read(text, vly_config_size_units, SIZE_MIN_BYTES, SIZE_MAX_BYTES,
				      number);
}

static bool
read_age(const char *text, uint64_t *number)
{
	return vly_config_number_read(text, vly_config_time_units, 1, AGE_MAX_S, number);
}

static bool
set_default(char **value, const char *text)
{
	if (!*value)
		*value = strdup(text);
	return *value != NULL;
}

int
vly_config_living_defaults(struct vly_config *config)
{
	if (!config->control->journal)
		config->control->journal = calloc(1, sizeof(*config->control->journal));
	struct vly_config_journal *journal = config->control->journal;
	return journal && set_default(&journal->changes, CHANGES_DEFAULT) &&
			       set_default(&journal->size, SIZE_DEFAULT) &&
			       set_default(&journal->age, AGE_DEFAULT)
		       ? 0
		       : -1;
}

static int
find_serial(const char *word)
{
	for (unsigned i = 0; i < SERIAL_CNT; i++)
		if (strcmp(word, serial_words[i]) == 0)
			return (int)i;
	return -1;
}

static void
check_journal(const struct vly_config_journal *journal, struct vly_config_findings *findings)
{
	uint64_t number;

	if (!read_changes(journal->changes, &number))
		vly_config_find(findings, "control.journal.changes", 0,
				"must be a number from 1 to 1000000000");
	if (!read_size(journal->size, &number))
		vly_config_find(findings, "control.journal.size", 0,
				"must be a number of octets from 4k on, such as 500k, 64M or 2G");
	if (!read_age(journal->age, &number))
		vly_config_find(findings, "control.journal.age", 0,
				"must be a time of at most ten years, such as 12h or 30d");
}

static void
check_zone(const struct vly_config_zone *zone, unsigned idx, struct vly_config_findings *findings)
{
	if (zone->living && strcmp(zone->living, "true") != 0 && strcmp(zone->living, "false") != 0)
		vly_config_find(findings, "zones[%u].living", idx, "must be true or false");
	if (zone->serial && find_serial(zone->serial) < 0)
		vly_config_find(findings, "zones[%u].serial", idx,
				"must be increment, unixtime or dateserial");
	if (zone->serial && !vly_config_is_living(zone))
		vly_config_find(findings, "zones[%u].serial", idx,
				"only a living zone may have it: add living: true");
}

void
vly_config_living_check(const struct vly_config *config, struct vly_config_findings *findings)
{
	check_journal(config->control->journal, findings);
	for (unsigned i = 0; i < config->zone_cnt; i++)
		check_zone(&config->zones[i], i, findings);
}

bool
vly_config_has_streams(const struct vly_config_dataplane *dataplane)
{
	return strtoul(dataplane->stream_threads, NULL, 10) != 0;
}

bool
vly_config_is_living(const struct vly_config_zone *zone)
{
	const struct vly_config_feed *feed = zone->feed;

	return zone->update_cnt > 0 || (zone->living && strcmp(zone->living, "true") == 0) ||
	       (feed && (feed->primary_cnt > 0 || feed->transfer_to_cnt > 0 ||
			 feed->notify_cnt > 0 || feed->role != VLY_CATALOG_NONE));
}

enum vly_config_serial
vly_config_serial(const struct vly_config_zone *zone)
{
	int word = zone->serial ? find_serial(zone->serial) : -1;

	return word < 0 ? VLY_SERIAL_INCREMENT : (enum vly_config_serial)word;
}

void
vly_config_journal(const struct vly_config *config, struct vly_config_journal_bounds *bounds)
{
	const struct vly_config_journal *journal = config->control->journal;

	*bounds = (struct vly_config_journal_bounds){0};
	bool good = read_changes(journal->changes, &bounds->changes) &&
		    read_size(journal->size, &bounds->bytes) &&
		    read_age(journal->age, &bounds->age_s);
	(void)good; /* checked when the configuration was loaded */
}
