/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP program of one af_xdp port. DPDK's driver loads and attaches it; this module configures
 * it, gives it rules, reads its counts, and detaches programs that were left behind.
 *
 * Use:
 *   1. vly_xdp_claim() the interface before DPDK opens the port;
 *   2. vly_xdp_open() after that;
 *   3. vly_xdp_serve() when lcores answer;
 *   4. vly_xdp_read() every 100 ms or so, vly_xdp_set_rules() when the rules change;
 *   5. vly_xdp_stop(): the kernel gets every frame again;
 *   6. vly_xdp_release() after DPDK has closed the port, or has failed to open it.
 *
 * Main thread only; all functions make system calls. Errors are logged here. Nothing is pinned: the
 * program of a killed dataplane has no sockets left, so it passes every frame, and the next
 * vly_xdp_claim() removes it.
 */
#ifndef VLY_DATAPLANE_XDP_H
#define VLY_DATAPLANE_XDP_H

#include "base/address.h"
#include "xdp_cpus.h"
#include <volley/counters.h>

/* Sockets whose statistics are read: more queues than a port has lcores (VLY_LCORES_MAX). */
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
 * Claims `interface` (kept, not copied) for this process and detaches the program of a killed
 * dataplane. Returns 0, or -1: another dataplane or another XDP program uses it.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_xdp_claim(struct vly_xdp *xdp, const char *interface, unsigned if_index);

/* Finds the attached program's maps and the port's sockets. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_open(struct vly_xdp *xdp);

/* Makes the program serve queries to these addresses. `mac` is the interface's (vly_policy_mac()).
 * Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int
vly_xdp_serve(struct vly_xdp *xdp, uint64_t mac, const struct vly_addresses *addresses);

/* Sets the interface's MAC address in the program, after it has changed. */
__attribute__((nonnull)) void vly_xdp_set_mac(struct vly_xdp *xdp, uint64_t mac);

/* Replaces the rules by checked ones in one step, without attaching the program again. Blocks for a
 * grace period of the kernel. Returns 0: no packet is judged by the previous rules any more; or -1:
 * they stay in force. */
__attribute__((nonnull, warn_unused_result)) int
vly_xdp_set_rules(struct vly_xdp *xdp, const struct vly_policy_rules *rules);

/* Copies the counters of the program and of the sockets. */
__attribute__((nonnull)) void vly_xdp_read(const struct vly_xdp *xdp,
					   struct vly_port_counters *counters);

/* Whether our program is still attached: 1 or 0; or a negative errno if the query failed. */
__attribute__((nonnull, warn_unused_result)) int vly_xdp_is_attached(const struct vly_xdp *xdp);

/* Makes the program pass every frame to the kernel. */
__attribute__((nonnull)) void vly_xdp_stop(struct vly_xdp *xdp);

/* Detaches the program if it is still attached, and releases the interface. */
__attribute__((nonnull)) void vly_xdp_release(struct vly_xdp *xdp);

/* The path of the program: `given`, or if NULL, the one beside the binary in a build tree, or else
 * the installed one. Returns a static string, or NULL with the error logged: it can't be read. */
__attribute__((warn_unused_result)) const char *vly_xdp_program_path(const char *given);

#endif
