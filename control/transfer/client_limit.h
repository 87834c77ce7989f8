/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one network may take of the connections for transfers, so that it does not shut out others. A
 * network is an IPv4 /24 or an IPv6 /56: about what one customer has. Pure, but for memory; the
 * loop's thread.
 *
 *     connections: vly_network_join() and vly_network_leave() for each; spare_cnt is the user's
 *     handshakes:  vly_handshake_meter_take() before each
 */
#ifndef VLY_CONTROL_CLIENT_LIMIT_H
#define VLY_CONTROL_CLIENT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

/* TLS handshakes that are begun in a second, by one network and by all. One costs the loop up to a
 * millisecond (RSA). More: they take more of its time. Fewer: secondaries with many zones wait. */
#define VLY_NETWORK_HANDSHAKES_MAX 32
#define VLY_HANDSHAKES_MAX         256

/* Networks share a place by their hash. Fewer: more of them do. */
#define VLY_HANDSHAKE_PLACES 1024

#define VLY_NETWORK_BYTES 16

struct vly_network {
	uint8_t prefix[VLY_NETWORK_BYTES];
	uint32_t client_cnt;
	uint32_t spare_cnt; /* of them, without a transfer */
	UT_hash_handle hh;
};

/* The network of an address, IPv4 as ::ffff:a.b.c.d. */
__attribute__((nonnull)) void vly_network_prefix(uint8_t prefix[VLY_NETWORK_BYTES],
						 const uint8_t address[16]);

/* Returns NULL: it has no clients. */
__attribute__((nonnull(2))) struct vly_network *vly_network_find(struct vly_network *networks,
								 const uint8_t address[16]);

/* The one with the most connections without a transfer; NULL: there are no networks. */
struct vly_network *vly_network_largest(struct vly_network *networks);

/* One client more. Returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_network *
vly_network_join(struct vly_network **networks, const uint8_t address[16]);

/* One less; the last one takes the network with it. */
__attribute__((nonnull)) void vly_network_leave(struct vly_network **networks,
						struct vly_network *network);

/* Zeroes, but for `seed`, which should be random. */
struct vly_handshake_meter {
	uint64_t seed;
	uint64_t second;
	uint32_t cnt;
	uint16_t taken[VLY_HANDSHAKE_PLACES];
};

/* Whether a handshake may be begun now; it is counted then. */
__attribute__((nonnull)) bool vly_handshake_meter_take(struct vly_handshake_meter *meter,
						       const uint8_t address[16], uint64_t now_ms);

#endif
