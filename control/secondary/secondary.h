/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secondary zones: zones whose records come from primaries by AXFR and IXFR (RFC 5936, 1995).
 *
 *     timer, NOTIFY, operator ──► SOA query ──► IXFR or AXFR ──► spool ──► check ──► living zone
 *
 * Use:
 *   1. vly_secondaries_new();
 *   2. vly_secondaries_configure() with each configuration that is in force, after the living zones
 *      have it; or vly_secondaries_add() and _remove() for single zones, such as members of catalogs;
 *   3. vly_secondaries_on_request() for each NOTIFY message;
 *   4. vly_secondaries_refresh() when an operator wants it; vly_secondaries_state() and _walk() at any
 *      time;
 *   5. vly_secondaries_free().
 *
 * Each zone asks its primaries for the SOA when the refresh time of its SOA has passed, or a NOTIFY
 * came; after a failure, when the retry time has passed. Primaries are tried in the configured
 * order, those that have failed lately last. What is received is checked as a whole before anything
 * changes: a failed transfer leaves the zone as it was. A zone that no primary has confirmed for the
 * expire time is answered with SERVFAIL until one does; that time is counted from the last contact, and
 * goes on over restarts.
 *
 * What it costs: a zone that waits takes about 500 octets and a place in a heap of timers (with all that volley-control
 * has of a member of a catalog, 1.6 KiB); a transfer takes
 * 1 MiB at most while records arrive, the rest of them goes to an unlinked file in
 * state-dir/transfers. A whole zone in memory is needed once, for the checks and the difference.
 *
 * Threads: the loop's. Large work runs in threads of the pool. No function blocks.
 * Trust: nothing that comes from a primary.
 */
#ifndef VLY_CONTROL_SECONDARY_H
#define VLY_CONTROL_SECONDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/reason.h"

struct vly_config;
struct vly_config_zone;
struct vly_hash_key;
struct vly_living;
struct vly_past;
struct vly_profiles;
struct vly_publish_client_request;
struct vly_publisher;
struct vly_secondaries;

/* What a zone does now. */
enum vly_secondary_phase {
	VLY_SECONDARY_WAITING,    /* for its timer, or a NOTIFY */
	VLY_SECONDARY_QUEUED,     /* for its turn: transfers.in-max are under way */
	VLY_SECONDARY_ASKING,     /* a primary for its SOA */
	VLY_SECONDARY_RECEIVING,  /* records */
	VLY_SECONDARY_CHECKING,   /* in a thread: the records become a zone, which is checked */
	VLY_SECONDARY_REVIEWING,  /* waits for `volleyctl zone accept`, or for the review command */
	VLY_SECONDARY_COMMITTING, /* waits for disk and lcores */
};

/* A serial and when it was so; time 0: never. */
struct vly_secondary_mark {
	uint32_t serial;
	uint64_t time_s; /* since 1970 */
};

/* What is known of one primary of a zone. */
struct vly_secondary_primary {
	const char *remote; /* its name in the configuration */
	const char *address;
	struct vly_secondary_mark said; /* its SOA */
	uint32_t failure_cnt;           /* in a row */
	const char *why;                /* why it failed last, or "" */
};

#define VLY_SECONDARY_PRIMARIES_MAX 16

/* Strings are valid until the loop runs again. */
struct vly_secondary_state {
	enum vly_secondary_phase phase;
	bool is_loaded;  /* there is a version of it */
	bool is_expired; /* answered with SERVFAIL */
	bool is_stale;   /* a primary has a newer version than is answered */
	struct vly_secondary_mark received;
	struct vly_secondary_mark committed; /* on disk */
	struct vly_secondary_mark answered;  /* by every core */
	struct vly_secondary_mark held;      /* waits for a review */
	const char *review;                  /* what the review command does, or did not; or "" */
	uint64_t contact_s; /* since 1970: when a primary last confirmed our version; 0: never */
	uint64_t next_s;    /* when a primary is asked next; 0: now */
	uint64_t expires_s; /* 0: it has no version that could expire */
	const char *why;    /* why it is not current, one sentence, or "" */
	/* of the transfer under way, or of the last one */
	bool is_incremental;
	uint64_t bytes;
	uint64_t message_cnt;
	uint64_t record_cnt;
	uint64_t duration_ms;
	/* since the start */
	uint64_t axfr_cnt;
	uint64_t ixfr_cnt;
	uint64_t notify_cnt;
	uint64_t refused_cnt; /* transfers that were received and are not served */
	unsigned primary_cnt;
	struct vly_secondary_primary primary[VLY_SECONDARY_PRIMARIES_MAX];
};

/* Numbers of all zones. */
struct vly_secondary_counts {
	uint32_t zone_cnt;
	uint32_t loaded_cnt;
	uint32_t expired_cnt;
	uint32_t stale_cnt;
	uint32_t running_cnt; /* transfers and SOA queries */
	uint32_t queued_cnt;
	uint64_t notify_cnt;
	uint64_t notify_refused_cnt;
	uint64_t axfr_cnt;
	uint64_t ixfr_cnt;
	uint64_t failed_cnt;
	uint64_t bytes;
};

struct vly_tsig_key;

struct vly_secondaries_settings {
	uv_loop_t *loop;
	const char *state_dir; /* copied */
	const struct vly_hash_key *key;
	struct vly_living *living;
	struct vly_publisher *publisher;
	/* The key of TSIG of this name (wire form, lower case) that is in force, or NULL. Valid during the
	 * call that asks. */
	const struct vly_tsig_key *(*find_key)(void *arg, const uint8_t *name, unsigned name_len);
	void *find_key_arg;
};

/* Makes the secondaries, none yet. What the settings point to must outlive them. Returns NULL without
 * memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_secondaries *
vly_secondaries_new(const struct vly_secondaries_settings *settings);

/* Takes the zones that have `primaries` in a configuration, which stays in place until the next call. `profiles` are
 * its own, or NULL without memory.
 * Zones that were there keep their state. Zones of vly_secondaries_add() stay, too. */
__attribute__((nonnull(1, 2))) void vly_secondaries_configure(struct vly_secondaries *secondaries,
							      const struct vly_config *config,
							      struct vly_profiles *profiles);

/* Adds a zone, such as a member of a catalog, or replaces its settings. `zone->feed` must stay valid until
 * the zone is removed or replaced. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_secondaries_add(struct vly_secondaries *secondaries, const struct vly_config_zone *zone);

/* The zone is not a secondary any more; a transfer of it is broken off. */
__attribute__((nonnull)) void vly_secondaries_remove(struct vly_secondaries *secondaries,
						     const char *zone);

/* Takes a NOTIFY message (untrusted), and answers it at once. */
__attribute__((nonnull)) void
vly_secondaries_on_request(struct vly_secondaries *secondaries,
			   const struct vly_publish_client_request *request);

/* Whether the zone, by its last contact, is not to be answered now. Also before vly_secondaries_configure(). */
__attribute__((nonnull)) bool vly_secondaries_has_expired(const struct vly_secondaries *secondaries,
							  const char *zone);

/* Asks the primaries of a zone now; with `force` a whole new copy is fetched whatever its serial. Returns
 * false if there is no such zone. */
__attribute__((nonnull)) bool vly_secondaries_refresh(struct vly_secondaries *secondaries,
						      const char *zone, bool force);

/* What an operator says of a version that waits. */
struct vly_secondary_verdict {
	bool accepts;
	bool has_serial; /* and the verdict is of that one alone */
	uint32_t serial;
};

/* Accepts the version that waits for a review, or drops it. Returns false with a sentence if there is none, or
 * another one. */
__attribute__((nonnull)) bool vly_secondaries_review(struct vly_secondaries *secondaries,
						     const char *zone,
						     const struct vly_secondary_verdict *verdict,
						     char reason[VLY_REASON_BYTES]);

/* Whether the zone is a secondary; fills *state then. Its names are in canonical spelling. */
__attribute__((nonnull)) bool vly_secondaries_state(const struct vly_secondaries *secondaries,
						    const char *zone,
						    struct vly_secondary_state *state);

/* Calls fn for each zone that a query or a transfer is under way for, until it returns false. */
__attribute__((nonnull(1, 2))) void vly_secondaries_walk(
	const struct vly_secondaries *secondaries,
	bool (*fn)(void *arg, const char *zone, const struct vly_secondary_state *state),
	void *arg);

__attribute__((nonnull)) void vly_secondaries_counts(const struct vly_secondaries *secondaries,
						     struct vly_secondary_counts *counts);

/* The transfers that have ended. */
__attribute__((nonnull)) const struct vly_past *
vly_secondaries_past(const struct vly_secondaries *secondaries);

/* Whether a thread works at what was received: vly_secondaries_free() would have to wait for it. */
__attribute__((nonnull, warn_unused_result)) bool
vly_secondaries_is_busy(const struct vly_secondaries *secondaries);

/* Breaks off all transfers. The memory is freed when the loop has closed the handles. */
void vly_secondaries_free(struct vly_secondaries *secondaries);

#endif
