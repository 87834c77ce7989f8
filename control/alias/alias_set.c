/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alias_set.h"

#include <string.h>

bool
vly_alias_set_add(struct vly_alias_set *set, const uint8_t *address, unsigned octets)
{
	unsigned at = 0;

	if ((octets != 4 && octets != 16) || (set->cnt > 0 && set->octets != octets))
		return false;
	set->octets = (uint8_t)octets;
	while (at < set->cnt && memcmp(set->address[at], address, octets) < 0)
		at++;
	if (at < set->cnt && memcmp(set->address[at], address, octets) == 0)
		return true;
	if (set->cnt == VLY_ALIAS_ADDRESSES_MAX)
		return false;
	memmove(set->address[at + 1], set->address[at], (set->cnt - at) * sizeof(set->address[0]));
	memset(set->address[at], 0, sizeof(set->address[at]));
	memcpy(set->address[at], address, octets);
	set->cnt++;
	return true;
}

bool
vly_alias_set_has(const struct vly_alias_set *set, const uint8_t *address)
{
	for (unsigned i = 0; i < set->cnt; i++)
		if (memcmp(set->address[i], address, set->octets) == 0)
			return true;
	return false;
}

bool
vly_alias_set_equals(const struct vly_alias_set *left, const struct vly_alias_set *right)
{
	if (left->cnt != right->cnt || (left->cnt > 0 && left->octets != right->octets))
		return false;
	for (unsigned i = 0; i < left->cnt; i++)
		if (memcmp(left->address[i], right->address[i], left->octets) != 0)
			return false;
	return true;
}
