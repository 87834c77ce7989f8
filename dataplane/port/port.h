/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ports, from a specification to started queues.
 *
 * Use:
 *   1. vly_port_plan() each port before the EAL starts;
 *   2. vly_port_open() each port after that: its queues may then be polled, each by one lcore;
 *   3. vly_port_serve() when lcores poll them;
 *   4. vly_port_read() every 100 ms or so, which also logs changes of the interface;
 *      vly_port_set_rules() whenever the rules change;
 *   5. vly_port_stop() before the lcores stop, vly_port_close() after.
 *
 * Main thread only, not as an online RCU reader: all functions may block on the kernel, for
 * milliseconds. Lcores read only `mac`. Errors are logged here.
 */
#ifndef VLY_DATAPLANE_PORT_H
#define VLY_DATAPLANE_PORT_H

#include "exception.h"
#include "pool.h"
#include "unserved_queues.h"
#include "xdp.h"

struct vly_port {
	const struct vly_port_spec *spec;
	struct vly_pool_plan plan;
	unsigned mtu;
	uint16_t port_id;  /* DPDK's; VLY_PORT_NONE: not open */
	unsigned if_index; /* the interface's; 0: the port has none */
	enum vly_port_trouble trouble;
	bool has_xdp;
	bool partial_sums; /* local senders may leave checksums to the device (packet_sum.h) */
	bool checks_sums;  /* the device reports for each packet whether its checksums are right */
	_Atomic uint64_t mac; /* vly_policy_mac() of the interface or device; 0: none */
	struct vly_xdp xdp;
	struct vly_unserved_queues unserved_queues;
	struct vly_exception *exception; /* the way to the kernel; NULL: none */
	struct rte_mempool *pool;        /* of queue 0 */
	int wait_fd[VLY_LCORES_MAX]; /* of each queue, for vly_idle_start(); owned by the driver */
};

#define VLY_PORT_NONE UINT16_MAX

/* Checks the interface or file of the port, and claims the interface. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int vly_port_plan(struct vly_port *port,
							       const struct vly_port_spec *spec);

/* Creates and starts the device, and its interface to the kernel. `addresses`: those of --listen;
 * `xdp_program`: the path of the program, for af_xdp ports. Returns 0, -1 or
 * VLY_EAL_NO_HUGE_PAGES. */
__attribute__((nonnull(1, 3), warn_unused_result)) int
vly_port_open(struct vly_port *port, unsigned port_idx, const struct vly_addresses *addresses,
	      const char *xdp_program);

/* Directs queries to these addresses to the port's queues from now on. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int
vly_port_serve(struct vly_port *port, const struct vly_addresses *addresses);

/* Gives checked rules to the port's XDP program, if it has one; lcores read theirs from
 * vly_defence_live(). Returns 0, or -1: the previous rules stay in force on this port. */
__attribute__((nonnull, warn_unused_result)) int
vly_port_set_rules(struct vly_port *port, const struct vly_policy_rules *rules);

/* Copies the port's counters and state into the shared counters. */
__attribute__((nonnull)) void vly_port_read(struct vly_port *port,
					    struct vly_port_counters *counters);

/* Whether the port will not work again until the program is restarted. */
__attribute__((nonnull, pure)) bool vly_port_is_lost(const struct vly_port *port);

/* Moves the samples that the port's XDP program took, if it has one, to the sampler, as samples of
 * this port. `now` is in rate.h's units. */
__attribute__((nonnull)) void vly_port_sample(struct vly_port *port, unsigned port_idx,
					      struct vly_sampler *sampler, uint32_t now);

/* From now on the XDP program, if the port has one, passes every frame to the kernel. */
__attribute__((nonnull)) void vly_port_stop(struct vly_port *port);

/* Closes the device and releases the interface. Also for a port that was only planned. */
__attribute__((nonnull)) void vly_port_close(struct vly_port *port);

#endif
