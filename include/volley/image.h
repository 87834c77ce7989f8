/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zone images, format 7: zones in compiled form. volley-control writes them, volley-dataplane reads
 * them.
 *
 * An image is one immutable, position-independent block in a sealed memfd (or, byte for byte, in a
 * file). It holds any number of zones. Its parts, each aligned to 64 octets:
 *
 *     struct vly_image_header
 *     ZONES    struct vly_image_zone[]      one per zone
 *     BUCKETS  struct vly_image_bucket[]    every name of every zone, by its keyed hash
 *     HEAP     nodes, compiled answers and denial, referred to by vly_image_ref; ends in slack
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
 * Signed zones have all of this, and besides it what clients with DO=1 get (RFC 4035 §3.1):
 *   - Nodes of a signed zone have VLY_NODE_SIGNED and a struct vly_image_signed, which lists the DO
 *     form of each answer: with its signatures, in the same order as type[]. It is in the node, so
 *     that a DO form costs no more cache misses than a plain one.
 *   - Whatever denies something is a piece: an NSEC or NSEC3 record with its signatures, ready for
 *     the authority section of any response of the zone. A zone has each piece once. Responses that
 *     deny something are an answer and up to VLY_PIECES_MAX pieces, which follow the answer's own
 *     authority section; each piece is there once.
 *   - All pieces but one are known to the compiler. They are in the struct vly_image_signed, or,
 *     for what a CNAME chain has passed, behind the answer (VLY_ANSWER_PROVED). The other one
 *     covers the name in question (NSEC) or the next closer name (NSEC3, RFC 5155 §1.3), and is
 *     found in the zone's order: struct vly_image_denial.
 *   - With N the node of the name, E the closest encloser, W its wildcard, and "cover" the piece
 *     that the order has for the question, the pieces are (RFC 4035 §3.1.3, RFC 5155 §7.2):
 *
 *                           NSEC                       NSEC3
 *       no such type at N   N.denial, N.cover          the same
 *       referral by N       N.denial, N.cover          the same
 *       NXDOMAIN            cover, E.no_wildcard       E.denial, E.cover or cover, E.no_wildcard
 *       answer of W         cover                      E.cover or cover
 *       no such type at W   cover, W.denial, W.cover   E.denial, E.cover or cover, W.denial, W.cover
 *
 *     where a ref that is 0 adds nothing, and "E.cover or cover" is the cover only if E.cover is 0.
 *     An alias (VLY_NODE_ALIAS) answers for all types.
 *   - Hardly anybody asks for the types RRSIG and NSEC, whose records are there already. So a node
 *     with VLY_NODE_RRSIG does not list these two, and their answers are composed
 *     (dataplane/answer/compose.h). RRSIG: in each DO form but that of ANY, the signatures of the
 *     form's own type (of an alias, those of CNAME alone); in zones with NSEC, also those in
 *     N.denial. NSEC: in zones with NSEC, the records in N.denial, which is the name's own. Answers
 *     that are too large have no signatures.
 *
 * Steered names have several answers for a type, the alternatives:
 *   - In a node with VLY_NODE_STEERED, `other` and the refs in type[] are those of a struct
 *     vly_image_choice each, which lists the alternatives: complete answers, one of which is taken.
 *     A type that is not steered has a choice as well, with policy 0 and one alternative.
 *   - Which one is taken is said by the policy (steer.h), for each client and at that moment. An
 *     alternative for which there is nothing is the zone's `nodata`.
 *   - If one of the alternatives is a CNAME, the node has VLY_NODE_ALIAS.
 *   - Cuts, names with a DNAME, names that are gone and signed zones have no steered nodes. An apex
 *     may be one, but its NS and SOA have policy 0.
 *   - An alias chain in an answer ends before a steered name, and additional sections do not have
 *     steered names' addresses, since these depend on who asks.
 *
 * A zone that changes is a complete form and a few overlays (VLY_IMAGE_OVERLAY), in images of their
 * own. An overlay has nodes for those names alone whose answers differ from those of the version
 * `below`:
 *   - Each layer lies upon the one whose `version` is its `below`. A name's node is that of the
 *     newest layer which has one; if that is VLY_NODE_GONE, the name does not exist.
 *   - Everything that a node refers to is in its own image. So if a wildcard has changed, its parent
 *     has a node in the overlay, too. The apex has one always, as the SOA changes with each version.
 *   - Names that a cut or a DNAME has come to hide are VLY_NODE_GONE.
 *   - NXDOMAIN and NODATA are those of the newest layer, also for nodes of older ones whose `other`
 *     is their own layer's `nodata`. Other answers of older layers that end in the older SOA (an
 *     alias whose target has no such type: only nodes with VLY_NODE_ALIAS have them) have its last
 *     20 octets, the serial and the timers, at the end of wire[]: these octets are replaced by those
 *     at the end of the newest `nodata`. A change of anything else in the SOA makes a new complete
 *     form.
 *   - An overlay whose `below` is the version of no other layer is ignored, and so are those that
 *     would lie upon it. A zone has at most VLY_IMAGE_LAYERS_MAX layers, its complete form included.
 *
 * Overlays of signed zones:
 *   - A layer's order has the NSEC or NSEC3 records of this version that have changed, and may have
 *     others; where a record of the version below is no more, it has a piece that is gone
 *     (vly_image_piece_is_gone()). So what covers a name may be in any layer. Pieces that nodes refer
 *     to count only in zones without overlays, but for a node's own NSEC: a node's layer is never
 *     older than that of its NSEC. In others they say whether there is anything to be denied.
 *   - "Cover" of the table above is found in all layers, from the complete form upwards: a layer's
 *     own cover of the name replaces the one found below it, if its owner is not before that one's;
 *     if it is gone, its heir does. With N, E and W as above, P(x) the cover of x, a response has
 *     P(N), P(the missing name) and P(E's wildcard), or P(the missing name) and P(W).
 *     Why this is right: let c be the layer's entry with the largest owner not behind the name, and
 *     p the cover in the version below. If p is in this version no more, the layer has an entry with
 *     p's owner, so that c is not before p: with c before p, p still is the cover. Otherwise no
 *     record with an owner behind c and not behind the name is in this version: the layer does not
 *     have it, so it would be in the version below, too, and be a larger cover than p there. So the
 *     cover is c; or, if c is gone, the largest owner before c, which is c's heir.
 *   - With NSEC3, all layers have the same iterations and salt. An overlay's `index` is no row of
 *     buckets, but a struct vly_image_order of the owners' names, whose order is that of the hashes:
 *     signers renew records that are close to each other. The hashes are a circle; "before" and
 *     "behind" are meant on the way back from the hash in question, and the rest holds as it stands.
 *     The name's own hashes are computed: with C the closest provable encloser of a name, which is the
 *     closest of it and its ancestors whose hash P(hash) has itself, E.denial, E.cover and
 *     E.no_wildcard of the table are P(C), P(the next closer name to C) and P(C's wildcard).
 *   - Pieces of an answer's own (VLY_ANSWER_PROVED) are replaced by the newest with their owner. If
 *     they do not match a name, but cover one (VLY_IMAGE_PROVES_COVERS), overlays have no names, or
 *     hashes, that come or go.
 *   - The SOA of the DO forms is followed by its signatures, which older layers' answers get as they
 *     get its last 20 octets: both versions' have the same number and lengths.
 *   - An overlay that does not deny as the version below does is refused.
 *
 * Ownership: the writer seals the memfd (VLY_IMAGE_SEALS) before it passes the memfd on; nobody
 * writes afterwards, and any thread may read.
 *
 * Trust: none. The reader checks the seals, the checksum and, once, every offset
 * (common/image_check.h); after that, lookups need no bounds checks. A reader refuses versions,
 * flags and mandatory sections that it does not know, and skips other sections.
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
#define VLY_IMAGE_VERSION 7

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

/* Layers of a zone that changes. A name that an overlay has is looked for in each of them. */
#define VLY_IMAGE_LAYERS_MAX 8

/* The end of a SOA record: serial, refresh, retry, expire, minimum. */
#define VLY_SOA_TAIL_BYTES 20

/* Seals that a memfd must carry before a reader maps it (fcntl F_GET_SEALS). */
#define VLY_IMAGE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A place in the heap, in units of 8 octets: up to 32 GiB. 0 is never a valid ref. */
typedef uint32_t vly_image_ref;
#define VLY_IMAGE_REF_BYTES 8

enum vly_image_section_id {
	VLY_SECTION_ZONES,
	VLY_SECTION_BUCKETS,
	VLY_SECTION_HEAP,
	VLY_SECTION_CNT = 8, /* entries in the header */
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
	uint32_t mandatory; /* bit i: a reader that does not know section i refuses the image */
	struct vly_image_section section[VLY_SECTION_CNT];
	uint8_t pad[48];
};
static_assert(sizeof(struct vly_image_header) == 256, "the header is four cache lines");

enum vly_image_zone_flag {
	VLY_IMAGE_OVERLAY = 1, /* only what has changed since the version `below` */
	/* without data: its names get SERVFAIL. Its only node is the apex, which is a cut without
	 * types, and whose `other` is an answer with VLY_ANSWER_FAILS */
	VLY_IMAGE_UNREADY = 2,
	/* some DO form has pieces of its own that cover a name; not in overlays */
	VLY_IMAGE_PROVES_COVERS = 4,
};

/* Why a zone has no data. */
enum vly_image_unready {
	VLY_UNREADY_NOT_LOADED = 0, /* never transferred yet: EDE Not Ready (RFC 8914 §4.15) */
	VLY_UNREADY_EXPIRED = 1,    /* too old to be served: EDE Invalid Data (RFC 8914 §4.25) */
};

struct vly_image_zone {
	vly_image_ref apex;     /* node */
	vly_image_ref nxdomain; /* answer: SOA in authority, anchored at the apex (RFC 2308) */
	vly_image_ref nodata;   /* answer: the same, NOERROR */
	uint32_t serial;        /* of the SOA */
	uint64_t record_cnt;    /* of the whole zone, in an overlay, too */
	uint32_t node_cnt;      /* that are here, those with VLY_NODE_GONE included */
	uint16_t flags;         /* enum vly_image_zone_flag */
	uint8_t label_cnt;      /* of the apex */
	uint8_t label_max;      /* of the deepest node that is here */
	/* DO forms, in signed zones; 0 in others */
	vly_image_ref signed_nxdomain; /* answer: SOA and its signatures */
	vly_image_ref signed_nodata;   /* the same, NOERROR; nodes refer to it, too */
	vly_image_ref denial; /* struct vly_image_denial; 0: unsigned, or without any denial */
	uint32_t pad;
	uint64_t version; /* larger in each version of the zone; 0: it never has overlays */
	uint64_t below;   /* overlay: the version that it lies upon; otherwise 0 */
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
	VLY_NODE_CUT = 2,    /* `other` is a referral, and answers for every name below */
	VLY_NODE_DNAME = 4,  /* owns a DNAME */
	VLY_NODE_SIGNED = 8, /* in a signed zone: struct vly_image_signed follows type[] */
	VLY_NODE_ALIAS = 16, /* owns a CNAME: its answers deny what there is to deny themselves */
	VLY_NODE_GONE = 32,  /* overlay: the name does not exist any more; no types, no `other` */
	VLY_NODE_RRSIG = 64, /* signed zone: has RRSIG, and NSEC, that type[] does not list */
	VLY_NODE_STEERED = 128, /* the refs of answers are refs of struct vly_image_choice */
};

/* Packed to six octets: that saves two for each RRset, and an unaligned load within a cache line
 * costs nothing. */
struct __attribute__((packed, aligned(2))) vly_image_type {
	uint16_t type;
	vly_image_ref answer;
};
static_assert(sizeof(struct vly_image_type) == 6, "no padding");

/* Followed by type[type_cnt] in ascending order, in signed zones by a struct vly_image_signed, then
 * by the name: wire form in lower case, padded with zeros to a multiple of 8. At least 32 more octets
 * behind it are readable, since names are compared in blocks of that size. */
struct vly_image_node {
	uint32_t zone;    /* index into ZONES */
	uint8_t name_len; /* 1..255 */
	uint8_t flags;    /* enum vly_image_node_flag */
	uint16_t type_cnt;
	vly_image_ref other;    /* answer, or choice, for every type not listed */
	vly_image_ref wildcard; /* node of the name's child "*", or 0 */
	struct vly_image_type type[];
};
static_assert(sizeof(struct vly_image_node) == 16, "two nodes' heads to a cache line, at least");

/* The DO forms of a node in a signed zone, and the pieces that deny what it does not have. Packed as
 * struct vly_image_type is, which it follows. */
struct __attribute__((packed, aligned(2))) vly_image_signed {
	vly_image_ref other; /* DO form of the node's `other` */
	/* Piece: the NSEC or NSEC3 of the name. If the name has no NSEC3 (it is, or leads only to,
	 * an insecure delegation in an opt-out span): that of its closest provable encloser. 0: none;
	 * also at a cut with DS, where nothing is to be denied. */
	vly_image_ref denial;
	/* Piece, if the name has none of its own: it covers the name (NSEC: an empty non-terminal),
	 * or the next closer name to the closest provable encloser (NSEC3). Otherwise 0; but in
	 * zones with too many iterations the same as `denial`, so that answers of wildcards show
	 * these. */
	vly_image_ref cover;
	/* Piece: it covers the wildcard *.name, or, if the name has no NSEC3, the wildcard of its
	 * closest provable encloser. 0 at cuts, and if the wildcard exists; but where the name has
	 * no NSEC3, only if the wildcard has one. */
	vly_image_ref no_wildcard;
	uint16_t insert_off;    /* at a cut: where in the wire[] of `other` pieces go */
	vly_image_ref answer[]; /* [type_cnt]: DO forms, in the order of type[] */
};
static_assert(sizeof(struct vly_image_signed) == 18, "no padding");

/* Alternatives of one type of a steered node. */
struct vly_image_choice {
	/* Says which policy chooses, and how that numbers its alternatives (steer.h); 0: the first
	 * one is always taken. */
	uint64_t policy;
	uint16_t alt_cnt;    /* 1..; 1 if the policy is 0 */
	uint16_t reserved16; /* 0 */
	uint32_t reserved32; /* 0 */
	/* Answers. The first one is given if the policy or the number of an alternative is not
	 * known. */
	vly_image_ref alt[];
};
static_assert(sizeof(struct vly_image_choice) == 16, "twelve alternatives to its cache line");

enum vly_image_answer_flag {
	VLY_ANSWER_RCODE = 0x07,  /* the response's RCODE: NOERROR to YXDOMAIN */
	VLY_ANSWER_PROVED = 0x08, /* a DO form with a struct vly_image_proof behind it */
	VLY_ANSWER_AA = 0x10,
	VLY_ANSWER_REFERRAL = 0x20, /* for the counters */
	/* wire[] is ancount records of equal, even length, any of which may come first */
	VLY_ANSWER_ROTATES = 0x40,
	/* stands for an answer that no message has room for, or that a zone without data does not
	 * have: SERVFAIL without any records. `sum` is enum vly_ede: NOT_READY, or NONE for Invalid
	 * Data */
	VLY_ANSWER_FAILS = 0x80,
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
	/* one's complement sum of wire[] in host order, as if at an even offset; see
	 * VLY_ANSWER_FAILS, too */
	uint16_t sum;
	uint16_t fix_cnt;
	uint8_t anchor_len; /* 1..255 */
	uint8_t flags;      /* enum vly_image_answer_flag */
	uint16_t fix[];     /* ascending offsets into wire[] of two-octet compression pointers */
};
static_assert(sizeof(struct vly_image_answer) == 16, "kept small: there is one per RRset");

/* Pieces in one response: a chain may pass VLY_ALIAS_HOPS_MAX wildcards, its end takes three. */
#define VLY_PIECES_MAX 20

/* Behind an answer with VLY_ANSWER_PROVED: the pieces that belong to it, at the next multiple of 8
 * octets behind wire[] and its tail. Pieces of the query's own go to the same place. */
struct vly_image_proof {
	uint16_t insert_off; /* where in wire[] pieces go: the end of the authority section */
	uint16_t piece_cnt;  /* 0..VLY_PIECES_MAX - 1 */
	vly_image_ref piece[];
};

/*
 * An NSEC or NSEC3 record and the RRSIGs that cover it. Followed by rrsig_off[record_cnt - 1],
 * padded to a multiple of 8 octets, then wire[wire_len].
 *
 * The owner of the first record is owner_len octets of labels in lower case, then a pointer to the
 * apex in the question's name (or the CNAME chain's last name, wherever that is); in the root zone,
 * the root's octet 0 in place of the pointer. The owner of each RRSIG is a pointer to the first
 * owner. All these pointers are 0 in wire[]. There are no other pointers.
 *
 * In the order of an overlay, a piece with first_len 0 is gone: its owner has no such record any more.
 * Its record_cnt is 1; wire[] is the owner_len octets, padded with zeros to a multiple of 4, and a
 * vly_image_ref: the piece of the last owner before it in this version, its heir (of the first
 * hashes, the zone's last one).
 */
struct vly_image_piece {
	uint16_t wire_len;  /* 1..16383 */
	uint16_t first_len; /* octets of the first record */
	uint16_t sum; /* one's complement sum of wire[] in host order, as if at an even offset */
	uint8_t owner_len;    /* 0: the apex, to 254 less the apex */
	uint8_t record_cnt;   /* 1..255 */
	uint16_t rrsig_off[]; /* where in wire[] each RRSIG begins, ascending */
};
static_assert(sizeof(struct vly_image_piece) == 8, "a piece is mostly wire[]");

enum vly_image_denial_kind {
	VLY_DENIAL_NSEC = 1, /* `index` is a struct vly_image_order */
	/* `index` is struct vly_image_hash_bucket[(1 << bits) + extra_cnt]; in overlays as of NSEC */
	VLY_DENIAL_NSEC3 = 2,
};

/* RFC 9276 §3.2: validators treat zones with more additional iterations as insecure, so that no
 * cover is computed for these, and they have no struct vly_image_denial; 150 is the highest limit
 * in use. Each iteration costs the lcore about 40 ns for each query that needs a cover. */
#define VLY_NSEC3_ITERATIONS_MAX 150

/* How a signed zone denies names. Followed by the salt. */
struct vly_image_denial {
	uint8_t kind;        /* enum vly_image_denial_kind */
	uint8_t bits;        /* NSEC3: 0..28 */
	uint16_t iterations; /* NSEC3: additional iterations of SHA-1 (RFC 5155 §5) */
	uint32_t extra_cnt;  /* NSEC3: buckets behind the first 1 << bits */
	vly_image_ref index;
	uint8_t salt_len;
	uint8_t salt[];
};

/* Buckets behind one of the first 1 << bits, at most: each query may look at all of them. */
#define VLY_IMAGE_HASH_NEXT_MAX 15

/*
 * NSEC3: up to seven hashes that begin with the same `bits` bits, which are the bucket's index.
 * Hashes are uniform, so that a bucket has about four. tag[] are the 32 bits behind these, in
 * ascending order. What covers a hash is the entry with the largest tag that is not larger, or else
 * `before`. Equal tags: the owner decides.
 *
 * More than seven hashes: `next` is the index of a bucket, one of the extra_cnt, with the following
 * ones, or 0. An index is always larger than that of the bucket it stands in, and there are no more
 * than VLY_IMAGE_HASH_NEXT_MAX in a row. Free entries, all at the end, have tag UINT32_MAX and piece
 * 0.
 */
struct vly_image_hash_bucket {
	uint32_t tag[7];
	vly_image_ref before; /* piece of the last hash before this bucket's; the first one's: the
			       * zone's last */
	vly_image_ref piece[7];
	uint32_t next;
};
static_assert(sizeof(struct vly_image_hash_bucket) == 64, "one cache line per probe");

/* An order has a sample of its keys: each 64th, the first one first. */
#define VLY_ORDER_BLOCK 64

/*
 * NSEC, and NSEC3 in overlays: a part of the zone's names in canonical order (RFC 4034 §6.1). A name has a key: its labels
 * from the apex downwards, without those of the apex; of each label the octets in lower case, with
 * 1 before each octet that is 0 or 1, which itself becomes 1 or 2; then 0. Keys in the order of
 * memcmp(), a shorter one before its extensions, are names in canonical order.
 *
 * The names of an order share the first octets of their keys: those that the orders above it have
 * looked at, then skip[skip_len]. The next eight octets, as a big-endian number, 0 behind the end,
 * are different in each entry of key[]. Where several names have the same eight octets, a deeper
 * order, listed in deep[], has all of them; piece[] then is that of the last of them.
 *
 * Followed by: skip[skip_len], padded to a multiple of 8; uint64_t sample[], key[cnt];
 * struct vly_image_deep deep[deep_cnt], ascending; vly_image_ref piece[cnt].
 */
struct vly_image_order {
	uint32_t cnt; /* 1.. */
	uint32_t deep_cnt;
	vly_image_ref before; /* piece of the last name before these; the zone's first order: its
			       * last name's */
	uint16_t skip_len;
	uint16_t reserved; /* 0 */
};
static_assert(sizeof(struct vly_image_order) == 16, "keys stay aligned");

struct vly_image_deep {
	uint32_t idx;        /* into key[] */
	vly_image_ref order; /* a struct vly_image_order */
};

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

/* Only of a node with VLY_NODE_SIGNED. */
static inline const struct vly_image_signed *
vly_image_node_signed(const struct vly_image_node *node)
{
	return (const void *)&node->type[node->type_cnt];
}

/* Octets of the DO forms behind type[]. */
static inline unsigned
vly_image_node_signed_bytes(const struct vly_image_node *node)
{
	return node->flags & VLY_NODE_SIGNED
		       ? (unsigned)sizeof(struct vly_image_signed) +
				 node->type_cnt * (unsigned)sizeof(vly_image_ref)
		       : 0;
}

static inline const uint8_t *
vly_image_node_name(const struct vly_image_node *node)
{
	return (const uint8_t *)&node->type[node->type_cnt] + vly_image_node_signed_bytes(node);
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

/* Octets from the start of an answer to its struct vly_image_proof. */
static inline uint32_t
vly_image_answer_proof_off(const struct vly_image_answer *answer)
{
	uint32_t end = vly_image_answer_wire_off(answer->fix_cnt) + answer->wire_len +
		       vly_image_answer_tail_bytes(answer);

	return (end + 7) & ~7u;
}

/* Only of an answer with VLY_ANSWER_PROVED. */
static inline const struct vly_image_proof *
vly_image_answer_proof(const struct vly_image_answer *answer)
{
	return (const void *)((const uint8_t *)answer + vly_image_answer_proof_off(answer));
}

static inline uint32_t
vly_image_piece_wire_off(unsigned record_cnt)
{
	uint32_t bytes = (uint32_t)sizeof(struct vly_image_piece) + 2u * (record_cnt - 1);

	return (bytes + 7) & ~7u;
}

static inline const uint8_t *
vly_image_piece_wire(const struct vly_image_piece *piece)
{
	return (const uint8_t *)piece + vly_image_piece_wire_off(piece->record_cnt);
}

static inline bool
vly_image_piece_is_gone(const struct vly_image_piece *piece)
{
	return piece->first_len == 0;
}

/* Octets of the wire[] of a piece that is gone, before its heir. */
static inline unsigned
vly_image_piece_heir_off(unsigned owner_len)
{
	return (owner_len + 3) & ~3u;
}

/* Only of a piece that is gone: where its heir is. */
static inline const vly_image_ref *
vly_image_piece_heir_at(const struct vly_image_piece *piece)
{
	return (const void *)(vly_image_piece_wire(piece) +
			      vly_image_piece_heir_off(piece->owner_len));
}

static inline vly_image_ref
vly_image_piece_heir(const struct vly_image_piece *piece)
{
	return *vly_image_piece_heir_at(piece);
}

static inline const uint8_t *
vly_image_order_skip(const struct vly_image_order *order)
{
	return (const uint8_t *)(order + 1);
}

static inline const uint64_t *
vly_image_order_sample(const struct vly_image_order *order)
{
	return (const void *)(vly_image_order_skip(order) + ((order->skip_len + 7u) & ~7u));
}

static inline const uint64_t *
vly_image_order_key(const struct vly_image_order *order)
{
	return vly_image_order_sample(order) +
	       ((uint64_t)order->cnt + VLY_ORDER_BLOCK - 1) / VLY_ORDER_BLOCK;
}

static inline const struct vly_image_deep *
vly_image_order_deep(const struct vly_image_order *order)
{
	return (const void *)(vly_image_order_key(order) + order->cnt);
}

static inline const vly_image_ref *
vly_image_order_piece(const struct vly_image_order *order)
{
	return (const void *)(vly_image_order_deep(order) + order->deep_cnt);
}

#endif
