/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "living_parts.h"
#include "living_whole.h"

static void
submit(struct vly_living *living, struct vly_living_request *request, bool needs_complete)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, request->zone);

	request->prepare = NULL;
	request->part = NULL;
	if (!zone || !zone->stack) {
		vly_living_turn_down(living, request, VLY_LIVING_NO_ZONE,
				     "the zone is not a living zone, or it has not been loaded");
		return;
	}
	if (needs_complete)
		atomic_store(&zone->needs_complete, true);
	zone->request_cnt++;
	vly_living_submit_internal(living, zone, request);
}

void
vly_living_renew(struct vly_living *living, struct vly_living_request *request)
{
	request->is_renewal = true;
	submit(living, request, !request->is_answered);
}

void
vly_living_renew_later(struct vly_living *living, const char *name, const char *reason)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, name);

	if (!zone || !zone->stack)
		return;
	zone->is_renewed_later = true;
	vly_living_fall_behind(living, zone, reason);
}

void
vly_living_answer_ahead(struct vly_living *living, struct vly_living_request *request)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, request->zone);

	if (zone) /* a renewal behind this one would withdraw it */
		zone->is_renewed_later = false;
	request->is_ahead = true;
	submit(living, request, false);
}

void
vly_living_set_expired(struct vly_living *living, const char *name, bool is_expired)
{
	struct vly_living_zone *zone = vly_living_find_zone(living, name);

	if (zone)
		atomic_store(&zone->is_expired, is_expired);
}

void
vly_living_on_change(struct vly_living *living,
		     void (*fn)(void *arg, const char *zone, uint32_t serial), void *arg)
{
	if (living->hook_cnt == VLY_LIVING_HOOKS_MAX)
		return;
	living->hook[living->hook_cnt].fn = fn;
	living->hook[living->hook_cnt].arg = arg;
	living->hook_cnt++;
}

void
vly_living_call_hooks(const struct vly_living *living, const struct vly_living_request *request)
{
	for (unsigned i = 0; i < living->hook_cnt; i++)
		living->hook[i].fn(living->hook[i].arg, request->living_zone->name,
				   request->result.serial);
	if (request->may_alias && living->on_alias)
		living->on_alias(living->alias_arg, request->living_zone->name, true);
}

void
vly_living_on_alias(struct vly_living *living,
		    void (*fn)(void *arg, const char *zone, bool has_alias), void *arg)
{
	living->on_alias = fn;
	living->alias_arg = arg;
}
