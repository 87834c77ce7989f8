/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP program of one af_xdp port: DPDK's driver loads and attaches it; here it is checked for
 * before, configured, read, and seen off afterwards.
 *
 * Use, in the main thread:
 *   1. vly_xdp_claim() the interface before DPDK opens the port;
 *   2. vly_xdp_open() after;
 *   3. vly_xdp_serve() when lcores are there to answer;
 *   4. vly_xdp_read() now and then, vly_xdp_set_rules() when they change;
 *   5. vly_xdp_stop(): the kernel gets every frame again;
 *   6. vly_xdp_release() after DPDK has closed the port, or when it could not open it.
 * Errors are logged here. Nothing is pinned: a program that outlives a killed dataplane has no
 * sockets left, passes every frame, and is replaced by the next vly_xdp_claim().
 */
#ifndef VLY_DATAPLANE_XDP_H
#define VLY_DATAPLANE_XDP_H

#include "base/address.h"
#include "xdp_cpus.h"
#include <volley/counters.h>

/* DPDK's limit on queues of one port. */
#define VLY_XDP_SOCKETS_MAX 128

struct vly_xdp {
	const char *interface;
	unsigned if_index;
	int claim_fd; /* -1: not claimed */
	int config_fd;
	int rules_fd;
	int cpus_fd;
	struct vly_xdp_cpus cpus;
	int socket_fd[VLY_XDP_SOCKETS_MAX]; /* DPDK's AF_XDP sockets, borrowed */
	unsigned socket_cnt;
};

/*
 * Takes `interface` (kept, not copied) for this process and removes what a killed dataplane left
 * there. Returns 0, or -1: another dataplane or another program is on it.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_xdp_claim(struct vly_xdp *xdp, const char *interface, unsigned if_index);

/* Finds the attached program's maps and the port's sockets. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_open(struct vly_xdp *xdp);

/* Has the program serve what is sent to these addresses. `mac` is the interface's
 * (vly_policy_mac()). Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int
vly_xdp_serve(struct vly_xdp *xdp, uint64_t mac, const struct vly_addresses *addresses);

/* Tells the program that the interface has another MAC address. */
__attribute__((nonnull)) void vly_xdp_set_mac(struct vly_xdp *xdp, uint64_t mac);

/* Swaps the rules (sound ones) in one step, without attaching anything anew; when it returns 0, no
 * packet is judged by the old ones any more. Returns -1 when they stay in force. */
__attribute__((nonnull, warn_unused_result)) int
vly_xdp_set_rules(struct vly_xdp *xdp, const struct vly_policy_rules *rules);

/* Copies what the program and the sockets count. */
__attribute__((nonnull)) void vly_xdp_read(const struct vly_xdp *xdp,
					   struct vly_port_counters *counters);

/* Whether the interface still runs a program of ours: 1, 0, or a negative errno when that can't be
 * told. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_is_attached(const struct vly_xdp *xdp);

/* Has the program pass everything to the kernel. */
__attribute__((nonnull)) void vly_xdp_stop(struct vly_xdp *xdp);

/* Detaches the program if it is still there, and gives the interface up. */
__attribute__((nonnull)) void vly_xdp_release(struct vly_xdp *xdp);

/* The program's file: `given`, else the one beside the binary in a build tree, else the installed
 * one. Returns NULL when it can't be read, and says so. The string is static. */
__attribute__((warn_unused_result)) const char *vly_xdp_program_path(const char *given);

#endif
