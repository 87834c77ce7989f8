/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the lcores' CPUs are there, and are theirs alone. */
#include <string.h>

#include "common/plural.h"
#include "context.h"

#define CPU_PATH "/sys/devices/system/cpu"

/* Reports a CPU that can't be used. Returns whether it can. */
static bool
check_cpu(struct vly_preflight *preflight, unsigned cpu, const cpu_set_t *present,
	  const cpu_set_t *online)
{
	char list[VLY_PREFLIGHT_LIST_CHARS];
	char name[16];

	snprintf(name, sizeof(name), "CPU %u", cpu);
	if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, present)) {
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_FAIL, name,
			"the machine has no such CPU\nlist CPUs from %s in dataplane.cpus",
			vly_preflight_list_cpus(present, list));
		return false;
	}
	if (!CPU_ISSET(cpu, online)) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "it is offline\necho 1 > " CPU_PATH "/cpu%u/online", cpu);
		return false;
	}
	if (!CPU_ISSET(cpu, &preflight->facts->allowed)) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, name,
				  "the affinity or the cpuset of this process excludes it\ncheck "
				  "CPUAffinity= and AllowedCPUs= of the unit");
		return false;
	}
	return true;
}

/* Whether CPUs serve several queues, or all CPUs serve queues. */
static void
check_number(struct vly_preflight *preflight, const cpu_set_t *online)
{
	char name[VLY_PREFLIGHT_CPUS_CHARS];
	unsigned queue_cnt = vly_preflight_plan_queues(preflight->plan);
	unsigned cpu_cnt = (unsigned)CPU_COUNT(&preflight->lcores);
	cpu_set_t rest;

	vly_preflight_name_cpus(&preflight->lcores, name);
	CPU_AND(&rest, &preflight->lcores, online);
	if (cpu_cnt < queue_cnt)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "%u lcores share %u CPU%s: each needs its own\nlist more CPUs in "
				  "dataplane.cpus, or use fewer queues",
				  queue_cnt, cpu_cnt, vly_plural(cpu_cnt));
	else if (CPU_COUNT(&rest) == CPU_COUNT(online))
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_WARN, name,
			"lcores use every CPU: stream threads, volley-control and the kernel slow "
			"them down\nleave at least one CPU out of dataplane.cpus");
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name, "lcores: %u, a CPU for each",
				  queue_cnt);
}

void
vly_preflight_check_cpus(struct vly_preflight *preflight)
{
	const struct vly_preflight_plan *plan = preflight->plan;
	unsigned queue_cnt = vly_preflight_plan_queues(plan);
	cpu_set_t present, online;
	bool good = true;

	if (!vly_preflight_read_cpus(preflight->root, &present, CPU_PATH "/present") ||
	    !vly_preflight_read_cpus(preflight->root, &online, CPU_PATH "/online")) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, "machine",
				  "the CPUs can't be read from " CPU_PATH
				  "\nmount -t sysfs sysfs /sys");
		return;
	}
	if (plan->cpus.cnt < queue_cnt) {
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_FAIL, "machine",
			"%u CPU%s for %u queue%s\nlist a CPU for each queue in dataplane.cpus",
			plan->cpus.cnt, vly_plural(plan->cpus.cnt), queue_cnt,
			vly_plural(queue_cnt));
		return;
	}
	for (unsigned i = 0; i < queue_cnt; i++)
		good &= check_cpu(preflight, plan->cpus.cpu[i], &present, &online);
	if (good)
		check_number(preflight, &online);
}

/* CPUs that the scheduler gives to no other program: those of isolcpus=, of isolated cpusets, and
 * those that the first process, and so its children, may not use (CPUAffinity= in system.conf). */
static void
read_isolated(const char *root, cpu_set_t *isolated)
{
	char line[4096];
	cpu_set_t more;
	FILE *file = vly_preflight_open(root, "/proc/1/status");

	vly_preflight_read_cpus(root, isolated, CPU_PATH "/isolated");
	vly_preflight_read_cpus(root, &more, "/sys/fs/cgroup/cpuset.cpus.isolated");
	CPU_OR(isolated, isolated, &more);
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		static const char key[] = "Cpus_allowed_list:\t";
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (!vly_preflight_parse_cpus(line + strlen(key), &more))
			continue;
		for (unsigned i = 0; i < CPU_SETSIZE; i++)
			if (!CPU_ISSET(i, &more))
				CPU_SET(i, isolated);
	}
	if (file != NULL)
		fclose(file);
}

void
vly_preflight_check_isolation(struct vly_preflight *preflight)
{
	char name[VLY_PREFLIGHT_CPUS_CHARS], list[VLY_PREFLIGHT_LIST_CHARS];
	cpu_set_t isolated, shared;

	read_isolated(preflight->root, &isolated);
	CPU_AND(&shared, &preflight->lcores, &isolated);
	CPU_XOR(&shared, &shared, &preflight->lcores);
	if (CPU_COUNT(&shared) == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK,
				  vly_preflight_name_cpus(&preflight->lcores, name),
				  "no other program runs on these CPUs of lcores");
	else
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_WARN, vly_preflight_name_cpus(&shared, name),
			"other programs may run on these CPUs of lcores\nboot with isolcpus=%s, or "
			"leave them out of CPUAffinity= in /etc/systemd/system.conf",
			vly_preflight_list_cpus(&shared, list));
}

/* The other hardware threads of the lcores' cores that are online: those with lcores, and
 * others. */
static void
read_siblings(const struct vly_preflight *preflight, cpu_set_t *paired, cpu_set_t *others)
{
	CPU_ZERO(paired);
	CPU_ZERO(others);
	for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		cpu_set_t threads;
		if (!CPU_ISSET(cpu, &preflight->lcores))
			continue;
		vly_preflight_read_cpus(preflight->root, &threads,
					CPU_PATH "/cpu%u/topology/thread_siblings_list", cpu);
		for (unsigned i = 0; i < CPU_SETSIZE; i++) {
			if (i == cpu || !CPU_ISSET(i, &threads))
				continue;
			CPU_SET(i, CPU_ISSET(i, &preflight->lcores) ? paired : others);
		}
	}
}

void
vly_preflight_check_siblings(struct vly_preflight *preflight)
{
	char name[VLY_PREFLIGHT_CPUS_CHARS], list[VLY_PREFLIGHT_LIST_CHARS];
	cpu_set_t isolated, paired, others, quiet;

	read_isolated(preflight->root, &isolated);
	read_siblings(preflight, &paired, &others);
	CPU_AND(&quiet, &others, &isolated);
	CPU_XOR(&others, &others, &quiet);
	if (CPU_COUNT(&paired) > 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN,
				  vly_preflight_name_cpus(&paired, name),
				  "these hardware threads of shared cores all run lcores, each at "
				  "about half speed\nlist one thread of each core in "
				  "dataplane.cpus (lscpu -e shows the cores)");
	if (CPU_COUNT(&others) > 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN,
				  vly_preflight_name_cpus(&others, name),
				  "other work on these hardware threads slows down the lcores on "
				  "their cores, to as little as half speed\nboot with isolcpus=%s, "
				  "or for each of them: echo 0 > " CPU_PATH "/cpuN/online",
				  vly_preflight_list_cpus(&others, list));
	if (CPU_COUNT(&paired) == 0 && CPU_COUNT(&others) == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK,
				  vly_preflight_name_cpus(&preflight->lcores, name),
				  "no other hardware thread shares a core with them");
}
