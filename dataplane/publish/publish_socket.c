/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <volley/dataplane_options.h>

#include "common/log.h"

/* The most descriptors in one message (SCM_MAX_FD). */
#define FDS_MAX 253

/* Connections that wait to be accepted. One is volley-control's; one more may come from a second
 * one, which is to be refused with a reason instead of being left waiting. */
#define BACKLOG 4

static int
open_socket(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path)) {
		vly_log_error("socket %s: the path is longer than %zu octets", path,
			      sizeof(address->sun_path) - 1);
		return -1;
	}
	strcpy(address->sun_path, path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		vly_log_error("socket %s: %s", path, strerror(errno));
	return fd;
}

/* Removes the socket of a dead dataplane: one that refuses connections. */
static bool
remove_stale(const char *path, const struct sockaddr_un *address)
{
	struct stat status;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
		       errno == ECONNREFUSED;
	close(fd);
	return refused && lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) &&
	       unlink(path) == 0;
}

uid_t
vly_publish_socket_user(const char *name)
{
	const struct passwd *entry = getpwnam(name);

	if (entry != NULL)
		return entry->pw_uid;
	/* Where Volley is not installed, nobody has created the default one. */
	if (strcmp(name, VLY_SOCKET_USER_DEFAULT) != 0)
		vly_log_warning("--socket-user %s: no such user: only root and the user of this "
				"program may connect",
				name);
	return geteuid();
}

/* The directory may be the user's, who could put a link to another file in the socket's place:
 * only an inode that is a socket, under no other name, is given away. Returns 0 or an errno. */
static int
change_owner(const char *path, uid_t user)
{
	struct stat status;
	int error = 0;
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno;
	if (fstat(fd, &status) != 0)
		error = errno;
	else if (!S_ISSOCK(status.st_mode) || status.st_nlink != 1)
		error = EEXIST;
	else if (fchownat(fd, "", user, (gid_t)-1, AT_EMPTY_PATH) != 0)
		error = errno;
	close(fd);
	return error;
}

/* Root can connect to anybody's socket. */
static void
give_socket(const char *path, uid_t user)
{
	int error = user != geteuid() ? change_owner(path, user) : 0;

	if (error != 0)
		vly_log_warning("socket %s: cannot give it to user %u, so that only root can "
				"connect: %s",
				path, (unsigned)user,
				error == EEXIST ? "another file has taken its place"
						: strerror(error));
}

int
vly_publish_socket_listen(const char *path, uid_t user)
{
	struct sockaddr_un address;
	int fd = open_socket(path, &address);

	if (fd < 0)
		return -1;
	mode_t mask = umask(0177);
	int result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	if (result != 0 && errno == EADDRINUSE && remove_stale(path, &address))
		result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	int error = errno;
	umask(mask);
	if (result != 0) {
		vly_log_error("socket %s: %s", path,
			      error == EADDRINUSE
				      ? "in use by another volley-dataplane: give each its own "
					"--socket"
			      : error == ENOENT ? "its directory does not exist"
						: strerror(error));
	} else if (listen(fd, BACKLOG) == 0) {
		give_socket(path, user);
		return fd;
	} else {
		vly_log_error("socket %s: %s", path, strerror(errno));
		unlink(path);
	}
	close(fd);
	return -1;
}

int
vly_publish_socket_accept(int listen_fd, uid_t user)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0 &&
	    (peer.uid == 0 || peer.uid == user || peer.uid == geteuid()))
		return fd;
	close(fd);
	return -EPERM;
}

int
vly_publish_socket_send(int fd, const void *packet, size_t bytes, int pass_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)packet, .iov_len = bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (pass_fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.room);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(head), &pass_fd, sizeof(int));
	}
	ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	return sent < 0 ? -errno : 0;
}

/* Keeps the first descriptors and closes the others. */
static void
take_fds(struct msghdr *message, int passed_fd[VLY_PUBLISH_FDS_MAX], unsigned *fd_cnt)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head != NULL;
	     head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		size_t cnt = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < cnt; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
			if (*fd_cnt < VLY_PUBLISH_FDS_MAX)
				passed_fd[*fd_cnt] = fd;
			else
				close(fd);
			(*fd_cnt)++;
		}
	}
}

ssize_t
vly_publish_socket_receive(int fd, void *packet, size_t room, int passed_fd[VLY_PUBLISH_FDS_MAX],
			   unsigned *fd_cnt)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = packet, .iov_len = room};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control.room)};

	for (unsigned i = 0; i < VLY_PUBLISH_FDS_MAX; i++)
		passed_fd[i] = -1;
	*fd_cnt = 0;
	ssize_t bytes = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	if (bytes < 0)
		return -errno;
	take_fds(&message, passed_fd, fd_cnt);
	return (message.msg_flags & MSG_TRUNC) != 0 ? (ssize_t)room + 1 : bytes;
}
