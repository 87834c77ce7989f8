/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An echo request is answered. The kernel's ping sockets need no right, if the group of this process is in
 * net.ipv4.ping_group_range; otherwise a raw socket needs CAP_NET_RAW.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe_parts.h"

/* Header of an echo, and octets that only we know. */
#define SECRET_BYTES 16
#define ECHO_BYTES   (8 + SECRET_BYTES)

struct icmp_probe {
	struct vly_socket_probe socket;
	bool is_ipv6;
	bool is_raw;
	uint8_t echo[ECHO_BYTES];
};

/* Whether the packet answers our request. A ping socket changes the identifier, so the secret decides. */
static bool
is_reply(const struct icmp_probe *probe, const uint8_t *packet, size_t bytes)
{
	if (probe->is_raw && !probe->is_ipv6) { /* with the IP header */
		const size_t header = bytes > 0 ? (size_t)(packet[0] & 15) * 4 : 0;
		if (header < sizeof(struct iphdr) || bytes < header)
			return false;
		packet += header;
		bytes -= header;
	}
	return bytes >= ECHO_BYTES &&
	       packet[0] == (probe->is_ipv6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) &&
	       memcmp(packet + 8, probe->echo + 8, SECRET_BYTES) == 0;
}

/* Packets that are looked at before the loop turns to others. */
#define PACKETS_AT_ONCE 16

static void
on_event(uv_poll_t *poll, int status, int events)
{
	struct icmp_probe *probe = poll->data;
	struct vly_probe_result result;
	uint8_t packet[512];

	(void)events;
	for (unsigned i = 0; i < PACKETS_AT_ONCE; i++) {
		ssize_t bytes = recv(probe->socket.fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (bytes < 0 && errno == EAGAIN && status >= 0)
			return;
		if (bytes >= 0 && !is_reply(probe, packet, (size_t)bytes))
			continue;
		vly_probe_say(&result, bytes >= 0 ? VLY_PROBE_PASSED : VLY_PROBE_FAILED, "%s",
			      bytes >= 0 ? "reply" : strerror(errno));
		vly_probe_finish(&probe->socket.probe, &result);
		return;
	}
}

/* RFC 1071; the kernel does it for IPv6 and for ping sockets. */
static uint16_t
checksum(const uint8_t *octets, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)octets[i] << 8 | octets[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static bool
write_echo(struct icmp_probe *probe)
{
	uint8_t *echo = probe->echo;

	if (getrandom(echo + 4, ECHO_BYTES - 4, 0) != ECHO_BYTES - 4)
		return false;
	echo[0] = probe->is_ipv6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
	const uint16_t sum = checksum(echo, ECHO_BYTES);
	echo[2] = (uint8_t)(sum >> 8);
	echo[3] = (uint8_t)sum;
	return true;
}

static bool
can_open(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return errno != EPERM && errno != EACCES && errno != EPROTONOSUPPORT;
	close(fd);
	return true;
}

struct vly_probe *
vly_probe_icmp(struct vly_prober *prober, const struct vly_health_check *check,
	       struct vly_probe_result *result)
{
	struct icmp_probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	probe->is_ipv6 = strchr(VLY_PROBE_TEXT(check, ADDRESS), ':') != NULL;
	const int family = probe->is_ipv6 ? AF_INET6 : AF_INET;
	const int protocol = probe->is_ipv6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP;
	probe->is_raw = !can_open(family, SOCK_DGRAM, protocol);
	if ((probe->is_raw && !can_open(family, SOCK_RAW, protocol)) || !write_echo(probe)) {
		free(probe);
		return vly_probe_say(
			result, VLY_PROBE_UNABLE,
			"echo requests are not allowed: volley-health needs CAP_NET_RAW, "
			"or its group in net.ipv4.ping_group_range");
	}
	probe->socket.probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "for the reply",
		.release = vly_probe_close,
	};
	if (vly_probe_open(&probe->socket, probe->is_raw ? SOCK_RAW : SOCK_DGRAM, protocol, 0,
			   UV_READABLE, on_event, result) < 0)
		return NULL;
	if (send(probe->socket.fd, probe->echo, ECHO_BYTES, MSG_NOSIGNAL) >= 0)
		return &probe->socket.probe;
	const int error = errno;
	vly_probe_close(&probe->socket.probe);
	return vly_probe_say(result, vly_probe_is_ours(error) ? VLY_PROBE_UNABLE : VLY_PROBE_FAILED,
			     "sending failed: %s", strerror(error));
}
