/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers to the requests of a reload. A request for certain zones gets a report on those,
 * whatever the result for the others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/plural.h"
#include "reload_parts.h"

enum vly_reload_code
vly_reload_describe(const struct vly_reload *reload, uint32_t zone_cnt, uint32_t failed, char *text,
		    size_t text_bytes)
{
	bool absent = reload->outcome == VLY_PUBLISH_ABSENT;

	text[0] = '\0';
	if (reload->outcome == VLY_PUBLISH_HELD) {
		snprintf(text, text_bytes,
			 "%" PRIu32 " of %" PRIu32
			 " zone%s did not load; the dataplane still serves the zones of an earlier "
			 "volley-control, until all zones load; to publish now: volleyctl reload",
			 failed, zone_cnt, vly_plural(zone_cnt));
		return VLY_RELOAD_FAILED;
	}
	if (failed > 0) {
		snprintf(text, text_bytes, "%" PRIu32 " of %" PRIu32 " zone%s did not load%s",
			 failed, zone_cnt, vly_plural(zone_cnt),
			 absent ? "; no dataplane is connected" : "");
		return VLY_RELOAD_FAILED;
	}
	if (absent)
		snprintf(text, text_bytes, "loaded, but no dataplane is connected");
	return absent ? VLY_RELOAD_NO_DATAPLANE : VLY_RELOAD_OK;
}

/* Adds the result of one zone. */
static void
count(struct vly_reload_report *report, const struct vly_served_zone *zone)
{
	report->zone_cnt++;
	report->failed_cnt += zone->error != NULL;
	if (!zone->error)
		report->record_cnt += zone->info.record_cnt;
}

/* Finds the zones of a request. Returns 0; or -1 with a sentence in `text`. */
static int
choose(const struct vly_reload *reload, const struct vly_reload_asker *asker,
       struct vly_served_zone **zones, struct vly_reload_report *report, char *text,
       size_t text_bytes)
{
	const struct vly_served_zones *live = reload->reloader->live;

	report->zones = zones;
	for (uint32_t i = 0; i < asker->name_cnt; i++) {
		zones[i] = vly_served_zones_find(live, asker->names[i]);
		if (!zones[i]) {
			snprintf(text, text_bytes, "zone %.300s is not in the configuration",
				 asker->names[i]);
			return -1;
		}
	}
	for (uint32_t i = 0; i < asker->name_cnt; i++)
		count(report, zones[i]);
	return 0;
}

/* Who asked for some of the zones of a reload of everything. */
static void
answer_part(const struct vly_reload *reload, const struct vly_reload_asker *asker)
{
	struct vly_served_zone **zones = calloc(asker->name_cnt, sizeof(struct vly_served_zone *));
	char text[sizeof(reload->text)] = "out of memory";
	struct vly_reload_report report = {
		.code = VLY_RELOAD_FAILED,
		.text = text,
		.config_errors = reload->report.config_errors,
		.generation = reload->report.generation,
		.duration_ms = uv_now(reload->reloader->loop) - asker->asked_ms,
	};

	bool found = zones && choose(reload, asker, zones, &report, text, sizeof(text)) == 0;
	if (found && reload->is_published)
		report.code = vly_reload_describe(reload, report.zone_cnt, report.failed_cnt, text,
						  sizeof(text));
	else if (found)
		report.text = reload->report.text;
	asker->done(asker->arg, &report);
	free(zones);
}

void
vly_reload_answer(struct vly_reload *reload)
{
	for (const struct vly_reload_asker *asker = reload->askers; asker; asker = asker->next) {
		struct vly_reload_report report = reload->report;
		if (reload->is_full && asker->name_cnt > 0) {
			answer_part(reload, asker);
			continue;
		}
		report.duration_ms = uv_now(reload->reloader->loop) - asker->asked_ms;
		asker->done(asker->arg, &report);
	}
}
