/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An arena keeps its content and hands out zeroes while it grows from the heap to mappings. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "zone/arena.h"

#define PIECES 4000

static void
expect_zero(const struct vly_arena *arena, uint64_t off, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		cr_assert_eq(arena->base[off + i], 0, "octet %llu", (unsigned long long)(off + i));
}

static void
fill(struct vly_arena *arena, uint64_t *off)
{
	for (unsigned i = 0; i < PIECES; i++) {
		unsigned bytes = 1 + i % 200;
		off[i] = vly_arena_append(arena, bytes, 8);
		cr_assert_neq(off[i], 0);
		cr_assert_eq(off[i] % 8, 0);
		expect_zero(arena, off[i], bytes);
		memset(arena->base + off[i], (int)(i % 251 + 1), bytes);
	}
	for (unsigned i = 0; i < PIECES; i++)
		for (unsigned j = 0; j < 1 + i % 200; j++)
			cr_assert_eq(arena->base[off[i] + j], i % 251 + 1, "piece %u", i);
}

Test(arena, grows_in_memory)
{
	struct vly_arena arena;
	uint64_t off[PIECES];

	cr_assert_eq(vly_arena_open(&arena, -1, 8), 0);
	fill(&arena, off);
	vly_arena_rewind(&arena, 8);
	fill(&arena, off);
	vly_arena_close(&arena);
	vly_arena_close(&arena);
}

Test(arena, grows_in_a_file)
{
	struct vly_arena arena;
	uint64_t off[PIECES];
	uint8_t octet;
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	cr_assert_eq(vly_arena_open(&arena, fd, 8), 0);
	fill(&arena, off);
	vly_arena_close(&arena);
	cr_expect_eq(pread(fd, &octet, 1, (off_t)off[PIECES - 1]), 1);
	cr_expect_eq(octet, (PIECES - 1) % 251 + 1);
	close(fd);
}

/* In one step from the smallest to each size. */
Test(arena, takes_a_large_piece_at_once)
{
	for (uint64_t bytes = 1; bytes < UINT64_C(1) << 22; bytes *= 2) {
		struct vly_arena arena;
		cr_assert_eq(vly_arena_open(&arena, -1, 8), 0);
		uint64_t first = vly_arena_append(&arena, 8, 8);
		memset(arena.base + first, 7, 8);
		uint64_t off = vly_arena_append(&arena, bytes, 8);
		cr_assert_neq(off, 0);
		cr_expect_eq(arena.base[first], 7);
		expect_zero(&arena, off, bytes);
		vly_arena_close(&arena);
	}
}

Test(arena, pages_of_all_sizes_are_zero)
{
	for (uint64_t bytes = 8; bytes < UINT64_C(1) << 20; bytes *= 2) {
		struct vly_arena block = {.base = vly_pages_alloc(bytes)};
		cr_assert_not_null(block.base);
		expect_zero(&block, 0, bytes);
		memset(block.base, 1, bytes);
		vly_pages_free(block.base, bytes);
	}
	vly_pages_free(NULL, 0);
	vly_pages_free(NULL, 1 << 20);
}
