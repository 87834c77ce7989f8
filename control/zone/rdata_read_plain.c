/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers, names, strings, times. */
#include <time.h>

#include <volley/name.h>

#include "rdata_read_parts.h"

bool
vly_rdata_take_number(struct vly_rdata_reader *reader, uint64_t max, unsigned octets)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint64_t number;

	if (token == NULL)
		return false;
	if (!vly_token_number(token, max, &number))
		return vly_rdata_fail(reader, " is not a number from 0 to %llu",
				      (unsigned long long)max);
	return vly_rdata_append_number(reader, number, octets);
}

bool
vly_rdata_take_name(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint8_t name[VLY_NAME_BYTES_MAX];
	const char *why;

	if (token == NULL)
		return false;
	unsigned len = vly_token_name(token, reader->origin, name, &why);
	return len != 0 ? vly_rdata_append(reader, name, len)
			: vly_rdata_fail(reader, " is not a name: %s", why);
}

/* Appends the octets of a word, without a length. Returns how many, or -1. */
static int
append_octets(struct vly_rdata_reader *reader, const struct vly_token *token)
{
	int len = vly_token_octets(token, reader->to + reader->len,
				   VLY_RDATA_BYTES_MAX - reader->len);

	if (len < 0)
		vly_rdata_fail(reader, " is too long, or has an escape that is not \\X or \\DDD "
				       "up to 255");
	else
		reader->len += (unsigned)len;
	return len;
}

static bool
take_text(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);

	return token != NULL && append_octets(reader, token) >= 0;
}

static bool
take_string(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	unsigned begin = reader->len;

	if (token == NULL || !vly_rdata_append_number(reader, 0, 1))
		return false;
	int len = append_octets(reader, token);
	if (len > UINT8_MAX)
		return vly_rdata_fail(reader, " is longer than 255 octets");
	reader->to[begin] = (uint8_t)len;
	return len >= 0;
}

/* A longer text becomes strings of 255 octets, as libzscanner has it. */
static bool
take_split_string(struct vly_rdata_reader *reader)
{
	uint8_t octets[VLY_RDATA_BYTES_MAX];
	const struct vly_token *token = vly_rdata_take(reader);
	int len = vly_token_octets(token, octets, sizeof(octets));
	unsigned at = 0;

	if (len < 0)
		return vly_rdata_fail(reader, " is too long, or has an escape that is not \\X or "
					      "\\DDD up to 255");
	do {
		unsigned rest = (unsigned)len - at;
		unsigned part = rest < UINT8_MAX ? rest : UINT8_MAX;
		if (!vly_rdata_append_number(reader, part, 1) ||
		    !vly_rdata_append(reader, octets + at, part))
			return false;
		at += part;
	} while (at < (unsigned)len);
	return true;
}

static bool
take_strings(struct vly_rdata_reader *reader)
{
	if (reader->token == reader->end)
		return vly_rdata_fail(reader, " is missing");
	while (reader->token < reader->end) {
		bool done = reader->token->len <= UINT8_MAX ? take_string(reader)
							    : take_split_string(reader);
		if (!done)
			return false;
	}
	return true;
}

static bool
take_string_of(struct vly_rdata_reader *reader)
{
	const bool letters = reader->kind == VLY_FIELD_TAG;
	unsigned begin = reader->len;

	if (!take_string(reader))
		return false;
	for (unsigned i = begin + 1; i < reader->len; i++) {
		uint8_t c = reader->to[i];
		uint8_t lower = vly_ascii_lower(c);
		if ((c < '0' || c > '9') && (!letters || lower < 'a' || lower > 'z'))
			return vly_rdata_fail(reader, letters ? " is not of letters and digits"
							      : " is not of digits");
	}
	return reader->len > begin + 1 || vly_rdata_fail(reader, " is empty");
}

static bool
take_period(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint32_t seconds;

	if (token == NULL)
		return false;
	return vly_token_ttl(token, &seconds)
		       ? vly_rdata_append_number(reader, seconds, 4)
		       : vly_rdata_fail(reader, " is neither seconds nor a period such as 1h30m");
}

/* No date. */
#define NO_TIME INT64_MIN

/* Seconds since 1970 of 14 digits, below 0 before it; or NO_TIME. */
static int64_t
read_date(const char *digits)
{
	static const uint8_t limits[][3] = {/* where, least, most */
					    {4, 1, 12},
					    {6, 1, 31},
					    {8, 0, 23},
					    {10, 0, 59},
					    {12, 0, 59}};
	unsigned part[5];
	unsigned year = 0;

	for (unsigned i = 0; i < 4; i++)
		year = year * 10 + (unsigned)(digits[i] - '0');
	for (unsigned i = 0; i < 5; i++) {
		const char *at = digits + limits[i][0];
		part[i] = (unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0');
		if (part[i] < limits[i][1] || part[i] > limits[i][2])
			return NO_TIME;
	}
	struct tm date = {.tm_year = (int)year - 1900,
			  .tm_mon = (int)part[0] - 1,
			  .tm_mday = (int)part[1],
			  .tm_hour = (int)part[2],
			  .tm_min = (int)part[3],
			  .tm_sec = (int)part[4]};
	time_t seconds = timegm(&date);
	/* timegm() makes the 1st of March of the 30th of February */
	return date.tm_mday == (int)part[1] ? (int64_t)seconds : NO_TIME;
}

/* RFC 4034 §3.2; a date after 2106 or before 1970, which BIND writes, is meant modulo 2^32
 * (§3.1.5). */
static bool
take_time(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	char digits[16];
	uint64_t number;

	if (token == NULL)
		return false;
	if (token->len != 14 && vly_token_number(token, UINT32_MAX, &number))
		return vly_rdata_append_number(reader, number, 4);
	if (token->len == 14 && vly_rdata_word(token, digits, sizeof(digits)) &&
	    strspn(digits, "0123456789") == 14) {
		int64_t seconds = read_date(digits);
		if (seconds != NO_TIME)
			return vly_rdata_append_number(reader, (uint64_t)seconds & UINT32_MAX, 4);
	}
	return vly_rdata_fail(reader, " is neither a date YYYYMMDDHHmmSS nor seconds since 1970");
}

static bool
take_mnemonic(struct vly_rdata_reader *reader)
{
	const unsigned octets = reader->kind == VLY_FIELD_CERT_TYPE ? 2 : 1;
	const struct vly_token *token = vly_rdata_take(reader);
	uint64_t max = octets == 1 ? UINT8_MAX : UINT16_MAX;
	uint64_t number;

	if (token == NULL)
		return false;
	int known = vly_field_mnemonic(reader->kind, token->text, token->len);
	if (known >= 0)
		return vly_rdata_append_number(reader, (uint64_t)known, octets);
	return vly_token_number(token, max, &number)
		       ? vly_rdata_append_number(reader, number, octets)
		       : vly_rdata_fail(reader, " is neither a number from 0 to %u nor a mnemonic",
					(unsigned)max);
}

/* A number, or mnemonics with | between them. */
static bool
take_key_flags(struct vly_rdata_reader *reader)
{
	const struct vly_token *token = vly_rdata_take(reader);
	uint64_t flags;

	if (token == NULL)
		return false;
	if (vly_token_number(token, UINT16_MAX, &flags))
		return vly_rdata_append_number(reader, flags, 2);
	flags = 0;
	for (const char *at = token->text, *end = at + token->len; at <= end;) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		size_t len = (size_t)((bar != NULL ? bar : end) - at);
		int flag = vly_field_mnemonic(VLY_FIELD_KEY_FLAGS, at, len);
		if (flag < 0)
			return vly_rdata_fail(reader, " are neither a number from 0 to 65535 nor "
						      "mnemonics with | between them");
		flags |= (unsigned)flag;
		at += len + 1;
	}
	return vly_rdata_append_number(reader, flags, 2);
}

static bool
take_number(struct vly_rdata_reader *reader)
{
	static const uint8_t octets[VLY_FIELD_CNT] = {
		[VLY_FIELD_U8] = 1, [VLY_FIELD_U16] = 2, [VLY_FIELD_U32] = 4, [VLY_FIELD_U64] = 8};
	const unsigned cnt = octets[reader->kind];

	return vly_rdata_take_number(reader, UINT64_MAX >> (64 - 8 * cnt), cnt);
}

static bool
take_string_or_none(struct vly_rdata_reader *reader)
{
	return reader->token == reader->end || take_string(reader);
}

bool
vly_rdata_take_plain(struct vly_rdata_reader *reader)
{
	static bool (*const takers[VLY_FIELD_CNT])(struct vly_rdata_reader *) = {
		[VLY_FIELD_NAME] = vly_rdata_take_name,
		[VLY_FIELD_U8] = take_number,
		[VLY_FIELD_U16] = take_number,
		[VLY_FIELD_U32] = take_number,
		[VLY_FIELD_U64] = take_number,
		[VLY_FIELD_PERIOD] = take_period,
		[VLY_FIELD_TIME] = take_time,
		[VLY_FIELD_ALGORITHM] = take_mnemonic,
		[VLY_FIELD_DIGEST_TYPE] = take_mnemonic,
		[VLY_FIELD_HASH_ALGORITHM] = take_mnemonic,
		[VLY_FIELD_PROTOCOL] = take_mnemonic,
		[VLY_FIELD_SCHEME] = take_mnemonic,
		[VLY_FIELD_CERT_TYPE] = take_mnemonic,
		[VLY_FIELD_KEY_FLAGS] = take_key_flags,
		[VLY_FIELD_STRING] = take_string,
		[VLY_FIELD_STRING_MAY] = take_string_or_none,
		[VLY_FIELD_STRINGS] = take_strings,
		[VLY_FIELD_TEXT] = take_text,
		[VLY_FIELD_TAG] = take_string_of,
		[VLY_FIELD_DIGITS] = take_string_of,
	};

	return takers[reader->kind](reader);
}
