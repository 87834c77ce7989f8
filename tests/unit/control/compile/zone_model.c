/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_model.h"

#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "server.h"
#include "zone/rdata.h"
#include "zone_model_parts.h"

#define SOA_TAIL_BYTES 20

unsigned
vly_model_random_name(const struct vly_model *model, struct vly_test_random *random, unsigned depth,
		      uint8_t name[VLY_MODEL_NAME_BYTES])
{
	static const char labels[] = "aaabbc**";
	unsigned cnt = vly_test_random_below(random, depth + 1);
	unsigned at = 0;

	for (unsigned i = 0; i < cnt; i++) {
		name[at++] = 1;
		name[at++] = (uint8_t)labels[vly_test_random_below(random, sizeof(labels) - 1)];
	}
	return at + put_name(model->apex, name + at);
}

static struct vly_model_record *
append(struct vly_model *model, const uint8_t *owner, uint16_t type, uint32_t ttl)
{
	struct vly_model_record *record = &model->record[model->cnt++];

	*record = (struct vly_model_record){.type = type, .ttl = ttl};
	memcpy(record->owner, owner, name_len(owner));
	return record;
}

static void
remove_at(struct vly_model *model, unsigned idx)
{
	memmove(&model->record[idx], &model->record[idx + 1],
		(model->cnt - idx - 1) * sizeof(model->record[0]));
	model->cnt--;
}

/* What may not be beside a record of this type. */
static void
make_room(struct vly_model *model, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = model->cnt; i-- > 1;) {
		const struct vly_model_record *record = &model->record[i];
		if (is_same_name(record->owner, owner) &&
		    (type == VLY_TYPE_CNAME || record->type == VLY_TYPE_CNAME ||
		     (type == VLY_TYPE_DNAME && record->type == VLY_TYPE_DNAME)))
			remove_at(model, i);
	}
}

static void
set_target(const struct vly_model *model, struct vly_model_record *record, unsigned at,
	   struct vly_test_random *random)
{
	uint8_t *to = record->data + at;

	if (vly_test_random_chance(random, 8))
		record->data_len = at + put_name("x.elsewhere.", to);
	else
		record->data_len =
			at + vly_model_random_name(model, random, VLY_MODEL_DEPTH + 1, to);
}

static void
set_data(const struct vly_model *model, struct vly_model_record *record,
	 struct vly_test_random *random)
{
	record->data[1] = (uint8_t)vly_test_random_below(random, 2);
	switch (record->type) {
	case VLY_TYPE_A:
		record->data_len = 4;
		break;
	case VLY_TYPE_AAAA:
		record->data_len = 16;
		break;
	case VLY_TYPE_MX:
		set_target(model, record, 2, random);
		break;
	case VLY_TYPE_SRV:
		set_target(model, record, 6, random);
		break;
	case VLY_TYPE_HTTPS: /* data[1] 0: an alias */
		set_target(model, record, 2, random);
		if (vly_test_random_chance(random, 20)) {
			record->data[2] = 0;
			record->data_len = 3;
		}
		break;
	case VLY_TYPE_NS:
	case VLY_TYPE_CNAME:
	case VLY_TYPE_DNAME:
		set_target(model, record, 0, random);
		break;
	default:
		record->data[0] = 1;
		record->data_len = 2;
	}
}

static void
add_random(struct vly_model *model, struct vly_test_random *random)
{
	static const uint16_t types[] = {
		VLY_TYPE_A,     VLY_TYPE_A,     VLY_TYPE_AAAA,  VLY_TYPE_TXT,   VLY_TYPE_MX,
		VLY_TYPE_SRV,   VLY_TYPE_HTTPS, VLY_TYPE_NS,    VLY_TYPE_DS,    VLY_TYPE_CNAME,
		VLY_TYPE_CNAME, VLY_TYPE_CNAME, VLY_TYPE_CNAME, VLY_TYPE_DNAME,
	};
	uint16_t type = types[vly_test_random_below(random, sizeof(types) / sizeof(types[0]))];
	uint8_t owner[VLY_MODEL_NAME_BYTES];
	uint8_t apex[VLY_MODEL_NAME_BYTES];

	vly_model_random_name(model, random, VLY_MODEL_DEPTH, owner);
	put_name(model->apex, apex);
	bool at_apex = is_same_name(owner, apex);
	if (at_apex && (type == VLY_TYPE_CNAME ||
			(type == VLY_TYPE_DNAME && vly_test_random_chance(random, 80))))
		type = VLY_TYPE_TXT;
	make_room(model, owner, type);
	set_data(model, append(model, owner, type, 300 + vly_test_random_below(random, 2)), random);
}

static void
set_soa(struct vly_model *model, struct vly_test_random *random)
{
	uint8_t *tail = model->record[0].data + model->record[0].data_len - SOA_TAIL_BYTES;

	model->serial++;
	for (unsigned i = 0; i < 4; i++)
		tail[i] = (uint8_t)(model->serial >> (24 - 8 * i));
	tail[7] = (uint8_t)vly_test_random_below(random, 3); /* refresh */
}

void
vly_model_begin(struct vly_model *model, const char *apex, struct vly_test_random *random)
{
	uint8_t name[VLY_MODEL_NAME_BYTES];
	struct vly_model_record *soa;

	*model = (struct vly_model){.apex = apex};
	put_name(apex, name);
	soa = append(model, name, VLY_TYPE_SOA, 300);
	soa->data_len = put_name("n.", soa->data);
	soa->data_len += put_name(apex, soa->data + soa->data_len);
	soa->data_len += SOA_TAIL_BYTES;
	soa->data[soa->data_len - 1] = 60;
	set_soa(model, random);
	for (unsigned cnt = 5 + vly_test_random_below(random, 30); cnt > 0; cnt--)
		add_random(model, random);
}

void
vly_model_add_a(struct vly_model *model, const char *owner)
{
	uint8_t wire[VLY_MODEL_NAME_BYTES];

	put_name(owner, wire);
	append(model, wire, VLY_TYPE_A, 300)->data_len = 4;
}

void
vly_model_change(struct vly_model *model, struct vly_test_random *random)
{
	set_soa(model, random);
	for (unsigned cnt = 1 + vly_test_random_below(random, 3); cnt > 0; cnt--) {
		unsigned idx = vly_test_random_below(random, model->cnt);
		bool adds = model->cnt < 12 || vly_test_random_chance(random, 48);
		if (adds && model->cnt < 40)
			add_random(model, random);
		else if (idx > 0 && vly_test_random_chance(random, 20))
			model->record[idx].ttl ^= 1;
		else if (idx > 0)
			remove_at(model, idx);
	}
}

void
vly_model_change_soa(struct vly_model *model)
{
	model->record[0].data[1] ^= 1;
}

void
vly_model_print(const struct vly_model *model)
{
	char text[VLY_DOMAIN_TEXT_BYTES];

	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_model_record *record = &model->record[i];
		const uint8_t *target =
			vly_rdata_target(record->type, record->data, record->data_len);
		fprintf(stderr, "%s %u TYPE%u", vly_domain_text(record->owner, text), record->ttl,
			record->type);
		fprintf(stderr, " %u %s\n", record->data[1],
			target != NULL ? vly_domain_text(target, text) : "");
	}
}

void
vly_model_compile(const struct vly_model *model, struct vly_image_builder *builder,
		  uint64_t version)
{
	static const struct vly_file_stamp no_stamp;
	uint8_t wire[VLY_MODEL_NAME_BYTES];
	struct vly_zone_report report;
	struct vly_zone_info info;
	struct vly_zone zone;
	struct vly_name name;

	cr_assert(vly_rdata_scan_name(&name, wire, put_name(model->apex, wire)));
	cr_assert_eq(vly_zone_init(&zone, &vly_test_key, &name), 0);
	cr_assert_eq(vly_zone_add_file(&zone, "model", &no_stamp), 0);
	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_model_record *record = &model->record[i];
		cr_assert(vly_rdata_scan_name(&name, record->owner, name_len(record->owner)));
		vly_name_hash(&name, &vly_test_key);
		uint32_t idx = vly_zone_add_name(&zone, &name);
		cr_assert_neq(idx, VLY_ZONE_NONE);
		cr_assert_eq(vly_zone_add_record(&zone, idx, record->type, record->ttl,
						 record->data, record->data_len),
			     0);
	}
	vly_zone_mark_hidden(&zone);
	vly_zone_report_defaults(&report);
	cr_assert_eq(vly_image_builder_add_zone(builder, &zone, version, &report, &info), 0, "%s",
		     report.first.text);
	vly_zone_free(&zone);
}
