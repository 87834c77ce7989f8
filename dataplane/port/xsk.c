/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "xsk.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool
is_xsk(int fd)
{
	int domain = 0;
	socklen_t bytes = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 && domain == AF_XDP;
}

void
vly_xsk_list(struct vly_xsk_list *list)
{
	DIR *names = opendir("/proc/self/fd");
	struct dirent *entry;

	list->cnt = 0;
	if (names == NULL)
		return;
	while ((entry = readdir(names)) != NULL && list->cnt < VLY_XSK_MAX) {
		int fd = atoi(entry->d_name); /* "." and ".." are 0, not such a socket */
		if (is_xsk(fd))
			list->fd[list->cnt++] = fd;
	}
	closedir(names);
}

static bool
has(const struct vly_xsk_list *list, int fd)
{
	for (unsigned i = 0; i < list->cnt; i++)
		if (list->fd[i] == fd)
			return true;
	return false;
}

int
vly_xsk_find_new(const struct vly_xsk_list *before, const struct vly_xsk_list *after)
{
	int found = -1;

	for (unsigned i = 0; i < after->cnt; i++) {
		if (has(before, after->fd[i]))
			continue;
		if (found >= 0)
			return -1;
		found = after->fd[i];
	}
	return found;
}
