/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reach.h"

#include <stdlib.h>
#include <uthash.h>

#include "session/endpoint.h"

/* A configuration names far fewer. */
#define ADDRESSES_MAX 4096

struct vly_reach_address {
	struct vly_endpoint key;
	uint64_t until_ms[VLY_REACH_WAYS];
	uint32_t down_ms[VLY_REACH_WAYS]; /* the last time that it was not tried */
	UT_hash_handle hh;
};

static struct vly_reach_address *
find(const struct vly_reach *reach, const struct sockaddr_storage *address)
{
	const struct vly_endpoint key = vly_endpoint_make(address);
	struct vly_reach_address *found;

	HASH_FIND(hh, reach->by_address, &key, sizeof(key), found);
	return found;
}

static struct vly_reach_address *
add(struct vly_reach *reach, const struct sockaddr_storage *address)
{
	if (HASH_COUNT(reach->by_address) >= ADDRESSES_MAX)
		vly_reach_forget(reach);
	struct vly_reach_address *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = vly_endpoint_make(address);
	HASH_ADD(hh, reach->by_address, key, sizeof(entry->key), entry);
	if (entry->hh.tbl)
		return entry;
	free(entry);
	return NULL;
}

static uint32_t
next_down_ms(uint32_t down_ms, uint64_t took_ms)
{
	if (took_ms >= VLY_REACH_FIRST_MS || down_ms >= VLY_REACH_MS / 2)
		return VLY_REACH_MS;
	return down_ms == 0 ? VLY_REACH_FIRST_MS : 2 * down_ms;
}

void
vly_reach_failed(struct vly_reach *reach, const struct sockaddr_storage *address,
		 enum vly_reach_way way, uint64_t begin_ms, uint64_t now_ms)
{
	struct vly_reach_address *entry = find(reach, address);

	if (!entry)
		entry = add(reach, address);
	if (!entry || entry->until_ms[way] > now_ms) /* noted, by another that was under way */
		return;
	entry->down_ms[way] = next_down_ms(entry->down_ms[way], now_ms - begin_ms);
	entry->until_ms[way] = now_ms + entry->down_ms[way];
}

bool
vly_reach_is_down(struct vly_reach *reach, const struct sockaddr_storage *address,
		  enum vly_reach_way way, uint64_t now_ms)
{
	const struct vly_reach_address *entry = find(reach, address);

	return entry && entry->until_ms[way] > now_ms;
}

void
vly_reach_forget_address(struct vly_reach *reach, const struct sockaddr_storage *address)
{
	struct vly_reach_address *entry = find(reach, address);

	if (!entry)
		return;
	HASH_DELETE(hh, reach->by_address, entry);
	free(entry);
}

void
vly_reach_forget(struct vly_reach *reach)
{
	struct vly_reach_address *entry;
	struct vly_reach_address *next;

	HASH_ITER(hh, reach->by_address, entry, next)
	{
		HASH_DELETE(hh, reach->by_address, entry);
		free(entry);
	}
}
