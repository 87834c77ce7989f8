/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "dataplane.h"

#define EXIT_USAGE 2

int
main(int argc, char **argv)
{
	static struct vly_options options;

	switch (vly_options_parse(&options, argc, argv)) {
	case VLY_OPTIONS_HELP:
		fputs(vly_options_help, stdout);
		return 0;
	case VLY_OPTIONS_VERSION:
		puts("volley-dataplane " VLY_VERSION);
		return 0;
	case VLY_OPTIONS_BAD:
		vly_log_error("%s; volley-dataplane --help shows all options", options.error);
		return EXIT_USAGE;
	case VLY_OPTIONS_RUN:
		break;
	}
	vly_log_level_set(options.log_level);
	return vly_dataplane_run(&options);
}
