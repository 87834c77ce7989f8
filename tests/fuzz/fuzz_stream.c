/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a stream, in pieces of any size. The first two octets choose the pieces, and when a
 * message is returned as if the client took no responses. Checked: the messages found are those
 * that a look at the whole stream finds, memory follows what was sent, and a look for zone transfers
 * stays inside a message.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream_input.h"
#include "stream/stream_transfer.h"
#include "target.h"

static struct vly_stream_scratch scratch;

struct fuzz {
	const uint8_t *data;
	size_t bytes;
	size_t understood;
	uint32_t dice;
	bool returns;
	bool broken;
	struct vly_stream_input input;
};

static uint32_t
roll(struct fuzz *fuzz, uint32_t cnt)
{
	fuzz->dice = fuzz->dice * 1664525 + 1013904223;
	return (fuzz->dice >> 16) % cnt;
}

/* In a block of its own, which the sanitizer guards. */
static void
look_for_transfer(const struct vly_stream_message *message)
{
	struct vly_stream_message copy = {malloc(message->bytes), message->bytes};

	require(copy.octets != NULL);
	memcpy(copy.octets, message->octets, message->bytes);
	require(vly_stream_is_transfer(&copy) == vly_stream_is_transfer(message));
	free(copy.octets);
}

static void
find_messages(struct fuzz *fuzz, bool returns)
{
	struct vly_stream_message message;
	enum vly_stream_found found;

	while ((found = vly_stream_input_next(&fuzz->input, &message)) == VLY_STREAM_MESSAGE) {
		const uint8_t *at = fuzz->data + fuzz->understood;
		if (returns && roll(fuzz, 4) == 0) {
			vly_stream_input_return(&fuzz->input, &message);
			break;
		}
		require(fuzz->understood + 2u + message.bytes <= fuzz->bytes);
		require(message.bytes == (at[0] << 8 | at[1]) && message.bytes >= 12);
		require(memcmp(message.octets, at + 2, message.bytes) == 0);
		look_for_transfer(&message);
		fuzz->understood += 2u + message.bytes;
	}
	fuzz->broken = found == VLY_STREAM_BROKEN;
	require(vly_stream_input_keep(&fuzz->input) == 0);
	memset(&scratch, 0xee, sizeof(scratch));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes < 2)
		return 0;
	struct fuzz fuzz = {.data = data + 2, .bytes = bytes - 2, .dice = data[0]};
	uint32_t piece_max = 1u << (data[1] & 15);
	size_t taken = 0;

	fuzz.returns = (data[1] & 16) != 0;
	while (taken < fuzz.bytes && !fuzz.broken) {
		size_t space;
		find_messages(&fuzz, false);
		if (fuzz.broken)
			break;
		uint8_t *at = vly_stream_input_space(&fuzz.input, &scratch, &space);
		require(at != NULL && space > 0);
		size_t piece = 1 + roll(&fuzz, piece_max);
		if (piece > space)
			piece = space;
		if (piece > fuzz.bytes - taken)
			piece = fuzz.bytes - taken;
		memcpy(at, fuzz.data + taken, piece);
		vly_stream_input_add(&fuzz.input, at, piece);
		taken += piece;
		find_messages(&fuzz, fuzz.returns);
		require(fuzz.input.kept_bytes <= VLY_STREAM_KEPT_MAX);
	}
	if (!fuzz.broken)
		find_messages(&fuzz, false);
	/* What is left is not a whole message, or can't be one. */
	size_t left = fuzz.bytes - fuzz.understood;
	const uint8_t *at = fuzz.data + fuzz.understood;
	unsigned length = left < 2 ? 65535 : (unsigned)(at[0] << 8 | at[1]);
	require(fuzz.broken ? left >= 2 && length < 12 : left < 2 || left < 2u + length);
	vly_stream_input_drop(&fuzz.input);
	return 0;
}
