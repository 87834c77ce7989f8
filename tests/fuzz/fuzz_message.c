/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a DNS message, to zones with every kind of answer. The first octet chooses room,
 * limit and stream; the rest is the message. Checked: the response stays in its room and limit,
 * decodes, sums up, and echoes id and question.
 */
#include <stdlib.h>

#include "fixed_zones.h"
#include "message.h"

static struct vly_test_server server;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (vly_test_server_open(&server, fixed_zones, FIXED_ZONE_CNT) != 0)
		abort();
	return 0;
}

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check(const struct vly_test_response *response, const uint8_t *message, size_t bytes,
      const struct vly_test_question *options)
{
	require(response->fault == NULL);
	if (response->len == 0) {
		require(bytes < 12 || (message[2] & 0x80) != 0);
		return;
	}
	require(bytes >= 12 && (response->flags & VLY_FLAG_QR) != 0);
	require(response->len <= options->room);
	require(options->stream || response->len <= options->limit_max);
	require(memcmp(response->octets, message, 2) == 0);
	require(response->count[0] <= 1);
	if (response->count[0] == 1)
		require(memcmp(response->question, message + 12, response->question_bytes) == 0);
	if (response->flags & VLY_FLAG_TC)
		require(response->record_cnt == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint16_t rooms[] = {1024, 1232, 4096, 65535};
	static const uint16_t limits[] = {512, 1232, 1400, 4096};
	struct vly_test_response response;

	if (bytes == 0 || bytes > 4096)
		return -1;
	const struct vly_test_question options = {.room = rooms[data[0] & 3],
						  .limit_max = limits[data[0] >> 2 & 3],
						  .stream = data[0] >> 4 & 1};
	vly_test_exchange(data[0] & 0x80 ? NULL : server.table, data + 1, bytes - 1, &options,
			  &response);
	check(&response, data + 1, bytes - 1, &options);
	vly_test_response_free(&response);
	return 0;
}
