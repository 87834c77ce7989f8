/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <volley/dns.h>

#include "rdata_print_parts.h"
#include "rr_type.h"

/* The shortest text alone has a form: a list that vly_rdata_read() makes. */
static bool
is_bitmap(const uint8_t *bits, unsigned len, unsigned len_max)
{
	return len > 0 && len <= len_max && bits[len - 1] != 0;
}

/* False when type 0 is among them, which is none. */
static bool
put_types(struct vly_rdata_printer *printer, unsigned window, const uint8_t *bits, unsigned len)
{
	char buffer[VLY_RR_TYPE_BYTES];

	for (unsigned i = 0; i < len * 8; i++) {
		uint16_t type = (uint16_t)(window << 8 | i);
		if ((bits[i / 8] & 0x80 >> i % 8) == 0)
			continue;
		vly_rdata_put_blank(printer);
		vly_rdata_put_text(printer, "%s", vly_rr_type_portable(type, buffer));
		if (type == 0)
			return false;
	}
	return true;
}

/* RFC 4034 §4.1.2: windows in order, without empty octets at their ends. */
bool
vly_rdata_put_bitmap(struct vly_rdata_printer *printer)
{
	int last = -1;

	/* ldns reads no empty list of CSYNC */
	printer->is_odd |= printer->data_len == 0 && printer->type == VLY_TYPE_CSYNC;
	while (printer->data_len > 0) { /* each turn takes three octets at least */
		const uint8_t *head = vly_rdata_cut(printer, 2);
		const uint8_t *bits = head != NULL ? vly_rdata_cut(printer, head[1]) : NULL;
		if (bits == NULL || head[0] <= last || !is_bitmap(bits, head[1], 32) ||
		    !put_types(printer, head[0], bits, head[1]))
			return false;
		last = head[0];
	}
	return true;
}

bool
vly_rdata_put_nxt_bitmap(struct vly_rdata_printer *printer)
{
	const unsigned len = printer->data_len;
	const uint8_t *bits = vly_rdata_cut(printer, len);

	return len == 0 || (is_bitmap(bits, len, 16) && put_types(printer, 0, bits, len));
}

/* RFC 1035 §3.4.2: a protocol, then a bitmap of ports. */
bool
vly_rdata_put_wks(struct vly_rdata_printer *printer)
{
	if (!vly_rdata_put_number(printer, 1))
		return false;
	const unsigned len = printer->data_len;
	const uint8_t *bits = vly_rdata_cut(printer, len);
	if (len > 0 && !is_bitmap(bits, len, 8192))
		return false;
	for (unsigned i = 0; i < len * 8; i++)
		if ((bits[i / 8] & 0x80 >> i % 8) != 0)
			vly_rdata_put_text(printer, " %u", i);
	return true;
}

/* RFC 5155 §3.3: Base32hex without padding. */
bool
vly_rdata_put_hash(struct vly_rdata_printer *printer)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	const uint8_t *len = vly_rdata_cut(printer, 1);
	const uint8_t *hash = len != NULL ? vly_rdata_cut(printer, *len) : NULL;
	unsigned bit_cnt = 0;
	uint32_t bits = 0;

	if (hash == NULL || *len == 0)
		return false;
	printer->is_odd |= *len % 5 != 0; /* Knot DNS wants padding then */
	vly_rdata_put_blank(printer);
	for (unsigned i = 0; i < *len; i++) {
		bits = (bits << 8 | hash[i]) & 0xffff;
		for (bit_cnt += 8; bit_cnt >= 5; bit_cnt -= 5)
			vly_rdata_put(printer, digits[bits >> (bit_cnt - 5) & 31]);
	}
	if (bit_cnt > 0)
		vly_rdata_put(printer, digits[bits << (5 - bit_cnt) & 31]);
	return true;
}
