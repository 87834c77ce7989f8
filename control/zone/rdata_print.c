/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

	printer->has_escape |= !is_plain;
	/* data that begins with \# is not of the type's form; BIND reads \[ as a label of bits,
	 * and NSD a dot behind \\ as part of the label */
	if (octet <= ' ' || octet > '~' || octet == '#' || octet == '[' || octet == '\\') {
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

static bool
print_form(struct vly_rdata_printer *printer, uint16_t type)
{
	const struct vly_rr_field *field = vly_rr_fields(type);
	bool done = field != NULL;

	printer->type = type;
	for (; done && field->kind != VLY_FIELD_END; field++) {
		printer->kind = field->kind;
		done = vly_rdata_put_field(printer);
	}
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
	if ((vly_rr_type_is_common(type) || type == VLY_TYPE_ALIAS) && print_form(&printer, type) &&
	    !printer.is_odd && printer.len > 0)
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
