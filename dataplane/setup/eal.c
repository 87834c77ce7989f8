/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "common/log.h"

#define MIB (UINT64_C(1) << 20)

/* DPDK's own needs, measured with 22.11: 6 MiB for tables and rings with a port, some more for each
 * further one. Not touched unless used, so there is no point in being close. */
#define OWN_MIB 64

#define ARGS_MAX (16 + 2 * VLY_PORTS_MAX)

/* Of both, the first: what follows only says that something failed because of it. Any thread of
 * DPDK's may log. */
static pthread_mutex_t errors_mutex = PTHREAD_MUTEX_INITIALIZER;
static char first_error[256];
static char kernel_error[256];

static void
keep_first(char *kept, size_t room, const char *text, size_t len)
{
	size_t fits = len < room ? len : room - 1;

	pthread_mutex_lock(&errors_mutex);
	if (kept[0] == '\0') {
		memcpy(kept, text, fits);
		kept[fits] = '\0';
	}
	pthread_mutex_unlock(&errors_mutex);
}

/* DPDK's lines: only for those who debug. The first error is kept, as the detail of ours. */
static ssize_t
take_dpdk_lines(void *cookie, const char *text, size_t bytes)
{
	(void)cookie;
	for (const char *at = text, *end = text + bytes; at < end;) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		int len = (int)((eol != NULL ? eol : end) - at);
		vly_log_debug("dpdk: %.*s", len, at);
		if (rte_log_cur_msg_loglevel() <= (int)RTE_LOG_ERR)
			keep_first(first_error, sizeof(first_error), at, (size_t)len);
		at += len + 1;
	}
	return (ssize_t)bytes;
}

/* libbpf's lines: only for those who debug, too, as a program that the kernel refuses brings
 * hundreds. What the kernel said becomes the detail of ours. */
static int
take_libbpf_lines(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char head[] = "Kernel error message: ";
	char *text;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		const char *said = strstr(line, head);
		if (said != NULL)
			keep_first(kernel_error, sizeof(kernel_error), said + strlen(head),
				   strlen(said + strlen(head)));
		if (line[0] != '\0')
			vly_log_debug("%s", line);
	}
	free(text);
	return 0;
}

static int
redirect_log(void)
{
	libbpf_set_print(take_libbpf_lines);
	FILE *stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take_dpdk_lines});
	if (stream == NULL)
		return -1;
	setvbuf(stream, NULL, _IOLBF, 0);
	return rte_openlog_stream(stream);
}

static uint64_t
read_number(const char *path)
{
	unsigned long long value = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

static uint64_t
free_huge_bytes(void)
{
	static const char base[] = "/sys/kernel/mm/hugepages";
	DIR *dir = opendir(base);
	const struct dirent *entry;
	uint64_t bytes = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[512];
		unsigned long long kib;
		if (sscanf(entry->d_name, "hugepages-%llukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", base, entry->d_name);
		bytes += read_number(path) * kib * 1024;
	}
	if (dir != NULL)
		closedir(dir);
	return bytes;
}

static bool
choose_huge_pages(const struct vly_options *options, unsigned need_mib)
{
	uint64_t free_mib = free_huge_bytes() / MIB;

	if (!options->huge_pages)
		vly_log_info("packet memory: %u MiB of ordinary pages (--huge-pages off)",
			     need_mib);
	else if (free_mib >= need_mib)
		vly_log_info("packet memory: up to %u MiB of huge pages, %llu MiB free", need_mib,
			     (unsigned long long)free_mib);
	else
		vly_log_info("packet memory: %u MiB of ordinary pages, since only %llu MiB of huge "
			     "pages "
			     "are free (sysctl vm.nr_hugepages)",
			     need_mib, (unsigned long long)free_mib);
	return options->huge_pages && free_mib >= need_mib;
}

static bool
add_pci_ports(const struct vly_options *options, const char **arg, int *arg_cnt)
{
	bool any = false;

	for (unsigned i = 0; i < options->port_cnt; i++) {
		if (options->port[i].kind != VLY_PORT_PCI)
			continue;
		arg[(*arg_cnt)++] = "-a";
		arg[(*arg_cnt)++] = options->port[i].target;
		any = true;
	}
	return any;
}

/* Tells why DPDK does not start. Returns what vly_eal_start() does. */
static int
fail_start(bool huge_pages)
{
	/* EACCES: there is not one left, so DPDK finds nothing to tell of them. */
	if (huge_pages && (rte_errno == ENOMEM || rte_errno == EACCES)) {
		vly_log_warning(
			"the free huge pages were taken meanwhile: restarting with ordinary "
			"pages");
		return VLY_EAL_NO_HUGE_PAGES;
	}
	vly_log_error("cannot start DPDK: %s (%s)", rte_strerror(rte_errno),
		      *vly_eal_error() != '\0' ? vly_eal_error() : "--log-level debug shows more");
	return -1;
}

int
vly_eal_start(const struct vly_options *options, const struct vly_lcores *lcores,
	      uint64_t memory_bytes)
{
	unsigned need_mib = options->memory_mib;
	char memory[16];
	int cnt = 0;
	const char *arg[ARGS_MAX] = {"volley-dataplane",
				     "--no-telemetry",
				     "--file-prefix=volley",
				     "--main-lcore=0",
				     "--lcores",
				     lcores->map,
				     NULL};

	while (arg[cnt] != NULL)
		cnt++;
	if (need_mib == 0)
		need_mib = (unsigned)(memory_bytes / MIB) + OWN_MIB;
	/* No files for other processes: instances don't meet, and none is left behind. DPDK has two
	 * options for that, and each goes with one kind of memory only. */
	bool huge_pages = choose_huge_pages(options, need_mib);
	if (huge_pages) {
		arg[cnt++] = "--in-memory";
	} else {
		snprintf(memory, sizeof(memory), "%u", need_mib);
		arg[cnt++] = "--no-shconf";
		arg[cnt++] = "--no-huge";
		arg[cnt++] = "-m";
		arg[cnt++] = memory;
	}
	if (!add_pci_ports(options, arg, &cnt)) {
		arg[cnt++] = "--no-pci";
		/* Physical addresses are of no use without devices, and need privileges. */
		arg[cnt++] = "--iova-mode=va";
	}
	if (redirect_log() != 0 || rte_eal_init(cnt, (char **)(uintptr_t)arg) < 0)
		return fail_start(huge_pages);
	return 0;
}

void
vly_eal_stop(void)
{
	char dir[256];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	/* DPDK makes the directory even when it puts nothing in; another instance's stays. */
	if (rmdir(dir) == 0) {
		char *slash = strrchr(dir, '/');
		if (slash != NULL) {
			*slash = '\0';
			rmdir(dir);
		}
	}
}

const char *
vly_eal_error(void)
{
	static _Thread_local char copy[sizeof(first_error)];

	pthread_mutex_lock(&errors_mutex);
	memcpy(copy, first_error, sizeof(copy));
	pthread_mutex_unlock(&errors_mutex);
	return copy;
}

const char *
vly_eal_kernel_error(void)
{
	static _Thread_local char copy[sizeof(kernel_error)];

	pthread_mutex_lock(&errors_mutex);
	memcpy(copy, kernel_error, sizeof(copy));
	pthread_mutex_unlock(&errors_mutex);
	return copy;
}

void
vly_eal_forget_error(void)
{
	pthread_mutex_lock(&errors_mutex);
	first_error[0] = '\0';
	kernel_error[0] = '\0';
	pthread_mutex_unlock(&errors_mutex);
}
