/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Composing the answers that depend on the question: DNAME substitution (RFC 6672 §3), and what the
 * lookup of the new name adds. The rare path: everything else is compiled.
 *
 * Whoever asks chooses the name, and whoever wrote the zone the chain that it goes through, so each
 * query has a budget of work. A unit is about what a label costs to be looked up: ten cycles.
 */
#ifndef VLY_DATAPLANE_COMPOSE_H
#define VLY_DATAPLANE_COMPOSE_H

#include "query.h"

/*
 * Over UDP, where the source may be forged. Sixteen substitutions of a short name take 290 units,
 * an answer of 70 addresses behind a few of them 250: 320 is little more, and keeps the worst query
 * at twenty times the cycles of a plain one (perf/run worst). Twice as much would double that.
 * Whoever needs more gets TC=1, and all of it over TCP.
 */
#define VLY_COMPOSE_WORK_UDP 320

/*
 * Over a stream. Sixteen substitutions of the deepest names take 3,300 units, and what fills a
 * message, 3,900 records with a short name each, 18,000: no answer that the compiler makes needs
 * more. Beyond it, which would be a fault, the answer is SERVFAIL.
 */
#define VLY_COMPOSE_WORK_STREAM 32768

/* What a unit counts of a response, where these are limited (limit.h): a plain query takes about 25
 * units, and its response is one of up to 128 octets. */
#define VLY_COMPOSE_WORK_OCTETS 5

/* What a response holds behind the question. */
struct vly_composed {
	uint16_t flags; /* header flags: AA, TC, RCODE */
	uint16_t ancount;
	uint16_t nscount;
	uint16_t arcount; /* without the OPT */
	uint16_t wire_len;
	uint16_t work; /* units that it took */
	bool is_referral;
};

/*
 * Writes the sections for a name below the DNAME at query->node to `to`, at most `space` octets.
 * What does not fit, or takes more work than its budget over UDP, sets TC and leaves the sections
 * empty.
 */
__attribute__((nonnull)) void vly_compose_dname(const struct vly_query *query, uint8_t *to,
						unsigned space, struct vly_composed *composed);

#endif
