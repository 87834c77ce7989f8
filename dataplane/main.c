/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/close_range.h>

#include <volley/retry.h>

#include "dataplane.h"
#include "start.h"

/* Executes volley-dataplane again with one more option. */
static int
run_without_huge_pages(int argc, char **argv)
{
	/* DPDK has opened huge pages by now, which would stay allocated. */
	close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
	char **again = calloc((size_t)argc + 2, sizeof(*again));

	if (again != NULL) {
		memcpy(again, argv, (size_t)argc * sizeof(*again));
		again[argc] = (char *)(uintptr_t) "--huge-pages=off";
		execv("/proc/self/exe", again);
	}
	vly_log_error("can't start again: %m");
	return VLY_DATAPLANE_FAILED;
}

static int
run(int argc, char **argv)
{
	static struct vly_options options;

	/* Logging to a closed pipe must not end the program. */
	signal(SIGPIPE, SIG_IGN);
	switch (vly_options_parse(&options, argc, argv)) {
	case VLY_OPTIONS_HELP:
		vly_options_help(stdout);
		return 0;
	case VLY_OPTIONS_VERSION:
		puts("volley-dataplane " VLY_VERSION);
		return 0;
	case VLY_OPTIONS_BAD:
		vly_log_error("%s; volley-dataplane --help shows all options", options.error);
		return VLY_DATAPLANE_USAGE;
	case VLY_OPTIONS_RUN:
		break;
	}
	vly_log_level_set(options.log_level);
	int status = vly_dataplane_run(&options);
	return status == VLY_DATAPLANE_NO_HUGE_PAGES ? run_without_huge_pages(argc, argv) : status;
}

int
main(int argc, char **argv)
{
	vly_retry_begin(&vly_log_retry, argv);
	int status = run(argc, argv);
	return status == 0 ? 0 : vly_start_again(argv, status);
}
