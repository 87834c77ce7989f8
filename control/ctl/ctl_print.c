/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/plural.h"
#include "ctl.h"

uint64_t
vly_ctl_number_at(json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

const char *
vly_ctl_text_at(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

const char *
vly_ctl_age(double seconds, char *out, size_t bytes)
{
	unsigned long s = seconds < 0 ? 0 : (unsigned long)seconds;

	if (s >= 86400)
		snprintf(out, bytes, "%lu d %lu h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(out, bytes, "%lu h %lu min", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(out, bytes, "%lu min %lu s", s / 60, s % 60);
	else
		snprintf(out, bytes, "%lu s", s);
	return out;
}

static double
age_of(uint64_t unix_ns)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)unix_ns / 1e9;
}

static void
print_failed(json_t *answer)
{
	json_t *failed = json_object_get(answer, "failed");
	size_t i;
	json_t *zone;

	json_array_foreach(failed, i, zone)
	{
		char line[24] = "";
		if (vly_ctl_number_at(zone, "line"))
			snprintf(line, sizeof(line), ":%llu",
				 (unsigned long long)vly_ctl_number_at(zone, "line"));
		printf("  %s  %s%s: %s (%s)\n", vly_ctl_text_at(zone, "zone"),
		       vly_ctl_text_at(zone, "file"), line, vly_ctl_text_at(zone, "error"),
		       json_is_true(json_object_get(zone, "old_version"))
			       ? "the previous version is served"
			       : "no version is served");
	}
	if (vly_ctl_number_at(answer, "failed_left_off"))
		printf("  and %llu more\n",
		       (unsigned long long)vly_ctl_number_at(answer, "failed_left_off"));
}

static void
print_dataplane(json_t *dataplane)
{
	char age[40];
	json_t *trouble;
	size_t i;

	if (!json_is_true(json_object_get(dataplane, "connected"))) {
		printf("dataplane  not connected: %s\n", vly_ctl_text_at(dataplane, "error"));
		return;
	}
	printf("dataplane  pid %llu, up %s, %llu lcore%s, generation %llu, %llu zone%s\n",
	       (unsigned long long)vly_ctl_number_at(dataplane, "pid"),
	       vly_ctl_age(age_of(vly_ctl_number_at(dataplane, "start_unix_ns")), age, sizeof(age)),
	       (unsigned long long)vly_ctl_number_at(dataplane, "lcores"),
	       vly_plural(vly_ctl_number_at(dataplane, "lcores")),
	       (unsigned long long)vly_ctl_number_at(dataplane, "generation"),
	       (unsigned long long)vly_ctl_number_at(dataplane, "zones"),
	       vly_plural(vly_ctl_number_at(dataplane, "zones")));
	if (*vly_ctl_text_at(dataplane, "error"))
		printf("           out of sync: %s\n", vly_ctl_text_at(dataplane, "error"));
	json_array_foreach(json_object_get(dataplane, "troubles"), i, trouble)
		printf("           problem: %s\n", json_string_value(trouble));
	if (json_is_true(json_object_get(dataplane, "held_back")))
		puts("           held back: zones did not load, so it still serves the zones of an "
		     "earlier volley-control; to publish now: volleyctl reload");
}

static void
print_trouble(json_t *trouble)
{
	size_t i;
	json_t *text;

	json_array_foreach(trouble, i, text) printf("problem    %s\n", json_string_value(text));
}

/* "12 d 3 h left" or "expired 2 d 3 h ago". Returns `out`. */
static const char *
write_left(uint64_t expiry_unix_s, char *out, size_t bytes)
{
	double age_s = age_of(expiry_unix_s * UINT64_C(1000000000));
	char age[40];

	vly_ctl_age(age_s < 0 ? -age_s : age_s, age, sizeof(age));
	if (age_s < 0)
		snprintf(out, bytes, "%s left", age);
	else
		snprintf(out, bytes, "expired %s ago", age);
	return out;
}

static void
print_signatures(json_t *signatures)
{
	uint64_t soon = vly_ctl_number_at(signatures, "expire_soon");
	uint64_t expired = vly_ctl_number_at(signatures, "expired");
	uint64_t zones = vly_ctl_number_at(signatures, "zones");
	char left[60];

	if (zones == 0)
		return;
	printf("signatures %llu signed zone%s, first to expire: %s, %s\n",
	       (unsigned long long)zones, vly_plural(zones),
	       vly_ctl_text_at(signatures, "first_zone"),
	       write_left(vly_ctl_number_at(signatures, "first_expiry_unix_s"), left,
			  sizeof(left)));
	if (expired > 0)
		printf("           problem: the signatures of %llu zone%s have expired\n",
		       (unsigned long long)expired, vly_plural(expired));
	if (soon > 0)
		printf("           problem: the signatures of %llu zone%s expire soon\n",
		       (unsigned long long)soon, vly_plural(soon));
}

static void
print_living(json_t *living)
{
	uint64_t zones = vly_ctl_number_at(living, "zones");

	if (zones > 0)
		printf("living     %llu zone%s, %llu change%s since the start, %llu waiting\n",
		       (unsigned long long)zones, vly_plural(zones),
		       (unsigned long long)vly_ctl_number_at(living, "changes"),
		       vly_plural(vly_ctl_number_at(living, "changes")),
		       (unsigned long long)vly_ctl_number_at(living, "waiting"));
}

static void
print_secondaries(json_t *counts)
{
	uint64_t zones = vly_ctl_number_at(counts, "zones");
	uint64_t stale = vly_ctl_number_at(counts, "stale");
	uint64_t expired = vly_ctl_number_at(counts, "expired");
	uint64_t empty = zones - vly_ctl_number_at(counts, "loaded");

	if (zones == 0)
		return;
	printf("secondary  %llu zone%s, %llu transfer%s under way, %llu waiting\n",
	       (unsigned long long)zones, vly_plural(zones),
	       (unsigned long long)vly_ctl_number_at(counts, "running"),
	       vly_plural(vly_ctl_number_at(counts, "running")),
	       (unsigned long long)vly_ctl_number_at(counts, "queued"));
	if (expired > 0)
		printf("           problem: %llu zone%s %s expired, queries get SERVFAIL; "
		       "volleyctl "
		       "zones shows why\n",
		       (unsigned long long)expired, vly_plural(expired),
		       expired == 1 ? "has" : "have");
	if (stale > 0)
		printf("           problem: %llu zone%s %s older than a primary says; volleyctl "
		       "zones "
		       "shows why\n",
		       (unsigned long long)stale, vly_plural(stale), stale == 1 ? "is" : "are");
	if (empty > 0)
		printf("           problem: %llu zone%s %s no data yet; volleyctl zones shows "
		       "why\n",
		       (unsigned long long)empty, vly_plural(empty), empty == 1 ? "has" : "have");
}

static void
print_health(json_t *health)
{
	if (vly_ctl_number_at(health, "names") == 0)
		return;
	printf("health     %llu check%s: %llu up, %llu down, %llu unknown; volley-health is %s\n",
	       (unsigned long long)vly_ctl_number_at(health, "checks"),
	       vly_plural(vly_ctl_number_at(health, "checks")),
	       (unsigned long long)vly_ctl_number_at(health, "up"),
	       (unsigned long long)vly_ctl_number_at(health, "down"),
	       (unsigned long long)vly_ctl_number_at(health, "unknown"),
	       json_is_true(json_object_get(health, "connected")) ? "connected" : "not connected");
}

void
vly_ctl_print_status(json_t *answer)
{
	json_t *control = json_object_get(answer, "control");
	json_t *zones = json_object_get(answer, "zones");
	json_t *images = json_object_get(answer, "images");
	char age[40];

	printf("control    volley %s, pid %llu, up %s, %s\n", vly_ctl_text_at(control, "version"),
	       (unsigned long long)vly_ctl_number_at(control, "pid"),
	       vly_ctl_age(json_number_value(json_object_get(control, "uptime_s")), age,
			   sizeof(age)),
	       vly_ctl_text_at(control, "config"));
	if (vly_ctl_number_at(control, "reloads_pending"))
		printf("           %llu reload%s in progress\n",
		       (unsigned long long)vly_ctl_number_at(control, "reloads_pending"),
		       vly_plural(vly_ctl_number_at(control, "reloads_pending")));
	print_dataplane(json_object_get(answer, "dataplane"));
	printf("zones      %llu configured, %llu loaded, %llu of them from the image cache, %llu "
	       "failed\n",
	       (unsigned long long)vly_ctl_number_at(zones, "configured"),
	       (unsigned long long)vly_ctl_number_at(zones, "loaded"),
	       (unsigned long long)vly_ctl_number_at(zones, "from_cache"),
	       (unsigned long long)vly_ctl_number_at(zones, "failed"));
	print_failed(answer);
	print_signatures(json_object_get(answer, "signatures"));
	print_living(json_object_get(answer, "living"));
	print_secondaries(json_object_get(answer, "secondaries"));
	print_health(json_object_get(answer, "health"));
	printf("images     %llu, %.1f MiB\n", (unsigned long long)vly_ctl_number_at(images, "cnt"),
	       (double)vly_ctl_number_at(images, "bytes") / (1 << 20));
	print_trouble(json_object_get(answer, "trouble"));
}

static void
print_loaded(json_t *answer)
{
	uint64_t unchanged = vly_ctl_number_at(answer, "unchanged");
	char records[VLY_CTL_NUMBER_BYTES];

	printf("loaded %llu of %llu zone%s",
	       (unsigned long long)vly_ctl_number_at(answer, "loaded"),
	       (unsigned long long)vly_ctl_number_at(answer, "zones"),
	       vly_plural(vly_ctl_number_at(answer, "zones")));
	if (unchanged > 0)
		printf(" (%llu unchanged)", (unsigned long long)unchanged);
	printf(", %s record%s, in %.1f s\n",
	       vly_ctl_number(vly_ctl_number_at(answer, "records"), records),
	       vly_plural(vly_ctl_number_at(answer, "records")),
	       json_number_value(json_object_get(answer, "seconds")));
}

void
vly_ctl_print_reload(json_t *answer)
{
	json_t *errors = json_object_get(answer, "config_errors");
	size_t i;
	json_t *error;

	json_array_foreach(errors, i, error) printf("%s\n", json_string_value(error));
	print_failed(answer);
	if (vly_ctl_number_at(answer, "zones") > 0)
		print_loaded(answer);
	if (*vly_ctl_text_at(answer, "restart_needed"))
		printf("some changes of the configuration take effect at the next start only: "
		       "restart %s\n",
		       vly_ctl_text_at(answer, "restart_needed"));
}

/* How long the signatures of a zone are valid; "-" in an unsigned zone. */
static const char *
write_signatures(json_t *zone, char *out, size_t bytes)
{
	char left[60];
	uint64_t expiry_s = vly_ctl_number_at(zone, "signatures_expire_unix_s");

	if (expiry_s == 0)
		return "-";
	bool is_soon = strcmp(vly_ctl_text_at(zone, "signatures"), "expire soon") == 0;
	snprintf(out, bytes, "%s%s", is_soon ? "soon: " : "",
		 write_left(expiry_s, left, sizeof(left)));
	return out;
}

static void
print_catalog(json_t *zone)
{
	json_t *catalog = json_object_get(zone, "catalog");
	json_t *member = json_object_get(zone, "member");

	if (catalog && *vly_ctl_text_at(catalog, "problem"))
		printf("  (broken catalog: %s)", vly_ctl_text_at(catalog, "problem"));
	else if (catalog)
		printf("  (catalog, %llu member%s)",
		       (unsigned long long)vly_ctl_number_at(catalog, "members"),
		       vly_plural(vly_ctl_number_at(catalog, "members")));
	if (member)
		printf("  (%s %s)",
		       *vly_ctl_text_at(member, "problem") ? "not as a member of" : "member of",
		       vly_ctl_text_at(member, "catalog"));
}

static void
print_zone(json_t *zone, size_t width, bool with_signatures)
{
	char records[VLY_CTL_NUMBER_BYTES];
	char age[40] = "-";
	char signatures[80];
	uint64_t loaded = vly_ctl_number_at(zone, "loaded_unix_ns");

	if (loaded)
		vly_ctl_age(age_of(loaded), age, sizeof(age) - 4);
	if (loaded)
		strcat(age, " ago");
	printf("%-*s  %10llu  %13s  %-11s  %-13s  ", (int)width, vly_ctl_text_at(zone, "name"),
	       (unsigned long long)vly_ctl_number_at(zone, "serial"),
	       vly_ctl_number(vly_ctl_number_at(zone, "records"), records),
	       vly_ctl_text_at(zone, "state"), age);
	if (with_signatures)
		printf("%-20s  ", write_signatures(zone, signatures, sizeof(signatures)));
	printf("%s", *vly_ctl_text_at(zone, "why") ? vly_ctl_text_at(zone, "why")
						   : vly_ctl_text_at(zone, "file"));
	print_catalog(zone);
	putchar('\n');
}

void
vly_ctl_print_zones(json_t *answer, bool is_first)
{
	static size_t width = 4; /* as wide as that of the page before, so that columns go on */
	const bool with_signatures = vly_ctl_number_at(answer, "signed") > 0;
	json_t *zones = json_object_get(answer, "zones");
	size_t i;
	json_t *zone;

	json_array_foreach(zones, i, zone)
	{
		size_t len = strlen(vly_ctl_text_at(zone, "name"));
		width = len > width && len <= 60 ? len : width;
	}
	if (is_first && json_array_size(zones) > 0)
		printf("%-*s  %10s  %13s  %-11s  %-13s  %s%s\n", (int)width, "zone", "serial",
		       "records", "state", "loaded",
		       with_signatures ? "signatures            " : "", "file");
	json_array_foreach(zones, i, zone) print_zone(zone, width, with_signatures);
}
