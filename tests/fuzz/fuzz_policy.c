/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames that a port may receive, under rules with lists and rates. One by one and in a burst they
 * get the same verdicts, and nothing outside the frame is read. The first octet chooses the source
 * mode and whether the port has a MAC address, the second cuts the rest into frames of so many
 * octets. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/packet_sum.h"
#include "base/prefix_table.h"
#include "guard/judge.h"
#include "port/exception_class.h"
#include "target.h"

static struct vly_policy_rules *rules;
static struct vly_policy_state *one_by_one;
static struct vly_policy_state *in_bursts;
static struct vly_addresses addresses;

static void
make_rules(void)
{
	struct vly_prefix_rule prefix[] = {
		{.address = {[10] = 0xff, 0xff, 10, 1}, .bits = 112, .action = VLY_PREFIX_DENY},
		{.address = {[10] = 0xff, 0xff, 10, 1, 2}, .bits = 120, .action = VLY_PREFIX_ALLOW},
		{.address = {0x20, 1, 0xd, 0xb8, 1}, .bits = 40, .action = VLY_PREFIX_DENY},
	};
	struct vly_rate rate[VLY_SOURCE_LEVEL_CNT];

	rules = calloc(1, sizeof(*rules));
	one_by_one = vly_judge_state_create();
	in_bursts = vly_judge_state_create();
	if (rules == NULL || one_by_one == NULL || in_bursts == NULL ||
	    vly_prefix_table_build(&rules->prefixes, prefix, 3) != 0 ||
	    vly_addresses_add(&addresses, "192.0.2.53") != VLY_ADDRESSES_OK ||
	    vly_addresses_add(&addresses, "2001:db8::53") != VLY_ADDRESSES_OK)
		abort();
	vly_policy_add_reflector(rules, 19);
	rules->unserved = vly_rate_make(100, 20);
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		rate[i] = vly_rate_make(100 << i, 100);
	rules->source = vly_sketch_rates(rate);
}

/* What is right where no sender is local, is right where one may be. */
static void
check_sums(const uint8_t *data, size_t bytes, const struct vly_packet *packet)
{
	uint8_t *frame = calloc(1, bytes + VLY_PACKET_SUM_BYTES);
	bool ipv4 = packet->ip_version == 4;

	if (frame == NULL)
		abort();
	memcpy(frame, data, bytes);
	const uint8_t *dns = frame + packet->dns_off;
	uint64_t sum;
	if (vly_packet_is_intact(dns, packet->dns_len, ipv4, false, &sum) &&
	    !vly_packet_is_intact(dns, packet->dns_len, ipv4, true, &sum))
		abort();
	free(frame);
}

/* In a block of its own, whose end the sanitizer watches. */
static enum vly_verdict
classify(const uint8_t *data, size_t bytes, uint64_t mac, struct vly_packet *packet)
{
	uint8_t *frame = malloc(bytes > 0 ? bytes : 1);

	if (frame == NULL)
		abort();
	memcpy(frame, data, bytes);
	enum vly_verdict verdict =
		vly_policy_classify(frame, frame + bytes, packet, mac, &addresses);
	if (verdict == VLY_VERDICT_serve &&
	    (packet->dns_len < 12 || packet->dns_off + (size_t)packet->dns_len > bytes ||
	     packet->source_port == 0))
		abort();
	if (verdict == VLY_VERDICT_serve)
		check_sums(data, bytes, packet);
	if (vly_exception_classify(frame, (unsigned)bytes) >= VLY_EXCEPTION_CLASS_CNT)
		abort();
	free(frame);
	return verdict;
}

static void
judge(const struct vly_packet *packet, unsigned cnt, uint32_t now)
{
	uint8_t verdict[VLY_JUDGE_MAX];

	vly_judge(rules, in_bursts, now, packet, cnt, verdict);
	for (unsigned i = 0; i < cnt; i++)
		if (vly_policy_admit(&packet[i], rules, one_by_one, now) != verdict[i] ||
		    verdict[i] >= VLY_VERDICT_CNT)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const uint8_t mac[8] = {2, 0, 0, 0, 0, 0x53};
	static uint32_t now;
	struct vly_packet packet[VLY_JUDGE_MAX];
	unsigned cnt = 0;

	if (rules == NULL)
		make_rules();
	if (bytes < 2)
		return 0;
	size_t step = data[1] > 0 ? data[1] : bytes;
	rules->source_mode = data[0] % 3;
	for (size_t at = 2; at < bytes && cnt < VLY_JUDGE_MAX; at += step) {
		size_t len = bytes - at < step ? bytes - at : step;
		cnt += classify(data + at, len, data[0] & 0x80 ? vly_policy_mac(mac) : 0,
				&packet[cnt]) == VLY_VERDICT_serve;
	}
	judge(packet, cnt, now);
	now += VLY_RATE_UNITS_PER_S / 1000;
	return 0;
}
