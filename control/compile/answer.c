/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer.h"

#include <volley/image.h>

#include "zone/rdata.h"

/* A pointer must still fit when the question's name makes it grow by up to a whole name. */
#define TARGET_OFF_MAX (VLY_POINTER_MAX - VLY_NAME_BYTES_MAX)

static unsigned
name_len(const uint8_t *name)
{
	unsigned len = 0;

	while (name[len] != 0)
		len += name[len] + 1u;
	return len + 1;
}

/* Offset in the message of the answer's first octet, were the question's name the anchor. */
static unsigned
base_off(const struct vly_answer_writer *writer)
{
	return VLY_DNS_HEADER_BYTES + writer->anchor_len + 4u;
}

static void
put(struct vly_answer_writer *writer, const void *from, unsigned bytes)
{
	if (bytes > writer->wire_max - writer->wire_len) {
		writer->overflow = true;
		return;
	}
	memcpy(writer->wire + writer->wire_len, from, bytes);
	writer->wire_len += bytes;
}

static void
put_u16(struct vly_answer_writer *writer, unsigned value)
{
	const uint8_t wire[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	put(writer, wire, sizeof(wire));
}

static void
add_target(struct vly_answer_writer *writer, const uint8_t *lower, unsigned len, unsigned off)
{
	if (writer->target_cnt == VLY_ANSWER_TARGETS_MAX || off > TARGET_OFF_MAX)
		return;
	writer->target[writer->target_cnt++] =
		(struct vly_answer_target){lower, (uint16_t)off, (uint8_t)len};
}

static const struct vly_answer_target *
find_target(const struct vly_answer_writer *writer, const uint8_t *lower, unsigned len)
{
	for (unsigned i = 0; i < writer->target_cnt; i++)
		if (writer->target[i].len == len &&
		    memcmp(writer->target[i].lower, lower, len) == 0)
			return &writer->target[i];
	return NULL;
}

static void
put_pointer(struct vly_answer_writer *writer, unsigned off)
{
	if (writer->moves) {
		if (writer->fix_cnt == VLY_ANSWER_FIXES_MAX) {
			writer->overflow = true;
			return;
		}
		writer->fix[writer->fix_cnt++] = (uint16_t)writer->wire_len;
	}
	put_u16(writer, VLY_POINTER_TAG | off);
}

/* Writes a name, compressed as far as an equal suffix is known, and makes its own suffixes known if
 * they will stay where they are. */
static void
put_name(struct vly_answer_writer *writer, const uint8_t *name)
{
	unsigned len = name_len(name);
	uint8_t scratch[VLY_NAME_BYTES_MAX];
	bool learns = writer->learns && writer->target_cnt < VLY_ANSWER_TARGETS_MAX &&
		      writer->names_at + len <= writer->names + sizeof(writer->names);
	uint8_t *lower = learns ? writer->names_at : scratch;

	for (unsigned i = 0; i < len; i++)
		lower[i] = vly_ascii_lower(name[i]);
	writer->names_at += learns ? len : 0;
	for (unsigned at = 0; name[at] != 0; at += name[at] + 1u) {
		const struct vly_answer_target *target = find_target(writer, lower + at, len - at);
		if (target != NULL) {
			put_pointer(writer, target->off);
			return;
		}
		if (learns)
			add_target(writer, lower + at, len - at,
				   base_off(writer) + writer->wire_len);
		put(writer, name + at, name[at] + 1u);
	}
	put(writer, "", 1);
}

void
vly_answer_begin(struct vly_answer_writer *writer, const uint8_t *anchor, unsigned anchor_len,
		 uint8_t flags, bool moves)
{
	memset(writer, 0, offsetof(struct vly_answer_writer, fix));
	writer->anchor_len = (uint8_t)anchor_len;
	writer->flags = flags;
	writer->moves = moves;
	writer->names_at = writer->names;
	unsigned question_len = moves ? VLY_NAME_BYTES_MAX : anchor_len;
	writer->wire_max =
		VLY_MESSAGE_BYTES_MAX - VLY_DNS_HEADER_BYTES - question_len - 4 - VLY_OPT_BYTES;
	for (unsigned at = 0; anchor[at] != 0; at += anchor[at] + 1u)
		add_target(writer, anchor + at, anchor_len - at, VLY_DNS_HEADER_BYTES + at);
}

static void
put_data(struct vly_answer_writer *writer, const struct vly_answer_record *record)
{
	const struct vly_rdata_names *names = vly_rdata_names(record->type);
	const uint8_t *at = record->data;

	if (names != NULL) {
		put(writer, at, names->skip);
		at += names->skip;
		for (unsigned i = 0; i < names->cnt; i++) {
			put_name(writer, at);
			at += name_len(at);
		}
	}
	put(writer, at, (unsigned)(record->data + record->data_len - at));
}

void
vly_answer_add(struct vly_answer_writer *writer, enum vly_section section,
	       const struct vly_answer_record *record)
{
	writer->learns = section != VLY_SECTION_ADDITIONAL;
	if (record->owner == NULL)
		put_u16(writer, VLY_POINTER_TAG | VLY_DNS_HEADER_BYTES);
	else
		put_name(writer, record->owner);
	put_u16(writer, record->type);
	put_u16(writer, VLY_CLASS_IN);
	put_u16(writer, record->ttl >> 16);
	put_u16(writer, record->ttl & 0xffff);
	unsigned length_at = writer->wire_len;
	put_u16(writer, 0);
	put_data(writer, record);
	if (writer->overflow)
		return;
	unsigned data_len = writer->wire_len - length_at - 2;
	writer->wire[length_at] = (uint8_t)(data_len >> 8);
	writer->wire[length_at + 1] = (uint8_t)data_len;
	writer->count[section]++;
	if (section != VLY_SECTION_ADDITIONAL)
		writer->insert_off = (uint16_t)writer->wire_len;
}

void
vly_answer_keep(struct vly_answer_writer *writer)
{
	writer->keep_len = (uint16_t)writer->wire_len;
	writer->keep_arcount = writer->count[VLY_SECTION_ADDITIONAL];
	writer->kept = true;
}

void
vly_answer_mark(const struct vly_answer_writer *writer, struct vly_answer_mark *mark)
{
	*mark = (struct vly_answer_mark){writer->wire_len, writer->fix_cnt, writer->target_cnt,
					 writer->names_at, writer->count[VLY_SECTION_ADDITIONAL]};
}

void
vly_answer_rewind(struct vly_answer_writer *writer, const struct vly_answer_mark *mark)
{
	writer->wire_len = mark->wire_len;
	writer->fix_cnt = mark->fix_cnt;
	writer->target_cnt = mark->target_cnt;
	writer->names_at = mark->names_at;
	writer->count[VLY_SECTION_ADDITIONAL] = mark->arcount;
	writer->overflow = false;
}
