/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl checks. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

/* "3 min 5 s" since a time in milliseconds, or "-" for 0. */
static const char *
age_of(uint64_t unix_ms, char *out, size_t bytes)
{
	struct timespec now;

	if (unix_ms == 0) {
		snprintf(out, bytes, "-");
		return out;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	const double age_s =
		(double)now.tv_sec + (double)now.tv_nsec / 1e9 - (double)unix_ms / 1000;
	return vly_ctl_age(age_s > 0 ? age_s : 0, out, bytes);
}

static void
print_check(json_t *check)
{
	const char *refused = vly_ctl_text_at(check, "refused");
	char since[40], last[40], latency[24] = "-";

	if (vly_ctl_number_at(check, "last_ms") > 0)
		snprintf(latency, sizeof(latency), "%.1f ms",
			 (double)vly_ctl_number_at(check, "latency_us") / 1000);
	printf("%-24s %-8s %-12s %-12s %-10s %s: %s%s\n", vly_ctl_text_at(check, "name"),
	       vly_ctl_text_at(check, "state"),
	       age_of(vly_ctl_number_at(check, "since_ms"), since, sizeof(since)),
	       age_of(vly_ctl_number_at(check, "last_ms"), last, sizeof(last)), latency,
	       vly_ctl_text_at(check, "target"),
	       *refused                            ? refused
	       : *vly_ctl_text_at(check, "reason") ? vly_ctl_text_at(check, "reason")
						   : "has not run yet",
	       json_is_true(json_object_get(check, "current")) || *refused ? "" : " (last known)");
}

static void
print_page(json_t *answer, bool is_first)
{
	json_t *health = json_object_get(answer, "health");
	json_t *check;
	size_t i;

	if (is_first && vly_ctl_number_at(health, "names") == 0)
		puts("no checks are configured");
	else if (is_first)
		printf("%-24s %-8s %-12s %-12s %-10s %s\n", "check", "state", "since", "last run",
		       "latency", "target: result");
	json_array_foreach(json_object_get(answer, "checks"), i, check) print_check(check);
}

/* One object, as if all pages were one. */
static void
print_json_page(json_t *answer, bool is_first)
{
	json_t *check;
	size_t i;

	if (is_first) {
		fputs("{\"ok\": true, \"health\": ", stdout);
		json_dumpf(json_object_get(answer, "health"), stdout, JSON_COMPACT);
		fputs(", \"checks\": [", stdout);
	}
	json_array_foreach(json_object_get(answer, "checks"), i, check)
	{
		fputs(is_first && i == 0 ? "\n" : ",\n", stdout);
		json_dumpf(check, stdout, JSON_COMPACT);
	}
}

enum vly_ctl_exit
vly_ctl_checks(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	json_t *request = json_pack("{s:s}", "command", "checks");
	bool is_first = true;

	(void)args;
	if (arg_cnt > 0) {
		json_decref(request);
		return vly_ctl_fail_usage("checks takes no argument");
	}
	while (request) {
		json_t *answer;
		enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);
		if (code != VLY_CTL_OK)
			return code;
		code = vly_ctl_exit_of(answer);
		if (code != VLY_CTL_OK) {
			fprintf(stderr, "volleyctl: %s\n", vly_ctl_text_at(answer, "error"));
			json_decref(answer);
			return code;
		}
		if (ctl->json)
			print_json_page(answer, is_first);
		else
			print_page(answer, is_first);
		is_first = false;
		json_t *next = json_object_get(answer, "next");
		request = next ? json_pack("{s:s,s:O}", "command", "checks", "name", next) : NULL;
		json_decref(answer);
	}
	if (ctl->json)
		fputs("\n]}\n", stdout);
	return VLY_CTL_OK;
}
