/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "packer.h"

#include <string.h>

#include <volley/octets.h>
#include <volley/rdata.h>

/* Places that are looked at for a name. Whoever makes names with the same hash gets less
 * compression, and no more work than that. */
#define PROBES_MAX 8

static void
put_be32(uint8_t *at, uint32_t value)
{
	vly_put_be16(at, value >> 16);
	vly_put_be16(at + 2, value & 0xffff);
}

void
vly_packer_begin(struct vly_packer *packer, const uint8_t *name, unsigned name_len, uint16_t type)
{
	uint8_t *message = packer->message;

	if (++packer->epoch == 0) { /* what is left of the first round would be taken for names */
		memset(packer->slot, 0, sizeof(packer->slot));
		packer->epoch = 1;
	}
	packer->slot_cnt = 0;
	packer->record_cnt = 0;
	packer->owner_off = 0;
	memset(message, 0, VLY_DNS_HEADER_BYTES);
	vly_put_be16(message + 2, VLY_FLAG_QR | VLY_FLAG_AA);
	packer->len = VLY_DNS_HEADER_BYTES;
	if (name == NULL)
		return;
	message[5] = 1;
	memcpy(message + packer->len, name, name_len);
	packer->len += name_len;
	vly_put_be16(message + packer->len, type);
	vly_put_be16(message + packer->len + 2, VLY_CLASS_IN);
	packer->len += 4;
	packer->owner_off = VLY_DNS_HEADER_BYTES;
	packer->owner_len = (uint8_t)name_len;
	memcpy(packer->owner, name, name_len);
}

/* Whether the name at `off` of the message, which we have written, is `name`. */
static bool
is_same(const uint8_t *message, size_t off, const uint8_t *name)
{
	for (unsigned steps = 0; steps <= 2 * VLY_NAME_LABELS_MAX; steps++) {
		const unsigned octet = message[off];
		if (octet >= 0xc0) {
			off = vly_be16(message + off) & VLY_POINTER_MAX;
			continue;
		}
		if (octet != *name || memcmp(message + off, name, octet + 1) != 0)
			return false;
		if (octet == 0)
			return true;
		off += octet + 1;
		name += octet + 1;
	}
	return false;
}

static uint32_t
hash_label(uint32_t hash, const uint8_t *label)
{
	for (unsigned i = 0; i <= label[0]; i++)
		hash = (hash ^ label[i]) * 0x01000193u;
	return hash ^ hash >> 15;
}

/* Returns the offset of a known suffix, or 0. *free_slot is where it may be kept, or NULL. */
static unsigned
find(struct vly_packer *packer, uint32_t hash, const uint8_t *suffix,
     struct vly_packer_slot **free_slot)
{
	*free_slot = NULL;
	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct vly_packer_slot *slot = &packer->slot[(hash + i) % VLY_PACKER_SLOTS];
		if (slot->epoch != packer->epoch) {
			*free_slot = slot;
			return 0;
		}
		if (slot->hash == hash && is_same(packer->message, slot->off, suffix))
			return slot->off;
	}
	return 0;
}

static void
keep(struct vly_packer *packer, struct vly_packer_slot *slot, uint32_t hash, size_t off)
{
	if (slot == NULL || off > VLY_POINTER_MAX || packer->slot_cnt >= VLY_PACKER_SLOTS / 2)
		return;
	packer->slot_cnt++;
	*slot = (struct vly_packer_slot){
		.hash = hash, .epoch = packer->epoch, .off = (uint16_t)off};
}

/* Appends a sound name: as many labels as are not known, and a pointer. */
static void
put_name(struct vly_packer *packer, const uint8_t *name)
{
	uint8_t start[VLY_NAME_LABELS_MAX + 1];
	uint32_t hash[VLY_NAME_LABELS_MAX + 1];
	unsigned cnt = 0;
	uint32_t sum = 0x811c9dc5u;

	for (unsigned at = 0; name[at] != 0; at += name[at] + 1u)
		start[cnt++] = (uint8_t)at;
	for (unsigned i = cnt; i-- > 0;)
		hash[i] = sum = hash_label(sum, name + start[i]);
	for (unsigned i = 0; i < cnt; i++) {
		const uint8_t *label = name + start[i];
		struct vly_packer_slot *slot;
		const unsigned known = find(packer, hash[i], label, &slot);
		if (known != 0) {
			vly_put_be16(packer->message + packer->len, VLY_POINTER_TAG | known);
			packer->len += 2;
			return;
		}
		keep(packer, slot, hash[i], packer->len);
		memcpy(packer->message + packer->len, label, label[0] + 1u);
		packer->len += label[0] + 1u;
	}
	packer->message[packer->len++] = 0;
}

/* The question's name is written by vly_packer_begin(), so that its suffixes are known only from
 * here on. */
static void
know_question(struct vly_packer *packer)
{
	const size_t len = packer->len;

	if (packer->record_cnt > 0 || packer->owner_off == 0 || packer->slot_cnt > 0)
		return;
	packer->len = VLY_DNS_HEADER_BYTES;
	put_name(packer, packer->owner);
	packer->len = len;
}

static void
put_owner(struct vly_packer *packer, const struct vly_packer_record *record)
{
	const size_t off = packer->len;

	if (packer->owner_off != 0 && record->owner_len == packer->owner_len &&
	    record->owner_len > 1 && memcmp(record->owner, packer->owner, record->owner_len) == 0) {
		vly_put_be16(packer->message + packer->len, VLY_POINTER_TAG | packer->owner_off);
		packer->len += 2;
		return;
	}
	put_name(packer, record->owner);
	packer->owner_off = off <= VLY_POINTER_MAX ? (uint16_t)off : 0;
	packer->owner_len = record->owner_len;
	memcpy(packer->owner, record->owner, record->owner_len);
}

/* Returns the octets of a sound name in data[0..avail-1]; 0: it is not one. */
static unsigned
name_bytes(const uint8_t *data, size_t avail)
{
	for (size_t at = 0; at < avail && at < VLY_NAME_BYTES_MAX; at += data[at] + 1u) {
		if (data[at] == 0)
			return (unsigned)at + 1;
		if (data[at] > VLY_LABEL_BYTES_MAX)
			return 0;
	}
	return 0;
}

static void
put_octets(struct vly_packer *packer, const uint8_t *from, size_t cnt)
{
	memcpy(packer->message + packer->len, from, cnt);
	packer->len += cnt;
}

/* Names in RDATA of the types of RFC 1035 are compressed, no others (RFC 3597 §4). */
static void
put_data(struct vly_packer *packer, const struct vly_packer_record *record)
{
	const struct vly_rdata_names *names = vly_rdata_names(record->type);
	const uint8_t *at = record->data;
	size_t left = record->data_len;

	if (names != NULL && left >= names->skip) {
		put_octets(packer, at, names->skip);
		at += names->skip;
		left -= names->skip;
		for (unsigned i = 0; i < names->cnt; i++) {
			const unsigned len = name_bytes(at, left);
			if (len == 0)
				break;
			put_name(packer, at);
			at += len;
			left -= len;
		}
	}
	put_octets(packer, at, left);
}

bool
vly_packer_add(struct vly_packer *packer, const struct vly_packer_record *record)
{
	const size_t before = packer->len;
	const size_t max = packer->record_cnt == 0 ? VLY_PACKER_RECORD_BYTES : VLY_PACKER_BYTES;

	know_question(packer);
	put_owner(packer, record);
	uint8_t *fixed = packer->message + packer->len;
	vly_put_be16(fixed, record->type);
	vly_put_be16(fixed + 2, VLY_CLASS_IN);
	put_be32(fixed + 4, record->ttl);
	packer->len += 10;
	const size_t data_off = packer->len;
	put_data(packer, record);
	vly_put_be16(fixed + 8, (unsigned)(packer->len - data_off));
	if (packer->len > max || packer->record_cnt == UINT16_MAX) {
		packer->len = before;
		return false;
	}
	packer->record_cnt++;
	return true;
}

void
vly_packer_end(struct vly_packer *packer)
{
	vly_put_be16(packer->message + 6, packer->record_cnt);
}
