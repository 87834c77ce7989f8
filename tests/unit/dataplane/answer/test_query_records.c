/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries that bring records: IXFR, those signed with TSIG, and those that may not have any. */
#include "made_message.h"

TestSuite(query_records, .init = open_server, .fini = close_server);

/* Adds a record to a section: 1 answer, 2 authority, 3 additional. */
static void
add(struct message *message, unsigned section, const void *record, unsigned bytes)
{
	put(message, record, bytes);
	message->octets[5 + 2 * section]++;
}

#define ADD(message, section, record) add(message, section, record, sizeof(record) - 1)

/* Of z., in its shortest form; an address of the same owner; an OPT. */
#define SOA "\300\14\0\6\0\1\0\0\0\0\0\26\0\0\0\0\0\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define A   "\300\14\0\1\0\1\0\0\0\0\0\4abcd"
#define OPT "\0\0\51\4\320\0\0\0\0\0\0"

/* Signed with the key "k." by the algorithm "x.", at 0x010203040506, within 300 seconds, with a MAC
 * of three octets, original ID 0x1234. */
#define TSIG_HEAD "\1k\0\0\372\0\377\0\0\0\0"
#define TSIG_TIME "\1x\0\1\2\3\4\5\6\1\54"
#define TSIG      TSIG_HEAD "\0\26" TSIG_TIME "\0\3MAC\22\64\0\0\0\0"
/* The same without a MAC, with the error BADKEY. */
#define BADKEY TSIG_HEAD "\0\23" TSIG_TIME "\0\0\22\64\0\21\0\0"

static void
begin(struct message *message, const char *name, unsigned type)
{
	message->len = vly_test_question_write(
		message->octets, &(struct vly_test_question){.name = name, .type = (uint16_t)type});
}

/* The response of a message: RCODE and question, OPT as told, and then this, if anything. */
static void
expect(const struct message *message, bool stream, unsigned rcode, bool has_opt, const char *rest,
       unsigned rest_len)
{
	struct vly_test_response response;

	vly_test_exchange(server.table, message->octets, message->len,
			  &(struct vly_test_question){.stream = stream}, &response);
	cr_assert_null(response.fault, "%s", response.fault);
	cr_assert_neq(response.len, 0);
	cr_expect_eq(response.flags & 15u, rcode, "RCODE %u", response.flags & 15u);
	cr_expect_eq(response.opt_rcode, 0);
	cr_expect_eq(response.count[0], 1);
	cr_expect_eq(memcmp(response.question, message->octets + 12, response.question_bytes), 0);
	cr_expect_eq(response.has_opt, has_opt);
	cr_expect_eq(response.record_cnt, rest_len != 0);
	cr_assert_geq(response.len, rest_len);
	cr_expect_eq(memcmp(response.octets + response.len - rest_len, rest, rest_len), 0);
	cr_expect_leq(response.len, message->len + 6); /* an OPT with an Extended DNS Error */
	vly_test_response_free(&response);
}

#define EXPECT_PLAIN(message, rcode, has_opt) expect(message, false, rcode, has_opt, "", 0)
#define EXPECT_BADKEY(message, has_opt)                                                            \
	expect(message, false, VLY_RCODE_NOTAUTH, has_opt, BADKEY, sizeof(BADKEY) - 1)

/* RFC 1995 §3: the client's SOA is in the authority section. */
Test(query_records, ixfr_over_a_stream_is_refused_as_axfr_is)
{
	struct message message;

	begin(&message, "z.", VLY_TYPE_IXFR);
	ADD(&message, 2, SOA);
	expect(&message, true, VLY_RCODE_REFUSED, false, "", 0);
	ADD(&message, 3, OPT);
	expect(&message, true, VLY_RCODE_REFUSED, true, "", 0);
	begin(&message, "z.", VLY_TYPE_IXFR);
	ADD(&message, 2, SOA);
	ADD(&message, 3, TSIG);
	EXPECT_BADKEY(&message, false);
}

/* What no query has is malformed; a question that can be read comes back. */
Test(query_records, others_are_malformed)
{
	static const unsigned types[] = {VLY_TYPE_A, VLY_TYPE_SOA, VLY_TYPE_AXFR, VLY_TYPE_IXFR};
	struct message message;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (unsigned section = 1; section < 3; section++) {
			begin(&message, "z.", types[i]);
			ADD(&message, section, A);
			EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
			ADD(&message, 3, OPT);
			EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, true);
			message.len--;
			EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
		}
	}
	begin(&message, "z.", VLY_TYPE_IXFR);
	ADD(&message, 2, SOA);
	ADD(&message, 2, SOA);
	EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
	begin(&message, "z.", VLY_TYPE_IXFR);
	ADD(&message, 1, A);
	ADD(&message, 2, SOA);
	EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
}

/* RFC 8945 §5.2.1: a key that is not known; §5.3.2: the response is not signed. */
Test(query_records, signed_query_is_answered_badkey)
{
	struct message message;

	begin(&message, "a.z.", VLY_TYPE_A);
	ADD(&message, 3, TSIG);
	EXPECT_BADKEY(&message, false);
	message.octets[message.len - sizeof(TSIG)] = 3; /* class CH: the key comes first */
	EXPECT_BADKEY(&message, false);
	begin(&message, "z.", VLY_TYPE_AXFR);
	ADD(&message, 3, OPT);
	ADD(&message, 3, TSIG);
	EXPECT_BADKEY(&message, true);
	begin(&message, "elsewhere.", VLY_TYPE_A);
	ADD(&message, 3, A);
	ADD(&message, 3, TSIG);
	EXPECT_BADKEY(&message, false);
}

/* An owner may be compressed against the question; it comes back in the same way. */
Test(query_records, key_may_be_a_pointer_to_the_question)
{
	static const char rest[] = "\0\372\0\377\0\0\0\0\0\26" TSIG_TIME "\0\3MAC\22\64\0\0\0\0";
	static const char expected[] =
		"\1k\300\16\0\372\0\377\0\0\0\0\0\23" TSIG_TIME "\0\0\22\64\0\21\0\0";
	static const char *const nowhere[] = {"\1k\300\15", "\1k\300\20", "\1k\300\0",
					      "\1k\300\377"};
	struct message message;

	begin(&message, "a.z.", VLY_TYPE_A);
	put(&message, "\1k\300\16", 4);
	ADD(&message, 3, rest);
	expect(&message, false, VLY_RCODE_NOTAUTH, false, expected, sizeof(expected) - 1);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		begin(&message, "a.z.", VLY_TYPE_A);
		put(&message, nowhere[i], 4);
		ADD(&message, 3, rest);
		EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
	}
}

/* RFC 8945 §5.1: it is the last record, and the only one; §4.2: what it looks like. */
Test(query_records, signature_out_of_place_or_form_is_malformed)
{
	static const char other_class[] =
		"\1k\0\0\372\0\1\0\0\0\0\0\26" TSIG_TIME "\0\3MAC\22\64\0\0\0\0";
	static const char compressed[] = TSIG_HEAD "\0\25\300\14"
						   "\1\2\3\4\5\6\1\54"
						   "\0\3MAC\22\64\0\0\0\0";
	static const char long_mac[] = TSIG_HEAD "\0\26" TSIG_TIME "\0\12MAC\22\64\0\0\0\0";
	static const char long_other[] = TSIG_HEAD "\0\26" TSIG_TIME "\0\3MAC\22\64\0\0\0\1";
	static const char more[] = TSIG_HEAD "\0\27" TSIG_TIME "\0\3MAC\22\64\0\0\0\0x";
	static const struct {
		const char *record;
		unsigned bytes;
	} broken[] = {{other_class, sizeof(other_class) - 1},
		      {compressed, sizeof(compressed) - 1},
		      {long_mac, sizeof(long_mac) - 1},
		      {long_other, sizeof(long_other) - 1},
		      {more, sizeof(more) - 1}};
	struct message message;

	begin(&message, "a.z.", VLY_TYPE_A);
	ADD(&message, 3, TSIG);
	ADD(&message, 3, OPT);
	EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
	begin(&message, "a.z.", VLY_TYPE_A);
	ADD(&message, 3, TSIG);
	ADD(&message, 3, TSIG);
	EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		begin(&message, "a.z.", VLY_TYPE_A);
		add(&message, 3, broken[i].record, broken[i].bytes);
		EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
	}
	begin(&message, "a.z.", VLY_TYPE_A);
	unsigned start = message.len;
	ADD(&message, 3, TSIG);
	while (--message.len > start)
		EXPECT_PLAIN(&message, VLY_RCODE_FORMERR, false);
}

/* The names may be as long as names are: there is room for the response all the same, or TC. */
Test(query_records, longest_names_leave_room)
{
	uint8_t name[255] = {0};
	struct message message;
	struct vly_test_response response;

	for (unsigned at = 0; at < 254; at += 2)
		memcpy(name + at, "\1n", 2);
	for (unsigned edns = 0; edns < 2; edns++) {
		message.len = vly_test_question_write(
			message.octets, &(struct vly_test_question){.wire = name, .type = 1});
		if (edns)
			ADD(&message, 3, OPT);
		put(&message, name, 255);
		put(&message, "\0\372\0\377\0\0\0\0\1\17", 10);
		put(&message, name, 255);
		add(&message, 3, "\1\2\3\4\5\6\1\54\0\0\22\64\0\0\0\0", 16);
		vly_test_exchange(server.table, message.octets, message.len,
				  &(struct vly_test_question){.room = 1024}, &response);
		cr_assert_null(response.fault, "%s", response.fault);
		cr_expect_eq(response.flags & 15u, VLY_RCODE_NOTAUTH);
		cr_expect_eq(response.record_cnt, edns);
		cr_expect_eq((response.flags & VLY_FLAG_TC) != 0, !edns);
		cr_expect_leq(response.len, edns ? 1024 : 512);
		vly_test_response_free(&response);
	}
}
