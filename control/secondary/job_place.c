/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secondary_parts.h"

/* Zones that are received, and wait for the checks and the disk together. More: more of them share a
 * transaction of the store and a publication, with more memory. */
#define PASSED_MAX 512

/* Larger ones keep their places: what is made of them takes memory, which transfers.in-max bounds. */
#define PASS_BYTES_MAX 65536

void
vly_secondary_job_give_back(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	vly_lanes_release(job->lanes, &job->place);
	secondaries->passed_cnt -= job->has_passed;
	job->has_passed = false;
	vly_secondary_kick(secondaries);
}

void
vly_secondary_job_pass(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	if (job->has_passed || job->bytes > PASS_BYTES_MAX || secondaries->passed_cnt >= PASSED_MAX)
		return;
	vly_secondary_job_give_back(job);
	job->has_passed = true;
	secondaries->passed_cnt++;
}

/* Ends the job; another one goes on with the primaries that are left, when there is a place. */
static void
wait_again(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	const enum vly_secondary_queue queue =
		job->phase == VLY_SECONDARY_ASKING ? VLY_QUEUE_ASK : VLY_QUEUE_TRANSFER;
	const bool is_notified = zone->is_notified || zone->is_again;
	const int8_t next = (int8_t)job->order[job->at];
	uint16_t tried = zone->tried;

	for (unsigned i = 0; i < job->at; i++)
		tried |= (uint16_t)(1u << job->order[i]);
	if (job->wants_axfr && zone->axfr_left == 0)
		zone->axfr_left = 1;
	job->is_new = true; /* nothing has been found out yet */
	zone->is_again = false;
	vly_secondary_job_end(job, NULL);
	zone->is_notified = is_notified;
	zone->prefer = next;
	zone->tried = tried;
	vly_secondary_enqueue(zone, queue);
}

bool
vly_secondary_job_hold(struct vly_secondary_job *job)
{
	const char *server = vly_secondary_job_remote(job)->name;

	vly_secondary_job_give_back(job);
	if (!vly_lanes_has_place(job->lanes, server)) {
		wait_again(job);
		return false;
	}
	vly_lanes_hold(job->lanes, server, &job->place);
	return true;
}
