/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An attempt to resolve the target of an ALIAS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "alias_parts.h"

/* Names that can't be resolved because of the configuration: a change of that begins at once. */
#define REFUSED_PAUSE_MS 600000

static uint32_t
random_number(void)
{
	uint32_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint32_t)time(NULL);
	return number;
}

void
vly_alias_forget_deps(struct vly_aliases *aliases, struct vly_alias *alias)
{
	while (alias->dep_cnt > 0) {
		struct vly_alias_zone *zone = alias->dep[--alias->dep_cnt];
		zone->dep_cnt--;
		vly_alias_zone_leave(aliases, zone);
	}
}

static bool
add_dep(struct vly_aliases *aliases, struct vly_alias *alias, const char *zone)
{
	struct vly_alias_zone *dep = vly_alias_zone_get(aliases, zone);

	for (unsigned i = 0; i < alias->dep_cnt; i++)
		if (alias->dep[i] == dep)
			return true;
	if (dep == NULL || alias->dep_cnt == VLY_ALIAS_DEPS_MAX)
		return false;
	alias->dep[alias->dep_cnt++] = dep;
	dep->dep_cnt++;
	return true;
}

/* The text of the longest suffix of a name that is a zone of ours; NULL: there is none. */
static const char *
own_zone(const struct vly_aliases *aliases, const uint8_t *name, char text[VLY_DOMAIN_TEXT_BYTES],
	 enum vly_alias_served *served)
{
	char spelled[VLY_DOMAIN_TEXT_BYTES];

	for (unsigned at = 0;; at += name[at] + 1u) {
		if (vly_domain_canonical(vly_domain_text(name + at, spelled), text) == NULL) {
			*served =
				aliases->settings.find_zone(aliases->settings.find_zone_arg, text);
			if (*served != VLY_ALIAS_NOT_SERVED)
				return text;
		}
		if (name[at] == 0)
			return NULL;
	}
}

/* Whether the ALIAS records that the target has in zones of ours lead back to this one: addresses would go
 * round for ever. */
static bool
is_circle(const struct vly_aliases *aliases, const struct vly_alias *alias)
{
	const struct vly_alias *at = alias;

	for (unsigned i = 0; i < VLY_ALIAS_HOPS_MAX; i++) {
		char zone[VLY_DOMAIN_TEXT_BYTES];
		char key[2 * VLY_DOMAIN_TEXT_BYTES];
		uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES] = {0};
		enum vly_alias_served served;
		(void)vly_domain_wire(at->target, wire);
		if (own_zone(aliases, wire, zone, &served) == NULL)
			return false;
		snprintf(key, sizeof(key), "%s %s", zone, at->target);
		HASH_FIND_STR(aliases->by_key, key, at);
		if (at == NULL)
			return false;
		if (at == alias)
			return true;
	}
	return true; /* as long as a circle */
}

/* The target itself need not have the ALIAS: a CNAME or a wildcard leads to it. Only an attempt that has followed them
 * knows. */
bool
vly_alias_is_round(const struct vly_aliases *aliases, const struct vly_alias *alias)
{
	const struct vly_alias *at = alias;

	for (unsigned i = 0; i < VLY_ALIAS_HOPS_MAX; i++) {
		const char *key = at->source;
		if (key == NULL)
			return false;
		HASH_FIND_STR(aliases->by_key, key, at);
		if (at == NULL)
			return false;
		if (at == alias)
			return true;
	}
	return true; /* as long as a circle */
}

void
vly_alias_go_on(struct vly_aliases *aliases, struct vly_alias *alias)
{
	char why[VLY_ALIAS_WHY_BYTES];
	char zone[VLY_DOMAIN_TEXT_BYTES];
	enum vly_alias_served served;

	if (own_zone(aliases, alias->name, zone, &served) == NULL) {
		vly_alias_ask_later(aliases, alias);
	} else if (!add_dep(aliases, alias, zone)) {
		vly_alias_fail(aliases, alias, "the target leads through too many zones");
	} else if (served == VLY_ALIAS_SERVED_FILE) {
		snprintf(
			why, sizeof(why),
			"the target is in zone %.80s, which is served here but does not live: give "
			"it living: true",
			zone);
		vly_alias_fail(aliases, alias, why);
	} else if (++alias->hop_cnt > VLY_ALIAS_HOPS_MAX) {
		vly_alias_fail(aliases, alias, "the target leads through too many CNAME records");
	} else {
		vly_alias_hop_later(aliases, alias);
	}
}

void
vly_alias_begin(struct vly_aliases *aliases, struct vly_alias *alias)
{
	vly_timer_clear(&aliases->heap, &alias->timer);
	alias->next_s = 0;
	if (alias->step != VLY_ALIAS_IDLE) {
		alias->is_again = true;
		return;
	}
	vly_alias_forget_deps(aliases, alias);
	alias->hop_cnt = 0;
	alias->is_outside = false;
	alias->is_again = false;
	alias->name_len = (uint8_t)vly_domain_wire(alias->target, alias->name);
	if (is_circle(aliases, alias)) {
		char zone[VLY_DOMAIN_TEXT_BYTES];
		enum vly_alias_served served;
		if (own_zone(aliases, alias->name, zone, &served) != NULL)
			(void)add_dep(aliases, alias, zone);
		vly_alias_fail(aliases, alias, "the ALIAS leads back to itself");
	} else {
		vly_alias_go_on(aliases, alias);
	}
}

/* Sets the time of the next attempt. Without a name elsewhere a change of a zone begins it, unless this
 * one has failed. */
static void
finish(struct vly_aliases *aliases, struct vly_alias *alias, const struct vly_alias_plan *plan,
       bool has_failed)
{
	alias->step = VLY_ALIAS_IDLE;
	alias->is_tried = true;
	aliases->resolved_cnt++;
	aliases->failed_cnt += has_failed;
	if (alias->is_removed)
		return;
	if (alias->is_outside || has_failed)
		vly_alias_set_timer(aliases, alias, plan->pause_ms);
	vly_alias_note_put(aliases, alias);
	if (alias->is_again)
		vly_alias_begin(aliases, alias);
}

void
vly_alias_fail(struct vly_aliases *aliases, struct vly_alias *alias, const char *why)
{
	struct vly_alias_plan plan =
		vly_alias_plan_next(&alias->past, &aliases->policy, VLY_ALIAS_FAILED, 0,
				    (uint64_t)time(NULL), random_number());

	/* nothing but a change of the configuration or of a zone helps */
	if (alias->step == VLY_ALIAS_IDLE)
		plan.pause_ms = REFUSED_PAUSE_MS;
	vly_alias_set_trouble(alias, why);
	finish(aliases, alias, &plan, true);
}

static enum vly_alias_outcome
judge(const struct vly_alias_found found[VLY_ALIAS_FAMILIES], uint32_t *ttl_s, const char **why)
{
	bool has_failed = false;
	bool is_good = false;

	*ttl_s = UINT32_MAX;
	*why = NULL;
	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		is_good |= found[i].outcome == VLY_ALIAS_GOOD;
		if (found[i].outcome == VLY_ALIAS_FAILED) {
			has_failed = true;
			*why = found[i].why;
		}
		if (found[i].outcome == VLY_ALIAS_GOOD && found[i].ttl_s < *ttl_s)
			*ttl_s = found[i].ttl_s;
	}
	return has_failed ? VLY_ALIAS_FAILED : is_good ? VLY_ALIAS_GOOD : VLY_ALIAS_MISSING;
}

/* What is known of one family is taken even if the other one has failed. */
static void
take(struct vly_aliases *aliases, struct vly_alias *alias,
     const struct vly_alias_found found[VLY_ALIAS_FAMILIES], const struct vly_alias_plan *plan)
{
	struct vly_alias_wanted wanted = {0};
	bool takes = false;

	for (unsigned i = 0; i < VLY_ALIAS_FAMILIES; i++) {
		const bool is_good = found[i].outcome == VLY_ALIAS_GOOD;
		wanted.takes[i] = is_good || plan->drops ||
				  (plan->replaces && found[i].outcome == VLY_ALIAS_MISSING);
		if (is_good)
			wanted.set[i] = found[i].set;
		takes |= wanted.takes[i];
	}
	if (takes)
		vly_alias_want(aliases, alias, &wanted);
}

static const char *
missing_text(const struct vly_aliases *aliases, const struct vly_alias *alias, bool is_no_name,
	     bool drops, char text[VLY_ALIAS_WHY_BYTES])
{
	const char *what = is_no_name ? "the target does not exist" : "the target has no addresses";
	const bool has_any = alias->kept[0].cnt > 0 || alias->kept[1].cnt > 0;

	if (drops || !has_any)
		snprintf(text, VLY_ALIAS_WHY_BYTES, "%s", what);
	else
		snprintf(text, VLY_ALIAS_WHY_BYTES,
			 "%s; the last ones are kept for %u s in all (alias.keep-missing)", what,
			 aliases->policy.keep_missing_s);
	return text;
}

void
vly_alias_end(struct vly_aliases *aliases, struct vly_alias *alias,
	      const struct vly_alias_found found[VLY_ALIAS_FAMILIES])
{
	char text[VLY_ALIAS_WHY_BYTES];
	struct vly_alias_policy policy = aliases->policy;
	const char *why;
	uint32_t ttl_s;
	const enum vly_alias_outcome outcome = judge(found, &ttl_s, &why);

	if (!alias->is_outside)
		policy.keep_missing_s = 0; /* we know, and nobody can be wrong about it */
	const struct vly_alias_plan plan = vly_alias_plan_next(
		&alias->past, &policy, outcome, ttl_s, (uint64_t)time(NULL), random_number());
	if (outcome != VLY_ALIAS_FAILED)
		alias->is_missing = outcome == VLY_ALIAS_MISSING;
	if (outcome == VLY_ALIAS_MISSING)
		why = missing_text(aliases, alias, found[0].is_no_name || found[1].is_no_name,
				   plan.drops, text);
	vly_alias_set_trouble(alias, why);
	take(aliases, alias, found, &plan);
	finish(aliases, alias, &plan, outcome == VLY_ALIAS_FAILED);
}
