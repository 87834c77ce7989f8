/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Framing (RFC 1035 §4.2.2, RFC 7766 §8): however the octets arrive, the same messages come out. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "random.h"
#include "stream/stream_input.h"

#define OCTETS_MAX 400000

static struct vly_stream_scratch scratch;

/* A stream of messages, and how far it has been read and understood. */
struct feed {
	uint8_t *octets;
	size_t bytes;
	size_t arrived;
	size_t taken;
	size_t understood; /* up to the end of the last message found */
	struct vly_stream_input input;
};

static void
open_feed(struct feed *feed)
{
	memset(feed, 0, sizeof(*feed));
	feed->octets = malloc(OCTETS_MAX);
	cr_assert_not_null(feed->octets);
}

static void
close_feed(struct feed *feed)
{
	vly_stream_input_drop(&feed->input);
	free(feed->octets);
}

static void
append(struct feed *feed, size_t message_bytes)
{
	feed->octets[feed->bytes++] = (uint8_t)(message_bytes >> 8);
	feed->octets[feed->bytes++] = (uint8_t)message_bytes;
	for (size_t i = 0; i < message_bytes; i++)
		feed->octets[feed->bytes + i] = (uint8_t)(i * 7 + feed->bytes);
	feed->bytes += message_bytes;
}

/* Each message found must be the one that comes next in the stream. */
static void
find_messages(struct feed *feed, unsigned return_percent, struct vly_test_random *random)
{
	struct vly_stream_message message;

	while (vly_stream_input_next(&feed->input, &message) == VLY_STREAM_MESSAGE) {
		if (return_percent > 0 && vly_test_random_chance(random, return_percent)) {
			vly_stream_input_return(&feed->input, &message);
			return;
		}
		const uint8_t *at = feed->octets + feed->understood;
		cr_assert_eq(message.bytes, at[0] << 8 | at[1]);
		cr_assert_arr_eq(message.octets, at + 2, message.bytes);
		feed->understood += 2u + message.bytes;
		cr_assert_leq(feed->understood, feed->arrived);
	}
}

/* More octets arrive, and all of them are read, as a connection does it. */
static void
arrive(struct feed *feed, size_t bytes, unsigned return_percent, struct vly_test_random *random)
{
	feed->arrived += bytes;
	while (feed->taken < feed->arrived) {
		size_t space;
		/* What was returned is found again before anything is read. */
		find_messages(feed, 0, random);
		cr_assert_eq(vly_stream_input_keep(&feed->input), 0);
		uint8_t *at = vly_stream_input_space(&feed->input, &scratch, &space);
		cr_assert_not_null(at);
		cr_assert_gt(space, 0);
		if (space > feed->arrived - feed->taken)
			space = feed->arrived - feed->taken;
		memcpy(at, feed->octets + feed->taken, space);
		vly_stream_input_add(&feed->input, at, space);
		feed->taken += space;
		find_messages(feed, return_percent, random);
		cr_assert_eq(vly_stream_input_keep(&feed->input), 0);
		memset(&scratch, 0xee, sizeof(scratch)); /* others use it */
		cr_assert_leq(feed->input.kept_bytes, VLY_STREAM_KEPT_MAX);
	}
	find_messages(feed, 0, random);
	cr_assert_eq(vly_stream_input_keep(&feed->input), 0);
}

static void
expect_all_understood(const struct feed *feed)
{
	cr_assert_eq(feed->understood, feed->bytes);
	cr_assert_null(feed->input.kept, "nothing is kept between messages");
}

Test(stream_input, every_split_in_two)
{
	struct feed whole;

	open_feed(&whole);
	for (unsigned i = 0; i < 12; i++)
		append(&whole, 12 + i * i * 3);
	for (size_t split = 0; split <= whole.bytes; split++) {
		struct feed feed = whole;
		arrive(&feed, split, 0, NULL);
		arrive(&feed, feed.bytes - split, 0, NULL);
		expect_all_understood(&feed);
	}
	close_feed(&whole);
}

Test(stream_input, octet_by_octet)
{
	static const size_t sizes[] = {12, 255, 256, 257, 16382, 16384, 65535, 12};
	struct feed feed;

	open_feed(&feed);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		append(&feed, sizes[i]);
	while (feed.arrived < feed.bytes) {
		size_t before = feed.understood;
		arrive(&feed, 1, 0, NULL);
		if (feed.understood != before)
			cr_assert_eq(feed.understood, feed.arrived, "as soon as it is whole");
	}
	expect_all_understood(&feed);
	close_feed(&feed);
}

Test(stream_input, random_pieces)
{
	struct vly_test_random random = {20260101};

	for (unsigned round = 0; round < 400; round++) {
		unsigned percent = vly_test_random_below(&random, 3) * 25;
		struct feed feed;
		open_feed(&feed);
		while (feed.bytes < 200000)
			append(&feed, vly_test_random_chance(&random, 3)
					      ? 12 + vly_test_random_below(&random, 65524)
					      : 12 + vly_test_random_below(&random, 90));
		unsigned piece_max = vly_test_random_chance(&random, 50) ? 40000 : 3000;
		while (feed.arrived < feed.bytes) {
			size_t piece = 1 + vly_test_random_below(&random, piece_max);
			if (piece > feed.bytes - feed.arrived)
				piece = feed.bytes - feed.arrived;
			arrive(&feed, piece, percent, &random);
		}
		expect_all_understood(&feed);
		close_feed(&feed);
	}
}

/* A length is a promise: memory is given for what has come. */
Test(stream_input, memory_follows_what_was_sent)
{
	struct feed feed;

	open_feed(&feed);
	append(&feed, 65535);
	for (size_t arrived = 1; arrived < feed.bytes; arrived++) {
		arrive(&feed, 1, 0, NULL);
		size_t fair = 2 * arrived < 256 ? 256 : 2 * arrived;
		cr_assert_leq(feed.input.kept_bytes, fair + VLY_NAME_SLACK_BYTES);
	}
	arrive(&feed, 1, 0, NULL);
	expect_all_understood(&feed);
	close_feed(&feed);
}

Test(stream_input, too_short_for_a_header)
{
	for (uint8_t bytes = 0; bytes < 12; bytes++) {
		struct vly_stream_input input = {0};
		struct vly_stream_message message;
		size_t space;
		uint8_t *at = vly_stream_input_space(&input, &scratch, &space);
		memset(at, 0, 14);
		at[1] = bytes;
		vly_stream_input_add(&input, at, 2);
		cr_expect_eq(vly_stream_input_next(&input, &message), VLY_STREAM_BROKEN);
		vly_stream_input_drop(&input);
	}
}
