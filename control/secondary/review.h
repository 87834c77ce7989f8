/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of the secondaries alone: versions that an operator or a command has to accept. */
#ifndef VLY_CONTROL_REVIEW_H
#define VLY_CONTROL_REVIEW_H

#include "job.h"
#include "secondary_zone.h"
#include "zone/zone.h"

/* Review commands at a time. More: they take the CPUs from the rest of us. Fewer: those that hang delay others. */
#define VLY_SECONDARY_REVIEW_MAX 4

/* Versions that wait for their command without a place: each is a zone in memory. More: more memory. Fewer: slow
 * commands hold up transfers of zones without one sooner. */
#define VLY_SECONDARY_REVIEW_WAIT_MAX 256

#define VLY_REVIEW_TEXT_BYTES 400

/* A version that waits, or was refused. */
struct vly_secondary_held {
	struct vly_zone tree; /* not if is_refused */
	bool has_tree;
	uint64_t bytes; /* of it; part of secondaries->held_bytes */
	struct vly_transfer_soa soa;
	uint64_t since_s;
	bool is_refused;                  /* by the operator, or the command */
	bool replaces;                    /* whatever its serial */
	char text[VLY_REVIEW_TEXT_BYTES]; /* what became of the review command, or "" */
};

/* review.c */
__attribute__((nonnull)) void vly_secondary_review(struct vly_secondary_job *job);

/* The end of a review of a job: accepted, refused, or left to the operator. `text`: what the command said, or "". */
__attribute__((nonnull)) void vly_secondary_review_accept(struct vly_secondary_job *job);
__attribute__((nonnull)) void vly_secondary_review_refuse(struct vly_secondary_job *job,
							  const char *text);
__attribute__((nonnull)) void vly_secondary_review_wait(struct vly_secondary_job *job,
							const char *text);

/* A version that was accepted could not be kept: it waits again. */
__attribute__((nonnull)) void vly_secondary_hold_again(struct vly_secondary_job *job);

/* Versions of the zone are not reviewed any more: the one that waits is transferred again. */
__attribute__((nonnull)) void vly_secondary_release(struct vly_secondary_zone *zone);

/* Forgets the version that waits, if there is one. */
__attribute__((nonnull)) void vly_secondary_held_drop(struct vly_secondary_zone *zone);

/* Takes the tree of the version that waits, and forgets the rest. */
__attribute__((nonnull)) struct vly_zone vly_secondary_held_take(struct vly_secondary_zone *zone);

/* review_run.c: has the command look at the version; review.c gets what comes of it. */
__attribute__((nonnull)) void vly_secondary_review_begin(struct vly_secondary_job *job);

/* Begins the commands that wait, and that there are places for. */
__attribute__((nonnull)) void vly_secondary_review_next(struct vly_secondaries *secondaries);

/* Ends the command, if it runs or waits. No thread works at the job. */
__attribute__((nonnull)) void vly_secondary_review_stop(struct vly_secondary_job *job);

/* Removes the files of commands that an earlier volley-control left. Blocks. */
__attribute__((nonnull)) void vly_secondary_review_clean(const char *transfer_dir);

#endif
