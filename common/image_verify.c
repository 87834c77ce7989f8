/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_verify.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <volley/image_sum.h>

#include "image_check.h"

/* Smaller images are verified by one thread: starting another costs as much as verifying 100 KiB,
 * and disturbs the other threads on its CPU. */
#define HELP_BYTES_MIN (UINT64_C(16) << 20)

#define THREADS_MAX (1 + VLY_IMAGE_HELPERS_MAX)

/* Parts of the heap for each thread, so that all finish at about the same time: with one part each,
 * the others waited for the slowest for up to 0.1 s per GiB. */
#define PARTS_PER_THREAD 8
#define PARTS_MAX        (PARTS_PER_THREAD * THREADS_MAX)

/* Parts are begun in order, and none after one has failed: so the first of several failures is
 * known, and it is always the same. */
struct verification {
	const struct vly_image *image;
	const struct vly_image_helpers *helpers;
	unsigned thread_cnt;
	uint64_t *map[THREADS_MAX]; /* [thread_cnt], each a 64th of the heap */
	_Atomic uint64_t sum;
	atomic_bool no_memory;

	/* the current check */
	int (*check)(struct verification *all, unsigned part, struct vly_image_error *error);
	unsigned part_cnt;
	atomic_uint next;
	atomic_bool failed;
	bool part_failed[PARTS_MAX];
	struct vly_image_error error[PARTS_MAX];
};

static void *
work(void *arg)
{
	struct verification *all = arg;
	unsigned part;

	while (!all->failed && (part = all->next++) < all->part_cnt) {
		all->part_failed[part] = all->check(all, part, &all->error[part]) != 0;
		if (all->part_failed[part])
			all->failed = true;
	}
	return NULL;
}

/* Starts threads that block all signals; returns how many were started. */
static unsigned
start_helpers(struct verification *all, pthread_t *thread)
{
	unsigned wanted = all->thread_cnt - 1;
	pthread_attr_t attributes;
	sigset_t every, before;
	unsigned cnt = 0;

	if (wanted == 0 || pthread_attr_init(&attributes) != 0)
		return 0;
	pthread_attr_setaffinity_np(&attributes, sizeof(all->helpers->cpus), &all->helpers->cpus);
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	while (cnt < wanted && pthread_create(&thread[cnt], &attributes, work, all) == 0)
		pthread_setname_np(thread[cnt++], "volley-verify");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return cnt;
}

/* Does all parts of a check; returns 0, or -1 with the reason. */
static int
check_all(struct verification *all,
	  int (*check)(struct verification *all, unsigned part, struct vly_image_error *error),
	  unsigned part_cnt, struct vly_image_error *error)
{
	pthread_t thread[VLY_IMAGE_HELPERS_MAX];

	all->check = check;
	all->part_cnt = part_cnt;
	all->next = 0;
	unsigned cnt = start_helpers(all, thread);
	work(all);
	while (cnt > 0)
		pthread_join(thread[--cnt], NULL);
	for (unsigned part = 0; part < part_cnt; part++)
		if (all->part_failed[part]) {
			*error = all->error[part];
			return -1;
		}
	return 0;
}

static int
sum_up(struct verification *all, unsigned part, struct vly_image_error *error)
{
	uint64_t bytes = all->image->header->image_bytes;
	uint64_t chunk_cnt = vly_image_sum_chunk_cnt(bytes);

	(void)error;
	all->sum += vly_image_sum_range(all->image->header, bytes, chunk_cnt * part / all->part_cnt,
					chunk_cnt * (part + 1) / all->part_cnt);
	return 0;
}

static int
check_buckets(struct verification *all, unsigned part, struct vly_image_error *error)
{
	all->map[part] = calloc(vly_image_map_words(all->image), sizeof(*all->map[part]));
	if (all->map[part] == NULL) {
		all->no_memory = true;
		return vly_image_refuse(error, "no memory to verify an image");
	}
	return vly_image_check_buckets(all->image, part, all->part_cnt, all->map[part], error);
}

static int
check_heap(struct verification *all, unsigned part, struct vly_image_error *error)
{
	return vly_image_check_heap(all->image, part, all->part_cnt, all->map, all->thread_cnt,
				    error);
}

static int
check_denial(struct verification *all, unsigned part, struct vly_image_error *error)
{
	return vly_image_check_denial(all->image, part, all->part_cnt, error);
}

static int
verify(struct verification *all, struct vly_image_error *error)
{
	const struct vly_image_header *header = all->image->header;
	unsigned part_cnt = all->thread_cnt == 1 ? 1 : PARTS_PER_THREAD * all->thread_cnt;

	if (check_all(all, sum_up, part_cnt, error) != 0)
		return -1;
	if (all->sum != header->checksum)
		return vly_image_refuse(error, "wrong checksum: the image is damaged");
	if (check_all(all, check_buckets, all->thread_cnt, error) != 0)
		return -1;
	if (check_all(all, check_heap, part_cnt, error) != 0)
		return -1;
	/* each part looks at every zone */
	return check_all(all, check_denial, all->thread_cnt, error);
}

int
vly_image_verify_content(const struct vly_image *image, const struct vly_image_helpers *helpers,
			 struct vly_image_error *error)
{
	struct verification all = {.image = image, .helpers = helpers, .thread_cnt = 1};

	if (helpers != NULL && image->header->image_bytes >= HELP_BYTES_MIN)
		all.thread_cnt += helpers->cnt;
	int result = verify(&all, error);
	while (all.thread_cnt > 0)
		free(all.map[--all.thread_cnt]);
	errno = all.no_memory ? ENOMEM : EBADMSG;
	return result;
}
