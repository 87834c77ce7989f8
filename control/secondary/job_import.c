/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A large zone goes into the store: a thread is taken for it when it is its turn. */
#include "job_whole.h"
#include "living/living_whole.h"
#include "secondary_parts.h"

int
vly_secondary_job_compile(struct vly_secondary_job *job)
{
	if (vly_living_compile(job->form, &job->tree, job->reason) == 0)
		return 0;
	job->gives_up = true;
	return -1;
}

static int
import(struct vly_secondary_job *job)
{
	struct vly_living *living = job->secondaries->settings.living;

	if (vly_living_replace(living, &job->tree, job->form, &job->is_cancelled, job->reason) !=
	    0) {
		job->gives_up = true;
		return -1;
	}
	return job->is_compiled ? 0 : vly_secondary_job_compile(job);
}

static void
work(uv_work_t *work)
{
	struct vly_secondary_job *job = work->data;

	job->work_failed = import(job) != 0;
	if (job->work_failed && !job->is_ahead)
		return; /* a version that was accepted is held again */
	vly_zone_free(&job->tree);
	job->has_tree = false;
}

/* A zone that can't be kept is not answered either: its changes could not be made. The next attempt is kept
 * first, so that it is not answered for a moment each time. */
static void
on_kept(uv_work_t *work, int status)
{
	struct vly_secondary_job *job = work->data;

	(void)status;
	job->is_working = false;
	vly_import_turn_end(job->secondaries->settings.living, &job->turn);
	if (!job->zone) {
		vly_secondary_job_withdraw(job);
		vly_secondary_job_drop(job);
		return;
	}
	job->zone->keeps_first = job->work_failed && (job->is_ahead || job->zone->keeps_first);
	if (!job->work_failed) {
		vly_secondary_job_commit(job);
	} else if (job->is_ahead) {
		vly_secondary_job_withdraw(job);
		vly_secondary_job_fail(job);
	} else {
		vly_secondary_job_spoil(job);
	}
}

static void
on_turn(struct vly_import_turn *turn)
{
	struct vly_secondary_job *job =
		(struct vly_secondary_job *)((char *)turn -
					     offsetof(struct vly_secondary_job, turn));

	job->work.data = job;
	uv_queue_work(job->secondaries->loop, &job->work, work, on_kept);
}

void
vly_secondary_job_keep(struct vly_secondary_job *job)
{
	job->is_working = true; /* or about to */
	job->turn.ready = on_turn;
	vly_import_turn_wait(job->secondaries->settings.living, &job->turn);
}

void
vly_secondary_job_keep_not(struct vly_secondary_job *job)
{
	if (!vly_import_turn_is_waiting(&job->turn))
		return;
	vly_import_turn_end(job->secondaries->settings.living, &job->turn);
	job->is_working = false;
	vly_secondary_job_withdraw(job);
}
