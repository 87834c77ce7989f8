/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory on large pages where the kernel has some to give (transparent huge pages): what is read in
 * no order, for each packet, then waits for no page table.
 *
 * Use: vly_large_alloc(), in the thread that will use it, so that it is of its NUMA node; free().
 */
#ifndef VLY_DATAPLANE_LARGE_H
#define VLY_DATAPLANE_LARGE_H

#include <stddef.h>

/* Zeros, as many octets, rounded up to whole large pages; NULL: no memory. */
__attribute__((malloc, warn_unused_result)) void *vly_large_alloc(size_t bytes);

#endif
