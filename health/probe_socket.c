/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket under probes of TCP, TLS, DNS and ICMP. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe_parts.h"

union address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
};

static socklen_t
read_address(const char *text, unsigned port, union address *address)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &address->ipv4.sin_addr) == 1) {
		address->ipv4.sin_family = AF_INET;
		address->ipv4.sin_port = htons((uint16_t)port);
		return sizeof(address->ipv4);
	}
	if (inet_pton(AF_INET6, text, &address->ipv6.sin6_addr) != 1)
		return 0;
	address->ipv6.sin6_family = AF_INET6;
	address->ipv6.sin6_port = htons((uint16_t)port);
	return sizeof(address->ipv6);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
vly_probe_close(struct vly_probe *base)
{
	struct vly_socket_probe *probe = (struct vly_socket_probe *)base;

	uv_poll_stop(&probe->poll);
	uv_close((uv_handle_t *)&probe->poll, on_closed);
	close(probe->fd);
}

/* libuv has EBADF for whatever the kernel calls an error: the socket knows better. */
int
vly_probe_connect_error(int fd, int status)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
		return errno;
	return error == 0 && status < 0 ? ECONNABORTED : error;
}

int
vly_probe_open(struct vly_socket_probe *probe, int type, int protocol, unsigned port, int events,
	       uv_poll_cb step, struct vly_probe_result *result)
{
	union address address;
	const socklen_t bytes =
		read_address(VLY_PROBE_TEXT(probe->probe.check, ADDRESS), port, &address);
	int error = EINVAL;

	probe->fd =
		bytes ? socket(address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol)
		      : -1;
	if (probe->fd >= 0 &&
	    (connect(probe->fd, &address.any, bytes) == 0 || errno == EINPROGRESS))
		error = -uv_poll_init(probe->probe.prober->loop, &probe->poll, probe->fd);
	else if (bytes)
		error = errno;
	if (error == 0) {
		probe->poll.data = probe;
		uv_poll_start(&probe->poll, events, step);
		return 0;
	}
	vly_probe_say(result, vly_probe_is_ours(error) ? VLY_PROBE_UNABLE : VLY_PROBE_FAILED,
		      "%s failed: %s", probe->fd < 0 ? "making a socket" : "connecting",
		      strerror(error));
	if (probe->fd >= 0)
		close(probe->fd);
	free(probe);
	return -1;
}
