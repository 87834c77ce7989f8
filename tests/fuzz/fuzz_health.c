/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connection between volley-control and volley-health. The first octet says which end reads the rest: 0:
 * volley-control, with checks that it wants; 1: lines as volley-health takes them apart; 2: the response to the query of a
 * check.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../health/dns_message.h"
#include "common/health/health_lines.h"
#include "common/log.h"
#include "health/health_parts.h"
#include "target.h"

static uv_loop_t loop;
static struct vly_health *health;
static char id[VLY_HEALTH_ID_BYTES];

static void
on_changed(void *arg, const struct vly_health_state *state)
{
	(void)arg;
	require(vly_health_find(health, state->id) == state);
	require(strlen(state->reason) < VLY_HEALTH_REASON_BYTES);
}

static void
make_health(void)
{
	struct vly_health_check check;
	char why[VLY_HEALTH_WHY_BYTES];
	json_t *object = json_pack("{s:s,s:s}", "type", "icmp", "address", "192.0.2.1");

	require(vly_health_check_decode(object, &check, why) == 0);
	require(vly_health_check_id(&check, id));
	json_decref(object);
	const struct vly_health_wanted wanted = {"one", &check};
	require(vly_health_want(health, VLY_HEALTH_OF_CONFIG, &wanted, 1) == 0);
	vly_health_check_clear(&check);
}

/* The member's place is for the id of the check, which a search would not find. */
static void
replace_id(char *octets, size_t size)
{
	char *at = memmem(octets, size, "@@", 2);

	if (at && (size_t)(octets + size - at) >= sizeof(id) - 1)
		memcpy(at, id, sizeof(id) - 1);
}

static void
run_control(const uint8_t *data, size_t size)
{
	char *octets = malloc(size + 1);
	int ends[2];

	memcpy(octets, data, size);
	replace_id(octets, size);
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	vly_health_link_adopt(health, ends[0]);
	for (size_t at = 0; at < size;) {
		const ssize_t bytes = send(ends[1], octets + at, size - at, MSG_NOSIGNAL);
		if (bytes <= 0)
			break;
		at += (size_t)bytes;
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	for (unsigned i = 0; i < 8; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	vly_health_link_end(health);
	close(ends[1]);
	uv_run(&loop, UV_RUN_NOWAIT);
	free(octets);
}

/* What is read must come out the same when it is written and read again. */
static void
take_check(const json_t *value)
{
	struct vly_health_check check, again;
	char why[VLY_HEALTH_WHY_BYTES], first[VLY_HEALTH_ID_BYTES], second[VLY_HEALTH_ID_BYTES];
	size_t bytes;

	if (vly_health_check_decode(value, &check, why) < 0)
		return;
	json_t *object = vly_health_check_encode(&check);
	require(object && vly_health_check_decode(object, &again, why) == 0);
	require(vly_health_check_id(&check, first) && vly_health_check_id(&again, second));
	require(strcmp(first, second) == 0);
	char *line = vly_health_line_write("check", object, &bytes);
	require(line != NULL);
	free(line);
	vly_health_check_clear(&check);
	vly_health_check_clear(&again);
}

static void
run_lines(const uint8_t *data, size_t size)
{
	static struct vly_health_lines lines;
	struct vly_health_state state;
	int result = 0;

	lines.begin = lines.end = 0;
	while (size > 0 && result >= 0) {
		size_t room;
		json_t *line, *value;
		const char *key;
		char *to = vly_health_lines_room(&lines, &room);
		const size_t taken = size < room ? size : room;
		require(room > 0);
		memcpy(to, data, taken);
		vly_health_lines_filled(&lines, taken);
		data += taken;
		size -= taken;
		while ((result = vly_health_lines_take(&lines, &line, &key, &value)) > 0) {
			if (json_is_object(value) && vly_health_state_decode(value, &state))
				require(strlen(state.id) == VLY_HEALTH_ID_BYTES - 1);
			take_check(value);
			json_decref(line);
		}
	}
}

static void
run_response(const uint8_t *data, size_t size)
{
	uint8_t query[VLY_DNS_QUERY_MAX];
	const size_t bytes = vly_dns_query_write("www.example.", 1, 0x4141, query);
	const int rcode = vly_dns_response_rcode(query, bytes, data, size);

	require(bytes > 0 && rcode >= -1 && rcode <= 15);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!health) {
		vly_log_level_set(VLY_LOG_ERROR);
		require(uv_loop_init(&loop) == 0);
		health = vly_health_new(&loop, "/nonexistent");
		require(health != NULL);
		vly_health_on_change(health, on_changed, NULL);
		make_health();
	}
	if (size == 0)
		return 0;
	switch (data[0]) {
	case 0:
		run_control(data + 1, size - 1);
		break;
	case 1:
		run_lines(data + 1, size - 1);
		break;
	default:
		run_response(data + 1, size - 1);
	}
	return 0;
}
