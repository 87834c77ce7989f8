/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first version of a large zone is answered before it is on disk, which takes as long as all before. */
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "job_whole.h"
#include "living/living_whole.h"
#include "secondary_parts.h"

/* Whether the zone was added again meanwhile, and is answered by what another job has received. */
static bool
is_answered_anew(const struct vly_secondary_job *job)
{
	const struct vly_secondary_zone *zone =
		job->zone ? NULL : vly_secondary_find(job->secondaries, job->name);
	const struct vly_secondary_job *other = zone ? zone->job : NULL;

	if (!zone)
		return false;
	if (zone->answered.time_s != 0)
		return true;
	/* a thread may write is_ahead before */
	return other && (other->is_submitted || other->phase == VLY_SECONDARY_COMMITTING) &&
	       other->is_ahead;
}

void
vly_secondary_job_withdraw(struct vly_secondary_job *job)
{
	if (!job->is_ahead || job->secondaries->is_freed)
		return;
	job->is_ahead = false;
	if (is_answered_anew(job))
		return;
	vly_secondary_renew(job->secondaries, job->name);
	if (!job->zone)
		return;
	job->zone->answered = (struct vly_secondary_mark){0};
	vly_secondary_count(job->zone);
}

/* The job's zone was removed meanwhile. */
static void
give_up(struct vly_secondary_job *job)
{
	vly_secondary_job_withdraw(job);
	vly_secondary_job_drop(job);
}

static void
on_answered(void *arg, const struct vly_living_result *result)
{
	struct vly_secondary_job *job = arg;

	job->is_submitted = false;
	if (!job->zone) {
		give_up(job);
		return;
	}
	job->was_answered = result->code == VLY_LIVING_DONE;
	if (job->was_answered) {
		job->zone->answered =
			(struct vly_secondary_mark){job->reader.soa.serial, vly_secondary_now_s()};
		vly_secondary_count(job->zone);
		vly_log_info("zone %s: serial %" PRIu32
			     " is answered, and is being written to disk",
			     job->name, job->reader.soa.serial);
	}
	job->phase = VLY_SECONDARY_COMMITTING;
	vly_secondary_job_keep(job);
}

void
vly_secondary_job_answer(struct vly_secondary_job *job)
{
	job->is_submitted = true;
	job->request = (struct vly_living_request){
		.zone = job->name,
		.cause = VLY_STORE_BY_TRANSFER,
		.who = job->remote,
		.form = job->form,
		.done = on_answered,
		.arg = job,
	};
	vly_living_answer_ahead(job->secondaries->settings.living, &job->request);
}
