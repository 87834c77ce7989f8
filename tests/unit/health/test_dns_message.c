/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "dns_message.h"

static uint8_t query[VLY_DNS_QUERY_MAX];

Test(dns_message, a_query_as_rfc_1035_has_it)
{
	static const uint8_t wanted[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\3www\7example\0\0\x1c\0\1";

	cr_assert_eq(vly_dns_query_write("www.example.", 28, 0x1234, query), sizeof(wanted) - 1);
	cr_expect_eq(memcmp(query, wanted, sizeof(wanted) - 1), 0);
	cr_expect_eq(vly_dns_query_write("www.example", 28, 0x1234, query), sizeof(wanted) - 1);
	cr_expect_eq(vly_dns_query_write(".", 6, 0, query), 17);
}

Test(dns_message, names_that_are_none)
{
	char name[300];

	cr_expect_eq(vly_dns_query_write("a..b", 1, 0, query), 0);
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	cr_expect_eq(vly_dns_query_write(name, 1, 0, query), 0);
	name[63] = '\0';
	cr_expect_neq(vly_dns_query_write(name, 1, 0, query), 0);
	for (unsigned i = 0; i < 299; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[253] = '\0';
	cr_expect_eq(vly_dns_query_write(name, 1, 0, query), VLY_DNS_QUERY_MAX);
	name[253] = '.';
	name[255] = '\0';
	cr_expect_eq(vly_dns_query_write(name, 1, 0, query), 0);
}

static int
rcode_of(const char *change, size_t at, size_t change_bytes, size_t cut)
{
	uint8_t message[64];
	const size_t bytes = vly_dns_query_write("Www.example", 1, 7, query);

	memcpy(message, query, bytes);
	message[2] |= 0x80;
	message[3] |= 5;
	memcpy(message + at, change, change_bytes);
	return vly_dns_response_rcode(query, bytes, message, bytes - cut);
}

Test(dns_message, only_responses_to_the_query_count)
{
	cr_expect_eq(rcode_of("", 0, 0, 0), 5);
	cr_expect_eq(rcode_of("\3wWW", 12, 4, 0), 5, "case does not matter");
	cr_expect_eq(rcode_of("x", 13, 1, 0), -1, "another name");
	cr_expect_eq(rcode_of("\1", 1, 1, 0), -1, "another ID");
	cr_expect_eq(rcode_of("\0", 2, 1, 0), -1, "a query");
	cr_expect_eq(rcode_of("\xa8", 2, 1, 0), -1, "another opcode");
	cr_expect_eq(rcode_of("\2", 5, 1, 0), -1, "two questions");
	cr_expect_eq(rcode_of("\2", 26, 1, 0), -1, "another type");
	cr_expect_eq(rcode_of("", 0, 0, 1), -1, "cut off");
	cr_expect_eq(rcode_of("\0", 5, 1, 17), 5, "an error without a question");
	cr_expect_eq(rcode_of("\0\0\0", 3, 3, 17), -1, "no error and no question");
	cr_expect_eq(vly_dns_response_rcode(query, 20, query, 5), -1);
}
