/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "secondary_parts.h"

void
vly_secondary_note_past(struct vly_secondary_job *job, const char *why)
{
	struct vly_secondaries *secondaries = job->secondaries;
	char peer[VLY_PAST_PEER_BYTES];

	/* of a version that waited for a review, the transfer has ended before */
	if (!job->zone || job->order_cnt == 0 || job->is_accepted)
		return;
	if (job->message_cnt == 0 && !why)
		return;
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);
	snprintf(peer, sizeof(peer), "%.60s %.60s", job->remote,
		 job->address < remote->address_cnt ? remote->addresses[job->address] : "");
	vly_past_add(&secondaries->past,
		     &(struct vly_past_transfer){
			     .zone = job->name,
			     .peer = peer,
			     .why = why ? why : "",
			     .is_in = true,
			     .is_incremental = job->is_ixfr,
			     .is_tls = remote->profile && !job->is_plain,
			     .has_failed = why != NULL,
			     .serial = job->reader.soa.serial,
			     .bytes = job->bytes,
			     .message_cnt = job->message_cnt,
			     .duration_ms = uv_now(secondaries->loop) - job->receive_ms,
		     });
}

const struct vly_past *
vly_secondaries_past(const struct vly_secondaries *secondaries)
{
	return &secondaries->past;
}
