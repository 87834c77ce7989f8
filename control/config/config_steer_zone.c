/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `steer` of a zone: names, types and their policies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "zone/domain.h"
#include "zone/token.h"

struct reading {
	const struct vly_config_steer *steer;
	const struct vly_config_zone *zone;
	struct vly_config_findings *findings;
	struct vly_config_names policies;
	unsigned zone_idx;
	unsigned at; /* the entry at hand */
	bool can_check;
};

static void
find_at(struct reading *reading, const char *member, const char *text, const char *word)
{
	char path[VLY_CONFIG_PATH_BYTES];

	snprintf(path, sizeof(path), "zones[%u].steer[%u]%s", reading->zone_idx, reading->at,
		 member);
	vly_config_find(reading->findings, path, 0, text, word);
}

static bool
is_below(const uint8_t *name, unsigned len, const uint8_t *apex, unsigned apex_len)
{
	unsigned at = 0;

	while (len - at > apex_len)
		at += 1u + name[at];
	return len - at == apex_len && memcmp(name + at, apex, apex_len) == 0;
}

static void
read_name(struct reading *reading, struct vly_config_steer_name *entry)
{
	const struct vly_token token = {.text = entry->name, .len = (uint32_t)strlen(entry->name)};
	uint8_t apex[VLY_NAME_BYTES_MAX];
	uint8_t wire[VLY_NAME_BYTES_MAX];
	const char *why = NULL;
	const unsigned apex_len = vly_domain_wire(reading->zone->name, apex);
	const unsigned len = vly_token_name(&token, apex, wire, &why);

	for (unsigned i = 0; i < len; i++) /* lengths of labels are below 'A' */
		wire[i] = (uint8_t)(wire[i] >= 'A' && wire[i] <= 'Z' ? wire[i] + 32 : wire[i]);
	if (len == 0)
		find_at(reading, ".name", "%s", why);
	else if (!is_below(wire, len, apex, apex_len))
		find_at(reading, ".name", "%.255s is not in the zone", entry->name);
	entry->wire = malloc(len + 1u);
	entry->wire_len = (uint8_t)len;
	if (entry->wire)
		memcpy(entry->wire, wire, len);
	else
		find_at(reading, ".name", "out of memory", "");
}

static void
read_types(struct reading *reading, struct vly_config_steer_name *entry)
{
	char member[32];

	for (unsigned i = 0; i < entry->type_cnt; i++) {
		unsigned type = 0;
		snprintf(member, sizeof(member), ".types[%u]", i);
		while (type < VLY_STEER_TYPE_CNT &&
		       strcmp(entry->types[i], vly_steer_type_name[type]) != 0)
			type++;
		if (type == VLY_STEER_TYPE_CNT)
			find_at(reading, member, "must be A, AAAA, CNAME, MX, SRV, HTTPS or TXT",
				"");
		else if (memchr(entry->type, (int)type, entry->read_cnt))
			find_at(reading, member, "%s is listed twice", entry->types[i]);
		else
			entry->type[entry->read_cnt++] = (uint8_t)type;
	}
	bool has_cname = memchr(entry->type, VLY_STEER_CNAME, entry->read_cnt) != NULL;
	if (has_cname && entry->type_cnt > 1)
		find_at(reading, ".types", "CNAME must stand alone: it answers for all types", "");
	if (has_cname && entry->wire_len == vly_domain_wire(reading->zone->name,
							    (uint8_t[VLY_NAME_BYTES_MAX]){0}))
		find_at(reading, ".types", "CNAME can't be at the zone's own name", "");
}

enum { SUPPLY_UNKNOWN, SUPPLY_GOOD, SUPPLY_NONE, SUPPLY_TOO_MUCH };

/* What a policy has for a type. */
struct supply {
	const struct vly_config_steer *steer;
	uint64_t alternative_cnt;
	enum vly_steer_type type;
	uint8_t *seen; /* [pool_cnt] */
};

static void
count_pool(void *arg, unsigned idx)
{
	struct supply *supply = arg;
	const struct vly_config_steer_pool *pool = &supply->steer->pools[idx];
	unsigned cnt = 0;

	if (supply->seen[idx])
		return;
	supply->seen[idx] = 1;
	for (unsigned i = 0; i < pool->member_cnt; i++)
		cnt += pool->members[i].record[supply->type].data != NULL;
	supply->alternative_cnt += pool->answer_max > 1 ? (UINT64_C(1) << cnt) - 1 : cnt;
}

static uint8_t
look_at_supply(const struct vly_config_steer *steer, unsigned policy_idx, enum vly_steer_type type)
{
	const struct vly_config_steer_policy *policy = &steer->policies[policy_idx];
	struct supply supply = {.steer = steer, .type = type};

	supply.seen = calloc(steer->pool_cnt + 1, 1);
	if (!supply.seen)
		return SUPPLY_NONE;
	if (!vly_config_steer_pools(steer, policy_idx, count_pool, &supply))
		supply.alternative_cnt = 0;
	free(supply.seen);
	if (policy->ttl_steady != policy->ttl_failed_over)
		supply.alternative_cnt *= 2;
	return supply.alternative_cnt == 0                            ? SUPPLY_NONE
	       : supply.alternative_cnt >= VLY_STEER_ALTERNATIVES_MAX ? SUPPLY_TOO_MUCH
								      : SUPPLY_GOOD;
}

/* Whether the policy has records of each type, and not too many. */
static void
check_supply(struct reading *reading, const struct vly_config_steer_name *entry)
{
	struct vly_config_steer_policy *policy = &reading->steer->policies[entry->policy_idx];

	for (unsigned i = 0; i < entry->read_cnt; i++) {
		const enum vly_steer_type type = entry->type[i];
		if (policy->supply[type] == SUPPLY_UNKNOWN)
			policy->supply[type] =
				look_at_supply(reading->steer, entry->policy_idx, type);
		if (policy->supply[type] == SUPPLY_NONE)
			find_at(reading, ".types", "no member of the policy's pools has %s",
				vly_steer_type_name[type]);
		if (policy->supply[type] == SUPPLY_TOO_MUCH)
			find_at(reading, ".policy",
				"the pools of policy %.63s have more members, or sets of members, "
				"than a name has room for (7,999; each counts twice if the TTLs of "
				"steady and failed-over differ)",
				policy->name);
	}
}

static void
read_policy(struct reading *reading, struct vly_config_steer_name *entry)
{
	const struct vly_config_steer_policy *policy =
		vly_config_names_find(&reading->policies, entry->policy);

	if (!policy) {
		find_at(reading, ".policy", "there is no policy %.63s", entry->policy);
		return;
	}
	entry->policy_idx = (unsigned)(policy - reading->steer->policies);
	if (reading->can_check)
		check_supply(reading, entry);
}

static bool
share_type(const struct vly_config_steer_name *a, const struct vly_config_steer_name *b)
{
	for (unsigned i = 0; i < a->read_cnt; i++)
		if (memchr(b->type, a->type[i], b->read_cnt))
			return true;
	return false;
}

static bool
has_cname(const struct vly_config_steer_name *entry)
{
	return memchr(entry->type, VLY_STEER_CNAME, entry->read_cnt) != NULL;
}

/* By name, then as they stand. */
static int
compare_entries(const void *left, const void *right)
{
	const struct vly_config_steer_name *a = *(const struct vly_config_steer_name *const *)left;
	const struct vly_config_steer_name *b = *(const struct vly_config_steer_name *const *)right;
	const unsigned len = a->wire_len < b->wire_len ? a->wire_len : b->wire_len;
	int order = memcmp(a->wire, b->wire, len);

	if (order == 0)
		order = (int)a->wire_len - (int)b->wire_len;
	return order != 0 ? order : (a > b) - (a < b);
}

static bool
have_one_name(const struct vly_config_steer_name *a, const struct vly_config_steer_name *b)
{
	return a->wire_len == b->wire_len && memcmp(a->wire, b->wire, a->wire_len) == 0;
}

/* Entries of one name. */
static void
check_pair(struct reading *reading, const struct vly_config_steer_name *first,
	   const struct vly_config_steer_name *second)
{
	reading->at = (unsigned)(second - reading->zone->steer);
	if (share_type(first, second))
		find_at(reading, ".name", "%.255s has a policy for this type already",
			second->name);
	else if (has_cname(first) || has_cname(second))
		find_at(reading, ".name", "%.255s has CNAME, which must stand alone", second->name);
}

static void
check_twice(struct reading *reading)
{
	const struct vly_config_zone *zone = reading->zone;
	const struct vly_config_steer_name **sorted = calloc(zone->steer_cnt, sizeof(*sorted));

	if (!sorted) {
		vly_config_find(reading->findings, "zones", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < zone->steer_cnt; i++)
		sorted[i] = &zone->steer[i];
	qsort(sorted, zone->steer_cnt, sizeof(*sorted), compare_entries);
	for (unsigned i = 1; i < zone->steer_cnt; i++) /* a name has few entries: types are few */
		for (unsigned n = i;
		     n-- > 0 && i - n <= VLY_STEER_TYPE_CNT && have_one_name(sorted[n], sorted[i]);)
			check_pair(reading, sorted[n], sorted[i]);
	free(sorted);
}

static void
read_zone(struct reading *reading)
{
	const struct vly_config_zone *zone = reading->zone;
	char canonical[VLY_DOMAIN_TEXT_BYTES];

	if (zone->steer_cnt == 0 || !zone->name || vly_domain_canonical(zone->name, canonical))
		return; /* reported by its name */
	for (reading->at = 0; reading->at < zone->steer_cnt; reading->at++) {
		struct vly_config_steer_name *entry = &zone->steer[reading->at];
		read_name(reading, entry);
		read_types(reading, entry);
		read_policy(reading, entry);
	}
	if (reading->findings->total == 0)
		check_twice(reading);
}

void
vly_config_steer_read_zones(struct vly_config *config, bool can_check,
			    struct vly_config_findings *findings)
{
	struct vly_config_steer *steer = config->steer;
	struct reading reading = {.steer = steer, .findings = findings, .can_check = can_check};

	if (vly_config_names_begin(&reading.policies, steer->policy_cnt) != 0) {
		vly_config_find(findings, "steer", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < steer->policy_cnt; i++)
		(void)vly_config_names_add(&reading.policies, steer->policies[i].name,
					   &steer->policies[i]);
	for (reading.zone_idx = 0; reading.zone_idx < config->zone_cnt; reading.zone_idx++) {
		reading.zone = &config->zones[reading.zone_idx];
		read_zone(&reading);
	}
	vly_config_names_free(&reading.policies);
}
