/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"

/* Up to here an arena without a file is on the heap. It begins with a page: a zone of eight records
 * fits, and the allocator has that at hand. With a mapping for each, a small zone costs six system
 * calls more. */
#define HEAP_BYTES_FIRST (UINT64_C(1) << 12)
#define HEAP_BYTES_MAX   (UINT64_C(1) << 15)

#define MAPPED_BYTES_FIRST (UINT64_C(1) << 16)

/* Growing steps double up to here: beyond, doubling would commit too much file space at once. */
#define STEP_BYTES_MAX (UINT64_C(1) << 28)

/* On disk a step is an eighth, within these bounds: what is not used of it is room that others lack. */
#define FILE_STEP_BYTES_MIN (UINT64_C(1) << 20)
#define FILE_STEP_BYTES_MAX (UINT64_C(64) << 20)

#define BYTES_MAX (UINT64_C(1) << 35) /* the reach of 32-bit refs to 8 octets */

/* Neither here nor for arenas are transparent huge pages asked for: they save 0.3 s/GB of page
 * faults, but cost 0.9 s/GB and more in a virtual machine that gives its free memory back to the
 * host. */
void *
vly_pages_alloc(uint64_t bytes)
{
	if (bytes <= HEAP_BYTES_MAX)
		return calloc(1, bytes);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

void
vly_pages_free(void *block, uint64_t bytes)
{
	if (bytes <= HEAP_BYTES_MAX)
		free(block);
	else if (block != NULL)
		munmap(block, bytes);
}

static bool
is_on_heap(const struct vly_arena *arena)
{
	return arena->fd < 0 && arena->size <= HEAP_BYTES_MAX;
}

int
vly_arena_open(struct vly_arena *arena, int fd, uint64_t reserve_bytes)
{
	*arena = (struct vly_arena){.used = reserve_bytes, .fd = fd};
	if (fd < 0) {
		arena->size = HEAP_BYTES_FIRST;
		arena->base = vly_pages_alloc(arena->size);
		return arena->base != NULL ? 0 : -1;
	}
	arena->size = MAPPED_BYTES_FIRST;
	if (ftruncate(fd, (off_t)arena->size) != 0)
		return -1;
	arena->base = mmap(NULL, arena->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (arena->base == MAP_FAILED) {
		arena->base = NULL;
		return -1;
	}
	return 0;
}

/* From the heap to a larger block of it, or to a mapping. */
static void *
move(const struct vly_arena *arena, uint64_t size)
{
	uint8_t *base = vly_pages_alloc(size);

	if (base == NULL)
		return NULL;
	memcpy(base, arena->base, arena->used);
	free(arena->base);
	return base;
}

static uint64_t
step(const struct vly_arena *arena, uint64_t size)
{
	if (!arena->is_file)
		return size < STEP_BYTES_MAX ? size : STEP_BYTES_MAX;
	if (size / 8 < FILE_STEP_BYTES_MIN)
		return FILE_STEP_BYTES_MIN;
	return size / 8 < FILE_STEP_BYTES_MAX ? size / 8 & ~(FILE_STEP_BYTES_MIN - 1)
					      : FILE_STEP_BYTES_MAX;
}

/* Gives a file on disk room. Without, a write to a hole would end the program on a full disk. */
static int
reserve_file(int fd, uint64_t from, uint64_t to)
{
	errno = posix_fallocate(fd, (off_t)from, (off_t)(to - from));
	return errno == 0 ? 0 : -1;
}

static int
grow(struct vly_arena *arena, uint64_t bytes)
{
	uint64_t size = arena->size;
	void *base;

	if (bytes > BYTES_MAX) {
		errno = EFBIG;
		return -1;
	}
	while (size < bytes)
		size += step(arena, size);
	if (arena->is_file && reserve_file(arena->fd, arena->size, size) != 0)
		return -1;
	if (is_on_heap(arena)) {
		base = move(arena, size);
	} else {
		if (arena->fd >= 0 && !arena->is_file && ftruncate(arena->fd, (off_t)size) != 0)
			return -1;
		base = mremap(arena->base, arena->size, size, MREMAP_MAYMOVE);
		base = base == MAP_FAILED ? NULL : base;
	}
	if (base == NULL)
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

int
vly_arena_move(struct vly_arena *arena, int fd)
{
	const uint64_t size = (arena->used | (FILE_STEP_BYTES_MIN - 1)) + 1;

	if (reserve_file(fd, 0, size) != 0)
		return -1;
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -1;
	memcpy(base, arena->base, arena->used);
	vly_arena_close(arena);
	*arena = (struct vly_arena){
		.base = base, .used = arena->used, .size = size, .fd = fd, .is_file = true};
	return 0;
}

void
vly_arena_rest(const struct vly_arena *arena)
{
	if (arena->is_file)
		madvise(arena->base, arena->size, MADV_DONTNEED);
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
	if (is_on_heap(arena))
		free(arena->base);
	else if (arena->base != NULL)
		munmap(arena->base, arena->size);
	if (arena->is_file && arena->base != NULL)
		close(arena->fd);
	arena->base = NULL;
}
