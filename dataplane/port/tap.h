/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's interface of a port that DPDK owns alone: a tap that is there as long as its
 * descriptor is, however the program ends.
 *
 * Use, in the main thread: vly_tap_open(), read() and write() of one Ethernet frame at a time in
 * any thread, close(). It offloads nothing: checksums are whole in both directions, and no frame is
 * longer than the MTU allows.
 */
#ifndef VLY_DATAPLANE_TAP_H
#define VLY_DATAPLANE_TAP_H

#include "setup/options.h"

/*
 * Makes the interface spec->kernel, up, with the port's MAC address (six octets) and MTU, the
 * spec's addresses and, as those of a host, those of --listen. Returns its descriptor, which does
 * not block, or -1 with the error logged: it says what to do.
 */
__attribute__((nonnull, warn_unused_result)) int vly_tap_open(const struct vly_port_spec *spec,
							      const struct vly_addresses *listen,
							      const uint8_t *mac, unsigned mtu);

#endif
