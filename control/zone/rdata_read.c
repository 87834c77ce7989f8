/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata_read.h"

#include <stdarg.h>
#include <stdio.h>

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

static bool
take_base64_or_none(struct vly_rdata_reader *reader)
{
	return reader->token == reader->end || vly_rdata_take_base64(reader);
}

static bool
take_field(struct vly_rdata_reader *reader)
{
	static bool (*const takers[VLY_FIELD_CNT])(struct vly_rdata_reader *) = {
		[VLY_FIELD_TYPE] = vly_rdata_take_type,
		[VLY_FIELD_IPV4] = vly_rdata_take_ipv4,
		[VLY_FIELD_IPV6] = vly_rdata_take_ipv6,
		[VLY_FIELD_LOCATOR64] = vly_rdata_take_locator,
		[VLY_FIELD_EUI48] = vly_rdata_take_eui,
		[VLY_FIELD_EUI64] = vly_rdata_take_eui,
		[VLY_FIELD_BASE64] = vly_rdata_take_base64,
		[VLY_FIELD_BASE64_MAY] = take_base64_or_none,
		[VLY_FIELD_BASE64_DASH] = take_base64_dash,
		[VLY_FIELD_HEX] = vly_rdata_take_hex,
		[VLY_FIELD_SALT] = vly_rdata_take_salt,
		[VLY_FIELD_HASH] = vly_rdata_take_hash,
		[VLY_FIELD_BITMAP] = vly_rdata_take_bitmap,
		[VLY_FIELD_NXT_BITMAP] = vly_rdata_take_nxt_bitmap,
		[VLY_FIELD_NSAP] = vly_rdata_take_nsap,
		[VLY_FIELD_ATMA] = vly_rdata_take_atma,
		[VLY_FIELD_LOC] = vly_rdata_take_loc,
		[VLY_FIELD_APL] = vly_rdata_take_apl,
		[VLY_FIELD_WKS] = vly_rdata_take_wks,
		[VLY_FIELD_A6] = vly_rdata_take_a6,
		[VLY_FIELD_GATEWAY] = vly_rdata_take_gateway,
		[VLY_FIELD_RELAY] = vly_rdata_take_relay,
		[VLY_FIELD_HIP] = vly_rdata_take_hip,
		[VLY_FIELD_SVC_PARAMS] = vly_rdata_take_svc_params,
	};

	return takers[reader->kind] != NULL ? takers[reader->kind](reader)
					    : vly_rdata_take_plain(reader);
}

/* RFC 3597 §5: \#, the number of octets, and words of an even number of digits. The form of a known
 * type is not required, as in NSD and Knot DNS: zone_reader.c checks what the compiler relies on, and
 * the checks of zones report the rest. */
static bool
read_generic(struct vly_rdata_reader *reader)
{
	const struct vly_token *token;
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
	return true;
}

int
vly_rdata_read(uint16_t type, const struct vly_token *token, unsigned cnt, const uint8_t *origin,
	       uint8_t to[VLY_RDATA_BYTES_MAX], char *why, size_t why_size)
{
	const struct vly_rr_field *field = vly_rr_fields(type);
	struct vly_rdata_reader reader = {.token = token,
					  .end = cnt > 0 ? token + cnt : token,
					  .origin = origin,
					  .to = to,
					  .field = "data",
					  .why = why,
					  .why_size = why_size};

	if (cnt > 0 && !token->quoted && token->len == 2 && memcmp(token->text, "\\#", 2) == 0)
		return read_generic(&reader) ? (int)reader.len : -1;
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
