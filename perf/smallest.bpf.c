/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The least that an XDP program for DNS can do: finds UDP to port 53, and gives it to the queue's
 * AF_XDP socket. What perf/xdp.c measures bpf/volley_xdp.bpf.c by.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <stdint.h>

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1024);
	__type(key, uint32_t);
	__type(value, uint32_t);
} xsks_map SEC(".maps");

#define BE16(value) __builtin_bswap16(value)

static inline __attribute__((always_inline)) uint16_t
load16(const uint8_t *at)
{
	return *(const uint16_t *)at;
}

SEC("xdp")
int
smallest(struct xdp_md *ctx)
{
	const uint8_t *data = (const uint8_t *)(long)ctx->data;
	const uint8_t *end = (const uint8_t *)(long)ctx->data_end;

	if (data + 14 + 20 + 8 > end)
		return XDP_PASS;
	if (load16(data + 12) == BE16(0x0800)) {
		if (data[14 + 9] != 17 || load16(data + 14 + 20 + 2) != BE16(53))
			return XDP_PASS;
	} else if (load16(data + 12) == BE16(0x86dd) && data + 14 + 40 + 8 <= end) {
		if (data[14 + 6] != 17 || load16(data + 14 + 40 + 2) != BE16(53))
			return XDP_PASS;
	} else {
		return XDP_PASS;
	}
	return (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

SEC("xdp")
int
nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
