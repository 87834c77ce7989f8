/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes that have no overlay, and failures: the builder stays as it was. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "server.h"
#include "zone_model.h"

static const struct vly_test_random seed = {20261130};

/* Two versions of a zone. */
struct versions {
	struct vly_test_random random;
	struct vly_model before;
	struct vly_model after;
	struct vly_model_pair pair;
	struct vly_overlay_source source;
};

static void
begin(struct versions *versions)
{
	versions->random = seed;
	vly_model_begin(&versions->before, "z.", &versions->random);
	versions->after = versions->before;
	vly_model_change(&versions->after, &versions->random);
	versions->pair = (struct vly_model_pair){&versions->after, &versions->before, false};
	versions->source = vly_model_source(&versions->pair);
}

/* `fragment` is in what is said about it. */
static void
expect(struct versions *versions, enum vly_overlay_result result, const char *fragment)
{
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_report report;
	const char *why;

	cr_assert_not_null(builder);
	vly_model_compile(&versions->before, builder, 1);
	uint64_t bytes = vly_image_builder_bytes(builder);
	cr_expect_eq(vly_model_add_overlay(&versions->pair, &versions->source, builder, 3, 2,
					   &report, &why),
		     result, "%s", fragment);
	const char *said = result == VLY_OVERLAY_FAILED ? report.first.text : why;
	cr_expect_not_null(strstr(said, fragment), "%s, not %s", said, fragment);
	if (result == VLY_OVERLAY_DONE)
		cr_expect_gt(vly_image_builder_bytes(builder), bytes);
	else
		cr_expect_eq(vly_image_builder_bytes(builder), bytes);
	vly_image_builder_free(builder);
}

Test(overlay_limits, a_new_soa_makes_a_complete_form)
{
	struct versions versions;

	begin(&versions);
	expect(&versions, VLY_OVERLAY_DONE, "");
	vly_model_change_soa(&versions.after);
	expect(&versions, VLY_OVERLAY_COMPLETE, "SOA");
}

Test(overlay_limits, the_negative_ttl_makes_a_complete_form)
{
	struct versions versions;
	struct vly_model_record *soa = &versions.after.record[0];

	begin(&versions);
	soa->ttl++; /* the minimum is less */
	expect(&versions, VLY_OVERLAY_DONE, "");
	soa->data[soa->data_len - 1]++;
	expect(&versions, VLY_OVERLAY_COMPLETE, "SOA");
	soa->data[soa->data_len - 1]--;
	soa->ttl = 59;
	expect(&versions, VLY_OVERLAY_COMPLETE, "SOA");
}

/* Zones with NSEC have overlays: test_overlay_signed.c. */
Test(overlay_limits, zones_with_nsec3_have_complete_forms)
{
	struct versions versions;

	begin(&versions);
	struct vly_model_record *added = &versions.after.record[versions.after.cnt++];
	*added = versions.after.record[0];
	added->type = VLY_TYPE_NSEC3;
	expect(&versions, VLY_OVERLAY_COMPLETE, "NSEC3");
}

Test(overlay_limits, a_zone_has_one_soa)
{
	struct versions versions;

	begin(&versions);
	struct vly_model_record *added = &versions.after.record[versions.after.cnt++];
	*added = versions.after.record[0];
	expect(&versions, VLY_OVERLAY_FAILED, "exactly one SOA");
	versions.after.cnt--;
	versions.after.record[0].type = VLY_TYPE_TXT;
	expect(&versions, VLY_OVERLAY_FAILED, "exactly one SOA");
}

Test(overlay_limits, names_are_those_of_the_zone)
{
	static const uint8_t other[] = {1, 'y', 0};
	struct versions versions;

	begin(&versions);
	memcpy(versions.after.record[1].owner, other, sizeof(other));
	expect(&versions, VLY_OVERLAY_FAILED, "not in the zone");
}

/* A source in which any number of names refer to each of the model's names. */
struct popular {
	struct vly_overlay_source of_model;
	unsigned owner_cnt;
	bool exist;
};

static int
get_popular(void *arg, const uint8_t *name, unsigned len,
	    int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	static const uint8_t address[4];
	const struct popular *popular = arg;

	if (popular->exist && name[0] == 8)
		return add(to, &(struct vly_overlay_rr){VLY_TYPE_A, 4, 300, address});
	return popular->of_model.get(popular->of_model.arg, name, len, add, to);
}

static int
get_before_popular(void *arg, const uint8_t *name, unsigned len,
		   int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	const struct popular *popular = arg;

	return popular->of_model.get_before(popular->of_model.arg, name, len, add, to);
}

static int
next_popular(void *arg, const uint8_t *name, unsigned len, bool beyond,
	     uint8_t found[VLY_NAME_BYTES_MAX])
{
	const struct popular *popular = arg;

	return popular->of_model.next(popular->of_model.arg, name, len, beyond, found);
}

static int
no_target(void *arg, const uint8_t *name, unsigned len, bool beyond,
	  uint8_t found[VLY_NAME_BYTES_MAX])
{
	(void)arg, (void)name, (void)len, (void)beyond, (void)found;
	return 0;
}

static int
popular_dependents(void *arg, const uint8_t *target, unsigned len, unsigned kinds,
		   int (*add)(void *to, const uint8_t *owner, unsigned owner_len), void *to)
{
	const struct popular *popular = arg;
	uint8_t owner[13] = {8};
	int result = 0;

	(void)len;
	memcpy(owner + 9, "\1z", 3);
	for (unsigned i = 0; target[0] != 8 && (kinds & VLY_OVERLAY_BY_CNAME) &&
			     i < popular->owner_cnt && result == 0;
	     i++) {
		char digits[16];
		snprintf(digits, sizeof(digits), "%08u", i);
		memcpy(owner + 1, digits, 8);
		result = add(to, owner, 12);
	}
	return result;
}

/* Both limits: that of names, and that of the work to find them. */
Test(overlay_limits, a_change_affects_so_many_names)
{
	struct versions versions;

	begin(&versions);
	struct popular popular = {.of_model = versions.source};
	versions.source =
		(struct vly_overlay_source){&popular,     get_popular, get_before_popular,
					    next_popular, no_target,   popular_dependents};
	popular.owner_cnt = 1000;
	popular.exist = true;
	expect(&versions, VLY_OVERLAY_DONE, "");
	popular.owner_cnt = VLY_OVERLAY_NAMES_MAX;
	expect(&versions, VLY_OVERLAY_COMPLETE, "too many names");
	popular.exist = false;
	popular.owner_cnt = 1000;
	expect(&versions, VLY_OVERLAY_DONE, "");
	popular.owner_cnt = VLY_OVERLAY_WORK_MAX;
	expect(&versions, VLY_OVERLAY_COMPLETE, "too many names");
}

/* A source that fails at one call. */
struct failing {
	struct vly_overlay_source of_model;
	unsigned left;
};

#define OR_FAIL(failing, call) ((failing)->left-- == 0 ? -1 : (failing)->of_model.call)

static int
failing_get(void *arg, const uint8_t *name, unsigned len,
	    int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	struct failing *failing = arg;

	return OR_FAIL(failing, get(failing->of_model.arg, name, len, add, to));
}

static int
failing_get_before(void *arg, const uint8_t *name, unsigned len,
		   int (*add)(void *to, const struct vly_overlay_rr *rr), void *to)
{
	struct failing *failing = arg;

	return OR_FAIL(failing, get_before(failing->of_model.arg, name, len, add, to));
}

static int
failing_next(void *arg, const uint8_t *name, unsigned len, bool beyond,
	     uint8_t found[VLY_NAME_BYTES_MAX])
{
	struct failing *failing = arg;

	return OR_FAIL(failing, next(failing->of_model.arg, name, len, beyond, found));
}

static int
failing_next_target(void *arg, const uint8_t *name, unsigned len, bool beyond,
		    uint8_t found[VLY_NAME_BYTES_MAX])
{
	struct failing *failing = arg;

	return OR_FAIL(failing, next_target(failing->of_model.arg, name, len, beyond, found));
}

static int
failing_dependents(void *arg, const uint8_t *target, unsigned len, unsigned kinds,
		   int (*add)(void *to, const uint8_t *owner, unsigned owner_len), void *to)
{
	struct failing *failing = arg;

	return OR_FAIL(failing, dependents(failing->of_model.arg, target, len, kinds, add, to));
}

Test(overlay_limits, a_source_may_fail_at_each_call)
{
	struct versions versions;
	unsigned call = 0;

	begin(&versions);
	struct failing failing = {.of_model = versions.source};
	versions.source =
		(struct vly_overlay_source){&failing,     failing_get,         failing_get_before,
					    failing_next, failing_next_target, failing_dependents};
	for (;; call++) {
		failing.left = call;
		struct failing probe = failing;
		versions.source.arg = &probe;
		struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
		struct vly_zone_report report;
		const char *why;
		enum vly_overlay_result result = vly_model_add_overlay(
			&versions.pair, &versions.source, builder, 3, 2, &report, &why);
		vly_image_builder_free(builder);
		if (result == VLY_OVERLAY_DONE)
			break;
		cr_assert_eq(result, VLY_OVERLAY_FAILED, "call %u", call);
		cr_expect_not_null(strstr(report.first.text, "cannot be read"), "%s",
				   report.first.text);
	}
	cr_expect_gt(call, 20);
}
