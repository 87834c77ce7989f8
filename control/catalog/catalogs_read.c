/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogs_parts.h"
#include "common/log.h"
#include "common/plural.h"
#include "saved_catalog.h"
#include "store/store_names.h"

static bool
take_name(void *arg, const struct vly_name *name, const struct vly_store_records *records)
{
	struct vly_store_records rest = *records;
	struct vly_store_record record;

	while (vly_store_next_record(&rest, &record))
		vly_catalog_take(arg, name->lower, name->len, record.type, record.data,
				 record.data_len);
	return true;
}

/* Reads a catalog: *next is NULL if it is broken, and *why says so. Returns 0, or -1 with the reason: it could
 * not be read. */
static int
read_zone(struct vly_store_txn *txn, const struct vly_store_zone *zone, const char *name,
	  struct vly_catalog **next, char *why, char *reason)
{
	struct vly_catalog_reader reader;

	vly_catalog_begin(&reader, name);
	if (vly_store_walk(txn, zone, &zone->apex, take_name, &reader) != VLY_STORE_OK) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		vly_catalog_drop(&reader);
		return -1;
	}
	*next = vly_catalog_end(&reader, why);
	return 0;
}

static void
note_difference(void *arg, const struct vly_catalog_member *before,
		const struct vly_catalog_member *after)
{
	struct vly_consumer *consumer = arg;

	if (consumer->difference_cnt == consumer->difference_size) {
		uint32_t size = 2 * consumer->difference_size + 16;
		void *grown = realloc(consumer->difference, size * sizeof(*consumer->difference));
		consumer->is_out_of_memory |= !grown;
		if (!grown)
			return;
		consumer->difference = grown;
		consumer->difference_size = size;
	}
	consumer->difference[consumer->difference_cnt++] =
		(struct vly_catalog_difference){before, after};
}

static void
forget_differences(struct vly_consumer *consumer)
{
	free(consumer->difference);
	consumer->difference = NULL;
	consumer->difference_cnt = 0;
	consumer->difference_size = 0;
}

/* In the pool. Nobody changes the present version meanwhile. */
static int
read_consumer(struct vly_living_read *self, struct vly_store_txn *txn,
	      const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	struct vly_consumer *consumer = (struct vly_consumer *)self; /* its first member */
	const struct vly_catalog_source *source = consumer->source;
	const char *state_dir = consumer->catalogs->state_dir;
	char failure[VLY_REASON_BYTES];

	consumer->is_out_of_memory = false;
	if (read_zone(txn, zone, source->name, &consumer->next, consumer->why, reason) != 0)
		return -1;
	if (consumer->next) {
		vly_catalog_compare(source->catalog, consumer->next, note_difference, consumer);
		vly_saved_catalog_remove(state_dir, source->name);
		consumer->is_saved = false;
	} else if (source->catalog && !consumer->is_saved) {
		consumer->is_saved =
			vly_saved_catalog_write(state_dir, source->catalog, failure) == 0;
		if (!consumer->is_saved)
			vly_log_error(
				"the last good version of catalog %s could not be saved, and would "
				"be lost at a restart: %s",
				source->name, failure);
	}
	return 0;
}

void
vly_consumer_set_problem(struct vly_consumer *consumer, const char *why)
{
	const char *name = consumer->source->name;

	if (strcmp(consumer->problem, why ? why : "") == 0)
		return;
	snprintf(consumer->problem, sizeof(consumer->problem), "%s", why ? why : "");
	if (why)
		vly_log_error("catalog %s is broken: %s; its members stay as they are", name, why);
	else
		vly_log_info("catalog %s is good again", name);
}

struct discard {
	uv_work_t work;
	struct vly_catalog *catalog;
};

static void
discard(uv_work_t *work)
{
	vly_catalog_free(((struct discard *)work)->catalog); /* its first member */
}

static void
on_discarded(uv_work_t *work, int status)
{
	(void)status;
	free(work);
}

void
vly_catalogs_discard(struct vly_catalogs *catalogs, struct vly_catalog *catalog)
{
	struct discard *task = catalog ? calloc(1, sizeof(*task)) : NULL;

	if (!task) {
		vly_catalog_free(catalog);
		return;
	}
	task->catalog = catalog;
	uv_queue_work(catalogs->loop, &task->work, discard, on_discarded);
}

void
vly_consumer_take(struct vly_consumer *consumer, struct vly_catalog *next, enum vly_owners_why why)
{
	struct vly_catalogs *catalogs = consumer->catalogs;
	uint32_t cnt = consumer->difference_cnt;

	if (why != VLY_OWNERS_UPDATE)
		vly_catalog_compare(consumer->source->catalog, next, note_difference, consumer);
	else if (cnt > 0)
		vly_log_info("catalog %s: %" PRIu32 " member%s, %" PRIu32 " difference%s",
			     consumer->source->name, next->member_cnt, vly_plural(next->member_cnt),
			     cnt, vly_plural(cnt));
	vly_catalogs_discard(catalogs,
			     vly_owners_take(&catalogs->owners, consumer->source, next,
					     consumer->difference, consumer->difference_cnt, why));
	forget_differences(consumer);
	if (catalogs->owners.is_out_of_memory)
		vly_log_error("catalog %s: members are missing: out of memory",
			      consumer->source->name);
	catalogs->owners.is_out_of_memory = false;
}

static void
end_reading(struct vly_consumer *consumer, const char *error)
{
	if (error) {
		/* a catalog that has not come yet is no failure */
		if (consumer->read.failure != VLY_STORE_NONE)
			vly_consumer_set_problem(consumer, error);
		return;
	}
	if (!consumer->next) {
		vly_consumer_set_problem(consumer, consumer->why);
		return;
	}
	if (consumer->is_out_of_memory) {
		vly_consumer_set_problem(consumer, "out of memory");
		return;
	}
	vly_consumer_set_problem(consumer, NULL);
	vly_consumer_take(consumer, consumer->next, VLY_OWNERS_UPDATE);
	consumer->next = NULL;
}

static void
on_read(struct vly_living_read *self, const char *error)
{
	struct vly_consumer *consumer = (struct vly_consumer *)self;
	struct vly_catalogs *catalogs = consumer->catalogs;

	consumer->is_reading = false;
	if (consumer->is_configured)
		end_reading(consumer, error);
	vly_catalog_free(consumer->next);
	consumer->next = NULL;
	forget_differences(consumer);
	if (!consumer->is_configured) {
		vly_catalogs_settle(catalogs); /* which removes it */
		return;
	}
	vly_catalogs_apply(catalogs);
	if (consumer->is_changed)
		vly_consumer_read(consumer);
}

void
vly_consumer_read(struct vly_consumer *consumer)
{
	consumer->is_changed = consumer->is_reading;
	if (consumer->is_reading)
		return;
	consumer->is_reading = true;
	consumer->read.zone = consumer->source->name;
	consumer->read.read = read_consumer;
	consumer->read.done = on_read;
	vly_living_read(consumer->catalogs->living, &consumer->read);
}

/* A catalog before the first load. */
struct preparing {
	struct vly_living_read read;
	struct vly_prepared_catalog *to;
};

static int
read_prepared(struct vly_living_read *self, struct vly_store_txn *txn,
	      const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	struct preparing *preparing = (struct preparing *)self; /* its first member */
	struct vly_prepared_catalog *to = preparing->to;

	return read_zone(txn, zone, to->name, &to->catalog, to->why, reason);
}

static void
prepare(struct vly_catalogs *catalogs, struct vly_prepared_catalog *to)
{
	struct preparing preparing = {.read = {.zone = to->name, .read = read_prepared}, .to = to};
	char reason[VLY_REASON_BYTES];

	const char *error = vly_living_read_now(catalogs->living, &preparing.read);
	if (to->catalog)
		return;
	if (error && preparing.read.failure != VLY_STORE_NONE)
		snprintf(to->why, sizeof(to->why), "%s", error);
	to->catalog = vly_saved_catalog_read(catalogs->state_dir, to->name, reason);
	if (!to->catalog && *reason)
		vly_log_error("the last good version of catalog %s can't be used: %s", to->name,
			      reason);
}

void
vly_catalogs_prepare(void *arg, const struct vly_config *config)
{
	struct vly_catalogs *catalogs = arg;
	struct vly_prepared_catalog **end = &catalogs->prepared;

	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		if (!zone->feed || zone->feed->role != VLY_CATALOG_CONSUMER)
			continue;
		*end = calloc(1, sizeof(**end));
		if (!*end || !((*end)->name = strdup(zone->name))) {
			free(*end);
			*end = NULL;
			return;
		}
		prepare(catalogs, *end);
		end = &(*end)->next;
	}
}
