/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "random.h"
#include "server.h"

/* A zone whose apex has one address: which zone answered is seen in the answer. */
#define ZONE(name, address)                                                                        \
	{                                                                                          \
		name, VLY_TEST_APEX "@ A " address "\n"                                            \
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
expect_answer(const struct vly_table *table, const char *name, unsigned type, const char *expected)
{
	char *text = vly_test_ask_text(
		table, &(struct vly_test_question){.name = name, .type = (uint16_t)type});

	cr_expect_str_eq(text, expected, "%s type %u: %s", name, type, text);
	free(text);
}

static void
close_all(struct vly_table *table, struct vly_image *const *images, size_t cnt)
{
	vly_table_free(table);
	for (size_t i = 0; i < cnt; i++)
		vly_image_close(images[i]);
}

Test(table, of_no_image_refuses_everything)
{
	struct vly_table *table = build(NULL, 0);

	cr_expect_eq(table->zone_cnt, 0);
	expect_answer(table, ".", VLY_TYPE_NS, "REFUSED\n");
	expect_answer(table, "z.", VLY_TYPE_A, "REFUSED\n");
	vly_table_free(table);
}

Test(table, takes_a_zone_from_the_newest_image)
{
	static const struct vly_test_zone old[] = {ZONE("y.", "192.0.2.1"),
						   ZONE("z.", "192.0.2.2")};
	static const struct vly_test_zone new = ZONE("z.", "192.0.2.3");
	struct vly_image *images[] = {vly_test_image_open(&new, 1, 2),
				      vly_test_image_open(old, 2, 1)};
	struct vly_table *table = build(images, 2);

	cr_expect_eq(table->zone_cnt, 2);
	expect_answer(table, "z.", VLY_TYPE_A, "NOERROR aa\nan z. 300 A 192.0.2.3\n");
	expect_answer(table, "y.", VLY_TYPE_A, "NOERROR aa\nan y. 300 A 192.0.2.1\n");
	vly_table_free(table);
	/* whatever their order: the larger id is the newer one */
	struct vly_image *reverse[] = {images[1], images[0]};
	table = build(reverse, 2);
	expect_answer(table, "z.", VLY_TYPE_A, "NOERROR aa\nan z. 300 A 192.0.2.3\n");
	vly_table_free(table);
	images[1]->id = 3;
	table = build(reverse, 2);
	expect_answer(table, "z.", VLY_TYPE_A, "NOERROR aa\nan z. 300 A 192.0.2.2\n");
	close_all(table, images, 2);
}

Test(table, finds_each_of_many_zones)
{
	enum { IMAGES = 4, ZONES = 300 };
	static struct vly_test_zone zone[ZONES];
	struct vly_image *images[IMAGES];
	unsigned next = 0;

	for (unsigned i = 0; i < IMAGES; i++) {
		for (unsigned j = 0; j < ZONES; j++, next++) {
			char *name, *text;
			cr_assert(asprintf(&name, "zone-%u.tld-%u.", next, next % 7) > 0);
			cr_assert(asprintf(&text, VLY_TEST_APEX "@ A 10.0.%u.%u\n", next >> 8,
					   next & 255) > 0);
			zone[j] = (struct vly_test_zone){name, text};
		}
		cr_assert_not_null(images[i] = vly_test_image_open(zone, ZONES, i + 1));
		for (unsigned j = 0; j < ZONES; j++) {
			free((void *)(uintptr_t)zone[j].name);
			free((void *)(uintptr_t)zone[j].text);
		}
	}
	struct vly_table *table = build(images, IMAGES);
	cr_expect_eq(table->zone_cnt, IMAGES * ZONES);
	for (unsigned i = 0; i < IMAGES * ZONES; i++) {
		char name[40], expected[100];
		snprintf(name, sizeof(name), "zone-%u.tld-%u.", i, i % 7);
		snprintf(expected, sizeof(expected), "NOERROR aa\nan %s 300 A 10.0.%u.%u\n", name,
			 i >> 8, i & 255);
		expect_answer(table, name, VLY_TYPE_A, expected);
		snprintf(name, sizeof(name), "zone-%u.tld-%u.", i, (i + 1) % 7);
		expect_answer(table, name, VLY_TYPE_A, "REFUSED\n");
	}
	close_all(table, images, IMAGES);
}

/* The name of so many labels, all of them "a". */
static const char *
deep_name(unsigned label_cnt)
{
	static char name[2 * VLY_NAME_LABELS_MAX + 1];

	for (unsigned i = 0; i < label_cnt; i++)
		memcpy(name + (size_t)2 * i, "a.", 3);
	return name;
}

Test(table, finds_the_nearest_of_apexes_at_any_depth)
{
	static const unsigned depth[] = {1, 2, 40, 62, 63, 64, 65, 66, 100, 126, 127};
	enum { DEPTHS = sizeof(depth) / sizeof(depth[0]) };
	struct vly_image *images[DEPTHS];
	unsigned nearest = 0;

	for (unsigned i = 0; i < DEPTHS; i++) {
		const struct vly_test_zone zone = {deep_name(depth[i]), VLY_TEST_APEX};
		cr_assert_not_null(images[i] = vly_test_image_open(&zone, 1, i + 1));
	}
	struct vly_table *table = build(images, DEPTHS);
	for (unsigned label_cnt = 1; label_cnt <= VLY_NAME_LABELS_MAX; label_cnt++) {
		char soa[2 * VLY_NAME_LABELS_MAX + 20];
		if (nearest + 1 < DEPTHS && depth[nearest + 1] == label_cnt)
			nearest++;
		snprintf(soa, sizeof(soa), "\nns %s ", deep_name(depth[nearest]));
		char *text = vly_test_ask_text(
			table,
			&(struct vly_test_question){.name = deep_name(label_cnt), .type = 16});
		cr_expect_not_null(strstr(text, soa), "%u labels: %s", label_cnt, text);
		free(text);
	}
	close_all(table, images, DEPTHS);
}

Test(table, candidates_are_those_of_a_loop)
{
	struct vly_test_random random = {53};

	for (unsigned round = 0; round < 1000; round++) {
		bool has[VLY_NAME_LABELS_MAX + 1];
		struct vly_table table = {.slot_mask = 0};
		for (unsigned cnt = 0; cnt <= VLY_NAME_LABELS_MAX; cnt++) {
			has[cnt] = vly_test_random_chance(&random, 30);
			if (has[cnt])
				table.label_cnts[cnt / 64] |= UINT64_C(1) << (63 - cnt % 64);
		}
		for (unsigned label_cnt = 0; label_cnt <= VLY_NAME_LABELS_MAX; label_cnt++) {
			uint64_t expected = 0;
			for (unsigned i = 0; i <= label_cnt && i < 64; i++)
				expected |= (uint64_t)has[label_cnt - i] << i;
			cr_assert_eq(vly_table_candidates(&table, label_cnt), expected, "%u labels",
				     label_cnt);
		}
	}
}

#define NEGATIVE(apex) "ns " apex " 60 SOA ns.elsewhere. mail.elsewhere. 7 2 3 4 60\n"

/* Parent and child on one server: each answers for its own names. */
Test(table, serves_parent_and_child)
{
	static const struct vly_test_zone zones[] = {
		{"z.", VLY_TEST_APEX "c NS ns.c\nns.c A 192.0.2.1\nc DS 1 8 1 "
				     "000102030405060708090a0b0c0d0e0f10111213\nd NS ns.d\n"
				     "ns.d A 192.0.2.9\n"},
		{"c.z.", VLY_TEST_APEX "ns A 192.0.2.2\n"},
	};
	struct vly_image *image = vly_test_image_open(zones, 2, 1);
	struct vly_table *table = build(&image, 1);

	expect_answer(table, "ns.c.z.", VLY_TYPE_A, "NOERROR aa\nan ns.c.z. 300 A 192.0.2.2\n");
	expect_answer(table, "c.z.", VLY_TYPE_NS, "NOERROR aa\nan c.z. 300 NS ns.elsewhere.\n");
	expect_answer(table, "n.c.z.", VLY_TYPE_A, "NXDOMAIN aa\n" NEGATIVE("c.z."));
	expect_answer(table, "n.z.", VLY_TYPE_A, "NXDOMAIN aa\n" NEGATIVE("z."));
	/* RFC 4035 §3.1.4.1: DS at a child's apex is the parent's */
	expect_answer(table, "c.z.", VLY_TYPE_DS,
		      "NOERROR aa\nan c.z. 300 DS \\# "
		      "00010801000102030405060708090a0b0c0d0e0f10111213\n");
	expect_answer(table, "d.z.", VLY_TYPE_DS, "NOERROR aa\n" NEGATIVE("z."));
	expect_answer(table, "ns.c.z.", VLY_TYPE_DS, "NOERROR aa\n" NEGATIVE("c.z."));
	/* no parent here: the child says that it has none */
	expect_answer(table, "z.", VLY_TYPE_DS, "NOERROR aa\n" NEGATIVE("z."));
	close_all(table, &image, 1);
}

/* The parent may be in another image, above several labels, or the root. */
Test(table, asks_the_nearest_parent_for_ds)
{
	static const struct vly_test_zone root = {".", VLY_TEST_APEX "b.c NS ns.b.c\n"};
	static const struct vly_test_zone child = {"b.c.", VLY_TEST_APEX};
	struct vly_image *images[] = {vly_test_image_open(&child, 1, 2),
				      vly_test_image_open(&root, 1, 1)};
	struct vly_table *table = build(images, 2);

	expect_answer(table, "b.c.", VLY_TYPE_DS, "NOERROR aa\n" NEGATIVE("."));
	expect_answer(table, ".", VLY_TYPE_DS, "NOERROR aa\n" NEGATIVE("."));
	expect_answer(table, "b.c.", VLY_TYPE_A, "NOERROR aa\n" NEGATIVE("b.c."));
	close_all(table, images, 2);
}

/* A parent that does not delegate: what it has at and below the child's apex is not answered. */
Test(table, serves_the_child_of_a_parent_without_a_cut)
{
	static const struct vly_test_zone parent = {
		"z.", VLY_TEST_APEX "c A 192.0.2.1\nb.c A 192.0.2.2\nd A 192.0.2.3\n"};
	static const struct vly_test_zone child = {"c.z.", VLY_TEST_APEX "a A 192.0.2.4\n"};
	struct vly_image *images[] = {vly_test_image_open(&parent, 1, 2),
				      vly_test_image_open(&child, 1, 1)};

	for (unsigned order = 0; order < 2; order++) {
		struct vly_image *ordered[] = {images[order], images[1 - order]};
		struct vly_table *table = build(ordered, 2);
		expect_answer(table, "c.z.", VLY_TYPE_A, "NOERROR aa\n" NEGATIVE("c.z."));
		expect_answer(table, "b.c.z.", VLY_TYPE_A, "NXDOMAIN aa\n" NEGATIVE("c.z."));
		expect_answer(table, "a.c.z.", VLY_TYPE_A,
			      "NOERROR aa\nan a.c.z. 300 A 192.0.2.4\n");
		expect_answer(table, "d.z.", VLY_TYPE_A, "NOERROR aa\nan d.z. 300 A 192.0.2.3\n");
		expect_answer(table, "e.z.", VLY_TYPE_A, "NXDOMAIN aa\n" NEGATIVE("z."));
		vly_table_free(table);
	}
	close_all(NULL, images, 2);
}

Test(table, contests_no_zone_among_such_as_lie_side_by_side)
{
	static const struct vly_test_zone zones[] = {
		ZONE("a.z.", "192.0.2.1"), ZONE("b.z.", "192.0.2.2"), ZONE("c.b.y.", "192.0.2.3")};
	static const struct vly_test_zone below = ZONE("d.a.z.", "192.0.2.4");
	struct vly_image *images[] = {vly_test_image_open(zones, 3, 2),
				      vly_test_image_open(&below, 1, 1)};
	struct vly_table *table = build(images, 1);

	cr_expect_null(table->part[0].contested);
	vly_table_free(table);
	table = build(images, 2);
	cr_expect(vly_table_is_contested(&table->part[0], 0));
	cr_expect_not(vly_table_is_contested(&table->part[0], 1));
	cr_expect_not(vly_table_is_contested(&table->part[0], 2));
	cr_expect_null(table->part[1].contested);
	close_all(table, images, 2);
}

static void
scan_hashed(struct vly_name *name, const char *text)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	unsigned len = vly_test_name_wire(wire, text);

	cr_assert_neq(len, 0);
	cr_assert_eq(vly_name_scan(name, wire, len), len);
	vly_name_hash(name, &vly_test_key);
}

/* Those of `zone_cnt` zones, every second one below another, whose slice is that of the image. */
static struct vly_image *
open_sliced(unsigned zone_cnt, unsigned image, unsigned image_cnt)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_built_image built;
	struct vly_image_error error;

	for (unsigned i = 0; i < zone_cnt; i++) {
		struct vly_zone_error zone_error;
		struct vly_name scanned;
		char name[40];
		snprintf(name, sizeof(name), i % 2 == 0 ? "%u.tld." : "a.%u.tld.", i / 2);
		scan_hashed(&scanned, name);
		if (vly_image_slice(scanned.hash[i % 2]) % image_cnt != image)
			continue;
		const struct vly_test_zone zone = {name, VLY_TEST_APEX "www A 192.0.2.1\n"};
		cr_assert_eq(vly_test_zone_add(builder, &zone, &zone_error), 0);
	}
	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	struct vly_image *opened = vly_image_open(built.fd, image + 1, NULL, &error);
	cr_assert_not_null(opened);
	close(built.fd);
	return opened;
}

/* The image of each zone can be told when zones of a slice are together, whatever their depth. */
Test(table, routes_names_to_their_image)
{
	enum { IMAGES = 3, ZONES = 200 };
	struct vly_image *images[IMAGES];

	for (unsigned i = 0; i < IMAGES; i++)
		images[i] = open_sliced(ZONES, i, IMAGES);
	struct vly_table *table = build(images, IMAGES);
	cr_expect_eq(table->route_labels, 2);
	for (unsigned i = 0; i < ZONES; i++) {
		struct vly_name scanned;
		char name[40];
		snprintf(name, sizeof(name), i % 2 == 0 ? "www.%u.tld." : "www.a.%u.tld.", i / 2);
		scan_hashed(&scanned, name);
		cr_expect_eq(vly_table_route(table, &scanned),
			     vly_table_find(table, &scanned, 1, true).part, "%s", name);
	}
	close_all(table, images, IMAGES);
}

Test(table, serves_the_root)
{
	static const struct vly_test_zone root = {".", VLY_TEST_APEX "a A 192.0.2.1\n"};
	struct vly_image *image = vly_test_image_open(&root, 1, 1);
	struct vly_table *table = build(&image, 1);

	expect_answer(table, ".", VLY_TYPE_NS, "NOERROR aa\nan . 300 NS ns.elsewhere.\n");
	expect_answer(table, "a.", VLY_TYPE_A, "NOERROR aa\nan a. 300 A 192.0.2.1\n");
	expect_answer(table, "x.y.", VLY_TYPE_A, "NXDOMAIN aa\n" NEGATIVE("."));
	close_all(table, &image, 1);
}

Test(table, refuses_images_with_different_hash_keys)
{
	static const struct vly_test_zone zone = ZONE("z.", "192.0.2.1");
	struct vly_hash_key key = vly_test_key;
	struct vly_zone_error zone_error;
	struct vly_image_error error = {0};

	key.word[3] ^= 1;
	int fd = vly_test_image_build(&zone, 1, &key, &zone_error);
	struct vly_image *images[] = {vly_test_image_open(&zone, 1, 17),
				      vly_image_open(fd, 18, NULL, &error)};
	cr_assert_not_null(images[1], "%s", error.text);
	cr_expect_null(vly_table_build(images, 2, &error));
	cr_expect_neq(strstr(error.text, "17 and 18"), NULL, "%s", error.text);
	cr_expect_neq(strstr(error.text, "hash key"), NULL, "%s", error.text);
	close_all(NULL, images, 2);
	close(fd);
}

enum { READERS = 2, TABLES = 1000 };

struct readers {
	_Atomic bool stop;
	_Atomic unsigned wrong_cnt;
	_Atomic unsigned started_cnt;
	_Atomic unsigned answer_cnt;
};

/* A zone of the test below has its serial as the apex's address, too: an answer that mixes two
 * tables shows. */
static bool
is_whole(const struct vly_table *table, unsigned *serial)
{
	static const struct vly_test_question soa = {
		.name = "z.", .type = VLY_TYPE_SOA, .room = 1024};
	static const struct vly_test_question a = {.name = "z.", .type = VLY_TYPE_A, .room = 1024};
	struct vly_test_response first, second;

	vly_test_ask(table, &soa, &first);
	vly_test_ask(table, &a, &second);
	bool whole = first.fault == NULL && second.fault == NULL && first.record_cnt == 1 &&
		     second.record_cnt == 1;
	if (whole) {
		const uint8_t *from = first.record[0].data + first.record[0].data_len - 20;
		whole = memcmp(from, second.record[0].data, 4) == 0;
		*serial = (unsigned)from[2] << 8 | from[3];
	}
	vly_test_response_free(&first);
	vly_test_response_free(&second);
	return whole;
}

static void *
read_tables(void *arg)
{
	struct readers *readers = arg;
	unsigned newest = 0;

	rcu_register_thread();
	readers->started_cnt++;
	while (!readers->stop) {
		unsigned serial = 0;
		const struct vly_table *table = vly_table_live();
		if (!is_whole(table, &serial) || serial < newest)
			readers->wrong_cnt++;
		newest = serial;
		readers->answer_cnt++;
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

static struct vly_image *
numbered_image(unsigned serial)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "@ 300 SOA ns.elsewhere. mail.elsewhere. %u 2 3 4 5\n@ NS ns.elsewhere.\n"
		 "@ A 0.0.%u.%u\n",
		 serial, serial >> 8, serial & 255);
	struct vly_image *image =
		vly_test_image_open(&(struct vly_test_zone){"z.", text}, 1, serial);
	cr_assert_not_null(image);
	return image;
}

/* Readers see a whole table, never an older one than before, and nothing that is gone: an image is
 * unmapped as soon as the publication of its successor returns, so a late reader would crash. */
Test(table, is_replaced_under_readers, .timeout = 120)
{
	struct readers readers = {0};
	pthread_t thread[READERS];
	struct vly_image *image = numbered_image(1);

	cr_expect_null(vly_table_live());
	vly_table_publish(build(&image, 1));
	for (unsigned i = 0; i < READERS; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, read_tables, &readers), 0);
	while (readers.started_cnt < READERS)
		sched_yield();
	for (unsigned serial = 2; serial <= TABLES; serial++) {
		struct vly_image *next = numbered_image(serial);
		vly_table_publish(build(&next, 1));
		vly_image_close(image);
		image = next;
	}
	readers.stop = true;
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(thread[i], NULL);
	cr_expect_eq(readers.wrong_cnt, 0);
	cr_expect_geq(readers.answer_cnt, READERS);
	cr_expect_eq(vly_table_live()->zone_cnt, 1);
	vly_image_close(image);
}
