/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "large.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

void *
vly_large_alloc(size_t bytes)
{
	size_t whole = (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
	void *memory = aligned_alloc(LARGE_PAGE, whole);

	if (memory == NULL)
		return NULL;
	(void)madvise(memory, whole, MADV_HUGEPAGE); /* ordinary pages do as well, more slowly */
	return memset(memory, 0, bytes);
}
