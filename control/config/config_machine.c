/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the configuration wants of the machine. */
#include <stdlib.h>
#include <string.h>

#include "common/preflight/files.h"
#include "common/preflight/preflight.h"
#include "config_parts.h"

unsigned
vly_config_plan(const struct vly_config_dataplane *dataplane, struct vly_preflight_plan *plan,
		void (*tell)(void *context, const char *key, unsigned idx, const char *text),
		void *context)
{
	unsigned wrong_cnt = 0;
	const char *wrong;

	memset(plan, 0, sizeof(*plan));
	for (unsigned i = 0; i < dataplane->port_cnt; i++)
		if ((wrong = vly_preflight_plan_port(plan, dataplane->ports[i])) != NULL) {
			tell(context, "dataplane.ports[%u]", i, wrong);
			wrong_cnt++;
		}
	for (unsigned i = 0; i < dataplane->listen_cnt; i++)
		if ((wrong = vly_preflight_plan_listen(plan, dataplane->listen[i])) != NULL) {
			tell(context, "dataplane.listen[%u]", i, wrong);
			wrong_cnt++;
		}
	if (dataplane->cpus && (wrong = vly_preflight_plan_cpus(plan, dataplane->cpus)) != NULL) {
		tell(context, "dataplane.cpus", 0, wrong);
		wrong_cnt++;
	}
	plan->no_streams = strcmp(dataplane->stream_threads, "0") == 0;
	plan->no_huge_pages = strcmp(dataplane->huge_pages, "off") == 0;
	if (dataplane->memory)
		plan->memory_mib = (unsigned)strtoul(dataplane->memory, NULL, 10);
	return wrong_cnt;
}

static void
find(void *context, const char *key, unsigned idx, const char *text)
{
	vly_config_find(context, key, idx, "%s", text);
}

void
vly_config_check_machine(const struct vly_config_dataplane *dataplane,
			 struct vly_config_findings *findings)
{
	char list[VLY_PREFLIGHT_LIST_CHARS];
	struct vly_preflight_plan plan;
	cpu_set_t present;

	if (vly_config_plan(dataplane, &plan, find, findings) > 0 || plan.cpu_cnt == 0)
		return;
	unsigned queue_cnt = vly_preflight_plan_queues(&plan);
	if (plan.cpu_cnt < queue_cnt)
		vly_config_find(findings, "dataplane.cpus", 0, "%u CPUs for %u queues",
				plan.cpu_cnt, queue_cnt);
	if (!vly_preflight_read_cpus("", &present, "/sys/devices/system/cpu/present"))
		return;
	for (unsigned i = 0; i < plan.cpu_cnt && i < queue_cnt; i++) {
		if (plan.cpu[i] < CPU_SETSIZE && CPU_ISSET(plan.cpu[i], &present))
			continue;
		vly_config_find(
			findings, "dataplane.cpus", 0,
			"this machine has no CPU %u, but %s (volleyctl preflight checks more)",
			plan.cpu[i], vly_preflight_list_cpus(&present, list));
		return;
	}
}
