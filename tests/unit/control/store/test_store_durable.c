/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names of a new store are on disk before anything in it is acknowledged. fsync() of our own objects comes here
 * first (ld's --wrap); LMDB syncs its file itself. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/zone_store.h"

#define SYNCS_MAX 16

static char root[] = "/tmp/volley-durable-XXXXXX";
static char dir[sizeof(root) + 8];
static struct stat synced[SYNCS_MAX];
static unsigned synced_cnt;
static int sync_error;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	if (synced_cnt < SYNCS_MAX && fstat(fd, &synced[synced_cnt]) == 0)
		synced_cnt++;
	errno = sync_error;
	return sync_error == 0 ? __real_fsync(fd) : -1;
}

static bool
is_synced(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	for (unsigned i = 0; i < synced_cnt; i++)
		if (synced[i].st_ino == status.st_ino && synced[i].st_dev == status.st_dev)
			return true;
	return false;
}

static int
open_new(struct vly_zone_store **store, char reason[512])
{
	static const struct vly_zone_store_settings settings = {.bytes_max = UINT64_C(16) << 20};

	cr_assert_not_null(mkdtemp(root));
	snprintf(dir, sizeof(dir), "%s/zones", root);
	return vly_zone_store_open(store, dir, &settings, reason, 512);
}

static void
remove_all(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -r %s", root);
	cr_expect_eq(system(command), 0);
}

Test(store_durable, directories_are_synced)
{
	struct vly_zone_store *store;
	char reason[512] = "";

	cr_assert_eq(open_new(&store, reason), VLY_STORE_OK, "%s", reason);
	cr_expect(is_synced(dir), "the name of the store's file");
	cr_expect(is_synced(root), "the name of the store's directory");
	vly_zone_store_close(store);
	remove_all();
}

Test(store_durable, a_store_that_cannot_be_kept_is_refused)
{
	struct vly_zone_store *store;
	char reason[512] = "";

	sync_error = EIO;
	cr_expect_neq(open_new(&store, reason), VLY_STORE_OK);
	cr_expect_null(store);
	cr_expect_neq(reason[0], '\0');
	remove_all();
}

Test(store_durable, a_file_system_need_not_sync_directories)
{
	struct vly_zone_store *store;
	char reason[512] = "";

	sync_error = EINVAL;
	cr_expect_eq(open_new(&store, reason), VLY_STORE_OK, "%s", reason);
	vly_zone_store_close(store);
	remove_all();
}
