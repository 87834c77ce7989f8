/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal_source.h"

#include <stdlib.h>
#include <string.h>

/* A record that changes have removed or added. Whether the first one of them removed it says whether it was there
 * before, and the last one whether it is there now. */
struct vly_journal_mention {
	struct vly_journal_mention *next; /* of the same owner */
	UT_hash_handle hh;
	bool was_there;
	bool is_there;
	uint16_t type;
	uint16_t data_len;
	uint32_t ttl;
	const uint8_t *data; /* in key[] */
	uint8_t key[];       /* type, TTL, owner, data */
};

#define KEY_HEAD_BYTES (sizeof(uint16_t) + sizeof(uint32_t))

static size_t
write_key(uint8_t *to, uint16_t type, uint32_t ttl, const uint8_t *owner, unsigned owner_len,
	  const uint8_t *data, unsigned data_len)
{
	memcpy(to, &type, sizeof(type));
	memcpy(to + sizeof(type), &ttl, sizeof(ttl));
	memcpy(to + KEY_HEAD_BYTES, owner, owner_len);
	memcpy(to + KEY_HEAD_BYTES + owner_len, data, data_len);
	return KEY_HEAD_BYTES + owner_len + data_len;
}

static struct vly_journal_owner *
find_owner(const struct vly_journal_source *source, const uint8_t *name, unsigned len)
{
	struct vly_journal_owner *owner;

	HASH_FIND(hh, source->owners, name, len, owner);
	return owner;
}

static struct vly_journal_owner *
get_owner(struct vly_journal_source *source, const uint8_t *name, unsigned len)
{
	struct vly_journal_owner *owner = find_owner(source, name, len);

	if (owner || !(owner = calloc(1, sizeof(*owner))))
		return owner;
	owner->len = (uint8_t)len;
	memcpy(owner->name, name, len);
	HASH_ADD_KEYPTR(hh, source->owners, owner->name, len, owner);
	if (owner->hh.tbl)
		return owner;
	free(owner);
	return NULL;
}

/* Notes a record of a change. Returns 0, or -1 without memory. */
static int
mention(struct vly_journal_source *source, const struct vly_change_record *record, bool is_added)
{
	struct vly_journal_owner *owner = get_owner(source, record->owner, record->owner_len);
	struct vly_journal_mention *found;
	struct vly_journal_mention *made =
		calloc(1, sizeof(*made) + KEY_HEAD_BYTES + record->owner_len + record->data_len);

	if (!owner || !made) {
		free(made);
		return -1;
	}
	size_t bytes = write_key(made->key, record->type, record->ttl, record->owner,
				 record->owner_len, record->data, record->data_len);
	HASH_FIND(hh, source->mentions, made->key, bytes, found);
	if (found) {
		found->is_there = is_added;
		free(made);
		return 0;
	}
	made->was_there = !is_added;
	made->is_there = is_added;
	made->type = record->type;
	made->ttl = record->ttl;
	made->data_len = record->data_len;
	made->data = made->key + KEY_HEAD_BYTES + record->owner_len;
	HASH_ADD_KEYPTR(hh, source->mentions, made->key, bytes, made);
	if (!made->hh.tbl) {
		free(made);
		return -1;
	}
	made->next = owner->first;
	owner->first = made;
	source->mention_cnt++;
	return 0;
}

static int
mention_list(struct vly_journal_source *source, const struct vly_change_list *list, bool is_added)
{
	for (size_t i = 0; i < list->cnt; i++)
		if (mention(source, &list->record[i], is_added) < 0)
			return -1;
	return 0;
}

static bool
take_entry(void *arg, const struct vly_store_entry *entry)
{
	struct vly_journal_source *source = arg;
	struct vly_change change;

	if (source->mention_cnt + (uint64_t)entry->head.removed_cnt + entry->head.added_cnt >
	    VLY_JOURNAL_MENTIONS_MAX)
		return false;
	vly_change_init(&change);
	source->failed = vly_change_decode(&change, entry->octets, entry->bytes) != 0 ||
			 mention_list(source, &change.removed, false) < 0 ||
			 mention_list(source, &change.added, true) < 0;
	vly_change_free(&change);
	return !source->failed;
}

/* Whether a record of the present version was not there before. */
static bool
is_new(const struct vly_journal_source *source, const uint8_t *name, unsigned len,
       const struct vly_store_record *record)
{
	uint8_t key[KEY_HEAD_BYTES + VLY_NAME_BYTES_MAX + UINT16_MAX];
	struct vly_journal_mention *found;

	size_t bytes = write_key(key, record->type, record->ttl, name, len, record->data,
				 record->data_len);
	HASH_FIND(hh, source->mentions, key, bytes, found);
	return found && !found->was_there;
}

/* Those that are there and were before. */
static int
give_kept(struct vly_journal_source *source, const uint8_t *name, unsigned len,
	  int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_store_records records;
	struct vly_store_record record;
	struct vly_name scanned;

	memcpy(wire, name, len);
	(void)vly_name_scan(&scanned, wire, len);
	int result = vly_store_get(source->store.after, source->store.zone, &scanned, &records);
	if (result < 0)
		source->store.failed = source->store.after;
	if (result != VLY_STORE_OK)
		return result < 0 ? -1 : 0;
	result = 0;
	while (result == 0 && vly_store_next_record(&records, &record))
		if (!is_new(source, name, len, &record))
			result = add(to, &(struct vly_overlay_rr){.type = record.type,
								  .data_len = record.data_len,
								  .ttl = record.ttl,
								  .data = record.data});
	return result;
}

static int
get_before(void *arg, const uint8_t *name, unsigned len,
	   int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	struct vly_journal_source *source = arg; /* its first member is the argument */
	const struct vly_journal_owner *owner = find_owner(source, name, len);
	int result = give_kept(source, name, len, add, to);

	for (const struct vly_journal_mention *gone = owner ? owner->first : NULL;
	     gone && result == 0; gone = gone->next)
		if (gone->was_there && !gone->is_there)
			result = add(to, &(struct vly_overlay_rr){.type = gone->type,
								  .data_len = gone->data_len,
								  .ttl = gone->ttl,
								  .data = gone->data});
	return result;
}

struct head {
	uint32_t from;
};

static bool
take_head(void *arg, const struct vly_store_entry *entry)
{
	((struct head *)arg)->from = entry->head.from;
	return false;
}

int
vly_journal_source_init(struct vly_journal_source *source, struct vly_store_txn *txn,
			const struct vly_store_zone *zone, uint64_t since, uint32_t serial)
{
	struct head head = {0};

	*source = (struct vly_journal_source){0};
	int result = vly_overlay_source_init(&source->store, txn, txn, zone);
	if (result != VLY_STORE_OK)
		return result;
	source->store.source.get_before = get_before;
	result = vly_store_journal(txn, zone, since, take_head, &head);
	if (result != VLY_STORE_STOPPED || head.from != serial)
		return result < 0 ? result : VLY_STORE_NONE;
	result = vly_store_journal(txn, zone, since, take_entry, source);
	if (source->failed)
		return VLY_STORE_FAILED;
	return result == VLY_STORE_STOPPED ? VLY_STORE_NONE : result;
}

static bool
has_changed(const struct vly_journal_owner *owner)
{
	for (const struct vly_journal_mention *at = owner->first; at; at = at->next)
		if (at->was_there != at->is_there)
			return true;
	return false;
}

struct vly_overlay_name *
vly_journal_source_names(const struct vly_journal_source *source, uint32_t *cnt)
{
	struct vly_overlay_name *names = calloc(HASH_COUNT(source->owners) + 1, sizeof(*names));

	*cnt = 0;
	for (const struct vly_journal_owner *owner = source->owners; names && owner;
	     owner = owner->hh.next)
		if (has_changed(owner))
			names[(*cnt)++] = (struct vly_overlay_name){owner->name, owner->len};
	return names;
}

void
vly_journal_source_free(struct vly_journal_source *source)
{
	struct vly_journal_mention *mention_at, *next_mention;
	struct vly_journal_owner *owner, *next_owner;

	HASH_ITER(hh, source->mentions, mention_at, next_mention)
	{
		HASH_DEL(source->mentions, mention_at);
		free(mention_at);
	}
	HASH_ITER(hh, source->owners, owner, next_owner)
	{
		HASH_DEL(source->owners, owner);
		free(owner);
	}
}
