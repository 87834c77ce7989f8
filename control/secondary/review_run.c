/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "common/log.h"
#include "secondary_parts.h"
#include "zone/domain.h"
#include "zone/zone_print.h"

#define FILE_PREFIX "review-"

static int
fail(struct vly_secondary_job *job, const char *what)
{
	snprintf(job->reason, sizeof(job->reason), "%s: %s", what, strerror(errno));
	return -1;
}

static int
write_zone(struct vly_secondary_job *job, FILE *file)
{
	if (vly_zone_print(&job->tree, file) != 0)
		return fail(job, "the zone can't be printed");
	return ferror(file) || fflush(file) != 0 ? fail(job, job->review_file) : 0;
}

static int
write_file(struct vly_secondary_job *job)
{
	const char *dir = job->secondaries->transfer_dir;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(job, dir);
	if (asprintf(&job->review_file, "%s/" FILE_PREFIX "XXXXXX", dir) < 0) {
		job->review_file = NULL;
		return fail(job, dir);
	}
	const int fd = mkostemp(job->review_file, O_CLOEXEC);
	if (fd < 0) {
		(void)fail(job, job->review_file);
		free(job->review_file);
		job->review_file = NULL;
		return -1;
	}
	FILE *file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		return fail(job, job->review_file);
	}
	const int result = write_zone(job, file);
	fclose(file);
	return result;
}

static void
work(uv_work_t *work)
{
	struct vly_secondary_job *job = work->data;

	job->work_failed = write_file(job) != 0;
}

static void
on_reviewed(void *arg, const struct vly_child_end *end)
{
	struct vly_secondary_job *job = arg;
	char text[VLY_REVIEW_TEXT_BYTES];
	int len;

	if (end->is_late)
		len = snprintf(text, sizeof(text),
			       "the review command took longer than transfers.review-time");
	else if (end->signal != 0)
		len = snprintf(text, sizeof(text), "the review command was ended by signal %d",
			       end->signal);
	else
		len = snprintf(text, sizeof(text), "the review command exited with status %d",
			       end->status);
	if (*end->line)
		snprintf(text + len, sizeof(text) - (size_t)len, ": %s", end->line);
	vly_log_info("zone %s: serial %" PRIu32 ": %s", job->name, job->reader.soa.serial, text);
	job->child = NULL;
	vly_secondary_review_stop(job);
	if (end->is_late || end->signal != 0)
		vly_secondary_review_wait(job, text);
	else if (end->status == 0)
		vly_secondary_review_accept(job);
	else
		vly_secondary_review_refuse(job, text);
}

static bool
run(struct vly_secondary_job *job)
{
	const struct vly_secondaries *secondaries = job->secondaries;
	const char *argument[] = {job->zone->feed->review_command, job->name, job->review_file,
				  NULL};
	char new_serial[40];
	char old_serial[40];
	char name[VLY_DOMAIN_TEXT_BYTES + 16];
	const char *environment[] = {name, new_serial, old_serial, NULL};
	const struct vly_child_settings settings = {
		.loop = secondaries->loop,
		.argument = argument,
		.environment = environment,
		.time_max_ms = secondaries->config->transfers->review_time_s * UINT64_C(1000),
		.done = on_reviewed,
		.arg = job,
	};

	if (job->name[0] == '-') { /* a catalog may have such names */
		snprintf(job->reason, sizeof(job->reason),
			 "the zone's name begins with \"-\", as an option does");
		return false;
	}
	snprintf(name, sizeof(name), "VOLLEY_ZONE=%s", job->name);
	snprintf(new_serial, sizeof(new_serial), "VOLLEY_NEW_SERIAL=%" PRIu32,
		 job->reader.soa.serial);
	snprintf(old_serial, sizeof(old_serial), "VOLLEY_OLD_SERIAL=");
	if (job->was_loaded)
		snprintf(old_serial, sizeof(old_serial), "VOLLEY_OLD_SERIAL=%" PRIu32, job->ours);
	job->child = vly_child_run(&settings, job->reason);
	return job->child != NULL;
}

static void
on_written(uv_work_t *work, int status)
{
	struct vly_secondary_job *job = work->data;
	char text[VLY_REVIEW_TEXT_BYTES];

	(void)status;
	job->is_working = false;
	if (!job->zone) {
		vly_secondary_job_drop(job);
		return;
	}
	if (!job->work_failed && job->zone->feed->review_command && run(job))
		return;
	snprintf(text, sizeof(text), "the review command can't be run: %.300s", job->reason);
	vly_secondary_review_stop(job);
	vly_secondary_review_wait(job, text);
}

/* By primaries, in their lanes: one whose zones have slow commands does not hold up those of others. */
void
vly_secondary_review_next(struct vly_secondaries *secondaries)
{
	struct vly_lane_entry *entry;

	while (!secondaries->is_freed && (entry = vly_lanes_pop(&secondaries->reviews)) != NULL) {
		struct vly_secondary_job *job =
			(struct vly_secondary_job *)((char *)entry -
						     offsetof(struct vly_secondary_job,
							      review_wait));
		vly_lanes_hold(&secondaries->reviews, job->remote, &job->review_place);
		job->is_working = true;
		job->work.data = job;
		uv_queue_work(secondaries->loop, &job->work, work, on_written);
	}
}

void
vly_secondary_review_begin(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	job->phase = VLY_SECONDARY_REVIEWING;
	job->review_s = vly_secondary_now_s();
	job->reason[0] = '\0';
	/* the version that is answered does not expire before commands of other zones have ended */
	vly_secondary_keep(job->zone, &job->reader.soa);
	if (secondaries->reviews.waiting_cnt < VLY_SECONDARY_REVIEW_WAIT_MAX)
		vly_secondary_job_give_back(job);
	if (vly_lanes_push(&secondaries->reviews, job->remote, &job->review_wait))
		vly_secondary_review_next(secondaries);
	else
		vly_secondary_review_wait(job, "the review command can't be run: out of memory");
}

static void
on_removed(uv_fs_t *request)
{
	uv_fs_req_cleanup(request);
	free(request);
}

/* In a thread: a large file takes time. */
static void
remove_file(struct vly_secondary_job *job)
{
	uv_fs_t *request = job->review_file ? malloc(sizeof(*request)) : NULL;

	if (request)
		(void)uv_fs_unlink(job->secondaries->loop, request, job->review_file, on_removed);
	free(job->review_file);
	job->review_file = NULL;
}

void
vly_secondary_review_stop(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	vly_lanes_remove(&secondaries->reviews, &job->review_wait);
	vly_lanes_release(&secondaries->reviews, &job->review_place);
	vly_child_stop(job->child);
	job->child = NULL;
	remove_file(job);
	vly_secondary_review_next(secondaries);
}

void
vly_secondary_review_clean(const char *transfer_dir)
{
	DIR *dir = opendir(transfer_dir);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, FILE_PREFIX, strlen(FILE_PREFIX)) == 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}
