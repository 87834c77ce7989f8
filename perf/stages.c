/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the time of a query goes: runs the stages of dataplane/query.h over bursts in memory, each
 * between two readings of the time stamp counter; and, in every second round, all of them together,
 * as lcores do. No port is in it, and messages are in the cache.
 *
 * Prints one JSON object: for each kind of question and each stage the median, over the bursts, of
 * cycles (of that counter) and nanoseconds per query. A burst takes microseconds: hardly any is
 * interrupted, so the median tells nothing of who else had the CPU.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "answer/query.h"
#include "compile/image_builder.h"
#include "names.h"
#include "tool.h"

#define BURST       VLY_BURST_MAX /* as the lcores do */
#define QUERY_BYTES 128           /* of the longest, with slack behind it */
#define ROOM_BYTES  2048
#define ROUNDS_MAX  1000

#define APEX      "volley.example."
#define APEX_WIRE "\6volley\7example" /* and the root label */

/* What is timed: the stages, and then all of them. */
#define STAGES(X)                                                                                  \
	X(parse) X(find_name) X(match_name) X(find_encloser) X(find_answer) X(write) X(together)

enum stage {
#define X(name) STAGE_##name,
	STAGES(X)
#undef X
		STAGE_CNT
};

static const char *const stage_name[STAGE_CNT] = {
#define X(name) #name,
	STAGES(X)
#undef X
};

/* Names are those of names.h. */
struct kind {
	const char *name;
	const char *records; /* of one name; %1$s%2$u are its word and index, %3$u... its address */
	const char *question; /* labels below the apex; %1$s%2$u as above */
	size_t counter;       /* in struct vly_lcore_counters: counts every answer */
};

#define COUNTER(name) offsetof(struct vly_lcore_counters, name)

static const struct kind kinds[] = {
	{"positive", "%1$s%2$u A 10.%3$u.%4$u.%5$u\n", "%1$s%2$u", COUNTER(rcode_noerror)},
	{"nxdomain", "%1$s%2$u A 10.%3$u.%4$u.%5$u\n", "-%1$s%2$u", COUNTER(rcode_nxdomain)},
	{"referral",
	 "%1$s%2$u NS ns1.%1$s%2$u\n%1$s%2$u NS ns2.%1$s%2$u\n"
	 "ns1.%1$s%2$u A 10.%3$u.%4$u.%5$u\nns2.%1$s%2$u A 10.%3$u.%4$u.%5$u\n",
	 "www.%1$s%2$u", COUNTER(referrals)},
	{"wildcard", "*.%1$s%2$u A 10.%3$u.%4$u.%5$u\n", "www.%1$s%2$u", COUNTER(rcode_noerror)},
	{"cname", "alias-%1$s%2$u CNAME %1$s%2$u\n%1$s%2$u A 10.%3$u.%4$u.%5$u\n", "alias-%1$s%2$u",
	 COUNTER(rcode_noerror)},
};
#define KIND_CNT (sizeof(kinds) / sizeof(kinds[0]))

struct options {
	uint32_t name_cnt;
	uint32_t question_cnt; /* a multiple of BURST */
	uint32_t round_cnt;
};

struct message {
	uint16_t bytes;
	uint8_t octet[QUERY_BYTES];
};

struct bench {
	const struct kind *kind;
	const struct options *options;
	struct vly_image *image;
	struct vly_table *table;
	struct message *message;
	uint32_t *cycles[STAGE_CNT]; /* of each burst */
	uint32_t burst_cnt[STAGE_CNT];
	double ns_per_cycle;
	struct vly_lcore_counters counters;
};

static struct vly_query query[BURST];
static uint8_t room[BURST][ROOM_BYTES] __attribute__((aligned(64)));

__attribute__((malloc)) static void *
allocate(size_t cnt, size_t bytes)
{
	void *memory = calloc(cnt, bytes);

	if (memory == NULL)
		vly_tool_fail("out of memory");
	return memory;
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void
write_zone(FILE *file, const struct bench *bench)
{
	fputs("$ORIGIN " APEX "\n$TTL 3600\n@ SOA ns1 hostmaster 1 7200 3600 1209600 300\n"
	      "@ NS ns1\nns1 A 192.0.2.1\n",
	      file);
	for (uint32_t idx = 0; idx < bench->options->name_cnt; idx++)
		fprintf(file, bench->kind->records, vly_names_word(idx), idx, idx >> 16 & 255,
			idx >> 8 & 255, idx & 255);
	if (fflush(file) != 0)
		vly_tool_fail("the zone file can't be written: %m");
}

static void
compile_zone(struct bench *bench)
{
	static const struct vly_hash_key key = {
		{UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
		 UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1)}};
	struct vly_image_builder *builder = vly_image_builder_new(&key);
	struct vly_zone_report report;
	struct vly_zone_info info;
	struct vly_built_image built;
	struct vly_image_error error = {0};
	char path[32];
	FILE *file = tmpfile();

	if (file == NULL || builder == NULL)
		vly_tool_fail("%m");
	write_zone(file, bench);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	vly_zone_report_defaults(&report);
	if (vly_image_builder_add_file(builder, APEX, path, NULL, &report, &info) != 0)
		vly_tool_fail("the zone of %s does not compile: %s", bench->kind->name,
			      report.first.text);
	fclose(file);
	if (vly_image_builder_seal(builder, &built) != 0)
		vly_tool_fail("no image: %m");
	bench->image = vly_image_open(built.fd, 1, NULL, &error);
	close(built.fd);
	if (bench->image != NULL)
		bench->table = vly_table_build(&bench->image, 1, &error);
	if (bench->table == NULL)
		vly_tool_fail("the image is refused: %s", error.text);
}

/* A query for the address of a random name, with EDNS. */
static void
make_message(struct message *message, const struct kind *kind, uint32_t idx)
{
	static const uint8_t tail[] = APEX_WIRE "\0\0\1\0\1"                 /* root label, A, IN */
						"\0\0\51\4\320\0\0\0\0\0\0"; /* OPT, 1232 octets */
	uint8_t *at = message->octet;
	char labels[64];

	snprintf(labels, sizeof(labels), kind->question, vly_names_word(idx), idx);
	memcpy(at, "\0\0\0\0\0\1\0\0\0\0\0\1", 12);
	at += 12;
	for (char *label = strtok(labels, "."); label != NULL; label = strtok(NULL, ".")) {
		*at++ = (uint8_t)strlen(label);
		at = mempcpy(at, label, strlen(label));
	}
	at = mempcpy(at, tail, sizeof(tail) - 1);
	message->bytes = (uint16_t)(at - message->octet);
}

static void
make_messages(struct bench *bench)
{
	const struct options *options = bench->options;
	uint64_t random = 1;

	bench->message = allocate(options->question_cnt, sizeof(*bench->message));
	for (uint32_t i = 0; i < options->question_cnt; i++)
		make_message(&bench->message[i], bench->kind,
			     (uint32_t)(vly_names_random(&random) % options->name_cnt));
}

static void
fill_burst(const struct message *message)
{
	for (unsigned i = 0; i < BURST; i++) {
		memcpy(room[i], message[i].octet, QUERY_BYTES);
		query[i] = (struct vly_query){.message = room[i],
					      .message_len = message[i].bytes,
					      .room = ROOM_BYTES,
					      .limit_max = 1232,
					      .limit = VLY_UDP_BYTES_MIN};
	}
}

/* A precise reading waits for what came before, such as the copying of the messages; that costs a
 * cycle per query. */
static void
time_stages(struct bench *bench)
{
	uint64_t at[STAGE_together + 1];

	at[STAGE_parse] = rte_rdtsc_precise();
	vly_query_parse(query, BURST, bench->table);
	vly_query_fetch_name(query, BURST, bench->table);
	at[STAGE_find_name] = rte_rdtsc_precise();
	vly_query_find_name(query, BURST);
	at[STAGE_match_name] = rte_rdtsc_precise();
	vly_query_match_name(query, BURST, bench->table);
	at[STAGE_find_encloser] = rte_rdtsc_precise();
	vly_query_find_encloser(query, BURST, bench->table);
	at[STAGE_find_answer] = rte_rdtsc_precise();
	vly_query_find_answer(query, BURST, bench->table);
	(void)vly_query_find_last(query, BURST, bench->table);
	vly_query_find_cover(query, BURST);
	at[STAGE_write] = rte_rdtsc_precise();
	vly_query_write(query, BURST, NULL, &bench->counters);
	at[STAGE_together] = rte_rdtsc_precise();
	for (unsigned stage = 0; stage < STAGE_together; stage++)
		bench->cycles[stage][bench->burst_cnt[stage]++] =
			(uint32_t)(at[stage + 1] - at[stage]);
}

static void
time_together(struct bench *bench)
{
	uint64_t start = rte_rdtsc_precise();

	vly_query_answer(query, BURST, bench->table, NULL, &bench->counters);
	bench->cycles[STAGE_together][bench->burst_cnt[STAGE_together]++] =
		(uint32_t)(rte_rdtsc_precise() - start);
}

/* All questions in each round. */
static void
run_rounds(struct bench *bench)
{
	const struct options *options = bench->options;
	size_t burst_cnt = (size_t)options->round_cnt * options->question_cnt / BURST;

	for (unsigned stage = 0; stage < STAGE_CNT; stage++)
		bench->cycles[stage] = allocate(burst_cnt, sizeof(*bench->cycles[stage]));
	uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	uint64_t start_cycles = rte_rdtsc();

	for (uint32_t round = 0; round < options->round_cnt; round++) {
		for (uint32_t i = 0; i < options->question_cnt; i += BURST) {
			fill_burst(&bench->message[i]);
			if (round % 2 == 0)
				time_stages(bench);
			else
				time_together(bench);
		}
	}
	bench->ns_per_cycle = (double)(vly_tool_now_ns(CLOCK_MONOTONIC) - start_ns) /
			      (double)(rte_rdtsc() - start_cycles);
	const uint64_t *right =
		(const void *)((const char *)&bench->counters + bench->kind->counter);
	if (*right != (uint64_t)options->round_cnt * options->question_cnt)
		vly_tool_fail("%s: not every answer is of that kind", bench->kind->name);
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Cycles per query, the median over the bursts. */
static double
median(const struct bench *bench, unsigned stage)
{
	uint32_t *cycles = bench->cycles[stage];
	uint32_t cnt = bench->burst_cnt[stage];

	qsort(cycles, cnt, sizeof(*cycles), compare);
	return (double)cycles[cnt / 2] / BURST;
}

static void
print_kind(const struct bench *bench)
{
	printf("\"%s\": {", bench->kind->name);
	for (unsigned stage = 0; stage < STAGE_CNT; stage++) {
		double cycles = median(bench, stage);
		printf("%s\"%s\": {\"cycles\": %.1f, \"ns\": %.2f}", stage > 0 ? ", " : "",
		       stage_name[stage], cycles, cycles * bench->ns_per_cycle);
	}
	printf("}");
}

static void
run_kind(const struct kind *kind, const struct options *options)
{
	struct bench *bench = allocate(1, sizeof(*bench));

	bench->kind = kind;
	bench->options = options;
	compile_zone(bench);
	make_messages(bench);
	run_rounds(bench);
	print_kind(bench);
	for (unsigned stage = 0; stage < STAGE_CNT; stage++)
		free(bench->cycles[stage]);
	free(bench->message);
	vly_table_free(bench->table);
	vly_image_close(bench->image);
	free(bench);
}

static uint32_t
parse_number(const char *text, const char *name, unsigned long max)
{
	char *rest;
	unsigned long number = strtoul(text, &rest, 10);

	if (*rest != '\0' || number == 0 || number > max)
		vly_tool_fail("--%s: a number from 1 to %lu", name, max);
	return (uint32_t)number;
}

static void
parse_arguments(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"names", required_argument, NULL, 'n'},
		{"questions", required_argument, NULL, 'q'},
		{"rounds", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'n':
			options->name_cnt = parse_number(optarg, "names", 1u << 24);
			break;
		case 'q':
			options->question_cnt = parse_number(optarg, "questions", 1u << 24);
			break;
		case 'r':
			options->round_cnt = parse_number(optarg, "rounds", ROUNDS_MAX);
			if (options->round_cnt < 2)
				vly_tool_fail("--rounds: one of each kind, at least");
			break;
		default:
			fputs("usage: stages [--names N] [--questions N] [--rounds N]\n", stderr);
			exit(2);
		}
	}
	options->question_cnt = (options->question_cnt + BURST - 1) / BURST * BURST;
}

int
main(int argc, char **argv)
{
	struct options options = {.name_cnt = 1000000, .question_cnt = 65536, .round_cnt = 51};

	parse_arguments(&options, argc, argv);
	printf("{\"names\": %" PRIu32 ", \"questions\": %" PRIu32 ", \"rounds\": %" PRIu32
	       ", \"burst\": %d, \"kinds\": {",
	       options.name_cnt, options.question_cnt, options.round_cnt, BURST);
	for (unsigned i = 0; i < KIND_CNT; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		run_kind(&kinds[i], &options);
	}
	puts("}}");
	return 0;
}
