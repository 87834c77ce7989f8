/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "large.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LARGE_PAGE ((size_t)2 << 20)

/* Since Linux 6.1; older kernels return an error and leave the pages as they are. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static size_t
round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

void *
vly_large_alloc(size_t bytes)
{
	size_t whole = round_up(bytes, LARGE_PAGE);
	void *memory = aligned_alloc(LARGE_PAGE, whole);

	if (memory == NULL)
		return NULL;
	(void)madvise(memory, whole, MADV_HUGEPAGE); /* ordinary pages work, too, more slowly */
	return memset(memory, 0, bytes);
}

/* The octets at the beginning that become large pages: with the last one if more than half of it is
 * used. */
static size_t
collapsed_bytes(size_t bytes)
{
	return (bytes + LARGE_PAGE / 2 - 1) / LARGE_PAGE * LARGE_PAGE;
}

/* The octets of address space for a file: a large page can be made of whole ones alone. What is
 * behind the end of the file is never read. */
static size_t
mapping_bytes(size_t bytes)
{
	const size_t whole = round_up(bytes, (size_t)sysconf(_SC_PAGESIZE));
	const size_t collapsed = collapsed_bytes(bytes);

	return whole > collapsed ? whole : collapsed;
}

/* Inside a larger reservation of address space: the kernel itself aligns only files that it would put
 * on large pages by default. */
void *
vly_large_map(int fd, size_t bytes)
{
	size_t whole = mapping_bytes(bytes);
	uint8_t *space =
		mmap(NULL, whole + LARGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (space == MAP_FAILED)
		return MAP_FAILED;
	size_t before = round_up((uintptr_t)space, LARGE_PAGE) - (uintptr_t)space;
	void *block = mmap(space + before, whole, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	if (block == MAP_FAILED) {
		int saved = errno;
		munmap(space, whole + LARGE_PAGE);
		errno = saved;
		return MAP_FAILED;
	}
	if (before > 0)
		munmap(space, before);
	munmap(space + before + whole, LARGE_PAGE - before);
	return block;
}

/*
 * While the kernel copies, nothing else runs on our CPU: a millisecond for each page, but ten if a
 * hypervisor first has to find memory for it. So a large page is allocated and freed before: while
 * it is zeroed, other threads can run, and the kernel then copies into the page that was freed
 * last.
 */
static void
find_memory(void)
{
	const size_t bytes = 2 * LARGE_PAGE; /* a large page is somewhere in it */
	void *space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (space == MAP_FAILED)
		return;
	volatile uint8_t *page = (void *)round_up((uintptr_t)space, LARGE_PAGE);
	(void)madvise((void *)page, LARGE_PAGE, MADV_HUGEPAGE);
	*page = 0;
	munmap(space, bytes);
}

bool
vly_large_copy_next(const void *block, size_t bytes, size_t *done_bytes)
{
	const size_t end = collapsed_bytes(bytes);

	if (*done_bytes >= end)
		return false;
	find_memory();
	/* EAGAIN: this page was in use; the others may not be */
	if (madvise((uint8_t *)(uintptr_t)block + *done_bytes, LARGE_PAGE, MADV_COLLAPSE) == 0 ||
	    errno == EAGAIN)
		*done_bytes += LARGE_PAGE;
	else
		*done_bytes = end;
	return *done_bytes < end;
}

void
vly_large_unmap(const void *block, size_t bytes)
{
	munmap((void *)(uintptr_t)block, mapping_bytes(bytes));
}
