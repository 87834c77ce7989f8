/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reload_queue.h"

#include <stdlib.h>
#include <string.h>

#include "reload_parts.h"
#include "session/profiles.h"
#include "update/key_files.h"

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
free_asker(struct vly_reload_asker *asker)
{
	for (uint32_t i = 0; i < asker->name_cnt; i++)
		free(asker->names[i]);
	free(asker->names);
	free(asker);
}

void
vly_reload_free_askers(struct vly_reload *reload)
{
	while (reload->askers) {
		struct vly_reload_asker *asker = reload->askers;
		reload->askers = asker->next;
		free_asker(asker);
	}
}

static void
sort_names(struct vly_reload_asker *asker)
{
	uint32_t cnt = 0;

	if (asker->name_cnt == 0)
		return;
	qsort(asker->names, asker->name_cnt, sizeof(*asker->names), compare_names);
	for (uint32_t i = 0; i < asker->name_cnt; i++)
		if (cnt > 0 && strcmp(asker->names[cnt - 1], asker->names[i]) == 0)
			free(asker->names[i]);
		else
			asker->names[cnt++] = asker->names[i];
	asker->name_cnt = cnt;
}

static struct vly_reload_asker *
new_asker(char *const *names, uint32_t name_cnt)
{
	struct vly_reload_asker *asker = calloc(1, sizeof(*asker));

	if (!asker)
		return NULL;
	asker->names = name_cnt ? calloc(name_cnt, sizeof(*asker->names)) : NULL;
	for (uint32_t i = 0; i < name_cnt && asker->names; i++) {
		asker->names[i] = strdup(names[i]);
		if (!asker->names[i])
			break;
		asker->name_cnt++;
	}
	if (asker->name_cnt < name_cnt) {
		free_asker(asker);
		return NULL;
	}
	sort_names(asker);
	return asker;
}

static bool
serves(const struct vly_reload *reload, const struct vly_reload_asker *asker)
{
	const struct vly_reload_asker *first = reload->askers;

	if (reload->alone)
		return false;
	if (reload->is_full || asker->name_cnt != first->name_cnt)
		return reload->is_full;
	for (uint32_t i = 0; i < asker->name_cnt; i++)
		if (strcmp(asker->names[i], first->names[i]) != 0)
			return false;
	return true;
}

/* At the end: requests are answered in order. */
static void
join(struct vly_reload *reload, struct vly_reload_asker *asker)
{
	struct vly_reload_asker **last = &reload->askers;

	while (*last)
		last = &(*last)->next;
	*last = asker;
	asker->next = NULL;
	asker->reload = reload;
}

/* Returns the waiting reload that serves the asker, or NULL with *end where a new one belongs. */
static struct vly_reload *
find(struct vly_reload_queue *queue, const struct vly_reload_asker *asker, struct vly_reload ***end)
{
	*end = &queue->first;
	for (; **end; *end = &(**end)->later)
		if (serves(**end, asker))
			return **end;
	return NULL;
}

static struct vly_reload *
new_reload(const struct vly_reload_asker *asker, bool alone)
{
	struct vly_reload *reload = calloc(1, sizeof(*reload));

	if (!reload)
		return NULL;
	reload->is_full = asker->name_cnt == 0;
	reload->alone = alone;
	reload->phase = "queued";
	reload->begin_ms = asker->asked_ms;
	return reload;
}

struct vly_reload_asker *
vly_reload_queue_ask(struct vly_reload_queue *queue, char *const *names, uint32_t name_cnt,
		     bool alone, uint64_t now_ms,
		     void (*done)(void *arg, const struct vly_reload_report *report), void *arg)
{
	struct vly_reload_asker *asker = new_asker(names, name_cnt);
	struct vly_reload **end;

	if (!asker)
		return NULL;
	asker->asked_ms = now_ms;
	asker->done = done;
	asker->arg = arg;
	struct vly_reload *reload = find(queue, asker, &end);
	if (!reload || alone) {
		while (*end)
			end = &(*end)->later;
		*end = reload = new_reload(asker, alone);
		queue->cnt += reload != NULL;
	}
	if (reload)
		join(reload, asker);
	else
		free_asker(asker);
	return reload ? asker : NULL;
}

struct vly_reload *
vly_reload_queue_take(struct vly_reload_queue *queue)
{
	struct vly_reload *reload = queue->first;

	if (!reload)
		return NULL;
	queue->first = reload->later;
	reload->later = NULL;
	queue->cnt--;
	return reload;
}

/* Takes the first asker for zones out of those of a reload; NULL: there is none. */
static struct vly_reload_asker *
take_named(struct vly_reload *reload)
{
	for (struct vly_reload_asker **at = &reload->askers; *at; at = &(*at)->next)
		if ((*at)->name_cnt > 0) {
			struct vly_reload_asker *asker = *at;
			*at = asker->next;
			return asker;
		}
	return NULL;
}

void
vly_reload_queue_put_back(struct vly_reload_queue *queue, struct vly_reload *reload)
{
	struct vly_reload_queue back = {0};
	struct vly_reload_asker *asker;
	struct vly_reload **end;

	while ((asker = take_named(reload)) != NULL) {
		struct vly_reload *own = find(&back, asker, &end);
		if (!own) {
			*end = own = new_reload(asker, false);
			back.cnt += own != NULL;
		}
		if (own)
			own->reloader = reload->reloader;
		/* without memory it gets the answer of the reload that it had joined */
		join(own ? own : reload, asker);
		if (!own)
			break;
	}
	find(&back, &(struct vly_reload_asker){0}, &end);
	*end = queue->first;
	if (back.first)
		queue->first = back.first;
	queue->cnt += back.cnt;
}

void
vly_reload_free(struct vly_reload *reload)
{
	vly_reload_free_askers(reload);
	vly_watched_files_free(reload->files);
	vly_found_zones_free(&reload->scan);
	free(reload->zones);
	if (reload->items)
		vly_load_items_clear(reload->items, reload->zone_cnt);
	free(reload->items);
	vly_config_free(reload->config);
	vly_profiles_release(reload->beside.profiles);
	vly_key_files_free(reload->beside.keys);
	vly_config_errors_free(&reload->config_errors);
	vly_served_zones_free(reload->next);
	free(reload);
}
