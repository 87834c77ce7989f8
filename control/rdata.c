/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rdata.h"

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
