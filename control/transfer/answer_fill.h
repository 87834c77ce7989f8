/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the messages of an answer to a spool, in a reading transaction of the store: for a thread of
 * the pool. The first message has a question with the zone's name in lower case; IDs are 0; there
 * is no OPT and no TSIG.
 */
#ifndef VLY_CONTROL_ANSWER_FILL_H
#define VLY_CONTROL_ANSWER_FILL_H

#include <stdatomic.h>

#include "message_spool.h"
#include "store/store_change.h"

enum vly_answer_kind {
	VLY_ANSWER_SOA, /* the SOA alone */
	VLY_ANSWER_WHOLE,
	VLY_ANSWER_DIFFERENCE, /* from a serial to the present version */
};

/* Octets of the journal from which a difference is condensed; a longer one is sent as it is. More:
 * more memory, several times as much, in each thread that does it. */
#define VLY_FILL_CONDENSE_MAX (UINT64_C(4) << 20)

enum vly_fill_result {
	VLY_FILL_DONE,
	VLY_FILL_CURRENT,     /* the SOA alone: the client is not behind the store */
	VLY_FILL_NEEDS_WHOLE, /* the journal does not reach back, or the zone is smaller; the spool is
			       * empty */
	VLY_FILL_FAILED,
};

struct vly_fill {
	enum vly_answer_kind kind;
	uint32_t from; /* DIFFERENCE: the client's serial */
	struct vly_message_spool *spool;
	const _Atomic bool *is_cancelled; /* by nobody's need; looked at now and then */
};

/* Returns the result, with the reason after FAILED. The end of the spool is the caller's to set. Blocks
 * for the disk. */
__attribute__((nonnull, warn_unused_result)) enum vly_fill_result
vly_fill_run(const struct vly_fill *fill, struct vly_store_txn *txn,
	     const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES]);

#endif
