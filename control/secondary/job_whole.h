/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of a job: the transfer of a whole zone. */
#ifndef VLY_CONTROL_JOB_WHOLE_H
#define VLY_CONTROL_JOB_WHOLE_H

#include "secondary_parts.h"

/* job_tree.c: adds the records in the spool, which are in memory, to the zone's tree. Returns 0, or -1 with
 * job->spool.reason. In a thread. */
__attribute__((nonnull, warn_unused_result)) int
vly_secondary_tree_grow(struct vly_secondary_job *job);

/* job_ahead.c */

/* Has a zone without data answered by what was taken, then puts it into the store. */
__attribute__((nonnull)) void vly_secondary_job_answer(struct vly_secondary_job *job);

/* What was answered ahead could not be kept: the zone has no data again. */
__attribute__((nonnull)) void vly_secondary_job_withdraw(struct vly_secondary_job *job);

/* job_import.c */

/* Compiles the tree to job->form. Returns 0, or -1 with job->reason. In a thread. */
__attribute__((nonnull, warn_unused_result)) int
vly_secondary_job_compile(struct vly_secondary_job *job);

/* Puts the tree into the store when it is its turn, then commits it. */
__attribute__((nonnull)) void vly_secondary_job_keep(struct vly_secondary_job *job);

/* The job's zone is gone: it waits for its turn no longer. */
__attribute__((nonnull)) void vly_secondary_job_keep_not(struct vly_secondary_job *job);

#endif
