/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets in living zones of ours: looked up in the store, many in one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alias_parts.h"

/* Names in one transaction: a few milliseconds, and a megabyte. */
#define HOPS_MAX 500

struct item {
	struct vly_alias *alias;
	struct vly_name apex;
	struct vly_name name;
	struct vly_alias_hop hop;
};

struct vly_alias_hops {
	struct vly_living_read read;
	struct vly_aliases *aliases;
	uint64_t begin_ms;
	unsigned cnt;
	char zone[VLY_DOMAIN_TEXT_BYTES]; /* of the first one */
	struct item item[HOPS_MAX];
};

static void start(struct vly_aliases *aliases);

void
vly_alias_hop_later(struct vly_aliases *aliases, struct vly_alias *alias)
{
	alias->step = VLY_ALIAS_HOPPING;
	alias->pin_cnt++;
	vly_alias_push(&aliases->hopping, alias);
	vly_alias_flush_soon(aliases);
}

/* In a thread. A zone that is gone is looked for again when the list says so. */
static void
hop(struct vly_store_txn *txn, struct item *item)
{
	struct vly_store_zone zone;
	int result = vly_store_find_zone(txn, &item->apex, &zone);

	if (result == VLY_STORE_OK) {
		vly_alias_hop(txn, &zone, &item->name, &item->hop);
		return;
	}
	item->hop.kind = VLY_ALIAS_HOP_FAILED;
	snprintf(item->hop.reason, VLY_REASON_BYTES, "%s",
		 result == VLY_STORE_NONE ? "the target's zone has no records yet"
					  : vly_store_reason(txn));
}

static int
read_all(struct vly_living_read *read, struct vly_store_txn *txn, const struct vly_store_zone *zone,
	 char reason[VLY_REASON_BYTES])
{
	struct vly_alias_hops *hops =
		(struct vly_alias_hops *)((char *)read - offsetof(struct vly_alias_hops, read));

	(void)zone;
	(void)reason;
	for (unsigned i = 0; i < hops->cnt; i++)
		hop(txn, &hops->item[i]);
	return 0;
}

static void
note_source(struct vly_alias *alias, const struct item *item)
{
	char zone[VLY_DOMAIN_TEXT_BYTES];
	char owner[VLY_DOMAIN_TEXT_BYTES];
	char key[2 * VLY_DOMAIN_TEXT_BYTES];

	if (item->hop.alias_len == 0) {
		vly_alias_set_source(alias, NULL);
		return;
	}
	vly_alias_spell(item->apex.lower, zone);
	vly_alias_spell(item->hop.alias, owner);
	snprintf(key, sizeof(key), "%s %s", zone, owner);
	vly_alias_set_source(alias, key);
}

static void
end(struct vly_aliases *aliases, struct vly_alias *alias, const struct vly_alias_hop *hop)
{
	struct vly_alias_found found[VLY_ALIAS_FAMILIES] = {0};

	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		found[i].outcome = hop->set[i].cnt > 0 ? VLY_ALIAS_GOOD : VLY_ALIAS_MISSING;
		found[i].is_no_name = hop->kind == VLY_ALIAS_HOP_NO_NAME;
		found[i].set = hop->set[i];
	}
	vly_alias_end(aliases, alias, found);
}

static void
take(struct vly_aliases *aliases, struct vly_alias *alias, const struct item *item)
{
	const struct vly_alias_hop *hop = &item->hop;

	switch (hop->kind) {
	case VLY_ALIAS_HOP_FOUND:
	case VLY_ALIAS_HOP_NO_NAME:
		note_source(alias, item);
		if (vly_alias_is_round(aliases, alias))
			vly_alias_fail(aliases, alias, "the ALIAS leads back to itself");
		else
			end(aliases, alias, hop);
		break;
	case VLY_ALIAS_HOP_CNAME:
		alias->name_len = hop->next_len;
		memcpy(alias->name, hop->next, hop->next_len);
		vly_alias_go_on(aliases, alias);
		break;
	case VLY_ALIAS_HOP_DELEGATED:
		vly_alias_ask_later(aliases, alias);
		break;
	case VLY_ALIAS_HOP_DNAME:
		vly_alias_fail(aliases, alias,
			       "the target is below a DNAME, which is not followed: name the host "
			       "itself");
		break;
	case VLY_ALIAS_HOP_FAILED:
		vly_alias_fail(aliases, alias, hop->reason);
		break;
	}
}

static void
on_read(struct vly_living_read *read, const char *error)
{
	struct vly_alias_hops *hops =
		(struct vly_alias_hops *)((char *)read - offsetof(struct vly_alias_hops, read));
	struct vly_aliases *aliases = hops->aliases;
	const uint64_t now_ms = uv_now(aliases->settings.loop);

	aliases->hops = NULL;
	/* changes that come all the time leave a thread of the pool free for half of it */
	aliases->dirty_after_ms = now_ms + (now_ms - hops->begin_ms);
	for (unsigned i = 0; i < hops->cnt; i++) {
		struct vly_alias *alias = hops->item[i].alias;
		if (alias->is_removed)
			alias->step = VLY_ALIAS_IDLE;
		else if (error != NULL && i > 0) { /* it is about the first one's zone alone */
			vly_alias_push(&aliases->hopping, alias);
			continue;
		} else if (error != NULL)
			vly_alias_fail(aliases, alias, error);
		else
			take(aliases, alias, &hops->item[i]);
		vly_alias_unpin(aliases, alias);
	}
	free(hops);
	start(aliases);
}

static void
fill(struct vly_alias_hops *hops, struct vly_alias *alias)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	const struct vly_alias_zone *zone = alias->dep[alias->dep_cnt - 1];
	struct item *item = &hops->item[hops->cnt];

	/* a zone that the attempt comes back to is not the last one */
	for (unsigned i = 0; i < alias->dep_cnt; i++) {
		const unsigned len = vly_domain_wire(alias->dep[i]->name, wire);
		const bool is_suffix = len <= alias->name_len &&
				       memcmp(alias->name + alias->name_len - len, wire, len) == 0;
		if (is_suffix && strlen(alias->dep[i]->name) > strlen(zone->name))
			zone = alias->dep[i];
	}
	if (hops->cnt++ == 0)
		snprintf(hops->zone, sizeof(hops->zone), "%s", zone->name);
	item->alias = alias;
	vly_alias_scan(wire, vly_domain_wire(zone->name, wire), &item->apex);
	vly_alias_scan(alias->name, alias->name_len, &item->name);
}

static void
start(struct vly_aliases *aliases)
{
	struct vly_alias_hops *hops;

	if (aliases->hops != NULL || aliases->hopping.first == NULL ||
	    (hops = calloc(1, sizeof(*hops))) == NULL)
		return;
	while (hops->cnt < HOPS_MAX && aliases->hopping.first != NULL) {
		struct vly_alias *alias = vly_alias_pop(&aliases->hopping);
		if (!alias->is_removed) {
			fill(hops, alias);
			continue;
		}
		alias->step = VLY_ALIAS_IDLE; /* while it waited: it has no zones any more */
		vly_alias_unpin(aliases, alias);
	}
	if (hops->cnt == 0) {
		free(hops);
		return;
	}
	hops->aliases = aliases;
	hops->begin_ms = uv_now(aliases->settings.loop);
	hops->read =
		(struct vly_living_read){.zone = hops->zone, .read = read_all, .done = on_read};
	aliases->hops = hops;
	vly_living_read(aliases->settings.living, &hops->read);
}

static bool
is_dirty(const struct vly_alias *alias)
{
	for (unsigned i = 0; i < alias->dep_cnt; i++)
		if (alias->dep[i]->is_dirty)
			return true;
	return false;
}

static void
begin_dirty(struct vly_aliases *aliases)
{
	struct vly_alias_zone *zone;
	struct vly_alias_zone *next_zone;
	struct vly_alias *alias;
	struct vly_alias *next;

	HASH_ITER(hh, aliases->by_key, alias, next)
	{
		if (is_dirty(alias))
			vly_alias_begin(aliases, alias);
	}
	HASH_ITER(hh, aliases->zones, zone, next_zone)
	{
		zone->is_dirty = false;
	}
	aliases->is_dirty = false;
}

void
vly_alias_look_at_dirty(struct vly_aliases *aliases)
{
	const uint64_t now_ms = uv_now(aliases->settings.loop);

	if (aliases->is_dirty && aliases->hops == NULL && now_ms >= aliases->dirty_after_ms)
		begin_dirty(aliases);
	else if (aliases->is_dirty)
		vly_alias_flush_soon(aliases);
	start(aliases);
}
