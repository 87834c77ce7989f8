/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The naive list of records for test_store_random.c, and random changes of it. */
#ifndef VLY_TEST_RECORD_LIST_H
#define VLY_TEST_RECORD_LIST_H

#include "random.h"
#include "store_fixture.h"
#include "zone/name_order.h"
#include "zone/rdata.h"

#define RECORDS_MAX 400
#define NAMES       60

struct model_record {
	unsigned owner; /* index into name[] */
	uint16_t type;
	uint32_t ttl;
	unsigned data_len;
	uint8_t data[300];
};

struct model {
	unsigned cnt;
	uint32_t serial;
	struct model_record record[RECORDS_MAX];
};

static struct vly_test_random rng;
static struct vly_name name[NAMES]; /* name[0] is the apex */
static struct vly_name other;       /* outside of the zone */

static unsigned
below(unsigned cnt)
{
	return vly_test_random_below(&rng, cnt);
}

/* Few labels, so that names are below each other, among them all those that are hard to sort. */
static void
make_name(struct vly_name *made, unsigned depth)
{
	static const char *const labels[] = {"\001a",     "\002ab",      "\001\001", "\002\001\001",
					     "\001*",     "\001b",       "\001\002", "\001\000",
					     "\002a\001", "\002\000\000"};
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
	unsigned at = 0;

	for (unsigned i = 0; i < depth; i++) {
		const char *label = labels[below(10)];
		memcpy(wire + at, label, (unsigned)label[0] + 1);
		at += (unsigned)label[0] + 1;
	}
	if (depth > 0 && below(20) == 0) { /* the longest keys */
		for (at = 0; at + 64 + name[0].len <= VLY_NAME_BYTES_MAX; at += 64)
			memset(wire + at + 1, (int)below(2), wire[at] = 63);
	}
	memcpy(wire + at, name[0].lower, name[0].len);
	cr_assert_neq(vly_name_scan(made, wire, at + name[0].len), 0);
}

static void
make_names(void)
{
	store_fixture_name(&name[0], "example.");
	store_fixture_name(&other, "host.elsewhere.");
	for (unsigned i = 1; i < NAMES;) {
		bool is_new = true;
		make_name(&name[i], 1 + below(4));
		for (unsigned j = 0; j < i; j++)
			is_new &= vly_name_order(name[i].lower, name[j].lower) != 0;
		i += is_new;
	}
}

static unsigned
put_name(uint8_t *to, const struct vly_name *target)
{
	memcpy(to, target->lower, target->len);
	if (target->len > 2 && below(4) == 0) /* another spelling */
		for (unsigned i = 0; i < target->len; i++)
			to[i] = to[i] == 'b' ? 'B' : to[i];
	return target->len;
}

static void
make_record(struct model_record *record)
{
	static const uint16_t types[] = {VLY_TYPE_A,   VLY_TYPE_NS,  VLY_TYPE_CNAME, VLY_TYPE_MX,
					 VLY_TYPE_SRV, VLY_TYPE_TXT, VLY_TYPE_DNAME};
	const struct vly_name *target = below(8) == 0 ? &other : &name[below(NAMES)];

	record->owner = below(NAMES);
	record->type = types[below(7)];
	record->ttl = 100 * record->type + record->owner; /* the same in each RRset */
	memset(record->data, 0, sizeof(record->data));
	switch (record->type) {
	case VLY_TYPE_A:
		record->data_len = 4;
		record->data[3] = (uint8_t)below(4);
		break;
	case VLY_TYPE_TXT:
		record->data_len = 1 + (record->data[0] = (uint8_t)below(3));
		break;
	case VLY_TYPE_MX:
	case VLY_TYPE_SRV:
		record->data_len = record->type == VLY_TYPE_MX ? 2 : 6;
		record->data[1] = (uint8_t)below(3);
		record->data_len += put_name(record->data + record->data_len, target);
		break;
	default:
		record->data_len = put_name(record->data, target);
	}
}

static bool
same(const struct model_record *left, const struct model_record *right)
{
	return left->owner == right->owner && left->type == right->type &&
	       vly_rdata_compare(left->type, left->data, left->data_len, right->data,
				 right->data_len) == 0;
}

static unsigned
find(const struct model *model, const struct model_record *record)
{
	unsigned at = 0;

	while (at < model->cnt && !same(&model->record[at], record))
		at++;
	return at;
}

static void
put(struct vly_change *change, bool is_added, const struct model_record *record)
{
	const struct vly_name *owner = &name[record->owner];

	cr_assert_eq((is_added ? vly_change_add
			       : vly_change_remove)(change, owner->lower, owner->len, record->type,
						    record->ttl, record->data, record->data_len),
		     0);
}

/* Changes the model, and notes how. */
static void
make_change(struct model *model, struct vly_change *change)
{
	struct model_record record;

	for (unsigned i = below(6); i > 0 && model->cnt > 0; i--) {
		unsigned at = below(model->cnt);
		put(change, false, &model->record[at]);
		model->record[at] = model->record[--model->cnt];
	}
	for (unsigned i = below(model->cnt < 200 ? 9 : 5); i > 0; i--) {
		make_record(&record);
		if (model->cnt == RECORDS_MAX || find(model, &record) < model->cnt)
			continue;
		put(change, true, &record);
		model->record[model->cnt++] = record;
	}
	model->serial++;
}

/* One thing that does not fit. False: this model has none of the kind. */
static bool
spoil(const struct model *before, struct vly_change *change)
{
	struct model_record record;

	make_record(&record);
	unsigned at = find(before, &record);
	switch (below(4)) {
	case 0: /* not there */
		if (at < before->cnt)
			return false;
		put(change, false, &record);
		return true;
	case 1: /* there */
		if (before->cnt == 0)
			return false;
		record = before->record[below(before->cnt)];
		for (size_t i = 0; i < change->removed.cnt; i++)
			if (change->removed.record[i].type == record.type)
				return false;
		put(change, true, &record);
		return true;
	case 2: /* with another TTL */
		if (before->cnt == 0)
			return false;
		record = before->record[below(before->cnt)];
		for (size_t i = 0; i < change->removed.cnt; i++)
			if (change->removed.record[i].type == record.type)
				return false;
		record.ttl++;
		put(change, false, &record);
		return true;
	default:
		change->to += UINT32_C(1) << 31;
		return true;
	}
}

#endif
