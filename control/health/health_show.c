/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/plural.h"
#include "health_parts.h"

void
vly_health_count(const struct vly_health *health, struct vly_health_counts *counts)
{
	const struct vly_health_entry *entry, *next;

	*counts = (struct vly_health_counts){
		.is_connected = health->stream != NULL,
		.names = health->name_cnt,
		.checks = HASH_COUNT(health->table),
		.flips = health->flip_cnt,
		.running = health->running,
		.waiting = health->waiting,
		.late_ms = health->late_ms,
		.pid = health->pid,
	};
	HASH_ITER(hh, health->table, entry, next)
	{
		counts->status[entry->state.status]++;
	}
}

static struct vly_health_row
make_row(const char *name, const struct vly_health_entry *entry)
{
	return (struct vly_health_row){
		.name = name,
		.check = &entry->check,
		.state = &entry->state,
		.refusal = entry->refusal,
		.is_current = entry->is_current,
	};
}

bool
vly_health_row_of(const struct vly_health *health, const char *id, struct vly_health_row *row)
{
	const struct vly_health_entry *entry;

	HASH_FIND_STR(health->table, id, entry);
	if (entry)
		*row = make_row(entry->name, entry);
	return entry != NULL;
}

bool
vly_health_row_next(const struct vly_health *health, unsigned *at, struct vly_health_row *row)
{
	if (*at >= health->name_cnt)
		return false;
	const struct vly_health_name *name = &health->name[(*at)++];
	*row = make_row(name->name, name->entry);
	return true;
}

unsigned
vly_health_row_behind(const struct vly_health *health, const char *name)
{
	unsigned low = 0, high = health->name_cnt;

	while (low < high) {
		const unsigned middle = low + (high - low) / 2;
		if (strcmp(health->name[middle].name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Checks that run so much later than they should are as good as checks with a longer interval. */
#define LATE_MS 2000

const char *
vly_health_trouble(const struct vly_health *health, char text[VLY_TROUBLE_BYTES])
{
	const unsigned cnt = HASH_COUNT(health->table);
	const struct vly_health_entry *entry, *next;
	unsigned refused_cnt = 0;

	text[0] = '\0';
	HASH_ITER(hh, health->table, entry, next)
	{
		refused_cnt += entry->refusal[0] != '\0';
	}
	if (cnt > 0 && !health->stream)
		snprintf(text, VLY_TROUBLE_BYTES,
			 "volley-health is not connected since %" PRIu64
			 " s: %.400s; the last known states of %u check%s stay",
			 (uv_now(health->loop) - health->lost_ms) / 1000, health->trouble, cnt,
			 vly_plural(cnt));
	else if (refused_cnt > 0)
		snprintf(text, VLY_TROUBLE_BYTES,
			 "volley-health refuses %u check%s; volleyctl checks shows why",
			 refused_cnt, vly_plural(refused_cnt));
	else if (health->late_ms > LATE_MS)
		snprintf(text, VLY_TROUBLE_BYTES,
			 "health checks are late by %.1f s, and %u wait: give volley-health a "
			 "larger "
			 "--start-rate or --running-max, or checks longer intervals",
			 (double)health->late_ms / 1000, health->waiting);
	return text;
}
