/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed zones move to other images with all that denies names, in any order of the zones; and what
 * is no stack of layers is refused. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "common/nsec3_hash.h"
#include "layer_reader.h"
#include "message.h"
#include "server.h"

#define RRSIG(type) " RRSIG " type " 13 1 300 20300101000000 20200101000000 1 z. AAAA\n"

/* So many names that hash buckets have more than seven entries, and orders have samples. */
#define HOSTS 300

enum denial { NONE, NSEC, NSEC3 };

static const struct {
	const char *name;
	enum denial denial;
} zones[] = {{"plain.", NONE}, {"nsec.", NSEC}, {"hash.", NSEC3}, {"more.nsec.", NSEC}};

#define ZONE_CNT (sizeof(zones) / sizeof(zones[0]))

static void
write_nsec3(FILE *out, const char *name, const char *apex)
{
	static const struct vly_nsec3_params params = {0};
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	uint8_t wire[VLY_NAME_BYTES_MAX];
	char owner[33] = "";

	vly_nsec3_hash(&params, wire, vly_test_name_wire(wire, name), hash);
	for (unsigned bit = 0; bit < 160; bit += 5) {
		unsigned pair = hash[bit / 8] << 8 | (bit / 8 < 19 ? hash[bit / 8 + 1] : 0);
		owner[bit / 5] = digits[pair >> (11 - bit % 8) & 31];
	}
	fprintf(out, "%s.%s NSEC3 1 0 0 - %s A\n%s.%s" RRSIG("NSEC3"), owner, apex, owner, owner,
		apex);
}

/* A name with one record. */
static void
write_name(FILE *out, unsigned zone, const char *label, const char *type, const char *data)
{
	char name[100];

	snprintf(name, sizeof(name), "%s%s", label, zones[zone].name);
	fprintf(out, "%s %s %s\n", name, type, data);
	if (zones[zone].denial == NONE)
		return;
	if (strcmp(type, "NS") != 0 || label[0] == '\0')
		fprintf(out, "%s RRSIG %s 13 1 300 20300101000000 20200101000000 1 z. AAAA\n", name,
			type);
	if (zones[zone].denial == NSEC)
		fprintf(out, "%s NSEC %s A\n%s" RRSIG("NSEC"), name, name, name);
	else
		write_nsec3(out, name, zones[zone].name);
}

static struct vly_test_zone
make_zone(unsigned zone)
{
	struct vly_test_zone made = {.name = zones[zone].name};
	char *text = NULL;
	char label[40];
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fprintf(out, "$TTL 300\n@ SOA n. m. 7 2 3 4 60\n");
	if (zones[zone].denial != NONE)
		fprintf(out, "@" RRSIG("SOA"));
	if (zones[zone].denial == NSEC3)
		fprintf(out, "@ NSEC3PARAM 1 0 0 -\n");
	write_name(out, zone, "", "NS", "ns.elsewhere.");
	write_name(out, zone, "*.w.", "A", "192.0.2.1");
	write_name(out, zone, "*.r.", "CNAME", "*.r");
	write_name(out, zone, "c.", "CNAME", "x.w");
	write_name(out, zone, "e.", "CNAME", "nowhere");
	write_name(out, zone, "cut.", "NS", "ns.cut");
	fprintf(out, "ns.cut A 192.0.2.2\n");
	if (zones[zone].denial == NSEC3) {
		write_nsec3(out, "w.hash.", "hash.");
		write_nsec3(out, "r.hash.", "hash.");
	}
	for (unsigned i = 0; i < HOSTS; i++) { /* they differ far behind their beginning */
		snprintf(label, sizeof(label), "%s%u.", i % 2 ? "a-long-beginning-" : "h", i);
		write_name(out, zone, label, "A", "192.0.2.3");
	}
	fclose(out);
	made.text = text;
	return made;
}

static struct vly_image *
compile_all(void)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_error error = {0};

	cr_assert_not_null(builder);
	for (unsigned i = 0; i < ZONE_CNT; i++) {
		struct vly_test_zone zone = make_zone(i);
		cr_assert_eq(vly_test_zone_add(builder, &zone, &error), 0, "%s", error.text);
		free((char *)zone.text);
	}
	struct vly_image *image = vly_test_seal(builder);
	for (unsigned i = 0; i < ZONE_CNT; i++) {
		const struct vly_image_denial *denial =
			vly_image_at(image->heap, image->zone[i].denial);
		cr_assert_eq(image->zone[i].denial != 0, zones[i].denial != NONE);
		cr_assert(zones[i].denial == NONE || denial->kind == (int)zones[i].denial);
	}
	return image;
}

/* All zones of an image, from number `first` on. */
static struct vly_image *
move_all(const struct vly_image *image, unsigned first, bool with_index)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_merge_index *index = with_index ? vly_merge_index_new(image) : NULL;

	cr_assert_not_null(builder);
	cr_assert_eq(index != NULL, with_index);
	for (unsigned i = 0; i < ZONE_CNT; i++) {
		const struct vly_merge_layer layer = {
			.image = image, .zone_idx = (first + i) % ZONE_CNT, .index = index};
		cr_assert_eq(vly_image_builder_add_layers(builder, &layer, 1), 0);
	}
	vly_merge_index_free(index);
	return vly_test_seal(builder);
}

static void
expect_same_response(const struct vly_table *left, const struct vly_table *right, const char *name,
		     uint16_t type)
{
	const struct vly_test_question question = {
		.name = name, .type = type, .edns = true, .dnssec_ok = true};
	struct vly_test_response expected, response;

	vly_test_ask(left, &question, &expected);
	vly_test_ask(right, &question, &response);
	cr_expect_null(response.fault, "%s", response.fault);
	cr_expect_gt(response.record_cnt, 0);
	cr_assert_eq(response.len, expected.len, "%s type %u", name, type);
	cr_expect_eq(memcmp(response.octets, expected.octets, response.len), 0, "%s type %u", name,
		     type);
	vly_test_response_free(&expected);
	vly_test_response_free(&response);
}

static void
expect_same_answers(struct vly_image *left, struct vly_image *right)
{
	static const char *const labels[] = {
		"",     "x.w.",     "w.",     "*.w.", "c.",
		"e.",   "cut.",     "q.cut.", "h7.",  "a-long-beginning-8.",
		"h20.", "nothing.", "r.",     "b.r.", "a-long-beginning-133.",
		"*.r.",
	};
	static const uint16_t types[] = {VLY_TYPE_A,   VLY_TYPE_TXT, VLY_TYPE_NS,
					 VLY_TYPE_SOA, VLY_TYPE_ANY, VLY_TYPE_CNAME};
	struct vly_image_error error;
	struct vly_table *expected = vly_table_build(&left, 1, &error);
	struct vly_table *table = vly_table_build(&right, 1, &error);
	char name[100];

	cr_assert(expected != NULL && table != NULL);
	for (unsigned zone = 0; zone < ZONE_CNT; zone++)
		for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
			for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
				snprintf(name, sizeof(name), "%s%s", labels[i], zones[zone].name);
				expect_same_response(expected, table, name, types[t]);
			}
	free(expected);
	free(table);
}

Test(merge_signed, zones_move_as_they_are)
{
	struct vly_image *compiled = compile_all();
	struct vly_image *moved = move_all(compiled, 2, true);
	struct vly_image *again = move_all(moved, 1, false);

	expect_same_answers(compiled, moved);
	expect_same_answers(compiled, again);
	cr_expect_leq(again->header->image_bytes * 100, compiled->header->image_bytes * 101);
	vly_image_close(again);
	vly_image_close(moved);
	vly_image_close(compiled);
}

static void
expect_refused(const struct vly_hash_key *key, const struct vly_merge_layer *layer, unsigned cnt)
{
	struct vly_image_builder *builder = vly_image_builder_new(key);

	uint64_t bytes = vly_image_builder_bytes(builder);
	errno = 0;
	cr_expect_eq(vly_image_builder_add_layers(builder, layer, cnt), -1);
	cr_expect_eq(errno, EINVAL);
	cr_expect_eq(vly_image_builder_bytes(builder), bytes);
	vly_image_builder_free(builder);
}

Test(merge_signed, refuses_what_is_no_stack)
{
	static const struct vly_hash_key other_key = {{1, 2, 3, 4}};
	struct vly_image *image = compile_all();
	const struct vly_merge_layer plain = {.image = image};
	const struct vly_merge_layer outside = {.image = image, .zone_idx = ZONE_CNT};
	const struct vly_merge_layer nsec = {.image = image, .zone_idx = 1};

	expect_refused(&vly_test_key, &plain, 0);
	expect_refused(&vly_test_key, &outside, 1);
	expect_refused(&other_key, &plain, 1);
	expect_refused(&vly_test_key, (struct vly_merge_layer[]){plain, plain}, 2);
	expect_refused(&vly_test_key, (struct vly_merge_layer[]){nsec, nsec}, 2);
	vly_image_close(image);
}
