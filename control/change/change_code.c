/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes as octets. */
#include <errno.h>
#include <string.h>

#include <volley/octets.h>

#include "change.h"

#define FORM       1
#define HEAD_BYTES 17
#define SAME_OWNER 0xff
/* Type, TTL, length of the data. */
#define RECORD_BYTES 8

static bool
same_owner(const struct vly_change_list *list, size_t idx)
{
	const struct vly_change_record *record = &list->record[idx];

	return idx > 0 && record[-1].owner_len == record->owner_len &&
	       (record[-1].owner == record->owner ||
		memcmp(record[-1].owner, record->owner, record->owner_len) == 0);
}

static size_t
list_bytes(const struct vly_change_list *list)
{
	size_t bytes = 0;

	for (size_t i = 0; i < list->cnt; i++)
		bytes += (same_owner(list, i) ? 1 : list->record[i].owner_len) + RECORD_BYTES +
			 list->record[i].data_len;
	return bytes;
}

size_t
vly_change_encoded_bytes(const struct vly_change *change)
{
	return HEAD_BYTES + list_bytes(&change->removed) + list_bytes(&change->added);
}

static uint8_t *
put_be32(uint8_t *to, uint64_t value)
{
	uint32_t number = VLY_BE(32, (uint32_t)value);

	memcpy(to, &number, sizeof(number));
	return to + sizeof(number);
}

static uint8_t *
put_list(uint8_t *to, const struct vly_change_list *list)
{
	for (size_t i = 0; i < list->cnt; i++) {
		const struct vly_change_record *record = &list->record[i];
		if (same_owner(list, i)) {
			*to++ = SAME_OWNER;
		} else {
			memcpy(to, record->owner, record->owner_len);
			to += record->owner_len;
		}
		vly_put_be16(to, record->type);
		to = put_be32(to + 2, record->ttl);
		vly_put_be16(to, record->data_len);
		memcpy(to + 2, record->data, record->data_len);
		to += 2 + record->data_len;
	}
	return to;
}

void
vly_change_encode(const struct vly_change *change, uint8_t *to)
{
	*to++ = FORM;
	to = put_be32(to, change->from);
	to = put_be32(to, change->to);
	to = put_be32(to, change->removed.cnt);
	to = put_be32(to, change->added.cnt);
	to = put_list(to, &change->removed);
	put_list(to, &change->added);
}

bool
vly_change_read_head(struct vly_change_head *head, const uint8_t *octets, size_t bytes)
{
	if (bytes < HEAD_BYTES || octets[0] != FORM)
		return false;
	*head = (struct vly_change_head){vly_be32(octets + 1), vly_be32(octets + 5),
					 vly_be32(octets + 9), vly_be32(octets + 13)};
	return true;
}

struct reader {
	const uint8_t *at;
	const uint8_t *end;
};

typedef int put_fn(struct vly_change *change, const uint8_t *owner, size_t owner_avail,
		   uint16_t type, uint32_t ttl, const uint8_t *data, unsigned data_len);

/* Octets of the name at the reader, as far as they are there. */
static size_t
name_bytes(const struct reader *reader)
{
	size_t left = (size_t)(reader->end - reader->at);
	size_t at = 0;

	while (at < left && reader->at[at] != 0 && at <= VLY_NAME_BYTES_MAX)
		at += reader->at[at] + 1u;
	return at < left ? at + 1 : left;
}

static int
fail(void)
{
	errno = EINVAL;
	return -1;
}

static int
read_record(struct reader *reader, struct vly_change *change, const struct vly_change_list *list,
	    put_fn *put)
{
	const uint8_t *owner = reader->at;
	size_t owner_len;

	if (reader->at == reader->end)
		return fail();
	if (*reader->at == SAME_OWNER) {
		if (list->cnt == 0)
			return fail();
		owner = list->record[list->cnt - 1].owner;
		owner_len = list->record[list->cnt - 1].owner_len;
		reader->at++;
	} else {
		owner_len = name_bytes(reader);
		reader->at += owner_len;
	}
	if (reader->end - reader->at < RECORD_BYTES)
		return fail();
	const uint8_t *head = reader->at;
	unsigned data_len = vly_be16(head + 6);
	reader->at += RECORD_BYTES;
	if (reader->end - reader->at < (ptrdiff_t)data_len)
		return fail();
	reader->at += data_len;
	return put(change, owner, owner_len, vly_be16(head), vly_be32(head + 2),
		   head + RECORD_BYTES, data_len);
}

int
vly_change_decode(struct vly_change *change, const uint8_t *octets, size_t bytes)
{
	struct vly_change_head head;

	if (!vly_change_read_head(&head, octets, bytes))
		return fail();
	struct reader reader = {octets + HEAD_BYTES, octets + bytes};
	change->from = head.from;
	change->to = head.to;
	for (uint32_t i = 0; i < head.removed_cnt; i++) /* each takes octets, which end */
		if (read_record(&reader, change, &change->removed, vly_change_remove) != 0)
			return -1;
	for (uint32_t i = 0; i < head.added_cnt; i++)
		if (read_record(&reader, change, &change->added, vly_change_add) != 0)
			return -1;
	return reader.at == reader.end ? 0 : fail();
}
