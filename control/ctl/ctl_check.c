/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "common/plural.h"
#include "compile/image_builder.h"
#include "config/config.h"
#include "config/zone_directory.h"
#include "ctl.h"
#include "socket/command_parts.h"
#include "zone/zone_file.h"
#include "zone/zone_print.h"

/* How often the line on the terminal is renewed: a person reads it. */
#define PROGRESS_NS 250000000

struct check {
	bool json;
	FILE *out; /* findings and the summary, for people */
	json_t *findings;
	struct vly_dnssec_settings dnssec;
	bool takes_alias;                  /* it is not known whether the zone lives */
	struct vly_steer_model *steer;     /* or NULL */
	struct vly_image_builder *builder; /* NULL: none, or it failed */
	uint32_t zone_cnt;
	uint32_t fed_cnt;    /* zones without a file: they come from elsewhere */
	uint32_t failed_cnt; /* zones */
	uint32_t error_cnt;
	uint32_t warning_cnt;
	uint64_t record_cnt;
	struct vly_load_progress progress;
	_Atomic(const char *) name;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool done; /* under the lock */
};

static void
tell_finding(void *context, const struct vly_zone_finding *finding)
{
	struct check *check = context;
	const char *severity = finding->is_error ? "error" : "warning";
	char line[24] = "";

	if (check->json) {
		json_array_append_new(check->findings,
				      json_pack("{s:o,s:s,s:s,s:o,s:I,s:o}", "zone",
						vly_command_text(check->name), "severity", severity,
						"check", finding->check, "file",
						vly_command_text(finding->file), "line",
						(json_int_t)finding->line, "text",
						vly_command_text(finding->text)));
		return;
	}
	if (finding->line)
		snprintf(line, sizeof(line), ":%" PRIu64, finding->line);
	pthread_mutex_lock(&check->lock);
	vly_ctl_progress_clear();
	fprintf(check->out, "%s%s: %s: %s", finding->file, line, severity, finding->text);
	if (!finding->is_error || strcmp(finding->check, "error") != 0)
		fprintf(check->out, " [%s]", finding->check);
	fprintf(check->out, " (zone %s)\n", check->name);
	fflush(check->out);
	pthread_mutex_unlock(&check->lock);
}

/* An empty image, made of the memory of the one before if possible. Returns 0, or -1 with errno. */
static int
begin_image(struct check *check, const struct vly_hash_key *key)
{
	if (check->builder == NULL) {
		check->builder = vly_image_builder_new(key);
		if (check->builder == NULL)
			return -1;
		vly_image_builder_steer(check->builder, check->steer);
		return 0;
	}
	if (vly_image_builder_clear(check->builder) == 0)
		return 0;
	int saved = errno;
	vly_image_builder_free(check->builder);
	check->builder = NULL;
	errno = saved;
	return -1;
}

/* Each zone in an image of its own, thrown away at once: as little memory as the largest zone
 * needs. */
static void
check_zone(struct check *check, const struct vly_hash_key *key, const struct vly_config_zone *zone,
	   const uint8_t *severity)
{
	struct vly_zone_report report;
	struct vly_zone_info info;
	const char *name = zone->name;
	const char *file = zone->file;

	check->name = name;
	vly_zone_report_defaults(&report);
	memcpy(report.severity, severity, sizeof(report.severity));
	report.on_finding = tell_finding;
	report.context = check;
	report.takes_alias = check->takes_alias || vly_config_is_living(zone);
	if (begin_image(check, key) != 0) {
		vly_zone_report_add(&report, VLY_ZONE_CHECK_must, file, 0, "%s", strerror(errno));
	} else {
		vly_image_builder_check_signed(check->builder, &check->dnssec);
		if (vly_image_builder_add_file(check->builder, name, file, &check->progress,
					       &report, &info) == 0)
			check->record_cnt += info.record_cnt;
	}
	check->failed_cnt += report.error_cnt > 0;
	check->error_cnt += report.error_cnt;
	check->warning_cnt += report.warning_cnt;
}

static void *
show_progress(void *arg)
{
	struct check *check = arg;
	struct timespec begin;
	struct timespec next;
	char name[600];

	clock_gettime(CLOCK_REALTIME, &begin);
	next = begin;
	pthread_mutex_lock(&check->lock);
	while (!check->done) {
		next.tv_nsec += PROGRESS_NS;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&check->end, &check->lock, &next) == 0 || check->json)
			continue;
		snprintf(name, sizeof(name), "checking %s", check->name ? check->name : "");
		vly_ctl_progress(name, check->progress.record_cnt,
				 (double)(next.tv_sec - begin.tv_sec) +
					 (double)(next.tv_nsec - begin.tv_nsec) / 1e9);
	}
	pthread_mutex_unlock(&check->lock);
	return NULL;
}

static void
run_checks(struct check *check, const struct vly_config_zone *zones, uint32_t zone_cnt,
	   const uint8_t *severity)
{
	struct vly_hash_key key;
	pthread_t thread;

	check->done = false;
	if (getrandom(&check->dnssec.seed, sizeof(check->dnssec.seed), GRND_NONBLOCK) < 0)
		check->dnssec.seed = check->dnssec.now_s;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		memset(&key, 0, sizeof(key)); /* nothing is served from it */
	bool threaded = pthread_create(&thread, NULL, show_progress, check) == 0;
	for (uint32_t i = 0; i < zone_cnt; i++) {
		if (!zones[i].file) {
			check->fed_cnt++;
			continue;
		}
		check->zone_cnt++;
		check->dnssec.sample_max = vly_dnssec_sample(check->dnssec.seed, i, zone_cnt);
		check_zone(check, &key, &zones[i], severity);
	}
	vly_image_builder_free(check->builder);
	check->builder = NULL;
	pthread_mutex_lock(&check->lock);
	check->done = true;
	pthread_cond_signal(&check->end);
	pthread_mutex_unlock(&check->lock);
	if (threaded)
		pthread_join(thread, NULL);
	vly_ctl_progress_clear();
}

/* `errors` are those of the configuration. */
static void
print_json(struct check *check, const struct vly_config_errors *errors)
{
	json_t *lines = json_array();
	bool ok = errors->cnt == 0 && check->failed_cnt == 0;

	for (unsigned i = 0; i < errors->cnt; i++)
		json_array_append_new(lines, vly_command_text(errors->text[i]));
	json_t *answer =
		json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:O}", "ok", ok, "zones",
			  (json_int_t)check->zone_cnt, "zones_without_file",
			  (json_int_t)check->fed_cnt, "zones_failed", (json_int_t)check->failed_cnt,
			  "records", (json_int_t)check->record_cnt, "errors",
			  (json_int_t)check->error_cnt, "warnings", (json_int_t)check->warning_cnt,
			  "config_errors", lines, "findings", check->findings);
	if (!ok)
		json_object_set_new(answer, "error", json_string("there are errors"));
	vly_ctl_print_json(answer, JSON_INDENT(2));
	json_decref(answer);
}

static void
print_summary(const struct check *check)
{
	char records[VLY_CTL_NUMBER_BYTES];

	fprintf(check->out,
		"%" PRIu32 " zone%s, %s record%s; %" PRIu32 " error%s, %" PRIu32
		" warning%s; %" PRIu32 " zone%s failed\n",
		check->zone_cnt, vly_plural(check->zone_cnt),
		vly_ctl_number(check->record_cnt, records), vly_plural(check->record_cnt),
		check->error_cnt, vly_plural(check->error_cnt), check->warning_cnt,
		vly_plural(check->warning_cnt), check->failed_cnt, vly_plural(check->failed_cnt));
	if (check->fed_cnt > 0)
		fprintf(check->out, "%" PRIu32 " zone%s without a file: not checked here\n",
			check->fed_cnt, vly_plural(check->fed_cnt));
}

/* Nothing else is to be done, so that all CPUs verify. */
static unsigned
cpu_cnt(void)
{
	cpu_set_t cpus;
	int cnt = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;

	return cnt > 1 ? (unsigned)cnt : 1;
}

static struct check
begin(const struct vly_ctl *ctl)
{
	return (struct check){
		.dnssec = {.now_s = (uint64_t)time(NULL),
			   .verify = VLY_DNSSEC_VERIFY_ALL,
			   .thread_max = cpu_cnt()},
		.json = ctl->json,
		.out = ctl->print ? stderr : stdout,
		.findings = json_array(),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.end = PTHREAD_COND_INITIALIZER,
	};
}

/* Checks the zones of directories. Returns false when they can't be listed. */
static bool
check_directories(struct check *check, const struct vly_config *config, const uint8_t *severity)
{
	struct vly_found_zones found;
	char reason[VLY_REASON_BYTES];

	if (vly_zone_directories_scan(config, &found, reason) != 0) {
		fprintf(stderr, "volleyctl: %s\n", reason);
		return false;
	}
	struct vly_config_zone *zones = calloc(found.cnt + 1, sizeof(*zones));
	for (uint32_t i = 0; zones && i < found.cnt; i++) {
		zones[i].name = found.zone[i].name;
		zones[i].file = (char *)(uintptr_t)found.zone[i].file;
	}
	if (zones && found.cnt > 0)
		run_checks(check, zones, found.cnt, severity);
	bool checked = zones != NULL;
	free(zones);
	vly_found_zones_free(&found);
	return checked;
}

enum vly_ctl_exit
vly_ctl_check(const struct vly_ctl *ctl, const char *config_path)
{
	struct check check = begin(ctl);
	uint8_t severity[VLY_ZONE_CHECK_CNT];
	struct vly_config_errors errors;
	struct vly_config *config = vly_config_load(config_path, &errors);

	if (config)
		vly_config_check_files(config, config_path, &errors);
	bool ok = config && vly_config_read_lists(config, &errors) == 0 && errors.cnt == 0;
	for (unsigned i = 0; i < errors.cnt && !ctl->json; i++)
		printf("%s\n", errors.text[i]);
	if (config) {
		vly_config_severities(config, severity);
		check.dnssec.verify = (uint8_t)vly_config_verify(config);
		check.steer = vly_steer_model_new(config);
		run_checks(&check, config->zones, config->zone_cnt, severity);
		ok &= check_directories(&check, config, severity);
	}
	if (ctl->json)
		print_json(&check, &errors);
	else if (config)
		print_summary(&check);
	ok = ok && check.failed_cnt == 0;
	vly_config_errors_free(&errors);
	vly_steer_model_put(check.steer);
	vly_config_free(config);
	json_decref(check.findings);
	return ok ? VLY_CTL_OK : VLY_CTL_FAILED;
}

/* Prints a zone that has just been found free of errors. It is read once more, because the zone of
 * a check lives no longer than its image takes to build. */
static void
print_zone(struct check *check, const char *name, const char *file)
{
	static const struct vly_hash_key key; /* nothing is served from it */
	struct vly_zone_report report = {.on_finding = tell_finding, .context = check};
	struct vly_zone_scanner scanner = {0};
	struct vly_zone zone;

	if (vly_zone_read_file(&zone, &scanner, &key, name, file, &check->progress, &report) == 0) {
		if (report.error_cnt == 0 && vly_zone_print(&zone, stdout) != 0)
			vly_zone_report_add(&report, VLY_ZONE_CHECK_must, file, 0, "out of memory");
		vly_zone_free(&zone);
	}
	vly_zone_scanner_free(&scanner);
	check->failed_cnt += report.error_cnt > 0;
	check->error_cnt += report.error_cnt;
}

enum vly_ctl_exit
vly_ctl_check_zone(const struct vly_ctl *ctl, char *name, char *file)
{
	struct check check = begin(ctl);
	const struct vly_config_zone zone = {.name = name, .file = file};
	const struct vly_config_errors none = {0};
	struct vly_zone_report defaults;

	vly_zone_report_defaults(&defaults);
	check.takes_alias = true;
	run_checks(&check, &zone, 1, defaults.severity);
	if (ctl->print && check.failed_cnt == 0)
		print_zone(&check, name, file);
	if (ctl->json)
		print_json(&check, &none);
	else
		print_summary(&check);
	json_decref(check.findings);
	return check.failed_cnt == 0 ? VLY_CTL_OK : VLY_CTL_FAILED;
}
