/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the configuration wants of the machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/dp_option.h"
#include "common/plural.h"
#include "common/port_spec.h"
#include "common/preflight/files.h"
#include "common/preflight/preflight.h"
#include "config_parts.h"

/* The values were judged when they were loaded: only their numbers can be too large. */
int
vly_config_plan(const struct vly_config_dataplane *dataplane, struct vly_preflight_plan *plan,
		char reason[VLY_CONFIG_REASON_BYTES])
{
	struct vly_port_spec spec;
	char text[VLY_DP_REASON_BYTES];

	memset(plan, 0, sizeof(*plan));
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		if (vly_port_spec_read(&spec, dataplane->port[i], text, sizeof(text)) != 0 ||
		    !vly_preflight_plan_port(plan, &spec)) {
			snprintf(reason, VLY_CONFIG_REASON_BYTES, "more than %d ports",
				 VLY_PORTS_MAX);
			return -1;
		}
	for (unsigned i = 0; i < dataplane->listen_cnt; i++)
		if (!vly_preflight_plan_listen(plan, dataplane->listen[i])) {
			snprintf(reason, VLY_CONFIG_REASON_BYTES, "more than %d addresses",
				 VLY_ADDRESSES_MAX);
			return -1;
		}
	if (vly_preflight_plan_queues(plan) > VLY_LCORES_MAX) {
		snprintf(reason, VLY_CONFIG_REASON_BYTES, "%u queues in all, but at most %d lcores",
			 vly_preflight_plan_queues(plan), VLY_LCORES_MAX);
		return -1;
	}
	if (dataplane->cpus && vly_cpu_list_read(&plan->cpus, dataplane->cpus, text) != 0)
		plan->cpus.cnt = 0;
	plan->no_streams = !vly_config_has_streams(dataplane);
	plan->no_huge_pages = strcmp(dataplane->huge_pages, "off") == 0;
	if (dataplane->memory)
		plan->memory_mib = (unsigned)strtoul(dataplane->memory, NULL, 10);
	return 0;
}

void
vly_config_check_machine(const struct vly_config_dataplane *dataplane,
			 struct vly_config_findings *findings)
{
	char list[VLY_PREFLIGHT_LIST_CHARS], reason[VLY_CONFIG_REASON_BYTES];
	struct vly_preflight_plan plan;
	cpu_set_t present;

	if (vly_config_plan(dataplane, &plan, reason) != 0) {
		vly_config_find(findings, "dataplane", 0, "%s", reason);
		return;
	}
	unsigned queue_cnt = vly_preflight_plan_queues(&plan);
	if (plan.cpus.cnt == 0)
		return;
	if (plan.cpus.cnt < queue_cnt)
		vly_config_find(findings, "dataplane.cpus", 0, "%u CPU%s for %u queue%s",
				plan.cpus.cnt, vly_plural(plan.cpus.cnt), queue_cnt,
				vly_plural(queue_cnt));
	if (!vly_preflight_read_cpus("", &present, "/sys/devices/system/cpu/present"))
		return;
	for (unsigned i = 0; i < plan.cpus.cnt && i < queue_cnt; i++) {
		if (CPU_ISSET(plan.cpus.cpu[i], &present))
			continue;
		vly_config_find(
			findings, "dataplane.cpus", 0,
			"this machine has no CPU %u, but %s (volleyctl preflight checks more)",
			plan.cpus.cpu[i], vly_preflight_list_cpus(&present, list));
		return;
	}
}
