/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "commands.h"

/* JSON has signed 64-bit integers; no counter gets there. */
static void
set_number(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name, json_integer((json_int_t)value));
}

static json_t *
counters_json(const struct vly_lcore_counters *lcore)
{
	json_t *object = json_object();

#define X(name, help) set_number(object, #name, lcore->name);
	VLY_LCORE_COUNTERS(X)
#undef X
	return object;
}

static json_t *
verdicts_json(const uint64_t verdict[VLY_VERDICT_CNT])
{
	json_t *object = json_object();

#define X(name, help) set_number(object, #name, verdict[VLY_VERDICT_##name]);
	VLY_VERDICTS(X)
#undef X
	return object;
}

static json_t *
lcore_json(const struct vly_lcore_counters *lcore)
{
	json_t *object = json_object();

	set_number(object, "lcore", lcore->lcore_id);
	set_number(object, "port", lcore->port_idx);
	set_number(object, "queue", lcore->queue_idx);
	set_number(object, "cpu", lcore->cpu);
	json_object_set_new(object, "counters", counters_json(lcore));
	json_object_set_new(object, "verdicts", verdicts_json(lcore->verdict));
	return object;
}

/* The port's interface to the kernel. */
static json_t *
kernel_json(const struct vly_port_counters *port)
{
	json_t *object = json_object();

	json_object_set_new(
		object, "interface",
		json_stringn(port->kernel, strnlen(port->kernel, sizeof(port->kernel))));
	set_number(object, "to_kernel", port->to_kernel);
	set_number(object, "from_kernel", port->from_kernel);
	set_number(object, "kernel_lost", port->kernel_lost);
	return object;
}

static json_t *
port_json(const struct vly_port_counters *port)
{
	json_t *object = json_object();

	json_object_set_new(object, "name",
			    json_stringn(port->name, strnlen(port->name, sizeof(port->name))));
	json_object_set_new(object, "xdp", json_boolean(port->xdp_attached));
	set_number(object, "rx_missed", port->rx_missed);
	set_number(object, "xdp_source_dry_run", port->xdp_source_dry_run);
	json_object_set_new(object, "xdp_verdicts", verdicts_json(port->xdp_verdict));
	if (port->kernel[0] != '\0')
		json_object_set_new(object, "kernel", kernel_json(port));
	return object;
}

static json_t *
stream_json(const struct vly_stream_counters *stream)
{
	json_t *object = json_object();
	json_t *connections = json_object();

#define X(name, help) set_number(connections, #name, stream->name);
	VLY_STREAM_COUNTERS(X)
#undef X
	set_number(object, "open", stream->open);
	json_object_set_new(object, "connections", connections);
	json_object_set_new(object, "counters", counters_json(&stream->answers));
	json_object_set_new(object, "verdicts", verdicts_json(stream->answers.verdict));
	return object;
}

static void
add_lcore(struct vly_lcore_counters *total, const struct vly_lcore_counters *lcore)
{
#define X(name, help) total->name += lcore->name;
	VLY_LCORE_COUNTERS(X)
#undef X
	for (unsigned i = 0; i < VLY_VERDICT_CNT; i++)
		total->verdict[i] += lcore->verdict[i];
}

json_t *
vly_stats_json(const struct vly_counters *counters)
{
	/* the inline accessors serve the writer too; nothing is written here */
	struct vly_counters *block = (struct vly_counters *)(uintptr_t)counters;
	struct vly_lcore_counters total = {0};
	/* before the ports: counters only grow meanwhile */
	uint64_t ports_read_ns = counters->ports_read_ns;
	json_t *lcores = json_array();
	json_t *ports = json_array();
	json_t *streams = json_array();

	for (uint32_t i = 0; i < counters->lcore_cnt; i++) {
		/* read once, so that the totals are the sums of the numbers in the answer */
		struct vly_lcore_counters lcore = *vly_counters_lcore(block, i);
		add_lcore(&total, &lcore);
		json_array_append_new(lcores, lcore_json(&lcore));
	}
	for (uint32_t i = 0; i < counters->port_cnt; i++)
		json_array_append_new(ports, port_json(vly_counters_port(block, i)));
	for (uint32_t i = 0; i < counters->stream_cnt; i++)
		json_array_append_new(streams, stream_json(vly_counters_stream(block, i)));
	return json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o,s:o}", "ok", 1, "generation",
			 (json_int_t)counters->generation, "zone_cnt",
			 (json_int_t)counters->zone_cnt, "start_unix_ns",
			 (json_int_t)counters->start_unix_ns, "tsc_hz",
			 (json_int_t)counters->tsc_hz, "ports_read_ns", (json_int_t)ports_read_ns,
			 "totals", counters_json(&total), "verdicts", verdicts_json(total.verdict),
			 "lcores", lcores, "ports", ports, "streams", streams);
}
