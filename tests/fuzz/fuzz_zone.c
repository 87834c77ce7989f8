/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any octets as a zone file, in both ways of reading, through the whole compiler. A zone that loads
 * makes an image that the verifier accepts and that answers soundly; one that does not has a
 * reason. Most inputs do not load: they cost no image.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixed_zones.h"
#include "message.h"
#include "target.h"
#include "zone/dnssec_check.h"
#include "zone/zone_check.h"
#include "zone/zone_file.h"

/* Questions for an image, at most: each costs as much as reading a small zone does. */
#define QUESTIONS_MAX 8

/* Scanners and messages are large. When all that is freed waits in quarantine, each run begins with
 * new pages, which cost more than the run. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}

static char path[32]; /* of a file with the input */
static int file = -1;
static struct vly_zone_scanner scanner;

static const char *
find_word(const char *text, size_t bytes, const char *word)
{
	size_t len = strlen(word);

	const char *end = text + bytes;

	while ((text = memchr(text, word[0], (size_t)(end - text))) != NULL) {
		if ((size_t)(end - text) >= len && strncasecmp(text, word, len) == 0)
			return text;
		text++;
	}
	return NULL;
}

/* A zone file could include /dev/stdin or any file of this machine, and generate millions of lines:
 * a range may have numbers of two digits. */
static bool
is_allowed(const char *text, size_t bytes)
{
	const char *end = text + bytes;
	unsigned digit_cnt = 0;

	if (find_word(text, bytes, "$include") != NULL)
		return false;
	while ((text = find_word(text, (size_t)(end - text), "$generate")) != NULL) {
		for (; text < end && *text != '\n' && digit_cnt < 3; text++)
			digit_cnt = *text >= '0' && *text <= '9' ? digit_cnt + 1 : 0;
		if (digit_cnt == 3)
			return false;
	}
	return true;
}

/* Names of the image, and one below each: what comes back must decode. */
static void
ask(const struct vly_image *image, const struct vly_table *table, size_t salt)
{
	static const uint16_t types[] = {1, 2, 5, 6, 39, 43, 47, 255};
	uint8_t below[VLY_NAME_BYTES_MAX + 1] = {1, 'q'};
	const uint32_t slot_cnt = image->header->bucket_cnt * 8;

	for (size_t i = 0, asked = 0; i < slot_cnt && i < 256 && asked < QUESTIONS_MAX; i++) {
		vly_image_ref ref = image->bucket[i / 8].node[i % 8];
		if (ref == 0)
			continue;
		const struct vly_image_node *node = vly_image_at(image->heap, ref);
		const uint8_t *name = vly_image_node_name(node);
		const size_t choice = salt + asked++;
		struct vly_test_response response;
		if (choice & 1 && node->name_len <= VLY_NAME_BYTES_MAX - 2) {
			memcpy(below + 2, name, node->name_len);
			name = below;
		}
		vly_test_ask(table,
			     &(struct vly_test_question){
				     .wire = name,
				     .type = types[choice / 2 % (sizeof(types) / sizeof(types[0]))],
				     .edns = choice & 16,
				     .dnssec_ok = true,
				     .stream = choice & 2},
			     &response);
		require(response.fault == NULL);
		require((response.flags & 15) != VLY_RCODE_REFUSED);
		vly_test_response_free(&response);
	}
}

static void
check_image(struct vly_image_builder *builder, bool loaded, size_t salt)
{
	struct vly_image_error error = {0};
	struct vly_built_image built;

	require(vly_image_builder_seal(builder, &built) == 0);
	require(built.zone_cnt == 1u + loaded);
	struct vly_image *image = vly_image_open(built.fd, 1, NULL, &error);
	require(image != NULL);
	struct vly_table *table = vly_table_build(&image, 1, &error);
	require(table != NULL);
	ask(image, table, salt);
	vly_table_free(table);
	vly_image_close(image);
	close(built.fd);
}

/* Builds an image with the zone, which has been read without an error, and another one: when it
 * can't be compiled, the builder can still seal what else it has. */
static void
build(size_t salt)
{
	static const struct vly_test_zone other = {"other.", VLY_TEST_APEX};
	struct vly_image_builder *builder = vly_image_builder_new(&vly_test_key);
	struct vly_zone_error error = {0};
	struct vly_zone_report report;
	struct vly_zone_info info;

	require(builder != NULL);
	require(vly_test_zone_add(builder, &other, &error) == 0);
	vly_zone_report_defaults(&report);
	bool loaded = vly_image_builder_add_file(builder, "z.", path, NULL, &report, &info) == 0;
	require(loaded || report.first.text[0] != '\0');
	check_image(builder, loaded, salt);
}

/* The time is within that of the corpus' signatures. Nothing found may be more than a warning. */
static void
check_signed(const struct vly_zone *zone, struct vly_zone_report *report)
{
	static const struct vly_dnssec_settings settings = {
		.now_s = 2000000000, .verify = VLY_DNSSEC_VERIFY_ALL, .thread_max = 1};
	const uint32_t error_cnt = report->error_cnt;
	struct vly_dnssec_facts facts;

	report->severity[VLY_ZONE_CHECK_nsec3_costly] = VLY_ZONE_WARNING;
	vly_dnssec_check(zone, &settings, report, &facts);
	require(report->error_cnt == error_cnt);
	require(facts.is_signed || facts.expiry_s == 0);
}

/* Returns true when the zone has no error. */
static bool
read_zone(void)
{
	struct vly_zone_report report;
	struct vly_zone zone;

	vly_zone_report_defaults(&report);
	if (vly_zone_read_file(&zone, &scanner, &vly_test_key, "z.", path, NULL, &report) == 0) {
		vly_zone_check(&zone, &report);
		check_signed(&zone, &report);
		vly_zone_free(&zone);
	} else {
		require(report.error_cnt > 0);
	}
	require(report.error_cnt == 0 || report.first.text[0] != '\0');
	return report.error_cnt == 0;
}

/* Chooses the questions. */
static size_t
salt_of(const uint8_t *data, size_t bytes)
{
	size_t salt = bytes;

	for (size_t i = 0; i < bytes; i++)
		salt = salt * 31 + data[i];
	return salt;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	file = memfd_create("zone-text", MFD_CLOEXEC);
	require(file >= 0);
	vly_test_fd_path(file, path);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes > 8192 || !is_allowed((const char *)data, bytes))
		return -1;
	/* in this order, so that the file keeps its pages */
	require(pwrite(file, data, bytes, 0) == (ssize_t)bytes &&
		ftruncate(file, (off_t)bytes) == 0);
	if (read_zone())
		build(salt_of(data, bytes));
	return 0;
}
