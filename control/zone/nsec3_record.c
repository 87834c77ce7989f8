/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nsec3_record.h"

#include <string.h>

#include <volley/octets.h>

#define LABEL_LEN 32 /* of 20 octets in Base32hex */

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
	uint64_t bits = 0;
	unsigned at = 0;

	if (name[0] != LABEL_LEN)
		return false;
	for (unsigned i = 1; i <= LABEL_LEN; i++) {
		const uint8_t c = name[i];
		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'v'))
			return false;
		bits = bits << 5 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
		if (i % 8 != 0)
			continue;
		for (unsigned shift = 40; shift > 0; shift -= 8)
			hash[at++] = (uint8_t)(bits >> (shift - 8));
	}
	return true;
}
