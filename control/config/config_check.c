/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include <volley/defence.h>
#include <volley/dns.h>
#include <volley/policy.h>

#include "common/dp_option.h"
#include "config_parts.h"
#include "zone/domain.h"
#include "zone_directory.h"

struct seen_zone {
	const char *name;
	unsigned idx;
	UT_hash_handle hh;
};

static bool
is_choice(const char *value, const char *const *choices)
{
	for (; *choices; choices++)
		if (strcmp(value, *choices) == 0)
			return true;
	return false;
}

/* `key` is a format with one number, idx. No value is good: the option is left out. */
static void
check_option(struct vly_config_findings *findings, enum vly_dp_option option, const char *key,
	     unsigned idx, const char *value)
{
	char reason[VLY_DP_REASON_BYTES];
	unsigned number;

	if (value && vly_dp_option_read(option, value, &number, reason) < 0)
		vly_config_find(findings, key, idx, "%s", reason);
}

static void
check_dataplane(const struct vly_config_dataplane *dataplane, struct vly_config_findings *findings)
{
#define X(id, name, key, ...)                                                                      \
	for (unsigned i = 0; i < dataplane->id##_cnt; i++)                                         \
		check_option(findings, VLY_DP_##id, "dataplane." key "[%u]", i, dataplane->id[i]);
	VLY_DATAPLANE_LISTS(X)
#undef X
#define X(id, name, key, ...)                                                                      \
	check_option(findings, VLY_DP_##id, "dataplane." key, 0, dataplane->id);
	VLY_DATAPLANE_SETTINGS(X)
#undef X
}

static void
check_control(const struct vly_config_control *control, struct vly_config_findings *findings)
{
	static const char *const switches[] = {"on", "off", NULL};

	/* as the dataplane's options of the same names */
	check_option(findings, VLY_DP_socket, "control.socket", 0, control->socket);
	check_option(findings, VLY_DP_log_level, "control.log-level", 0, control->log_level);
	if (!is_choice(control->image_cache, switches))
		vly_config_find(findings, "control.image-cache", 0, "must be on or off");
}

static void
check_answers(const struct vly_config_answers *answers, struct vly_config_findings *findings)
{
	static const char *const anys[] = {"one", "all", NULL};
	static const char *const additionals[] = {"none", "addresses", NULL};

	if (!is_choice(answers->any, anys))
		vly_config_find(findings, "answers.any", 0, "must be one or all");
	if (!is_choice(answers->additional, additionals))
		vly_config_find(findings, "answers.additional", 0, "must be none or addresses");
}

static void
check_checks(const struct vly_config_checks *checks, struct vly_config_findings *findings)
{
	static const char *const severities[] = {"error", "warning", "ignore", NULL};
	static const char *const verifies[] = {"none", "sample", "all", NULL};

#define X(id, name, severity, help)                                                                \
	if (!is_choice(checks->id, severities))                                                    \
		vly_config_find(findings, "checks." name, 0, "must be error, warning or ignore");
	VLY_ZONE_CHECKS(X)
#undef X
	if (!is_choice(checks->verify_signatures, verifies))
		vly_config_find(findings, "checks.verify-signatures", 0,
				"must be none, sample or all");
}

/* Whether we make the records. */
static bool
is_produced(const struct vly_config_zone *zone)
{
	return zone->feed && zone->feed->role == VLY_CATALOG_PRODUCER;
}

/* Returns whether the entry is a zone, and not a directory of zones. */
static bool
check_entry(const struct vly_config_zone *zone, unsigned idx, struct vly_config_findings *findings)
{
	const char *why = zone->pattern ? vly_zone_pattern_check(zone->pattern) : NULL;

	if (why)
		vly_config_find(findings, "zones[%u].pattern", idx, "%s", why);
	if (zone->directory && (zone->name || zone->file))
		vly_config_find(findings, zone->name ? "zones[%u].name" : "zones[%u].file", idx,
				"must not stand beside `directory`");
	if (zone->directory && (zone->living || zone->serial || zone->update_cnt > 0 ||
				zone->template || zone->own || zone->steer_cnt > 0))
		vly_config_find(findings, "zones[%u].directory", idx,
				"only `pattern` may stand beside it: list zones that have more");
	if (zone->directory)
		return false;
	if (zone->pattern)
		vly_config_find(findings, "zones[%u].pattern", idx,
				"is of use with `directory` only");
	if (!zone->name)
		vly_config_find(findings, "zones[%u].name", idx, "must be given");
	bool has_source = zone->file || vly_config_is_secondary(zone) || is_produced(zone);
	if (!has_source)
		vly_config_find(findings, "zones[%u].file", idx,
				"must be given, or `primaries` in its place");
	vly_config_feed_check_zone(zone, idx, findings);
	return zone->name && has_source;
}

static void
check_zone_name(struct vly_config_zone *zone, unsigned idx, struct vly_config_findings *findings)
{
	char name[VLY_DOMAIN_TEXT_BYTES];
	const char *reason = vly_domain_canonical(zone->name, name);

	if (reason) {
		vly_config_find(findings, "zones[%u].name", idx, "%.200s: %s", zone->name, reason);
	} else if (strcmp(name, zone->name) != 0) {
		char *copy = strdup(name);
		if (copy) {
			free(zone->name);
			zone->name = copy;
		}
	}
}

static void
check_zones(struct vly_config *config, struct vly_config_findings *findings)
{
	struct seen_zone *seen = calloc(config->zone_cnt + 1, sizeof(*seen));
	struct seen_zone *table = NULL;

	if (!seen) {
		vly_config_find(findings, "zones", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct seen_zone *first;
		if (!check_entry(&config->zones[i], i, findings))
			continue;
		check_zone_name(&config->zones[i], i, findings);
		seen[i].name = config->zones[i].name;
		seen[i].idx = i;
		HASH_FIND_STR(table, seen[i].name, first);
		if (first)
			vly_config_find(findings, "zones[%u].name", i,
					"duplicate zone: %.200s is already zones[%u]", seen[i].name,
					first->idx);
		else
			HASH_ADD_KEYPTR(hh, table, seen[i].name, strlen(seen[i].name), &seen[i]);
		if (!first && !seen[i].hh.tbl) {
			vly_config_find(findings, "zones", 0, "out of memory");
			break;
		}
	}
	HASH_CLEAR(hh, table);
	free(seen);
}

/* Moves the directories out of the list of zones. */
static int
take_directories(struct vly_config *config)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < config->zone_cnt; i++) {
		struct vly_config_zone *zone = &config->zones[i];
		if (!zone->directory) {
			config->zones[cnt++] = *zone;
			continue;
		}
		struct vly_config_directory *grown =
			realloc(config->directories, (config->directory_cnt + 1) * sizeof(*grown));
		char *pattern = zone->pattern ? zone->pattern : strdup(VLY_ZONE_PATTERN);
		if (grown)
			config->directories = grown;
		if (!grown || !pattern)
			return -1;
		grown[config->directory_cnt++] =
			(struct vly_config_directory){zone->directory, pattern};
		*zone = (struct vly_config_zone){0};
	}
	config->zone_cnt = cnt;
	return 0;
}

static void
add_wishes(struct vly_config_defence *defence, const struct vly_config_feed *feed)
{
	if (feed->primary_cnt > 0)
		defence->request_opcodes |= 1u << VLY_OPCODE_NOTIFY;
	if (feed->transfer_to_cnt > 0) {
		defence->connections |= VLY_WISH_TRANSFERS;
		defence->request_opcodes |= 1u << VLY_REQUEST_SIGNED_QUERY;
	}
}

/* Sets what control answers itself. Keys of updates may be added at run time; members of catalogs have
 * templates. */
static void
set_wishes(struct vly_config *config)
{
	struct vly_config_defence *defence = config->defence;

	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		if (zone->feed)
			add_wishes(defence, zone->feed);
		if (vly_config_is_living(zone) && !vly_config_is_secondary(zone))
			defence->request_opcodes |=
				1u << VLY_OPCODE_UPDATE | 1u << VLY_REQUEST_SIGNED_QUERY;
	}
	for (unsigned i = 0; i < config->template_cnt; i++)
		add_wishes(defence, &config->templates[i].feed);
	if (config->transfers->profile)
		defence->connections |= VLY_WISH_TLS;
}

void
vly_config_check(struct vly_config *config, struct vly_config_findings *findings)
{
	check_control(config->control, findings);
	check_dataplane(config->dataplane, findings);
	check_answers(config->answers, findings);
	check_checks(config->checks, findings);
	vly_config_defence_check(config->defence, findings);
	vly_config_keys_check(config, findings);
	vly_config_health_check(config->health, findings);
	vly_config_feed_check(config, findings);
	check_zones(config, findings);
	vly_config_catalogs_check(config, findings);
	vly_config_living_check(config, findings);
	vly_config_alias_check(config, findings);
	vly_config_grants_check(config, findings);
	vly_config_steer_check(config, findings);
	set_wishes(config);
	if (findings->cnt == 0 && take_directories(config) < 0)
		vly_config_find(findings, "zones", 0, "out of memory");
}
