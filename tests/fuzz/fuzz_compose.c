/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names below the DNAMEs of the deep zone: substitution after substitution, to its end or to where
 * there is no room; and names of signed zones, with DO=1. The input chooses, in this order, an octet
 * each: the DNAME that the chain begins with, flags (what the query is filled with, transport, type,
 * whether the zone is signed), the payload (two octets),
 * how many octets the query has behind its question (two), how many labels stand before the DNAME,
 * and the octets of each; what is left fills an option of the query.
 *
 * Checked: the response decodes, sums up, and stays in its limit; and it is the same, octet by
 * octet, whatever the option holds, as the response is written where the query stands. What does
 * not come back is found by -timeout.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/wire.h"
#include "fixed_zones.h"
#include "message.h"
#include "target.h"

#define ROOM           4096
#define BEHIND_MAX     2048
#define OPT_HEAD_BYTES (VLY_OPT_BYTES + 4) /* with an option's */

static struct vly_test_server server;

/* What the option holds. */
enum filling {
	FILLING_ZEROS,
	FILLING_DATA,      /* what is left of the input, again and again */
	FILLING_SELF_EVEN, /* pointers to themselves */
	FILLING_SELF_ODD,
	FILLING_SAME, /* octets that are, wherever one begins to read, a pointer to one like it */
	FILLING_CNT
};

/* What stands behind the labels in signed zones: DNAMEs, and chains of wildcards. */
static const char *const signed_start[] = {
	"f.",   "g.",  "m.",  "d.",  "b.",     "i.",   "j.",      "k.",      "c.",   "u.",
	"w20.", "w4.", "w5.", "w0.", "e.n.t.", "n.t.", "absent.", "v.w.u2.", "big.", "",
};
static const char *const signed_zone[] = {"s.", "t.", "r."};

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (vly_deep_server_open(&server) != 0)
		abort();
	return 0;
}

static unsigned
take(struct input *input)
{
	return input->at < input->end ? *input->at++ : 0;
}

static unsigned
take_u16(struct input *input)
{
	unsigned high = take(input);

	return high << 8 | take(input);
}

/* What stands behind the labels of a name. */
static void
start_text(char text[VLY_NAME_BYTES_MAX + 1], unsigned choice, bool is_signed)
{
	const unsigned signed_cnt = sizeof(signed_start) / sizeof(signed_start[0]);

	if (is_signed)
		snprintf(text, VLY_NAME_BYTES_MAX + 1, "%s%s", signed_start[choice % signed_cnt],
			 signed_zone[choice / signed_cnt % 3]);
	else if (deep_start_text(text, choice % DEEP_START_CNT) != 0)
		abort();
}

/* Writes the labels that the input says and what stands behind them; returns the name's octets. */
static unsigned
write_name(uint8_t name[VLY_NAME_BYTES_MAX], unsigned choice, bool is_signed, struct input *input)
{
	char text[VLY_NAME_BYTES_MAX + 1];
	uint8_t start[VLY_NAME_BYTES_MAX];
	unsigned len = 0;

	start_text(text, choice, is_signed);
	unsigned start_len = vly_test_name_wire(start, text);
	for (unsigned left = take(input) % 128; left > 0; left--) {
		unsigned octets = 1 + take(input) % VLY_LABEL_BYTES_MAX;
		if (len + 1 + octets + start_len > VLY_NAME_BYTES_MAX)
			break;
		name[len++] = (uint8_t)octets;
		memset(name + len, 'a', octets);
		len += octets;
	}
	memcpy(name + len, start, start_len);
	return len + start_len;
}

static void
fill(uint8_t *message, unsigned from, unsigned to, enum filling filling, const struct input *input)
{
	const size_t data_bytes = (size_t)(input->end - input->at);

	for (unsigned at = from; at < to; at++) {
		message[at] = 0;
		if (filling == FILLING_DATA && data_bytes > 0)
			message[at] = input->at[(at - from) % data_bytes];
		else if (filling == FILLING_SELF_EVEN || filling == FILLING_SELF_ODD)
			message[at] = vly_test_self_pointer(at, filling == FILLING_SELF_ODD);
		else if (filling == FILLING_SAME)
			message[at] = (uint8_t)(0xc0 | (to - 1) >> 8);
	}
}

static void
exchange(const uint8_t *message, unsigned bytes, const struct vly_test_question *options,
	 struct vly_test_response *response)
{
	vly_test_exchange(server.table, message, bytes, options, response);
	require(response->fault == NULL && response->len != 0);
	require(options->stream || response->len <= options->payload);
	require(response->count[0] == 1 && (response->flags & VLY_FLAG_QR) != 0);
	if (response->flags & VLY_FLAG_TC)
		require(response->record_cnt == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint16_t types[] = {VLY_TYPE_A,     VLY_TYPE_MX, VLY_TYPE_TXT,
					 VLY_TYPE_CNAME, VLY_TYPE_NS, VLY_TYPE_ANY};
	struct input input = {data, data + bytes};
	uint8_t name[VLY_NAME_BYTES_MAX];
	uint8_t message[VLY_DNS_HEADER_BYTES + VLY_NAME_BYTES_MAX + 4 + BEHIND_MAX + 320];
	static const uint8_t zeros[BEHIND_MAX];
	struct vly_test_response first, second;

	if (bytes < 8)
		return -1;
	const unsigned start = take(&input);
	const unsigned flags = take(&input);
	const bool stream = (flags & 0x88) == 0x88; /* seldom: large answers take long */
	const bool is_signed = (flags & 0x88) == 0x08;
	struct vly_test_question question = {
		.wire = name,
		.type = types[(flags >> 4 & 7) % (sizeof(types) / sizeof(types[0]))],
		.edns = true,
		.dnssec_ok = is_signed,
		.stream = stream,
		.room = stream ? VLY_MESSAGE_BYTES_MAX : ROOM,
		.options = zeros,
	};
	question.payload = (uint16_t)(VLY_UDP_BYTES_MIN + take_u16(&input) % 1024);
	const unsigned behind = take_u16(&input) % (BEHIND_MAX - OPT_HEAD_BYTES);
	question.options_bytes = 4 + behind;
	write_name(name, start, is_signed, &input);
	unsigned len = vly_test_question_write(message, &question);
	const unsigned option = len - behind;
	message[option - 4] = 0; /* padding (RFC 7830) */
	message[option - 3] = 12;
	vly_put_be16(message + option - 2, behind);
	exchange(message, len, &question, &first);
	fill(message, option, len, (enum filling)((flags & 7) % FILLING_CNT), &input);
	exchange(message, len, &question, &second);
	require(first.len == second.len && memcmp(first.octets, second.octets, first.len) == 0);
	vly_test_response_free(&first);
	vly_test_response_free(&second);
	return 0;
}
