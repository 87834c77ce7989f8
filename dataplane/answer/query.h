/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Answers DNS messages, in stages over a burst, so that the memory latency of one query is hidden
 * behind the work on the others (pipeline.c). Knows nothing of packets: bursts from UDP and from
 * streams both come through here.
 *
 * Use, for a burst of up to VLY_BURST_MAX messages:
 *   1. in each struct vly_query, set the fields of the caller and, if there is a guard, those of
 *      the client;
 *   2. vly_guard_begin() (guard.h), if there is a guard;
 *   3. vly_query_answer(): each response then stands in place of its query. Or, in two steps,
 *      vly_query_look_up(), which parses the queries and finds their answers, and
 *      vly_query_write().
 *
 * Threads and RCU: any registered reader, with queries of its own. The whole burst is inside one
 * RCU read side: `table` and the guard's defence are read throughout, and query->part, image, node
 * and answer point into them. No function here blocks, allocates or logs.
 *
 * Trust: the message is untrusted until vly_query_parse() has set `fate`; everything else is the
 * caller's and trusted. Images were verified before they went live.
 */
#ifndef VLY_DATAPLANE_QUERY_H
#define VLY_DATAPLANE_QUERY_H

#include <volley/counters.h>
#include <volley/dns.h>
#include <volley/name.h>

#include "guard/cookie.h"
#include "image/cover.h"
#include "image/table.h"
#include "steer/pick.h"

struct vly_guard;

/* The stages overlap only while all of them have queries (pipeline.c): in bursts of 64 an lcore
 * answers 6 % more than in those of 32; 128 are no better. */
#define VLY_BURST_MAX 64

/* What becomes of a message. */
enum vly_query_fate {
	VLY_QUERY_LOOKUP,  /* a question to look up */
	VLY_QUERY_DROP,    /* no response: too short for a header, or a response itself */
	VLY_QUERY_HEADER,  /* an error response without the question: header and OPT only */
	VLY_QUERY_COOKIE,  /* as HEADER, but NOERROR if cookies are on (RFC 7873 §5.4) */
	VLY_QUERY_ERROR,   /* an error response with the question */
	VLY_QUERY_TSIG,    /* signed: NOTAUTH, since there are no keys (tsig_error.h) */
	VLY_QUERY_CHAOS,   /* a question of class CH about this server (identity.h) */
	VLY_QUERY_COMPOSE, /* below the DNAME at `node`: the answer is composed (compose.h) */
	VLY_QUERY_PROVE,   /* as LOOKUP, with an answer to which pieces belong: `proof` */
	VLY_QUERY_OLDER,   /* as LOOKUP, with an answer of an older layer: its SOA may be, too */
	/* RRSIG or NSEC of `node`: the answer is composed (compose.h); pieces may belong to it */
	VLY_QUERY_SIGNATURES,
};

/* What a query asks for besides an answer: options that the response has, but for IXFR. */
enum vly_query_asks {
	VLY_ASKS_KEEPALIVE = 1,
	VLY_ASKS_NSID = 2,
	VLY_ASKS_VERSION = 4, /* `version` is set, if the fate is not an error */
	/* IXFR over UDP, which gets the SOA alone (RFC 1995 §4): `qtype` is SOA */
	VLY_ASKS_IXFR = 8,
	VLY_ASKS_SUBNET = 16, /* `subnet` is set */
};

/* How the answer to a question is found (resolve.c). */
enum vly_query_course {
	VLY_COURSE_NAME,    /* by its name alone, in the part that the route selects */
	VLY_COURSE_ZONE,    /* its zone first, then the name in that zone */
	VLY_COURSE_LAYERS,  /* in a zone with overlays that is known: `layers` is set */
	VLY_COURSE_STEERED, /* one of the alternatives of `pick` is its answer */
	/* The name does not exist: `node` is the wildcard that gives its answer, or NULL. */
	VLY_COURSE_MISSING,
	VLY_COURSE_DENIED, /* the same, and the client gets a proof: `encloser` is set */
	/* As MISSING, in the complete form of a zone with overlays: `layers` is set. */
	VLY_COURSE_LAYERED,
};

/* Pieces of a query's own: of a missing name, three; of its wildcard, two, and those of the name but
 * one. */
#define VLY_QUERY_PIECES_MAX 4

/* What a response proves besides its answer (volley/image.h): only if the fate is
 * VLY_QUERY_PROVE or VLY_QUERY_SIGNATURES. */
struct vly_query_proof {
	const struct vly_image_zone *zone;     /* with overlays, that of the layer at hand */
	const struct vly_table_layers *layers; /* NULL: the zone has one form */
	const struct vly_image_piece *piece[VLY_QUERY_PIECES_MAX];
	uint8_t piece_cnt;
	uint8_t hash_cnt;       /* with overlays: names that were hashed for it */
	uint16_t insert_off;    /* in the answer's wire[], where the pieces go; or UINT16_MAX */
	struct vly_cover cover; /* the search for one more piece */
};

/* The version of the zone that a name is in (RFC 9660), as it was before the name was looked up. */
struct vly_query_version {
	const struct vly_table *table;
	struct vly_table_slot slot;
	const struct vly_table_layers *layers;
	uint32_t serial;
	uint8_t label_cnt;
};

/* Of the ZONEVERSION option: LABELCOUNT, TYPE and the serial. */
#define VLY_QUERY_VERSION_BYTES 6

/* The content of the client subnet option (RFC 7871 §6): FAMILY, SOURCE PREFIX-LENGTH, SCOPE
 * PREFIX-LENGTH and as much of ADDRESS as the query had. */
struct vly_query_subnet {
	uint8_t octets[4 + 16]; /* zero behind `bytes` */
	uint8_t bytes;
};

enum { VLY_SUBNET_SOURCE = 2, VLY_SUBNET_SCOPE = 3 };

struct vly_query {
	/* set by the caller */
	uint8_t *message; /* untrusted; VLY_NAME_SLACK_BYTES behind it must be readable */
	uint16_t message_len;
	uint16_t room;      /* octets at `message` for the response, at least 1024 */
	uint16_t limit_max; /* octets of the largest UDP response, 512..4096: sent in the OPT */
	/* Octets that the response may have. The caller sets it to `room` over a stream, to 512
	 * over UDP; there, parsing raises it to the size in the query's OPT, at most limit_max. */
	uint16_t limit;
	bool stream;        /* the query came over a stream */
	uint16_t keepalive; /* idle time of a stream, in units of 100 ms (RFC 7828) */

	/* the client, set by the caller if there is a guard */
	bool client_is_ipv4;
	uint16_t frame_off;    /* octets of the frame in front of the message; 0: there is none */
	const uint8_t *client; /* 4 or 16 octets, valid until the response is written */
	/* One's complement sum of the UDP header in front of the message and the message itself, up
	 * to 2^40 and not folded (checksum.h); 0: not known. */
	uint64_t udp_sum;

	/* set by vly_query_write() */
	uint16_t response_len; /* 0: send nothing */
	union {
		uint64_t response_sum; /* one's complement sum of the response, not folded
					* (checksum.h) */
		uint64_t filter_bits;  /* until then: the name's in *filter_word */
	};

	/* passed from stage to stage */
	union {
		uint64_t parsed[2]; /* parsing begins by setting all of these to 0 */
		struct {
			union {
				uint32_t special; /* 0: what most queries are; any of these */
				struct {
					uint8_t fate;         /* enum vly_query_fate */
					uint8_t cookie_state; /* enum vly_cookie */
					uint8_t asks;         /* enum vly_query_asks */
					uint8_t rcode_ext;    /* upper bits of an extended RCODE */
				};
			};
			uint8_t rcode;     /* of an error response */
			bool dnssec_ok;    /* the DO bit (RFC 3225) */
			uint8_t opt_bytes; /* of the response's OPT with its options; 0: none */
			uint8_t course;    /* enum vly_query_course */
			uint16_t ede;      /* enum vly_ede (RFC 8914) */
			uint16_t question_bytes; /* name, type and class */
			uint16_t qtype;
			uint8_t zone_label_idx; /* where the zone's apex starts in the name */
		};
	};
	const struct vly_table_part *part; /* of the table, in which the name is looked up */
	const struct vly_image *image; /* the part's; with `layers`, that of the layer at hand */
	/* zone_idx and zone_label_idx are set only if the name itself was not found. */
	uint32_t zone_idx;
	const struct vly_image_bucket *bucket;
	/* The label at which the suffix being looked up starts; finally, the label at which the
	 * name of `node` starts: 0 if the name exists. */
	uint8_t encloser_idx;
	/* The node found in the bucket, whose name is still to be compared; or the DNAME's. */
	const struct vly_image_node *node;
	const struct vly_image_answer *answer;
	union {
		uint32_t
			limit_hash; /* of the client's network, if responses are limited (limit.h) */
		/* before that: of the part's filter; NULL: it has none. Only if table->has_filters */
		const uint64_t *filter_word;
	};
	struct vly_name name;
	/* rarely used, so last */
	uint16_t cookie_off;  /* content of the query's COOKIE option, from `message` on */
	uint8_t cookie_bytes; /* its length; 255: 255 or more */
	uint8_t cookie[VLY_COOKIE_BYTES]; /* for the response */
	uint16_t tsig_off; /* the TSIG record, from `message` on; if fate is VLY_QUERY_TSIG */
	struct vly_query_version version;
	const struct vly_image_node *encloser; /* of a missing name, on VLY_COURSE_DENIED; in
						* zones with overlays, if its wildcard answers */
	/* Of the zone, all of them of one version; NULL: it has one form. Set on VLY_COURSE_ZONE,
	 * _LAYERS and _LAYERED, and if the fate is VLY_QUERY_COMPOSE or _OLDER. */
	const struct vly_table_layers *layers;
	union {
		struct vly_query_proof proof;
		struct vly_pick pick; /* of a steered name, which has no proof */
	};
	/* Set by the caller, once for all queries at this place: of the thread. NULL: nothing is
	 * steered, and client subnets are ignored. With it, `client` is set as with a guard. */
	struct vly_steering *steering;
	struct vly_query_subnet subnet; /* with VLY_ASKS_SUBNET */
} __attribute__((aligned(64)));

static inline void
vly_query_set_rcode(struct vly_query *query, enum vly_rcode rcode)
{
	query->rcode = rcode & 15;
	query->rcode_ext = (uint8_t)(rcode >> 4);
}

/* The stages that a group of queries still needs: bits, since a group may need several. */
enum vly_query_left {
	VLY_QUERY_LEFT_NOTHING = 0,
	VLY_QUERY_LEFT_ENCLOSER = 1, /* vly_query_find_encloser(), vly_query_find_answer() */
	VLY_QUERY_LEFT_LAST = 2,     /* vly_query_find_last() */
	VLY_QUERY_LEFT_COVER = 4,    /* vly_query_find_cover() */
	/* vly_query_steer_begin(), vly_query_steer_step() twice, vly_query_steer_end() */
	VLY_QUERY_LEFT_STEER = 8,
};

/*
 * The stages up to writing, in their order, for `cnt` (1..VLY_BURST_MAX) queries. Each prefetches
 * the memory that the next one reads, so time must pass between two stages of the same query; only
 * pipeline.c calls them. vly_query_match_name(), vly_query_find_answer() and vly_query_find_last()
 * return the bits of enum vly_query_left that any of the queries needs. `table` has zones, except for vly_query_parse(),
 * where it may be NULL.
 */
void vly_query_parse(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_fetch_name(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_find_name(struct vly_query *query, unsigned cnt);
unsigned vly_query_match_name(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_find_encloser(struct vly_query *query, unsigned cnt, const struct vly_table *table);
unsigned vly_query_find_answer(struct vly_query *query, unsigned cnt,
			       const struct vly_table *table);
unsigned vly_query_find_last(struct vly_query *query, unsigned cnt, const struct vly_table *table);
void vly_query_find_cover(struct vly_query *query, unsigned cnt);
void vly_query_steer_begin(struct vly_query *query, unsigned cnt);
void vly_query_steer_step(struct vly_query *query, unsigned cnt);
void vly_query_steer_end(struct vly_query *query, unsigned cnt);

/* Turns a parsed query into one that gets REFUSED; `ede` is sent to EDNS clients (RFC 8914). */
__attribute__((cold, nonnull)) void vly_query_refuse(struct vly_query *query, enum vly_ede ede);

/* Turns it into one that gets SERVFAIL: there is no answer that could be sent. */
__attribute__((cold, nonnull)) void vly_query_fail(struct vly_query *query, enum vly_ede ede);

/*
 * The last stage: writes each response in place of its query, sets response_len and response_sum,
 * and counts it. With `guard` NULL, cookies are ignored and nothing is limited. If the guard limits
 * responses, vly_guard_find() must have been called for the queries.
 */
void vly_query_write(struct vly_query *query, unsigned cnt, struct vly_guard *guard,
		     struct vly_lcore_counters *counters);

/* All stages but the last. `table` NULL: nothing is committed yet, every question is refused. */
void vly_query_look_up(struct vly_query *query, unsigned cnt, const struct vly_table *table);

/* All stages. `table` and `guard` may be NULL, as above. */
void vly_query_answer(struct vly_query *query, unsigned cnt, const struct vly_table *table,
		      struct vly_guard *guard, struct vly_lcore_counters *counters);

#endif
