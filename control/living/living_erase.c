/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_erase.h"

#include <stddef.h>
#include <stdio.h>

#include "living_parts.h"
#include "zone/domain.h"

static int
erase_zone(struct vly_living_erase *erase, struct vly_store_txn *txn, const char *name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_store_zone zone;
	struct vly_name apex;

	(void)vly_name_scan(&apex, wire, vly_domain_wire(name, wire));
	int result = vly_store_find_zone(txn, &apex, &zone);
	if (result == VLY_STORE_NONE)
		return VLY_STORE_OK;
	if (result == VLY_STORE_OK)
		result = vly_store_remove_zone(txn, &zone);
	if (result != VLY_STORE_OK)
		snprintf(erase->reason, sizeof(erase->reason), "%s", vly_store_reason(txn));
	return result;
}

static int
erase_zones(struct vly_living_erase *erase, struct vly_zone_store *store)
{
	struct vly_store_txn *txn;
	int result = vly_store_begin_write(store, &txn, erase->reason, sizeof(erase->reason));

	if (result != VLY_STORE_OK)
		return result;
	for (uint32_t i = 0; i < erase->cnt && result == VLY_STORE_OK; i++)
		result = erase_zone(erase, txn, erase->zone[i]);
	if (result == VLY_STORE_OK)
		return vly_store_commit(txn, erase->reason, sizeof(erase->reason));
	vly_store_abort(txn);
	return result;
}

static void
work(uv_work_t *work)
{
	struct vly_living_erase *erase = work->data;
	struct vly_living *living = erase->living;
	struct vly_zone_store *store =
		vly_living_store_get(living, erase->reason, sizeof(erase->reason));

	erase->result = VLY_STORE_FAILED;
	if (!store)
		return;
	erase->result = erase_zones(erase, store);
	vly_living_store_put(living);
	vly_living_store_failed(living, erase->result);
}

/* The records go behind that: an import that takes long does not hold up what waits for the erasure. */

static void
clean(uv_work_t *work)
{
	struct vly_living *living = work->data;
	char reason[VLY_REASON_BYTES];
	struct vly_zone_store *store = vly_living_store_get(living, reason, sizeof(reason));

	if (!store)
		return;
	uv_mutex_lock(&living->import_lock);
	vly_living_clean(store, false);
	uv_mutex_unlock(&living->import_lock);
	vly_living_store_put(living);
}

static void want_cleaning(struct vly_living *living);

static void
on_cleaned(uv_work_t *work, int status)
{
	struct vly_living *living = work->data;

	(void)status;
	living->read_cnt--;
	living->is_cleaning = false;
	vly_import_turn_end(living, &living->clean_turn);
	if (living->cleans_again)
		want_cleaning(living);
}

static void
on_clean_turn(struct vly_import_turn *turn)
{
	struct vly_living *living =
		(struct vly_living *)((char *)turn - offsetof(struct vly_living, clean_turn));

	living->cleans_again = false;
	living->clean_work.data = living;
	living->read_cnt++;
	uv_queue_work(living->loop, &living->clean_work, clean, on_cleaned);
}

static void
want_cleaning(struct vly_living *living)
{
	if (living->is_stopping)
		return;
	living->cleans_again = living->is_cleaning;
	if (living->is_cleaning)
		return;
	living->is_cleaning = true;
	living->clean_turn.ready = on_clean_turn;
	vly_import_turn_wait(living, &living->clean_turn);
}

static void
on_done(uv_work_t *work, int status)
{
	struct vly_living_erase *erase = work->data;
	struct vly_living *living = erase->living;

	(void)status;
	living->read_cnt--;
	if (erase->result == VLY_STORE_OK)
		want_cleaning(living);
	erase->done(erase, erase->result == VLY_STORE_OK ? NULL : erase->reason);
}

void
vly_living_erase(struct vly_living *living, struct vly_living_erase *erase)
{
	erase->living = living;
	erase->work.data = erase;
	living->read_cnt++;
	uv_queue_work(living->loop, &erase->work, work, on_done);
}
