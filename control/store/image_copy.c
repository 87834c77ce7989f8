/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_copy.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <volley/image_sum.h>

/* A smaller image is copied before a second thread is of any help. */
#define HELP_BYTES_MIN (UINT64_C(16) << 20)

/* More of them would wait for memory. */
#define THREADS_MAX 4

struct copying {
	const struct vly_image_copy *what;
	uint64_t chunk_cnt;
	_Atomic uint64_t next; /* chunk */
	_Atomic uint64_t sum;
	atomic_int error;
};

static int
read_chunk(int fd, uint8_t *chunk, size_t bytes, uint64_t off)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t got = pread(fd, chunk + at, bytes - at, (off_t)(off + at));
		if (got <= 0)
			return got < 0 ? errno : ENODATA;
		at += (size_t)got;
	}
	return 0;
}

static int
write_chunk(int fd, const uint8_t *chunk, size_t bytes, uint64_t off)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t put = pwrite(fd, chunk + at, bytes - at, (off_t)(off + at));
		if (put < 0)
			return errno;
		at += (size_t)put;
	}
	return 0;
}

/* The checksum is that of the copy: the file may change meanwhile. */
static int
copy_chunk(struct copying *all, uint64_t idx, uint8_t *own)
{
	const struct vly_image_copy *what = all->what;
	uint64_t off = idx * VLY_IMAGE_SUM_BYTES;
	size_t bytes = vly_image_sum_chunk_bytes(what->bytes, idx);
	uint8_t *chunk = what->block != NULL ? what->block + off : own;
	int error = read_chunk(what->from, chunk, bytes, off);

	if (error != 0)
		return error;
	all->sum += vly_image_sum_chunk(chunk, bytes, idx);
	return what->block != NULL ? 0 : write_chunk(what->to, chunk, bytes, off);
}

/* Chunk by chunk, until there are none left or anybody fails. */
static void *
copy_chunks(void *arg)
{
	struct copying *all = arg;
	uint8_t *own = all->what->block == NULL ? malloc(VLY_IMAGE_SUM_BYTES) : NULL;
	uint64_t idx;

	if (all->what->block == NULL && own == NULL)
		all->error = ENOMEM;
	while (all->error == 0 && (idx = all->next++) < all->chunk_cnt) {
		int error = copy_chunk(all, idx, own);
		if (error != 0)
			all->error = error;
	}
	free(own);
	return NULL;
}

static void *
help(void *arg)
{
	static const struct sched_param none = {0};

	(void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
	return copy_chunks(arg);
}

static unsigned
helper_cnt(uint64_t bytes)
{
	cpu_set_t cpus;

	if (bytes < HELP_BYTES_MIN || sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		return 0;
	unsigned cnt = (unsigned)CPU_COUNT(&cpus);
	return (cnt < THREADS_MAX ? cnt : THREADS_MAX) - 1;
}

int
vly_image_copy(const struct vly_image_copy *copy, uint64_t *sum)
{
	struct copying all = {.what = copy, .chunk_cnt = vly_image_sum_chunk_cnt(copy->bytes)};
	pthread_t helper[THREADS_MAX - 1];
	unsigned wanted = helper_cnt(copy->bytes);
	unsigned cnt = 0;

	while (cnt < wanted && pthread_create(&helper[cnt], NULL, help, &all) == 0)
		cnt++;
	copy_chunks(&all);
	while (cnt > 0)
		pthread_join(helper[--cnt], NULL);
	*sum = all.sum;
	return all.error;
}
