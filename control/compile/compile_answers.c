/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compiler.h"
#include "zone/rdata.h"

static const uint8_t *
node_name(const struct vly_compiler *compiler, uint32_t idx, unsigned *len)
{
	return vly_zone_node_name(compiler->zone, idx, len);
}

/* Its TTL is that of negative answers (RFC 2308 §3); so is that of its signatures (RFC 4034 §3). */
void
vly_compile_add_negative(struct vly_compiler *compiler)
{
	struct vly_answer_record record = {
		.type = VLY_TYPE_SOA,
		.ttl = compiler->negative_ttl,
		.data = compiler->soa->data,
		.data_len = compiler->soa->data_len,
	};
	unsigned len;

	record.owner = node_name(compiler, 0, &len);
	vly_answer_add(compiler->writer, VLY_SECTION_AUTHORITY, &record);
	record.type = VLY_TYPE_RRSIG;
	for (unsigned i = 0; compiler->dnssec && i < compiler->soa_rrsig_cnt; i++) {
		record.data = compiler->soa_rrsig[i]->data;
		record.data_len = compiler->soa_rrsig[i]->data_len;
		vly_answer_add(compiler->writer, VLY_SECTION_AUTHORITY, &record);
	}
}

void
vly_compile_begin(struct vly_compiler *compiler, uint32_t idx, uint8_t flags)
{
	const struct vly_zone_node *node = &compiler->zone->node[idx];
	bool is_wildcard =
		node->parent != VLY_ZONE_NONE && compiler->zone->node[node->parent].wildcard == idx;
	bool is_cut = node->flags & VLY_ZONE_CUT;
	unsigned len;
	const uint8_t *name = node_name(compiler, is_wildcard ? node->parent : idx, &len);

	vly_answer_begin(compiler->writer, name, len, flags, is_wildcard || is_cut);
	compiler->in_wildcard = is_wildcard;
	compiler->piece_cnt = 0;
	vly_compiler_deny_copy(compiler, idx);
}

int
vly_compile_add_referral(struct vly_compiler *compiler, uint32_t cut_idx,
			 const struct vly_rrsets *rrsets)
{
	const struct vly_compiler_place place = {NULL, cut_idx, cut_idx};
	const struct vly_rrset *ns = vly_rrsets_find(rrsets, VLY_TYPE_NS);
	const struct vly_rrset *ds = vly_rrsets_find(rrsets, VLY_TYPE_DS);
	unsigned len;
	const uint8_t *owner = node_name(compiler, cut_idx, &len);

	vly_compiler_add_rrset(compiler, VLY_SECTION_AUTHORITY, owner, ns, NULL);
	if (compiler->dnssec && ds != NULL) /* RFC 4035 §3.1.4 */
		vly_compiler_add_rrset(
			compiler, VLY_SECTION_AUTHORITY, owner, ds,
			vly_compiler_signatures(compiler, rrsets, cut_idx, VLY_TYPE_DS));
	else
		vly_compiler_deny_type(compiler, cut_idx);
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
	vly_compile_begin(compiler, idx, VLY_ANSWER_AA);
	vly_compiler_add_rrset(compiler, VLY_SECTION_ANSWER, NULL, rrset,
			       vly_compiler_signatures(compiler, &compiler->own, idx, rrset->type));
	/* addresses have one length, and no names that others point to */
	if (rrset->record_cnt > 1 && (rrset->type == VLY_TYPE_A || rrset->type == VLY_TYPE_AAAA) &&
	    compiler->writer->count[VLY_SECTION_ANSWER] == rrset->record_cnt)
		compiler->writer->flags |= VLY_ANSWER_ROTATES;
	if (vly_compile_additional(compiler, rrset, &place) != 0)
		return -1;
	return vly_compile_store_type(compiler, rrset->type);
}

/* The NODATA answer of the form at hand. */
static vly_image_ref
nodata(const struct vly_compiler *compiler)
{
	return compiler->dnssec ? compiler->signed_nodata : compiler->nodata;
}

/* A cut: DS is the parent's (RFC 4035 §3.1.4.1), all else is referred. Returns the referral. */
static vly_image_ref
compile_cut(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_rrset *ds = vly_rrsets_find(&compiler->own, VLY_TYPE_DS);
	const bool proves_covers = compiler->proves_covers;

	if ((ds != NULL ? compile_rrset(compiler, idx, ds)
			: vly_compile_list_type(compiler, VLY_TYPE_DS, nodata(compiler))) != 0)
		return 0;
	vly_compile_begin(compiler, idx, VLY_ANSWER_REFERRAL);
	if (vly_compile_add_referral(compiler, idx, &compiler->own) != 0)
		return 0;
	/* the node itself lists the pieces, and where they go */
	compiler->insert_off = compiler->writer->overflow ? 0 : compiler->writer->insert_off;
	compiler->piece_cnt = 0;
	compiler->proves_covers = proves_covers;
	compiler->in_wildcard = false;
	return vly_compile_store(compiler, compiler->dnssec ? compiler->other : 0);
}

static bool
is_listed(const struct vly_compiler *compiler, uint16_t type)
{
	return !compiler->is_composed || (type != VLY_TYPE_RRSIG && type != VLY_TYPE_NSEC);
}

/* Lists for ANY the first of the node's own answers that is not too large, where that is not just
 * the first type's. */
static int
list_any(struct vly_compiler *compiler, bool is_alias)
{
	unsigned listed_cnt = 0;

	for (unsigned i = 0; i < compiler->own.cnt; i++) {
		uint16_t type = compiler->own.rrset[i].type;
		if (!is_listed(compiler, type))
			continue;
		/* a plain answer has just been listed at the same place */
		vly_image_ref answer = compiler->dnssec ? vly_compile_listed_signed(compiler, type)
							: compiler->type[listed_cnt].answer;
		listed_cnt++;
		if (answer == compiler->too_large)
			continue;
		if (listed_cnt == 1 && !is_alias)
			return 0;
		return (compiler->is_steered ? vly_compile_list_choice : vly_compile_list_type)(
			compiler, VLY_TYPE_ANY, answer);
	}
	return 0;
}

/* ANY of a steered name is one of its types. ANY is listed where it is not just the first type's answer: when all RRsets are wanted, and at an
 * alias, which lists types that are not its own. If they do not fit, one of them is enough. */
static int
compile_any(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_rrsets *own = &compiler->own;
	bool is_alias = compiler->zone->node[idx].flags & VLY_ZONE_CNAME;

	if ((!(compiler->draft->any_all && own->cnt > 1) && !is_alias) || compiler->is_steered)
		return list_any(compiler, is_alias);
	/* all RRsets have the signatures among them */
	const struct vly_rrset *rrsigs =
		compiler->draft->any_all
			? NULL
			: vly_compiler_signatures(compiler, own, idx, VLY_TYPE_CNAME);
	vly_compile_begin(compiler, idx, VLY_ANSWER_AA);
	for (unsigned i = 0; i < own->cnt; i++)
		if (compiler->draft->any_all || own->rrset[i].type == VLY_TYPE_CNAME)
			vly_compiler_add_rrset(compiler, VLY_SECTION_ANSWER, NULL, &own->rrset[i],
					       rrsigs);
	if (compiler->writer->overflow)
		return list_any(compiler, is_alias);
	return vly_compile_store_type(compiler, VLY_TYPE_ANY);
}

/* The answers of a steered node. What it has besides is compiled as ever. */
static vly_image_ref
compile_steered(struct vly_compiler *compiler, uint32_t idx)
{
	bool is_alias = compiler->zone->node[idx].flags & VLY_ZONE_CNAME;
	vly_image_ref choice = 0;

	for (unsigned i = 0; i < compiler->own.cnt; i++) {
		const struct vly_rrset *rrset = &compiler->own.rrset[i];
		const struct vly_steer_kind *kind = vly_compile_kind(compiler, idx, rrset->type);
		if (kind != NULL)
			choice = vly_compile_steered(compiler, idx, kind);
		if (kind != NULL ? choice == 0 : compile_rrset(compiler, idx, rrset) != 0)
			return 0;
	}
	if (compile_any(compiler, idx) != 0)
		return 0;
	return is_alias ? choice : vly_compile_only(compiler, nodata(compiler));
}

/* Compiles the answers of a node that is no cut. */
static vly_image_ref
compile_data(struct vly_compiler *compiler, uint32_t idx)
{
	bool is_alias = compiler->zone->node[idx].flags & VLY_ZONE_CNAME;

	for (unsigned i = 0; i < compiler->own.cnt; i++)
		if (is_listed(compiler, compiler->own.rrset[i].type) &&
		    compile_rrset(compiler, idx, &compiler->own.rrset[i]) != 0)
			return 0;
	if (compile_any(compiler, idx) != 0)
		return 0;
	return is_alias ? vly_compile_alias(compiler, idx) : nodata(compiler);
}

/* Whether each of the node's signatures belongs to an RRset whose DO form it is in. */
static bool
are_in_forms(const struct vly_rrsets *own, const struct vly_rrset *rrsigs)
{
	for (unsigned i = 0; i < rrsigs->record_cnt; i++) {
		const struct vly_zone_record *record = rrsigs->record[i];
		uint16_t covered = record->data_len >= 2 ? vly_be16(record->data) : VLY_TYPE_RRSIG;
		if (covered == VLY_TYPE_RRSIG || vly_rrsets_find(own, covered) == NULL)
			return false;
	}
	return true;
}

/* Whether the dataplane can compose the node's answers for RRSIG and NSEC from what else there is.
 * Broken zones may have more. */
static bool
can_compose(const struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_rrsets *own = &compiler->own;
	const struct vly_rrset *rrsigs = vly_rrsets_find(own, VLY_TYPE_RRSIG);
	bool has_nsec = vly_rrsets_find(own, VLY_TYPE_NSEC) != NULL;
	unsigned flags = compiler->zone->node[idx].flags;
	unsigned other_cnt = own->cnt - 1 - has_nsec;
	struct vly_denial_refs refs;

	if (!compiler->is_signed || rrsigs == NULL || idx >= compiler->denial.node_cnt ||
	    (flags & VLY_ZONE_OCCLUDED) || other_cnt == 0 ||
	    ((flags & VLY_ZONE_CNAME) && other_cnt > 1) || !are_in_forms(own, rrsigs))
		return false;
	vly_denial_of_node(&compiler->denial, idx, &refs);
	return compiler->denial.kind == VLY_DENIAL_NSEC ? has_nsec && refs.denial != 0 : !has_nsec;
}

vly_image_ref
vly_compile_answers(struct vly_compiler *compiler, uint32_t idx)
{
	bool is_cut = compiler->zone->node[idx].flags & VLY_ZONE_CUT;

	if (!compiler->dnssec) {
		compiler->type_cnt = 0;
		compiler->is_composed = !is_cut && can_compose(compiler, idx);
	}
	compiler->is_steered = compiler->zone->node[idx].flags & VLY_ZONE_STEERED;
	vly_image_ref other = is_cut                 ? compile_cut(compiler, idx)
			      : compiler->is_steered ? compile_steered(compiler, idx)
						     : compile_data(compiler, idx);
	compiler->is_steered = false;
	return other != 0 && vly_compile_finish_types(compiler) == 0 ? other : 0;
}

vly_image_ref
vly_compile_negative(struct vly_compiler *compiler, enum vly_rcode rcode)
{
	unsigned len;
	const uint8_t *apex = node_name(compiler, 0, &len);

	vly_answer_begin(compiler->writer, apex, len, (uint8_t)(VLY_ANSWER_AA | rcode), true);
	compiler->in_wildcard = false;
	compiler->piece_cnt = 0;
	vly_compile_add_negative(compiler);
	return vly_compile_store(compiler, 0);
}
