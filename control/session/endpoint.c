/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "endpoint.h"

#include <netinet/in.h>
#include <string.h>

struct vly_endpoint
vly_endpoint_make(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
	struct vly_endpoint endpoint = {.family = address->ss_family};

	if (address->ss_family == AF_INET6) {
		memcpy(endpoint.octets, &in6->sin6_addr, 16);
		endpoint.port = in6->sin6_port;
	} else if (address->ss_family == AF_INET) {
		memcpy(endpoint.octets, &in4->sin_addr, 4);
		endpoint.port = in4->sin_port;
	}
	return endpoint;
}
