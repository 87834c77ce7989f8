/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RRSIG and NSEC in question: answers that the image does not list, but that are composed from what
 * else a node has. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

#define SIGNED(name, type)                                                                         \
	name " RRSIG " type " 13 1 300 20300101000000 20200101000000 1 z. aaaabbbbcccc\n"
#define NSEC(name, next, types) name " NSEC " next ".z. " types "\n" SIGNED(name, "NSEC")

static const char nsec_zone[] = VLY_TEST_APEX SIGNED("@", "SOA") SIGNED("@", "NS") NSEC(
	"@", "a", "NS SOA RRSIG NSEC") "a A 192.0.2.1\na AAAA 2001:db8::1\n" SIGNED("a", "A")
	SIGNED("a", "AAAA") SIGNED("a", "AAAA") NSEC(
		"a", "c", "A AAAA RRSIG NSEC") "c CNAME a\n" SIGNED("c", "CNAME")
		NSEC("c", "cut", "CNAME RRSIG NSEC") "cut NS ns.elsewhere.\n" NSEC(
			"cut", "dn", "NS RRSIG NSEC") "dn DNAME t\n" SIGNED("dn", "DNAME")
			NSEC("dn", "x.t", "DNAME RRSIG NSEC") "x.t TXT x\n" SIGNED(
				"x.t", "TXT") NSEC("x.t", "*.w",
						   "TXT RRSIG NSEC") "*.w MX 1 a\n" SIGNED("*.w",
											   "MX")
				NSEC("*.w", "*.y.x", "MX RRSIG NSEC") "*.y.x CNAME a\n" SIGNED(
					"*.y.x",
					"CNAME") "*.y.x NSEC z. CNAME RRSIG NSEC\n" SIGNED("*.y.x",
											   "NSEC");

static const char nsec3_zone[] =
	VLY_TEST_APEX SIGNED("@", "SOA") SIGNED("@", "NS") "@ NSEC3PARAM 1 0 0 -\n" SIGNED(
		"@", "NSEC3PARAM") "a A 192.0.2.1\n" SIGNED("a", "A")
	/* of the apex, z. */
	"0h4nuf3kq4nk8v7lmfkf0d7ohbjbqc9b NSEC3 1 0 0 - 0h4nuf3kq4nk8v7lmfkf0d7ohbjbqc9b A\n";

static void
open_zone(struct vly_test_server *server, const char *name, const char *text)
{
	cr_assert_eq(vly_test_server_open(server, &(struct vly_test_zone){name, text}, 1), 0);
}

static const char *
type_text(unsigned type)
{
	static char buffer[16];

	return type == VLY_TYPE_NSEC ? "NSEC" : vly_test_type_text(type, buffer);
}

/* Adds what a section has: of each record the owner and the type, of RRSIG the type that it
 * covers. */
static void
list_section(const struct vly_test_response *response, unsigned section, char text[4096])
{
	for (unsigned i = 0; i < response->record_cnt; i++) {
		const struct vly_test_record *record = &response->record[i];
		bool is_rrsig = record->type == VLY_TYPE_RRSIG;
		if (record->section != section)
			continue;
		sprintf(text + strlen(text), " %s %s", record->owner,
			type_text(is_rrsig ? vly_be16(record->data) : record->type));
		strcat(text, is_rrsig ? "*" : "");
	}
}

/* Asks; `wanted` are the answer and, behind a bar, the authority section. */
static void
expect(const struct vly_test_server *server, bool dnssec_ok, const char *name, unsigned type,
       const char *wanted)
{
	struct vly_test_response response;
	char text[4096] = "";

	vly_test_ask(server->table,
		     &(struct vly_test_question){.name = name,
						 .type = (uint16_t)type,
						 .edns = true,
						 .dnssec_ok = dnssec_ok,
						 .payload = 4096},
		     &response);
	cr_assert_null(response.fault, "%s: %s", name, response.fault);
	cr_expect_eq(response.flags & 0x040f, 0x0400, "%s: AA and NOERROR", name);
	list_section(&response, 0, text);
	strcat(text, " |");
	list_section(&response, 1, text);
	cr_expect_str_eq(text, wanted, "%s/%u: %s, not %s", name, type, text, wanted);
	vly_test_response_free(&response);
}

Test(signatures, of_a_name)
{
	struct vly_test_server server;

	open_zone(&server, "z.", nsec_zone);
	for (unsigned dnssec_ok = 0; dnssec_ok < 2; dnssec_ok++) {
		expect(&server, dnssec_ok, "a.z", VLY_TYPE_RRSIG,
		       " a.z. A* a.z. AAAA* a.z. NSEC* |");
		expect(&server, dnssec_ok, "z", VLY_TYPE_RRSIG, " z. NS* z. SOA* z. NSEC* |");
		/* not those of its target */
		expect(&server, dnssec_ok, "c.z", VLY_TYPE_RRSIG, " c.z. CNAME* c.z. NSEC* |");
		expect(&server, dnssec_ok, "dn.z", VLY_TYPE_RRSIG, " dn.z. DNAME* dn.z. NSEC* |");
	}
	expect(&server, false, "a.z", VLY_TYPE_NSEC, " a.z. NSEC |");
	expect(&server, true, "a.z", VLY_TYPE_NSEC, " a.z. NSEC a.z. NSEC* |");
	expect(&server, false, "c.z", VLY_TYPE_NSEC, " c.z. NSEC |");
	/* an empty non-terminal has none */
	expect(&server, false, "w.z", VLY_TYPE_RRSIG, " | z. SOA");
	expect(&server, false, "w.z", VLY_TYPE_NSEC, " | z. SOA");
	vly_test_server_close(&server);
}

Test(signatures, of_a_wildcard)
{
	struct vly_test_server server;

	open_zone(&server, "z.", nsec_zone);
	expect(&server, false, "q.w.z", VLY_TYPE_RRSIG, " q.w.z. MX* q.w.z. NSEC* |");
	expect(&server, false, "q.w.z", VLY_TYPE_NSEC, " q.w.z. NSEC |");
	/* with DO, what covers the name */
	expect(&server, true, "q.w.z", VLY_TYPE_RRSIG,
	       " q.w.z. MX* q.w.z. NSEC* | *.w.z. NSEC *.w.z. NSEC*");
	expect(&server, true, "q.w.z", VLY_TYPE_NSEC,
	       " q.w.z. NSEC q.w.z. NSEC* | *.w.z. NSEC *.w.z. NSEC*");
	expect(&server, true, "q.y.x.z", VLY_TYPE_RRSIG,
	       " q.y.x.z. CNAME* q.y.x.z. NSEC* | *.y.x.z. NSEC *.y.x.z. NSEC*");
	vly_test_server_close(&server);
}

Test(signatures, behind_a_dname)
{
	struct vly_test_server server;

	open_zone(&server, "z.", nsec_zone);
	expect(&server, true, "x.dn.z", VLY_TYPE_RRSIG,
	       " dn.z. DNAME dn.z. DNAME* x.dn.z. CNAME x.t.z. TXT* x.t.z. NSEC* |");
	expect(&server, false, "x.dn.z", VLY_TYPE_NSEC, " dn.z. DNAME x.dn.z. CNAME x.t.z. NSEC |");
	vly_test_server_close(&server);
}

/* A delegation answers with a referral: these types are the child's. */
Test(signatures, at_a_delegation)
{
	struct vly_test_server server;
	struct vly_test_response response;

	open_zone(&server, "z.", nsec_zone);
	for (unsigned type = VLY_TYPE_RRSIG; type <= VLY_TYPE_NSEC; type++) {
		vly_test_ask(server.table,
			     &(struct vly_test_question){.name = "cut.z", .type = (uint16_t)type},
			     &response);
		cr_expect_null(response.fault);
		cr_expect_eq(response.flags & 0x0400, 0, "no AA");
		cr_expect_eq(response.count[1], 0);
		cr_expect_eq(response.count[2], 1);
		vly_test_response_free(&response);
	}
	vly_test_server_close(&server);
}

Test(signatures, in_the_root)
{
	struct vly_test_server server;

	open_zone(&server, ".",
		  VLY_TEST_APEX SIGNED("@", "SOA") "@ NSEC . NS SOA RRSIG NSEC\n" SIGNED("@",
											 "NSEC"));
	expect(&server, false, ".", VLY_TYPE_RRSIG, " . SOA* . NSEC* |");
	expect(&server, true, ".", VLY_TYPE_NSEC, " . NSEC . NSEC* |");
	vly_test_server_close(&server);
}

Test(signatures, with_nsec3)
{
	struct vly_test_server server;

	open_zone(&server, "z.", nsec3_zone);
	expect(&server, true, "a.z", VLY_TYPE_RRSIG, " a.z. A* |");
	expect(&server, false, "a.z", VLY_TYPE_NSEC, " | z. SOA");
	expect(&server, false, "z", VLY_TYPE_RRSIG, " z. NS* z. SOA* z. TYPE51* |");
	vly_test_server_close(&server);
}

/* A name with more than its DO forms have lists these types, as before. */
Test(signatures, of_broken_zones)
{
	struct vly_test_server server;

	open_zone(&server, "z.",
		  VLY_TEST_APEX SIGNED("@", "SOA") NSEC("@", "a", "NS SOA RRSIG NSEC")
			  SIGNED("a", "A") "a TXT x\n" /* no A, no NSEC */
					   "b A 192.0.2.1\n" SIGNED("b", "A") SIGNED("b", "MX")
						   NSEC("b", "d", "A") "d NSEC z. NSEC\n" SIGNED(
							   "d", "NSEC"));
	expect(&server, false, "a.z", VLY_TYPE_RRSIG, " a.z. A* |");
	expect(&server, true, "a.z", VLY_TYPE_NSEC, " | z. SOA z. SOA* z. NSEC z. NSEC*");
	expect(&server, false, "b.z", VLY_TYPE_RRSIG, " b.z. A* b.z. MX* b.z. NSEC* |");
	expect(&server, true, "d.z", VLY_TYPE_NSEC, " d.z. NSEC d.z. NSEC* |");
	expect(&server, false, "d.z", VLY_TYPE_RRSIG, " d.z. NSEC* |");
	vly_test_server_close(&server);
}

/* Asks for the signatures of a name with `cnt` records of `bytes_each` octets, over UDP with 4096 octets or
 * over a stream. Returns the flags. */
static unsigned
flags_of_many(unsigned cnt, int bytes_each, bool stream, unsigned *record_cnt)
{
	struct vly_test_server server;
	struct vly_test_response response;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs(VLY_TEST_APEX SIGNED("@", "SOA") NSEC("@", "a", "NS SOA RRSIG NSEC"), out);
	for (unsigned i = 0; i < cnt; i++)
		fprintf(out, "a TXT %0*u\n", bytes_each, i);
	fputs(SIGNED("a", "TXT") "a NSEC z. TXT RRSIG NSEC\n" SIGNED("a", "NSEC"), out);
	fclose(out);
	open_zone(&server, "z.", text);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "a.z",
						 .type = VLY_TYPE_RRSIG,
						 .edns = true,
						 .payload = 4096,
						 .stream = stream},
		     &response);
	cr_assert_null(response.fault, "%s", response.fault);
	unsigned flags = response.flags;
	*record_cnt = response.record_cnt;
	vly_test_response_free(&response);
	vly_test_server_close(&server);
	free(text);
	return flags;
}

/* Over UDP, stepping over records has a limit. A DO form that no message has room for has no
 * signatures. */
Test(signatures, of_large_sets)
{
	unsigned cnt;

	cr_expect_eq(flags_of_many(250, 200, false, &cnt) & 0x020f, 0);
	cr_expect_eq(cnt, 2);
	cr_expect_eq(flags_of_many(400, 20, false, &cnt) & 0x020f, 0x0200, "TC");
	cr_expect_eq(cnt, 0);
	cr_expect_eq(flags_of_many(400, 20, true, &cnt) & 0x020f, 0);
	cr_expect_eq(cnt, 2);
	cr_expect_eq(flags_of_many(400, 200, true, &cnt) & 0x020f, 0);
	cr_expect_eq(cnt, 1);
}

/* Nothing is left if no message has room for the only DO form. */
Test(signatures, of_sets_too_large)
{
	struct vly_test_server server;
	struct vly_test_response response;
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fputs(nsec3_zone, out);
	for (unsigned i = 0; i < 400; i++)
		fprintf(out, "b TXT %0200u\n", i);
	fputs(SIGNED("b", "TXT"), out);
	fclose(out);
	open_zone(&server, "z.", text);
	vly_test_ask(server.table,
		     &(struct vly_test_question){.name = "b.z", .type = VLY_TYPE_RRSIG}, &response);
	cr_assert_null(response.fault, "%s", response.fault);
	cr_expect_eq(response.flags & 15, VLY_RCODE_SERVFAIL);
	vly_test_response_free(&response);
	vly_test_server_close(&server);
	free(text);
}
