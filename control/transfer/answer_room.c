/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"
#include "transfer_parts.h"

/* Octets a second of the fastest client of an answer; UINT64_MAX while one of them is new. */
static uint64_t
speed(const struct vly_answer *answer)
{
	const uint64_t now = uv_now(answer->transfers->settings.loop);
	uint64_t best = 0;

	for (const struct vly_transfer_client *client = answer->client; client != NULL;
	     client = client->next_user) {
		const uint64_t took_ms = now - client->start_ms;
		if (took_ms < VLY_ANSWER_GRACE_MS)
			return UINT64_MAX;
		const uint64_t rate = client->octet_cnt * 1000 / took_ms;
		best = rate > best ? rate : best;
	}
	return best;
}

/* The answer whose clients are the slowest. Those that nobody uses come first. */
static struct vly_answer *
slowest(const struct vly_answer_zone *zone, enum vly_answer_kind kind)
{
	struct vly_answer *found = NULL;
	uint64_t least = UINT64_MAX;

	for (struct vly_answer *answer = zone->answer; answer != NULL; answer = answer->next) {
		if (answer->kind != kind || answer->is_given_up ||
		    answer->state != VLY_ANSWER_ENDED)
			continue;
		const uint64_t rate = answer->user_cnt > 0 ? speed(answer) : 0;
		if (rate >= least)
			continue;
		found = answer;
		least = rate;
	}
	return found;
}

bool
vly_answers_give_way(struct vly_answer_zone *zone, enum vly_answer_kind kind, unsigned cnt)
{
	const unsigned max =
		kind == VLY_ANSWER_WHOLE ? VLY_ANSWER_VERSIONS_MAX : VLY_ANSWER_DIFFERENCES_MAX;

	if (kind == VLY_ANSWER_SOA || cnt < max)
		return true;
	struct vly_answer *answer = slowest(zone, kind);
	if (answer == NULL)
		return false;
	answer->is_given_up = true;
	answer->transfers->has_given_up = true;
	uv_async_send(&answer->transfers->progress);
	return true;
}

void
vly_answers_close_slow(struct vly_transfers *transfers)
{
	struct vly_transfer_client *next;

	if (!transfers->has_given_up)
		return;
	transfers->has_given_up = false;
	for (struct vly_transfer_client *client = transfers->client; client != NULL;
	     client = next) {
		next = client->next;
		if (client->answer == NULL || !client->answer->is_given_up)
			continue;
		transfers->counts.slow_cnt++;
		if (vly_transfers_may_log(transfers))
			vly_log_warning("a transfer of %s is broken off: it is slow, and others "
					"want newer versions",
					client->zone);
		client->end = "it is slow, and others want newer versions";
		vly_transfer_client_close(client);
	}
}
