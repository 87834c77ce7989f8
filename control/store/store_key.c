/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_key.h"

#include <volley/octets.h>

void
vly_store_key_begin(struct vly_store_key *key, uint32_t id)
{
	uint32_t number = VLY_BE(32, id);

	memcpy(key->octet, &number, sizeof(number));
	key->len = VLY_STORE_ID_BYTES;
}

void
vly_store_key_add_name(struct vly_store_key *key, const struct vly_name *name, unsigned apex_len)
{
	uint8_t order_key[VLY_ORDER_KEY_BYTES];
	unsigned len = vly_order_key(order_key, name->lower, (unsigned)name->len - apex_len);

	memcpy(key->octet + key->len, order_key, len);
	key->len += len;
}

void
vly_store_name_key(struct vly_store_key *key, uint32_t id, const struct vly_name *apex,
		   const struct vly_name *name)
{
	vly_store_key_begin(key, id);
	vly_store_key_add_name(key, name, apex->len);
}

void
vly_store_version_key(struct vly_store_key *key, uint32_t id, uint64_t version)
{
	uint64_t number = VLY_BE(64, version);

	vly_store_key_begin(key, id);
	memcpy(key->octet + key->len, &number, sizeof(number));
	key->len += (unsigned)sizeof(number);
}

/* Reads one label and its end into label[0..63]. Returns the octets of the key that it took, or
 * 0. */
static size_t
read_label(const uint8_t *from, size_t bytes, uint8_t label[1 + VLY_LABEL_BYTES_MAX])
{
	unsigned len = 0;

	for (size_t at = 0; at < bytes; at++) {
		unsigned octet = from[at];
		if (octet == 0) {
			label[0] = (uint8_t)len;
			return len > 0 ? at + 1 : 0;
		}
		if (octet == 1) {
			if (++at == bytes || from[at] < 1 || from[at] > 2)
				return 0;
			octet = from[at] - 1u;
		}
		if (len == VLY_LABEL_BYTES_MAX)
			return 0;
		label[++len] = (uint8_t)octet;
	}
	return 0;
}

bool
vly_store_key_name(const uint8_t *order_key, size_t bytes, const struct vly_name *apex,
		   struct vly_name *name)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	uint8_t label[1 + VLY_LABEL_BYTES_MAX];
	unsigned at = VLY_NAME_BYTES_MAX - apex->len; /* filled from its end */

	memcpy(wire + at, apex->lower, apex->len);
	for (size_t done = 0; done < bytes;) {
		size_t took = read_label(order_key + done, bytes - done, label);
		if (took == 0 || label[0] + 1u > at)
			return false;
		at -= label[0] + 1u;
		memcpy(wire + at, label, label[0] + 1u);
		done += took;
	}
	unsigned len = VLY_NAME_BYTES_MAX - at;
	memmove(wire, wire + at, len);
	return vly_name_scan(name, wire, len) == len && memcmp(name->lower, wire, len) == 0;
}

bool
vly_store_is_below(const struct vly_name *top, const struct vly_name *name)
{
	if (name->label_cnt < top->label_cnt)
		return false;
	unsigned label_idx = (unsigned)name->label_cnt - top->label_cnt;
	return vly_name_suffix_len(name, label_idx) == top->len &&
	       memcmp(name->lower + name->start[label_idx], top->lower, top->len) == 0;
}

bool
vly_store_key_copy(struct vly_store_key *key, const MDB_val *found)
{
	if (found->mv_size > sizeof(key->octet))
		return false;
	key->len = (unsigned)found->mv_size;
	memcpy(key->octet, found->mv_data, found->mv_size);
	return true;
}
