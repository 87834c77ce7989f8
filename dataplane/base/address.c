/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "address.h"

#include <string.h>

#include "common/address_text.h"

/* Puts address[idx] into the first free slot of those that a search for it checks. */
static bool
place(struct vly_addresses *addresses, unsigned idx)
{
	unsigned first = vly_address_slot(&addresses->address[idx], addresses->factor);

	for (unsigned i = 0; i < VLY_ADDRESSES_PROBES; i++) {
		uint16_t *slot = &addresses->slot[(first + i) % VLY_ADDRESSES_SLOT_CNT];
		if (*slot == 0) {
			*slot = (uint16_t)(idx + 1);
			return true;
		}
	}
	return false;
}

static bool
place_all(struct vly_addresses *addresses)
{
	memset(addresses->slot, 0, sizeof(addresses->slot));
	for (unsigned i = 0; i < addresses->cnt; i++)
		if (!place(addresses, i))
			return false;
	return true;
}

enum vly_addresses_result
vly_addresses_add(struct vly_addresses *addresses, const char *text)
{
	struct vly_address address;

	if (vly_address_read(text, &address) == 0)
		return VLY_ADDRESSES_MALFORMED;
	if (addresses->cnt > 0 && vly_addresses_have(addresses, &address))
		return VLY_ADDRESSES_OK;
	if (addresses->cnt == VLY_ADDRESSES_MAX)
		return VLY_ADDRESSES_FULL;

	addresses->address[addresses->cnt++] = address;
	/* Nearly every factor works. */
	while (addresses->factor == 0 || !place_all(addresses))
		addresses->factor = (addresses->factor + UINT64_C(0x9e3779b97f4a7c14)) | 1;
	return VLY_ADDRESSES_OK;
}
