/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A produced catalog goes through these steps, one after the other, and begins anew when the configuration has
 * changed meanwhile:
 *
 *     look whether the store has the zone ──► no: import an empty one, have it answered ──► change its members
 *                                        └──► yes ─────────────────────────────────────┘
 */
#include "producers.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "living/import_turn.h"
#include "living/living_read.h"
#include "living/living_whole.h"
#include "producer.h"
#include "store/zone_store.h"
#include "zone/zone.h"

struct producer {
	uv_work_t work;
	struct vly_producers *producers;
	struct producer *next;
	char *name;
	struct vly_wanted wanted; /* that the steps are about */
	struct vly_wanted later;  /* while they go on: for the next time */
	bool has_later;
	bool is_configured;
	bool is_busy;
	bool is_working; /* a thread is at it */
	bool is_missing; /* in the store */
	struct vly_import_turn turn;
	struct vly_living_request request;
	char failure[VLY_REASON_BYTES]; /* of the work, or "" */
	char problem[VLY_REASON_BYTES];
};

struct vly_producers {
	uv_loop_t *loop;
	struct vly_hash_key key;
	struct vly_living *living;
	struct producer *first;
};

static void begin(struct producer *producer);

static void
free_producer(struct producer *producer)
{
	vly_import_turn_end(producer->producers->living, &producer->turn);
	vly_wanted_free(&producer->wanted);
	vly_wanted_free(&producer->later);
	free(producer->name);
	free(producer);
}

static void
remove_producer(struct producer *producer)
{
	struct producer **at = &producer->producers->first;

	while (*at != producer)
		at = &(*at)->next;
	*at = producer->next;
	free_producer(producer);
}

/* The steps have ended; an empty problem is a success. */
static void
end(struct producer *producer, const char *problem)
{
	char text[VLY_REASON_BYTES];

	snprintf(text, sizeof(text), "%s", problem);
	if (*text && strcmp(text, producer->problem) != 0)
		vly_log_error("catalog %s does not list the zones of the configuration: %s",
			      producer->name, text);
	memcpy(producer->problem, text, sizeof(text));
	producer->is_busy = false;
	if (!producer->is_configured)
		remove_producer(producer);
	else if (producer->has_later)
		begin(producer);
}

static bool
is_good(const struct vly_living_result *result)
{
	return result->code == VLY_LIVING_DONE || result->code == VLY_LIVING_STORED;
}

static void
on_changed(void *arg, const struct vly_living_result *result)
{
	struct producer *producer = arg;

	if (is_good(result) && result->changed)
		vly_log_info("catalog %s has serial %u, %u zones", producer->name, result->serial,
			     producer->wanted.cnt);
	end(producer, is_good(result) ? "" : result->text);
}

static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	struct producer *producer = arg;

	return vly_producer_prepare(&producer->wanted, txn, zone, change, reason);
}

static void
set_request(struct producer *producer,
	    void (*done)(void *arg, const struct vly_living_result *result))
{
	producer->request = (struct vly_living_request){
		.zone = producer->name,
		.cause = VLY_STORE_BY_OPERATOR,
		.who = "the configuration",
		.prepare = prepare,
		.done = done,
		.arg = producer,
	};
}

static void
change_members(struct producer *producer)
{
	set_request(producer, on_changed);
	vly_living_submit(producer->producers->living, &producer->request);
}

static void
on_renewed(void *arg, const struct vly_living_result *result)
{
	struct producer *producer = arg;

	if (is_good(result))
		change_members(producer);
	else
		end(producer, result->text);
}

static int
read_nothing(struct vly_living_read *self, struct vly_store_txn *txn,
	     const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	(void)self;
	(void)txn;
	(void)zone;
	(void)reason;
	return 0;
}

/* In the pool. */
static void
look(uv_work_t *work)
{
	struct producer *producer = work->data;
	struct vly_living_read read = {.zone = producer->name, .read = read_nothing};
	const char *error = vly_living_read_now(producer->producers->living, &read);

	producer->is_missing = error && read.failure == VLY_STORE_NONE;
	if (error && !producer->is_missing)
		snprintf(producer->failure, sizeof(producer->failure), "%s", error);
}

/* In the pool. The first serial is the time, so that it is above those of before if a store was lost. */
static void
import(uv_work_t *work)
{
	struct producer *producer = work->data;
	struct vly_producers *producers = producer->producers;
	struct vly_zone tree;

	if (vly_producer_make_zone(&tree, &producers->key, producer->name, (uint32_t)time(NULL)) !=
	    0) {
		snprintf(producer->failure, sizeof(producer->failure), "out of memory");
		return;
	}
	if (vly_living_replace(producers->living, &tree, NULL, NULL, producer->failure) ==
	    VLY_STORE_OK)
		producer->failure[0] = '\0';
	vly_zone_free(&tree);
}

static void
on_imported(uv_work_t *work, int status)
{
	struct producer *producer = work->data;
	struct vly_living *living = producer->producers->living;

	(void)status;
	producer->is_working = false;
	vly_import_turn_end(living, &producer->turn);
	if (*producer->failure) {
		end(producer, producer->failure);
		return;
	}
	set_request(producer, on_renewed);
	vly_living_renew(living, &producer->request);
}

static void
on_turn(struct vly_import_turn *turn)
{
	struct producer *producer =
		(struct producer *)((char *)turn - offsetof(struct producer, turn));

	producer->is_working = true;
	uv_queue_work(producer->producers->loop, &producer->work, import, on_imported);
}

static void
on_looked(uv_work_t *work, int status)
{
	struct producer *producer = work->data;

	(void)status;
	producer->is_working = false;
	if (producer->is_missing) {
		producer->turn.ready = on_turn;
		vly_import_turn_wait(producer->producers->living, &producer->turn);
	} else if (*producer->failure) {
		end(producer, producer->failure);
	} else {
		change_members(producer);
	}
}

static void
begin(struct producer *producer)
{
	vly_wanted_free(&producer->wanted);
	producer->wanted = producer->later;
	producer->later = (struct vly_wanted){0};
	producer->has_later = false;
	producer->is_busy = true;
	producer->failure[0] = '\0';
	producer->work.data = producer;
	producer->is_working = true;
	uv_queue_work(producer->producers->loop, &producer->work, look, on_looked);
}

static struct producer *
find(const struct vly_producers *producers, const char *name)
{
	struct producer *producer = producers->first;

	while (producer && strcmp(producer->name, name) != 0)
		producer = producer->next;
	return producer;
}

static struct producer *
add(struct vly_producers *producers, const char *name)
{
	struct producer *producer = calloc(1, sizeof(*producer));

	if (!producer || !(producer->name = strdup(name))) {
		vly_log_error("catalog %s is not produced: out of memory", name);
		free(producer);
		return NULL;
	}
	producer->producers = producers;
	producer->next = producers->first;
	producers->first = producer;
	return producer;
}

/* Begins the lists of the producers that are configured. */
static void
begin_lists(struct vly_producers *producers, const struct vly_config *config)
{
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		if (!zone->feed || zone->feed->role != VLY_CATALOG_PRODUCER)
			continue;
		struct producer *producer = find(producers, zone->name);
		if (!producer && !(producer = add(producers, zone->name)))
			continue;
		producer->is_configured = true;
		vly_wanted_free(&producer->later);
		producer->has_later = true;
	}
}

static void
fill_lists(struct vly_producers *producers, const struct vly_config *config)
{
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		struct producer *producer = zone->feed && zone->feed->catalog_zone
						    ? find(producers, zone->feed->catalog_zone)
						    : NULL;
		if (!producer || !producer->has_later ||
		    vly_wanted_add(&producer->later, zone->name, zone->feed->catalog_group) == 0)
			continue;
		vly_log_error("catalog %s stays as it is: out of memory", producer->name);
		vly_wanted_free(&producer->later);
		producer->has_later =
			false; /* a list that lacks zones would remove them elsewhere */
	}
}

void
vly_producers_configure(struct vly_producers *producers, const struct vly_config *config)
{
	struct producer *next;

	for (struct producer *producer = producers->first; producer; producer = producer->next)
		producer->is_configured = producer->has_later = false;
	begin_lists(producers, config);
	fill_lists(producers, config);
	for (struct producer *producer = producers->first; producer; producer = next) {
		next = producer->next;
		vly_wanted_end(&producer->later);
		if (!producer->is_busy && !producer->is_configured)
			remove_producer(producer);
		else if (!producer->is_busy && producer->has_later)
			begin(producer);
	}
}

struct vly_producers *
vly_producers_new(uv_loop_t *loop, const struct vly_hash_key *key, struct vly_living *living)
{
	struct vly_producers *producers = calloc(1, sizeof(*producers));

	if (!producers)
		return NULL;
	producers->loop = loop;
	producers->key = *key;
	producers->living = living;
	return producers;
}

void
vly_producers_problems(const struct vly_producers *producers,
		       void (*fn)(void *arg, const char *catalog, const char *problem), void *arg)
{
	for (const struct producer *producer = producers->first; producer;
	     producer = producer->next)
		if (*producer->problem)
			fn(arg, producer->name, producer->problem);
}

bool
vly_producers_is_busy(const struct vly_producers *producers)
{
	for (const struct producer *producer = producers->first; producer;
	     producer = producer->next)
		if (producer->is_working)
			return true;
	return false;
}

void
vly_producers_free(struct vly_producers *producers)
{
	struct producer *next;

	if (!producers)
		return;
	for (struct producer *producer = producers->first; producer; producer = next) {
		next = producer->next;
		free_producer(producer);
	}
	free(producers);
}
