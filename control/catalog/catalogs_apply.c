/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One batch at a time: the zones that were touched, BATCH_MAX of them, are put or removed by the reloader; then the
 * data of removed ones are erased; then those that were reset are put again, as zones that were touched.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalogs_parts.h"
#include "common/log.h"
#include "common/plural.h"

/* Members of a batch. Each takes some 10 µs of the loop, which serves nobody else meanwhile. More: longer pauses, of 7 s
 * with a million. Fewer: more commits, each of which waits for the lcores. */
#define BATCH_MAX 4096

/* Members with problems that are named in the log. Each line is a write that may wait for the journal. */
#define LOGGED_MAX 100

/* When a removal has failed it is tried again after this time. Less: more work for nothing. More: the zone, or what
 * is to be reset, is served for longer. */
#define RETRY_MS 10000

static void
announce(struct vly_catalogs *catalogs, struct vly_owned_zone *zone, bool is_there)
{
	if (!is_there && !zone->is_announced)
		return;
	zone->is_announced = is_there;
	if (catalogs->on_member)
		catalogs->on_member(catalogs->on_member_arg, &zone->zone, is_there);
}

static void
set_problem(struct vly_catalogs *catalogs, struct vly_owned_zone *zone,
	    enum vly_member_problem problem)
{
	bool is_new = problem != VLY_MEMBER_NO_PROBLEM && problem != zone->problem;

	catalogs->problem_cnt -= zone->problem != VLY_MEMBER_NO_PROBLEM;
	catalogs->problem_cnt += problem != VLY_MEMBER_NO_PROBLEM;
	zone->problem = (uint8_t)problem;
	if (is_new && zone->owner && ++catalogs->logged_cnt <= LOGGED_MAX)
		vly_log_error("zone %s of catalog %s is not served as its member: %s", zone->name,
			      zone->owner->name, vly_member_problem_text(problem));
}

static bool
is_same_text(const char *left, const char *right)
{
	return left == right || (left && right && strcmp(left, right) == 0);
}

/* Takes the settings. Returns whether they differ from those before. */
static bool
set_zone(struct vly_owned_zone *zone, const struct vly_config_zone *made)
{
	struct vly_config_zone *is = &zone->zone;
	bool differs = is->feed != made->feed || !is_same_text(is->file, made->file) ||
		       !is_same_text(is->living, made->living);
	char *file = NULL;

	if (made->file && !(file = strdup(made->file)))
		return true;
	free(is->file);
	*is = *made;
	is->name = zone->name;
	is->file = file;
	return differs;
}

/* Makes the zone of a member. Returns whether it differs from that before. */
static bool
make_zone(struct vly_catalogs *catalogs, struct vly_owned_zone *zone)
{
	const struct vly_consumer *consumer = zone->owner->user;
	const struct vly_catalog_member *member = vly_owners_member(zone);
	struct vly_config_zone made = {0};
	char file[PATH_MAX];

	enum vly_member_problem problem =
		member ? vly_member_zone_make(&consumer->templates, member, &made, file)
		       : VLY_MEMBER_NO_TEMPLATE;
	if (problem == VLY_MEMBER_NO_PROBLEM && zone->problem == VLY_MEMBER_CONFIGURED)
		problem = VLY_MEMBER_CONFIGURED; /* until the reloader says otherwise */
	set_problem(catalogs, zone, problem);
	return set_zone(zone, &made);
}

static bool
is_servable(const struct vly_owned_zone *zone)
{
	return zone->owner &&
	       (zone->problem == VLY_MEMBER_NO_PROBLEM || zone->problem == VLY_MEMBER_CONFIGURED ||
		zone->problem == VLY_MEMBER_NO_ROOM);
}

static void
add_change(struct vly_catalogs *catalogs, struct vly_owned_zone *zone,
	   enum vly_member_action action)
{
	uint32_t at = catalogs->batch.cnt++;

	catalogs->batch_zone[at] = zone;
	catalogs->batch.change[at] =
		(struct vly_member_change){.action = action, .zone = &zone->zone};
}

/* What is to be done about a zone that was touched. */
static void
decide(struct vly_catalogs *catalogs, struct vly_owned_zone *zone)
{
	bool differs = true;
	const bool has_failed = zone->problem == VLY_MEMBER_NO_ROOM;

	if (!zone->owner)
		set_problem(catalogs, zone, VLY_MEMBER_NO_PROBLEM);
	else if (!zone->is_reset || !zone->is_served)
		differs = make_zone(catalogs, zone);
	if (!zone->is_served)
		zone->is_reset = false; /* there is nothing of ours */
	if (zone->is_served && (!is_servable(zone) || zone->is_reset)) {
		announce(catalogs, zone, false);
		add_change(catalogs, zone, VLY_MEMBER_REMOVE);
	} else if (!zone->owner) {
		vly_owners_forget(&catalogs->owners, zone);
	} else if (is_servable(zone) && (differs || has_failed || !zone->is_served)) {
		add_change(catalogs, zone, VLY_MEMBER_PUT);
	}
}

static void
end_put(struct vly_catalogs *catalogs, struct vly_owned_zone *zone, enum vly_member_result result)
{
	static const enum vly_member_problem problem[] = {
		[VLY_MEMBER_DONE] = VLY_MEMBER_NO_PROBLEM,
		[VLY_MEMBER_CLASH] = VLY_MEMBER_CONFIGURED,
		[VLY_MEMBER_FAILED] = VLY_MEMBER_NO_ROOM,
	};

	if (zone->owner)
		set_problem(catalogs, zone, problem[result]);
	if (result == VLY_MEMBER_FAILED)
		return; /* one that was served still is, as before */
	zone->is_served = result == VLY_MEMBER_DONE;
	if (zone->owner || !zone->is_served)
		announce(catalogs, zone, zone->is_served);
}

static void
on_retry(uv_timer_t *timer)
{
	struct vly_catalogs *catalogs = timer->data;

	for (struct vly_owned_zone *zone = catalogs->owners.by_name; zone; zone = zone->hh.next)
		if (zone->is_served && (!zone->owner || zone->is_reset))
			vly_owners_touch(&catalogs->owners, zone);
	vly_catalogs_apply(catalogs);
}

int
vly_catalogs_init_retry(struct vly_catalogs *catalogs)
{
	catalogs->retry = calloc(1, sizeof(*catalogs->retry));
	if (!catalogs->retry)
		return -1;
	uv_timer_init(catalogs->loop, catalogs->retry);
	uv_unref((uv_handle_t *)catalogs->retry);
	catalogs->retry->data = catalogs;
	return 0;
}

/* Returns whether the data are to be erased. */
static bool
end_removal(struct vly_catalogs *catalogs, struct vly_owned_zone *zone,
	    enum vly_member_result result)
{
	if (result != VLY_MEMBER_DONE) {
		if (++catalogs->logged_cnt <= LOGGED_MAX)
			vly_log_error("zone %s was removed from its catalog, or is to be reset, "
				      "but is still served: out of memory, or the dataplane "
				      "refused the change; it is tried again",
				      zone->name);
		if (!uv_is_active((uv_handle_t *)catalogs->retry))
			uv_timer_start(catalogs->retry, on_retry, RETRY_MS, 0);
		return false;
	}
	bool was_served = zone->is_served;
	zone->is_served = false;
	return was_served && ((!zone->owner && !zone->keeps_data) || zone->is_reset);
}

static void
end_batch(struct vly_catalogs *catalogs)
{
	for (uint32_t i = 0; i < catalogs->batch.cnt; i++) {
		struct vly_owned_zone *zone = catalogs->batch_zone[i];
		if (zone->is_reset && !zone->is_served) {
			zone->is_reset = false;
			vly_owners_touch(&catalogs->owners, zone);
		}
		if (!zone->owner && !zone->is_served && !zone->is_dirty)
			vly_owners_forget(&catalogs->owners, zone);
	}
	free(catalogs->erase.zone);
	catalogs->erase.zone = NULL;
	free(catalogs->batch.change);
	free(catalogs->batch_zone);
	catalogs->batch = (struct vly_member_batch){0};
	catalogs->batch_zone = NULL;
	catalogs->is_applying = false;
	vly_catalogs_apply(catalogs);
}

static void
on_erased(struct vly_living_erase *erase, const char *error)
{
	struct vly_catalogs *catalogs =
		(struct vly_catalogs *)((char *)erase - offsetof(struct vly_catalogs, erase));

	if (error)
		vly_log_error("the records of %" PRIu32 " zone%s that left a catalog, or were to "
			      "be reset, could not be removed from the store: %s",
			      erase->cnt, vly_plural(erase->cnt), error);
	end_batch(catalogs);
}

static void
on_batch_done(void *arg)
{
	struct vly_catalogs *catalogs = arg;
	struct vly_living_erase *erase = &catalogs->erase;

	*erase = (struct vly_living_erase){.done = on_erased};
	erase->zone = calloc(catalogs->batch.cnt, sizeof(const char *));
	for (uint32_t i = 0; i < catalogs->batch.cnt; i++) {
		const struct vly_member_change *change = &catalogs->batch.change[i];
		struct vly_owned_zone *zone = catalogs->batch_zone[i];
		if (change->action == VLY_MEMBER_PUT)
			end_put(catalogs, zone, change->result);
		else if (end_removal(catalogs, zone, change->result) && erase->zone)
			erase->zone[erase->cnt++] = zone->name;
	}
	if (erase->cnt > 0)
		vly_living_erase(catalogs->living, erase);
	else
		end_batch(catalogs);
}

/* Of the next batch. */
static uint32_t
dirty_cnt(const struct vly_owners *owners)
{
	const struct vly_owned_zone *zone = owners->dirty;
	uint32_t cnt = 0;

	for (; zone && cnt < BATCH_MAX; zone = zone->next_dirty)
		cnt++;
	return cnt;
}

/* When the last batch has begun. */
static void
end_log(struct vly_catalogs *catalogs)
{
	if (catalogs->logged_cnt > LOGGED_MAX)
		vly_log_error("%" PRIu32 " more zones of catalogs are not served: volleyctl status "
			      "lists them",
			      catalogs->logged_cnt - LOGGED_MAX);
	catalogs->logged_cnt = 0;
}

void
vly_catalogs_apply(struct vly_catalogs *catalogs)
{
	if (catalogs->is_applying || !catalogs->config || !catalogs->owners.dirty)
		return;
	uint32_t cnt = dirty_cnt(&catalogs->owners);
	catalogs->batch = (struct vly_member_batch){.done = on_batch_done, .arg = catalogs};
	catalogs->batch.change = calloc(cnt, sizeof(*catalogs->batch.change));
	catalogs->batch_zone = calloc(cnt, sizeof(struct vly_owned_zone *));
	if (!catalogs->batch.change || !catalogs->batch_zone) {
		free(catalogs->batch.change);
		free(catalogs->batch_zone);
		catalogs->batch.change = NULL;
		catalogs->batch_zone = NULL;
		vly_log_error("changes of catalogs are delayed: out of memory");
		return;
	}
	catalogs->is_applying = true;
	for (uint32_t i = 0; i < cnt; i++)
		decide(catalogs, vly_owners_next_dirty(&catalogs->owners));
	if (!catalogs->owners.dirty)
		end_log(catalogs);
	if (catalogs->batch.cnt > 0)
		vly_reloader_change_members(catalogs->reloader, &catalogs->batch);
	else
		end_batch(catalogs);
}

static void
settle_member(struct vly_catalogs *catalogs, struct vly_owned_zone *zone)
{
	const struct vly_served_zones *served = vly_reloader_served(catalogs->reloader);
	const struct vly_served_zone *found = vly_served_zones_find(served, zone->name);

	zone->is_served = found && found->is_member;
	if (!zone->owner) {
		announce(catalogs, zone, false);
		(void)set_zone(zone, &(struct vly_config_zone){0}); /* of the old configuration */
		vly_owners_touch(&catalogs->owners, zone);
		return;
	}
	(void)make_zone(catalogs, zone);
	if (is_servable(zone))
		set_problem(catalogs, zone,
			    found && !zone->is_served ? VLY_MEMBER_CONFIGURED
						      : VLY_MEMBER_NO_PROBLEM);
	if (zone->is_served == !is_servable(zone) || (!found && is_servable(zone)))
		vly_owners_touch(&catalogs->owners, zone);
	if (zone->is_announced || !zone->is_reset)
		announce(catalogs, zone, zone->is_served && is_servable(zone));
}

void
vly_catalogs_settle_members(struct vly_catalogs *catalogs)
{
	catalogs->logged_cnt = 0;
	for (struct vly_owned_zone *zone = catalogs->owners.by_name; zone; zone = zone->hh.next)
		settle_member(catalogs, zone);
}
