/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A query over UDP gets a response with the expected RCODE. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <volley/dns.h>

#include "dns_message.h"
#include "probe_parts.h"

struct dns_probe {
	struct vly_socket_probe socket;
	uint8_t query[VLY_DNS_QUERY_MAX];
	size_t query_bytes;
};

static void
on_event(uv_poll_t *poll, int status, int events)
{
	struct dns_probe *probe = poll->data;
	const struct vly_health_check *check = probe->socket.probe.check;
	const unsigned wanted = (unsigned)VLY_PROBE_NUMBER(check, RCODE);
	struct vly_probe_result result;
	uint8_t message[4096];

	(void)events;
	ssize_t bytes = recv(probe->socket.fd, message, sizeof(message), MSG_DONTWAIT);
	if (bytes < 0 && errno == EAGAIN && status >= 0)
		return;
	if (bytes < 0) {
		vly_probe_say(&result, VLY_PROBE_FAILED, "no response: %s", strerror(errno));
		vly_probe_finish(&probe->socket.probe, &result);
		return;
	}
	int rcode =
		vly_dns_response_rcode(probe->query, probe->query_bytes, message, (size_t)bytes);
	if (rcode < 0)
		return; /* not to our query: go on waiting */
	vly_probe_say(&result, (unsigned)rcode == wanted ? VLY_PROBE_PASSED : VLY_PROBE_FAILED,
		      (unsigned)rcode == wanted ? "RCODE %d" : "RCODE %d, not %u", rcode, wanted);
	vly_probe_finish(&probe->socket.probe, &result);
}

struct vly_probe *
vly_probe_dns(struct vly_prober *prober, const struct vly_health_check *check,
	      struct vly_probe_result *result)
{
	struct dns_probe *probe = calloc(1, sizeof(*probe));
	uint16_t id;

	if (!probe || getrandom(&id, sizeof(id), 0) != sizeof(id)) {
		free(probe);
		return vly_probe_say(result, VLY_PROBE_UNABLE, "out of memory");
	}
	probe->socket.probe = (struct vly_probe){
		.prober = prober,
		.check = check,
		.stage = "for the response",
		.release = vly_probe_close,
	};
	probe->query_bytes = vly_dns_query_write(VLY_PROBE_TEXT(check, QUERY),
						 (uint16_t)VLY_PROBE_NUMBER(check, QUERY_TYPE), id,
						 probe->query);
	if (probe->query_bytes == 0) {
		free(probe);
		return vly_probe_say(result, VLY_PROBE_UNABLE, "the name is too long");
	}
	if (vly_probe_open(&probe->socket, SOCK_DGRAM, 0, (unsigned)VLY_PROBE_NUMBER(check, PORT),
			   UV_READABLE, on_event, result) < 0)
		return NULL;
	if (send(probe->socket.fd, probe->query, probe->query_bytes, MSG_NOSIGNAL) >= 0)
		return &probe->socket.probe;
	const int error = errno;
	vly_probe_close(&probe->socket.probe);
	return vly_probe_say(result, vly_probe_is_ours(error) ? VLY_PROBE_UNABLE : VLY_PROBE_FAILED,
			     "sending failed: %s", strerror(error));
}
