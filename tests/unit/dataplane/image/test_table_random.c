/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Zones of one depth and of several, side by side, below one another, with and without cuts, in
 * images of which newer ones hide zones of older ones: every answer is that of a table which has
 * nothing but the zone that the name is in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "random.h"
#include "reference.h"
#include "server.h"

enum { WORDS = 4, RANDOM_OWNERS = 12, RANDOM_ZONES = 14, RANDOM_IMAGES = 5 };

struct random_zone {
	char name[32]; /* relative to the root, ends in a dot */
	char *text;
	struct vly_image *alone;
};

struct random_image {
	unsigned cnt;
	struct random_zone zone[RANDOM_ZONES];
};

struct trial {
	unsigned image_cnt;
	struct random_image image[RANDOM_IMAGES]; /* newest first */
	struct vly_image *opened[RANDOM_IMAGES];
	unsigned live_cnt;
	const struct random_zone *live[RANDOM_IMAGES * RANDOM_ZONES];
};

/* One to `labels_max` labels of four words. */
static void
random_name(struct vly_test_random *random, unsigned labels_max, char name[32])
{
	static const char *const words[WORDS] = {"a.", "b.", "c.", "*."}; /* the last, first only */
	unsigned labels = 1 + vly_test_random_below(random, labels_max);

	*name = '\0';
	for (unsigned i = 0; i < labels; i++)
		strcat(name, words[vly_test_random_below(random, i == 0 ? WORDS : WORDS - 1)]);
}

/* Addresses that tell the zone, cuts, aliases and a DNAME, at names of up to three labels. */
static char *
random_zone_text(struct vly_test_random *random, unsigned number)
{
	static const char *const record[] = {
		"A 192.0.2.%u", "NS ns%u.elsewhere.",     "CNAME b.a.",
		"TXT \"%u\"",   "MX 1 mail%u.elsewhere.", "DNAME c.b."};
	char owner[RANDOM_OWNERS][32];
	unsigned owner_cnt = 0;
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	cr_assert_not_null(file);
	fputs(VLY_TEST_APEX, file);
	for (unsigned i = 0; i < RANDOM_OWNERS; i++) {
		bool twice = false;
		random_name(random, 3, owner[owner_cnt]);
		for (unsigned j = 0; j < owner_cnt; j++)
			twice |= strcmp(owner[j], owner[owner_cnt]) == 0;
		if (twice)
			continue;
		unsigned kind = vly_test_random_below(random, 6);
		if (kind == 5 && owner[owner_cnt][0] == '*')
			kind = 0;
		fprintf(file, "%.*s ", (int)strlen(owner[owner_cnt]) - 1, owner[owner_cnt]);
		fprintf(file, record[kind], number);
		fputc('\n', file);
		owner_cnt++;
	}
	fclose(file);
	return text;
}

static struct vly_image *
random_zone_alone(struct vly_test_random *random, unsigned number, struct random_zone *zone)
{
	/* records below a DNAME are an error: another attempt */
	for (;;) {
		zone->text = random_zone_text(random, number);
		struct vly_zone_error error;
		int fd = vly_test_image_build(&(struct vly_test_zone){zone->name, zone->text}, 1,
					      &vly_test_key, &error);
		if (fd >= 0) {
			struct vly_image_error image_error;
			struct vly_image *image = vly_image_open(fd, 1, NULL, &image_error);
			close(fd);
			cr_assert_not_null(image);
			return image;
		}
		free(zone->text);
	}
}

/* The live zone that answers for a name; NULL: none. For DS at an apex, the one above it. */
static const struct random_zone *
naive_zone(const struct random_zone *const *live, unsigned cnt, const char *name, unsigned type)
{
	const struct random_zone *best = NULL;

	for (unsigned i = 0; i < cnt; i++) {
		bool above = vly_reference_is_below(name, live[i]->name);
		bool parent_only = type == VLY_TYPE_DS && strcmp(name, live[i]->name) == 0;
		if (above && !parent_only && (!best || strlen(live[i]->name) > strlen(best->name)))
			best = live[i];
	}
	for (unsigned i = 0; !best && i < cnt; i++)
		if (strcmp(name, live[i]->name) == 0)
			best = live[i];
	return best;
}

/* A zone that the image has not got yet; false: it has the name. */
static bool
make_zone(struct vly_test_random *random, struct random_image *image, unsigned number,
	  unsigned labels_max)
{
	struct random_zone *zone = &image->zone[image->cnt];

	random_name(random, labels_max, zone->name);
	if (zone->name[0] == '*')
		strcpy(zone->name, vly_test_random_chance(random, 10) ? "." : "a.");
	for (unsigned i = 0; i < image->cnt; i++)
		if (strcmp(image->zone[i].name, zone->name) == 0)
			return false;
	zone->alone = random_zone_alone(random, number, zone);
	image->cnt++;
	return true;
}

static void
make_image(struct vly_test_random *random, struct trial *trial, unsigned idx, unsigned labels_max)
{
	struct random_image *image = &trial->image[idx];
	struct vly_test_zone text[RANDOM_ZONES];
	unsigned wanted = 1 + vly_test_random_below(random, RANDOM_ZONES);

	image->cnt = 0;
	for (unsigned i = 0; i < wanted; i++) {
		const struct random_zone *zone = &image->zone[image->cnt];
		bool hidden = false;
		if (!make_zone(random, image, idx * RANDOM_ZONES + i, labels_max))
			continue;
		text[image->cnt - 1] = (struct vly_test_zone){zone->name, zone->text};
		for (unsigned j = 0; j < trial->live_cnt; j++)
			hidden |= strcmp(trial->live[j]->name, zone->name) == 0;
		if (!hidden)
			trial->live[trial->live_cnt++] = zone;
	}
	trial->opened[idx] = vly_test_image_open(text, image->cnt, RANDOM_IMAGES - idx);
	cr_assert_not_null(trial->opened[idx]);
}

static struct vly_table *
build(struct vly_image *const *images, size_t cnt)
{
	struct vly_image_error error = {0};
	struct vly_table *table = vly_table_build(images, cnt, &error);

	cr_assert_not_null(table, "%s", error.text);
	return table;
}

static void
ask(struct vly_test_random *random, const struct trial *trial, const struct vly_table *table)
{
	static const unsigned types[] = {VLY_TYPE_A,   VLY_TYPE_NS, VLY_TYPE_SOA,  VLY_TYPE_DS,
					 VLY_TYPE_ANY, VLY_TYPE_MX, VLY_TYPE_CNAME};
	unsigned type = types[vly_test_random_below(random, 7)];
	char name[32];

	random_name(random, 7, name);
	if (vly_test_random_chance(random, 30))
		strcpy(name, trial->live[vly_test_random_below(random, trial->live_cnt)]->name);
	const struct vly_test_question question = {.name = name, .type = (uint16_t)type};
	const struct random_zone *from = naive_zone(trial->live, trial->live_cnt, name, type);
	struct vly_image *alone = from ? from->alone : NULL;
	struct vly_table *naive = build(&alone, from != NULL);
	char *wanted = vly_test_ask_text(naive, &question);
	char *got = vly_test_ask_text(table, &question);
	cr_assert_str_eq(got, wanted, "%s type %u, zone %s, of %u images", name, type,
			 from ? from->name : "none", trial->image_cnt);
	free(wanted);
	free(got);
	vly_table_free(naive);
}

static void
close_trial(struct trial *trial)
{
	for (unsigned i = 0; i < trial->image_cnt; i++) {
		for (unsigned j = 0; j < trial->image[i].cnt; j++) {
			free(trial->image[i].zone[j].text);
			vly_image_close(trial->image[i].zone[j].alone);
		}
		vly_image_close(trial->opened[i]);
	}
}

static void
run_trial(struct vly_test_random *random)
{
	struct trial trial = {.image_cnt = 1 + vly_test_random_below(random, RANDOM_IMAGES)};
	unsigned labels_max = 1 + vly_test_random_below(random, 4);

	for (unsigned i = 0; i < trial.image_cnt; i++)
		make_image(random, &trial, i, labels_max);
	struct vly_table *table = build(trial.opened, trial.image_cnt);
	cr_expect_eq(table->zone_cnt, trial.live_cnt);
	for (unsigned i = 0; i < 150; i++)
		ask(random, &trial, table);
	vly_table_free(table);
	close_trial(&trial);
}

Test(table_random, answers_as_the_right_zone_alone_would, .timeout = 120)
{
	struct vly_test_random random = {20};

	for (unsigned round = 0; round < 200; round++)
		run_trial(&random);
}
