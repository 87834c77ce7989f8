/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Evaluates update messages against a zone, for test_updates_as_bind.py.
 *
 * Standard input has frames: an octet, a length of four octets, and so many octets. "Z": the records
 * of a new zone, each an owner, type, TTL, length and data, in network order. "U": a message; the
 * response is its RCODE, an octet. "D": nothing; the response is a length of four octets, and the
 * records of the zone in the form of "Z".
 */
#include <stdio.h>
#include <stdlib.h>

#include <volley/name.h>
#include <volley/octets.h>

#include "update.h"

#define FRAME_BYTES_MAX (1 << 20)
#define HEAD_BYTES      8 /* type, TTL, length */

static unsigned
name_len(const uint8_t *name)
{
	const uint8_t *at = name;

	while (*at != 0)
		at += *at + 1;
	return (unsigned)(at - name) + 1;
}

static void
read_zone(struct vly_test_model *model, const uint8_t *at, const uint8_t *end)
{
	vly_test_model_free(model);
	while (at < end) {
		unsigned owner_len = name_len(at);
		const uint8_t *head = at + owner_len;
		unsigned data_len = vly_be16(head + 6);
		vly_test_model_add(model, at, owner_len, vly_be16(head), vly_be32(head + 2),
				   head + HEAD_BYTES, data_len);
		at = head + HEAD_BYTES + data_len;
	}
}

static void
put(unsigned number, unsigned octets)
{
	while (octets-- > 0)
		putchar((int)(number >> 8 * octets & 0xff));
}

static void
write_zone(const struct vly_test_model *model)
{
	unsigned bytes = 0;

	for (unsigned i = 0; i < model->cnt; i++)
		bytes += model->record[i].owner_len + HEAD_BYTES + model->record[i].data_len;
	put(bytes, 4);
	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_test_model_record *record = &model->record[i];
		fwrite(record->owner, 1, record->owner_len, stdout);
		put(record->type, 2);
		put(record->ttl, 4);
		put(record->data_len, 2);
		fwrite(record->data, 1, record->data_len, stdout);
	}
}

int
main(void)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	struct vly_test_model model = {0};
	uint8_t head[5];

	while (fread(head, 1, sizeof(head), stdin) == sizeof(head)) {
		size_t bytes = vly_be32(head + 1);
		if (bytes > sizeof(frame) || fread(frame, 1, bytes, stdin) != bytes)
			return 1;
		if (head[0] == 'Z')
			read_zone(&model, frame, frame + bytes);
		else if (head[0] == 'U')
			putchar((int)vly_test_model_update(&model, frame, bytes));
		else
			write_zone(&model);
		fflush(stdout);
	}
	vly_test_model_free(&model);
	return 0;
}
