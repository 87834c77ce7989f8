/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include <volley/octets.h>

#include "base/message.h"

#define FIRST VLY_DNS_HEADER_BYTES

/* A root label, and behind it pointers, each to the one before. */
static bool
read_chain(unsigned jump_cnt, struct vly_message_reader *reader)
{
	static uint8_t message[FIRST + 1 + 2 * 256];
	struct vly_message_name name;

	message[FIRST] = 0;
	for (unsigned i = 0; i < jump_cnt; i++) {
		const unsigned to = i == 0 ? FIRST : FIRST + 1 + 2 * (i - 1);
		vly_put_be16(message + FIRST + 1 + (size_t)2 * i, 0xc000 | to);
	}
	*reader = (struct vly_message_reader){message, FIRST + 1 + 2 * jump_cnt,
					      FIRST + 1 + 2 * (jump_cnt - 1)};
	return vly_message_name(reader, reader->len, &name) && name.len == 1;
}

Test(message, a_name_has_as_many_pointers_as_labels_at_most)
{
	struct vly_message_reader reader;

	cr_expect(read_chain(1, &reader));
	cr_expect(read_chain(127, &reader));
	cr_expect_eq(reader.at, reader.len);
	cr_expect_not(read_chain(128, &reader));
	cr_expect_not(read_chain(256, &reader));
}

/* One label for each pointer: the longest name that a message may have in parts. */
Test(message, the_longest_name_may_have_a_pointer_behind_each_label)
{
	uint8_t message[FIRST + 1 + 4 * 127] = {0};
	struct vly_message_name name;
	unsigned before = FIRST;

	for (unsigned i = 0; i < 127; i++) {
		const unsigned at = FIRST + 1 + 4 * i;
		message[at] = 1;
		message[at + 1] = 'a';
		vly_put_be16(message + at + 2, 0xc000 | before);
		before = at;
	}
	struct vly_message_reader reader = {message, sizeof(message), before};
	cr_assert(vly_message_name(&reader, reader.len, &name));
	cr_expect_eq(name.len, 255);
	cr_expect_eq(reader.at, sizeof(message));
}
