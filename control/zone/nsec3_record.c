/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsec3_record.h"

#include <string.h>

#include <volley/octets.h>

bool
vly_nsec3_read_params(const struct vly_zone_record *record, struct vly_nsec3_params *params)
{
	const uint8_t *data = record->data;

	if (record->data_len < VLY_NSEC3_HEAD_BYTES ||
	    record->data_len < VLY_NSEC3_HEAD_BYTES + data[4] || data[0] != VLY_NSEC3_SHA1)
		return false;
	*params = (struct vly_nsec3_params){.iterations = vly_be16(data + 2),
					    .salt_len = data[4],
					    .salt = data + VLY_NSEC3_HEAD_BYTES};
	return true;
}

bool
vly_nsec3_has_params(const struct vly_zone_record *record, const struct vly_nsec3_params *params)
{
	struct vly_nsec3_params own;

	return vly_nsec3_read_params(record, &own) && own.iterations == params->iterations &&
	       own.salt_len == params->salt_len &&
	       (own.salt_len == 0 || memcmp(own.salt, params->salt, own.salt_len) == 0);
}

bool
vly_nsec3_read_owner(const uint8_t *name, uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	return name[0] == VLY_NSEC3_LABEL_BYTES && vly_nsec3_label_hash(name + 1, hash);
}
