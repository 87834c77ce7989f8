/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responses with pieces: where they stand, sums, sizes, and what is in them once. The signatures of
 * these zones are made up: the dataplane copies them. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

/* 1 + 3n octets of signature */
#define SIGNED_BY(name, type, labels, signature)                                                   \
	name " RRSIG " type " 13 " labels " 300 20300101000000 20200101000000 1 z. " signature "\n"
#define SIGNATURE                  "aaaabbbbccccddddeeeeffff"
#define SIGNED(name, type, labels) SIGNED_BY(name, type, labels, SIGNATURE "aa==")

#define NSEC(name, labels, next, types)                                                            \
	name " NSEC " next ".z. " types "\n" SIGNED_BY(name, "NSEC", labels, SIGNATURE "aa==")
/* one octet more */
#define NSEC_ODD(name, labels, next, types)                                                        \
	name " NSEC " next ".z. " types "\n" SIGNED_BY(name, "NSEC", labels, SIGNATURE "aaa=")

#define HEAD                                                                                       \
	VLY_TEST_APEX SIGNED("@", "SOA", "1")                                                      \
		SIGNED("@", "NS", "1") "@ DNSKEY 257 3 13 aaaa\n" SIGNED("@", "DNSKEY", "1")

static const char zone[] = HEAD NSEC(
	"@", "1", "a", "NS SOA RRSIG NSEC DNSKEY") "a A 192.0.2.1\n" SIGNED("a", "A", "2")
	NSEC("a", "2", "cut",
	     "A RRSIG NSEC") "cut NS ns.cut\n"
			     "cut NS ns.odd\n"
			     "ns.cut A 192.0.2.2\n" NSEC(
				     "cut", "2", "dn",
				     "NS RRSIG NSEC") "dn DNAME t\n" SIGNED("dn", "DNAME", "2")
				     NSEC("dn", "2", "odd",
					  "DNAME RRSIG NSEC") "odd NS ns.odd\n"
							      "odd NS ns.cut\n"
							      "ns.odd A 192.0.2.3\n" NSEC_ODD(
								      "odd", "2", "sec",
								      "NS RRSIG NSEC") "sec NS "
										       "ns.sec\n"
										       "sec DS 1 "
										       "13 2 "
										       "00"
										       "\n" SIGNED("sec", "DS", "2") "ns.sec A 192.0.2.4\n" NSEC(
											       "se"
											       "c",
											       "2",
											       "t",
											       "NS "
											       "DS "
											       "RRS"
											       "IG "
											       "NSE"
											       "C") "t A 192.0.2.5\n" SIGNED("t",
															     "A",
															     "2")
											       NSEC("t", "2", "*.w.t", "A RRSIG NSEC") "*.w.t MX 1 a\n" SIGNED(
												       "*.w.t",
												       "MX",
												       "3")
												       NSEC_ODD("*.w.t", "3", "x", "MX RRSIG NSEC") "x CNAME q.w.t\n" SIGNED(
													       "x",
													       "CNAME",
													       "2")
													       NSEC("x", "2", "y", "CNAME RRSIG NSEC") "y CNAME no\n" SIGNED(
														       "y",
														       "CNAME",
														       "2");

static const char zone_end[] = "y NSEC z. CNAME RRSIG NSEC\n" SIGNED("y", "NSEC", "2");

static void
open_text(struct vly_test_server *server, const char *text)
{
	cr_assert_eq(vly_test_server_open(server, &(struct vly_test_zone){"z.", text}, 1), 0);
}

static void
open_zone(struct vly_test_server *server)
{
	char *text;

	cr_assert_geq(asprintf(&text, "%s%s", zone, zone_end), 0);
	open_text(server, text);
	free(text);
}

static void
ask(const struct vly_test_server *server, const char *name, unsigned type, unsigned payload,
    struct vly_test_response *response)
{
	vly_test_ask(server->table,
		     &(struct vly_test_question){.name = name,
						 .type = (uint16_t)type,
						 .edns = true,
						 .dnssec_ok = true,
						 .payload = (uint16_t)payload},
		     response);
	cr_assert_null(response->fault, "%s: %s", name, response->fault);
}

/* The owners of the section's records of a type, each with a space behind it. */
static void
expect_owners(const struct vly_test_response *response, unsigned section, unsigned type,
	      const char *wanted)
{
	char text[4096] = "";

	for (unsigned i = 0; i < response->record_cnt; i++) {
		const struct vly_test_record *record = &response->record[i];
		if (record->section == section && record->type == type)
			sprintf(text + strlen(text), "%s ", record->owner);
	}
	cr_expect_str_eq(text, wanted, "%s", response->question);
}

/* Asks; `nsec`: the owners of the NSEC records in the authority section, of which each must have
 * its signature. */
static void
expect_nsec(const struct vly_test_server *server, const char *name, unsigned type, unsigned rcode,
	    const char *nsec)
{
	struct vly_test_response response;
	char signers[4096] = "";

	ask(server, name, type, 4096, &response);
	cr_expect_eq(response.flags & 15, rcode, "%s", name);
	expect_owners(&response, 1, VLY_TYPE_NSEC, nsec);
	for (unsigned i = 0; i < response.record_cnt; i++) {
		const struct vly_test_record *record = &response.record[i];
		if (record->section == 1 && record->type == VLY_TYPE_RRSIG &&
		    vly_be16(record->data) == VLY_TYPE_NSEC)
			sprintf(signers + strlen(signers), "%s ", record->owner);
	}
	cr_expect_str_eq(signers, nsec, "%s", name);
	vly_test_response_free(&response);
}

Test(response_proved, each_case_has_its_pieces)
{
	struct vly_test_server server;

	open_zone(&server);
	expect_nsec(&server, "a.z", VLY_TYPE_A, VLY_RCODE_NOERROR, "");
	expect_nsec(&server, "a.z", VLY_TYPE_MX, VLY_RCODE_NOERROR, "a.z. ");
	expect_nsec(&server, "z", VLY_TYPE_DS, VLY_RCODE_NOERROR, "z. ");
	expect_nsec(&server, "cut.z", VLY_TYPE_DS, VLY_RCODE_NOERROR, "cut.z. ");
	expect_nsec(&server, "cut.z", VLY_TYPE_A, VLY_RCODE_NOERROR, "cut.z. ");
	expect_nsec(&server, "q.odd.z", VLY_TYPE_A, VLY_RCODE_NOERROR, "odd.z. ");
	expect_nsec(&server, "q.sec.z", VLY_TYPE_A, VLY_RCODE_NOERROR, "");
	expect_nsec(&server, "sec.z", VLY_TYPE_DS, VLY_RCODE_NOERROR, "");
	/* an empty non-terminal has no record of its own */
	expect_nsec(&server, "w.t.z", VLY_TYPE_A, VLY_RCODE_NOERROR, "t.z. ");
	expect_nsec(&server, "b.z", VLY_TYPE_A, VLY_RCODE_NXDOMAIN, "z. a.z. ");
	expect_nsec(&server, "zz.z", VLY_TYPE_A, VLY_RCODE_NXDOMAIN, "z. y.z. ");
	/* one record for both the name and the wildcard */
	expect_nsec(&server, "-.z", VLY_TYPE_A, VLY_RCODE_NXDOMAIN, "z. ");
	expect_nsec(&server, "q.w.t.z", VLY_TYPE_MX, VLY_RCODE_NOERROR, "*.w.t.z. ");
	expect_nsec(&server, "q.w.t.z", VLY_TYPE_A, VLY_RCODE_NOERROR, "*.w.t.z. ");
	expect_nsec(&server, "x.z", VLY_TYPE_MX, VLY_RCODE_NOERROR, "*.w.t.z. ");
	vly_test_server_close(&server);
}

/* Without DO, nothing of all that. */
Test(response_proved, plain_clients_get_plain_answers)
{
	static const char *const names[] = {"a.z", "b.z",    "cut.z", "q.w.t.z",
					    "x.z", "q.dn.z", "y.z",   "w.t.z"};
	struct vly_test_server server;

	open_zone(&server);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct vly_test_response response;
		vly_test_ask(server.table,
			     &(struct vly_test_question){
				     .name = names[i], .type = VLY_TYPE_A, .edns = true},
			     &response);
		cr_assert_null(response.fault);
		for (unsigned k = 0; k < response.record_cnt; k++)
			cr_expect(response.record[k].type != VLY_TYPE_NSEC &&
				  response.record[k].type != VLY_TYPE_RRSIG);
		vly_test_response_free(&response);
	}
	vly_test_server_close(&server);
}

/* Pointers move with the name, and pieces of odd and of even lengths stand at odd and at even
 * offsets: vly_test_ask() computes the sum again. */
Test(response_proved, is_the_same_at_every_name_length)
{
	static const char *const suffixes[] = {"b.z", "w.t.z", "cut.z", "odd.z", "dn.z", "sec.z"};
	struct vly_test_server server;

	open_zone(&server);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char name[128], *wanted = NULL;
		for (unsigned len = 1; len < 60; len++) {
			struct vly_test_response response;
			snprintf(name, sizeof(name), "%0*u.%s", (int)len, 7u, suffixes[i]);
			ask(&server, name, VLY_TYPE_MX, 4096, &response);
			for (unsigned k = 0; k < response.record_cnt; k++)
				if (response.record[k].owner[0] == '0' ||
				    response.record[k].owner[0] == '7')
					strcpy(response.record[k].owner, "Q");
			for (unsigned k = 0; k < response.record_cnt; k++)
				if (response.record[k].type == VLY_TYPE_CNAME)
					response.record[k].data = (const uint8_t *)"";
			char *text = vly_test_response_text(&response);
			if (wanted == NULL)
				wanted = strdup(text);
			cr_expect_str_eq(text, wanted, "%s", name);
			free(text);
			vly_test_response_free(&response);
		}
		free(wanted);
	}
	vly_test_server_close(&server);
}

/* With any payload, the response has all that it needs or TC and nothing; what else there is room
 * for comes only whole. */
static void
check_sizes(const struct vly_test_server *server, const char *name, unsigned type, unsigned max)
{
	struct vly_test_response whole, response;
	bool was_full = false;

	ask(server, name, type, 4096, &whole);
	cr_assert_gt(whole.len, 512);
	for (unsigned payload = 512; payload <= max; payload++) {
		ask(server, name, type, payload, &response);
		cr_expect_leq(response.len, payload);
		if (response.flags & VLY_FLAG_TC) {
			cr_expect_eq(response.record_cnt, 0);
			cr_expect_eq(response.counters.truncated, 1);
			cr_expect_not(was_full, "%s: payload %u", name, payload);
		} else {
			was_full = true;
			cr_expect_eq(response.count[1], whole.count[1]);
			cr_expect_eq(response.count[2], whole.count[2]);
			cr_expect_eq(response.len == whole.len, payload >= whole.len);
		}
		vly_test_response_free(&response);
	}
	cr_expect(was_full);
	vly_test_response_free(&whole);
}

Test(response_proved, sizes)
{
	struct vly_test_server server;
	char signature[801], *text;

	memset(signature, 'b', sizeof(signature) - 1);
	signature[sizeof(signature) - 1] = '\0';
	cr_assert_geq(asprintf(&text,
			       "%s%s"
			       "big NS ns.big\nbig NS ns.odd\nns.big A 192.0.2.6\n"
			       "big NSEC c.z. NS RRSIG NSEC\n"
			       "big RRSIG NSEC 13 2 300 20300101000000 20200101000000 1 z. %s\n"
			       "*.big2 MX 1 a\n*.big2 MX 2 t\n"
			       "*.big2 RRSIG MX 13 2 300 20300101000000 20200101000000 1 z. %s\n",
			       zone, zone_end, signature, signature),
		      0);
	open_text(&server, text);
	free(text);
	check_sizes(&server, "big.z", VLY_TYPE_A, 900);
	check_sizes(&server, "bx.z", VLY_TYPE_A, 1200);
	check_sizes(&server, "q.big2.z", VLY_TYPE_MX, 1500);
	vly_test_server_close(&server);
}

/* No pointer leads behind 16,383 octets: signatures there have the owner itself. */
Test(response_proved, pieces_out_of_the_reach_of_pointers)
{
	struct vly_test_server server;
	struct vly_test_response response;
	char *text;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	cr_assert_not_null(file);
	fprintf(file, "%s%s", zone, zone_end);
	for (unsigned i = 0; i < 90; i++)
		fprintf(file, "*.far TXT \"%0200u\"\n", i);
	fputs(SIGNED("*.far", "TXT", "2") NSEC("*.far", "2", "g", "TXT RRSIG NSEC"), file);
	fclose(file);
	open_text(&server, text);
	free(text);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "q.far.z",
						 .type = VLY_TYPE_TXT,
						 .edns = true,
						 .dnssec_ok = true,
						 .stream = true},
		     &response);
	cr_assert_null(response.fault);
	cr_expect_gt(response.len, VLY_POINTER_MAX);
	expect_owners(&response, 1, VLY_TYPE_NSEC, "*.far.z. ");
	expect_owners(&response, 1, VLY_TYPE_RRSIG, "*.far.z. ");
	vly_test_response_free(&response);
	vly_test_server_close(&server);
}

/* Below a DNAME: its signature follows it, the synthesised CNAME has none, and the last name's
 * answer has its pieces. */
Test(response_proved, composed)
{
	struct vly_test_server server;
	struct vly_test_response response;

	open_zone(&server);
	ask(&server, "q.dn.z", VLY_TYPE_A, 4096, &response);
	expect_owners(&response, 0, VLY_TYPE_DNAME, "dn.z. ");
	expect_owners(&response, 0, VLY_TYPE_RRSIG, "dn.z. ");
	expect_owners(&response, 0, VLY_TYPE_CNAME, "q.dn.z. ");
	vly_test_response_free(&response);
	expect_nsec(&server, "q.dn.z", VLY_TYPE_A, VLY_RCODE_NXDOMAIN, "t.z. ");
	expect_nsec(&server, "q.w.dn.z", VLY_TYPE_MX, VLY_RCODE_NOERROR, "*.w.t.z. ");
	expect_nsec(&server, "w.dn.z", VLY_TYPE_MX, VLY_RCODE_NOERROR, "t.z. ");
	vly_test_server_close(&server);
}
