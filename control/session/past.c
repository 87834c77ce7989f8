/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "past.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
forget(struct vly_past_transfer *entry)
{
	free((char *)(uintptr_t)entry->zone);
	free((char *)(uintptr_t)entry->peer);
	free((char *)(uintptr_t)entry->why);
	*entry = (struct vly_past_transfer){0};
}

void
vly_past_add(struct vly_past *past, const struct vly_past_transfer *entry)
{
	struct vly_past_transfer copy = *entry;
	struct timespec now;

	if (!past->entry)
		past->entry = calloc(VLY_PAST_MAX, sizeof(*past->entry));
	copy.zone = strdup(entry->zone);
	copy.peer = strndup(entry->peer, VLY_PAST_PEER_BYTES - 1);
	copy.why = strndup(entry->why, VLY_PAST_WHY_BYTES - 1);
	clock_gettime(CLOCK_REALTIME, &now);
	copy.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (!past->entry || !copy.zone || !copy.peer || !copy.why) {
		forget(&copy);
		return;
	}
	struct vly_past_transfer *place = &past->entry[past->cnt++ % VLY_PAST_MAX];
	forget(place);
	*place = copy;
}

const struct vly_past_transfer *
vly_past_at(const struct vly_past *past, uint64_t age)
{
	if (age >= past->cnt || age >= VLY_PAST_MAX)
		return NULL;
	return &past->entry[(past->cnt - 1 - age) % VLY_PAST_MAX];
}

void
vly_past_free(struct vly_past *past)
{
	for (unsigned i = 0; past->entry && i < VLY_PAST_MAX; i++)
		forget(&past->entry[i]);
	free(past->entry);
	*past = (struct vly_past){0};
}
