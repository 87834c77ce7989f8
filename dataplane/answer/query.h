/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answering DNS messages, in stages over a burst, so that the memory latency of one query hides
 * behind the work of the others (pipeline.c). Knows nothing of packets: UDP bursts and streams both
 * come through here.
 *
 * Use, for a burst of up to VLY_BURST_MAX messages, inside one RCU read side:
 *   1. set `message`, `message_len`, `room`, `limit_max`, `limit` of each struct vly_query, and,
 * for the guard, which side it came from;
 *   2. vly_guard_begin() (guard.h), unless there is no guard;
 *   3. vly_query_look_up(): parses all, then finds their zones, nodes, enclosers and answers;
 *   4. vly_query_write() for each: the response is then in place of the query.
 * vly_query_answer() does 3 and 4.
 */
#ifndef VLY_DATAPLANE_QUERY_H
#define VLY_DATAPLANE_QUERY_H

#include <volley/counters.h>
#include <volley/dns.h>
#include <volley/name.h>

#include "guard/cookie.h"
#include "image/table.h"

struct vly_guard;

#define VLY_BURST_MAX 64

/* What becomes of a message. */
enum vly_query_fate {
	VLY_QUERY_LOOKUP,  /* a question to look up */
	VLY_QUERY_DROP,    /* no response: too short for a header, or a response itself */
	VLY_QUERY_HEADER,  /* an error that can't echo the question: header and OPT only */
	VLY_QUERY_COOKIE,  /* as HEADER, but NOERROR where cookies are on (RFC 7873 §5.4) */
	VLY_QUERY_ERROR,   /* an error response with the question echoed */
	VLY_QUERY_TSIG,    /* signed: NOTAUTH, as there are no keys (tsig_error.h) */
	VLY_QUERY_CHAOS,   /* a question of class CH about ourselves (identity.h) */
	VLY_QUERY_COMPOSE, /* below the DNAME at node: the answer is composed (compose.h) */
};

/* How a question that is not answered yet is looked up (resolve.c). */
enum vly_query_course {
	VLY_COURSE_NAME,    /* by its name alone */
	VLY_COURSE_ZONE,    /* in its zone */
	VLY_COURSE_MISSING, /* the name does not exist: `node` is the wildcard that its answer is
			       made from, or NULL */
};

struct vly_query {
	/* set by the caller */
	uint8_t *message; /* the query; VLY_NAME_SLACK_BYTES behind it must be readable */
	uint16_t message_len;
	uint16_t room;      /* octets that the response may take from message on, at least 1024 */
	uint16_t limit_max; /* octets of the largest UDP response, 512..4096; for OPT */
	uint16_t limit;     /* what the response may take: room over a stream, 512 over UDP, where
			       parsing raises it to what an OPT allows, at most limit_max */
	bool stream;        /* over a stream */
	uint16_t
		keepalive; /* of a stream: how long it may be idle, in units of 100 ms (RFC 7828) */
	/* of the client, read by the guard alone */
	bool client_is_ipv4;
	uint16_t frame_off; /* octets of the frame in front of the message; 0: there is none */
	const uint8_t
		*client; /* its address: 4 or 16 octets, valid until the response is written */

	/* set by vly_query_write() */
	uint16_t response_len; /* 0: send nothing */
	uint64_t response_sum; /* one's complement sum of the response, not folded (checksum.h) */

	/* between the stages */
	union {
		uint64_t parsed[2]; /* parsing begins with zeros in all of these */
		struct {
			uint8_t fate;      /* enum vly_query_fate */
			uint8_t rcode_ext; /* upper bits of an extended RCODE, for the OPT */
			uint8_t rcode;     /* of an error */
			bool dnssec_ok;    /* the DO bit (RFC 3225) */
			bool asks_keepalive;
			bool asks_nsid;
			uint8_t cookie_state; /* enum vly_cookie */
			uint8_t opt_bytes;    /* of the response's OPT with its options; 0: none */
			uint16_t ede;         /* INFO-CODE of an error (RFC 8914), or NONE */
			uint16_t question_bytes; /* name, type and class */
			uint16_t qtype;
			uint8_t zone_label_idx; /* where the zone's apex starts in the name */
			uint8_t course;         /* enum vly_query_course */
		};
	};
	const struct vly_table_part *part; /* that the name is looked for in */
	const struct vly_image *image;     /* the part's */
	uint32_t zone_idx; /* and zone_label_idx: only of a name that was not matched */
	const struct vly_image_bucket *bucket;
	uint8_t encloser_idx; /* label from which on the name is looked for, and in the end that at
				 which the name of `node` starts: 0 if the name exists */
	const struct vly_image_node *node; /* from the bucket, to be compared; or a DNAME's */
	const struct vly_image_answer *answer;
	uint32_t limit_hash; /* the client's, where responses are limited (limit.h) */
	struct vly_name name;
	/* behind what every query has */
	uint16_t cookie_off;  /* of what the query's COOKIE option holds, in the message */
	uint8_t cookie_bytes; /* of it; 255: as many or more */
	uint8_t cookie[VLY_COOKIE_BYTES]; /* the response's */
	uint16_t tsig_off;                /* of the TSIG record in the message; VLY_QUERY_TSIG */
} __attribute__((aligned(64)));

static inline void
vly_query_set_rcode(struct vly_query *query, enum vly_rcode rcode)
{
	query->rcode = rcode & 15;
	query->rcode_ext = (uint8_t)(rcode >> 4);
}

/* What stages leave to do, of any of their queries. */
enum vly_query_left {
	VLY_QUERY_LEFT_NOTHING,
	VLY_QUERY_LEFT_ENCLOSER, /* vly_query_find_encloser(), vly_query_find_answer() */
	VLY_QUERY_LEFT_LAST,     /* vly_query_find_last() */
};

/* The stages, for `cnt` queries of a burst. Each fetches what the next one reads. Two of them
 * return bits of enum vly_query_left. */
void vly_query_parse(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_fetch_name(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_find_name(struct vly_query *query, unsigned cnt);
unsigned vly_query_match_name(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_find_encloser(struct vly_query *query, unsigned cnt, const struct vly_table *table);
unsigned vly_query_find_answer(struct vly_query *query, unsigned cnt,
			       const struct vly_table *table);
void vly_query_find_last(struct vly_query *query, unsigned cnt, const struct vly_table *table);

/* Makes a query, once parsed, end in REFUSED; EDNS clients are told why. */
__attribute__((cold, nonnull)) void vly_query_refuse(struct vly_query *query, enum vly_ede ede);

/* The last stage: writes responses over queries and counts them. `guard` may be NULL: cookies are
 * ignored, and nothing is limited. One with limits has found those of the query: vly_guard_find().
 */
void vly_query_write(struct vly_query *query, unsigned cnt, struct vly_guard *guard,
		     struct vly_lcore_counters *counters);

/* All stages but the last. `table` may be NULL (nothing committed yet): every question is then
 * refused. */
void vly_query_look_up(struct vly_query *query, unsigned cnt, const struct vly_table *table);

/* All stages. */
void vly_query_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table,
		      struct vly_guard *guard, struct vly_lcore_counters *counters);

#endif
