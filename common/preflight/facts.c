/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "facts.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/capability.h"

/* More CPUs than Linux can have. */
#define CPUS_MAX 65536

/* The kernel wants room for all CPUs that the machine may ever have: EINVAL is "larger". */
static void
ask_allowed(cpu_set_t *allowed)
{
	CPU_ZERO(allowed);
	for (int cnt = CPU_SETSIZE; cnt <= CPUS_MAX; cnt *= 2) {
		cpu_set_t *cpus = CPU_ALLOC(cnt);
		if (cpus == NULL)
			return;
		int error = sched_getaffinity(0, CPU_ALLOC_SIZE(cnt), cpus) == 0 ? 0 : errno;
		if (error == 0)
			memcpy(allowed, cpus, sizeof(*allowed));
		CPU_FREE(cpus);
		if (error != EINVAL)
			return;
	}
}

/* A command that there is not yet: EINVAL from a kernel that has bpf(2), or EPERM. */
static int
ask_bpf(void)
{
	union bpf_attr attr = {0};

	syscall(SYS_bpf, ~0u >> 1, &attr, sizeof(attr));
	return errno == ENOSYS ? ENOSYS : 0;
}

static int
ask_af_xdp(void)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static void
ask_process(struct vly_preflight_facts *facts)
{
	struct rlimit limit;

	facts->capabilities = vly_capability_effective();
	facts->memlock_bytes = UINT64_MAX;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		facts->memlock_bytes = limit.rlim_cur;
	ask_allowed(&facts->allowed);
}

struct vly_preflight_facts *
vly_preflight_gather(const struct vly_preflight_plan *plan)
{
	struct vly_preflight_facts *facts = calloc(1, sizeof(*facts));
	struct utsname name;

	if (facts == NULL)
		return NULL;
	if (uname(&name) == 0)
		memcpy(facts->release, name.release, sizeof(facts->release));
	facts->bpf_error = ask_bpf();
	facts->af_xdp_error = ask_af_xdp();
	ask_process(facts);
	vly_preflight_ask_firewall(facts);
	for (unsigned i = 0; i < plan->port_cnt; i++) {
		if (plan->port[i].kind != VLY_PORT_AF_XDP)
			continue;
		vly_preflight_ask_nic(&facts->nic[i], plan->port[i].target);
		if (facts->nic[i].index != 0)
			vly_preflight_ask_xdp(&facts->nic[i]);
	}
	return facts;
}
