/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples of packets that were dropped, and of responses over their limit. */
#include <stdlib.h>
#include <string.h>

#include "command_parts.h"
#include "sample_decode.h"

/* The most samples in an answer: the newest ones in a first answer, and after a cursor as many as
 * three rings hold. */
#define FIRST_MAX 100
#define LATER_MAX 1500

struct drop {
	struct vly_sample sample;
	double per_s; /* of its cause, in its ring; 0: not known */
};

struct drops {
	struct drop *drop;
	size_t cnt;
};

/* Appends the drops of a ring from number `from` on. Returns how many samples were written. */
static uint64_t
read_ring(const struct vly_sample_ring *ring, uint64_t from, struct drops *drops)
{
	uint64_t before_ns[VLY_SAMPLE_LIMITED + VLY_RESPONSE_KIND_CNT] = {0};
	uint64_t number;
	uint64_t written = vly_sample_range(ring, &number);

	if (from > written) /* of an earlier life of the dataplane */
		from = 0;
	for (; number < written; number++) {
		struct drop *drop = &drops->drop[drops->cnt];
		struct vly_sample *sample = &drop->sample;
		if (!vly_sample_copy(ring, number, sample) || sample->cause <= VLY_VERDICT_serve ||
		    sample->cause >= sizeof(before_ns) / sizeof(before_ns[0]))
			continue;
		uint64_t since_ns = sample->time_ns - before_ns[sample->cause];
		bool known = before_ns[sample->cause] != 0 && since_ns > 0;
		drop->per_s = known ? sample->weight * 1e9 / (double)since_ns : 0;
		before_ns[sample->cause] = sample->time_ns;
		drops->cnt += number >= from;
	}
	return written;
}

static int
compare_time(const void *a, const void *b)
{
	const struct drop *left = a;
	const struct drop *right = b;

	return (left->sample.time_ns > right->sample.time_ns) -
	       (left->sample.time_ns < right->sample.time_ns);
}

static json_t *
port_name(const struct vly_counters *counters, unsigned port_idx)
{
	/* the inline accessors serve the writer too; nothing is written here */
	struct vly_counters *block = (struct vly_counters *)(uintptr_t)counters;

	if (port_idx >= counters->port_cnt)
		return json_string("");
	const char *name = vly_counters_port(block, port_idx)->name;
	json_t *json =
		json_stringn(name, strnlen(name, sizeof(((struct vly_port_counters *)0)->name)));
	return json ? json : json_string("");
}

static json_t *
drop_json(const struct vly_counters *counters, const struct drop *drop)
{
	const struct vly_sample *sample = &drop->sample;
	char source[VLY_SAMPLE_SOURCE_BYTES];
	struct vly_sample_view view;

	vly_sample_decode(sample, &view);
	json_t *json =
		json_pack("{s:I,s:s,s:o,s:i,s:I}", "time_ns", (json_int_t)sample->time_ns, "reason",
			  view.reason, "port", port_name(counters, sample->port_idx), "bytes",
			  sample->frame_len, "weight", (json_int_t)sample->weight);
	if (drop->per_s > 0)
		json_object_set_new(json, "per_s", json_real(drop->per_s));
	if (view.ip_version)
		json_object_set_new(json, "source", json_string(vly_sample_source(&view, source)));
	if (view.has_port)
		json_object_set_new(json, "source_port", json_integer(view.source_port));
	if (view.has_question) {
		json_object_set_new(json, "qname", json_string(view.name));
		json_object_set_new(json, "qtype", json_string(view.type));
	}
	return json;
}

void
vly_command_drops(const struct vly_commands *commands, struct vly_client *client,
		  struct vly_request *request)
{
	json_t *error;
	const struct vly_counters *counters = vly_command_counters(commands, &error);

	if (!counters) {
		vly_client_send(client, error);
		return;
	}
	struct vly_counters *block = (struct vly_counters *)(uintptr_t)counters;
	uint32_t ring_cnt = counters->ring_cnt;
	struct drops drops = {0};
	bool goes_on = request->cursor && request->cursor_cnt == ring_cnt;
	/* one more: a sample that is not a drop is read into the place after the last */
	drops.drop = malloc(((size_t)ring_cnt * VLY_SAMPLE_RING_CNT + 1) * sizeof(*drops.drop));
	if (!drops.drop) {
		vly_client_send(client, vly_command_error("failed", "out of memory"));
		return;
	}
	json_t *cursor = json_array();
	for (uint32_t i = 0; i < ring_cnt; i++) {
		uint64_t written = read_ring(vly_counters_ring(block, i),
					     goes_on ? request->cursor[i] : 0, &drops);
		json_array_append_new(cursor, json_integer((json_int_t)written));
	}
	qsort(drops.drop, drops.cnt, sizeof(*drops.drop), compare_time);
	size_t max = goes_on ? LATER_MAX : FIRST_MAX;
	size_t first = drops.cnt > max ? drops.cnt - max : 0;
	json_t *array = json_array();
	for (size_t i = first; i < drops.cnt; i++)
		json_array_append_new(array, drop_json(counters, &drops.drop[i]));
	free(drops.drop);
	vly_client_send(client, json_pack("{s:b,s:o,s:I,s:o}", "ok", 1, "cursor", cursor,
					  "left_off", (json_int_t)first, "drops", array));
}
