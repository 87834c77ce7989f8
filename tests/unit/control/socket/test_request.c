/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "socket/request.h"

static struct vly_request
decode(const char *line)
{
	struct vly_request request;
	char reason[200];

	cr_assert_eq(vly_request_decode(line, strlen(line), &request, reason, sizeof(reason)), 0,
		     "%s: %s", line, reason);
	return request;
}

static void
refuse(const char *line, const char *wanted)
{
	struct vly_request request;
	char reason[200];

	cr_assert_eq(vly_request_decode(line, strlen(line), &request, reason, sizeof(reason)), -1,
		     "%s", line);
	cr_expect_not_null(strstr(reason, wanted), "%s, wanted %s", reason, wanted);
}

Test(request, commands)
{
	struct vly_request request = decode("{\"command\":\"status\"}");

	cr_expect_eq(request.command, VLY_COMMAND_STATUS);
	vly_request_clear(&request);
	request = decode(" { \"command\" : \"stats\" } ");
	cr_expect_eq(request.command, VLY_COMMAND_STATS);
	vly_request_clear(&request);
	request = decode("{\"command\":\"reload\"}");
	cr_expect_eq(request.command, VLY_COMMAND_RELOAD);
	cr_expect_eq(request.zone_cnt, 0);
	vly_request_clear(&request);
}

Test(request, names_get_one_spelling)
{
	struct vly_request request =
		decode("{\"zones\":[\"Example\",\".\"],\"command\":\"reload\"}");

	cr_assert_eq(request.zone_cnt, 2);
	cr_expect_str_eq(request.zones[0], "example.");
	cr_expect_str_eq(request.zones[1], ".");
	vly_request_clear(&request);
}

Test(request, pages)
{
	struct vly_request request =
		decode("{\"command\":\"zones\",\"after\":\"A.b\",\"limit\":7}");

	cr_expect_str_eq(request.after, "a.b.");
	cr_expect_eq(request.limit, 7);
	vly_request_clear(&request);
	request = decode("{\"command\":\"zones\"}");
	cr_expect_null(request.after);
	cr_expect_eq(request.limit, VLY_REQUEST_ZONES_MAX);
	vly_request_clear(&request);
}

Test(request, refused)
{
	refuse("", "invalid JSON at octet 0");
	refuse("{\"command\":\"status\"", "invalid JSON at octet 19");
	refuse("{\"command\":\"status\"}x", "invalid JSON at octet 21");
	refuse("{\"command\":\"status\",\"command\":\"stats\"}", "duplicate");
	refuse("[]", "a request must be a JSON object");
	refuse("{}", "\"command\" is missing");
	refuse("{\"command\":7}", "command must be one of status, reload, zones, stats");
	refuse("{\"command\":\"halt\"}", "command must be one of status, reload, zones, stats");
	refuse("{\"command\":\"status\",\"verbose\":true}", "unknown parameter \"verbose\"");
	refuse("{\"command\":\"reload\",\"zones\":[]}", "at least one name");
	refuse("{\"command\":\"reload\",\"zones\":\"example.\"}", "at least one name");
	refuse("{\"command\":\"reload\",\"zones\":[1]}", "as a string");
	refuse("{\"command\":\"reload\",\"zones\":[\"a\",\"b..\"]}", "empty label");
	refuse("{\"command\":\"status\",\"zones\":[\"a\"]}",
	       "\"zones\" is not a parameter of command \"status\"");
	refuse("{\"command\":\"zones\",\"limit\":0}", "limit must be a number from 1");
	refuse("{\"command\":\"zones\",\"limit\":1001}", "limit must be a number from 1");
	refuse("{\"command\":\"zones\",\"after\":[]}", "as a string");
}

Test(request, settings)
{
	struct vly_request request = decode("{\"command\":\"defence-set\",\"key\":\"responses."
					    "slip\",\"value\":\"3\",\"for\":\"10m\"}");

	cr_expect_eq(request.command, VLY_COMMAND_DEFENCE_SET);
	cr_expect_eq(request.setting, VLY_DEFENCE_response_slip);
	cr_expect_str_eq(request.value, "3");
	cr_expect_eq(request.for_s, 600);
	vly_request_clear(&request);
	refuse("{\"command\":\"defence-set\",\"key\":\"x\",\"value\":\"3\"}", "x is not a setting");
	refuse("{\"command\":\"defence-set\",\"key\":\"responses.slip\",\"value\":\"x\"}",
	       "responses.slip must be a number from 0 to 100");
	refuse("{\"command\":\"defence-set\",\"key\":\"responses.slip\",\"value\":3}",
	       "given as a string");
	refuse("{\"command\":\"defence-set\",\"key\":\"responses.slip\"}",
	       "needs the parameter \"value\"");
	refuse("{\"command\":\"defence-unset\"}", "needs the parameter \"key\"");
	refuse("{\"command\":\"defence-unset\",\"key\":\"responses.slip\",\"for\":\"1s\"}",
	       "\"for\" is not a parameter of command \"defence-unset\"");
}

Test(request, times)
{
	cr_expect_eq(vly_request_read_time("1"), 1);
	cr_expect_eq(vly_request_read_time("90s"), 90);
	cr_expect_eq(vly_request_read_time("10m"), 600);
	cr_expect_eq(vly_request_read_time("2h"), 7200);
	cr_expect_eq(vly_request_read_time("7d"), 604800);
	cr_expect_eq(vly_request_read_time("3650d"), 315360000);
	cr_expect_eq(vly_request_read_time("3651d"), -1);
	cr_expect_eq(vly_request_read_time("999999999d"), -1);
	cr_expect_eq(vly_request_read_time("9999999999"), -1);
	cr_expect_eq(vly_request_read_time("0m"), -1);
	cr_expect_eq(vly_request_read_time(""), -1);
	cr_expect_eq(vly_request_read_time("m"), -1);
	cr_expect_eq(vly_request_read_time("10 m"), -1);
	cr_expect_eq(vly_request_read_time("10mm"), -1);
	cr_expect_eq(vly_request_read_time("-1m"), -1);
}

Test(request, prefixes)
{
	struct vly_request request = decode(
		"{\"command\":\"defence-deny\",\"prefixes\":[\"10.0.0.0/8\",\"2001:db8::/32\"]}");

	cr_expect_eq(request.prefixes.cnt, 2);
	cr_expect_eq(request.for_s, 0);
	vly_request_clear(&request);
	request = decode(
		"{\"command\":\"defence-forget\",\"text\":\"10.0.0.0/8\\n\",\"name\":\"f\"}");
	cr_expect_str_eq(request.text, "10.0.0.0/8\n");
	cr_expect_eq(request.text_bytes, 11);
	cr_expect_str_eq(request.name, "f");
	vly_request_clear(&request);
	refuse("{\"command\":\"defence-deny\"}",
	       "\"defence-deny\" needs the parameter \"prefixes\" or \"text\"");
	refuse("{\"command\":\"defence-deny\",\"prefixes\":[\"::/0\"],\"text\":\"\"}",
	       "\"defence-deny\" needs the parameter \"prefixes\" or \"text\"");
	refuse("{\"command\":\"defence-deny\",\"prefixes\":[]}", "a list of 1 to");
	refuse("{\"command\":\"defence-deny\",\"prefixes\":[1]}", "as a string");
	refuse("{\"command\":\"defence-deny\",\"prefixes\":[\"10.0.0.1/8\"]}", "did you mean");
	refuse("{\"command\":\"defence-deny\",\"prefixes\":[\"::/0\"],\"for\":\"soon\"}",
	       "a time must have a form");
}

Test(request, secrets_and_samples)
{
	struct vly_request request = decode(
		"{\"command\":\"cookies-roll\",\"next\":\"000102030405060708090A0b0c0d0e0f\"}");

	cr_expect(request.has_next);
	cr_expect_eq(request.next[10], 10);
	vly_request_clear(&request);
	refuse("{\"command\":\"cookies-roll\",\"next\":\"00\"}", "32 hexadecimal digits");
	refuse("{\"command\":\"cookies-show\",\"reveal\":1}", "true or false");
	request = decode("{\"command\":\"drops\",\"cursor\":[5,0,9007199254740993]}");
	cr_assert_eq(request.cursor_cnt, 3);
	cr_expect_eq(request.cursor[0], 5);
	cr_expect_eq(request.cursor[2], 9007199254740993u);
	vly_request_clear(&request);
	refuse("{\"command\":\"drops\",\"cursor\":5}", "cursor must be");
	refuse("{\"command\":\"top\",\"cursor\":[]}",
	       "\"cursor\" is not a parameter of command \"top\"");
}
