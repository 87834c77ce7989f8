/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/state_file.h"
#include "store_pages.h"
#include "zone_store_parts.h"

/* A map that can't be had is halved, down to this. */
#define SMALLEST_MAP_BYTES (UINT64_C(1) << 28)

/* Threads that read at a time. Each costs 64 octets of the lock file. */
#define READERS_MAX 126

static const char *const table_name[VLY_STORE_TABLE_CNT] = {"meta", "zones", "records", "reverse",
							    "journal"};

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return (int64_t)time(NULL);
}

static void
take_settings(struct vly_zone_store *store, const struct vly_zone_store_settings *settings)
{
	struct vly_zone_store_settings *own = &store->settings;

	*own = *settings;
	if (own->bytes_max == 0)
		own->bytes_max = VLY_ZONE_STORE_BYTES_MAX;
	if (own->journal_bytes_max == 0)
		own->journal_bytes_max = VLY_STORE_JOURNAL_BYTES_MAX;
	if (own->journal_entries_max == 0)
		own->journal_entries_max = VLY_STORE_JOURNAL_ENTRIES_MAX;
	if (own->journal_age_max_s == 0)
		own->journal_age_max_s = VLY_STORE_JOURNAL_AGE_MAX_S;
	if (own->now == NULL)
		own->now = clock_now;
}

static int
open_map(struct vly_zone_store *store, const char *dir, unsigned flags, uint64_t map_bytes)
{
	int error = mdb_env_create(&store->env);

	if (error != 0)
		return error;
	error = mdb_env_set_mapsize(store->env, map_bytes);
	if (error == 0)
		error = mdb_env_set_maxdbs(store->env, VLY_STORE_TABLE_CNT);
	if (error == 0)
		error = mdb_env_set_maxreaders(store->env, READERS_MAX);
	if (error == 0)
		error = mdb_env_open(store->env, dir, flags, 0600);
	if (error != 0) {
		mdb_env_close(store->env);
		store->env = NULL;
	}
	return error;
}

/* NOTLS: reading transactions may move between threads. */
static int
open_environment(struct vly_zone_store *store, const char *dir, unsigned flags)
{
	uint64_t map_bytes = store->settings.bytes_max;
	int error;

	while ((error = open_map(store, dir, flags | MDB_NOTLS, map_bytes)) == ENOMEM &&
	       map_bytes / 2 >= SMALLEST_MAP_BYTES)
		map_bytes /= 2;
	if (error == 0)
		store->settings.bytes_max = map_bytes;
	return error;
}

static int
open_tables(struct vly_zone_store *store)
{
	unsigned flags = store->is_read_only ? 0 : MDB_CREATE;
	MDB_txn *txn;
	int error = mdb_txn_begin(store->env, NULL, store->is_read_only ? MDB_RDONLY : 0, &txn);

	if (error != 0)
		return error;
	for (unsigned i = 0; i < VLY_STORE_TABLE_CNT && error == 0; i++)
		error = mdb_dbi_open(txn, table_name[i],
				     flags | (i == VLY_STORE_REVERSE ? MDB_DUPSORT : 0),
				     &store->table[i]);
	if (error == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return error;
}

/* Two processes would see each other's changes as damage, or make it. The lock ends with the
 * process. */
static int
lock_directory(struct vly_zone_store *store, const char *dir)
{
	store->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0 || flock(store->dir_fd, LOCK_EX | LOCK_NB) != 0)
		return errno;
	return 0;
}

/* Returns an error number, or 0 with *damage, which is NULL when all is well. */
static int
check_pages(const struct vly_zone_store *store, const char **damage)
{
	struct stat status;
	int fd = open(store->path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 || fstat(fd, &status) != 0 ? errno : 0;
	void *file = MAP_FAILED;

	*damage = NULL;
	if (error == 0 && status.st_size > 0) {
		file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
		error = file == MAP_FAILED ? errno : 0;
	}
	if (fd >= 0)
		close(fd);
	if (file == MAP_FAILED)
		return error == ENOENT ? 0 : error; /* a new one */
	*damage =
		vly_store_pages_check(file, (size_t)status.st_size, table_name[VLY_STORE_REVERSE]);
	munmap(file, (size_t)status.st_size);
	return *damage == vly_store_pages_no_memory ? ENOMEM : 0;
}

/* A file system need not keep the name of a new file for a sync of the file alone. */
static int
sync_directory(const struct vly_zone_store *store)
{
	if (store->is_read_only || fsync(store->dir_fd) == 0 || errno == EINVAL)
		return 0;
	return errno;
}

static int
open_store(struct vly_zone_store *store, const char *dir, char *reason, size_t reason_bytes)
{
	const char *damage = NULL;
	int error = vly_state_dir_make(dir) == 0 ? 0 : errno;

	if (error == 0)
		error = lock_directory(store, dir);
	if (error == 0)
		error = check_pages(store, &damage);
	if (error == 0 && damage != NULL)
		return vly_store_explain(store->path, MDB_CORRUPTED, damage, reason, reason_bytes);
	if (error == 0)
		error = open_environment(store, dir, 0);
	if (error == EROFS || error == EACCES) {
		vly_store_explain(store->path, error, NULL, store->read_only,
				  sizeof(store->read_only));
		store->is_read_only = true;
		error = open_environment(store, dir, MDB_RDONLY);
	}
	if (error == 0)
		error = open_tables(store);
	if (error == 0)
		error = sync_directory(store);
	if (store->is_read_only && (error == MDB_NOTFOUND || error == ENOENT))
		error = EROFS; /* there is none yet */
	return error == 0 ? VLY_STORE_OK
			  : vly_store_explain(store->path, error, NULL, reason, reason_bytes);
}

int
vly_zone_store_open(struct vly_zone_store **store, const char *dir,
		    const struct vly_zone_store_settings *settings, char *reason,
		    size_t reason_bytes)
{
	struct vly_zone_store *opened = calloc(1, sizeof(*opened));

	*store = NULL;
	if (opened == NULL)
		return vly_store_explain(dir, ENOMEM, NULL, reason, reason_bytes);
	opened->dir_fd = -1;
	take_settings(opened, settings);
	snprintf(opened->path, sizeof(opened->path), "%s/data.mdb", dir);
	int result = open_store(opened, dir, reason, reason_bytes);
	if (result != VLY_STORE_OK) {
		vly_zone_store_close(opened);
		return result;
	}
	*store = opened;
	return VLY_STORE_OK;
}

void
vly_zone_store_close(struct vly_zone_store *store)
{
	if (store == NULL)
		return;
	if (store->env != NULL)
		mdb_env_close(store->env);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	free(store);
}

const char *
vly_zone_store_read_only(const struct vly_zone_store *store)
{
	return store->is_read_only ? store->read_only : NULL;
}

void
vly_zone_store_usage(const struct vly_zone_store *store, struct vly_zone_store_usage *usage)
{
	MDB_envinfo info;
	MDB_stat page;

	*usage = (struct vly_zone_store_usage){.bytes_max = store->settings.bytes_max};
	if (mdb_env_info(store->env, &info) == 0 && mdb_env_stat(store->env, &page) == 0)
		usage->bytes_used = (info.me_last_pgno + 1) * page.ms_psize;
}
