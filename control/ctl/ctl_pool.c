/* SPDX-License-Identifier: GPL-3.0-or-later */
/* volleyctl pool and volleyctl steer. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl.h"

static void
print_pool(json_t *pool)
{
	const uint64_t checked = vly_ctl_number_at(pool, "checked");
	const uint64_t down = vly_ctl_number_at(pool, "check_down");
	const uint64_t unknown = vly_ctl_number_at(pool, "check_unknown");

	printf("%-24s %-8s %llu of %llu up, %s", vly_ctl_text_at(pool, "name"),
	       vly_ctl_text_at(pool, "state"), (unsigned long long)vly_ctl_number_at(pool, "up"),
	       (unsigned long long)vly_ctl_number_at(pool, "members_cnt"),
	       vly_ctl_text_at(pool, "pick"));
	if (checked > 0)
		printf(", checks: %llu up, %llu down",
		       (unsigned long long)(checked - down - unknown), (unsigned long long)down);
	if (unknown > 0)
		printf(", %llu unknown", (unsigned long long)unknown);
	if (down > 0)
		printf(" (%s: %s)", vly_ctl_text_at(pool, "down_member"),
		       vly_ctl_text_at(pool, "down_reason"));
	putchar('\n');
}

/* "    http 192.0.2.1 port 80: up, 3 s ago: status 200"; also while nobody checks it. */
static void
print_check(json_t *check)
{
	const uint64_t last_ms = vly_ctl_number_at(check, "last_ms");
	const char *refused = vly_ctl_text_at(check, "refused");
	const char *reason = vly_ctl_text_at(check, "reason");
	char age[40];

	printf("    %s: %s", vly_ctl_text_at(check, "target"), vly_ctl_text_at(check, "state"));
	if (last_ms > 0)
		printf(", checked %s ago",
		       vly_ctl_age((double)time(NULL) - (double)(last_ms / 1000), age,
				   sizeof(age)));
	printf(": %s%s\n",
	       *refused  ? refused
	       : *reason ? reason
			 : "has not run yet",
	       json_is_true(json_object_get(check, "current")) || *refused || last_ms == 0
		       ? ""
		       : " (last known)");
}

static void
print_records(json_t *member)
{
	const char *type;
	json_t *data;

	json_object_foreach(json_object_get(member, "records"), type, data)
		printf(" %s %s", type, json_string_value(data));
}

static void
print_member(json_t *member)
{
	const uint64_t since_s = vly_ctl_number_at(member, "since_unix_s");
	const uint64_t until_s = vly_ctl_number_at(member, "until");
	const char *operator= vly_ctl_text_at(member, "operator");
	char age[40];

	printf("  %-22s %-8s", vly_ctl_text_at(member, "name"),
	       !json_is_true(json_object_get(member, "up"))       ? "down"
	       : json_is_true(json_object_get(member, "drained")) ? "drained"
								  : "up");
	print_records(member);
	printf(", weight %llu", (unsigned long long)vly_ctl_number_at(member, "weight"));
	if (*operator) {
		printf(", set %s by an operator", operator);
		if (until_s)
			printf(" for %s more",
			       vly_ctl_age((double)until_s - (double)time(NULL), age, sizeof(age)));
	}
	if (strcmp(vly_ctl_text_at(member, "check"), "none") != 0)
		printf(", check: %s", vly_ctl_text_at(member, "check"));
	if (since_s)
		printf(" for %s",
		       vly_ctl_age((double)time(NULL) - (double)since_s, age, sizeof(age)));
	if (*vly_ctl_text_at(member, "reason"))
		printf(" (%s)", vly_ctl_text_at(member, "reason"));
	putchar('\n');
	json_t *check;
	size_t i;
	json_array_foreach(json_object_get(member, "checks"), i, check) print_check(check);
}

static void
print_pools(json_t *answer)
{
	size_t i, n;
	json_t *pool, *member;

	json_array_foreach(json_object_get(answer, "pools"), i, pool)
	{
		print_pool(pool);
		json_array_foreach(json_object_get(pool, "members"), n, member)
			print_member(member);
	}
}

static void
print_change(json_t *answer)
{
	(void)answer;
}

enum vly_ctl_exit
vly_ctl_pool(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	static const char *const changes[] = {"up", "down", "drain"};
	char command[16] = "";

	if (arg_cnt == 1 && strcmp(args[0], "list") == 0 && !ctl->duration)
		return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "pools"),
					     print_pools);
	for (unsigned i = 0; arg_cnt == 2 && i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(args[0], changes[i]) == 0)
			snprintf(command, sizeof(command), "pool-%s", changes[i]);
	const bool shows = arg_cnt == 2 && strcmp(args[0], "show") == 0 && !ctl->duration;
	if (!*command && !shows)
		return vly_ctl_fail_usage(
			"pool takes list; show and the name of a pool; or up, down "
			"or drain and the name of a pool or POOL/MEMBER, and --for");
	json_t *request =
		json_pack("{s:s,s:s}", "command", shows ? "pools" : command, "name", args[1]);
	if (!request)
		return vly_ctl_fail_usage("the pool's name is not UTF-8");
	if (ctl->duration)
		json_object_set_new(request, "for", json_string(ctl->duration));
	return vly_ctl_call_and_show(ctl, request, shows ? print_pools : print_change);
}

static void
print_map(json_t *map)
{
	const uint64_t file_s = vly_ctl_number_at(map, "file_unix_s");
	char age[40];
	char number[VLY_CTL_NUMBER_BYTES];

	printf("map %-20s %s", vly_ctl_text_at(map, "name"), vly_ctl_text_at(map, "file"));
	if (file_s)
		printf(": %s prefixes, written %s ago",
		       vly_ctl_number(vly_ctl_number_at(map, "prefixes"), number),
		       vly_ctl_age((double)time(NULL) - (double)file_s, age, sizeof(age)));
	else if (!json_is_true(json_object_get(map, "used")))
		printf(": no policy uses it");
	if (*vly_ctl_text_at(map, "error"))
		printf("; %s", vly_ctl_text_at(map, "error"));
	putchar('\n');
}

static void
print_steer(json_t *answer)
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(answer, "maps"), i, item) print_map(item);
	json_array_foreach(json_object_get(answer, "policies"), i, item) printf(
		"policy %-17s %llu classes of clients: %llu steady, %llu failed over, %llu by "
		"fallback\n",
		vly_ctl_text_at(item, "name"),
		(unsigned long long)vly_ctl_number_at(item, "classes"),
		(unsigned long long)vly_ctl_number_at(item, "steady"),
		(unsigned long long)vly_ctl_number_at(item, "failed_over"),
		(unsigned long long)vly_ctl_number_at(item, "fallback"));
	json_array_foreach(json_object_get(answer, "trouble"), i, item)
		printf("problem: %s\n", json_string_value(item));
}

enum vly_ctl_exit
vly_ctl_steer(const struct vly_ctl *ctl, char **args, int arg_cnt)
{
	(void)args;
	if (arg_cnt > 0)
		return vly_ctl_fail_usage("steer takes no argument");
	return vly_ctl_call_and_show(ctl, json_pack("{s:s}", "command", "steer"), print_steer);
}
