/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "defence.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <urcu-qsbr.h>

/* In force until volley-control says more: no limits, no lists, no cookies. Pages that nobody wrote
 * cost nothing. */
static struct vly_defence nothing_set;
static struct vly_defence *live = &nothing_set;

static const char *
check(const struct vly_defence *defence)
{
	if (defence->magic != VLY_DEFENCE_MAGIC)
		return "this is no defence block";
	if (defence->version != VLY_DEFENCE_VERSION)
		return "a defence block of another version";
	if (defence->total_bytes != sizeof(*defence))
		return "a defence block of another size";
	return NULL;
}

struct vly_defence *
vly_defence_map(int fd, const char **reason)
{
	const int seals_needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & seals_needed) != seals_needed || fstat(fd, &status) != 0) {
		*reason = "the defence block is not in a sealed memfd";
		return NULL;
	}
	if (status.st_size != sizeof(struct vly_defence)) {
		*reason = "the defence block has the wrong size";
		return NULL;
	}
	void *map = mmap(NULL, sizeof(struct vly_defence), PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		*reason = "the defence block can't be mapped";
		return NULL;
	}
	*reason = check(map);
	if (*reason == NULL)
		return map;
	munmap(map, sizeof(struct vly_defence));
	return NULL;
}

void
vly_defence_unmap(struct vly_defence *defence)
{
	munmap(defence, sizeof(*defence));
}

void
vly_defence_publish(struct vly_defence *defence)
{
	struct vly_defence *before = live;

	rcu_set_pointer(&live, defence);
	synchronize_rcu();
	if (before != &nothing_set)
		vly_defence_unmap(before);
}

const struct vly_defence *
vly_defence_live(void)
{
	return rcu_dereference(live);
}
