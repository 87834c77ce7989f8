/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "health_parts.h"

#define TICK_MS 1000

static void
on_tick(uv_timer_t *timer)
{
	struct vly_health *health = timer->data;
	const uint64_t now_ms = uv_now(health->loop);

	vly_health_link_tick(health, now_ms);
	vly_health_saved_tick(health, now_ms);
	vly_health_log_tick(health, now_ms);
}

struct vly_health *
vly_health_new(uv_loop_t *loop, const char *state_dir)
{
	struct vly_health *health = calloc(1, sizeof(*health));

	if (!health)
		return NULL;
	if (asprintf(&health->file, "%s/health.json", state_dir) < 0) {
		free(health);
		return NULL;
	}
	health->loop = loop;
	health->lost_ms = uv_now(loop);
	health->work.data = health;
	vly_health_saved_load(health);
	uv_timer_init(loop, &health->timer);
	health->timer.data = health;
	uv_timer_start(&health->timer, on_tick, TICK_MS, TICK_MS);
	return health;
}

void
vly_health_set_socket(struct vly_health *health, const char *path)
{
	if (health->path && strcmp(health->path, path) == 0)
		return;
	char *copy = strdup(path);
	if (!copy)
		return;
	free(health->path);
	health->path = copy;
	vly_health_link_end(health);
	vly_health_link_tick(health, uv_now(health->loop));
}

void
vly_health_on_change(struct vly_health *health,
		     void (*changed)(void *arg, const struct vly_health_state *state), void *arg)
{
	health->changed = changed;
	health->changed_arg = arg;
}

static struct vly_health_entry *
find_entry(const struct vly_health *health, const char *id)
{
	struct vly_health_entry *entry;

	HASH_FIND_STR(health->table, id, entry);
	return entry;
}

const struct vly_health_state *
vly_health_find(const struct vly_health *health, const char *id)
{
	const struct vly_health_entry *entry = find_entry(health, id);

	return entry ? &entry->state : NULL;
}

static void
free_entry(struct vly_health *health, struct vly_health_entry *entry)
{
	HASH_DELETE(hh, health->table, entry);
	vly_health_check_clear(&entry->check);
	free(entry);
}

/* Returns the entry of a check, made if there is none; NULL: no memory, or too many. */
static struct vly_health_entry *
take_entry(struct vly_health *health, const struct vly_health_check *check)
{
	char id[VLY_HEALTH_ID_BYTES];

	if (!vly_health_check_id(check, id))
		return NULL;
	struct vly_health_entry *entry = find_entry(health, id);
	/* with those that it replaces */
	if (entry || HASH_COUNT(health->table) >= 2 * VLY_HEALTH_CHECKS_MAX)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	const struct vly_health_state *saved = vly_health_saved_find(health, id);
	if (saved)
		entry->state = *saved;
	memcpy(entry->state.id, id, sizeof(id));
	if (vly_health_check_copy(check, &entry->check))
		HASH_ADD_STR(health->table, state.id, entry);
	if (entry->hh.tbl)
		return entry;
	vly_health_check_clear(&entry->check);
	free(entry);
	return NULL;
}

static int
compare_names(const void *a, const void *b)
{
	const struct vly_health_name *const one = a, *const other = b;

	return strcmp(one->name, other->name);
}

/* Removes entries without a name. */
static void
sweep(struct vly_health *health)
{
	struct vly_health_entry *entry, *next;

	HASH_ITER(hh, health->table, entry, next)
	{
		entry->name_cnt = 0;
	}
	for (unsigned i = 0; i < health->name_cnt; i++) {
		entry = health->name[i].entry;
		if (entry->name_cnt++ == 0)
			entry->name = health->name[i].name;
	}
	HASH_ITER(hh, health->table, entry, next)
	{
		if (entry->name_cnt == 0)
			free_entry(health, entry);
	}
}

/* Appends what is wanted. Returns 0, or -1 without memory or room. */
static int
add_names(struct vly_health *health, enum vly_health_source source,
	  const struct vly_health_wanted *wanted, unsigned cnt, struct vly_health_name *name)
{
	for (unsigned i = 0; i < cnt; i++) {
		name[i] = (struct vly_health_name){
			.name = strdup(wanted[i].name),
			.source = source,
			.entry = take_entry(health, wanted[i].check),
		};
		if (!name[i].name || !name[i].entry)
			return -1;
	}
	return 0;
}

/* Whether the names of a source may be replaced. sweep() counts anew. */
static bool
has_room(struct vly_health *health, enum vly_health_source source,
	 const struct vly_health_name *name, unsigned cnt)
{
	struct vly_health_entry *entry, *next;
	unsigned entry_cnt = 0;

	HASH_ITER(hh, health->table, entry, next)
	{
		entry->name_cnt = 0;
	}
	for (unsigned i = 0; i < cnt; i++)
		entry_cnt += name[i].entry->name_cnt++ == 0;
	for (unsigned i = 0; i < health->name_cnt; i++)
		if (health->name[i].source != source)
			entry_cnt += health->name[i].entry->name_cnt++ == 0;
	return entry_cnt <= VLY_HEALTH_CHECKS_MAX;
}

int
vly_health_want(struct vly_health *health, enum vly_health_source source,
		const struct vly_health_wanted *wanted, unsigned cnt)
{
	struct vly_health_name *name = calloc(health->name_cnt + cnt + 1, sizeof(*name));
	unsigned kept = 0;

	if (!name || add_names(health, source, wanted, cnt, name) < 0 ||
	    !has_room(health, source, name, cnt)) {
		for (unsigned i = 0; name && i < cnt; i++)
			free(name[i].name);
		free(name);
		sweep(health);
		vly_health_link_renew(health);
		vly_log_error("the health checks stay as they were: there are more than %d, or no "
			      "memory is left",
			      VLY_HEALTH_CHECKS_MAX);
		return -1;
	}
	for (unsigned i = 0; i < health->name_cnt; i++)
		if (health->name[i].source == source)
			free(health->name[i].name);
		else
			name[cnt + kept++] = health->name[i];
	free(health->name);
	health->name = name;
	health->name_cnt = cnt + kept;
	qsort(name, health->name_cnt, sizeof(*name), compare_names);
	sweep(health);
	vly_health_link_renew(health);
	vly_health_saved_touch(health, TICK_MS);
	return 0;
}

void
vly_health_finish(struct vly_health *health)
{
	for (unsigned i = 0; i < health->name_cnt; i++)
		free(health->name[i].name);
	free(health->name);
	health->name = NULL;
	health->name_cnt = 0;
	sweep(health);
	free(health->path);
	free(health->file);
	free(health->text);
	free(health);
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_health *health = handle->data;

	health->is_closed = true;
	if (!health->is_saving)
		vly_health_finish(health);
}

void
vly_health_free(struct vly_health *health)
{
	if (!health)
		return;
	health->is_ending = true;
	vly_health_link_end(health);
	vly_health_saved_end(health);
	uv_close((uv_handle_t *)&health->timer, on_closed);
}
