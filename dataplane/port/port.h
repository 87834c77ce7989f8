/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ports: from a specification to started queues.
 *
 * Use, in the main thread:
 *   1. vly_port_plan() each before the EAL starts;
 *   2. vly_port_open() each after: from then on its queues may be polled, each by one lcore;
 *   3. vly_port_serve() when the lcores run;
 *   4. vly_port_read() now and then: it also says when the interface comes or goes;
 *      vly_port_set_rules() whenever there are new ones;
 *   5. vly_port_stop() before the lcores stop, vly_port_close() after.
 * Errors are logged here.
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
	unsigned if_index; /* of ports with an interface, else 0 */
	enum vly_port_trouble trouble;
	bool has_xdp;
	bool partial_sums;    /* local senders may leave checksums to the device (packet_sum.h) */
	bool checks_sums;     /* the device tells of each packet whether its checksums are right */
	_Atomic uint64_t mac; /* vly_policy_mac() of the interface's or device's address; 0: none */
	struct vly_xdp xdp;
	struct vly_unserved_queues unserved_queues;
	struct vly_exception *exception; /* NULL: none */
	struct rte_mempool *pool;        /* of queue 0 */
	int wait_fd[VLY_LCORES_MAX];     /* of each queue: vly_idle_start()'s; the driver's */
};

#define VLY_PORT_NONE UINT16_MAX

/* Checks what the port is made of, and takes its interface. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int vly_port_plan(struct vly_port *port,
							       const struct vly_port_spec *spec);

/* `addresses` are those of --listen; `xdp_program` is the path of the program, used by af_xdp ports
 * only. Returns 0 or -1. */
__attribute__((nonnull(1, 3), warn_unused_result)) int
vly_port_open(struct vly_port *port, unsigned port_idx, const struct vly_addresses *addresses,
	      const char *xdp_program);

/* From now on the queries to these addresses come to the port's queues. Returns 0 or -1. */
__attribute__((nonnull, warn_unused_result)) int
vly_port_serve(struct vly_port *port, const struct vly_addresses *addresses);

/* Gives the rules to the port's XDP program, if it has one; lcores take them from
 * vly_defence_live(). Returns 0, or -1: those before stay in force on this port. */
__attribute__((nonnull, warn_unused_result)) int
vly_port_set_rules(struct vly_port *port, const struct vly_policy_rules *rules);

/* Copies what the port knows into the shared counters. */
__attribute__((nonnull)) void vly_port_read(struct vly_port *port,
					    struct vly_port_counters *counters);

/* Whether the port is of no use until the program starts anew. */
__attribute__((nonnull, pure)) bool vly_port_is_lost(const struct vly_port *port);

/* Takes over samples of what the port's XDP program dropped, if it has one. The sampler is set to
 * this port. `now` is in rate.h's units. */
__attribute__((nonnull)) void vly_port_sample(struct vly_port *port, unsigned port_idx,
					      struct vly_sampler *sampler, uint32_t now);

/* From now on whatever the port receives goes to the kernel, if the port shares it with us. */
__attribute__((nonnull)) void vly_port_stop(struct vly_port *port);

/* Also for a port that was only planned. */
__attribute__((nonnull)) void vly_port_close(struct vly_port *port);

#endif
