/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/preflight/preflight.h"

/* A check that fails is a warning, too: the ports are open all the same. */
static void
log_result(void *context, const struct vly_preflight_result *result)
{
	(void)context;
	if (result->status == VLY_PREFLIGHT_OK)
		vly_log_debug("preflight: %s: %s: %s", result->check, result->subject,
			      result->reason);
	else
		vly_log_warning("preflight: %s: %s: %s; %s", result->check, result->subject,
				result->reason, result->cure);
}

/* Returns whether any port is a NIC. */
static bool
plan_ports(struct vly_preflight_plan *plan, const struct vly_options *options)
{
	bool nic = false;

	for (unsigned i = 0; i < options->port_cnt; i++) {
		const struct vly_port_spec *spec = &options->port[i];
		if (!vly_preflight_plan_port(plan, spec))
			break;
		nic |= spec->kind == VLY_PORT_AF_XDP || spec->kind == VLY_PORT_PCI;
	}
	return nic;
}

void
vly_machine_check(const struct vly_options *options, const struct vly_lcores *lcores)
{
	struct vly_preflight_plan plan = {
		.cpus.cnt = lcores->cnt,
		.no_streams = options->stream.thread_cnt == 0,
		.no_huge_pages = !options->huge_pages,
		.memory_mib = options->memory_mib,
	};

	memcpy(plan.cpus.cpu, lcores->cpu, sizeof(plan.cpus.cpu));
	if (!plan_ports(&plan, options))
		return;
	struct vly_preflight_facts *facts = vly_preflight_gather(&plan);
	if (facts != NULL)
		vly_preflight_run(&plan, facts, "", VLY_PREFLIGHT_AT_START, log_result, NULL);
	free(facts);
}
