/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What secondaries and monitors ask: the version of a zone (ZONEVERSION, RFC 9660), IXFR over UDP
 * (RFC 1995); and zones without data. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/wire.h"
#include "message.h"
#include "server.h"

static const struct vly_test_zone zones[] = {
	{"z.", VLY_TEST_APEX "a A 192.0.2.1\n"
			     "w.s NS ns.elsewhere.\n"
			     "*.wild A 192.0.2.2\n"
			     "alias CNAME z.\n"
			     "d DNAME elsewhere.\n"},
	{"deep.in.z.", VLY_TEST_APEX},
	{"new.", VLY_TEST_NOT_LOADED},
	{"old.z.", VLY_TEST_EXPIRED},
	{"child.new.", VLY_TEST_APEX},
};
static struct vly_test_server server;

static void
open_server(void)
{
	cr_assert_eq(vly_test_server_open(&server, zones, sizeof(zones) / sizeof(zones[0])), 0);
}

static void
close_server(void)
{
	vly_test_server_close(&server);
}

TestSuite(version, .init = open_server, .fini = close_server);

/* The content of an option in the response's OPT, or NULL. The OPT is the last record. */
static const uint8_t *
find_option(const struct vly_test_response *response, unsigned code, unsigned bytes)
{
	const uint8_t *end = response->octets + response->len;

	for (const uint8_t *at = response->octets + 12; at + 4 + bytes <= end; at++)
		if (vly_be16(at) == code && vly_be16(at + 2) == bytes && at + 4 + bytes == end)
			return at + 4;
	return NULL;
}

static const uint8_t ask_version[] = {0, VLY_OPTION_VERSION, 0, 0};

static void
ask(const char *name, unsigned type, bool stream, const uint8_t *options, unsigned bytes,
    struct vly_test_response *response)
{
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = name,
						 .type = (uint16_t)type,
						 .edns = options != NULL,
						 .stream = stream,
						 .options = options,
						 .options_bytes = bytes},
		     response);
	cr_assert_null(response->fault, "%s: %s", name, response->fault);
}

Test(version, shown_in_every_answer_of_a_zone)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint8_t label_cnt;
	} cases[] = {
		{"z.", VLY_TYPE_SOA, 1},       {"a.z.", VLY_TYPE_A, 1},
		{"A.Z.", VLY_TYPE_MX, 1},      {"no.z.", VLY_TYPE_A, 1},
		{"x.w.s.z.", VLY_TYPE_A, 1},   {"x.wild.z.", VLY_TYPE_A, 1},
		{"alias.z.", VLY_TYPE_NS, 1},  {"x.d.z.", VLY_TYPE_A, 1},
		{"deep.in.z.", VLY_TYPE_A, 3}, {"x.deep.in.z.", VLY_TYPE_A, 3},
		{"in.z.", VLY_TYPE_A, 1},      {"deep.in.z.", VLY_TYPE_DS, 1},
		{"z.", VLY_TYPE_DS, 1},        {"child.new.", VLY_TYPE_NS, 2},
	};
	struct vly_test_response response;

	for (unsigned i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		ask(cases[i / 2].name, cases[i / 2].type, i % 2, ask_version, sizeof(ask_version),
		    &response);
		const uint8_t *version = find_option(&response, VLY_OPTION_VERSION, 6);
		cr_assert_not_null(version, "%s", cases[i / 2].name);
		cr_expect_eq(version[0], cases[i / 2].label_cnt, "%s", cases[i / 2].name);
		cr_expect_eq(version[1], 0, "SOA-SERIAL");
		cr_expect_eq(vly_be32(version + 2), 7);
		vly_test_response_free(&response);
		ask(cases[i / 2].name, cases[i / 2].type, i % 2, (const uint8_t *)"", 0, &response);
		cr_expect(response.has_opt);
		cr_expect_null(find_option(&response, VLY_OPTION_VERSION, 6), "nobody asked");
		vly_test_response_free(&response);
	}
}

/* Twice, and with content, which is ignored. */
Test(version, shown_once)
{
	static const uint8_t twice[] = {0, VLY_OPTION_VERSION, 0, 1, 9,
					0, VLY_OPTION_VERSION, 0, 0};
	struct vly_test_response response;

	ask("a.z.", VLY_TYPE_A, false, twice, sizeof(twice), &response);
	cr_expect_not_null(find_option(&response, VLY_OPTION_VERSION, 6));
	cr_expect_eq(response.len, 12 + 4 + 4 + 1 + 16 + 11 + 10);
	vly_test_response_free(&response);
}

Test(version, never_in_errors)
{
	static const struct vly_test_question cases[] = {
		{.name = "elsewhere.", .type = VLY_TYPE_A},
		{.name = "a.z.", .type = VLY_TYPE_A, .class = VLY_CLASS_CH},
		{.name = "id.server.", .type = VLY_TYPE_TXT, .class = VLY_CLASS_CH},
		{.name = "z.", .type = VLY_TYPE_AXFR},
		{.name = "a.z.", .type = VLY_TYPE_A, .edns_version = 1},
		{.name = "a.z.", .type = VLY_TYPE_A, .flags = VLY_OPCODE_NOTIFY << 11},
		{.name = "a.new.", .type = VLY_TYPE_A},
	};
	struct vly_test_response response;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vly_test_question question = cases[i];
		question.edns = true;
		question.options = ask_version;
		question.options_bytes = sizeof(ask_version);
		vly_test_ask(server.table, &question, &response);
		cr_assert_null(response.fault, "%zu: %s", i, response.fault);
		cr_expect(response.has_opt);
		cr_expect_null(find_option(&response, VLY_OPTION_VERSION, 6), "%zu", i);
		vly_test_response_free(&response);
	}
	vly_test_ask(NULL,
		     &(struct vly_test_question){.name = "a.z.",
						 .type = VLY_TYPE_A,
						 .edns = true,
						 .options = ask_version,
						 .options_bytes = sizeof(ask_version)},
		     &response);
	cr_expect_null(find_option(&response, VLY_OPTION_VERSION, 6), "there are no zones");
	vly_test_response_free(&response);
}

/* A query for IXFR with the client's SOA, of serial 1 (RFC 1995 §3). */
static void
ask_ixfr(const char *name, struct vly_test_response *response)
{
	static const uint8_t soa[] = {0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, [17] = 1, [33] = 0};
	uint8_t octets[400];
	unsigned len = vly_test_question_write(
		octets, &(struct vly_test_question){.name = name, .type = VLY_TYPE_IXFR});

	vly_put_be16(octets + 8, 1);
	memcpy(octets + len, soa, sizeof(soa));
	vly_test_exchange(server.table, octets, len + sizeof(soa), &(struct vly_test_question){0},
			  response);
	cr_assert_null(response->fault, "%s", response->fault);
	cr_expect_eq(response->count[0], 1);
	cr_expect_eq(memcmp(response->question, octets + 12, response->question_bytes), 0,
		     "the question is IXFR");
}

Test(version, ixfr_over_udp_gets_the_soa_alone)
{
	static const char *const others[] = {"a.z.",   "no.z.",  "alias.z.",
					     "x.d.z.", "w.s.z.", "elsewhere."};
	struct vly_test_response response;

	ask_ixfr("z.", &response);
	cr_expect_eq(response.flags & (VLY_FLAG_RCODE | VLY_FLAG_AA | VLY_FLAG_TC), VLY_FLAG_AA);
	cr_expect_eq(response.record_cnt, 1);
	cr_expect_eq(response.count[1], 1);
	cr_expect_eq(response.record[0].type, VLY_TYPE_SOA);
	vly_test_response_free(&response);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ask_ixfr(others[i], &response);
		cr_expect_eq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_REFUSED, "%s", others[i]);
		cr_expect_eq(response.record_cnt, 0);
		vly_test_response_free(&response);
	}
	ask_ixfr("new.", &response);
	cr_expect_eq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_SERVFAIL);
	vly_test_response_free(&response);
}

static void
expect_unready(const char *name, unsigned type, unsigned ede)
{
	struct vly_test_response response;

	for (unsigned i = 0; i < 4; i++) {
		ask(name, type, i % 2, i / 2 ? (const uint8_t *)"" : NULL, 0, &response);
		cr_expect_eq(response.flags & (VLY_FLAG_RCODE | VLY_FLAG_AA), VLY_RCODE_SERVFAIL,
			     "%s", name);
		cr_expect_eq(response.count[0], 1);
		cr_expect_eq(response.record_cnt, 0);
		const uint8_t *found = find_option(&response, VLY_OPTION_EDE, 2);
		cr_expect_eq(found != NULL, i / 2);
		if (found != NULL)
			cr_expect_eq(vly_be16(found), ede);
		vly_test_response_free(&response);
	}
}

Test(version, zones_without_data_fail)
{
	static const unsigned types[] = {VLY_TYPE_SOA, VLY_TYPE_A, VLY_TYPE_DS, VLY_TYPE_ANY,
					 VLY_TYPE_RRSIG};
	struct vly_test_response response;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		expect_unready("new.", types[i], VLY_EDE_NOT_READY);
		expect_unready("a.b.New.", types[i], VLY_EDE_NOT_READY);
		expect_unready("a.old.z.", types[i], VLY_EDE_INVALID_DATA);
	}
	expect_unready("old.z.", VLY_TYPE_A, VLY_EDE_INVALID_DATA);
	/* the parent's, which has data */
	ask("old.z.", VLY_TYPE_DS, false, NULL, 0, &response);
	cr_expect_neq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_SERVFAIL);
	vly_test_response_free(&response);
	/* zones beside and below them are not affected */
	ask("a.child.new.", VLY_TYPE_A, false, NULL, 0, &response);
	cr_expect_eq(response.flags & VLY_FLAG_RCODE, VLY_RCODE_NXDOMAIN);
	vly_test_response_free(&response);
}
