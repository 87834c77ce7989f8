/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory on large pages, if the kernel has any (transparent huge pages): memory that is read in
 * random order for each packet then causes fewer TLB misses.
 *
 * Use: vly_large_alloc() in the thread that uses the memory, so that it is on its NUMA node;
 * free(). For a memfd: vly_large_map(), in any thread; vly_large_unmap().
 */
#ifndef VLY_DATAPLANE_LARGE_H
#define VLY_DATAPLANE_LARGE_H

#include <stddef.h>

/* Returns `bytes` zeroed octets, rounded up to whole large pages, or NULL: no memory. */
__attribute__((malloc, warn_unused_result)) void *vly_large_alloc(size_t bytes);

/*
 * Maps `bytes` (not 0) octets of a memfd for reading, and makes the kernel copy their pages into
 * large ones (Linux 6.1 and later, whatever the setting for huge pages of shared memory). Pages for
 * which the kernel has no large page stay as they are, and so do a memfd in huge pages, and what is
 * behind the last whole 2 MiB, unless that is more than half of a large page: then the rest of the
 * page is lost. Blocks: up to a second for each GiB, in a virtual machine up to five. Returns the
 * mapping, or MAP_FAILED with errno.
 */
__attribute__((warn_unused_result)) void *vly_large_map(int fd, size_t bytes);

/* Ends the mapping of a memfd of `bytes` octets. */
void vly_large_unmap(const void *block, size_t bytes);

#endif
