/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "steered_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile/merge.h"
#include "layers.h"
#include "message.h"

#define TEXT                                                                                       \
	VLY_TEST_APEX "v0 A 192.0.2.0\n"                                                           \
		      "v1 A 192.0.2.1\n"                                                           \
		      "v2 A 192.0.2.2\n"                                                           \
		      "v3 A 192.0.2.3\n"                                                           \
		      "v4 A 192.0.2.4\n"                                                           \
		      "c0 CNAME v0\n"                                                              \
		      "random A 192.0.2.9\n"                                                       \
		      "random MX 1 mail\n"                                                         \
		      "rotate A 192.0.2.9\n"                                                       \
		      "sticky A 192.0.2.9\n"                                                       \
		      "source A 192.0.2.9\n"                                                       \
		      "unsteered-flat-name A 192.0.2.9\n"                                          \
		      "unknown A 192.0.2.9\n"                                                      \
		      "plain A 192.0.2.7\n"                                                        \
		      "wild A 192.0.2.9\n"                                                         \
		      "*.wild A 192.0.2.9\n"                                                       \
		      "alias DNAME wild\n"

/* The same with another name: what an overlay is made of. */
#define TEXT_CHANGED TEXT "new A 192.0.2.8\n"

const struct world_name world_name[] = {
	{"random.z.", WORLD_RANDOM, 1},
	{"rotate.z.", WORLD_ROTATE, 1},
	{"sticky.z.", WORLD_STICKY, 1},
	{"source.z.", WORLD_SOURCE, 1},
	{"unsteered-flat-name.z.", WORLD_FLAT, 1},
	{"unknown.z.", WORLD_UNKNOWN, 1},
	{"plain.z.", 0, 1},
	{"a.wild.z.", WORLD_STICKY, 1},
	{"b.c.wild.z.", WORLD_STICKY, 1},
	{"x.alias.z.", WORLD_STICKY, 1},
	{"random.z.", 0, 28}, /* the type is not steered: NODATA */
	{"none.z.", 0, 1},
};
const unsigned world_name_cnt = sizeof(world_name) / sizeof(world_name[0]);

#define ALTS(policy)                                                                               \
	1, policy, 6,                                                                              \
	{                                                                                          \
		"v0.z.", "v1.z.", "v2.z.", "v3.z.", "v4.z.", ""                                    \
	}

static const struct vly_test_steered steered[] = {
	{"random.z.", ALTS(WORLD_RANDOM)},
	{"rotate.z.", ALTS(WORLD_ROTATE)},
	{"sticky.z.", ALTS(WORLD_STICKY)},
	{"source.z.", ALTS(WORLD_SOURCE)},
	{"unsteered-flat-name.z.", ALTS(WORLD_FLAT)},
	{"unknown.z.", ALTS(WORLD_UNKNOWN)},
	{"*.wild.z.", ALTS(WORLD_STICKY)},
};

#define V4(a, b, c, d, bits, class)                                                                \
	{                                                                                          \
		true,                                                                              \
			{(uint64_t)(a) << 56 | (uint64_t)(b) << 48 | (uint64_t)(c) << 40 |         \
				 (uint64_t)(d) << 32,                                              \
			 0},                                                                       \
			bits, class                                                                \
	}
#define V6(high, low, bits, class)                                                                 \
	{                                                                                          \
		false, {UINT64_C(high), UINT64_C(low)}, bits, class                                \
	}

static const struct vly_test_prefix prefix[] = {
	V4(10, 0, 0, 0, 8, 1),
	V4(10, 1, 0, 0, 16, 2),
	V4(10, 1, 2, 0, 24, 3),
	V4(10, 1, 2, 128, 25, 1),
	V4(10, 1, 2, 200, 32, 2),
	V4(10, 1, 3, 0, 24, 2), /* as what is around it */
	V4(100, 64, 0, 0, 10, 1),
	V4(128, 0, 0, 0, 1, 3),
	V4(203, 0, 113, 7, 32, 1),
	V4(255, 255, 255, 255, 32, 2),
	V6(0x20010db800000000, 0, 32, 1),
	V6(0x20010db800010000, 0, 48, 2),
	V6(0x20010db800010002, 0, 64, 3),
	V6(0x20010db800010002, 0x8000000000000001, 128, 1),
	V6(0x20010db8fffe0000, 0, 47, 2),
	V6(0xfe80000000000000, 0, 10, 3),
	V6(0xffffffffffffffff, 0xffffffffffffffff, 128, 1),
};
#define PREFIX_CNT (sizeof(prefix) / sizeof(prefix[0]))

static const struct vly_test_map map = {WORLD_CLASSES, PREFIX_CNT, prefix};

static const uint16_t slot_one[] = {1};
static const uint16_t slot_two[] = {2, 3};
static const uint16_t slot_four[] = {0, 1, 2, 5};
static const uint16_t slot_eight[] = {0, 1, 2, 3, 4, 4, 3, 2};

#define ROWS(method, p4, p6)                                                                       \
	{                                                                                          \
		{method, 0, p4, p6, slot_one}, {method, 1, p4, p6, slot_two},                      \
			{method, 2, p4, p6, slot_four}, {method, 3, p4, p6, slot_eight},           \
	}

static const struct vly_test_row random_row[] = ROWS(VLY_STEER_RANDOM, 0, 0);
static const struct vly_test_row rotate_row[] = ROWS(VLY_STEER_ROTATE, 0, 0);
static const struct vly_test_row sticky_row[] = ROWS(VLY_STEER_STICKY, 24, 56);
static const struct vly_test_row flat_row[] = {{VLY_STEER_STICKY, 3, 20, 40, slot_eight}};

static const struct vly_test_policy policy[] = {
	{WORLD_RANDOM, 0, VLY_STEER_USES_ECS, WORLD_CLASSES, random_row},
	{WORLD_ROTATE, 0, VLY_STEER_USES_ECS, WORLD_CLASSES, rotate_row},
	{WORLD_STICKY, 0, VLY_STEER_USES_ECS, WORLD_CLASSES, sticky_row},
	{WORLD_SOURCE, 0, 0, WORLD_CLASSES, random_row},
	{WORLD_FLAT, VLY_STEER_NO_MAP, VLY_STEER_USES_ECS, 1, flat_row},
};

struct vly_steer *
world_steer(uint64_t generation, uint16_t **slot)
{
	return vly_test_steer_map(&(struct vly_test_steer){.ecs = true,
							   .resolver_map = VLY_STEER_NO_MAP,
							   .generation = generation,
							   .policy_cnt = 5,
							   .policy = policy,
							   .map_cnt = 1,
							   .map = &map},
				  slot);
}

/* With a second zone, so that a zone is a part of the heap. */
static const struct vly_test_zone zones[] = {{"z.", TEXT}, {"y.", VLY_TEST_APEX "a A 192.0.2.1\n"}};

uint8_t *
world_block(size_t *bytes)
{
	size_t plain_bytes;
	uint8_t *plain = vly_test_version_build(zones, 2, 1, &plain_bytes);
	uint8_t *block = vly_test_steered_build(plain, plain_bytes, steered,
						sizeof(steered) / sizeof(steered[0]), bytes);

	free(plain);
	return block;
}

/* The overlay is the difference of two versions without steering: the names that are steered are in
 * both. */
static struct vly_image *
open_overlay(void)
{
	static const struct vly_test_zone changed = {"z.", TEXT_CHANGED};
	struct vly_image *below = vly_test_version_open(zones, 1, 1, 3);
	struct vly_image *above = vly_test_version_open(&changed, 1, 2, 4);
	struct vly_image *overlay = vly_test_overlay_open(below, 0, above, 0, 2);

	vly_image_close(below);
	vly_image_close(above);
	return overlay;
}

/* Copies the zone, with its overlay if there is one. */
static struct vly_image *
merge(const struct world *world)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	const struct vly_merge_layer layer[] = {{world->image, 0, NULL}, {world->overlay, 0, NULL}};
	struct vly_image_error error = {0};
	struct vly_built_image built;

	if (vly_image_builder_add_layers(builder, layer, world->overlay != NULL ? 2 : 1) != 0 ||
	    vly_image_builder_seal(builder, &built) != 0)
		abort();
	struct vly_image *image = vly_image_open(built.fd, 5, NULL, &error);
	close(built.fd);
	if (image == NULL)
		fprintf(stderr, "merged: %s\n", error.text);
	return image;
}

void
world_open(struct world *world, enum world_form form)
{
	struct vly_image_error error = {0};
	size_t bytes;

	memset(world, 0, sizeof(*world));
	uint8_t *block = world_block(&bytes);
	world->image = vly_test_block_open(block, bytes, 1);
	free(block);
	if (form == WORLD_LAYERED || form == WORLD_FOLDED)
		world->overlay = open_overlay();
	if (form == WORLD_MOVED || form == WORLD_FOLDED) {
		struct vly_image *merged = merge(world);
		vly_image_close(world->image);
		if (world->overlay != NULL)
			vly_image_close(world->overlay);
		world->image = merged;
		world->overlay = NULL;
	}
	struct vly_image *both[] = {world->image, world->overlay};
	if (world->image != NULL)
		world->table = vly_table_build(both, world->overlay != NULL ? 2 : 1, &error);
	if (world->table == NULL) {
		fprintf(stderr, "no world: %s\n", error.text);
		abort();
	}
	world->steer = world_steer(1, &world->slot);
	vly_steering_start(&world->steering, &world->counters, 7);
	vly_steering_begin(&world->steering, world->steer);
}

void
world_close(struct world *world)
{
	vly_table_free(world->table);
	vly_image_close(world->image);
	if (world->overlay != NULL)
		vly_image_close(world->overlay);
	vly_steer_unmap(world->steer);
}

unsigned
world_message(uint8_t *to, const char *name, unsigned type, const struct world_client *client)
{
	uint8_t option[24] = {
		0, VLY_OPTION_SUBNET, 0, 0, 0, client->subnet.is_ipv4 ? 1 : 2, client->prefix};
	const unsigned bytes = (client->prefix + 7u) / 8;
	struct vly_test_question question = {
		.name = name, .type = (uint16_t)type, .edns = client->has_subnet};

	if (client->has_subnet) {
		option[3] = (uint8_t)(4 + bytes);
		for (unsigned i = 0; i < bytes; i++)
			option[8 + i] = (uint8_t)(client->subnet.word[i / 8] >> (56 - i % 8 * 8));
		question.options = option;
		question.options_bytes = 8 + bytes;
	}
	return vly_test_question_write(to, &question);
}

void
world_address(const struct world_client *client, uint8_t to[16])
{
	for (unsigned i = 0; i < 16; i++)
		to[i] = (uint8_t)(client->source.word[i / 8] >> (56 - i % 8 * 8));
}

/* Steps over a name that is not longer than the message. */
static unsigned
skip_name(const uint8_t *message, unsigned at)
{
	while (message[at] != 0 && message[at] < 0xc0)
		at += message[at] + 1u;
	return at + (message[at] == 0 ? 1 : 2);
}

struct world_answer
world_decode(const uint8_t *message, unsigned len)
{
	struct world_answer answer = {message[3] & 15, VLY_TEST_ALTS_MAX, message[7], -1, -1};
	unsigned at = skip_name(message, 12) + 4;

	for (unsigned i = 0; i < 0u + message[7] + message[9] + message[11] && at < len; i++) {
		unsigned fixed = skip_name(message, at);
		unsigned type = vly_be16(message + fixed), data = fixed + 10;
		at = data + vly_be16(message + fixed + 8);
		if (type == 1 && i < message[7])
			answer.alt = message[data + 3];
		if (type != VLY_TYPE_OPT)
			continue;
		for (unsigned option = data; option < at;
		     option += 4u + vly_be16(message + option + 2))
			if (vly_be16(message + option) == VLY_OPTION_SUBNET) {
				answer.source = message[option + 6];
				answer.scope = message[option + 7];
			}
	}
	return answer;
}

typedef unsigned __int128 wide;

/* As a number whose first bit is that of the address. */
static wide
number_of(const uint64_t word[2])
{
	return (wide)word[0] << 64 | word[1];
}

static wide
mask_of(unsigned bits)
{
	return bits == 0 ? 0 : ~(wide)0 << (128 - bits);
}

static uint32_t
naive_class(wide address, bool is_ipv4)
{
	uint32_t class = 0;
	int longest = -1;

	for (size_t i = 0; i < PREFIX_CNT; i++) {
		if (prefix[i].is_ipv4 != is_ipv4 || prefix[i].bits < longest ||
		    ((address ^ number_of(prefix[i].word)) & mask_of(prefix[i].bits)) != 0)
			continue;
		longest = prefix[i].bits;
		class = prefix[i].class;
	}
	return class;
}

static unsigned
common_bits(wide a, wide b)
{
	unsigned bits = 0;

	while (bits < 128 && ((a ^ b) >> (127 - bits) & 1) == 0)
		bits++;
	return bits;
}

/* An address of another class that has the most bits in common with this one is at an edge of a prefix:
 * its first or last address, or the one before or behind these. */
uint32_t
world_class(const struct vly_steer_client *client, unsigned *bits)
{
	const wide unit = client->is_ipv4 ? (wide)1 << 96 : 1; /* from one address to the next */
	const wide address = number_of(client->word);
	const uint32_t class = naive_class(address, client->is_ipv4);

	*bits = 0;
	for (size_t i = 0; i < PREFIX_CNT; i++) {
		if (prefix[i].is_ipv4 != client->is_ipv4)
			continue;
		const wide first = number_of(prefix[i].word);
		const wide last = (first | ~mask_of(prefix[i].bits)) & ~(unit - 1);
		const wide edge[] = {first, last, first - unit, last + unit};
		for (unsigned n = 0; n < 4; n++) {
			unsigned common = common_bits(address, edge[n]);
			if (naive_class(edge[n], client->is_ipv4) != class && common + 1 > *bits)
				*bits = common + 1;
		}
	}
	return class;
}

unsigned
world_expect(const struct world_name *name, const struct world_client *client, unsigned *scope)
{
	const bool uses_subnet =
		name->policy != WORLD_SOURCE && client->has_subnet && client->prefix > 0;
	const struct vly_steer_client *who = uses_subnet ? &client->subnet : &client->source;
	const struct vly_test_policy *of = NULL;
	unsigned bits = 0, allowed = 0;
	uint32_t class = 0;

	*scope = 0;
	for (unsigned i = 0; i < 5; i++)
		if (policy[i].key == name->policy)
			of = &policy[i];
	if (of == NULL) { /* alternative 0; what the block will say is not known */
		if (uses_subnet && name->policy != 0)
			*scope = client->prefix;
		return 1;
	}
	if (of->map != VLY_STEER_NO_MAP)
		class = world_class(who, &bits);
	const struct vly_test_row *row = &of->row[class];
	const unsigned sticky = who->is_ipv4 ? row->sticky4_bits : row->sticky6_bits;
	if (uses_subnet)
		*scope = row->bits > 0 && sticky > bits ? sticky : bits;
	if (row->method == VLY_STEER_STICKY) {
		const wide masked = number_of(who->word) & mask_of(sticky);
		const uint64_t word[2] = {(uint64_t)(masked >> 64), (uint64_t)masked};
		const uint64_t key[2] = {UINT64_C(0x0123456789abcdef), 42};
		return 1u << row->slot[vly_steer_sticky_idx(key, word, who->is_ipv4,
							    who->is_ipv4 ? 32 : 128, row->bits)];
	}
	for (unsigned i = 0; i < 1u << row->bits; i++)
		allowed |= 1u << row->slot[i];
	return allowed;
}

uint64_t
world_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

struct vly_steer_client
world_random_client(uint64_t *seed)
{
	const struct vly_test_prefix *near = &prefix[world_random(seed) % PREFIX_CNT];
	struct vly_steer_client client = {.is_ipv4 = near->is_ipv4};
	const wide random = (wide)world_random(seed) << 64 | world_random(seed);
	wide address = number_of(near->word);

	/* another address behind some bits of the prefix, one of its neighbours, or anything */
	switch (world_random(seed) % 4) {
	case 0:
		address = random;
		break;
	case 1:
		address ^= random & ~mask_of(near->bits);
		break;
	case 2:
		address ^= random & ~mask_of((unsigned)(world_random(seed) % 128));
		break;
	default:
		address += (world_random(seed) % 2 ? (wide)-1 : 1)
			   << (client.is_ipv4 ? 96 : 128 - (near->bits == 0 ? 1 : near->bits));
		break;
	}
	if (client.is_ipv4)
		address &= mask_of(32);
	client.word[0] = (uint64_t)(address >> 64);
	client.word[1] = (uint64_t)address;
	return client;
}
