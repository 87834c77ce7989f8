/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the secondaries alone, by file:
 *
 *     secondaries.c      the list of zones, and their timers
 *     secondary_queue.c  zones that wait for their turn; lanes.c: in a lane for each primary
 *     secondary_zone.c   what becomes of a zone after a contact, a failure, at its expiry
 *     secondary_state.c  what is shown
 *     secondary_tally.c  how many zones are loaded, expired, stale
 *     secondary_log.c    bounds the lines about zones
 *     secondary_past.c   keeps the last transfers
 *     secondary_match.c  whether a new configuration has the same primaries
 *     secondary_tls.c    profiles of TLS
 *     job.c              one check of a zone: primaries in their order, from the first query to the end
 *     job_ask.c          the SOA, over UDP
 *     job_place.c        the places for jobs, one of which each job holds while it talks to a primary
 *     job_connect.c      connections to primaries, over TCP or TLS, which are used again
 *     job_receive.c      the transfer
 *     job_tree.c         what is received of a whole zone becomes its tree; in a thread of the pool
 *     job_take.c         what was received becomes a zone or a change; in a thread of the pool
 *     job_bundle.c       which does several small ones at once
 *     job_ahead.c        a large zone's first version is answered before it is on disk
 *     job_commit.c       what was taken is handed to the living zones
 *     review.c           versions that wait for an operator or a command
 *     review_run.c       the command
 *     notify.c           NOTIFY messages
 *     transfer_reader.c, net_change.c, spool.c, schedule.c, contacts.c, reach.c   parts that know none of these
 *
 * A zone is in at most one queue, or has a job:
 *
 *     timer ──► ask queue ──► job: ASKING ──► transfer queue ──► job: RECEIVING ─► CHECKING ─► COMMITTING
 *
 * A job belongs to its zone. When the zone is removed meanwhile, the job's zone is NULL, and the job ends when
 * the thread or the living zones give it back.
 */
#ifndef VLY_CONTROL_SECONDARY_PARTS_H
#define VLY_CONTROL_SECONDARY_PARTS_H

#include <stdatomic.h>

#include <uthash.h>

#include "base/timer_heap.h"
#include "change/change.h"
#include "config/config.h"
#include "contacts.h"
#include "key/tsig_stream.h"
#include "lanes.h"
#include "living/living.h"
#include "reach.h"
#include "schedule.h"
#include "secondary.h"
#include "session/datagram.h"
#include "session/past.h"
#include "session/session.h"
#include "session/session_pool.h"
#include "spool.h"
#include "transfer_reader.h"
#include "zone/zone.h"
#include "zone/zone_report.h"
#include "zone/zone_verdict.h"

/* SOA queries at a time. More: a million zones are asked about sooner, with bursts that primaries and
 * networks drop. */
#define VLY_SECONDARY_ASK_MAX 256

/* Checks that are begun before the loop goes on: each may fail at once. */
#define VLY_SECONDARY_BEGIN_MAX 256

/* Zones whose timers are looked at before the loop goes on. */
#define VLY_SECONDARY_DUE_MAX 1024

/* After a NOTIFY that brought nothing new, the next one waits so long: forged ones cost no more than one
 * query in that time for each zone. */
#define VLY_SECONDARY_QUIET_MS 1000

/* Shorter: more work. Longer: transfers wait longer for their share of transfers.in-rate. */
#define VLY_SECONDARY_TICK_MS 100

/* At start, zones are asked about at so many in a second. */
#define VLY_SECONDARY_START_RATE 1000

enum vly_secondary_queue {
	VLY_QUEUE_NONE,
	VLY_QUEUE_ASK,
	VLY_QUEUE_TRANSFER,
	VLY_QUEUE_CNT,
};

/* What is known of a primary of a zone. */
struct vly_secondary_peer {
	struct vly_secondary_mark said;
	uint32_t failure_cnt;
	char *why; /* or NULL */
};

struct vly_secondary_job;

/* What of a zone is in struct vly_secondary_numbers. */
struct vly_secondary_tally {
	bool is_loaded;
	bool is_expired;
	bool is_stale;  /* a primary has a newer version than is answered */
	bool is_behind; /* the same, of what is on disk */
};

/* Zones of which it is so. */
struct vly_secondary_numbers {
	uint32_t loaded_cnt;
	uint32_t expired_cnt;
	uint32_t stale_cnt;
	uint32_t behind_cnt;
};

struct vly_secondary_zone {
	struct vly_secondaries *secondaries;
	char *name;
	const struct vly_config_feed *feed; /* of the configuration in force */
	struct vly_timer timer;             /* the sooner one of next_ms and expires_ms */
	uint64_t next_ms;                   /* when primaries are asked next */
	uint64_t expires_ms;                /* 0: never */
	uint64_t quiet_ms;                  /* a NOTIFY before that waits */
	struct vly_lane_entry wait;         /* in a queue */
	struct vly_secondary_job *job;      /* or NULL */
	struct vly_secondary_peer *peer;    /* [peer_cnt], or NULL: none has been asked yet */
	struct vly_secondary_held *held;    /* a version that waits for a review; or NULL */
	char *why;                          /* or NULL */
	struct vly_transfer_soa soa;        /* of our version; has_soa */
	struct vly_secondary_mark received;
	struct vly_secondary_mark committed;
	struct vly_secondary_mark answered;
	uint64_t contact_s;
	uint32_t failure_cnt; /* of checks, in a row */
	uint32_t mark;        /* of the last configuration that has it */
	uint32_t axfr_cnt;
	uint32_t ixfr_cnt;
	uint32_t notify_cnt;
	uint32_t refused_cnt;
	uint64_t bytes; /* of the last transfer */
	uint32_t message_cnt;
	uint32_t duration_ms;
	uint64_t record_cnt;
	uint8_t peer_cnt;
	uint8_t queue;       /* enum vly_secondary_queue */
	uint8_t axfr_left;   /* so many transfers more are not tried as IXFR */
	int8_t prefer;       /* the primary that is tried first; -1: the usual order */
	int8_t pinned;       /* the one of the last transfer; -1: none */
	uint8_t soon_cnt;    /* checks that were repeated soon */
	uint16_t tried;      /* a bit for each primary that the check under way has tried */
	bool is_incremental; /* the last transfer */
	bool is_loaded;
	bool has_soa;
	bool is_expired;
	bool is_forced;   /* a new copy is wanted */
	bool is_notified; /* a NOTIFY came: a primary has something new, probably */
	bool is_again;    /* the same, while a job runs */
	bool is_member;   /* of vly_secondaries_add() */
	struct vly_secondary_tally tally;
	bool keeps_first; /* its first version could not be kept: the next one is answered when it is */
	UT_hash_handle hh;
};

#define VLY_REVIEW_TEXT_BYTES 400

/* A version that waits. */
struct vly_secondary_held {
	struct vly_zone tree;
	struct vly_transfer_soa soa;
	uint64_t since_s;
	bool is_refused;                  /* by the operator, or the command */
	bool replaces;                    /* whatever its serial */
	char text[VLY_REVIEW_TEXT_BYTES]; /* what became of the review command, or "" */
};

enum vly_secondary_review {
	VLY_REVIEW_NONE,
	VLY_REVIEW_WAITING, /* for its turn */
	VLY_REVIEW_RUNNING,
};

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
	enum vly_secondary_review review; /* by the command */
	struct vly_secondary_job *review_prev, *review_next;
	struct vly_child *child; /* the command, or NULL */
	char *review_file;       /* that the command reads, or NULL */
	uint64_t review_s;       /* since when it is reviewed */
	bool has_tree;
	struct vly_zone tree;
	struct vly_change change;
	bool is_imported;                 /* the tree takes the place of what the store has */
	bool is_small;                    /* the same; the writer does it */
	bool keeps_first;                 /* of the zone */
	bool is_ahead;                    /* answered before it is in the store */
	bool was_answered;                /* is_ahead: by every core */
	struct vly_living_form_job *form; /* or NULL */
	_Atomic bool is_cancelled;        /* the zone is gone; for the threads */
	char warning[VLY_REASON_BYTES];

	struct vly_living_request request;
	bool is_submitted;
	char reason[VLY_REASON_BYTES]; /* why it fails */
};

/* Jobs whose work a thread does one after the other. */
struct vly_secondary_bundle {
	struct vly_secondaries *secondaries;
	uv_work_t work;
	struct vly_secondary_job *first;
	bool is_running;
};

/* More: small zones take more threads of the pool, which others wait for. */
#define VLY_SECONDARY_BUNDLES 2

struct vly_secondary_tls {
	char *name;
	struct vly_credentials *credentials; /* NULL: `reason` says why */
	char reason[VLY_REASON_BYTES];
};

/* Lines about zones, whose number is bounded (secondary_log.c). */
enum vly_secondary_line {
	VLY_SECONDARY_LINE_WHY,
	VLY_SECONDARY_LINE_NEXT,
	VLY_SECONDARY_LINE_EXPIRED,
	VLY_SECONDARY_LINE_KINDS,
};

struct vly_secondary_lines {
	uint64_t start_ms; /* of the minute */
	uint32_t cnt;      /* in it, logged or not */
};

struct vly_secondaries {
	struct vly_secondaries_settings settings;
	uv_loop_t *loop;
	char *transfer_dir;
	struct vly_hash_key key;
	const struct vly_config *config; /* NULL: none yet */
	struct vly_secondary_zone *by_name;
	struct vly_note_file *contacts;
	struct vly_timer_heap heap;
	struct vly_reach reach;
	uv_timer_t timer;
	uv_timer_t tick; /* while there are jobs: looks at their pace */
	uv_idle_t kick;  /* queues have zones, and there is room */
	struct vly_lanes lanes[VLY_QUEUE_CNT];
	struct vly_session_pool *pool;
	struct vly_secondary_job *jobs;
	struct vly_secondary_job *reviews; /* that wait for their turn */
	struct vly_secondary_job *reviewing;
	uint32_t review_cnt; /* commands that run, for those */
	uint32_t passed_cnt; /* jobs with has_passed */
	struct vly_secondary_bundle bundle[VLY_SECONDARY_BUNDLES];
	struct vly_secondary_job *work; /* waits for a bundle */
	struct vly_secondary_job **work_end;
	uint64_t bytes_max; /* of one transfer */
	uint64_t time_max_ms;
	uint64_t rate;       /* octets in a second; 0: no limit */
	uint64_t rate_bytes; /* received, and not worn off yet */
	uint32_t mark;       /* of the configuration */
	uint32_t random;
	unsigned closing_cnt; /* handles and jobs that are not closed; is_freed */
	bool is_freed;
	struct vly_secondary_tls *tls; /* [tls_cnt] */
	unsigned tls_cnt;
	struct vly_secondary_counts counts; /* those since the start */
	struct vly_past past;
	struct vly_secondary_numbers numbers;
	struct vly_secondary_lines line[VLY_SECONDARY_LINE_KINDS];
};

/* secondaries.c */

__attribute__((nonnull)) struct vly_secondary_zone *
vly_secondary_find(const struct vly_secondaries *secondaries, const char *name);

/* Sets the zone's timer by next_ms and expires_ms. */
__attribute__((nonnull)) void vly_secondary_set_timer(struct vly_secondary_zone *zone);

/* Frees the secondaries when nothing is left that refers to them. */
__attribute__((nonnull)) void vly_secondaries_leave(struct vly_secondaries *secondaries);

__attribute__((nonnull)) uint32_t vly_secondary_random(struct vly_secondaries *secondaries);

uint64_t vly_secondary_now_s(void);

/* secondary_queue.c */

/* Has the zone asked about when it is its turn. */
__attribute__((nonnull)) void vly_secondary_enqueue(struct vly_secondary_zone *zone,
						    enum vly_secondary_queue queue);

/* The zone waits for no turn any more. */
__attribute__((nonnull)) void vly_secondary_unqueue(struct vly_secondary_zone *zone);

/* A place has become free, or a zone is queued. */
__attribute__((nonnull)) void vly_secondary_kick(struct vly_secondaries *secondaries);

/* Sets the number of places, of transfers and in all, for that many servers. */
__attribute__((nonnull)) void vly_secondary_set_places(struct vly_secondaries *secondaries,
						       uint32_t transfer_max, unsigned server_cnt);

/* secondary_zone.c */

/* A primary has confirmed that the zone's version is current, or has just given it. */
__attribute__((nonnull)) void vly_secondary_contact(struct vly_secondary_zone *zone,
						    const struct vly_transfer_soa *soa);

/* A primary has been reached, and our version stays: it is as good as before. `soa` is the primary's. */
__attribute__((nonnull)) void vly_secondary_keep(struct vly_secondary_zone *zone,
						 const struct vly_transfer_soa *soa);

/* A check of the zone has failed; `is_soon`: it is worth repeating before the retry time. */
__attribute__((nonnull)) void vly_secondary_failed(struct vly_secondary_zone *zone, const char *why,
						   bool is_soon);

/* Looks whether the zone has expired. */
__attribute__((nonnull)) void vly_secondary_expire(struct vly_secondary_zone *zone);

/* Has the zone answered as it is now: from the store, or with SERVFAIL. Without memory that is done with the
 * next change. */
__attribute__((nonnull)) void vly_secondary_set_expired(struct vly_secondary_zone *zone,
							bool is_expired);

/* Has the zone answered as the store has it now. Without memory that is done with the next change. */
__attribute__((nonnull)) void vly_secondary_renew(struct vly_secondaries *secondaries,
						  const char *name);

/* Sets the sentence why the zone is not current; NULL: it is. */
__attribute__((nonnull(1))) void vly_secondary_set_why(struct vly_secondary_zone *zone,
						       const char *why);

/* Notes what a primary has said, and that it has failed. */
__attribute__((nonnull)) void vly_secondary_said(struct vly_secondary_zone *zone, unsigned primary,
						 uint32_t serial);
__attribute__((nonnull)) void vly_secondary_blame(struct vly_secondary_zone *zone, unsigned primary,
						  const char *why);

/* Takes what the contacts file and the living zones know of a zone. */
__attribute__((nonnull)) void vly_secondary_begin(struct vly_secondary_zone *zone);

/* secondary_tally.c */

/* After a change of what a zone has, answers, or its primaries have said. */
__attribute__((nonnull)) void vly_secondary_count(struct vly_secondary_zone *zone);

/* Whether a primary has said a newer serial than that one. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondary_is_behind(const struct vly_secondary_zone *zone,
			const struct vly_secondary_mark *ours);

/* The zone is removed. */
__attribute__((nonnull)) void vly_secondary_count_gone(struct vly_secondary_zone *zone);

/* Whether lcores answer by what is on disk. */
__attribute__((nonnull)) bool vly_secondary_answers_all(const struct vly_secondaries *secondaries);

/* secondary_log.c */

/* Counts a line of a kind, and returns whether it is logged. */
__attribute__((nonnull)) bool vly_secondary_may_log(struct vly_secondaries *secondaries,
						    enum vly_secondary_line kind);

/* Logs how many were not, when the minute has passed. */
__attribute__((nonnull)) void vly_secondary_count_lines(struct vly_secondaries *secondaries);

/* secondary_past.c: a transfer has ended; `why` it failed, or NULL. One that has brought nothing is left out. */
__attribute__((nonnull(1))) void vly_secondary_note_past(struct vly_secondary_job *job,
							 const char *why);

/* secondary_match.c */

/* Whether both have primaries of the same names, in the same order. */
__attribute__((nonnull)) bool vly_secondary_same_primaries(const struct vly_config_feed *left,
							   const struct vly_config_feed *right);

/* Whether a job may go on when its zone gets that feed: primaries, their addresses and keys are the same. */
__attribute__((nonnull)) bool vly_secondary_job_fits(const struct vly_secondary_job *job,
						     const struct vly_config_feed *feed);

/* secondary_tls.c */

/* Loads the profiles that primaries have. */
__attribute__((nonnull)) void vly_secondary_load_tls(struct vly_secondaries *secondaries,
						     const struct vly_config *config);
__attribute__((nonnull)) void vly_secondary_free_tls(struct vly_secondaries *secondaries);

/* The credentials of a profile; NULL with a reason. */
__attribute__((nonnull, warn_unused_result)) struct vly_credentials *
vly_secondary_credentials(struct vly_secondaries *secondaries, const char *name,
			  char reason[VLY_REASON_BYTES]);

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
void vly_secondary_held_free(struct vly_secondary_held *held);

/* review_run.c: has the command look at the version; review.c gets what comes of it. */
__attribute__((nonnull)) void vly_secondary_review_begin(struct vly_secondary_job *job);

/* Ends the command, if it runs or waits. No thread works at the job. */
__attribute__((nonnull)) void vly_secondary_review_stop(struct vly_secondary_job *job);

/* Removes the files of commands that an earlier volley-control left. Blocks. */
__attribute__((nonnull)) void vly_secondary_review_clean(const char *transfer_dir);

#endif
