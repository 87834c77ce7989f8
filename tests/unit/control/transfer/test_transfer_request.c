/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "random.h"
#include "transfer/transfer_request.h"

#define APEX "\007eXample\000"
#define HEAD(questions, answers, authorities, additionals)                                         \
	"\x12\x34\x01\x00"                                                                         \
	"\000" questions "\000" answers "\000" authorities "\000" additionals
#define AXFR APEX "\000\xfc\000\001"
#define IXFR APEX "\000\xfb\000\001"
#define SOA                                                                                        \
	"\xc0\x0c\000\x06\000\001\000\000\000\000\000\030\xc0\x0c\xc0\x0c"                         \
	"\000\000\000\x07\000\000\000\001\000\000\000\001\000\000\000\001\000\000\000\001"
#define OPT "\000\000\x29\x04\xd0\000\000\000\000\000\000"

/* A copy of its own, so that a sanitizer sees what is read beyond. */
static enum vly_request_fault
read_octets(struct vly_transfer_request *request, const char *octets, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	cr_assert_not_null(copy);
	uint8_t *at = copy + 1;
	if (len > 0)
		memcpy(at, octets, len);
	enum vly_request_fault fault = vly_transfer_request_read(request, at, len);
	free(copy);
	return fault;
}

#define READ(octets) read_octets(&request, octets, sizeof(octets) - 1)

Test(transfer_request, axfr)
{
	struct vly_transfer_request request;

	cr_assert_eq(READ(HEAD("\001", "\000", "\000", "\000") AXFR), VLY_REQUEST_GOOD);
	cr_expect_eq(request.id, 0x1234);
	cr_expect_eq(request.type, VLY_TYPE_AXFR);
	cr_expect_eq(request.class, VLY_CLASS_IN);
	cr_expect_eq(memcmp(request.name.wire, APEX, request.name.len), 0, "its spelling stays");
	cr_expect_not(request.has_opt);
	cr_expect_not(request.has_serial);
	cr_assert_eq(READ(HEAD("\001", "\000", "\000", "\001") AXFR OPT), VLY_REQUEST_GOOD);
	cr_expect(request.has_opt);
	/* a SOA is of no use to AXFR, and does no harm */
	cr_assert_eq(READ(HEAD("\001", "\000", "\001", "\000") AXFR SOA), VLY_REQUEST_GOOD);
	cr_expect_not(request.has_serial);
}

Test(transfer_request, ixfr)
{
	struct vly_transfer_request request;

	cr_assert_eq(READ(HEAD("\001", "\000", "\001", "\001") IXFR SOA OPT), VLY_REQUEST_GOOD);
	cr_expect_eq(request.type, VLY_TYPE_IXFR);
	cr_expect(request.has_serial);
	cr_expect_eq(request.serial, 7);
	cr_expect(request.has_opt);
}

Test(transfer_request, malformed)
{
	struct vly_transfer_request request;

	cr_expect_eq(READ(""), VLY_REQUEST_SILENT);
	cr_expect_eq(READ("\x12\x34\x01\x00\000\001\000\000\000\000\000"), VLY_REQUEST_SILENT);
	cr_expect_eq(READ("\x12\x34\x81\x00\000\001\000\000\000\000\000\000" AXFR),
		     VLY_REQUEST_SILENT, "a response");
	cr_expect_eq(READ("\x12\x34\x28\x00\000\001\000\000\000\000\000\000" AXFR),
		     VLY_REQUEST_UNKNOWN_OPCODE);
	cr_expect_eq(READ(HEAD("\000", "\000", "\000", "\000")), VLY_REQUEST_MALFORMED);
	cr_expect_eq(READ(HEAD("\002", "\000", "\000", "\000") AXFR AXFR), VLY_REQUEST_MALFORMED);
	cr_expect_eq(READ(HEAD("\001", "\000", "\000", "\000") "\007example"),
		     VLY_REQUEST_MALFORMED);
	cr_expect_eq(READ(HEAD("\001", "\001", "\000", "\000") AXFR SOA), VLY_REQUEST_MALFORMED,
		     "an answer");
	cr_expect_eq(READ(HEAD("\001", "\000", "\000", "\000") AXFR "x"), VLY_REQUEST_MALFORMED,
		     "octets behind it");
	cr_expect_eq(READ(HEAD("\001", "\000", "\000", "\000") IXFR), VLY_REQUEST_MALFORMED,
		     "no SOA");
	cr_expect_eq(READ(HEAD("\001", "\000", "\002", "\000") IXFR SOA SOA),
		     VLY_REQUEST_MALFORMED);
	cr_expect_eq(READ(HEAD("\001", "\000", "\001", "\000") IXFR
			  "\001x\000\000\x06\000\001\000\000\000\000\000\030\xc0\x0c\xc0\x0c"
			  "\000\000\000\x07\000\000\000\001\000\000\000\001\000\000\000\001\000\000"
			  "\000\001"),
		     VLY_REQUEST_MALFORMED, "the SOA of another zone");
	cr_expect_eq(READ(HEAD("\001", "\000", "\001", "\000") IXFR
			  "\xc0\x0c\000\x06\000\001\000\000\000\000\000\004\xc0\x0c\xc0\x0c"),
		     VLY_REQUEST_MALFORMED, "a SOA without numbers");
	cr_expect_eq(READ(HEAD("\001", "\000", "\000", "\002") AXFR OPT OPT),
		     VLY_REQUEST_MALFORMED);
	cr_expect_eq(READ(HEAD("\001", "\000", "\000", "\001") AXFR
			  "\000\000\x29\x04\xd0\000\001\000\000\000\000"),
		     VLY_REQUEST_BAD_VERSION);
}

/* No octets, cut or changed, do any harm. */
Test(transfer_request, changed_octets)
{
	static const char whole[] = HEAD("\001", "\000", "\001", "\001") IXFR SOA OPT;
	struct vly_test_random rng = {1};
	struct vly_transfer_request request;
	char octets[sizeof(whole)];

	for (unsigned i = 0; i < 200000; i++) {
		memcpy(octets, whole, sizeof(whole));
		for (unsigned cnt = vly_test_random_below(&rng, 4); cnt > 0; cnt--)
			octets[vly_test_random_below(&rng, sizeof(whole) - 1)] =
				(char)vly_test_random_next(&rng);
		enum vly_request_fault fault =
			read_octets(&request, octets, vly_test_random_below(&rng, sizeof(whole)));
		cr_assert_leq(fault, VLY_REQUEST_BAD_VERSION);
	}
}
