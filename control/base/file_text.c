/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Larger texts are mapped, so that their pages can go one after the other. Smaller: a million small
 * zone files would cost two system calls more each. */
#define MAPPED_BYTES_MIN (UINT64_C(1) << 20)

/* Given back at once. Smaller: more system calls. Larger: more memory that waits. */
#define RELEASE_BYTES (UINT64_C(4) << 20)

static const char changed[] = "the file changed while it was being read: replace files by renaming";

/* Reads the octets 0..status->st_size-1, where `status` was taken before. Returns NULL; or a
 * sentence, when they may not be the content of the file. */
static const char *
read_whole(int fd, const struct stat *status, char *to)
{
	size_t bytes = (size_t)status->st_size;
	struct stat after;
	size_t used = 0;

	while (used < bytes) {
		ssize_t got = read(fd, to + used, bytes - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return strerror(errno);
		if (got == 0)
			return changed;
		used += (size_t)got;
	}
	if (fstat(fd, &after) != 0)
		return strerror(errno);
	/* not the ctime: it changes when the file loses its name to the next version */
	return after.st_size == status->st_size &&
			       vly_time_ns(&after.st_mtim) == vly_time_ns(&status->st_mtim)
		       ? NULL
		       : changed;
}

static const char *
allocate(struct vly_file_text *text, size_t bytes)
{
	void *start;

	*text = (struct vly_file_text){.len = bytes};
	if (bytes >= MAPPED_BYTES_MIN) {
		text->mapped_bytes = bytes;
		start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
		start = start == MAP_FAILED ? NULL : start;
	} else {
		start = malloc(bytes + 1); /* NULL stands for no memory, also when it is empty */
	}
	text->start = start;
	return start == NULL ? "out of memory" : NULL;
}

/* /dev/null is as good as an empty file. */
static bool
is_null_device(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static const char *
look_at(int fd, struct stat *status)
{
	if (fstat(fd, status) != 0)
		return strerror(errno);
	return S_ISREG(status->st_mode) || is_null_device(status) ? NULL : "not a regular file";
}

static const char *
read_open(struct vly_file_text *text, int fd)
{
	struct stat status;

	const char *why = look_at(fd, &status);
	if (why != NULL)
		return why;
	why = allocate(text, (size_t)status.st_size);
	if (why != NULL)
		return why;
	text->stamp = vly_file_stamp_before_reading(&status);
	why = read_whole(fd, &status, text->start);
	if (why != NULL)
		vly_file_text_free(text);
	return why;
}

const char *
vly_file_text_read(struct vly_file_text *text, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return strerror(errno);
	const char *why = read_open(text, fd);
	close(fd);
	return why;
}

static const char *
read_string(int fd, size_t bytes_max, char **text, size_t *bytes)
{
	struct stat status;
	const char *why = look_at(fd, &status);

	if (why != NULL)
		return why;
	*bytes = (size_t)status.st_size;
	if (*bytes > bytes_max) {
		errno = EFBIG;
		return "the file is too large";
	}
	*text = malloc(*bytes + 1);
	if (*text == NULL)
		return "out of memory";
	(*text)[*bytes] = '\0';
	why = read_whole(fd, &status, *text);
	if (why != NULL)
		free(*text);
	return why;
}

char *
vly_file_read_string(const char *path, size_t bytes_max, size_t *bytes, const char **why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;

	if (fd < 0) {
		*why = strerror(errno);
		return NULL;
	}
	errno = 0;
	*why = read_string(fd, bytes_max, &text, bytes);
	int error = errno;
	close(fd);
	errno = error;
	return *why == NULL ? text : NULL;
}

void
vly_file_text_release(struct vly_file_text *text, const char *to)
{
	/* of a pointer that is elsewhere, too, as the scanner's is at the end of its input */
	size_t done = (size_t)((uintptr_t)to - (uintptr_t)text->start);

	if (text->mapped_bytes == 0 || done > text->len)
		return;
	done = done / RELEASE_BYTES * RELEASE_BYTES;
	if (done <= text->released_bytes)
		return;
	(void)madvise(text->start + text->released_bytes, done - text->released_bytes,
		      MADV_DONTNEED);
	text->released_bytes = done;
}

void
vly_file_text_free(struct vly_file_text *text)
{
	if (text->mapped_bytes != 0)
		munmap(text->start, text->mapped_bytes);
	else
		free(text->start);
	text->start = NULL;
}
