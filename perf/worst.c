/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The most expensive query, beside a plain one: asks the zones of the fuzz targets, in memory and
 * with all that they touch in the caches, and looks for what takes the most cycles. First come all
 * names of a grid: what a name leads to, how many labels stand before it and of how many octets,
 * its type, the room of the response. Then the worst are changed at random as long as that makes
 * them worse.
 *
 * With --stride N it looks at each Nth of them, to see that it works.
 *
 * Prints one JSON object: for queries over UDP and for those over a stream the worst one found, and
 * in each round the medians of its cycles and of a plain query's.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "answer/query.h"
#include "fixed_zones.h"
#include "message.h"
#include "tool.h"

#define ROUNDS_MAX  1000
#define QUERY_BYTES 320
#define PAYLOAD     1232 /* the default of --udp-payload-max */

/* The fewest cycles of so many runs, while searching: what interrupts makes a run longer. */
#define GLANCE_RUNS 5
/* The median of so many, in a round. */
#define ROUND_RUNS 201

/* The worst of the grid, which are then changed, each so often. */
#define KEPT    8
#define CHANGES 400

/* Each leads to something else: see start_name(). */
#define START_CNT (DEEP_START_CNT + DEEP_END_CNT + 4)

struct candidate {
	unsigned start_idx;
	unsigned label_cnt;
	uint8_t label_bytes[VLY_NAME_LABELS_MAX];
	uint16_t type;
	uint64_t cycles;
};

struct bench {
	const struct vly_table *table;
	unsigned stride; /* 1: looks at everything */
	bool stream;
	uint8_t *room;
	struct vly_query *query;
	struct vly_lcore_counters counters;
};

static uint64_t random_state = 1;

/* Below `end`. */
static unsigned
roll(unsigned end)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)((random_state >> 33) % end);
}

/* What stands behind the candidate's labels: the beginning of a chain, its end, or an apex. */
static void
start_name(char text[VLY_NAME_BYTES_MAX + 1], unsigned idx)
{
	static const char *const others[] = {"*", "c0", "fat", "types"};
	const char *first;

	if (idx < DEEP_START_CNT) {
		if (deep_start_text(text, idx) != 0)
			vly_tool_fail("%m");
		return;
	}
	if (idx < DEEP_START_CNT + DEEP_END_CNT)
		first = deep_end[idx - DEEP_START_CNT];
	else
		first = others[idx - DEEP_START_CNT - DEEP_END_CNT];
	snprintf(text, VLY_NAME_BYTES_MAX + 1, "%s." DEEP_ZONE_NAME, first);
}

/* Returns its octets, or 0: too long. */
static unsigned
candidate_name(const struct candidate *candidate, uint8_t wire[VLY_NAME_BYTES_MAX])
{
	uint8_t start[VLY_NAME_BYTES_MAX];
	char text[VLY_NAME_BYTES_MAX + 1];
	unsigned len = 0;

	start_name(text, candidate->start_idx);
	unsigned start_len = (unsigned)vly_tool_write_name(start, sizeof(start), text);
	for (unsigned i = 0; i < candidate->label_cnt; i++) {
		unsigned octets = candidate->label_bytes[i];
		if (len + octets + 1 + start_len > VLY_NAME_BYTES_MAX)
			return 0;
		wire[len++] = (uint8_t)octets;
		memset(wire + len, 'a', octets);
		len += octets;
	}
	memcpy(wire + len, start, start_len);
	return len + start_len;
}

static unsigned
write_question(uint8_t message[QUERY_BYTES], const uint8_t *wire, uint16_t type)
{
	return vly_test_question_write(
		message, &(struct vly_test_question){
				 .wire = wire, .type = type, .edns = true, .payload = PAYLOAD});
}

/* Cycles of one run. */
static uint64_t
run(struct bench *bench, const uint8_t *message, unsigned bytes)
{
	struct vly_query *query = bench->query;
	const uint16_t room = bench->stream ? VLY_MESSAGE_BYTES_MAX : 2048;

	memcpy(bench->room, message, QUERY_BYTES);
	*query = (struct vly_query){.message = bench->room,
				    .message_len = (uint16_t)bytes,
				    .room = room,
				    .limit_max = PAYLOAD,
				    .limit = bench->stream ? room : VLY_UDP_BYTES_MIN,
				    .stream = bench->stream};
	uint64_t start = rte_rdtsc_precise();
	vly_query_answer(query, 1, bench->table, NULL, &bench->counters);
	return rte_rdtsc_precise() - start;
}

/* Sets its cycles; false: it is no name. */
static bool
glance(struct bench *bench, struct candidate *candidate)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	uint8_t message[QUERY_BYTES] = {0};

	if (candidate_name(candidate, wire) == 0)
		return false;
	unsigned bytes = write_question(message, wire, candidate->type);
	candidate->cycles = UINT64_MAX;
	for (unsigned i = 0; i < GLANCE_RUNS; i++) {
		uint64_t cycles = run(bench, message, bytes);
		if (cycles < candidate->cycles)
			candidate->cycles = cycles;
	}
	return true;
}

/* Puts it among the worst, which are in descending order. */
static void
keep(struct candidate kept[KEPT], const struct candidate *candidate)
{
	unsigned at = KEPT;

	while (at > 0 && kept[at - 1].cycles < candidate->cycles)
		at--;
	if (at == KEPT)
		return;
	memmove(&kept[at + 1], &kept[at], (KEPT - 1 - at) * sizeof(kept[0]));
	kept[at] = *candidate;
}

static void
search_start(struct bench *bench, unsigned start_idx, struct candidate kept[KEPT])
{
	static const uint8_t octets[] = {1, 2, 7, 15, 16, 31, 63};
	static const uint8_t cnts[] = {1, 2, 3, 4, 10, 30, 50, 64, 80, 95, 110, 115, 120, 123};
	static const uint16_t types[] = {VLY_TYPE_A, VLY_TYPE_MX, VLY_TYPE_TXT, VLY_TYPE_NS};

	for (unsigned i = 0; i < sizeof(octets); i++) {
		for (unsigned j = 0; j < sizeof(cnts); j++) {
			struct candidate candidate = {.start_idx = start_idx, .label_cnt = cnts[j]};
			memset(candidate.label_bytes, octets[i], sizeof(candidate.label_bytes));
			for (unsigned k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
				candidate.type = types[k];
				if (glance(bench, &candidate))
					keep(kept, &candidate);
			}
		}
	}
}

static void
change(struct candidate *candidate)
{
	unsigned at = roll(VLY_NAME_LABELS_MAX);

	switch (roll(4)) {
	case 0:
		candidate->start_idx = roll(START_CNT);
		break;
	case 1:
		candidate->label_cnt = 1 + roll(VLY_NAME_LABELS_MAX - 2);
		break;
	case 2:
		candidate->label_cnt += candidate->label_cnt < VLY_NAME_LABELS_MAX;
		break;
	default:
		candidate->label_bytes[at % candidate->label_cnt] = (uint8_t)(1 + roll(63));
		break;
	}
}

static struct candidate
search(struct bench *bench)
{
	struct candidate kept[KEPT] = {0};
	struct candidate worst;

	for (unsigned start_idx = 0; start_idx < START_CNT; start_idx += bench->stride)
		search_start(bench, start_idx, kept);
	worst = kept[0];
	for (unsigned i = 0; i < KEPT; i++) {
		for (unsigned j = 0; j < CHANGES; j += bench->stride) {
			struct candidate candidate = kept[i];
			change(&candidate);
			if (glance(bench, &candidate) && candidate.cycles > kept[i].cycles &&
			    glance(bench, &candidate) && candidate.cycles > kept[i].cycles)
				kept[i] = candidate;
		}
		if (kept[i].cycles > worst.cycles)
			worst = kept[i];
	}
	return worst;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* The median of many runs. */
static uint64_t
median(struct bench *bench, const uint8_t *wire, uint16_t type)
{
	uint8_t message[QUERY_BYTES] = {0};
	uint64_t cycles[ROUND_RUNS];
	unsigned bytes = write_question(message, wire, type);

	for (unsigned i = 0; i < ROUND_RUNS; i++)
		cycles[i] = run(bench, message, bytes);
	qsort(cycles, ROUND_RUNS, sizeof(cycles[0]), compare);
	return cycles[ROUND_RUNS / 2];
}

static void
print_worst(struct bench *bench, const struct candidate *worst, unsigned round_cnt)
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	uint8_t plain[VLY_NAME_BYTES_MAX];
	char name[VLY_TEST_NAME_CHARS];
	char type[16];

	if (candidate_name(worst, wire) == 0)
		vly_tool_fail("no query was found");
	vly_tool_write_name(plain, sizeof(plain), "a." DEEP_ZONE_NAME);
	vly_test_name_text(name, wire);
	printf("{\"query\": {\"name\": \"%s\", \"type\": \"%s\", \"payload\": %d, "
	       "\"transport\": \"%s\"}, \"response_bytes\": ",
	       name, vly_test_type_text(worst->type, type), PAYLOAD,
	       bench->stream ? "stream" : "udp");
	median(bench, wire, worst->type);
	printf("%u, \"rounds\": [", bench->query->response_len);
	for (unsigned i = 0; i < round_cnt; i++)
		printf("%s[%" PRIu64 ", %" PRIu64 "]", i > 0 ? ", " : "",
		       median(bench, wire, worst->type), median(bench, plain, VLY_TYPE_A));
	printf("]}");
}

static void
parse_arguments(struct bench *bench, unsigned *round_cnt, int argc, char **argv)
{
	static const struct option names[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"seed", required_argument, NULL, 's'},
		{"stride", required_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		unsigned long number = optarg != NULL ? strtoul(optarg, NULL, 10) : 0;
		if (option == 's') {
			random_state = number;
		} else if (option == 't' && number > 0 && number <= START_CNT) {
			bench->stride = (unsigned)number;
		} else if (option == 'r' && number > 0 && number <= ROUNDS_MAX) {
			*round_cnt = (unsigned)number;
		} else {
			fprintf(stderr, "usage: worst [--rounds 1..%d] [--seed N] [--stride N]\n",
				ROUNDS_MAX);
			exit(2);
		}
	}
}

int
main(int argc, char **argv)
{
	struct vly_test_server server;
	struct bench bench = {
		.stride = 1,
		.room = calloc(1, VLY_MESSAGE_BYTES_MAX + VLY_NAME_SLACK_BYTES),
		.query = aligned_alloc(_Alignof(struct vly_query), sizeof(struct vly_query))};
	unsigned round_cnt = 7;

	parse_arguments(&bench, &round_cnt, argc, argv);
	if (bench.room == NULL || bench.query == NULL || vly_deep_server_open(&server) != 0)
		vly_tool_fail("the zones can't be served");
	bench.table = server.table;
	for (unsigned i = 0; i < 2; i++) {
		bench.stream = i > 0;
		struct candidate worst = search(&bench);
		printf(i == 0 ? "{\"udp\": " : ", \"stream\": ");
		print_worst(&bench, &worst, round_cnt);
	}
	puts("}");
	vly_test_server_close(&server);
	free(bench.query);
	free(bench.room);
	return 0;
}
