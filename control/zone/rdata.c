/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata.h"

bool
vly_rdata_scan_name(struct vly_name *name, const uint8_t *data, unsigned data_len)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];
	unsigned len = data_len < VLY_NAME_BYTES_MAX ? data_len : VLY_NAME_BYTES_MAX;

	memcpy(wire, data, len);
	memset(wire + len, 0, VLY_NAME_SLACK_BYTES); /* read in blocks */
	return vly_name_scan(name, wire, len) != 0;
}

bool
vly_rdata_is_sound(uint16_t type, const uint8_t *data, unsigned data_len)
{
	const struct vly_rdata_names *names = vly_rdata_names(type);
	struct vly_name name;

	if (type == VLY_TYPE_A)
		return data_len == 4;
	if (type == VLY_TYPE_AAAA)
		return data_len == 16;
	if (type == VLY_TYPE_DNAME || type == VLY_TYPE_ALIAS)
		return vly_rdata_scan_name(&name, data, data_len) && name.len == data_len;
	if (names == NULL)
		return true;
	unsigned at = names->skip;
	for (unsigned i = 0; i < names->cnt; i++) {
		if (at > data_len || !vly_rdata_scan_name(&name, data + at, data_len - at))
			return false;
		at += name.len;
	}
	return at + names->after == data_len;
}

unsigned
vly_rdata_naptr_name_off(const uint8_t *data, unsigned data_len)
{
	unsigned at = 4; /* order, preference; then flags, services and a regular expression */

	for (unsigned i = 0; i < 3 && at < data_len; i++)
		at += data[at] + 1u;
	return at < data_len ? at : 0;
}

const uint8_t *
vly_rdata_host(uint16_t type, const uint8_t *data, unsigned data_len)
{
	static const struct {
		uint8_t type, at;
	} with_host[] = {
		{VLY_TYPE_NS, 0},  {VLY_TYPE_MX, 2}, {VLY_TYPE_AFSDB, 2}, {VLY_TYPE_RT, 2},
		{VLY_TYPE_SRV, 6}, {VLY_TYPE_KX, 2}, {VLY_TYPE_SVCB, 2},  {VLY_TYPE_HTTPS, 2},
	};

	if (type == VLY_TYPE_NAPTR) {
		unsigned off = vly_rdata_naptr_name_off(data, data_len);
		return off != 0 ? data + off : NULL;
	}
	for (size_t i = 0; i < sizeof(with_host) / sizeof(with_host[0]); i++)
		if (with_host[i].type == type && data_len > with_host[i].at)
			return data + with_host[i].at;
	return NULL;
}

const uint8_t *
vly_rdata_target(uint16_t type, const uint8_t *data, unsigned data_len)
{
	if (type == VLY_TYPE_CNAME || type == VLY_TYPE_DNAME || type == VLY_TYPE_ALIAS)
		return data_len > 0 ? data : NULL;
	return vly_rdata_host(type, data, data_len);
}

/* Where the names begin that canonical form has in lower case, and how many there are, one behind
 * the other; `cnt` 0: none. */
struct names {
	unsigned at;
	unsigned cnt;
};

/* RFC 4034 §6.2, without NSEC (RFC 6840 §5.1) and HINFO, which has no names. */
static struct names
canonical_names(uint16_t type, const uint8_t *data, unsigned data_len)
{
	static const struct {
		uint8_t type, at, cnt;
	} with_names[] = {
		{VLY_TYPE_RP, 0, 2},     {VLY_TYPE_AFSDB, 2, 1}, {VLY_TYPE_RT, 2, 1},
		{VLY_TYPE_SIG, 18, 1},   {VLY_TYPE_PX, 2, 2},    {VLY_TYPE_NXT, 0, 1},
		{VLY_TYPE_SRV, 6, 1},    {VLY_TYPE_KX, 2, 1},    {VLY_TYPE_DNAME, 0, 1},
		{VLY_TYPE_RRSIG, 18, 1}, {VLY_TYPE_ALIAS, 0, 1},
	};
	const struct vly_rdata_names *names = vly_rdata_names(type);

	if (names != NULL)
		return (struct names){names->skip, names->cnt};
	for (size_t i = 0; i < sizeof(with_names) / sizeof(with_names[0]); i++)
		if (with_names[i].type == type)
			return (struct names){with_names[i].at, with_names[i].cnt};
	if (type == VLY_TYPE_NAPTR)
		return (struct names){vly_rdata_naptr_name_off(data, data_len), 1};
	if (type == VLY_TYPE_A6 && data_len > 0 && data[0] > 0 && data[0] <= 128)
		return (struct names){1 + (128u - data[0] + 7) / 8, 1}; /* RFC 2874 §3.1 */
	return (struct names){0, 0};
}

/* The end of the names; their beginning when they are not whole. */
static unsigned
names_end(const struct names *names, const uint8_t *data, unsigned data_len)
{
	unsigned at = names->at;

	for (unsigned i = 0; i < names->cnt; i++) {
		while (at < data_len && data[at] != 0 && data[at] <= VLY_LABEL_BYTES_MAX)
			at += data[at] + 1u;
		if (at >= data_len || data[at] != 0)
			return names->at;
		at++;
	}
	return at;
}

void
vly_rdata_make_canonical(uint16_t type, uint8_t *data, unsigned data_len)
{
	const struct names names = canonical_names(type, data, data_len);
	const unsigned end = names_end(&names, data, data_len);

	for (unsigned i = names.at; i < end; i++) /* lengths of labels are no letters */
		data[i] = vly_ascii_lower(data[i]);
}

static int
compare_octets(const uint8_t *left, unsigned left_len, const uint8_t *right, unsigned right_len)
{
	int order = memcmp(left, right, left_len < right_len ? left_len : right_len);

	return order != 0 || left_len == right_len ? order : left_len < right_len ? -1 : 1;
}

int
vly_rdata_compare(uint16_t type, const uint8_t *left, unsigned left_len, const uint8_t *right,
		  unsigned right_len)
{
	const struct names left_names = canonical_names(type, left, left_len);
	const struct names right_names = canonical_names(type, right, right_len);

	if (left_names.cnt == 0 || right_names.cnt == 0)
		return compare_octets(left, left_len, right, right_len);
	const unsigned left_end = names_end(&left_names, left, left_len);
	const unsigned right_end = names_end(&right_names, right, right_len);
	for (unsigned i = 0; i < left_len && i < right_len; i++) {
		/* lengths of labels are no letters */
		bool left_folds = i >= left_names.at && i < left_end;
		bool right_folds = i >= right_names.at && i < right_end;
		uint8_t a = left_folds ? vly_ascii_lower(left[i]) : left[i];
		uint8_t b = right_folds ? vly_ascii_lower(right[i]) : right[i];
		if (a != b)
			return a < b ? -1 : 1;
	}
	return left_len == right_len ? 0 : left_len < right_len ? -1 : 1;
}
