/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The descriptor for control can be used neither to write nor to reopen the memfd for writing. */
static int
seal_and_reopen(int fd)
{
	char path[32];

	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void
fill_header(struct vly_counters *counters, uint32_t total, uint32_t lcore_cnt, uint32_t port_cnt,
	    uint32_t stream_cnt)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	counters->magic = VLY_COUNTERS_MAGIC;
	counters->version = VLY_COUNTERS_VERSION;
	counters->total_bytes = total;
	counters->lcore_cnt = lcore_cnt;
	counters->port_cnt = port_cnt;
	counters->lcore_bytes = sizeof(struct vly_lcore_counters);
	counters->port_bytes = sizeof(struct vly_port_counters);
	counters->stream_cnt = stream_cnt;
	counters->stream_bytes = sizeof(struct vly_stream_counters);
	counters->ring_cnt = lcore_cnt + 1 + stream_cnt;
	counters->ring_bytes = sizeof(struct vly_sample_ring);
	counters->start_unix_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int
vly_counters_create(struct vly_counters_block *block, uint32_t lcore_cnt, uint32_t port_cnt,
		    uint32_t stream_cnt)
{
	uint32_t total = (uint32_t)(sizeof(struct vly_counters) +
				    lcore_cnt * sizeof(struct vly_lcore_counters) +
				    port_cnt * sizeof(struct vly_port_counters) +
				    stream_cnt * sizeof(struct vly_stream_counters) +
				    (lcore_cnt + 1 + stream_cnt) * sizeof(struct vly_sample_ring));
	int fd = memfd_create("volley-counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;

	void *map = MAP_FAILED;
	if (ftruncate(fd, total) == 0)
		map = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	block->read_fd = map == MAP_FAILED ? -1 : seal_and_reopen(fd);
	int error = errno;
	close(fd);
	if (block->read_fd < 0) {
		if (map != MAP_FAILED)
			munmap(map, total);
		return -error;
	}
	block->counters = map;
	fill_header(block->counters, total, lcore_cnt, port_cnt, stream_cnt);
	return 0;
}

void
vly_counters_destroy(struct vly_counters_block *block)
{
	close(block->read_fd);
	munmap(block->counters, block->counters->total_bytes);
}
