/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "secondary/net_change.h"
#include "secondary/spool.h"
#include "secondary/transfer_reader.h"

#define ID 0x1234

/* A message in the making. */
struct message {
	uint8_t octets[65535];
	size_t len;
	unsigned cnt;
};

static void
begin(struct message *message)
{
	memset(message->octets, 0, VLY_DNS_HEADER_BYTES);
	vly_put_be16(message->octets, ID);
	message->octets[2] = 0x84;
	message->len = VLY_DNS_HEADER_BYTES;
	message->cnt = 0;
}

/* `owner` and `data` are in wire form. */
static void
add(struct message *message, const char *owner, size_t owner_len, unsigned type, unsigned class,
    const void *data, size_t len)
{
	uint8_t *at = message->octets + message->len;

	memcpy(at, owner, owner_len);
	at += owner_len;
	vly_put_be16(at, type);
	vly_put_be16(at + 2, class);
	vly_put_be16(at + 4, 0);
	vly_put_be16(at + 6, 300);
	vly_put_be16(at + 8, (unsigned)len);
	memcpy(at + 10, data, len);
	message->len = (size_t)(at + 10 - message->octets) + len;
	vly_put_be16(message->octets + 6, ++message->cnt);
}

static void
add_soa(struct message *message, uint32_t serial)
{
	uint8_t data[4 + 20] = "\1n\0";

	vly_put_be16(data + 4, serial >> 16);
	vly_put_be16(data + 6, serial);
	add(message, "\1z", 3, VLY_TYPE_SOA, VLY_CLASS_IN, data, sizeof(data));
}

static void
add_a(struct message *message, char label, char octet)
{
	const char owner[] = {1, label, 1, 'z', 0};
	const char data[] = {1, 2, 3, octet};

	add(message, owner, sizeof(owner), VLY_TYPE_A, VLY_CLASS_IN, data, sizeof(data));
}

struct test {
	struct vly_transfer_reader reader;
	struct vly_spool spool;
	struct message message;
};

static bool
keep(void *arg, const struct vly_transfer_record *record)
{
	return vly_spool_add(arg, record);
}

static struct test *
new_test(bool is_ixfr, uint32_t ours)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = "\1Z";
	struct test *test = calloc(1, sizeof(*test));
	struct vly_name apex;

	cr_assert(test != NULL && vly_name_scan(&apex, wire, 3) == 3);
	vly_spool_init(&test->spool, "/tmp", 1 << 20);
	vly_transfer_reader_init(&test->reader, &apex, ID, is_ixfr, ours, keep, &test->spool);
	begin(&test->message);
	return test;
}

static void
free_test(struct test *test)
{
	vly_spool_free(&test->spool);
	free(test);
}

/* Reads the message from a block of its own, so that a sanitizer sees what is read beyond. */
static enum vly_transfer_result
read_message(struct test *test)
{
	uint8_t *copy = malloc(test->message.len);

	cr_assert(copy != NULL);
	memcpy(copy, test->message.octets, test->message.len);
	enum vly_transfer_result result = vly_transfer_read(&test->reader, copy, test->message.len);
	free(copy);
	begin(&test->message);
	return result;
}

#define EXPECT_FAILURE(test, text)                                                                 \
	do {                                                                                       \
		cr_expect_eq(read_message(test), VLY_TRANSFER_FAILED);                             \
		cr_expect(strstr((test)->reader.reason, text) != NULL, "%s",                       \
			  (test)->reader.reason);                                                  \
		free_test(test);                                                                   \
	} while (0)

Test(transfer_reader, a_whole_zone_in_several_messages)
{
	struct test *test = new_test(false, 0);

	add_soa(&test->message, 7);
	cr_expect_eq(read_message(test), VLY_TRANSFER_MORE);
	add_a(&test->message, 'a', 1);
	add_a(&test->message, 'a', 1);
	cr_expect_eq(read_message(test), VLY_TRANSFER_MORE);
	add_soa(&test->message, 7);
	cr_expect_eq(read_message(test), VLY_TRANSFER_WHOLE);
	cr_expect_eq(test->reader.soa.serial, 7);
	cr_expect_eq(test->spool.record_cnt, 3);
	add_a(&test->message, 'b', 1);
	EXPECT_FAILURE(test, "behind the last SOA");
}

Test(transfer_reader, malformed_transfers_are_refused)
{
	struct test *test = new_test(false, 0);
	add_a(&test->message, 'a', 1);
	EXPECT_FAILURE(test, "does not begin with an SOA");

	test = new_test(false, 0);
	add_soa(&test->message, 7);
	add_soa(&test->message, 8);
	EXPECT_FAILURE(test, "in the middle");

	test = new_test(false, 0);
	add_soa(&test->message, 7);
	add_soa(&test->message, 7);
	add_a(&test->message, 'a', 1);
	EXPECT_FAILURE(test, "behind the last SOA");

	test = new_test(false, 0);
	add_soa(&test->message, 7);
	add(&test->message, "\1y", 3, VLY_TYPE_A, VLY_CLASS_IN, "\1\2\3\4", 4);
	EXPECT_FAILURE(test, "y.: a record that is not in the zone");

	test = new_test(false, 0);
	add_soa(&test->message, 7);
	add(&test->message, "\1z", 3, VLY_TYPE_A, VLY_CLASS_CH, "\1\2\3\4", 4);
	EXPECT_FAILURE(test, "class 3");

	test = new_test(false, 0);
	add_soa(&test->message, 7);
	add(&test->message, "\1z", 3, VLY_TYPE_A, VLY_CLASS_IN, "\1\2\3", 3);
	EXPECT_FAILURE(test, "malformed data");

	test = new_test(false, 0);
	add_soa(&test->message, 7);
	add(&test->message, "\1z", 3, VLY_TYPE_ANY, VLY_CLASS_IN, "", 0);
	EXPECT_FAILURE(test, "no zone has");

	test = new_test(false, 0);
	EXPECT_FAILURE(test, "no records");

	test = new_test(false, 0);
	test->message.octets[1]++;
	EXPECT_FAILURE(test, "not a response");
}

Test(transfer_reader, a_name_that_points_to_itself_is_refused)
{
	struct test *test = new_test(false, 0);

	add_soa(&test->message, 7);
	const char loop[] = {(char)(0xc0 | test->message.len >> 8), (char)test->message.len};
	add(&test->message, loop, 2, VLY_TYPE_A, VLY_CLASS_IN, "\1\2\3\4", 4);
	EXPECT_FAILURE(test, "record 2 of a message is malformed");
}

Test(transfer_reader, an_ixfr_may_be_current_or_a_whole_zone)
{
	struct test *test = new_test(true, 7);
	add_soa(&test->message, 7);
	cr_expect_eq(read_message(test), VLY_TRANSFER_CURRENT);
	free_test(test);

	test = new_test(true, 7);
	add_soa(&test->message, 8);
	cr_expect_eq(read_message(test), VLY_TRANSFER_MORE); /* more messages follow */
	add_a(&test->message, 'a', 1);
	add_soa(&test->message, 8);
	cr_expect_eq(read_message(test), VLY_TRANSFER_WHOLE);
	cr_expect_eq(test->spool.record_cnt, 2);
	free_test(test);

	test = new_test(true, 7);
	test->message.octets[3] = VLY_RCODE_NOTIMP;
	cr_expect_eq(read_message(test), VLY_TRANSFER_REFUSED);
	cr_expect_eq(test->reader.rcode, VLY_RCODE_NOTIMP);
	free_test(test);
}

/* 7 → 8: b=1 replaces a=1; 8 → 9: a=1 is back, c=1 comes; 9 → 10: c=1 goes again. */
static void
add_steps(struct message *message)
{
	add_soa(message, 10);
	add_soa(message, 7);
	add_a(message, 'a', 1);
	add_soa(message, 8);
	add_a(message, 'b', 1);
	add_soa(message, 8);
	add_soa(message, 9);
	add_a(message, 'a', 1);
	add_a(message, 'c', 1);
	add_soa(message, 9);
	add_a(message, 'c', 1);
	add_soa(message, 10);
	add_soa(message, 10);
}

Test(transfer_reader, steps_become_one_change)
{
	struct test *test = new_test(true, 7);
	struct vly_change change;

	add_steps(&test->message);
	cr_expect_eq(read_message(test), VLY_TRANSFER_CHANGES);
	cr_expect_eq(test->reader.step_cnt, 3);
	vly_change_init(&change);
	cr_expect_null(vly_net_change(&change, &test->spool, test->reader.step_cnt));
	vly_change_normalise(&change);
	cr_assert_eq(change.removed.cnt, 1);
	cr_expect_eq(vly_change_soa_serial(&change.removed.record[0]), 7);
	cr_assert_eq(change.added.cnt, 2);
	cr_expect_eq(vly_change_soa_serial(&change.added.record[0]), 10);
	cr_expect_eq(change.added.record[1].owner[1], 'b');
	vly_change_free(&change);
	free_test(test);
}

Test(transfer_reader, a_record_that_comes_and_goes_and_comes_is_added)
{
	struct test *test = new_test(true, 7);
	struct vly_change change;
	struct message *message = &test->message;

	add_soa(message, 10);
	for (uint32_t serial = 7; serial < 10; serial++) {
		add_soa(message, serial);
		if (serial == 8)
			add_a(message, 'a', 1);
		add_soa(message, serial + 1);
		if (serial != 8)
			add_a(message, 'a', 1);
	}
	add_soa(message, 10);
	cr_expect_eq(read_message(test), VLY_TRANSFER_CHANGES);
	vly_change_init(&change);
	cr_expect_null(vly_net_change(&change, &test->spool, test->reader.step_cnt));
	cr_expect_eq(change.removed.cnt, 1);
	cr_expect_eq(change.added.cnt, 2);
	vly_change_free(&change);
	free_test(test);
}

Test(transfer_reader, steps_must_follow_each_other)
{
	struct test *test = new_test(true, 7);
	add_soa(&test->message, 10);
	add_soa(&test->message, 6);
	EXPECT_FAILURE(test, "begins at serial 6, and not at 7");

	test = new_test(true, 7);
	add_soa(&test->message, 10);
	add_soa(&test->message, 7);
	add_soa(&test->message, 7);
	EXPECT_FAILURE(test, "leads from serial 7 to 7");

	test = new_test(true, 7);
	add_soa(&test->message, 10);
	add_soa(&test->message, 7);
	add_soa(&test->message, 11);
	EXPECT_FAILURE(test, "leads from serial 7 to 11");

	test = new_test(true, 7);
	add_soa(&test->message, 10);
	add_soa(&test->message, 7);
	add_soa(&test->message, 8);
	add_soa(&test->message, 9);
	EXPECT_FAILURE(test, "begins at serial 9, and not at 8");
}

/* RFC 1982: 5 follows 4294967290. */
Test(transfer_reader, serials_wrap)
{
	struct test *test = new_test(true, 4294967290u);

	add_soa(&test->message, 5);
	add_soa(&test->message, 4294967290u);
	add_soa(&test->message, 5);
	add_a(&test->message, 'a', 1);
	add_soa(&test->message, 5);
	cr_expect_eq(read_message(test), VLY_TRANSFER_CHANGES);
	free_test(test);
}

Test(spool, a_large_one_goes_to_a_file_and_is_read_again)
{
	static const uint8_t data[1000] = {1};
	struct vly_transfer_record record = {.owner = (const uint8_t *)"\1a\1z",
					     .owner_len = 5,
					     .type = VLY_TYPE_TXT,
					     .data = data,
					     .data_len = sizeof(data)};
	struct vly_spool spool;
	struct vly_transfer_record read;

	vly_spool_init(&spool, "/tmp", 8 << 20);
	for (record.ttl = 0; record.ttl < 5000; record.ttl++) {
		cr_assert(vly_spool_add(&spool, &record));
		if (vly_spool_is_full(&spool))
			cr_assert(vly_spool_flush(&spool));
		cr_assert_leq(spool.size, VLY_SPOOL_MEMORY_BYTES);
	}
	for (unsigned round = 0; round < 2; round++) {
		cr_assert(vly_spool_rewind(&spool));
		for (uint32_t ttl = 0; ttl < 5000; ttl++) {
			cr_assert_eq(vly_spool_next(&spool, &read), 1);
			cr_assert_eq(read.ttl, ttl);
			cr_assert_eq(read.owner_len, 5);
			cr_assert_arr_eq(read.data, data, sizeof(data));
		}
		cr_assert_eq(vly_spool_next(&spool, &read), 0);
	}
	vly_spool_free(&spool);
}

Test(spool, a_bound_holds)
{
	const struct vly_transfer_record record = {.owner = (const uint8_t *)"\1z",
						   .owner_len = 3,
						   .type = VLY_TYPE_A,
						   .data = (const uint8_t *)"1234",
						   .data_len = 4};
	struct vly_spool spool;

	vly_spool_init(&spool, "/tmp", 40);
	cr_expect(vly_spool_add(&spool, &record));
	cr_expect(vly_spool_add(&spool, &record));
	cr_expect_not(vly_spool_add(&spool, &record));
	cr_expect(strstr(spool.reason, "in-size") != NULL);
	vly_spool_free(&spool);
}
