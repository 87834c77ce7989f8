/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "aliases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alias_parts.h"
#include "common/log.h"
#include "common/plural.h"

struct vly_alias_zone *
vly_alias_zone_find(const struct vly_aliases *aliases, const char *name)
{
	struct vly_alias_zone *zone;

	HASH_FIND_STR(aliases->zones, name, zone);
	return zone;
}

struct vly_alias_zone *
vly_alias_zone_get(struct vly_aliases *aliases, const char *name)
{
	struct vly_alias_zone *zone = vly_alias_zone_find(aliases, name);
	const size_t bytes = strlen(name) + 1;

	if (zone != NULL)
		return zone;
	zone = calloc(1, sizeof(*zone) + bytes);
	if (zone == NULL)
		return NULL;
	memcpy(zone->name, name, bytes);
	HASH_ADD_STR(aliases->zones, name, zone);
	if (zone->hh.tbl != NULL)
		return zone;
	free(zone);
	return NULL;
}

void
vly_alias_zone_leave(struct vly_aliases *aliases, struct vly_alias_zone *zone)
{
	if (zone->first != NULL || zone->dep_cnt > 0 || zone->change != NULL || zone->wants_scan)
		return;
	HASH_DEL(aliases->zones, zone);
	free(zone);
}

bool
vly_alias_keep(struct vly_alias_kept *kept, const struct vly_alias_set *set)
{
	uint8_t *address = NULL;

	if (set->cnt > 0 && (address = malloc((size_t)set->cnt * set->octets)) == NULL)
		return false;
	for (unsigned i = 0; i < set->cnt; i++)
		memcpy(address + (size_t)i * set->octets, set->address[i], set->octets);
	free(kept->address);
	*kept = (struct vly_alias_kept){address, set->cnt, set->octets};
	return true;
}

bool
vly_alias_keeps(const struct vly_alias_kept *kept, const struct vly_alias_set *set)
{
	if (kept->cnt != set->cnt)
		return false;
	for (unsigned i = 0; i < set->cnt; i++)
		if (memcmp(kept->address + (size_t)i * kept->octets, set->address[i],
			   set->octets) != 0)
			return false;
	return true;
}

void
vly_alias_set_trouble(struct vly_alias *alias, const char *text)
{
	if (text != NULL && alias->trouble != NULL && strcmp(alias->trouble, text) == 0)
		return;
	free(alias->trouble);
	alias->trouble = text != NULL ? strdup(text) : NULL;
	if (alias->trouble != NULL)
		vly_log_info("ALIAS %s to %s: %s", strchr(alias->key, ' ') + 1, alias->target,
			     alias->trouble);
}

void
vly_alias_set_source(struct vly_alias *alias, const char *key)
{
	free(alias->source);
	alias->source = key != NULL ? strdup(key) : NULL;
}

static void
free_alias(struct vly_alias *alias)
{
	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++)
		free(alias->kept[i].address);
	free(alias->wanted);
	free(alias->trouble);
	free(alias->source);
	free(alias->key);
	free(alias->target);
	free(alias);
}

void
vly_alias_unpin(struct vly_aliases *aliases, struct vly_alias *alias)
{
	(void)aliases;
	if (--alias->pin_cnt == 0 && alias->is_removed)
		free_alias(alias);
}

void
vly_alias_remove(struct vly_aliases *aliases, struct vly_alias *alias)
{
	struct vly_alias **at = &alias->zone->first;

	while (*at != alias)
		at = &(*at)->zone_next;
	*at = alias->zone_next;
	HASH_DEL(aliases->by_key, alias);
	vly_timer_clear(&aliases->heap, &alias->timer);
	vly_note_file_forget(aliases->notes, alias->key);
	alias->is_removed = true;
	alias->pin_cnt++;
	if (alias->wanted != NULL) {
		free(alias->wanted);
		alias->wanted = NULL;
		alias->zone->wanted_cnt--;
		alias->pin_cnt--;
	}
	vly_alias_forget_deps(aliases, alias);
	vly_alias_unpin(aliases, alias);
}

/* The timer of the loop is that of the first one due. */
static void
set_heap_timer(struct vly_aliases *aliases)
{
	const struct vly_timer *first = vly_timer_first(&aliases->heap);
	const uint64_t now_ms = uv_now(aliases->settings.loop);

	if (first == NULL)
		uv_timer_stop(&aliases->timer);
	else
		uv_timer_start(&aliases->timer, vly_alias_on_due,
			       first->due_ms > now_ms ? first->due_ms - now_ms : 0, 0);
}

/* A zone that is gone has no ALIAS records here any more: they come back with it. */
static void
begin_due(struct vly_aliases *aliases, struct vly_alias *alias)
{
	struct vly_living_state state;

	if (vly_living_find(aliases->settings.living, alias->zone->name, &state))
		vly_alias_begin(aliases, alias);
	else
		vly_alias_want_scan(aliases, alias->zone->name);
}

void
vly_alias_on_due(uv_timer_t *timer)
{
	struct vly_aliases *aliases = timer->data;
	struct vly_timer *first;

	while ((first = vly_timer_first(&aliases->heap)) != NULL &&
	       first->due_ms <= uv_now(aliases->settings.loop)) {
		vly_timer_clear(&aliases->heap, first);
		begin_due(aliases, (struct vly_alias *)first); /* its first member */
	}
	set_heap_timer(aliases);
}

void
vly_alias_set_timer(struct vly_aliases *aliases, struct vly_alias *alias, uint64_t pause_ms)
{
	alias->next_s = (uint64_t)time(NULL) + (pause_ms + 999) / 1000;
	vly_timer_set(&aliases->heap, &alias->timer, uv_now(aliases->settings.loop) + pause_ms);
	if (vly_timer_first(&aliases->heap) == &alias->timer)
		set_heap_timer(aliases);
}

/* Hooks of living zones. */

static void
note_dirty(struct vly_aliases *aliases, const char *name)
{
	struct vly_alias_zone *zone = vly_alias_zone_find(aliases, name);

	if (zone == NULL || zone->dep_cnt == 0)
		return;
	zone->is_dirty = true;
	aliases->is_dirty = true;
	vly_alias_flush_soon(aliases);
}

static void
on_change(void *arg, const char *zone, uint32_t serial)
{
	(void)serial;
	note_dirty(arg, zone);
}

static void
on_alias(void *arg, const char *zone, bool has_alias)
{
	struct vly_aliases *aliases = arg;
	const struct vly_alias_zone *known = vly_alias_zone_find(aliases, zone);

	note_dirty(aliases, zone);
	if (has_alias || (known != NULL && known->first != NULL))
		vly_alias_want_scan(aliases, zone);
}

static struct vly_aliases *
start(struct vly_aliases *aliases)
{
	uv_timer_t *const timers[] = {&aliases->timer, &aliases->turn, &aliases->flush};

	for (unsigned i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		uv_timer_init(aliases->settings.loop, timers[i]);
		timers[i]->data = aliases;
		aliases->handle_cnt++;
	}
	vly_living_on_change(aliases->settings.living, on_change, aliases);
	vly_living_on_alias(aliases->settings.living, on_alias, aliases);
	return aliases;
}

struct vly_aliases *
vly_aliases_new(const struct vly_aliases_settings *settings)
{
	struct vly_aliases *aliases = calloc(1, sizeof(*aliases));

	if (aliases == NULL)
		return NULL;
	aliases->settings = *settings;
	aliases->notes =
		vly_alias_notes_open(settings->loop, settings->state_dir, (uint64_t)time(NULL));
	if (aliases->notes == NULL) {
		free(aliases);
		return NULL;
	}
	return start(aliases);
}

/* Configuration. */

static void
free_texts(char **text, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		free(text[i]);
	free(text);
}

/* Returns a copy; NULL without memory, or if there are none. */
static char **
copy_texts(char *const *text, unsigned cnt, unsigned *copied)
{
	char **copy = calloc(cnt + 1u, sizeof(*copy));

	*copied = 0;
	for (unsigned i = 0; copy != NULL && i < cnt; i++) {
		copy[i] = strdup(text[i]);
		if (copy[i] == NULL)
			break;
		*copied += 1;
	}
	return copy;
}

static bool
are_same(char *const *left, unsigned left_cnt, char *const *right, unsigned right_cnt)
{
	if (left_cnt != right_cnt)
		return false;
	for (unsigned i = 0; i < left_cnt; i++)
		if (strcmp(left[i], right[i]) != 0)
			return false;
	return true;
}

static void
begin_resolver(struct vly_aliases *aliases, const struct vly_config_alias *config)
{
	vly_alias_end_resolver(aliases);
	free_texts(aliases->forwarder, aliases->forwarder_cnt);
	aliases->forwarder =
		copy_texts(config->forwarders, config->forwarder_cnt, &aliases->forwarder_cnt);
	if (aliases->forwarder_cnt == 0)
		return;
	aliases->resolver = vly_alias_resolver_new(
		aliases->settings.loop, aliases->forwarder, aliases->forwarder_cnt,
		config->ttl_max_s, aliases->resolver_trouble, sizeof(aliases->resolver_trouble));
	if (aliases->resolver == NULL)
		vly_log_error("ALIAS records are not resolved: %s", aliases->resolver_trouble);
}

void
vly_aliases_configure(struct vly_aliases *aliases, const struct vly_config *config)
{
	const struct vly_config_alias *to = config->alias;
	const bool same_forwarders = are_same(aliases->forwarder, aliases->forwarder_cnt,
					      to->forwarders, to->forwarder_cnt) &&
				     aliases->policy.ttl_max_s == to->ttl_max_s;
	const bool same_rules =
		same_forwarders &&
		are_same(aliases->allow, aliases->allow_cnt, to->allow, to->allow_cnt) &&
		aliases->policy.ttl_min_s == to->ttl_min_s &&
		aliases->policy.keep_missing_s == to->keep_missing_s;
	struct vly_alias *alias;
	struct vly_alias *next;

	aliases->policy =
		(struct vly_alias_policy){to->ttl_min_s, to->ttl_max_s, to->keep_missing_s};
	aliases->rate_per_s = to->rate_per_s;
	aliases->parallel_max = to->parallel_max;
	free_texts(aliases->allow, aliases->allow_cnt);
	aliases->allow = copy_texts(to->allow, to->allow_cnt, &aliases->allow_cnt);
	if (!same_forwarders)
		begin_resolver(aliases, to);
	if (!same_rules)
		HASH_ITER(hh, aliases->by_key, alias, next)
		{
			vly_alias_begin(aliases, alias);
		}
	vly_alias_turns(aliases);
}

/* What is shown. */

void
vly_aliases_counts(const struct vly_aliases *aliases, struct vly_aliases_counts *counts)
{
	const struct vly_alias *alias;

	*counts = (struct vly_aliases_counts){
		.cnt = HASH_COUNT(aliases->by_key),
		.resolved_cnt = aliases->resolved_cnt,
		.failed_cnt = aliases->failed_cnt,
	};
	for (alias = aliases->by_key; alias != NULL; alias = alias->hh.next) {
		counts->waiting_cnt += alias->step != VLY_ALIAS_IDLE;
		counts->missing_cnt += alias->is_missing;
		counts->failing_cnt += alias->trouble != NULL && !alias->is_missing;
	}
}

const char *
vly_aliases_trouble(struct vly_aliases *aliases)
{
	const struct vly_alias *first = aliases->by_key;
	struct vly_aliases_counts counts;

	vly_aliases_counts(aliases, &counts);
	while (first != NULL && first->trouble == NULL)
		first = first->hh.next;
	if (first == NULL)
		return "";
	const uint32_t cnt = counts.failing_cnt + counts.missing_cnt;
	snprintf(aliases->trouble, sizeof(aliases->trouble),
		 "%u ALIAS record%s could not be resolved, and %s as last known; to list them: "
		 "volleyctl aliases; such as %.255s to %.255s: %s",
		 cnt, vly_plural(cnt), cnt == 1 ? "stays" : "stay", strchr(first->key, ' ') + 1,
		 first->target, first->trouble);
	return aliases->trouble;
}

static void
unpack(const struct vly_alias_kept *kept, struct vly_alias_set *set)
{
	for (unsigned i = 0; i < kept->cnt; i++)
		(void)!vly_alias_set_add(set, kept->address + (size_t)i * kept->octets,
					 kept->octets);
}

static void
describe(const struct vly_aliases *aliases, const struct vly_alias *alias,
	 struct vly_alias_state *state)
{
	*state = (struct vly_alias_state){
		.zone = alias->zone->name,
		.name = strchr(alias->key, ' ') + 1,
		.target = alias->target,
		.source = !alias->is_tried    ? "none"
			  : alias->is_outside ? "resolver"
					      : "zones",
		.trouble = alias->trouble != NULL ? alias->trouble : "",
		.is_missing = alias->is_missing,
		.is_busy = alias->step != VLY_ALIAS_IDLE,
		.good_s = alias->past.good_s,
		.missing_s = alias->past.missing_s,
		.next_s = alias->next_s,
		.ttl = vly_alias_ttl(&aliases->policy, alias->ttl),
	};
	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++)
		unpack(&alias->kept[i], &state->set[i]);
}

bool
vly_aliases_list(const struct vly_aliases *aliases, const char *zone, const char *after,
		 bool (*fn)(void *arg, const struct vly_alias_state *state), void *arg)
{
	const struct vly_alias *alias = aliases->by_key;
	struct vly_living_state living;
	struct vly_alias_state state;

	if (after != NULL) {
		HASH_FIND_STR(aliases->by_key, after, alias);
		if (alias == NULL)
			return false;
		alias = alias->hh.next;
	}
	for (; alias != NULL; alias = alias->hh.next) {
		if ((zone != NULL && strcmp(alias->zone->name, zone) != 0) ||
		    !vly_living_find(aliases->settings.living, alias->zone->name, &living))
			continue;
		describe(aliases, alias, &state);
		if (!fn(arg, &state))
			break;
	}
	return true;
}

static void
on_closed(uv_handle_t *handle)
{
	struct vly_aliases *aliases = handle->data;

	if (--aliases->handle_cnt == 0)
		free(aliases);
}

/* Those that were removed from the list are in no other one. */
static void
drop(struct vly_aliases *aliases, struct vly_alias_list_head *list)
{
	struct vly_alias *alias;

	while ((alias = vly_alias_pop(list)) != NULL)
		vly_alias_unpin(aliases, alias);
}

/* Requests and reads that are under way keep the living zones busy, and the program ends without this then. */
void
vly_aliases_free(struct vly_aliases *aliases)
{
	struct vly_alias *alias, *next;
	struct vly_alias_zone *zone, *next_zone;

	if (aliases == NULL)
		return;
	vly_alias_end_resolver(aliases);
	drop(aliases, &aliases->queued);
	drop(aliases, &aliases->hopping);
	HASH_ITER(hh, aliases->by_key, alias, next)
	{
		HASH_DEL(aliases->by_key, alias);
		free_alias(alias);
	}
	HASH_ITER(hh, aliases->zones, zone, next_zone)
	{
		HASH_DEL(aliases->zones, zone);
		free(zone);
	}
	vly_timer_heap_free(&aliases->heap);
	vly_note_file_close(aliases->notes);
	free_texts(aliases->allow, aliases->allow_cnt);
	free_texts(aliases->forwarder, aliases->forwarder_cnt);
	uv_close((uv_handle_t *)&aliases->timer, on_closed);
	uv_close((uv_handle_t *)&aliases->turn, on_closed);
	uv_close((uv_handle_t *)&aliases->flush, on_closed);
}
