/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Composed answers so large that compression pointers do not reach the names behind their
 * signatures. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

#define HOP_CNT 16

/* In Base64: 1,500 octets, so that the last hops are beyond the 16,383rd octet. */
#define SIGNATURE_CHARS 2000

static void
add_signature(char *text, const char *owner, const char *type)
{
	sprintf(text + strlen(text), "%s RRSIG %s 8 2 300 20300101000000 20200101000000 1 z. ",
		owner, type);
	size_t len = strlen(text);
	memset(text + len, 'a', SIGNATURE_CHARS);
	strcpy(text + len + SIGNATURE_CHARS, "\n");
}

/* h0.z. DNAME h1.z., and so on; names below h16.z. are from a wildcard. */
static void
open_chain(struct vly_test_server *server)
{
	static char text[HOP_CNT * (SIGNATURE_CHARS + 200) + 8 * (SIGNATURE_CHARS + 200)];
	char owner[8];

	strcpy(text, VLY_TEST_APEX "@ NSEC *.h16 SOA NS RRSIG NSEC\n");
	add_signature(text, "@", "SOA");
	add_signature(text, "@", "NSEC");
	for (unsigned i = 0; i < HOP_CNT; i++) {
		sprintf(owner, "h%u", i);
		sprintf(text + strlen(text), "%s DNAME h%u\n", owner, i + 1);
		add_signature(text, owner, "DNAME");
	}
	strcat(text, "*.h16 MX 1 a.b.h16\n*.h16 NSEC z. MX RRSIG NSEC\n");
	add_signature(text, "*.h16", "MX");
	add_signature(text, "*.h16", "NSEC");
	cr_assert_eq(vly_test_server_open(server, &(struct vly_test_zone){"z.", text}, 1), 0);
}

/* Each CNAME leads to the name behind the next hop. */
static void
expect_chain(const struct vly_test_response *response)
{
	unsigned hop = 0;

	for (unsigned i = 0; i < response->record_cnt; i++) {
		const struct vly_test_record *record = &response->record[i];
		uint8_t wire[VLY_NAME_BYTES_MAX];
		char name[16];
		if (record->type != VLY_TYPE_CNAME)
			continue;
		sprintf(name, "x.h%u.z.", hop);
		cr_expect_str_eq(record->owner, name);
		sprintf(name, "x.h%u.z.", ++hop);
		unsigned len = vly_test_name_wire(wire, name);
		cr_expect(record->data_len == len && memcmp(record->data, wire, len) == 0,
			  "not to %s", name);
	}
	cr_expect_eq(hop, HOP_CNT);
}

/* Asks for x.h0.z. over a stream. Of the records of that type, which are behind all the hops, each
 * is owned by x.h16.z. */
static void
expect(const struct vly_test_server *server, uint16_t type, unsigned cnt, uint16_t ns_cnt)
{
	const struct vly_test_question question = {
		.name = "x.h0.z", .type = type, .edns = true, .dnssec_ok = true, .stream = true};
	struct vly_test_response response;
	unsigned found = 0;

	vly_test_ask(server->table, &question, &response);
	cr_assert_null(response.fault, "%u: %s", type, response.fault);
	cr_expect_eq(response.flags & 0x060f, 0x0400, "%u: AA, whole and NOERROR", type);
	expect_chain(&response);
	for (unsigned i = 0; i < response.record_cnt; i++)
		if (response.record[i].type == type && response.record[i].section == 0)
			found += strcmp(response.record[i].owner, "x.h16.z.") == 0;
	cr_expect_eq(found, cnt, "%u: %u records of x.h16.z.", type, found);
	cr_expect_eq(response.count[2], ns_cnt, "%u: %u in the authority section", type,
		     response.count[2]);
	for (unsigned i = 0; i < response.record_cnt; i++)
		if (response.record[i].section == 1)
			cr_expect_null(strstr(response.record[i].owner, "\\"), "%u: %s", type,
				       response.record[i].owner);
	vly_test_response_free(&response);
}

Test(compose_far, names_behind_many_signatures)
{
	struct vly_test_server server;

	open_chain(&server);
	expect(&server, VLY_TYPE_MX, 1, 2); /* and what covers the name */
	expect(&server, VLY_TYPE_RRSIG, 2, 2);
	expect(&server, VLY_TYPE_NSEC, 1, 2);
	expect(&server, VLY_TYPE_A, 0, 4); /* SOA */
	vly_test_server_close(&server);
}
