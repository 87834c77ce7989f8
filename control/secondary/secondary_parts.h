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
 *     job.c              one check of a zone: primaries in their order, from the first query to the end
 *     job_ask.c          the SOA, over UDP
 *     job_place.c        the places for jobs, one of which each job holds while it talks to a primary
 *     job_connect.c      connections to primaries, over TCP or TLS, which are used again
 *     job_receive.c      the transfer
 *     job_tree.c         what is received of a whole zone becomes its tree; in a thread of the pool
 *     job_take.c         what was received becomes a zone or a change; in a thread of the pool
 *     job_bundle.c       which does several small ones at once
 *     job_ahead.c        a large zone's first version is answered before it is on disk
 *     job_import.c       a large zone goes into the store, when it is its turn
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
 * Declared in: secondary_zone.h (a zone), job.h and job_whole.h (its job), review.h, and here, what they share.
 */
#ifndef VLY_CONTROL_SECONDARY_PARTS_H
#define VLY_CONTROL_SECONDARY_PARTS_H

#include "base/timer_heap.h"
#include "config/config.h"
#include "contacts.h"
#include "job.h"
#include "lanes.h"
#include "reach.h"
#include "review.h"
#include "schedule.h"
#include "secondary.h"
#include "secondary_zone.h"
#include "session/past.h"
#include "session/session_pool.h"

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

/* Zones of which it is so. */
struct vly_secondary_numbers {
	uint32_t loaded_cnt;
	uint32_t expired_cnt;
	uint32_t stale_cnt;
	uint32_t behind_cnt;
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
	struct vly_lanes reviews; /* by a command */
	uint32_t passed_cnt;      /* jobs with has_passed */
	struct vly_secondary_bundle bundle[VLY_SECONDARY_BUNDLES];
	struct vly_secondary_job *work; /* waits for a bundle */
	struct vly_secondary_job **work_end;
	uint64_t bytes_max;      /* of one transfer */
	uint64_t held_bytes;     /* of versions that wait for an operator, */
	uint64_t held_bytes_max; /* and of all of them */
	uint64_t time_max_ms;
	uint64_t rate;       /* octets in a second; 0: no limit */
	uint64_t rate_bytes; /* received, and not worn off yet */
	uint32_t mark;       /* of the configuration */
	uint32_t random;
	unsigned closing_cnt; /* handles and jobs that are not closed; is_freed */
	bool is_freed;
	struct vly_profiles *profiles;      /* of that, or NULL */
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

/* Sets the number of places, of transfers and in all, for that many servers; and of review commands. */
__attribute__((nonnull)) void vly_secondary_set_places(struct vly_secondaries *secondaries,
						       uint32_t transfer_max, unsigned server_cnt);

/* secondary_log.c */

/* Counts a line of a kind, and returns whether it is logged. */
__attribute__((nonnull)) bool vly_secondary_may_log(struct vly_secondaries *secondaries,
						    enum vly_secondary_line kind);

/* Logs how many were not, when the minute has passed. */
__attribute__((nonnull)) void vly_secondary_count_lines(struct vly_secondaries *secondaries);

#endif
