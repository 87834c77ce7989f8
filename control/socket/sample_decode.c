/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample_decode.h"

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <volley/defence.h>
#include <volley/octets.h>

/* The part of the frame that is not read yet. */
struct rest {
	const uint8_t *at;
	size_t bytes;
};

static const char *const verdict_names[] = {
#define X(name, help) [VLY_VERDICT_##name] = #name,
	VLY_VERDICTS(X)
#undef X
};

static const char *const limited_names[] = {
#define X(name, help) [VLY_RESPONSE_##name] = "limited_" #name,
	VLY_RESPONSE_KINDS(X)
#undef X
};

/* The types that clients ask for. Any other one is shown as TYPE123 (RFC 3597 section 5), so the
 * table need not be complete. It is searched from the start for each sample that is shown, at most
 * a few thousand a second. */
static const struct {
	uint16_t type;
	const char *name;
} types[] = {
	{1, "A"},       {2, "NS"},     {5, "CNAME"},  {6, "SOA"},    {12, "PTR"},
	{13, "HINFO"},  {15, "MX"},    {16, "TXT"},   {28, "AAAA"},  {33, "SRV"},
	{35, "NAPTR"},  {39, "DNAME"}, {43, "DS"},    {46, "RRSIG"}, {47, "NSEC"},
	{48, "DNSKEY"}, {50, "NSEC3"}, {52, "TLSA"},  {64, "SVCB"},  {65, "HTTPS"},
	{99, "SPF"},    {251, "IXFR"}, {252, "AXFR"}, {255, "ANY"},  {257, "CAA"},
};

/* Skips octets. Returns the first of them, or NULL when the rest is shorter. */
static const uint8_t *
take(struct rest *rest, size_t bytes)
{
	const uint8_t *at = rest->at;

	if (rest->bytes < bytes)
		return NULL;
	rest->at += bytes;
	rest->bytes -= bytes;
	return at;
}

static void
decode_cause(unsigned cause, struct vly_sample_view *view)
{
	view->reason = "unknown";
	if (cause < VLY_VERDICT_CNT)
		view->reason = verdict_names[cause];
	else if (cause >= VLY_SAMPLE_LIMITED && cause < VLY_SAMPLE_LIMITED + VLY_RESPONSE_KIND_CNT)
		view->reason = limited_names[cause - VLY_SAMPLE_LIMITED];
	view->is_served = cause == VLY_VERDICT_serve;
	view->is_drop = cause > VLY_VERDICT_serve;
}

/* Returns false when it is cut off, or no name of a question. */
static bool
decode_name(struct rest *rest, char out[VLY_DOMAIN_TEXT_BYTES])
{
	uint8_t wire[VLY_NAME_BYTES_MAX];
	size_t wire_len = 0;

	for (;;) { /* each round takes at least one octet */
		const uint8_t *label = take(rest, 1);
		if (!label || *label > VLY_LABEL_BYTES_MAX ||
		    wire_len + 1 + *label > sizeof(wire) || !take(rest, *label))
			return false;
		memcpy(wire + wire_len, label, 1u + *label);
		wire_len += 1u + *label;
		if (*label == 0)
			break;
	}
	vly_domain_text(wire, out);
	return true;
}

static void
write_type(unsigned type, char out[VLY_SAMPLE_TYPE_BYTES])
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type) {
			snprintf(out, VLY_SAMPLE_TYPE_BYTES, "%s", types[i].name);
			return;
		}
	snprintf(out, VLY_SAMPLE_TYPE_BYTES, "TYPE%u", type & 0xffff);
}

/* Source port and question. */
static void
decode_udp(struct rest *rest, struct vly_sample_view *view)
{
	const uint8_t *udp = take(rest, VLY_UDP_BYTES);

	if (!udp)
		return;
	view->has_port = true;
	view->source_port = vly_be16(udp);
	const uint8_t *dns = take(rest, 12);
	if (!dns || vly_be16(dns + 4) == 0 || !decode_name(rest, view->name)) {
		view->name[0] = '\0';
		return;
	}
	const uint8_t *question = take(rest, 4);
	if (!question) {
		view->name[0] = '\0';
		return;
	}
	view->has_question = true;
	write_type(vly_be16(question), view->type);
}

static void
decode_ipv4(struct rest *rest, struct vly_sample_view *view)
{
	const uint8_t *ip = take(rest, VLY_IPV4_BYTES);

	if (!ip || ip[0] >> 4 != 4)
		return;
	view->ip_version = 4;
	memset(view->source + 10, 0xff, 2);
	memcpy(view->source + 12, ip + 12, 4);
	size_t options = (ip[0] & 15u) > 5 ? ((ip[0] & 15u) - 5) * 4 : 0;
	bool first = (vly_be16(ip + 6) & 0x1fff) == 0; /* of the fragments */
	if (ip[9] == 17 && first && take(rest, options))
		decode_udp(rest, view);
}

static void
decode_ipv6(struct rest *rest, struct vly_sample_view *view)
{
	const uint8_t *ip = take(rest, VLY_IPV6_BYTES);

	if (!ip || ip[0] >> 4 != 6)
		return;
	view->ip_version = 6;
	memcpy(view->source, ip + 8, 16);
	if (ip[6] == 17)
		decode_udp(rest, view);
}

void
vly_sample_decode(const struct vly_sample *sample, struct vly_sample_view *view)
{
	struct rest rest = {sample->frame, sample->kept_len};

	memset(view, 0, sizeof(*view));
	decode_cause(sample->cause, view);
	if (rest.bytes > VLY_SAMPLE_FRAME_BYTES)
		rest.bytes = VLY_SAMPLE_FRAME_BYTES;
	const uint8_t *ethernet = take(&rest, VLY_ETHERNET_BYTES);
	if (!ethernet)
		return;
	unsigned type = vly_be16(ethernet + 12);
	for (int i = 0; i < VLY_VLAN_TAGS_MAX && (type == 0x8100 || type == 0x88a8); i++) {
		const uint8_t *tag = take(&rest, VLY_VLAN_BYTES);
		if (!tag)
			return;
		type = vly_be16(tag + 2);
	}
	if (type == 0x0800)
		decode_ipv4(&rest, view);
	else if (type == 0x86dd)
		decode_ipv6(&rest, view);
}

const char *
vly_sample_source(const struct vly_sample_view *view, char out[VLY_SAMPLE_SOURCE_BYTES])
{
	bool ipv4 = view->ip_version == 4;

	out[0] = '\0';
	if (view->ip_version != 0)
		inet_ntop(ipv4 ? AF_INET : AF_INET6, view->source + (ipv4 ? 12 : 0), out,
			  VLY_SAMPLE_SOURCE_BYTES);
	return out;
}

uint64_t
vly_sample_range(const struct vly_sample_ring *ring, uint64_t *first)
{
	uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE);

	*first = written > VLY_SAMPLE_RING_CNT ? written - VLY_SAMPLE_RING_CNT : 0;
	return written;
}

bool
vly_sample_copy(const struct vly_sample_ring *ring, uint64_t number, struct vly_sample *out)
{
	const struct vly_sample *sample = &ring->sample[number % VLY_SAMPLE_RING_CNT];
	uint64_t before = __atomic_load_n(&sample->seq, __ATOMIC_ACQUIRE);

	memcpy(out, sample, sizeof(*out));
	/* the copy comes before the second look */
	atomic_thread_fence(memory_order_acquire);
	return before == number + 1 && __atomic_load_n(&sample->seq, __ATOMIC_RELAXED) == before;
}
