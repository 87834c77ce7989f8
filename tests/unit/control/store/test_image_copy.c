/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy and its checksum, whatever happens to the file meanwhile. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <volley/image_sum.h>

#include "random.h"
#include "store/image_copy.h"

/* Enough for several threads, and no whole number of chunks. */
#define LARGE_BYTES ((UINT64_C(20) << 20) + 12345)

static int
file_of(uint64_t bytes)
{
	struct vly_test_random random = {7};
	int fd = memfd_create("file", MFD_CLOEXEC);
	uint32_t *octets = malloc(bytes + sizeof(*octets));

	cr_assert_geq(fd, 0);
	cr_assert_not_null(octets);
	for (uint64_t i = 0; i <= bytes / sizeof(*octets); i++)
		octets[i] = (uint32_t)vly_test_random_next(&random);
	for (uint64_t at = 0; at < bytes;) {
		ssize_t put = write(fd, (uint8_t *)octets + at, bytes - at);
		cr_assert_gt(put, 0);
		at += (uint64_t)put;
	}
	free(octets);
	return fd;
}

static uint8_t *
content_of(int fd, uint64_t bytes)
{
	uint8_t *at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);

	cr_assert_neq(at, MAP_FAILED);
	return at;
}

static void
expect_copied(uint64_t bytes)
{
	struct vly_image_copy copy = {
		.from = file_of(bytes), .to = memfd_create("copy", MFD_CLOEXEC), .bytes = bytes};
	uint64_t sum = 0;

	uint8_t *from = content_of(copy.from, bytes);
	cr_assert_eq(vly_image_copy(&copy, &sum), 0, "%zu octets", (size_t)bytes);
	cr_expect_eq(sum, vly_image_sum(from, bytes));
	uint8_t *to = content_of(copy.to, bytes);
	cr_expect_eq(memcmp(from, to, bytes), 0);
	cr_expect_eq(lseek(copy.to, 0, SEEK_END), (off_t)bytes);
	munmap(to, bytes);

	copy.block = calloc(1, bytes + 1);
	cr_assert_eq(vly_image_copy(&copy, &sum), 0);
	cr_expect_eq(sum, vly_image_sum(from, bytes));
	cr_expect_eq(memcmp(from, copy.block, bytes), 0);
	cr_expect_eq(copy.block[bytes], 0);
	free(copy.block);
	munmap(from, bytes);
	close(copy.to);
	close(copy.from);
}

Test(image_copy, is_the_same)
{
	const uint64_t sizes[] = {sizeof(struct vly_image_header),
				  sizeof(struct vly_image_header) + 1,
				  VLY_IMAGE_SUM_BYTES - 1,
				  VLY_IMAGE_SUM_BYTES,
				  VLY_IMAGE_SUM_BYTES + 1,
				  5 * VLY_IMAGE_SUM_BYTES,
				  LARGE_BYTES};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		expect_copied(sizes[i]);
}

Test(image_copy, of_a_file_that_is_too_short_fails)
{
	struct vly_image_copy copy = {.from = file_of(LARGE_BYTES),
				      .to = memfd_create("copy", MFD_CLOEXEC),
				      .bytes = LARGE_BYTES};
	const off_t lengths[] = {LARGE_BYTES - 1, LARGE_BYTES / 2, VLY_IMAGE_SUM_BYTES, 0};
	uint64_t sum;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		cr_assert_eq(ftruncate(copy.from, lengths[i]), 0);
		cr_expect_eq(vly_image_copy(&copy, &sum), ENODATA);
	}
	close(copy.to);
	close(copy.from);
}

/* One end of a pipe instead of the file; a memfd that may not grow. */
Test(image_copy, tells_what_failed)
{
	struct vly_image_copy copy = {.to = memfd_create("copy", MFD_CLOEXEC),
				      .bytes = LARGE_BYTES};
	uint64_t sum;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	copy.from = ends[0];
	cr_expect_eq(vly_image_copy(&copy, &sum), ESPIPE);
	copy.from = file_of(LARGE_BYTES);
	close(copy.to);
	copy.to = ends[1];
	cr_expect_eq(vly_image_copy(&copy, &sum), ESPIPE);
	close(copy.from);
	close(ends[0]);
	close(ends[1]);
}

struct vandal {
	int fd;
	atomic_bool stop;
	unsigned round_cnt;
};

/* Writes to random places; cuts the file and makes it long again. */
static void *
vandalize(void *arg)
{
	struct vandal *vandal = arg;
	struct vly_test_random random = {11};

	while (!vandal->stop) {
		uint64_t at = vly_test_random_below(&random, LARGE_BYTES - 8);
		if (pwrite(vandal->fd, &at, sizeof(at), (off_t)at) != sizeof(at))
			break;
		if (++vandal->round_cnt % 4096 != 0)
			continue;
		if (ftruncate(vandal->fd, (off_t)at) != 0 ||
		    ftruncate(vandal->fd, (off_t)LARGE_BYTES) != 0)
			break;
	}
	return NULL;
}

/* Whoever damages the file while it is read: the sum is that of what was written. */
Test(image_copy, of_a_file_that_changes_has_the_checksum_of_the_copy)
{
	struct vly_image_copy copy = {.from = file_of(LARGE_BYTES),
				      .to = memfd_create("copy", MFD_CLOEXEC),
				      .bytes = LARGE_BYTES};
	struct vandal vandal = {.fd = copy.from};
	pthread_t thread;
	unsigned copied_cnt = 0;
	uint64_t sum;

	cr_assert_eq(ftruncate(copy.to, LARGE_BYTES), 0);
	uint8_t *to = content_of(copy.to, LARGE_BYTES);
	cr_assert_eq(pthread_create(&thread, NULL, vandalize, &vandal), 0);
	for (unsigned round = 0; round < 20 || copied_cnt == 0; round++) {
		int error = vly_image_copy(&copy, &sum);
		cr_assert(error == 0 || error == ENODATA, "%d", error);
		if (error == 0)
			cr_expect_eq(sum, vly_image_sum(to, LARGE_BYTES));
		copied_cnt += error == 0;
	}
	vandal.stop = true;
	pthread_join(thread, NULL);
	cr_expect_gt(vandal.round_cnt, 0);
	munmap(to, LARGE_BYTES);
	close(copy.to);
	close(copy.from);
}
