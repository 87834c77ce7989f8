/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the overlay compiler asks, answered by looking through all records. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "server.h"
#include "zone/name_order.h"
#include "zone/rdata.h"
#include "zone_model_parts.h"

/* True also for the name itself. */
static bool
is_below(const uint8_t *name, const uint8_t *above)
{
	for (; *name != 0; name += *name + 1u)
		if (is_same_name(name, above))
			return true;
	return *above == 0;
}

static int
get_from(const struct vly_model *model, const uint8_t *name,
	 int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	int result = 0;

	for (unsigned i = 0; i < model->cnt && result == 0; i++) {
		const struct vly_model_record *record = &model->record[i];
		if (is_same_name(record->owner, name))
			result = add(to, &(struct vly_overlay_rr){
						 .type = record->type,
						 .data_len = (uint16_t)record->data_len,
						 .ttl = record->ttl,
						 .data = record->data,
					 });
	}
	return result;
}

static int
get(void *arg, const uint8_t *name, unsigned len,
    int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	const struct vly_model_pair *pair = arg;

	cr_assert_eq(len, name_len(name));
	return get_from(pair->after, name, add, to);
}

static int
get_before(void *arg, const uint8_t *name, unsigned len,
	   int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	const struct vly_model_pair *pair = arg;

	cr_assert_eq(len, name_len(name));
	return get_from(pair->before, name, add, to);
}

/* Takes a candidate for the first name behind `name`. */
static void
take_next(const uint8_t *name, bool beyond, const uint8_t *candidate, const uint8_t **best)
{
	if (vly_name_order(candidate, name) > 0 && !(beyond && is_below(candidate, name)) &&
	    (*best == NULL || vly_name_order(candidate, *best) < 0))
		*best = candidate;
}

static int
give(const uint8_t *best, uint8_t found[VLY_NAME_BYTES_MAX])
{
	if (best == NULL)
		return 0;
	memcpy(found, best, name_len(best));
	return (int)name_len(best);
}

static int
next(void *arg, const uint8_t *name, unsigned len, bool beyond, uint8_t found[VLY_NAME_BYTES_MAX])
{
	const struct vly_model *model = ((const struct vly_model_pair *)arg)->after;
	const uint8_t *best = NULL;

	cr_assert_eq(len, name_len(name));
	for (unsigned i = 0; i < model->cnt; i++)
		take_next(name, beyond, model->record[i].owner, &best);
	return give(best, found);
}

static int
next_target(void *arg, const uint8_t *name, unsigned len, bool beyond,
	    uint8_t found[VLY_NAME_BYTES_MAX])
{
	const struct vly_model *model = ((const struct vly_model_pair *)arg)->after;
	const uint8_t *best = NULL;

	cr_assert_eq(len, name_len(name));
	for (unsigned i = 0; i < model->cnt; i++) {
		const struct vly_model_record *record = &model->record[i];
		const uint8_t *target =
			vly_rdata_target(record->type, record->data, record->data_len);
		if (target != NULL)
			take_next(name, beyond, target, &best);
	}
	return give(best, found);
}

static int
dependents(void *arg, const uint8_t *target, unsigned len, unsigned kinds,
	   int (*add)(void *to, const uint8_t *owner, unsigned len), void *to)
{
	const struct vly_model *model = ((const struct vly_model_pair *)arg)->after;
	int result = 0;

	cr_assert_eq(len, name_len(target));
	for (unsigned i = 0; i < model->cnt && result == 0; i++) {
		const struct vly_model_record *record = &model->record[i];
		const uint8_t *named =
			vly_rdata_target(record->type, record->data, record->data_len);
		unsigned kind = record->type == VLY_TYPE_DNAME   ? VLY_OVERLAY_BY_DNAME
				: record->type == VLY_TYPE_CNAME ? VLY_OVERLAY_BY_CNAME
								 : VLY_OVERLAY_BY_HOST;
		if (named != NULL && (kind & kinds) && is_same_name(named, target))
			result = add(to, record->owner, name_len(record->owner));
	}
	return result;
}

/* Whether a name has other records, or in another order. */
static bool
differs(const struct vly_model_pair *pair, const uint8_t *name)
{
	const struct vly_model *after = pair->after, *before = pair->before;
	unsigned a = 0, b = 0;

	for (;; a++, b++) {
		while (a < after->cnt && !is_same_name(after->record[a].owner, name))
			a++;
		while (b < before->cnt && !is_same_name(before->record[b].owner, name))
			b++;
		if (a == after->cnt || b == before->cnt)
			return a != after->cnt || b != before->cnt;
		if (memcmp(&after->record[a], &before->record[b], sizeof(after->record[a])) != 0)
			return true;
	}
}

static uint32_t
list_changed(const struct vly_model_pair *pair, const struct vly_model *model,
	     struct vly_overlay_name *changed, uint32_t cnt)
{
	for (unsigned i = 0; i < model->cnt; i++) {
		const uint8_t *owner = model->record[i].owner;
		bool known = !differs(pair, owner);
		for (uint32_t n = 0; n < cnt && !known; n++)
			known = is_same_name(changed[n].name, owner);
		if (!known)
			changed[cnt++] = (struct vly_overlay_name){owner, name_len(owner)};
	}
	return cnt;
}

struct vly_overlay_source
vly_model_source(struct vly_model_pair *pair)
{
	return (struct vly_overlay_source){pair, get, get_before, next, next_target, dependents};
}

enum vly_overlay_result
vly_model_add_overlay(const struct vly_model_pair *pair, const struct vly_overlay_source *source,
		      struct vly_image_builder *builder, uint64_t version, uint64_t below,
		      struct vly_zone_report *report, const char **why)
{
	struct vly_overlay_name changed[2 * VLY_MODEL_RECORDS_MAX];
	uint8_t apex[VLY_MODEL_NAME_BYTES];
	struct vly_overlay_change change = {
		.apex = {apex, put_name(pair->after->apex, apex)},
		.changed = changed,
		.version = version,
		.below = below,
		.record_cnt = pair->after->cnt,
		.proves_covers = pair->proves_covers,
	};
	struct vly_zone_info info;

	change.changed_cnt = list_changed(pair, pair->after, changed, 0);
	change.changed_cnt = list_changed(pair, pair->before, changed, change.changed_cnt);
	vly_zone_report_defaults(report);
	return vly_image_builder_add_overlay(builder, source, &change, report, &info, why);
}

enum vly_overlay_result
vly_model_compile_overlay(struct vly_model_pair *pair, struct vly_image_builder *builder,
			  uint64_t version, uint64_t below)
{
	const struct vly_overlay_source source = vly_model_source(pair);
	struct vly_zone_report report;
	const char *why;
	enum vly_overlay_result result =
		vly_model_add_overlay(pair, &source, builder, version, below, &report, &why);

	cr_assert_neq(result, VLY_OVERLAY_FAILED, "%s", report.first.text);
	return result;
}

void
vly_model_expect_overlay(const struct vly_model_pair *pair, enum vly_overlay_result expected,
			 const char *part)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_model_pair copy = *pair;
	const struct vly_overlay_source source = vly_model_source(&copy);
	struct vly_zone_report report;
	const char *why = "";

	cr_assert_not_null(builder);
	cr_expect_eq(vly_model_add_overlay(&copy, &source, builder, 2, 1, &report, &why), expected);
	cr_expect_not_null(strstr(why, part), "%s, not %s", why, part);
	vly_image_builder_free(builder);
}
