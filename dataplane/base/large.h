/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory on large pages, if the kernel has any (transparent huge pages): memory that is read in
 * random order for each packet then causes fewer TLB misses.
 *
 * Use: vly_large_alloc() in the thread that uses the memory, so that it is on its NUMA node;
 * free(). For a memfd: vly_large_map(), then vly_large_copy_next() until there is no more, in any
 * thread, and vly_large_unmap().
 */
#ifndef VLY_DATAPLANE_LARGE_H
#define VLY_DATAPLANE_LARGE_H

#include <stdbool.h>
#include <stddef.h>

/* Returns `bytes` zeroed octets, rounded up to whole large pages, or NULL: no memory. */
__attribute__((malloc, warn_unused_result)) void *vly_large_alloc(size_t bytes);

/* Maps `bytes` (not 0) octets of a memfd for reading, at the start of a large page. Returns the mapping,
 * or MAP_FAILED with errno. */
__attribute__((warn_unused_result)) void *vly_large_map(int fd, size_t bytes);

/*
 * Makes the kernel copy the next pages of such a mapping, those behind *done_bytes (0 at first), into
 * a large one (Linux 6.1 and later, whatever the setting for huge pages of shared memory), and moves
 * *done_bytes. Pages for which the kernel has no large page stay as they are, and so do a memfd in
 * huge pages, and what is behind the last whole 2 MiB, unless that is more than half of a large page:
 * then the rest of the page is lost. Blocks: about a millisecond, in a virtual machine up to 20.
 * Threads that read these pages meanwhile wait as long as the copy takes. Returns whether there are
 * more.
 */
__attribute__((nonnull)) bool vly_large_copy_next(const void *block, size_t bytes,
						  size_t *done_bytes);

/* Ends the mapping of a memfd of `bytes` octets. */
void vly_large_unmap(const void *block, size_t bytes);

#endif
