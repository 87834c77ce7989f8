/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "policy_reference.h"

#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 16384

static struct source {
	uint8_t address[16];
	int version;
	unsigned level;
	unsigned cnt;
} source[SOURCES_MAX];
static unsigned source_cnt;
static unsigned unserved_cnt;
static unsigned dry_run_cnt;

static const unsigned level_bits[2][VLY_SOURCE_LEVEL_CNT] = {VLY_SOURCE_BITS4, VLY_SOURCE_BITS6};

void
test_reference_reset(void)
{
	source_cnt = 0;
	unserved_cnt = 0;
	dry_run_cnt = 0;
}

unsigned
test_reference_dry_run(void)
{
	return dry_run_cnt;
}

static unsigned
number(const uint8_t *octet)
{
	return octet[0] * 256u + octet[1];
}

static bool
all_are(const uint8_t *octet, size_t cnt, uint8_t value)
{
	for (size_t i = 0; i < cnt; i++)
		if (octet[i] != value)
			return false;
	return true;
}

static const uint8_t ours4[] = {192, 0, 2, 53};
static const uint8_t ours6[] = {0x20, 1, 0xd, 0xb8, [15] = 0x53};
static const uint8_t our_mac[] = {2, 0, 0, 0, 0, 0x53};

static bool
is_another_host(const uint8_t *address, int version)
{
	if (version == 6)
		return !all_are(address, 8, 0) && address[0] != 0xff &&
		       memcmp(address, ours6, sizeof(ours6)) != 0;
	if (address[0] == 127 || memcmp(address, ours4, sizeof(ours4)) == 0)
		return false;
	return !all_are(address, 4, 0) && !all_are(address, 4, 0xff) &&
	       (address[0] < 224 || address[0] > 239);
}

static bool
same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	for (unsigned i = 0; i < bits; i++)
		if (((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8) != 0)
			return false;
	return true;
}

static enum vly_prefix_action
find_action(const struct test_policy *policy, const uint8_t *address, int version)
{
	enum vly_prefix_action action = VLY_PREFIX_NONE;
	int longest = -1;

	for (unsigned i = 0; i < policy->prefix_cnt; i++) {
		const struct test_deny *deny = &policy->prefix[i];
		if (deny->version == version && (int)deny->bits > longest &&
		    same_bits(deny->address, address, deny->bits)) {
			longest = (int)deny->bits;
			action = deny->action;
		}
	}
	return action;
}

static struct source *
find_source(const uint8_t *address, int version, unsigned level)
{
	unsigned bits = level_bits[version == 6][level];

	for (unsigned i = 0; i < source_cnt; i++)
		if (source[i].version == version && source[i].level == level &&
		    same_bits(source[i].address, address, bits))
			return &source[i];
	if (source_cnt == SOURCES_MAX)
		abort();
	struct source *made = &source[source_cnt++];
	*made = (struct source){.version = version, .level = level};
	memcpy(made->address, address, version == 4 ? 4 : 16);
	return made;
}

static bool
source_may(const struct test_policy *policy, const uint8_t *address, int version)
{
	struct source *found[VLY_SOURCE_LEVEL_CNT];
	bool may = true;

	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++) {
		found[i] = find_source(address, version, i);
		may &= found[i]->cnt < policy->packets[i];
	}
	for (unsigned i = 0; i < VLY_SOURCE_LEVEL_CNT; i++)
		found[i]->cnt += may;
	return may;
}

static bool
is_unserved(const uint8_t *dns)
{
	if (dns[2] / 8 % 16 != 0)
		return true;
	if (number(dns + 4) == 0)
		return number(dns + 10) == 0;
	return number(dns + 4) != 1;
}

static enum vly_verdict
by_rules(const struct test_policy *policy, const uint8_t *address, int version, const uint8_t *udp)
{
	for (unsigned i = 0; policy->has_lists && i < policy->reflector_cnt; i++)
		if (policy->reflector_port[i] == number(udp))
			return VLY_VERDICT_reflector;
	if (policy->has_lists) {
		enum vly_prefix_action action = find_action(policy, address, version);
		if (action == VLY_PREFIX_DENY)
			return VLY_VERDICT_denied;
		if (action == VLY_PREFIX_ALLOW)
			return VLY_VERDICT_serve;
	}
	if (!policy->has_rates)
		return VLY_VERDICT_serve;
	if (is_unserved(udp + 8)) {
		if (unserved_cnt == policy->unserved)
			return VLY_VERDICT_unserved;
		unserved_cnt++;
	}
	if (source_may(policy, address, version))
		return VLY_VERDICT_serve;
	dry_run_cnt += policy->dry_run;
	return policy->dry_run ? VLY_VERDICT_serve : VLY_VERDICT_source_rate;
}

static enum vly_verdict
by_udp(const struct test_policy *policy, const uint8_t *address, int version, const uint8_t *udp,
       size_t len, long ip_payload)
{
	if (len < 8)
		return VLY_VERDICT_truncated;
	if (number(udp + 2) != 53)
		return VLY_VERDICT_pass;
	long udp_len = number(udp + 4);
	if (ip_payload > (long)len || udp_len > ip_payload || udp_len < 8)
		return VLY_VERDICT_bad_length;
	if (!is_another_host(address, version) || number(udp) == 0)
		return VLY_VERDICT_bad_source;
	if (udp_len < 20)
		return VLY_VERDICT_dns_short;
	if (udp[10] >= 128)
		return VLY_VERDICT_dns_response;
	return by_rules(policy, address, version, udp);
}

static enum vly_verdict
by_ip(const struct test_policy *policy, unsigned type, const uint8_t *ip, size_t len)
{
	if (type == 0x0800) {
		if (len < 20)
			return VLY_VERDICT_truncated;
		if (ip[0] != 0x45 || ip[9] != 17 || (ip[6] & 0x3f) != 0 || ip[7] != 0 ||
		    memcmp(ip + 16, ours4, sizeof(ours4)) != 0)
			return VLY_VERDICT_pass;
		return by_udp(policy, ip + 12, 4, ip + 20, len - 20, (long)number(ip + 2) - 20);
	}
	if (type != 0x86dd)
		return VLY_VERDICT_pass;
	if (len < 40)
		return VLY_VERDICT_truncated;
	if (ip[0] / 16 != 6 || ip[6] != 17 || memcmp(ip + 24, ours6, sizeof(ours6)) != 0)
		return VLY_VERDICT_pass;
	return by_udp(policy, ip + 8, 6, ip + 40, len - 40, (long)number(ip + 4));
}

enum vly_verdict
test_reference(const struct test_policy *policy, const uint8_t *frame, size_t len)
{
	size_t at = 14;

	if (len < at)
		return VLY_VERDICT_truncated;
	if (frame[0] % 2 == 1)
		return VLY_VERDICT_pass;
	if (memcmp(frame, our_mac, sizeof(our_mac)) != 0)
		return VLY_VERDICT_other_host;
	for (int tag = 0; tag < 2; tag++) {
		unsigned type = number(frame + at - 2);
		if (type != 0x8100 && type != 0x88a8)
			break;
		if (len < at + 4)
			return VLY_VERDICT_truncated;
		at += 4;
	}
	return by_ip(policy, number(frame + at - 2), frame + at, len - at);
}
