/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LOC (RFC 1876). */
#include "rdata_read_parts.h"

/* Milliseconds of arc. */
#define DEGREE_MS 3600000
#define MINUTE_MS 60000

/* The altitude's zero lies so many centimetres below the reference spheroid. */
#define ALTITUDE_ZERO_CM 10000000

/* Reads digits with at most `places` behind a dot, in units of the last place. */
static bool
read_decimal(const char *text, size_t len, unsigned places, uint64_t max, uint64_t *value)
{
	unsigned behind = 0;
	bool has_dot = false;
	bool has_digit = false;
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.' && !has_dot && has_digit) {
			has_dot = true;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || (has_dot && behind++ == places))
			return false;
		has_digit = true;
		sum = sum * 10 + (unsigned)(text[i] - '0');
		if (sum > max)
			return false;
	}
	for (; behind < places; behind++)
		sum *= 10;
	*value = sum;
	return has_digit && sum <= max;
}

/* +1 or -1 for the letters of a hemisphere; 0: the word is none of them. */
static int
hemisphere(const struct vly_token *token, const char *letters)
{
	char letter = token->len == 1 ? (char)(token->text[0] & ~0x20) : '\0';

	return letter == letters[0] ? 1 : letter == letters[1] ? -1 : 0;
}

/* Degrees, and minutes and seconds that may be left out, up to the hemisphere. More than 90 or 180
 * degrees, by minutes, are let through as by libzscanner: the checks of zones report them. */
static bool
take_angle(struct vly_rdata_reader *reader, const char *letters, unsigned degrees_max)
{
	static const struct {
		unsigned places, unit_ms;
		uint64_t max;
	} parts[] = {{0, DEGREE_MS, 180}, {0, MINUTE_MS, 59}, {3, 1, 59999}};
	uint64_t angle = 0;
	uint64_t value;
	int sign = 0;

	for (unsigned i = 0; i <= 3 && sign == 0; i++) {
		const struct vly_token *token = vly_rdata_take(reader);
		if (token == NULL)
			return false;
		if (i > 0 && (sign = hemisphere(token, letters)) != 0)
			break;
		if (i == 3 || !read_decimal(token->text, token->len, parts[i].places,
					    i == 0 ? degrees_max : parts[i].max, &value))
			return vly_rdata_fail(reader,
					      " is not of degrees up to %u, minutes and seconds "
					      "below 60 (with at most three decimal places), and "
					      "%c or %c",
					      degrees_max, letters[0], letters[1]);
		angle += value * parts[i].unit_ms;
	}
	uint32_t wire = 0x80000000u;
	wire = sign > 0 ? wire + (uint32_t)angle : wire - (uint32_t)angle;
	return vly_rdata_append_number(reader, wire, 4);
}

static size_t
without_metre(const struct vly_token *token)
{
	bool has_unit = token->len > 0 && (token->text[token->len - 1] | 0x20) == 'm';

	return token->len - has_unit;
}

static bool
take_altitude(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint64_t value;

	if (token == NULL)
		return false;
	const bool below = token->len > 0 && token->text[0] == '-';
	uint64_t max = below ? ALTITUDE_ZERO_CM : UINT32_MAX - ALTITUDE_ZERO_CM;
	if (!read_decimal(token->text + below, without_metre(token) - below, 2, max, &value))
		return vly_rdata_fail(reader, " is not a number of metres from -100000.00 to "
					      "42849672.95");
	return vly_rdata_append_number(
		reader, below ? ALTITUDE_ZERO_CM - value : ALTITUDE_ZERO_CM + value, 4);
}

/* A size in metres as one digit and a power of ten, of centimetres; further digits are dropped. */
static bool
read_size(struct vly_rdata_reader *reader, uint8_t *size)
{
	const struct vly_token *token = reader->token;
	unsigned power = 0;
	uint64_t value;

	if (token == reader->end)
		return true;
	reader->token++;
	if (!read_decimal(token->text, without_metre(token), 2, 9000000000, &value))
		return vly_rdata_fail(reader, " is not a number of metres from 0.00 to "
					      "90000000.00");
	for (; value > 9; power++)
		value /= 10;
	*size = (uint8_t)(value << 4 | power);
	return true;
}

bool
vly_rdata_take_loc(struct vly_rdata_reader *reader)
{
	static const char *const fields[] = {"size", "horizontal precision", "vertical precision"};
	uint8_t head[4] = {0, 0x12, 0x16, 0x13}; /* version; 1 m, 10 km, 10 m */
	const unsigned begin = reader->len;

	if (!vly_rdata_append(reader, head, sizeof(head)))
		return false;
	reader->field = "latitude";
	if (!take_angle(reader, "NS", 90))
		return false;
	reader->field = "longitude";
	if (!take_angle(reader, "EW", 180))
		return false;
	reader->field = "altitude";
	if (!take_altitude(reader))
		return false;
	for (unsigned i = 0; i < 3; i++) {
		reader->field = fields[i];
		if (!read_size(reader, &reader->to[begin + 1 + i]))
			return false;
	}
	return true;
}
