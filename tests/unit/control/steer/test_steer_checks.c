/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which checks speak for which members, and what they say together, against a walk over all of them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steer/steer_checks.h"

#define POOLS   5
#define MEMBERS 8
#define PORTS   6 /* so few that members share checks */

/* A model whose members have no check, one, or one for each family. */
static struct vly_steer_model *
make_model(void)
{
	char path[] = "/tmp/volley-checks-XXXXXX";
	struct vly_config_errors errors;
	FILE *file = fdopen(mkstemp(path), "w");

	fputs("zones: []\nsteer:\n  pools:\n", file);
	for (unsigned i = 0; i < POOLS; i++) {
		fprintf(file, "    - name: p%u\n      members:\n", i);
		for (unsigned n = 0; n < MEMBERS; n++) {
			fprintf(file, "        - { name: m%u, A: 192.0.2.1%s", n,
				rand() % 2 ? ", AAAA: 2001:db8::1" : "");
			if (rand() % 4)
				fprintf(file, ", check: { type: tcp, port: %d }",
					1 + rand() % PORTS);
			fputs(" }\n", file);
		}
	}
	fclose(file);
	struct vly_config *config = vly_config_load(path, &errors);
	unlink(path);
	cr_assert_not_null(config, "%s", errors.cnt ? errors.text[0] : "");
	struct vly_steer_model *model = vly_steer_model_new(config);
	vly_config_free(config);
	cr_assert_not_null(model);
	return model;
}

/* States by the first digit of the id: as random as that is, and the same each time. */
static struct vly_health_state state_of[16];

static const struct vly_health_state *
find_state(void *arg, const char *id)
{
	const unsigned digit = (unsigned)strtoul((char[]){id[0], 0}, NULL, 16);

	(void)arg;
	return digit % 5 == 4 ? NULL : &state_of[digit];
}

static void
compare_member(const struct vly_config_steer_member *member)
{
	unsigned up = 0, down = 0;

	for (unsigned i = 0; i < member->check_cnt; i++) {
		const struct vly_health_state *state = find_state(NULL, member->checks[i].id);
		up += state && state->status == VLY_HEALTH_UP;
		down += state && state->status == VLY_HEALTH_DOWN;
	}
	struct vly_steer_verdict verdict = vly_steer_checks_judge(member, find_state, NULL);
	cr_expect_eq(verdict.is_known, up + down > 0);
	cr_expect_eq(verdict.is_healthy, down == 0);
	cr_expect_eq(verdict.by != NULL, verdict.is_known);
	if (verdict.by)
		cr_expect_eq(verdict.by->status, down > 0 ? VLY_HEALTH_DOWN : VLY_HEALTH_UP);
}

/* How many checks of members have the id. */
static unsigned
count(const struct vly_config_steer *config, const char *id)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < config->pool_cnt; i++)
		for (unsigned n = 0; n < config->pools[i].member_cnt; n++) {
			const struct vly_config_steer_member *member = &config->pools[i].members[n];
			for (unsigned at = 0; at < member->check_cnt; at++)
				cnt += strcmp(member->checks[at].id, id) == 0;
		}
	return cnt;
}

static void
compare_check(const struct vly_steer_checks *checks, const char *id)
{
	unsigned at = vly_steer_checks_find(checks, id);
	unsigned cnt = 0;

	cr_expect(at == 0 || strcmp(checks->item[at - 1].check->id, id) != 0, "the first one");
	for (; at < checks->cnt && strcmp(checks->item[at].check->id, id) == 0; at++)
		cnt++;
	cr_expect_eq(cnt, count(checks->model->config, id));
}

Test(steer_checks, members_follow_their_checks)
{
	unsigned shared = 0;

	for (unsigned round = 0; round < 50; round++) {
		srand(round);
		for (unsigned i = 0; i < 16; i++)
			state_of[i].status =
				(enum vly_health_status)(rand() % VLY_HEALTH_STATE_CNT);
		struct vly_steer_model *model = make_model();
		struct vly_steer_checks *checks = vly_steer_checks_new(model);
		cr_assert_not_null(checks);
		for (unsigned i = 0; i < POOLS; i++)
			for (unsigned n = 0; n < MEMBERS; n++)
				compare_member(&model->config->pools[i].members[n]);
		for (unsigned i = 0; i < checks->cnt; i++) {
			compare_check(checks, checks->item[i].check->id);
			shared += count(model->config, checks->item[i].check->id) > 1;
		}
		cr_expect_eq(vly_steer_checks_find(checks, "no id"), checks->cnt);
		vly_steer_model_put(model);
		vly_steer_checks_free(checks);
	}
	cr_expect(shared > 100);
}

Test(steer_checks, names_are_for_people)
{
	struct vly_config_steer_check check[2] = {0};
	struct vly_config_steer_member member = {
		.name = (char[]){"fra1"}, .checks = check, .check_cnt = 1};
	const struct vly_config_steer_pool pool = {.name = (char[]){"eu"}};
	char name[VLY_STEER_CHECK_NAME_BYTES];

	vly_steer_check_name(&(struct vly_steer_checked){&check[0], &pool, &member}, name);
	cr_expect_str_eq(name, "eu/fra1");
	member.check_cnt = 2;
	vly_steer_check_name(&(struct vly_steer_checked){&check[0], &pool, &member}, name);
	cr_expect_str_eq(name, "eu/fra1/A");
	vly_steer_check_name(&(struct vly_steer_checked){&check[1], &pool, &member}, name);
	cr_expect_str_eq(name, "eu/fra1/AAAA");
}
