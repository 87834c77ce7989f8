/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "start.h"

#include <stdlib.h>

#include <volley/retry.h>

#include "common/log.h"
#include "dataplane.h"

void
vly_start_done(void)
{
	unsigned failed_cnt = vly_retry_started(&vly_log_retry);

	if (failed_cnt > 0)
		vly_log_info("started, after %u attempts that failed", failed_cnt);
}

int
vly_start_again(char **argv, int status)
{
	/* Only volleyctl, which reads the configuration again, can pass other flags. */
	bool flags_may_change = getenv(VLY_RETRY_COMMAND) != NULL;

	if (!vly_log_retry.starting)
		return status;
	if (status != VLY_DATAPLANE_FAILED && !(status == VLY_DATAPLANE_USAGE && flags_may_change))
		return status;
	vly_log_info("the start is tried again until it works, every %u s at the longest; "
		     "SIGTERM ends that",
		     VLY_RETRY_MAX_MS / 1000);
	vly_retry_pause(&vly_log_retry);
	vly_retry_exec(&vly_log_retry, argv);
	vly_log_error("can't start again: %m");
	return status;
}
