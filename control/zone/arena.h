/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An arena: one growing block of zeroed memory, freed as a whole; unless it is small, it goes back
 * to the system then. Things in it are named by refs (multiples of 8 octets), as the block may move
 * whenever it grows. Anonymous, or in a file such as a memfd. Not for use by several threads at
 * once.
 */
#ifndef VLY_CONTROL_ARENA_H
#define VLY_CONTROL_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VLY_ARENA_REF_BYTES 8

typedef uint32_t vly_arena_ref; /* 0: none */

struct vly_arena {
	uint8_t *base;
	uint64_t used;
	uint64_t size;
	int fd;       /* -1: anonymous */
	bool is_file; /* on disk: vly_arena_move() */
};

/* Opens an arena on `fd` (-1: anonymous), whose file becomes the arena's content; the fd stays the
 * caller's. Its first `reserve_bytes` octets are set aside. Returns 0, or -1 with errno set. */
__attribute__((nonnull, warn_unused_result)) int vly_arena_open(struct vly_arena *arena, int fd,
								uint64_t reserve_bytes);

/* Moves an anonymous arena into a file, which is the arena's from then on, and has nothing but what is
 * written to it. All of it has room on the disk, so that writing to it does not fail. Returns 0; or -1 with
 * errno, and the arena is as it was and the fd the caller's. */
__attribute__((nonnull, warn_unused_result)) int vly_arena_move(struct vly_arena *arena, int fd);

/* Takes no memory of the process any more, until it is read or written again, if it is on disk. The
 * kernel may write it there, and use its memory otherwise. */
__attribute__((nonnull)) void vly_arena_rest(const struct vly_arena *arena);

/* Appends room for `bytes` octets at a multiple of `align` (a power of two of at least 8); returns
 * its offset, or 0 with errno set to ENOMEM or EFBIG (refs reach 32 GiB), or to what has happened to the
 * file. */
__attribute__((nonnull, warn_unused_result)) uint64_t
vly_arena_append(struct vly_arena *arena, uint64_t bytes, uint64_t align);

/* Forgets all that was appended since `used` was noted, and zeroes it. */
__attribute__((nonnull)) void vly_arena_rewind(struct vly_arena *arena, uint64_t used);

__attribute__((nonnull)) void vly_arena_close(struct vly_arena *arena);

/* A zeroed block; unless it is small, one of its own that is given back to the system when it is
 * freed. Returns NULL when there is no memory. */
__attribute__((warn_unused_result)) void *vly_pages_alloc(uint64_t bytes);

/* Gives back all `bytes` of a block, or nothing when it is NULL. */
void vly_pages_free(void *block, uint64_t bytes);

static inline void *
vly_arena_at(const struct vly_arena *arena, vly_arena_ref ref)
{
	return arena->base + (uint64_t)ref * VLY_ARENA_REF_BYTES;
}

#endif
