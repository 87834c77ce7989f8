/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compiler.h"
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
	return 0;
}

void
vly_compiler_add_rrset(struct vly_compiler *compiler, enum vly_section section,
		       const uint8_t *owner, const struct vly_rrset *rrset)
{
	for (unsigned i = 0; i < rrset->record_cnt && !compiler->writer->overflow; i++) {
		const struct vly_zone_record *record = rrset->record[i];
		bool own_ttl =
			rrset->type == VLY_TYPE_RRSIG; /* RFC 4034 §3: that of what it covers */
		vly_answer_add(compiler->writer, section,
			       &(struct vly_answer_record){
				       .owner = owner,
				       .type = rrset->type,
				       .ttl = own_ttl ? record->ttl : rrset->ttl,
				       .data = record->data,
				       .data_len = record->data_len,
			       });
	}
}
