/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_rules.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct vly_zone_rules_extra {
	char *name;
	const struct vly_config_zone *zone;
	UT_hash_handle hh;
};

static size_t
place(const struct vly_zone_rules *rules, const char *name)
{
	return XXH3_64bits(name, strlen(name)) & (rules->slot_cnt - 1);
}

static void
put(struct vly_zone_rules *rules, const struct vly_config_zone *zone)
{
	size_t at = place(rules, zone->name);

	while (rules->slot[at] != NULL) /* half of them are empty */
		at = (at + 1) & (rules->slot_cnt - 1);
	rules->slot[at] = zone;
}

int
vly_zone_rules_configure(struct vly_zone_rules *rules, const struct vly_config *config)
{
	size_t cnt = 16;

	free(rules->slot);
	rules->slot_cnt = 0;
	while (cnt < (size_t)config->zone_cnt * 2) /* doubles */
		cnt *= 2;
	rules->slot = calloc(cnt, sizeof(struct vly_config_zone *));
	if (rules->slot == NULL)
		return -1;
	rules->slot_cnt = cnt;
	for (unsigned i = 0; i < config->zone_cnt; i++)
		put(rules, &config->zones[i]);
	return 0;
}

int
vly_zone_rules_add(struct vly_zone_rules *rules, const struct vly_config_zone *zone)
{
	struct vly_zone_rules_extra *extra;

	HASH_FIND_STR(rules->extra, zone->name, extra);
	if (extra != NULL) {
		extra->zone = zone;
		return 0;
	}
	extra = calloc(1, sizeof(*extra));
	if (extra == NULL || (extra->name = strdup(zone->name)) == NULL) {
		free(extra);
		return -1;
	}
	extra->zone = zone;
	HASH_ADD_KEYPTR(hh, rules->extra, extra->name, strlen(extra->name), extra);
	if (extra->hh.tbl != NULL)
		return 0;
	free(extra->name);
	free(extra);
	return -1;
}

static void
drop(struct vly_zone_rules *rules, struct vly_zone_rules_extra *extra)
{
	HASH_DEL(rules->extra, extra);
	free(extra->name);
	free(extra);
}

void
vly_zone_rules_remove(struct vly_zone_rules *rules, const char *name)
{
	struct vly_zone_rules_extra *extra;

	HASH_FIND_STR(rules->extra, name, extra);
	if (extra != NULL)
		drop(rules, extra);
}

const struct vly_config_zone *
vly_zone_rules_find(const struct vly_zone_rules *rules, const char *name)
{
	struct vly_zone_rules_extra *extra;

	HASH_FIND_STR(rules->extra, name, extra);
	if (extra != NULL)
		return extra->zone;
	if (rules->slot_cnt == 0)
		return NULL;
	for (size_t at = place(rules, name); rules->slot[at] != NULL;
	     at = (at + 1) & (rules->slot_cnt - 1))
		if (strcmp(rules->slot[at]->name, name) == 0)
			return rules->slot[at];
	return NULL;
}

void
vly_zone_rules_free(struct vly_zone_rules *rules)
{
	struct vly_zone_rules_extra *extra, *next;

	HASH_ITER(hh, rules->extra, extra, next)
	drop(rules, extra);
	free(rules->slot);
	*rules = (struct vly_zone_rules){0};
}
