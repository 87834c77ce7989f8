/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <volley/name.h>

#include "rdata_print_parts.h"
#include "rr_type.h"

void
vly_rdata_put(struct vly_rdata_printer *printer, char c)
{
	if (printer->len + 1 < printer->size)
		printer->out[printer->len] = c;
	printer->len++;
}

void
vly_rdata_put_text(struct vly_rdata_printer *printer, const char *format, ...)
{
	char text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *at = text; *at; at++)
		vly_rdata_put(printer, *at);
}

void
vly_rdata_put_blank(struct vly_rdata_printer *printer)
{
	if (printer->len > 0)
		vly_rdata_put(printer, ' ');
}

const uint8_t *
vly_rdata_cut(struct vly_rdata_printer *printer, unsigned len)
{
	const uint8_t *cut = printer->data;

	if (len > printer->data_len)
		return NULL;
	printer->data += len;
	printer->data_len -= len;
	return cut;
}

void
vly_rdata_put_octet(struct vly_rdata_printer *printer, uint8_t octet)
{
	if (octet < ' ' || octet > '~') {
		vly_rdata_put_text(printer, "\\%03u", octet);
		return;
	}
	if (octet == '"' || octet == '\\')
		vly_rdata_put(printer, '\\');
	vly_rdata_put(printer, (char)octet);
}

void
vly_rdata_put_hex(struct vly_rdata_printer *printer, const uint8_t *octets, unsigned len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (unsigned i = 0; i < len; i++) {
		vly_rdata_put(printer, digits[octets[i] >> 4]);
		vly_rdata_put(printer, digits[octets[i] & 15]);
	}
}

void
vly_rdata_put_base64(struct vly_rdata_printer *printer, const uint8_t *octets, unsigned len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";

	for (unsigned i = 0; i < len; i += 3) {
		unsigned cnt = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)octets[i] << 16;
		if (cnt > 1)
			bits |= (uint32_t)octets[i + 1] << 8;
		if (cnt > 2)
			bits |= octets[i + 2];
		for (unsigned j = 0; j < 4; j++)
			vly_rdata_put(printer, j <= cnt ? digits[bits >> (18 - 6 * j) & 63] : '=');
	}
}

bool
vly_rdata_put_number(struct vly_rdata_printer *printer, unsigned octets)
{
	const uint8_t *at = vly_rdata_cut(printer, octets);
	uint64_t number = 0;

	for (unsigned i = 0; at != NULL && i < octets; i++)
		number = number << 8 | at[i];
	vly_rdata_put_blank(printer);
	vly_rdata_put_text(printer, "%" PRIu64, number);
	return at != NULL;
}

/* An octet of a label. Knot DNS wants a backslash before all that is none of these. */
static void
put_label_octet(struct vly_rdata_printer *printer, uint8_t octet)
{
	uint8_t lower = vly_ascii_lower(octet);
	bool is_plain = (lower >= 'a' && lower <= 'z') || (octet >= '0' && octet <= '9') ||
			octet == '-' || octet == '_' || octet == '*' || octet == '/';

	/* data that begins with \# is not of the type's form */
	if (octet <= ' ' || octet > '~' || octet == '#') {
		vly_rdata_put_text(printer, "\\%03u", octet);
		return;
	}
	if (!is_plain)
		vly_rdata_put(printer, '\\');
	vly_rdata_put(printer, (char)octet);
}

bool
vly_rdata_put_name(struct vly_rdata_printer *printer)
{
	unsigned len = 0;
	const uint8_t *label;

	vly_rdata_put_blank(printer);
	if (printer->data_len > 0 && printer->data[0] == 0)
		vly_rdata_put(printer, '.');
	while (len < VLY_NAME_BYTES_MAX) {
		const uint8_t *label_len = vly_rdata_cut(printer, 1);
		if (label_len == NULL || *label_len > VLY_LABEL_BYTES_MAX)
			return false;
		if (*label_len == 0)
			return true;
		len += *label_len + 1u;
		if (len >= VLY_NAME_BYTES_MAX ||
		    (label = vly_rdata_cut(printer, *label_len)) == NULL)
			return false;
		for (unsigned i = 0; i < *label_len; i++)
			put_label_octet(printer, label[i]);
		vly_rdata_put(printer, '.');
	}
	return false;
}

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

/* A string of digits, or of letters and digits. */
static bool
put_string_of(struct vly_rdata_printer *printer, bool letters)
{
	const uint8_t *string = cut_string(printer);

	if (string == NULL || *string == 0)
		return false;
	vly_rdata_put_blank(printer);
	for (unsigned i = 1; i <= *string; i++) {
		uint8_t lower = vly_ascii_lower(string[i]);
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

static bool
put_field(struct vly_rdata_printer *printer, unsigned kind)
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

static bool
print_form(struct vly_rdata_printer *printer, uint16_t type)
{
	const struct vly_rr_field *field = vly_rr_fields(type);
	bool done = field != NULL;

	for (; done && field->kind != VLY_FIELD_END; field++)
		done = put_field(printer, field->kind);
	return done && printer->data_len == 0;
}

/* Ends the text. */
static size_t
finish(const struct vly_rdata_printer *printer)
{
	if (printer->size > 0)
		printer->out[printer->len < printer->size ? printer->len : printer->size - 1] =
			'\0';
	return printer->len;
}

size_t
vly_rdata_print_form(uint16_t type, const uint8_t *data, unsigned data_len, char *out, size_t size)
{
	struct vly_rdata_printer printer = {
		.out = out, .size = size, .data = data, .data_len = data_len};

	return print_form(&printer, type) ? finish(&printer) : 0;
}

bool
vly_rdata_has_form(uint16_t type, const uint8_t *data, unsigned data_len)
{
	char none[1];
	struct vly_rdata_printer printer = {
		.out = none, .size = sizeof(none), .data = data, .data_len = data_len};

	return vly_rr_fields(type) == NULL || print_form(&printer, type);
}

size_t
vly_rdata_print(uint16_t type, const uint8_t *data, unsigned data_len, char *out, size_t size)
{
	struct vly_rdata_printer printer = {
		.out = out, .size = size, .data = data, .data_len = data_len};

	/* not all servers read a record that ends with its type */
	if (vly_rr_type_is_common(type) && print_form(&printer, type) && !printer.is_odd &&
	    printer.len > 0)
		return finish(&printer);
	printer.len = 0;
	vly_rdata_put_text(&printer, "\\# %u", data_len);
	if (data_len > 0)
		vly_rdata_put(&printer, ' ');
	vly_rdata_put_hex(&printer, data, data_len);
	return finish(&printer);
}

size_t
vly_rdata_print_name(const uint8_t *name, char *out, size_t size)
{
	struct vly_rdata_printer printer = {
		.out = out, .size = size, .data = name, .data_len = VLY_NAME_BYTES_MAX};

	vly_rdata_put_name(&printer);
	return finish(&printer);
}
