/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers of an alias: its CNAME chain is followed here, so that one compiled answer holds all
 * of it. */
#include "compiler.h"

/* Adds a record of node `idx` as it is, and its signatures in a DO form. */
static int
add_signed(struct vly_compiler *compiler, uint32_t idx, const uint8_t *owner,
	   const struct vly_zone_record *record)
{
	vly_answer_add(compiler->writer, VLY_SECTION_ANSWER,
		       &(struct vly_answer_record){
			       .owner = owner,
			       .type = record->type,
			       .ttl = record->ttl,
			       .data = record->data,
			       .data_len = record->data_len,
		       });
	if (!compiler->dnssec)
		return 0;
	if (compiler->hop.cnt == 0 || compiler->hop_idx != idx) {
		compiler->hop_idx = idx;
		if (vly_compiler_load(compiler, &compiler->hop, idx) != 0)
			return -1;
	}
	vly_compiler_add_rrsigs(
		compiler, VLY_SECTION_ANSWER, owner, record->type,
		vly_compiler_signatures(compiler, &compiler->hop, idx, record->type));
	return 0;
}

static int
add_hop(struct vly_compiler *compiler, const struct vly_chain_hop *hop, bool is_first)
{
	const struct vly_zone_record *record = hop->by.alias;
	const uint8_t *owner = is_first ? NULL : hop->owner.lower;
	unsigned len;

	if (!is_first && hop->encloser_idx != VLY_ZONE_NONE)
		vly_compiler_deny_match(compiler, hop->encloser_idx, &hop->owner);
	vly_compiler_deny_copy(compiler, hop->node_idx);
	if (record->type == VLY_TYPE_CNAME)
		return add_signed(compiler, hop->node_idx, owner, record);
	if (hop->dname_idx != VLY_ZONE_NONE &&
	    add_signed(compiler, hop->dname_idx,
		       vly_zone_node_name(compiler->zone, hop->dname_idx, &len), record) != 0)
		return -1;
	vly_answer_add(compiler->writer, VLY_SECTION_ANSWER,
		       &(struct vly_answer_record){
			       .owner = owner,
			       .type = VLY_TYPE_CNAME,
			       .ttl = record->ttl, /* RFC 6672 §3.1: the DNAME's */
			       .data = hop->target,
			       .data_len = (uint16_t)hop->target_len,
		       });
	return 0;
}

/* Begins an answer for an alias and writes the CNAMEs of its chain. */
static int
begin_chain(struct vly_compiler *compiler, uint32_t idx, enum vly_rcode rcode)
{
	vly_compile_begin(compiler, idx, (uint8_t)(VLY_ANSWER_AA | rcode));
	for (unsigned i = 0; i < compiler->chain.hop_cnt; i++)
		if (add_hop(compiler, &compiler->chain.hop[i], i == 0) != 0)
			return -1;
	return 0;
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
	const uint8_t *name = vly_zone_node_name(compiler->zone, chain->node_idx, &len);

	return chain->target.len == len && memcmp(chain->target.lower, name, len) == 0;
}

/* The DNAME that makes too long a name proves the YXDOMAIN. */
static int
add_beyond(struct vly_compiler *compiler)
{
	const struct vly_chain *chain = &compiler->chain;
	unsigned len;

	if (has_passed(chain))
		return 0;
	return add_signed(compiler, chain->node_idx,
			  vly_zone_node_name(compiler->zone, chain->node_idx, &len),
			  chain->dname_beyond);
}

/* NODATA at the end of the chain: the SOA, and the pieces of a DO form. */
static void
add_no_type(struct vly_compiler *compiler)
{
	const struct vly_chain *chain = &compiler->chain;

	vly_compile_add_negative(compiler);
	if (chain->encloser_idx != VLY_ZONE_NONE) {
		vly_compiler_deny_encloser(compiler, chain->encloser_idx);
		vly_compiler_deny_match(compiler, chain->encloser_idx, &chain->target);
	}
	vly_compiler_deny_type(compiler, chain->node_idx);
}

/* The answer of an alias for the types that the end of its chain does not have. */
static vly_image_ref
compile_chain_end(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_chain *chain = &compiler->chain;

	if (begin_chain(compiler, idx, chain_rcode(chain)) != 0)
		return 0;
	if (chain->end == VLY_CHAIN_NXDOMAIN) {
		vly_compile_add_negative(compiler);
		vly_compiler_deny_name(compiler, chain->encloser_idx, &chain->target);
	} else if (chain->end == VLY_CHAIN_NODE) {
		add_no_type(compiler);
	} else if (chain->end == VLY_CHAIN_CUT) {
		if (vly_compile_add_referral(compiler, chain->node_idx, &compiler->target) != 0)
			return 0;
	} else if (chain->end == VLY_CHAIN_YXDOMAIN && add_beyond(compiler) != 0) {
		return 0;
	}
	return vly_compile_store(compiler, compiler->dnssec ? compiler->other : 0);
}

/* Adds an RRset of the end of the chain, which a wildcard may have. */
static int
add_chain_data(struct vly_compiler *compiler, const struct vly_rrset *rrset)
{
	const struct vly_chain *chain = &compiler->chain;
	const struct vly_compiler_place place = {chain->target.lower, chain->node_idx,
						 VLY_ZONE_NONE};

	if (chain->encloser_idx != VLY_ZONE_NONE)
		vly_compiler_deny_match(compiler, chain->encloser_idx, &chain->target);
	if (rrset->type != VLY_TYPE_DNAME || !is_at_node(compiler) || !has_passed(chain))
		vly_compiler_add_rrset(compiler, VLY_SECTION_ANSWER, chain->target.lower, rrset,
				       vly_compiler_signatures(compiler, &compiler->target,
							       chain->node_idx, rrset->type));
	return vly_compile_additional(compiler, rrset, &place);
}

/* The answer of an alias for a type that is for the end of its chain to answer, with data or
 * without. */
static int
compile_chain_type(struct vly_compiler *compiler, uint32_t idx, uint16_t type)
{
	const struct vly_rrset *rrset = vly_rrsets_find(&compiler->target, type);

	if (vly_rrsets_find(&compiler->own, type) != NULL)
		return 0; /* the alias answers for itself: RRSIG and NSEC */
	if (begin_chain(compiler, idx, VLY_RCODE_NOERROR) != 0)
		return -1;
	if (rrset == NULL)
		add_no_type(compiler);
	else if (add_chain_data(compiler, rrset) != 0)
		return -1;
	return vly_compile_store_type(compiler, type);
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

vly_image_ref
vly_compile_alias(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_chain *chain = &compiler->chain;

	if (!compiler->dnssec) /* the DO form has the same chain */
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
