/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <volley/checksum.h>

#include "compiler.h"
#include "zone/rdata.h"

static const uint8_t *
node_name(const struct vly_compiler *compiler, uint32_t idx, unsigned *len)
{
	return vly_zone_node_name(compiler->zone, idx, len);
}

/* The SOA in the authority section, with the TTL of negative answers (RFC 2308 §3). */
static void
add_negative(struct vly_compiler *compiler)
{
	unsigned len;

	vly_answer_add(compiler->writer, VLY_SECTION_AUTHORITY,
		       &(struct vly_answer_record){
			       .owner = node_name(compiler, 0, &len),
			       .type = VLY_TYPE_SOA,
			       .ttl = compiler->negative_ttl,
			       .data = compiler->soa->data,
			       .data_len = compiler->soa->data_len,
		       });
}

/* Appends the finished answer to the heap. All of it is kept, unless a part was marked as optional.
 * Returns 0 when there is no memory. */
static vly_image_ref
append_answer(struct vly_compiler *compiler)
{
	struct vly_answer_writer *writer = compiler->writer;
	struct vly_arena *file = &compiler->draft->file;

	if (!writer->kept)
		vly_answer_keep(writer);
	unsigned wire_off = vly_image_answer_wire_off((uint16_t)writer->fix_cnt);
	unsigned tail = writer->keep_len < writer->wire_len ? sizeof(writer->keep_arcount) : 0;
	uint64_t off =
		vly_arena_append(file, wire_off + writer->wire_len + tail, VLY_IMAGE_REF_BYTES);
	if (off == 0) {
		(void)vly_compiler_fail_memory(compiler);
		return 0;
	}
	struct vly_image_answer *answer = (void *)(file->base + off);
	*answer = (struct vly_image_answer){
		.wire_len = (uint16_t)writer->wire_len,
		.keep_len = writer->keep_len,
		.ancount = writer->count[VLY_SECTION_ANSWER],
		.nscount = writer->count[VLY_SECTION_AUTHORITY],
		.arcount = writer->count[VLY_SECTION_ADDITIONAL],
		.sum = vly_sum_fold(vly_sum_octets(writer->wire, writer->wire_len)),
		.fix_cnt = (uint16_t)writer->fix_cnt,
		.anchor_len = writer->anchor_len,
		.flags = writer->flags,
	};
	memcpy(answer->fix, writer->fix, writer->fix_cnt * sizeof(answer->fix[0]));
	memcpy(file->base + off + wire_off, writer->wire, writer->wire_len);
	memcpy(file->base + off + wire_off + writer->wire_len, &writer->keep_arcount, tail);
	return (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
}

/* The same; one answer stands for all that are too large. Returns 0 on failure. */
static vly_image_ref
store_answer(struct vly_compiler *compiler)
{
	unsigned len;

	if (!compiler->writer->overflow)
		return append_answer(compiler);
	if (vly_compiler_report_size(compiler, "an answer with this record is larger than any DNS "
					       "message (65,535 octets) and becomes SERVFAIL") != 0)
		return 0;
	if (compiler->too_large == 0) {
		const uint8_t *apex = node_name(compiler, 0, &len);
		vly_answer_begin(compiler->writer, apex, len,
				 VLY_ANSWER_TOO_LARGE | VLY_RCODE_SERVFAIL, false);
		compiler->too_large = append_answer(compiler);
	}
	return compiler->too_large;
}

/* Begins an answer for a node; a wildcard's is asked with names below its parent. */
static void
begin_answer(struct vly_compiler *compiler, uint32_t idx, uint8_t flags)
{
	const struct vly_zone_node *node = &compiler->zone->node[idx];
	bool is_wildcard =
		node->parent != VLY_ZONE_NONE && compiler->zone->node[node->parent].wildcard == idx;
	bool is_cut = node->flags & VLY_ZONE_CUT;
	unsigned len;
	const uint8_t *name = node_name(compiler, is_wildcard ? node->parent : idx, &len);

	vly_answer_begin(compiler->writer, name, len, flags, is_wildcard || is_cut);
}

static int
add_type(struct vly_compiler *compiler, uint16_t type, vly_image_ref answer)
{
	if (answer == 0)
		return -1;
	if (compiler->type_cnt == compiler->type_size) {
		unsigned size = compiler->type_size == 0 ? 16 : compiler->type_size * 2;
		void *grown = realloc(compiler->type, size * sizeof(*compiler->type));
		if (grown == NULL)
			return vly_compiler_fail_memory(compiler);
		compiler->type = grown;
		compiler->type_size = size;
	}
	compiler->type[compiler->type_cnt++] =
		(struct vly_image_type){.type = type, .answer = answer};
	return 0;
}

/* The referral to the child zone at `cut_idx`, whose NS RRset is `ns`: authority section and glue.
 */
static int
add_referral(struct vly_compiler *compiler, uint32_t cut_idx, const struct vly_rrset *ns)
{
	const struct vly_compiler_place place = {NULL, cut_idx, cut_idx};
	unsigned len;

	vly_compiler_add_rrset(compiler, VLY_SECTION_AUTHORITY, node_name(compiler, cut_idx, &len),
			       ns);
	if (vly_compile_glue(compiler, ns, cut_idx) != 0)
		return -1;
	return vly_compile_additional(compiler, ns, &place);
}

/* Writes one RRset to the answer section, and its additional records. */
static int
compile_rrset(struct vly_compiler *compiler, uint32_t idx, const struct vly_rrset *rrset)
{
	const struct vly_compiler_place place = {NULL, idx, VLY_ZONE_NONE};

	compiler->blamed = rrset->record[0];
	begin_answer(compiler, idx, VLY_ANSWER_AA);
	vly_compiler_add_rrset(compiler, VLY_SECTION_ANSWER, NULL, rrset);
	/* addresses have one length, and no names that others point to */
	if (rrset->record_cnt > 1 && (rrset->type == VLY_TYPE_A || rrset->type == VLY_TYPE_AAAA))
		compiler->writer->flags |= VLY_ANSWER_ROTATES;
	if (vly_compile_additional(compiler, rrset, &place) != 0)
		return -1;
	return add_type(compiler, rrset->type, store_answer(compiler));
}

/* A cut: DS is the parent's (RFC 4035 §3.1.4.1), all else is referred. Returns the referral. */
static vly_image_ref
compile_cut(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_rrset *ds = vly_rrsets_find(&compiler->own, VLY_TYPE_DS);

	if ((ds != NULL ? compile_rrset(compiler, idx, ds)
			: add_type(compiler, VLY_TYPE_DS, compiler->nodata)) != 0)
		return 0;
	begin_answer(compiler, idx, VLY_ANSWER_REFERRAL);
	if (add_referral(compiler, idx, vly_rrsets_find(&compiler->own, VLY_TYPE_NS)) != 0)
		return 0;
	return store_answer(compiler);
}

static void
add_hop(struct vly_compiler *compiler, const struct vly_chain_hop *hop, bool is_first)
{
	const struct vly_zone_record *record = hop->by.alias;
	unsigned len;

	if (hop->dname_idx != VLY_ZONE_NONE)
		vly_answer_add(compiler->writer, VLY_SECTION_ANSWER,
			       &(struct vly_answer_record){
				       .owner = node_name(compiler, hop->dname_idx, &len),
				       .type = VLY_TYPE_DNAME,
				       .ttl = record->ttl,
				       .data = record->data,
				       .data_len = record->data_len,
			       });
	vly_answer_add(compiler->writer, VLY_SECTION_ANSWER,
		       &(struct vly_answer_record){
			       .owner = is_first ? NULL : hop->owner.lower,
			       .type = VLY_TYPE_CNAME,
			       .ttl = record->ttl, /* RFC 6672 §3.1: the DNAME's */
			       .data = hop->target,
			       .data_len = (uint16_t)hop->target_len,
		       });
}

/* Begins an answer for an alias and writes the CNAMEs of its chain. */
static void
begin_chain(struct vly_compiler *compiler, uint32_t idx, enum vly_rcode rcode)
{
	begin_answer(compiler, idx, (uint8_t)(VLY_ANSWER_AA | rcode));
	for (unsigned i = 0; i < compiler->chain.hop_cnt; i++)
		add_hop(compiler, &compiler->chain.hop[i], i == 0);
}

static enum vly_rcode
chain_rcode(const struct vly_chain *chain)
{
	switch (chain->end) {
	case VLY_CHAIN_NXDOMAIN:
		return VLY_RCODE_NXDOMAIN;
	case VLY_CHAIN_YXDOMAIN:
		return VLY_RCODE_YXDOMAIN;
	default:
		return VLY_RCODE_NOERROR;
	}
}

/* Whether the DNAME at the chain's last node is in the answer, since the chain has passed there. */
static bool
has_passed(const struct vly_chain *chain)
{
	for (unsigned i = 0; i < chain->hop_cnt; i++)
		if (chain->hop[i].dname_idx == chain->node_idx)
			return true;
	return false;
}

/* True when the chain ends at the very name of its node, which is no wildcard for it then. */
static bool
is_at_node(const struct vly_compiler *compiler)
{
	const struct vly_chain *chain = &compiler->chain;
	unsigned len;
	const uint8_t *name = node_name(compiler, chain->node_idx, &len);

	return chain->target.len == len && memcmp(chain->target.lower, name, len) == 0;
}

/* The DNAME that makes too long a name proves the YXDOMAIN. */
static void
add_beyond(struct vly_compiler *compiler)
{
	const struct vly_zone_record *dname = compiler->chain.dname_beyond;
	unsigned len;

	if (has_passed(&compiler->chain))
		return;
	vly_answer_add(compiler->writer, VLY_SECTION_ANSWER,
		       &(struct vly_answer_record){
			       .owner = node_name(compiler, compiler->chain.node_idx, &len),
			       .type = VLY_TYPE_DNAME,
			       .ttl = dname->ttl,
			       .data = dname->data,
			       .data_len = dname->data_len,
		       });
}

/* The answer of an alias for the types that the end of its chain does not have. */
static vly_image_ref
compile_chain_end(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_chain *chain = &compiler->chain;

	begin_chain(compiler, idx, chain_rcode(chain));
	if (chain->end == VLY_CHAIN_NXDOMAIN || chain->end == VLY_CHAIN_NODE) {
		add_negative(compiler);
	} else if (chain->end == VLY_CHAIN_CUT) {
		const struct vly_rrset *ns = vly_rrsets_find(&compiler->target, VLY_TYPE_NS);
		if (add_referral(compiler, chain->node_idx, ns) != 0)
			return 0;
	} else if (chain->end == VLY_CHAIN_YXDOMAIN) {
		add_beyond(compiler);
	}
	return store_answer(compiler);
}

/* The answer of an alias for a type that is for the end of its chain to answer, with data or
 * without. */
static int
compile_chain_type(struct vly_compiler *compiler, uint32_t idx, uint16_t type)
{
	const struct vly_rrset *rrset = vly_rrsets_find(&compiler->target, type);

	if (vly_rrsets_find(&compiler->own, type) != NULL)
		return 0; /* the alias answers for itself: RRSIG and NSEC */
	begin_chain(compiler, idx, VLY_RCODE_NOERROR);
	if (rrset == NULL)
		add_negative(compiler);
	else if (type != VLY_TYPE_DNAME || !is_at_node(compiler) || !has_passed(&compiler->chain))
		vly_compiler_add_rrset(compiler, VLY_SECTION_ANSWER, compiler->chain.target.lower,
				       rrset);
	const struct vly_compiler_place place = {compiler->chain.target.lower,
						 compiler->chain.node_idx, VLY_ZONE_NONE};
	if (rrset != NULL && vly_compile_additional(compiler, rrset, &place) != 0)
		return -1;
	return add_type(compiler, type, store_answer(compiler));
}

/* Loads the RRsets of the end of the chain, if it has any. Many aliases have the same end: it is not
 * loaded again then. */
static int
load_target(struct vly_compiler *compiler)
{
	const struct vly_chain *chain = &compiler->chain;

	if (chain->end != VLY_CHAIN_NODE && chain->end != VLY_CHAIN_CUT)
		return 0;
	if (compiler->target.cnt > 0 && compiler->target_idx == chain->node_idx)
		return 0;
	compiler->target_idx = chain->node_idx;
	return vly_compiler_load(compiler, &compiler->target, chain->node_idx);
}

/* An alias: its CNAME chain is followed here, so that one compiled answer holds all of it. */
static vly_image_ref
compile_alias(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_chain *chain = &compiler->chain;

	vly_chain_follow(chain, compiler->zone, idx, compiler->by_wildcard);
	if (load_target(compiler) != 0)
		return 0;
	for (unsigned i = 0; chain->end == VLY_CHAIN_NODE && i < compiler->target.cnt; i++)
		if (compile_chain_type(compiler, idx, compiler->target.rrset[i].type) != 0)
			return 0;
	/* A cut's DS is this zone's (RFC 4035 §3.1.4.1). */
	if (chain->end == VLY_CHAIN_CUT && is_at_node(compiler) &&
	    compile_chain_type(compiler, idx, VLY_TYPE_DS) != 0)
		return 0;
	return compile_chain_end(compiler, idx);
}

static int
by_type(const void *a, const void *b)
{
	const struct vly_image_type *left = a;
	const struct vly_image_type *right = b;

	return left->type < right->type ? -1 : left->type > right->type;
}

/* Lists for ANY the first of the node's own answers that is not too large, where that is not just
 * the first type's. */
static int
list_any(struct vly_compiler *compiler, bool is_alias)
{
	for (unsigned i = 0; i < compiler->type_cnt; i++) {
		vly_image_ref answer = compiler->type[i].answer;
		if (answer != compiler->too_large)
			return i > 0 || is_alias ? add_type(compiler, VLY_TYPE_ANY, answer) : 0;
	}
	return 0;
}

/* ANY is listed where it is not just the first type's answer: when all RRsets are wanted, and at an
 * alias, which lists types that are not its own. If they do not fit, one of them is enough. */
static int
compile_any(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_rrsets *own = &compiler->own;
	bool is_alias = compiler->zone->node[idx].flags & VLY_ZONE_CNAME;

	if (!(compiler->draft->any_all && own->cnt > 1) && !is_alias)
		return list_any(compiler, is_alias);
	begin_answer(compiler, idx, VLY_ANSWER_AA);
	for (unsigned i = 0; i < own->cnt; i++)
		if (compiler->draft->any_all || own->rrset[i].type == VLY_TYPE_CNAME)
			vly_compiler_add_rrset(compiler, VLY_SECTION_ANSWER, NULL, &own->rrset[i]);
	if (compiler->writer->overflow)
		return list_any(compiler, is_alias);
	return add_type(compiler, VLY_TYPE_ANY, store_answer(compiler));
}

vly_image_ref
vly_compile_answers(struct vly_compiler *compiler, uint32_t idx)
{
	unsigned flags = compiler->zone->node[idx].flags;
	vly_image_ref other = compiler->nodata;

	compiler->type_cnt = 0;
	if (flags & VLY_ZONE_CUT)
		return compile_cut(compiler, idx);
	for (unsigned i = 0; i < compiler->own.cnt; i++) {
		const struct vly_rrset *rrset = &compiler->own.rrset[i];
		if (compile_rrset(compiler, idx, rrset) != 0)
			return 0;
	}
	if (compile_any(compiler, idx) != 0)
		return 0;
	if (flags & VLY_ZONE_CNAME)
		other = compile_alias(compiler, idx);
	if (compiler->type_cnt > 1)
		qsort(compiler->type, compiler->type_cnt, sizeof(*compiler->type), by_type);
	return other;
}

vly_image_ref
vly_compile_negative(struct vly_compiler *compiler, enum vly_rcode rcode)
{
	unsigned len;
	const uint8_t *apex = node_name(compiler, 0, &len);

	vly_answer_begin(compiler->writer, apex, len, (uint8_t)(VLY_ANSWER_AA | rcode), true);
	add_negative(compiler);
	return store_answer(compiler);
}
