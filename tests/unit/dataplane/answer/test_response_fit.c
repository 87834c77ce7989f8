/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left of an answer where there is not room for all of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "message.h"
#include "server.h"

/* The zone of a test: its text is written to `out`, and then it is served. */
static struct {
	FILE *out;
	char *text;
	size_t bytes;
	struct vly_test_server server;
} zone;

static void
begin_zone(void)
{
	zone.out = open_memstream(&zone.text, &zone.bytes);
	cr_assert_not_null(zone.out);
	fputs(VLY_TEST_APEX, zone.out);
}

static void
serve_zone(const char *name)
{
	cr_assert_eq(fclose(zone.out), 0);
	cr_assert_eq(
		vly_test_server_open(&zone.server, &(struct vly_test_zone){name, zone.text}, 1), 0);
	free(zone.text);
}

static void
end_zone(void)
{
	vly_test_server_close(&zone.server);
}

TestSuite(response_fit, .init = begin_zone, .fini = end_zone);

/* Records of the additional section; owner NULL: of any. */
static unsigned
count(const struct vly_test_response *response, const char *owner, unsigned type)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < response->record_cnt; i++)
		cnt += response->record[i].section == 2 && response->record[i].type == type &&
		       (owner == NULL || strcmp(response->record[i].owner, owner) == 0);
	return cnt;
}

/* Asks with a payload size of that many octets, and checks what holds for every response. */
static void
ask(const char *name, unsigned type, unsigned payload, struct vly_test_response *response)
{
	vly_test_ask(zone.server.table,
		     &(struct vly_test_question){.name = name,
						 .type = (uint16_t)type,
						 .edns = payload > 512,
						 .payload = (uint16_t)payload},
		     response);
	cr_assert_null(response->fault, "%s", response->fault);
	cr_assert(!(response->flags & VLY_FLAG_TC));
	cr_assert_leq(response->len, payload);
}

/* As top-level domains are delegated: 13 servers elsewhere in the zone, with an address of each
 * kind. */
Test(response_fit, every_server_has_one_address_before_any_has_two)
{
	struct vly_test_response response;

	for (char c = 'a'; c <= 'm'; c++)
		fprintf(zone.out,
			"com NS %c.gtld-servers.net\n%c.gtld-servers.net A 192.0.2.1\n"
			"%c.gtld-servers.net AAAA 2001:db8::1\n",
			c, c, c);
	serve_zone(".");
	ask("com.", VLY_TYPE_NS, 512, &response);
	cr_expect_eq(response.count[2], 13);
	cr_expect_eq(count(&response, NULL, VLY_TYPE_A), 13);
	cr_expect_eq(count(&response, NULL, VLY_TYPE_AAAA), 2);
	vly_test_response_free(&response);
	ask("a.name.below.com.", VLY_TYPE_A, 1232, &response);
	cr_expect_eq(count(&response, NULL, VLY_TYPE_A), 13);
	cr_expect_eq(count(&response, NULL, VLY_TYPE_AAAA), 13);
	vly_test_response_free(&response);
}

/* RRsets of these many addresses, for a referral: those that do not fit are left out, and others
 * that do are not. */
Test(response_fit, smaller_rrsets_come_behind_those_that_are_too_large)
{
	static const unsigned sizes[] = {3, 20, 1, 20, 2, 20, 1};

	for (unsigned i = 0; i < 7; i++) {
		fprintf(zone.out, "cut NS n%u\n", i);
		for (unsigned j = 0; j < sizes[i]; j++)
			fprintf(zone.out, "n%u AAAA 2001:db8::%u:%u\n", i, i, j);
	}
	serve_zone("z.");
	for (unsigned payload = 512; payload < 2400; payload += 3) {
		struct vly_test_response response;
		unsigned smallest_left = 0;
		ask("deep.below.cut.z.", VLY_TYPE_A, payload, &response);
		for (unsigned i = 0; i < 7; i++) {
			char owner[16];
			snprintf(owner, sizeof(owner), "n%u.z.", i);
			unsigned cnt = count(&response, owner, VLY_TYPE_AAAA);
			cr_expect(cnt == 0 || cnt == sizes[i], "%u of %s", cnt, owner);
			if (cnt == 0 && (smallest_left == 0 || sizes[i] < smallest_left))
				smallest_left = sizes[i];
		}
		cr_expect(smallest_left == 0 || payload - response.len < smallest_left * 28,
			  "payload %u: %u octets unused", payload, payload - response.len);
		vly_test_response_free(&response);
	}
}

/* Owners that are in no other record, so that nothing can be compressed against one that is left
 * out. */
Test(response_fit, names_do_not_lead_to_what_is_left_out)
{
	for (unsigned i = 0; i < 12; i++) {
		fprintf(zone.out, "*.s SRV 0 0 53 host%u.in.z.\n", i);
		for (unsigned j = 0; j <= i % 4 * 3; j++)
			fprintf(zone.out,
				"host%u.in A 192.0.2.%u\nhost%u.in AAAA 2001:db8::%u:%u\n", i, j, i,
				i, j);
	}
	serve_zone("z.");
	for (unsigned payload = 700; payload < 4000; payload += 7) {
		struct vly_test_response response;
		ask("some.where.s.z.", VLY_TYPE_SRV, payload, &response);
		cr_expect_eq(response.count[1], 12);
		for (unsigned i = 0; i < response.record_cnt; i++)
			cr_expect(response.record[i].section != 2 ||
					  strstr(response.record[i].owner, ".in.z.") != NULL,
				  "%s", response.record[i].owner);
		vly_test_response_free(&response);
	}
}

/* Each octet that is looked at for nothing is the server's time, for as short a response. */
Test(response_fit, behind_hundreds_of_records_nothing_is_looked_for)
{
	static const unsigned sizes[] = {90, 135, 300, 2000};
	struct vly_test_response response;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (i > 0) {
			end_zone();
			begin_zone();
		}
		fputs("cut NS many\ncut NS one\none AAAA 2001:db8::1\n", zone.out);
		for (unsigned j = 0; j < sizes[i]; j++)
			fprintf(zone.out, "many AAAA 2001:db8:1::%x\n", j);
		serve_zone("z.");
		ask("below.cut.z.", VLY_TYPE_A, 1232, &response);
		cr_expect_eq(count(&response, "many.z.", VLY_TYPE_AAAA), 0);
		cr_expect_eq(count(&response, "one.z.", VLY_TYPE_AAAA), sizes[i] < 150,
			     "%u records", sizes[i]);
		vly_test_response_free(&response);
		/* a large RRset that fits is no smaller for that */
		ask("below.cut.z.", VLY_TYPE_A, 4096, &response);
		cr_expect_eq(count(&response, "many.z.", VLY_TYPE_AAAA),
			     sizes[i] < 140 ? sizes[i] : 0);
		vly_test_response_free(&response);
	}
}
