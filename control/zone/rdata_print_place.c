/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include <volley/octets.h>

#include "rdata_print_parts.h"

static void
put_address(struct vly_rdata_printer *printer, int family, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, address, text, sizeof(text));
	vly_rdata_put_text(printer, "%s", text);
}

static bool
cut_address(struct vly_rdata_printer *printer, int family)
{
	const uint8_t *address = vly_rdata_cut(printer, family == AF_INET ? 4 : 16);

	vly_rdata_put_blank(printer);
	if (address != NULL)
		put_address(printer, family, address);
	return address != NULL;
}

bool
vly_rdata_put_ipv4(struct vly_rdata_printer *printer)
{
	return cut_address(printer, AF_INET);
}

bool
vly_rdata_put_ipv6(struct vly_rdata_printer *printer)
{
	return cut_address(printer, AF_INET6);
}

/* RFC 2874 §3.1 */
bool
vly_rdata_put_a6(struct vly_rdata_printer *printer)
{
	const uint8_t *bits = vly_rdata_cut(printer, 1);
	uint8_t address[16] = {0};

	if (bits == NULL || *bits > 128)
		return false;
	vly_rdata_put_text(printer, "%u", *bits);
	if (*bits < 128) {
		unsigned first = *bits / 8u;
		const uint8_t *suffix = vly_rdata_cut(printer, 16 - first);
		if (suffix == NULL || (suffix[0] & ~(0xff >> *bits % 8)) != 0)
			return false;
		memcpy(address + first, suffix, 16 - first);
		vly_rdata_put_blank(printer);
		put_address(printer, AF_INET6, address);
	}
	return *bits == 0 || vly_rdata_put_name(printer);
}

static bool
put_apl_item(struct vly_rdata_printer *printer)
{
	const uint8_t *head = vly_rdata_cut(printer, 4);
	uint8_t address[16] = {0};

	if (head == NULL || head[0] != 0 || (head[1] != 1 && head[1] != 2))
		return false;
	const unsigned len_max = head[1] == 1 ? 4 : 16;
	const unsigned len = head[3] & 0x7fu;
	const uint8_t *prefix = vly_rdata_cut(printer, len);
	if (prefix == NULL || len > len_max || head[2] > len_max * 8 ||
	    (len > 0 && prefix[len - 1] == 0))
		return false;
	memcpy(address, prefix, len);
	vly_rdata_put_blank(printer);
	vly_rdata_put_text(printer, "%s%u:", (head[3] & 0x80) != 0 ? "!" : "", head[1]);
	put_address(printer, head[1] == 1 ? AF_INET : AF_INET6, address);
	vly_rdata_put_text(printer, "/%u", head[2]);
	return true;
}

/* RFC 3123 §5 */
bool
vly_rdata_put_apl(struct vly_rdata_printer *printer)
{
	bool done = true;

	while (done && printer->data_len > 0)
		done = put_apl_item(printer);
	return done;
}

/* Types of gateways: none, addresses, a name. */
static bool
put_gateway(struct vly_rdata_printer *printer, unsigned type)
{
	if (type == 1 || type == 2)
		return cut_address(printer, type == 1 ? AF_INET : AF_INET6);
	if (type == 3) {
		bool done = vly_rdata_put_name(printer);
		printer->is_odd |= printer->has_escape; /* NSD refuses it */
		return done;
	}
	vly_rdata_put_text(printer, " .");
	return type == 0;
}

/* RFC 4025 §3.1 */
bool
vly_rdata_put_gateway(struct vly_rdata_printer *printer)
{
	const uint8_t *head = vly_rdata_cut(printer, 2);

	if (head == NULL)
		return false;
	printer->no_key = head[1] == 0;
	vly_rdata_put_text(printer, " %u %u", head[0], head[1]);
	return put_gateway(printer, head[0]);
}

/* RFC 8777 §4.3 */
bool
vly_rdata_put_relay(struct vly_rdata_printer *printer)
{
	const uint8_t *head = vly_rdata_cut(printer, 1);

	if (head == NULL)
		return false;
	vly_rdata_put_text(printer, " %u %u", head[0] >> 7, head[0] & 0x7fu);
	return put_gateway(printer, head[0] & 0x7fu);
}

/* RFC 8005 §6 */
bool
vly_rdata_put_hip(struct vly_rdata_printer *printer)
{
	const uint8_t *head = vly_rdata_cut(printer, 4);

	if (head == NULL)
		return false;
	const unsigned key_len = (unsigned)head[2] << 8 | head[3];
	const uint8_t *tag = vly_rdata_cut(printer, head[0]);
	const uint8_t *key = tag != NULL ? vly_rdata_cut(printer, key_len) : NULL;
	if (key == NULL || head[0] == 0 || key_len == 0)
		return false;
	vly_rdata_put_text(printer, "%u ", head[1]);
	vly_rdata_put_hex(printer, tag, head[0]);
	vly_rdata_put(printer, ' ');
	vly_rdata_put_base64(printer, key, key_len);
	while (printer->data_len > 0)
		if (!vly_rdata_put_name(printer))
			return false;
	return true;
}

/* Milliseconds of arc from the middle. */
static bool
put_angle(struct vly_rdata_printer *printer, uint32_t wire, const char *letters,
	  unsigned degrees_max)
{
	const bool is_positive = wire >= 0x80000000u;
	const uint32_t angle = is_positive ? wire - 0x80000000u : 0x80000000u - wire;

	vly_rdata_put_text(printer, "%u %u %u.%03u %c ", angle / 3600000, angle / 60000 % 60,
			   angle / 1000 % 60, angle % 1000, letters[!is_positive]);
	printer->is_odd |= angle > degrees_max * 3600000; /* BIND refuses it */
	return angle < (degrees_max + 1) * 3600000;
}

/* A digit and a power of ten, of centimetres. */
static bool
put_size(struct vly_rdata_printer *printer, uint8_t size)
{
	uint64_t value = size >> 4;

	for (unsigned i = 0; i < (size & 15u); i++)
		value *= 10;
	vly_rdata_put_text(printer, " %u.%02um", (unsigned)(value / 100), (unsigned)(value % 100));
	return size >> 4 <= 9 && (size & 15) <= 9 && (size >> 4 > 0 || size == 0);
}

/* RFC 1876 §3 */
bool
vly_rdata_put_loc(struct vly_rdata_printer *printer)
{
	const uint8_t *loc = vly_rdata_cut(printer, 16);

	if (loc == NULL || loc[0] != 0 || !put_angle(printer, vly_be32(loc + 4), "NS", 90) ||
	    !put_angle(printer, vly_be32(loc + 8), "EW", 180))
		return false;
	const uint32_t wire = vly_be32(loc + 12);
	const uint32_t altitude = wire >= 10000000 ? wire - 10000000 : 10000000 - wire;
	vly_rdata_put_text(printer, "%s%u.%02um", wire >= 10000000 ? "" : "-", altitude / 100,
			   altitude % 100);
	return put_size(printer, loc[1]) && put_size(printer, loc[2]) && put_size(printer, loc[3]);
}

/* See vly_rdata_take_atma(). */
bool
vly_rdata_put_atma(struct vly_rdata_printer *printer)
{
	const uint8_t *format = vly_rdata_cut(printer, 1);
	const unsigned len = printer->data_len;
	const uint8_t *rest = vly_rdata_cut(printer, len);

	if (format == NULL || *format > 1 || len == 0)
		return false;
	if (*format == 0) {
		vly_rdata_put_hex(printer, rest, len);
		return true;
	}
	vly_rdata_put(printer, '+');
	for (unsigned i = 0; i < len; i++) {
		if (rest[i] < '0' || rest[i] > '9')
			return false;
		vly_rdata_put(printer, (char)rest[i]);
	}
	return true;
}
