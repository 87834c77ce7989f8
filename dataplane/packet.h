/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Turning a query's frame into its response's, in place.
 *
 * Use, when the DNS response stands where the query was: vly_packet_reply() with what the policy
 * found (policy.h), then send the frame with the length it returns. Any thread; allocates nothing.
 */
#ifndef VLY_DATAPLANE_PACKET_H
#define VLY_DATAPLANE_PACKET_H

#include <volley/policy.h>

/*
 * Sends `frame` back where it came from: MAC addresses, IP addresses and ports change sides, VLAN
 * tags stay; lengths, TTL or hop limit and checksums are those of a response of `dns_len` octets,
 * whose one's complement sum is `dns_sum` (not folded: volley/checksum.h). Returns
 * the octets of the new frame. `packet` is trusted: the policy's, of this frame.
 */
__attribute__((nonnull, warn_unused_result)) uint16_t
vly_packet_reply(uint8_t *frame, const struct vly_packet *packet, uint16_t dns_len,
		 uint64_t dns_sum);

#endif
