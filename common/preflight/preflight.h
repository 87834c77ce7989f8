/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks whether this machine is fit for the ports, CPUs and addresses that volley-dataplane is to
 * use, so that operators need not learn it from outages. volleyctl preflight shows all results;
 * volley-dataplane logs, when it starts, those that are not ok.
 *
 * Use:
 *   1. a struct vly_preflight_plan of zeros, filled in by hand and by the functions below;
 *      without a port only the machine is checked;
 *   2. vly_preflight_gather() asks the kernel once about all of it;
 *   3. vly_preflight_run() calls back with each result, in the order of the table of checks.
 *
 * Tests fill in the facts by hand, and have a folder of their own for /proc and /sys.
 *
 * No state. One thread; it blocks for as long as the kernel and the drivers take to answer, which
 * is a few milliseconds. Nothing of the machine is changed, but the kernel may load nf_tables to
 * answer. The plan is trusted.
 */
#ifndef VLY_PREFLIGHT_PREFLIGHT_H
#define VLY_PREFLIGHT_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/address.h>

#include "common/dp_option.h"
#include "common/port_spec.h"

struct vly_preflight_facts;

enum vly_preflight_status {
	VLY_PREFLIGHT_OK,
	VLY_PREFLIGHT_WARN, /* it works, worse than it could */
	VLY_PREFLIGHT_FAIL, /* volley-dataplane does not start, or gets no queries */
	VLY_PREFLIGHT_STATUS_CNT,
};

struct vly_preflight_result {
	enum vly_preflight_status status;
	const char *check;
	char subject[80];
	char reason[512];
	char cure[256]; /* a command, or a line of the configuration; may be empty */
};

typedef void vly_preflight_on_result(void *context, const struct vly_preflight_result *result);

struct vly_preflight_port {
	enum vly_port_kind kind;
	char target[64]; /* interface or PCI address */
	unsigned queue_cnt;
	bool to_kernel; /* volley-dataplane makes an interface to the kernel for it */
};

struct vly_preflight_plan {
	struct vly_preflight_port port[VLY_PORTS_MAX];
	unsigned port_cnt;
	struct vly_cpu_list cpus; /* of the lcores, one for each queue; none: not given */
	struct vly_address listen[VLY_ADDRESSES_MAX];
	unsigned listen_cnt; /* 0: every address */
	bool no_streams;     /* port 53 is left to others */
	bool no_huge_pages;
	unsigned memory_mib; /* 0: what the queues need */
};

/* Adds a port. Returns false when there is no room for more. */
__attribute__((nonnull, warn_unused_result)) bool
vly_preflight_plan_port(struct vly_preflight_plan *plan, const struct vly_port_spec *spec);

/* Adds an address. Returns false when it is none, or there is no room for more. */
__attribute__((nonnull, warn_unused_result)) bool
vly_preflight_plan_listen(struct vly_preflight_plan *plan, const char *text);

/* The sum of the ports' queues. */
__attribute__((nonnull, pure)) unsigned
vly_preflight_plan_queues(const struct vly_preflight_plan *plan);

/* Asks the kernel about the machine, this process and the ports. Returns the facts, to be freed
 * with free(), or NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result)) struct vly_preflight_facts *
vly_preflight_gather(const struct vly_preflight_plan *plan);

/* The checks to run: all, or only those that are quick, and whose findings the start of
 * volley-dataplane does not log anyway. */
enum vly_preflight_extent {
	VLY_PREFLIGHT_ALL,
	VLY_PREFLIGHT_AT_START,
};

/* Runs the checks on the plan (changed where it leaves the CPUs open) and the facts. `root` stands
 * before /proc and /sys: "" but in tests. Returns the worst status. */
__attribute__((nonnull(1, 2, 3, 5))) enum vly_preflight_status
vly_preflight_run(struct vly_preflight_plan *plan, const struct vly_preflight_facts *facts,
		  const char *root, enum vly_preflight_extent extent,
		  vly_preflight_on_result *on_result, void *context);

/* "ok", "warn" or "fail". */
__attribute__((returns_nonnull)) const char *
vly_preflight_status_name(enum vly_preflight_status status);

#endif
