/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "context.h"
#include "drivers.h"

/* The verifiers of older ones refuse the XDP program. */
#define LINUX_MIN VLY_LINUX(6, 1)

void
vly_preflight_check_kernel(struct vly_preflight *preflight)
{
	const char *release = preflight->facts->release;
	bool xdp = vly_preflight_has(preflight, VLY_PORT_AF_XDP);
	unsigned version = vly_preflight_linux(release);

	if (version >= LINUX_MIN)
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "Linux", "%s", release);
	else if (xdp)
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, "Linux",
				  "%s is older than 6.1, and refuses the XDP program\ninstall "
				  "Linux 6.1 or later, such as the kernel of Debian 12",
				  release);
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, "Linux",
				  "%s is older than 6.1, and untested with Volley\ninstall Linux "
				  "6.1 or later, such as the kernel of Debian 12",
				  release);
}

/* A kernel says by its answers how it was configured; its file of configuration may be anywhere. */
void
vly_preflight_check_bpf(struct vly_preflight *preflight)
{
	const struct vly_preflight_facts *facts = preflight->facts;

	if (!vly_preflight_has(preflight, VLY_PORT_AF_XDP)) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "kernel", "no port needs XDP");
		return;
	}
	if (facts->bpf_error != 0) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_FAIL, "kernel",
				  "it has no BPF\ninstall a kernel with CONFIG_BPF_SYSCALL");
		return;
	}
	if (facts->af_xdp_error == EAFNOSUPPORT) {
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_FAIL, "kernel",
			"it has no AF_XDP sockets\ninstall a kernel with CONFIG_XDP_SOCKETS");
		return;
	}
	if (vly_preflight_read_number(preflight->root, 1, "/proc/sys/net/core/bpf_jit_enable") == 0)
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, "kernel",
				  "its BPF compiler is off, which makes the XDP program several "
				  "times slower\nsysctl -w net.core.bpf_jit_enable=1");
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "kernel",
				  "it has BPF with the compiler, and AF_XDP sockets");
}

/* Those that programs reading this clock takes no system call. */
static bool
is_fast_clock(const char *name)
{
	static const char *const fast[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page"};

	for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++)
		if (strcmp(name, fast[i]) == 0)
			return true;
	return false;
}

/* Whether the first CPU has the flag. Where there is nothing to read, it has. */
static bool
has_cpu_flag(const char *root, const char *flag)
{
	char line[8192];
	bool found = false, seen = false;
	FILE *file = vly_preflight_open(root, "/proc/cpuinfo");

	/* flags come within the first two dozen lines */
	for (unsigned i = 0; i < 64 && !seen && file != NULL; i++) {
		if (fgets(line, sizeof(line), file) == NULL)
			break;
		seen = strncmp(line, "flags", 5) == 0;
		line[strcspn(line, "\n")] = '\0';
		for (char *rest = line, *word; seen && (word = strsep(&rest, " \t:")) != NULL;)
			found |= strcmp(word, flag) == 0;
	}
	if (file != NULL)
		fclose(file);
	return found || !seen;
}

void
vly_preflight_check_clock(struct vly_preflight *preflight)
{
	char name[64];

	if (!vly_preflight_read_line(
		    preflight->root, name, sizeof(name),
		    "/sys/devices/system/clocksource/clocksource0/current_clocksource")) {
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, "clock", "the kernel names none");
		return;
	}
	/* a kernel that reads the counter itself has found its rate constant */
	if (strcmp(name, "tsc") != 0 && !has_cpu_flag(preflight->root, "constant_tsc"))
		vly_preflight_say(
			preflight, VLY_PREFLIGHT_WARN, name,
			"the time stamp counter follows the frequency of the CPU: rates and limits "
			"are wrong\nfix the frequency of the CPUs, or use a CPU with constant_tsc");
	else if (!is_fast_clock(name))
		vly_preflight_say(preflight, VLY_PREFLIGHT_WARN, name,
				  "reading this clock takes a system call\necho tsc > "
				  "/sys/devices/system/clocksource/clocksource0/"
				  "current_clocksource; if that fails, dmesg shows the reason");
	else
		vly_preflight_say(preflight, VLY_PREFLIGHT_OK, name,
				  "reading this clock takes no system call");
}
