/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the parts of the secondaries alone: a zone, and what becomes of it. */
#ifndef VLY_CONTROL_SECONDARY_ZONE_H
#define VLY_CONTROL_SECONDARY_ZONE_H

#include <uthash.h>

#include "base/timer_heap.h"
#include "lanes.h"
#include "secondary.h"
#include "transfer_reader.h"

struct vly_config_feed;
struct vly_secondary_held;
struct vly_secondary_job;

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

/* What of a zone is in struct vly_secondary_numbers. */
struct vly_secondary_tally {
	bool is_loaded;
	bool is_expired;
	bool is_stale;  /* a primary has a newer version than is answered */
	bool is_behind; /* the same, of what is on disk */
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

/* secondary_match.c */

/* Whether both have primaries of the same names, in the same order. */
__attribute__((nonnull)) bool vly_secondary_same_primaries(const struct vly_config_feed *left,
							   const struct vly_config_feed *right);

/* Whether a job may go on when its zone gets that feed: primaries, their addresses and keys are the same. */
__attribute__((nonnull)) bool vly_secondary_job_fits(const struct vly_secondary_job *job,
						     const struct vly_config_feed *feed);

#endif
