/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts on the lcores' CPUs. */
#include <stdlib.h>
#include <string.h>

#include "context.h"

/* Interrupts that a line names; the others are counted. */
#define NAMED_MAX 3

struct busy_irqs {
	unsigned cnt;
	unsigned first; /* its number */
	char names[160];
	cpu_set_t cpus; /* of lcores, that they come to */
};

/* Which CPU each column of the table is for: those that are offline have none. Returns how many. */
static unsigned
read_columns(const char *line, uint16_t column[CPU_SETSIZE])
{
	unsigned cnt = 0, cpu;

	for (const char *at = line; cnt < CPU_SETSIZE && (at = strstr(at, "CPU")) != NULL; at += 3)
		if (sscanf(at, "CPU%u", &cpu) == 1)
			column[cnt++] = (uint16_t)cpu;
	return cnt;
}

/* Writes the CPUs of lcores that have handled the interrupt. Returns the text behind the counts. */
static const char *
read_counts(const struct vly_preflight *preflight, const char *at, const uint16_t *column,
	    unsigned column_cnt, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	for (unsigned i = 0; i < column_cnt; i++) {
		char *end;
		unsigned long long cnt = strtoull(at, &end, 10);
		if (end == at)
			break;
		if (cnt > 0 && column[i] < CPU_SETSIZE && CPU_ISSET(column[i], &preflight->lcores))
			CPU_SET(column[i], cpus);
		at = end;
	}
	return at;
}

static void
add(struct busy_irqs *busy, unsigned irq, const char *rest, const cpu_set_t *cpus)
{
	size_t len = strlen(busy->names);
	const char *name = strrchr(rest, ' ');

	if (busy->cnt++ == 0)
		busy->first = irq;
	CPU_OR(&busy->cpus, &busy->cpus, cpus);
	if (busy->cnt <= NAMED_MAX)
		snprintf(busy->names + len, sizeof(busy->names) - len, "%s%u (%.32s)",
			 len > 0 ? ", " : "", irq, name != NULL ? name + 1 : "");
}

/* Those that came to a CPU of an lcore, and still may. */
static void
read_irqs(const struct vly_preflight *preflight, FILE *file, struct busy_irqs *busy)
{
	uint16_t column[CPU_SETSIZE];
	unsigned column_cnt = 0;
	size_t room = 0;
	char *line = NULL;

	if (getline(&line, &room, file) > 0)
		column_cnt = read_columns(line, column);
	while (getline(&line, &room, file) > 0) {
		cpu_set_t came, may;
		unsigned irq;
		int used = 0;
		line[strcspn(line, "\n")] = '\0';
		/* the kernel's own have names instead of numbers, and stay where they are */
		if (sscanf(line, " %u:%n", &irq, &used) != 1 || used == 0)
			continue;
		const char *rest = read_counts(preflight, line + used, column, column_cnt, &came);
		if (!vly_preflight_read_cpus(preflight->root, &may,
					     "/proc/irq/%u/effective_affinity_list", irq))
			vly_preflight_read_cpus(preflight->root, &may,
						"/proc/irq/%u/smp_affinity_list", irq);
		CPU_AND(&came, &came, &may);
		if (CPU_COUNT(&came) > 0)
			add(busy, irq, rest, &came);
	}
	free(line);
}

void
vly_preflight_check_irqs(struct vly_preflight *preflight)
{
	char name[VLY_PREFLIGHT_CPUS_CHARS], list[VLY_PREFLIGHT_LIST_CHARS], more[32] = "";
	struct busy_irqs busy = {0};
	FILE *file = vly_preflight_open(preflight->root, "/proc/interrupts");

	if (file != NULL) {
		read_irqs(preflight, file, &busy);
		fclose(file);
	}
	if (busy.cnt == 0) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK,
				  vly_preflight_name_cpus(&preflight->lcores, name),
				  "no device interrupts these CPUs of lcores");
		return;
	}
	if (busy.cnt > NAMED_MAX)
		snprintf(more, sizeof(more), " and %u more", busy.cnt - NAMED_MAX);
	vly_preflight_say(
		preflight, VLY_PREFLIGHT_WARN, vly_preflight_name_cpus(&busy.cpus, name),
		"devices interrupt these CPUs of lcores: IRQs %s%s\nfor each IRQ: echo 0 > "
		"/proc/irq/%u/smp_affinity_list; set IRQBALANCE_BANNED_CPULIST=%s for irqbalance",
		busy.names, more, busy.first, vly_preflight_list_cpus(&preflight->lcores, list));
}
