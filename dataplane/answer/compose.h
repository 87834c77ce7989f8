/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Composes the answers that depend on the question: DNAME substitution (RFC 6672 §3), and the
 * answer for the new name; and those for the types RRSIG and NSEC, which hardly anybody asks for,
 * from the other answers of the name. This is the rare path: all other answers are compiled.
 *
 * The client chooses the name, and the author of the zone the chain of DNAMEs that it passes, so
 * each query has a budget of work. A unit is about the cost of looking up one label: ten cycles.
 *
 * Threads: a registered reader inside its read side; it uses one array of 32 KiB per thread. Does
 * not block or allocate. The image was verified; the message is not read (compose_parts.h).
 */
#ifndef VLY_DATAPLANE_COMPOSE_H
#define VLY_DATAPLANE_COMPOSE_H

#include "query.h"

/*
 * The budget over UDP, where the source may be forged. Sixteen substitutions of a short name take
 * 290 units, an answer of 70 addresses behind a few of them 250. 320 is little more, and keeps the
 * worst query at twenty times the cycles of a plain one (perf/run worst); twice the budget would
 * double that. A query that needs more gets TC=1, and the whole answer over TCP.
 */
#define VLY_COMPOSE_WORK_UDP 320

/*
 * The budget over a stream. Sixteen substitutions of the deepest names take 3,300 units; a full
 * message, 3,900 records with a short name each, takes 18,000. No answer of the compiler needs
 * more, so a query that exceeds this budget has met a fault, and gets SERVFAIL.
 */
#define VLY_COMPOSE_WORK_STREAM 32768

/* The octets that a unit adds to a response for the response limits (limit.h): a plain query takes
 * about 25 units, and its response counts as 128 octets. */
#define VLY_COMPOSE_WORK_OCTETS 5

/* The sections of a response behind the question. */
struct vly_composed {
	uint16_t flags; /* header flags: AA, TC, RCODE */
	uint16_t ancount;
	uint16_t nscount;
	uint16_t arcount; /* without the OPT */
	uint16_t wire_len;
	uint16_t work; /* units spent */
	bool is_referral;
	uint8_t scope; /* of the client subnet, with VLY_ASKS_SUBNET */
};

/*
 * Writes the sections for a query with VLY_QUERY_COMPOSE, whose name is below the DNAME at
 * query->node, or with VLY_QUERY_SIGNATURES, for the name of that node, to `to`, directly behind the
 * question, at most `space` octets. If they do not fit, or take more work than the budget over UDP,
 * the sections are empty and `flags` has TC. If no message has room for the answer of the last
 * name, or over a stream the budget is spent, `flags` is SERVFAIL alone.
 */
__attribute__((nonnull)) void vly_compose(const struct vly_query *query, uint8_t *to,
					  unsigned space, struct vly_composed *composed);

#endif
