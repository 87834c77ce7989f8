/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "common/health/health_check.h"
#include "common/health/health_lines.h"
#include "common/health/health_state.h"

static struct vly_health_check check;
static char why[VLY_HEALTH_WHY_BYTES];

static int
decode(const char *text)
{
	json_t *object = json_loads(text, 0, NULL);
	int result = vly_health_check_decode(object, &check, why);

	json_decref(object);
	return result;
}

static void
expect_refused(const char *text, const char *reason)
{
	cr_assert_eq(decode(text), -1, "%s", text);
	cr_expect_str_eq(why, reason);
}

Test(health_check, defaults)
{
	cr_assert_eq(decode("{\"type\":\"https\",\"address\":\"2001:db8::1\"}"), 0, "%s", why);
	cr_expect_eq(check.number[VLY_HEALTH_NUMBER_PORT], 443);
	cr_expect_eq(check.number[VLY_HEALTH_NUMBER_INTERVAL], 10000);
	cr_expect_eq(check.number[VLY_HEALTH_NUMBER_VERIFY], 1);
	cr_expect_str_eq(check.text[VLY_HEALTH_TEXT_PATH], "/");
	cr_expect_str_eq(check.text[VLY_HEALTH_TEXT_STATUS], "200-299");
	cr_expect_null(check.text[VLY_HEALTH_TEXT_BODY]);
	vly_health_check_clear(&check);
}

Test(health_check, there_and_back)
{
	static const char *const texts[] = {
		"{\"type\":\"tcp\",\"address\":\"192.0.2.1\",\"port\":25}",
		"{\"type\":\"tls\",\"address\":\"192.0.2.1\",\"host\":\"a.example\",\"certificate-"
		"min\":5000}",
		"{\"type\":\"http\",\"address\":\"192.0.2.1\",\"body\":\"a\\\"b\",\"status\":\"200,"
		"301-302\"}",
		"{\"type\":\"dns\",\"address\":\"192.0.2.1\",\"query\":\".\",\"rcode\":5}",
		"{\"type\":\"icmp\",\"address\":\"::1\"}",
		"{\"type\":\"command\",\"command\":[\"/bin/true\",\"\",\"x\"]}",
		"{\"type\":\"file\",\"file\":\"/run/x\",\"age-max\":1000}",
	};
	char id[VLY_HEALTH_ID_BYTES], other[VLY_HEALTH_ID_BYTES], last[VLY_HEALTH_ID_BYTES] = "";

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vly_health_check first;
		cr_assert_eq(decode(texts[i]), 0, "%s: %s", texts[i], why);
		cr_assert(vly_health_check_copy(&check, &first));
		json_t *object = vly_health_check_encode(&first);
		vly_health_check_clear(&check);
		cr_assert_eq(vly_health_check_decode(object, &check, why), 0, "%s", why);
		json_decref(object);
		cr_assert(vly_health_check_id(&first, id) && vly_health_check_id(&check, other));
		cr_expect_str_eq(id, other);
		cr_expect_str_neq(id, last);
		strcpy(last, id);
		vly_health_check_clear(&first);
		vly_health_check_clear(&check);
	}
}

Test(health_check, refusals)
{
	expect_refused("{}", "type is not known");
	expect_refused("{\"type\":\"ftp\"}", "type is not known");
	expect_refused("{\"type\":\"tcp\",\"address\":\"192.0.2.1\"}", "port must be given");
	expect_refused("{\"type\":\"tcp\",\"address\":\"192.0.2.1\",\"port\":65536}",
		       "port is out of range");
	expect_refused("{\"type\":\"tcp\",\"address\":\"192.0.2.1\",\"port\":-1}",
		       "port must be a number");
	expect_refused("{\"type\":\"tcp\",\"address\":7,\"port\":1}", "address must be a text");
	expect_refused("{\"type\":\"tcp\",\"port\":1}", "address must be given");
	expect_refused("{\"type\":\"http\",\"address\":\"192.0.2.1\",\"path\":\"/\\r\\nX: y\"}",
		       "path must not have control characters");
	expect_refused("{\"type\":\"http\",\"address\":\"192.0.2.1\",\"path\":\"/ HTTP/1.0\"}",
		       "path must begin with / and have no space and no #");
	expect_refused("{\"type\":\"http\",\"address\":\"192.0.2.1\",\"host\":\"a/b\"}",
		       "host must be a host name");
	expect_refused("{\"type\":\"icmp\",\"address\":\"192.0.2.1\",\"timeout\":20000}",
		       "timeout must not be longer than interval");
	expect_refused("{\"type\":\"icmp\",\"address\":\"192.0.2.1\",\"command\":[\"/x\"]}",
		       "command is for checks of type command");
	expect_refused("{\"type\":\"command\",\"command\":[]}",
		       "command must be a list of 1 to 32 words");
	expect_refused("{\"type\":\"command\",\"command\":[\"/x\",7]}",
		       "command must be a list of 1 to 32 words");
	expect_refused("{\"type\":\"file\",\"file\":\"x\"}", "file must be an absolute path");
	expect_refused("{\"type\":\"dns\",\"address\":\"192.0.2.1\",\"query\":\"a..b\"}",
		       "query must be a domain name without escapes");
}

Test(health_check, statuses)
{
	cr_expect(vly_health_status_fits("200-299,301", 299));
	cr_expect(vly_health_status_fits("200-299,301", 301));
	cr_expect_not(vly_health_status_fits("200-299,301", 300));
	static const char *const malformed[] = {"",        "20",   "2000", "200-",
						"300-200", "200,", "200 "};
	for (unsigned i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
		cr_expect_not(vly_health_status_fits(malformed[i], 200), "%s", malformed[i]);
}

/* Octets that are worst for JSON, in every text at its limit: the line must still fit. */
Test(health_check, the_largest_check_fits_a_line)
{
	static const enum vly_health_type types[] = {VLY_HEALTH_HTTPS, VLY_HEALTH_COMMAND};
	static char quotes[VLY_HEALTH_COMMAND_MAX];
	size_t bytes;

	for (unsigned i = 0; i < 2; i++) {
		const char *key = "";
		vly_health_check_init(&check, types[i]);
		check.text[VLY_HEALTH_TEXT_ADDRESS] = strdup("192.0.2.1");
		memset(quotes, i ? 1 : '"', sizeof(quotes));
		quotes[0] = '/';
		check.args = calloc(1, sizeof(char *));
		if (i) {
			quotes[sizeof(quotes) - 1] = '\0';
			check.args[check.arg_cnt++] = strdup(quotes);
		} else {
			quotes[2048] = '\0';
			check.text[VLY_HEALTH_TEXT_PATH] = strdup(quotes);
			check.text[VLY_HEALTH_TEXT_BODY] = strndup(quotes, 1024);
			check.text[VLY_HEALTH_TEXT_CA_FILE] = strndup(quotes, 1024);
		}
		cr_assert_eq(vly_health_check_settle(&check, &key, why), 0, "%s %s", key, why);
		char *line =
			vly_health_line_write("check", vly_health_check_encode(&check), &bytes);
		cr_expect_not_null(line);
		free(line);
		vly_health_check_clear(&check);
	}
}

Test(health_state, there_and_back)
{
	struct vly_health_state state = {
		.id = "0123456789abcdef0123456789abcdef",
		.status = VLY_HEALTH_DOWN,
		.since_unix_ms = 1700000000123,
		.last_unix_ms = 1700000001123,
		.latency_us = 77,
		.flaps = 3,
	};
	struct vly_health_state back;

	vly_health_reason_set(state.reason, "caf\xc3\xa9\n");
	cr_expect_str_eq(state.reason, "caf???");
	json_t *object = vly_health_state_encode(&state);
	cr_assert(vly_health_state_decode(object, &back));
	cr_expect_eq(back.since_unix_ms, state.since_unix_ms);
	cr_expect_eq(back.last_unix_ms, state.last_unix_ms);
	cr_expect_eq(back.flaps, 3);
	cr_expect_eq(back.status, VLY_HEALTH_DOWN);
	cr_expect_str_eq(back.reason, state.reason);
	json_object_set_new(object, "id", json_string("0123456789ABCDEF0123456789abcdef"));
	cr_expect_not(vly_health_state_decode(object, &back));
	json_object_set_new(object, "id", json_string(state.id));
	json_object_set_new(object, "state", json_string("dead"));
	cr_expect_not(vly_health_state_decode(object, &back));
	cr_expect_not(vly_health_state_decode(NULL, &back));
	json_decref(object);
}

static struct vly_health_lines lines;

/* Gives octets in pieces. Returns how many lines there were, or -1 at one that is malformed. */
static int
feed(const char *text, size_t bytes, size_t piece)
{
	int cnt = 0;

	for (size_t at = 0; at < bytes;) {
		json_t *line, *value;
		const char *key;
		size_t room;
		char *to = vly_health_lines_room(&lines, &room);
		size_t taken = bytes - at < piece ? bytes - at : piece;
		taken = taken < room ? taken : room;
		memcpy(to, text + at, taken);
		vly_health_lines_filled(&lines, taken);
		at += taken;
		int result;
		while ((result = vly_health_lines_take(&lines, &line, &key, &value)) > 0) {
			cnt++;
			json_decref(line);
		}
		if (result < 0)
			return -1;
	}
	return cnt;
}

Test(health_lines, lines_in_any_pieces)
{
	static const char text[] = "{\"a\":1}\n{\"b\":{\"c\":[2]}}\n{\"d\":\"\\n\"}\n";

	for (size_t piece = 1; piece < sizeof(text); piece++)
		cr_expect_eq(feed(text, sizeof(text) - 1, piece), 3);
}

Test(health_lines, what_is_malformed_or_too_long_ends_it)
{
	static const char *const bad[] = {"\n",
					  "{}\n",
					  "[]\n",
					  "{\"a\":1,\"b\":2}\n",
					  "7\n",
					  "{\"a\"\n",
					  "{\"a\":1,\"a\":1}\n"};
	static char text[VLY_HEALTH_LINE_MAX + 1];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lines.begin = lines.end = 0;
		cr_expect_eq(feed(bad[i], strlen(bad[i]), 100), -1, "%s", bad[i]);
	}
	lines.begin = lines.end = 0;
	memset(text, ' ', sizeof(text));
	cr_expect_eq(feed(text, sizeof(text), 5000), -1, "a line without an end");
	lines.begin = lines.end = 0;
	memcpy(text, "{\"a\":1", 6);
	text[VLY_HEALTH_LINE_MAX - 2] = '}';
	text[VLY_HEALTH_LINE_MAX - 1] = '\n';
	cr_expect_eq(feed(text, VLY_HEALTH_LINE_MAX, 5000), 1, "the longest line");
}
