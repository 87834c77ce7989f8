/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images from an enemy: refused with a reason, or answered from without leaving them. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "message.h"
#include "random.h"
#include "server.h"

#define QUERIES_MAX 400

static const struct vly_test_zone small = {"z.", VLY_TEST_APEX "a A 192.0.2.1\n"
							       "*.b MX 1 a\n"
							       "c NS ns.c\n"
							       "ns.c A 192.0.2.2\n"
							       "d CNAME a\n"
							       "e DNAME a\n"
							       "f.g TXT t\n"};

/* An image in memory, its last octets in front of a page that may not be touched; another such page
 * before. Real images are multiples of 64 octets; those that are not begin at a multiple of 8
 * nevertheless, as mappings do. */
struct fenced {
	uint8_t *block;
	size_t bytes;
	uint8_t *map;
	size_t map_bytes;
};

static void
fence(struct fenced *fenced, const uint8_t *from, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t inner = (bytes + page - 1) & ~(page - 1);

	fenced->bytes = bytes;
	fenced->map_bytes = inner + 2 * page;
	fenced->map = mmap(NULL, fenced->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(fenced->map, MAP_FAILED);
	cr_assert_eq(mprotect(fenced->map + page, inner, PROT_READ | PROT_WRITE), 0);
	fenced->block = fenced->map + page + inner - ((bytes + 7) & ~(size_t)7);
	memcpy(fenced->block, from, bytes);
}

static void
open_fenced(struct fenced *fenced, const struct vly_test_zone *zone)
{
	struct vly_zone_error error = {0};
	size_t bytes;
	int fd = vly_test_image_build(zone, 1, &vly_test_key, &error);

	cr_assert_geq(fd, 0, "%s", error.text);
	uint8_t *block = vly_test_image_read(fd, &bytes);
	fence(fenced, block, bytes);
	free(block);
	close(fd);
}

static int
verify(const struct fenced *fenced, struct vly_image_error *error)
{
	struct vly_image image;

	*error = (struct vly_image_error){0};
	return vly_image_verify(fenced->block, fenced->bytes, NULL, &image, error);
}

static void
expect_refused(const struct fenced *fenced, const char *reason)
{
	struct vly_image_error error;

	cr_expect_eq(verify(fenced, &error), -1, "expected: %s", reason);
	cr_expect_neq(strstr(error.text, reason), NULL, "expected %s, got %s", reason, error.text);
}

/* Questions for every name of the zone, around it, and far from it, ready to send. */
struct queries {
	unsigned cnt;
	unsigned len[QUERIES_MAX];
	uint8_t octets[QUERIES_MAX][320];
};

static void
add_query(struct queries *queries, const char *name, unsigned type)
{
	cr_assert_lt(queries->cnt, QUERIES_MAX);
	queries->len[queries->cnt] = vly_test_question_write(
		queries->octets[queries->cnt], &(struct vly_test_question){.name = name,
									   .type = (uint16_t)type,
									   .edns = type & 1});
	queries->cnt++;
}

static void
make_queries(struct queries *queries)
{
	static const char *const names[] = {"z.",       "a.z.", "b.z.",   "x.b.z.",  "*.b.z.",
					    "y.x.b.z.", "c.z.", "x.c.z.", "ns.c.z.", "d.z.",
					    "x.d.z.",   "e.z.", "x.e.z.", "f.g.z.",  "x.f.g.z.",
					    "g.z.",     "n.z.", "b.",     ".",       "x.n.z."};
	static const unsigned types[] = {1, 2, 5, 6, 15, 16, 39, 43, 255, 999};

	queries->cnt = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++)
			add_query(queries, names[i], types[j]);
}

/* Answers all queries from an accepted image; that nothing crashes is the test. */
static void
ask_all(struct vly_image *image, const struct queries *queries)
{
	static uint8_t buffer[4096];
	static struct vly_query query;
	struct vly_lcore_counters counters = {0};
	struct vly_image_error error;
	struct vly_table *table = vly_table_build(&image, 1, &error);

	if (table == NULL)
		return;
	for (unsigned i = 0; i < queries->cnt; i++) {
		memcpy(buffer, queries->octets[i], queries->len[i]);
		query = (struct vly_query){.message = buffer,
					   .message_len = (uint16_t)queries->len[i],
					   .room = i & 1 ? 1024 : 4096,
					   .limit_max = 1232,
					   .limit = VLY_UDP_BYTES_MIN};
		vly_query_answer(&query, 1, table, NULL, &counters);
		cr_assert_leq(query.response_len, query.room);
	}
	vly_table_free(table);
}

static void
try_damaged(const struct fenced *fenced, const struct queries *queries, unsigned at)
{
	struct vly_image_error error = {0};
	struct vly_image image = {0};

	if (vly_image_verify(fenced->block, fenced->bytes, NULL, &image, &error) == 0)
		ask_all(&image, queries);
	else
		cr_assert_neq(error.text[0], '\0', "octet %u: refused without a reason", at);
}

Test(image, opens_what_the_builder_seals)
{
	struct vly_image *image = vly_test_image_open(&small, 1, 42);

	cr_assert_not_null(image);
	cr_expect_eq(image->id, 42);
	cr_expect_eq(image->header->zone_cnt, 1);
	cr_expect_eq(image->zone[0].serial, 7);
	vly_image_close(image);
}

Test(image, closes_null)
{
	vly_image_close(NULL);
}

Test(image, without_zones_is_accepted)
{
	struct vly_image *image = vly_test_image_open(NULL, 0, 1);

	cr_assert_not_null(image);
	cr_expect_eq(image->header->zone_cnt, 0);
	vly_image_close(image);
}

static void
expect_not_opened(int fd, const char *reason)
{
	struct vly_image_error error = {0};

	cr_expect_null(vly_image_open(fd, 1, NULL, &error));
	cr_expect_neq(strstr(error.text, reason), NULL, "expected %s, got %s", reason, error.text);
	close(fd);
}

/* A whole image in a memfd with the given seals. */
static int
image_fd_with(int seals)
{
	struct fenced fenced;
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	open_fenced(&fenced, &small);
	cr_assert_eq(write(fd, fenced.block, fenced.bytes), (ssize_t)fenced.bytes);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

Test(image, without_all_seals_is_refused)
{
	expect_not_opened(image_fd_with(0), "not a sealed memfd");
	expect_not_opened(image_fd_with(VLY_IMAGE_SEALS & ~F_SEAL_WRITE), "not a sealed memfd");
	expect_not_opened(image_fd_with(VLY_IMAGE_SEALS & ~F_SEAL_GROW), "not a sealed memfd");
	expect_not_opened(image_fd_with(VLY_IMAGE_SEALS & ~F_SEAL_SHRINK), "not a sealed memfd");
}

Test(image, that_is_no_memfd_or_empty_is_refused)
{
	expect_not_opened(open("/proc/self/exe", O_RDONLY), "not a sealed memfd");
	expect_not_opened(open("/", O_RDONLY | O_DIRECTORY), "not a sealed memfd");
	int fd = memfd_create("empty", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, VLY_IMAGE_SEALS), 0);
	expect_not_opened(fd, "empty");
}

Test(image, truncated_anywhere_is_refused)
{
	struct fenced whole;

	open_fenced(&whole, &small);
	for (size_t bytes = 0; bytes < whole.bytes; bytes += bytes < 300 ? 1 : 64) {
		struct fenced part;
		fence(&part, whole.block, bytes);
		expect_refused(&part, bytes < 256 ? "but a header has" : "truncated");
		munmap(part.map, part.map_bytes);
	}
}

/* Truncated by somebody who also writes the new size and checksum. */
Test(image, truncated_with_care_is_refused)
{
	struct fenced whole;

	open_fenced(&whole, &small);
	for (size_t bytes = 256; bytes < whole.bytes; bytes += 64) {
		struct fenced part;
		struct vly_image_error error;
		fence(&part, whole.block, bytes);
		((struct vly_image_header *)(void *)part.block)->image_bytes = bytes;
		vly_test_image_reseal(part.block, bytes);
		cr_expect_eq(verify(&part, &error), -1, "%zu octets", bytes);
		munmap(part.map, part.map_bytes);
	}
}

/* As an image in huge pages is: a whole number of them, with zeroes behind. */
Test(image, in_huge_pages_has_zeroes_behind)
{
	struct fenced whole;
	struct fenced huge;
	struct vly_image_error error;

	open_fenced(&whole, &small);
	uint8_t *block = calloc(2, VLY_IMAGE_HUGE_BYTES);
	cr_assert_not_null(block);
	memcpy(block, whole.block, whole.bytes);
	fence(&huge, block, VLY_IMAGE_HUGE_BYTES);
	cr_expect_eq(verify(&huge, &error), 0, "%s", error.text);
	size_t behind[] = {whole.bytes, whole.bytes + 1, VLY_IMAGE_HUGE_BYTES - 1};
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
		huge.block[behind[i]] = 1;
		expect_refused(&huge, "behind the image are not zero");
		huge.block[behind[i]] = 0;
	}
	((struct vly_image_header *)(void *)huge.block)->image_bytes = 100;
	expect_refused(&huge, "truncated");
	munmap(huge.map, huge.map_bytes);
	const size_t other[] = {whole.bytes + 64, VLY_IMAGE_HUGE_BYTES - 64,
				2 * VLY_IMAGE_HUGE_BYTES};
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		fence(&huge, block, other[i]);
		expect_refused(&huge, "truncated");
		munmap(huge.map, huge.map_bytes);
	}
	free(block);
}

/* One wrong field, with a right checksum: the reason names it. */
Test(image, with_a_wrong_header_says_what_is_wrong)
{
	struct fenced fenced;

	open_fenced(&fenced, &small);
	struct vly_image_header *header = (void *)fenced.block;
	const struct vly_image_header good = *header;
#define EXPECT(field, value, reason)                                                               \
	do {                                                                                       \
		header->field = (value);                                                           \
		vly_test_image_reseal(fenced.block, fenced.bytes);                                 \
		expect_refused(&fenced, reason);                                                   \
		*header = good;                                                                    \
	} while (0)
	EXPECT(magic, 0, "not a zone image");
	EXPECT(magic, __builtin_bswap64(VLY_IMAGE_MAGIC), "another byte order");
	EXPECT(version, 1, "image version 1");
	EXPECT(header_bytes, 128, "version");
	EXPECT(image_bytes, good.image_bytes + 64, "truncated");
	EXPECT(zone_cnt, 2, "zone section");
	EXPECT(zone_cnt, 0x4000001, "zone section"); /* 64 times this wraps in 32 bits */
	EXPECT(bucket_cnt, 0, "bucket section");
	EXPECT(bucket_cnt, good.bucket_cnt + 1, "bucket section");
	EXPECT(probe_max, 0, "impossible");
	EXPECT(probe_max, good.bucket_cnt + 1, "impossible");
	EXPECT(section[VLY_SECTION_HEAP].off, good.section[VLY_SECTION_HEAP].off + 8,
	       "outside the image");
	EXPECT(section[VLY_SECTION_HEAP].bytes, UINT64_MAX, "outside the image");
	EXPECT(section[VLY_SECTION_HEAP].bytes, 0, "outside the heap");
	EXPECT(section[VLY_SECTION_ZONES].off, (good.image_bytes + 127) & ~UINT64_C(63),
	       "outside the image");
	EXPECT(section[VLY_SECTION_HEAP + 1].off, 8, "outside the image");
	EXPECT(mandatory, good.mandatory | 1u << (VLY_SECTION_HEAP + 1), "unknown to this version");
	EXPECT(mandatory, good.mandatory | 1u << 31, "unknown to this version");
#undef EXPECT
}

/* Counters of RCODEs are found by their numbers. */
Test(image, with_an_rcode_that_no_zone_has_is_refused)
{
	struct fenced fenced;
	struct vly_image image = {0};
	struct vly_image_error error;

	open_fenced(&fenced, &small);
	cr_assert_eq(vly_image_verify(fenced.block, fenced.bytes, NULL, &image, &error), 0);
	const struct vly_image_answer *nxdomain = vly_image_at(image.heap, image.zone[0].nxdomain);
	uint8_t *flags = fenced.block + ((const uint8_t *)&nxdomain->flags - fenced.block);
	for (unsigned rcode = 0; rcode <= VLY_ANSWER_RCODE; rcode++) {
		*flags = (uint8_t)((*flags & ~VLY_ANSWER_RCODE) | rcode);
		vly_test_image_reseal(fenced.block, fenced.bytes);
		if (rcode <= VLY_RCODE_YXDOMAIN)
			cr_expect_eq(verify(&fenced, &error), 0, "%s", error.text);
		else
			expect_refused(&fenced, "RCODE");
	}
}

/* An answer that stands for one that is too large is SERVFAIL and nothing else. */
Test(image, with_records_in_an_answer_that_fails_is_refused)
{
	static const struct vly_test_zone zone = {"z.",
						  VLY_TEST_APEX "$GENERATE 1-5000 a MX 1 host$\n"};
	const uint8_t only = VLY_ANSWER_FAILS | VLY_RCODE_SERVFAIL;
	struct fenced fenced;
	struct vly_image image = {0};
	struct vly_image_error error;
	struct vly_image_answer *answer = NULL;

	open_fenced(&fenced, &zone);
	cr_assert_eq(vly_image_verify(fenced.block, fenced.bytes, NULL, &image, &error), 0);
	for (size_t at = 0; at + sizeof(*answer) <= image.header->section[VLY_SECTION_HEAP].bytes;
	     at += VLY_IMAGE_REF_BYTES) {
		answer = (void *)(fenced.block + (image.heap - fenced.block) + at);
		if (answer->flags == only && answer->anchor_len == 3 && answer->wire_len == 0)
			break;
	}
	cr_assert_eq(answer->flags, only);
	for (unsigned flags = 0; flags <= UINT8_MAX; flags++) {
		answer->flags = (uint8_t)flags;
		vly_test_image_reseal(fenced.block, fenced.bytes);
		if (flags & VLY_ANSWER_FAILS)
			cr_expect_eq(verify(&fenced, &error), flags == only ? 0 : -1, "%x", flags);
	}
	answer->flags = only;
	answer->arcount = 1;
	vly_test_image_reseal(fenced.block, fenced.bytes);
	expect_refused(&fenced, "fails, but has records");
	answer->arcount = 0;
	answer->sum = VLY_EDE_INVALID_DATA;
	vly_test_image_reseal(fenced.block, fenced.bytes);
	expect_refused(&fenced, "fails, but has records");
	answer->sum = VLY_EDE_NOT_READY;
	vly_test_image_reseal(fenced.block, fenced.bytes);
	cr_expect_eq(verify(&fenced, &error), 0, "%s", error.text);
	answer->wire_len = 1;
	answer->keep_len = 1;
	vly_test_image_reseal(fenced.block, fenced.bytes);
	expect_refused(&fenced, "fails, but has records");
}

Test(image, with_any_octet_flipped_fails_the_checksum)
{
	struct fenced fenced;
	struct vly_image_error error;

	open_fenced(&fenced, &small);
	for (size_t at = 0; at < fenced.bytes; at++) {
		fenced.block[at] ^= 0x01;
		cr_expect_eq(verify(&fenced, &error), -1, "octet %zu", at);
		if (at >= sizeof(struct vly_image_header))
			cr_expect_neq(strstr(error.text, "damaged"), NULL, "octet %zu: %s", at,
				      error.text);
		fenced.block[at] ^= 0x01;
	}
}

Test(image, with_any_octet_flipped_and_resealed_stays_inside, .timeout = 300)
{
	static const uint8_t masks[] = {0x01, 0x08, 0x40, 0x80, 0xff};
	static struct queries queries;
	struct fenced fenced;

	make_queries(&queries);
	open_fenced(&fenced, &small);
	for (unsigned at = 0; at < fenced.bytes; at++) {
		uint8_t good = fenced.block[at];
		for (size_t i = 0; i < sizeof(masks); i++) {
			fenced.block[at] = good ^ masks[i];
			vly_test_image_reseal(fenced.block, fenced.bytes);
			try_damaged(&fenced, &queries, at);
		}
		fenced.block[at] = good;
	}
}

/* Several aligned words at once, from values that hurt: the single octets above can't make a
 * consistent lie. */
Test(image, with_random_words_and_resealed_stays_inside, .timeout = 300)
{
	static struct queries queries;
	struct vly_test_random random = {5};
	struct fenced fenced;

	make_queries(&queries);
	open_fenced(&fenced, &small);
	uint8_t *good = malloc(fenced.bytes);
	memcpy(good, fenced.block, fenced.bytes);
	for (unsigned round = 0; round < 20000; round++) {
		memcpy(fenced.block, good, fenced.bytes);
		for (unsigned i = 1 + vly_test_random_below(&random, 3); i > 0; i--) {
			unsigned at =
				256 + 2 * vly_test_random_below(&random,
								(unsigned)(fenced.bytes - 260) / 2);
			unsigned from =
				256 + 2 * vly_test_random_below(&random,
								(unsigned)(fenced.bytes - 260) / 2);
			if (vly_test_random_chance(&random, 50))
				memcpy(fenced.block + at, good + from, 4);
			else
				memset(fenced.block + at, (int)vly_test_random_below(&random, 256),
				       1 + vly_test_random_below(&random, 4));
		}
		vly_test_image_reseal(fenced.block, fenced.bytes);
		try_damaged(&fenced, &queries, round);
	}
	free(good);
}

static const struct vly_image_header *
header_of(const struct fenced *fenced)
{
	return (const void *)fenced->block;
}

static struct vly_image_bucket *
bucket_of(const struct fenced *fenced, uint32_t idx)
{
	return (struct vly_image_bucket
			*)(void *)(fenced->block +
				   header_of(fenced)->section[VLY_SECTION_BUCKETS].off) +
	       idx;
}

static struct vly_image_node *
apex_of(const struct fenced *fenced, vly_image_ref *ref)
{
	const struct vly_image_zone *zone =
		(const void *)(fenced->block + header_of(fenced)->section[VLY_SECTION_ZONES].off);

	*ref = zone->apex;
	return (struct vly_image_node *)(void *)(fenced->block +
						 header_of(fenced)->section[VLY_SECTION_HEAP].off +
						 (uint64_t)zone->apex * VLY_IMAGE_REF_BYTES);
}

/* A search ends at the first empty slot, so a node behind one is never verified, and must never be
 * looked at. */
Test(image, nodes_behind_an_empty_slot_are_not_looked_at)
{
	static struct queries queries;
	struct fenced fenced;

	make_queries(&queries);
	open_fenced(&fenced, &small);
	for (uint32_t i = 0; i < header_of(&fenced)->bucket_cnt; i++) {
		struct vly_image_bucket *bucket = bucket_of(&fenced, i);
		memmove(&bucket->tag[1], &bucket->tag[0], 7 * sizeof(bucket->tag[0]));
		bucket->node[0] = 0;
		for (unsigned slot = 1; slot < 8; slot++)
			bucket->node[slot] = 0x10000000;
	}
	vly_test_image_reseal(fenced.block, fenced.bytes);
	try_damaged(&fenced, &queries, 0);
}

/* The apex answers for what its zone does not have, whether a bucket leads to it or not. */
Test(image, an_apex_that_is_in_no_bucket_is_verified_whole)
{
	static struct queries queries;
	struct fenced fenced;
	vly_image_ref ref;

	make_queries(&queries);
	open_fenced(&fenced, &small);
	apex_of(&fenced, &ref)->wildcard = 0x10000000;
	for (uint32_t i = 0; i < header_of(&fenced)->bucket_cnt; i++)
		for (unsigned slot = 0; slot < 8; slot++)
			if (bucket_of(&fenced, i)->node[slot] == ref)
				memset(bucket_of(&fenced, i), 0, sizeof(struct vly_image_bucket));
	vly_test_image_reseal(fenced.block, fenced.bytes);
	try_damaged(&fenced, &queries, 0);
}

/* Large enough for helpers. */
#define MANY "200000"
static const struct vly_test_zone large = {"z.", VLY_TEST_APEX "$GENERATE 1-" MANY
							       " a$.a-longer-name A 192.0.2.1\n"};

static const struct vly_image_helpers *
all_helpers(void)
{
	static struct vly_image_helpers helpers = {.cnt = VLY_IMAGE_HELPERS_MAX};

	cr_assert_eq(sched_getaffinity(0, sizeof(helpers.cpus), &helpers.cpus), 0);
	return &helpers;
}

static void
expect_refused_by_all(const struct fenced *fenced, const char *reason)
{
	struct vly_image image;
	struct vly_image_error error = {0};

	expect_refused(fenced, reason);
	cr_expect_eq(vly_image_verify(fenced->block, fenced->bytes, all_helpers(), &image, &error),
		     -1, "expected: %s", reason);
	cr_expect_neq(strstr(error.text, reason), NULL, "expected %s, got %s", reason, error.text);
}

/* Whichever thread meets the damage, the reason is the same; and the first one if there are
 * several. */
Test(image, damage_found_by_helpers_has_its_reason, .timeout = 300)
{
	struct fenced fenced;
	struct vly_image image;
	struct vly_image_error error = {0};

	open_fenced(&fenced, &large);
	cr_assert_geq(fenced.bytes, 16u << 20);
	cr_assert_eq(vly_image_verify(fenced.block, fenced.bytes, all_helpers(), &image, &error), 0,
		     "%s", error.text);
	uint32_t bucket_cnt = header_of(&fenced)->bucket_cnt;
	struct vly_image_bucket *before = NULL;
	vly_image_ref good = 0;
	for (unsigned i = 0; i < 40; i++) {
		struct vly_image_bucket *bucket =
			bucket_of(&fenced, (uint32_t)((uint64_t)(bucket_cnt - 1) * (39 - i) / 39));
		char reason[64];
		vly_image_ref saved = bucket->node[0];
		bucket->node[0] = UINT32_MAX - i;
		snprintf(reason, sizeof(reason), "node %u is outside the heap", UINT32_MAX - i);
		expect_refused_by_all(&fenced, "wrong checksum");
		vly_test_image_reseal(fenced.block, fenced.bytes);
		/* with the damage of the round before, which is further back */
		expect_refused_by_all(&fenced, reason);
		if (before != NULL)
			before->node[0] = good;
		before = bucket;
		good = saved;
	}
	munmap(fenced.map, fenced.map_bytes);
}
