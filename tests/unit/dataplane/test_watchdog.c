/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/evidence.h"
#include "base/thread_state.h"
#include "watchdog.h"

#define LOOKS 10

Test(watchdog, is_patient_for_as_many_looks_as_it_is_told)
{
	struct vly_watch watch = {0};

	cr_expect_not(vly_watch_look(&watch, 5, LOOKS));
	for (unsigned i = 1; i < LOOKS; i++)
		cr_expect_not(vly_watch_look(&watch, 5, LOOKS), "look %u", i);
	cr_expect(vly_watch_look(&watch, 5, LOOKS));
	cr_expect(vly_watch_look(&watch, 5, LOOKS));
}

Test(watchdog, begins_anew_with_any_progress)
{
	struct vly_watch watch = {0};
	uint64_t progress = UINT64_MAX - 20; /* sums of counters may wrap */

	for (unsigned i = 0; i < 1000; i++) {
		progress += i % (LOOKS - 1) == 0;
		cr_assert_not(vly_watch_look(&watch, progress, LOOKS), "look %u", i);
	}
}

Test(watchdog, reads_what_the_kernel_says_of_a_thread)
{
	struct vly_thread_state state;

	cr_expect_eq(vly_thread_state_parse("12 (rte-worker-1) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0",
					    100, &state),
		     0);
	cr_expect(state.runnable);
	cr_expect_eq(state.cpu_ms, 2000);
	cr_expect_eq(
		vly_thread_state_parse("12 (a) R (b) S 1 2 3 4 5 6 7 8 9 10 1 0 0 0", 100, &state),
		0);
	cr_expect_not(state.runnable);
	cr_expect_eq(state.cpu_ms, 10);
	cr_expect_eq(vly_thread_state_parse("", 100, &state), -EBADMSG);
	cr_expect_eq(vly_thread_state_parse("12 (a) R 1 2", 100, &state), -EBADMSG);
}

Test(watchdog, reads_its_own_thread)
{
	struct vly_thread_state state;

	cr_expect_eq(vly_thread_state_read(getpid(), &state), 0);
	cr_expect(state.runnable);
	cr_expect_eq(vly_thread_state_read(1 << 30, &state), -ENOENT);
}

static struct vly_evidence evidence;

Test(evidence, keeps_what_can_be_read)
{
	static const uint8_t frame[3000] = {1, 2, 3, [2047] = 4, [2048] = 5};
	void *gone = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	vly_evidence_add_frame(&evidence, gone, 100);
	cr_expect_eq(evidence.cnt, 0);
	vly_evidence_add_frame(&evidence, frame, sizeof(frame));
	cr_expect_eq(evidence.packet[0].bytes, VLY_EVIDENCE_BYTES_MAX);
	cr_expect_eq(evidence.packet[0].original_bytes, sizeof(frame));
	cr_expect_arr_eq(evidence.packet[0].octets, frame, VLY_EVIDENCE_BYTES_MAX);
	for (unsigned i = 0; i < 2 * VLY_EVIDENCE_PACKETS_MAX; i++)
		vly_evidence_add_frame(&evidence, frame, 60);
	cr_expect_eq(evidence.cnt, VLY_EVIDENCE_PACKETS_MAX);
	vly_evidence_clear(&evidence);
	cr_expect_eq(evidence.cnt, 0);
}

Test(evidence, puts_headers_in_front_of_messages)
{
	static const uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
	static const uint8_t ipv4[4] = {192, 0, 2, 1};
	static const uint8_t message[UINT16_MAX] = "message";

	vly_evidence_add_message(&evidence, ipv4, true, message, 7);
	cr_expect_eq(evidence.packet[0].bytes, 14 + 20 + 8 + 7);
	cr_expect_arr_eq(evidence.packet[0].octets + 12, "\x08\x00\x45\x00\x00\x23", 6);
	cr_expect_arr_eq(evidence.packet[0].octets + 14 + 12, ipv4, 4);
	cr_expect_arr_eq(evidence.packet[0].octets + 42, message, 7);
	vly_evidence_add_message(&evidence, ipv6, false, message, 7);
	cr_expect_eq(evidence.packet[1].bytes, 14 + 40 + 8 + 7);
	cr_expect_arr_eq(evidence.packet[1].octets + 12, "\x86\xdd\x60\0\0\0\0\x0f\x11", 9);
	cr_expect_arr_eq(evidence.packet[1].octets + 14 + 8, ipv6, 16);
	cr_expect_arr_eq(evidence.packet[1].octets + 62, message, 7);
	/* no length in a head could tell this one */
	vly_evidence_add_message(&evidence, ipv4, true, message, UINT16_MAX);
	cr_expect_eq(evidence.cnt, 2);
}

static unsigned
count_files(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	unsigned cnt = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		cnt += entry->d_name[0] != '.';
	if (dir != NULL)
		closedir(dir);
	return cnt;
}

Test(evidence, leaves_the_latest_files)
{
	char dir[] = "/tmp/volley-evidence-XXXXXX";
	char path[300], stuck[sizeof(dir) + 8], name[200];

	cr_assert_not_null(mkdtemp(dir));
	snprintf(stuck, sizeof(stuck), "%s/stuck", dir);
	vly_evidence_add_frame(&evidence, dir, sizeof(dir));
	for (unsigned i = 0; i < 2 * VLY_EVIDENCE_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "lcore-%u", i);
		cr_assert_eq(vly_evidence_write(&evidence, dir, name, path, sizeof(path)), 0);
		cr_expect_eq(access(path, R_OK), 0, "%s", path);
	}
	cr_expect_eq(count_files(stuck), VLY_EVIDENCE_FILES_MAX);

	/* another user's link is not followed */
	snprintf(name, sizeof(name), "rm -r %s && ln -s /tmp %s", stuck, stuck);
	cr_assert_eq(system(name), 0);
	cr_expect_lt(vly_evidence_write(&evidence, dir, "lcore-1", path, sizeof(path)), 0);
	cr_expect_str_eq(path, stuck);
	snprintf(name, sizeof(name), "rm -r %s", dir);
	cr_expect_eq(system(name), 0);
}
