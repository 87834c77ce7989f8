/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The slots in shared memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "steer_block.h"

/* Returns the memfd with its size set and its mapping in *slot; or -1 with errno. */
static int
open_slots(uint32_t cnt, uint16_t **slot)
{
	const size_t bytes = cnt * sizeof(**slot);
	int fd = memfd_create("volley-slots", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	*slot = MAP_FAILED;
	if (ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, VLY_STEER_SLOT_SEALS) == 0)
		*slot = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*slot != MAP_FAILED)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct vly_steer_slots *
vly_steer_slots_make(struct vly_steer_block *block, struct vly_steer_model *model, int *fd)
{
	struct vly_steer_slots *slots = calloc(1, sizeof(*slots));

	if (!slots)
		return NULL;
	slots->outcome = calloc(block->row_cnt + 1, sizeof(*slots->outcome));
	*fd = slots->outcome ? open_slots(block->slot_cnt, &slots->slot) : -1;
	if (*fd < 0) {
		free(slots->outcome);
		free(slots);
		return NULL;
	}
	slots->model = vly_steer_model_get(model);
	slots->row = block->row;
	slots->row_cnt = block->row_cnt;
	slots->slot_cnt = block->slot_cnt;
	block->row = NULL;
	return slots;
}

static bool
have_same_pools(const struct vly_steer_model *a, const struct vly_steer_way *left,
		const struct vly_steer_model *b, const struct vly_steer_way *right)
{
	for (unsigned i = 0; i < left->cnt && left->cnt == right->cnt; i++)
		if (strcmp(a->config->pools[left->pool[i]].name,
			   b->config->pools[right->pool[i]].name) != 0)
			return false;
	return left->cnt == right->cnt;
}

/* Copies a row of the same kind, and of a class with the same pools, if there is one. */
static bool
copy_row(struct vly_steer_slots *slots, const struct vly_steer_kind *kind, uint32_t class,
	 const struct vly_steer_slots *before)
{
	const struct vly_steer_row *row = &slots->row[kind->row + class];

	for (unsigned i = 0; before && before->is_filled && i < before->model->kind_cnt; i++) {
		const struct vly_steer_kind *old = &before->model->kind[i];
		const uint32_t class_cnt = before->model->policy[old->policy].class_cnt;
		if (old->key != kind->key || class >= class_cnt ||
		    before->row[old->row + class].bits != row->bits ||
		    !have_same_pools(slots->model, &slots->model->policy[kind->policy].way[class],
				     before->model, &before->model->policy[old->policy].way[class]))
			continue;
		memcpy(slots->slot + row->slot, before->slot + before->row[old->row + class].slot,
		       (size_t)2 << row->bits);
		return true;
	}
	return false;
}

void
vly_steer_slots_fill(struct vly_steer_slots *slots, const uint8_t *flags,
		     const struct vly_steer_slots *before)
{
	const struct vly_steer_model *model = slots->model;

	for (unsigned i = 0; i < model->kind_cnt; i++) {
		const struct vly_steer_kind *kind = &model->kind[i];
		for (uint32_t class = 0; class < model->policy[kind->policy].class_cnt; class ++) {
			const unsigned place = kind->row + class;
			const bool is_new =
				!slots->is_filled && !copy_row(slots, kind, class, before);
			slots->outcome[place] = vly_steer_row_fill(
				model, kind, class, slots->row[place].bits, flags, is_new,
				slots->slot + slots->row[place].slot);
		}
	}
	slots->is_filled = true;
}

void
vly_steer_slots_free(struct vly_steer_slots *slots)
{
	if (!slots)
		return;
	munmap(slots->slot, slots->slot_cnt * sizeof(*slots->slot));
	vly_steer_model_put(slots->model);
	free(slots->row);
	free(slots->outcome);
	free(slots);
}
