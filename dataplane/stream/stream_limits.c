/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_limits.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <xxhash.h>

int
vly_stream_limits_create(struct vly_stream_limits *limits, uint32_t connections_max,
			 uint32_t per_client_max)
{
	uint32_t slot_cnt = 2;

	memset(limits, 0, sizeof(*limits));
	while (slot_cnt / 2 < connections_max)
		slot_cnt *= 2;
	/* Clients choose their addresses: without a secret, they could all choose one slot. */
	if (getrandom(&limits->seed, sizeof(limits->seed), 0) != sizeof(limits->seed))
		return -errno;
	limits->slot = calloc(slot_cnt, sizeof(limits->slot[0]));
	if (limits->slot == NULL)
		return -ENOMEM;
	limits->slot_mask = slot_cnt - 1;
	limits->per_client_max = per_client_max;
	return -pthread_mutex_init(&limits->lock, NULL);
}

void
vly_stream_limits_destroy(struct vly_stream_limits *limits)
{
	pthread_mutex_destroy(&limits->lock);
	free(limits->slot);
}

uint64_t
vly_stream_client(const struct sockaddr_storage *address)
{
	const uint8_t *octet;
	uint64_t client = 0;
	unsigned cnt;

	if (address->ss_family == AF_INET) {
		octet = (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
		cnt = 4;
	} else {
		octet = (const uint8_t *)&((const struct sockaddr_in6 *)address)->sin6_addr;
		cnt = 56 / 8;
	}
	for (unsigned i = 0; i < cnt; i++)
		client = client << 8 | octet[i];
	return client << 8 | cnt;
}

static uint32_t
home_of(const struct vly_stream_limits *limits, uint64_t client)
{
	return (uint32_t)XXH3_64bits_withSeed(&client, sizeof(client), limits->seed) &
	       limits->slot_mask;
}

/* The client's slot, or the free slot for it. */
static uint32_t
find(const struct vly_stream_limits *limits, uint64_t client)
{
	uint32_t at = home_of(limits, client);

	while (limits->slot[at].client != client && limits->slot[at].client != 0)
		at = (at + 1) & limits->slot_mask;
	return at;
}

/* Frees a slot, and moves the ones behind it that could no longer be found. */
static void
erase(struct vly_stream_limits *limits, uint32_t gap)
{
	uint32_t mask = limits->slot_mask;

	for (uint32_t at = (gap + 1) & mask; limits->slot[at].client != 0; at = (at + 1) & mask) {
		uint32_t home = home_of(limits, limits->slot[at].client);
		if (((at - home) & mask) >= ((at - gap) & mask)) {
			limits->slot[gap] = limits->slot[at];
			gap = at;
		}
	}
	limits->slot[gap] = (struct vly_stream_limits_slot){0};
}

bool
vly_stream_limits_enter(struct vly_stream_limits *limits, uint64_t client)
{
	pthread_mutex_lock(&limits->lock);
	struct vly_stream_limits_slot *slot = &limits->slot[find(limits, client)];
	bool allowed = slot->cnt < limits->per_client_max;
	if (allowed) {
		slot->client = client;
		slot->cnt++;
	}
	pthread_mutex_unlock(&limits->lock);
	return allowed;
}

void
vly_stream_limits_leave(struct vly_stream_limits *limits, uint64_t client)
{
	pthread_mutex_lock(&limits->lock);
	uint32_t at = find(limits, client);
	if (limits->slot[at].cnt > 0 && --limits->slot[at].cnt == 0)
		erase(limits, at);
	pthread_mutex_unlock(&limits->lock);
}

uint32_t
vly_stream_idle_ms(uint32_t idle_ms, uint32_t open, uint32_t open_max)
{
	uint32_t calm = open_max - open_max / 4;

	if (open <= calm)
		return idle_ms;
	if (open >= open_max)
		return idle_ms / 10;
	return idle_ms -
	       (uint32_t)((uint64_t)(idle_ms - idle_ms / 10) * (open - calm) / (open_max - calm));
}
