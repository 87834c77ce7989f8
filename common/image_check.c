/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "image_check_parts.h"

/* Octets that a comparison may read behind a node's name. */
#define NODE_SLACK_BYTES VLY_NAME_SLACK_BYTES

/* Buckets whose bits in the map are prefetched ahead of the one being checked. */
#define BUCKETS_AHEAD 4

/* The largest pointer that stays one when it grows by the length of a whole name. */
#define FIXABLE_POINTER_MAX (VLY_POINTER_MAX - VLY_NAME_BYTES_MAX)

/* What an answer that fails has, and nothing else. */
#define FAILS_FLAGS (VLY_ANSWER_FAILS | VLY_RCODE_SERVFAIL)

/* What no steered node is. */
#define UNSTEERED_FLAGS                                                                            \
	(VLY_NODE_CUT | VLY_NODE_DNAME | VLY_NODE_SIGNED | VLY_NODE_RRSIG | VLY_NODE_GONE)

int
vly_image_refuse(struct vly_image_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

static int
check_fixes(const struct vly_image_checker *checker, vly_image_ref ref,
	    const struct vly_image_answer *answer)
{
	const uint8_t *wire = vly_image_answer_wire(answer);
	unsigned next = 0;

	for (unsigned i = 0; i < answer->fix_cnt; i++) {
		unsigned at = answer->fix[i];
		if (at < next || at + 2u > answer->wire_len)
			return vly_image_refuse(checker->error,
						"answer %u: pointer position %u is outside", ref,
						at);
		unsigned value = wire[at] << 8 | wire[at + 1];
		if (value < VLY_POINTER_TAG || value - VLY_POINTER_TAG > FIXABLE_POINTER_MAX)
			return vly_image_refuse(checker->error,
						"answer %u: no movable pointer at %u", ref, at);
		next = at + 2;
	}
	return 0;
}

static int
check_proof(const struct vly_image_checker *checker, uint32_t zone_idx, vly_image_ref ref,
	    const struct vly_image_answer *answer)
{
	const uint64_t off = vly_image_answer_proof_off(answer);
	const struct vly_image_proof *proof = vly_image_answer_proof(answer);

	if (!vly_image_heap_has(checker, ref, off + sizeof(*proof)) ||
	    !vly_image_heap_has(checker, ref,
				off + sizeof(*proof) + proof->piece_cnt * sizeof(proof->piece[0])))
		return vly_image_refuse(checker->error,
					"answer %u: its proof extends past the heap", ref);
	if (proof->piece_cnt >= VLY_PIECES_MAX)
		return vly_image_refuse(checker->error, "answer %u: a proof of %u pieces", ref,
					proof->piece_cnt);
	if (proof->insert_off > answer->keep_len)
		return vly_image_refuse(checker->error, "answer %u: no place for pieces at %u", ref,
					proof->insert_off);
	for (unsigned i = 0; i < proof->piece_cnt; i++)
		if (vly_image_check_piece(checker, zone_idx, proof->piece[i]) != 0)
			return -1;
	return 0;
}

/* Of the zone `zone_idx`, which exists. */
static int
check_answer(const struct vly_image_checker *checker, uint32_t zone_idx, vly_image_ref ref,
	     unsigned anchor_max)
{
	const struct vly_image_answer *answer;

	if (!vly_image_heap_has(checker, ref, sizeof(*answer)))
		return vly_image_refuse(checker->error, "answer %u is outside the heap", ref);
	answer = vly_image_at(checker->image->heap, ref);
	uint64_t bytes = (uint64_t)vly_image_answer_wire_off(answer->fix_cnt) + answer->wire_len +
			 vly_image_answer_tail_bytes(answer) + VLY_IMAGE_SLACK_BYTES;
	if (!vly_image_heap_has(checker, ref, bytes))
		return vly_image_refuse(checker->error, "answer %u extends past the heap", ref);
	if (answer->keep_len > answer->wire_len ||
	    vly_image_answer_keep_arcount(answer) > answer->arcount)
		return vly_image_refuse(checker->error,
					"answer %u: keep_len is larger than wire_len", ref);
	if (answer->anchor_len == 0 || answer->anchor_len > anchor_max)
		return vly_image_refuse(checker->error, "answer %u: anchor of %u octets", ref,
					answer->anchor_len);
	if ((answer->flags & VLY_ANSWER_FAILS) &&
	    (answer->flags != FAILS_FLAGS || answer->wire_len != 0 ||
	     vly_image_answer_counts(answer) != 0 ||
	     (answer->sum != VLY_EDE_NONE && answer->sum != VLY_EDE_NOT_READY)))
		return vly_image_refuse(checker->error, "answer %u: fails, but has records", ref);
	if ((answer->flags & VLY_ANSWER_RCODE) > VLY_RCODE_YXDOMAIN)
		return vly_image_refuse(checker->error, "answer %u: impossible RCODE %u", ref,
					answer->flags & VLY_ANSWER_RCODE);
	if ((answer->flags & VLY_ANSWER_ROTATES) &&
	    (answer->ancount == 0 || answer->fix_cnt != 0 ||
	     answer->wire_len % (2u * answer->ancount) != 0))
		return vly_image_refuse(checker->error, "answer %u: cannot be rotated", ref);
	if (check_fixes(checker, ref, answer) != 0)
		return -1;
	return answer->flags & VLY_ANSWER_PROVED ? check_proof(checker, zone_idx, ref, answer) : 0;
}

static bool
name_is_valid(const uint8_t *name, unsigned len)
{
	unsigned pos = 0;

	while (pos < len && name[pos] != 0) {
		if (name[pos] > VLY_LABEL_BYTES_MAX)
			return false;
		pos += name[pos] + 1u;
	}
	return pos + 1 == len;
}

/* Of a valid name. */
static unsigned
label_cnt_of(const uint8_t *name)
{
	unsigned cnt = 0;

	for (; *name != 0; name += *name + 1u)
		cnt++;
	return cnt;
}

static int
check_pieces(const struct vly_image_checker *checker, uint32_t zone_idx,
	     const struct vly_image_signed *dnssec)
{
	const vly_image_ref piece[] = {dnssec->denial, dnssec->cover, dnssec->no_wildcard};

	for (unsigned i = 0; i < sizeof(piece) / sizeof(piece[0]); i++)
		if (piece[i] != 0 && vly_image_check_piece(checker, zone_idx, piece[i]) != 0)
			return -1;
	return 0;
}

/* The DO forms. */
static int
check_signed(const struct vly_image_checker *checker, vly_image_ref ref,
	     const struct vly_image_node *node)
{
	const struct vly_image_signed *dnssec = vly_image_node_signed(node);

	for (unsigned i = 0; i < node->type_cnt; i++)
		if (check_answer(checker, node->zone, dnssec->answer[i], node->name_len) != 0)
			return -1;
	if (check_answer(checker, node->zone, dnssec->other, node->name_len) != 0)
		return -1;
	const struct vly_image_answer *other = vly_image_at(checker->image->heap, dnssec->other);
	if (dnssec->insert_off > other->keep_len)
		return vly_image_refuse(checker->error, "node %u: no place for pieces at %u", ref,
					dnssec->insert_off);
	return check_pieces(checker, node->zone, dnssec);
}

/* What a node has for a type, or, with type 0, for all others: an answer, or a choice of them. */
static int
check_given(const struct vly_image_checker *checker, vly_image_ref ref,
	    const struct vly_image_node *node, unsigned type, vly_image_ref given)
{
	const struct vly_image_choice *choice;

	if (!(node->flags & VLY_NODE_STEERED))
		return check_answer(checker, node->zone, given, node->name_len);
	if (!vly_image_heap_has(checker, given, sizeof(*choice)))
		return vly_image_refuse(checker->error, "choice %u is outside the heap", given);
	choice = vly_image_at(checker->image->heap, given);
	if (!vly_image_heap_has(checker, given,
				sizeof(*choice) + choice->alt_cnt * sizeof(choice->alt[0])))
		return vly_image_refuse(checker->error, "choice %u extends past the heap", given);
	if (choice->alt_cnt == 0 || (choice->policy == 0 && choice->alt_cnt != 1))
		return vly_image_refuse(checker->error, "choice %u: %u alternatives%s", given,
					choice->alt_cnt,
					choice->policy == 0 ? " without a policy" : "");
	if (choice->reserved16 != 0 || choice->reserved32 != 0)
		return vly_image_refuse(checker->error, "choice %u: unknown flags", given);
	if (choice->policy != 0 && (node->flags & VLY_NODE_APEX) &&
	    (type == VLY_TYPE_NS || type == VLY_TYPE_SOA))
		return vly_image_refuse(checker->error, "node %u: an apex with a steered %s", ref,
					type == VLY_TYPE_NS ? "NS" : "SOA");
	for (unsigned i = 0; i < choice->alt_cnt; i++)
		if (check_answer(checker, node->zone, choice->alt[i], node->name_len) != 0)
			return -1;
	return 0;
}

static int
check_types(const struct vly_image_checker *checker, vly_image_ref ref,
	    const struct vly_image_node *node)
{
	unsigned type_before = 0;

	for (unsigned i = 0; i < node->type_cnt; i++) {
		if (node->type[i].type <= type_before)
			return vly_image_refuse(checker->error, "node %u: types out of order", ref);
		type_before = node->type[i].type;
		if (check_given(checker, ref, node, type_before, node->type[i].answer) != 0)
			return -1;
	}
	return check_given(checker, ref, node, 0, node->other);
}

static int
check_node(const struct vly_image_checker *checker, vly_image_ref ref)
{
	const struct vly_image_node *node;

	if (!vly_image_heap_has(checker, ref, sizeof(*node)))
		return vly_image_refuse(checker->error, "node %u is outside the heap", ref);
	node = vly_image_at(checker->image->heap, ref);
	if (!vly_image_heap_has(checker, ref,
				sizeof(*node) + node->type_cnt * sizeof(node->type[0]) +
					vly_image_node_signed_bytes(node) + node->name_len +
					NODE_SLACK_BYTES))
		return vly_image_refuse(checker->error, "node %u extends past the heap", ref);
	if (node->zone >= checker->image->header->zone_cnt)
		return vly_image_refuse(checker->error, "node %u: zone %u does not exist", ref,
					node->zone);
	if ((node->flags & VLY_NODE_STEERED) && (node->flags & UNSTEERED_FLAGS))
		return vly_image_refuse(checker->error, "node %u: steered, with flags 0x%x", ref,
					node->flags);
	if ((node->flags & VLY_NODE_GONE) && vly_image_check_gone(checker, ref, node) != 0)
		return -1;
	const bool has_signed = node->flags & VLY_NODE_SIGNED;
	if (!(node->flags & VLY_NODE_GONE) &&
	    has_signed != vly_image_is_signed(&checker->image->zone[node->zone]))
		return vly_image_refuse(checker->error, "node %u: %s, but zone %u is not", ref,
					has_signed ? "signed" : "unsigned", node->zone);
	if ((node->flags & VLY_NODE_RRSIG) && (!has_signed || (node->flags & VLY_NODE_CUT)))
		return vly_image_refuse(checker->error, "node %u: signatures at a %s", ref,
					has_signed ? "delegation" : "name of an unsigned zone");
	if (!name_is_valid(vly_image_node_name(node), node->name_len))
		return vly_image_refuse(checker->error, "node %u: malformed name", ref);
	if (node->flags & VLY_NODE_GONE)
		return 0;
	if (vly_image_check_unready_node(checker, ref, node) != 0 ||
	    check_types(checker, ref, node) != 0)
		return -1;
	return has_signed ? check_signed(checker, ref, node) : 0;
}

/* A node that is another one's wildcard answers as that one does. */
static int
check_wildcard(const struct vly_image_checker *checker, const struct vly_image_node *node)
{
	if (node->wildcard == 0)
		return 0;
	if (check_node(checker, node->wildcard) != 0)
		return -1;
	const struct vly_image_node *wildcard = vly_image_at(checker->image->heap, node->wildcard);
	if (wildcard->flags & VLY_NODE_GONE)
		return vly_image_refuse(checker->error, "node %u: a wildcard that is gone",
					node->wildcard);
	if (wildcard->zone != node->zone)
		return vly_image_refuse(checker->error,
					"node %u: a wildcard of zone %u is in zone %u",
					node->wildcard, node->zone, wildcard->zone);
	return 0;
}

/* An answer of a whole zone. It is given for names of older images, too, whose heaps do not have its
 * pieces: so it has none. */
static int
check_zone_answer(const struct vly_image_checker *checker, uint32_t idx, vly_image_ref ref,
		  unsigned apex_len)
{
	if (check_answer(checker, idx, ref, apex_len) != 0)
		return -1;
	const struct vly_image_answer *answer = vly_image_at(checker->image->heap, ref);
	if (answer->flags & VLY_ANSWER_PROVED)
		return vly_image_refuse(checker->error, "zone %u: answer %u has pieces", idx, ref);
	return 0;
}

static int
check_zone_answers(const struct vly_image_checker *checker, uint32_t idx, unsigned apex_len)
{
	const struct vly_image_zone *zone = &checker->image->zone[idx];

	if (check_zone_answer(checker, idx, zone->nxdomain, apex_len) != 0 ||
	    check_zone_answer(checker, idx, zone->nodata, apex_len) != 0)
		return -1;
	if (!vly_image_is_signed(zone))
		return 0;
	if (check_zone_answer(checker, idx, zone->signed_nxdomain, apex_len) != 0)
		return -1;
	return check_zone_answer(checker, idx, zone->signed_nodata, apex_len);
}

static int
check_zone(const struct vly_image_checker *checker, uint32_t idx)
{
	const struct vly_image_zone *zone = &checker->image->zone[idx];
	const struct vly_image_node *apex;

	if (zone->flags & ~(VLY_IMAGE_OVERLAY | VLY_IMAGE_UNREADY | VLY_IMAGE_PROVES_COVERS))
		return vly_image_refuse(checker->error, "zone %u: unknown flags 0x%x", idx,
					zone->flags);
	if ((zone->signed_nodata == 0) != (zone->signed_nxdomain == 0) ||
	    (zone->denial != 0 && !vly_image_is_signed(zone)))
		return vly_image_refuse(checker->error, "zone %u: signed by halves", idx);
	if (vly_image_check_version(checker, idx) != 0 || check_node(checker, zone->apex) != 0)
		return -1;
	apex = vly_image_at(checker->image->heap, zone->apex);
	if (apex->zone != idx || !(apex->flags & VLY_NODE_APEX))
		return vly_image_refuse(checker->error, "zone %u: node %u is not its apex", idx,
					zone->apex);
	if (zone->label_cnt != label_cnt_of(vly_image_node_name(apex)) ||
	    zone->label_max > VLY_NAME_LABELS_MAX)
		return vly_image_refuse(checker->error, "zone %u: impossible label count", idx);
	if (check_wildcard(checker, apex) != 0)
		return -1;
	if (check_zone_answers(checker, idx, apex->name_len) != 0)
		return -1;
	return vly_image_check_unready(checker, idx) != 0 ? -1
							  : vly_image_check_soa_tail(checker, idx);
}

static int
check_reachable(const struct vly_image_checker *checker, vly_image_ref ref)
{
	if (check_node(checker, ref) != 0)
		return -1;
	return check_wildcard(checker, vly_image_at(checker->image->heap, ref));
}

static int
check_bucket(const struct vly_image_checker *checker, const vly_image_ref *node, uint64_t *map)
{
	for (unsigned i = 0; i < 8; i++) {
		if (node[i] == 0)
			continue;
		if (i > 0 && node[i - 1] == 0)
			return vly_image_refuse(checker->error,
						"a bucket has a name behind a free slot");
		if (!vly_image_heap_has(checker, node[i], sizeof(struct vly_image_node)))
			return vly_image_refuse(checker->error, "node %u is outside the heap",
						node[i]);
		map[node[i] / 64] |= UINT64_C(1) << node[i] % 64;
	}
	return 0;
}

uint64_t
vly_image_map_words(const struct vly_image *image)
{
	return image->header->section[VLY_SECTION_HEAP].bytes / VLY_IMAGE_REF_BYTES / 64 + 1;
}

/* Names are in the buckets in random order, so each sets a bit in another cache line of the map. */
static void
fetch_bits(const struct vly_image_bucket *bucket, const uint64_t *map)
{
	for (unsigned i = 0; i < 8; i++)
		__builtin_prefetch(&map[bucket->node[i] / 64], 1);
}

int
vly_image_check_buckets(const struct vly_image *image, unsigned part, unsigned part_cnt,
			uint64_t *map, struct vly_image_error *error)
{
	const struct vly_image_checker checker = vly_image_checker_of(image, error);
	uint64_t end = vly_image_part_begin(image->bucket_cnt, part + 1, part_cnt);

	for (uint64_t i = vly_image_part_begin(image->bucket_cnt, part, part_cnt); i < end; i++) {
		if (i + BUCKETS_AHEAD < end)
			fetch_bits(&image->bucket[i + BUCKETS_AHEAD], map);
		if (check_bucket(&checker, image->bucket[i].node, map) != 0)
			return -1;
	}
	return 0;
}

static int
check_zones(const struct vly_image_checker *checker, unsigned part, unsigned part_cnt)
{
	uint32_t zone_cnt = checker->image->header->zone_cnt;
	uint64_t end = vly_image_part_begin(zone_cnt, part + 1, part_cnt);

	for (uint64_t i = vly_image_part_begin(zone_cnt, part, part_cnt); i < end; i++)
		if (check_zone(checker, (uint32_t)i) != 0)
			return -1;
	return 0;
}

int
vly_image_check_heap(const struct vly_image *image, unsigned part, unsigned part_cnt,
		     uint64_t *const *map, unsigned map_cnt, struct vly_image_error *error)
{
	const struct vly_image_checker checker = vly_image_checker_of(image, error);
	uint64_t word_cnt = vly_image_map_words(image);
	uint64_t end = vly_image_part_begin(word_cnt, part + 1, part_cnt);

	if (check_zones(&checker, part, part_cnt) != 0)
		return -1;
	for (uint64_t i = vly_image_part_begin(word_cnt, part, part_cnt); i < end; i++) {
		uint64_t bits = 0;
		for (unsigned m = 0; m < map_cnt; m++)
			bits |= map[m][i];
		for (; bits != 0; bits &= bits - 1) {
			uint64_t ref = i * 64 + (unsigned)__builtin_ctzll(bits);
			if (check_reachable(&checker, (vly_image_ref)ref) != 0)
				return -1;
		}
	}
	return 0;
}
