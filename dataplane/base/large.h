/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory on large pages where the kernel has some to give (transparent huge pages): what is read in
 * no order, for each packet, then waits for no page table.
 *
 * Use: vly_large_alloc(), in the thread that will use it, so that it is of its NUMA node; free().
 * For a memfd: vly_large_map(), in any thread; munmap().
 */
#ifndef VLY_DATAPLANE_LARGE_H
#define VLY_DATAPLANE_LARGE_H

#include <stddef.h>

/* Zeros, as many octets, rounded up to whole large pages; NULL: no memory. */
__attribute__((malloc, warn_unused_result)) void *vly_large_alloc(size_t bytes);

/*
 * Maps `bytes` octets of a memfd, not 0, for reading, and has the kernel copy their pages into
 * large ones (Linux 6.1 and later; whatever is set for huge pages of shared memory). What it has
 * none for stays as it is, and so do a memfd that is in huge pages already, and the last 2 MiB
 * unless they are whole. Blocks: up to a second for each GiB, in a virtual machine up to five.
 * Returns the mapping, or MAP_FAILED with errno.
 */
__attribute__((warn_unused_result)) void *vly_large_map(int fd, size_t bytes);

#endif
