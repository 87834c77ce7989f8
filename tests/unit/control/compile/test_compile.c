/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a zone must have, what it must not, and what the image builder makes of several of them. */
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

static const struct vly_test_zone good = {"good.", VLY_TEST_APEX "a.b A 192.0.2.1\n*.w TXT x\n"};

static void
expect_error(const char *text, uint64_t line, const char *fragment)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_error error = {0};

	cr_expect_eq(vly_test_zone_add(builder, &(struct vly_test_zone){"z.", text}, &error), -1,
		     "loaded, instead of: %s", fragment);
	cr_expect_eq(error.line, line, "%s: line %llu", fragment, (unsigned long long)error.line);
	cr_expect_neq(strstr(error.text, fragment), NULL, "expected %s, got %s", fragment,
		      error.text);
	vly_image_builder_free(builder);
}

Test(compile, refuses_what_is_no_zone)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *fragment;
	} cases[] = {
		{"@ NS ns.elsewhere.\n", 0, "no SOA"},
		{"a SOA n. m. 1 2 3 4 5\n@ NS ns.elsewhere.\n", 0, "no SOA"},
		{VLY_TEST_APEX "@ SOA n. m. 8 2 3 4 60\n", 4, "more than one SOA"},
		{VLY_TEST_APEX "a CNAME b\nc A 1.2.3.4\na A 1.2.3.4\n", 6, "CNAME and other data"},
		{VLY_TEST_APEX "a A 1.2.3.4\na CNAME b\n", 4, "CNAME and other data"},
		{VLY_TEST_APEX "@ CNAME b\n", 3, "CNAME and other data"},
		{VLY_TEST_APEX "a NS b\na CNAME b\n", 4, "CNAME and other data"},
		{VLY_TEST_APEX "a CNAME b\na CNAME c\n", 5, "more than one CNAME"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(cases[i].text, cases[i].line, cases[i].fragment);
}

/* RFC 4035 §2.5 lets RRSIG and NSEC stand CNAME and other data. */
Test(compile, lets_dnssec_stand_beside_a_cname)
{
	static const struct vly_test_zone zone = {
		"z.",
		VLY_TEST_APEX "a CNAME b\na NSEC b CNAME NSEC RRSIG\n"
			      "a RRSIG CNAME 8 2 300 20300101000000 20200101000000 1 z. AAAA\n"};
	struct vly_image *image = vly_test_image_open(&zone, 1, 1);

	cr_expect_not_null(image);
	vly_image_close(image);
}

static void
expect_answer(const struct vly_test_server *server, const char *name, unsigned type,
	      const char *expected)
{
	char *text = vly_test_ask_text(
		server->table, &(struct vly_test_question){.name = name, .type = (uint16_t)type});

	cr_expect_str_eq(text, expected, "%s type %u: %s", name, type, text);
	free(text);
}

/* RFC 2181 §5: an RRset is a set; §5.2: with one TTL. */
Test(compile, drops_duplicates_and_takes_the_first_ttl)
{
	static const struct vly_test_zone zone = {"z.", VLY_TEST_APEX "a 100 A 192.0.2.2\n"
								      "a 200 A 192.0.2.1\n"
								      "a 300 A 192.0.2.2\n"
								      "A 400 A 192.0.2.1\n"
								      "b CNAME a\nb CNAME a\n"};
	struct vly_test_server server;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	expect_answer(&server, "a.z.", 1,
		      "NOERROR aa\nan a.z. 100 A 192.0.2.1\nan a.z. 100 A 192.0.2.2\n");
	expect_answer(&server, "b.z.", 5, "NOERROR aa\nan b.z. 300 CNAME a.z.\n");
	vly_test_server_close(&server);
}

/* Records keep the order of the zone file: some operators mean it. */
Test(compile, keeps_the_order_of_an_rrset)
{
	static const struct vly_test_zone zone = {
		"z.", VLY_TEST_APEX "a A 192.0.2.3\na A 192.0.2.1\na A 192.0.2.2\na A 192.0.2.1\n"};
	static const uint8_t last[] = {3, 1, 2};
	struct vly_test_server server;
	struct vly_test_response response;

	cr_assert_eq(vly_test_server_open(&server, &zone, 1), 0);
	vly_test_ask(server.table, &(struct vly_test_question){.name = "a.z.", .type = 1},
		     &response);
	cr_assert_eq(response.record_cnt, 3);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_eq(response.record[i].data[3], last[i]);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
}

/* RFC 2308 §3: the lesser of the SOA's TTL and its minimum. */
Test(compile, takes_the_lesser_negative_ttl)
{
	static const struct vly_test_zone zones[] = {
		{"y.", "@ 50 SOA n. m. 1 2 3 4 60\n@ NS n.\n"},
		{"z.", "@ 70 SOA n. m. 1 2 3 4 60\n@ NS n.\n"},
	};
	struct vly_test_server server;

	cr_assert_eq(vly_test_server_open(&server, zones, 2), 0);
	expect_answer(&server, "x.y.", 1, "NXDOMAIN aa\nns y. 50 SOA n. m. 1 2 3 4 60\n");
	expect_answer(&server, "x.z.", 1, "NXDOMAIN aa\nns z. 60 SOA n. m. 1 2 3 4 60\n");
	expect_answer(&server, "z.", 1, "NOERROR aa\nns z. 60 SOA n. m. 1 2 3 4 60\n");
	expect_answer(&server, "z.", 6, "NOERROR aa\nan z. 70 SOA n. m. 1 2 3 4 60\n");
	vly_test_server_close(&server);
}

static uint8_t *
seal(struct vly_image_builder *builder, size_t *bytes)
{
	struct vly_built_image built;

	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	uint8_t *block = vly_test_image_read(built.fd, bytes);
	cr_expect_eq(built.bytes, *bytes);
	close(built.fd);
	return block;
}

/* At every stage that a zone can fail in: while it is read, at its apex, in the middle of its
 * nodes. */
Test(compile, a_failing_zone_leaves_no_trace)
{
	static const struct vly_test_zone bad[] = {
		{"z.", VLY_TEST_APEX "a A oops\n"},
		{"z.", "@ NS ns.elsewhere.\n"},
		{"z.", VLY_TEST_APEX "a A 192.0.2.1\nb A 192.0.2.2\nc CNAME a\nc TXT x\n"},
		{"not..a.name", VLY_TEST_APEX},
	};
	static const struct vly_test_zone last = {"last.", VLY_TEST_APEX "x MX 1 y\n"};
	struct vly_zone_error error;
	size_t bytes, expected_bytes;
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);

	cr_assert_eq(vly_test_zone_add(builder, &good, &error), 0);
	cr_assert_eq(vly_test_zone_add(builder, &last, &error), 0);
	uint8_t *expected = seal(builder, &expected_bytes);

	builder = vly_image_builder_new(&vly_test_key);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(vly_test_zone_add(builder, &bad[i], &error), -1);
	cr_assert_eq(vly_test_zone_add(builder, &good, &error), 0);
	uint64_t before = vly_image_builder_bytes(builder);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(vly_test_zone_add(builder, &bad[i], &error), -1);
	cr_expect_eq(vly_image_builder_bytes(builder), before);
	cr_assert_eq(vly_test_zone_add(builder, &last, &error), 0);
	uint8_t *block = seal(builder, &bytes);

	cr_assert_eq(bytes, expected_bytes);
	cr_expect_eq(memcmp(block, expected, bytes), 0);
	free(block);
	free(expected);
}

Test(compile, holds_several_zones_in_one_image)
{
	static const struct vly_test_zone zones[] = {
		{"a.", VLY_TEST_APEX "x A 192.0.2.1\n"},
		{"b.", VLY_TEST_APEX "x A 192.0.2.2\n"},
		{"b.a.", VLY_TEST_APEX "x A 192.0.2.3\n"},
		{".", VLY_TEST_APEX "x A 192.0.2.4\n"},
	};
	struct vly_test_server server;

	cr_assert_eq(vly_test_server_open(&server, zones, 4), 0);
	cr_expect_eq(server.image->header->zone_cnt, 4);
	expect_answer(&server, "x.a.", 1, "NOERROR aa\nan x.a. 300 A 192.0.2.1\n");
	expect_answer(&server, "x.b.", 1, "NOERROR aa\nan x.b. 300 A 192.0.2.2\n");
	expect_answer(&server, "x.b.a.", 1, "NOERROR aa\nan x.b.a. 300 A 192.0.2.3\n");
	expect_answer(&server, "x.", 1, "NOERROR aa\nan x. 300 A 192.0.2.4\n");
	vly_test_server_close(&server);
}

/* The same zone file gives the same octets, and the zone's facts are in the image. */
Test(compile, is_repeatable_and_tells_what_it_compiled)
{
	struct vly_zone_error error;
	size_t first_bytes, second_bytes;
	int first_fd = vly_test_image_build(&good, 1, &vly_test_key, &error);
	int second_fd = vly_test_image_build(&good, 1, &vly_test_key, &error);
	uint8_t *first = vly_test_image_read(first_fd, &first_bytes);
	uint8_t *second = vly_test_image_read(second_fd, &second_bytes);

	cr_assert_eq(first_bytes, second_bytes);
	cr_expect_eq(memcmp(first, second, first_bytes), 0);
	free(first);
	free(second);
	close(first_fd);
	close(second_fd);
	struct vly_image *image = vly_test_image_open(&good, 1, 1);
	cr_expect_eq(image->zone[0].record_cnt, 4);
	cr_expect_eq(image->zone[0].node_cnt, 5); /* good, b, a.b, w, *.w */
	cr_expect_eq(image->zone[0].label_cnt, 1);
	cr_expect_eq(image->zone[0].label_max, 3);
	vly_image_close(image);
}

/* Types of a node ascend whatever the zone file's order: the verifier asks for it, bisection may
 * use it. */
Test(compile, sorts_the_types_of_a_node)
{
	static const struct vly_test_zone zone = {
		"z.",
		VLY_TEST_APEX "a TYPE65534 \\# 0\na TXT x\na A 192.0.2.1\na MX 1 a\n@ A 192.0.2.2\n"
			      "b CNAME a\n"};
	struct vly_image *image = vly_test_image_open(&zone, 1, 1);

	cr_assert_not_null(image);
	const struct vly_image_node *apex = vly_image_at(image->heap, image->zone[0].apex);
	cr_assert_eq(apex->type_cnt, 3);
	cr_expect_eq(apex->type[0].type, VLY_TYPE_A);
	cr_expect_eq(apex->type[1].type, VLY_TYPE_NS);
	cr_expect_eq(apex->type[2].type, VLY_TYPE_SOA);
	vly_image_close(image);
}

/* RFC 8482 §4.1: one RRset will do; all of them, when the operator says so. */
Test(compile, answers_any_with_one_rrset_or_with_all)
{
	static const struct vly_test_zone zone = {"z.", VLY_TEST_APEX
						  "a A 192.0.2.1\na TXT x\na MX 1 b\nc CNAME a\n"};
	struct vly_image_error image_error;
	struct vly_test_response response;
	struct vly_zone_error error;
	struct vly_built_image built;

	for (int all = 0; all <= 1; all++) {
		struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
		if (all)
			vly_image_builder_answer_any_all(builder);
		cr_assert_eq(vly_test_zone_add(builder, &zone, &error), 0);
		cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
		struct vly_image *image = vly_image_open(built.fd, 1, NULL, &image_error);
		cr_assert_not_null(image);
		struct vly_table *table = vly_table_build(&image, 1, &image_error);
		vly_test_ask(table,
			     &(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_ANY},
			     &response);
		cr_expect_eq(response.record_cnt, all ? 3 : 1);
		vly_test_response_free(&response);
		vly_test_ask(table,
			     &(struct vly_test_question){.name = "c.z.", .type = VLY_TYPE_ANY},
			     &response);
		cr_assert_eq(response.record_cnt, 1);
		cr_expect_eq(response.record[0].type, VLY_TYPE_CNAME);
		vly_test_response_free(&response);
		vly_table_free(table);
		vly_image_close(image);
		close(built.fd);
	}
}
