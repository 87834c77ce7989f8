/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The manager of living zones with a real store and real threads, but a publisher that answers when and
 * as the test wants. */
#ifndef VLY_TESTS_LIVING_FIXTURE_H
#define VLY_TESTS_LIVING_FIXTURE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "compile/image_builder.h"
#include "config/config.h"
#include "living/living_load.h"
#include "publish/publish_turns.h"

static struct {
	struct vly_image_list *list;
	void (*done)(void *arg, const struct vly_publish_report *report);
	void *arg;
	unsigned cnt;
} publisher;

static unsigned error_cnt;
static const char *refusal = "it does not like that";

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	error_cnt += level == VLY_LOG_ERROR;
	(void)format;
}

void
vly_publisher_publish(struct vly_publisher *self, struct vly_image_list *list, bool hold,
		      void (*done)(void *arg, const struct vly_publish_report *report), void *arg)
{
	(void)self;
	(void)hold;
	cr_assert_null(publisher.done, "two publications at once");
	publisher.list = list;
	publisher.done = done;
	publisher.arg = arg;
	publisher.cnt++;
}

bool
vly_publisher_is_holding(const struct vly_publisher *self)
{
	(void)self;
	return false;
}

void
vly_publisher_on_commit(struct vly_publisher *self, void (*commit)(void *arg, uint64_t seq),
			void *arg)
{
	(void)self;
	(void)commit;
	(void)arg;
}

static void
answer_publication(enum vly_publish_outcome outcome)
{
	void (*done)(void *arg, const struct vly_publish_report *report) = publisher.done;
	struct vly_publish_report report = {.outcome = outcome, .text = refusal};

	publisher.done = NULL;
	vly_image_list_free(publisher.list);
	publisher.list = NULL;
	done(publisher.arg, &report);
}

static char directory[] = "/tmp/volley-living-XXXXXX";
static uv_loop_t loop;
static struct vly_publish_turns *turns;
static struct vly_living *living;
static struct vly_live_image *base;
static const struct vly_hash_key key = {{1, 2, 3, 4}};

static void
write_zone(FILE *out)
{
	fputs("$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n", out);
	for (unsigned i = 0; i < 200; i++)
		fprintf(out, "n%u A 192.0.2.1\n", i);
}

static void
adopt(void (*write)(FILE *out))
{
	struct vly_image_builder *builder = vly_image_builder_new(&key);
	struct vly_living_source source = {.name = "a.", .policy = VLY_SERIAL_INCREMENT};
	struct vly_zone_report report;
	struct vly_zone_info info;
	struct vly_built_image built;
	char file[100];

	snprintf(file, sizeof(file), "%s/a", directory);
	FILE *out = fopen(file, "w");
	cr_assert_not_null(out);
	write(out);
	fclose(out);
	source.file = file;
	vly_zone_report_defaults(&report);
	cr_assert_not_null(builder);
	cr_assert_eq(vly_living_load(living, builder, &source, NULL, &report, &info, NULL), 0, "%s",
		     report.first.text);
	cr_assert_eq(vly_image_builder_seal(builder, &built), 0);
	base = vly_live_image_new(vly_live_image_next_id(), built.fd, built.bytes, 1);
	cr_assert_not_null(base);
	cr_assert_eq(vly_living_adopt(living, "a.", base, &info, source.policy), 0);
}

static void
set_up_empty(void)
{
	char reason[VLY_REASON_BYTES];

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(uv_loop_init(&loop), 0);
	turns = vly_publish_turns_new((struct vly_publisher *)&publisher);
	living = vly_living_new(&loop, directory, &key, turns, reason, sizeof(reason));
	cr_assert_not_null(living, "%s", reason);
}

static void
tear_down(void)
{
	char command[100];

	while (vly_living_is_busy(living)) {
		uv_run(&loop, UV_RUN_ONCE);
		if (publisher.done)
			answer_publication(VLY_PUBLISH_DONE);
	}
	vly_living_free(living);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
	vly_publish_turns_free(turns);
	vly_live_image_put(base);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	cr_expect_eq(system(command), 0);
}

#endif
