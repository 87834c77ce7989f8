/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zones with overlays: whatever has changed, in however many layers, each answer is that of one
 * complete form of the newest version. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "image/table_book.h"
#include "living_zones.h"
#include "message.h"

static struct vly_table *
build(struct vly_image *const *images, size_t cnt)
{
	struct vly_image_error error = {0};
	struct vly_table *table = vly_table_build(images, cnt, &error);

	cr_assert_not_null(table, "%s", error.text);
	return table;
}

/* The table of some complete form and the overlays upon it, in layers of one or several versions,
 * up to the newest version; and that of the newest complete form. Some zones have another below
 * them. */
static void
run_trial(struct vly_test_random *random)
{
	static struct vly_living_zone zone;
	struct vly_image *images[VLY_IMAGE_LAYERS_MAX + 2];
	struct vly_image *merged[VLY_IMAGE_LAYERS_MAX] = {0};
	unsigned layer_cnt = 1 + vly_test_random_below(random, VLY_IMAGE_LAYERS_MAX);
	static const struct vly_test_zone child = {"b.z.", VLY_TEST_APEX "a A 192.0.2.250\n"};
	struct vly_image *below = vly_test_image_open(&child, 1, 1000);
	const bool has_below = vly_test_random_chance(random, 20);
	uint64_t version = 1;
	size_t cnt = 0;

	vly_living_zone_begin(&zone, "z.", random);
	images[cnt++] = zone.complete[1];
	while (cnt < layer_cnt) {
		for (unsigned i = 1 + vly_test_random_below(random, 3); i > 0; i--)
			vly_living_zone_change(&zone, random);
		merged[cnt] = vly_living_merged(&zone, version, zone.version, 1 + cnt);
		cr_assert_not_null(merged[cnt]);
		images[cnt] = merged[cnt];
		version = zone.version;
		cnt++;
	}
	struct vly_image *newest[] = {zone.complete[version], below};
	images[cnt] = below;
	struct vly_table *wanted = build(newest, 1 + has_below);
	struct vly_table *got = build(images, cnt + has_below);
	cr_expect_eq(got->zone_cnt, 1u + has_below);
	for (unsigned i = 0; i < 600; i++)
		cr_assert(vly_living_ask(random, "z.", got, wanted), "%zu layers", cnt);
	vly_table_free(wanted);
	vly_table_free(got);
	for (size_t i = 0; i < VLY_IMAGE_LAYERS_MAX; i++)
		vly_image_close(merged[i]);
	vly_image_close(below);
	vly_living_zone_end(&zone);
}

Test(layers, answer_as_one_complete_form, .timeout = 120)
{
	struct vly_test_random random = {11};

	for (unsigned round = 0; round < 40; round++)
		run_trial(&random);
}

/* ---- commits ---- */

enum { ZONES = 6, IMAGES_MAX = 200, COMMITS = 60 };

/* Zones of which some lie below others, and all images that were ever made of them. */
struct world {
	struct vly_living_zone zone[ZONES];
	struct vly_image *made[IMAGES_MAX];
	size_t made_cnt;
	uint64_t next_id;
	struct vly_image *live[IMAGES_MAX];
	size_t live_cnt;
};

static const char *const names[ZONES] = {"z.", "b.z.", "y.", "c.b.z.", ".", "a.c.b.z."};

/* A copy of an image with an id of its own. */
static struct vly_image *
remake(struct world *world, const struct vly_image *image)
{
	cr_assert_lt(world->made_cnt, IMAGES_MAX);
	struct vly_image *made = vly_test_block_open((const uint8_t *)image->header,
						     image->mapped_bytes, world->next_id++);
	cr_assert_not_null(made);
	world->made[world->made_cnt++] = made;
	return made;
}

static bool
is_live(const struct world *world, const struct vly_image *image)
{
	for (size_t i = 0; i < world->live_cnt; i++)
		if (world->live[i] == image)
			return true;
	return false;
}

/* Something of a zone: a complete form, or an overlay over one or several versions. */
static struct vly_image *
make_something(struct world *world, struct vly_test_random *random)
{
	struct vly_living_zone *zone = &world->zone[vly_test_random_below(random, ZONES)];

	if (zone->version + 1 < VLY_LIVING_VERSIONS && vly_test_random_chance(random, 60))
		vly_living_zone_change(zone, random);
	if (zone->version == 1 || vly_test_random_chance(random, 15))
		return remake(world, zone->complete[zone->version]);
	if (vly_test_random_chance(random, 70))
		return remake(world, zone->overlay[zone->version]);
	uint64_t below = 1 + vly_test_random_below(random, (unsigned)zone->version - 1);
	struct vly_image *merged = vly_living_merged(zone, below, zone->version, world->next_id++);
	cr_assert_not_null(merged);
	world->made[world->made_cnt++] = merged;
	return merged;
}

struct commit {
	struct vly_image *removed[IMAGES_MAX];
	struct vly_image *added[IMAGES_MAX];
	size_t removed_cnt;
	size_t added_cnt;
};

static void
choose_commit(struct world *world, struct vly_test_random *random, struct commit *commit)
{
	const unsigned share = vly_test_random_below(random, 40);

	commit->removed_cnt = commit->added_cnt = 0;
	for (size_t i = 0; i < world->live_cnt; i++)
		if (vly_test_random_chance(random, share))
			commit->removed[commit->removed_cnt++] = world->live[i];
	for (unsigned i = vly_test_random_below(random, 4); i > 0; i--)
		commit->added[commit->added_cnt++] = make_something(world, random);
	/* one that was there before */
	struct vly_image *old =
		world->made[vly_test_random_below(random, (unsigned)world->made_cnt)];
	bool is_added = is_live(world, old);
	for (size_t i = 0; i < commit->added_cnt; i++)
		is_added |= commit->added[i] == old;
	if (!is_added && vly_test_random_chance(random, 20))
		commit->added[commit->added_cnt++] = old;
}

/* Takes the list as it is after the commit. */
static void
follow(struct world *world, const struct commit *commit)
{
	size_t kept = 0;

	for (size_t i = 0; i < world->live_cnt; i++) {
		bool is_removed = false;
		for (size_t j = 0; j < commit->removed_cnt; j++)
			is_removed |= commit->removed[j] == world->live[i];
		if (!is_removed)
			world->live[kept++] = world->live[i];
	}
	world->live_cnt = kept;
	for (size_t i = 0; i < commit->added_cnt; i++)
		world->live[world->live_cnt++] = commit->added[i];
}

static void
expect_zone(struct vly_test_random *random, const char *zone, const struct vly_table *got,
	    const struct vly_table *wanted, unsigned question_cnt)
{
	for (unsigned i = 0; i < question_cnt; i++)
		cr_assert(vly_living_ask(random, zone, got, wanted));
}

static void
expect_equal(struct vly_test_random *random, const struct vly_table *got,
	     const struct vly_table *wanted, unsigned question_cnt)
{
	cr_assert_eq(got->zone_cnt, wanted->zone_cnt);
	for (unsigned i = 0; i < question_cnt; i++)
		cr_assert(vly_living_ask(random, names[vly_test_random_below(random, ZONES)], got,
					 wanted));
}

struct tally {
	unsigned changed_cnt;
	unsigned refused_cnt;
	unsigned built_cnt;
};

/* Commits to a table, as far as it can be changed in place; after each it is as if it were built
 * from all images. What is refused changes nothing. */
static void
run_commits(struct vly_test_random *random, struct tally *tally)
{
	static struct world world;
	struct vly_table *table;

	world = (struct world){.next_id = 1};
	for (unsigned i = 0; i < ZONES; i++)
		vly_living_zone_begin(&world.zone[i], names[i], random);
	world.live[world.live_cnt++] = remake(&world, world.zone[0].complete[1]);
	table = build(world.live, 1);
	for (unsigned round = 0; round < COMMITS && world.made_cnt < IMAGES_MAX - 5; round++) {
		struct vly_image_error error = {0}, reason = {0};
		struct commit commit;
		struct world before = world;
		choose_commit(&world, random, &commit);
		enum vly_table_outcome outcome =
			vly_table_change(table, commit.removed, commit.removed_cnt, commit.added,
					 commit.added_cnt, &error);
		follow(&world, &commit);
		struct vly_table *wanted = vly_table_build(world.live, world.live_cnt, &reason);
		tally->changed_cnt += outcome == VLY_TABLE_CHANGED;
		tally->refused_cnt += outcome == VLY_TABLE_REFUSED;
		tally->built_cnt += outcome == VLY_TABLE_BUILD;
		if (wanted == NULL) {
			cr_assert_neq(outcome, VLY_TABLE_CHANGED);
			cr_assert_not_null(strstr(reason.text, "layers"), "%s", reason.text);
			memcpy(world.live, before.live, sizeof(world.live));
			world.live_cnt = before.live_cnt;
			wanted = build(world.live, world.live_cnt);
		} else {
			cr_assert_neq(outcome, VLY_TABLE_REFUSED, "%s", error.text);
		}
		if (outcome == VLY_TABLE_BUILD) {
			vly_table_free(table);
			table = build(world.live, world.live_cnt);
		}
		expect_equal(random, table, wanted, 60);
		vly_table_free(wanted);
	}
	vly_table_free(table);
	for (size_t i = 0; i < world.made_cnt; i++)
		vly_image_close(world.made[i]);
	for (unsigned i = 0; i < ZONES; i++)
		vly_living_zone_end(&world.zone[i]);
}

Test(layers, table_changed_in_place_is_as_if_built, .timeout = 120)
{
	struct vly_test_random random = {29};
	struct tally tally = {0};

	for (unsigned round = 0; round < 4; round++)
		run_commits(&random, &tally);
	cr_log_info("%u changed, %u refused, %u built", tally.changed_cnt, tally.refused_cnt,
		    tally.built_cnt);
	cr_expect_gt(tally.changed_cnt, 3 * tally.built_cnt);
}

/* One layer more than there may be: refused, by a change and by a build, and nothing has changed. */
Test(layers, too_many_are_refused)
{
	static struct vly_living_zone zone;
	struct vly_test_random random = {31};
	struct vly_image *images[VLY_IMAGE_LAYERS_MAX + 1];
	struct vly_image_error error = {0};

	vly_living_zone_begin(&zone, "z.", &random);
	images[0] = zone.complete[1];
	for (unsigned i = 1; i <= VLY_IMAGE_LAYERS_MAX; i++) {
		vly_living_zone_change(&zone, &random);
		images[i] = zone.overlay[zone.version];
	}
	struct vly_table *table = build(images, VLY_IMAGE_LAYERS_MAX);
	struct vly_table *wanted = build(&zone.complete[zone.version - 1], 1);
	cr_expect_null(vly_table_build(images, VLY_IMAGE_LAYERS_MAX + 1, &error));
	cr_expect_not_null(strstr(error.text, "more than 8 layers"), "%s", error.text);
	cr_expect_eq(vly_table_change(table, NULL, 0, &images[VLY_IMAGE_LAYERS_MAX], 1, &error),
		     VLY_TABLE_REFUSED);
	cr_expect_not_null(strstr(error.text, "more than 8 layers"), "%s", error.text);
	expect_zone(&random, "z.", table, wanted, 300);
	/* with one of them merged into two versions, there is room */
	struct vly_image *merged = vly_living_merged(&zone, 1, 3, 7);
	cr_assert_not_null(merged);
	struct vly_image *added[] = {merged, images[VLY_IMAGE_LAYERS_MAX]};
	cr_expect_eq(vly_table_change(table, &images[1], 2, added, 2, &error), VLY_TABLE_CHANGED,
		     "%s", error.text);
	vly_table_free(wanted);
	wanted = build(&zone.complete[zone.version], 1);
	expect_zone(&random, "z.", table, wanted, 300);
	vly_table_free(wanted);
	vly_table_free(table);
	vly_image_close(merged);
	vly_living_zone_end(&zone);
}

/* A layer of a signed zone upon one of an unsigned zone: refused, by a change and by a build, as without it an older
 * version would be answered. */
Test(layers, that_do_not_fit_are_refused)
{
	static struct vly_living_zone zone;
	struct vly_test_random random = {37};
	struct vly_image_error error = {0};

	vly_living_zone_begin(&zone, "z.", &random);
	vly_living_zone_change(&zone, &random);
	struct vly_image_zone head = zone.overlay[2]->zone[0];
	struct vly_image overlay = *zone.overlay[2];
	head.signed_nodata = head.nodata;
	overlay.zone = &head;
	struct vly_image *images[] = {zone.complete[1], &overlay};
	cr_expect_null(vly_table_build(images, 2, &error));
	cr_expect_not_null(strstr(error.text, "does not fit upon the layer below"), "%s",
			   error.text);
	struct vly_table *table = build(images, 1);
	struct vly_table *wanted = build(images, 1);
	error.text[0] = '\0';
	cr_expect_eq(vly_table_change(table, NULL, 0, &images[1], 1, &error), VLY_TABLE_REFUSED);
	cr_expect_not_null(strstr(error.text, "does not fit upon the layer below"), "%s",
			   error.text);
	expect_zone(&random, "z.", table, wanted, 200);
	/* what does fit is taken */
	cr_expect_eq(vly_table_change(table, NULL, 0, &zone.overlay[2], 1, &error),
		     VLY_TABLE_CHANGED, "%s", error.text);
	vly_table_free(wanted);
	wanted = build(&zone.complete[2], 1);
	expect_zone(&random, "z.", table, wanted, 200);
	vly_table_free(wanted);
	vly_table_free(table);
	vly_living_zone_end(&zone);
}

/* Filters of middle size that would leave most of a large page empty. */
Test(layers, filters_of_many_zones_waste_a_bounded_part_of_large_pages)
{
	enum { ZONE_CNT = 60, NAME_CNT = 20000 };
	static struct vly_image_zone heads[ZONE_CNT];
	static struct vly_image overlays[ZONE_CNT];
	struct vly_image *images[2 * ZONE_CNT];
	struct vly_image *opened[2 * ZONE_CNT];
	struct vly_image_error error = {0};
	uint64_t spare = 0;
	uint64_t used = 0;

	for (unsigned i = 0; i < ZONE_CNT; i++) {
		char apex[16];
		snprintf(apex, sizeof(apex), "z%u.", i);
		const struct vly_test_zone before = {apex, VLY_TEST_APEX "a A 192.0.2.1\n"};
		const struct vly_test_zone after = {apex, VLY_TEST_APEX "a A 192.0.2.2\n"};
		struct vly_image *newer = vly_test_version_open(&after, 1, 2, 1);
		opened[2 * i] = images[2 * i] = vly_test_version_open(&before, 1, 1, 1 + 2 * i);
		opened[2 * i + 1] = vly_test_overlay_open(images[2 * i], 0, newer, 0, 2 + 2 * i);
		cr_assert(images[2 * i] != NULL && newer != NULL && opened[2 * i + 1] != NULL);
		vly_image_close(newer);
		/* as if it had so many names */
		overlays[i] = *opened[2 * i + 1];
		heads[i] = overlays[i].zone[0];
		heads[i].node_cnt = NAME_CNT;
		overlays[i].zone = &heads[i];
		images[2 * i + 1] = &overlays[i];
	}
	struct vly_table *table = build(images, 2 * ZONE_CNT);
	for (uint32_t i = 0; i < table->book->part_end; i++) {
		const struct vly_table_filter *filter = table->part[i].filter;
		if (filter == NULL)
			continue;
		spare += filter->spare_bytes;
		used += filter->word_cnt * sizeof(uint64_t);
	}
	cr_expect_gt(used, ZONE_CNT * UINT64_C(65536), "the filters are of middle size");
	cr_expect_gt(spare, UINT64_C(32) << 20, "those of a few zones are on large pages");
	cr_expect_leq(spare, UINT64_C(64) << 20);
	cr_expect_eq(spare, table->book->spare_bytes);
	/* what goes makes room */
	for (unsigned i = 0; i < ZONE_CNT - 1; i++)
		cr_expect_eq(vly_table_change(table, &images[2 * i], 2, NULL, 0, &error),
			     VLY_TABLE_CHANGED, "%s", error.text);
	cr_expect_lt(table->book->spare_bytes, UINT64_C(2) << 20);
	vly_table_free(table);
	for (unsigned i = 0; i < 2 * ZONE_CNT; i++)
		vly_image_close(opened[i]);
}

/* An image that is newer may have an older version: it is a copy. Without a version, the newer image
 * counts. */
Test(layers, the_largest_version_counts_among_such_as_have_one)
{
	static struct vly_living_zone zone;
	static const struct vly_test_zone other = {"z.", VLY_TEST_APEX "a A 192.0.2.77\n"};
	struct vly_test_random random = {43};
	struct vly_image_error error = {0};

	vly_living_zone_begin(&zone, "z.", &random);
	vly_living_zone_change(&zone, &random);
	zone.complete[1]->id = 9;
	zone.complete[2]->id = 5;
	struct vly_image *file = vly_test_image_open(&other, 1, 8);
	struct vly_image *images[] = {zone.complete[1], file, zone.complete[2]};
	struct vly_table *table = build(images, 3);
	struct vly_table *wanted = build(&zone.complete[2], 1);
	expect_zone(&random, "z.", table, wanted, 200);
	vly_table_free(wanted);
	/* now the newest image has no version */
	cr_assert_eq(vly_table_change(table, images, 1, NULL, 0, &error), VLY_TABLE_CHANGED);
	wanted = build(&file, 1);
	expect_zone(&random, "z.", table, wanted, 200);
	vly_table_free(wanted);
	cr_assert_eq(vly_table_change(table, NULL, 0, images, 1, &error), VLY_TABLE_CHANGED);
	wanted = build(&zone.complete[2], 1);
	expect_zone(&random, "z.", table, wanted, 200);
	vly_table_free(wanted);
	vly_table_free(table);
	vly_image_close(file);
	vly_living_zone_end(&zone);
}

Test(layers, images_with_another_hash_key_need_a_table_of_their_own)
{
	struct vly_test_zone zone = {"z.", VLY_TEST_APEX};
	struct vly_hash_key key = vly_test_key;
	struct vly_zone_error zone_error;
	struct vly_image_error error = {0};

	key.word[3] ^= 1;
	int fd = vly_test_image_build(&zone, 1, &key, &zone_error);
	struct vly_image *other = vly_image_open(fd, 2, NULL, &error);
	struct vly_image *image = vly_test_image_open(&zone, 1, 1);
	struct vly_table *table = build(&image, 1);
	cr_assert_not_null(other, "%s", error.text);
	cr_expect_eq(vly_table_change(table, NULL, 0, &other, 1, &error), VLY_TABLE_BUILD);
	struct vly_image *both[] = {other, image};
	cr_expect_null(vly_table_build(both, 2, &error));
	cr_expect_not_null(strstr(error.text, "hash key"), "%s", error.text);
	vly_table_free(table);
	vly_image_close(image);
	vly_image_close(other);
	close(fd);
}

/* ---- readers ---- */

enum { READERS = 2, VERSIONS = 200 };

struct readers {
	_Atomic bool stop;
	_Atomic unsigned wrong_cnt;
	_Atomic unsigned started_cnt;
	_Atomic unsigned answer_cnt;
};

/* The version that a response shows: in the address of a.z., or in the serial of the SOA that it
 * has; 0: neither. */
static unsigned
version_of(const struct vly_test_response *response)
{
	for (unsigned i = 0; i < response->record_cnt; i++) {
		const struct vly_test_record *record = &response->record[i];
		const uint8_t *from = record->data;
		if (record->type == VLY_TYPE_SOA)
			from = record->data + record->data_len - VLY_SOA_TAIL_BYTES;
		else if (record->type != VLY_TYPE_A)
			continue;
		return (unsigned)from[2] << 8 | from[3];
	}
	return 0;
}

/* Asks the live table for one name after the other; each answer is of the version that the one
 * before it had, or of a later one. */
static void *
read_versions(void *arg)
{
	static const struct vly_test_question question[] = {
		{.name = "z.", .type = VLY_TYPE_SOA},
		{.name = "a.z.", .type = VLY_TYPE_A},
		{.name = "same.z.", .type = VLY_TYPE_AAAA},
		{.name = "none.z.", .type = VLY_TYPE_A},
		{.name = "alias.z.", .type = VLY_TYPE_AAAA},
		{.name = "x.y.w.z.", .type = 1},
		{.name = "x.a.z.", .type = VLY_TYPE_A},
		{.name = "x.d.z.", .type = 28},

	};
	enum { QUESTIONS = sizeof(question) / sizeof(question[0]) };
	struct readers *readers = arg;
	unsigned newest = 1;

	rcu_register_thread();
	readers->started_cnt++;
	for (unsigned i = 0; !readers->stop; i = (i + 1) % QUESTIONS) {
		struct vly_test_response response;
		struct vly_test_question asked = question[i];
		asked.room = 1232;
		vly_test_ask(vly_table_live(), &asked, &response);
		unsigned version = version_of(&response);
		if (response.fault != NULL || version < newest) {
			readers->wrong_cnt++;
			fprintf(stderr, "%s: version %u after %u: %s\n", asked.name, version,
				newest, response.fault);
		}
		newest = version;
		readers->answer_cnt++;
		vly_test_response_free(&response);
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

static struct vly_image *
numbered_version(unsigned version)
{
	char text[400];

	snprintf(text, sizeof(text),
		 "$TTL 300\n@ SOA ns.elsewhere. mail.elsewhere. %u 2 3 4 5\n@ NS ns.elsewhere.\n"
		 "a A 0.0.%u.%u\nsame TXT t\nalias CNAME same\n*.w TXT t\nd DNAME same\n"
		 "%s TXT t\n",
		 version, version >> 8, version & 255, version % 2 ? "comes.and" : "goes");
	struct vly_image *image =
		vly_test_version_open(&(struct vly_test_zone){"z.", text}, 1, version, version);
	cr_assert_not_null(image);
	return image;
}

/* The images of the live table, besides a zone below that comes and goes. */
struct stack {
	struct vly_image *layer[VLY_IMAGE_LAYERS_MAX]; /* the complete form first */
	size_t cnt;
	struct vly_image *below; /* NULL: it is not there */
};

/* Puts `image` upon the first `kept` layers, in place of the others, and turns the zone below. */
static void
commit_version(struct vly_table **table, struct stack *stack, size_t kept, struct vly_image *image)
{
	static const struct vly_test_zone child = {"c.z.", VLY_TEST_APEX};
	struct vly_image *added[2] = {image};
	struct vly_image *removed[VLY_IMAGE_LAYERS_MAX + 1];
	struct vly_image_error error = {0};
	const bool turns_below = image->id % 5 == 0;
	size_t added_cnt = 1, removed_cnt = 0;

	for (size_t i = kept; i < stack->cnt; i++)
		removed[removed_cnt++] = stack->layer[i];
	if (turns_below && stack->below != NULL)
		removed[removed_cnt++] = stack->below;
	else if (turns_below)
		added[added_cnt++] = vly_test_image_open(&child, 1, 1000000 + image->id);
	cr_assert_eq(vly_table_change(*table, removed, removed_cnt, added, added_cnt, &error),
		     VLY_TABLE_CHANGED, "%s", error.text);
	stack->layer[kept] = image;
	stack->cnt = kept + 1;
	if (turns_below)
		stack->below = added_cnt > 1 ? added[1] : NULL;
	/* a late reader would crash */
	for (size_t i = 0; i < removed_cnt; i++)
		vly_image_close(removed[i]);
}

/* A version after the other: as one more overlay, as an overlay in place of several, or as a
 * complete form. */
static void
run_versions(struct vly_table **table, struct stack *stack, struct vly_test_random *random)
{
	static struct vly_image *complete[VERSIONS + 1]; /* only to make overlays from */
	uint64_t version_of_layer[VLY_IMAGE_LAYERS_MAX] = {1};

	complete[1] = numbered_version(1);
	for (unsigned version = 2; version <= VERSIONS; version++) {
		size_t kept = stack->cnt;
		complete[version] = numbered_version(version);
		if (kept == VLY_IMAGE_LAYERS_MAX || vly_test_random_chance(random, 20))
			kept = vly_test_random_below(random, (unsigned)stack->cnt);
		struct vly_image *image =
			kept == 0 ? numbered_version(version)
				  : vly_test_overlay_open(complete[version_of_layer[kept - 1]], 0,
							  complete[version], 0, version);
		cr_assert_not_null(image);
		commit_version(table, stack, kept, image);
		version_of_layer[kept] = version;
	}
	for (unsigned version = 1; version <= VERSIONS; version++)
		vly_image_close(complete[version]);
}

Test(layers, change_under_readers, .timeout = 120)
{
	struct vly_test_random random = {37};
	struct readers readers = {0};
	pthread_t thread[READERS];
	struct stack stack = {.layer = {numbered_version(1)}, .cnt = 1};
	struct vly_table *table = build(stack.layer, 1);

	vly_table_publish(table);
	for (unsigned i = 0; i < READERS; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, read_versions, &readers), 0);
	while (readers.started_cnt < READERS)
		sched_yield();
	run_versions(&table, &stack, &random);
	readers.stop = true;
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	cr_expect_eq(readers.wrong_cnt, 0);
	cr_expect_geq(readers.answer_cnt, READERS);
	vly_table_publish(NULL);
	for (size_t i = 0; i < stack.cnt; i++)
		vly_image_close(stack.layer[i]);
	vly_image_close(stack.below);
}

struct first_change {
	struct vly_table *table;
	struct vly_image *overlay;
	enum vly_table_outcome outcome;
};

static void *
change_first(void *arg)
{
	struct first_change *first = arg;
	struct vly_image_error error = {0};

	first->outcome = vly_table_change(first->table, NULL, 0, &first->overlay, 1, &error);
	return NULL;
}

/* A burst looks for the filter before it looks at layers. One that began before there was a filter
 * does not see the layers that came with it. */
Test(layers, are_seen_when_every_reader_has_found_their_filter, .timeout = 60)
{
	struct vly_image *base = numbered_version(1);
	struct vly_image *next = numbered_version(2);
	struct first_change first = {
		.table = build(&base, 1),
		.overlay = vly_test_overlay_open(base, 0, next, 0, 2),
	};
	struct vly_table *table = first.table;
	pthread_t thread;

	cr_assert_not_null(first.overlay);
	rcu_register_thread(); /* in the midst of a burst, until it is offline */
	cr_assert_eq(pthread_create(&thread, NULL, change_first, &first), 0);
	while (!__atomic_load_n(&table->has_filters, __ATOMIC_ACQUIRE))
		sched_yield();
	for (unsigned i = 0; i < 100; i++) { /* a change that did not wait would be done by then */
		cr_assert_null(vly_table_layered(&table->part[0], 0));
		usleep(100);
	}
	rcu_thread_offline();
	pthread_join(thread, NULL);
	cr_expect_eq(first.outcome, VLY_TABLE_CHANGED);
	cr_expect_not_null(vly_table_layered(&table->part[0], 0));
	rcu_unregister_thread();
	vly_table_free(table);
	vly_image_close(first.overlay);
	vly_image_close(base);
	vly_image_close(next);
}
