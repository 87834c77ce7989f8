/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the parts of the notifier alone, by file:
 *
 *     notifier.c       zones: when their SOA is read, and when their targets get a message
 *     notifier_zone.c  the targets of a zone
 *     notify_read.c    when the store is read for a zone
 *     notify_peer.c    how many messages a server is sent at a time
 *     notify_send.c    one message to one target
 *     notify_targets.c reads the store
 *     notify_kept.c    which NOTIFY was answered, on disk
 *
 * A zone has its timer set while it has to be read, or a target has to be sent a message, at some time.
 * It is in the list `unread` while it waits for its turn to be read.
 *
 * A server that does not answer is sent one message at a time, and whatever happens to it happens to all
 * targets that wait for their turn: so a dead server takes one place of VLY_NOTIFY_SENT_MAX.
 */
#ifndef VLY_CONTROL_NOTIFIER_PARTS_H
#define VLY_CONTROL_NOTIFIER_PARTS_H

#include "base/timer_heap.h"
#include "living/living_read.h"
#include "notifier.h"
#include "notify_send.h"
#include "notify_targets.h"

struct vly_notify_zone;

struct vly_notify_peer_key {
	uint8_t address[16];
	uint16_t port;
	bool is_tls; /* the same server may fail in one way alone */
	bool is_signed;
};

/* A server, for all zones. */
struct vly_notify_peer {
	struct vly_notify_peer_key key;
	unsigned sent_cnt;                                /* waiting for an answer */
	bool is_silent;                                   /* it has not answered the last message */
	struct vly_notify_target *waiting, **waiting_end; /* for their turn */
	UT_hash_handle hh;
};

struct vly_notify_target {
	struct vly_notify_target *next; /* of the zone */
	struct vly_notify_zone *zone;
	char *label;                            /* of the remote, or the name of a name server */
	const struct vly_config_remote *remote; /* NULL: a name server */
	struct sockaddr_storage address[VLY_NOTIFY_ADDRESSES_MAX];
	unsigned address_cnt;
	bool is_wanted; /* to be sent a message */
	struct vly_notify_send *send;
	struct vly_notify_peer *peer; /* while `send`, or waiting for it */
	struct vly_notify_target *next_waiting, **prev_waiting; /* prev_waiting NULL: it does not */
	uint32_t serial;                                        /* of the last message */
	unsigned round;
	uint64_t next_ms; /* not before */
	enum vly_notify_progress progress;
	uint16_t rcode;
	unsigned try_cnt;
	unsigned address_idx;
	uint64_t time_s;
	char *problem; /* or NULL */
};

struct vly_notify_zone {
	struct vly_timer timer; /* the first member */
	char *name;
	struct vly_notifier *notifier;
	struct vly_notify_zone *next, **prev; /* of `unread`; prev NULL: it is not */
	struct vly_notify_read *read;         /* under way */
	bool is_stale;                        /* to be read */
	uint64_t next_ms;                     /* not before */
	unsigned fail_cnt;                    /* reads that have failed, one after the other */
	uint32_t serial;                      /* that is answered */
	struct vly_notify_target *target;     /* the first */
	bool has_soa;
	uint32_t soa_ttl;
	unsigned soa_len;
	uint8_t *soa;
	UT_hash_handle hh;
};

struct vly_notify_read {
	struct vly_living_read read; /* the first member */
	struct vly_notifier *notifier;
	struct vly_notify_zone *zone; /* NULL: it has gone */
	char *name;
	bool with_hosts;
	struct vly_notify_facts facts;
};

struct vly_notifier {
	struct vly_transfers_settings settings;
	const struct vly_zone_rules *rules;
	struct vly_notify_zone *zones;
	struct vly_note_file *kept;
	bool repeats; /* a zone without a note may have changed before the start, and nobody knows */
	struct vly_timer_heap timers;
	struct vly_notify_zone *unread, **unread_end;
	struct vly_notify_peer *peers;
	unsigned sent_cnt; /* waiting for an answer */
	unsigned read_cnt;
	struct vly_profiles *profiles; /* or NULL */
	uint8_t (*own)[16];            /* addresses of this machine */
	unsigned own_cnt;
	uv_timer_t *timer;
	bool is_freed;
};

/* notifier_zone.c */

/* Makes the targets of a zone from the configuration and from what was read; those that were there keep
 * their state, and all are to be sent a message. */
__attribute__((nonnull)) void vly_notify_zone_build(struct vly_notify_zone *zone,
						    const struct vly_config_feed *feed,
						    const struct vly_notify_facts *facts);

/* Sends the target a message, when it is its turn. */
__attribute__((nonnull)) void vly_notify_target_send(struct vly_notify_target *target);

/* It is: the target has its peer. */
__attribute__((nonnull)) void vly_notify_target_transmit(struct vly_notify_target *target);

/* It was not answered. The zone's timer is set for the next message, if there is to be one. */
__attribute__((nonnull)) void vly_notify_target_fail(struct vly_notify_target *target,
						     const char *problem);

/* IPv4 as ::ffff:a.b.c.d; the port in the host's order. */
__attribute__((nonnull)) void vly_notify_target_address(const struct vly_notify_target *target,
							unsigned idx, uint8_t address[16],
							uint16_t *port);

__attribute__((nonnull)) void vly_notify_target_free(struct vly_notify_target *target);

/* notifier.c */

/* Sets the zone's timer, if it is not set for an earlier time. */
__attribute__((nonnull)) void vly_notify_zone_schedule(struct vly_notify_zone *zone,
						       uint64_t due_ms);

/* For the first of the zones' timers, and for those that wait until they are served. */
__attribute__((nonnull)) void vly_notifier_set_timer(struct vly_notifier *notifier);

/* Frees it when nothing is under way any more. */
__attribute__((nonnull)) void vly_notifier_release(struct vly_notifier *notifier);

/* The zone's part of the configuration; NULL: it is not notified. */
__attribute__((nonnull)) const struct vly_config_feed *
vly_notify_zone_feed(const struct vly_notifier *notifier, const char *name);

/* Sends to those targets whose time has come, and sets the timer for the others. */
__attribute__((nonnull)) void vly_notify_zone_send(struct vly_notify_zone *zone);

/* What is to be done now. May free the zone. */
__attribute__((nonnull)) void vly_notify_zone_step(struct vly_notify_zone *zone);

/* notify_read.c */

/* Reads a zone that has changed: now, when its time has come, or when a dataplane serves it. */
__attribute__((nonnull)) void vly_notify_zone_renew(struct vly_notify_zone *zone,
						    const struct vly_config_feed *feed);

/* Takes it out of `unread`. */
__attribute__((nonnull)) void vly_notify_zone_stop_waiting(struct vly_notify_zone *zone);

/* Those who wait for their turn. */
__attribute__((nonnull)) void vly_notifier_read_unread(struct vly_notifier *notifier);

/* notify_kept.c: what was not answered by all targets is sent again after a restart. */

__attribute__((nonnull, warn_unused_result)) struct vly_note_file *
vly_notify_kept_open(const struct vly_transfers_settings *settings);

/* Whether the notes that were read are those of all zones. */
__attribute__((nonnull, warn_unused_result)) bool
vly_notify_kept_is_complete(const struct vly_notifier *notifier);

/* A version is announced; and a target has answered. */
__attribute__((nonnull)) void vly_notify_kept_begin(const struct vly_notify_zone *zone);
__attribute__((nonnull)) void vly_notify_kept_end(const struct vly_notify_zone *zone);

/* notify_peer.c */

enum vly_notify_turn {
	VLY_NOTIFY_NOW,   /* the target has a place of its server */
	VLY_NOTIFY_LATER, /* vly_notify_target_transmit() is called, or its zone's timer set */
	VLY_NOTIFY_NO_MEMORY,
};

__attribute__((nonnull, warn_unused_result)) enum vly_notify_turn
vly_notify_peer_enter(struct vly_notify_target *target);

/* Gives back the place, if the target has one or waits for it. */
__attribute__((nonnull)) void vly_notify_peer_leave(struct vly_notify_target *target);

/* The same, and those who wait are sent theirs, or fail too. */
__attribute__((nonnull)) void vly_notify_peer_answers(struct vly_notify_target *target);
__attribute__((nonnull)) void vly_notify_peer_fails(struct vly_notify_target *target,
						    const char *problem);

/* There are no targets any more. */
__attribute__((nonnull)) void vly_notify_peers_free(struct vly_notifier *notifier);

#endif
