/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"

/* The first mapping: a small zone fits, and a million builders' worth of them would still be
 * cheap. */
#define FIRST_BYTES (UINT64_C(1) << 16)

/* Growing steps double up to here: beyond, doubling would commit too much file space at once. */
#define STEP_BYTES_MAX (UINT64_C(1) << 28)

#define BYTES_MAX (UINT64_C(1) << 35) /* the reach of 32-bit refs to 8 octets */

/* Neither here nor for arenas are transparent huge pages asked for: they save 0.3 s/GB of page
 * faults, but cost 0.9 s/GB and more in a virtual machine that gives its free memory back to the
 * host. */
void *
vly_pages_alloc(uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void
vly_pages_free(void *block, uint64_t bytes)
{
	if (block != NULL)
		munmap(block, bytes);
}

int
vly_arena_open(struct vly_arena *arena, int fd, uint64_t reserve_bytes)
{
	int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	*arena = (struct vly_arena){.used = reserve_bytes, .size = FIRST_BYTES, .fd = fd};
	if (fd >= 0 && ftruncate(fd, (off_t)arena->size) != 0)
		return -1;
	arena->base = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (arena->base == MAP_FAILED) {
		arena->base = NULL;
		return -1;
	}
	return 0;
}

static int
grow(struct vly_arena *arena, uint64_t bytes)
{
	uint64_t size = arena->size;

	if (bytes > BYTES_MAX) {
		errno = EFBIG;
		return -1;
	}
	while (size < bytes)
		size += size < STEP_BYTES_MAX ? size : STEP_BYTES_MAX;
	if (arena->fd >= 0 && ftruncate(arena->fd, (off_t)size) != 0)
		return -1;
	void *base = mremap(arena->base, arena->size, size, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return -1;
	arena->base = base;
	arena->size = size;
	return 0;
}

uint64_t
vly_arena_append(struct vly_arena *arena, uint64_t bytes, uint64_t align)
{
	uint64_t off = (arena->used + align - 1) & ~(align - 1);

	if (off + bytes > arena->size && grow(arena, off + bytes) != 0)
		return 0;
	arena->used = off + bytes;
	return off;
}

void
vly_arena_rewind(struct vly_arena *arena, uint64_t used)
{
	memset(arena->base + used, 0, arena->used - used);
	arena->used = used;
}

void
vly_arena_close(struct vly_arena *arena)
{
	if (arena->base != NULL)
		munmap(arena->base, arena->size);
	arena->base = NULL;
}
