/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counters_map.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Far above any machine's; keeps the sum of sizes from wrapping. */
#define PARTS_MAX 65536

static const char *
check_counters(const struct vly_counters *counters, uint64_t file_bytes)
{
	if (counters->magic != VLY_COUNTERS_MAGIC)
		return "the memfd does not hold counters";
	if (counters->version != VLY_COUNTERS_VERSION)
		return "the counters have another version";
	if (counters->lcore_bytes != sizeof(struct vly_lcore_counters) ||
	    counters->port_bytes != sizeof(struct vly_port_counters) ||
	    counters->stream_bytes != sizeof(struct vly_stream_counters) ||
	    counters->ring_bytes != sizeof(struct vly_sample_ring))
		return "the counters have another layout";
	if (counters->lcore_cnt > PARTS_MAX || counters->port_cnt > PARTS_MAX ||
	    counters->stream_cnt > PARTS_MAX || counters->ring_cnt > PARTS_MAX)
		return "the counters have too many lcores, ports or threads";
	uint64_t bytes = sizeof(*counters) +
			 (uint64_t)counters->lcore_cnt * sizeof(struct vly_lcore_counters) +
			 (uint64_t)counters->port_cnt * sizeof(struct vly_port_counters) +
			 (uint64_t)counters->stream_cnt * sizeof(struct vly_stream_counters) +
			 (uint64_t)counters->ring_cnt * sizeof(struct vly_sample_ring);
	if (counters->total_bytes != file_bytes || bytes > file_bytes)
		return "the size of the counters does not match their number";
	return NULL;
}

struct vly_counters *
vly_counters_map(int fd, const char **reason)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	/* a file that can shrink could take the pages away under the reader */
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &status) < 0) {
		*reason = "the counters are not in a memfd sealed against shrinking";
		return NULL;
	}
	if ((uint64_t)status.st_size < sizeof(struct vly_counters)) {
		*reason = "the counters are too short";
		return NULL;
	}
	void *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		*reason = "the counters could not be mapped";
		return NULL;
	}
	*reason = check_counters(at, (uint64_t)status.st_size);
	if (!*reason)
		return at;
	munmap(at, (size_t)status.st_size);
	return NULL;
}

void
vly_counters_unmap(struct vly_counters *counters)
{
	if (counters)
		munmap(counters, counters->total_bytes);
}
