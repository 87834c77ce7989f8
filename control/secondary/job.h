/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the secondaries alone: one check of a zone, from the first query to the commit.
 *
 * A job belongs to its zone. When the zone is removed meanwhile, the job's zone is NULL, and the job ends when
 * the thread or the living zones give it back.
 */
#ifndef VLY_CONTROL_JOB_H
#define VLY_CONTROL_JOB_H

#include <stdatomic.h>

#include "change/change.h"
#include "config/config.h"
#include "key/tsig_stream.h"
#include "lanes.h"
#include "living/import_turn.h"
#include "living/living.h"
#include "reach.h"
#include "secondary.h"
#include "secondary_zone.h"
#include "session/datagram.h"
#include "session/session.h"
#include "session/session_pool.h"
#include "spool.h"
#include "transfer_reader.h"
#include "zone/zone.h"
#include "zone/zone_report.h"
#include "zone/zone_verdict.h"

struct vly_secondary_job {
	struct vly_secondaries *secondaries;
	struct vly_secondary_zone *zone; /* NULL: it was removed */
	struct vly_secondary_job *prev, *next;
	enum vly_secondary_phase phase;
	struct vly_lanes *lanes;     /* of its place */
	struct vly_lane_place place; /* for the primary that is tried */
	bool has_passed;             /* it has given its place back early */
	bool is_cut;                 /* a primary was not reached, or a connection broke */
	char *name;                  /* of the zone */
	struct vly_name apex;
	uint64_t start_ms;

	/* the primaries, in the order in which they are tried */
	uint8_t order[VLY_SECONDARY_PRIMARIES_MAX];
	unsigned order_cnt;
	unsigned at;      /* in order[] */
	unsigned address; /* of that primary */
	char remote[64];  /* its name */

	/* the query */
	uint16_t id;
	bool is_ixfr;
	bool wants_axfr;
	bool is_plain; /* opportunistic TLS has failed */
	uint32_t ours;
	bool was_loaded;
	bool replaces; /* whatever its serial, the new copy takes the place of ours */
	bool is_new;   /* the primary has something new: the next NOTIFY need not wait */
	bool has_tsig;
	struct vly_tsig_stream tsig;
	struct vly_datagram *datagram;
	uint64_t ask_ms; /* when that was sent */
	char doubt[128]; /* why a response over UDP was ignored; or "" */
	struct vly_session *session;
	struct vly_session_target target; /* of the session */
	uint32_t mark;                    /* of the configuration, when it was made */
	bool is_reused;                   /* the session has served other jobs */
	bool is_fresh;                    /* and must not have */
	bool is_through;                  /* the primary owes nothing: others may use it */
	bool is_slowed;                   /* waits for its share of transfers.in-rate */
	uint64_t receive_ms;              /* since when this address is tried */
	uint64_t pace_ms;                 /* whether enough arrives is looked at since then */
	uint64_t pace_bytes;
	uint64_t bytes;
	uint64_t message_cnt;
	struct vly_transfer_reader reader;
	struct vly_spool spool;
	bool has_spool;
	enum vly_transfer_result received;

	/* work in a thread */
	uv_work_t work;
	struct vly_secondary_job *next_work; /* of the same bundle */
	bool is_working;
	bool work_failed;
	bool gives_up; /* the failure is ours, and not the primary's */
	uint8_t severity[VLY_ZONE_CHECK_CNT];
	uint8_t verify; /* enum vly_dnssec_verify */
	bool checks_bogus;
	enum vly_config_on_bogus bogus;
	bool is_reviewed; /* and not accepted yet */
	bool is_accepted;
	struct vly_lane_entry review_wait;  /* until the command may run */
	struct vly_lane_place review_place; /* while it does */
	struct vly_child *child;            /* the command, or NULL */
	char *review_file;                  /* that the command reads, or NULL */
	uint64_t review_s;                  /* since when it is reviewed */
	bool has_tree;
	struct vly_zone tree;
	struct vly_change change;
	bool is_imported;                 /* the tree takes the place of what the store has */
	bool is_small;                    /* the same; the writer does it */
	bool keeps_first;                 /* of the zone */
	bool is_ahead;                    /* answered before it is in the store */
	bool was_answered;                /* is_ahead: by every core */
	struct vly_living_form_job *form; /* or NULL; then the tree is imported by itself */
	bool is_compiled;                 /* the form has its image already */
	struct vly_import_turn turn;      /* of the import */
	_Atomic bool is_cancelled;        /* the zone is gone; for the threads */
	char warning[VLY_REASON_BYTES];

	struct vly_living_request request;
	bool is_submitted;
	char reason[VLY_REASON_BYTES]; /* why it fails */
};

/* job.c */

/* Begins a check of a zone that has none: with a query, or a transfer at once. Without memory the zone
 * waits for its retry time. */
__attribute__((nonnull)) void vly_secondary_job_begin(struct vly_secondary_zone *zone,
						      enum vly_secondary_queue queue);

/* The primary that a check of the zone tries first. */
__attribute__((nonnull, warn_unused_result)) unsigned
vly_secondary_job_first(const struct vly_secondary_zone *zone);

/* The primary has failed with job->reason: tries the next address or primary, or ends the job. */
__attribute__((nonnull)) void vly_secondary_job_next(struct vly_secondary_job *job);

/* Ends a job: `why` is NULL, or why the zone is not current. */
__attribute__((nonnull(1))) void vly_secondary_job_end(struct vly_secondary_job *job,
						       const char *why);

/* The job has failed with job->reason: an IXFR is followed by AXFR, the next primary is tried, or, if it
 * gives up, the job ends. */
__attribute__((nonnull)) void vly_secondary_job_fail(struct vly_secondary_job *job);

/* Begins a job that commits the version that is held. */
__attribute__((nonnull)) void vly_secondary_job_accept(struct vly_secondary_zone *zone);

/* Breaks a job off: the zone is gone, or its configuration has changed. */
__attribute__((nonnull)) void vly_secondary_job_cancel(struct vly_secondary_job *job);

/* Frees the job if nothing refers to it any more. */
__attribute__((nonnull)) void vly_secondary_job_drop(struct vly_secondary_job *job);

/* The primary that is tried. */
__attribute__((nonnull)) const struct vly_config_remote *
vly_secondary_job_remote(const struct vly_secondary_job *job);

/* Writes the query, signed if the primary has a key, to `to`. Returns its length; 0 with job->reason. */
#define VLY_SECONDARY_QUERY_BYTES 1024
__attribute__((nonnull, warn_unused_result)) size_t
vly_secondary_job_query(struct vly_secondary_job *job, uint16_t type,
			uint8_t to[VLY_SECONDARY_QUERY_BYTES]);

/* Closes what the job has open to a primary, and forgets what has been received. */
__attribute__((nonnull)) void vly_secondary_job_close(struct vly_secondary_job *job);

/* job_place.c */

/* Holds a place for the primary that is tried next, in exchange for what the job holds. Returns false if
 * there is none: the job is over, and its zone waits for its turn again. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondary_job_hold(struct vly_secondary_job *job);

/* What was received is small: the job gives its place back while it is checked and committed. */
__attribute__((nonnull)) void vly_secondary_job_pass(struct vly_secondary_job *job);

/* Gives back what the job holds. */
__attribute__((nonnull)) void vly_secondary_job_give_back(struct vly_secondary_job *job);

/* job_connect.c */

/* Connects to the primary, or takes a connection that is there. Returns false with job->reason. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondary_job_connect(struct vly_secondary_job *job,
			  const struct vly_session_callbacks *callbacks);

/* Whether the primary's address was not reached a moment ago. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondary_job_is_down(const struct vly_secondary_job *job, enum vly_reach_way way);

/* The session has ended by itself. Returns whether the transfer has begun anew over another one. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondary_job_reconnect(struct vly_secondary_job *job, enum vly_session_end end);

/* Whether the first message over a connection that others have used answers another query. */
__attribute__((nonnull)) bool vly_secondary_job_is_stray(const struct vly_secondary_job *job,
							 const uint8_t *message, size_t len);

/* Closes the session, or keeps it for others. */
__attribute__((nonnull)) void vly_secondary_job_hang_up(struct vly_secondary_job *job);

/* job_ask.c: asks the primary for its SOA. */
__attribute__((nonnull)) void vly_secondary_job_ask(struct vly_secondary_job *job);

/* job_receive.c */

/* Asks the primary for the zone. */
__attribute__((nonnull)) void vly_secondary_job_receive(struct vly_secondary_job *job);

/* Looks at the pace of a transfer, each VLY_SECONDARY_TICK_MS. */
__attribute__((nonnull)) void vly_secondary_job_tick(struct vly_secondary_job *job);

/* job_take.c: the transfer is whole. */
__attribute__((nonnull)) void vly_secondary_job_take(struct vly_secondary_job *job);

/* The work of that, in a thread, and what follows it. */
__attribute__((nonnull)) void vly_secondary_job_work(struct vly_secondary_job *job);
__attribute__((nonnull)) void vly_secondary_job_worked(struct vly_secondary_job *job);

/* What was received can't be taken, for job->reason. */
__attribute__((nonnull)) void vly_secondary_job_spoil(struct vly_secondary_job *job);

/* job_bundle.c: has a thread do the work. */
__attribute__((nonnull)) void vly_secondary_job_run(struct vly_secondary_job *job);

/* How signatures of the job's zone are checked. */
__attribute__((nonnull)) struct vly_dnssec_settings
vly_secondary_dnssec(const struct vly_secondary_job *job);

/* Whether what was received may be served by `on-bogus`; false with a reason. Faults that may be are the
 * job's warning. In a thread. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondary_judge(struct vly_secondary_job *job, const struct vly_zone_verdict *verdict,
		    char *reason);

/* job_commit.c: what was taken is good. */
__attribute__((nonnull)) void vly_secondary_job_commit(struct vly_secondary_job *job);

/* secondary_past.c: a transfer has ended; `why` it failed, or NULL. One that has brought nothing is left out. */
__attribute__((nonnull(1))) void vly_secondary_note_past(struct vly_secondary_job *job,
							 const char *why);

#endif
