/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed zones with overlays: random zones, random changes, and each response is that of a complete form
 * of the newest version, octet for octet, with and without DO. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "layer_reader.h"
#include "message.h"
#include "server.h"
#include "zone/domain.h"
#include "zone_model.h"

#define ZONES     30
#define STEPS     20
#define QUESTIONS 120

/* Changes of zones without aliases that have no overlay, in a hundred. */
#define WITHOUT_MAX 10

/* Images of one zone: the complete form first. */
struct stack {
	struct vly_image *layer[VLY_IMAGE_LAYERS_MAX];
	size_t cnt;
};

static void
push(struct stack *stack, struct vly_image *image)
{
	stack->layer[stack->cnt++] = image;
}

static void
drop_all(struct stack *stack)
{
	while (stack->cnt > 0)
		vly_image_close(stack->layer[--stack->cnt]);
}

static struct vly_image *
compile_complete(const struct vly_model *model, uint64_t version, bool any_all)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_not_null(builder);
	if (any_all)
		vly_image_builder_answer_any_all(builder);
	vly_model_compile(model, builder, version);
	return vly_test_seal(builder);
}

/* NULL: there has to be a complete form. */
static struct vly_image *
compile_overlay(struct vly_model_pair pair, uint64_t version, bool any_all)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_not_null(builder);
	if (any_all)
		vly_image_builder_answer_any_all(builder);
	if (vly_model_compile_overlay(&pair, builder, version, version - 1) == VLY_OVERLAY_DONE)
		return vly_test_seal(builder);
	vly_image_builder_free(builder);
	return NULL;
}

/* The overlay in another image, by way of one that it shares with another zone. */
static struct vly_image *
move(struct vly_image *overlay)
{
	const struct vly_test_zone other = {"other.", VLY_TEST_APEX};
	struct vly_zone_error error = {0};
	struct vly_image *image = overlay;

	for (uint32_t i = 0; i < 2; i++) {
		const struct vly_merge_layer layer = {.image = image, .zone_idx = i};
		struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
		cr_assert_not_null(builder);
		if (i == 0)
			cr_assert_eq(vly_test_zone_add(builder, &other, &error), 0, "%s",
				     error.text);
		cr_assert_eq(vly_image_builder_add_layers(builder, &layer, 1), 0);
		struct vly_image *moved = vly_test_seal(builder);
		vly_image_close(image);
		image = moved;
	}
	return image;
}

static struct vly_table *
build(struct vly_image *const *images, size_t cnt)
{
	struct vly_image_error error = {0};
	struct vly_table *table = vly_table_build(images, cnt, &error);

	cr_assert_not_null(table, "%s", error.text);
	return table;
}

static bool
ask(struct vly_test_random *random, const struct vly_model *model, const struct vly_model *now,
    const struct vly_table *got, const struct vly_table *wanted)
{
	static const uint16_t types[] = {
		VLY_TYPE_A,    VLY_TYPE_AAAA,  VLY_TYPE_NS,    VLY_TYPE_SOA, VLY_TYPE_DS,
		VLY_TYPE_MX,   VLY_TYPE_ANY,   VLY_TYPE_CNAME, VLY_TYPE_TXT, VLY_TYPE_RRSIG,
		VLY_TYPE_NSEC, VLY_TYPE_DNAME, VLY_TYPE_NSEC3};
	uint8_t wire[VLY_MODEL_NAME_BYTES];
	char name[VLY_DOMAIN_TEXT_BYTES];

	vly_model_random_name(model, random, VLY_MODEL_DEPTH + 1, wire);
	if (vly_test_random_chance(random, 5)) /* NSEC3 owners among them */
		memcpy(wire, now->record[vly_test_random_below(random, now->cnt)].owner,
		       sizeof(wire));
	const struct vly_test_question question = {
		.name = vly_domain_text(wire, name),
		.type = types[vly_test_random_below(random, sizeof(types) / sizeof(types[0]))],
		.edns = true,
		.dnssec_ok = vly_test_random_chance(random, 85),
		.stream = vly_test_random_chance(random, 70),
	};
	char *left = vly_test_ask_text(got, &question);
	char *right = vly_test_ask_text(wanted, &question);
	bool equal = strcmp(left, right) == 0;
	if (!equal)
		fprintf(stderr, "%s type %u DO %d:\n%s instead of\n%s", question.name,
			question.type, question.dnssec_ok, left, right);
	free(left);
	free(right);
	return equal;
}

static bool
agree(struct vly_test_random *random, const struct vly_model *model, const struct vly_model *now,
      const struct stack *stack, struct vly_image *complete)
{
	struct vly_table *got = build(stack->layer, stack->cnt);
	struct vly_table *wanted = build(&complete, 1);
	bool equal = true;

	for (unsigned i = 0; i < QUESTIONS && equal; i++)
		equal = ask(random, model, now, got, wanted);
	vly_table_free(got);
	vly_table_free(wanted);
	return equal;
}

/* What the zones of a test are like. */
struct manner {
	struct vly_model_chain chain;
	bool has_aliases;
};

/* Without aliases every change has an overlay. */
static void
keep(const struct vly_model *model, struct vly_model *kept, bool has_aliases)
{
	*kept = *model;
	kept->cnt = 0;
	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_model_record *record = &model->record[i];
		if (has_aliases || record->type != VLY_TYPE_CNAME)
			kept->record[kept->cnt++] = *record;
	}
}

static void
sign(const struct vly_model *model, struct vly_model *into, const struct manner *manner,
     uint32_t epoch)
{
	static struct vly_model kept;

	keep(model, &kept, manner->has_aliases);
	vly_model_sign(&kept, into, &manner->chain, epoch);
}

/* One zone through its changes. Returns how many of them had no overlay. */
static unsigned
run(uint64_t seed, const struct manner *manner)
{
	static struct vly_model model, now, before;
	struct vly_test_random random = {seed};
	struct stack stack = {0};
	const bool any_all = vly_test_random_chance(&random, 30);
	uint64_t version = 1;
	uint32_t epoch = 1;
	unsigned without = 0;

	vly_model_begin(&model, vly_test_random_chance(&random, 20) ? "." : "z.", &random);
	sign(&model, &now, manner, epoch);
	push(&stack, compile_complete(&now, version, any_all));
	for (unsigned step = 0; step < STEPS; step++) {
		before = now;
		vly_model_change(&model, &random);
		epoch += vly_test_random_chance(&random, 10);
		sign(&model, &now, manner, epoch);
		version++;
		const bool covers = stack.layer[0]->zone[0].flags & VLY_IMAGE_PROVES_COVERS;
		struct vly_image *overlay = compile_overlay(
			(struct vly_model_pair){&now, &before, covers}, version, any_all);
		struct vly_image *complete = compile_complete(&now, version, any_all);
		if (overlay == NULL || stack.cnt == VLY_IMAGE_LAYERS_MAX) {
			without += overlay == NULL;
			vly_image_close(overlay);
			drop_all(&stack);
			push(&stack, complete);
			continue;
		}
		push(&stack, vly_test_random_chance(&random, 30) ? move(overlay) : overlay);
		if (!agree(&random, &model, &now, &stack, complete)) {
			fprintf(stderr, "seed %llu, step %u, before:\n", (unsigned long long)seed,
				step);
			vly_model_print(&before);
			fprintf(stderr, "after:\n");
			vly_model_print(&now);
			cr_assert_fail("the answers differ");
		}
		vly_image_close(complete);
	}
	drop_all(&stack);
	return without;
}

static unsigned
run_all(const struct manner *manner)
{
	const char *heavy = getenv("VOLLEY_HEAVY");
	const char *given = getenv("VOLLEY_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	unsigned zones = heavy != NULL ? 3000 : ZONES;
	unsigned without = 0;

	for (unsigned i = 0; i < zones; i++)
		without += run(seed + i, manner);
	fprintf(stderr, "seed %llu: %u of %u changes without an overlay\n",
		(unsigned long long)seed, without, zones * STEPS);
	return without * 100 / (zones * STEPS);
}

static const struct vly_model_chain nsec = {0};
static const struct vly_model_chain nsec3 = {.nsec3 = true, .iterations = 1, .salt_len = 4};
static const struct vly_model_chain opt_out = {.nsec3 = true, .opt_out = true};

Test(overlay_signed, answers_as_a_complete_form)
{
	(void)run_all(&(struct manner){nsec, true});
}

Test(overlay_signed, answers_as_a_complete_form_without_aliases)
{
	cr_expect_leq(run_all(&(struct manner){nsec, false}), WITHOUT_MAX);
}

Test(overlay_signed, answers_as_a_complete_form_with_nsec3)
{
	(void)run_all(&(struct manner){nsec3, true});
}

Test(overlay_signed, answers_as_a_complete_form_with_nsec3_without_aliases)
{
	cr_expect_leq(run_all(&(struct manner){nsec3, false}), WITHOUT_MAX);
}

Test(overlay_signed, answers_as_a_complete_form_with_opt_out)
{
	(void)run_all(&(struct manner){opt_out, true});
}

Test(overlay_signed, answers_as_a_complete_form_with_opt_out_without_aliases)
{
	cr_expect_leq(run_all(&(struct manner){opt_out, false}), WITHOUT_MAX);
}

/* ---- what needs a complete form ---- */

static struct vly_model after, before;

/* The SOA and three names, signed, in `before`, and with a new serial in `after`. */
static void
begin_small(const char *comes)
{
	static struct vly_model model;
	struct vly_test_random random = {7};

	vly_model_begin(&model, "z.", &random);
	model.cnt = 1;
	vly_model_add_a(&model, "a.z.");
	vly_model_add_a(&model, "b.z.");
	vly_model_add_a(&model, "c.z.");
	vly_model_sign(&model, &before, &nsec, 1);
	model.record[0].data[model.record[0].data_len - 17]++; /* the serial */
	if (comes != NULL)
		vly_model_add_a(&model, comes);
	vly_model_sign(&model, &after, &nsec, 1);
}

static void
expect(enum vly_overlay_result expected, const char *part, bool proves_covers)
{
	vly_model_expect_overlay(&(struct vly_model_pair){&after, &before, proves_covers}, expected,
				 part);
}

static struct vly_model_record *
find(struct vly_model *model, uint16_t type, uint16_t covered)
{
	for (unsigned i = 0; i < model->cnt; i++) {
		struct vly_model_record *record = &model->record[i];
		if (record->type == type && (covered == 0 || record->data[1] == covered))
			return record;
	}
	cr_assert_fail("there is no such record");
	return NULL;
}

Test(overlay_signed, a_name_that_comes)
{
	begin_small("bb.z.");
	expect(VLY_OVERLAY_DONE, "", false);
	expect(VLY_OVERLAY_COMPLETE, "names come or go", true);
}

Test(overlay_signed, other_signatures_of_the_soa)
{
	begin_small(NULL);
	expect(VLY_OVERLAY_DONE, "", true);
	find(&after, VLY_TYPE_RRSIG, VLY_TYPE_SOA)->data_len++;
	expect(VLY_OVERLAY_COMPLETE, "signatures of the SOA", false);
}

Test(overlay_signed, signatures_that_come)
{
	begin_small(NULL);
	find(&before, VLY_TYPE_RRSIG, VLY_TYPE_SOA)->type = VLY_TYPE_TXT;
	expect(VLY_OVERLAY_COMPLETE, "signatures of the SOA", false);
}

Test(overlay_signed, no_nsec_at_the_apex)
{
	begin_small(NULL);
	find(&after, VLY_TYPE_NSEC, 0)->type = VLY_TYPE_TXT;
	expect(VLY_OVERLAY_COMPLETE, "between NSEC and NSEC3", false);
}

/* The NSEC of "a" still leads to "b", which has none. */
Test(overlay_signed, a_broken_chain)
{
	begin_small(NULL);
	for (unsigned i = 0; i < after.cnt; i++) {
		struct vly_model_record *record = &after.record[i];
		if (record->type == VLY_TYPE_NSEC && record->owner[0] == 1 &&
		    record->owner[1] == 'b')
			record->type = VLY_TYPE_TXT;
	}
	expect(VLY_OVERLAY_COMPLETE, "chain of NSEC is broken", false);
}
