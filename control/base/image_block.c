/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_block.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <volley/image.h>

#include "seal.h"

/* Huge pages that are left to the dataplane's packet memory, should it start after us: 128 MiB. */
#define PAGES_LEFT 64

static uint64_t
free_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long long cnt = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu", &cnt) != 1)
		cnt = 0;
	fclose(file);
	return cnt;
}

int
vly_image_block_open(struct vly_image_block *block, uint64_t bytes)
{
	block->mapped_bytes = vly_image_huge_bytes(bytes);
	if (bytes < VLY_IMAGE_BLOCK_BYTES_MIN ||
	    free_pages() < block->mapped_bytes / VLY_IMAGE_HUGE_BYTES + PAGES_LEFT)
		return -1;
	block->fd = memfd_create("volley-image",
				 MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_HUGE_2MB);
	if (block->fd < 0)
		return -1;
	/* the pages are ours before they are written: a lack of them must not be a SIGBUS */
	if (ftruncate(block->fd, (off_t)block->mapped_bytes) == 0 &&
	    fallocate(block->fd, 0, 0, (off_t)block->mapped_bytes) == 0) {
		block->base = mmap(NULL, block->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				   block->fd, 0);
		if (block->base != MAP_FAILED)
			return 0;
	}
	close(block->fd);
	return -1;
}

int
vly_image_block_seal(struct vly_image_block *block)
{
	/* a sealed memfd may have no writable mapping */
	munmap(block->base, block->mapped_bytes);
	if (vly_seal(block->fd) == 0)
		return block->fd;
	int saved = errno;
	close(block->fd);
	errno = saved;
	return -1;
}

void
vly_image_block_close(struct vly_image_block *block)
{
	munmap(block->base, block->mapped_bytes);
	close(block->fd);
}

bool
vly_image_block_is_huge(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (uint64_t)status.st_blksize >= VLY_IMAGE_HUGE_BYTES;
}
