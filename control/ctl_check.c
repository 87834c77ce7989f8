/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "config.h"
#include "ctl.h"
#include "image_builder.h"

/* How often the terminal is told; a person reads it. */
#define PROGRESS_NS 250000000

struct check {
	const struct vly_config *config;
	bool json;
	json_t *failed;
	uint32_t failed_cnt;
	uint64_t record_cnt;
	struct vly_load_progress progress;
	_Atomic(const char *) name;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool done; /* under the lock */
};

static void
tell_failure(struct check *check, const char *zone, const struct vly_zone_error *error)
{
	char line[24] = "";

	check->failed_cnt++;
	if (check->json) {
		json_array_append_new(check->failed,
				      json_pack("{s:s,s:s,s:I,s:s}", "zone", zone, "file",
						error->file, "line", (json_int_t)error->line,
						"error", error->text));
		return;
	}
	if (error->line)
		snprintf(line, sizeof(line), ":%" PRIu64, error->line);
	pthread_mutex_lock(&check->lock);
	vly_ctl_progress_clear();
	printf("%s%s: %s (zone %s)\n", error->file, line, error->text, zone);
	fflush(stdout);
	pthread_mutex_unlock(&check->lock);
}

/* Each zone in an image of its own, thrown away at once: as little memory as the largest zone
 * needs. */
static void
check_zone(struct check *check, const struct vly_hash_key *key, const struct vly_config_zone *zone)
{
	struct vly_image_builder *builder = vly_image_builder_new(key);
	struct vly_zone_error error = {0};
	struct vly_zone_info info;

	check->name = zone->name;
	if (!builder) {
		snprintf(error.file, sizeof(error.file), "%s", zone->file);
		snprintf(error.text, sizeof(error.text), "%s", strerror(errno));
		tell_failure(check, zone->name, &error);
		return;
	}
	if (vly_image_builder_add_file(builder, zone->name, zone->file, &check->progress, &info,
				       &error) < 0)
		tell_failure(check, zone->name, &error);
	else
		check->record_cnt += info.record_cnt;
	vly_image_builder_free(builder);
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
check_zones(struct check *check)
{
	struct vly_hash_key key;
	pthread_t thread;

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		memset(&key, 0, sizeof(key)); /* nothing is served from it */
	bool threaded = pthread_create(&thread, NULL, show_progress, check) == 0;
	for (unsigned i = 0; i < check->config->zone_cnt; i++)
		check_zone(check, &key, &check->config->zones[i]);
	pthread_mutex_lock(&check->lock);
	check->done = true;
	pthread_cond_signal(&check->end);
	pthread_mutex_unlock(&check->lock);
	if (threaded)
		pthread_join(thread, NULL);
	vly_ctl_progress_clear();
}

static void
print_json(struct check *check, const struct vly_config_errors *errors)
{
	json_t *lines = json_array();
	bool ok = errors->cnt == 0 && check->failed_cnt == 0;

	for (unsigned i = 0; i < errors->cnt; i++)
		json_array_append_new(lines, json_string(errors->text[i]));
	json_t *answer = json_pack("{s:b,s:I,s:I,s:o,s:O}", "ok", ok, "zones",
				   (json_int_t)(check->config ? check->config->zone_cnt : 0),
				   "records", (json_int_t)check->record_cnt, "config_errors", lines,
				   "failed", check->failed);
	if (!ok)
		json_object_set_new(answer, "error", json_string("the configuration has errors"));
	json_dumpf(answer, stdout, JSON_INDENT(2));
	puts("");
	json_decref(answer);
}

enum vly_ctl_exit
vly_ctl_check(const struct vly_ctl *ctl, const char *config_path)
{
	struct check check = {
		.json = ctl->json,
		.failed = json_array(),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.end = PTHREAD_COND_INITIALIZER,
	};
	struct vly_config_errors errors;
	struct vly_config *config = vly_config_load(config_path, &errors);
	char records[VLY_CTL_NUMBER_BYTES];

	if (config)
		vly_config_check_files(config, config_path, &errors);
	for (unsigned i = 0; i < errors.cnt && !ctl->json; i++)
		printf("%s\n", errors.text[i]);
	check.config = config;
	if (config)
		check_zones(&check);
	if (ctl->json)
		print_json(&check, &errors);
	else if (config)
		printf("%u zones, %s records, %" PRIu32 " zones failed\n", config->zone_cnt,
		       vly_ctl_number(check.record_cnt, records), check.failed_cnt);
	bool ok = config && errors.cnt == 0 && check.failed_cnt == 0;
	vly_config_errors_free(&errors);
	vly_config_free(config);
	json_decref(check.failed);
	return ok ? VLY_CTL_OK : VLY_CTL_FAILED;
}
