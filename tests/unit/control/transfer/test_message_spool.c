/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "random.h"
#include "transfer/message_spool.h"

static struct vly_message_spool_usage usage;
static char dir[64];
static char missing[128]; /* a directory that is not there yet, in `dir` */
static _Atomic unsigned progress_cnt;

static void
begin(void)
{
	strcpy(dir, "/tmp/vly-spool-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(missing, sizeof(missing), "%s/transfers", dir);
}

static void
end(void)
{
	rmdir(missing);
	cr_expect_eq(rmdir(dir), 0, "a file is left: %s", strerror(errno));
}

static void
on_progress(void *arg)
{
	(void)arg;
	progress_cnt++;
}

static struct vly_message_spool *
new_spool(const char *where, uint64_t memory_max)
{
	struct vly_message_spool *spool = vly_message_spool_new(
		&(struct vly_message_spool_settings){.dir = where,
						     .usage = &usage,
						     .memory_max = memory_max,
						     .on_progress = on_progress,
						     .arg = dir});

	cr_assert_not_null(spool);
	return spool;
}

static size_t
make_message(uint8_t *message, unsigned idx)
{
	struct vly_test_random rng = {idx + 1};
	const size_t len = 12 + vly_test_random_below(&rng, 16000);

	vly_test_random_fill(&rng, message, len);
	return len;
}

#define MESSAGES 300

static void
fill(void *arg)
{
	struct vly_message_spool *spool = arg;
	static uint8_t message[65536];
	char reason[VLY_REASON_BYTES];

	for (unsigned i = 0; i < MESSAGES; i++) {
		size_t len = make_message(message, i);
		if (vly_message_spool_append(spool, message, len, reason) != 0)
			abort();
	}
	if (vly_message_spool_end(spool, VLY_MESSAGE_SPOOL_WHOLE, reason) != 0)
		abort();
}

/* Reads all, in pieces of any size, while it is written. */
static void
read_all(struct vly_message_spool *spool)
{
	static uint8_t should[65536], chunk[70000];
	struct vly_test_random rng = {7};
	enum vly_message_spool_end how = VLY_MESSAGE_SPOOL_FILLING;
	uint64_t off = 0;
	unsigned idx = 0;

	while (how == VLY_MESSAGE_SPOOL_FILLING || off < vly_message_spool_look(spool, &how)) {
		const uint64_t there = vly_message_spool_look(spool, &how);
		if (off == there)
			continue;
		/* at least one message */
		ssize_t cnt = vly_message_spool_read(spool, off, chunk,
						     16100 + vly_test_random_below(&rng, 50000),
						     vly_test_random_chance(&rng, 50));
		if (cnt < 0 && errno == EAGAIN)
			continue;
		cr_assert_gt(cnt, 0);
		for (size_t at = 0; (size_t)cnt - at >= 2;) {
			size_t len = (size_t)chunk[at] << 8 | chunk[at + 1];
			if ((size_t)cnt - at - 2 < len)
				break;
			cr_assert_eq(len, make_message(should, idx++));
			cr_assert_eq(memcmp(chunk + at + 2, should, len), 0);
			at += 2 + len;
			off += 2 + len;
		}
	}
	cr_expect_eq(how, VLY_MESSAGE_SPOOL_WHOLE);
	cr_expect_eq(idx, MESSAGES);
}

static void
write_and_read(uint64_t memory_max, bool in_file)
{
	begin();
	struct vly_message_spool *spool = new_spool(missing, memory_max);
	uv_thread_t thread;

	cr_assert_eq(uv_thread_create(&thread, fill, spool), 0);
	read_all(spool);
	uv_thread_join(&thread);
	read_all(spool); /* and once more */
	cr_expect_gt(progress_cnt, 1);
	cr_expect_eq(usage.file_bytes > 0, in_file);
	cr_expect_eq(usage.memory_bytes > 0, !in_file);
	vly_message_spool_free(spool);
	cr_expect_eq(usage.file_bytes, 0);
	cr_expect_eq(usage.memory_bytes, 0);
	end();
}

Test(spool, is_read_while_it_is_written_in_memory)
{
	write_and_read(8 << 20, false);
}

Test(spool, is_read_while_it_is_written_to_a_file)
{
	write_and_read(0, true);
}

Test(spool, moves_to_a_file_when_it_is_large)
{
	write_and_read(100000, true);
}

Test(spool, all_spools_together_take_limited_memory)
{
	static uint8_t message[60000];
	char reason[VLY_REASON_BYTES];

	begin();
	usage.memory_bytes = VLY_MESSAGE_SPOOLS_MEMORY_MAX - 1000;
	struct vly_message_spool *spool = new_spool(missing, VLY_MESSAGE_SPOOL_MEMORY_MAX);
	cr_assert_eq(vly_message_spool_append(spool, message, sizeof(message), reason), 0);
	cr_assert_eq(vly_message_spool_end(spool, VLY_MESSAGE_SPOOL_WHOLE, reason), 0);
	cr_expect_eq(usage.file_bytes, sizeof(message) + 2);
	cr_expect_eq(usage.memory_bytes, VLY_MESSAGE_SPOOLS_MEMORY_MAX - 1000);
	vly_message_spool_free(spool);
	end();
}

/* The disk takes no more, as when it is full. */
Test(spool, fails_when_the_disk_is_full)
{
	static uint8_t message[60000];
	char reason[VLY_REASON_BYTES] = "";
	enum vly_message_spool_end how;
	int result = 0;

	begin();
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){500000, 500000}), 0);
	struct vly_message_spool *spool = new_spool(missing, 0);
	for (unsigned i = 0; i < 20 && result == 0; i++)
		result = vly_message_spool_append(spool, message, sizeof(message), reason);
	cr_expect_eq(result, -1);
	cr_expect_not_null(strstr(reason, missing), "%s", reason);
	(void)vly_message_spool_end(spool, VLY_MESSAGE_SPOOL_FAILED, reason);
	cr_expect_leq(vly_message_spool_look(spool, &how), 500000);
	cr_expect_eq(how, VLY_MESSAGE_SPOOL_FAILED);
	vly_message_spool_free(spool);
	/* the last octets are written at the end */
	spool = new_spool(missing, 0);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 500000}), 0);
	cr_assert_eq(vly_message_spool_append(spool, message, sizeof(message), reason), 0);
	cr_expect_eq(vly_message_spool_end(spool, VLY_MESSAGE_SPOOL_WHOLE, reason), -1);
	(void)vly_message_spool_look(spool, &how);
	cr_expect_eq(how, VLY_MESSAGE_SPOOL_FAILED);
	vly_message_spool_free(spool);
	end();
}

Test(spool, fails_without_its_directory)
{
	char reason[VLY_REASON_BYTES] = "";

	struct vly_message_spool *spool = new_spool("/dev/null/transfers", 0);
	cr_expect_eq(vly_message_spool_append(spool, (const uint8_t *)"x", 1, reason), -1);
	cr_expect_str_eq(reason, "/dev/null/transfers: Not a directory");
	(void)vly_message_spool_end(spool, VLY_MESSAGE_SPOOL_FAILED, reason);
	vly_message_spool_free(spool);
}
