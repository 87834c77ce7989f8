/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_link.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <volley/dns.h>
#include <volley/publish.h>

#include "common/send_room.h"

/* The dataplane sends nothing longer than these; a longer packet is cut off, and refused for its
 * size. */
union incoming {
	struct vly_publish_header header;
	struct vly_publish_hello hello;
	struct vly_publish_result result;
	struct vly_publish_client_request request;
	struct vly_publish_connection connection;
	unsigned char octets[sizeof(struct vly_publish_connection) + VLY_PUBLISH_OCTETS_MAX + 1];
	/* a query, and the response that is to be signed */
	unsigned char
		both[sizeof(struct vly_publish_client_request) + 2 * VLY_MESSAGE_BYTES_MAX + 1];
};

union rights {
	struct cmsghdr header;
	char space[CMSG_SPACE(sizeof(int))];
};

/* The alignment leaves room for a second one. */
#define RIGHTS_MAX ((CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int))

static void
on_watch(uv_fs_event_t *watch, const char *name, int events, int status)
{
	struct vly_publish_link *link = watch->data;
	const char *slash = strrchr(link->path, '/');

	(void)events;
	(void)status;
	if (!name || strcmp(name, slash ? slash + 1 : link->path) == 0)
		link->events->appears(link->arg);
}

static void
watch_directory(struct vly_publish_link *link)
{
	char copy[PATH_MAX];

	if (link->watching || !link->watch.data)
		return;
	snprintf(copy, sizeof(copy), "%s", link->path);
	link->watching = uv_fs_event_start(&link->watch, on_watch, dirname(copy), 0) == 0;
}

void
vly_publish_link_init(struct vly_publish_link *link, uv_loop_t *loop, const char *path,
		      const struct vly_publish_link_events *events, void *arg)
{
	memset(link, 0, sizeof(*link));
	link->loop = loop;
	link->path = path;
	link->events = events;
	link->arg = arg;
	uv_fs_event_init(loop, &link->watch);
	link->watch.data = link;
	uv_prepare_init(loop, &link->flush);
	link->flush.data = link;
}

static void
on_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
drop(struct vly_publish_link *link)
{
	uv_os_fd_t fd;

	if (!link->poll)
		return;
	link->offer_cnt = 0;
	link->offered_bytes = 0;
	uv_fileno((uv_handle_t *)link->poll, &fd);
	uv_poll_stop(link->poll);
	link->poll->data = NULL;
	uv_close((uv_handle_t *)link->poll, on_poll_closed);
	close(fd);
	link->poll = NULL;
}

void
vly_publish_link_close(struct vly_publish_link *link, const char *reason)
{
	if (!link->poll)
		return;
	drop(link);
	link->events->down(link->arg, reason);
}

/* A message has at most one descriptor; if it has more, all are closed. Returns the descriptor, or
 * -1. */
static int
take_one(struct cmsghdr *part)
{
	int fd[RIGHTS_MAX];
	size_t cnt = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	if (cnt > RIGHTS_MAX)
		return -1;
	memcpy(fd, CMSG_DATA(part), cnt * sizeof(int));
	if (cnt == 1)
		return fd[0];
	for (size_t i = 0; i < cnt; i++)
		close(fd[i]);
	return -1;
}

/* Returns the octets of one packet, 0 at the end, or -1 with errno. */
static ssize_t
receive(int fd, union incoming *message, int *passed_fd)
{
	union rights rights;
	struct iovec iov = {message, sizeof(*message)};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &rights,
		.msg_controllen = sizeof(rights),
	};
	ssize_t bytes = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*passed_fd = -1;
	if (bytes < 0)
		return bytes;
	struct cmsghdr *part = CMSG_FIRSTHDR(&header);
	if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
		*passed_fd = take_one(part);
	return bytes;
}

/* Packets that are taken before the loop turns to others. */
#define PACKETS_AT_ONCE 64

/* Takes one packet. Returns whether there may be more. */
static bool
take_packet(struct vly_publish_link *link, uv_os_fd_t fd)
{
	static union incoming message; /* large; the loop's alone */
	const uv_poll_t *poll = link->poll;
	int passed_fd;

	ssize_t bytes = receive(fd, &message, &passed_fd);
	if (bytes > 0) {
		link->events->message(link->arg, &message, (size_t)bytes, &passed_fd);
		if (passed_fd >= 0)
			close(passed_fd);
	} else if (bytes == 0 || (errno != EAGAIN && errno != EINTR)) {
		vly_publish_link_close(link, "the dataplane closed the connection");
	}
	return bytes > 0 && link->poll == poll;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct vly_publish_link *link = poll->data;
	bool more = status >= 0;
	uv_os_fd_t fd;

	(void)events;
	uv_fileno((uv_handle_t *)poll, &fd);
	if (status < 0)
		vly_publish_link_close(link, "the dataplane closed the connection");
	for (unsigned i = 0; i < PACKETS_AT_ONCE && more; i++)
		more = take_packet(link, fd);
}

int
vly_publish_link_open(struct vly_publish_link *link, char *reason, size_t reason_bytes)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	watch_directory(link);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", link->path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		snprintf(reason, reason_bytes, "could not connect to %s: %m", link->path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	link->poll = calloc(1, sizeof(*link->poll));
	if (!link->poll || uv_poll_init(link->loop, link->poll, fd) < 0) {
		snprintf(reason, reason_bytes, "could not connect to %s: out of memory",
			 link->path);
		free(link->poll);
		link->poll = NULL;
		close(fd);
		return -1;
	}
	vly_send_room_make(fd);
	link->poll->data = link;
	uv_poll_start(link->poll, UV_READABLE, on_readable);
	return 0;
}

/* Sends the offers from `from` on, as many as there is surely room for. Returns how many. */
static unsigned
send_offers(struct vly_publish_link *link, int fd, unsigned from)
{
	struct mmsghdr packet[VLY_PUBLISH_OFFERS_MAX] = {0};
	size_t room = vly_send_room_left(fd);
	unsigned cnt = 0;

	for (; from + cnt < link->offer_cnt; cnt++) {
		struct iovec *offer = &link->offer[from + cnt];
		if (offer->iov_len + VLY_SEND_ROOM_OVERHEAD > room)
			break;
		room -= offer->iov_len + VLY_SEND_ROOM_OVERHEAD;
		packet[cnt].msg_hdr = (struct msghdr){.msg_iov = offer, .msg_iovlen = 1};
	}
	int sent = cnt > 0 ? sendmmsg(fd, packet, cnt, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
	return sent > 0 ? (unsigned)sent : 0;
}

/* Sends what was offered. What finds no room is lost. */
static void
flush(struct vly_publish_link *link)
{
	unsigned sent = 0;
	unsigned cnt = 1;
	uv_os_fd_t fd;

	uv_prepare_stop(&link->flush);
	if (!link->poll || link->offer_cnt == 0)
		return;
	uv_fileno((uv_handle_t *)link->poll, &fd);
	for (; cnt > 0 && sent < link->offer_cnt; sent += cnt)
		cnt = send_offers(link, fd, sent);
	link->offer_cnt = 0;
	link->offered_bytes = 0;
}

static void
on_flush(uv_prepare_t *prepare)
{
	flush(prepare->data);
}

/* The socket's buffer holds the largest message many times over, only one is ever on its way, and
 * what is offered leaves room for it (common/send_room.h): a send that would have to wait is a
 * broken peer. */
void
vly_publish_link_send(struct vly_publish_link *link, const void *message, size_t bytes,
		      const int *fd, unsigned fd_cnt)
{
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE(VLY_PUBLISH_FDS_MAX * sizeof(int))];
	} rights = {.header = {
			    .cmsg_len = CMSG_LEN(fd_cnt * sizeof(int)),
			    .cmsg_level = SOL_SOCKET,
			    .cmsg_type = SCM_RIGHTS,
		    }};
	struct iovec iov = {(void *)(uintptr_t)message, bytes};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	uv_os_fd_t socket_fd;

	if (!link->poll)
		return;
	flush(link); /* clients do not wait for what the dataplane does with this packet */
	if (fd_cnt > 0) {
		memcpy(CMSG_DATA(&rights.header), fd, fd_cnt * sizeof(*fd));
		header.msg_control = &rights;
		header.msg_controllen = CMSG_SPACE(fd_cnt * sizeof(int));
	}
	uv_fileno((uv_handle_t *)link->poll, &socket_fd);
	if (sendmsg(socket_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		vly_publish_link_close(link, strerror(errno));
}

void
vly_publish_link_offer(struct vly_publish_link *link, const void *message, size_t bytes)
{
	if (!link->poll)
		return;
	if (link->offer_cnt == VLY_PUBLISH_OFFERS_MAX ||
	    bytes > sizeof(link->offered) - link->offered_bytes)
		flush(link);
	uint8_t *at = link->offered + link->offered_bytes;
	memcpy(at, message, bytes);
	link->offer[link->offer_cnt++] = (struct iovec){at, bytes};
	link->offered_bytes += bytes;
	uv_prepare_start(&link->flush, on_flush);
}

static void
on_flush_closed(uv_handle_t *handle)
{
	struct vly_publish_link *link = handle->data;

	link->freed(link->arg);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct vly_publish_link *link = handle->data;

	uv_close((uv_handle_t *)&link->flush, on_flush_closed);
}

void
vly_publish_link_free(struct vly_publish_link *link, void (*freed)(void *arg))
{
	drop(link);
	link->freed = freed;
	uv_close((uv_handle_t *)&link->watch, on_watch_closed);
}
