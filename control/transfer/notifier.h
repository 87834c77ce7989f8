/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * NOTIFY (RFC 1996) to those who transfer our zones. For the room of transfers alone: transfer.h has
 * what others use.
 *
 *     change ─► SOA and name servers (a thread of the pool) ─► targets ─► one message each ─► answer
 *
 * The first change of a zone is announced at once. Those that follow within VLY_NOTIFY_GAP_MS are
 * announced together. A target that does not answer is tried again after VLY_NOTIFY_PAUSE_S, and then
 * after twice as long each time, VLY_NOTIFY_ROUNDS_MAX times in all; the next change begins anew.
 *
 * Targets are the remotes of `notify`, each with its addresses one after the other; and with "ns" the
 * zone's name servers (notify_targets.h), except for addresses of this machine.
 */
#ifndef VLY_CONTROL_NOTIFIER_H
#define VLY_CONTROL_NOTIFIER_H

#include "transfer.h"
#include "zone_rules.h"

/* Shorter: a zone that changes all the time sends more messages. Longer: its secondaries lag behind. */
#define VLY_NOTIFY_GAP_MS 250

#define VLY_NOTIFY_PAUSE_S    15
#define VLY_NOTIFY_ROUNDS_MAX 5

/* Messages that wait for their answer: descriptors. */
#define VLY_NOTIFY_SENT_MAX 256

/* Of them, to one server. More: a few dead ones delay the others. Fewer: many changed zones are announced
 * later, if the way is long. */
#define VLY_NOTIFY_PEER_MAX 32

/* Reads of the store at a time. */
#define VLY_NOTIFY_READS_MAX 16

struct vly_notifier;

__attribute__((nonnull, warn_unused_result)) struct vly_notifier *
vly_notifier_new(const struct vly_transfers_settings *settings);

/* `rules` and `profiles` are those of another configuration; the rules stay. What has not been answered is sent
 * anew. */
__attribute__((nonnull(1, 2))) void vly_notifier_configure(struct vly_notifier *notifier,
							   const struct vly_zone_rules *rules,
							   struct vly_profiles *profiles);

/* Returns false when the zone has no `notify`, or there is no memory. */
__attribute__((nonnull)) bool vly_notifier_changed(struct vly_notifier *notifier, const char *zone,
						   uint32_t serial);

/* After a restart: sends NOTIFY of a zone that was not answered by all before. */
__attribute__((nonnull)) void vly_notifier_repeat(struct vly_notifier *notifier, const char *zone);

/* With another configuration: _sweep(), then _keep() for each zone that there is, then _swept(), which forgets what is
 * kept of all others. */
__attribute__((nonnull)) void vly_notifier_sweep(struct vly_notifier *notifier);
__attribute__((nonnull)) void vly_notifier_keep(struct vly_notifier *notifier, const char *zone);
__attribute__((nonnull)) void vly_notifier_swept(struct vly_notifier *notifier);

__attribute__((nonnull)) void vly_notifier_forget(struct vly_notifier *notifier, const char *zone);

__attribute__((nonnull(1, 2, 3))) void
vly_notifier_walk(const struct vly_notifier *notifier, const char *zone,
		  bool (*fn)(void *arg, const struct vly_notify_state *state), void *arg);

void vly_notifier_free(struct vly_notifier *notifier);

#endif
