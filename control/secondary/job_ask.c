/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "living/serial.h"
#include "secondary_parts.h"

/* 0.5 + 1 + 2 s. More: a primary that is down holds a place for longer. */
#define TRIES   3
#define WAIT_MS 500

#define TRUNCATED 0x02 /* of the header's third octet */

/* A newer version is there: the zone waits for its turn to be transferred, without the job. */
static void
want_transfer(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	const int8_t primary = (int8_t)job->order[job->at];

	job->is_new = true;
	vly_secondary_job_end(job, NULL);
	zone->prefer = primary;
	vly_secondary_enqueue(zone, VLY_QUEUE_TRANSFER);
}

static void
judge(struct vly_secondary_job *job, const struct vly_transfer_soa *soa)
{
	struct vly_secondary_zone *zone = job->zone;

	vly_secondary_said(zone, job->order[job->at], soa->serial);
	const bool is_held = zone->held && zone->held->soa.serial == soa->serial;
	if (!is_held && (job->replaces || vly_serial_is_larger(soa->serial, job->ours))) {
		want_transfer(job);
		zone->is_notified = true;
		return;
	}
	if (is_held) {
		vly_secondary_keep(zone, soa);
		vly_secondary_job_end(job, NULL);
		return;
	}
	if (soa->serial != job->ours) {
		snprintf(job->reason, sizeof(job->reason),
			 "its serial %" PRIu32 " is older than ours, %" PRIu32
			 ", which stays; volleyctl zone retransfer takes it all the same",
			 soa->serial, job->ours);
		vly_secondary_job_next(job);
		return;
	}
	vly_secondary_contact(zone, soa);
	vly_secondary_set_why(zone, NULL);
	vly_secondary_job_end(job, NULL);
}

/* UDP may not pass: a transfer says the same. */
static void
try_tcp(struct vly_secondary_job *job)
{
	if (vly_secondary_job_is_down(job, VLY_REACH_TCP))
		vly_secondary_job_next(job);
	else
		want_transfer(job);
}

/* With a copy of the stream: whoever guesses ID and port may send wrong signatures, and the right response
 * comes behind them (RFC 8945 §5.4.1). Returns whether the message is the primary's. */
static bool
verify(struct vly_secondary_job *job, const uint8_t *message, size_t len,
       struct vly_tsig_stream_part *part)
{
	struct vly_tsig_stream stream = job->tsig;

	if (!job->has_tsig)
		return true;
	const char *why =
		vly_tsig_stream_verify(&stream, message, len, vly_secondary_now_s(), part);
	vly_tsig_stream_wipe(&stream);
	if (why)
		snprintf(job->doubt, sizeof(job->doubt), "%s", why);
	return !why;
}

static bool
on_answer(void *arg, const uint8_t *message, size_t len)
{
	struct vly_secondary_job *job = arg;
	struct vly_tsig_stream_part part = {.len = len};
	struct vly_transfer_soa soa;

	if (!verify(job, message, len, &part))
		return false;
	job->datagram = NULL;
	if (message[2] & TRUNCATED) {
		snprintf(job->reason, sizeof(job->reason), "its response over UDP is truncated");
		try_tcp(job);
	} else if (vly_transfer_read_soa(&job->apex, job->id, message, part.len, &soa,
					 job->reason)) {
		judge(job, &soa);
	} else {
		vly_secondary_job_next(job);
	}
	return true;
}

static void
on_failed(void *arg, const char *reason)
{
	struct vly_secondary_job *job = arg;
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);

	job->datagram = NULL;
	snprintf(job->reason, sizeof(job->reason), "%s", job->doubt[0] ? job->doubt : reason);
	vly_reach_failed(&job->secondaries->reach, &remote->address[job->address], VLY_REACH_UDP,
			 job->ask_ms, uv_now(job->secondaries->loop));
	try_tcp(job);
}

static const struct vly_datagram_callbacks callbacks = {on_answer, on_failed};

void
vly_secondary_job_ask(struct vly_secondary_job *job)
{
	const struct vly_config_remote *remote = vly_secondary_job_remote(job);
	uint8_t query[VLY_SECONDARY_QUERY_BYTES];

	if (remote->profile) { /* whatever is asked goes through TLS (RFC 9103 §6.3) */
		want_transfer(job);
		return;
	}
	if (vly_secondary_job_is_down(job, VLY_REACH_UDP)) {
		snprintf(job->reason, sizeof(job->reason), "it did not answer a moment ago");
		try_tcp(job);
		return;
	}
	job->doubt[0] = 0;
	job->ask_ms = uv_now(job->secondaries->loop);
	const size_t len = vly_secondary_job_query(job, VLY_TYPE_SOA, query);
	const struct vly_datagram_query datagram = {
		.address = remote->address[job->address],
		.source = remote->from,
		.message = query,
		.len = len,
		.tries = TRIES,
		.wait_ms = WAIT_MS,
	};
	if (len > 0)
		job->datagram = vly_datagram_send(job->secondaries->loop, &datagram, &callbacks,
						  job, job->reason, sizeof(job->reason));
	if (!job->datagram)
		vly_secondary_job_next(job);
}
