/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zone images, format 4: zones in compiled form. volley-control writes them, volley-dataplane reads
 * them.
 *
 * An image is one immutable, position-independent block in a sealed memfd (or, byte for byte, in a
 * file). It holds any number of zones. Its parts, each aligned to 64 octets:
 *
 *     struct vly_image_header
 *     ZONES    struct vly_image_zone[]      one per zone
 *     BUCKETS  struct vly_image_bucket[]    every name of every zone, by its keyed hash
 *     HEAP     nodes and compiled answers, referred to by vly_image_ref; ends in slack
 *
 * How a name is answered:
 *   1. vly_name_hash() hashes the name and each of its ancestors. The slice of the last labels
 *      selects an image (dataplane/image/table.h).
 *   2. The buckets give the node of the name or of its longest existing ancestor, the closest
 *      encloser (RFC 4592 §3.3.1); the node says which zone it is in. Empty non-terminals have
 *      nodes. Occluded names (below a cut or a DNAME, RFC 9499 §7) have none. So a name exists only
 *      if all its ancestors in the zone do, and the closest encloser can be found by bisection.
 *   3. If the name has a node: the answer listed for the type, or else `other` (NODATA, a CNAME
 *      chain, or a referral at a cut).
 *      If it has none, the closest encloser decides:
 *        - a cut gives its referral;
 *        - below a DNAME the dataplane composes the answer (dataplane/answer/compose.h), starting
 *          with the compiled DNAME answer;
 *        - `wildcard` is the node of *.encloser, and gives an answer as in the first case;
 *        - otherwise the zone's NXDOMAIN.
 *   4. The compiled answer is copied behind the question. Its compression pointers were set for a
 *      question whose name has `anchor_len` octets. When the real name is longer by delta, delta is
 *      added to each pointer listed in fix[], whether it points into the question's name or into
 *      the answer itself. Owners equal to the question's name are pointers to offset 12 and are not
 *      listed.
 *
 * Ownership: the writer seals the memfd (VLY_IMAGE_SEALS) before it passes the memfd on; nobody
 * writes afterwards, and any thread may read.
 *
 * Trust: none. The reader checks the seals, the checksum and, once, every offset
 * (common/image_check.h); after that, lookups need no bounds checks. A reader refuses versions,
 * flags and sections that it does not know.
 *
 * Integers are in host order, except inside wire data. The magic number exposes a foreign byte
 * order.
 *
 * No function here blocks. All of them expect a verified image.
 */
#ifndef VLY_IMAGE_H
#define VLY_IMAGE_H

#include <assert.h>
#include <stdint.h>

#include <volley/name.h>

/* "VLYIMAGE" read as a little-endian number. */
#define VLY_IMAGE_MAGIC   UINT64_C(0x4547414d49594c56)
#define VLY_IMAGE_VERSION 4

/* Parts begin at multiples of a cache line. */
#define VLY_IMAGE_ALIGN 64

/* Readable octets behind the last answer: answers are copied in whole 64-octet blocks. */
#define VLY_IMAGE_SLACK_BYTES 64

/* An image may be in huge pages of this size. Its block then is a whole number of them, and the
 * octets behind the image are zero. */
#define VLY_IMAGE_HUGE_BYTES (UINT64_C(1) << 21)

/* The names of a table are divided into so many slices: vly_image_slice(). The route of a table has
 * two octets per slice, 8 KiB in all. More slices tell smaller groups of zones apart, but take more
 * of the cache from the zones. */
#define VLY_IMAGE_SLICES 4096

/* Seals that a memfd must carry before a reader maps it (fcntl F_GET_SEALS). */
#define VLY_IMAGE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A place in the heap, in units of 8 octets: up to 32 GiB. 0 is never a valid ref. */
typedef uint32_t vly_image_ref;
#define VLY_IMAGE_REF_BYTES 8

enum vly_image_section_id {
	VLY_SECTION_ZONES,
	VLY_SECTION_BUCKETS,
	VLY_SECTION_HEAP,
	VLY_SECTION_CNT = 8, /* entries in the header; those behind HEAP are empty in format 4 */
};

struct vly_image_section {
	uint64_t off;   /* from the start of the image, a multiple of VLY_IMAGE_ALIGN */
	uint64_t bytes; /* 0: absent */
};

struct vly_image_header {
	uint64_t magic;
	uint32_t version;
	uint32_t header_bytes;
	uint64_t image_bytes;
	uint64_t checksum; /* image_sum.h */
	struct vly_hash_key hash_key;
	uint32_t zone_cnt;
	uint32_t bucket_cnt;
	uint32_t probe_max; /* buckets that a search may have to look at, 1..bucket_cnt */
	uint32_t reserved;
	struct vly_image_section section[VLY_SECTION_CNT];
	uint8_t pad[48];
};
static_assert(sizeof(struct vly_image_header) == 256, "the header is four cache lines");

struct vly_image_zone {
	vly_image_ref apex;     /* node */
	vly_image_ref nxdomain; /* answer: SOA in authority, anchored at the apex (RFC 2308) */
	vly_image_ref nodata;   /* answer: the same, NOERROR */
	uint32_t serial;        /* of the SOA */
	uint64_t record_cnt;
	uint32_t node_cnt;
	uint16_t flags;    /* 0 in format 4 */
	uint8_t label_cnt; /* of the apex */
	uint8_t label_max; /* of the deepest node: no name with more labels exists */
	uint8_t pad[32];
};
static_assert(sizeof(struct vly_image_zone) == 64, "one cache line per zone");

/*
 * Eight names whose hash selects this bucket. Slots are filled from 0; a free slot has node 0.
 *
 * Names that found no room are in the next bucket (the first follows the last). The order of the
 * last two tags says whether there are any, so that this costs no octet: the writer sorts these two
 * slots by ascending tag if the bucket overflows, and by descending tag if it is merely full.
 * vly_image_bucket_overflows() reads that. Equal tags count as overflow: one probe in vain.
 */
struct vly_image_bucket {
	uint32_t tag[8];
	vly_image_ref node[8];
};
static_assert(sizeof(struct vly_image_bucket) == 64, "one cache line per probe");

enum vly_image_node_flag {
	VLY_NODE_APEX = 1,
	VLY_NODE_CUT = 2,   /* `other` is a referral, and answers for every name below */
	VLY_NODE_DNAME = 4, /* owns a DNAME */
};

/* Packed to six octets: that saves two for each RRset, and an unaligned load within a cache line
 * costs nothing. */
struct __attribute__((packed, aligned(2))) vly_image_type {
	uint16_t type;
	vly_image_ref answer;
};
static_assert(sizeof(struct vly_image_type) == 6, "no padding");

/* Followed by type[type_cnt] in ascending order, then by the name: wire form in lower case, padded
 * with zeros to a multiple of 8. At least 32 more octets behind it are readable, since names are
 * compared in blocks of that size. */
struct vly_image_node {
	uint32_t zone;    /* index into ZONES */
	uint8_t name_len; /* 1..255 */
	uint8_t flags;    /* enum vly_image_node_flag */
	uint16_t type_cnt;
	vly_image_ref other;    /* answer for every type not listed */
	vly_image_ref wildcard; /* node of the name's child "*", or 0 */
	struct vly_image_type type[];
};
static_assert(sizeof(struct vly_image_node) == 16, "two nodes' heads to a cache line, at least");

enum vly_image_answer_flag {
	VLY_ANSWER_RCODE = 0x0f, /* the response's RCODE: NOERROR to YXDOMAIN */
	VLY_ANSWER_AA = 0x10,
	VLY_ANSWER_REFERRAL = 0x20, /* for the counters */
	/* wire[] is ancount records of equal, even length, any of which may come first */
	VLY_ANSWER_ROTATES = 0x40,
	/* stands for an answer that no message has room for: SERVFAIL without any records */
	VLY_ANSWER_TOO_LARGE = 0x80,
};

/*
 * Everything that follows the question, except the OPT. Followed by fix[fix_cnt], padded to a
 * multiple of 8 octets, then wire[wire_len].
 *
 * A response must contain the first keep_len octets, or set TC: they are the answer and authority
 * sections and the required glue (RFC 9471), which comes first in the additional section.
 *
 * The rest is whole RRsets of the additional section. Any of them may be left out (RFC 2181 §9):
 * their names are compressed only against the question and the first keep_len octets. Only if there
 * is such a rest, two octets behind wire[] hold the number of additional records in the first
 * keep_len octets; vly_image_answer_keep_arcount() reads them.
 */
struct vly_image_answer {
	/* in the reverse of the DNS header's order: vly_image_answer_counts() loads all at once */
	uint16_t arcount; /* of the whole; the OPT not counted */
	uint16_t nscount;
	uint16_t ancount;
	uint16_t wire_len; /* 0..65535 less header and question */
	uint16_t keep_len;
	uint16_t sum; /* one's complement sum of wire[] in host order, as if at an even offset */
	uint16_t fix_cnt;
	uint8_t anchor_len; /* 1..255 */
	uint8_t flags;      /* enum vly_image_answer_flag */
	uint16_t fix[];     /* ascending offsets into wire[] of two-octet compression pointers */
};
static_assert(sizeof(struct vly_image_answer) == 16, "kept small: there is one per RRset");

/* The octets that an image of `image_bytes` takes in huge pages. */
static inline uint64_t
vly_image_huge_bytes(uint64_t image_bytes)
{
	return (image_bytes + VLY_IMAGE_HUGE_BYTES - 1) / VLY_IMAGE_HUGE_BYTES *
	       VLY_IMAGE_HUGE_BYTES;
}

/*
 * The slice of the names that end in the labels with this hash. A table knows for each slice which
 * image has most of its names, so the writer should keep the zones of a slice in one image. The
 * writer chooses how many labels make a slice; the reader finds out. The bits used here are not
 * those that select a bucket: otherwise the names of one slice would crowd into a few buckets.
 */
static inline uint32_t
vly_image_slice(uint64_t hash)
{
	return (uint32_t)(hash >> 20) % VLY_IMAGE_SLICES;
}

static inline uint32_t
vly_image_bucket_idx(uint64_t hash, uint32_t bucket_cnt)
{
	return (uint32_t)(((hash >> 32) * bucket_cnt) >> 32);
}

static inline uint32_t
vly_image_tag(uint64_t hash)
{
	return (uint32_t)hash;
}

/* Whether names that belong into this bucket may be in the next one. */
static inline bool
vly_image_bucket_overflows(const struct vly_image_bucket *bucket)
{
	return bucket->node[7] != 0 && bucket->tag[6] <= bucket->tag[7];
}

static inline const void *
vly_image_at(const uint8_t *heap, vly_image_ref ref)
{
	return heap + (uint64_t)ref * VLY_IMAGE_REF_BYTES;
}

static inline const uint8_t *
vly_image_node_name(const struct vly_image_node *node)
{
	return (const uint8_t *)&node->type[node->type_cnt];
}

/* ANCOUNT, NSCOUNT and ARCOUNT as the lower 48 bits of a number. */
static inline uint64_t
vly_image_answer_counts(const struct vly_image_answer *answer)
{
	static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first field is the lowest");
	uint64_t counts;
	memcpy(&counts, answer, sizeof(counts));
	return counts & 0xffffffffffff;
}

static inline uint32_t
vly_image_answer_wire_off(uint16_t fix_cnt)
{
	uint32_t bytes = (uint32_t)sizeof(struct vly_image_answer) + 2u * fix_cnt;
	return (bytes + 7) & ~7u;
}

static inline const uint8_t *
vly_image_answer_wire(const struct vly_image_answer *answer)
{
	return (const uint8_t *)answer + vly_image_answer_wire_off(answer->fix_cnt);
}

/* Octets behind wire[] that belong to the answer, 0 or 2. */
static inline unsigned
vly_image_answer_tail_bytes(const struct vly_image_answer *answer)
{
	return answer->keep_len < answer->wire_len ? sizeof(uint16_t) : 0;
}

/* Additional records in the first keep_len octets. Only responses that are cut short need it. */
static inline unsigned
vly_image_answer_keep_arcount(const struct vly_image_answer *answer)
{
	uint16_t cnt = answer->arcount;

	memcpy(&cnt, vly_image_answer_wire(answer) + answer->wire_len,
	       vly_image_answer_tail_bytes(answer));
	return cnt;
}

#endif
