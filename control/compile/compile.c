/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "compile_steer.h"
#include "compiler.h"
#include "zone/rdata.h"

static int
store_name(struct vly_compiler *compiler, const struct vly_zone_node *source)
{
	struct vly_image_draft *draft = compiler->draft;
	uint64_t off = vly_arena_append(&draft->names, sizeof(struct vly_image_name), 8);

	if (off == 0)
		return vly_compiler_fail_memory(compiler);
	*(struct vly_image_name *)(draft->names.base + off) =
		(struct vly_image_name){.hash = source->hash, .node = source->image_ref};
	draft->name_cnt++;
	return 0;
}

static struct vly_image_node *
compiled_node(const struct vly_compiler *compiler, vly_image_ref ref)
{
	uint8_t *heap = compiler->draft->file.base + VLY_DRAFT_HEAP_OFF;

	return (void *)(heap + (uint64_t)ref * VLY_IMAGE_REF_BYTES);
}

/* Writes the refs of the DO forms behind type[], and the numbers of the pieces (denial.h). */
static void
write_signed(const struct vly_compiler *compiler, uint32_t idx, vly_image_ref signed_other,
	     struct vly_image_node *node)
{
	struct vly_image_signed *to = (void *)&node->type[node->type_cnt];
	bool is_cut = node->flags & VLY_NODE_CUT;
	bool has_ds = is_cut && vly_rrsets_find(&compiler->own, VLY_TYPE_DS) != NULL;
	struct vly_denial_refs refs = {0};

	if (!has_ds)
		vly_denial_of_node(&compiler->denial, idx, &refs);
	to->other = signed_other;
	to->denial = refs.denial;
	to->cover = refs.cover;
	to->no_wildcard = refs.no_wildcard;
	to->insert_off = is_cut ? compiler->insert_off : 0;
	for (unsigned i = 0; i < compiler->type_cnt; i++)
		to->answer[i] = compiler->type[i].signed_answer;
}

static uint8_t
node_flags(const struct vly_compiler *compiler, uint32_t idx)
{
	unsigned flags = compiler->zone->node[idx].flags;

	return (uint8_t)((idx == 0 ? VLY_NODE_APEX : 0) |
			 (flags & VLY_ZONE_CUT ? VLY_NODE_CUT : 0) |
			 (flags & VLY_ZONE_DNAME ? VLY_NODE_DNAME : 0) |
			 (compiler->is_signed ? VLY_NODE_SIGNED : 0) |
			 (flags & VLY_ZONE_CNAME ? VLY_NODE_ALIAS : 0) |
			 (flags & VLY_ZONE_STEERED ? VLY_NODE_STEERED : 0) |
			 (compiler->is_composed ? VLY_NODE_RRSIG : 0));
}

/* Compiles the answers of node `idx` in both forms. Returns the one for types not listed: the DO
 * form, if the zone is signed. 0: failed. */
static vly_image_ref
compile_forms(struct vly_compiler *compiler, uint32_t idx)
{
	compiler->size_reported = false;
	compiler->other = vly_compile_answers(compiler, idx);
	if (compiler->other == 0 || !compiler->is_signed)
		return compiler->other;
	compiler->dnssec = true;
	vly_image_ref signed_other = vly_compile_answers(compiler, idx);
	compiler->dnssec = false;
	return signed_other;
}

/* What is to become of a node, an enum vly_compile_state. */
static uint8_t
state_of(const struct vly_compiler *compiler, uint32_t idx)
{
	if (compiler->state != NULL)
		return compiler->state[idx];
	return compiler->zone->node[idx].flags & VLY_ZONE_HIDDEN ? VLY_COMPILE_NOT
								 : VLY_COMPILE_NODE;
}

/* Writes a node that says that the name of node `idx` does not exist any more. */
static int
write_gone(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_zone_node *source = &compiler->zone->node[idx];
	struct vly_arena *file = &compiler->draft->file;
	unsigned name_len;
	const uint8_t *name = vly_zone_node_name(compiler->zone, idx, &name_len);

	uint64_t off = vly_arena_append(file, sizeof(struct vly_image_node) + name_len,
					VLY_IMAGE_REF_BYTES);
	if (off == 0)
		return vly_compiler_fail_memory(compiler);
	struct vly_image_node *node = (void *)(file->base + off);
	*node = (struct vly_image_node){
		.zone = compiler->zone_idx,
		.name_len = (uint8_t)name_len,
		.flags = VLY_NODE_GONE,
	};
	memcpy(node + 1, name, name_len);
	source->image_ref = (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
	return store_name(compiler, source);
}

/* Compiles node `idx`, whose records are in compiler->own, and notes its ref. */
static int
write_node(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_zone_node *source = &compiler->zone->node[idx];
	struct vly_arena *file = &compiler->draft->file;
	unsigned name_len;
	const uint8_t *name = vly_zone_node_name(compiler->zone, idx, &name_len);

	vly_image_ref signed_other = compile_forms(compiler, idx);
	if (signed_other == 0)
		return -1;
	struct vly_image_node head = {
		.zone = compiler->zone_idx,
		.name_len = (uint8_t)name_len,
		.flags = node_flags(compiler, idx),
		.type_cnt = (uint16_t)compiler->type_cnt,
		.other = compiler->other,
	};
	uint64_t before_name = sizeof(head) + compiler->type_cnt * sizeof(struct vly_image_type) +
			       vly_image_node_signed_bytes(&head);
	uint64_t off = vly_arena_append(file, before_name + name_len, VLY_IMAGE_REF_BYTES);
	if (off == 0)
		return vly_compiler_fail_memory(compiler);
	struct vly_image_node *node = (void *)(file->base + off);
	*node = head;
	for (unsigned i = 0; i < compiler->type_cnt; i++)
		node->type[i] =
			(struct vly_image_type){compiler->type[i].type, compiler->type[i].answer};
	if (compiler->is_signed)
		write_signed(compiler, idx, signed_other, node);
	memcpy(file->base + off + before_name, name, name_len);
	source->image_ref = (vly_image_ref)((off - VLY_DRAFT_HEAP_OFF) / VLY_IMAGE_REF_BYTES);
	return vly_denial_place(&compiler->denial, idx) == 0 ? 0
							     : vly_compiler_fail_memory(compiler);
}

/* A wildcard whose chain leads to its own name has two nodes. One is found by that name. The other
 * one answers for the names below its parent; the first node's `wildcard` refers to it until
 * link_wildcards(). */
static int
compile_node(struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_zone_node *source = &compiler->zone->node[idx];
	bool returns = source->flags & VLY_ZONE_RETURNS;
	bool is_wildcard = source->parent != VLY_ZONE_NONE &&
			   compiler->zone->node[source->parent].wildcard == idx;

	if (vly_compiler_load(compiler, &compiler->own, idx) != 0)
		return -1;
	compiler->blamed = compiler->own.cnt > 0 ? compiler->own.rrset[0].record[0] : compiler->soa;
	compiler->blamed_idx = idx;
	compiler->by_wildcard = is_wildcard && !returns;
	if (write_node(compiler, idx) != 0 || store_name(compiler, source) != 0)
		return -1;
	if (!returns)
		return 0;
	vly_image_ref by_name = source->image_ref;
	compiler->by_wildcard = true;
	if (write_node(compiler, idx) != 0)
		return -1;
	compiled_node(compiler, by_name)->wildcard = source->image_ref;
	compiler->zone->node[idx].image_ref = by_name;
	return 0;
}

/* Takes the signatures of the SOA, which make the zone a signed one. */
static int
take_soa_rrsigs(struct vly_compiler *compiler, const struct vly_rrset *rrsigs)
{
	if (rrsigs == NULL)
		return 0;
	compiler->soa_rrsig = calloc(rrsigs->record_cnt, sizeof(*compiler->soa_rrsig));
	if (compiler->soa_rrsig == NULL)
		return vly_compiler_fail_memory(compiler);
	for (unsigned i = 0; i < rrsigs->record_cnt; i++) {
		const struct vly_zone_record *record = rrsigs->record[i];
		if (record->data_len >= 2 && vly_be16(record->data) == VLY_TYPE_SOA)
			compiler->soa_rrsig[compiler->soa_rrsig_cnt++] = record;
	}
	compiler->is_signed = compiler->soa_rrsig_cnt > 0;
	return 0;
}

/* The zone has been checked: its apex has one SOA. */
static int
take_soa(struct vly_compiler *compiler)
{
	if (vly_rrsets_load(&compiler->own, compiler->zone, 0) != 0)
		return vly_compiler_fail_memory(compiler);
	compiler->soa = vly_rrsets_find(&compiler->own, VLY_TYPE_SOA)->record[0];
	compiler->blamed = compiler->soa;
	uint32_t ttl = vly_be32(compiler->soa->data + compiler->soa->data_len - 4);
	compiler->negative_ttl = ttl < compiler->soa->ttl ? ttl : compiler->soa->ttl;
	return take_soa_rrsigs(compiler, vly_rrsets_find(&compiler->own, VLY_TYPE_RRSIG));
}

/* The compiled node that answers for the names below the parent of wildcard `idx`. */
static vly_image_ref
wildcard_ref(const struct vly_compiler *compiler, uint32_t idx)
{
	const struct vly_zone_node *node = &compiler->zone->node[idx];

	return node->flags & VLY_ZONE_RETURNS ? compiled_node(compiler, node->image_ref)->wildcard
					      : node->image_ref;
}

/* Makes the numbers of pieces in a node refs. */
static void
finish_pieces(const struct vly_compiler *compiler, struct vly_image_node *node)
{
	struct vly_image_signed *dnssec = (void *)&node->type[node->type_cnt];

	dnssec->denial = vly_denial_placed(&compiler->denial, dnssec->denial);
	dnssec->cover = vly_denial_placed(&compiler->denial, dnssec->cover);
	dnssec->no_wildcard = vly_denial_placed(&compiler->denial, dnssec->no_wildcard);
}

/* Before link_wildcards(), which hides the second nodes of wildcards. */
static int
finish_denial(struct vly_compiler *compiler)
{
	const struct vly_zone *zone = compiler->zone;

	if (vly_denial_finish(&compiler->denial) != 0)
		return vly_compiler_fail_memory(compiler);
	for (uint32_t i = 0; i < zone->node_cnt; i++) {
		const struct vly_zone_node *node = &zone->node[i];
		if (state_of(compiler, i) != VLY_COMPILE_NODE)
			continue;
		struct vly_image_node *compiled = compiled_node(compiler, node->image_ref);
		finish_pieces(compiler, compiled);
		if (node->flags & VLY_ZONE_RETURNS)
			finish_pieces(compiler, compiled_node(compiler, compiled->wildcard));
	}
	return 0;
}

/* Parents come first: they take the second node of a wildcard that has two from where its own
 * wildcard will be. */
static void
link_wildcards(struct vly_compiler *compiler)
{
	const struct vly_zone *zone = compiler->zone;

	for (uint32_t i = 0; i < zone->node_cnt; i++) {
		const struct vly_zone_node *node = &zone->node[i];
		vly_image_ref wildcard = 0;
		vly_zone_pass(zone, i);
		if (state_of(compiler, i) != VLY_COMPILE_NODE)
			continue;
		if (node->wildcard != VLY_ZONE_NONE &&
		    state_of(compiler, node->wildcard) == VLY_COMPILE_NODE)
			wildcard = wildcard_ref(compiler, node->wildcard);
		struct vly_image_node *compiled = compiled_node(compiler, node->image_ref);
		if (node->flags & VLY_ZONE_RETURNS)
			compiled_node(compiler, compiled->wildcard)->wildcard = wildcard;
		compiled->wildcard = wildcard;
	}
}

/* What answers of any node may refer to. */
static int
prepare(struct vly_compiler *compiler)
{
	struct vly_zone *zone = compiler->zone;
	const uint32_t node_cnt = zone->node_cnt; /* without the names that chains need */
	const uint32_t error_cnt = compiler->report->error_cnt;

	compiler->steered = vly_compile_steer_zone(zone, compiler->draft->steer);
	if (compiler->state == NULL && vly_chain_prepare(&compiler->chain, zone) != 0)
		return vly_compiler_fail_memory(compiler);
	if (take_soa(compiler) != 0)
		return -1;
	if (compiler->is_signed && compiler->steered)
		return vly_compiler_fail(compiler, NULL, "signed zones can't be steered yet");
	compiler->denial.heir = compiler->part != NULL ? compiler->part->heir : NULL;
	if (compiler->is_signed && vly_denial_prepare(&compiler->denial, &compiler->draft->file,
						      zone, node_cnt, compiler->report) != 0)
		return compiler->report->error_cnt > error_cnt ? -1
							       : vly_compiler_fail_memory(compiler);
	compiler->nxdomain = vly_compile_negative(compiler, VLY_RCODE_NXDOMAIN);
	compiler->nodata = vly_compile_negative(compiler, VLY_RCODE_NOERROR);
	if (compiler->nxdomain == 0 || compiler->nodata == 0)
		return -1;
	if (!compiler->is_signed)
		return 0;
	compiler->dnssec = true;
	compiler->signed_nxdomain = vly_compile_negative(compiler, VLY_RCODE_NXDOMAIN);
	compiler->signed_nodata = vly_compile_negative(compiler, VLY_RCODE_NOERROR);
	compiler->dnssec = false;
	return compiler->signed_nxdomain != 0 && compiler->signed_nodata != 0 ? 0 : -1;
}

static int
compile_nodes(struct vly_compiler *compiler, struct vly_image_zone *compiled)
{
	struct vly_zone *zone = compiler->zone;

	if (prepare(compiler) != 0)
		return -1;
	for (uint32_t i = 0; i < zone->node_cnt; i++) {
		uint8_t state = state_of(compiler, i);
		vly_zone_pass(zone, i);
		if (state == VLY_COMPILE_NOT)
			continue;
		if ((state == VLY_COMPILE_GONE ? write_gone(compiler, i)
					       : compile_node(compiler, i)) != 0)
			return -1;
		compiled->node_cnt++;
		if (zone->node[i].label_cnt > compiled->label_max)
			compiled->label_max = zone->node[i].label_cnt;
	}
	if (compiler->is_signed && finish_denial(compiler) != 0)
		return -1;
	link_wildcards(compiler);
	compiled->serial = vly_be32(compiler->soa->data + compiler->soa->data_len - 20);
	compiled->apex = zone->node[0].image_ref;
	compiled->nxdomain = compiler->nxdomain;
	compiled->nodata = compiler->nodata;
	compiled->signed_nxdomain = compiler->signed_nxdomain;
	compiled->signed_nodata = compiler->signed_nodata;
	compiled->denial = compiler->denial.ref;
	compiled->flags = compiler->proves_covers ? VLY_IMAGE_PROVES_COVERS : 0;
	compiled->record_cnt = zone->record_cnt;
	compiled->label_cnt = zone->node[0].label_cnt;
	return 0;
}

static int
compile(struct vly_image_draft *draft, struct vly_zone *zone, const struct vly_compile_part *part,
	uint32_t zone_idx, struct vly_image_zone *compiled, struct vly_zone_report *report)
{
	struct vly_compiler compiler;
	int result = -1;

	/* not the chain, which is large and is set when one is followed */
	memset(&compiler, 0, offsetof(struct vly_compiler, chain));
	compiler.draft = draft;
	compiler.zone = zone;
	compiler.zone_idx = zone_idx;
	compiler.part = part;
	compiler.state = part != NULL ? part->state : NULL;
	compiler.report = report;
	*compiled = (struct vly_image_zone){0};
	compiler.writer = malloc(sizeof(*compiler.writer));
	if (compiler.writer == NULL) {
		(void)vly_compiler_fail_memory(&compiler);
	} else {
		result = compile_nodes(&compiler, compiled);
	}
	free(compiler.writer);
	free(compiler.type);
	free(compiler.shared_choice);
	free(compiler.host);
	free(compiler.soa_rrsig);
	vly_rrsets_free(&compiler.own);
	vly_rrsets_free(&compiler.target);
	vly_rrsets_free(&compiler.hop);
	vly_rrsets_free(&compiler.glue);
	vly_denial_free(&compiler.denial);
	return result;
}

int
vly_compile_zone(struct vly_image_draft *draft, struct vly_zone *zone, uint32_t zone_idx,
		 struct vly_image_zone *compiled, struct vly_zone_report *report)
{
	return compile(draft, zone, NULL, zone_idx, compiled, report);
}

int
vly_compile_part(struct vly_image_draft *draft, struct vly_zone *zone,
		 const struct vly_compile_part *part, uint32_t zone_idx,
		 struct vly_image_zone *compiled, struct vly_zone_report *report)
{
	return compile(draft, zone, part, zone_idx, compiled, report);
}
