/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Warnings about signatures, at times that the test sets. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reload/signature_watch.h"

#define DAY    UINT64_C(86400)
#define NOW    UINT64_C(2000000000)
#define MARGIN (3 * DAY)

/* Zones z0., z1., ... */
static struct vly_config *
make_config(unsigned cnt)
{
	char path[] = "/tmp/volley-watch-XXXXXX";
	struct vly_config_errors errors;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	dprintf(fd, "zones:\n");
	for (unsigned i = 0; i < cnt; i++)
		dprintf(fd, "- {name: z%u, file: /z}\n", i);
	close(fd);
	struct vly_config *config = vly_config_load(path, &errors);
	unlink(path);
	cr_assert_not_null(config);
	return config;
}

/* Served zones z0., z1., ... that are not loaded. */
static struct vly_served_zones *
make_served(unsigned cnt)
{
	struct vly_served_zones *served = vly_served_zones_new(make_config(cnt));

	cr_assert_not_null(served);
	return served;
}

static void
sign(struct vly_served_zones *served, unsigned idx, uint64_t expiry_s)
{
	struct vly_load_item item = {
		.info = {.expiry_s = expiry_s, .margin_s = MARGIN},
		.image = vly_live_image_new(vly_live_image_next_id(), open("/dev/null", O_RDONLY),
					    1, 1),
	};

	vly_served_zones_stage(served, served->zones[idx], &item);
	vly_served_zones_accept(served);
}

/* Watches with stderr in `log`, and returns what the watch does. */
static uint64_t
watch(struct vly_served_zones *served, uint64_t now_s, char *log, size_t bytes)
{
	int old = dup(STDERR_FILENO);
	int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	cr_assert(old >= 0 && file >= 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	uint64_t next_s = vly_signature_watch(served, now_s);
	fflush(stderr);
	dup2(old, STDERR_FILENO);
	ssize_t got = pread(file, log, bytes - 1, 0);
	log[got < 0 ? 0 : got] = '\0';
	close(old);
	close(file);
	return next_s;
}

static unsigned
line_cnt(const char *log)
{
	unsigned cnt = 0;

	for (; *log != '\0'; log++)
		cnt += *log == '\n';
	return cnt;
}

Test(signature_watch, levels)
{
	struct vly_zone_info info = {0};

	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_NONE);
	info.margin_s = MARGIN;
	info.expiry_s = NOW + MARGIN + 1;
	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_GOOD);
	info.expiry_s = NOW + MARGIN;
	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_SOON);
	info.expiry_s = NOW + DAY;
	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_URGENT);
	info.expiry_s = NOW;
	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_URGENT);
	info.expiry_s = NOW - 1;
	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_EXPIRED);
	info.margin_s = 5;
	info.expiry_s = NOW + DAY + 1;
	cr_expect_eq(vly_signature_level(&info, NOW), VLY_SIGNATURES_GOOD);
}

Test(signature_watch, logs_each_level_once_and_in_time)
{
	struct vly_served_zones *served = make_served(3);
	const uint64_t expiry_s = NOW + 10 * DAY;
	char log[4000];

	cr_expect_eq(watch(served, NOW, log, sizeof(log)), UINT64_MAX);
	sign(served, 1, expiry_s);
	cr_expect_eq(watch(served, NOW, log, sizeof(log)), expiry_s - MARGIN);
	cr_expect_str_empty(log);
	cr_expect_eq(watch(served, expiry_s - MARGIN, log, sizeof(log)), expiry_s - DAY);
	cr_expect_eq(line_cnt(log), 1, "%s", log);
	cr_expect_not_null(strstr(log, "zone z1.: signatures expire on 2033-05-28"), "%s", log);
	cr_expect_not_null(strstr(log, "SOA expire and the largest TTL (259200 s)"), "%s", log);
	watch(served, expiry_s - MARGIN + 5, log, sizeof(log));
	cr_expect_str_empty(log);
	cr_expect_eq(watch(served, expiry_s - DAY, log, sizeof(log)), expiry_s + 1);
	cr_expect_not_null(strstr(log, "within a day"), "%s", log);
	cr_expect_eq(watch(served, expiry_s + 1, log, sizeof(log)), UINT64_MAX);
	cr_expect_not_null(strstr(log, "zone z1.: signatures expired on"), "%s", log);
	watch(served, expiry_s + DAY, log, sizeof(log));
	cr_expect_str_empty(log);
	/* signed again, then left alone again */
	sign(served, 1, expiry_s + 30 * DAY);
	cr_expect_eq(watch(served, expiry_s + DAY, log, sizeof(log)), expiry_s + 30 * DAY - MARGIN);
	cr_expect_str_empty(log);
	watch(served, expiry_s + 31 * DAY, log, sizeof(log));
	cr_expect_eq(line_cnt(log), 1, "%s", log);
	vly_served_zones_free(served);
}

Test(signature_watch, a_new_configuration_does_not_log_again)
{
	struct vly_served_zones *served = make_served(1);
	char log[4000];

	sign(served, 0, NOW - 1);
	watch(served, NOW, log, sizeof(log));
	cr_expect_eq(line_cnt(log), 1);
	struct vly_served_zones *next = vly_served_zones_successor(served, make_config(1));
	cr_assert_not_null(next);
	watch(next, NOW, log, sizeof(log));
	cr_expect_str_empty(log);
	vly_served_zones_free(next);
	vly_served_zones_free(served);
}

Test(signature_watch, names_a_hundred_zones_at_most)
{
	struct vly_served_zones *served = make_served(150);
	struct vly_signature_summary summary;
	static char log[100000];

	for (unsigned i = 0; i < 150; i++)
		sign(served, i, NOW + 2 * DAY + 150 - i);
	watch(served, NOW, log, sizeof(log));
	cr_expect_eq(line_cnt(log), 101);
	cr_expect_not_null(strstr(log, "signatures of 50 more zones expire soon"), "%s", log);
	sign(served, 7, NOW - 1);
	sign(served, 8, 0);
	vly_signature_summarize(served, NOW, &summary);
	cr_expect_eq(summary.signed_cnt, 149);
	cr_expect_eq(summary.soon_cnt, 148);
	cr_expect_eq(summary.expired_cnt, 1);
	cr_expect_eq(summary.first, served->zones[7]);
	vly_served_zones_free(served);
}
