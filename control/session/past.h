/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last transfers that have ended: a ring of VLY_PAST_MAX entries, so that a few kilobytes show what happened
 * lately, however many zones there are.
 *
 * Use: vly_past_add() when a transfer ends; vly_past_at() with 0 for the newest; vly_past_free(). A struct of zeros is an
 * empty list. Threads: the loop's.
 */
#ifndef VLY_CONTROL_PAST_H
#define VLY_CONTROL_PAST_H

#include <stdbool.h>
#include <stdint.h>

/* More: about 200 octets each. Fewer: a burst of transfers hides what was before. */
#define VLY_PAST_MAX 200

#define VLY_PAST_PEER_BYTES 128
#define VLY_PAST_WHY_BYTES  256

struct vly_past_transfer {
	const char *zone;
	const char *peer;    /* cut after VLY_PAST_PEER_BYTES - 1 octets */
	const char *why;     /* it failed, or ""; cut likewise */
	bool is_in;          /* from a primary */
	bool is_incremental; /* IXFR */
	bool is_tls;
	bool has_failed;
	uint32_t serial;
	uint64_t bytes;
	uint64_t message_cnt;
	uint64_t duration_ms;
	uint64_t time_ms; /* of its end; since 1970 */
};

struct vly_past {
	struct vly_past_transfer *entry; /* [VLY_PAST_MAX], NULL: there has been none */
	uint64_t cnt;                    /* ever */
};

/* Copies the entry; its time is now. Without memory it is left out. */
__attribute__((nonnull)) void vly_past_add(struct vly_past *past,
					   const struct vly_past_transfer *entry);

/* Number `age` of the list, 0 being the newest; NULL: there are not so many. */
__attribute__((nonnull)) const struct vly_past_transfer *vly_past_at(const struct vly_past *past,
								     uint64_t age);

__attribute__((nonnull)) void vly_past_free(struct vly_past *past);

#endif
