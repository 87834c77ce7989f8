/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata_expand.h"

#include <string.h>

#include <volley/rdata.h>

#include "rdata.h"

/* False: the type has no names that may be compressed. */
static bool
find_names(uint16_t type, const uint8_t *data, unsigned data_len, unsigned *skip, unsigned *cnt)
{
	static const struct {
		uint8_t type, skip, cnt;
	} more[] = {
		{VLY_TYPE_RP, 0, 2},   {VLY_TYPE_AFSDB, 2, 1}, {VLY_TYPE_RT, 2, 1},
		{VLY_TYPE_SIG, 18, 1}, {VLY_TYPE_PX, 2, 2},    {VLY_TYPE_NXT, 0, 1},
		{VLY_TYPE_SRV, 6, 1},
	};
	const struct vly_rdata_names *names = vly_rdata_names(type);

	*cnt = 1;
	if (type == VLY_TYPE_NAPTR) {
		*skip = vly_rdata_naptr_name_off(data, data_len);
		return *skip != 0;
	}
	if (names != NULL) {
		*skip = names->skip;
		*cnt = names->cnt;
		return true;
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		if (more[i].type == type) {
			*skip = more[i].skip;
			*cnt = more[i].cnt;
			return true;
		}
	return false;
}

int
vly_rdata_expand(const struct vly_message_reader *message, const struct vly_message_record *record,
		 uint8_t to[VLY_RDATA_BYTES_MAX])
{
	const uint8_t *data = message->message + record->data_off;
	const size_t end = record->data_off + record->data_len;
	struct vly_message_reader reader = *message;
	unsigned skip;
	unsigned cnt;

	if (!find_names(record->type, data, record->data_len, &skip, &cnt)) {
		memcpy(to, data, record->data_len);
		return record->data_len;
	}
	if (skip > record->data_len)
		return -1;
	memcpy(to, data, skip);
	size_t len = skip;
	reader.at = record->data_off + skip;
	for (unsigned i = 0; i < cnt; i++) {
		struct vly_message_name name;
		if (!vly_message_name(&reader, end, &name) || VLY_RDATA_BYTES_MAX - len < name.len)
			return -1;
		memcpy(to + len, name.wire, name.len);
		len += name.len;
	}
	if (VLY_RDATA_BYTES_MAX - len < end - reader.at)
		return -1;
	memcpy(to + len, message->message + reader.at, end - reader.at);
	return (int)(len + end - reader.at);
}
