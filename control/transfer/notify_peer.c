/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "notifier_parts.h"

/* Peers from which those are forgotten that nobody uses: only that they were silent is lost. */
#define PEERS_KEPT 1024

static bool
is_unused(const struct vly_notify_peer *peer)
{
	return peer->sent_cnt == 0 && peer->waiting == NULL;
}

static void
free_peer(struct vly_notifier *notifier, struct vly_notify_peer *peer)
{
	HASH_DEL(notifier->peers, peer);
	free(peer);
}

static void
forget_unused(struct vly_notifier *notifier)
{
	struct vly_notify_peer *peer, *next;

	HASH_ITER(hh, notifier->peers, peer, next)
	if (is_unused(peer))
		free_peer(notifier, peer);
}

/* The peer of a target's first address; NULL without memory. */
static struct vly_notify_peer *
find(const struct vly_notify_target *target)
{
	struct vly_notifier *notifier = target->zone->notifier;
	const struct vly_config_remote *remote = target->remote;
	struct vly_notify_peer_key key = {
		.is_tls = remote != NULL && remote->profile != NULL,
		.is_signed = remote != NULL && remote->key != NULL,
	};
	struct vly_notify_peer *peer;

	vly_notify_target_address(target, 0, key.address, &key.port);
	HASH_FIND(hh, notifier->peers, &key, sizeof(key), peer);
	if (peer != NULL)
		return peer;
	if (HASH_COUNT(notifier->peers) >= PEERS_KEPT)
		forget_unused(notifier);
	peer = calloc(1, sizeof(*peer));
	if (peer == NULL)
		return NULL;
	peer->key = key;
	peer->waiting_end = &peer->waiting;
	HASH_ADD(hh, notifier->peers, key, sizeof(key), peer);
	if (peer->hh.tbl != NULL)
		return peer;
	free(peer);
	return NULL;
}

static bool
is_full(const struct vly_notify_peer *peer)
{
	return peer->sent_cnt >= (peer->is_silent ? 1 : VLY_NOTIFY_PEER_MAX);
}

static void
wait_for(struct vly_notify_peer *peer, struct vly_notify_target *target)
{
	target->peer = peer;
	target->next_waiting = NULL;
	target->prev_waiting = peer->waiting_end;
	*peer->waiting_end = target;
	peer->waiting_end = &target->next_waiting;
}

static void
stop_waiting(struct vly_notify_target *target)
{
	struct vly_notify_peer *peer = target->peer;

	*target->prev_waiting = target->next_waiting;
	if (target->next_waiting != NULL)
		target->next_waiting->prev_waiting = target->prev_waiting;
	else
		peer->waiting_end = target->prev_waiting;
	target->prev_waiting = NULL;
	target->peer = NULL;
}

/* Nobody will call those who wait: they try again. */
static void
send_away(struct vly_notify_peer *peer, uint64_t next_ms)
{
	while (peer->waiting != NULL) { /* each is taken out */
		struct vly_notify_target *target = peer->waiting;
		stop_waiting(target);
		target->next_ms = next_ms;
		vly_notify_zone_schedule(target->zone, next_ms);
	}
}

enum vly_notify_turn
vly_notify_peer_enter(struct vly_notify_target *target)
{
	struct vly_notify_peer *peer = find(target);

	if (peer == NULL)
		return VLY_NOTIFY_NO_MEMORY;
	if (is_full(peer)) {
		wait_for(peer, target);
		return VLY_NOTIFY_LATER;
	}
	target->peer = peer;
	peer->sent_cnt++;
	return VLY_NOTIFY_NOW;
}

void
vly_notify_peer_leave(struct vly_notify_target *target)
{
	struct vly_notifier *notifier = target->zone->notifier;
	struct vly_notify_peer *peer = target->peer;

	if (peer == NULL)
		return;
	if (target->prev_waiting != NULL) {
		stop_waiting(target);
	} else {
		target->peer = NULL;
		peer->sent_cnt--;
	}
	if (peer->sent_cnt == 0)
		send_away(peer, uv_now(notifier->settings.loop));
	if (is_unused(peer) && !peer->is_silent)
		free_peer(notifier, peer);
}

void
vly_notify_peer_answers(struct vly_notify_target *target)
{
	const struct vly_notifier *notifier = target->zone->notifier;
	struct vly_notify_peer *peer = target->peer;

	peer->is_silent = false;
	/* the target counts until the end, so that the peer stays */
	while (peer->waiting != NULL && peer->sent_cnt <= VLY_NOTIFY_PEER_MAX &&
	       notifier->sent_cnt < VLY_NOTIFY_SENT_MAX) {
		struct vly_notify_target *next = peer->waiting; /* each is taken out */
		stop_waiting(next);
		next->peer = peer;
		peer->sent_cnt++;
		vly_notify_target_transmit(next);
	}
	vly_notify_peer_leave(target);
}

void
vly_notify_peer_fails(struct vly_notify_target *target, const char *problem)
{
	struct vly_notify_peer *peer = target->peer;

	peer->is_silent = true;
	while (peer->waiting != NULL) { /* each is taken out */
		struct vly_notify_target *next = peer->waiting;
		stop_waiting(next);
		vly_notify_target_fail(next, problem);
	}
	vly_notify_peer_leave(target);
}

void
vly_notify_peers_free(struct vly_notifier *notifier)
{
	forget_unused(notifier);
}
