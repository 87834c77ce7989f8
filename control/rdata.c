/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata.h"

enum {
	TYPE_MD = 3,
	TYPE_MF = 4,
	TYPE_MB = 7,
	TYPE_MG = 8,
	TYPE_MR = 9,
	TYPE_PTR = 12,
	TYPE_MINFO = 14,
};

static const struct vly_rdata_names with_names[] = {
	{VLY_TYPE_NS, 0, 1, 0},    {TYPE_MD, 0, 1, 0},       {TYPE_MF, 0, 1, 0},
	{VLY_TYPE_CNAME, 0, 1, 0}, {VLY_TYPE_SOA, 0, 2, 20}, {TYPE_MB, 0, 1, 0},
	{TYPE_MG, 0, 1, 0},        {TYPE_MR, 0, 1, 0},       {TYPE_PTR, 0, 1, 0},
	{TYPE_MINFO, 0, 2, 0},     {VLY_TYPE_MX, 2, 1, 0},
};

const struct vly_rdata_names *
vly_rdata_names(uint16_t type)
{
	for (size_t i = 0; i < sizeof(with_names) / sizeof(with_names[0]); i++)
		if (with_names[i].type == type)
			return &with_names[i];
	return NULL;
}

bool
vly_rdata_scan_name(struct vly_name *name, const uint8_t *data, unsigned data_len)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];
	unsigned len = data_len < VLY_NAME_BYTES_MAX ? data_len : VLY_NAME_BYTES_MAX;

	memcpy(wire, data, len);
	memset(wire + len, 0, sizeof(wire) - len);
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
	if (type == VLY_TYPE_DNAME)
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
