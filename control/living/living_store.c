/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "living_parts.h"
#include "zone/domain.h"

/* A store that could not be opened is tried again after this pause, as opening reads all pages that are
 * in use. Longer: changes are refused for longer when the cause is gone. */
#define RETRY_NS UINT64_C(1000000000)

/* Opens the store; the lock is held for writing. */
static void
open_store(struct vly_living *living)
{
	uint64_t now_ns = uv_hrtime();

	if (living->store ||
	    (living->store_tried_ns > 0 && now_ns - living->store_tried_ns < RETRY_NS))
		return;
	living->store_reason[0] = '\0';
	uv_mutex_lock(&living->lock);
	struct vly_zone_store_settings settings = living->store_settings;
	uv_mutex_unlock(&living->lock);
	if (vly_zone_store_open(&living->store, living->store_dir, &settings, living->store_reason,
				sizeof(living->store_reason)) != VLY_STORE_OK)
		living->store = NULL;
	living->store_tried_ns = living->store ? 0 : uv_hrtime();
}

struct vly_zone_store *
vly_living_store_get(struct vly_living *living, char *reason, size_t reason_bytes)
{
	uv_rwlock_rdlock(&living->store_lock);
	if (living->store)
		return living->store;
	uv_rwlock_rdunlock(&living->store_lock);
	uv_rwlock_wrlock(&living->store_lock);
	open_store(living);
	uv_rwlock_wrunlock(&living->store_lock);
	uv_rwlock_rdlock(&living->store_lock);
	if (living->store)
		return living->store;
	snprintf(reason, reason_bytes, "%s", living->store_reason);
	uv_rwlock_rdunlock(&living->store_lock);
	return NULL;
}

void
vly_living_store_put(struct vly_living *living)
{
	uv_rwlock_rdunlock(&living->store_lock);
}

void
vly_living_store_failed(struct vly_living *living, int result)
{
	if (result != VLY_STORE_READ_ONLY && result != VLY_STORE_DAMAGED &&
	    result != VLY_STORE_FAILED && result != VLY_STORE_BUSY)
		return;
	uv_rwlock_wrlock(&living->store_lock);
	vly_zone_store_close(living->store);
	living->store = NULL;
	living->store_tried_ns = 0;
	uv_rwlock_wrunlock(&living->store_lock);
}

/* With what the scan finds, a zone would take five times as much memory. */
void
vly_living_apex(const struct vly_living_zone *zone, struct vly_name *apex)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	(void)vly_name_scan(apex, wire, vly_domain_wire(zone->name, wire));
}

int
vly_living_find_stored(struct vly_store_txn *txn, const struct vly_living_zone *zone,
		       struct vly_store_zone *stored)
{
	struct vly_name apex;

	vly_living_apex(zone, &apex);
	return vly_store_find_zone(txn, &apex, stored);
}
