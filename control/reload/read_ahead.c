/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "read_ahead.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

/* Blocks that this thread has had read from disk; what it has asked for in advance counts. */
static long
blocks_read(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_inblock : 0;
}

/* A file that can't be opened is reported by whoever reads it. */
static void
ask_for(const char *file)
{
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	close(fd);
}

void
vly_read_ahead_begin(struct vly_read_ahead *ahead)
{
	*ahead = (struct vly_read_ahead){.left = VLY_READ_AHEAD_FIRST, .blocks = blocks_read()};
}

void
vly_read_ahead_next(struct vly_read_ahead *ahead, const char *(*name)(void *arg, uint32_t i),
		    void *arg)
{
	const char *file;

	if (ahead->left-- > 0)
		return;
	const long blocks = blocks_read();
	const bool is_cold = blocks != ahead->blocks;
	ahead->blocks = blocks;
	ahead->left = VLY_READ_AHEAD_FILES - 1;
	for (uint32_t i = 0; is_cold && i < VLY_READ_AHEAD_FILES && (file = name(arg, i)); i++)
		if (*file)
			ask_for(file);
}
