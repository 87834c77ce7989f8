/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers that were merged, or moved to another image, give the answers that they gave before: random
 * zones, random changes, random merges. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "layer_reader.h"
#include "server.h"
#include "zone_model.h"

#define ZONES      3
#define STEPS      40
#define LAYERS_MAX 8

struct zone {
	struct vly_model model;
	struct vly_image *complete; /* of the newest version */
	struct vly_test_layers layers;
};

/* Several zones, whose layers share images: all images stay open until the end. */
struct world {
	struct vly_test_random random;
	uint64_t version;
	struct zone zone[ZONES];
	struct vly_image *image[8 * STEPS];
	unsigned image_cnt;
};

static struct vly_image_builder *
new_builder(void)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_not_null(builder);
	return builder;
}

static struct vly_image *
seal(struct world *world, struct vly_image_builder *builder)
{
	cr_assert_lt(world->image_cnt, sizeof(world->image) / sizeof(world->image[0]));
	struct vly_image *image = vly_test_seal(builder);
	world->image[world->image_cnt++] = image;
	return image;
}

static void
compile_complete(struct world *world, struct zone *zone)
{
	struct vly_image_builder *builder = new_builder();

	vly_model_compile(&zone->model, builder, world->version);
	zone->complete = seal(world, builder);
}

static void
change(struct world *world, struct zone *zone)
{
	const struct vly_model before = zone->model;
	struct vly_image_builder *builder = new_builder();
	struct vly_model_pair pair = {&zone->model, &before, false};
	struct vly_test_layers *layers = &zone->layers;
	uint64_t below = layers->layer[layers->cnt - 1]
				 .image->zone[layers->layer[layers->cnt - 1].zone_idx]
				 .version;

	vly_model_change(&zone->model, &world->random);
	world->version++;
	compile_complete(world, zone);
	if (vly_model_compile_overlay(&pair, builder, world->version, below) == VLY_OVERLAY_DONE) {
		layers->layer[layers->cnt++] =
			(struct vly_merge_layer){.image = seal(world, builder)};
		return;
	}
	vly_image_builder_free(builder);
	layers->cnt = 1;
	layers->layer[0] = (struct vly_merge_layer){.image = zone->complete};
}

/* A zone's layers `first` to `last` become the one that has been added to the builder. */
struct merged {
	unsigned first;
	unsigned last;
	bool any;
};

static void
add_merged(struct world *world, const struct zone *zone, struct vly_image_builder *builder,
	   struct merged *merged)
{
	struct vly_test_random *random = &world->random;
	const struct vly_test_layers *layers = &zone->layers;

	merged->any = layers->cnt == LAYERS_MAX || vly_test_random_chance(random, 40);
	merged->first = vly_test_random_below(random, layers->cnt);
	merged->last = merged->first + vly_test_random_below(random, layers->cnt - merged->first);
	if (layers->cnt == LAYERS_MAX && vly_test_random_chance(random, 50)) {
		merged->first = 0;
		merged->last = layers->cnt - 1;
	} else if (layers->cnt == LAYERS_MAX) {
		merged->first = vly_test_random_below(random, 4);
		merged->last = merged->first + 4;
	}
	if (merged->any)
		cr_assert_eq(vly_image_builder_add_layers(builder, &layers->layer[merged->first],
							  merged->last - merged->first + 1),
			     0);
}

static void
replace(struct vly_test_layers *layers, const struct merged *merged, const struct vly_image *image,
	uint32_t zone_idx)
{
	unsigned behind = layers->cnt - merged->last - 1;

	layers->layer[merged->first] =
		(struct vly_merge_layer){.image = image, .zone_idx = zone_idx};
	memmove(&layers->layer[merged->first + 1], &layers->layer[merged->last + 1],
		behind * sizeof(layers->layer[0]));
	layers->cnt = merged->first + 1 + behind;
}

/* Merges layers of some zones into one image. */
static void
merge(struct world *world)
{
	struct vly_image_builder *builder = new_builder();
	struct merged merged[ZONES];
	uint32_t zone_idx = 0;

	for (unsigned i = 0; i < ZONES; i++)
		add_merged(world, &world->zone[i], builder, &merged[i]);
	const struct vly_image *image = seal(world, builder);
	for (unsigned i = 0; i < ZONES; i++)
		if (merged[i].any)
			replace(&world->zone[i].layers, &merged[i], image, zone_idx++);
	cr_assert_eq(image->header->zone_cnt, zone_idx);
}

/* A complete form made of all layers, alone in an image, is what a compiled one is. */
static void
expect_same_image(const struct zone *zone)
{
	struct vly_image_builder *builder = new_builder();
	const struct vly_test_layers *layers = &zone->layers;

	cr_assert_eq(vly_image_builder_add_layers(builder, layers->layer, layers->cnt), 0);
	struct vly_image *image = vly_test_seal(builder);
	const struct vly_image_zone *merged = &image->zone[0], *compiled = &zone->complete->zone[0];
	uint64_t bytes = image->header->image_bytes, expected = zone->complete->header->image_bytes;
	cr_expect_leq(bytes * 100, expected * 105, "%llu octets, not %llu",
		      (unsigned long long)bytes, (unsigned long long)expected);
	cr_expect_eq(merged->node_cnt, compiled->node_cnt);
	cr_expect_eq(merged->label_max, compiled->label_max);
	cr_expect_eq(merged->label_cnt, compiled->label_cnt);
	cr_expect_eq(merged->record_cnt, compiled->record_cnt);
	cr_expect_eq(merged->serial, compiled->serial);
	cr_expect_eq(merged->version, compiled->version);
	cr_expect_eq(merged->below, 0);
	cr_expect_eq(merged->flags, 0);
	vly_image_close(image);
}

static void
expect_agreement(const struct world *world, uint64_t seed, unsigned step)
{
	for (unsigned i = 0; i < ZONES; i++) {
		const struct zone *zone = &world->zone[i];
		const struct vly_test_layers alone = {1, {{.image = zone->complete}}};
		cr_assert(vly_test_layers_agree(&zone->layers, &alone, zone->model.apex),
			  "seed %llu, step %u, zone %u", (unsigned long long)seed, step, i);
	}
}

static void
run(uint64_t seed)
{
	static const char *const apex[ZONES] = {"z.", ".", "a.z."};
	struct world *world = calloc(1, sizeof(*world));

	cr_assert_not_null(world);
	world->random.state = seed;
	for (unsigned i = 0; i < ZONES; i++) {
		struct zone *zone = &world->zone[i];
		vly_model_begin(&zone->model, apex[i], &world->random);
		world->version++;
		compile_complete(world, zone);
		zone->layers.cnt = 1;
		zone->layers.layer[0] = (struct vly_merge_layer){.image = zone->complete};
	}
	for (unsigned step = 0; step < STEPS; step++) {
		struct zone *zone = &world->zone[vly_test_random_below(&world->random, ZONES)];
		change(world, zone);
		if (zone->layers.cnt > 1)
			expect_same_image(zone);
		if (zone->layers.cnt == LAYERS_MAX || vly_test_random_chance(&world->random, 30))
			merge(world);
		expect_agreement(world, seed, step);
	}
	while (world->image_cnt > 0)
		vly_image_close(world->image[--world->image_cnt]);
	free(world);
}

Test(merge, gives_the_same_answers)
{
	const char *heavy = getenv("VOLLEY_HEAVY");
	const char *given = getenv("VOLLEY_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);

	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < (heavy != NULL ? 2000 : 8); i++)
		run(seed + i);
}
