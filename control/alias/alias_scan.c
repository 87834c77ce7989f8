/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which ALIAS records zones have: read from the store, and compared with the list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alias_parts.h"

/* An ALIAS that was read. */
struct seen {
	struct seen *next;
	struct vly_alias_kept kept[VLY_ALIAS_FAMILIES];
	uint32_t ttl;
	uint32_t address_ttl;
	uint8_t owner_len;
	uint8_t owner[VLY_NAME_BYTES_MAX];
	char text[]; /* of the target */
};

struct vly_alias_scan {
	struct vly_living_read read;
	struct vly_aliases *aliases;
	struct seen *seen;
	bool failed; /* no memory */
	char zone[VLY_DOMAIN_TEXT_BYTES];
};

static void
free_seen(struct vly_alias_scan *scan)
{
	struct seen *seen;

	while ((seen = scan->seen) != NULL) {
		scan->seen = seen->next;
		free(seen->kept[0].address);
		free(seen->kept[1].address);
		free(seen);
	}
}

void
vly_alias_spell(const uint8_t *wire, char out[VLY_DOMAIN_TEXT_BYTES])
{
	char text[VLY_DOMAIN_TEXT_BYTES];

	if (vly_domain_canonical(vly_domain_text(wire, text), out) != NULL)
		snprintf(out, VLY_DOMAIN_TEXT_BYTES, "%s", text);
}

/* In a thread. */
static bool
on_record(void *arg, const struct vly_alias_record *record)
{
	struct vly_alias_scan *scan = arg;
	char text[VLY_DOMAIN_TEXT_BYTES];

	vly_alias_spell(record->target, text);
	const size_t bytes = strlen(text) + 1;
	struct seen *seen = calloc(1, sizeof(*seen) + bytes);
	scan->failed |= seen == NULL;
	if (seen == NULL)
		return false;
	seen->next = scan->seen;
	scan->seen = seen;
	memcpy(seen->text, text, bytes);
	memcpy(seen->owner, record->owner, record->owner_len);
	seen->owner_len = record->owner_len;
	seen->ttl = record->ttl;
	seen->address_ttl = record->address_ttl;
	scan->failed |= !vly_alias_keep(&seen->kept[0], &record->set[0]) ||
			!vly_alias_keep(&seen->kept[1], &record->set[1]);
	return !scan->failed;
}

/* In a thread. */
static int
read_zone(struct vly_living_read *read, struct vly_store_txn *txn,
	  const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES])
{
	struct vly_alias_scan *scan =
		(struct vly_alias_scan *)((char *)read - offsetof(struct vly_alias_scan, read));
	int result = vly_alias_list(txn, zone, on_record, scan);

	if (result >= 0 && !scan->failed)
		return 0;
	snprintf(reason, VLY_REASON_BYTES, "%s",
		 scan->failed ? "out of memory" : vly_store_reason(txn));
	return -1;
}

static struct vly_alias *
new_alias(struct vly_aliases *aliases, struct vly_alias_zone *zone, const char *key,
	  const struct seen *seen)
{
	struct vly_alias *alias = calloc(1, sizeof(*alias));

	if (alias == NULL)
		return NULL;
	alias->key = strdup(key);
	alias->target = strdup(seen->text);
	if (alias->key != NULL && alias->target != NULL &&
	    vly_timer_reserve(&aliases->heap, HASH_COUNT(aliases->by_key) + 1)) {
		HASH_ADD_KEYPTR(hh, aliases->by_key, alias->key, strlen(alias->key), alias);
		if (alias->hh.tbl != NULL) {
			alias->owner_len = seen->owner_len;
			memcpy(alias->owner, seen->owner, seen->owner_len);
			alias->zone = zone;
			alias->zone_next = zone->first;
			zone->first = alias;
			return alias;
		}
	}
	free(alias->key);
	free(alias->target);
	free(alias);
	return NULL;
}

/* Whether the target is not in a zone of ours: then what is known of it holds for a while. */
static bool
is_elsewhere(const struct vly_aliases *aliases, const char *target)
{
	for (const char *at = target; at != NULL && *at != '\0';
	     at = strchr(at, '.') != NULL ? strchr(at, '.') + 1 : NULL)
		if (aliases->settings.find_zone(aliases->settings.find_zone_arg, at) !=
		    VLY_ALIAS_NOT_SERVED)
			return false;
	return true;
}

/* Begins at once, or, after a restart, when it is due. */
static void
begin_new(struct vly_aliases *aliases, struct vly_alias *alias)
{
	const uint64_t now_s = (uint64_t)time(NULL);
	const uint64_t due_s = vly_alias_note_take(aliases, alias);

	if (due_s > now_s && due_s - now_s <= aliases->policy.ttl_max_s &&
	    is_elsewhere(aliases, alias->target)) {
		alias->is_outside = true;
		vly_alias_set_timer(aliases, alias, (due_s - now_s) * 1000);
	} else {
		vly_alias_begin(aliases, alias);
	}
}

static void
take_kept(struct vly_alias *alias, struct seen *seen)
{
	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		free(alias->kept[i].address);
		alias->kept[i] = seen->kept[i];
		seen->kept[i] = (struct vly_alias_kept){0};
	}
	alias->kept_ttl = seen->address_ttl;
}

static bool
is_as_kept(const struct vly_alias *alias, const struct seen *seen)
{
	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++)
		if (alias->kept[i].cnt != seen->kept[i].cnt ||
		    (alias->kept[i].cnt > 0 &&
		     memcmp(alias->kept[i].address, seen->kept[i].address,
			    (size_t)alias->kept[i].cnt * alias->kept[i].octets) != 0))
			return false;
	return alias->kept_ttl == seen->address_ttl;
}

static void
take_seen(struct vly_aliases *aliases, struct vly_alias_zone *zone, struct seen *seen)
{
	char owner[VLY_DOMAIN_TEXT_BYTES];
	char key[2 * VLY_DOMAIN_TEXT_BYTES];
	struct vly_alias *alias;

	vly_alias_spell(seen->owner, owner);
	snprintf(key, sizeof(key), "%s %s", zone->name, owner);
	HASH_FIND_STR(aliases->by_key, key, alias);
	const bool is_new = alias == NULL;
	if (is_new && (alias = new_alias(aliases, zone, key, seen)) == NULL)
		return; /* the next scan sees it again */
	const bool is_moved = strcmp(alias->target, seen->text) != 0;
	const bool differs = alias->ttl != seen->ttl || !is_as_kept(alias, seen);
	alias->scan = aliases->scan_cnt;
	alias->ttl = seen->ttl;
	take_kept(alias, seen);
	if (is_moved) {
		char *target = strdup(seen->text);
		if (target == NULL)
			return;
		free(alias->target);
		alias->target = target;
		alias->past = (struct vly_alias_past){0};
		alias->is_missing = false;
		vly_alias_set_source(alias, NULL);
	}
	if (is_new)
		begin_new(aliases, alias);
	else if (is_moved || differs)
		vly_alias_begin(aliases, alias);
}

static void
take_all(struct vly_aliases *aliases, struct vly_alias_scan *scan)
{
	struct vly_alias_zone *zone = vly_alias_zone_get(aliases, scan->zone);
	struct vly_alias *next;

	if (zone == NULL)
		return;
	zone->dep_cnt++; /* it stays until the end */
	for (struct seen *seen = scan->seen; seen != NULL; seen = seen->next)
		take_seen(aliases, zone, seen);
	for (struct vly_alias *alias = zone->first; alias != NULL; alias = next) {
		next = alias->zone_next;
		if (alias->scan != aliases->scan_cnt)
			vly_alias_remove(aliases, alias);
	}
	zone->dep_cnt--;
	vly_alias_zone_leave(aliases, zone);
}

static void start(struct vly_aliases *aliases);

static void
on_read(struct vly_living_read *read, const char *error)
{
	struct vly_alias_scan *scan =
		(struct vly_alias_scan *)((char *)read - offsetof(struct vly_alias_scan, read));
	struct vly_aliases *aliases = scan->aliases;

	aliases->scan = NULL;
	aliases->scan_cnt++;
	if (error == NULL) /* otherwise the list stays, and the store has said what is wrong */
		take_all(aliases, scan);
	free_seen(scan);
	free(scan);
	start(aliases);
}

static void
start(struct vly_aliases *aliases)
{
	struct vly_alias_zone *zone = aliases->scan_first;

	if (aliases->scan != NULL || zone == NULL)
		return;
	struct vly_alias_scan *scan = calloc(1, sizeof(*scan));
	if (scan == NULL)
		return; /* the next wish for a scan starts it */
	aliases->scan_first = zone->scan_next;
	zone->wants_scan = false;
	scan->aliases = aliases;
	snprintf(scan->zone, sizeof(scan->zone), "%s", zone->name);
	scan->read =
		(struct vly_living_read){.zone = scan->zone, .read = read_zone, .done = on_read};
	aliases->scan = scan;
	vly_living_read(aliases->settings.living, &scan->read);
}

void
vly_alias_want_scan(struct vly_aliases *aliases, const char *name)
{
	struct vly_alias_zone *zone = vly_alias_zone_get(aliases, name);

	if (zone == NULL)
		return;
	if (!zone->wants_scan) {
		if (aliases->scan_first == NULL)
			aliases->scan_end = &aliases->scan_first;
		zone->wants_scan = true;
		zone->scan_next = NULL;
		*aliases->scan_end = zone;
		aliases->scan_end = &zone->scan_next;
	}
	start(aliases);
}
