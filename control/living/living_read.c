/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_read.h"

#include <stdio.h>

#include "living_parts.h"
#include "zone/domain.h"

static int
read_zone(struct vly_living_read *read, struct vly_store_txn *txn)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_store_zone zone;
	struct vly_name apex;

	(void)vly_name_scan(&apex, wire, vly_domain_wire(read->zone, wire));
	int result = vly_store_find_zone(txn, &apex, &zone);
	read->failure = result;
	if (result == VLY_STORE_OK)
		return read->read(read, txn, &zone, read->reason);
	snprintf(read->reason, sizeof(read->reason), "%s",
		 result == VLY_STORE_NONE ? "the zone is not in the store" : vly_store_reason(txn));
	return -1;
}

static void
work(uv_work_t *work)
{
	struct vly_living_read *read = work->data;
	struct vly_zone_store *store =
		vly_living_store_get(read->living, read->reason, sizeof(read->reason));
	struct vly_store_txn *txn;

	read->result = -1;
	if (!store)
		return;
	if (vly_store_begin_read(store, &txn, read->reason, sizeof(read->reason)) == VLY_STORE_OK) {
		read->result = read_zone(read, txn);
		vly_store_abort(txn);
	}
	vly_living_store_put(read->living);
}

const char *
vly_living_read_now(struct vly_living *living, struct vly_living_read *read)
{
	read->living = living;
	read->work.data = read;
	work(&read->work);
	return read->result == 0 ? NULL : read->reason;
}

static void
on_done(uv_work_t *work, int status)
{
	struct vly_living_read *read = work->data;

	(void)status;
	read->living->read_cnt--;
	read->done(read, read->result == 0 ? NULL : read->reason);
}

void
vly_living_read(struct vly_living *living, struct vly_living_read *read)
{
	read->living = living;
	read->work.data = read;
	living->read_cnt++;
	uv_queue_work(living->loop, &read->work, work, on_done);
}
