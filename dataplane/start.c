/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "start.h"

#include <stdlib.h>

#include <volley/retry.h>

#include "common/log.h"
#include "common/notify.h"
#include "common/plural.h"
#include "dataplane.h"

void
vly_start_done(void)
{
	unsigned failed_cnt = vly_retry_started(&vly_log_retry);

	if (failed_cnt > 0)
		vly_log_info("started after %u failed attempt%s", failed_cnt,
			     vly_plural(failed_cnt));
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
	vly_log_info(VLY_RETRY_NOTICE "; SIGTERM ends the program", VLY_RETRY_MAX_MS / 1000);
	vly_notify_status(VLY_RETRY_STATUS, vly_log_last_error());
	vly_retry_pause(&vly_log_retry);
	vly_retry_exec(&vly_log_retry, argv);
	vly_log_error("cannot start again: %m");
	return status;
}
