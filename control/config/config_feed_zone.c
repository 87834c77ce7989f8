/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a zone says about transfers, beside what else it says; and the files that it takes. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_parts.h"

/* Keys that a zone without primaries has no use for; those of a template may be there. */
static void
check_unused(const struct vly_config_zone *zone, unsigned idx, struct vly_config_findings *findings)
{
	const struct vly_config_feed *own = &zone->own->feed;
	const struct {
		const char *path;
		bool is_set;
	} key[] = {
		{"zones[%u].refresh-min", own->refresh_min},
		{"zones[%u].refresh-max", own->refresh_max},
		{"zones[%u].retry-min", own->retry_min},
		{"zones[%u].retry-max", own->retry_max},
		{"zones[%u].expire-min", own->expire_min},
		{"zones[%u].expire-max", own->expire_max},
		{"zones[%u].pin-primary", own->pin_primary},
		{"zones[%u].on-bogus", own->on_bogus},
		{"zones[%u].hold", own->hold},
		{"zones[%u].review-command", own->review_command},
		{"zones[%u].notify-from", own->notify_from_cnt > 0},
	};

	for (size_t i = 0; !zone->template && i < sizeof(key) / sizeof(key[0]); i++)
		if (key[i].is_set)
			vly_config_find(findings, key[i].path, idx,
					"is of use with `primaries` only");
}

static void
check_secondary(const struct vly_config_zone *zone, unsigned idx,
		struct vly_config_findings *findings)
{
	const struct vly_config_times *times = &zone->feed->times;

	if (zone->file)
		vly_config_find(findings, "zones[%u].file", idx,
				"must not stand beside `primaries`: the records come from there");
	if (zone->update_cnt > 0)
		vly_config_find(
			findings, "zones[%u].update", idx,
			"must not stand beside `primaries`: only the primary can be updated");
	if (zone->serial)
		vly_config_find(findings, "zones[%u].serial", idx,
				"must not stand beside `primaries`: the primary sets the serial");
	if (zone->feed->review_command && !zone->feed->is_reviewed)
		vly_config_find(findings, "zones[%u].review-command", idx,
				"is of use with `hold: review` only");
	if (times->refresh_min_s > times->refresh_max_s)
		vly_config_find(findings, "zones[%u].refresh-min", idx,
				"must not be more than refresh-max");
	if (times->retry_min_s > times->retry_max_s)
		vly_config_find(findings, "zones[%u].retry-min", idx,
				"must not be more than retry-max");
	if (times->expire_min_s > times->expire_max_s)
		vly_config_find(findings, "zones[%u].expire-min", idx,
				"must not be more than expire-max");
}

static void
check_producer(const struct vly_config_zone *zone, unsigned idx,
	       struct vly_config_findings *findings)
{
	if (zone->file)
		vly_config_find(findings, "zones[%u].file", idx,
				"must not stand beside `catalog: producer`, whose records we make");
	if (zone->update_cnt > 0)
		vly_config_find(findings, "zones[%u].update", idx,
				"must not stand beside `catalog: producer`, whose records we make");
	if (zone->feed->primary_cnt > 0)
		vly_config_find(findings, "zones[%u].catalog", idx,
				"must be consumer: a zone with primaries can't be produced");
}

static void
check_catalog(const struct vly_config_zone *zone, unsigned idx,
	      struct vly_config_findings *findings)
{
	const struct vly_config_feed *feed = zone->feed;

	if (feed->role == VLY_CATALOG_CONSUMER && feed->catalog_template_cnt == 0)
		vly_config_find(findings, "zones[%u].catalog", idx,
				"needs catalog-templates, which say what the members are like");
	if (feed->role != VLY_CATALOG_CONSUMER && !zone->template && feed->catalog_template_cnt > 0)
		vly_config_find(findings, "zones[%u].catalog-templates", idx,
				"is of use with `catalog: consumer` only");
	if (feed->catalog_group && !feed->catalog_zone)
		vly_config_find(findings, "zones[%u].catalog-group", idx,
				"is of use with `catalog-zone` only");
}

void
vly_config_feed_check_zone(const struct vly_config_zone *zone, unsigned idx,
			   struct vly_config_findings *findings)
{
	const struct vly_config_feed *feed = zone->feed;

	if (!feed)
		return;
	if (feed->primary_cnt > 0)
		check_secondary(zone, idx, findings);
	else if (zone->own)
		check_unused(zone, idx, findings);
	if (feed->role == VLY_CATALOG_PRODUCER)
		check_producer(zone, idx, findings);
	check_catalog(zone, idx, findings);
	if (zone->living && strcmp(zone->living, "false") == 0 && vly_config_is_living(zone))
		vly_config_find(findings, "zones[%u].living", idx,
				"must not be false: a zone that is transferred or updated is a "
				"living zone");
}

void
vly_config_catalogs_check(const struct vly_config *config, struct vly_config_findings *findings)
{
	struct vly_config_names names;

	if (vly_config_names_begin(&names, config->zone_cnt) != 0) {
		vly_config_find(findings, "zones", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		if (zone->name && zone->feed && zone->feed->role == VLY_CATALOG_PRODUCER)
			(void)vly_config_names_add(&names, zone->name, zone);
	}
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_feed *feed = config->zones[i].feed;
		if (feed && feed->catalog_zone &&
		    !vly_config_names_find(&names, feed->catalog_zone))
			vly_config_find(findings, "zones[%u].catalog-zone", i,
					"%.200s: there is no such zone with `catalog: producer`",
					feed->catalog_zone);
	}
	vly_config_names_free(&names);
}

/* Directories may be read and executed, too. */
static void
check_file(const char *file, int mode, const char *path, unsigned idx,
	   struct vly_config_findings *findings)
{
	struct stat is;

	if (!file)
		return;
	if (access(file, mode) < 0 || stat(file, &is) < 0)
		vly_config_find(findings, path, idx, "%.300s: %s", file, strerror(errno));
	else if (!S_ISREG(is.st_mode))
		vly_config_find(findings, path, idx, "%.300s: this is not a file", file);
}

void
vly_config_feed_check_files(const struct vly_config *config, struct vly_config_findings *findings)
{
	for (unsigned i = 0; i < config->tls_cnt; i++) {
		const struct vly_config_tls *tls = &config->tls[i];
		check_file(tls->certificate_file, R_OK, "tls[%u].certificate-file", i, findings);
		check_file(tls->key_file, R_OK, "tls[%u].key-file", i, findings);
		check_file(tls->ca_file, R_OK, "tls[%u].ca-file", i, findings);
	}
	for (unsigned i = 0; i < config->template_cnt; i++)
		check_file(config->templates[i].feed.review_command, X_OK,
			   "templates[%u].review-command", i, findings);
	for (unsigned i = 0; i < config->zone_cnt; i++)
		if (config->zones[i].own)
			check_file(config->zones[i].own->feed.review_command, X_OK,
				   "zones[%u].review-command", i, findings);
}
