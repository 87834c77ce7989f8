/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "secondary/contacts.h"

#define NOW UINT64_C(1700000000)

static char dir[64];
static unsigned log_cnt;

void
vly_log(enum vly_log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
	log_cnt++;
}

static void
make_dir(void)
{
	snprintf(dir, sizeof(dir), "/tmp/contacts-XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
}

static void
remove_dir(void)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/secondaries", dir);
	unlink(path);
	rmdir(dir);
}

TestSuite(contacts, .init = make_dir, .fini = remove_dir);

static void
close_and_run(uv_loop_t *loop, struct vly_note_file *contacts)
{
	vly_note_file_close(contacts);
	uv_run(loop, UV_RUN_DEFAULT);
}

Test(contacts, what_was_noted_is_there_after_a_restart)
{
	const struct vly_contact first = {NOW, NOW + 9, {7, 1, 2, 3}};
	const struct vly_contact second = {NOW + 5, NOW + 9, {8, 1, 2, 3}};
	const struct vly_contact old = {NOW - 400 * 86400, NOW, {9, 1, 2, 3}};
	struct vly_contact read;
	uv_loop_t loop;

	uv_loop_init(&loop);
	struct vly_note_file *contacts = vly_contacts_open(&loop, dir, NOW);
	cr_expect_not(vly_contacts_find(contacts, "a.", &read));
	vly_contacts_note(contacts, "a.", &first);
	vly_contacts_note(contacts, "b.", &first);
	vly_contacts_note(contacts, "old.", &old);
	vly_contacts_note(contacts, "a.", &second);
	close_and_run(&loop, contacts);

	contacts = vly_contacts_open(&loop, dir, NOW + 10);
	cr_expect(vly_contacts_find(contacts, "a.", &read));
	cr_expect_eq(memcmp(&read, &second, sizeof(read)), 0);
	cr_expect(vly_contacts_find(contacts, "b.", &read));
	cr_expect_eq(read.time_s, NOW);
	cr_expect_not(vly_contacts_find(contacts, "old.", &read));
	close_and_run(&loop, contacts);
	uv_loop_close(&loop);
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(contacts, what_could_not_be_written_is_written_later, .timeout = 30)
{
	const struct vly_contact contact = {NOW, NOW + 9, {7, 1, 2, 3}};
	struct stat is;
	char path[100];
	uv_loop_t loop;

	signal(SIGXFSZ, SIG_IGN);
	snprintf(path, sizeof(path), "%s/secondaries", dir);
	uv_loop_init(&loop);
	struct vly_note_file *contacts = vly_contacts_open(&loop, dir, NOW);
	vly_contacts_note(contacts, "a.", &contact);
	limit_files(0);
	while (log_cnt == 0)
		uv_run(&loop, UV_RUN_ONCE);
	limit_files(RLIM_INFINITY);
	do
		cr_assert(uv_run(&loop, UV_RUN_ONCE), "it is not written again");
	while (stat(path, &is) == 0 && is.st_size == 0);
	close_and_run(&loop, contacts);
	uv_loop_close(&loop);
}

Test(contacts, a_damaged_record_counts_as_none)
{
	const struct vly_contact contact = {NOW, NOW + 9, {7, 1, 2, 3}};
	struct vly_contact read;
	char path[100];
	uv_loop_t loop;

	uv_loop_init(&loop);
	struct vly_note_file *contacts = vly_contacts_open(&loop, dir, NOW);
	vly_contacts_note(contacts, "a.", &contact);
	vly_contacts_note(contacts, "b.", &contact);
	close_and_run(&loop, contacts);
	snprintf(path, sizeof(path), "%s/secondaries", dir);
	int fd = open(path, O_RDWR);
	cr_assert_eq(pwrite(fd, "x", 1, 20), 1);
	close(fd);

	contacts = vly_contacts_open(&loop, dir, NOW);
	cr_expect_neq(vly_contacts_find(contacts, "a.", &read),
		      vly_contacts_find(contacts, "b.", &read));
	close_and_run(&loop, contacts);
	uv_loop_close(&loop);
}

static off_t
size_of_file(void)
{
	char path[100];
	struct stat stat_of;

	snprintf(path, sizeof(path), "%s/secondaries", dir);
	cr_assert_eq(stat(path, &stat_of), 0);
	return stat_of.st_size;
}

Test(contacts, a_zone_that_is_forgotten_gives_its_place_to_another)
{
	const struct vly_contact contact = {NOW, NOW + 9, {7, 1, 2, 3}};
	struct vly_contact read;
	uv_loop_t loop;

	uv_loop_init(&loop);
	struct vly_note_file *contacts = vly_contacts_open(&loop, dir, NOW);
	vly_contacts_note(contacts, "a.", &contact);
	vly_contacts_note(contacts, "b.", &contact);
	vly_note_file_forget(contacts, "none.");
	close_and_run(&loop, contacts);
	const off_t size = size_of_file();

	contacts = vly_contacts_open(&loop, dir, NOW);
	vly_note_file_forget(contacts, "a.");
	cr_expect_not(vly_contacts_find(contacts, "a.", &read));
	close_and_run(&loop, contacts);

	contacts = vly_contacts_open(&loop, dir, NOW);
	cr_expect_not(vly_contacts_find(contacts, "a.", &read));
	cr_expect(vly_contacts_find(contacts, "b.", &read));
	vly_contacts_note(contacts, "c.", &contact);
	vly_note_file_forget(contacts, "c.");
	vly_contacts_note(contacts, "c.", &contact); /* it comes again at once */
	close_and_run(&loop, contacts);
	cr_expect_eq(size_of_file(), size);

	contacts = vly_contacts_open(&loop, dir, NOW);
	cr_expect(vly_contacts_find(contacts, "b.", &read));
	cr_expect(vly_contacts_find(contacts, "c.", &read));
	close_and_run(&loop, contacts);
	uv_loop_close(&loop);
}
