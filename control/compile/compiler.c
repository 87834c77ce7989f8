/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compiler.h"

#include <volley/octets.h>

#include "zone/domain.h"

int
vly_compiler_fail(struct vly_compiler *compiler, const struct vly_zone_record *record,
		  const char *text)
{
	const struct vly_zone *zone = compiler->zone;

	vly_zone_report_add(compiler->report, VLY_ZONE_CHECK_must,
			    zone->file[record != NULL ? record->file_idx : 0],
			    record != NULL ? record->line : 0, "%s", text);
	return -1;
}

int
vly_compiler_fail_memory(struct vly_compiler *compiler)
{
	return vly_compiler_fail(compiler, NULL, "out of memory");
}

int
vly_compiler_report_size(struct vly_compiler *compiler, const char *text)
{
	const struct vly_zone *zone = compiler->zone;
	const struct vly_zone_record *record = compiler->blamed;
	char name[VLY_DOMAIN_TEXT_BYTES];
	unsigned len;

	if (compiler->dnssec && compiler->size_reported)
		return 0;
	compiler->size_reported = true;
	vly_domain_text(vly_zone_node_name(zone, compiler->blamed_idx, &len), name);
	return vly_zone_report_add(compiler->report, VLY_ZONE_CHECK_answer_size,
				   zone->file[record->file_idx], record->line, "%.120s: %s", name,
				   text)
		       ? -1
		       : 0;
}

int
vly_compiler_load(struct vly_compiler *compiler, struct vly_rrsets *rrsets, uint32_t idx)
{
	if (vly_rrsets_load(rrsets, compiler->zone, idx) != 0)
		return vly_compiler_fail_memory(compiler);
	if (compiler->zone->has_nsec3)
		vly_rrsets_drop_nsec3(rrsets);
	vly_rrsets_drop_alias(rrsets);
	return 0;
}

const struct vly_rrset *
vly_compiler_signatures(const struct vly_compiler *compiler, const struct vly_rrsets *rrsets,
			uint32_t idx, uint16_t type)
{
	unsigned flags = compiler->zone->node[idx].flags;

	/* RFC 4035 §2.2: at a cut only what is the parent's is signed, below it nothing */
	if (!compiler->dnssec || (flags & VLY_ZONE_OCCLUDED) ||
	    ((flags & VLY_ZONE_CUT) && type != VLY_TYPE_DS && type != VLY_TYPE_NSEC))
		return NULL;
	return vly_rrsets_find(rrsets, VLY_TYPE_RRSIG);
}

static void
add_record(struct vly_compiler *compiler, enum vly_section section, const uint8_t *owner,
	   const struct vly_zone_record *record, uint32_t ttl)
{
	vly_answer_add(compiler->writer, section,
		       &(struct vly_answer_record){
			       .owner = owner,
			       .type = record->type,
			       .ttl = ttl,
			       .data = record->data,
			       .data_len = record->data_len,
		       });
}

void
vly_compiler_add_rrsigs(struct vly_compiler *compiler, enum vly_section section,
			const uint8_t *owner, uint16_t type, const struct vly_rrset *rrsigs)
{
	for (unsigned i = 0; rrsigs != NULL && i < rrsigs->record_cnt; i++) {
		const struct vly_zone_record *record = rrsigs->record[i];
		if (record->data_len >= 2 && vly_be16(record->data) == type &&
		    !compiler->writer->overflow)
			add_record(compiler, section, owner, record, record->ttl);
	}
}

void
vly_compiler_add_rrset(struct vly_compiler *compiler, enum vly_section section,
		       const uint8_t *owner, const struct vly_rrset *rrset,
		       const struct vly_rrset *rrsigs)
{
	for (unsigned i = 0; i < rrset->record_cnt && !compiler->writer->overflow; i++) {
		const struct vly_zone_record *record = rrset->record[i];
		bool own_ttl =
			rrset->type == VLY_TYPE_RRSIG; /* RFC 4034 §3: that of what it covers */
		add_record(compiler, section, owner, record, own_ttl ? record->ttl : rrset->ttl);
	}
	vly_compiler_add_rrsigs(compiler, section, owner, rrset->type, rrsigs);
}

/* More than fit do not occur in a zone whose chain is whole. */
static void
note_piece(struct vly_compiler *compiler, vly_image_ref piece)
{
	for (unsigned i = 0; i < compiler->piece_cnt; i++)
		if (compiler->piece[i] == piece)
			return;
	if (piece != 0 && compiler->piece_cnt < sizeof(compiler->piece) / sizeof(piece))
		compiler->piece[compiler->piece_cnt++] = piece;
}

/* A piece that covers a name: another one may do that when names come or go. */
static void
note_cover(struct vly_compiler *compiler, vly_image_ref piece)
{
	compiler->proves_covers |= piece != 0;
	note_piece(compiler, piece);
}

void
vly_compiler_deny_type(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_denial_refs refs;

	if (!compiler->dnssec)
		return;
	vly_denial_of_node(&compiler->denial, idx, &refs);
	note_piece(compiler, refs.denial);
	note_cover(compiler, refs.cover);
}

void
vly_compiler_deny_copy(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_denial_refs refs;

	if (!compiler->dnssec || idx < compiler->denial.node_cnt)
		return;
	vly_denial_of_node(&compiler->denial, idx, &refs);
	note_cover(compiler, refs.cover);
}

void
vly_compiler_deny_match(struct vly_compiler *compiler, uint32_t encloser_idx,
			const struct vly_name *name)
{
	const struct vly_denial *denial = &compiler->denial;
	struct vly_denial_refs encloser;

	if (!compiler->dnssec)
		return;
	vly_denial_of_node(denial, encloser_idx, &encloser);
	if (denial->kind == VLY_DENIAL_NSEC3 && encloser.cover != 0)
		note_cover(compiler, encloser.cover);
	else
		note_cover(compiler,
			   vly_denial_cover(denial, encloser_idx, name->lower, name->len));
}

void
vly_compiler_deny_encloser(struct vly_compiler *compiler, uint32_t idx)
{
	struct vly_denial_refs refs;

	if (!compiler->dnssec || compiler->denial.kind != VLY_DENIAL_NSEC3)
		return;
	vly_denial_of_node(&compiler->denial, idx, &refs);
	note_piece(compiler, refs.denial);
}

void
vly_compiler_deny_name(struct vly_compiler *compiler, uint32_t encloser_idx,
		       const struct vly_name *name)
{
	struct vly_denial_refs encloser;

	if (!compiler->dnssec)
		return;
	vly_compiler_deny_encloser(compiler, encloser_idx);
	vly_compiler_deny_match(compiler, encloser_idx, name);
	vly_denial_of_node(&compiler->denial, encloser_idx, &encloser);
	note_cover(compiler, encloser.no_wildcard);
}
