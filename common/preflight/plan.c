/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "common/kernel_option.h"
#include "preflight.h"

bool
vly_preflight_plan_port(struct vly_preflight_plan *plan, const struct vly_port_spec *spec)
{
	if (plan->port_cnt == VLY_PORTS_MAX)
		return false;
	struct vly_preflight_port *port = &plan->port[plan->port_cnt++];
	port->kind = spec->kind;
	memcpy(port->target, spec->target, sizeof(port->target));
	port->queue_cnt = spec->queue_cnt;
	port->to_kernel = vly_kernel_option_is_on(spec);
	return true;
}

bool
vly_preflight_plan_listen(struct vly_preflight_plan *plan, const char *text)
{
	uint8_t octets[16];

	if (plan->listen_cnt == VLY_ADDRESSES_MAX)
		return false;
	if (inet_pton(AF_INET, text, octets) == 1)
		plan->listen[plan->listen_cnt++] = vly_address_from_ipv4(octets);
	else if (inet_pton(AF_INET6, text, octets) == 1)
		plan->listen[plan->listen_cnt++] = vly_address_from_ipv6(octets);
	else
		return false;
	return true;
}

unsigned
vly_preflight_plan_queues(const struct vly_preflight_plan *plan)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < plan->port_cnt; i++)
		cnt += plan->port[i].queue_cnt;
	return cnt;
}
