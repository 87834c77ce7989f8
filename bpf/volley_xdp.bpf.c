/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP program of af_xdp ports: policy.h, run in the driver. Queries for us go to the AF_XDP
 * socket of the queue they came in on, drops end here, the rest goes on to the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <volley/policy.h>
#include <volley/xdp.h>

/* The name is DPDK's: its AF_XDP driver puts the sockets in. As many queues as DPDK can have on a
 * port. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1024);
	__type(key, uint32_t);
	__type(value, uint32_t);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct vly_xdp_config);
} vly_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VLY_ADDRESSES_MAX);
	__type(key, struct vly_address);
	__type(value, uint8_t);
} vly_addresses SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VLY_VERDICT_CNT);
	__type(key, uint32_t);
	__type(value, uint64_t);
} vly_verdicts SEC(".maps");

VLY_POLICY_INLINE bool
is_ours(const void *context, const uint8_t *address, unsigned version)
{
	const struct vly_xdp_config *config = context;
	struct vly_address key = {{0}};

	if (config->mode == VLY_XDP_ANY)
		return true;
	if (version == 4) {
		key.octet[10] = key.octet[11] = 0xff;
		__builtin_memcpy(key.octet + 12, address, 4);
	} else {
		__builtin_memcpy(key.octet, address, 16);
	}
	return bpf_map_lookup_elem(&vly_addresses, &key) != NULL;
}

VLY_POLICY_INLINE void
count(uint32_t verdict)
{
	uint64_t *cnt = bpf_map_lookup_elem(&vly_verdicts, &verdict);

	if (cnt != NULL)
		++*cnt; /* per CPU, and a driver's NAPI poll is not preempted by another */
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

	enum vly_verdict verdict = vly_policy_classify(data, end, &packet, is_ours, config);
	int action = verdict == VLY_VERDICT_pass ? XDP_PASS : XDP_DROP;
	if (verdict == VLY_VERDICT_serve) {
		/* The flags are what is returned when the queue has no socket. */
		action = (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
		if (action == XDP_PASS)
			verdict = VLY_VERDICT_pass;
	}
	count(verdict);
	return action;
}

char LICENSE[] SEC("license") = "GPL";
