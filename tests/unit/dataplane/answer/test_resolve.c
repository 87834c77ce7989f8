/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random questions to random zones, answered by the real programs and by the naive reference. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "generate.h"
#include "message.h"
#include "server.h"

#define QUESTIONS_PER_ZONE 60

struct trial {
	struct vly_reference_zone zone;
	char name[VLY_REFERENCE_CHARS];
	char cased[VLY_REFERENCE_CHARS]; /* the same in random case, as asked */
	unsigned type;
};

static bool
open_zone(struct vly_test_server *server, const struct vly_reference_zone *zone)
{
	char *text = vly_reference_zone_text(zone);
	int result = vly_test_server_open(server, &(struct vly_test_zone){zone->apex, text}, 1);

	free(text);
	return result == 0;
}

static char *
answer_of(const struct vly_test_server *server, const struct trial *trial)
{
	return vly_test_ask_text(server->table,
				 &(struct vly_test_question){.name = trial->cased,
							     .type = (uint16_t)trial->type,
							     .stream = true});
}

static bool
matches(const struct trial *trial, const char *text, unsigned any_type)
{
	char *expected = vly_reference_answer(&trial->zone, trial->name, trial->type, any_type);
	bool same = strcmp(text, expected) == 0;

	free(expected);
	return same;
}

/* For ANY any one RRset of the name is right, an empty answer only where there is none. */
static bool
is_right(const struct trial *trial, const char *text)
{
	static const unsigned types[] = {1, 2, 5, 6, 15, 16, 28, 43};
	bool has_rrset = false;

	if (trial->type != VLY_TYPE_ANY)
		return matches(trial, text, 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		char *expected =
			vly_reference_answer(&trial->zone, trial->name, VLY_TYPE_ANY, types[i]);
		bool same = strcmp(text, expected) == 0;
		has_rrset |= strstr(expected, "\nan ") != NULL &&
			     strstr(expected, types[i] == 5 ? " CNAME " : "\nan ") != NULL;
		free(expected);
		if (same && strstr(text, "\nan ") != NULL)
			return true;
	}
	return !has_rrset && matches(trial, text, 0);
}

static bool
still_wrong(const struct trial *trial)
{
	struct vly_test_server server;

	if (!open_zone(&server, &trial->zone))
		return false;
	char *text = answer_of(&server, trial);
	bool wrong = !is_right(trial, text);
	free(text);
	vly_test_server_close(&server);
	return wrong;
}

/* Leaves out whatever the failure does not need. */
static void
shrink(struct trial *trial)
{
	struct vly_reference_zone *zone = &trial->zone;

	for (unsigned i = 2; i < zone->record_cnt;) { /* SOA and NS stay */
		const struct vly_reference_zone before = *zone;
		memmove(&zone->record[i], &zone->record[i + 1],
			(zone->record_cnt - i - 1) * sizeof(zone->record[0]));
		zone->record_cnt--;
		if (!still_wrong(trial)) {
			*zone = before;
			i++;
		}
	}
}

static void
report(struct trial *trial, uint64_t seed)
{
	struct vly_test_server server;

	shrink(trial);
	cr_assert(open_zone(&server, &trial->zone));
	char *zone = vly_reference_zone_text(&trial->zone);
	char *got = answer_of(&server, trial);
	char *expected =
		vly_reference_answer(&trial->zone, trial->name, trial->type, VLY_TYPE_CNAME);
	cr_expect_fail("seed %llu\nzone %s\n%squestion: %s type %u\nexpected: %sgot: %s",
		       (unsigned long long)seed, trial->zone.apex, zone, trial->cased, trial->type,
		       expected, got);
	free(zone);
	free(got);
	free(expected);
	vly_test_server_close(&server);
}

static void
mix_case(char *to, const char *from, struct vly_test_random *random)
{
	for (; *from != '\0'; from++, to++)
		*to = (char)(*from >= 'a' && vly_test_random_chance(random, 50) ? *from - 32
										: *from);
	*to = '\0';
}

/* Returns the number of wrong answers: the first is reported, one is enough to go by. */
static unsigned
try_zone(uint64_t seed)
{
	static const unsigned types[] = {1, 1, 1, 2, 5, 6, 15, 15, 16, 28, 43, 43, 255, 999};
	struct vly_test_random random = {seed};
	struct vly_test_server server;
	struct trial trial;
	unsigned wrong_cnt = 0;

	vly_generate_zone(&trial.zone, &random);
	cr_assert(open_zone(&server, &trial.zone), "seed %llu", (unsigned long long)seed);
	for (unsigned i = 0; i < QUESTIONS_PER_ZONE && wrong_cnt == 0; i++) {
		vly_generate_question(trial.name, &trial.zone, &random);
		mix_case(trial.cased, trial.name, &random);
		trial.type =
			types[vly_test_random_below(&random, sizeof(types) / sizeof(types[0]))];
		char *text = answer_of(&server, &trial);
		wrong_cnt += !is_right(&trial, text);
		free(text);
	}
	vly_test_server_close(&server);
	if (wrong_cnt > 0)
		report(&trial, seed);
	return wrong_cnt;
}

Test(resolve, answers_as_the_naive_reference_does, .timeout = 300)
{
	unsigned wrong_cnt = 0;

	for (uint64_t seed = 1; seed <= 1000 && wrong_cnt < 5; seed++)
		wrong_cnt += try_zone(seed);
}

/* Every other type of 6,000 is listed, so that each question falls on one or between two. */
Test(resolve, each_of_thousands_of_types_is_found)
{
	struct vly_test_server server;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(VLY_TEST_APEX, out);
	for (unsigned type = 300; type < 6300; type += 2)
		fprintf(out, "n TYPE%u \\# 2 %04x\n", type, type);
	fclose(out);
	cr_assert_eq(vly_test_server_open(&server, &(struct vly_test_zone){"z.", text}, 1), 0);
	for (unsigned type = 298; type < 6304; type++) {
		struct vly_test_response response;
		bool listed = type >= 300 && type < 6300 && type % 2 == 0;
		vly_test_ask(server.table,
			     &(struct vly_test_question){.name = "n.z.", .type = (uint16_t)type},
			     &response);
		cr_assert_null(response.fault, "%s", response.fault);
		cr_assert_eq(response.count[1], listed, "type %u", type);
		if (listed)
			cr_assert(response.record[0].type == type &&
				  response.record[0].data[0] << 8 ==
					  (int)(type - response.record[0].data[1]));
		vly_test_response_free(&response);
	}
	vly_test_server_close(&server);
	free(text);
}
