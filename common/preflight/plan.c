/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "common/address_text.h"
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
	if (plan->listen_cnt == VLY_ADDRESSES_MAX ||
	    vly_address_read(text, &plan->listen[plan->listen_cnt]) == 0)
		return false;
	plan->listen_cnt++;
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
