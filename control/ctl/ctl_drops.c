/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

/* How often --follow looks: the rings hold more than comes in that time. */
#define FOLLOW_S 1

static void
print_drop(json_t *drop)
{
	uint64_t time_ns = vly_ctl_number_at(drop, "time_ns");
	time_t seconds = (time_t)(time_ns / 1000000000);
	double per_s = json_real_value(json_object_get(drop, "per_s"));
	char clock[16] = "";
	char source[80];
	char rate[VLY_CTL_NUMBER_BYTES] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	snprintf(source, sizeof(source), "%s", vly_ctl_text_at(drop, "source"));
	if (json_object_get(drop, "source_port"))
		snprintf(source + strlen(source), sizeof(source) - strlen(source), "#%llu",
			 (unsigned long long)vly_ctl_number_at(drop, "source_port"));
	if (per_s > 0)
		vly_ctl_number((uint64_t)(per_s + 0.5), rate);
	printf("%s.%03llu  %-16s  %11s%s  %-28s", clock,
	       (unsigned long long)(time_ns / 1000000 % 1000), vly_ctl_text_at(drop, "reason"),
	       *rate ? rate : "-", "/s", source);
	if (*vly_ctl_text_at(drop, "qname"))
		printf("  %s %s", vly_ctl_text_at(drop, "qname"), vly_ctl_text_at(drop, "qtype"));
	puts("");
}

static void
print_drops(json_t *answer)
{
	json_t *drops = json_object_get(answer, "drops");
	size_t i;
	json_t *drop;

	json_array_foreach(drops, i, drop) print_drop(drop);
}

/* One object on each line, for a script that reads along. */
static void
print_lines(json_t *answer)
{
	json_t *drops = json_object_get(answer, "drops");
	size_t i;
	json_t *drop;

	json_array_foreach(drops, i, drop) vly_ctl_print_json(drop, JSON_COMPACT);
}

static enum vly_ctl_exit
follow(const struct vly_ctl *ctl)
{
	json_t *cursor = NULL;

	for (;;) {
		json_t *request = json_pack("{s:s}", "command", "drops");
		json_t *answer;
		if (cursor)
			json_object_set_new(request, "cursor", cursor);
		enum vly_ctl_exit code = vly_ctl_call(ctl, request, &answer);
		if (code != VLY_CTL_OK)
			return code;
		if (vly_ctl_exit_of(answer) != VLY_CTL_OK)
			return vly_ctl_show(ctl, answer, false, print_drops);
		(ctl->json ? print_lines : print_drops)(answer);
		cursor = json_incref(json_object_get(answer, "cursor"));
		json_decref(answer);
		if (fflush(stdout) != 0 || ferror(stdout)) { /* nobody reads any more */
			json_decref(cursor);
			return VLY_CTL_OK;
		}
		sleep(FOLLOW_S);
	}
}

enum vly_ctl_exit
vly_ctl_drops(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("drops takes no argument except --follow");
	return ctl->follow ? follow(ctl)
			   : vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "drops"),
						   print_drops);
}
