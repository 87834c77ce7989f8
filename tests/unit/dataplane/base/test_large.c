/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/large.h"

#define MIB ((size_t)1 << 20)

/* A memfd of that size, sealed as images are, in which each word tells its own place. */
static int
numbered_file(size_t bytes)
{
	int fd = memfd_create("numbered", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(ftruncate(fd, (off_t)bytes), 0);
	uint64_t *word = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(word, MAP_FAILED);
	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		word[i] = i;
	munmap(word, bytes);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

static bool
is_numbered(const uint64_t *word, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		if (word[i] != i)
			return false;
	return true;
}

/* What the kernel says of the mapping that begins at `block`: octets on large pages, and of the
 * whole. */
static size_t
large_bytes(const void *block, size_t *mapped_bytes)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	size_t large_kib = SIZE_MAX;
	char line[256];
	bool found = false;

	*mapped_bytes = 0;
	while (large_kib == SIZE_MAX && fgets(line, sizeof(line), file) != NULL) {
		uintptr_t begin, end;
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
			found = begin == (uintptr_t)block;
			if (found)
				*mapped_bytes = end - begin;
		} else if (found) {
			sscanf(line, "ShmemPmdMapped: %zu kB", &large_kib);
		}
	}
	fclose(file);
	cr_assert_neq(large_kib, SIZE_MAX);
	return large_kib << 10;
}

/* Whole large pages, and one more if more than half of it is used. */
static size_t
whole_large(size_t bytes)
{
	return bytes / (2 * MIB) * (2 * MIB) + (bytes % (2 * MIB) > MIB ? 2 * MIB : 0);
}

static size_t
mapping_bytes(size_t bytes)
{
	const size_t pages = (bytes + 4095) & ~(size_t)4095;

	return pages > whole_large(bytes) ? pages : whole_large(bytes);
}

/* All of it on large pages, one after the other. */
static void *
map(int fd, size_t bytes)
{
	void *block = vly_large_map(fd, bytes);
	size_t done_bytes = 0;

	cr_assert_neq(block, MAP_FAILED, "%zu octets: %s", bytes, strerror(errno));
	while (vly_large_copy_next(block, bytes, &done_bytes))
		cr_assert_lt(done_bytes, bytes);
	cr_expect_eq(done_bytes, whole_large(bytes), "%zu octets", bytes);
	return block;
}

static void
expect_mapped(size_t bytes, size_t large_expected)
{
	int fd = numbered_file(bytes);
	void *block = map(fd, bytes);
	size_t mapped;

	cr_expect(is_numbered(block, bytes), "%zu octets", bytes);
	cr_expect_eq(large_bytes(block, &mapped), large_expected, "%zu octets", bytes);
	cr_expect_eq(mapped, mapping_bytes(bytes), "%zu octets", bytes);
	cr_expect_eq((uintptr_t)block % (2 * MIB), 0);
	vly_large_unmap(block, bytes);
	close(fd);
}

static bool
kernel_collapses(void)
{
	enum { COLLAPSE = 25 };
	size_t bytes = 4 * MIB;
	uint8_t *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(memory, 1, bytes);
	bool does = madvise(memory, bytes, COLLAPSE) == 0;
	munmap(memory, bytes);
	return does;
}

Test(large, map_has_the_files_content)
{
	static const size_t sizes[] = {8,           4096,    4104,         MIB,     MIB + 8,
				       2 * MIB - 8, 2 * MIB, 5 * MIB + 64, 40 * MIB};
	bool collapses = kernel_collapses();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		expect_mapped(sizes[i], collapses ? whole_large(sizes[i]) : 0);
}

static size_t
address_space_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	cr_assert_eq(fscanf(file, "%zu", &pages), 1);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

Test(large, map_leaves_no_address_space_behind)
{
	enum { TIMES = 100 };
	int fd = numbered_file(4096);
	size_t before = address_space_bytes();

	for (unsigned i = 0; i < TIMES; i++) {
		void *block = vly_large_map(fd, 4096);
		cr_assert_neq(block, MAP_FAILED);
		vly_large_unmap(block, 4096);
		cr_assert_eq(vly_large_map(-1, 4096), MAP_FAILED);
	}
	cr_expect_lt(address_space_bytes(), before + TIMES * MIB / 2);
	close(fd);
}

/* The kernel refuses: ordinary pages do as well. */
Test(large, map_does_without_large_pages)
{
	cr_assert_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
	expect_mapped(5 * MIB, 0);
}

Test(large, map_says_what_is_wrong)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	errno = 0;
	cr_expect_eq(vly_large_map(fd, 4096), MAP_FAILED);
	cr_expect_eq(errno, ENODEV);
	close(fd);
	cr_expect_eq(vly_large_map(-1, 4096), MAP_FAILED);
	cr_expect_eq(errno, EBADF);
}

Test(large, allocation_is_zeroed)
{
	uint64_t *memory = vly_large_alloc(3 * MIB);

	cr_assert_not_null(memory);
	for (size_t i = 0; i < 3 * MIB / sizeof(*memory); i++)
		cr_assert_eq(memory[i], 0);
	free(memory);
}
