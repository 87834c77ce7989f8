/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writing: pointers that move with the question's name, sums, and what is left out when room is
 * short. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "answer/question_sum.h"
#include "message.h"
#include "random.h"
#include "server.h"

static void
open_zone(struct vly_test_server *server, const char *text)
{
	cr_assert_eq(vly_test_server_open(server, &(struct vly_test_zone){"z.", text}, 1), 0);
}

/* A name of exactly `len` octets that ends in `suffix` (`suffix_len` octets): filled with labels
 * from the left. */
static void
make_name(uint8_t wire[VLY_NAME_BYTES_MAX], unsigned len, const uint8_t *suffix,
	  unsigned suffix_len)
{
	unsigned fill = len - suffix_len;
	uint8_t *at = wire;

	while (fill > 0) {
		unsigned label = fill > 64 ? (fill == 65 ? 62 : 63) : fill - 1;
		*at++ = (uint8_t)label;
		memset(at, 'L', label);
		at += label;
		fill -= label + 1;
	}
	memcpy(at, suffix, suffix_len);
}

/* The response for a name, with the name itself written as Q, so that responses for different names
 * compare. */
static char *
answer_for(const struct vly_test_server *server, const uint8_t *wire, unsigned type, bool edns)
{
	struct vly_test_response response;

	vly_test_ask(server->table,
		     &(struct vly_test_question){
			     .wire = wire, .type = (uint16_t)type, .edns = edns, .payload = 4096},
		     &response);
	for (unsigned i = 0; i < response.record_cnt; i++) {
		char name[VLY_TEST_NAME_CHARS];
		vly_test_name_text(name, wire);
		if (strcmp(response.record[i].owner, name) == 0)
			strcpy(response.record[i].owner, "Q");
	}
	char *text = vly_test_response_text(&response);
	vly_test_response_free(&response);
	return text;
}

static const char moving_zone[] = VLY_TEST_APEX "@ MX 1 mx\n"
						"*.wild MX 1 mx.wild\n"
						"*.wild MX 2 mx.wild.z.\n"
						"*.wild MX 3 other.elsewhere.\n"
						"*.alias CNAME deep.er.target\n"
						"deep.er.target A 192.0.2.1\n"
						"*.gone CNAME nothing.here\n"
						"*.out CNAME x.cut\n"
						"cut NS ns1.cut\n"
						"cut NS ns2.cut\n"
						"cut NS ns.sibling\n"
						"ns1.cut A 192.0.2.2\n"
						"ns1.cut AAAA 2001:db8::1\n"
						"ns2.cut A 192.0.2.3\n"
						"ns.sibling A 192.0.2.4\n";

/* The longer the name, the further the pointers move: nothing else may change. */
Test(response, is_the_same_at_every_name_length)
{
	static const struct {
		const char *suffix;
		unsigned type;
		const char *expected; /* in the answer to every length */
	} cases[] = {
		{"z.", VLY_TYPE_A, "NXDOMAIN aa"},
		{"cut.z.", VLY_TYPE_A, "ad ns1.cut.z. 300 AAAA"},
		{"wild.z.", VLY_TYPE_MX, "an q 300 MX 2 mx.wild.z."},
		{"wild.z.", VLY_TYPE_A, "NOERROR aa"},
		{"alias.z.", VLY_TYPE_A, "an deep.er.target.z. 300 A 192.0.2.1"},
		{"alias.z.", VLY_TYPE_MX, "an q 300 CNAME deep.er.target.z."},
		{"gone.z.", VLY_TYPE_A, "NXDOMAIN aa"},
		{"out.z.", VLY_TYPE_A, "ns cut.z. 300 NS ns.sibling.z."},
	};
	struct vly_test_server server;

	open_zone(&server, moving_zone);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t suffix[VLY_NAME_BYTES_MAX], wire[VLY_NAME_BYTES_MAX];
		unsigned suffix_len = vly_test_name_wire(suffix, cases[i].suffix);
		make_name(wire, suffix_len + 2, suffix, suffix_len);
		char *first = answer_for(&server, wire, cases[i].type, false);
		cr_expect_neq(strstr(first, cases[i].expected), NULL, "case %zu: %s", i, first);
		for (unsigned len = suffix_len + 3; len <= VLY_NAME_BYTES_MAX; len++) {
			make_name(wire, len, suffix, suffix_len);
			char *text = answer_for(&server, wire, cases[i].type, false);
			cr_expect_str_eq(text, first, "case %zu, %u octets", i, len);
			free(text);
		}
		free(first);
	}
	vly_test_server_close(&server);
}

/* vly_test_exchange() compares response_sum with the naive sum; here with an OPT at odd and even
 * offsets. */
Test(response, sum_is_right_with_and_without_opt_at_every_length)
{
	static const char *const suffixes[] = {"z.",       "cut.z.", "wild.z.",
					       "alias.z.", "out.z.", "zz."};
	struct vly_test_server server;

	open_zone(&server, moving_zone);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		uint8_t suffix[VLY_NAME_BYTES_MAX], wire[VLY_NAME_BYTES_MAX];
		unsigned suffix_len = vly_test_name_wire(suffix, suffixes[i]);
		for (unsigned len = suffix_len + 2; len <= VLY_NAME_BYTES_MAX; len++) {
			make_name(wire, len, suffix, suffix_len);
			for (unsigned edns = 0; edns < 2; edns++) {
				char *text = answer_for(&server, wire, VLY_TYPE_MX, edns);
				cr_expect_neq(strncmp(text, "FAULT", 5), 0, "%s: %u octets: %s",
					      suffixes[i], len, text);
				free(text);
			}
		}
	}
	vly_test_server_close(&server);
}

/* Only the size means something in these fields of the OPT, and it may have any value. */
Test(response, sum_is_right_with_large_octets_in_the_opt)
{
	struct vly_test_server server;

	open_zone(&server, moving_zone);
	for (unsigned len = 2; len <= VLY_LABEL_BYTES_MAX; len++) {
		uint8_t suffix[VLY_NAME_BYTES_MAX], wire[VLY_NAME_BYTES_MAX], message[320];
		struct vly_test_response response;
		make_name(wire, len + 4, suffix, vly_test_name_wire(suffix, "z."));
		struct vly_test_question question = {
			.wire = wire, .type = VLY_TYPE_MX, .edns = true, .payload = UINT16_MAX};
		size_t bytes = vly_test_question_write(message, &question);
		message[bytes - 6] = 0xff;            /* the upper bits of the RCODE */
		memset(message + bytes - 4, 0xff, 2); /* flags */
		vly_test_exchange(server.table, message, bytes, &question, &response);
		cr_expect_null(response.fault, "%u octets: %s", len, response.fault);
		vly_test_response_free(&response);
	}
	vly_test_server_close(&server);
}

/* A zone whose owner `name` has `cnt` TXT records of `bytes` octets each. */
static char *
make_txt_zone(const char *name, unsigned cnt, unsigned bytes)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(VLY_TEST_APEX, out);
	for (unsigned i = 0; i < cnt; i++)
		fprintf(out, "%s TXT \"%0*u\"\n", name, (int)bytes, i);
	fclose(out);
	return text;
}

static void
ask(const struct vly_test_server *server, const struct vly_test_question *question,
    struct vly_test_response *response)
{
	vly_test_ask(server->table, question, response);
	cr_assert_null(response->fault, "%s", response->fault);
}

/* Header and question of t.z./TXT have 21 octets; its two records 213 and 44 + `rest`. */
static void
expect_truncated(unsigned rest, bool edns, bool truncated)
{
	struct vly_test_server server;
	struct vly_test_response response;
	char *text;

	cr_assert_gt(asprintf(&text, VLY_TEST_APEX "t TXT %0200u\nt TXT %030u %0*u\n", 1u, 2u,
			      (int)rest, 3u),
		     0);
	open_zone(&server, text);
	ask(&server,
	    &(struct vly_test_question){
		    .name = "t.z.", .type = VLY_TYPE_TXT, .edns = edns, .payload = 512},
	    &response);
	cr_expect_eq((response.flags & VLY_FLAG_TC) != 0, truncated);
	cr_expect_eq(response.len, truncated ? 21 + 11 * edns : 512);
	cr_expect_eq(response.record_cnt, truncated ? 0 : 2);
	cr_expect_eq(response.counters.truncated, truncated);
	cr_expect_eq(response.has_opt, edns);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
	free(text);
}

Test(response, truncates_exactly_when_the_answer_does_not_fit)
{
	for (unsigned edns = 0; edns < 2; edns++) {
		unsigned rest = 512 - 21 - 11 * edns - 213 - 44;
		expect_truncated(rest, edns, false);
		expect_truncated(rest + 1, edns, true);
	}
}

Test(response, is_whole_over_a_stream)
{
	char *text = make_txt_zone("t", 300, 200);
	struct vly_test_server server;
	struct vly_test_response response;

	open_zone(&server, text);
	ask(&server,
	    &(struct vly_test_question){.name = "t.z.", .type = VLY_TYPE_TXT, .stream = true},
	    &response);
	cr_expect_eq(response.record_cnt, 300);
	cr_expect(!(response.flags & VLY_FLAG_TC));
	vly_test_response_free(&response);
	ask(&server,
	    &(struct vly_test_question){
		    .name = "t.z.", .type = VLY_TYPE_TXT, .edns = true, .payload = 65535},
	    &response);
	cr_expect(response.flags & VLY_FLAG_TC);
	cr_expect_eq(response.record_cnt, 0);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
	free(text);
}

/* Less room than EDNS allows: ASan sees writes behind it, vly_test_exchange() a length beyond it.
 */
Test(response, stays_in_its_room)
{
	char *text = make_txt_zone("t", 8, 150);
	struct vly_test_server server;

	open_zone(&server, text);
	for (unsigned room = 1024; room < 1500; room++) {
		struct vly_test_response response;
		ask(&server,
		    &(struct vly_test_question){.name = "t.z.",
						.type = VLY_TYPE_TXT,
						.edns = true,
						.payload = 4096,
						.room = (uint16_t)room},
		    &response);
		bool fits = 21 + 8 * (13 + 150) + 11 <= room;
		cr_expect_eq(response.record_cnt, fits ? 8 : 0, "room %u", room);
		vly_test_response_free(&response);
	}
	vly_test_server_close(&server);
	free(text);
}

static unsigned
count_owner(const struct vly_test_response *response, const char *owner)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < response->record_cnt; i++)
		cnt += response->record[i].section == 2 &&
		       strcmp(response->record[i].owner, owner) == 0;
	return cnt;
}

/* A cut with `inside` name servers in the domain and `beside` ones next to it, 3 AAAA each. */
static void
open_cut(struct vly_test_server *server, unsigned inside, unsigned beside)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(VLY_TEST_APEX, out);
	for (unsigned i = 0; i < inside + beside; i++) {
		const char *domain =
			i < beside ? "" : ".cut"; /* the zone file has them the other way */
		fprintf(out, "cut NS n%u%s\n", i, domain);
		for (unsigned j = 0; j < 3; j++)
			fprintf(out, "n%u%s AAAA 2001:db8::%u:%u\n", i, domain, i, j);
	}
	fclose(out);
	open_zone(server, text);
	free(text);
}

/* RFC 9471 §3: all in-domain glue is there or TC; the rest goes RRset by RRset, from the end (RFC
 * 2181 §9). */
Test(response, leaves_out_glue_that_is_not_required_by_whole_rrsets)
{
	enum { INSIDE = 3, BESIDE = 6 };
	struct vly_test_server server;
	unsigned most = 0;

	open_cut(&server, INSIDE, BESIDE);
	for (unsigned payload = 512; payload < 1300; payload++) {
		struct vly_test_response response;
		ask(&server,
		    &(struct vly_test_question){.name = "x.cut.z.",
						.type = 1,
						.edns = true,
						.payload = (uint16_t)payload},
		    &response);
		cr_expect_leq(response.len, payload);
		cr_assert(!(response.flags & VLY_FLAG_TC), "payload %u", payload);
		cr_expect_eq(response.count[2], INSIDE + BESIDE);
		unsigned cnt = 0;
		for (unsigned i = 0; i < INSIDE + BESIDE; i++) {
			char owner[32];
			snprintf(owner, sizeof(owner), "n%u%s.z.", i, i < BESIDE ? "" : ".cut");
			unsigned found = count_owner(&response, owner);
			bool required = i >= BESIDE;
			cr_expect(found == 3 || (found == 0 && !required), "%u of %s", found,
				  owner);
			cr_expect(required || found == 0 || cnt == i, "%s, but not the one before",
				  owner);
			cnt += found == 3;
		}
		unsigned left = payload - response.len; /* a further RRset would not have fitted */
		cr_expect(cnt == INSIDE + BESIDE || left < 3 * 28, "%u octets unused", left);
		cr_expect_geq(cnt, most);
		most = cnt;
		vly_test_response_free(&response);
	}
	cr_expect_eq(most, INSIDE + BESIDE);
	vly_test_server_close(&server);
}

Test(response, required_glue_that_does_not_fit_sets_tc)
{
	struct vly_test_server server;
	struct vly_test_response response;

	open_cut(&server, 6, 1);
	ask(&server, &(struct vly_test_question){.name = "cut.z.", .type = 1}, &response);
	cr_expect(response.flags & VLY_FLAG_TC);
	cr_expect_eq(response.record_cnt, 0);
	vly_test_response_free(&response);
	ask(&server,
	    &(struct vly_test_question){.name = "cut.z.", .type = 1, .edns = true, .payload = 1232},
	    &response);
	cr_expect(!(response.flags & VLY_FLAG_TC));
	cr_expect_eq(response.count[3], 7 * 3 + 1);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
}

/* Enough names that some records lie beyond the reach of pointers, and the table of targets is
 * full. */
Test(response, of_any_size_decodes)
{
	for (unsigned cnt = 100; cnt < 2000; cnt += 700) {
		char *text = NULL;
		size_t size;
		struct vly_test_server server;
		struct vly_test_response response;
		FILE *out = open_memstream(&text, &size);
		fputs(VLY_TEST_APEX, out);
		for (unsigned i = 0; i < cnt; i++)
			fprintf(out, "*.w MX %u h%u.d%u.w\n", i, i, i % 50);
		fclose(out);
		open_zone(&server, text);
		ask(&server,
		    &(struct vly_test_question){
			    .name = "some-name.w.z.", .type = VLY_TYPE_MX, .stream = true},
		    &response);
		cr_expect_eq(response.record_cnt, cnt);
		vly_test_response_free(&response);
		vly_test_server_close(&server);
		free(text);
	}
}

Test(response, question_sum_is_that_of_its_octets)
{
	struct vly_test_random random = {7};
	uint8_t block[VLY_NAME_BYTES_MAX + 4 + 64];

	for (unsigned round = 0; round < 50; round++) {
		vly_test_random_fill(&random, block, sizeof(block));
		for (unsigned bytes = 5; bytes <= VLY_NAME_BYTES_MAX + 4; bytes++)
			cr_assert_eq(vly_sum_fold(vly_question_sum(block, bytes)),
				     vly_test_naive_sum(block, bytes), "%u octets", bytes);
	}
}
