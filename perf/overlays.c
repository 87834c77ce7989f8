/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What overlays cost: answers questions from a zone in complete form, and in turn from the same
 * zone with a share of its names in an overlay. No port is in it, and messages are in the cache.
 *
 * Also, how long the table takes to change: for the commit of one small image into a table of many
 * small zones, and for that of an overlay.
 *
 * Prints one JSON object: for each kind of question and round the median over the bursts, of
 * nanoseconds per query without and with the overlay; and the medians of the commits in
 * microseconds. A burst takes microseconds, so that hardly any is interrupted.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer/query.h"
#include "compile/image_builder.h"
#include "names.h"
#include "tool.h"

#define BURST       VLY_BURST_MAX /* as the lcores do */
#define QUERY_BYTES 128           /* of the longest, with slack behind it */
#define ROOM_BYTES  2048
#define ROUNDS_MAX  1000
#define COMMITS     200

#define APEX      "volley.example."
#define APEX_WIRE "\6volley\7example" /* and the root label */

struct options {
	uint32_t name_cnt;
	uint32_t share; /* one name of so many is in the overlay */
	uint32_t zone_cnt;
	uint32_t question_cnt; /* a multiple of BURST */
	uint32_t round_cnt;
};

struct message {
	uint16_t bytes;
	uint8_t octet[QUERY_BYTES];
};

static const struct kind {
	const char *name;
	const char *prefix;
	uint8_t type;
	size_t counter; /* in struct vly_lcore_counters: counts every answer */
} kinds[] = {
	{"positive", "", VLY_TYPE_A, offsetof(struct vly_lcore_counters, rcode_noerror)},
	{"nodata", "", VLY_TYPE_AAAA, offsetof(struct vly_lcore_counters, rcode_noerror)},
	{"nxdomain", "-", VLY_TYPE_A, offsetof(struct vly_lcore_counters, rcode_nxdomain)},
};
#define KIND_CNT (sizeof(kinds) / sizeof(kinds[0]))

static const struct vly_hash_key key = {{UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
					 UINT64_C(0x3c6ef372fe94f82b),
					 UINT64_C(0xa54ff53a5f1d36f1)}};

/* Images live until the end of the program: the tables that use them come and go. */
static struct vly_image *opened[3 + 2 * COMMITS];
static unsigned opened_cnt;

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

static void
write_head(FILE *file, unsigned serial)
{
	fprintf(file,
		"$TTL 3600\n@ SOA ns1 hostmaster %u 7200 3600 1209600 300\n@ NS ns1\n"
		"ns1 A 192.0.2.1\n",
		serial);
}

static void
add_zone(struct vly_image_builder *builder, const char *name, FILE *file)
{
	struct vly_zone_report report;
	struct vly_zone_info info;
	char path[32];

	if (fflush(file) != 0)
		vly_tool_fail("the zone file can't be written: %m");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	vly_zone_report_defaults(&report);
	if (vly_image_builder_add_file(builder, name, path, NULL, &report, &info) != 0)
		vly_tool_fail("the zone %s does not compile: %s", name, report.first.text);
	fclose(file);
}

/* Opens the finished image. The table takes what is said of its zones from image->zone, which is
 * replaced here: they are of `version`, and lie upon `below` if that is not 0. */
static struct vly_image *
open_image(struct vly_image_builder *builder, uint64_t id, uint64_t version, uint64_t below)
{
	struct vly_image_error error = {0};
	struct vly_built_image built;

	if (vly_image_builder_seal(builder, &built) != 0)
		vly_tool_fail("no image: %m");
	struct vly_image *image = vly_image_open(built.fd, id, NULL, &error);
	close(built.fd);
	if (image == NULL)
		vly_tool_fail("the image is refused: %s", error.text);
	const uint32_t zone_cnt = image->header->zone_cnt;
	struct vly_image_zone *zone = allocate(zone_cnt, sizeof(*zone));
	memcpy(zone, image->zone, zone_cnt * sizeof(*zone));
	for (uint32_t i = 0; i < zone_cnt; i++) {
		zone[i].version = version;
		zone[i].below = below;
		zone[i].flags = below != 0 ? VLY_IMAGE_OVERLAY : 0;
	}
	image->zone = zone;
	opened[opened_cnt++] = image;
	return image;
}

/* The zone with every name, or with one of `share`, whose addresses begin with `net`. */
static struct vly_image *
compile(const struct options *options, uint32_t share, unsigned net, uint64_t version)
{
	struct vly_image_builder *builder = vly_image_builder_new(&key);
	FILE *file = tmpfile();

	if (file == NULL || builder == NULL)
		vly_tool_fail("%m");
	write_head(file, (unsigned)version);
	for (uint32_t idx = 0; idx < options->name_cnt; idx += share)
		fprintf(file, "%s%u A %u.%u.%u.%u\n", vly_names_word(idx), idx, net,
			idx >> 16 & 255, idx >> 8 & 255, idx & 255);
	add_zone(builder, APEX, file);
	return open_image(builder, version, version, version - 1);
}

static struct vly_table *
build(struct vly_image *const *images, size_t cnt)
{
	struct vly_image_error error = {0};
	struct vly_table *table = vly_table_build(images, cnt, &error);

	if (table == NULL)
		vly_tool_fail("no table: %s", error.text);
	return table;
}

/* A query for a name, with EDNS. */
static void
make_message(struct message *message, const struct kind *kind, uint32_t idx)
{
	/* OPT, 1232 octets */
	static const uint8_t tail[] = "\0\1\0\0\51\4\320\0\0\0\0\0";
	uint8_t *at = message->octet;
	char label[32];

	int len = snprintf(label, sizeof(label), "%s%s%u", kind->prefix, vly_names_word(idx), idx);
	at = mempcpy(at, "\0\0\0\0\0\1\0\0\0\0\0\1", 12);
	*at++ = (uint8_t)len;
	at = mempcpy(at, label, (size_t)len);
	at = mempcpy(at, APEX_WIRE "\0", sizeof(APEX_WIRE)); /* with the root label */
	*at++ = 0;
	*at++ = kind->type;
	at = mempcpy(at, tail, sizeof(tail)); /* class and OPT, whose last octet is the NUL */
	message->bytes = (uint16_t)(at - message->octet);
}

static struct message *
make_messages(const struct options *options, const struct kind *kind)
{
	struct message *message = allocate(options->question_cnt, sizeof(*message));
	uint64_t random = 1;

	for (uint32_t i = 0; i < options->question_cnt; i++)
		make_message(&message[i], kind,
			     (uint32_t)(vly_names_random(&random) % options->name_cnt));
	return message;
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

static int
compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static uint64_t
median(uint64_t *values, size_t cnt)
{
	qsort(values, cnt, sizeof(*values), compare);
	return values[cnt / 2];
}

/* What each side took for its bursts, in nanoseconds. */
struct side {
	const struct vly_table *table;
	struct vly_lcore_counters counters;
	uint64_t *took_ns;
	uint32_t burst_cnt;
};

/* All questions, the bursts in turn without and with overlays, so that both sides see the machine
 * in the same state. `first`: the side of the first burst. */
static void
run_round(const struct options *options, const struct message *message, struct side side[2],
	  unsigned first)
{
	side[0].burst_cnt = side[1].burst_cnt = 0;
	for (uint32_t i = 0; i < options->question_cnt / BURST; i++) {
		struct side *to = &side[(i + first) % 2];
		fill_burst(&message[(size_t)i * BURST]);
		uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
		vly_query_answer(query, BURST, to->table, NULL, &to->counters);
		to->took_ns[to->burst_cnt++] = vly_tool_now_ns(CLOCK_MONOTONIC) - start_ns;
	}
}

static void
run_kind(const struct options *options, const struct kind *kind, const struct vly_table *without,
	 const struct vly_table *with)
{
	struct message *message = make_messages(options, kind);
	struct side side[2] = {{.table = without}, {.table = with}};

	for (unsigned i = 0; i < 2; i++)
		side[i].took_ns = allocate(options->question_cnt / BURST + 1, sizeof(uint64_t));
	printf("\"%s\": [", kind->name);
	run_round(options, message, side, 0);
	for (uint32_t i = 0; i < options->round_cnt; i++) {
		run_round(options, message, side, i);
		printf("%s[%.2f, %.2f]", i > 0 ? ", " : "",
		       (double)median(side[0].took_ns, side[0].burst_cnt) / BURST,
		       (double)median(side[1].took_ns, side[1].burst_cnt) / BURST);
	}
	printf("]");
	uint64_t right = 0;
	for (unsigned i = 0; i < 2; i++) {
		right += *(const uint64_t *)(const void *)((const char *)&side[i].counters +
							   kind->counter);
		free(side[i].took_ns);
	}
	if (right != (uint64_t)options->question_cnt * (options->round_cnt + 1))
		vly_tool_fail("%s: not every answer is of that kind", kind->name);
	free(message);
}

/* Changes the table; returns the time in nanoseconds. */
static uint64_t
change(struct vly_table *table, struct vly_image *removed, struct vly_image *added)
{
	struct vly_image_error error = {0};
	uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	enum vly_table_outcome outcome =
		vly_table_change(table, &removed, removed != NULL, &added, 1, &error);

	if (outcome != VLY_TABLE_CHANGED)
		vly_tool_fail("the table does not change: %s", error.text);
	return vly_tool_now_ns(CLOCK_MONOTONIC) - start_ns;
}

/* Overlays of one name in the place of one another, beside the large one. */
static uint64_t
time_overlays(const struct options *options, struct vly_image *base)
{
	struct vly_table *table = build(&base, 1);
	struct vly_image *before = NULL;
	uint64_t took_ns[COMMITS];

	for (unsigned i = 0; i < COMMITS; i++) {
		struct vly_image *next = compile(options, options->name_cnt, 11, 2);
		took_ns[i] = change(table, before, next);
		before = next;
	}
	vly_table_free(table);
	return median(took_ns, COMMITS);
}

static void
add_small_zone(struct vly_image_builder *builder, uint32_t idx)
{
	char name[64];
	FILE *file = tmpfile();

	if (file == NULL)
		vly_tool_fail("%m");
	write_head(file, 1);
	snprintf(name, sizeof(name), "%s%u.example.", vly_names_word(idx), idx);
	add_zone(builder, name, file);
}

/* Zones of a table of many, one after the other, each in an image of its own. */
static uint64_t
time_zones(const struct options *options)
{
	struct vly_image_builder *builder = vly_image_builder_new(&key);
	uint64_t took_ns[COMMITS];

	for (uint32_t i = 0; i < options->zone_cnt; i++)
		add_small_zone(builder, i);
	struct vly_image *image = open_image(builder, 1, 0, 0);
	struct vly_table *table = build(&image, 1);
	for (unsigned i = 0; i < COMMITS; i++) {
		builder = vly_image_builder_new(&key);
		add_small_zone(builder, i * (options->zone_cnt / COMMITS));
		took_ns[i] = change(table, NULL, open_image(builder, 2 + i, 0, 0));
	}
	vly_table_free(table);
	return median(took_ns, COMMITS);
}

static uint32_t
parse_number(const char *text, const char *name, unsigned long min, unsigned long max)
{
	char *rest;
	unsigned long number = strtoul(text, &rest, 10);

	if (*rest != '\0' || number < min || number > max)
		vly_tool_fail("--%s: a number from %lu to %lu", name, min, max);
	return (uint32_t)number;
}

static void
parse_arguments(struct options *options, int argc, char **argv)
{
	static const struct option names[] = {
		{"names", required_argument, NULL, 'n'},
		{"share", required_argument, NULL, 's'},
		{"zones", required_argument, NULL, 'z'},
		{"questions", required_argument, NULL, 'q'},
		{"rounds", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'n':
			options->name_cnt = parse_number(optarg, "names", 1, 1u << 24);
			break;
		case 's':
			options->share = parse_number(optarg, "share", 1, 1u << 24);
			break;
		case 'z':
			options->zone_cnt = parse_number(optarg, "zones", COMMITS, 1u << 24);
			break;
		case 'q':
			options->question_cnt = parse_number(optarg, "questions", BURST, 1u << 24);
			break;
		case 'r':
			options->round_cnt = parse_number(optarg, "rounds", 1, ROUNDS_MAX);
			break;
		default:
			fputs("usage: overlays [--names N] [--zones N] [--questions N] [--rounds "
			      "N]\n",
			      stderr);
			exit(2);
		}
	}
	options->question_cnt = options->question_cnt / BURST * BURST;
}

int
main(int argc, char **argv)
{
	struct options options = {.name_cnt = 1000000,
				  .share = 100,
				  .zone_cnt = 100000,
				  .question_cnt = 1 << 18,
				  .round_cnt = 7};

	parse_arguments(&options, argc, argv);
	struct vly_image *base = compile(&options, 1, 10, 1);
	struct vly_image *images[] = {base, compile(&options, options.share, 11, 2)};
	struct vly_table *without = build(&base, 1);
	struct vly_table *with = build(images, 2);
	printf("{\"names\": %" PRIu32 ", \"share\": %" PRIu32 ", \"zones\": %" PRIu32
	       ", \"kinds\": {",
	       options.name_cnt, options.share, options.zone_cnt);
	for (unsigned i = 0; i < KIND_CNT; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		run_kind(&options, &kinds[i], without, with);
	}
	vly_table_free(without);
	vly_table_free(with);
	double overlay_us = (double)time_overlays(&options, base) / 1000;
	double zone_us = (double)time_zones(&options) / 1000;
	printf("}, \"commit_us\": {\"overlay\": %.1f, \"zone\": %.1f}}\n", overlay_us, zone_us);
	return 0;
}
