/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steering.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/steer_check.h"
#include "message.h"
#include "steer/map_builder.h"

/* Octets that choices may take. */
#define CHOICES_MAX 65536

struct made {
	uint8_t *block;
	uint8_t *heap;
	uint64_t heap_bytes; /* so far */
	const struct vly_test_steered *steered;
	size_t cnt;
};

static void
fail(const char *what)
{
	fprintf(stderr, "steering for a test: %s\n", what);
	abort();
}

static struct vly_image_node *
find_node(const struct made *made, const char *text)
{
	const struct vly_image_header *header = (const void *)made->block;
	const struct vly_image_bucket *bucket =
		(const void *)(made->block + header->section[VLY_SECTION_BUCKETS].off);
	uint8_t wire[VLY_NAME_BYTES_MAX];
	const unsigned len = vly_test_name_wire(wire, text);

	for (uint32_t i = 0; i < 8 * header->bucket_cnt; i++) {
		const vly_image_ref ref = bucket[i / 8].node[i % 8];
		struct vly_image_node *node =
			(void *)(made->heap + (uint64_t)ref * VLY_IMAGE_REF_BYTES);
		if (ref != 0 && node->name_len == len &&
		    memcmp(vly_image_node_name(node), wire, len) == 0)
			return node;
	}
	fail(text);
	return NULL;
}

static vly_image_ref
answer_of(const struct vly_image_node *node, unsigned type)
{
	for (unsigned i = 0; i < node->type_cnt; i++)
		if (node->type[i].type == type)
			return node->type[i].answer;
	return node->other;
}

static vly_image_ref
add_choice(struct made *made, uint64_t policy, const vly_image_ref *alt, unsigned alt_cnt)
{
	struct vly_image_choice *choice = (void *)(made->heap + made->heap_bytes);
	const vly_image_ref ref = (vly_image_ref)(made->heap_bytes / VLY_IMAGE_REF_BYTES);

	choice->policy = policy;
	choice->alt_cnt = (uint16_t)alt_cnt;
	memcpy(choice->alt, alt, alt_cnt * sizeof(alt[0]));
	made->heap_bytes += (sizeof(*choice) + alt_cnt * sizeof(alt[0]) + 7) & ~7u;
	return ref;
}

/* The choice for a type of a node, whose answer is at `own`. */
static vly_image_ref
choose(struct made *made, struct vly_image_node *node, const char *name, unsigned type,
       vly_image_ref own)
{
	const struct vly_image_header *header = (const void *)made->block;
	const struct vly_image_zone *zone =
		(const void *)(made->block + header->section[VLY_SECTION_ZONES].off);
	vly_image_ref alt[VLY_TEST_ALTS_MAX];

	for (size_t i = 0; i < made->cnt; i++) {
		const struct vly_test_steered *steered = &made->steered[i];
		if (steered->type != type || strcmp(steered->name, name) != 0)
			continue;
		for (unsigned n = 0; n < steered->alt_cnt; n++) {
			if (steered->alt[n][0] == '\0') {
				alt[n] = zone[node->zone].nodata;
				continue;
			}
			const struct vly_image_node *from = find_node(made, steered->alt[n]);
			alt[n] = answer_of(from, type);
			node->flags |= from->flags & VLY_NODE_ALIAS;
		}
		return add_choice(made, steered->policy, alt, steered->alt_cnt);
	}
	return add_choice(made, 0, &own, 1);
}

uint8_t *
vly_test_steered_build(const uint8_t *block, size_t bytes, const struct vly_test_steered *steered,
		       size_t cnt, size_t *made_bytes)
{
	struct made made = {.steered = steered, .cnt = cnt};

	const struct vly_image_header *from = (const void *)block;
	const struct vly_image_section *old = &from->section[VLY_SECTION_HEAP];
	const uint64_t off = (bytes + VLY_IMAGE_ALIGN - 1) & ~(uint64_t)(VLY_IMAGE_ALIGN - 1);
	const uint64_t room = off + old->bytes + CHOICES_MAX;

	/* the heap moves to the end, where it can grow */
	if (posix_memalign((void **)&made.block, VLY_IMAGE_ALIGN, room) != 0)
		fail("no memory");
	memset(made.block, 0, room);
	memcpy(made.block, block, bytes);
	memcpy(made.block + off, block + old->off, old->bytes);
	struct vly_image_header *header = (void *)made.block;
	struct vly_image_section *heap = &header->section[VLY_SECTION_HEAP];
	heap->off = off;
	made.heap = made.block + off;
	made.heap_bytes = (heap->bytes + 7) & ~UINT64_C(7);
	for (size_t i = 0; i < cnt; i++) {
		struct vly_image_node *node = find_node(&made, steered[i].name);
		if (node->flags & VLY_NODE_STEERED)
			continue; /* by another type */
		for (unsigned n = 0; n < node->type_cnt; n++)
			node->type[n].answer = choose(&made, node, steered[i].name,
						      node->type[n].type, node->type[n].answer);
		node->other = choose(&made, node, steered[i].name, 0, node->other);
		node->flags |= VLY_NODE_STEERED;
	}
	heap->bytes = made.heap_bytes + VLY_IMAGE_SLACK_BYTES;
	if (heap->bytes > old->bytes + CHOICES_MAX)
		fail("too many choices");
	*made_bytes =
		(heap->off + heap->bytes + VLY_IMAGE_ALIGN - 1) & ~(size_t)(VLY_IMAGE_ALIGN - 1);
	header->image_bytes = *made_bytes;
	vly_test_image_reseal(made.block, *made_bytes);
	return made.block;
}

int
vly_test_sealed_fd(const void *octets, size_t bytes, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0 ||
	    pwrite(fd, octets, bytes, 0) != (ssize_t)bytes || fcntl(fd, F_ADD_SEALS, seals) != 0)
		fail("no memfd");
	return fd;
}

static void
build_map(const struct vly_test_map *map, struct vly_built_map *built)
{
	struct vly_region_list list = {0};
	struct vly_region_twins twins;
	struct vly_partition partition;
	uint32_t *class_of = calloc(map->class_cnt, sizeof(*class_of));

	for (uint32_t i = 0; i < map->class_cnt; i++)
		class_of[i] = i;
	for (uint32_t i = 1; i < map->class_cnt; i++) {
		char name[16];
		snprintf(name, sizeof(name), "c%u", i);
		if (vly_region_number(&list.names, name) != i)
			fail("no region");
	}
	for (size_t i = 0; i < map->cnt; i++) {
		const struct vly_test_prefix *from = &map->prefix[i];
		const struct vly_region_prefix prefix = {.high = from->word[0],
							 .low = from->word[1],
							 .region = from->class & 0xffffff,
							 .bits = from->bits};
		if (vly_region_list_add(&list, from->is_ipv4 ? VLY_FAMILY_IPV4 : VLY_FAMILY_IPV6,
					&prefix) != 0)
			fail("no memory");
	}
	if (vly_region_list_settle(&list, &twins) != 0)
		fail("a prefix twice");
	if (vly_partition_make(&partition, &list) != 0 ||
	    vly_client_map_build(built, &partition, class_of, map->class_cnt) != 0)
		fail("no map");
	vly_partition_free(&partition);
	vly_region_list_free(&list);
	free(class_of);
}

static uint64_t
aligned(uint64_t bytes)
{
	return (bytes + VLY_STEER_ALIGN - 1) & ~(uint64_t)(VLY_STEER_ALIGN - 1);
}

static void
put_policy(struct vly_steer_header *steer, const struct vly_test_policy *from, uint32_t row)
{
	struct vly_steer_policy *policy = (void *)((uint8_t *)steer + steer->policy_off);
	uint32_t at = (uint32_t)from->key & (steer->policy_slot_cnt - 1);

	while (policy[at].key != 0)
		at = (at + 1) & (steer->policy_slot_cnt - 1);
	policy[at] = (struct vly_steer_policy){.key = from->key,
					       .map = from->map,
					       .class_cnt = from->class_cnt,
					       .row = row,
					       .flags = from->flags};
}

/* Fills rows, slots and policies. */
static void
put_policies(struct vly_steer_header *steer, const struct vly_test_steer *from, uint16_t *slot)
{
	struct vly_steer_row *row = (void *)((uint8_t *)steer + steer->row_off);
	uint32_t row_idx = 0, slot_idx = 0;

	for (unsigned i = 0; i < from->policy_cnt; i++) {
		const struct vly_test_policy *policy = &from->policy[i];
		put_policy(steer, policy, row_idx);
		for (uint32_t n = 0; n < policy->class_cnt; n++) {
			const struct vly_test_row *of = &policy->row[n];
			row[row_idx++] =
				(struct vly_steer_row){slot_idx, of->bits, (uint8_t)of->method,
						       of->sticky4_bits, of->sticky6_bits};
			memcpy(slot + slot_idx, of->slot, sizeof(*slot) << of->bits);
			slot_idx += UINT32_C(1) << of->bits;
		}
	}
}

static void
count(const struct vly_test_steer *from, struct vly_steer_header *head)
{
	head->policy_slot_cnt = 2;
	while (head->policy_slot_cnt < 2 * from->policy_cnt)
		head->policy_slot_cnt *= 2;
	for (unsigned i = 0; i < from->policy_cnt; i++) {
		head->row_cnt += from->policy[i].class_cnt;
		for (uint32_t n = 0; n < from->policy[i].class_cnt; n++)
			head->slot_cnt += UINT32_C(1) << from->policy[i].row[n].bits;
	}
	head->slot_cnt += head->slot_cnt == 0;
}

static struct vly_steer_header *
build_block(const struct vly_test_steer *from, struct vly_steer_header head,
	    struct vly_built_map *built, uint16_t *slot)
{
	const uint64_t map_bytes = from->map_cnt * sizeof(struct vly_steer_map);
	uint64_t end;

	head.policy_off = sizeof(head);
	head.row_off =
		aligned(head.policy_off + head.policy_slot_cnt * sizeof(struct vly_steer_policy));
	head.map_off = aligned(head.row_off + head.row_cnt * sizeof(struct vly_steer_row));
	end = aligned(head.map_off + map_bytes);
	const uint64_t maps_at = end;
	for (unsigned i = 0; i < from->map_cnt; i++)
		end = aligned(end + vly_built_map_bytes(&built[i]));
	head.block_bytes = end;
	struct vly_steer_header *steer;
	if (posix_memalign((void **)&steer, VLY_STEER_ALIGN, end) != 0)
		fail("no memory");
	memset(steer, 0, end);
	*steer = head;
	struct vly_steer_map *map = (void *)((uint8_t *)steer + head.map_off);
	uint64_t at = maps_at;
	for (unsigned i = 0; i < from->map_cnt; i++) {
		map[i] = (struct vly_steer_map){at, vly_built_map_bytes(&built[i])};
		vly_built_map_write(&built[i], (uint8_t *)steer + at);
		at = aligned(at + map[i].bytes);
	}
	put_policies(steer, from, slot);
	steer->checksum = vly_steer_sum(steer);
	return steer;
}

void
vly_test_steer_make(const struct vly_test_steer *from, struct vly_test_steer_fds *made)
{
	struct vly_built_map *built = calloc(from->map_cnt + 1u, sizeof(*built));
	struct vly_steer_header head = {
		.magic = VLY_STEER_MAGIC,
		.version = VLY_STEER_VERSION,
		.header_bytes = sizeof(head),
		.generation = from->generation,
		.sticky_key = {UINT64_C(0x0123456789abcdef), 42},
		.map_cnt = from->map_cnt,
		.ecs = from->ecs,
		.resolver_map = from->resolver_map,
	};

	for (unsigned i = 0; i < from->map_cnt; i++)
		build_map(&from->map[i], &built[i]);
	count(from, &head);
	uint16_t *slot = calloc(head.slot_cnt, sizeof(*slot));
	struct vly_steer_header *steer = build_block(from, head, built, slot);
	made->block_bytes = steer->block_bytes;
	made->slot_cnt = head.slot_cnt;
	made->block = vly_test_sealed_fd(steer, steer->block_bytes, VLY_STEER_SEALS);
	made->slots = vly_test_sealed_fd(slot, head.slot_cnt * sizeof(*slot), VLY_STEER_SLOT_SEALS);
	made->slot = mmap(NULL, head.slot_cnt * sizeof(*slot), PROT_READ | PROT_WRITE, MAP_SHARED,
			  made->slots, 0);
	if (made->slot == MAP_FAILED)
		fail("slots are not mapped");
	for (unsigned i = 0; i < from->map_cnt; i++)
		vly_built_map_free(&built[i]);
	free(built);
	free(steer);
	free(slot);
}

void
vly_test_steer_close(struct vly_test_steer_fds *made)
{
	close(made->block);
	close(made->slots);
}

struct vly_steer *
vly_test_steer_map(const struct vly_test_steer *from, uint16_t **slot)
{
	struct vly_test_steer_fds made;
	const char *reason = NULL;

	vly_test_steer_make(from, &made);
	struct vly_steer *steer = vly_steer_map(made.block, made.slots, &reason);
	if (steer == NULL)
		fail(reason);
	if (slot != NULL)
		*slot = made.slot;
	vly_test_steer_close(&made);
	return steer;
}
