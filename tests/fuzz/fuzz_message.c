/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a DNS message, to zones with every kind of answer. The first octet chooses room,
 * limit, stream, and whether cookies are on and responses are limited; the rest is the message.
 * Client subnets are on. Checked: the response stays in its room and limit, decodes, sums up, and
 * echoes id and question; one that takes the place of a limited response is no larger than the query,
 * or BADCOOKIE. Of a signed query, the TSIG record and nothing else is taken.
 */
#include <stdlib.h>

#include "fixed_zones.h"
#include "message.h"
#include "request/signed_query.h"
#include "steering.h"
#include "target.h"

static struct vly_test_server server;
static struct vly_defence defence;
static struct vly_guard guard;
static struct vly_steering steering;
static struct vly_lcore_counters steered;

/* RFC 9018 §A.1: a corpus can have cookies that are valid. */
static const uint8_t secret[] = {0xe5, 0xe9, 0x73, 0xe5, 0xa6, 0xb2, 0xa4, 0x3f,
				 0x48, 0xe7, 0xdc, 0x84, 0x9e, 0x37, 0xbf, 0xcf};
static const char client[] = "198.51.100.100";
#define NOW 1559731985

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (vly_deep_server_open(&server) != 0)
		abort();
	vly_guard_start(&guard, vly_limiter_create(), NULL, 1000000000);
	if (guard.limiter == NULL)
		abort();
	vly_steering_start(&steering, &steered, 1);
	vly_steering_begin(
		&steering,
		vly_test_steer_map(
			&(struct vly_test_steer){.ecs = true, .resolver_map = VLY_STEER_NO_MAP},
			NULL));
	guard.clock.unix_s = NOW;
	defence.cookies.secret_mask = 1;
	memcpy(defence.cookies.secret[VLY_COOKIE_CURRENT], secret, sizeof(secret));
	defence.responses =
		(struct vly_response_limits){.slip = 1, .prefix4_bits = 24, .prefix6_bits = 56};
	/* Whatever the first two responses cost, nothing is left for the third. */
	for (unsigned i = 0; i < VLY_RESPONSE_KIND_CNT; i++)
		defence.responses.rate[i] = vly_rate_make(1, 1000);
	return 0;
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

static uint32_t
hash_of_client(void)
{
	return vly_limiter_hash(guard.limiter, &defence.responses, UINT32_C(0xc6336464), true);
}

/* The same once more, when the client has had its share. */
static void
check_limited(const uint8_t *message, size_t bytes, const struct vly_test_question *options,
	      const struct vly_table *table)
{
	struct vly_test_response response;

	vly_test_exchange(table, message, bytes, options, &response);
	const struct vly_lcore_counters *counters = &response.counters;
	uint64_t limited_cnt = counters->limited_answer + counters->limited_referral +
			       counters->limited_nxdomain + counters->limited_error;
	require(limited_cnt + (counters->cookies_valid > 0) + counters->dropped_message > 0);
	require(response.fault == NULL);
	require(counters->slipped + counters->badcookie <= limited_cnt);
	if (limited_cnt > 0 && response.len > 0) {
		require(response.record_cnt == 0 && response.count[0] == 1);
		require(counters->slipped + counters->badcookie == 1);
		require(response.len <=
			bytes + (counters->badcookie ? VLY_COOKIE_SERVER_BYTES : 0));
	}
	vly_test_response_free(&response);
}

static void
check_signed(const uint8_t *message, size_t bytes)
{
	uint8_t *copy = malloc(bytes + 1);

	if (copy == NULL)
		abort();
	memcpy(copy, message, bytes);
	uint16_t kept = vly_signed_query_take(copy, (uint16_t)bytes);
	if (kept != 0) {
		require(kept >= 12 && kept + 11u <= bytes);
		vly_signed_query_restore(copy);
	}
	require(memcmp(copy, message, bytes) == 0);
	free(copy);
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
						  .stream = data[0] >> 4 & 1,
						  .guard = &guard,
						  .steering = &steering,
						  .client = client};
	const struct vly_table *table = data[0] & 0x80 ? NULL : server.table;
	bool limited = (data[0] & 0x40) && !options.stream;

	defence.cookies.enabled = data[0] >> 5 & 1;
	defence.responses.mode = limited ? VLY_LIMIT_ON : VLY_LIMIT_OFF;
	defence.responses.badcookie = data[0] & 1;
	vly_guard_set(&guard, &defence);
	memset(vly_limiter_line(guard.limiter, hash_of_client()), 0, sizeof(struct vly_limit_line));
	vly_test_exchange(table, data + 1, bytes - 1, &options, &response);
	check(&response, data + 1, bytes - 1, &options);
	vly_test_response_free(&response);
	check_signed(data + 1, bytes - 1);
	if (limited) {
		vly_test_exchange(table, data + 1, bytes - 1, &options, &response);
		vly_test_response_free(&response);
		check_limited(data + 1, bytes - 1, &options, table);
	}
	return 0;
}
