/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

static void
forget_oldest(struct vly_replay *replay)
{
	struct vly_replay_entry *entry = STAILQ_FIRST(&replay->oldest);

	STAILQ_REMOVE_HEAD(&replay->oldest, link);
	HASH_DEL(replay->by_mac, entry);
	free(entry);
	replay->cnt--;
}

static void
forget(struct vly_replay *replay, uint64_t now)
{
	const struct vly_replay_entry *oldest;

	while ((oldest = STAILQ_FIRST(&replay->oldest)) != NULL &&
	       oldest->seen_at + VLY_REPLAY_SECONDS < now)
		forget_oldest(replay);
	if (replay->cnt < VLY_REPLAY_MAX)
		return;
	uint64_t *stale = &replay->stale[oldest->slot];
	if (oldest->time > *stale)
		*stale = oldest->time;
	forget_oldest(replay);
}

/* FNV-1a. */
static uint8_t
slot_of(const struct vly_tsig *tsig)
{
	uint32_t hash = 2166136261;

	for (unsigned i = 0; i < tsig->key.len; i++)
		hash = (hash ^ tsig->key.wire[i]) * 16777619;
	return (uint8_t)(hash >> 24 ^ hash >> 16 ^ hash >> 8 ^ hash);
}

bool
vly_replay_is_stale(const struct vly_replay *replay, const struct vly_tsig *tsig)
{
	return tsig->time <= replay->stale[slot_of(tsig)];
}

const struct vly_replay_entry *
vly_replay_add(struct vly_replay *replay, const struct vly_tsig *tsig, uint64_t now,
	       struct vly_replay_entry **fresh)
{
	struct vly_replay_entry *entry;

	if (!replay->begun)
		STAILQ_INIT(&replay->oldest);
	replay->begun = true;
	*fresh = NULL;
	HASH_FIND(hh, replay->by_mac, tsig->mac, sizeof(entry->mac), entry);
	if (entry != NULL)
		return entry;
	forget(replay, now);
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return NULL;
	memcpy(entry->mac, tsig->mac, sizeof(entry->mac));
	entry->slot = slot_of(tsig);
	entry->time = tsig->time;
	entry->seen_at = now;
	HASH_ADD(hh, replay->by_mac, mac, sizeof(entry->mac), entry);
	if (entry->hh.tbl == NULL) {
		free(entry);
		return NULL;
	}
	STAILQ_INSERT_TAIL(&replay->oldest, entry, link);
	replay->cnt++;
	*fresh = entry;
	return NULL;
}

void
vly_replay_end(struct vly_replay *replay, const uint8_t mac[10], uint16_t rcode)
{
	struct vly_replay_entry *entry;

	HASH_FIND(hh, replay->by_mac, mac, sizeof(entry->mac), entry);
	if (entry == NULL)
		return;
	entry->ended = true;
	entry->rcode = rcode;
}

void
vly_replay_free(struct vly_replay *replay)
{
	while (replay->cnt > 0)
		forget_oldest(replay);
}
