/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "request.h"

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
	refuse("", "not JSON at octet 0");
	refuse("{\"command\":\"status\"", "not JSON at octet 19");
	refuse("{\"command\":\"status\"}x", "not JSON at octet 21");
	refuse("{\"command\":\"status\",\"command\":\"stats\"}", "duplicate");
	refuse("[]", "a request is a JSON object");
	refuse("{}", "command is missing");
	refuse("{\"command\":7}", "command must be one of status, reload, zones, stats");
	refuse("{\"command\":\"halt\"}", "command must be one of status, reload, zones, stats");
	refuse("{\"command\":\"status\",\"verbose\":true}", "unknown member verbose");
	refuse("{\"command\":\"reload\",\"zones\":[]}", "at least one name");
	refuse("{\"command\":\"reload\",\"zones\":\"example.\"}", "at least one name");
	refuse("{\"command\":\"reload\",\"zones\":[1]}", "as a string");
	refuse("{\"command\":\"reload\",\"zones\":[\"a\",\"b..\"]}", "empty label");
	refuse("{\"command\":\"status\",\"zones\":[\"a\"]}", "zones belongs to reload");
	refuse("{\"command\":\"zones\",\"limit\":0}", "limit must be a number from 1");
	refuse("{\"command\":\"zones\",\"limit\":10001}", "limit must be a number from 1");
	refuse("{\"command\":\"zones\",\"after\":[]}", "as a string");
}
