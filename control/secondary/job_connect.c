/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/in.h>
#include <stdio.h>

#include <volley/octets.h>

#include "secondary_parts.h"
#include "session/profiles.h"

/* Port 853 is TLS alone. */
static in_port_t *
tls_port(struct sockaddr_storage *address)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
	in_port_t *port = address->ss_family == AF_INET ? &in4->sin_port : &in6->sin6_port;

	return ntohs(*port) == VLY_PORT_TLS ? port : NULL;
}

/* The address that is tried, with the port. */
static struct sockaddr_storage
address_of(const struct vly_secondary_job *job)
{
	struct sockaddr_storage address = vly_secondary_job_remote(job)->address[job->address];
	in_port_t *port = tls_port(&address);

	if (job->is_plain && port)
		*port = htons(VLY_PORT_DNS);
	return address;
}

bool
vly_secondary_job_is_down(const struct vly_secondary_job *job, enum vly_reach_way way)
{
	const struct sockaddr_storage address = address_of(job);

	return vly_reach_is_down(&job->secondaries->reach, &address, way,
				 uv_now(job->secondaries->loop));
}

/* Whether TCP follows opportunistic TLS that has failed, or whose port is closed. */
static bool
may_be_plain(const struct vly_secondary_job *job, enum vly_session_end end)
{
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);
	struct sockaddr_storage address = remote->address[job->address];

	if (!remote->profile || !remote->profile->is_opportunistic || job->is_plain)
		return false;
	return end == VLY_SESSION_TLS || (end == VLY_SESSION_UNREACHABLE && tls_port(&address));
}

/* Returns false with a reason if the primary's credentials can't be used. */
static bool
aim(struct vly_secondary_job *job)
{
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);

	job->target =
		(struct vly_session_target){.address = address_of(job), .source = remote->from};
	if (!remote->profile || job->is_plain)
		return true;
	job->target.credentials =
		vly_profiles_client(job->secondaries->profiles, remote->profile->name, job->reason);
	return job->target.credentials != NULL;
}

bool
vly_secondary_job_connect(struct vly_secondary_job *job,
			  const struct vly_session_callbacks *callbacks)
{
	struct vly_secondaries *secondaries = job->secondaries;

	if (vly_secondary_job_is_down(job, VLY_REACH_TCP) &&
	    may_be_plain(job, VLY_SESSION_UNREACHABLE))
		job->is_plain = true;
	if (vly_secondary_job_is_down(job, VLY_REACH_TCP)) {
		snprintf(job->reason, sizeof(job->reason), "it was not reached a moment ago");
		job->is_cut = true;
		return false;
	}
	if (!aim(job))
		return false;
	job->mark = secondaries->mark;
	job->is_through = false;
	if (!job->is_fresh)
		job->session =
			vly_session_pool_take(secondaries->pool, &job->target, callbacks, job);
	job->is_reused = job->session != NULL;
	if (!job->session)
		job->session = vly_session_connect(secondaries->loop, &job->target, NULL, callbacks,
						   job, job->reason, sizeof(job->reason));
	return job->session != NULL;
}

/* Whether a connection that others have used ended, or went silent, when it was to serve the job. */
static bool
was_closed_before(const struct vly_secondary_job *job, enum vly_session_end end)
{
	return job->is_reused && job->message_cnt == 0 &&
	       (end == VLY_SESSION_EOF || end == VLY_SESSION_BROKEN || end == VLY_SESSION_LIMIT);
}

bool
vly_secondary_job_is_stray(const struct vly_secondary_job *job, const uint8_t *message, size_t len)
{
	return job->is_reused && job->message_cnt == 0 && len >= 2 && vly_be16(message) != job->id;
}

bool
vly_secondary_job_reconnect(struct vly_secondary_job *job, enum vly_session_end end)
{
	struct vly_secondaries *secondaries = job->secondaries;
	const uint64_t now = uv_now(secondaries->loop);

	if (end == VLY_SESSION_UNREACHABLE)
		vly_reach_failed(&secondaries->reach, &job->target.address, VLY_REACH_TCP,
				 job->receive_ms, now);
	if (was_closed_before(job, end)) {
		vly_session_pool_spurn(secondaries->pool, &job->target);
		job->is_fresh = true;
	} else if (may_be_plain(job, end)) {
		job->is_plain = true;
	} else {
		return false;
	}
	vly_secondary_job_close(job);
	vly_secondary_job_receive(job);
	return true;
}

void
vly_secondary_job_hang_up(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;
	struct vly_session *session = job->session;

	job->session = NULL;
	if (!session)
		return;
	/* with another configuration, credentials may differ */
	if (job->is_through && job->mark == secondaries->mark && !secondaries->is_freed)
		vly_session_pool_put(secondaries->pool, session, &job->target);
	else
		vly_session_close(session);
}
