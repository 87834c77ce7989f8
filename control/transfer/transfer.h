/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transfers out: AXFR (RFC 5936) and IXFR (RFC 1995) of living zones over TCP and TLS (RFC 9103), and
 * NOTIFY (RFC 1996) to those who transfer them.
 *
 *     connection ─► session/ ─► request ─► TSIG ─► rules of the zone ─► spool ─► session/
 *                                                                       ▲
 *                                                   store, journal ─────┘ a thread of the pool
 *
 * Use:
 *   1. vly_transfers_new(); vly_transfers_configure() with each configuration that is in force;
 *   2. vly_transfers_connection() for each connection that the dataplane hands over;
 *   3. vly_transfers_changed() when a change of a zone is live;
 *   4. vly_transfers_add_zone() and vly_transfers_remove_zone() for zones that are not in the
 *      configuration's list, such as members of catalogs; vly_transfers_settle() when all of a new
 *      configuration have been given;
 *   5. vly_transfers_free(), before the manager of living zones.
 *
 * The messages of an answer are made once for each (zone, version), by a thread that writes them to a
 * spool (message_spool.h), and sent to any number of clients. So a transfer is one version of the zone, and
 * no client, however slow, holds a transaction of the store.
 *
 * On a connection, requests are answered one after the other; while one is being answered, no more
 * are read. AXFR and IXFR are answered by the rules of the zone, SOA to everybody; all other queries
 * get REFUSED, and other opcodes NOTIMP. With `out-max` transfers under way, AXFR and
 * IXFR are answered with SERVFAIL. A connection is closed when a transfer takes longer than `out-time`, or
 * when no request comes for VLY_TRANSFER_IDLE_S. With VLY_TRANSFER_SPARE connections beyond out-max, a
 * new one takes the place of another: of the network that has the most connections without a transfer
 * (client_limit.h), the one that has been without a request for the longest time. One to which octets
 * are still on their way keeps its place.
 *
 * Trust: messages of clients are untrusted. Threads: the loop's; no function blocks.
 */
#ifndef VLY_CONTROL_TRANSFER_H
#define VLY_CONTROL_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "living/living.h"

struct vly_config;
struct vly_config_zone;
struct vly_past;
struct vly_profiles;
struct vly_tsig_key;

/* How long a connection may be without a request. Shorter: secondaries that ask for the SOA and then
 * for the zone connect twice. Longer: idle connections take the place of others. */
#define VLY_TRANSFER_IDLE_S 15

/* Connections without a transfer that there may be besides out-max. */
#define VLY_TRANSFER_SPARE 512

struct vly_transfers;

struct vly_transfers_settings {
	uv_loop_t *loop;
	struct vly_living *living;
	const char *state_dir; /* large spools are files in its directory `transfers` */
	/* The key of a name in wire form, in lower case, that is in force; or NULL. It is copied. */
	const struct vly_tsig_key *(*find_key)(void *arg, const uint8_t *name, unsigned name_len);
	void *find_key_arg;
	/* Whether the data of a zone may be given away: not when it has expired. NULL: always. */
	bool (*is_ready)(void *arg, const char *zone);
	void *is_ready_arg;
	/* Whether a dataplane serves the zones: NOTIFY waits for it. NULL: always. */
	bool (*is_served)(void *arg);
	void *is_served_arg;
};

/* Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_transfers *
vly_transfers_new(const struct vly_transfers_settings *settings);

/* Takes the rules and bounds of a configuration, which must stay valid until the next one is given. `profiles` are its
 * own, or NULL without memory. */
__attribute__((nonnull(1, 2))) void vly_transfers_configure(struct vly_transfers *transfers,
							    const struct vly_config *config,
							    struct vly_profiles *profiles);

/* After that, and after vly_transfers_add_zone() for each member of a catalog: there are no other zones. What is kept on
 * disk of others is forgotten. */
__attribute__((nonnull)) void vly_transfers_settle(struct vly_transfers *transfers);

/* Adds a zone, or replaces its rules. `zone` must stay valid until it is removed or replaced.
 * Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_transfers_add_zone(struct vly_transfers *transfers, const struct vly_config_zone *zone);
__attribute__((nonnull)) void vly_transfers_remove_zone(struct vly_transfers *transfers,
							const char *name);

/* The other end of a connection. */
struct vly_transfer_peer {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	bool is_tls; /* the client begins with a handshake */
};

/* Takes over a connection. `octets` is what has been read from it (untrusted): messages with their
 * lengths in front, the last one maybe in part. The descriptor is closed in any case. */
__attribute__((nonnull(1, 3))) void vly_transfers_connection(struct vly_transfers *transfers,
							     int fd,
							     const struct vly_transfer_peer *peer,
							     const uint8_t *octets,
							     size_t octet_cnt);

/* A change of the zone is live: sends NOTIFY, if the zone is configured so, and drops what was kept
 * of older versions. */
__attribute__((nonnull)) void vly_transfers_changed(struct vly_transfers *transfers,
						    const char *zone, uint32_t serial);

/* Sends NOTIFY for a zone as it is. Returns false when the zone has no targets. */
__attribute__((nonnull)) bool vly_transfers_notify(struct vly_transfers *transfers,
						   const char *zone);

/* A transfer under way. */
struct vly_transfer_state {
	const char *zone;
	struct vly_transfer_peer peer;
	const char *key;     /* its name, or "" */
	bool is_incremental; /* IXFR that is answered as such */
	uint32_t serial;     /* to which it leads; 0 until that is known */
	uint64_t octet_cnt;  /* sent so far */
	uint64_t message_cnt;
	uint64_t start_ms; /* of uv_now() */
};

/* Calls fn for each transfer under way, until it returns false. fn must not change anything. */
__attribute__((nonnull(1, 2))) void
vly_transfers_walk(const struct vly_transfers *transfers,
		   bool (*fn)(void *arg, const struct vly_transfer_state *state), void *arg);

/* Since the start. */
struct vly_transfers_counts {
	uint64_t connection_cnt;
	uint64_t axfr_cnt; /* ended whole */
	uint64_t ixfr_cnt;
	uint64_t current_cnt; /* IXFR that was answered with the SOA alone */
	uint64_t soa_cnt;
	uint64_t refused_cnt;
	uint64_t bad_signature_cnt;
	uint64_t malformed_cnt;
	uint64_t busy_cnt;   /* SERVFAIL, or closed at once: too many */
	uint64_t failed_cnt; /* SERVFAIL, or closed: a spool could not be made */
	uint64_t slow_cnt;   /* closed: took longer than out-time */
	uint64_t broken_cnt; /* the client closed before the end */
	uint64_t octet_cnt;
	uint32_t connections; /* now */
	uint32_t transfers;   /* now */
	uint32_t spools;      /* now */
	uint64_t spool_bytes; /* now, in memory and on disk */
};

__attribute__((nonnull)) void vly_transfers_counts(const struct vly_transfers *transfers,
						   struct vly_transfers_counts *counts);

enum vly_notify_progress {
	VLY_NOTIFY_WAITING, /* to be sent, or sent and not answered yet */
	VLY_NOTIFY_DONE,    /* answered with NOERROR */
	VLY_NOTIFY_DENIED,  /* answered with another RCODE */
	VLY_NOTIFY_LOST,    /* not answered, and not sent again */
};

/* What became of the last NOTIFY of a zone to one address. */
struct vly_notify_state {
	const char *remote; /* its name in the configuration, or that of a name server */
	uint8_t address[16];
	uint16_t port;
	enum vly_notify_progress progress;
	uint32_t serial;     /* that it was about */
	uint16_t rcode;      /* DENIED */
	unsigned try_cnt;    /* messages sent */
	uint64_t time_s;     /* of the last step; since 1970 */
	const char *problem; /* LOST: why, or "" */
};

/* Calls fn for each target of a zone that NOTIFY was sent to, until it returns false. */
__attribute__((nonnull(1, 2, 3))) void
vly_transfers_walk_notifies(const struct vly_transfers *transfers, const char *zone,
			    bool (*fn)(void *arg, const struct vly_notify_state *state), void *arg);

/* The transfers that have ended. */
__attribute__((nonnull)) const struct vly_past *
vly_transfers_past(const struct vly_transfers *transfers);

/* Closes all connections. The memory is freed when the loop has closed the handles. */
void vly_transfers_free(struct vly_transfers *transfers);

#endif
