/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unserved_queues.h"

#include <stdio.h>

#include "common/log.h"
#include "interface.h"

/* Often enough to be seen in the log, and rare enough not to flood it. */
#define QUIET_NS UINT64_C(60000000000)

static void
tell(const struct vly_port_spec *spec, const struct vly_xdp_queues *marked)
{
	struct vly_interface interface;
	char others[48] = "";
	const char *kind = "combined";

	if (vly_interface_query(spec->target, &interface) == 0 && !interface.combined)
		kind = "rx";
	if (marked->cnt > 1)
		snprintf(others, sizeof(others), " and %u more", marked->cnt - 1);
	vly_log_warning(
		"port %s: queries arrive on queue %u%s, which no lcore serves: the kernel and the "
		"stream threads answer them, more slowly; ethtool -L %s %s %u, or queues=%u for "
		"the port and as many combined queues",
		spec->name, marked->first, others, spec->target, kind, spec->queue_cnt,
		marked->last + 1);
}

void
vly_unserved_queues_watch(struct vly_unserved_queues *queues, const struct vly_port_spec *spec,
			  struct vly_xdp_cpus *cpus, struct vly_port_counters *counters,
			  uint64_t now_ns)
{
	bool quiet = queues->told_ns != 0 && now_ns - queues->told_ns < QUIET_NS;

	if (quiet)
		return;
	if (counters->xdp_verdict[VLY_VERDICT_no_lcore] == queues->seen_cnt) {
		counters->unserved_queue_cnt = 0;
		return;
	}
	queues->seen_cnt = counters->xdp_verdict[VLY_VERDICT_no_lcore];
	queues->told_ns = now_ns;
	struct vly_xdp_queues marked = vly_xdp_cpus_take_queues(cpus);
	counters->unserved_queue_cnt = marked.cnt;
	if (marked.cnt > 0)
		tell(spec, &marked);
}
