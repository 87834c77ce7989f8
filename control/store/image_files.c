/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "image_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/image_block.h"
#include "base/new_file.h"
#include "base/seal.h"
#include "common/image.h"
#include "image_copy.h"

/* An image name, its ending and a NUL. */
#define NAME_BYTES 40

/* A million zones with long names and includes have an index of some 300 MB. */
#define INDEX_BYTES_MAX (UINT64_C(4) << 30)

/* Images go to the disk in steps with pauses between them: 256 MiB in a second at most. */
#define STEP_BYTES (UINT64_C(4) << 20)
#define PAUSE_NS   15625000

static void
image_name(const struct vly_index_image *image, char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%016llx.image", (unsigned long long)image->checksum);
}

__attribute__((format(printf, 3, 4), cold)) static int
fail(char *reason, size_t reason_bytes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason, reason_bytes, format, args);
	va_end(args);
	return -1;
}

int
vly_image_files_describe(int fd, struct vly_index_image *image)
{
	struct vly_image_header header;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return -1;
	*image = (struct vly_index_image){
		.checksum = header.checksum,
		.bytes = header.image_bytes,
		.zone_cnt = header.zone_cnt,
	};
	return 0;
}

/* Returns NULL, or a sentence about the header. */
static const char *
judge_header(const struct vly_image_header *header, const struct vly_index_image *image,
	     const struct vly_hash_key *key)
{
	if (header->magic != VLY_IMAGE_MAGIC)
		return "it is not a zone image";
	if (header->version != VLY_IMAGE_VERSION || header->header_bytes != sizeof(*header))
		return "it has another image version";
	if (memcmp(&header->hash_key, key, sizeof(*key)) != 0)
		return "it was made with another hash key";
	if (header->image_bytes != image->bytes || header->checksum != image->checksum ||
	    header->zone_cnt != image->zone_cnt)
		return "it does not match the index";
	return NULL;
}

/* Checks an open file. Returns NULL; or a sentence, with errno EBADMSG when the file is damaged. */
static const char *
judge_file(int fd, const struct vly_index_image *image, const struct vly_hash_key *key)
{
	struct vly_image_header header;
	struct stat status;

	if (fstat(fd, &status) != 0)
		return strerror(errno);
	bool fits = S_ISREG(status.st_mode) && (uint64_t)status.st_size == image->bytes &&
		    image->bytes >= sizeof(header);
	if (fits && pread(fd, &header, sizeof(header), 0) < 0)
		return strerror(errno);
	errno = EBADMSG;
	return fits ? judge_header(&header, image, key) : "its size does not match the index";
}

/* Copies an image and checks it. Returns NULL or a sentence; errno as above. */
static const char *
copy_image(const struct vly_image_copy *copy, const struct vly_index_image *image)
{
	uint64_t sum;
	int error = vly_image_copy(copy, &sum);

	errno = error == 0 || error == ENODATA ? EBADMSG : error;
	if (error == ENODATA)
		return "it was truncated while it was being read";
	return error != 0               ? strerror(error)
	       : sum == image->checksum ? NULL
					: "its checksum is wrong";
}

/* Copies into huge pages if there are enough, else into ordinary ones. Returns a sealed memfd; or
 * -1 with a sentence in *wrong; errno as above. */
static int
copy_into_memory(int from, const struct vly_index_image *image, const char **wrong)
{
	struct vly_image_block block;
	struct vly_image_copy copy = {.from = from, .to = -1, .bytes = image->bytes};
	int fd = -1;

	if (vly_image_block_open(&block, image->bytes) == 0)
		copy.block = block.base;
	else
		copy.to = memfd_create("volley-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	*wrong = copy.block == NULL && copy.to < 0 ? strerror(errno) : copy_image(&copy, image);
	int error = errno;
	if (*wrong == NULL && copy.block != NULL)
		fd = vly_image_block_seal(&block);
	else if (copy.block != NULL)
		vly_image_block_close(&block);
	else if (*wrong == NULL && vly_seal(copy.to) == 0)
		fd = copy.to;
	if (*wrong == NULL && fd < 0) {
		error = errno;
		*wrong = strerror(error);
	}
	if (fd < 0 && copy.to >= 0)
		close(copy.to);
	errno = error;
	return fd;
}

/* Mappings of huge pages come and go as whole pages. */
static uint64_t
mapped_bytes(int fd, uint64_t bytes)
{
	return vly_image_block_is_huge(fd) ? vly_image_huge_bytes(bytes) : bytes;
}

/* Threads beside ours that check a large image. They share the CPUs that loading has anyway. */
static struct vly_image_helpers
make_helpers(void)
{
	struct vly_image_helpers helpers = {0};
	int cnt = sched_getaffinity(0, sizeof(helpers.cpus), &helpers.cpus) == 0
			  ? CPU_COUNT(&helpers.cpus) - 1
			  : 0;

	helpers.cnt = cnt < VLY_IMAGE_HELPERS_MAX ? (unsigned)cnt : VLY_IMAGE_HELPERS_MAX;
	return helpers;
}

/* Checks a sealed image as the dataplane will. Returns NULL or a sentence; errno as above. */
static const char *
check_image(int fd, uint64_t image_bytes, struct vly_image_error *error)
{
	struct vly_image_helpers helpers = make_helpers();
	uint64_t bytes = mapped_bytes(fd, image_bytes);
	struct vly_image image;
	void *block = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);

	if (block == MAP_FAILED)
		return strerror(errno);
	int result = vly_image_verify(block, bytes, &helpers, &image, error);
	int saved = errno;
	munmap(block, bytes);
	errno = saved;
	return result == 0 ? NULL : error->text;
}

/* Replaces a sealed image by -1 when there is something wrong with it. */
static int
keep_checked(int fd, uint64_t image_bytes, struct vly_image_error *error, const char **wrong)
{
	*wrong = check_image(fd, image_bytes, error);
	if (*wrong == NULL)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
vly_image_files_read(const char *dir, const struct vly_index_image *image,
		     const struct vly_hash_key *key, char *reason, size_t reason_bytes)
{
	char path[PATH_MAX];
	char name[NAME_BYTES];

	image_name(image, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (from < 0)
		return fail(reason, reason_bytes, "%s: %m", path);
	const char *wrong = judge_file(from, image, key);
	int fd = wrong == NULL ? copy_into_memory(from, image, &wrong) : -1;
	struct vly_image_error found;
	if (fd >= 0)
		fd = keep_checked(fd, image->bytes, &found, &wrong);
	int error = errno;
	close(from);
	if (fd >= 0)
		return fd;
	if (error == EBADMSG)
		vly_image_files_remove(dir, image);
	fail(reason, reason_bytes, "%s: %s", path, wrong);
	errno = error;
	return -1;
}

void
vly_image_files_remove(const char *dir, const struct vly_index_image *image)
{
	char path[PATH_MAX];
	char name[NAME_BYTES];

	image_name(image, name);
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path))
		unlink(path);
}

/* The speed is limited. At full speed the writes would keep the disk busy, and in a virtual machine,
 * where the hypervisor does a part of the work, the CPUs, too, for longer than the ring of an lcore
 * lasts. Errors that do not show in a write are left to fsync(). */
static int
write_image(struct vly_new_file *file, const uint8_t *image, uint64_t bytes)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (uint64_t at = 0; at < bytes; at += STEP_BYTES) {
		uint64_t step = bytes - at < STEP_BYTES ? bytes - at : STEP_BYTES;
		if (at > 0)
			nanosleep(&pause, NULL);
		if (vly_new_file_write(file, image + at, step) != 0)
			return -1;
		sync_file_range(file->fd, (off_t)at, (off_t)step, SYNC_FILE_RANGE_WRITE);
	}
	return 0;
}

/* Returns 0, or -1 with errno. */
static int
write_file(const char *path, const struct vly_index_image *image, int fd)
{
	struct vly_new_file file;

	if (vly_new_file_open(&file, path, VLY_NEW_FILE_ENDING) < 0)
		return -1;
	/* not sendfile(2), which can't read huge pages */
	void *block = mmap(NULL, mapped_bytes(fd, image->bytes), PROT_READ, MAP_SHARED, fd, 0);
	int result = block != MAP_FAILED ? write_image(&file, block, image->bytes) : -1;
	int error = errno;
	if (block != MAP_FAILED)
		munmap(block, mapped_bytes(fd, image->bytes));
	errno = error;
	if (result == 0)
		return vly_new_file_replace(&file);
	vly_new_file_drop(&file);
	return -1;
}

int
vly_image_files_write(const char *dir, const struct vly_index_image *image, int fd, char *reason,
		      size_t reason_bytes)
{
	char path[PATH_MAX];
	char name[NAME_BYTES];
	struct stat status;

	image_name(image, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (lstat(path, &status) == 0 && S_ISREG(status.st_mode) &&
	    (uint64_t)status.st_size == image->bytes)
		return 0;
	if (write_file(path, image, fd) == 0)
		return 0;
	return fail(reason, reason_bytes, "%s: %m", path);
}

int
vly_image_files_write_index(const char *dir, const char *text, size_t len, char *reason,
			    size_t reason_bytes)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/index", dir);
	return vly_state_file_write(path, text, len, reason, reason_bytes);
}

enum vly_state_read
vly_image_files_read_index(const char *dir, char **text, size_t *len, char *reason,
			   size_t reason_bytes)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/index", dir);
	return vly_state_file_read(path, INDEX_BYTES_MAX, text, len, reason, reason_bytes);
}

int
vly_image_files_prepare(const char *dir, char *reason, size_t reason_bytes)
{
	return vly_state_dir_make(dir) == 0 ? 0 : fail(reason, reason_bytes, "%s: %m", dir);
}

static bool
is_listed(const char *name, const struct vly_index_image *image, uint32_t image_cnt)
{
	char listed[NAME_BYTES];

	for (uint32_t i = 0; i < image_cnt; i++) {
		image_name(&image[i], listed);
		if (strcmp(name, listed) == 0)
			return true;
	}
	return false;
}

static bool
ends_with(const char *name, const char *ending)
{
	size_t len = strlen(name);
	size_t ending_len = strlen(ending);

	return len >= ending_len && strcmp(name + len - ending_len, ending) == 0;
}

void
vly_image_files_prune(const char *dir, const struct vly_index_image *image, uint32_t image_cnt)
{
	DIR *names = opendir(dir);
	struct dirent *entry;

	if (names == NULL)
		return;
	while ((entry = readdir(names)) != NULL)
		if (ends_with(entry->d_name, VLY_NEW_FILE_ENDING) ||
		    (ends_with(entry->d_name, ".image") &&
		     !is_listed(entry->d_name, image, image_cnt)))
			unlinkat(dirfd(names), entry->d_name, 0);
	closedir(names);
}
