/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An arena keeps its content and hands out zeroes while it grows from the heap to mappings. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
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

static int
open_on_disk(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	return fd;
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(arena, moves_to_the_disk)
{
	/* from the heap, and from a mapping */
	for (uint64_t bytes = 100; bytes <= 1000000; bytes *= 10000) {
		struct vly_arena arena;
		uint64_t off[PIECES];
		int fd = open_on_disk();

		cr_assert_eq(vly_arena_open(&arena, -1, 8), 0);
		uint64_t first = vly_arena_append(&arena, bytes, 8);
		memset(arena.base + first, 42, bytes);
		cr_assert_eq(vly_arena_move(&arena, fd), 0);
		cr_expect_eq(arena.base[first + bytes - 1], 42);
		fill(&arena, off);
		for (unsigned i = 0; i < 5; i++) { /* it grows, and nothing is lost */
			cr_assert_neq(vly_arena_append(&arena, 1 << 20, 8), 0);
			vly_arena_rest(&arena);
			cr_assert_eq(arena.base[first], 42);
			cr_assert_eq(arena.base[off[PIECES - 1]], (PIECES - 1) % 251 + 1);
		}
		vly_arena_close(&arena);
		cr_expect(!is_open(fd));
	}
}

Test(arena, a_file_without_room_leaves_it_as_it_was)
{
	struct vly_arena arena;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int full = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(fcntl(full, F_ADD_SEALS, F_SEAL_GROW), 0);
	cr_assert_eq(vly_arena_open(&arena, -1, 8), 0);
	uint64_t first = vly_arena_append(&arena, 8, 8);
	arena.base[first] = 42;
	cr_expect_eq(vly_arena_move(&arena, full), -1);
	cr_expect(is_open(full));
	cr_expect_eq(arena.base[first], 42);
	cr_assert_eq(vly_arena_move(&arena, fd), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	cr_expect_eq(vly_arena_append(&arena, 2 << 20, 8), 0);
	cr_expect_eq(errno, EPERM);
	cr_expect_eq(arena.base[first], 42);
	cr_expect_neq(vly_arena_append(&arena, 8, 8), 0);
	vly_arena_close(&arena);
	close(full);
}
