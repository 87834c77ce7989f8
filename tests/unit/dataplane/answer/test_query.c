/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every fate that a message can have, and what the header, the question and the OPT of its response
 * say. */
#include "made_message.h"

TestSuite(query, .init = open_server, .fini = close_server);

static void
set_count(struct message *message, unsigned idx, unsigned cnt)
{
	message->octets[4 + 2 * idx] = (uint8_t)(cnt >> 8);
	message->octets[5 + 2 * idx] = (uint8_t)cnt;
}

/* A question for a.z./A, without OPT. */
static void
begin(struct message *message)
{
	message->len = vly_test_question_write(
		message->octets, &(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_A});
}

/* Adds an OPT: owner '\0', payload 1232, version 0, flags 0. */
static void
add_opt(struct message *message, const char *owner, unsigned owner_len)
{
	put(message, owner, owner_len);
	put(message, "\0\51\4\320\0\0\0\0\0\0", 10);
	set_count(message, 3, message->octets[11] + 1u);
}

static void
send_message(const struct message *message, struct vly_test_response *response)
{
	vly_test_exchange(server.table, message->octets, message->len,
			  &(struct vly_test_question){0}, response);
	cr_assert_null(response->fault, "%s", response->fault);
}

/* Checks the code of the response and whether the question came back. */
static void
expect_error(const struct message *message, unsigned rcode, bool has_question)
{
	struct vly_test_response response;

	send_message(message, &response);
	cr_expect_neq(response.len, 0);
	cr_expect_eq((response.flags & 15u) | (unsigned)response.opt_rcode << 4, rcode);
	cr_expect(response.flags & VLY_FLAG_QR);
	cr_expect_eq(response.count[0], has_question);
	cr_expect_eq(response.record_cnt, 0);
	if (!has_question)
		cr_expect_eq(response.len, 12);
	else
		cr_expect_eq(
			memcmp(response.question, message->octets + 12, response.question_bytes),
			0);
	vly_test_response_free(&response);
}

Test(query, shorter_than_a_header_is_met_with_silence)
{
	struct message message;

	begin(&message);
	for (message.len = 0; message.len < 12; message.len++) {
		struct vly_test_response response;
		send_message(&message, &response);
		cr_expect_eq(response.len, 0, "%u octets", message.len);
		cr_expect_eq(response.counters.dropped_message, 1);
		vly_test_response_free(&response);
	}
}

Test(query, response_is_met_with_silence)
{
	struct message message;
	struct vly_test_response response;

	begin(&message);
	message.octets[2] |= 0x80;
	send_message(&message, &response);
	cr_expect_eq(response.len, 0);
	cr_expect_eq(response.counters.dropped_message, 1);
}

Test(query, other_opcodes_are_not_implemented)
{
	for (unsigned opcode = 1; opcode < 16; opcode++) {
		struct message message;
		struct vly_test_response response;
		begin(&message);
		message.octets[2] |= (uint8_t)(opcode << 3);
		expect_error(&message, VLY_RCODE_NOTIMP, false);
		send_message(&message, &response);
		cr_expect_eq(response.flags & VLY_FLAG_OPCODE, opcode << 11);
		cr_expect_eq(response.counters.rcode_notimp, 1);
		vly_test_response_free(&response);
	}
}

Test(query, counts_that_no_query_has_are_malformed)
{
	static const struct {
		unsigned idx, cnt;
	} cases[] = {{0, 0}, {0, 2}, {0, 65535}, {1, 1}, {1, 65535}, {2, 1}, {2, 256}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message message;
		begin(&message);
		set_count(&message, cases[i].idx, cases[i].cnt);
		/* one question that can be read comes back */
		expect_error(&message, VLY_RCODE_FORMERR, cases[i].idx != 0);
	}
}

Test(query, question_cut_short_anywhere_is_malformed)
{
	struct message message;

	begin(&message);
	for (unsigned whole = message.len; --message.len >= 12;) {
		cr_assert_lt(message.len, whole);
		expect_error(&message, VLY_RCODE_FORMERR, false);
	}
}

/* A pointer to itself, to the header, and behind a label. */
Test(query, compressed_question_is_malformed)
{
	static const char names[][5] = {"\300\14\0\0", "\300\0\0\0", "\1a\300\14", "\1a\300\20"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct message message;
		begin(&message);
		message.len = 12;
		put(&message, names[i], 4);
		put(&message, "\0\1\0\1\0\1\0\1", 8);
		expect_error(&message, VLY_RCODE_FORMERR, false);
	}
}

Test(query, records_that_run_out_of_the_message_are_malformed)
{
	struct message message;

	begin(&message);
	unsigned question_end = message.len;
	add_opt(&message, "", 1);
	for (message.len--; message.len > question_end; message.len--)
		expect_error(&message, VLY_RCODE_FORMERR, true);
	expect_error(&message, VLY_RCODE_FORMERR, true); /* ARCOUNT 1, nothing there */
	begin(&message);
	add_opt(&message, "", 1);
	message.octets[message.len - 1] = 1; /* RDLENGTH */
	expect_error(&message, VLY_RCODE_FORMERR, true);
	begin(&message);
	set_count(&message, 3, 65535);
	expect_error(&message, VLY_RCODE_FORMERR, true);
}

Test(query, two_opts_are_malformed)
{
	struct message message;

	begin(&message);
	add_opt(&message, "", 1);
	add_opt(&message, "", 1);
	expect_error(&message, VLY_RCODE_FORMERR, true);
}

Test(query, opt_that_is_not_at_the_root_is_malformed)
{
	struct message message;

	begin(&message);
	add_opt(&message, "\1a\0", 3);
	expect_error(&message, VLY_RCODE_FORMERR, true);
	begin(&message);
	add_opt(&message, "\300\14", 2);
	expect_error(&message, VLY_RCODE_FORMERR, true);
}

Test(query, opt_is_found_behind_other_records)
{
	struct message message;
	struct vly_test_response response;

	begin(&message);
	put(&message, "\300\14\0\1\0\1\0\0\0\0\0\4abcd", 16);
	set_count(&message, 3, 1);
	add_opt(&message, "", 1);
	send_message(&message, &response);
	cr_expect(response.has_opt);
	cr_expect_eq(response.count[1], 1);
	vly_test_response_free(&response);
}

static void
ask(const struct vly_test_question *question, struct vly_test_response *response)
{
	vly_test_ask(server.table, question, response);
	cr_assert_null(response->fault, "%s", response->fault);
}

static unsigned
rcode_of(const struct vly_test_response *response)
{
	return (response->flags & 15u) | (unsigned)response->opt_rcode << 4;
}

/* What is answered to a lone OPT and to one behind another record is the same: the former is looked
 * at in a shorter way if it is what most queries have. */
static void
expect_same_behind_a_record(const uint8_t opt[11])
{
	static const uint8_t record[] = "\0\0\1\0\1\0\0\0\0\0\4abcd"; /* of type A, at the root */
	struct vly_test_response lone, behind;
	struct message message;

	begin(&message);
	put(&message, opt, 11);
	set_count(&message, 3, 1);
	send_message(&message, &lone);
	begin(&message);
	put(&message, record, sizeof(record) - 1);
	put(&message, opt, 11);
	set_count(&message, 3, 2);
	send_message(&message, &behind);
	cr_expect_eq(lone.len, behind.len);
	cr_expect_eq(memcmp(lone.octets, behind.octets, lone.len), 0);
	vly_test_response_free(&lone);
	vly_test_response_free(&behind);
}

Test(query, lone_opt_is_looked_at_as_any_other)
{
	for (unsigned at = 0; at < 11; at++)
		for (unsigned value = 0; value < 256; value++) {
			uint8_t opt[11] = "\0\0\51\4\320";
			opt[at] = (uint8_t)value;
			expect_same_behind_a_record(opt);
		}
}

/* RFC 6891 §6.1.3 */
Test(query, unknown_edns_versions_are_answered_badvers)
{
	for (unsigned version = 1; version < 256; version += 127) {
		struct vly_test_response response;
		ask(&(struct vly_test_question){.name = "a.z.",
						.type = VLY_TYPE_A,
						.edns = true,
						.dnssec_ok = true,
						.edns_version = (uint8_t)version},
		    &response);
		cr_expect_eq(rcode_of(&response), VLY_RCODE_BADVERS);
		cr_expect_eq(response.opt_version, 0);
		cr_expect_eq(response.opt_flags, 0x8000);
		cr_expect_eq(response.record_cnt, 0);
		cr_expect_eq(response.counters.rcode_other, 1);
		vly_test_response_free(&response);
	}
}

Test(query, what_is_not_ours_is_refused)
{
	static const struct vly_test_question cases[] = {
		{.name = "a.z.", .type = VLY_TYPE_A, .class = VLY_CLASS_CH},
		{.name = "a.z.", .type = VLY_TYPE_A, .class = VLY_CLASS_ANY},
		{.name = "version.bind.", .type = VLY_TYPE_TXT, .class = VLY_CLASS_CH},
		{.name = "z.", .type = VLY_TYPE_AXFR},
		{.name = "z.", .type = VLY_TYPE_IXFR},
		{.name = "zz.", .type = VLY_TYPE_A},
		{.name = "a.zz.", .type = VLY_TYPE_A},
		{.name = ".", .type = VLY_TYPE_NS},
		{.name = "z.a.", .type = VLY_TYPE_A},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_test_response response;
		ask(&cases[i], &response);
		cr_expect_eq(rcode_of(&response), VLY_RCODE_REFUSED, "case %zu", i);
		cr_expect_eq(response.count[0], 1);
		cr_expect_eq(response.record_cnt, 0);
		cr_expect_eq(response.counters.rcode_refused, 1);
		cr_expect(!(response.flags & VLY_FLAG_AA));
		vly_test_response_free(&response);
	}
}

Test(query, all_is_refused_before_the_first_table)
{
	struct vly_test_response response;

	vly_test_ask(NULL, &(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_A},
		     &response);
	cr_expect_null(response.fault);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_REFUSED);
	cr_expect_eq(response.count[0], 1);
	vly_test_response_free(&response);
}

/* RD and CD come back, all other flags of a query do not. */
Test(query, copies_rd_and_cd_and_nothing_else)
{
	static const struct {
		uint16_t asked, answered;
	} cases[] = {
		{0, VLY_FLAG_QR | VLY_FLAG_AA},
		{VLY_FLAG_RD, VLY_FLAG_QR | VLY_FLAG_AA | VLY_FLAG_RD},
		{VLY_FLAG_CD, VLY_FLAG_QR | VLY_FLAG_AA | VLY_FLAG_CD},
		{VLY_FLAG_RD | VLY_FLAG_CD, VLY_FLAG_QR | VLY_FLAG_AA | VLY_FLAG_RD | VLY_FLAG_CD},
		{VLY_FLAG_AD | VLY_FLAG_RA | VLY_FLAG_TC | VLY_FLAG_AA | 0x40 | 15,
		 VLY_FLAG_QR | VLY_FLAG_AA},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_test_response response;
		ask(&(struct vly_test_question){.name = "a.z.",
						.type = VLY_TYPE_A,
						.flags = cases[i].asked},
		    &response);
		cr_expect_eq(response.flags, cases[i].answered, "case %zu", i);
		cr_expect_eq(response.id, 0xbe11);
		vly_test_response_free(&response);
	}
}

Test(query, echoes_the_question_to_the_letter)
{
	static const char *const names[] = {"A.z.", "a.Z.", "N.Z.", "A.B.cD.Z.", "Zz."};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vly_test_response response;
		uint8_t wire[VLY_NAME_BYTES_MAX];
		unsigned len = vly_test_name_wire(wire, names[i]);
		ask(&(struct vly_test_question){.name = names[i], .type = 999}, &response);
		cr_assert_eq(response.question_bytes, len + 4);
		cr_expect_eq(memcmp(response.question, wire, len), 0, "%s", names[i]);
		cr_expect_eq(memcmp(response.question + len, "\3\347\0\1", 4), 0);
		vly_test_response_free(&response);
	}
}

Test(query, opt_comes_back_only_when_sent)
{
	struct vly_test_response response;

	ask(&(struct vly_test_question){.name = "a.z.", .type = VLY_TYPE_A}, &response);
	cr_expect(!response.has_opt);
	cr_expect_eq(response.counters.queries_edns, 0);
	vly_test_response_free(&response);
	for (unsigned dnssec_ok = 0; dnssec_ok < 2; dnssec_ok++) {
		ask(&(struct vly_test_question){.name = "a.z.",
						.type = VLY_TYPE_A,
						.edns = true,
						.dnssec_ok = dnssec_ok,
						.limit_max = 1400},
		    &response);
		cr_expect(response.has_opt);
		cr_expect_eq(response.opt_payload, 1400); /* ours, not what was sent */
		cr_expect_eq(response.opt_flags, dnssec_ok ? 0x8000 : 0);
		cr_expect_eq(response.opt_version, 0);
		cr_expect_eq(response.count[1], 1);
		cr_expect_eq(response.counters.queries_edns, 1);
		vly_test_response_free(&response);
	}
}

Test(query, errors_carry_the_opt_too)
{
	struct vly_test_response response;

	ask(&(struct vly_test_question){.name = "zz.", .type = VLY_TYPE_A, .edns = true},
	    &response);
	cr_expect_eq(rcode_of(&response), VLY_RCODE_REFUSED);
	cr_expect(response.has_opt);
	vly_test_response_free(&response);
}

/* What vly_query_parse() allows for the response. */
static unsigned
limit_of(unsigned payload, bool edns, unsigned limit_max, bool stream)
{
	static struct vly_query query;
	uint8_t octets[400];

	unsigned len = vly_test_question_write(
		octets,
		&(struct vly_test_question){
			.name = "a.z.", .type = 1, .edns = edns, .payload = (uint16_t)payload});
	query = (struct vly_query){.message = octets,
				   .message_len = (uint16_t)len,
				   .room = 5000,
				   .limit_max = (uint16_t)limit_max,
				   .limit = stream ? 5000 : VLY_UDP_BYTES_MIN,
				   .stream = stream};
	vly_query_parse(&query, 1, server.table);
	return query.limit;
}

Test(query, response_size_is_clamped_both_ways)
{
	cr_expect_eq(limit_of(0, false, 1232, false), 512);
	cr_expect_eq(limit_of(4096, false, 1232, false), 512);
	cr_expect_eq(limit_of(1, true, 1232, false), 512); /* RFC 6891 §6.2.3 */
	cr_expect_eq(limit_of(511, true, 1232, false), 512);
	cr_expect_eq(limit_of(512, true, 1232, false), 512);
	cr_expect_eq(limit_of(513, true, 1232, false), 513);
	cr_expect_eq(limit_of(1231, true, 1232, false), 1231);
	cr_expect_eq(limit_of(1233, true, 1232, false), 1232);
	cr_expect_eq(limit_of(65535, true, 4096, false), 4096);
	cr_expect_eq(limit_of(65535, true, 512, false), 512);
	cr_expect_eq(limit_of(512, true, 1232, true), 5000);
	cr_expect_eq(limit_of(512, false, 1232, true), 5000);
}

/* A name for each way through the stages, so many that they fall into all places of a group. */
static const struct {
	const char *name;
	unsigned rcode;
	unsigned answer_cnt;
} ways[] = {{"a.z.", 0, 1},   {"n.z.", 3, 0},   {"zz.", 5, 0}, {"w.z.", 0, 0},
	    {"b.w.z.", 0, 1}, {"c.d.z.", 3, 2}, {"Z.", 0, 0}};

enum { WAY_CNT = sizeof(ways) / sizeof(ways[0]) };

static void
answer_burst(unsigned cnt)
{
	static struct vly_query query[VLY_BURST_MAX + 1];
	static uint8_t octets[VLY_BURST_MAX][1024];
	struct vly_lcore_counters counters = {0};
	unsigned rcode_cnt[16] = {0};

	for (unsigned i = 0; i < cnt; i++) {
		struct vly_test_question question = {.name = ways[i % WAY_CNT].name,
						     .type = VLY_TYPE_A};
		query[i] = (struct vly_query){.message = octets[i],
					      .room = 1024,
					      .limit_max = 1232,
					      .limit = VLY_UDP_BYTES_MIN};
		query[i].message_len = (uint16_t)vly_test_question_write(octets[i], &question);
	}
	query[cnt] = (struct vly_query){.response_len = 0xfff}; /* nobody's */
	vly_query_answer(query, cnt, server.table, NULL, &counters);
	cr_expect_eq(query[cnt].response_len, 0xfff);
	for (unsigned i = 0; i < cnt; i++) {
		struct vly_test_response response = {0};
		vly_test_response_decode(&response, octets[i], query[i].response_len);
		cr_expect_null(response.fault);
		cr_expect_eq(response.flags & 15u, ways[i % WAY_CNT].rcode, "%u of %u", i, cnt);
		cr_expect_eq(response.count[1], ways[i % WAY_CNT].answer_cnt, "%u of %u", i, cnt);
		rcode_cnt[ways[i % WAY_CNT].rcode]++;
		vly_test_response_free(&response);
	}
	cr_expect_eq(counters.rcode_noerror, rcode_cnt[0]);
	cr_expect_eq(counters.rcode_nxdomain, rcode_cnt[3]);
	cr_expect_eq(counters.rcode_refused, rcode_cnt[5]);
}

/* Messages of one burst do not mix, and none is left out, however many there are. */
Test(query, burst_is_answered_message_by_message)
{
	for (unsigned cnt = 0; cnt <= VLY_BURST_MAX; cnt++)
		answer_burst(cnt);
}
