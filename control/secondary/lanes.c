/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lanes.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

struct vly_lane {
	char *server;
	struct vly_lane_entry *first;
	uint32_t place_cnt;
	bool is_ready; /* it is in the list */
	struct vly_lane *prev, *next;
	UT_hash_handle hh;
};

static struct vly_lane *
find(const struct vly_lanes *lanes, const char *server)
{
	struct vly_lane *lane;

	HASH_FIND_STR(lanes->by_name, server, lane);
	return lane;
}

static struct vly_lane *
get(struct vly_lanes *lanes, const char *server)
{
	struct vly_lane *lane = find(lanes, server);

	if (lane)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (!lane || !(lane->server = strdup(server))) {
		free(lane);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, lanes->by_name, lane->server, strlen(lane->server), lane);
	if (lane->hh.tbl)
		return lane;
	free(lane->server);
	free(lane);
	return NULL;
}

/* Puts a lane into the list of those whose turn comes, or out of it; frees one that is empty. */
static void
settle(struct vly_lanes *lanes, struct vly_lane *lane)
{
	const bool is_ready = lane->first && lane->place_cnt < lanes->share_max;

	if (is_ready && !lane->is_ready)
		DL_APPEND(lanes->ready, lane);
	else if (!is_ready && lane->is_ready)
		DL_DELETE(lanes->ready, lane);
	lane->is_ready = is_ready;
	if (lane->first || lane->place_cnt > 0)
		return;
	HASH_DELETE(hh, lanes->by_name, lane);
	free(lane->server);
	free(lane);
}

bool
vly_lanes_push(struct vly_lanes *lanes, const char *server, struct vly_lane_entry *entry)
{
	struct vly_lane *lane = get(lanes, server);

	if (!lane)
		return false;
	entry->lane = lane;
	DL_APPEND(lane->first, entry);
	lanes->waiting_cnt++;
	settle(lanes, lane);
	return true;
}

static struct vly_lane *
detach(struct vly_lanes *lanes, struct vly_lane_entry *entry)
{
	struct vly_lane *lane = entry->lane;

	DL_DELETE(lane->first, entry);
	lanes->waiting_cnt--;
	*entry = (struct vly_lane_entry){0};
	return lane;
}

void
vly_lanes_remove(struct vly_lanes *lanes, struct vly_lane_entry *entry)
{
	if (entry->lane)
		settle(lanes, detach(lanes, entry));
}

struct vly_lane_entry *
vly_lanes_pop(struct vly_lanes *lanes)
{
	struct vly_lane *lane = lanes->ready;

	if (!lane || lanes->place_cnt >= lanes->place_max)
		return NULL;
	struct vly_lane_entry *entry = lane->first;
	(void)detach(lanes, entry);
	DL_DELETE(lanes->ready, lane); /* the others come first now */
	lane->is_ready = false;
	settle(lanes, lane);
	return entry;
}

bool
vly_lanes_has_place(const struct vly_lanes *lanes, const char *server)
{
	const struct vly_lane *lane = find(lanes, server);

	return lanes->place_cnt < lanes->place_max &&
	       (lane ? lane->place_cnt : 0) < lanes->share_max;
}

void
vly_lanes_hold(struct vly_lanes *lanes, const char *server, struct vly_lane_place *place)
{
	place->lane = server ? get(lanes, server) : NULL;
	place->is_held = true;
	lanes->place_cnt++;
	if (!place->lane)
		return;
	place->lane->place_cnt++;
	settle(lanes, place->lane);
}

void
vly_lanes_release(struct vly_lanes *lanes, struct vly_lane_place *place)
{
	struct vly_lane *lane = place->lane;

	if (!place->is_held)
		return;
	*place = (struct vly_lane_place){0};
	lanes->place_cnt--;
	if (!lane)
		return;
	lane->place_cnt--;
	settle(lanes, lane);
}

void
vly_lanes_settle(struct vly_lanes *lanes)
{
	struct vly_lane *lane;
	struct vly_lane *next;

	HASH_ITER(hh, lanes->by_name, lane, next)
	{
		settle(lanes, lane);
	}
}
