/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "catalogs_parts.h"
#include "common/log.h"

struct vly_catalogs *
vly_catalogs_new(uv_loop_t *loop, const char *state_dir, struct vly_living *living)
{
	struct vly_catalogs *catalogs = calloc(1, sizeof(*catalogs));

	if (!catalogs || !(catalogs->state_dir = strdup(state_dir))) {
		free(catalogs);
		return NULL;
	}
	catalogs->loop = loop;
	catalogs->living = living;
	if (vly_catalogs_init_retry(catalogs) == 0)
		return catalogs;
	free(catalogs->state_dir);
	free(catalogs);
	return NULL;
}

static struct vly_consumer *
find(const struct vly_catalogs *catalogs, const char *name)
{
	const struct vly_catalog_source *source = vly_owners_source(&catalogs->owners, name);

	return source ? source->user : NULL;
}

static struct vly_consumer *
add(struct vly_catalogs *catalogs, const char *name)
{
	struct vly_consumer *consumer = calloc(1, sizeof(*consumer));

	if (consumer)
		consumer->source = vly_owners_add(&catalogs->owners, name);
	if (!consumer || !consumer->source) {
		vly_log_error("catalog %s is not consumed: out of memory", name);
		free(consumer);
		return NULL;
	}
	consumer->source->user = consumer;
	consumer->catalogs = catalogs;
	consumer->is_configured = true;
	consumer->next_consumer = catalogs->consumers;
	catalogs->consumers = consumer;
	return consumer;
}

static void
free_consumer(struct vly_consumer *consumer)
{
	vly_member_templates_free(&consumer->templates);
	free(consumer->difference);
	vly_catalog_free(consumer->next);
	free(consumer);
}

/* The members before the first load, by what the store and the saved versions say. */
static void
take_prepared(struct vly_catalogs *catalogs)
{
	struct vly_prepared_catalog *next;

	for (struct vly_prepared_catalog *prepared = catalogs->prepared; prepared;
	     prepared = next) {
		next = prepared->next;
		struct vly_consumer *consumer = add(catalogs, prepared->name);
		if (consumer && *prepared->why)
			vly_consumer_set_problem(consumer, prepared->why);
		if (consumer && prepared->catalog)
			vly_consumer_take(consumer, prepared->catalog, VLY_OWNERS_START);
		else
			vly_catalog_free(prepared->catalog);
		free(prepared->name);
		free(prepared);
	}
	catalogs->prepared = NULL;
}

/* Calls fn for the members of one catalog, by the templates of another configuration. */
static void
walk_catalog(const struct vly_catalogs *catalogs, const struct vly_catalog_source *source,
	     const struct vly_config *config,
	     void (*fn)(void *fn_arg, const struct vly_config_zone *zone), void *fn_arg)
{
	struct vly_member_templates templates;
	struct vly_config_zone zone;
	char file[PATH_MAX];

	if (vly_member_templates_make(&templates, config, source->name) != 0)
		return;
	for (uint32_t i = 0; source->catalog && i < source->catalog->member_cnt; i++) {
		const struct vly_catalog_member *member = source->catalog->member[i];
		const struct vly_owned_zone *owned =
			vly_owners_find(&catalogs->owners, member->zone);
		if (owned && owned->owner == source &&
		    vly_member_zone_make(&templates, member, &zone, file) == VLY_MEMBER_NO_PROBLEM)
			fn(fn_arg, &zone);
	}
	vly_member_templates_free(&templates);
}

static void
walk(void *arg, const struct vly_config *config,
     void (*fn)(void *fn_arg, const struct vly_config_zone *zone), void *fn_arg)
{
	struct vly_catalogs *catalogs = arg;

	take_prepared(catalogs);
	for (const struct vly_catalog_source *source = catalogs->owners.sources; source;
	     source = source->next)
		walk_catalog(catalogs, source, config, fn, fn_arg);
}

static void
on_change(void *arg, const char *zone, uint32_t serial)
{
	struct vly_consumer *consumer = find(arg, zone);

	(void)serial;
	if (consumer)
		vly_consumer_read(consumer);
}

void
vly_catalogs_attach(struct vly_catalogs *catalogs, struct vly_reloader *reloader)
{
	const struct vly_member_source source = {catalogs, vly_catalogs_prepare, walk};

	catalogs->reloader = reloader;
	vly_reloader_set_member_source(reloader, &source);
	vly_living_on_change(catalogs->living, on_change, catalogs);
}

void
vly_catalogs_on_member(struct vly_catalogs *catalogs,
		       void (*fn)(void *arg, const struct vly_config_zone *zone, bool is_there),
		       void *arg)
{
	catalogs->on_member = fn;
	catalogs->on_member_arg = arg;
}

/* Catalogs that are not consumed any more; one that is being read stays until that has ended. */
static void
drop_gone(struct vly_catalogs *catalogs)
{
	struct vly_consumer **at = &catalogs->consumers;

	while (*at) {
		struct vly_consumer *consumer = *at;
		if (consumer->is_configured || consumer->is_reading) {
			at = &consumer->next_consumer;
			continue;
		}
		*at = consumer->next_consumer;
		vly_consumer_take(consumer, NULL, VLY_OWNERS_GONE);
		vly_owners_drop(&catalogs->owners, consumer->source);
		free_consumer(consumer);
	}
}

void
vly_catalogs_configure(struct vly_catalogs *catalogs, const struct vly_config *config)
{
	struct vly_consumer *consumer;

	take_prepared(catalogs);
	catalogs->config = config;
	for (consumer = catalogs->consumers; consumer; consumer = consumer->next_consumer)
		consumer->is_configured = false;
	for (unsigned i = 0; i < config->zone_cnt; i++) {
		const struct vly_config_zone *zone = &config->zones[i];
		if (!zone->feed || zone->feed->role != VLY_CATALOG_CONSUMER)
			continue;
		consumer = find(catalogs, zone->name);
		if (!consumer)
			consumer = add(catalogs, zone->name);
		if (consumer)
			consumer->is_configured = true;
	}
	vly_catalogs_settle(catalogs);
	for (consumer = catalogs->consumers; consumer; consumer = consumer->next_consumer)
		if (consumer->is_configured)
			vly_consumer_read(consumer);
}

void
vly_catalogs_settle(struct vly_catalogs *catalogs)
{
	for (struct vly_consumer *consumer = catalogs->consumers; consumer;
	     consumer = consumer->next_consumer) {
		vly_member_templates_free(&consumer->templates);
		if (vly_member_templates_make(&consumer->templates, catalogs->config,
					      consumer->source->name) != 0)
			vly_log_error("catalog %s: out of memory", consumer->source->name);
	}
	drop_gone(catalogs);
	vly_catalogs_settle_members(catalogs);
	vly_catalogs_apply(catalogs);
}

bool
vly_catalogs_state(const struct vly_catalogs *catalogs, const char *zone,
		   struct vly_catalogs_state *state)
{
	const struct vly_consumer *consumer = find(catalogs, zone);

	if (!consumer || !consumer->is_configured)
		return false;
	const struct vly_catalog *catalog = consumer->source->catalog;
	*state = (struct vly_catalogs_state){
		.is_read = catalog != NULL,
		.member_cnt = catalog ? catalog->member_cnt : 0,
		.contested_cnt = HASH_COUNT(consumer->source->contested),
		.problem = consumer->problem,
	};
	return true;
}

static void
describe(const struct vly_owned_zone *zone, struct vly_catalogs_member *member)
{
	*member = (struct vly_catalogs_member){
		.catalog = zone->owner->name,
		.template = zone->zone.template,
		.entry = vly_owners_member(zone),
		.problem = vly_member_problem_text(zone->problem),
	};
}

bool
vly_catalogs_member(const struct vly_catalogs *catalogs, const char *name,
		    struct vly_catalogs_member *member)
{
	const struct vly_owned_zone *zone = vly_owners_find(&catalogs->owners, name);

	if (!zone || !zone->owner)
		return false;
	describe(zone, member);
	return true;
}

uint32_t
vly_catalogs_problems(const struct vly_catalogs *catalogs, uint32_t max,
		      void (*fn)(void *arg, const char *zone, const char *catalog,
				 const char *problem),
		      void *arg)
{
	uint32_t left = max < catalogs->problem_cnt ? max : catalogs->problem_cnt;

	for (const struct vly_owned_zone *zone = catalogs->owners.by_name; zone && left > 0;
	     zone = zone->hh.next) {
		if (!zone->owner || zone->problem == VLY_MEMBER_NO_PROBLEM)
			continue;
		left--;
		fn(arg, zone->name, zone->owner->name, vly_member_problem_text(zone->problem));
	}
	return catalogs->problem_cnt;
}

void
vly_catalogs_broken(const struct vly_catalogs *catalogs,
		    void (*fn)(void *arg, const char *catalog, const char *problem), void *arg)
{
	for (const struct vly_consumer *consumer = catalogs->consumers; consumer;
	     consumer = consumer->next_consumer)
		if (*consumer->problem)
			fn(arg, consumer->source->name, consumer->problem);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle);
}

void
vly_catalogs_free(struct vly_catalogs *catalogs)
{
	struct vly_consumer *next;

	if (!catalogs)
		return;
	take_prepared(catalogs);
	for (struct vly_consumer *consumer = catalogs->consumers; consumer; consumer = next) {
		next = consumer->next_consumer;
		free_consumer(consumer);
	}
	vly_owners_clear(&catalogs->owners);
	free(catalogs->batch.change);
	free(catalogs->batch_zone);
	free(catalogs->erase.zone);
	uv_close((uv_handle_t *)catalogs->retry, on_closed);
	free(catalogs->state_dir);
	free(catalogs);
}
