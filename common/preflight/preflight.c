/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "preflight.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "context.h"

enum {
	NIC = 1,        /* for ports that are NICs only */
	START_SAYS = 2, /* the start of volley-dataplane logs the same */
	COSTLY = 4,     /* takes a system call for each of many things */
};

/* In the order of the output: kernel, ports, CPUs, memory, rights and other programs. */
static const struct {
	const char *name;
	vly_preflight_check *run;
	unsigned flags;
} checks[] = {
	{"kernel", vly_preflight_check_kernel, 0},
	{"bpf", vly_preflight_check_bpf, 0},
	{"clock", vly_preflight_check_clock, 0},
	{"interface", vly_preflight_check_interface, NIC | START_SAYS},
	{"driver", vly_preflight_check_driver, NIC},
	{"vfio", vly_preflight_check_vfio, NIC | START_SAYS},
	{"queues", vly_preflight_check_queues, NIC | START_SAYS},
	{"rss", vly_preflight_check_rss, NIC},
	{"rings", vly_preflight_check_rings, NIC},
	{"offloads", vly_preflight_check_offloads, NIC},
	{"mtu", vly_preflight_check_mtu, NIC},
	{"xdp", vly_preflight_check_xdp, NIC | START_SAYS},
	{"cpus", vly_preflight_check_cpus, NIC | START_SAYS},
	{"siblings", vly_preflight_check_siblings, NIC},
	{"isolation", vly_preflight_check_isolation, NIC},
	{"irqs", vly_preflight_check_irqs, NIC | COSTLY},
	{"numa", vly_preflight_check_numa, NIC},
	{"hugepages", vly_preflight_check_huge_pages, START_SAYS},
	{"memlock", vly_preflight_check_memlock, START_SAYS},
	{"rights", vly_preflight_check_capabilities, START_SAYS},
	{"port53", vly_preflight_check_port_53, START_SAYS | COSTLY},
	{"firewall", vly_preflight_check_firewall, 0},
};

const char *
vly_preflight_status_name(enum vly_preflight_status status)
{
	static const char *const name[VLY_PREFLIGHT_STATUS_CNT] = {"ok", "warn", "fail"};

	return name[status];
}

void
vly_preflight_say(struct vly_preflight *preflight, enum vly_preflight_status status,
		  const char *subject, const char *format, ...)
{
	struct vly_preflight_result result = {.status = status, .check = preflight->check};
	char text[sizeof(result.reason) + sizeof(result.cure)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	char *cure = strchr(text, '\n');
	if (cure != NULL) {
		*cure = '\0';
		snprintf(result.cure, sizeof(result.cure), "%.255s", cure + 1);
	}
	snprintf(result.subject, sizeof(result.subject), "%s", subject);
	snprintf(result.reason, sizeof(result.reason), "%.511s", text);
	if (status > preflight->worst)
		preflight->worst = status;
	preflight->on_result(preflight->context, &result);
}

bool
vly_preflight_has(const struct vly_preflight *preflight, enum vly_port_kind kind)
{
	const struct vly_preflight_plan *plan = preflight->plan;

	for (unsigned i = 0; i < plan->port_cnt; i++)
		if (plan->port[i].kind == kind)
			return true;
	return plan->port_cnt == 0 && kind == VLY_PORT_AF_XDP;
}

void
vly_preflight_pci(const struct vly_preflight *preflight, unsigned port_idx,
		  char address[VLY_PREFLIGHT_PCI_CHARS])
{
	const struct vly_preflight_port *port = &preflight->plan->port[port_idx];
	const char *bus = preflight->facts->nic[port_idx].bus;
	unsigned domain, number, device, function;

	if (port->kind == VLY_PORT_PCI)
		bus = port->target;
	address[0] = '\0';
	if (sscanf(bus, "%x:%x:%x.%x", &domain, &number, &device, &function) == 4)
		snprintf(address, VLY_PREFLIGHT_PCI_CHARS, "%s", bus);
	else if (sscanf(bus, "%x:%x.%x", &number, &device, &function) == 3)
		snprintf(address, VLY_PREFLIGHT_PCI_CHARS, "0000:%s", bus);
}

const char *
vly_preflight_name_cpus(const cpu_set_t *cpus, char name[VLY_PREFLIGHT_CPUS_CHARS])
{
	char list[VLY_PREFLIGHT_LIST_CHARS];

	snprintf(name, VLY_PREFLIGHT_CPUS_CHARS, "CPU%s %s", CPU_COUNT(cpus) == 1 ? "" : "s",
		 vly_preflight_list_cpus(cpus, list));
	return name;
}

void
vly_preflight_each_nic(struct vly_preflight *preflight, vly_preflight_check_nic *check)
{
	const struct vly_preflight_plan *plan = preflight->plan;

	for (unsigned i = 0; i < plan->port_cnt; i++)
		if (preflight->facts->nic[i].index != 0)
			check(preflight, &plan->port[i], &preflight->facts->nic[i]);
}

/* As volley-dataplane does it: the last CPUs that it may use, the first one left for other threads
 * when there is more than one. */
static void
choose_cpus(struct vly_preflight_plan *plan, const cpu_set_t *allowed)
{
	unsigned queue_cnt = vly_preflight_plan_queues(plan);
	uint16_t cpu[CPU_SETSIZE];
	unsigned cpu_cnt = 0;

	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, allowed))
			cpu[cpu_cnt++] = (uint16_t)i;
	if (cpu_cnt == 0 || queue_cnt > VLY_LCORES_MAX)
		return;
	unsigned first = cpu_cnt > queue_cnt ? cpu_cnt - queue_cnt : cpu_cnt > 1;
	for (unsigned i = 0; i < queue_cnt; i++)
		plan->cpus.cpu[i] = cpu[first + i % (cpu_cnt - first)];
	plan->cpus.cnt = queue_cnt;
}

enum vly_preflight_status
vly_preflight_run(struct vly_preflight_plan *plan, const struct vly_preflight_facts *facts,
		  const char *root, enum vly_preflight_extent extent,
		  vly_preflight_on_result *on_result, void *context)
{
	struct vly_preflight preflight = {
		.root = root,
		.plan = plan,
		.facts = facts,
		.on_result = on_result,
		.context = context,
	};
	unsigned skipped = extent == VLY_PREFLIGHT_AT_START ? START_SAYS | COSTLY : 0;

	if (plan->cpus.cnt == 0)
		choose_cpus(plan, &facts->allowed);
	for (unsigned i = 0; i < plan->cpus.cnt && i < vly_preflight_plan_queues(plan); i++)
		if (plan->cpus.cpu[i] < CPU_SETSIZE)
			CPU_SET(plan->cpus.cpu[i], &preflight.lcores);
	if (plan->port_cnt == 0 || (!vly_preflight_has(&preflight, VLY_PORT_AF_XDP) &&
				    !vly_preflight_has(&preflight, VLY_PORT_PCI)))
		skipped |= NIC;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		preflight.check = checks[i].name;
		if ((checks[i].flags & skipped) == 0)
			checks[i].run(&preflight);
	}
	return preflight.worst;
}
