/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the manager's own files alone. What is done for living zones beside the writer, in threads of their own: layers become one, small images become
 * one, large signed zones are compiled. A job does not change what it works at. When it has ended, the loop hands it to
 * the writer as a request, which puts the result into the stacks.
 *
 * Use: vly_living_job_new(), vly_living_job_add() for each zone, vly_living_begin_job(); forms: vly_living_want_form().
 * Threads: the loop's, but for what says otherwise. No function blocks.
 */
#ifndef VLY_CONTROL_LIVING_JOB_H
#define VLY_CONTROL_LIVING_JOB_H

#include "living_layers.h"
#include "zone/dnssec_check.h"

struct vly_batch_zone;

/* What a merge in another thread does with one zone: layers become one, in an image of the job. */
struct vly_living_part {
	struct vly_living_request request; /* hands it to the writer, when the job is done */
	struct vly_living_job *job;
	struct vly_living_zone *zone;
	struct vly_living_stack *stack;
	struct vly_layer_range range;
	struct vly_living_layer layer; /* without an image: it has failed */
	bool is_merged;
};

struct vly_living_job {
	struct vly_living_job *next;
	struct vly_living *living;
	uint64_t id; /* of the image: older than those of layers that are made meanwhile */
	struct vly_live_image *image;
	bool is_pack;      /* small images are made one */
	uint32_t part_cnt; /* that are not done */
	uint32_t part_size;
	struct vly_living_part *part;
};

/* A complete form that is compiled beside the writer, of a zone that the store has, or is to have. */
struct vly_living_form_job {
	struct vly_living_request request; /* living_form.c: hands it to the writer */
	struct vly_living *living;
	struct vly_living_zone *zone;
	struct vly_store_zone store; /* what was compiled */
	struct vly_dnssec_facts facts;
	struct vly_living_layer layer; /* without an image: it has failed */
	uint64_t begin_ns;
	char reason[VLY_REASON_BYTES];
};

/* living_merge.c */

/* Begins a merge that the writer wants. */
__attribute__((nonnull)) void vly_living_merge(struct vly_living *living,
					       const struct vly_batch_zone *entry);

/* Begins a job, which is taken over. */
__attribute__((nonnull)) void vly_living_begin_job(struct vly_living *living,
						   struct vly_living_job *job);

/* Adds a part to a job that has not begun. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_job_add(struct vly_living_job *job, struct vly_living_zone *zone,
		   const struct vly_living_stack *stack, struct vly_layer_range range);

/* A new job; NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_living_job *
vly_living_job_new(struct vly_living *living);

__attribute__((nonnull)) void vly_living_job_free(struct vly_living_job *job);

/* pack_choice.c */

/* Chooses the images that become one, if there are many of about the same size, with those that are mostly
 * garbage and those that must go: sets is_chosen. Returns how many. */
__attribute__((nonnull)) uint32_t vly_pack_choose(struct vly_living_image *image, uint32_t cnt);

/* How many zones one pack may move out of a chosen image. */
__attribute__((nonnull)) uint32_t vly_pack_zones_max(const struct vly_living_image *entry);

/* living_pack.c */

/* Makes small images, and those with few layers left in them, one, when there are many; and moves the zones
 * out of images that are not to stay. */
__attribute__((nonnull)) void vly_living_pack(struct vly_living *living);

void vly_living_merge_free(struct vly_living *living);

/* living_form.c */

/* Has a complete form of the zone made, of the store as it is from now on. */
__attribute__((nonnull)) void vly_living_want_form(struct vly_living *living,
						   struct vly_living_zone *zone);

/* The request is answered when a form has its version. */
__attribute__((nonnull)) void vly_living_wait(struct vly_living_zone *zone,
					      struct vly_living_request *request);

__attribute__((nonnull)) bool vly_living_is_forming(const struct vly_living *living);

/* Compiles `tree` as version form->store.version. Returns 0, or -1 with form->reason. Any thread. */
__attribute__((nonnull, warn_unused_result)) int
vly_living_form_compile(struct vly_living_form_job *form, struct vly_zone *tree, bool is_checked);

#endif
