/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A frame as a client may have sent it, for a message that came by a socket: what keeps packets
 * (samples, evidence) shall not need to tell the ways in apart.
 *
 * Use: have the message, or as much of it as is kept, vly_client_frame_head_bytes() into the frame,
 * and vly_client_frame_write() the headers in front of it. Any thread; no state.
 */
#ifndef VLY_DATAPLANE_CLIENT_FRAME_H
#define VLY_DATAPLANE_CLIENT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the headers. */
__attribute__((const, warn_unused_result)) size_t vly_client_frame_head_bytes(bool ipv4);

/*
 * Writes Ethernet, IP and UDP headers for a message of `message_bytes` octets, which are in the
 * lengths even where only part of it is kept. `address` has 4 or 16 octets. `protocol` is
 * IPPROTO_UDP or IPPROTO_TCP, which have the ports in the same place. The destination and the
 * checksums are left 0: tools read the packet all the same.
 */
__attribute__((nonnull)) void vly_client_frame_write(uint8_t *frame, const uint8_t *address,
						     bool ipv4, uint16_t port, uint8_t protocol,
						     size_t message_bytes);

#endif
