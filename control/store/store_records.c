/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_records.h"

#include <volley/octets.h>

#include "zone/rdata.h"
#include "zone/rr_type.h"

bool
vly_store_next_record(struct vly_store_records *records, struct vly_store_record *record)
{
	if (records->at == records->end)
		return false;
	record->type = vly_be16(records->at);
	record->ttl = vly_be32(records->at + 2);
	record->data_len = vly_be16(records->at + 6);
	record->data = records->at + VLY_STORE_RECORD_BYTES;
	records->at = record->data + record->data_len;
	return true;
}

static int
order(const struct vly_store_record *left, uint16_t type, const uint8_t *data, unsigned data_len)
{
	if (left->type != type)
		return left->type < type ? -1 : 1;
	return vly_rdata_compare(type, left->data, left->data_len, data, data_len);
}

/* RRSIGs have the TTL of the RRset that they cover. */
static bool
has_own_ttl(uint16_t type)
{
	return type == VLY_TYPE_RRSIG;
}

static bool
follows(const struct vly_store_record *before, const struct vly_store_record *record)
{
	return order(before, record->type, record->data, record->data_len) < 0 &&
	       (before->type != record->type || before->ttl == record->ttl ||
		has_own_ttl(record->type));
}

bool
vly_store_records_check(struct vly_store_records *records, const uint8_t *octets, size_t bytes)
{
	struct vly_store_records rest = {octets, octets + bytes};
	struct vly_store_record record, before = {0};

	*records = rest;
	while (rest.at != rest.end) {
		size_t left = (size_t)(rest.end - rest.at);
		if (left < VLY_STORE_RECORD_BYTES ||
		    left - VLY_STORE_RECORD_BYTES < vly_be16(rest.at + 6))
			return false;
		(void)vly_store_next_record(&rest, &record);
		if (!vly_rr_type_is_kept(record.type) ||
		    !vly_rdata_is_sound(record.type, record.data, record.data_len) ||
		    (before.data != NULL && !follows(&before, &record)))
			return false;
		before = record;
	}
	return bytes > 0;
}

bool
vly_store_records_put(struct vly_store_buffer *buffer, uint16_t type, uint32_t ttl,
		      const uint8_t *data, unsigned data_len)
{
	uint32_t number = VLY_BE(32, ttl);

	if (!vly_store_buffer_reserve(buffer, VLY_STORE_RECORD_BYTES + data_len))
		return false;
	uint8_t *to = buffer->octet + buffer->used;
	vly_put_be16(to, type);
	memcpy(to + 2, &number, sizeof(number));
	vly_put_be16(to + 6, data_len);
	memcpy(to + VLY_STORE_RECORD_BYTES, data, data_len);
	buffer->used += VLY_STORE_RECORD_BYTES + data_len;
	return true;
}

unsigned
vly_store_records_cnt(const struct vly_store_records *records)
{
	struct vly_store_records rest = *records;
	struct vly_store_record record;
	unsigned cnt = 0;

	while (vly_store_next_record(&rest, &record))
		cnt++;
	return cnt;
}

/* What remains of a name while it is edited. */
struct editor {
	struct vly_store_buffer *buffer;
	size_t begin;
	const struct vly_store_edit *edit;
	size_t removed; /* of edit->removed[], that are done */
	size_t added;
	uint16_t type; /* of the RRset that is being written; 0: none */
	uint32_t ttl;
	const struct vly_change_record **which;
};

/* An RRset has two TTLs only if something was added to it. */
static enum vly_store_misfit
mixed_ttl(struct editor *editor)
{
	for (size_t i = 0; i < editor->edit->added_cnt; i++)
		if (editor->edit->added[i].type == editor->type)
			*editor->which = &editor->edit->added[i];
	return VLY_STORE_MIXED_TTL;
}

static enum vly_store_misfit
put(struct editor *editor, const struct vly_store_record *record)
{
	if (record->type == editor->type && record->ttl != editor->ttl &&
	    !has_own_ttl(record->type))
		return mixed_ttl(editor);
	editor->type = record->type;
	editor->ttl = record->ttl;
	if (!vly_store_records_put(editor->buffer, record->type, record->ttl, record->data,
				   record->data_len))
		return VLY_STORE_EDIT_MEMORY;
	return editor->buffer->used - editor->begin <= VLY_STORE_RECORDS_MAX ? VLY_STORE_FITS
									     : VLY_STORE_TOO_MANY;
}

static enum vly_store_misfit
put_added(struct editor *editor)
{
	const struct vly_change_record *added = &editor->edit->added[editor->added++];

	*editor->which = added;
	if (editor->added > 1 && vly_change_record_order(added - 1, added) == 0)
		return VLY_STORE_THERE; /* twice, with two TTLs */
	return put(editor, &(struct vly_store_record){.ttl = added->ttl,
						      .type = added->type,
						      .data_len = added->data_len,
						      .data = added->data});
}

/* One record that was there: what is added before it, then itself, unless it is removed. */
static enum vly_store_misfit
edit_record(struct editor *editor, const struct vly_store_record *record)
{
	const struct vly_store_edit *edit = editor->edit;
	enum vly_store_misfit misfit;
	bool is_removed = false;

	if (editor->removed < edit->removed_cnt) {
		const struct vly_change_record *removed = &edit->removed[editor->removed];
		int where = order(record, removed->type, removed->data, removed->data_len);
		*editor->which = removed;
		if (where > 0)
			return VLY_STORE_NOT_THERE;
		if (where == 0 && record->ttl != removed->ttl)
			return VLY_STORE_OTHER_TTL;
		is_removed = where == 0;
	}
	for (; editor->added < edit->added_cnt;) {
		const struct vly_change_record *added = &edit->added[editor->added];
		int where = order(record, added->type, added->data, added->data_len);
		*editor->which = added;
		if (where < 0)
			break;
		if (where == 0 && !is_removed)
			return VLY_STORE_THERE;
		if ((misfit = put_added(editor)) != VLY_STORE_FITS)
			return misfit;
	}
	editor->removed += is_removed;
	if (is_removed)
		return VLY_STORE_FITS;
	return put(editor, record);
}

enum vly_store_misfit
vly_store_records_edit(const struct vly_store_records *before, const struct vly_store_edit *edit,
		       struct vly_store_buffer *buffer, const struct vly_change_record **which)
{
	struct editor editor = {
		.buffer = buffer, .begin = buffer->used, .edit = edit, .which = which};
	struct vly_store_records rest = *before;
	struct vly_store_record record;
	enum vly_store_misfit misfit;

	*which = NULL;
	while (vly_store_next_record(&rest, &record))
		if ((misfit = edit_record(&editor, &record)) != VLY_STORE_FITS)
			return misfit;
	if (editor.removed < edit->removed_cnt) {
		*which = &edit->removed[editor.removed];
		return VLY_STORE_NOT_THERE;
	}
	while (editor.added < edit->added_cnt)
		if ((misfit = put_added(&editor)) != VLY_STORE_FITS)
			return misfit;
	return VLY_STORE_FITS;
}
