/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A complete form and overlays give the answers that a complete form of the newest version gives:
 * random zones, random changes, all names, all types. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "layer_reader.h"
#include "server.h"
#include "zone_model.h"

/* Changes without an overlay, in a hundred. Random zones have many DNAMEs that lead to names above
 * them, which may affect names without end. */
#define WITHOUT_MAX 8

#define STEPS 25

/* Layers before the stack begins anew. */
#define DEPTH_MAX 7

/* How the zone at hand answers. */
static bool any_all, additional_none;
static struct vly_steer_model *steer; /* or NULL */

/* Names of random zones, and a few that they do not have: a policy for each chooses between two addresses, or
 * two aliases. */
static struct vly_steer_model *
steer_some(const char *apex, struct vly_test_random *random)
{
	static const char *const names[] = {"a", "b.a", "*.a", "*", "c", "*.b", "x.y", "b"};
	char path[] = "/tmp/volley-overlay-XXXXXX";
	struct vly_config_errors errors;
	FILE *file = fdopen(mkstemp(path), "w");
	unsigned cnt = 0;

	fprintf(file, "steer:\n  pools:\n    - name: p\n      pick: all\n      members:\n"
		      "        - { name: m, A: 192.0.2.1 }\n        - { name: n, A: 192.0.2.2 }\n"
		      "    - { name: c, members: [ { name: m, CNAME: a.b. } ] }\n"
		      "  policies: [ { name: q, to: p }, { name: r, to: c } ]\n");
	fprintf(file, "zones:\n  - name: \"%s\"\n    file: f\n    steer:\n", apex);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (vly_test_random_chance(random, 30)) {
			const bool is_alias = vly_test_random_chance(random, 30);
			fprintf(file, "      - { name: \"%s\", types: [%s], policy: %s }\n",
				names[i], is_alias ? "CNAME" : "A", is_alias ? "r" : "q");
			cnt++;
		}
	fclose(file);
	struct vly_config *config = cnt > 0 ? vly_config_load(path, &errors) : NULL;
	unlink(path);
	cr_assert(config != NULL || cnt == 0, "%s", cnt > 0 ? errors.text[0] : "");
	struct vly_steer_model *model = config != NULL ? vly_steer_model_new(config) : NULL;
	vly_config_free(config);
	return model;
}

static struct vly_image_builder *
new_builder(void)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_not_null(builder);
	if (any_all)
		vly_image_builder_answer_any_all(builder);
	if (additional_none)
		vly_image_builder_answer_additional_none(builder);
	vly_image_builder_steer(builder, steer);
	return builder;
}

static void
push(struct vly_test_layers *layers, struct vly_image *image)
{
	layers->layer[layers->cnt++] = (struct vly_merge_layer){.image = image};
}

static void
drop_all(struct vly_test_layers *layers)
{
	while (layers->cnt > 0)
		vly_image_close((struct vly_image *)layers->layer[--layers->cnt].image);
}

static struct vly_image *
compile_complete(const struct vly_model *model, uint64_t version)
{
	struct vly_image_builder *builder = new_builder();

	vly_model_compile(model, builder, version);
	return vly_test_seal(builder);
}

/* NULL: there has to be a complete form. */
static struct vly_image *
compile_overlay(const struct vly_model *after, const struct vly_model *before, uint64_t version)
{
	struct vly_image_builder *builder = new_builder();
	struct vly_model_pair pair = {after, before, false};

	if (vly_model_compile_overlay(&pair, builder, version, version - 1) == VLY_OVERLAY_DONE)
		return vly_test_seal(builder);
	vly_image_builder_free(builder);
	return NULL;
}

/* One zone through `steps` changes. Returns how many of them had no overlay. */
static unsigned
run(uint64_t seed, unsigned steps)
{
	struct vly_test_random random = {seed};
	struct vly_test_layers layers = {0};
	struct vly_model model, before;
	uint64_t version = 1;
	unsigned without = 0;

	any_all = vly_test_random_chance(&random, 30);
	additional_none = vly_test_random_chance(&random, 10);
	vly_model_begin(&model, vly_test_random_chance(&random, 20) ? "." : "z.", &random);
	steer = vly_test_random_chance(&random, 40) ? steer_some(model.apex, &random) : NULL;
	push(&layers, compile_complete(&model, version));
	for (unsigned step = 0; step < steps; step++) {
		before = model;
		vly_model_change(&model, &random);
		version++;
		struct vly_image *overlay = compile_overlay(&model, &before, version);
		struct vly_image *complete = compile_complete(&model, version);
		if (overlay == NULL) {
			without++;
			drop_all(&layers);
			push(&layers, complete);
			continue;
		}
		push(&layers, overlay);
		const struct vly_test_layers alone = {1, {{.image = complete}}};
		if (!vly_test_layers_agree(&layers, &alone, model.apex)) {
			fprintf(stderr, "seed %llu, step %u, before:\n", (unsigned long long)seed,
				step);
			vly_model_print(&before);
			fprintf(stderr, "after:\n");
			vly_model_print(&model);
			cr_assert_fail("the answers differ");
		}
		if (layers.cnt < DEPTH_MAX) {
			vly_image_close(complete);
			continue;
		}
		drop_all(&layers);
		push(&layers, complete);
	}
	drop_all(&layers);
	vly_steer_model_put(steer);
	return without;
}

Test(overlay, answers_as_a_complete_form)
{
	const char *heavy = getenv("VOLLEY_HEAVY");
	const char *given = getenv("VOLLEY_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	unsigned zones = heavy != NULL ? 10000 : 40;
	unsigned without = 0;

	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < zones; i++)
		without += run(seed + i, STEPS);
	cr_expect_leq(without * 100, zones * STEPS * WITHOUT_MAX, "%u of %u", without,
		      zones * STEPS);
}
