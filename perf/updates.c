/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends messages that are ready over TCP, from several clients at once, each of which waits for the
 * response before it sends its next message, and notes how long each takes: from before the system call
 * that sends it to after the one that receives its response.
 *
 * Ends after --seconds, or when the messages are used up. Every response must be NOERROR. Prints one JSON
 * object: seconds, and the microseconds of each message that was answered in time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

#define CLIENTS_MAX  1024
#define NS_PER_S     UINT64_C(1000000000)
#define HEADER_BYTES 12
#define PREFIX_BYTES 2

struct client {
	int fd;
	uint64_t sent_ns;
	size_t got; /* octets of the response */
	uint8_t response[PREFIX_BYTES + 65535];
};

struct sender {
	const char *server;
	const char *path;
	unsigned long port;
	unsigned long client_cnt;
	double seconds;
	uint64_t interval_ns; /* between two messages of a client, at least */

	const uint8_t *messages;
	size_t bytes;
	size_t at;
	int epoll_fd;
	struct client *client;
	unsigned waiting_cnt; /* clients that wait for a response */
	uint64_t begin_ns;
	uint32_t *times_us;
	size_t time_cnt;
	size_t time_max;
};

static void
read_messages(struct sender *sender)
{
	struct stat status;
	int fd = open(sender->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) != 0)
		vly_tool_fail("%s: %m", sender->path);
	sender->bytes = (size_t)status.st_size;
	sender->messages = mmap(NULL, sender->bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (sender->messages == MAP_FAILED)
		vly_tool_fail("%s: %m", sender->path);
	close(fd);
	sender->time_max = sender->bytes / HEADER_BYTES + 1;
	sender->times_us = calloc(sender->time_max, sizeof(*sender->times_us));
	sender->client = calloc(sender->client_cnt, sizeof(*sender->client));
	if (sender->times_us == NULL || sender->client == NULL)
		vly_tool_fail("out of memory");
}

static void
connect_client(struct sender *sender, struct client *client)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons((uint16_t)sender->port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (inet_pton(AF_INET, sender->server, &address.sin_addr) != 1 || client->fd < 0 ||
	    connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    epoll_ctl(sender->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) != 0)
		vly_tool_fail("%s: %m", sender->server);
}

/* Sends the next message, if there is one. */
static void
send_next(struct sender *sender, struct client *client)
{
	const uint8_t *message = sender->messages + sender->at;

	if (sender->at + PREFIX_BYTES > sender->bytes)
		return;
	size_t bytes = PREFIX_BYTES + ((size_t)message[0] << 8 | message[1]);
	if (sender->at + bytes > sender->bytes)
		vly_tool_fail("%s: the last message is cut off", sender->path);
	client->sent_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	if (send(client->fd, message, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		vly_tool_fail("send: %m");
	client->got = 0;
	sender->at += bytes;
	sender->waiting_cnt++;
}

/* Whether the response is complete, which is checked. */
static bool
receive(struct client *client)
{
	uint8_t *response = client->response;
	ssize_t bytes =
		recv(client->fd, response + client->got, sizeof(client->response) - client->got, 0);

	if (bytes <= 0)
		vly_tool_fail("a connection was closed: %s", bytes < 0 ? strerror(errno) : "end");
	client->got += (size_t)bytes;
	if (client->got < PREFIX_BYTES + HEADER_BYTES ||
	    client->got < PREFIX_BYTES + ((size_t)response[0] << 8 | response[1]))
		return false;
	if ((response[PREFIX_BYTES + 3] & 15) != 0)
		vly_tool_fail("a response has RCODE %u", response[PREFIX_BYTES + 3] & 15u);
	return true;
}

/* Waits until the client may send again. */
static void
pace(const struct sender *sender, const struct client *client, uint64_t end_ns)
{
	uint64_t next_ns = client->sent_ns + sender->interval_ns;
	uint64_t now_ns = vly_tool_now_ns(CLOCK_MONOTONIC);

	if (sender->interval_ns == 0 || next_ns <= now_ns || next_ns >= end_ns)
		return;
	struct timespec pause = {.tv_sec = (time_t)((next_ns - now_ns) / NS_PER_S),
				 .tv_nsec = (long)((next_ns - now_ns) % NS_PER_S)};
	nanosleep(&pause, NULL);
}

static void
take(struct sender *sender, struct client *client, uint64_t end_ns)
{
	if (!receive(client))
		return;
	uint64_t now_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	sender->waiting_cnt--;
	if (now_ns >= end_ns)
		return;
	if (sender->time_cnt < sender->time_max)
		sender->times_us[sender->time_cnt++] =
			(uint32_t)((now_ns - client->sent_ns) / 1000);
	pace(sender, client, end_ns);
	send_next(sender, client);
}

static void
run(struct sender *sender)
{
	struct epoll_event event[64];

	sender->begin_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	uint64_t end_ns = sender->begin_ns + (uint64_t)(sender->seconds * 1e9);
	for (unsigned i = 0; i < sender->client_cnt; i++)
		send_next(sender, &sender->client[i]);
	while (sender->waiting_cnt > 0) {
		uint64_t now_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
		if (now_ns >= end_ns)
			return;
		int cnt = epoll_wait(sender->epoll_fd, event, 64,
				     (int)((end_ns - now_ns) / 1000000) + 1);
		for (int i = 0; i < cnt; i++)
			take(sender, event[i].data.ptr, end_ns);
	}
}

static void
print(const struct sender *sender)
{
	double took = (double)(vly_tool_now_ns(CLOCK_MONOTONIC) - sender->begin_ns) / 1e9;

	printf("{\"seconds\": %.3f, \"left\": %s, \"us\": [",
	       took < sender->seconds ? took : sender->seconds,
	       sender->at < sender->bytes ? "true" : "false");
	for (size_t i = 0; i < sender->time_cnt; i++)
		printf("%s%" PRIu32, i > 0 ? "," : "", sender->times_us[i]);
	printf("]}\n");
}

static void
parse(struct sender *sender, int argc, char **argv)
{
	static const struct option options[] = {{"server", required_argument, NULL, 's'},
						{"port", required_argument, NULL, 'p'},
						{"messages", required_argument, NULL, 'm'},
						{"clients", required_argument, NULL, 'c'},
						{"seconds", required_argument, NULL, 't'},
						{"interval-us", required_argument, NULL, 'i'},
						{0}};

	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			sender->server = optarg;
		else if (option == 'p')
			sender->port = strtoul(optarg, NULL, 10);
		else if (option == 'm')
			sender->path = optarg;
		else if (option == 'c')
			sender->client_cnt = strtoul(optarg, NULL, 10);
		else if (option == 't')
			sender->seconds = strtod(optarg, NULL);
		else if (option == 'i')
			sender->interval_ns = strtoull(optarg, NULL, 10) * 1000;
		else
			exit(2);
	}
	if (sender->server == NULL || sender->path == NULL || sender->client_cnt == 0 ||
	    sender->client_cnt > CLIENTS_MAX || sender->seconds <= 0)
		vly_tool_fail("usage: --server ADDRESS --messages FILE [--port N] [--clients 1 to "
			      "%d] [--seconds S] [--interval-us N]",
			      CLIENTS_MAX);
}

int
main(int argc, char **argv)
{
	struct sender sender = {.port = 53, .client_cnt = 1, .seconds = 5};

	parse(&sender, argc, argv);
	read_messages(&sender);
	sender.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sender.epoll_fd < 0)
		vly_tool_fail("epoll: %m");
	for (unsigned i = 0; i < sender.client_cnt; i++)
		connect_client(&sender, &sender.client[i]);
	run(&sender);
	print(&sender);
	return 0;
}
