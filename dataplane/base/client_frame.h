/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a frame, as the client may have sent it, for a message from a socket: so samples and
 * evidence hold frames whatever the way in.
 *
 * Use: put the message, or the part of it that is kept, vly_client_frame_head_bytes() into the
 * frame; vly_client_frame_write() writes the headers in front of it. Pure; any thread.
 */
#ifndef VLY_DATAPLANE_CLIENT_FRAME_H
#define VLY_DATAPLANE_CLIENT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The octets of the headers. */
__attribute__((const, warn_unused_result)) size_t vly_client_frame_head_bytes(bool ipv4);

/*
 * Writes Ethernet, IP and UDP headers for a message of `message_bytes` octets; the lengths are
 * those of the whole message even if only a part is kept. `address` has 4 or 16 octets. `protocol`:
 * IPPROTO_UDP or IPPROTO_TCP, which have the ports in the same place. Destination and checksums are
 * 0; tools can read the packet nevertheless.
 */
__attribute__((nonnull)) void vly_client_frame_write(uint8_t *frame, const uint8_t *address,
						     bool ipv4, uint16_t port, uint8_t protocol,
						     size_t message_bytes);

#endif
