/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DPDK's environment: started with arguments made from our options, quiet, and leaving no files.
 *
 * Use: vly_eal_start() once, in the main thread; vly_eal_stop() at the end.
 */
#ifndef VLY_DATAPLANE_EAL_H
#define VLY_DATAPLANE_EAL_H

#include "lcores.h"

/*
 * `memory_bytes` is what the ports' mempools need. Announces huge pages or their absence.
 * Returns 0; -1 with the error logged; or VLY_EAL_NO_HUGE_PAGES when somebody else was quicker to
 * take them. DPDK can't be started twice in a process: it takes a new one to do without.
 */
#define VLY_EAL_NO_HUGE_PAGES (-2)
__attribute__((nonnull, warn_unused_result)) int vly_eal_start(const struct vly_options *options,
							       const struct vly_lcores *lcores,
							       uint64_t memory_bytes);

void vly_eal_stop(void);

/* The first error that DPDK logged since vly_eal_forget_error(), or "": the detail to our own. Any
 * thread. */
const char *vly_eal_error(void);

/* The same of what the kernel told libbpf. Both strings are the calling thread's until its next
 * call. */
const char *vly_eal_kernel_error(void);

void vly_eal_forget_error(void);

#endif
