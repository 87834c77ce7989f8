/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

/* The smallest allocation for a message: most messages are shorter. */
#define KEPT_BYTES_MIN 256

static size_t
held(const struct vly_stream_input *input)
{
	return (size_t)(input->end - input->at);
}

/* Octets of the first message with its length, or of the length field while that is incomplete. */
static size_t
wanted(const struct vly_stream_input *input)
{
	if (held(input) < VLY_STREAM_PREFIX_BYTES)
		return VLY_STREAM_PREFIX_BYTES;
	return VLY_STREAM_PREFIX_BYTES + vly_read_u16(input->at);
}

/* Allocates room for `bytes` octets and the slack behind them, and moves the octets that are held,
 * which may be anywhere, to it. */
static int
make_room(struct vly_stream_input *input, size_t bytes)
{
	size_t have = held(input);

	bytes += VLY_NAME_SLACK_BYTES;
	uint8_t *kept = calloc(1, bytes);
	if (kept == NULL)
		return -1;
	memcpy(kept, input->at, have);
	free(input->kept);
	input->kept = kept;
	input->kept_bytes = (uint32_t)bytes;
	input->at = kept;
	input->end = kept + have;
	return 0;
}

uint8_t *
vly_stream_input_space(struct vly_stream_input *input, struct vly_stream_scratch *scratch,
		       size_t *bytes)
{
	size_t have = held(input);

	if (have == 0) {
		*bytes = VLY_STREAM_SCRATCH_BYTES;
		return scratch->octets;
	}
	size_t want = wanted(input);
	size_t room = input->kept_bytes - VLY_NAME_SLACK_BYTES;
	if (have == room) {
		/* Twice the octets sent: a client that announces 64 KiB must first send half of
		 * it. */
		room = 2 * have < KEPT_BYTES_MIN ? KEPT_BYTES_MIN : 2 * have;
		if (room > VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX)
			room = VLY_STREAM_PREFIX_BYTES + VLY_MESSAGE_BYTES_MAX;
		if (make_room(input, room) != 0)
			return NULL;
	}
	*bytes = (want < room ? want : room) - have;
	return input->end;
}

void
vly_stream_input_add(struct vly_stream_input *input, uint8_t *at, size_t bytes)
{
	if (held(input) == 0)
		input->at = input->end = at;
	input->end += bytes;
}

enum vly_stream_found
vly_stream_input_next(struct vly_stream_input *input, struct vly_stream_message *message)
{
	if (held(input) < VLY_STREAM_PREFIX_BYTES)
		return VLY_STREAM_NONE;
	message->bytes = (uint16_t)vly_read_u16(input->at);
	if (message->bytes < VLY_DNS_HEADER_BYTES)
		return VLY_STREAM_BROKEN;
	if (held(input) < wanted(input))
		return VLY_STREAM_NONE;
	message->octets = input->at + VLY_STREAM_PREFIX_BYTES;
	input->at = message->octets + message->bytes;
	return VLY_STREAM_MESSAGE;
}

void
vly_stream_input_return(struct vly_stream_input *input, const struct vly_stream_message *message)
{
	input->at = message->octets - VLY_STREAM_PREFIX_BYTES;
}

int
vly_stream_input_keep(struct vly_stream_input *input)
{
	size_t have = held(input);

	if (have == 0) {
		vly_stream_input_drop(input);
		return 0;
	}
	if (input->kept != NULL && input->at >= input->kept &&
	    input->end <= input->kept + input->kept_bytes) {
		memmove(input->kept, input->at, have);
		input->at = input->kept;
		input->end = input->kept + have;
		return 0;
	}
	return make_room(input, have < KEPT_BYTES_MIN ? KEPT_BYTES_MIN : have);
}

void
vly_stream_input_drop(struct vly_stream_input *input)
{
	free(input->kept);
	memset(input, 0, sizeof(*input));
}
