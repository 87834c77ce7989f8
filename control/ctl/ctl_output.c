/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

static bool incomplete; /* without memory */

void
vly_ctl_print_json(json_t *json, size_t flags)
{
	if (json_dumpf(json, stdout, flags) < 0 && !ferror(stdout))
		incomplete = true;
	puts("");
}

enum vly_ctl_exit
vly_ctl_end(enum vly_ctl_exit code)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout);

	if (!failed && !incomplete)
		return code;
	/* stdio keeps no errno of earlier writes: another one, of no harm, meets the same */
	int error = failed && write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO;
	if (!failed)
		fputs("volleyctl: out of memory: the output is incomplete\n", stderr);
	else if (error != EPIPE)
		fprintf(stderr, "volleyctl: the output could not be written: %s\n",
			strerror(error));
	return code == VLY_CTL_OK ? VLY_CTL_FAILED : code;
}
