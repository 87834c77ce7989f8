/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "overlay_source.h"

static_assert((int)VLY_STORE_DNAME == VLY_OVERLAY_BY_DNAME &&
		      (int)VLY_STORE_CNAME == VLY_OVERLAY_BY_CNAME &&
		      (int)VLY_STORE_HOST == VLY_OVERLAY_BY_HOST,
	      "kinds are passed on as they are");

static void
scan(struct vly_name *name, const uint8_t *wire, unsigned len)
{
	uint8_t copy[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};

	memcpy(copy, wire, len);
	(void)vly_name_scan(name, copy, len);
}

/* VLY_STORE_NONE is no failure. */
static int
pass_on(struct vly_store_source *source, struct vly_store_txn *txn, int result)
{
	if (result >= 0)
		return 0;
	source->failed = txn;
	return -1;
}

static int
give_records(struct vly_store_source *source, struct vly_store_txn *txn,
	     const struct vly_store_zone *zone, const struct vly_name *name,
	     int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	struct vly_store_records records;
	struct vly_store_record record;
	int result = vly_store_get(txn, zone, name, &records);

	if (result != VLY_STORE_OK)
		return pass_on(source, txn, result);
	while (vly_store_next_record(&records, &record)) {
		result = add(to, &(struct vly_overlay_rr){.type = record.type,
							  .data_len = record.data_len,
							  .ttl = record.ttl,
							  .data = record.data});
		if (result != 0)
			return result;
	}
	return 0;
}

static int
get(void *arg, const uint8_t *wire, unsigned len,
    int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	struct vly_store_source *source = arg;
	struct vly_name name;

	scan(&name, wire, len);
	return give_records(source, source->after, source->zone, &name, add, to);
}

static int
get_before(void *arg, const uint8_t *wire, unsigned len,
	   int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	struct vly_store_source *source = arg;
	struct vly_name name;

	scan(&name, wire, len);
	return give_records(source, source->before, &source->zone_before, &name, add, to);
}

static int
give_name(struct vly_store_source *source, int result, const struct vly_name *name,
	  uint8_t found[VLY_NAME_BYTES_MAX])
{
	if (result != VLY_STORE_OK)
		return pass_on(source, source->after, result);
	memcpy(found, name->lower, name->len);
	return name->len;
}

static int
next(void *arg, const uint8_t *wire, unsigned len, bool beyond, uint8_t found[VLY_NAME_BYTES_MAX])
{
	struct vly_store_source *source = arg;
	struct vly_name name;

	scan(&name, wire, len);
	int result = vly_store_next(source->after, source->zone, &name, beyond, &name);
	return give_name(source, result, &name, found);
}

static int
next_target(void *arg, const uint8_t *wire, unsigned len, bool beyond,
	    uint8_t found[VLY_NAME_BYTES_MAX])
{
	struct vly_store_source *source = arg;
	struct vly_name name;

	scan(&name, wire, len);
	int result = vly_store_next_target(source->after, source->zone, &name, beyond, &name);
	return give_name(source, result, &name, found);
}

struct adder {
	int (*add)(void *to, const uint8_t *owner, unsigned owner_len);
	void *to;
	int result;
};

static bool
give_owner(void *arg, const struct vly_name *owner)
{
	struct adder *adder = arg;

	adder->result = adder->add(adder->to, owner->lower, owner->len);
	return adder->result == 0;
}

static int
dependents(void *arg, const uint8_t *target, unsigned len, unsigned kinds,
	   int (*add)(void *to, const uint8_t *owner, unsigned owner_len), void *to)
{
	struct vly_store_source *source = arg;
	struct adder adder = {add, to, 0};
	struct vly_name name;

	scan(&name, target, len);
	int result =
		vly_store_dependents(source->after, source->zone, &name, kinds, give_owner, &adder);
	return result < 0 ? pass_on(source, source->after, result) : adder.result;
}

int
vly_overlay_source_init(struct vly_store_source *source, struct vly_store_txn *after,
			struct vly_store_txn *before, const struct vly_store_zone *zone)
{
	*source = (struct vly_store_source){
		.source = {.arg = source,
			   .get = get,
			   .get_before = get_before,
			   .next = next,
			   .next_target = next_target,
			   .dependents = dependents},
		.after = after,
		.before = before,
		.zone = zone,
	};
	int result = vly_store_find_zone(before, &zone->apex, &source->zone_before);
	if (result < 0)
		source->failed = before;
	return result == VLY_STORE_OK && source->zone_before.id != zone->id ? VLY_STORE_NONE
									    : result;
}

const char *
vly_overlay_source_reason(const struct vly_store_source *source)
{
	return source->failed != NULL ? vly_store_reason(source->failed) : NULL;
}
