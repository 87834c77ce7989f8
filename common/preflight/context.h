/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The context of a check, and functions that checks share.
 */
#ifndef VLY_PREFLIGHT_CONTEXT_H
#define VLY_PREFLIGHT_CONTEXT_H

#include "facts.h"
#include "files.h"

struct vly_preflight {
	const char *root; /* before /proc and /sys */
	const struct vly_preflight_plan *plan;
	const struct vly_preflight_facts *facts;
	const char *check; /* that runs */
	vly_preflight_on_result *on_result;
	void *context;
	enum vly_preflight_status worst;
	cpu_set_t lcores; /* their CPUs */
};

/* Gives a result of the check that runs. The text is the reason and, behind a newline, the cure. */
__attribute__((nonnull, format(printf, 4, 5))) void
vly_preflight_say(struct vly_preflight *preflight, enum vly_preflight_status status,
		  const char *subject, const char *format, ...);

/* Whether a port is of that kind. Without ports, one of af_xdp is expected to come. */
__attribute__((nonnull, pure, warn_unused_result)) bool
vly_preflight_has(const struct vly_preflight *preflight, enum vly_port_kind kind);

/* Packet memory that the plan needs, as an estimate. */
__attribute__((nonnull, pure)) unsigned
vly_preflight_memory_mib(const struct vly_preflight_plan *plan);

/* The PCI address of a port's device, with the domain; "" when it has none. */
#define VLY_PREFLIGHT_PCI_CHARS 80
__attribute__((nonnull)) void vly_preflight_pci(const struct vly_preflight *preflight,
						unsigned port_idx,
						char address[VLY_PREFLIGHT_PCI_CHARS]);

/* Calls `check` for each port whose interface exists; `interface` reports the others. */
typedef void vly_preflight_check_nic(struct vly_preflight *preflight,
				     const struct vly_preflight_port *port,
				     const struct vly_preflight_nic *nic);
__attribute__((nonnull)) void vly_preflight_each_nic(struct vly_preflight *preflight,
						     vly_preflight_check_nic *check);

/* Writes "CPU 3" or "CPUs 2-5,8", for a subject. Returns `name`. */
#define VLY_PREFLIGHT_CPUS_CHARS (VLY_PREFLIGHT_LIST_CHARS + 8)
__attribute__((nonnull)) const char *vly_preflight_name_cpus(const cpu_set_t *cpus,
							     char name[VLY_PREFLIGHT_CPUS_CHARS]);

/* The checks, in check_*.c. */
typedef void vly_preflight_check(struct vly_preflight *preflight);
vly_preflight_check vly_preflight_check_kernel, vly_preflight_check_bpf, vly_preflight_check_clock,
	vly_preflight_check_interface, vly_preflight_check_driver, vly_preflight_check_queues,
	vly_preflight_check_rss, vly_preflight_check_rings, vly_preflight_check_offloads,
	vly_preflight_check_mtu, vly_preflight_check_xdp, vly_preflight_check_cpus,
	vly_preflight_check_siblings, vly_preflight_check_isolation, vly_preflight_check_irqs,
	vly_preflight_check_numa, vly_preflight_check_huge_pages, vly_preflight_check_memlock,
	vly_preflight_check_capabilities, vly_preflight_check_vfio, vly_preflight_check_port_53,
	vly_preflight_check_firewall;

#endif
