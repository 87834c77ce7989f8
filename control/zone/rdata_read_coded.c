/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields in hexadecimal digits, Base64 and Base32hex. */
#include <stdio.h>

#include "rdata_read_parts.h"

/* Appends one octet for each two digits of a word; *high is the digit that waits for its second, or
 * -1. Octets that `skip` has are left out. */
static bool
append_digits(struct vly_rdata_reader *reader, const char *text, size_t len, const char *skip,
	      int *high)
{
	for (size_t i = 0; i < len; i++) {
		int digit = vly_rdata_hex_digit(text[i]);
		if (digit < 0 && text[i] != '\0' && strchr(skip, text[i]) != NULL)
			continue;
		if (digit < 0)
			return vly_rdata_fail(reader, " has an octet that is not a hexadecimal "
						      "digit");
		if (*high < 0) {
			*high = digit;
			continue;
		}
		if (!vly_rdata_append_number(reader, (unsigned)(*high << 4 | digit), 1))
			return false;
		*high = -1;
	}
	return true;
}

static bool
end_digits(struct vly_rdata_reader *reader, int high)
{
	return high < 0 || vly_rdata_fail(reader, " has an odd number of hexadecimal digits");
}

/* RFC 4034 §5.3 and others: blanks may stand between any two digits. */
bool
vly_rdata_take_hex(struct vly_rdata_reader *reader)
{
	unsigned begin = reader->len;
	int high = -1;

	if (reader->token == reader->end)
		return vly_rdata_fail(reader, " is missing");
	for (; reader->token < reader->end; reader->token++)
		if (!append_digits(reader, reader->token->text, reader->token->len, "", &high))
			return false;
	return end_digits(reader, high) &&
	       (reader->len > begin || vly_rdata_fail(reader, " is empty"));
}

static int
base64_digit(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

struct base64 {
	uint32_t bits; /* of the group that is not complete */
	unsigned digit_cnt;
	unsigned pad_cnt;
};

static bool
append_base64(struct vly_rdata_reader *reader, struct base64 *state, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int digit = base64_digit(text[i]);
		if (text[i] == '=' && state->digit_cnt + state->pad_cnt < 4 &&
		    state->digit_cnt >= 2) {
			state->pad_cnt++;
			continue;
		}
		if (digit < 0 || state->pad_cnt > 0)
			return vly_rdata_fail(reader, digit < 0 && text[i] != '='
							      ? "'s Base64 has an octet that is "
								"none of A-Z a-z 0-9 + / ="
							      : "'s Base64 has a = that is not "
								"at its end");
		state->bits = state->bits << 6 | (unsigned)digit;
		if (++state->digit_cnt < 4)
			continue;
		if (!vly_rdata_append_number(reader, state->bits & 0xffffff, 3))
			return false;
		*state = (struct base64){0};
	}
	return true;
}

/* Bits that are left over are dropped, as libzscanner does. */
static bool
end_base64(struct vly_rdata_reader *reader, const struct base64 *state)
{
	if (state->digit_cnt == 0)
		return true;
	if (state->digit_cnt + state->pad_cnt < 4)
		return vly_rdata_fail(reader, "'s Base64 ends in the middle of a group of four");
	return state->pad_cnt == 2 ? vly_rdata_append_number(reader, state->bits >> 4 & 0xff, 1)
				   : vly_rdata_append_number(reader, state->bits >> 2 & 0xffff, 2);
}

/* RFC 4034 §2.2, §3.2: blanks may stand anywhere. */
bool
vly_rdata_take_base64(struct vly_rdata_reader *reader)
{
	struct base64 state = {0};
	unsigned begin = reader->len;

	if (reader->token == reader->end)
		return vly_rdata_fail(reader, " is missing");
	for (; reader->token < reader->end; reader->token++)
		if (!append_base64(reader, &state, reader->token->text, reader->token->len))
			return false;
	return end_base64(reader, &state) &&
	       (reader->len > begin || vly_rdata_fail(reader, " is empty"));
}

bool
vly_rdata_take_base64_word(struct vly_rdata_reader *reader, const char *text, size_t len)
{
	struct base64 state = {0};

	return append_base64(reader, &state, text, len) && end_base64(reader, &state);
}

/* RFC 5155 §3.3; - is the empty salt. */
bool
vly_rdata_take_salt(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	unsigned begin = reader->len;
	int high = -1;

	if (token == NULL || !vly_rdata_append_number(reader, 0, 1))
		return false;
	if (token->len == 1 && token->text[0] == '-')
		return true;
	if (token->len == 0)
		return vly_rdata_fail(reader, " is empty, which is written as -");
	if (!append_digits(reader, token->text, token->len, "", &high) || !end_digits(reader, high))
		return false;
	if (reader->len - begin - 1 > UINT8_MAX)
		return vly_rdata_fail(reader, " is longer than 255 octets");
	reader->to[begin] = (uint8_t)(reader->len - begin - 1);
	return true;
}

static int
base32hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'v')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'V' ? digit - 'A' + 10 : -1;
}

/* RFC 5155 §3.3: without padding, of any length. */
bool
vly_rdata_take_hash(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	unsigned begin = reader->len;
	unsigned bit_cnt = 0;
	uint32_t bits = 0;

	if (token == NULL || !vly_rdata_append_number(reader, 0, 1))
		return false;
	if (token->len == 0 || token->len > (UINT8_MAX * 8 + 4) / 5)
		return vly_rdata_fail(reader, " has not 1 to 255 octets");
	for (uint32_t i = 0; i < token->len; i++) {
		int digit = base32hex_digit(token->text[i]);
		if (digit < 0)
			return vly_rdata_fail(reader, "'s Base32hex has an octet that is none of "
						      "0-9 A-V; there is no padding");
		bits = (bits << 5 | (unsigned)digit) & 0xfff;
		bit_cnt += 5;
		if (bit_cnt < 8)
			continue;
		bit_cnt -= 8;
		if (!vly_rdata_append_number(reader, bits >> bit_cnt & 0xff, 1))
			return false;
	}
	if (bit_cnt >= 5 || (bits & ((1u << bit_cnt) - 1)) != 0)
		return vly_rdata_fail(reader, "'s Base32hex ends in the middle of an octet");
	reader->to[begin] = (uint8_t)(reader->len - begin - 1);
	return true;
}

/* RFC 1706 §3: dots may stand between the digits. */
bool
vly_rdata_take_nsap(struct vly_rdata_reader *reader)
{
	unsigned begin = reader->len;
	int high = -1;

	if (reader->token == reader->end)
		return vly_rdata_fail(reader, " is missing");
	const struct vly_token *first = reader->token++;
	if (first->len < 2 || first->text[0] != '0' || (first->text[1] | 0x20) != 'x')
		return vly_rdata_fail(reader, " does not begin with 0x");
	if (!append_digits(reader, first->text + 2, first->len - 2, ".", &high))
		return false;
	for (; reader->token < reader->end; reader->token++)
		if (!append_digits(reader, reader->token->text, reader->token->len, ".", &high))
			return false;
	return end_digits(reader, high) &&
	       (reader->len > begin || vly_rdata_fail(reader, " is empty"));
}

/* The ATM Name System: +, and the digits of an E.164 address; or the hexadecimal digits of an ATM
 * end system address. Dots may stand between them. */
bool
vly_rdata_take_atma(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	unsigned begin = reader->len + 1;
	int high = -1;

	if (token == NULL)
		return false;
	bool is_e164 = token->len > 0 && token->text[0] == '+';
	if (!vly_rdata_append_number(reader, is_e164, 1))
		return false;
	if (!is_e164 && (!append_digits(reader, token->text, token->len, ".", &high) ||
			 !end_digits(reader, high)))
		return false;
	for (uint32_t i = 1; is_e164 && i < token->len; i++) {
		if (token->text[i] == '.')
			continue;
		if (token->text[i] < '0' || token->text[i] > '9')
			return vly_rdata_fail(reader, " has an octet that is not a digit");
		if (!vly_rdata_append(reader, token->text + i, 1))
			return false;
	}
	return reader->len > begin || vly_rdata_fail(reader, " is empty");
}

/* RFC 7043 §3.2, §4.2: pairs of digits with hyphens between them. */
bool
vly_rdata_take_eui(struct vly_rdata_reader *reader)
{
	const unsigned octets = reader->kind == VLY_FIELD_EUI48 ? 6 : 8;
	const struct vly_token *token = vly_rdata_take(reader);
	bool sound = token != NULL && token->len == octets * 3 - 1;

	if (token == NULL)
		return false;
	for (unsigned i = 0; sound && i < octets; i++) {
		int high = vly_rdata_hex_digit(token->text[i * 3]);
		int low = vly_rdata_hex_digit(token->text[i * 3 + 1]);
		sound = high >= 0 && low >= 0 && (i == 0 || token->text[i * 3 - 1] == '-') &&
			vly_rdata_append_number(reader, (unsigned)(high << 4 | low), 1);
	}
	return sound || vly_rdata_fail(reader,
				       " is not %u pairs of hexadecimal digits with - "
				       "between them",
				       octets);
}

/* RFC 6742 §2.1.1, §2.3.1: as the groups of an IPv6 address, but all four. */
bool
vly_rdata_take_locator(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	unsigned digit_cnt = 0;
	unsigned group_cnt = 1;
	uint64_t number = 0;
	unsigned group = 0;
	bool sound = true;

	if (token == NULL)
		return false;
	for (uint32_t i = 0; sound && i < token->len; i++) {
		int digit = vly_rdata_hex_digit(token->text[i]);
		if (token->text[i] == ':') {
			sound = digit_cnt > 0 && ++group_cnt <= 4;
			number = number << 16 | group;
			digit_cnt = group = 0;
		} else {
			sound = digit >= 0 && ++digit_cnt <= 4;
			group = (group << 4 | (unsigned)digit) & 0xffff;
		}
	}
	if (!sound || group_cnt != 4 || digit_cnt == 0)
		return vly_rdata_fail(reader, " is not four groups of one to four hexadecimal "
					      "digits with : between them");
	return vly_rdata_append_number(reader, number << 16 | group, 8);
}

/* RFC 8005 §6: algorithm, HIT, public key, rendezvous servers. The key is one word. */
bool
vly_rdata_take_hip(struct vly_rdata_reader *reader)
{
	const unsigned begin = reader->len;
	const struct vly_token *token;
	int high = -1;

	if (!vly_rdata_append_number(reader, 0, 1) ||
	    !vly_rdata_take_number(reader, UINT8_MAX, 1) || !vly_rdata_append_number(reader, 0, 2))
		return false;
	reader->field = "host identity tag";
	if ((token = vly_rdata_take(reader)) == NULL ||
	    !append_digits(reader, token->text, token->len, "", &high) || !end_digits(reader, high))
		return false;
	unsigned tag_len = reader->len - begin - 4;
	if (tag_len == 0 || tag_len > UINT8_MAX)
		return vly_rdata_fail(reader, " has not 1 to 255 octets");
	reader->field = "public key";
	if ((token = vly_rdata_take(reader)) == NULL ||
	    !vly_rdata_take_base64_word(reader, token->text, token->len))
		return false;
	unsigned key_len = reader->len - begin - 4 - tag_len;
	if (key_len == 0)
		return vly_rdata_fail(reader, " is empty");
	reader->to[begin] = (uint8_t)tag_len;
	reader->to[begin + 2] = (uint8_t)(key_len >> 8);
	reader->to[begin + 3] = (uint8_t)key_len;
	reader->field = "rendezvous server";
	while (reader->token < reader->end)
		if (!vly_rdata_take_name(reader))
			return false;
	return true;
}
