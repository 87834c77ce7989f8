/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capabilities.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>

#include "common/capability.h"

/*
 * NET_RAW makes AF_XDP and packet sockets, NET_ADMIN attaches XDP programs and makes interfaces,
 * SYS_ADMIN looks up a program and its maps by their ids. CAP_BPF and CAP_PERFMON, to load it, are
 * part of SYS_ADMIN.
 */
static const struct need {
	int capability;
	const char *name;
	uint32_t kinds; /* of ports */
} needs[] = {
	{CAP_NET_ADMIN, "CAP_NET_ADMIN",
	 1u << VLY_PORT_AF_XDP | 1u << VLY_PORT_TAP | 1u << VLY_PORT_PCI},
	{CAP_NET_RAW, "CAP_NET_RAW", 1u << VLY_PORT_AF_XDP | 1u << VLY_PORT_AF_PACKET},
	{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", 1u << VLY_PORT_AF_XDP},
};

#define NEED_CNT (sizeof(needs) / sizeof(needs[0]))

void
vly_capabilities_hint(enum vly_port_kind kind, char hint[VLY_CAPABILITIES_CHARS])
{
	uint64_t have = vly_capability_effective();
	unsigned missing_cnt = 0;
	int len = 0;

	hint[0] = '\0';
	for (size_t i = 0; i < NEED_CNT; i++) {
		if ((needs[i].kinds & 1u << kind) == 0 || (have >> needs[i].capability & 1) != 0)
			continue;
		len += snprintf(hint + len, VLY_CAPABILITIES_CHARS - (size_t)len, "%s%s",
				missing_cnt++ > 0 ? ", " : "; ", needs[i].name);
	}
	if (missing_cnt > 0)
		snprintf(hint + len, VLY_CAPABILITIES_CHARS - (size_t)len,
			 " %s missing; root has all, unless CapabilityBoundingSet= or a container "
			 "removes some",
			 missing_cnt > 1 ? "are" : "is");
}

bool
vly_capabilities_lock_memory(void)
{
	return (vly_capability_effective() >> CAP_IPC_LOCK & 1) != 0;
}
