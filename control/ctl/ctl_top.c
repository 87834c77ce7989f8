/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/plural.h"
#include "ctl.h"

/* Cursor home and clear to the end: no more of a terminal is needed. */
#define CLEAR_SCREEN "\033[H\033[J"

static const char *
rate_at(json_t *object, const char *key, char out[VLY_CTL_NUMBER_BYTES])
{
	double rate = json_number_value(json_object_get(object, key));

	return vly_ctl_number((uint64_t)(rate + 0.5), out);
}

static void
print_lcores(json_t *lcores)
{
	char rx[VLY_CTL_NUMBER_BYTES];
	char tx[VLY_CTL_NUMBER_BYTES];
	char limited[VLY_CTL_NUMBER_BYTES];
	size_t i;
	json_t *lcore;

	printf("%5s %5s %13s %13s %13s %7s\n", "lcore", "cpu", "queries/s", "responses/s",
	       "limited/s", "busy");
	json_array_foreach(lcores, i, lcore) printf(
		"%5llu %5llu %13s %13s %13s %6.1f%%\n",
		(unsigned long long)vly_ctl_number_at(lcore, "lcore"),
		(unsigned long long)vly_ctl_number_at(lcore, "cpu"), rate_at(lcore, "rx_per_s", rx),
		rate_at(lcore, "tx_per_s", tx), rate_at(lcore, "limited_per_s", limited),
		100 * json_number_value(json_object_get(lcore, "busy")));
}

/* Only what happens. */
static void
print_drops(json_t *drops)
{
	char rate[VLY_CTL_NUMBER_BYTES];
	const char *reason;
	json_t *value;
	bool any = false;

	puts("\ndropped or limited/s");
	json_object_foreach(drops, reason, value)
	{
		if (json_number_value(value) <= 0)
			continue;
		any = true;
		printf("  %13s  %s\n", rate_at(drops, reason, rate), reason);
	}
	if (!any)
		puts("  nothing");
}

static void
print_list(const char *title, json_t *list, const char *key)
{
	char rate[VLY_CTL_NUMBER_BYTES];
	size_t i;
	json_t *line;

	if (json_array_size(list) == 0)
		return;
	printf("\n%s\n", title);
	json_array_foreach(list, i, line)
		printf("  %13s  %s\n", rate_at(line, "per_s", rate), vly_ctl_text_at(line, key));
}

static void
print_top(json_t *answer)
{
	printf("generation %llu, %llu zone%s\n\n",
	       (unsigned long long)vly_ctl_number_at(answer, "generation"),
	       (unsigned long long)vly_ctl_number_at(answer, "zone_cnt"),
	       vly_plural(vly_ctl_number_at(answer, "zone_cnt")));
	print_lcores(json_object_get(answer, "lcores"));
	print_drops(json_object_get(answer, "drops"));
	print_list("zones, queries/s (estimated)", json_object_get(answer, "zones"), "zone");
	print_list("sources, queries/s (estimated)", json_object_get(answer, "sources"), "source");
	print_list("sources of what is dropped or limited, packets/s (estimated)",
		   json_object_get(answer, "dropped_sources"), "source");
}

static void
print_screen(json_t *answer)
{
	fputs(CLEAR_SCREEN, stdout);
	print_top(answer);
}

enum vly_ctl_exit
vly_ctl_top(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("top takes no argument except --once");
	for (;;) {
		/* answered after a second of watching */
		enum vly_ctl_exit code =
			vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "top"),
					      ctl->once ? print_top : print_screen);
		if (ctl->once || ctl->json || code != VLY_CTL_OK || ferror(stdout))
			return code;
	}
}
