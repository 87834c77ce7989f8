/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include <volley/name.h>

#include "rdata_print.h"
#include "rdata_read_parts.h"
#include "rr_type.h"

bool
vly_rdata_fail(struct vly_rdata_reader *reader, const char *rest, ...)
{
	char text[160];
	va_list args;

	va_start(args, rest);
	vsnprintf(text, sizeof(text), rest, args);
	va_end(args);
	snprintf(reader->why, reader->why_size, "the %s%s", reader->field, text);
	return false;
}

const struct vly_token *
vly_rdata_take(struct vly_rdata_reader *reader)
{
	if (reader->token < reader->end)
		return reader->token++;
	vly_rdata_fail(reader, " is missing");
	return NULL;
}

bool
vly_rdata_append(struct vly_rdata_reader *reader, const void *octets, unsigned len)
{
	if (len > VLY_RDATA_BYTES_MAX - reader->len)
		return vly_rdata_fail(reader, " makes the data longer than %d octets",
				      VLY_RDATA_BYTES_MAX);
	memcpy(reader->to + reader->len, octets, len);
	reader->len += len;
	return true;
}

bool
vly_rdata_append_number(struct vly_rdata_reader *reader, uint64_t number, unsigned octets)
{
	uint8_t wire[8];

	for (unsigned i = 0; i < octets; i++)
		wire[i] = (uint8_t)(number >> 8 * (octets - 1 - i));
	return vly_rdata_append(reader, wire, octets);
}

bool
vly_rdata_word(const struct vly_token *token, char *to, size_t size)
{
	if (token->len >= size || memchr(token->text, '\0', token->len) != NULL)
		return false;
	memcpy(to, token->text, token->len);
	to[token->len] = '\0';
	return true;
}

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

bool
vly_rdata_take_string(struct vly_rdata_reader *reader)
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
		bool done = reader->token->len <= UINT8_MAX ? vly_rdata_take_string(reader)
							    : take_split_string(reader);
		if (!done)
			return false;
	}
	return true;
}

static bool
take_string_of(struct vly_rdata_reader *reader, bool letters)
{
	unsigned begin = reader->len;

	if (!vly_rdata_take_string(reader))
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

/* Seconds since 1970 of 14 digits; -1: they are no date. */
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
			return -1;
	}
	struct tm date = {.tm_year = (int)year - 1900,
			  .tm_mon = (int)part[0] - 1,
			  .tm_mday = (int)part[1],
			  .tm_hour = (int)part[2],
			  .tm_min = (int)part[3],
			  .tm_sec = (int)part[4]};
	time_t seconds = timegm(&date);
	/* timegm() makes the 1st of March of the 30th of February */
	return date.tm_mday == (int)part[1] ? (int64_t)seconds : -1;
}

/* RFC 4034 §3.2; a date after 2106 is meant modulo 2^32 (§3.1.5). */
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
		if (seconds >= 0)
			return vly_rdata_append_number(reader, (uint64_t)seconds & UINT32_MAX, 4);
	}
	return vly_rdata_fail(reader, " is neither a date YYYYMMDDHHmmSS nor seconds since 1970");
}

static bool
take_mnemonic(struct vly_rdata_reader *reader, unsigned octets)
{
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
take_base64_dash(struct vly_rdata_reader *reader)
{
	if (reader->end - reader->token == 1 && reader->token->len == 1 &&
	    reader->token->text[0] == '-') {
		reader->token++;
		return true;
	}
	return vly_rdata_take_base64(reader);
}

/* Numbers, names, strings. */
static bool
take_plain_field(struct vly_rdata_reader *reader)
{
	bool is_end = reader->token == reader->end;

	switch (reader->kind) {
	case VLY_FIELD_NAME:
		return vly_rdata_take_name(reader);
	case VLY_FIELD_U8:
		return vly_rdata_take_number(reader, UINT8_MAX, 1);
	case VLY_FIELD_U16:
		return vly_rdata_take_number(reader, UINT16_MAX, 2);
	case VLY_FIELD_U32:
		return vly_rdata_take_number(reader, UINT32_MAX, 4);
	case VLY_FIELD_U64:
		return vly_rdata_take_number(reader, UINT64_MAX, 8);
	case VLY_FIELD_PERIOD:
		return take_period(reader);
	case VLY_FIELD_TIME:
		return take_time(reader);
	case VLY_FIELD_ALGORITHM:
	case VLY_FIELD_DIGEST_TYPE:
	case VLY_FIELD_PROTOCOL:
	case VLY_FIELD_SCHEME:
		return take_mnemonic(reader, 1);
	case VLY_FIELD_CERT_TYPE:
		return take_mnemonic(reader, 2);
	case VLY_FIELD_KEY_FLAGS:
		return take_key_flags(reader);
	case VLY_FIELD_STRING:
		return vly_rdata_take_string(reader);
	case VLY_FIELD_STRING_MAY:
		return is_end || vly_rdata_take_string(reader);
	case VLY_FIELD_STRINGS:
		return take_strings(reader);
	case VLY_FIELD_TEXT:
		return take_text(reader);
	case VLY_FIELD_TAG:
	default: /* VLY_FIELD_DIGITS */
		return take_string_of(reader, reader->kind == VLY_FIELD_TAG);
	}
}

/* Coded data, lists, addresses and places; then the rest. */
static bool
take_field(struct vly_rdata_reader *reader)
{
	switch (reader->kind) {
	case VLY_FIELD_TYPE:
		return vly_rdata_take_type(reader);
	case VLY_FIELD_IPV4:
		return vly_rdata_take_address(reader, AF_INET);
	case VLY_FIELD_IPV6:
		return vly_rdata_take_address(reader, AF_INET6);
	case VLY_FIELD_LOCATOR64:
		return vly_rdata_take_locator(reader);
	case VLY_FIELD_EUI48:
		return vly_rdata_take_eui(reader, 6);
	case VLY_FIELD_EUI64:
		return vly_rdata_take_eui(reader, 8);
	case VLY_FIELD_BASE64:
		return vly_rdata_take_base64(reader);
	case VLY_FIELD_BASE64_MAY:
		return reader->token == reader->end || vly_rdata_take_base64(reader);
	case VLY_FIELD_BASE64_DASH:
		return take_base64_dash(reader);
	case VLY_FIELD_HEX:
		return vly_rdata_take_hex(reader);
	case VLY_FIELD_SALT:
		return vly_rdata_take_salt(reader);
	case VLY_FIELD_HASH:
		return vly_rdata_take_hash(reader);
	case VLY_FIELD_BITMAP:
		return vly_rdata_take_bitmap(reader);
	case VLY_FIELD_NXT_BITMAP:
		return vly_rdata_take_nxt_bitmap(reader);
	case VLY_FIELD_NSAP:
		return vly_rdata_take_nsap(reader);
	case VLY_FIELD_ATMA:
		return vly_rdata_take_atma(reader);
	case VLY_FIELD_LOC:
		return vly_rdata_take_loc(reader);
	case VLY_FIELD_APL:
		return vly_rdata_take_apl(reader);
	case VLY_FIELD_WKS:
		return vly_rdata_take_wks(reader);
	case VLY_FIELD_A6:
		return vly_rdata_take_a6(reader);
	case VLY_FIELD_GATEWAY:
		return vly_rdata_take_gateway(reader);
	case VLY_FIELD_RELAY:
		return vly_rdata_take_relay(reader);
	case VLY_FIELD_HIP:
		return vly_rdata_take_hip(reader);
	case VLY_FIELD_SVC_PARAMS:
		return vly_rdata_take_svc_params(reader);
	default:
		return take_plain_field(reader);
	}
}

/* RFC 3597 §5: \#, the number of octets, and words of an even number of digits. */
static bool
read_generic(struct vly_rdata_reader *reader, uint16_t type)
{
	const struct vly_token *token;
	char mnemonic[VLY_RR_TYPE_BYTES];
	uint64_t stated;

	reader->field = "number of octets behind \\#";
	reader->token++;
	token = vly_rdata_take(reader);
	if (token == NULL)
		return false;
	if (!vly_token_number(token, VLY_RDATA_BYTES_MAX, &stated))
		return vly_rdata_fail(reader, " is not a number from 0 to 65535");
	reader->field = "data behind \\#";
	for (const struct vly_token *word = reader->token; word < reader->end; word++)
		if (word->len % 2 != 0)
			return vly_rdata_fail(reader, " has a word with an odd number of "
						      "hexadecimal digits");
	if (reader->token < reader->end && !vly_rdata_take_hex(reader))
		return false;
	if (reader->len != stated)
		return vly_rdata_fail(reader, " has %u octets, not the stated %u", reader->len,
				      (unsigned)stated);
	if (!vly_rdata_has_form(type, reader->to, reader->len))
		return vly_rdata_fail(reader, " does not have the form of type %s",
				      vly_rr_type_name(type, mnemonic));
	return true;
}

int
vly_rdata_read(uint16_t type, const struct vly_token *token, unsigned cnt, const uint8_t *origin,
	       uint8_t to[VLY_RDATA_BYTES_MAX], char *why, size_t why_size)
{
	const struct vly_rr_field *field = vly_rr_fields(type);
	struct vly_rdata_reader reader = {.token = token,
					  .end = token + cnt,
					  .origin = origin,
					  .to = to,
					  .field = "data",
					  .why = why,
					  .why_size = why_size};

	if (cnt > 0 && !token->quoted && token->len == 2 && memcmp(token->text, "\\#", 2) == 0)
		return read_generic(&reader, type) ? (int)reader.len : -1;
	if (field == NULL) {
		char mnemonic[VLY_RR_TYPE_BYTES];
		snprintf(why, why_size,
			 "data of type %s must be written in the form \\# LENGTH HEX",
			 vly_rr_type_name(type, mnemonic));
		return -1;
	}
	for (; field->kind != VLY_FIELD_END; field++) {
		reader.field = field->name;
		reader.kind = field->kind;
		if (!take_field(&reader))
			return -1;
	}
	if (reader.token == reader.end)
		return (int)reader.len;
	vly_rdata_fail(&reader, " has more words behind it than it may have");
	return -1;
}
