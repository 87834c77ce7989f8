/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers larger than any message: each costs its own name and type, not the zone. */
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"
#include "zone/zone_report.h"

/* What a message has room for behind a question for t.z., with an OPT. */
#define ROOM_OF_T (65535 - 12 - 5 - 4 - 11)

/* An A record whose owner is the question's. */
#define RECORD_BYTES 16

static char *text;
static FILE *out;
static struct vly_test_server server;

static void
begin(void)
{
	static size_t size;

	out = open_memstream(&text, &size);
	cr_assert_not_null(out);
	fputs(VLY_TEST_APEX, out);
}

static void
put_addresses(const char *name, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		fprintf(out, "%s A 10.0.%u.%u\n", name, i / 256, i % 256);
}

static void
serve(void)
{
	fclose(out);
	cr_assert_eq(vly_test_server_open(&server, &(struct vly_test_zone){"z.", text}, 1), 0);
}

static void
end(void)
{
	vly_test_server_close(&server);
	free(text);
}

static void
ask(const char *name, unsigned type, bool stream, struct vly_test_response *response)
{
	vly_test_ask(server.table,
		     &(struct vly_test_question){
			     .name = name, .type = (uint16_t)type, .stream = stream, .edns = true},
		     response);
	cr_assert_null(response->fault, "%s %u: %s", name, type, response->fault);
}

/* SERVFAIL with the question and EDE 24 (RFC 8914 §4.25), in a message without another record. */
static void
expect_servfail(const char *name, unsigned type)
{
	static const uint8_t ede[] = {0, 15, 0, 2, 0, 24};
	struct vly_test_response response;

	for (unsigned stream = 0; stream < 2; stream++) {
		ask(name, type, stream != 0, &response);
		cr_expect_eq(response.flags, VLY_FLAG_QR | VLY_RCODE_SERVFAIL, "%s %u: flags %x",
			     name, type, response.flags);
		cr_expect_eq(response.count[0], 1);
		cr_expect_eq(response.record_cnt, 0);
		cr_expect(response.has_opt);
		cr_expect_arr_eq(response.octets + response.len - sizeof(ede), ede, sizeof(ede));
		cr_expect_eq(response.counters.rcode_servfail, 1);
		cr_expect_eq(response.counters.truncated, 0);
		vly_test_response_free(&response);
	}
}

/* NOERROR over a stream, with so many records in the answer section. */
static void
expect_answer(const char *name, unsigned type, unsigned cnt)
{
	struct vly_test_response response;

	ask(name, type, true, &response);
	cr_expect_eq(response.flags & ~VLY_FLAG_AA, VLY_FLAG_QR, "%s %u: flags %x", name, type,
		     response.flags);
	cr_expect_eq(response.count[1], cnt, "%s %u: %u records", name, type, response.count[1]);
	vly_test_response_free(&response);
}

/* The answer that just fits, and one record more. */
Test(answer_size, the_largest_answer_is_served)
{
	begin();
	put_addresses("t", ROOM_OF_T / RECORD_BYTES);
	put_addresses("u", ROOM_OF_T / RECORD_BYTES + 1);
	fputs("u TXT x\nv TYPE65534 \\# 0\n", out);
	serve();
	expect_answer("t.z.", VLY_TYPE_A, ROOM_OF_T / RECORD_BYTES);
	expect_servfail("u.z.", VLY_TYPE_A);
	expect_answer("u.z.", VLY_TYPE_TXT, 1);
	expect_answer("u.z.", VLY_TYPE_AAAA, 0);
	expect_answer("v.z.", 65534, 1);
	end();
}

/* RFC 8482 §4.1: one RRset, which need not be the first. */
Test(answer_size, any_gets_an_rrset_that_fits)
{
	begin();
	put_addresses("t", 5000);
	fputs("t TXT x\n", out);
	put_addresses("u", 5000);
	serve();
	expect_answer("t.z.", VLY_TYPE_ANY, 1);
	expect_servfail("u.z.", VLY_TYPE_ANY);
	end();
}

static void
put_text(const char *name, unsigned bytes)
{
	fprintf(out, "%s TYPE65534 \\# %u ", name, bytes);
	for (unsigned i = 0; i < bytes; i++)
		fputs("61", out);
	fputc('\n', out);
}

/* The chain needs room, too. */
Test(answer_size, alias_of_an_answer_that_just_fits)
{
	begin();
	put_text("t", ROOM_OF_T - 12);
	fputs("alias CNAME t\nalias2 CNAME u\nu A 192.0.2.1\n", out);
	serve();
	expect_answer("t.z.", 65534, 1);
	expect_servfail("alias.z.", 65534);
	expect_answer("alias.z.", VLY_TYPE_CNAME, 1);
	expect_answer("alias.z.", VLY_TYPE_A, 1);
	expect_answer("alias.z.", VLY_TYPE_ANY, 1);
	expect_answer("alias2.z.", VLY_TYPE_A, 2);
	end();
}

/* Names below a wildcard may be longer than the wildcard. */
Test(answer_size, wildcard)
{
	begin();
	put_text("*.w", ROOM_OF_T - 12);
	put_text("*.s", ROOM_OF_T - 12 - 250);
	fputs("*.w A 192.0.2.1\n", out);
	serve();
	expect_servfail("x.w.z.", 65534);
	expect_answer("x.w.z.", VLY_TYPE_A, 1);
	expect_answer("x.s.z.", 65534, 1);
	end();
}

/* The answer behind a DNAME is composed when it is asked for. */
Test(answer_size, behind_a_dname)
{
	begin();
	put_addresses("t.e", 5000);
	fputs("t.e TXT x\nd DNAME e\n", out);
	serve();
	expect_servfail("t.d.z.", VLY_TYPE_A);
	expect_answer("t.d.z.", VLY_TYPE_TXT, 3);
	end();
}

/* All name servers are named; of their addresses, as many as fit. */
Test(answer_size, referral_without_some_of_its_glue)
{
	struct vly_test_response response;
	unsigned cnt = 700;

	begin();
	for (unsigned i = 0; i < cnt; i++)
		fprintf(out,
			"cut NS a-name-server-with-a-long-name-number-%u.cut\n"
			"a-name-server-with-a-long-name-number-%u.cut A 192.0.2.1\n"
			"a-name-server-with-a-long-name-number-%u.cut AAAA 2001:db8::1\n",
			i, i, i);
	serve();
	ask("x.cut.z.", VLY_TYPE_A, true, &response);
	cr_expect_eq(response.flags, VLY_FLAG_QR);
	cr_expect_eq(response.count[2], cnt);
	cr_expect_gt(response.count[3], 400);
	cr_expect_gt(response.len, 65000);
	vly_test_response_free(&response);
	ask("x.cut.z.", VLY_TYPE_A, false, &response);
	cr_expect_eq(response.flags, VLY_FLAG_QR | VLY_FLAG_TC);
	vly_test_response_free(&response);
	end();
}

/* A server whose addresses do not fit is no reason to leave out those behind it, and names are not
 * compressed against what was left out. */
Test(answer_size, glue_behind_glue_that_does_not_fit)
{
	struct vly_test_response response;

	begin();
	fputs("cut NS large.cut\ncut NS small.cut\nsmall.cut A 192.0.2.1\n", out);
	put_addresses("large.cut", 5000);
	fputs("large.cut AAAA 2001:db8::1\n", out);
	serve();
	ask("x.cut.z.", VLY_TYPE_A, true, &response);
	cr_expect_eq(response.flags, VLY_FLAG_QR);
	cr_expect_eq(response.count[2], 2);
	cr_expect_eq(response.count[3], 1 + 2);
	vly_test_response_free(&response);
	end();
}

Test(answer_size, delegation_to_too_many_servers)
{
	begin();
	for (unsigned i = 0; i < 5000; i++)
		fprintf(out, "cut NS ns%u.elsewhere.\n", i);
	fputs("cut DS 1 8 1 000102030405060708090a0b0c0d0e0f10111213\n", out);
	serve();
	expect_servfail("cut.z.", VLY_TYPE_A);
	expect_servfail("x.cut.z.", VLY_TYPE_A);
	expect_answer("cut.z.", VLY_TYPE_DS, 1);
	end();
}

struct found {
	unsigned cnt;
	bool is_error;
	uint64_t line;
	char text[300];
};

static void
on_finding(void *context, const struct vly_zone_finding *finding)
{
	struct found *found = context;

	cr_expect_str_eq(finding->check, "answer-size");
	found->cnt++;
	found->is_error = finding->is_error;
	found->line = finding->line;
	snprintf(found->text, sizeof(found->text), "%s", finding->text);
}

static int
load(uint8_t severity, struct found *found)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_report report;
	struct vly_zone_info info;
	int fd = vly_test_text_fd(text, strlen(text));
	char path[32];

	vly_zone_report_defaults(&report);
	report.severity[VLY_ZONE_CHECK_answer_size] = severity;
	report.on_finding = on_finding;
	report.context = found;
	vly_test_fd_path(fd, path);
	int result = vly_image_builder_add_file(builder, "z.", path, NULL, &report, &info);
	close(fd);
	vly_image_builder_free(builder);
	return result;
}

Test(answer_size, is_a_finding)
{
	struct found found = {0};

	begin();
	fputs("a A 192.0.2.1\n", out);
	put_addresses("t", 5000);
	fclose(out);
	cr_expect_eq(load(VLY_ZONE_IGNORE, &found), 0);
	cr_expect_eq(found.cnt, 0);
	cr_expect_eq(load(VLY_ZONE_WARNING, &found), 0);
	cr_expect_eq(found.cnt, 1);
	cr_expect(!found.is_error);
	cr_expect_eq(found.line, 5);
	cr_expect_not_null(strstr(found.text, "t.z.: "), "%s", found.text);
	cr_expect_not_null(strstr(found.text, "65,535"), "%s", found.text);
	cr_expect_eq(load(VLY_ZONE_ERROR, &found), -1);
	cr_expect(found.is_error);
	free(text);
}
