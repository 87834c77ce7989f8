/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "zone/name_order.h"
#include "zone/rdata.h"
#include "zone/rr_type.h"

/* Owners and data of many records: one call of malloc() for them. A change of one record takes as
 * much. */
#define BLOCK_BYTES 4096

/* An SOA ends in five numbers, the first of which is the serial (RFC 1035 §3.3.13). */
#define SOA_NUMBERS_BYTES 20

struct vly_change_block {
	struct vly_change_block *next;
	size_t used;
	size_t size;
	uint8_t octet[];
};

void
vly_change_init(struct vly_change *change)
{
	*change = (struct vly_change){0};
}

void
vly_change_free(struct vly_change *change)
{
	struct vly_change_block *next;

	for (struct vly_change_block *block = change->block; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(change->removed.record);
	free(change->added.record);
	*change = (struct vly_change){0};
}

static uint8_t *
keep(struct vly_change *change, const uint8_t *octets, size_t bytes)
{
	struct vly_change_block *block = change->block;

	if (block == NULL || block->size - block->used < bytes) {
		size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
		block = malloc(sizeof(*block) + size);
		if (block == NULL)
			return NULL;
		*block = (struct vly_change_block){.next = change->block, .size = size};
		change->block = block;
	}
	uint8_t *to = block->octet + block->used;
	block->used += bytes;
	if (bytes > 0)
		memcpy(to, octets, bytes);
	return to;
}

static int
reserve_record(struct vly_change_list *list)
{
	if (list->cnt < list->size)
		return 0;
	size_t size = list->size == 0 ? 4 : list->size * 2;
	void *grown = reallocarray(list->record, size, sizeof(*list->record));
	if (grown == NULL)
		return -1;
	list->record = grown;
	list->size = size;
	return 0;
}

/* The owner in lower case, of the record before if it is the same; NULL with errno. */
static const uint8_t *
keep_owner(struct vly_change *change, const struct vly_change_list *list, const uint8_t *owner,
	   size_t owner_avail, uint8_t *owner_len)
{
	struct vly_name name;

	if (!vly_rdata_scan_name(&name, owner,
				 (unsigned)(owner_avail < VLY_NAME_BYTES_MAX
						    ? owner_avail
						    : VLY_NAME_BYTES_MAX))) {
		errno = EINVAL;
		return NULL;
	}
	*owner_len = name.len;
	if (list->cnt > 0) {
		const struct vly_change_record *last = &list->record[list->cnt - 1];
		if (last->owner_len == name.len && memcmp(last->owner, name.lower, name.len) == 0)
			return last->owner;
	}
	return keep(change, name.lower, name.len);
}

static int
push(struct vly_change *change, struct vly_change_list *list, const uint8_t *owner,
     size_t owner_avail, const struct vly_change_record *what)
{
	struct vly_change_record record = *what;

	if (!vly_rr_type_is_kept(record.type) ||
	    !vly_rdata_is_sound(record.type, record.data, record.data_len)) {
		errno = EINVAL;
		return -1;
	}
	if (reserve_record(list) != 0)
		return -1;
	record.owner = keep_owner(change, list, owner, owner_avail, &record.owner_len);
	if (record.owner == NULL)
		return -1;
	record.data = keep(change, record.data, record.data_len);
	if (record.data == NULL)
		return -1;
	list->record[list->cnt++] = record;
	change->is_normal = false;
	return 0;
}

static int
put(struct vly_change *change, struct vly_change_list *list, const uint8_t *owner,
    size_t owner_avail, uint16_t type, uint32_t ttl, const uint8_t *data, unsigned data_len)
{
	static const uint8_t none[1];

	if (data_len > UINT16_MAX || (data == NULL && data_len > 0)) {
		errno = EINVAL;
		return -1;
	}
	return push(change, list, owner, owner_avail,
		    &(struct vly_change_record){.data = data != NULL ? data : none,
						.ttl = ttl,
						.type = type,
						.data_len = (uint16_t)data_len});
}

int
vly_change_remove(struct vly_change *change, const uint8_t *owner, size_t owner_avail,
		  uint16_t type, uint32_t ttl, const uint8_t *data, unsigned data_len)
{
	return put(change, &change->removed, owner, owner_avail, type, ttl, data, data_len);
}

int
vly_change_add(struct vly_change *change, const uint8_t *owner, size_t owner_avail, uint16_t type,
	       uint32_t ttl, const uint8_t *data, unsigned data_len)
{
	return put(change, &change->added, owner, owner_avail, type, ttl, data, data_len);
}

uint32_t
vly_change_soa_serial(const struct vly_change_record *soa)
{
	return vly_be32(soa->data + soa->data_len - SOA_NUMBERS_BYTES);
}

const struct vly_change_record *
vly_change_list_soa(const struct vly_change_list *list)
{
	for (size_t i = 0; i < list->cnt; i++)
		if (list->record[i].type == VLY_TYPE_SOA)
			return &list->record[i];
	return NULL;
}

int
vly_change_set_soa(struct vly_change *change, const struct vly_change_record *soa, uint32_t to)
{
	/* two names and five numbers */
	uint8_t data[2 * VLY_NAME_BYTES_MAX + SOA_NUMBERS_BYTES];
	uint32_t serial = VLY_BE(32, to);

	if (soa->type != VLY_TYPE_SOA || soa->data_len > sizeof(data) ||
	    !vly_rdata_is_sound(soa->type, soa->data, soa->data_len)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(data, soa->data, soa->data_len);
	memcpy(data + soa->data_len - SOA_NUMBERS_BYTES, &serial, sizeof(serial));
	if (vly_change_remove(change, soa->owner, soa->owner_len, soa->type, soa->ttl, soa->data,
			      soa->data_len) != 0 ||
	    vly_change_add(change, soa->owner, soa->owner_len, soa->type, soa->ttl, data,
			   soa->data_len) != 0)
		return -1;
	change->from = vly_change_soa_serial(soa);
	change->to = to;
	return 0;
}

void
vly_change_invert(struct vly_change *change)
{
	struct vly_change_list removed = change->removed;
	uint32_t from = change->from;

	change->removed = change->added;
	change->added = removed;
	change->from = change->to;
	change->to = from;
}
