/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a request on a connection for transfers; and as records, which are packed into messages and
 * read again. A record is a type, the lengths of owner and data, and these; owners are names in
 * the store, so that others are passed over.
 */
#include <string.h>

#include <volley/octets.h>

#include "base/message.h"
#include "target.h"
#include "transfer/packer.h"
#include "transfer/transfer_request.h"

static struct vly_packer packer;

static void
read_request(const uint8_t *octets, size_t bytes)
{
	struct vly_transfer_request request;
	enum vly_request_fault fault = vly_transfer_request_read(&request, octets, bytes);

	require(fault <= VLY_REQUEST_BAD_VERSION);
	if (fault == VLY_REQUEST_GOOD) {
		require(request.has_question && request.name.len >= 1);
		require(request.type != VLY_TYPE_IXFR || request.has_serial);
	}
}

/* The length of the name that the octets begin with, or 0. */
static size_t
name_bytes(const uint8_t *octets, size_t bytes)
{
	size_t at = 0;

	while (at < bytes && at < VLY_NAME_BYTES_MAX && octets[at] != 0) {
		if (octets[at] > VLY_LABEL_BYTES_MAX)
			return 0;
		at += octets[at] + 1u;
	}
	return at < bytes && at < VLY_NAME_BYTES_MAX ? at + 1 : 0;
}

/* All that was packed is there, with its owner. */
static void
check(const uint8_t *const *owner, unsigned cnt)
{
	struct vly_message_reader reader = {packer.message, packer.len, VLY_DNS_HEADER_BYTES};
	struct vly_message_record record;

	vly_packer_end(&packer);
	require(vly_be16(packer.message + 6) == cnt);
	for (unsigned i = 0; i < cnt; i++) {
		require(vly_message_record(&reader, &record));
		require(memcmp(record.owner.wire, owner[i], record.owner.len) == 0);
	}
	require(reader.at == packer.len);
}

static void
pack(const uint8_t *octets, size_t bytes)
{
	static const uint8_t *owner[UINT16_MAX];
	unsigned cnt = 0;

	vly_packer_begin(&packer, NULL, 0, 0);
	while (bytes > 4) { /* each record takes octets */
		const size_t owner_len = name_bytes(octets + 3, bytes - 3);
		if (owner_len == 0)
			break;
		const size_t data_at = 3 + owner_len;
		size_t data_len = octets[2];
		if (data_len > bytes - data_at)
			data_len = bytes - data_at;
		const struct vly_packer_record record = {.owner = octets + 3,
							 .owner_len = (uint8_t)owner_len,
							 .type = vly_be16(octets),
							 .data = octets + data_at,
							 .data_len = (uint16_t)data_len};
		if (!vly_packer_add(&packer, &record)) {
			check(owner, cnt);
			cnt = 0;
			vly_packer_begin(&packer, NULL, 0, 0);
			require(vly_packer_add(&packer, &record));
		}
		owner[cnt++] = octets + 3;
		octets += data_at + data_len;
		bytes -= data_at + data_len;
	}
	check(owner, cnt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *octets =
		malloc(bytes + 1); /* of its own, so that the sanitizer sees what is read beyond */

	if (octets == NULL || bytes > VLY_MESSAGE_BYTES_MAX) {
		free(octets);
		return -1;
	}
	uint8_t *end = octets + 1;
	memcpy(end, data, bytes);
	read_request(end, bytes);
	pack(end, bytes);
	free(octets);
	return 0;
}
