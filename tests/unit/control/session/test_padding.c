/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include <volley/octets.h>

#include "session/padding.h"

static const uint8_t query[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\1a\0\0\xfc\0";
static const uint8_t opt[] = "\0\0\x29\4\xd0\0\0\0\0\0";
static const uint8_t cookie[] = "\0\0\x29\4\xd0\0\0\0\0\0\xc\0\xa\0\x8"
				"12345678";

/* A query, with an OPT record unless that is NULL. Returns its length. */
static size_t
compose(uint8_t message[70000], const uint8_t *record, size_t record_len)
{
	memcpy(message, query, sizeof(query));
	message[sizeof(query) - 1] = 1; /* of the class, as the zero at the end of the text */
	if (record == NULL)
		return sizeof(query);
	memcpy(message + sizeof(query), record, record_len);
	message[11] = 1;
	return sizeof(query) + record_len;
}

static uint8_t message[70000];

/* All lengths end at a multiple, with what comes behind. */
Test(padding, blocks)
{
	for (size_t behind = 0; behind < 300; behind++) {
		size_t len = compose(message, opt, sizeof(opt));
		const size_t padded = vly_padding_add(message, len, 65535, 128, behind, false);
		cr_expect_eq((padded + behind) % 128, 0);
		cr_expect_geq(padded, len + 4);
		cr_expect_leq(padded, len + 4 + 127);
		cr_expect_eq(message[11], 1);
		cr_expect_eq(vly_be16(message + len - 2), padded - len);
		cr_expect_eq(vly_be16(message + len), 12);
		cr_expect_eq(vly_be16(message + len + 2), padded - len - 4);
		for (size_t i = len + 4; i < padded; i++)
			cr_expect_eq(message[i], 0);
		cr_expect_eq(vly_padding_add(message, padded, 65535, 468, behind, true), padded,
			     "padded twice");
	}
}

Test(padding, other_options)
{
	size_t len = compose(message, cookie, sizeof(cookie) - 1);
	cr_expect_eq(vly_padding_add(message, len, 65535, 468, 0, false), 468);
	cr_expect_eq(vly_be16(message + len - 14), 468 - len + 12);
	cr_expect_arr_eq(message + len - 8, "12345678", 8);
}

Test(padding, without_opt)
{
	size_t len = compose(message, NULL, 0);
	cr_expect_eq(vly_padding_add(message, len, 65535, 128, 0, false), len);
	cr_expect_eq(message[11], 0);
	cr_expect_eq(vly_padding_add(message, len, 65535, 128, 10, true), 118);
	cr_expect_eq(message[11], 1);
	cr_expect_arr_eq(message + len, "\0\0\x29\4\xd0\0\0\0\0", 9);
	cr_expect_eq(vly_be16(message + len + 9), 118 - len - 11);
}

/* Less than a block is left; then less than an option; then nothing may be changed. */
Test(padding, room)
{
	for (size_t room = 0; room < 128; room++) {
		size_t len = compose(message, opt, sizeof(opt));
		const size_t padded = vly_padding_add(message, len, room, 128, 7, false);
		cr_expect_eq(padded, room < len + 4 + 7 ? len : room - 7);
	}
	size_t len = compose(message, opt, sizeof(opt));
	cr_expect_eq(vly_padding_add(message, len, 65535, 100000, 0, false), 65535);
}

/* OPT in front of another record, cut messages, options that run out. */
Test(padding, not_padded)
{
	size_t len = compose(message, opt, sizeof(opt));
	for (size_t cut = 0; cut < len; cut++)
		cr_expect_eq(vly_padding_add(message, cut, 65535, 128, 0, true), cut);
	memcpy(message + len, "\0\0\1\0\1\0\0\0\0\0", 11);
	message[11] = 2;
	cr_expect_eq(vly_padding_add(message, len + 11, 65535, 128, 0, true), len + 11);
	len = compose(message, cookie, sizeof(cookie) - 1);
	message[len - 9] = 9;
	cr_expect_eq(vly_padding_add(message, len, 65535, 128, 0, true), len);
}
