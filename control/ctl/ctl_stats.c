/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include <volley/counters.h>

#include "common/plural.h"
#include "ctl.h"

struct line {
	const char *name;
	const char *help;
};

static const struct line counter_lines[] = {
#define X(name, help) {#name, help},
	VLY_LCORE_COUNTERS(X)
#undef X
};

static const struct line stream_lines[] = {
#define X(name, help) {#name, help},
	VLY_STREAM_COUNTERS(X)
#undef X
};

static const struct line verdict_lines[] = {
#define X(name, help) {#name, help},
	VLY_VERDICTS(X)
#undef X
};

#define LINE_CNT(lines) (sizeof(lines) / sizeof((lines)[0]))

/* Columns of lcores or ports that fit on a line; --json has all. */
#define COLUMN_MAX 8

static size_t
column_cnt(json_t *array)
{
	size_t cnt = json_array_size(array);

	return cnt < COLUMN_MAX ? cnt : COLUMN_MAX;
}

static bool
is_always_zero(json_t *total, json_t *array, const char *group, const char *name)
{
	bool zero = vly_ctl_number_at(total, name) == 0;

	for (size_t i = 0; zero && i < json_array_size(array); i++)
		zero = vly_ctl_number_at(json_object_get(json_array_get(array, i), group), name) ==
		       0;
	return zero;
}

/* One line for each counter that is not 0: the total (if there is one), each element, and its
 * meaning. */
static void
print_table(const struct line *lines, size_t line_cnt, json_t *total, json_t *array,
	    const char *group)
{
	char number[VLY_CTL_NUMBER_BYTES];

	for (size_t i = 0; i < line_cnt; i++) {
		if (is_always_zero(total, array, group, lines[i].name))
			continue;
		printf("  %-16s", lines[i].name);
		if (total)
			printf(" %19s",
			       vly_ctl_number(vly_ctl_number_at(total, lines[i].name), number));
		for (size_t j = 0; j < column_cnt(array); j++) {
			json_t *element = json_object_get(json_array_get(array, j), group);
			printf(" %19s",
			       vly_ctl_number(vly_ctl_number_at(element, lines[i].name), number));
		}
		printf("  %s\n", lines[i].help);
	}
}

static void
print_lcores(json_t *answer)
{
	json_t *lcores = json_object_get(answer, "lcores");

	printf("%-18s %19s", "lcores", "total");
	for (size_t i = 0; i < column_cnt(lcores); i++) {
		json_t *lcore = json_array_get(lcores, i);
		char head[60];
		snprintf(head, sizeof(head), "%llu (cpu %llu)",
			 (unsigned long long)vly_ctl_number_at(lcore, "lcore"),
			 (unsigned long long)vly_ctl_number_at(lcore, "cpu"));
		printf(" %19s", head);
	}
	puts("");
	print_table(counter_lines, LINE_CNT(counter_lines), json_object_get(answer, "totals"),
		    lcores, "counters");
	print_table(verdict_lines, LINE_CNT(verdict_lines), json_object_get(answer, "verdicts"),
		    lcores, "verdicts");
	if (json_array_size(lcores) > COLUMN_MAX)
		printf("  and %zu more lcores: see --json\n", json_array_size(lcores) - COLUMN_MAX);
}

static void
print_streams(json_t *answer)
{
	json_t *streams = json_object_get(answer, "streams");
	char number[VLY_CTL_NUMBER_BYTES];

	if (json_array_size(streams) == 0)
		return;
	printf("%-18s", "stream threads");
	for (size_t i = 0; i < column_cnt(streams); i++)
		printf(" %19zu", i + 1);
	printf("\n  %-16s", "open");
	for (size_t i = 0; i < column_cnt(streams); i++)
		printf(" %19s",
		       vly_ctl_number(vly_ctl_number_at(json_array_get(streams, i), "open"),
				      number));
	puts("  connections now");
	print_table(stream_lines, LINE_CNT(stream_lines), NULL, streams, "connections");
	print_table(counter_lines, LINE_CNT(counter_lines), NULL, streams, "counters");
	print_table(verdict_lines, LINE_CNT(verdict_lines), NULL, streams, "verdicts");
	if (column_cnt(streams) < json_array_size(streams))
		puts("  and more threads: see --json");
}

static const struct line kernel_lines[] = {
	{"to_kernel", "packets to the kernel, through that interface"},
	{"from_kernel", "packets from the kernel, given to the port"},
	{"kernel_lost", "packets that the interface or the port did not take"},
};

static void
print_kernel(json_t *kernel)
{
	char number[VLY_CTL_NUMBER_BYTES];

	for (size_t i = 0; i < LINE_CNT(kernel_lines); i++)
		printf("  %-16s %19s  %s\n", kernel_lines[i].name,
		       vly_ctl_number(vly_ctl_number_at(kernel, kernel_lines[i].name), number),
		       kernel_lines[i].help);
}

static void
print_port(json_t *port)
{
	char number[VLY_CTL_NUMBER_BYTES];
	bool xdp = json_is_true(json_object_get(port, "xdp"));
	json_t *verdicts = json_object_get(port, "xdp_verdicts");

	json_t *kernel = json_object_get(port, "kernel");
	const char *interface = json_string_value(json_object_get(kernel, "interface"));

	printf("port %s%s%s%s\n", json_string_value(json_object_get(port, "name")),
	       xdp ? ", XDP program attached" : "", interface ? ", interface to the kernel: " : "",
	       interface ? interface : "");
	printf("  %-16s %19s  packets that found the port's ring full\n", "rx_missed",
	       vly_ctl_number(vly_ctl_number_at(port, "rx_missed"), number));
	if (kernel)
		print_kernel(kernel);
	if (xdp && vly_ctl_number_at(port, "xdp_source_dry_run"))
		printf("  %-16s %19s  packets that the source rate would have dropped\n",
		       "source_dry_run",
		       vly_ctl_number(vly_ctl_number_at(port, "xdp_source_dry_run"), number));
	for (size_t i = 0; xdp && i < LINE_CNT(verdict_lines); i++)
		printf("  %-16s %19s  %s\n", verdict_lines[i].name,
		       vly_ctl_number(vly_ctl_number_at(verdicts, verdict_lines[i].name), number),
		       verdict_lines[i].help);
}

void
vly_ctl_print_stats(json_t *answer)
{
	json_t *ports = json_object_get(answer, "ports");
	size_t i;
	json_t *port;

	printf("generation %llu, %llu zone%s\n",
	       (unsigned long long)vly_ctl_number_at(answer, "generation"),
	       (unsigned long long)vly_ctl_number_at(answer, "zone_cnt"),
	       vly_plural(vly_ctl_number_at(answer, "zone_cnt")));
	print_lcores(answer);
	print_streams(answer);
	json_array_foreach(ports, i, port) print_port(port);
}
