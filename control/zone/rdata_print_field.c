/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of fields that have no file of their own, and which file has the others. */
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <volley/name.h>

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
put_string_of(struct vly_rdata_printer *printer, bool letters)
{
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
	time_t seconds = (time_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
				  (uint32_t)at[2] << 8 | at[3]);
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
	uint16_t type = at != NULL ? (uint16_t)(at[0] << 8 | at[1]) : 0;
	char buffer[VLY_RR_TYPE_BYTES];

	vly_rdata_put_blank(printer);
	vly_rdata_put_text(printer, "%s", vly_rr_type_portable(type, buffer));
	return type != 0;
}

/* The rest of the data, in hexadecimal digits or Base64. */
static bool
put_rest(struct vly_rdata_printer *printer, unsigned kind)
{
	const unsigned len = printer->data_len;
	const uint8_t *rest = vly_rdata_cut(printer, len);

	/* Knot DNS wants a key unless the algorithm says that there is none */
	if (kind == VLY_FIELD_BASE64_MAY)
		printer->is_odd |= (len == 0) != printer->no_key;
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

/* Hexadecimal digits in groups of so many octets. */
static bool
put_groups(struct vly_rdata_printer *printer, unsigned octets, unsigned group, char between)
{
	const uint8_t *at = vly_rdata_cut(printer, octets);

	vly_rdata_put_blank(printer);
	for (unsigned i = 0; at != NULL && i < octets; i++) {
		if (i > 0 && i % group == 0)
			vly_rdata_put(printer, between);
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

/* Lists, addresses and places. */
static bool
put_special_field(struct vly_rdata_printer *printer, unsigned kind)
{
	switch (kind) {
	case VLY_FIELD_IPV4:
		return vly_rdata_put_address(printer, AF_INET);
	case VLY_FIELD_IPV6:
		return vly_rdata_put_address(printer, AF_INET6);
	case VLY_FIELD_HASH:
		return vly_rdata_put_hash(printer);
	case VLY_FIELD_BITMAP:
		return vly_rdata_put_bitmap(printer);
	case VLY_FIELD_NXT_BITMAP:
		return vly_rdata_put_nxt_bitmap(printer);
	case VLY_FIELD_ATMA:
		return vly_rdata_put_atma(printer);
	case VLY_FIELD_LOC:
		return vly_rdata_put_loc(printer);
	case VLY_FIELD_APL:
		return vly_rdata_put_apl(printer);
	case VLY_FIELD_WKS:
		return vly_rdata_put_wks(printer);
	case VLY_FIELD_A6:
		return vly_rdata_put_a6(printer);
	case VLY_FIELD_GATEWAY:
		return vly_rdata_put_gateway(printer);
	case VLY_FIELD_RELAY:
		return vly_rdata_put_relay(printer);
	case VLY_FIELD_HIP:
		return vly_rdata_put_hip(printer);
	case VLY_FIELD_SVC_PARAMS:
		return vly_rdata_put_svc_params(printer);
	default:
		return put_rest(printer, kind);
	}
}

bool
vly_rdata_put_field(struct vly_rdata_printer *printer, unsigned kind)
{
	switch (kind) {
	case VLY_FIELD_NAME:
		return vly_rdata_put_name(printer);
	case VLY_FIELD_U8:
	case VLY_FIELD_ALGORITHM:
	case VLY_FIELD_DIGEST_TYPE:
	case VLY_FIELD_PROTOCOL:
	case VLY_FIELD_SCHEME:
		return vly_rdata_put_number(printer, 1);
	case VLY_FIELD_U16:
	case VLY_FIELD_CERT_TYPE:
	case VLY_FIELD_KEY_FLAGS:
		return vly_rdata_put_number(printer, 2);
	case VLY_FIELD_U32:
	case VLY_FIELD_PERIOD:
		return vly_rdata_put_number(printer, 4);
	case VLY_FIELD_U64:
		return vly_rdata_put_number(printer, 8);
	case VLY_FIELD_TIME:
		return put_time(printer);
	case VLY_FIELD_TYPE:
		return put_type(printer);
	case VLY_FIELD_STRING:
		return put_string(printer);
	case VLY_FIELD_STRING_MAY:
		return printer->data_len == 0 || put_string(printer);
	case VLY_FIELD_STRINGS:
		return put_strings(printer);
	case VLY_FIELD_TEXT:
		return put_text(printer);
	case VLY_FIELD_TAG:
	case VLY_FIELD_DIGITS:
		return put_string_of(printer, kind == VLY_FIELD_TAG);
	case VLY_FIELD_LOCATOR64:
		return put_groups(printer, 8, 2, ':');
	case VLY_FIELD_EUI48:
		return put_groups(printer, 6, 1, '-');
	case VLY_FIELD_EUI64:
		return put_groups(printer, 8, 1, '-');
	case VLY_FIELD_SALT:
		return put_salt(printer);
	default:
		return put_special_field(printer, kind);
	}
}
