/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of fields that have no file of their own, and which file has the others. */
#include <string.h>
#include <time.h>

#include <volley/name.h>
#include <volley/octets.h>

#include "rdata_print_parts.h"
#include "rr_type.h"

static void
put_quoted(struct vly_rdata_printer *printer, const uint8_t *octets, unsigned len)
{
	vly_rdata_put_blank(printer);
	vly_rdata_put(printer, '"');
	for (unsigned i = 0; i < len; i++)
		vly_rdata_put_octet(printer, octets[i]);
	vly_rdata_put(printer, '"');
}

/* Cuts a string off the data. Returns its length octet, or NULL. */
static const uint8_t *
cut_string(struct vly_rdata_printer *printer)
{
	const uint8_t *len = vly_rdata_cut(printer, 1);

	return len != NULL && vly_rdata_cut(printer, *len) != NULL ? len : NULL;
}

static bool
put_string(struct vly_rdata_printer *printer)
{
	const uint8_t *string = cut_string(printer);

	if (string != NULL)
		put_quoted(printer, string + 1, *string);
	return string != NULL;
}

static bool
put_strings(struct vly_rdata_printer *printer)
{
	bool done = printer->data_len > 0;

	while (done && printer->data_len > 0)
		done = put_string(printer);
	return done;
}

/* NSD wants tags of CAA in lower case, and not longer. */
#define COMMON_TAG_BYTES_MAX 15

/* A string of digits, or of letters and digits. */
static bool
put_string_of(struct vly_rdata_printer *printer)
{
	const bool letters = printer->kind == VLY_FIELD_TAG;
	const uint8_t *string = cut_string(printer);

	if (string == NULL || *string == 0)
		return false;
	vly_rdata_put_blank(printer);
	printer->is_odd |= *string > COMMON_TAG_BYTES_MAX;
	for (unsigned i = 1; i <= *string; i++) {
		uint8_t lower = vly_ascii_lower(string[i]);
		printer->is_odd |= lower != string[i];
		if ((lower < '0' || lower > '9') && (!letters || lower < 'a' || lower > 'z'))
			return false;
		vly_rdata_put(printer, (char)string[i]);
	}
	return true;
}

static bool
put_time(struct vly_rdata_printer *printer)
{
	const uint8_t *at = vly_rdata_cut(printer, 4);
	struct tm date;

	if (at == NULL)
		return false;
	time_t seconds = (time_t)vly_be32(at);
	if (gmtime_r(&seconds, &date) == NULL)
		return false;
	vly_rdata_put_blank(printer);
	vly_rdata_put_text(printer, "%04d%02d%02d%02d%02d%02d", date.tm_year + 1900,
			   date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec);
	return true;
}

static bool
put_type(struct vly_rdata_printer *printer)
{
	const uint8_t *at = vly_rdata_cut(printer, 2);
	uint16_t type = at != NULL ? (uint16_t)vly_be16(at) : 0;
	char buffer[VLY_RR_TYPE_BYTES];

	vly_rdata_put_blank(printer);
	vly_rdata_put_text(printer, "%s", vly_rr_type_portable(type, buffer));
	return type != 0;
}

/* The rest of the data, in hexadecimal digits or Base64. */
static bool
put_rest(struct vly_rdata_printer *printer)
{
	const uint8_t kind = printer->kind;
	const unsigned len = printer->data_len;
	const uint8_t *rest = vly_rdata_cut(printer, len);

	/* BIND wants a key always, and Knot DNS none where the algorithm is 0 */
	if (kind == VLY_FIELD_BASE64_MAY)
		printer->is_odd |= len == 0 || printer->no_key;
	if (len == 0 && kind != VLY_FIELD_BASE64_DASH)
		return kind == VLY_FIELD_BASE64_MAY;
	vly_rdata_put_blank(printer);
	if (kind == VLY_FIELD_NSAP)
		vly_rdata_put_text(printer, "0x");
	if (kind == VLY_FIELD_HEX || kind == VLY_FIELD_NSAP)
		vly_rdata_put_hex(printer, rest, len);
	else if (len == 0)
		vly_rdata_put(printer, '-');
	else
		vly_rdata_put_base64(printer, rest, len);
	return true;
}

static bool
put_salt(struct vly_rdata_printer *printer)
{
	const uint8_t *salt = cut_string(printer);

	if (salt == NULL)
		return false;
	vly_rdata_put_blank(printer);
	if (*salt == 0)
		vly_rdata_put(printer, '-');
	vly_rdata_put_hex(printer, salt + 1, *salt);
	return true;
}

/* Hexadecimal digits in groups. */
static bool
put_groups(struct vly_rdata_printer *printer)
{
	const bool is_locator = printer->kind == VLY_FIELD_LOCATOR64;
	const unsigned octets = printer->kind == VLY_FIELD_EUI48 ? 6 : 8;
	const uint8_t *at = vly_rdata_cut(printer, octets);

	vly_rdata_put_blank(printer);
	for (unsigned i = 0; at != NULL && i < octets; i++) {
		if (i > 0 && (!is_locator || i % 2 == 0))
			vly_rdata_put(printer, is_locator ? ':' : '-');
		vly_rdata_put_text(printer, "%02x", at[i]);
	}
	return at != NULL;
}

static bool
put_text(struct vly_rdata_printer *printer)
{
	const unsigned len = printer->data_len;

	put_quoted(printer, vly_rdata_cut(printer, len), len);
	return true;
}

static bool
put_string_or_none(struct vly_rdata_printer *printer)
{
	return printer->data_len == 0 || put_string(printer);
}

/* ldns reads no certificate type 0. */
static bool
put_cert_type(struct vly_rdata_printer *printer)
{
	printer->is_odd |= printer->data_len >= 2 && printer->data[0] == 0 && printer->data[1] == 0;
	return vly_rdata_put_number(printer, 2);
}

static bool
put_number(struct vly_rdata_printer *printer)
{
	static const uint8_t octets[VLY_FIELD_CNT] = {
		[VLY_FIELD_U8] = 1,          [VLY_FIELD_U16] = 2,
		[VLY_FIELD_U32] = 4,         [VLY_FIELD_U64] = 8,
		[VLY_FIELD_PERIOD] = 4,      [VLY_FIELD_ALGORITHM] = 1,
		[VLY_FIELD_DIGEST_TYPE] = 1, [VLY_FIELD_HASH_ALGORITHM] = 1,
		[VLY_FIELD_PROTOCOL] = 1,    [VLY_FIELD_SCHEME] = 1,
		[VLY_FIELD_KEY_FLAGS] = 2,
	};

	return vly_rdata_put_number(printer, octets[printer->kind]);
}

/* What is not here is a number. */
bool
vly_rdata_put_field(struct vly_rdata_printer *printer)
{
	static bool (*const putters[VLY_FIELD_CNT])(struct vly_rdata_printer *) = {
		[VLY_FIELD_NAME] = vly_rdata_put_name,
		[VLY_FIELD_TIME] = put_time,
		[VLY_FIELD_TYPE] = put_type,
		[VLY_FIELD_CERT_TYPE] = put_cert_type,
		[VLY_FIELD_STRING] = put_string,
		[VLY_FIELD_STRING_MAY] = put_string_or_none,
		[VLY_FIELD_STRINGS] = put_strings,
		[VLY_FIELD_TEXT] = put_text,
		[VLY_FIELD_TAG] = put_string_of,
		[VLY_FIELD_DIGITS] = put_string_of,
		[VLY_FIELD_IPV4] = vly_rdata_put_ipv4,
		[VLY_FIELD_IPV6] = vly_rdata_put_ipv6,
		[VLY_FIELD_LOCATOR64] = put_groups,
		[VLY_FIELD_EUI48] = put_groups,
		[VLY_FIELD_EUI64] = put_groups,
		[VLY_FIELD_BASE64] = put_rest,
		[VLY_FIELD_BASE64_MAY] = put_rest,
		[VLY_FIELD_BASE64_DASH] = put_rest,
		[VLY_FIELD_HEX] = put_rest,
		[VLY_FIELD_NSAP] = put_rest,
		[VLY_FIELD_SALT] = put_salt,
		[VLY_FIELD_HASH] = vly_rdata_put_hash,
		[VLY_FIELD_BITMAP] = vly_rdata_put_bitmap,
		[VLY_FIELD_NXT_BITMAP] = vly_rdata_put_nxt_bitmap,
		[VLY_FIELD_ATMA] = vly_rdata_put_atma,
		[VLY_FIELD_LOC] = vly_rdata_put_loc,
		[VLY_FIELD_APL] = vly_rdata_put_apl,
		[VLY_FIELD_WKS] = vly_rdata_put_wks,
		[VLY_FIELD_A6] = vly_rdata_put_a6,
		[VLY_FIELD_GATEWAY] = vly_rdata_put_gateway,
		[VLY_FIELD_RELAY] = vly_rdata_put_relay,
		[VLY_FIELD_HIP] = vly_rdata_put_hip,
		[VLY_FIELD_SVC_PARAMS] = vly_rdata_put_svc_params,
	};

	return putters[printer->kind] != NULL ? putters[printer->kind](printer)
					      : put_number(printer);
}
