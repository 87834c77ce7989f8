/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed messages of the last minutes, so that none is carried out twice (RFC 8945 §5.2.3): neither one
 * that somebody has recorded, nor one that a client repeats because the response was lost. The
 * latter gets the same RCODE again.
 *
 * Use: all zeros at first; vly_replay_add() each message that has been verified, vly_replay_end() when
 * it has its RCODE; vly_replay_free().
 *
 * Memory: 100 octets or so for each message of VLY_REPLAY_SECONDS, and at most VLY_REPLAY_MAX of them.
 * Beyond, the oldest are forgotten, and messages of the same key that were signed before the last of these
 * are refused: vly_replay_is_stale(). Keys whose names have the same hash count as one there; names of keys
 * are the operator's. The loop's thread; no function blocks.
 */
#ifndef VLY_CONTROL_REPLAY_H
#define VLY_CONTROL_REPLAY_H

#include <stdbool.h>
#include <sys/queue.h>
#include <uthash.h>

#include "key/tsig.h"

/* A message is good from VLY_TSIG_FUDGE_MAX before its time until as long after it. */
#define VLY_REPLAY_SECONDS (2 * VLY_TSIG_FUDGE_MAX)

/* At 10,000 updates a second, of the last 50 seconds. */
#define VLY_REPLAY_MAX 500000

/* Keys, by a hash of the name. */
#define VLY_REPLAY_SLOTS 256

struct vly_replay_entry {
	uint8_t mac[10]; /* the first octets: no MAC has fewer */
	uint8_t slot;    /* of the key */
	bool ended;
	uint16_t rcode;
	uint64_t time;    /* signed */
	uint64_t seen_at; /* by our clock */
	STAILQ_ENTRY(vly_replay_entry) link;
	UT_hash_handle hh;
};

struct vly_replay {
	struct vly_replay_entry *by_mac;
	STAILQ_HEAD(, vly_replay_entry) oldest;
	bool begun;
	unsigned cnt;
	/* messages of a slot's keys signed at this time or before may have been forgotten */
	uint64_t stale[VLY_REPLAY_SLOTS];
};

__attribute__((nonnull)) bool vly_replay_is_stale(const struct vly_replay *replay,
						  const struct vly_tsig *tsig);

/* Adds a message. Returns NULL, with *fresh its new entry (NULL without memory); or the entry of the
 * message that it repeats. */
__attribute__((nonnull)) const struct vly_replay_entry *
vly_replay_add(struct vly_replay *replay, const struct vly_tsig *tsig, uint64_t now,
	       struct vly_replay_entry **fresh);

/* The message has this RCODE. `mac` as in the entry, which may be gone. */
__attribute__((nonnull)) void vly_replay_end(struct vly_replay *replay, const uint8_t mac[10],
					     uint16_t rcode);

__attribute__((nonnull)) void vly_replay_free(struct vly_replay *replay);

#endif
