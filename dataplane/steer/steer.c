/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <urcu-qsbr.h>

#include "common/steer_check.h"

static struct vly_steer *live;

/* Maps a memfd with these seals. Returns its octets, 0 at an error. */
static uint64_t
map_sealed(int fd, int seals_needed, const void **map)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & seals_needed) != seals_needed || fstat(fd, &status) != 0 ||
	    status.st_size <= 0)
		return 0;
	*map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	return *map == MAP_FAILED ? 0 : (uint64_t)status.st_size;
}

struct vly_steer *
vly_steer_map(int block_fd, int slot_fd, const char **reason)
{
	const void *block, *slot;
	uint64_t bytes = map_sealed(block_fd, VLY_STEER_SEALS, &block);
	uint64_t slot_bytes = map_sealed(slot_fd, VLY_STEER_SLOT_SEALS, &slot);
	struct vly_steer *steer = malloc(sizeof(*steer));

	*reason = bytes == 0 ? "the steering block is not in a sealed memfd, or cannot be mapped"
		  : slot_bytes == 0 ? "the slots are not in a sealed memfd, or cannot be mapped"
		  : steer == NULL   ? "no memory for steering"
				    : vly_steer_check(block, bytes, slot_bytes);
	if (*reason == NULL) {
		*steer = (struct vly_steer){block, slot, slot_bytes};
		return steer;
	}
	if (bytes != 0)
		munmap((void *)(uintptr_t)block, bytes);
	if (slot_bytes != 0)
		munmap((void *)(uintptr_t)slot, slot_bytes);
	free(steer);
	return NULL;
}

void
vly_steer_unmap(struct vly_steer *steer)
{
	if (steer == NULL)
		return;
	munmap((void *)(uintptr_t)steer->slot, steer->slot_bytes);
	munmap((void *)(uintptr_t)steer->block, steer->block->block_bytes);
	free(steer);
}

void
vly_steer_publish(struct vly_steer *steer)
{
	struct vly_steer *before = live;

	rcu_set_pointer(&live, steer);
	synchronize_rcu();
	vly_steer_unmap(before);
}

const struct vly_steer *
vly_steer_live(void)
{
	return rcu_dereference(live);
}
