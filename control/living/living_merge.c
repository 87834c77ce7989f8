/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "living_parts.h"

static void run_next(struct vly_living *living);

struct vly_living_job *
vly_living_job_new(struct vly_living *living)
{
	struct vly_living_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->living = living;
	job->id = vly_live_image_next_id();
	return job;
}

void
vly_living_job_free(struct vly_living_job *job)
{
	for (uint32_t i = 0; i < job->part_size; i++)
		vly_layer_stack_free(job->part[i].stack);
	free(job->part);
	vly_live_image_put(job->image);
	free(job);
}

int
vly_living_job_add(struct vly_living_job *job, struct vly_living_zone *zone,
		   const struct vly_living_stack *stack, struct vly_layer_range range)
{
	struct vly_living_stack *copy = vly_layer_stack_copy(stack);

	if (copy && job->part_cnt == job->part_size) {
		uint32_t size = job->part_size ? 2 * job->part_size : 1;
		void *grown = realloc(job->part, size * sizeof(*job->part));
		if (!grown) {
			vly_layer_stack_free(copy);
			return -1;
		}
		job->part = grown;
		memset(job->part + job->part_size, 0, (size - job->part_size) * sizeof(*job->part));
		job->part_size = size;
	}
	if (!copy)
		return -1;
	job->part[job->part_cnt++] = (struct vly_living_part){
		.zone = zone,
		.stack = copy,
		.range = range,
	};
	return 0;
}

/* A part that fails stays as it is. */
static void
work(void *arg)
{
	struct vly_living_job *job = arg;
	struct vly_layer_merge merge;

	if (vly_layer_merge_begin(&merge, &job->living->key) != 0)
		return;
	for (uint32_t i = 0; i < job->part_cnt; i++) {
		struct vly_living_part *part = &job->part[i];
		part->is_merged = vly_layer_merge_add(&merge, &part->stack->layer[part->range.from],
						      part->range.cnt, &part->layer) == 0;
	}
	job->image = vly_layer_merge_end(&merge, job->id, false);
	for (uint32_t i = 0; i < job->part_cnt; i++)
		if (job->part[i].is_merged) /* its version is 0 if it has no data */
			job->part[i].layer.image = job->image;
}

/* The writer has put the merged layer in place of the others, or not. */
static void
on_taken(void *arg, const struct vly_living_result *result)
{
	struct vly_living_part *part = arg;
	struct vly_living_job *job = part->job;

	if (result->code != VLY_LIVING_DONE && !job->is_pack)
		atomic_store(&part->zone->frozen, 0);
	if (--job->part_cnt > 0)
		return;
	if (job->is_pack)
		job->living->is_packing = false;
	vly_living_job_free(job);
}

/* What could not be packed is left alone from now on. */
static void
keep_images(const struct vly_living_job *job)
{
	for (uint32_t i = 0; i < job->part_cnt; i++) {
		const struct vly_living_part *part = &job->part[i];
		for (unsigned k = 0; !part->layer.image && k < part->range.cnt; k++)
			part->stack->layer[part->range.from + k].image->is_kept = true;
	}
}

static void
on_merged(void *arg)
{
	struct vly_living_job *job = arg;
	struct vly_living *living = job->living;

	living->jobs = job->next;
	if (!job->image)
		vly_log_warning("layers of %s could not be merged: out of memory",
				job->part[0].zone->name);
	if (job->is_pack)
		keep_images(job);
	/* the last answer frees the job, but no answer comes before this returns */
	for (uint32_t i = 0, cnt = job->part_cnt; i < cnt; i++) {
		struct vly_living_part *part = &job->part[i];
		part->job = job;
		part->request = (struct vly_living_request){
			.zone = part->zone->name,
			.cause = VLY_STORE_BY_OPERATOR,
			.who = "",
			.done = on_taken,
			.arg = part,
			.part = part,
		};
		(job->is_pack ? vly_living_submit_part
			      : vly_living_submit_internal)(living, part->zone, &part->request);
	}
	run_next(living);
}

static void
run_next(struct vly_living *living)
{
	if (living->jobs && !vly_side_work_is_running(&living->merger))
		vly_side_work_run(&living->merger, work, on_merged, living->jobs);
}

void
vly_living_begin_job(struct vly_living *living, struct vly_living_job *job)
{
	struct vly_living_job **end = &living->jobs;

	for (uint32_t i = 0; i < job->part_cnt; i++)
		job->part[i].zone->request_cnt++;
	while (*end)
		end = &(*end)->next;
	*end = job;
	run_next(living);
}

void
vly_living_merge(struct vly_living *living, const struct vly_batch_zone *entry)
{
	struct vly_living_job *job = vly_living_job_new(living);

	if (job && vly_living_job_add(job, entry->zone, entry->stack, entry->range) == 0) {
		vly_living_begin_job(living, job);
		return;
	}
	if (job)
		vly_living_job_free(job);
	atomic_store(&entry->zone->frozen, 0);
}

void
vly_living_merge_free(struct vly_living *living)
{
	struct vly_living_job *next;

	for (struct vly_living_job *job = living->jobs; job; job = next) {
		next = job->next;
		vly_living_job_free(job);
	}
}
