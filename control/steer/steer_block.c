/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steer_block.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/seal.h"

/* A block in the making. */
struct making {
	const struct vly_steer_model *model;
	const struct vly_steer_maps *maps;
	struct vly_steer_header head;
	struct vly_steer_map *place; /* [head.map_cnt] */
	unsigned *map_of;            /* [partition_cnt]: its number; VLY_STEER_NO_MAP */
	struct vly_built_map resolvers;
	bool has_resolvers;
};

static uint64_t
align(uint64_t off)
{
	return (off + VLY_STEER_ALIGN - 1) / VLY_STEER_ALIGN * VLY_STEER_ALIGN;
}

/* The map of resolvers that may send client subnets: class 1. */
static int
build_resolvers(struct making *making)
{
	static const uint32_t class_of[] = {0, 1};
	const struct vly_prefix_list *allowed = &making->model->config->ecs->allowed;
	struct vly_region_list list = {0};
	struct vly_region_twins twins;
	struct vly_partition partition;
	struct vly_prefix_list sorted = {0};
	int result = 0;

	for (size_t i = 0; i < allowed->cnt && result == 0; i++)
		result = vly_prefix_list_add(&sorted, &allowed->rule[i]);
	if (result == 0)
		result = vly_prefix_list_settle(&sorted); /* none twice */
	if (result == 0 && vly_region_number(&list.names, "allowed") != 1)
		result = -1;
	for (size_t i = 0; i < sorted.cnt && result == 0; i++) {
		enum vly_family family;
		struct vly_region_prefix prefix = vly_region_prefix_of(&sorted.rule[i], &family);
		prefix.region = 1;
		result = vly_region_list_add(&list, family, &prefix);
	}
	if (result == 0)
		result = vly_region_list_settle(&list, &twins);
	if (result == 0)
		result = vly_partition_make(&partition, &list);
	if (result == 0) {
		result = vly_client_map_build(&making->resolvers, &partition, class_of, 2);
		making->has_resolvers = result == 0;
		vly_partition_free(&partition);
	}
	vly_prefix_list_free(&sorted);
	vly_region_list_free(&list);
	return result;
}

/* Places the maps behind each other. */
static void
place_maps(struct making *making)
{
	struct vly_steer_header *head = &making->head;
	uint64_t off = align(head->map_off +
			     (making->maps->cnt + 1) * (uint64_t)sizeof(struct vly_steer_map));

	head->resolver_map = VLY_STEER_NO_MAP;
	for (unsigned i = 0; i < making->maps->cnt; i++) {
		making->map_of[i] = VLY_STEER_NO_MAP;
		if (!making->maps->block[i])
			continue;
		const uint64_t bytes = vly_built_map_bytes(&making->maps->block[i]->map);
		making->map_of[i] = head->map_cnt;
		making->place[head->map_cnt++] = (struct vly_steer_map){off, bytes};
		off = align(off + bytes);
	}
	if (making->has_resolvers) {
		const uint64_t bytes = vly_built_map_bytes(&making->resolvers);
		head->resolver_map = head->map_cnt;
		making->place[head->map_cnt++] = (struct vly_steer_map){off, bytes};
		off = align(off + bytes);
	}
	head->block_bytes = off;
}

static void
lay_out(struct making *making, uint64_t generation)
{
	const struct vly_steer_model *model = making->model;
	struct vly_steer_header *head = &making->head;

	*head = (struct vly_steer_header){
		.magic = VLY_STEER_MAGIC,
		.version = VLY_STEER_VERSION,
		.header_bytes = sizeof(*head),
		.generation = generation,
		.policy_slot_cnt = 2,
		.row_cnt = model->row_cnt,
		.ecs = model->config->ecs->is_on,
		.policy_off = align(sizeof(*head)),
	};
	while (head->policy_slot_cnt < 2 * model->kind_cnt + 1)
		head->policy_slot_cnt *= 2;
	head->row_off = align(head->policy_off +
			      head->policy_slot_cnt * (uint64_t)sizeof(struct vly_steer_policy));
	head->map_off =
		align(head->row_off + head->row_cnt * (uint64_t)sizeof(struct vly_steer_row));
	place_maps(making);
}

/* The rows of all kinds, one behind the other. Returns 0, or -1 with the reason. */
static int
make_rows(const struct vly_steer_model *model, struct vly_steer_block *block,
	  char reason[VLY_REASON_BYTES])
{
	uint64_t slot = 0;

	block->row_cnt = model->row_cnt;
	block->row = calloc(model->row_cnt + 1, sizeof(*block->row));
	snprintf(reason, VLY_REASON_BYTES, "out of memory");
	for (unsigned i = 0; block->row && i < model->kind_cnt; i++) {
		const struct vly_steer_kind *kind = &model->kind[i];
		for (uint32_t class = 0; class < model->policy[kind->policy].class_cnt; class ++) {
			struct vly_steer_row *row = &block->row[kind->row + class];
			*row = vly_steer_row_of(model, kind, class);
			row->slot = (uint32_t)slot;
			slot += UINT64_C(1) << row->bits;
		}
	}
	block->slot_cnt = slot > 0 ? (uint32_t)slot : 1;
	if (block->row && slot <= UINT32_MAX)
		return 0;
	if (block->row)
		snprintf(reason, VLY_REASON_BYTES,
			 "policies have too many classes of clients and members: more than "
			 "4294967295 slots");
	free(block->row);
	return -1;
}

static void
write_policy(const struct making *making, const struct vly_steer_kind *kind,
	     const struct vly_steer_row *row, struct vly_steer_policy *table)
{
	const struct vly_steer_policy_plan *plan = &making->model->policy[kind->policy];
	const uint32_t mask = making->head.policy_slot_cnt - 1;
	const uint32_t map =
		plan->partition == UINT_MAX ? VLY_STEER_NO_MAP : making->map_of[plan->partition];
	const uint32_t class_cnt = map == VLY_STEER_NO_MAP ? 1 : plan->class_cnt;
	bool uses_client = map != VLY_STEER_NO_MAP;
	uint32_t at = (uint32_t)kind->key & mask;

	for (uint32_t i = 0; i < class_cnt; i++)
		uses_client |= row[kind->row + i].method == VLY_STEER_STICKY;
	while (table[at].key != 0)
		at = (at + 1) & mask;
	table[at] = (struct vly_steer_policy){
		.key = kind->key,
		.map = map,
		.class_cnt = class_cnt,
		.row = kind->row,
		.flags = uses_client ? VLY_STEER_USES_ECS : 0,
	};
}

static void
write_block(const struct making *making, const struct vly_steer_block *block, uint8_t *to)
{
	const struct vly_steer_header *head = &making->head;
	const struct vly_steer_model *model = making->model;

	for (unsigned i = 0; i < model->kind_cnt; i++)
		write_policy(making, &model->kind[i], block->row, (void *)(to + head->policy_off));
	if (head->row_cnt > 0)
		memcpy(to + head->row_off, block->row, head->row_cnt * sizeof(*block->row));
	if (head->map_cnt > 0)
		memcpy(to + head->map_off, making->place, head->map_cnt * sizeof(*making->place));
	for (unsigned i = 0; i < making->maps->cnt; i++)
		if (making->map_of[i] != VLY_STEER_NO_MAP)
			vly_built_map_write(&making->maps->block[i]->map,
					    to + making->place[making->map_of[i]].off);
	if (making->has_resolvers)
		vly_built_map_write(&making->resolvers, to + making->place[head->resolver_map].off);
	struct vly_steer_header *header = (void *)to;
	*header = *head;
	header->slot_cnt = block->slot_cnt;
	header->checksum = XXH3_64bits(to + sizeof(*head), head->block_bytes - sizeof(*head));
}

/* Returns the sealed memfd, or -1 with errno. */
static int
make_memfd(const struct making *making, const struct vly_steer_block *block)
{
	const uint64_t bytes = making->head.block_bytes;
	int fd = memfd_create("volley-steer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint8_t *to = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
		to = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (to != MAP_FAILED) {
		write_block(making, block, to);
		munmap(to, bytes);
		if (vly_seal(fd) == 0)
			return fd;
	}
	int saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

int
vly_steer_block_make(struct vly_steer_block *block, const struct vly_steer_model *model,
		     const struct vly_steer_maps *maps, uint64_t generation,
		     char reason[VLY_REASON_BYTES])
{
	struct making making = {.model = model, .maps = maps};

	*block = (struct vly_steer_block){.fd = -1};
	if (make_rows(model, block, reason) != 0)
		return -1;
	making.place = calloc(maps->cnt + 2, sizeof(*making.place));
	making.map_of = calloc(maps->cnt + 1, sizeof(*making.map_of));
	if (making.place && making.map_of &&
	    (model->config->ecs->allowed.cnt == 0 || build_resolvers(&making) == 0)) {
		lay_out(&making, generation);
		block->fd = make_memfd(&making, block);
	} else {
		errno = ENOMEM;
	}
	if (block->fd < 0) {
		snprintf(reason, VLY_REASON_BYTES, "the steering block could not be made: %s",
			 strerror(errno));
		free(block->row);
	}
	if (making.has_resolvers)
		vly_built_map_free(&making.resolvers);
	free(making.place);
	free(making.map_of);
	return block->fd < 0 ? -1 : 0;
}
