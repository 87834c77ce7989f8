/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zone images: the compiled form of zones, written by volley-control, read by volley-dataplane.
 *
 * An image is one immutable, position-independent block in a sealed memfd (or, byte for byte, in a
 * file). It holds any number of zones. Layout, each part aligned to 64 octets:
 *
 *     struct vly_image_header
 *     ZONES    struct vly_image_zone[]      one per zone
 *     BUCKETS  struct vly_image_bucket[]    every name of every zone, by its keyed hash
 *     HEAP     nodes and compiled answers, referred to by vly_image_ref; ends in slack
 *
 * How a name is answered:
 *   1. vly_name_hash() gives the hash of the name and of each ancestor; the table of the dataplane
 * tells the image, by the slice of the last labels, and its buckets the node of the name, which
 * tells the zone. Where there is none, the table finds the zone: image and index into ZONES.
 *   2. The buckets give the node of the name in that zone, or of its longest existing ancestor, the
 *      closest encloser (RFC 4592 §3.3.1). Empty non-terminals have nodes; names below a cut or a
 * DNAME (occluded, RFC 9499 §7) have none, so existence is monotonic along the ancestors and the
 * closest encloser can be found by bisection.
 *   3. Exact match: the answer listed for the type, else `other` (NODATA, a CNAME chain, or a
 * referral at a cut). Otherwise at the closest encloser: a cut gives its referral, `wildcard` names
 * the node of *.encloser, whose answers are chosen in the same way, and else the zone's NXDOMAIN.
 *   4. A compiled answer is copied behind the question. Its compression pointers were set for a
 * question whose name has `anchor_len` octets; when the real one is longer by delta, each pointer
 * listed in fix[] grows by delta: those that point into the question's name and those that point
 * into the answer itself alike. Owners equal to the question's name are pointers to offset 12 and
 * not listed.
 *
 * Who owns what: the writer seals the memfd (VLY_IMAGE_SEALS) before it gives it away; nobody
 * writes afterwards. A reader trusts nothing: it checks seals, checksum, and once every offset in
 * the image. All integers are in host order (the magic number tells a foreign byte order), except
 * inside wire data.
 *
 * Room for what comes later; a reader refuses versions, flags and sections that it does not know:
 *   DNAME            VLY_NODE_DNAME marks the node; a closest encloser with it answers with the
 * compiled DNAME answer (listed under type 39) and a CNAME composed from the question. signed
 * answers   VLY_SECTION_SIGNED: for each answer a second form with its RRSIGs, found at the same
 *                    ref in a parallel table, so that the unsigned form stays as small as it is.
 *   denial           VLY_SECTION_ORDER: refs of the nodes (or NSEC3 owners) in canonical order,
 * searched by bisection; the proof's records are compiled answers, sent as parts behind the first.
 *   stacks           VLY_ZONE_OVERLAY: the zone holds only what differs from the next image in the
 * stack that has it; a node that hides one below is VLY_NODE_GONE. removed zones    a table is
 * built from a whole list of images, so a removed zone is simply in none.
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

/* An image may lie in huge pages of this size: its block is then a whole number of them, with
 * zeroes behind the image. */
#define VLY_IMAGE_HUGE_BYTES (UINT64_C(1) << 21)

/* Slices that the names of a table are divided into: vly_image_slice(). */
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
	VLY_SECTION_ORDER,  /* reserved, empty */
	VLY_SECTION_SIGNED, /* reserved, empty */
	VLY_SECTION_CNT = 8,
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
	uint32_t probe_max; /* buckets that a search must look at before it gives up, 1..bucket_cnt
			     */
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
	uint16_t flags;    /* none known yet */
	uint8_t label_cnt; /* of the apex */
	uint8_t label_max; /* of the deepest node: names with more labels are not looked for */
	uint8_t pad[32];
};
static_assert(sizeof(struct vly_image_zone) == 64, "one cache line per zone");

/* Eight names whose hash leads here, in slots filled from 0; a free one has node 0. Names for which
 * there was no room are in the next bucket (the first follows the last): the search goes on there
 * if the bucket is full and the tags of its last two slots do not fall. */
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

/* Six octets: two less for each RRset, and a load that is not aligned costs nothing within a line.
 */
struct __attribute__((packed, aligned(2))) vly_image_type {
	uint16_t type;
	vly_image_ref answer;
};
static_assert(sizeof(struct vly_image_type) == 6, "no padding");

/* Followed by type[type_cnt], sorted by type, then by the name: wire form in lower case, filled
 * with zero octets to a multiple of 8 and then by at least 32 octets of something readable. */
struct vly_image_node {
	uint32_t zone;    /* index into ZONES */
	uint8_t name_len; /* 1..255 */
	uint8_t flags;    /* enum vly_image_node_flag */
	uint16_t type_cnt;
	vly_image_ref other;    /* answer for each type not listed */
	vly_image_ref wildcard; /* node of the name's child "*", or 0 */
	struct vly_image_type type[];
};
static_assert(sizeof(struct vly_image_node) == 16, "two nodes' heads to a cache line, at least");

enum vly_image_answer_flag {
	VLY_ANSWER_RCODE = 0x0f, /* the response's RCODE: NOERROR to YXDOMAIN */
	VLY_ANSWER_AA = 0x10,
	VLY_ANSWER_REFERRAL = 0x20, /* for the counters */
	VLY_ANSWER_ROTATES =
		0x40, /* wire is ancount records of equal, even length: any may come first */
};

/*
 * Everything that follows the question, but the OPT. Followed by fix[fix_cnt], filled to a multiple
 * of 8 octets, then wire[wire_len].
 *
 * The first keep_len octets are what a response may not lose without TC=1: answer and authority
 * sections, and required glue (RFC 9471), which comes first in the additional section. What follows
 * is whole RRsets in the additional section that may be left out, any of them (RFC 2181 §9): their
 * names are compressed against the question and the first keep_len octets alone. Only when there
 * are such, two octets behind wire[] tell how many records of the additional section are in the
 * first keep_len octets: see vly_image_answer_keep_arcount().
 */
struct vly_image_answer {
	/* counts, in the reverse of the header's order: vly_image_answer_counts() loads them at
	 * once */
	uint16_t arcount; /* of the whole; the OPT not counted */
	uint16_t nscount;
	uint16_t ancount;
	uint16_t wire_len; /* 0..65535 - question and header */
	uint16_t keep_len;
	uint16_t sum; /* one's complement sum of wire[] in host order, as if at an even offset */
	uint16_t fix_cnt;
	uint8_t anchor_len; /* 1..255 */
	uint8_t flags;      /* enum vly_image_answer_flag */
	uint16_t fix[];     /* ascending offsets into wire[] of two-octet compression pointers */
};
static_assert(sizeof(struct vly_image_answer) == 16, "kept small: there is one per RRset");

/* Octets of the huge pages that an image of so many takes, if it is in huge pages. */
static inline uint64_t
vly_image_huge_bytes(uint64_t image_bytes)
{
	return (image_bytes + VLY_IMAGE_HUGE_BYTES - 1) / VLY_IMAGE_HUGE_BYTES *
	       VLY_IMAGE_HUGE_BYTES;
}

/*
 * The slice of names that end in the labels with this hash. The dataplane knows for each slice in
 * which image its names are, so zones of one slice are best in one image; how many labels that are
 * is the writer's choice, and found out. In other bits than those that choose a bucket.
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

/* Whether names that lead to this bucket may be in the next one. */
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

/* Octets behind wire[] that belong to the answer. */
static inline unsigned
vly_image_answer_tail_bytes(const struct vly_image_answer *answer)
{
	return answer->keep_len < answer->wire_len ? sizeof(uint16_t) : 0;
}

/* Records of the additional section in the first keep_len octets. For responses that are cut short:
 * not fast. */
static inline unsigned
vly_image_answer_keep_arcount(const struct vly_image_answer *answer)
{
	uint16_t cnt = answer->arcount;

	memcpy(&cnt, vly_image_answer_wire(answer) + answer->wire_len,
	       vly_image_answer_tail_bytes(answer));
	return cnt;
}

#endif
