/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The work for a small zone takes less time than handing it to a thread and back: threads get several zones at
 * once, those that have come while they were busy. */
#include "secondary_parts.h"

/* Jobs of a bundle. More: the first one waits longer for the last. */
#define BUNDLE_MAX 64

static void begin(struct vly_secondaries *secondaries);

static void
work_all(uv_work_t *work)
{
	const struct vly_secondary_bundle *bundle = work->data;

	for (struct vly_secondary_job *job = bundle->first; job; job = job->next_work)
		vly_secondary_job_work(job);
}

static void
on_all_worked(uv_work_t *work, int status)
{
	struct vly_secondary_bundle *bundle = work->data;
	struct vly_secondaries *secondaries = bundle->secondaries;
	struct vly_secondary_job *next;

	(void)status;
	for (struct vly_secondary_job *job = bundle->first; job; job = next) {
		next = job->next_work;
		vly_secondary_job_worked(job);
	}
	bundle->is_running = false;
	begin(secondaries);
	vly_secondaries_leave(secondaries);
}

/* Takes the first jobs that wait. */
static void
fill(struct vly_secondary_bundle *bundle)
{
	struct vly_secondaries *secondaries = bundle->secondaries;
	struct vly_secondary_job **end = &bundle->first;

	for (unsigned i = 0; secondaries->work && i < BUNDLE_MAX; i++) {
		*end = secondaries->work;
		end = &(*end)->next_work;
		secondaries->work = secondaries->work->next_work;
	}
	*end = NULL;
}

static void
begin(struct vly_secondaries *secondaries)
{
	for (unsigned i = 0; i < VLY_SECONDARY_BUNDLES; i++) {
		struct vly_secondary_bundle *bundle = &secondaries->bundle[i];
		if (!secondaries->work || bundle->is_running)
			continue;
		bundle->secondaries = secondaries;
		bundle->work.data = bundle;
		bundle->is_running = true;
		fill(bundle);
		secondaries->closing_cnt++;
		uv_queue_work(secondaries->loop, &bundle->work, work_all, on_all_worked);
	}
}

static void
work_alone(uv_work_t *work)
{
	vly_secondary_job_work(work->data);
}

static void
on_worked_alone(uv_work_t *work, int status)
{
	(void)status;
	vly_secondary_job_worked(work->data);
}

void
vly_secondary_job_run(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	job->is_working = true;
	if (!job->has_passed) {
		job->work.data = job;
		uv_queue_work(secondaries->loop, &job->work, work_alone, on_worked_alone);
		return;
	}
	job->next_work = NULL;
	if (!secondaries->work)
		secondaries->work_end = &secondaries->work;
	*secondaries->work_end = job;
	secondaries->work_end = &job->next_work;
	begin(secondaries);
}
