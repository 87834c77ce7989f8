/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control_socket.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

/* A killed predecessor listens until the kernel has taken down its memory. Nothing else goes on
 * at start. */
#define LEAVING_MS      2000
#define LEAVING_STEP_MS 20

/* Returns 0 when somebody listens at `address`, else -1 with errno. Never blocks: connect() waits
 * for ever for a listener that has stopped taking connections. */
static int
try_connect(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	int err = errno;
	close(fd);
	errno = err;
	/* EAGAIN: more connections wait for the listener than it wants to have waiting */
	return result == 0 || err == EAGAIN ? 0 : -1;
}

int
vly_control_socket_clear(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -1;
	if (!S_ISSOCK(status.st_mode)) {
		errno = EEXIST;
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (unsigned i = 0; try_connect(&address) == 0; i++) {
		if (i == LEAVING_MS / LEAVING_STEP_MS) {
			errno = EADDRINUSE;
			return -1;
		}
		usleep(LEAVING_STEP_MS * 1000);
	}
	return errno == ECONNREFUSED ? unlink(path) : -1;
}

void
vly_control_socket_give(const char *path, const char *name)
{
	const struct group *group = getgrnam(name);

	if (!group)
		vly_log_info("there is no group %s: the control socket keeps group %d", name,
			     (int)getegid());
	else if (chown(path, (uid_t)-1, group->gr_gid) < 0)
		vly_log_warning("%s: the group could not be changed to %s: %s", path, name,
				strerror(errno));
}
