/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/counters.h"

Test(counters, shared_and_sealed)
{
	struct vly_counters_block block;

	cr_assert_eq(vly_counters_create(&block, 3, 2, 1), 0);
	const struct vly_counters *reader =
		mmap(NULL, block.counters->total_bytes, PROT_READ, MAP_SHARED, block.read_fd, 0);
	cr_assert_neq(reader, MAP_FAILED);
	cr_expect_eq(reader->magic, VLY_COUNTERS_MAGIC);
	cr_expect_eq(reader->lcore_cnt, 3);
	cr_expect_eq(reader->port_cnt, 2);
	cr_expect_eq(reader->stream_cnt, 1);

	cr_assert_eq(reader->ring_cnt, 5);

	struct vly_sample_ring *last = vly_counters_ring(block.counters, 4);
	cr_expect_eq((uint8_t *)(last + 1), (uint8_t *)block.counters + reader->total_bytes);
	vly_counters_lcore(block.counters, 2)->rx_packets = 5;
	cr_expect_eq(vly_counters_lcore((struct vly_counters *)(uintptr_t)reader, 2)->rx_packets,
		     5);
	vly_counters_destroy(&block);
}

/* Whoever gets the descriptor can neither write nor resize, nor open it anew for that. */
Test(counters, read_only)
{
	struct vly_counters_block block;
	char path[32];

	cr_assert_eq(vly_counters_create(&block, 1, 1, 0), 0);
	cr_expect_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, block.read_fd, 0),
		     MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", block.read_fd);
	int fd = open(path, O_RDWR);
	if (fd >= 0) {
		cr_expect_eq(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
			     MAP_FAILED);
		cr_expect_lt(write(fd, "x", 1), 0);
		cr_expect_lt(ftruncate(fd, 1), 0);
		close(fd);
	}
	vly_counters_destroy(&block);
}
