/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream_policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <urcu-qsbr.h>

#include "base/client_frame.h"
#include "guard/defence.h"
#include "guard/judge.h"

int
vly_stream_policy_start(struct vly_stream_policy *policy, struct vly_lcore_counters *counters,
			struct vly_sample_ring *ring, uint64_t tsc_hz)
{
	*policy = (struct vly_stream_policy){.counters = counters};
	vly_clock_start(&policy->clock, tsc_hz);
	vly_sampler_start(&policy->sampler, ring, UINT16_MAX); /* no port */
	policy->state = vly_judge_state_create();
	return policy->state != NULL ? 0 : -ENOMEM;
}

static struct vly_packet
packet_of(const struct vly_stream_source *source)
{
	struct vly_packet packet = {
		.source_port = source->port,
		.ip_version = source->ipv4 ? 4 : 6,
		.source_low =
			source->ipv4 ? vly_be32(source->address) : vly_be64(source->address + 8),
	};

	if (!source->ipv4)
		packet.source_high = vly_be64(source->address);
	return packet;
}

/* Makes a frame of the message, cut to the room of a sample. Returns the octets of the whole
 * frame. */
static uint16_t
make_frame(uint8_t frame[VLY_SAMPLE_FRAME_BYTES], const struct vly_stream_source *source,
	   uint8_t protocol, const uint8_t *message, size_t bytes)
{
	size_t heads = vly_client_frame_head_bytes(source->ipv4);
	size_t room = VLY_SAMPLE_FRAME_BYTES - heads;
	size_t whole = heads + bytes;

	vly_client_frame_write(frame, source->address, source->ipv4, source->port, protocol, bytes);
	memcpy(frame + heads, message, bytes < room ? bytes : room);
	return whole < UINT16_MAX ? (uint16_t)whole : UINT16_MAX;
}

static void
drop(struct vly_stream_policy *policy, enum vly_verdict verdict,
     const struct vly_stream_source *source, uint8_t protocol, const uint8_t *message, size_t bytes)
{
	uint8_t frame[VLY_SAMPLE_FRAME_BYTES];
	uint32_t now = policy->clock.units;

	policy->counters->verdict[verdict]++;
	if (!vly_sampler_wants(&policy->sampler, verdict, 1, now))
		return;
	uint16_t frame_len = make_frame(frame, source, protocol, message, bytes);
	vly_sampler_keep(&policy->sampler, verdict, frame, frame_len, now);
}

/* Applies the policy to a message. The kernel has checked the addresses: it knows all of its
 * own. */
static enum vly_verdict
judge(struct vly_stream_policy *policy, const struct vly_stream_source *source,
      const uint8_t *message, size_t bytes)
{
	struct vly_packet packet = packet_of(source);

	if (packet.source_port == 0) /* no response could be sent there */
		return VLY_VERDICT_bad_source;
	if (bytes < VLY_POLICY_DNS_BYTES)
		return VLY_VERDICT_dns_short;
	enum vly_verdict verdict = vly_policy_classify_message(message, &packet);
	if (verdict != VLY_VERDICT_serve)
		return verdict;
	return vly_policy_admit(&packet, &vly_defence_live()->rules, policy->state,
				policy->clock.units);
}

bool
vly_stream_policy_admits(struct vly_stream_policy *policy, const struct vly_stream_source *source,
			 const uint8_t *message, size_t bytes)
{
	vly_clock_tick(&policy->clock, rte_rdtsc());
	enum vly_verdict verdict = judge(policy, source, message, bytes);
	if (verdict == VLY_VERDICT_pass) /* a request: it has come by the kernel */
		verdict = VLY_VERDICT_serve;
	policy->counters->source_dry_run = policy->state->source_dry_run;
	if (verdict == VLY_VERDICT_serve) {
		policy->counters->verdict[verdict]++;
		return true;
	}
	drop(policy, verdict, source, IPPROTO_UDP, message, bytes);
	return false;
}

bool
vly_stream_policy_denies(struct vly_stream_policy *policy, const struct vly_stream_source *source)
{
	static const uint8_t nothing[1];
	struct vly_packet packet = packet_of(source);

	rcu_thread_online();
	enum vly_prefix_action action =
		vly_policy_find_prefix(&packet, &vly_defence_live()->rules.prefixes);
	rcu_thread_offline();
	if (action != VLY_PREFIX_DENY)
		return false;
	vly_clock_tick(&policy->clock, rte_rdtsc());
	drop(policy, VLY_VERDICT_denied, source, IPPROTO_TCP, nothing, 0);
	return true;
}

void
vly_stream_policy_end(struct vly_stream_policy *policy)
{
	free(policy->state);
	policy->state = NULL;
}
