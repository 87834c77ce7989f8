/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Maps, client subnets, pools and their members: words become numbers and records. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"
#include "zone/rdata.h"
#include "zone/rdata_read.h"

static const char *const pick_words[] = {
	[VLY_STEER_PICK_WEIGHTED] = "weighted",
	[VLY_STEER_PICK_ROTATE] = "rotate",
	[VLY_STEER_PICK_STICKY] = "sticky",
	[VLY_STEER_PICK_ALL] = "all",
};
#define PICK_CNT (sizeof(pick_words) / sizeof(pick_words[0]))

/* They stand in commands as POOL/MEMBER, and in files. */
static bool
is_name(const char *text)
{
	size_t len =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len < VLY_STEER_NAME_BYTES && text[len] == '\0';
}

#define NAME_TEXT "must be 1 to 63 letters, digits, points, dashes or underscores"

static void
read_ecs(struct vly_config_steer_ecs *ecs, struct vly_config_findings *findings)
{
	char reason[VLY_PREFIX_REASON_BYTES];
	struct vly_prefix_rule rule;

	ecs->is_on = strcmp(ecs->mode, "on") == 0;
	if (!ecs->is_on && strcmp(ecs->mode, "off") != 0)
		vly_config_find(findings, "steer.ecs.mode", 0, "must be on or off");
	for (unsigned i = 0; i < ecs->resolver_cnt; i++) {
		if (vly_prefix_parse(ecs->resolvers[i], &rule, reason))
			vly_config_find(findings, "steer.ecs.resolvers[%u]", i, "%s", reason);
		else if (vly_prefix_list_add(&ecs->allowed, &rule) < 0)
			vly_config_find(findings, "steer.ecs.resolvers[%u]", i, "out of memory");
	}
}

static void
check_map(const struct vly_config_steer_map *map, unsigned idx,
	  struct vly_config_findings *findings)
{
	static const char *const kinds[] = {"country", "continent", "subdivision", "asn"};
	bool known = false;

	for (size_t i = 0; map->by && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		known |= strcmp(map->by, kinds[i]) == 0;
	if (!is_name(map->name))
		vly_config_find(findings, "steer.maps[%u].name", idx, NAME_TEXT);
	if (!map->mmdb == !map->file)
		vly_config_find(findings, "steer.maps[%u]", idx,
				"one of mmdb and file must be given");
	if (map->mmdb && !known)
		vly_config_find(findings, map->by ? "steer.maps[%u].by" : "steer.maps[%u]", idx,
				"%sby must be country, continent, subdivision or asn",
				map->by ? "" : "a database needs by: ");
	if (map->file && map->by)
		vly_config_find(findings, "steer.maps[%u].by", idx,
				"is of use with mmdb only: a file names its regions itself");
}

static void
check_maps(const struct vly_config_steer *steer, struct vly_config_findings *findings)
{
	struct vly_config_names names;

	if (vly_config_names_begin(&names, steer->map_cnt) != 0) {
		vly_config_find(findings, "steer.maps", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < steer->map_cnt; i++) {
		check_map(&steer->maps[i], i, findings);
		if (!vly_config_names_add(&names, steer->maps[i].name, &steer->maps[i]))
			vly_config_find(findings, "steer.maps[%u].name", i, "duplicate map: %.63s",
					steer->maps[i].name);
	}
	vly_config_names_free(&names);
}

/* Reads data as a zone file has it. Returns NULL, or why it is none. */
static const char *
read_record(enum vly_steer_type type, const char *text, struct vly_config_steer_record *record,
	    char *why, size_t why_bytes)
{
	static const uint8_t root[1];
	uint8_t *data = malloc(VLY_RDATA_BYTES_MAX);
	struct vly_lexed lexed = {0};
	int len = -1;

	snprintf(why, why_bytes, "must be the data of one %s record", vly_steer_type_name[type]);
	if (data && vly_lex(&lexed, text, text + strlen(text)) == 1 &&
	    lexed.end == text + strlen(text))
		len = vly_rdata_read(vly_steer_rr_type[type], lexed.token, lexed.cnt, root, data,
				     why, why_bytes);
	if (len >= 0 && !vly_rdata_is_sound(vly_steer_rr_type[type], data, (unsigned)len))
		len = -1;
	vly_lexed_free(&lexed);
	if (len >= 0) {
		uint8_t *fitting = realloc(data, (size_t)len + 1);
		record->data = fitting ? fitting : data;
		record->len = (uint16_t)len;
		return NULL;
	}
	free(data);
	return why;
}

static void
read_member(struct vly_config_steer_member *member, const char *path,
	    struct vly_config_findings *findings)
{
	char place[VLY_CONFIG_PATH_BYTES];
	char why[200];
	uint64_t weight = 0;
	unsigned cnt = 0;

	snprintf(place, sizeof(place), "%.400s.name", path);
	if (!is_name(member->name))
		vly_config_find(findings, place, 0, NAME_TEXT);
	snprintf(place, sizeof(place), "%.400s.weight", path);
	if (!vly_config_number_read(member->weight, vly_config_no_units, 1, VLY_STEER_WEIGHT_MAX,
				    &weight))
		vly_config_find(findings, place, 0, "must be a number from 1 to %u",
				VLY_STEER_WEIGHT_MAX);
	member->weight_number = (uint32_t)weight;
	for (unsigned type = 0; type < VLY_STEER_TYPE_CNT; type++) {
		if (!member->text[type])
			continue;
		cnt++;
		snprintf(place, sizeof(place), "%.400s.%s", path, vly_steer_type_name[type]);
		const char *reason = read_record(type, member->text[type], &member->record[type],
						 why, sizeof(why));
		if (reason)
			vly_config_find(findings, place, 0, "%s", reason);
	}
	if (cnt == 0)
		vly_config_find(findings, path, 0,
				"one of A, AAAA, CNAME, MX, SRV, HTTPS and TXT must be given");
	if (member->text[VLY_STEER_CNAME] && cnt > 1)
		vly_config_find(findings, path, 0,
				"CNAME must stand alone: a name with it has "
				"nothing else");
}

static void
read_members(struct vly_config_steer_pool *pool, unsigned idx, struct vly_config_findings *findings)
{
	struct vly_config_names names;
	char path[100];

	if (pool->member_cnt > VLY_STEER_MEMBERS_MAX) {
		vly_config_find(findings, "steer.pools[%u].members", idx,
				"must not be more than %u", VLY_STEER_MEMBERS_MAX);
		return;
	}
	if (vly_config_names_begin(&names, pool->member_cnt) != 0) {
		vly_config_find(findings, "steer.pools", 0, "out of memory");
		return;
	}
	for (unsigned i = 0; i < pool->member_cnt; i++) {
		snprintf(path, sizeof(path), "steer.pools[%u].members[%u]", idx, i);
		read_member(&pool->members[i], path, findings);
		if (!vly_config_names_add(&names, pool->members[i].name, &pool->members[i]))
			vly_config_find(findings, path, 0, "duplicate member: %.63s",
					pool->members[i].name);
	}
	vly_config_names_free(&names);
}

/* How many members are in an answer. */
static void
read_max(struct vly_config_steer_pool *pool, unsigned idx, struct vly_config_findings *findings)
{
	uint64_t max = pool->pick_id == VLY_STEER_PICK_ALL ? VLY_STEER_SET_MEMBERS_MAX : 1;

	if (pool->max && !vly_config_number_read(pool->max, vly_config_no_units, 1,
						 VLY_STEER_SET_MEMBERS_MAX, &max))
		vly_config_find(findings, "steer.pools[%u].max", idx,
				"must be a number from 1 to %u", VLY_STEER_SET_MEMBERS_MAX);
	pool->answer_max = (unsigned)max;
	if (max > 1 && pool->member_cnt > VLY_STEER_SET_MEMBERS_MAX)
		vly_config_find(
			findings, "steer.pools[%u].members", idx,
			"must not be more than %u when an answer has several (pick: all, or "
			"max above 1)",
			VLY_STEER_SET_MEMBERS_MAX);
}

static void
read_pool(struct vly_config_steer_pool *pool, unsigned idx, struct vly_config_findings *findings)
{
	uint64_t number = 0;
	size_t pick = 0;

	if (!is_name(pool->name))
		vly_config_find(findings, "steer.pools[%u].name", idx, NAME_TEXT);
	while (pick < PICK_CNT && strcmp(pool->pick, pick_words[pick]) != 0)
		pick++;
	if (pick == PICK_CNT)
		vly_config_find(findings, "steer.pools[%u].pick", idx,
				"must be weighted, rotate, sticky or all");
	pool->pick_id = pick < PICK_CNT ? (enum vly_steer_pick)pick : VLY_STEER_PICK_WEIGHTED;
	if (!vly_config_number_read(pool->min, vly_config_no_units, 1, pool->member_cnt, &number))
		vly_config_find(findings, "steer.pools[%u].min", idx,
				"must be a number from 1 to %u, the members of the pool",
				pool->member_cnt);
	pool->min_up = (unsigned)number;
	read_max(pool, idx, findings);
	if (!vly_config_number_read(pool->sticky4, vly_config_no_units, 0, 32, &number))
		vly_config_find(findings, "steer.pools[%u].sticky-ipv4", idx,
				"must be a number of bits from 0 to 32");
	pool->sticky4_bits = (uint8_t)number;
	if (!vly_config_number_read(pool->sticky6, vly_config_no_units, 0, 128, &number))
		vly_config_find(findings, "steer.pools[%u].sticky-ipv6", idx,
				"must be a number of bits from 0 to 128");
	pool->sticky6_bits = (uint8_t)number;
	read_members(pool, idx, findings);
}

void
vly_config_steer_read(struct vly_config_steer *steer, struct vly_config_findings *findings)
{
	if (steer->pool_cnt > VLY_STEER_POOLS_MAX || steer->policy_cnt > VLY_STEER_POOLS_MAX) {
		vly_config_find(findings,
				steer->pool_cnt > VLY_STEER_POOLS_MAX ? "steer.pools"
								      : "steer.policies",
				0, "must not be more than %u", VLY_STEER_POOLS_MAX);
		return;
	}
	read_ecs(steer->ecs, findings);
	check_maps(steer, findings);
	for (unsigned i = 0; i < steer->pool_cnt; i++)
		read_pool(&steer->pools[i], i, findings);
	for (unsigned i = 0; i < steer->policy_cnt; i++)
		if (!is_name(steer->policies[i].name))
			vly_config_find(findings, "steer.policies[%u].name", i, NAME_TEXT);
}
