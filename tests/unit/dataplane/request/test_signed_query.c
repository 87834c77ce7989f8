/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include <volley/dns.h>
#include <volley/octets.h>

#include "request/signed_query.h"

#define QUESTION "\3www\4test\0\0\1\0\1"
#define OPT      "\0\0\51\4\320\0\0\0\0\0\0"
/* Key "k.", hmac-sha256., time, fudge, a MAC of 32 octets, ID 0x1234, no error, no other data */
#define TSIG                                                                                       \
	"\1k\0\0\372\0\377\0\0\0\0\0\75\13hmac-sha256\0\0\0\1\2\3\4\1\54\0\40"                     \
	"0123456789abcdef0123456789abcdef\22\64\0\0\0\0"

static uint8_t message[512];
static uint16_t bytes;

static void
make(const char *records, size_t record_bytes, unsigned record_cnt)
{
	uint8_t *at = mempcpy(message, "\22\64\0\0\0\1\0\0\0\0\0\0", 12);

	vly_put_be16(message + 10, record_cnt);
	at = mempcpy(at, QUESTION, sizeof(QUESTION) - 1);
	bytes = (uint16_t)((uint8_t *)mempcpy(at, records, record_bytes) - message);
}

#define MAKE(records, cnt) make(records, sizeof(records) - 1, cnt)

Test(signed_query, is_a_query_without_its_tsig)
{
	uint8_t before[sizeof(message)];

	MAKE(OPT TSIG, 2);
	memcpy(before, message, bytes);
	cr_expect_eq(vly_signed_query_take(message, bytes), bytes - sizeof(TSIG) + 1);
	cr_expect_eq(vly_be16(message + 10), 1);
	vly_signed_query_restore(message);
	cr_expect_arr_eq(message, before, bytes);
	MAKE(TSIG, 1);
	cr_expect_eq(vly_signed_query_take(message, bytes), bytes - sizeof(TSIG) + 1);
	cr_expect_eq(vly_be16(message + 10), 0);
}

Test(signed_query, others_stay_as_they_are)
{
	uint8_t before[sizeof(message)];

	MAKE(OPT, 1);
	cr_expect_eq(vly_signed_query_take(message, bytes), 0);
	MAKE(TSIG OPT, 2);
	cr_expect_eq(vly_signed_query_take(message, bytes), 0, "not the last record");
	MAKE(OPT TSIG, 1);
	cr_expect_eq(vly_signed_query_take(message, bytes), 0, "behind the last record");
	MAKE(OPT TSIG, 2);
	message[2] = VLY_OPCODE_UPDATE << 3;
	cr_expect_eq(vly_signed_query_take(message, bytes), 0);
	message[2] = 0;
	memcpy(before, message, bytes);
	for (uint16_t cut = 0; cut < bytes; cut++)
		cr_expect_eq(vly_signed_query_take(message, cut), 0, "%u octets", cut);
	cr_expect_arr_eq(message, before, bytes);
}

Test(signed_query, response_is_cut_down_if_there_is_no_room_for_the_signature)
{
	static const uint8_t tsig[] = TSIG, compressed[] = "\1k\300\20\0\372";
	const unsigned tsig_bytes = sizeof(TSIG) - 1;

	MAKE(OPT, 1);
	const unsigned most = bytes + tsig_bytes + 38;
	cr_expect_eq(vly_signed_query_fit(message, bytes, tsig, tsig_bytes, most), bytes);
	cr_expect_eq(vly_be16(message + 10), 1);
	cr_expect_eq(vly_signed_query_fit(message, bytes, tsig, tsig_bytes, most - 1),
		     12 + sizeof(QUESTION) - 1);
	cr_expect_eq(vly_be16(message + 2) & VLY_FLAG_TC, VLY_FLAG_TC);
	cr_expect_eq(vly_be16(message + 10), 0);
	/* the response has the whole name of the key */
	MAKE(OPT, 1);
	cr_expect_eq(vly_signed_query_fit(message, bytes, compressed, tsig_bytes, most + 255),
		     bytes);
	cr_expect_eq(vly_signed_query_fit(message, bytes, compressed, tsig_bytes, most + 254),
		     12 + sizeof(QUESTION) - 1);
}
