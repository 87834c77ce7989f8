/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "job_whole.h"
#include "living/serial.h"
#include "secondary_parts.h"

/* A transfer of which fewer octets arrive in this time is ended, however long its messages are on the
 * way. Less time: slow links fail. More: a primary holds a place for longer. */
#define PACE_MS        60000
#define PACE_BYTES_MIN 4096

/* Octets of the records of an IXFR. They become a change in memory, where they take up to seven times as much; a whole
 * zone's go to disk instead. More: transfers.in-max of them need more memory. Less: AXFR follows more often. */
#define IXFR_BYTES_MAX (UINT64_C(64) << 20)

static bool
add_record(void *arg, const struct vly_transfer_record *record)
{
	struct vly_secondary_job *job = arg;
	struct vly_spool *spool = &job->spool;

	if (record->op == VLY_TRANSFER_HAS || spool->bytes <= IXFR_BYTES_MAX)
		return vly_spool_add(spool, record);
	spool->is_over = true;
	snprintf(spool->reason, sizeof(spool->reason), "its changes take more than %u MiB",
		 (unsigned)(IXFR_BYTES_MAX >> 20));
	return false;
}

/* Starts again with the same primary: for the whole zone. */
static void
fall_back(struct vly_secondary_job *job, const char *why)
{
	vly_log_info("zone %s: IXFR from primary %s: %s; AXFR follows", job->name, job->remote,
		     why);
	vly_secondary_job_close(job);
	job->wants_axfr = true;
	job->phase = VLY_SECONDARY_RECEIVING;
	if (vly_secondary_job_hold(job))
		vly_secondary_job_receive(job);
}

void
vly_secondary_job_fail(struct vly_secondary_job *job)
{
	char why[VLY_REASON_BYTES];

	snprintf(why, sizeof(why), "%s", job->reason);
	vly_secondary_note_past(job, why);
	if (job->gives_up || job->order_cnt == 0)
		vly_secondary_job_end(job, why);
	else if (job->is_ixfr)
		fall_back(job, why);
	else
		vly_secondary_job_next(job);
}

/* The transfer has failed with job->reason. */
static void
fail(struct vly_secondary_job *job)
{
	job->zone->refused_cnt += job->reader.has_soa;
	vly_secondary_job_fail(job);
}

/* Whether the serial that was received may take the place of ours. */
static bool
is_wanted(struct vly_secondary_job *job)
{
	const uint32_t serial = job->reader.soa.serial;

	if (!job->was_loaded || job->replaces || vly_serial_is_larger(serial, job->ours))
		return true;
	snprintf(job->reason, sizeof(job->reason),
		 "its serial %" PRIu32 " is older than ours, %" PRIu32
		 ", which stays; volleyctl zone retransfer takes it all the same",
		 serial, job->ours);
	return false;
}

static void
confirm(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;

	vly_secondary_contact(zone, &job->reader.soa);
	vly_secondary_set_why(zone, NULL);
	vly_secondary_job_end(job, NULL);
}

static void
take(struct vly_secondary_job *job)
{
	struct vly_secondary_zone *zone = job->zone;
	struct vly_secondaries *secondaries = job->secondaries;

	zone->bytes = job->bytes;
	zone->message_cnt = (uint32_t)job->message_cnt;
	zone->record_cnt = job->reader.record_cnt;
	zone->is_incremental = job->received == VLY_TRANSFER_CHANGES;
	zone->duration_ms = (uint32_t)(uv_now(secondaries->loop) - job->start_ms);
	zone->received = (struct vly_secondary_mark){job->reader.soa.serial, vly_secondary_now_s()};
	if (!is_wanted(job)) {
		vly_secondary_job_next(job);
		return;
	}
	vly_secondary_job_hang_up(job);
	job->phase = VLY_SECONDARY_CHECKING;
	vly_secondary_job_pass(job);
	vly_secondary_job_take(job);
}

static void
end_transfer(struct vly_secondary_job *job)
{
	const char *why = job->has_tsig ? vly_tsig_stream_end(&job->tsig) : NULL;
	const bool has_soa = job->reader.has_soa;

	if (why) {
		snprintf(job->reason, sizeof(job->reason), "%s", why);
		fail(job);
		return;
	}
	job->is_through = true;
	if (has_soa)
		vly_secondary_said(job->zone, job->order[job->at], job->reader.soa.serial);
	if (has_soa && job->was_loaded && !job->replaces && job->reader.soa.serial == job->ours)
		confirm(job);
	else if (job->received == VLY_TRANSFER_CURRENT && !is_wanted(job))
		vly_secondary_job_next(job);
	else
		take(job);
}

/* After a primary has refused IXFR, so many transfers are AXFR at once. More: one that has learnt IXFR is
 * asked for it later. Fewer: one that never does is asked in vain more often. */
#define AXFR_AFTER_REFUSAL 16

static void
refuse(struct vly_secondary_job *job)
{
	job->is_through = true;
	if (job->is_ixfr)
		job->zone->axfr_left = AXFR_AFTER_REFUSAL;
	snprintf(job->reason, sizeof(job->reason), "it answers %s with RCODE %u",
		 job->is_ixfr ? "IXFR" : "AXFR", job->reader.rcode);
	fail(job);
}

/* The spool: that of an IXFR goes to its file; records of a whole zone become its tree. */

static void
flush(uv_work_t *work)
{
	struct vly_secondary_job *job = work->data;

	job->work_failed = job->reader.step_cnt == 0 ? vly_secondary_tree_grow(job) != 0
						     : !vly_spool_flush(&job->spool);
}

static void
on_flushed(uv_work_t *work, int status)
{
	struct vly_secondary_job *job = work->data;

	(void)status;
	job->is_working = false;
	if (!job->zone || !job->session) { /* broken off meanwhile */
		vly_spool_free(&job->spool);
		job->has_spool = false;
		if (!job->zone)
			vly_secondary_job_drop(job);
		else
			vly_secondary_job_next(job);
		return;
	}
	if (job->work_failed) {
		snprintf(job->reason, sizeof(job->reason), "%s", job->spool.reason);
		job->gives_up = !job->spool.is_over;
		fail(job);
	} else if (!job->is_slowed) {
		vly_session_resume(job->session);
	}
}

static void
begin_flush(struct vly_secondary_job *job)
{
	vly_session_pause(job->session);
	job->is_working = true;
	job->work.data = job;
	uv_queue_work(job->secondaries->loop, &job->work, flush, on_flushed);
}

/* The session. */

static void
slow_down(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;

	if (secondaries->rate == 0 || secondaries->rate_bytes <= secondaries->rate)
		return;
	job->is_slowed = true;
	vly_session_pause(job->session);
}

static bool
verify(struct vly_secondary_job *job, const uint8_t *message, size_t len,
       struct vly_tsig_stream_part *part)
{
	*part = (struct vly_tsig_stream_part){.len = len};
	if (!job->has_tsig)
		return true;
	const char *why =
		vly_tsig_stream_verify(&job->tsig, message, len, vly_secondary_now_s(), part);
	if (why)
		snprintf(job->reason, sizeof(job->reason), "%s", why);
	return !why;
}

static void
on_message(void *arg, const uint8_t *message, size_t len)
{
	struct vly_secondary_job *job = arg;
	struct vly_tsig_stream_part part;

	if (vly_secondary_job_is_stray(job, message, len) &&
	    vly_secondary_job_reconnect(job, VLY_SESSION_BROKEN))
		return;
	job->bytes += len + 2;
	job->message_cnt++;
	job->secondaries->counts.bytes += len + 2;
	job->secondaries->rate_bytes += len + 2;
	if (!verify(job, message, len, &part)) {
		fail(job);
		return;
	}
	job->received = vly_transfer_read(&job->reader, message, part.len);
	switch (job->received) {
	case VLY_TRANSFER_MORE:
		slow_down(job);
		if (vly_spool_is_full(&job->spool))
			begin_flush(job);
		return;
	case VLY_TRANSFER_REFUSED:
		refuse(job);
		return;
	case VLY_TRANSFER_FAILED:
		snprintf(job->reason, sizeof(job->reason), "%s",
			 job->spool.reason[0] ? job->spool.reason : job->reader.reason);
		job->gives_up = job->spool.reason[0] && !job->spool.is_over;
		fail(job);
		return;
	case VLY_TRANSFER_WHOLE:
	case VLY_TRANSFER_CHANGES:
	case VLY_TRANSFER_CURRENT:
		end_transfer(job);
		return;
	}
}

static void
on_closed(void *arg, enum vly_session_end end, const char *reason)
{
	struct vly_secondary_job *job = arg;

	job->session = NULL;
	job->is_cut |= end == VLY_SESSION_UNREACHABLE || end == VLY_SESSION_EOF ||
		       end == VLY_SESSION_BROKEN;
	snprintf(job->reason, sizeof(job->reason), "%s%s",
		 job->reader.has_soa ? "the transfer broke off: " : "", reason);
	if (job->is_working)
		return; /* on_flushed() goes on */
	if (vly_secondary_job_reconnect(job, end))
		return;
	if (job->reader.has_soa)
		fail(job);
	else
		vly_secondary_job_next(job);
}

static void
on_opened(void *arg, const struct vly_session_peer *peer)
{
	struct vly_secondary_job *job = arg;

	(void)peer;
	vly_reach_forget_address(&job->secondaries->reach, &job->target.address);
}

static const struct vly_session_callbacks callbacks = {
	.opened = on_opened,
	.message = on_message,
	.closed = on_closed,
};

void
vly_secondary_job_receive(struct vly_secondary_job *job)
{
	uint8_t query[VLY_SECONDARY_QUERY_BYTES];

	job->phase = VLY_SECONDARY_RECEIVING;
	/* a version that is reviewed comes as a whole */
	job->is_ixfr = job->was_loaded && !job->replaces && !job->wants_axfr &&
		       !job->zone->feed->is_reviewed;
	job->gives_up = false;
	job->bytes = job->message_cnt = 0;
	job->receive_ms = job->pace_ms = uv_now(job->secondaries->loop);
	job->pace_bytes = 0;
	vly_spool_init(&job->spool, job->secondaries->transfer_dir, job->secondaries->bytes_max);
	job->has_spool = true;
	const size_t len =
		vly_secondary_job_query(job, job->is_ixfr ? VLY_TYPE_IXFR : VLY_TYPE_AXFR, query);
	vly_transfer_reader_init(&job->reader, &job->apex, job->id, job->is_ixfr, job->ours,
				 add_record, job);
	if (len == 0 || !vly_secondary_job_connect(job, &callbacks)) {
		vly_secondary_job_next(job);
		return;
	}
	(void)vly_session_send(job->session, query, len);
}

static void
take_share(struct vly_secondary_job *job)
{
	job->is_slowed = false;
	if (!job->is_working)
		vly_session_resume(job->session);
}

static bool
is_too_late(const struct vly_secondary_job *job, uint64_t now)
{
	return now - job->receive_ms >= job->secondaries->time_max_ms && !job->is_working;
}

void
vly_secondary_job_tick(struct vly_secondary_job *job)
{
	struct vly_secondaries *secondaries = job->secondaries;
	const uint64_t now = uv_now(secondaries->loop);

	if (!job->zone || !job->session)
		return;
	if (is_too_late(job, now)) {
		snprintf(job->reason, sizeof(job->reason),
			 "the transfer takes longer than transfers.in-time");
		vly_secondary_note_past(job, job->reason);
		vly_secondary_job_next(job);
		return;
	}
	if (job->is_slowed && secondaries->rate_bytes <= secondaries->rate)
		take_share(job);
	if (now - job->pace_ms < PACE_MS)
		return;
	const bool is_slow = job->bytes - job->pace_bytes < PACE_BYTES_MIN && !job->is_slowed &&
			     !job->is_working;
	job->pace_ms = now;
	job->pace_bytes = job->bytes;
	if (!is_slow)
		return;
	snprintf(job->reason, sizeof(job->reason),
		 "fewer than %u octets of the transfer arrived in a minute", PACE_BYTES_MIN);
	vly_secondary_note_past(job, job->reason);
	vly_secondary_job_next(job);
}
