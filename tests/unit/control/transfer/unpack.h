/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads records out of messages, without compression: naive, for tests. */
#ifndef VLY_TEST_UNPACK_H
#define VLY_TEST_UNPACK_H

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <volley/octets.h>
#include <volley/rdata.h>

#include "base/message.h"

struct unpacked_record {
	struct vly_message_name owner;
	uint16_t type;
	uint32_t ttl;
	unsigned data_len;
	uint8_t *data;
};

struct unpacked {
	struct unpacked_record *record;
	size_t cnt;
	unsigned message_cnt;
	unsigned question_cnt;
	uint16_t question_type;
	size_t longest;
};

static inline void
unpack_data(struct vly_message_reader *reader, const struct vly_message_record *from,
	    struct unpacked_record *to)
{
	const struct vly_rdata_names *names = vly_rdata_names(from->type);
	struct vly_message_reader data = {reader->message, reader->len, from->data_off};
	const size_t end = from->data_off + from->data_len;

	to->data = malloc(from->data_len + 2 * VLY_NAME_BYTES_MAX);
	cr_assert_not_null(to->data);
	if (names != NULL && from->data_len > names->skip) {
		memcpy(to->data, reader->message + data.at, names->skip);
		to->data_len = names->skip;
		data.at += names->skip;
		for (unsigned i = 0; i < names->cnt; i++) {
			struct vly_message_name got;
			cr_assert(vly_message_name(&data, end, &got));
			memcpy(to->data + to->data_len, got.wire, got.len);
			to->data_len += got.len;
		}
	}
	memcpy(to->data + to->data_len, reader->message + data.at, end - data.at);
	to->data_len += (unsigned)(end - data.at);
}

static inline void
unpack(struct unpacked *all, const uint8_t *message, size_t len)
{
	struct vly_message_reader reader = {message, len, VLY_DNS_HEADER_BYTES};
	struct vly_message_name got;
	uint16_t class;

	cr_assert_geq(len, VLY_DNS_HEADER_BYTES);
	cr_assert_eq(vly_be16(message + 2), VLY_FLAG_QR | VLY_FLAG_AA);
	all->message_cnt++;
	if (len > all->longest)
		all->longest = len;
	for (unsigned i = vly_be16(message + 4); i > 0; i--) {
		cr_assert(vly_message_question(&reader, &got, &all->question_type, &class));
		all->question_cnt++;
	}
	for (unsigned i = vly_be16(message + 6); i > 0; i--) {
		struct vly_message_record record;
		cr_assert(vly_message_record(&reader, &record));
		cr_assert_eq(record.class, VLY_CLASS_IN);
		all->record = reallocarray(all->record, all->cnt + 1, sizeof(*all->record));
		cr_assert_not_null(all->record);
		struct unpacked_record *to = &all->record[all->cnt++];
		*to = (struct unpacked_record){
			.owner = record.owner, .type = record.type, .ttl = record.ttl};
		unpack_data(&reader, &record, to);
	}
	cr_assert_eq(reader.at, len);
}

static inline void
unpacked_free(struct unpacked *all)
{
	for (size_t i = 0; i < all->cnt; i++)
		free(all->record[i].data);
	free(all->record);
	*all = (struct unpacked){0};
}

#endif
