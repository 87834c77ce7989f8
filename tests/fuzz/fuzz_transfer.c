/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as the messages of a transfer: the first octet says whether of an IXFR, then each message
 * has its length in front. What is accepted goes through a spool, and becomes a change or is read once
 * more. A transfer that is whole has its SOA once, and all of its records are in the zone.
 */
#include <string.h>

#include <volley/octets.h>

#include "secondary/net_change.h"
#include "target.h"
#include "zone/rdata.h"

#define OURS 7

static bool
keep(void *arg, const struct vly_transfer_record *record)
{
	require(record->owner_len >= 3 &&
		memcmp(record->owner + record->owner_len - 3, "\1z", 3) == 0);
	require(vly_rdata_is_sound(record->type, record->data, record->data_len));
	return vly_spool_add(arg, record);
}

static enum vly_transfer_result
read_messages(struct vly_transfer_reader *reader, const uint8_t *data, size_t bytes)
{
	enum vly_transfer_result result = VLY_TRANSFER_MORE;

	while (result == VLY_TRANSFER_MORE && bytes >= 2) {
		size_t len = vly_be16(data);
		if (len > bytes - 2)
			len = bytes - 2;
		uint8_t *message = malloc(len); /* so that the sanitizer sees what is read beyond */
		memcpy(message, data + 2, len);
		result = vly_transfer_read(reader, message, len);
		free(message);
		data += 2 + len;
		bytes -= 2 + len;
	}
	return result;
}

static void
check_whole(struct vly_spool *spool, uint64_t record_cnt)
{
	struct vly_transfer_record record;
	uint64_t cnt = 0;
	unsigned soa_cnt = 0;

	require(vly_spool_rewind(spool));
	while (vly_spool_next(spool, &record) == 1) {
		require(record.op == VLY_TRANSFER_HAS);
		soa_cnt += record.type == VLY_TYPE_SOA;
		cnt++;
	}
	require(soa_cnt == 1 && cnt + 1 == record_cnt);
}

/* SOAs between the first and the last may not fit each other: then the store refuses the change. */
static bool
has_serial(const struct vly_change_list *list, uint32_t serial)
{
	for (size_t i = 0; i < list->cnt; i++)
		if (list->record[i].type == VLY_TYPE_SOA &&
		    vly_change_soa_serial(&list->record[i]) == serial)
			return true;
	return false;
}

static void
check_changes(struct vly_spool *spool, const struct vly_transfer_reader *reader)
{
	struct vly_change change;

	vly_change_init(&change);
	require(vly_net_change(&change, spool, reader->step_cnt) == NULL);
	vly_change_normalise(&change);
	require(has_serial(&change.added, reader->soa.serial) && has_serial(&change.removed, OURS));
	vly_change_free(&change);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = "\1z";
	struct vly_transfer_reader reader;
	struct vly_spool spool;
	struct vly_name apex;

	if (bytes < 1 || vly_name_scan(&apex, wire, 3) == 0)
		return -1;
	vly_spool_init(&spool, "/tmp", 1 << 20);
	vly_transfer_reader_init(&reader, &apex, 0, data[0] & 1, OURS, keep, &spool);
	enum vly_transfer_result result = read_messages(&reader, data + 1, bytes - 1);
	if (result == VLY_TRANSFER_WHOLE)
		check_whole(&spool, reader.record_cnt);
	if (result == VLY_TRANSFER_CHANGES)
		check_changes(&spool, &reader);
	vly_spool_free(&spool);
	return 0;
}
