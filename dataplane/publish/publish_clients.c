/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish_clients.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <volley/publish.h>

#include "common/send_room.h"
#include "publish_socket.h"

static void
write_address(uint8_t to[16], const struct sockaddr_in6 *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (address->sin6_family != AF_INET) {
		memcpy(to, &address->sin6_addr, 16);
		return;
	}
	memcpy(to, mapped, sizeof(mapped));
	memcpy(to + sizeof(mapped), &((const struct sockaddr_in *)(const void *)address)->sin_addr,
	       4);
}

/* Clients' messages that go to control in one system call. */
#define REQUESTS_AT_ONCE 32

/* A packet for a client's message, which stays where it is. */
static void
set_packet(struct vly_publish_client_request *head, struct iovec part[2],
	   const struct vly_request *request)
{
	const struct sockaddr_in6 *client = &request->origin.client;

	*head = (struct vly_publish_client_request){
		.header = {.type = VLY_PUBLISH_REQUEST,
			   .bytes = (uint32_t)(sizeof(*head) + request->bytes +
					       request->draft_bytes),
			   .seq = request->id},
		.flags = request->origin.connection != NULL ? VLY_REQUEST_STREAM : 0,
		.client_port = ntohs(client->sin6_port),
		.message_bytes = request->bytes,
		.response_bytes = request->draft_bytes,
	};
	write_address(head->client, client);
	part[0] = (struct iovec){head, sizeof(*head)};
	part[1] = (struct iovec){(void *)(uintptr_t)request->message,
				 request->bytes + request->draft_bytes};
}

/* Takes what waits and finds room. Returns how many. */
static unsigned
take_requests(int fd, struct vly_requests *requests, const struct vly_request **request)
{
	size_t room = vly_send_room_left(fd);
	unsigned cnt = 0;

	while (cnt < REQUESTS_AT_ONCE &&
	       room >= 2 * VLY_MESSAGE_BYTES_MAX + VLY_SEND_ROOM_OVERHEAD &&
	       (request[cnt] = vly_requests_next(requests)) != NULL) {
		room -= request[cnt]->bytes + request[cnt]->draft_bytes + VLY_SEND_ROOM_OVERHEAD;
		cnt++;
	}
	return cnt;
}

int
vly_publish_send_requests(int fd, struct vly_requests *requests)
{
	const struct vly_request *request[REQUESTS_AT_ONCE];
	struct vly_publish_client_request head[REQUESTS_AT_ONCE];
	struct mmsghdr packet[REQUESTS_AT_ONCE] = {0};
	struct iovec part[REQUESTS_AT_ONCE][2];
	unsigned cnt = REQUESTS_AT_ONCE;

	for (unsigned i = 0; i < VLY_REQUESTS_MAX && cnt == REQUESTS_AT_ONCE; i += cnt) {
		cnt = take_requests(fd, requests, request);
		for (unsigned at = 0; at < cnt; at++) {
			set_packet(&head[at], part[at], request[at]);
			packet[at].msg_hdr = (struct msghdr){.msg_iov = part[at], .msg_iovlen = 2};
		}
		int sent = cnt > 0 ? sendmmsg(fd, packet, cnt, MSG_NOSIGNAL) : 0;
		int error = sent < 0 ? errno : 0;
		for (unsigned at = sent < 0 ? 0 : (unsigned)sent; at < cnt; at++)
			vly_requests_answer(requests, request[at]->id, NULL, 0);
		if (error != 0 && error != EAGAIN && error != ENOBUFS)
			return -error;
	}
	return 0;
}

bool
vly_publish_send_request(int fd, const struct vly_request *request)
{
	struct vly_publish_client_request head;
	struct iovec part[2];
	struct msghdr packet = {.msg_iov = part, .msg_iovlen = 2};

	if (vly_send_room_left(fd) < 2 * VLY_MESSAGE_BYTES_MAX + VLY_SEND_ROOM_OVERHEAD)
		return false;
	set_packet(&head, part, request);
	return sendmsg(fd, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

/* Sends one client's connection. Returns 0 or a negative errno. */
static int
send_connection(int fd, const struct vly_handover *handover, uint64_t seq)
{
	static uint64_t packet[(sizeof(struct vly_publish_connection) + VLY_PUBLISH_OCTETS_MAX) /
				       sizeof(uint64_t) +
			       1];
	struct vly_publish_connection *head = (void *)packet;
	const size_t bytes = sizeof(*head) + handover->octet_bytes;

	*head = (struct vly_publish_connection){
		.header = {.type = VLY_PUBLISH_CONNECTION, .bytes = (uint32_t)bytes, .seq = seq},
		.flags = handover->flags,
		.client_port = ntohs(handover->client.sin6_port),
		.local_port = ntohs(handover->local.sin6_port),
		.octet_bytes = handover->octet_bytes,
	};
	write_address(head->client, &handover->client);
	write_address(head->local, &handover->local);
	memcpy(head->octets, handover->octets, handover->octet_bytes);
	return vly_publish_socket_send(fd, head, bytes, handover->fd);
}

/* A connection that could not be sent is closed. */
int
vly_publish_send_connections(int fd, struct vly_handovers *handovers, uint64_t *cnt)
{
	for (unsigned i = 0; i < VLY_HANDOVERS_MAX; i++) {
		if (vly_send_room_left(fd) < VLY_PUBLISH_OCTETS_MAX + VLY_SEND_ROOM_OVERHEAD)
			return 0;
		struct vly_handover *handover = vly_handovers_next(handovers);
		if (handover == NULL)
			return 0;
		int error = send_connection(fd, handover, ++*cnt);
		vly_handover_free(handover);
		if (error != 0 && error != -EAGAIN && error != -ENOBUFS && error != -ETOOMANYREFS)
			return error;
	}
	return 0;
}
