/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DPDK's environment (EAL), started with arguments from our options, without output and files.
 *
 * Use, in the main thread: vly_eal_start() once; vly_eal_stop() at the end.
 */
#ifndef VLY_DATAPLANE_EAL_H
#define VLY_DATAPLANE_EAL_H

#include "lcores.h"

/*
 * `memory_bytes`: for the ports' mempools. Logs whether huge pages are used. Blocks for up to
 * seconds. Returns 0; -1 with the error logged; or VLY_EAL_NO_HUGE_PAGES if another process has
 * taken the huge pages meanwhile. DPDK can't be started twice in a process: only a new process can
 * do without them.
 */
#define VLY_EAL_NO_HUGE_PAGES (-2)
__attribute__((nonnull, warn_unused_result)) int vly_eal_start(const struct vly_options *options,
							       const struct vly_lcores *lcores,
							       uint64_t memory_bytes);

void vly_eal_stop(void);

/* The first error that DPDK logged since vly_eal_forget_error(), or "": detail for our own message.
 * Any thread. */
const char *vly_eal_error(void);

/* The same for the kernel's message to libbpf. Both strings are valid until the calling thread's
 * next call. */
const char *vly_eal_kernel_error(void);

void vly_eal_forget_error(void);

#endif
