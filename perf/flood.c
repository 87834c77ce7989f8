/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A flood of one kind of packets at a name server, as fast as one core sends them, or at --rate:
 * whole frames through a packet socket, past the queueing discipline.
 *
 * Only for an interface of one's own: its other end must be a server under test. Ends after
 * --seconds and prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <volley/checksum.h>

#include "tool.h"

/* Frames in a system call. */
#define BATCH 64

#define FRAME_MAX 512
#define IP_AT     14
#define UDP_AT    (IP_AT + 20)
#define DNS_AT    (UDP_AT + 8)
#define NAME_AT   (DNS_AT + 12)

#define NAME_BYTES_MAX 201

/* The name of a random subdomain begins with a label of so many octets. */
#define LABEL_BYTES 10

/* Labels of one octet that a deep name begins with: as many as leave room for an owner of a DNAME.
 */
#define DEEP_LABELS 110

enum kind {
	REFLECTED,  /* responses from open resolvers: QR is set, the source port is 53 */
	ONE_SOURCE, /* queries of one address */
	SPOOFED,    /* queries from random addresses */
	ANY,        /* ANY, as from few victims of one network */
	NXDOMAIN,   /* random subdomains, from many resolvers */
	MALFORMED,  /* each cut, bent or no DNS */
	DEEP,       /* names of many labels below --name, from random addresses */
	KIND_CNT,
};

static const char *const kind_name[KIND_CNT] = {
	[REFLECTED] = "reflected", [ONE_SOURCE] = "one-source",
	[SPOOFED] = "spoofed",     [ANY] = "any",
	[NXDOMAIN] = "nxdomain",   [MALFORMED] = "malformed",
	[DEEP] = "deep",
};

struct flood {
	const char *interface;
	const char *server;
	const char *server_mac;
	const char *name;
	enum kind kind;
	unsigned seconds;
	unsigned rate; /* frames a second; 0: as many as go */
	int fd;
	uint64_t random;
	uint16_t frame_bytes;
	uint8_t template[FRAME_MAX];
	uint8_t frame[BATCH][FRAME_MAX];
	struct iovec part[BATCH];
	struct mmsghdr message[BATCH];
};

/* xorshift64*: any numbers will do. */
static uint64_t
next_random(struct flood *flood)
{
	flood->random ^= flood->random >> 12;
	flood->random ^= flood->random << 25;
	flood->random ^= flood->random >> 27;
	return flood->random * UINT64_C(2685821657736338717);
}

static void
put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
make_template(struct flood *flood)
{
	uint8_t *frame = flood->template, *ip = frame + IP_AT, *at = frame + NAME_AT;
	unsigned mac[6];

	if (sscanf(flood->server_mac, "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3],
		   &mac[4], &mac[5]) != 6 ||
	    inet_pton(AF_INET, flood->server, ip + 16) != 1)
		vly_tool_fail("--server-mac or --server is no address");
	for (unsigned i = 0; i < 6; i++)
		frame[i] = (uint8_t)mac[i];
	memcpy(frame + 6, "\2\0\0\0\0\1\x08", 7);
	if (flood->kind == NXDOMAIN) {
		*at = LABEL_BYTES;
		at += 1 + LABEL_BYTES;
	}
	unsigned deep_bytes = flood->kind == DEEP ? 2 * DEEP_LABELS : 0;
	for (unsigned i = 0; i < deep_bytes; i++)
		*at++ = i % 2 == 0 ? 1 : 'a';
	size_t name_bytes = vly_tool_write_name(
		at, deep_bytes > 0 ? 255 - deep_bytes : NAME_BYTES_MAX, flood->name);
	if (name_bytes == 0)
		vly_tool_fail("not a name that this can write");
	at += name_bytes;
	put16(at, flood->kind == ANY ? 255 : 1);
	put16(at + 2, 1);
	memcpy(at + 4, "\0\0\x29\x10\0\0\0\0\0\0", 11); /* OPT, 4,096 octets */
	flood->frame_bytes = (uint16_t)(at + 4 + 11 - frame);
	unsigned udp_bytes = flood->frame_bytes - UDP_AT;
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = 17;
	put16(ip + 2, 20 + udp_bytes);
	put16(frame + UDP_AT, 53);
	put16(frame + UDP_AT + 2, 53);
	put16(frame + UDP_AT + 4, udp_bytes); /* no checksum: IPv4 does without */
	put16(frame + DNS_AT + 4, 1);
	put16(frame + DNS_AT + 10, 1);
	if (flood->kind == REFLECTED)
		frame[DNS_AT + 2] = 0x84;
}

/* No host of the network that the pair itself has. */
static uint32_t
source_of(struct flood *flood, uint64_t random)
{
	switch (flood->kind) {
	case ONE_SOURCE:
		return 0xc6336442; /* 198.51.100.66 */
	case ANY:
		return 0xcb007100 | (random & 15); /* 203.0.113.0/28 */
	case NXDOMAIN:
		return 0x64400000 | (random & 0x3fff); /* 100.64.0.0/18 */
	default:
		return 0x14000000 + (uint32_t)(random % 0xb0000000); /* from 20.0.0.0 on */
	}
}

/* One of the ways of being no query. */
static void
damage(struct flood *flood, uint8_t *frame, uint64_t random)
{
	switch (random % 4) {
	case 0: /* UDP claims more than there is */
		put16(frame + UDP_AT + 4, flood->frame_bytes);
		break;
	case 1: /* less than a DNS header */
		put16(frame + UDP_AT + 4, 8 + (unsigned)(random >> 8) % 12);
		break;
	case 2: /* random octets behind the header, most of them no message */
		for (unsigned at = NAME_AT; at < flood->frame_bytes; at++)
			frame[at] = (uint8_t)next_random(flood);
		break;
	default: /* an opcode that nobody has */
		frame[DNS_AT + 2] = 15 << 3;
	}
}

static void
make_frame(struct flood *flood, uint8_t *frame)
{
	uint64_t random = next_random(flood);
	uint32_t source = htonl(source_of(flood, random));

	memcpy(frame, flood->template, flood->frame_bytes);
	memcpy(frame + IP_AT + 12, &source, sizeof(source));
	if (flood->kind != REFLECTED)
		put16(frame + UDP_AT, 1024 + (unsigned)(random >> 32) % 64512);
	put16(frame + DNS_AT, (unsigned)(random >> 48));
	if (flood->kind == NXDOMAIN)
		for (unsigned i = 0; i < LABEL_BYTES; i++)
			frame[NAME_AT + 1 + i] = (uint8_t)('a' + (random >> (4 * i)) % 16);
	if (flood->kind == MALFORMED)
		damage(flood, frame, random >> 8);
	memset(frame + IP_AT + 10, 0, 2);
	uint16_t checksum = (uint16_t)~vly_sum_fold(vly_sum_octets(frame + IP_AT, 20));
	memcpy(frame + IP_AT + 10, &checksum, sizeof(checksum));
}

static void
open_socket(struct flood *flood)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	int on = 1;

	address.sll_ifindex = (int)if_nametoindex(flood->interface);
	flood->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (address.sll_ifindex == 0 || flood->fd < 0 ||
	    setsockopt(flood->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
	    bind(flood->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		vly_tool_fail("%s: %s", flood->interface, strerror(errno));
	for (unsigned i = 0; i < BATCH; i++) {
		flood->part[i] = (struct iovec){flood->frame[i], flood->frame_bytes};
		flood->message[i].msg_hdr =
			(struct msghdr){.msg_iov = &flood->part[i], .msg_iovlen = 1};
	}
}

/* Until the next batch is due, where there is a rate. */
static void
wait_for_turn(const struct flood *flood, uint64_t start_ns, uint64_t frame_cnt)
{
	if (flood->rate == 0)
		return;
	uint64_t due_ns = start_ns + frame_cnt * UINT64_C(1000000000) / flood->rate;
	struct timespec due = {.tv_sec = (time_t)(due_ns / 1000000000),
			       .tv_nsec = (long)(due_ns % 1000000000)};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* What the interface has no room for counts as refused: sendmmsg() stops there. */
static void
run(struct flood *flood)
{
	uint64_t start_ns = vly_tool_now_ns(CLOCK_MONOTONIC);
	uint64_t end_ns = start_ns + flood->seconds * UINT64_C(1000000000);
	uint64_t sent_cnt = 0, refused_cnt = 0;

	while (vly_tool_now_ns(CLOCK_MONOTONIC) < end_ns) {
		wait_for_turn(flood, start_ns, sent_cnt + refused_cnt);
		for (unsigned i = 0; i < BATCH; i++)
			make_frame(flood, flood->frame[i]);
		for (unsigned at = 0; at < BATCH;) {
			int sent = sendmmsg(flood->fd, flood->message + at, BATCH - at, 0);
			if (sent < 0 && errno != ENOBUFS && errno != EAGAIN)
				vly_tool_fail("%s: %s", flood->interface, strerror(errno));
			refused_cnt += sent < 0;
			sent_cnt += sent > 0 ? (unsigned)sent : 0;
			at += sent > 0 ? (unsigned)sent : 1;
		}
	}
	printf("{\"kind\": \"%s\", \"sent\": %" PRIu64 ", \"refused\": %" PRIu64
	       ", \"seconds\": %.3f}\n",
	       kind_name[flood->kind], sent_cnt, refused_cnt,
	       (double)(vly_tool_now_ns(CLOCK_MONOTONIC) - start_ns) / 1e9);
}

static enum kind
kind_of(const char *name)
{
	for (unsigned kind = 0; kind < KIND_CNT; kind++)
		if (strcmp(name, kind_name[kind]) == 0)
			return (enum kind)kind;
	vly_tool_fail("no such kind of flood: %s", name);
}

int
main(int argc, char **argv)
{
	static struct flood flood = {.random = 0x5353, .kind = KIND_CNT};
	static const struct option options[] = {
		{"interface", required_argument, NULL, 'i'},
		{"server", required_argument, NULL, 'a'},
		{"server-mac", required_argument, NULL, 'm'},
		{"name", required_argument, NULL, 'n'},
		{"kind", required_argument, NULL, 'k'},
		{"seconds", required_argument, NULL, 's'},
		{"rate", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	const char **text[] = {['i'] = &flood.interface,
			       ['a'] = &flood.server,
			       ['m'] = &flood.server_mac,
			       ['n'] = &flood.name};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'k')
			flood.kind = kind_of(optarg);
		else if (option == 's')
			flood.seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'r')
			flood.rate = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == '?')
			return 2;
		else
			*text[option] = optarg;
	}
	if (flood.interface == NULL || flood.server == NULL || flood.server_mac == NULL ||
	    flood.name == NULL || flood.kind == KIND_CNT || flood.seconds == 0)
		vly_tool_fail(
			"needs --interface, --server, --server-mac, --name, --kind and --seconds");
	make_template(&flood);
	open_socket(&flood);
	run(&flood);
	close(flood.fd);
	return 0;
}
