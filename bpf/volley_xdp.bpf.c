/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP program of af_xdp ports runs policy.h in the driver. Queries for us go to the AF_XDP
 * socket of the queue on which they arrived, dropped frames end here, and all others go to the
 * kernel.
 *
 * DPDK's driver loads and attaches it; dataplane/port/xdp.c configures it, gives it rules and reads
 * its counts (volley/xdp.h). Until it is configured, and without rules, it drops nothing that the
 * kernel could use. It must load on Linux 6.1, so comments name the places where an older verifier
 * needs help. Frames are untrusted; maps are written by root.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <volley/policy.h>
#include <volley/verifier.h>
#include <volley/xdp.h>

/* DPDK's AF_XDP driver looks for a map of this name and puts the sockets in. One entry per queue:
 * the driver takes no more queues than VLY_XDP_QUEUES_MAX (RTE_MAX_QUEUES_PER_PORT). */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, VLY_XDP_QUEUES_MAX);
	__type(key, uint32_t);
	__type(value, uint32_t);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct vly_xdp_config);
} vly_config SEC(".maps");

/* Inner maps have one element each. Sizes instead of types: clang emits no BTF for a type that is
 * only pointed to here. */
struct rules_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(struct vly_policy_rules));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__array(values, struct rules_map);
} vly_rules SEC(".maps");

struct cpu_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(struct vly_xdp_cpu));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, VLY_XDP_CPUS_MAX);
	__type(key, uint32_t);
	__array(values, struct cpu_map);
} vly_cpus SEC(".maps");

/* The only element of an inner map. */
VLY_POLICY_INLINE void *
inner_value(void *outer, uint32_t idx)
{
	uint32_t first = 0;
	void *inner = bpf_map_lookup_elem(outer, &idx);

	return inner != NULL ? bpf_map_lookup_elem(inner, &first) : NULL;
}

/* Bounds are tested in 64 bits, and from below against a number other than 0: older verifiers learn
 * nothing from narrower tests. */
static __attribute__((noinline)) int
keep_sample(struct xdp_md *ctx, struct vly_xdp_cpu *cpu, uint64_t verdict)
{
	struct vly_xdp_sample *sample;
	uint64_t len = bpf_xdp_get_buff_len(ctx);
	uint64_t kept = len < VLY_SAMPLE_FRAME_BYTES ? len : VLY_SAMPLE_FRAME_BYTES;

	/* otherwise the compiler removes tests that the verifier needs */
	VLY_VERIFIER_HIDE(verdict);
	if (cpu == NULL || verdict >= VLY_VERDICT_CNT)
		return 0;
	VLY_VERIFIER_HIDE(kept);
	if (kept < VLY_ETHERNET_BYTES || kept > VLY_SAMPLE_FRAME_BYTES)
		return 0;
	sample = &cpu->sample[cpu->sample_cnt & (VLY_XDP_SAMPLES_MAX - 1)];
	if (bpf_xdp_load_bytes(ctx, 0, sample->frame, kept) != 0)
		return 0;
	sample->weight = cpu->verdict[verdict] - cpu->sampled[verdict];
	sample->cause = verdict;
	sample->frame_len = len;
	sample->kept_len = kept;
	cpu->sampled[verdict] = cpu->verdict[verdict];
	cpu->credit[verdict]--;
	__sync_fetch_and_add(&cpu->sample_cnt, 1); /* last: the reader sees it whole */
	return 0;
}

/* Counts a frame, and samples it while the dataplane gives credit for its verdict. Nobody else
 * writes here: a NAPI poll is not preempted by another on the same CPU. */
VLY_POLICY_INLINE void
count(struct xdp_md *ctx, struct vly_xdp_cpu *cpu, uint64_t verdict)
{
	VLY_VERIFIER_HIDE(verdict);
	if (cpu == NULL || verdict >= VLY_VERDICT_CNT)
		return;
	cpu->verdict[verdict]++;
	if (cpu->credit[verdict] != 0)
		keep_sample(ctx, cpu, verdict);
}

/* The queue has no socket: marks it, so that the dataplane can log a warning. */
VLY_POLICY_INLINE enum vly_verdict
without_lcore(struct xdp_md *ctx, struct vly_xdp_cpu *cpu)
{
	uint64_t queue = ctx->rx_queue_index % VLY_XDP_QUEUES_MAX;

	VLY_VERIFIER_HIDE(queue);
	if (cpu != NULL && queue < VLY_XDP_QUEUES_MAX)
		cpu->no_lcore[queue] = 1;
	return VLY_VERDICT_no_lcore;
}

/* A global function: the verifier looks at it once, and not on every way that leads to it. */
int vly_xdp_is_signed(struct xdp_md *ctx, uint32_t dns_off, uint32_t dns_len);

__attribute__((noinline)) int
vly_xdp_is_signed(struct xdp_md *ctx, uint32_t dns_off, uint32_t dns_len)
{
	return vly_policy_is_signed((const uint8_t *)(long)ctx->data,
				    (const uint8_t *)(long)ctx->data_end, dns_off, dns_len);
}

VLY_POLICY_INLINE enum vly_verdict
admit(struct xdp_md *ctx, const struct vly_packet *packet, const struct vly_policy_rules *rules,
      struct vly_xdp_cpu *cpu, uint32_t now)
{
	enum vly_verdict verdict = vly_policy_admit(packet, rules, &cpu->state, now);

	if (verdict != VLY_VERDICT_serve || !vly_policy_wants_signed(packet, rules) ||
	    !vly_xdp_is_signed(ctx, packet->dns_off, packet->dns_len))
		return verdict;
	return vly_policy_admit_signed(rules, &cpu->state, now);
}

SEC("xdp")
int
volley_xdp(struct xdp_md *ctx)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;
	uint32_t first = 0;
	const struct vly_xdp_config *config = bpf_map_lookup_elem(&vly_config, &first);
	struct vly_packet packet;

	if (config == NULL || config->mode == VLY_XDP_PASS)
		return XDP_PASS;

	struct vly_xdp_cpu *cpu = inner_value(&vly_cpus, bpf_get_smp_processor_id());
	enum vly_verdict verdict =
		vly_policy_classify(data, end, &packet, config->mac, &config->addresses);
	if (verdict == VLY_VERDICT_serve) {
		const struct vly_policy_rules *rules = inner_value(&vly_rules, 0);
		if (rules != NULL && cpu != NULL)
			verdict = admit(ctx, &packet, rules, cpu,
					(uint32_t)bpf_jiffies64() * config->tick_units);
	}
	int action = verdict < VLY_VERDICT_serve ? XDP_PASS : XDP_DROP;
	if (verdict == VLY_VERDICT_serve) {
		/* The last argument is returned if the queue has no socket. */
		action = (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
		if (action == XDP_PASS)
			verdict = without_lcore(ctx, cpu);
	}
	count(ctx, cpu, verdict);
	return action;
}

char LICENSE[] SEC("license") = "GPL";
