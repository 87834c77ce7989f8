/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads from the store what a NOTIFY (RFC 1996) needs: the zone's SOA, and the addresses of its name
 * servers. For a thread of the pool.
 *
 * A name server is a target if it is not the SOA's MNAME (§2.1), and has addresses in a zone of the
 * store: glue counts, and so do the records of other living zones. Names that only a resolver could
 * find are left out; these servers can be listed as remotes.
 */
#ifndef VLY_CONTROL_NOTIFY_TARGETS_H
#define VLY_CONTROL_NOTIFY_TARGETS_H

#include <volley/dns.h>

#include "store/zone_store.h"

/* More name servers than any zone needs; the others are left out. */
#define VLY_NOTIFY_HOSTS_MAX     32
#define VLY_NOTIFY_ADDRESSES_MAX 8

struct vly_notify_host {
	uint8_t name[VLY_NAME_BYTES_MAX];
	unsigned address_cnt;
	uint8_t address[VLY_NOTIFY_ADDRESSES_MAX][16]; /* IPv4 as ::ffff:a.b.c.d */
};

struct vly_notify_facts {
	uint32_t serial;
	uint32_t soa_ttl;
	unsigned soa_len;
	uint8_t soa[2 * VLY_NAME_BYTES_MAX + 20]; /* RDATA */
	unsigned host_cnt;
	struct vly_notify_host host[VLY_NOTIFY_HOSTS_MAX];
};

/* Fills *facts; `with_hosts`: also the name servers. Returns 0, or -1 with the reason. Blocks for the
 * disk. */
__attribute__((nonnull, warn_unused_result)) int
vly_notify_facts_read(struct vly_notify_facts *facts, bool with_hosts, struct vly_store_txn *txn,
		      const struct vly_store_zone *zone, char reason[VLY_REASON_BYTES]);

#endif
