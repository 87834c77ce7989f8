/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks of pools: each member gets one for each of its addresses. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_parts.h"

struct reading {
	struct vly_config_findings *findings;
	const struct vly_config_health *health;
	struct vly_config_names named; /* health.checks, by name */
	struct vly_config_names ids;   /* of all checks */
	unsigned id_cnt;
	char (*named_id)[VLY_HEALTH_ID_BYTES]; /* [health->check_cnt] */
};

/* The words of a check, and where they stand. */
struct words {
	const struct vly_config_check *check;
	const char *path; /* such as "steer.pools[3].check" */
	bool is_bad;      /* and that was reported: once is enough for all members of a pool */
};

static void
find_at(struct vly_config_findings *findings, const char *path, const char *key, const char *why)
{
	char place[VLY_CONFIG_PATH_BYTES];

	snprintf(place, sizeof(place), "%.300s%s%.60s", path, *key ? "." : "", key);
	vly_config_find(findings, place, 0, "%s", why);
}

static bool
stands_alone(const struct vly_config_check *words)
{
	bool others = words->type || words->command_cnt > 0;

	for (unsigned i = 0; i < VLY_HEALTH_NUMBER_CNT; i++)
		others |= words->number[i] != NULL;
	for (unsigned i = 0; i < VLY_HEALTH_TEXT_CNT; i++)
		others |= words->text[i] != NULL;
	return !others;
}

/* Returns the check of health.checks that is meant; NULL: none, which is reported. */
static const struct vly_health_check *
find_named(struct reading *reading, const struct words *words)
{
	const struct vly_config_check *named =
		vly_config_names_find(&reading->named, words->check->use);

	if (!stands_alone(words->check))
		find_at(reading->findings, words->path, "",
			"use must stand alone: the check that it names has all other keys");
	else if (!named)
		find_at(reading->findings, words->path, "use",
			"there is no check of this name in health.checks");
	else
		return &reading->health->read[named - reading->health->checks];
	return NULL;
}

/* Takes a check over. */
static void
add(struct reading *reading, struct vly_config_steer_member *member, struct vly_health_check *check,
    bool is_named)
{
	struct vly_config_steer_check *added = &member->checks[member->check_cnt];

	added->check = *check;
	added->is_named = is_named;
	if (!vly_health_check_id(check, added->id)) {
		vly_config_find(reading->findings, "steer.pools", 0, "out of memory");
	} else if (member->check_cnt == 0 || strcmp(added->id, member->checks[0].id) != 0) {
		reading->id_cnt += vly_config_names_add(&reading->ids, added->id, added);
		member->check_cnt++;
		return;
	}
	vly_health_check_clear(&added->check); /* a check without an address is the same for both */
}

/* What is wrong with the check of a member: it is the member's address, or something of the words. */
static void
blame(struct reading *reading, const struct vly_config_steer_member *member, const char *path,
      struct words *words, const char *key, const char *why)
{
	const bool is_address = strcmp(key, "address") == 0;

	if (is_address && member->address) {
		find_at(reading->findings, path, key, why);
	} else if (is_address && !words->check->text[VLY_HEALTH_TEXT_ADDRESS]) {
		find_at(reading->findings, path, "",
			"its check needs A, AAAA or address: there is nothing to be checked");
	} else {
		find_at(reading->findings, words->path, key, why);
		words->is_bad = true;
	}
}

/* The addresses of its records. Returns how many there are. */
static unsigned
addresses_of(const struct vly_config_steer_member *member,
	     char address[VLY_STEER_CHECKS_MAX][INET6_ADDRSTRLEN])
{
	const struct vly_config_steer_record *ipv4 = &member->record[VLY_STEER_A];
	const struct vly_config_steer_record *ipv6 = &member->record[VLY_STEER_AAAA];
	unsigned cnt = 0;

	if (ipv4->data && ipv4->len == 4)
		inet_ntop(AF_INET, ipv4->data, address[cnt++], INET6_ADDRSTRLEN);
	if (ipv6->data && ipv6->len == 16)
		inet_ntop(AF_INET6, ipv6->data, address[cnt++], INET6_ADDRSTRLEN);
	return cnt;
}

static void
read_words(struct reading *reading, struct vly_config_steer_member *member, const char *path,
	   struct words *words)
{
	char address[VLY_STEER_CHECKS_MAX][INET6_ADDRSTRLEN];
	struct vly_config_check mine = *words->check;
	struct vly_health_check check;
	char why[VLY_HEALTH_WHY_BYTES];
	const char *key;

	if (member->address)
		mine.text[VLY_HEALTH_TEXT_ADDRESS] = member->address;
	unsigned cnt = addresses_of(member, address);
	const bool has_none = cnt == 0;
	if (has_none || mine.text[VLY_HEALTH_TEXT_ADDRESS])
		cnt = 1;
	for (unsigned i = 0; i < cnt; i++) {
		if (vly_config_check_read(&mine, has_none ? NULL : address[i], &check, &key, why) <
		    0) {
			blame(reading, member, path, words, key, why);
			return;
		}
		add(reading, member, &check, false);
	}
}

static void
read_named(struct reading *reading, struct vly_config_steer_member *member, const char *path,
	   struct words *words)
{
	const struct vly_health_check *named = find_named(reading, words);
	struct vly_health_check check;

	words->is_bad = !named;
	if (!named)
		return;
	if (member->address)
		find_at(reading->findings, path, "address",
			"must not be given: the check that `use` names has an address of its own");
	if (!named->args)
		return; /* it is bad itself, and was reported */
	if (vly_health_check_copy(named, &check))
		add(reading, member, &check, true);
	else
		vly_config_find(reading->findings, "steer.pools", 0, "out of memory");
}

static void
read_member(struct reading *reading, struct vly_config_steer_member *member, const char *path,
	    struct words *of_pool)
{
	char own_path[VLY_CONFIG_PATH_BYTES];
	struct words own = {member->check, own_path, false};
	struct words *words = member->check ? &own : of_pool;

	snprintf(own_path, sizeof(own_path), "%.100s.check", path);
	if (!words->check && member->address)
		find_at(reading->findings, path, "address",
			"is of use with a check only, and neither the member nor its pool has one");
	if (!words->check || words->is_bad)
		return;
	for (unsigned type = VLY_STEER_A; type <= VLY_STEER_AAAA; type++)
		if (member->text[type] && !member->record[type].data)
			return; /* it was reported */
	member->checks = calloc(VLY_STEER_CHECKS_MAX, sizeof(*member->checks));
	if (!member->checks)
		vly_config_find(reading->findings, "steer.pools", 0, "out of memory");
	else if (words->check->use)
		read_named(reading, member, path, words);
	else
		read_words(reading, member, path, words);
}

static void
read_pools(struct reading *reading, struct vly_config_steer *steer)
{
	char path[100];
	char member_path[100];

	for (unsigned i = 0; i < steer->pool_cnt; i++) {
		struct vly_config_steer_pool *pool = &steer->pools[i];
		struct words words = {pool->check, path, false};
		snprintf(path, sizeof(path), "steer.pools[%u].check", i);
		for (unsigned n = 0; n < pool->member_cnt; n++) {
			snprintf(member_path, sizeof(member_path), "steer.pools[%u].members[%u]", i,
				 n);
			read_member(reading, &pool->members[n], member_path, &words);
		}
	}
	if (reading->id_cnt > VLY_HEALTH_CHECKS_MAX)
		vly_config_find(reading->findings, "steer.pools", 0,
				"have, with health.checks, %u different checks: %u are the most",
				reading->id_cnt, VLY_HEALTH_CHECKS_MAX);
}

/* Returns 0, or -1 without memory. */
static int
note_named(struct reading *reading)
{
	const struct vly_config_health *health = reading->health;

	for (unsigned i = 0; i < health->check_cnt; i++) {
		char *id = reading->named_id[i];
		vly_config_names_add(&reading->named, health->checks[i].name, &health->checks[i]);
		if (!health->read[i].args)
			continue; /* it is bad */
		if (!vly_health_check_id(&health->read[i], id))
			return -1;
		reading->id_cnt += vly_config_names_add(&reading->ids, id, id);
	}
	return 0;
}

static unsigned
count_room(const struct vly_config_steer *steer, const struct vly_config_health *health)
{
	unsigned cnt = health->check_cnt;

	for (unsigned i = 0; i < steer->pool_cnt; i++)
		cnt += steer->pools[i].member_cnt * VLY_STEER_CHECKS_MAX;
	return cnt;
}

void
vly_config_steer_read_checks(struct vly_config_steer *steer, const struct vly_config_health *health,
			     struct vly_config_findings *findings)
{
	struct reading reading = {.findings = findings, .health = health};

	if (!health->read)
		return; /* without memory, which was reported */
	reading.named_id = calloc(health->check_cnt + 1, sizeof(*reading.named_id));
	if (!reading.named_id || vly_config_names_begin(&reading.named, health->check_cnt) != 0 ||
	    vly_config_names_begin(&reading.ids, count_room(steer, health)) != 0 ||
	    note_named(&reading) != 0)
		vly_config_find(findings, "steer.pools", 0, "out of memory");
	else
		read_pools(&reading, steer);
	vly_config_names_free(&reading.named);
	vly_config_names_free(&reading.ids);
	free(reading.named_id);
}
