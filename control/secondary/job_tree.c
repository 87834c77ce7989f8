/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job_whole.h"
#include "secondary_parts.h"

/* A tree that is larger goes to files. More: fewer transfers need them. Less: as many transfers take less
 * memory. */
#define TREE_MEMORY_BYTES (UINT64_C(16) << 20)

/* Octets of the tree, for each octet of transfers.in-size. A record of a usual zone takes some three times its
 * room in the transfer; names of 127 labels that share none take more than sixty times as much. More: they
 * fill the disk. Less: reverse zones with long names are refused. */
#define TREE_FACTOR 4

/* Records whose owners are looked at before they are added: the misses in the cache that finding them costs
 * are then over. */
#define AHEAD 16

struct waiting {
	struct vly_transfer_record record; /* owner_len 0: it has that of the record before */
	struct vly_name owner;
};

/* What is read of the spool, and not yet in the tree. */
struct ahead {
	struct vly_zone *tree;
	uint64_t read_cnt;
	uint64_t added_cnt;
	uint32_t node; /* of the last one that was added */
	uint8_t owner_len;
	uint8_t owner[VLY_NAME_BYTES_MAX]; /* of the last one that was read */
	struct waiting waiting[AHEAD];
};

static int
fail(struct vly_secondary_job *job, int error)
{
	if (error == ENOMEM || error == 0)
		snprintf(job->spool.reason, sizeof(job->spool.reason), "out of memory");
	else
		snprintf(job->spool.reason, sizeof(job->spool.reason),
			 "the transfer could not be kept on disk: %s", strerror(error));
	return -1;
}

/* The primary's zone is too large: another primary may have a smaller one. */
static int
fail_over(struct vly_secondary_job *job)
{
	job->spool.is_over = true;
	snprintf(job->spool.reason, sizeof(job->spool.reason),
		 "the names and records of the zone take more than 32 GiB, or %u times "
		 "transfers.in-size, which is %llu octets",
		 TREE_FACTOR, (unsigned long long)job->spool.bytes_max);
	return -1;
}

static bool
is_over(const struct vly_secondary_job *job)
{
	const uint64_t bytes = job->tree.arena.used + job->tree.nodes.used;

	return bytes / TREE_FACTOR > job->spool.bytes_max;
}

static int
begin(struct vly_secondary_job *job)
{
	static const struct vly_file_stamp none;
	char source[100];

	snprintf(source, sizeof(source), "transfer from %s", job->remote);
	if (vly_zone_init(&job->tree, &job->secondaries->key, &job->apex) != 0)
		return fail(job, errno);
	job->has_tree = true;
	return vly_zone_add_file(&job->tree, source, &none) == 0 ? 0 : fail(job, ENOMEM);
}

/* The files have no names, so that a crash leaves nothing. */
static int
move_to_disk(struct vly_secondary_job *job)
{
	const char *dir = job->secondaries->transfer_dir;
	int file[2] = {-1, -1};

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail(job, errno);
	for (unsigned i = 0; i < 2; i++)
		file[i] = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (file[0] >= 0 && file[1] >= 0)
		return vly_zone_move(&job->tree, file) == 0 ? 0 : fail(job, errno);
	const int error = errno;
	if (file[0] >= 0)
		close(file[0]);
	return fail(job, error);
}

static int
add(struct ahead *ahead)
{
	const struct waiting *waiting = &ahead->waiting[ahead->added_cnt++ % AHEAD];
	const struct vly_transfer_record *record = &waiting->record;

	if (record->owner_len > 0)
		ahead->node = vly_zone_add_name(ahead->tree, &waiting->owner);
	return ahead->node == VLY_ZONE_NONE
		       ? -1
		       : vly_zone_add_record(ahead->tree, ahead->node, record->type, record->ttl,
					     record->data, record->data_len);
}

static int
add_first(struct vly_secondary_job *job, struct ahead *ahead)
{
	errno = 0;
	if (add(ahead) != 0)
		return errno == EFBIG ? fail_over(job) : fail(job, errno);
	return is_over(job) ? fail_over(job) : 0;
}

static void
look_at(struct ahead *ahead, struct waiting *waiting)
{
	uint8_t wire[VLY_NAME_BYTES_MAX + VLY_NAME_SLACK_BYTES];
	struct vly_transfer_record *record = &waiting->record;

	if (record->owner_len == ahead->owner_len &&
	    memcmp(record->owner, ahead->owner, record->owner_len) == 0) {
		record->owner_len = 0;
		return;
	}
	ahead->owner_len = record->owner_len;
	memcpy(ahead->owner, record->owner, record->owner_len);
	memcpy(wire, record->owner, record->owner_len);
	memset(wire + record->owner_len, 0, VLY_NAME_SLACK_BYTES);
	(void)vly_name_scan(&waiting->owner, wire, record->owner_len);
	vly_name_hash(&waiting->owner, &ahead->tree->key);
	vly_zone_prefetch(ahead->tree, &waiting->owner);
}

static int
add_all(struct vly_secondary_job *job)
{
	struct ahead ahead; /* not cleared: it is large */
	int more;

	ahead.tree = &job->tree;
	ahead.read_cnt = ahead.added_cnt = 0;
	ahead.owner_len = 0;
	do {
		struct waiting *next = &ahead.waiting[ahead.read_cnt % AHEAD];
		if (ahead.read_cnt - ahead.added_cnt == AHEAD && add_first(job, &ahead) != 0)
			return -1;
		more = vly_spool_next(&job->spool, &next->record);
		if (more > 0) {
			look_at(&ahead, next);
			ahead.read_cnt++;
		}
	} while (more > 0);
	while (ahead.added_cnt < ahead.read_cnt)
		if (add_first(job, &ahead) != 0)
			return -1;
	return more;
}

int
vly_secondary_tree_grow(struct vly_secondary_job *job)
{
	if (!job->has_tree && begin(job) != 0)
		return -1;
	if (!job->tree.arena.is_file &&
	    job->tree.arena.used + job->tree.nodes.used > TREE_MEMORY_BYTES &&
	    move_to_disk(job) != 0)
		return -1;
	if (!vly_spool_rewind(&job->spool) || add_all(job) != 0)
		return -1;
	vly_spool_empty(&job->spool);
	vly_zone_rest(&job->tree);
	return 0;
}
