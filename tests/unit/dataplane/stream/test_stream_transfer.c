/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "base/wire.h"
#include "stream/stream_transfer.h"

struct record {
	uint16_t type;
	uint16_t data_len;
};

/* A query for z. with records of zeros: the last one counts as additional, the others as authority. */
static bool
is_transfer(unsigned flags, unsigned type, unsigned class, const struct record *record,
	    unsigned cnt, unsigned cut)
{
	uint8_t octets[512 + VLY_NAME_SLACK_BYTES] = {0};
	uint8_t *at = octets + VLY_DNS_HEADER_BYTES;

	vly_put_be16(octets + 2, flags);
	vly_put_be16(octets + 4, 1);
	vly_put_be16(octets + 8, cnt > 0 ? cnt - 1 : 0);
	vly_put_be16(octets + 10, cnt > 0);
	memcpy(at, "\1z", 3);
	vly_put_be16(at + 3, type);
	vly_put_be16(at + 5, class);
	at += 7;
	for (unsigned i = 0; i < cnt; i++) {
		vly_put_be16(at + 1, record[i].type);
		vly_put_be16(at + 9, record[i].data_len);
		at += 11 + record[i].data_len;
	}
	struct vly_stream_message message = {octets, (uint16_t)(at - octets - cut)};
	return vly_stream_is_transfer(&message);
}

Test(stream_transfer, questions)
{
	static const struct record soa = {VLY_TYPE_SOA, 22};

	cr_expect(is_transfer(0, VLY_TYPE_AXFR, VLY_CLASS_IN, NULL, 0, 0));
	cr_expect(is_transfer(VLY_FLAG_RD, VLY_TYPE_AXFR, VLY_CLASS_IN, NULL, 0, 0));
	cr_expect(is_transfer(0, VLY_TYPE_IXFR, VLY_CLASS_IN, &soa, 1, 0));
	cr_expect_not(is_transfer(VLY_FLAG_QR, VLY_TYPE_AXFR, VLY_CLASS_IN, NULL, 0, 0));
	cr_expect_not(
		is_transfer(VLY_OPCODE_UPDATE << 11, VLY_TYPE_AXFR, VLY_CLASS_IN, NULL, 0, 0));
	cr_expect_not(is_transfer(0, VLY_TYPE_AXFR, VLY_CLASS_CH, NULL, 0, 0));
	cr_expect_not(is_transfer(0, VLY_TYPE_A, VLY_CLASS_IN, NULL, 0, 0));
	cr_expect_not(is_transfer(0, VLY_TYPE_SOA, VLY_CLASS_IN, NULL, 0, 0));
	for (unsigned cut = 1; cut <= 7; cut++)
		cr_expect_not(is_transfer(0, VLY_TYPE_AXFR, VLY_CLASS_IN, NULL, 0, cut));
}

Test(stream_transfer, no_question_or_two)
{
	uint8_t octets[64] = {[5] = 2, [12] = 0, [14] = VLY_TYPE_AXFR, [16] = VLY_CLASS_IN};
	struct vly_stream_message message = {octets, 17};

	cr_expect_not(vly_stream_is_transfer(&message));
	octets[5] = 0;
	cr_expect_not(vly_stream_is_transfer(&message));
	octets[5] = 1;
	cr_expect(vly_stream_is_transfer(&message));
}
