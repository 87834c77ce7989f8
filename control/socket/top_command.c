/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A second of watching: rates of each lcore, drops by reason, and who asks for what. */
#include <stdlib.h>
#include <string.h>

#include "command_parts.h"
#include "sample_decode.h"
#include "top_count.h"
#include "zone/domain.h"

/* Long enough for rates that keep still, and as long as a person looks at one screen. */
#define WATCH_MS 1000

/* Lines of each list. */
#define LINES_MAX 10

struct watch {
	struct vly_pending pending;
	const struct vly_commands *commands;
	uv_timer_t timer;
	uint64_t start_ns;
	struct vly_counters *before; /* a copy of the block at the start */
};

static struct vly_counters *
copy_counters(const struct vly_counters *counters)
{
	struct vly_counters *copy = aligned_alloc(64, (counters->total_bytes + 63u) & ~63u);

	if (copy)
		memcpy(copy, counters, counters->total_bytes);
	return copy;
}

static json_t *
rate_json(uint64_t after, uint64_t before, double seconds)
{
	return json_real((double)(after - before) / seconds);
}

static uint64_t
limited(const struct vly_lcore_counters *counters)
{
	return counters->limited_answer + counters->limited_referral + counters->limited_nxdomain +
	       counters->limited_error;
}

static json_t *
lcore_json(const struct vly_lcore_counters *now, const struct vly_lcore_counters *before,
	   uint64_t tsc_hz, double seconds)
{
	json_t *json =
		json_pack("{s:i,s:i,s:i,s:i}", "lcore", (int)now->lcore_id, "cpu", (int)now->cpu,
			  "port", (int)now->port_idx, "queue", (int)now->queue_idx);
	double busy =
		tsc_hz ? (double)(now->busy_tsc - before->busy_tsc) / (double)tsc_hz / seconds : 0;

	json_object_set_new(json, "rx_per_s",
			    rate_json(now->rx_packets, before->rx_packets, seconds));
	json_object_set_new(json, "tx_per_s",
			    rate_json(now->tx_packets, before->tx_packets, seconds));
	json_object_set_new(json, "limited_per_s",
			    rate_json(limited(now), limited(before), seconds));
	json_object_set_new(json, "busy", json_real(busy > 1 ? 1 : busy));
	return json;
}

static json_t *
lcores_json(struct vly_counters *now, struct vly_counters *before, double seconds)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < now->lcore_cnt; i++)
		json_array_append_new(array, lcore_json(vly_counters_lcore(now, i),
							vly_counters_lcore(before, i), now->tsc_hz,
							seconds));
	return array;
}

/* Of the policy in the driver and in user space, and of limits. */
static json_t *
drops_json(struct vly_counters *now, struct vly_counters *before, double seconds)
{
	static const char *const names[] = {
#define X(name, help) #name,
		VLY_VERDICTS(X)
#undef X
	};
	uint64_t verdict[VLY_VERDICT_CNT] = {0};
	struct vly_lcore_counters sum = {0};
	json_t *object = json_object();

	for (uint32_t i = 0; i < now->lcore_cnt + now->stream_cnt; i++) {
		bool stream = i >= now->lcore_cnt;
		uint32_t idx = stream ? i - now->lcore_cnt : i;
		const struct vly_lcore_counters *after =
			stream ? &vly_counters_stream(now, idx)->answers
			       : vly_counters_lcore(now, idx);
		const struct vly_lcore_counters *first =
			stream ? &vly_counters_stream(before, idx)->answers
			       : vly_counters_lcore(before, idx);
		for (unsigned j = 0; j < VLY_VERDICT_CNT; j++)
			verdict[j] += after->verdict[j] - first->verdict[j];
#define X(kind, help) sum.limited_##kind += after->limited_##kind - first->limited_##kind;
		VLY_RESPONSE_KINDS(X)
#undef X
		sum.source_dry_run += after->source_dry_run - first->source_dry_run;
	}
	for (uint32_t i = 0; i < now->port_cnt; i++) {
		sum.source_dry_run += vly_counters_port(now, i)->xdp_source_dry_run -
				      vly_counters_port(before, i)->xdp_source_dry_run;
		for (unsigned j = 0; j < VLY_VERDICT_CNT; j++)
			verdict[j] += vly_counters_port(now, i)->xdp_verdict[j] -
				      vly_counters_port(before, i)->xdp_verdict[j];
	}
	for (unsigned i = VLY_VERDICT_serve + 1; i < VLY_VERDICT_CNT; i++)
		json_object_set_new(object, names[i], rate_json(verdict[i], 0, seconds));
#define X(kind, help)                                                                              \
	json_object_set_new(object, "limited_" #kind, rate_json(sum.limited_##kind, 0, seconds));
	VLY_RESPONSE_KINDS(X)
#undef X
	json_object_set_new(object, "source_dry_run", rate_json(sum.source_dry_run, 0, seconds));
	return object;
}

/* The zone that answers for a name, or "" when there is none. */
static const char *
zone_of(const struct vly_served_zones *served, const char *name)
{
	char canonical[VLY_DOMAIN_TEXT_BYTES];
	const char *at = canonical;

	if (vly_domain_canonical(name, canonical) != NULL)
		return "";
	for (;;) {
		const struct vly_served_zone *zone = vly_served_zones_find(served, at);
		if (zone)
			return zone->name;
		if (strcmp(at, ".") == 0)
			return "";
		while (*at != '.')
			at += *at == '\\' && at[1] ? 2 : 1;
		at = at[1] ? at + 1 : ".";
	}
}

struct tops {
	struct vly_top *zones;
	struct vly_top *sources;
	struct vly_top *dropped;
	uint64_t sample_cnt;
};

static void
count_ring(const struct vly_commands *commands, const struct vly_sample_ring *ring, uint64_t from,
	   struct tops *tops)
{
	const struct vly_served_zones *served = vly_reloader_served(commands->reloader);
	char source[VLY_SAMPLE_SOURCE_BYTES];
	struct vly_sample_view view;
	struct vly_sample sample;
	uint64_t number;
	uint64_t written = vly_sample_range(ring, &number);

	for (number = number > from ? number : from; number < written; number++) {
		if (!vly_sample_copy(ring, number, &sample))
			continue;
		vly_sample_decode(&sample, &view);
		tops->sample_cnt++;
		vly_sample_source(&view, source);
		if (view.is_served && view.has_question) {
			const char *zone = zone_of(served, view.name);
			vly_top_add(&tops->zones, *zone ? zone : "(no zone)", sample.weight);
		}
		if (*source && (view.is_served || view.is_drop))
			vly_top_add(view.is_drop ? &tops->dropped : &tops->sources, source,
				    sample.weight);
	}
}

static json_t *
watch_json(const struct watch *watch, struct vly_counters *now)
{
	double seconds = (double)(uv_hrtime() - watch->start_ns) / 1e9;
	struct vly_counters *copy = copy_counters(now);
	struct tops tops = {0};

	if (!copy)
		return vly_command_error("failed", "out of memory");
	for (uint32_t i = 0; i < now->ring_cnt; i++)
		count_ring(watch->commands, vly_counters_ring(now, i),
			   vly_counters_ring(watch->before, i)->written, &tops);
	json_t *answer = json_pack(
		"{s:b,s:f,s:I,s:I,s:I,s:o,s:o}", "ok", 1, "seconds", seconds, "generation",
		(json_int_t)copy->generation, "zone_cnt", (json_int_t)copy->zone_cnt, "samples",
		(json_int_t)tops.sample_cnt, "lcores", lcores_json(copy, watch->before, seconds),
		"drops", drops_json(copy, watch->before, seconds));
	json_object_set_new(answer, "zones", vly_top_json(&tops.zones, "zone", LINES_MAX, seconds));
	json_object_set_new(answer, "sources",
			    vly_top_json(&tops.sources, "source", LINES_MAX, seconds));
	json_object_set_new(answer, "dropped_sources",
			    vly_top_json(&tops.dropped, "source", LINES_MAX, seconds));
	free(copy);
	return answer;
}

static void
on_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	free(watch->before);
	free(watch);
}

static void
on_watched(uv_timer_t *timer)
{
	struct watch *watch = timer->data;
	json_t *answer;
	const struct vly_counters *counters = vly_command_counters(watch->commands, &answer);

	if (counters && counters->start_unix_ns != watch->before->start_unix_ns)
		answer = vly_command_error("failed", "the dataplane was restarted in the meantime");
	else if (counters)
		answer = watch_json(watch, (struct vly_counters *)(uintptr_t)counters);
	vly_pending_end(&watch->pending, answer);
	uv_close((uv_handle_t *)timer, on_closed);
}

static const char *
cancel_watch(struct vly_pending *pending)
{
	struct watch *watch = (struct watch *)pending; /* its first member */

	uv_close((uv_handle_t *)&watch->timer, on_closed);
	return "volley-control is stopping";
}

void
vly_command_top(const struct vly_commands *commands, struct vly_client *client,
		struct vly_request *request)
{
	json_t *error;
	const struct vly_counters *counters = vly_command_counters(commands, &error);
	struct watch *watch = counters ? calloc(1, sizeof(*watch)) : NULL;

	(void)request;
	if (watch)
		watch->before = copy_counters(counters);
	if (!watch || !watch->before) {
		free(watch);
		vly_client_send(client,
				counters ? vly_command_error("failed", "out of memory") : error);
		return;
	}
	watch->pending = (struct vly_pending){cancel_watch, .is_slow = true};
	if (!vly_pending_begin(&watch->pending, client)) {
		free(watch->before);
		free(watch);
		return;
	}
	watch->commands = commands;
	watch->start_ns = uv_hrtime();
	uv_timer_init(commands->loop, &watch->timer);
	watch->timer.data = watch;
	uv_timer_start(&watch->timer, on_watched, WATCH_MS, 0);
}
