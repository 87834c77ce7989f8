/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "transfer_parts.h"

static void begin(struct vly_answer *answer);

static void
free_answer(struct vly_answer *answer)
{
	struct vly_transfers *transfers = answer->transfers;
	struct vly_answer_zone *zone = answer->zone;

	for (struct vly_answer **at = &zone->answer; *at != NULL; at = &(*at)->next) {
		if (*at != answer)
			continue;
		*at = answer->next;
		break;
	}
	if (zone->answer == NULL) {
		HASH_DEL(transfers->answers, zone);
		free(zone->name);
		free(zone);
	}
	transfers->answer_cnt--;
	if (answer->user_cnt == 0)
		transfers->unused_cnt--;
	vly_message_spool_free(answer->spool);
	free(answer);
}

/* Large zones do not wait for small answers, nor these for them. */
static struct vly_answer_queue *
queue_of(const struct vly_answer *answer)
{
	return answer->kind == VLY_ANSWER_WHOLE ? &answer->transfers->whole
						: &answer->transfers->small;
}

static void
unqueue(struct vly_answer *answer)
{
	struct vly_answer_queue *queue = queue_of(answer);

	for (struct vly_answer **at = &queue->waiting; *at != NULL; at = &(*at)->next_queued) {
		if (*at != answer)
			continue;
		*at = answer->next_queued;
		if (*at == NULL)
			queue->end = at;
		return;
	}
}

/* Nobody uses it. One that a thread is at work on is freed when that has ended. */
static void
discard(struct vly_answer *answer)
{
	if (answer->state == VLY_ANSWER_FILLING) {
		atomic_store(&answer->is_cancelled, true);
		return;
	}
	if (answer->state == VLY_ANSWER_QUEUED)
		unqueue(answer);
	free_answer(answer);
}

/* Whether it may be of use to somebody who comes now. */
static bool
is_worth_keeping(const struct vly_answer *answer)
{
	const struct vly_transfers *transfers = answer->transfers;

	return answer->state == VLY_ANSWER_ENDED && answer->result != VLY_FILL_FAILED &&
	       !atomic_load(&answer->is_cancelled) && !answer->is_given_up &&
	       transfers->unused_cnt <= VLY_ANSWERS_KEPT_MAX && !transfers->is_freed;
}

void
vly_answer_hold(struct vly_answer *answer)
{
	if (answer->user_cnt++ == 0)
		answer->transfers->unused_cnt--;
}

void
vly_answer_release(struct vly_answer *answer)
{
	if (--answer->user_cnt > 0)
		return;
	answer->transfers->unused_cnt++;
	answer->unused_ms = uv_now(answer->transfers->settings.loop);
	if (!is_worth_keeping(answer))
		discard(answer);
}

void
vly_answer_leave(struct vly_transfer_client *client)
{
	struct vly_answer *answer = client->answer;

	if (answer == NULL)
		return;
	*client->prev_user = client->next_user;
	if (client->next_user != NULL)
		client->next_user->prev_user = client->prev_user;
	client->answer = NULL;
	vly_answer_release(answer);
}

/* Sends on to all clients of an answer. Each may go meanwhile, but only itself. */
static void
send_to_all(struct vly_answer *answer)
{
	struct vly_transfer_client *next;

	vly_answer_hold(answer);
	for (struct vly_transfer_client *client = answer->client; client != NULL; client = next) {
		next = client->next_user;
		if (client->read == NULL && !client->is_full)
			vly_transfer_send(client);
	}
	vly_answer_release(answer);
}

/* In the thread. */
static int
on_read(struct vly_living_read *read, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	char reason[VLY_REASON_BYTES])
{
	struct vly_answer *answer = (struct vly_answer *)read;
	const struct vly_fill fill = {.kind = answer->kind,
				      .from = answer->from,
				      .spool = answer->spool,
				      .is_cancelled = &answer->is_cancelled};

	atomic_store(&answer->serial, zone->serial);
	atomic_store(&answer->version, zone->version);
	answer->result = vly_fill_run(&fill, txn, zone, reason);
	if (answer->result == VLY_FILL_FAILED)
		return -1;
	if (vly_message_spool_end(answer->spool, VLY_MESSAGE_SPOOL_WHOLE, reason) == 0)
		return 0;
	answer->result = VLY_FILL_FAILED;
	return -1;
}

static void
begin_queued(struct vly_answer_queue *queue)
{
	struct vly_answer *answer = queue->waiting;

	if (answer == NULL || queue->filling_cnt >= VLY_ANSWER_FILLS_MAX)
		return;
	queue->waiting = answer->next_queued;
	begin(answer);
}

static void
on_done(struct vly_living_read *read, const char *error)
{
	struct vly_answer *answer = (struct vly_answer *)read;
	struct vly_transfers *transfers = answer->transfers;
	struct vly_answer_queue *queue = queue_of(answer);

	transfers->read_cnt--;
	queue->filling_cnt--;
	answer->state = VLY_ANSWER_ENDED;
	if (error != NULL) {
		answer->result = VLY_FILL_FAILED;
		(void)vly_message_spool_end(answer->spool, VLY_MESSAGE_SPOOL_FAILED,
					    answer->read.reason);
		if (!atomic_load(&answer->is_cancelled) && vly_transfers_may_log(transfers))
			vly_log_error("transfers of %s fail: %s", answer->zone->name, error);
	}
	if (transfers->is_freed) {
		vly_transfers_release(transfers);
		return;
	}
	if (answer->user_cnt > 0)
		send_to_all(answer);
	else if (!is_worth_keeping(answer))
		discard(answer);
	begin_queued(queue);
}

static void
begin(struct vly_answer *answer)
{
	struct vly_transfers *transfers = answer->transfers;

	answer->state = VLY_ANSWER_FILLING;
	queue_of(answer)->filling_cnt++;
	transfers->read_cnt++;
	answer->read.zone = answer->zone->name;
	answer->read.read = on_read;
	answer->read.done = on_done;
	vly_living_read(transfers->settings.living, &answer->read);
}

/* By turns, so that answers do not take all threads. */
static void
enqueue(struct vly_answer *answer)
{
	struct vly_answer_queue *queue = queue_of(answer);

	if (queue->filling_cnt < VLY_ANSWER_FILLS_MAX) {
		begin(answer);
		return;
	}
	answer->next_queued = NULL;
	if (queue->waiting == NULL)
		queue->end = &queue->waiting;
	*queue->end = answer;
	queue->end = &answer->next_queued;
}

static struct vly_answer_zone *
find_zone(struct vly_transfers *transfers, const char *name)
{
	struct vly_answer_zone *zone;

	HASH_FIND_STR(transfers->answers, name, zone);
	if (zone != NULL)
		return zone;
	zone = calloc(1, sizeof(*zone));
	if (zone == NULL || (zone->name = strdup(name)) == NULL) {
		free(zone);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, transfers->answers, zone->name, strlen(zone->name), zone);
	struct vly_answer_zone *found;
	HASH_FIND_STR(transfers->answers, name, found);
	if (found != NULL)
		return zone;
	free(zone->name);
	free(zone);
	return NULL;
}

static void
on_progress(void *arg)
{
	struct vly_transfers *transfers = arg;

	uv_async_send(&transfers->progress);
}

/* A new answer without users; NULL without memory. */
static struct vly_answer *
make(struct vly_transfers *transfers, struct vly_answer_zone *zone, enum vly_answer_kind kind,
     uint32_t from, uint64_t version)
{
	const struct vly_message_spool_settings settings = {.dir = transfers->dir,
							    .usage = &transfers->usage,
							    .memory_max =
								    VLY_MESSAGE_SPOOL_MEMORY_MAX,
							    .on_progress = on_progress,
							    .arg = transfers};
	struct vly_answer *answer = calloc(1, sizeof(*answer));

	if (answer == NULL)
		return NULL;
	answer->spool = vly_message_spool_new(&settings);
	if (answer->spool == NULL) {
		free(answer);
		return NULL;
	}
	answer->transfers = transfers;
	answer->zone = zone;
	answer->kind = kind;
	answer->from = from;
	answer->wanted = version;
	answer->next = zone->answer;
	zone->answer = answer;
	transfers->answer_cnt++;
	transfers->unused_cnt++;
	return answer;
}

/* Whether somebody who wants this version now, or a newer one, may have it. */
static bool
suits(const struct vly_answer *answer, enum vly_answer_kind kind, uint32_t from, uint64_t version)
{
	const uint64_t has = atomic_load(&answer->version);

	if (answer->is_given_up || answer->kind != kind ||
	    (kind == VLY_ANSWER_DIFFERENCE && answer->from != from))
		return false;
	if (answer->state == VLY_ANSWER_QUEUED)
		return true; /* it will see the store as it is then */
	if (atomic_load(&answer->is_cancelled) ||
	    (answer->state == VLY_ANSWER_ENDED && answer->result == VLY_FILL_FAILED))
		return false;
	return (has != 0 ? has : answer->wanted) >= version;
}

static void
add_user(struct vly_answer *answer, struct vly_transfer_client *client)
{
	vly_answer_hold(answer);
	client->answer = answer;
	client->next_user = answer->client;
	client->prev_user = &answer->client;
	if (client->next_user != NULL)
		client->next_user->prev_user = &client->next_user;
	answer->client = client;
}

int
vly_answers_join(struct vly_transfer_client *client, enum vly_answer_kind kind, uint64_t version)
{
	struct vly_transfers *transfers = client->transfers;
	const uint32_t from = client->request.serial;
	struct vly_answer_zone *zone = find_zone(transfers, client->zone);
	unsigned cnt = 0;

	if (zone == NULL)
		return -1;
	for (struct vly_answer *answer = zone->answer; answer != NULL; answer = answer->next) {
		if (suits(answer, kind, from, version)) {
			add_user(answer, client);
			return 0;
		}
		cnt += answer->kind == kind && !answer->is_given_up;
	}
	struct vly_answer *answer = NULL;
	if (vly_answers_give_way(zone, kind, cnt))
		answer = make(transfers, zone, kind, from, version);
	if (answer == NULL) {
		if (zone->answer == NULL) {
			HASH_DEL(transfers->answers, zone);
			free(zone->name);
			free(zone);
		}
		return -1;
	}
	add_user(answer, client);
	enqueue(answer);
	return 0;
}

/* Frees answers of a zone that have not been used since `before_ms`. */
static void
free_unused(struct vly_answer_zone *zone, uint64_t before_ms)
{
	struct vly_answer *next;

	for (struct vly_answer *answer = zone->answer; answer != NULL; answer = next) {
		next = answer->next; /* the last one takes the zone with it */
		if (answer->user_cnt == 0 && answer->state == VLY_ANSWER_ENDED &&
		    answer->unused_ms <= before_ms)
			free_answer(answer);
	}
}

void
vly_answers_tick(struct vly_transfers *transfers)
{
	const uint64_t now = uv_now(transfers->settings.loop);
	struct vly_answer_zone *zone, *next;

	HASH_ITER(hh, transfers->answers, zone, next)
	free_unused(zone, now > VLY_ANSWER_KEPT_MS ? now - VLY_ANSWER_KEPT_MS : 0);
}

void
vly_answers_changed(struct vly_transfers *transfers, const char *name)
{
	struct vly_answer_zone *zone;

	HASH_FIND_STR(transfers->answers, name, zone);
	if (zone != NULL)
		free_unused(zone, UINT64_MAX);
}

void
vly_answers_progress(struct vly_transfers *transfers)
{
	struct vly_answer_zone *zone, *next_zone;
	struct vly_answer *next;

	HASH_ITER(hh, transfers->answers, zone, next_zone)
	{
		for (struct vly_answer *answer = zone->answer; answer != NULL; answer = next) {
			next = answer->next;
			if (answer->state == VLY_ANSWER_FILLING && answer->user_cnt > 0)
				send_to_all(answer);
		}
	}
}

void
vly_answers_free(struct vly_transfers *transfers)
{
	struct vly_answer_zone *zone, *next_zone;
	struct vly_answer *next;

	HASH_ITER(hh, transfers->answers, zone, next_zone)
	{
		for (struct vly_answer *answer = zone->answer; answer != NULL; answer = next) {
			next = answer->next;
			free_answer(answer);
		}
	}
}
