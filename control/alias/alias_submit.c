/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The addresses of ALIAS records become changes of their zones: one at a time for each zone, with all that has
 * gathered meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias_parts.h"
#include "zone/rdata.h"

/* ALIAS records in one change: some 10 ms of the writer, for which changes of other zones wait. */
#define CHANGE_MAX 1000

/* What comes within that time is one change, with one serial. Longer: all are answered later. */
#define GATHER_MS 20

/* A change that could not be made is tried again after that time. */
#define RETRY_MS 5000

struct item {
	struct vly_alias *alias; /* for the loop */
	struct vly_alias_wanted wanted;
	uint32_t ttl;
	uint8_t owner_len;
	uint8_t owner[VLY_NAME_BYTES_MAX];
	uint8_t target[VLY_NAME_BYTES_MAX];
	unsigned target_len;
};

struct vly_alias_change {
	struct vly_living_request request;
	struct vly_aliases *aliases;
	struct vly_alias_zone *zone;
	unsigned cnt;
	struct item *item;
};

static int
change_family(struct vly_change *change, const struct item *item, unsigned family,
	      const struct vly_alias_record *record)
{
	static const uint16_t types[VLY_ALIAS_FAMILIES] = {VLY_TYPE_A, VLY_TYPE_AAAA};
	const struct vly_alias_set *wanted = &item->wanted.set[family];
	const struct vly_alias_set *set = &record->set[family];
	const bool same_ttl = record->address_ttl == item->ttl;
	int result = 0;

	for (unsigned i = 0; result == 0 && i < set->cnt; i++)
		if (!same_ttl || !vly_alias_set_has(wanted, set->address[i]))
			result = vly_change_remove(change, item->owner, item->owner_len,
						   types[family], record->address_ttl,
						   set->address[i], set->octets);
	for (unsigned i = 0; result == 0 && i < wanted->cnt; i++)
		if (!same_ttl || !vly_alias_set_has(set, wanted->address[i]))
			result = vly_change_add(change, item->owner, item->owner_len, types[family],
						item->ttl, wanted->address[i], wanted->octets);
	return result;
}

/* In the writer thread. An ALIAS that has changed meanwhile is left out: it is resolved anew. */
static enum vly_living_prepared
prepare(void *arg, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	struct vly_change *change, char reason[VLY_REASON_BYTES])
{
	const struct vly_alias_change *work = arg;
	struct vly_alias_record record;
	struct vly_name owner;

	for (unsigned i = 0; i < work->cnt; i++) {
		struct item item = work->item[i];
		vly_alias_scan(item.owner, item.owner_len, &owner);
		int result = vly_alias_read(txn, zone, &owner, &record);
		if (result < 0) {
			snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
			return VLY_LIVING_REFUSE;
		}
		if (result != VLY_STORE_OK || record.target_len != item.target_len ||
		    memcmp(record.target, item.target, item.target_len) != 0)
			continue;
		for (unsigned family = 0; family < VLY_ALIAS_FAMILIES; family++) {
			if (!item.wanted.takes[family])
				item.wanted.set[family] = record.set[family];
			if (change_family(change, &item, family, &record) != 0) {
				snprintf(reason, VLY_REASON_BYTES, "%s", strerror(errno));
				return VLY_LIVING_REFUSE;
			}
		}
	}
	return vly_change_is_empty(change) ? VLY_LIVING_NO_CHANGE : VLY_LIVING_CHANGE;
}

/* The zone has what was wanted. */
static void
note(struct vly_alias *alias, const struct item *item)
{
	bool has_any = false;

	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		if (item->wanted.takes[i])
			(void)!vly_alias_keep(&alias->kept[i], &item->wanted.set[i]);
		has_any |= alias->kept[i].cnt > 0;
	}
	alias->kept_ttl = has_any ? item->ttl : 0;
}

static void
on_done(void *arg, const struct vly_living_result *result)
{
	struct vly_alias_change *work = arg;
	struct vly_aliases *aliases = work->aliases;
	const bool is_good = result->code == VLY_LIVING_DONE || result->code == VLY_LIVING_STORED;

	work->zone->change = NULL;
	vly_alias_zone_leave(aliases, work->zone);
	for (unsigned i = 0; i < work->cnt; i++) {
		struct vly_alias *alias = work->item[i].alias;
		if (is_good) {
			note(alias, &work->item[i]);
		} else if (!alias->is_removed) {
			vly_alias_set_trouble(alias, result->text);
			vly_alias_set_timer(aliases, alias, RETRY_MS);
		}
		vly_alias_unpin(aliases, alias);
	}
	free(work->item);
	free(work);
	vly_alias_flush_soon(aliases);
}

static void
fill(struct item *item, struct vly_aliases *aliases, struct vly_alias *alias)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	item->alias = alias;
	item->wanted = *alias->wanted;
	item->ttl = vly_alias_ttl(&aliases->policy, alias->ttl);
	item->owner_len = alias->owner_len;
	memcpy(item->owner, alias->owner, alias->owner_len);
	item->target_len = vly_domain_wire(alias->target, wire);
	memcpy(item->target, wire, item->target_len);
	free(alias->wanted);
	alias->wanted = NULL; /* its pin is the item's */
	alias->zone->wanted_cnt--;
}

static void
submit_zone(struct vly_aliases *aliases, struct vly_alias_zone *zone)
{
	struct vly_alias_change *work;
	unsigned cnt = zone->wanted_cnt;

	if (cnt == 0 || (work = calloc(1, sizeof(*work))) == NULL)
		return;
	cnt = cnt < CHANGE_MAX ? cnt : CHANGE_MAX;
	work->item = calloc(cnt, sizeof(*work->item));
	if (work->item == NULL) {
		free(work);
		return;
	}
	for (struct vly_alias *alias = zone->first; alias != NULL && work->cnt < cnt;
	     alias = alias->zone_next)
		if (alias->wanted != NULL)
			fill(&work->item[work->cnt++], aliases, alias);
	work->aliases = aliases;
	work->zone = zone;
	work->request = (struct vly_living_request){
		.zone = zone->name,
		.cause = VLY_STORE_BY_ALIAS,
		.who = "",
		.prepare = prepare,
		.done = on_done,
		.arg = work,
	};
	zone->change = work;
	vly_living_submit(aliases->settings.living, &work->request);
}

void
vly_alias_submit(struct vly_aliases *aliases)
{
	struct vly_alias_zone *zone;
	struct vly_alias_zone *next;

	HASH_ITER(hh, aliases->zones, zone, next)
	{
		if (zone->change == NULL)
			submit_zone(aliases, zone);
	}
}

static void
on_flush(uv_timer_t *timer)
{
	struct vly_aliases *aliases = timer->data;

	vly_alias_look_at_dirty(aliases);
	vly_alias_submit(aliases);
}

void
vly_alias_flush_soon(struct vly_aliases *aliases)
{
	if (!uv_is_active((uv_handle_t *)&aliases->flush))
		uv_timer_start(&aliases->flush, on_flush, GATHER_MS, 0);
}

void
vly_alias_want(struct vly_aliases *aliases, struct vly_alias *alias,
	       const struct vly_alias_wanted *wanted)
{
	const uint32_t ttl = vly_alias_ttl(&aliases->policy, alias->ttl);
	bool differs = alias->zone->change != NULL; /* it may be about this one */
	bool has_any = false;

	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		differs |= wanted->takes[i] && !vly_alias_keeps(&alias->kept[i], &wanted->set[i]);
		has_any |= wanted->takes[i] ? wanted->set[i].cnt > 0 : alias->kept[i].cnt > 0;
	}
	differs |= has_any && alias->kept_ttl != ttl;
	if (!differs && alias->wanted == NULL)
		return;
	if (alias->wanted == NULL) {
		alias->wanted = malloc(sizeof(*alias->wanted));
		if (alias->wanted == NULL)
			return;
		alias->pin_cnt++;
		alias->zone->wanted_cnt++;
	}
	*alias->wanted = *wanted;
	vly_alias_flush_soon(aliases);
}
