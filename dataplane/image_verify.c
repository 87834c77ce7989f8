/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_verify.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <volley/image_sum.h>

#include "image_check.h"

/* A thread costs as much as verifying 100 KiB, and disturbs who else has its CPU. */
#define HELP_BYTES_MIN (UINT64_C(16) << 20)

/* For each thread: small enough for all to end at about the same time, though each part of the
 * content goes through the whole heap once more. */
#define PARTS_PER_THREAD 2
#define PARTS_MAX        (PARTS_PER_THREAD * (VLY_IMAGE_HELPERS_MAX + 1))

/* Tasks 0..part_cnt-1 sum up, those from part_cnt on check the content. They are begun in order,
 * none behind one that failed; so that of several failures the first is known, and always the
 * same. */
struct verification {
	const struct vly_image *image;
	unsigned part_cnt;
	atomic_uint next;
	_Atomic uint64_t sum;
	atomic_bool failed;
	bool part_failed[PARTS_MAX];
	struct vly_image_error error[PARTS_MAX];
};

static void
sum_up(struct verification *all, unsigned part)
{
	uint64_t bytes = all->image->header->image_bytes;
	uint64_t chunk_cnt = vly_image_sum_chunk_cnt(bytes);

	all->sum += vly_image_sum_range(all->image->header, bytes, chunk_cnt * part / all->part_cnt,
					chunk_cnt * (part + 1) / all->part_cnt);
}

static void
check(struct verification *all, unsigned part)
{
	all->part_failed[part] =
		vly_image_check_part(all->image, part, all->part_cnt, &all->error[part]) != 0;
	if (all->part_failed[part])
		all->failed = true;
}

static void *
work(void *arg)
{
	struct verification *all = arg;
	unsigned task;

	while (!all->failed && (task = all->next++) < 2 * all->part_cnt) {
		if (task < all->part_cnt)
			sum_up(all, task);
		else
			check(all, task - all->part_cnt);
	}
	return NULL;
}

/* Starts threads that no signal reaches; returns how many there are. */
static unsigned
start_helpers(struct verification *all, const struct vly_image_helpers *helpers, pthread_t *thread)
{
	pthread_attr_t attributes;
	sigset_t every, before;
	unsigned cnt = 0;

	if (pthread_attr_init(&attributes) != 0)
		return 0;
	pthread_attr_setaffinity_np(&attributes, sizeof(helpers->cpus), &helpers->cpus);
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	while (cnt < helpers->cnt && pthread_create(&thread[cnt], &attributes, work, all) == 0)
		pthread_setname_np(thread[cnt++], "volley-verify");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return cnt;
}

static int
judge(const struct verification *all, struct vly_image_error *error)
{
	const struct vly_image_header *header = all->image->header;

	if (all->sum != header->checksum)
		return vly_image_refuse(error, "the checksum does not fit: the image is damaged");
	if (header->reserved != 0)
		return vly_image_refuse(error,
					"the header has a field that is not known to this version");
	for (unsigned part = 0; part < all->part_cnt; part++)
		if (all->part_failed[part]) {
			*error = all->error[part];
			return -1;
		}
	return 0;
}

int
vly_image_verify_content(const struct vly_image *image, const struct vly_image_helpers *helpers,
			 struct vly_image_error *error)
{
	struct verification all = {.image = image, .part_cnt = 1};
	pthread_t thread[VLY_IMAGE_HELPERS_MAX];
	unsigned thread_cnt = 0;

	if (helpers != NULL && helpers->cnt > 0 && image->header->image_bytes >= HELP_BYTES_MIN) {
		all.part_cnt = PARTS_PER_THREAD * (1 + helpers->cnt);
		thread_cnt = start_helpers(&all, helpers, thread);
	}
	work(&all);
	while (thread_cnt > 0)
		pthread_join(thread[--thread_cnt], NULL);
	return judge(&all, error);
}
