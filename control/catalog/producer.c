/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "producer.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <volley/octets.h>

#include "store/store_names.h"
#include "zone/domain.h"
#include "zone/zone.h"

static const uint8_t version_text[] = {1, '2'};

int
vly_wanted_add(struct vly_wanted *wanted, const char *zone, const char *group)
{
	if (wanted->cnt == wanted->size) {
		uint32_t size = 2 * wanted->size + 16;
		void *grown = realloc(wanted->member, size * sizeof(*wanted->member));
		if (!grown)
			return -1;
		wanted->member = grown;
		wanted->size = size;
	}
	struct vly_wanted_member *member = &wanted->member[wanted->cnt];
	*member = (struct vly_wanted_member){.zone = strdup(zone),
					     .group = group ? strdup(group) : NULL};
	wanted->cnt++; /* what is there is freed with the list */
	return member->zone && (!group || member->group) ? 0 : -1;
}

static void
clear(struct vly_wanted_member *member)
{
	free((char *)(uintptr_t)member->zone);
	free((char *)(uintptr_t)member->group);
}

static int
compare(const void *a, const void *b)
{
	const struct vly_wanted_member *left = a;
	const struct vly_wanted_member *right = b;

	return strcmp(left->zone, right->zone);
}

void
vly_wanted_end(struct vly_wanted *wanted)
{
	uint32_t cnt = 0;

	if (wanted->cnt > 0)
		qsort(wanted->member, wanted->cnt, sizeof(*wanted->member), compare);
	for (uint32_t i = 0; i < wanted->cnt; i++)
		if (cnt > 0 && compare(&wanted->member[cnt - 1], &wanted->member[i]) == 0)
			clear(&wanted->member[i]);
		else
			wanted->member[cnt++] = wanted->member[i];
	wanted->cnt = cnt;
}

void
vly_wanted_free(struct vly_wanted *wanted)
{
	for (uint32_t i = 0; i < wanted->cnt; i++)
		clear(&wanted->member[i]);
	free(wanted->member);
	*wanted = (struct vly_wanted){0};
}

static struct vly_wanted_member *
find(const struct vly_wanted *wanted, const char *zone)
{
	const struct vly_wanted_member key = {.zone = zone};

	return wanted->cnt == 0 ? NULL
				: bsearch(&key, wanted->member, wanted->cnt,
					  sizeof(*wanted->member), compare);
}

/* A walk through the catalog as it is. */
struct preparing {
	struct vly_wanted *wanted;
	const struct vly_store_zone *zone;
	struct vly_change *change;
	/* the member whose names are being walked through: its own, then those below it */
	uint8_t label[VLY_LABEL_BYTES_MAX + 1];
	struct vly_wanted_member *member; /* NULL: it is to go */
	bool has_version;
	bool failed;
};

static void
drop(struct preparing *preparing, const struct vly_name *owner,
     const struct vly_store_record *record)
{
	preparing->failed |=
		vly_change_remove(preparing->change, owner->lower, owner->len, record->type,
				  record->ttl, record->data, record->data_len) != 0;
}

/* Adds a record at labels[0..len-1] in front of the apex. */
static void
add(struct preparing *preparing, const uint8_t *labels, unsigned len, uint16_t type,
    const uint8_t *data, unsigned data_len)
{
	const struct vly_name *apex = &preparing->zone->apex;
	uint8_t owner[2 * VLY_NAME_BYTES_MAX];

	memcpy(owner, labels, len);
	memcpy(owner + len, apex->lower, apex->len);
	preparing->failed |= vly_change_add(preparing->change, owner, len + apex->len, type, 0,
					    data, data_len) != 0;
}

static bool
is_label(const uint8_t *label, const char *text)
{
	size_t len = strlen(text);

	return label[0] == len && memcmp(label + 1, text, len) == 0;
}

/* The name of a PTR record in canonical spelling. */
static const char *
read_name(const struct vly_store_record *record, char text[VLY_DOMAIN_TEXT_BYTES])
{
	uint8_t lower[VLY_NAME_BYTES_MAX];

	for (unsigned i = 0; i < record->data_len && i < sizeof(lower); i++)
		lower[i] = vly_ascii_lower(record->data[i]);
	return vly_domain_text(lower, text);
}

static void
begin_member(struct preparing *preparing, const uint8_t *label)
{
	if (memcmp(preparing->label, label, label[0] + 1u) == 0)
		return;
	memcpy(preparing->label, label, label[0] + 1u);
	preparing->member = NULL;
}

/* The member that one of these records names, unless another name has it. */
static struct vly_wanted_member *
find_member(const struct preparing *preparing, struct vly_store_records records)
{
	char text[VLY_DOMAIN_TEXT_BYTES];
	struct vly_store_record record;

	while (vly_store_next_record(&records, &record)) {
		struct vly_wanted_member *member =
			record.type == VLY_TYPE_PTR
				? find(preparing->wanted, read_name(&record, text))
				: NULL;
		if (member && !member->is_there)
			return member;
	}
	return NULL;
}

/* The records of a member's own name. */
static void
take_member(struct preparing *preparing, const struct vly_name *name,
	    struct vly_store_records records)
{
	struct vly_wanted_member *member = find_member(preparing, records);
	char text[VLY_DOMAIN_TEXT_BYTES];
	struct vly_store_record record;

	preparing->member = member;
	if (member) {
		member->is_there = true;
		memcpy(member->label, preparing->label, preparing->label[0] + 1u);
	}
	while (vly_store_next_record(&records, &record))
		if (!member || (record.type == VLY_TYPE_PTR &&
				strcmp(read_name(&record, text), member->zone) != 0))
			drop(preparing, name, &record);
}

/* Whether a record of a member's group is the one that is wanted. */
static bool
is_group(const struct vly_wanted_member *member, const struct vly_store_record *record)
{
	size_t len = member->group ? strlen(member->group) : 0;

	return member->group && record->data_len == len + 1 && record->data[0] == len &&
	       memcmp(record->data + 1, member->group, len) == 0;
}

static void
take_property(struct preparing *preparing, const struct vly_name *name,
	      struct vly_store_records records, bool is_groups)
{
	struct vly_wanted_member *member = preparing->member;
	struct vly_store_record record;

	while (vly_store_next_record(&records, &record)) {
		if (!member)
			drop(preparing, name, &record);
		else if (!is_groups || record.type != VLY_TYPE_TXT)
			continue;
		else if (is_group(member, &record))
			member->has_group = true;
		else
			drop(preparing, name, &record);
	}
}

static void
take_version(struct preparing *preparing, const struct vly_name *name,
	     struct vly_store_records records)
{
	struct vly_store_record record;

	while (vly_store_next_record(&records, &record)) {
		if (record.type != VLY_TYPE_TXT)
			continue;
		if (record.data_len == sizeof(version_text) &&
		    memcmp(record.data, version_text, sizeof(version_text)) == 0)
			preparing->has_version = true;
		else
			drop(preparing, name, &record);
	}
}

static bool
take_name(void *arg, const struct vly_name *name, const struct vly_store_records *records)
{
	struct preparing *preparing = arg;
	/* labels in front of the apex */
	int depth = name->label_cnt - preparing->zone->apex.label_cnt;

	if (depth == 1 && is_label(name->lower, "version"))
		take_version(preparing, name, *records);
	if (depth < 2 || !is_label(name->lower + name->start[depth - 1], "zones"))
		return !preparing->failed;
	begin_member(preparing, name->lower + name->start[depth - 2]);
	if (depth == 2)
		take_member(preparing, name, *records);
	else
		take_property(preparing, name, *records,
			      depth == 3 && is_label(name->lower, "group"));
	return !preparing->failed;
}

static void
make_label(const char *zone, uint8_t label[VLY_LABEL_BYTES_MAX + 1])
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	uint8_t hash[32] = {0};

	(void)gnutls_hash_fast(GNUTLS_DIG_SHA256, wire, vly_domain_wire(zone, wire), hash);
	label[0] = VLY_PRODUCER_LABEL_LEN;
	for (unsigned i = 0; i < VLY_PRODUCER_LABEL_LEN; i++)
		label[1 + i] = "0123456789abcdef"[hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
}

/* Adds what a member lacks. */
static void
complete(struct preparing *preparing, struct vly_wanted_member *member)
{
	uint8_t labels[6 + VLY_LABEL_BYTES_MAX + 1 + 6];
	uint8_t data[VLY_NAME_BYTES_MAX + 1];
	unsigned len = 6;

	if (!member->is_there)
		make_label(member->zone, member->label);
	memcpy(labels, "\005group", 6);
	memcpy(labels + len, member->label, member->label[0] + 1u);
	len += member->label[0] + 1u;
	memcpy(labels + len, "\005zones", 6);
	len += 6;
	if (!member->is_there)
		add(preparing, labels + 6, len - 6, VLY_TYPE_PTR, data,
		    vly_domain_wire(member->zone, data));
	if (!member->group || member->has_group)
		return;
	data[0] = (uint8_t)strlen(member->group);
	memcpy(data + 1, member->group, data[0]);
	add(preparing, labels, len, VLY_TYPE_TXT, data, data[0] + 1u);
}

enum vly_living_prepared
vly_producer_prepare(struct vly_wanted *wanted, struct vly_store_txn *txn,
		     const struct vly_store_zone *zone, struct vly_change *change,
		     char reason[VLY_REASON_BYTES])
{
	struct preparing preparing = {.wanted = wanted, .zone = zone, .change = change};

	for (uint32_t i = 0; i < wanted->cnt; i++)
		wanted->member[i].is_there = wanted->member[i].has_group = false;
	int result = vly_store_walk(txn, zone, &zone->apex, take_name, &preparing);
	if (result != VLY_STORE_OK && result != VLY_STORE_STOPPED) {
		snprintf(reason, VLY_REASON_BYTES, "%s", vly_store_reason(txn));
		return VLY_LIVING_REFUSE;
	}
	if (!preparing.has_version)
		add(&preparing, (const uint8_t *)"\007version", 8, VLY_TYPE_TXT, version_text,
		    sizeof(version_text));
	for (uint32_t i = 0; i < wanted->cnt && !preparing.failed; i++)
		complete(&preparing, &wanted->member[i]);
	if (preparing.failed) {
		snprintf(reason, VLY_REASON_BYTES, "out of memory");
		return VLY_LIVING_REFUSE;
	}
	return vly_change_is_empty(change) ? VLY_LIVING_NO_CHANGE : VLY_LIVING_CHANGE;
}

static int
add_to_tree(struct vly_zone *tree, struct vly_name *owner, uint16_t type, const uint8_t *data,
	    unsigned data_len)
{
	vly_name_hash(owner, &tree->key);
	uint32_t node = vly_zone_add_name(tree, owner);

	return node == VLY_ZONE_NONE ? -1
				     : vly_zone_add_record(tree, node, type, 0, data, data_len);
}

/* SOA, NS and version, as in the examples of RFC 9432: nobody resolves names of a catalog. */
static int
fill_tree(struct vly_zone *tree, struct vly_name *apex, uint32_t serial)
{
	static const uint8_t invalid[] = "\007invalid";
	uint8_t wire[8 + VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = "\007version";
	uint8_t soa[2 * sizeof(invalid) + 20];
	uint8_t *at = soa + 2 * sizeof(invalid);
	const uint32_t number[] = {serial, 3600, 600, 2147483646, 0};
	struct vly_name version;

	memcpy(soa, invalid, sizeof(invalid));
	memcpy(soa + sizeof(invalid), invalid, sizeof(invalid));
	for (unsigned i = 0; i < 5; i++, at += 4) {
		vly_put_be16(at, number[i] >> 16);
		vly_put_be16(at + 2, number[i] & 0xffff);
	}
	if (add_to_tree(tree, apex, VLY_TYPE_SOA, soa, sizeof(soa)) != 0 ||
	    add_to_tree(tree, apex, VLY_TYPE_NS, invalid, sizeof(invalid)) != 0)
		return -1;
	memcpy(wire + 8, apex->lower, apex->len);
	if (vly_name_scan(&version, wire, apex->len + 8u) == 0)
		return 0; /* the name is too long for a catalog, which its change says */
	return add_to_tree(tree, &version, VLY_TYPE_TXT, version_text, sizeof(version_text));
}

int
vly_producer_make_zone(struct vly_zone *tree, const struct vly_hash_key *key, const char *name,
		       uint32_t serial)
{
	static const struct vly_file_stamp none;
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	struct vly_name apex;

	(void)vly_name_scan(&apex, wire, vly_domain_wire(name, wire));
	if (vly_zone_init(tree, key, &apex) != 0)
		return -1;
	if (vly_zone_add_file(tree, "catalog: producer", &none) == 0 &&
	    fill_tree(tree, &apex, serial) == 0) {
		vly_zone_mark_hidden(tree);
		return 0;
	}
	vly_zone_free(tree);
	return -1;
}
