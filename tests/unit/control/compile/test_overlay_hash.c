/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Overlays of zones with NSEC3: what needs a complete form, what does not, and damaged ones. That they answer as a
 * complete form does is in test_overlay_signed.c. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <volley/octets.h>

#include "common/image_check.h"
#include "common/nsec3_hash.h"
#include "layer_reader.h"
#include "layers.h"
#include "message.h"
#include "server.h"
#include "zone/domain.h"
#include "zone_model.h"

static const struct vly_model_chain chain = {.nsec3 = true, .iterations = 1, .salt_len = 4};
static struct vly_model plain, after, before;

static void
begin(void)
{
	struct vly_test_random random = {7};

	vly_model_begin(&plain, "z.", &random);
	plain.cnt = 1;
}

/* Signs the zone as it is for the version before, or with another serial for the one after. */
static void
sign(struct vly_model *into, const struct vly_model_chain *with)
{
	plain.record[0].data[plain.record[0].data_len - 17] = into == &after;
	vly_model_sign(&plain, into, with, 1);
}

/* Three names in both versions. */
static void
begin_small(const struct vly_model_chain *with)
{
	begin();
	vly_model_add_a(&plain, "a.z.");
	vly_model_add_a(&plain, "b.z.");
	vly_model_add_a(&plain, "c.z.");
	sign(&before, &chain);
	sign(&after, with);
}

static void
expect(enum vly_overlay_result expected, const char *part, bool proves_covers)
{
	vly_model_expect_overlay(&(struct vly_model_pair){&after, &before, proves_covers}, expected,
				 part);
}

/* The hash of a name in the chain. */
static void
hash(const char *name, uint8_t label[VLY_NSEC3_LABEL_BYTES])
{
	static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};
	const struct vly_nsec3_params params = {chain.iterations, chain.salt_len, salt};
	uint8_t wire[VLY_NAME_BYTES_MAX], octets[VLY_NSEC3_HASH_BYTES];

	vly_nsec3_hash(&params, wire, vly_domain_wire(name, wire), octets);
	vly_nsec3_label(octets, label);
}

static struct vly_model_record *
find_nsec3(struct vly_model *model, const char *name)
{
	uint8_t label[VLY_NSEC3_LABEL_BYTES];

	hash(name, label);
	for (unsigned i = 0; i < model->cnt; i++)
		if (model->record[i].type == VLY_TYPE_NSEC3 &&
		    memcmp(model->record[i].owner + 1, label, sizeof(label)) == 0)
			return &model->record[i];
	cr_assert_fail("%s has no NSEC3", name);
	return NULL;
}

static void
remove_a(struct vly_model *model, uint8_t label)
{
	for (unsigned i = 0; i < model->cnt; i++)
		if (model->record[i].type == VLY_TYPE_A && model->record[i].owner[1] == label)
			memcpy(model->record[i].owner, "\1d\1z", 5);
}

Test(overlay_hash, a_name_that_comes)
{
	begin_small(&chain);
	vly_model_add_a(&plain, "bb.z.");
	sign(&after, &chain);
	expect(VLY_OVERLAY_DONE, "", false);
	expect(VLY_OVERLAY_COMPLETE, "names come or go", true);
}

/* The covers of an insecure delegation are found anew: unlike an alias', they are no reason for a complete form. */
Test(overlay_hash, insecure_delegations_with_opt_out)
{
	static const struct vly_model_chain opt_out = {.nsec3 = true, .opt_out = true};
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	begin();
	vly_model_add_a(&plain, "a.z.");
	vly_model_add_a(&plain, "c.z.");
	struct vly_model_record *cut = &plain.record[plain.cnt - 1];
	cut->type = VLY_TYPE_NS;
	memcpy(cut->data, "\1n\1e", 5);
	cut->data_len = 5;
	sign(&before, &opt_out);
	vly_model_add_a(&plain, "b.z.");
	sign(&after, &opt_out);
	vly_model_compile(&before, builder, 1);
	struct vly_image *complete = vly_test_seal(builder);
	cr_expect_not(complete->zone[0].flags & VLY_IMAGE_PROVES_COVERS);
	vly_image_close(complete);
	expect(VLY_OVERLAY_DONE, "", false);
}

/* An empty non-terminal keeps its name, but loses its NSEC3, which an alias' answer has. */
Test(overlay_hash, an_alias_to_a_name_that_is_insecure_now)
{
	static const struct vly_model_chain opt_out = {.nsec3 = true, .opt_out = true};

	begin();
	vly_model_add_a(&plain, "a.z.");
	plain.record[1].type = VLY_TYPE_CNAME;
	memcpy(plain.record[1].data, "\1t\1z", 5);
	plain.record[1].data_len = 5;
	vly_model_add_a(&plain, "n.t.z.");
	plain.record[2].type = VLY_TYPE_NS;
	memcpy(plain.record[2].data, "\1n\1e", 5);
	plain.record[2].data_len = 5;
	vly_model_add_a(&plain, "s.t.z.");
	sign(&before, &opt_out);
	plain.cnt--;
	sign(&after, &opt_out);
	expect(VLY_OVERLAY_COMPLETE, "what an alias leads to is denied", false);
}

Test(overlay_hash, another_chain)
{
	static const struct vly_model_chain others[] = {
		{.nsec3 = true, .iterations = 2, .salt_len = 4},
		{.nsec3 = true, .iterations = 1, .salt_len = 3},
		{.nsec3 = true, .iterations = 1}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		begin_small(&others[i]);
		expect(VLY_OVERLAY_COMPLETE, "being exchanged", false);
	}
	begin_small(&(struct vly_model_chain){0});
	expect(VLY_OVERLAY_COMPLETE, "between NSEC and NSEC3", false);
}

Test(overlay_hash, more_iterations_than_validators_take)
{
	const struct vly_model_chain costly = {.nsec3 = true,
					       .iterations = VLY_NSEC3_ITERATIONS_MAX + 1};

	begin_small(&costly);
	sign(&before, &costly);
	expect(VLY_OVERLAY_COMPLETE, "none that validators look at", false);
}

Test(overlay_hash, two_chains)
{
	begin_small(&chain);
	struct vly_model_record *added = &after.record[after.cnt++];
	*added = after.record[0];
	added->type = VLY_TYPE_NSEC3PARAM;
	added->data_len = 5;
	memcpy(added->data, "\1\0\0\0", 5);
	expect(VLY_OVERLAY_COMPLETE, "being exchanged", false);
	begin_small(&chain);
	find_nsec3(&after, "a.z.")->data[3] ^= 1; /* of a chain in the making */
	expect(VLY_OVERLAY_COMPLETE, "being exchanged", false);
}

Test(overlay_hash, no_nsec3_of_the_apex)
{
	begin_small(&chain);
	find_nsec3(&after, "z.")->type = VLY_TYPE_TXT;
	expect(VLY_OVERLAY_COMPLETE, "no NSEC3 of the apex", false);
}

Test(overlay_hash, nsec3_of_a_name_that_has_not_changed)
{
	begin_small(&chain);
	find_nsec3(&after, "b.z.")->type = VLY_TYPE_TXT;
	expect(VLY_OVERLAY_COMPLETE, "of other names", false);
}

/* Some NSEC3 still leads to that of "b". */
Test(overlay_hash, a_broken_chain)
{
	begin_small(&chain);
	find_nsec3(&after, "b.z.")->type = VLY_TYPE_TXT;
	remove_a(&after, 'b');
	expect(VLY_OVERLAY_COMPLETE, "chain of NSEC3 is broken", false);
}

Test(overlay_hash, elsewhere)
{
	begin_small(&chain);
	struct vly_model_record *deep = &after.record[after.cnt++];
	*deep = *find_nsec3(&after, "a.z.");
	memcpy(deep->owner + 1 + VLY_NSEC3_LABEL_BYTES, "\1a\1z", 5);
	expect(VLY_OVERLAY_COMPLETE, "being exchanged", false);
}

/* NSEC3 in a zone that is not signed with it. */
Test(overlay_hash, strays)
{
	begin_small(&chain);
	vly_model_sign(&plain, &after, &(struct vly_model_chain){0}, 1);
	plain.record[0].data[plain.record[0].data_len - 17] = 0;
	vly_model_sign(&plain, &before, &(struct vly_model_chain){0}, 1);
	struct vly_model_record *stray = &after.record[after.cnt++];
	*stray = after.record[1];
	stray->type = VLY_TYPE_NSEC3;
	expect(VLY_OVERLAY_COMPLETE, "deny nothing", false);
}

/* One that no piece has room for would be denied by the one below. */
Test(overlay_hash, many_signatures)
{
	begin_small(&chain);
	const struct vly_model_record *nsec3 = find_nsec3(&after, "b.z.");
	for (unsigned i = 0; i < 256; i++) {
		struct vly_model_record *added = &after.record[after.cnt++];
		*added = *nsec3;
		added->type = VLY_TYPE_RRSIG;
		memset(added->data, 0, sizeof(added->data));
		vly_put_be16(added->data, VLY_TYPE_NSEC3);
		added->data[18] = (uint8_t)i;
		added->data_len = 19;
	}
	expect(VLY_OVERLAY_COMPLETE, "very large", false);
}

/* Signers renew records that are next to each other: of a large zone, all of these hashes begin with the same bits,
 * so that they would be in one bucket. */
Test(overlay_hash, hashes_that_are_close)
{
	uint8_t label[VLY_NSEC3_LABEL_BYTES];
	char name[16];

	begin();
	for (unsigned i = 0; plain.cnt < 72; i++) {
		snprintf(name, sizeof(name), "%x.z.", i);
		hash(name, label);
		if (label[0] == '7' && label[1] < '8')
			vly_model_add_a(&plain, name);
	}
	sign(&before, &chain);
	sign(&after, &chain);
	for (unsigned i = 0; i < after.cnt; i++)
		after.record[i].ttl += after.record[i].type == VLY_TYPE_NSEC3;
	expect(VLY_OVERLAY_DONE, "", false);
}

/* ---- layers ---- */

static struct vly_image *
compile(bool is_overlay)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_model_pair pair = {&after, &before, false};

	cr_assert_not_null(builder);
	if (is_overlay)
		cr_assert_eq(vly_model_compile_overlay(&pair, builder, 2, 1), VLY_OVERLAY_DONE);
	else
		vly_model_compile(&before, builder, 1);
	return vly_test_seal(builder);
}

/* The response of the complete form with the overlay upon it, if there is one, as text. */
static char *
answer_of(struct vly_image *complete, struct vly_image *overlay, const char *name, bool stream)
{
	struct vly_image *images[] = {complete, overlay};
	struct vly_image_error error = {0};
	struct vly_table *table = vly_table_build(images, overlay != NULL ? 2 : 1, &error);
	const struct vly_test_question question = {.name = name,
						   .type = VLY_TYPE_A,
						   .edns = true,
						   .dnssec_ok = true,
						   .stream = stream};

	cr_assert_not_null(table, "%s", error.text);
	char *text = vly_test_ask_text(table, &question);
	vly_table_free(table);
	return text;
}

/* Hashes with another salt find nothing in the form below. */
Test(overlay_hash, denying_in_another_way_is_refused)
{
	const struct vly_model_chain others[] = {{.nsec3 = true, .iterations = 1, .salt_len = 3},
						 {.nsec3 = true, .salt_len = 4},
						 {0}};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		begin_small(&chain);
		struct vly_image *complete = compile(false);
		sign(&before, &others[i]);
		sign(&after, &others[i]);
		struct vly_image *overlay = compile(true);
		struct vly_image *images[] = {complete, overlay};
		struct vly_image_error error = {0};
		cr_expect_null(vly_table_build(images, 2, &error));
		cr_expect_not_null(strstr(error.text, "deny in another way"), "%s", error.text);
		vly_image_close(complete);
		vly_image_close(overlay);
	}
}

/* What is hashed for a response that is composed counts as work, so that it is not given over UDP with many
 * iterations: with layers as without. */
Test(overlay_hash, hashing_is_work)
{
	const struct vly_model_chain costly = {.nsec3 = true,
					       .iterations = VLY_NSEC3_ITERATIONS_MAX};

	begin();
	vly_model_add_a(&plain, "a.z.");
	struct vly_model_record *dname = &plain.record[plain.cnt - 1];
	dname->type = VLY_TYPE_DNAME;
	memcpy(dname->data, "\1b\1z", 5);
	dname->data_len = 5;
	vly_model_add_a(&plain, "b.z.");
	sign(&before, &costly);
	sign(&after, &costly);
	struct vly_image *complete = compile(false);
	struct vly_image *overlay = compile(true);
	for (unsigned stream = 0; stream < 2; stream++) {
		char *alone = answer_of(complete, NULL, "n.a.z.", stream);
		char *both = answer_of(complete, overlay, "n.a.z.", stream);
		cr_expect_eq(strstr(both, "DNAME") != NULL || strstr(both, "TYPE39") != NULL,
			     stream, "%s", both);
		cr_expect_eq(strlen(both), strlen(alone), "%s%s", both, alone);
		free(alone);
		free(both);
	}
	vly_image_close(complete);
	vly_image_close(overlay);
}

/* ---- from an enemy ---- */

/* Returns the names that were hashed. */
static unsigned
ask(const struct vly_table *table, const char *name, unsigned type)
{
	static uint8_t message[4096 + 64];
	static struct vly_query query;
	struct vly_lcore_counters counters = {0};
	const struct vly_test_question question = {
		.name = name, .type = (uint16_t)type, .edns = true, .dnssec_ok = true};

	query = (struct vly_query){
		.message = message,
		.message_len = (uint16_t)vly_test_question_write(message, &question),
		.room = 4096,
		.limit_max = 1232,
		.limit = VLY_UDP_BYTES_MIN,
	};
	vly_query_answer(&query, 1, table, NULL, &counters);
	cr_assert_leq(query.response_len, query.room);
	return query.proof.hash_cnt;
}

#define DEEP_LABELS 20

/* A name whose ancestors have no NSEC3 up to the one that is `covered` labels above it: each of them hashed would take
 * as long as a hundred other answers. */
static void
expect_few_hashes(unsigned covered)
{
	static const struct vly_model_chain opt_out = {
		.nsec3 = true, .opt_out = true, .iterations = 1, .salt_len = 4};
	char name[2 * DEEP_LABELS + 3];
	struct vly_image_error error = {0};

	for (unsigned i = 0; i < DEEP_LABELS; i++)
		memcpy(name + 2 * i, "d.", 2);
	memcpy(name + (size_t)2 * DEEP_LABELS, "z.", 3);
	begin();
	vly_model_add_a(&plain, name);
	struct vly_model_record *cut = &plain.record[plain.cnt - 1];
	cut->type = VLY_TYPE_NS;
	memcpy(cut->data, "\1n\1e", 5);
	cut->data_len = 5;
	if (covered < DEEP_LABELS) {
		char above[sizeof(name) + 2];
		snprintf(above, sizeof(above), "a.%s", name + (size_t)2 * covered);
		vly_model_add_a(&plain, above);
	}
	sign(&before, &opt_out);
	vly_model_add_a(&plain, "a.z.");
	sign(&after, &opt_out);
	struct vly_image *complete = compile(false);
	struct vly_image *overlay = compile(true);
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	vly_model_compile(&after, builder, 2);
	struct vly_image *newer = vly_test_seal(builder);
	char *layered = answer_of(complete, overlay, name, true);
	char *alone = answer_of(newer, NULL, name, true);
	cr_expect_str_eq(layered, alone, "%u", covered);
	struct vly_image *images[] = {complete, overlay};
	struct vly_table *table = vly_table_build(images, 2, &error);
	const unsigned cnt = ask(table, name, VLY_TYPE_DS);
	cr_expect(cnt > 1 && cnt < 12, "%u labels: %u names are hashed", covered, cnt);
	vly_table_free(table);
	vly_image_close(newer);
	vly_image_close(complete);
	vly_image_close(overlay);
	free(layered);
	free(alone);
}

Test(overlay_hash, deep_names_cost_little)
{
	for (unsigned covered = 1; covered <= DEEP_LABELS; covered++)
		expect_few_hashes(covered);
}

static unsigned
random_place(struct vly_test_random *random, size_t bytes)
{
	return 256 + 2 * vly_test_random_below(random, (unsigned)(bytes - 260) / 2);
}

static void
damage(struct vly_test_random *random, uint8_t *block, const uint8_t *good, size_t bytes)
{
	memcpy(block, good, bytes);
	for (unsigned i = 1 + vly_test_random_below(random, 2); i > 0; i--) {
		const unsigned at = random_place(random, bytes);
		if (vly_test_random_chance(random, 50))
			memcpy(block + at, good + random_place(random, bytes), 4);
		else
			block[at] ^= (uint8_t)(1u << vly_test_random_below(random, 8));
	}
	vly_test_image_reseal(block, bytes);
}

/* What is accepted after any damage is answered from without leaving the images: the sanitizers see to that. */
Test(overlay_hash, damaged_stays_inside, .timeout = 120)
{
	static const char *const names[] = {"z.",     "a.z.", "b.z.", "d.z.",
					    "x.a.z.", "n.z.", "nn.z."};
	static const uint16_t types[] = {VLY_TYPE_A, VLY_TYPE_TXT, VLY_TYPE_RRSIG};
	struct vly_test_random random = {41};
	unsigned accepted_cnt = 0;

	begin_small(&chain);
	remove_a(&plain, 'b');
	sign(&after, &chain);
	struct vly_image *below = compile(false);
	struct vly_image *above = compile(true);
	const size_t bytes = above->header->image_bytes;
	uint8_t *block = aligned_alloc(VLY_IMAGE_ALIGN, (bytes + 63) / 64 * 64);
	for (unsigned round = 0; round < 2000; round++) {
		struct vly_image image = {.id = 2};
		struct vly_image_error error = {0};
		damage(&random, block, (const uint8_t *)above->header, bytes);
		if (vly_image_verify(block, bytes, NULL, &image, &error) != 0)
			continue;
		struct vly_image *images[] = {below, &image};
		struct vly_table *table = vly_table_build(images, 2, &error);
		if (table == NULL)
			continue;
		accepted_cnt++;
		for (size_t i = 0; i < 3 * sizeof(names) / sizeof(names[0]); i++)
			(void)ask(table, names[i / 3], types[i % 3]);
		vly_table_free(table);
	}
	cr_expect_gt(accepted_cnt, 100);
	free(block);
	vly_image_close(above);
	vly_image_close(below);
}
