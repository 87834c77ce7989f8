/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/hash_key.h"

Test(hash_key, is_kept)
{
	char directory[] = "/tmp/volley-key-XXXXXX";
	char path[64];
	char reason[200];
	struct vly_hash_key first;
	struct vly_hash_key second;
	struct stat status;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/hash-key", directory);
	cr_expect_eq(vly_hash_key_load(directory, &first, reason, sizeof(reason)), 0);
	cr_expect_eq(vly_hash_key_load(directory, &second, reason, sizeof(reason)), 0);
	cr_expect_eq(memcmp(&first, &second, sizeof(first)), 0);
	cr_assert_eq(stat(path, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600);

	/* a key that others may read is no key */
	cr_assert_eq(chmod(path, 0644), 0);
	cr_expect_eq(vly_hash_key_load(directory, &second, reason, sizeof(reason)), 1);
	cr_expect_neq(memcmp(&first, &second, sizeof(first)), 0);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(truncate(path, 31), 0);
	cr_expect_eq(vly_hash_key_load(directory, &second, reason, sizeof(reason)), 1);
	unlink(path);
	cr_expect_eq(rmdir(directory), 0, "something was left behind");
}

Test(hash_key, is_fresh_without_a_directory)
{
	struct vly_hash_key first;
	struct vly_hash_key second;
	char reason[200];

	cr_expect_eq(vly_hash_key_load("/nowhere", &first, reason, sizeof(reason)), 1);
	cr_expect_str_eq(reason, "/nowhere/hash-key: No such file or directory");
	cr_expect_eq(vly_hash_key_load("/nowhere", &second, reason, sizeof(reason)), 1);
	cr_expect_neq(memcmp(&first, &second, sizeof(first)), 0);
}

/* Left by a crash: it does not keep a later process of the same number from keeping its key. */
Test(hash_key, is_kept_beside_a_half_written_one)
{
	char directory[] = "/tmp/volley-key-XXXXXX";
	char stale[64];
	char reason[200];
	struct vly_hash_key key;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(stale, sizeof(stale), "%s/hash-key.%d", directory, (int)getpid());
	FILE *file = fopen(stale, "w");
	cr_assert_not_null(file);
	fclose(file);
	cr_expect_eq(vly_hash_key_load(directory, &key, reason, sizeof(reason)), 0, "%s", reason);
	snprintf(stale, sizeof(stale), "%s/hash-key", directory);
	cr_expect_eq(unlink(stale), 0);
	cr_expect_eq(rmdir(directory), 0, "something was left behind");
}

Test(hash_key, a_fifo_does_not_block)
{
	char directory[] = "/tmp/volley-key-XXXXXX";
	char path[64];
	char reason[200];
	struct vly_hash_key key;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/hash-key", directory);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(vly_hash_key_load(directory, &key, reason, sizeof(reason)), 1);
	cr_expect_eq(unlink(path), 0, "it was replaced");
	cr_expect_eq(rmdir(directory), 0);
}
