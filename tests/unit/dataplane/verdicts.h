/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One list of frames and the verdict that each must get, in native code and in the XDP program
 * alike. Each case is a good query over IPv4 or IPv6, with 0 to 2 tags, bent by `bend`.
 */
#ifndef VLY_TEST_VERDICTS_H
#define VLY_TEST_VERDICTS_H

#include <volley/policy.h>

#include "frames.h"

struct test_verdict {
	const char *what;
	int version; /* 4, 6; 0: both */
	void (*bend)(struct test_frame *frame);
	enum vly_verdict verdict;
};

#define BEND(name, ...)                                                                            \
	static void bend_##name(struct test_frame *f)                                              \
	{                                                                                          \
		uint8_t *const eth = f->octet, *const ip = eth + f->l3_off,                        \
			       *const udp = eth + f->l4_off, *const dns = eth + f->dns_off;        \
		(void)ip, (void)udp, (void)dns;                                                    \
		__VA_ARGS__;                                                                       \
	}

BEND(nothing, (void)0)
BEND(padding, f->len = (uint16_t)(f->len + 18))
BEND(surplus4, f->len = (uint16_t)(f->len + 8); test_put16(ip + 2, 28 + TEST_DNS_BYTES + 8))
BEND(source_53, test_put16(udp, 53))
BEND(arp, test_put16(ip - 2, 0x0806))
BEND(third_tag, test_put16(ip - 2, 0x8100); memmove(ip + 4, ip, 200); test_put16(ip + 2, 0x800);
     f->len = (uint16_t)(f->len + 4))
BEND(broadcast, memset(eth, 0xff, 6))
BEND(other_mac, eth[5]++)
BEND(other_mac_first, eth[0] = 6)
BEND(tcp4, ip[9] = 6)
BEND(tcp6, ip[6] = 6)
BEND(hop_by_hop, ip[6] = 0)
BEND(fragment6, ip[6] = 44)
BEND(options4, ip[0] = 0x46)
BEND(version4, ip[0] = 0x55)
BEND(version6, ip[0] = 0x50)
BEND(fragment_first, ip[6] = 0x20)
BEND(fragment_last, ip[7] = 0x10)
BEND(dont_fragment, ip[6] = 0x40)
BEND(other_address4, ip[19] = 54)
BEND(other_address6, ip[39] = 0x54)
BEND(to_group4, ip[16] = 224)
BEND(to_broadcast4, memset(ip + 16, 0xff, 4))
BEND(to_group6, ip[24] = 0xff)
BEND(other_port, test_put16(udp + 2, 5353))
BEND(cut_ip, f->len = (uint16_t)(f->l4_off - 1))
BEND(cut_udp, f->len = (uint16_t)(f->dns_off - 1))
BEND(cut_dns, f->len--)
BEND(ip_too_long4, test_put16(ip + 2, 29 + TEST_DNS_BYTES))
BEND(ip_too_long6, test_put16(ip + 4, 9 + TEST_DNS_BYTES))
BEND(ip_too_short4, test_put16(ip + 2, 27 + TEST_DNS_BYTES))
BEND(ip_too_short6, test_put16(ip + 4, 7 + TEST_DNS_BYTES))
BEND(ip_headers_only4, test_put16(ip + 2, 20))
BEND(ip_nothing4, test_put16(ip + 2, 0))
BEND(ip_nothing6, test_put16(ip + 4, 0))
BEND(udp_too_long, test_put16(udp + 4, 9 + TEST_DNS_BYTES))
BEND(udp_too_short, test_put16(udp + 4, 7))
BEND(udp_nothing, test_put16(udp + 4, 0))
BEND(source_port_0, test_put16(udp, 0))
BEND(source_none4, memset(ip + 12, 0, 4))
BEND(source_group4, ip[12] = 239)
BEND(source_broadcast4, memset(ip + 12, 0xff, 4))
BEND(source_none6, memset(ip + 8, 0, 16))
BEND(source_group6, ip[8] = 0xff)
BEND(source_loopback4, ip[12] = 127)
BEND(source_ours4, memcpy(ip + 12, ip + 16, 4))
BEND(source_loopback6, memset(ip + 8, 0, 15); ip[23] = 1)
BEND(source_mapped6, memset(ip + 8, 0, 10); memset(ip + 18, 0xff, 2))
BEND(source_ours6, memcpy(ip + 8, ip + 24, 16))
BEND(short_dns, test_put16(udp + 4, 8 + 11))
BEND(empty_dns, test_put16(udp + 4, 8))
BEND(response, dns[2] |= 0x80)
BEND(notify, dns[2] = 4 << 3)
BEND(update, dns[2] = 5 << 3)
BEND(status, dns[2] = 2 << 3)
BEND(two_questions, dns[5] = 2)
BEND(no_question, dns[5] = 0)
BEND(only_an_option, dns[5] = 0; dns[11] = 1)
BEND(from_chargen, test_put16(udp, 19))

static const struct test_verdict test_verdicts[] = {
	{"a query", 0, bend_nothing, VLY_VERDICT_serve},
	{"Ethernet padding", 0, bend_padding, VLY_VERDICT_serve},
	{"a surplus behind UDP", 4, bend_surplus4, VLY_VERDICT_serve},
	{"source port 53", 0, bend_source_53, VLY_VERDICT_serve},
	{"DF", 4, bend_dont_fragment, VLY_VERDICT_serve},
	{"ARP", 0, bend_arp, VLY_VERDICT_pass},
	{"another tag", 4, bend_third_tag, VLY_VERDICT_CNT}, /* by the number of tags */
	{"broadcast frame", 0, bend_broadcast, VLY_VERDICT_pass},
	{"another MAC address", 0, bend_other_mac, VLY_VERDICT_other_host},
	{"another MAC address from the start", 0, bend_other_mac_first, VLY_VERDICT_other_host},
	{"TCP", 4, bend_tcp4, VLY_VERDICT_pass},
	{"TCP", 6, bend_tcp6, VLY_VERDICT_pass},
	{"hop-by-hop options", 6, bend_hop_by_hop, VLY_VERDICT_pass},
	{"fragment header", 6, bend_fragment6, VLY_VERDICT_pass},
	{"IP options", 4, bend_options4, VLY_VERDICT_pass},
	{"version 5 in IPv4", 4, bend_version4, VLY_VERDICT_pass},
	{"version 5 in IPv6", 6, bend_version6, VLY_VERDICT_pass},
	{"first fragment", 4, bend_fragment_first, VLY_VERDICT_pass},
	{"last fragment", 4, bend_fragment_last, VLY_VERDICT_pass},
	{"another address", 4, bend_other_address4, VLY_VERDICT_pass},
	{"another address", 6, bend_other_address6, VLY_VERDICT_pass},
	{"to a group", 4, bend_to_group4, VLY_VERDICT_pass},
	{"to broadcast", 4, bend_to_broadcast4, VLY_VERDICT_pass},
	{"to a group", 6, bend_to_group6, VLY_VERDICT_pass},
	{"another port", 0, bend_other_port, VLY_VERDICT_pass},
	{"cut in IP", 0, bend_cut_ip, VLY_VERDICT_truncated},
	{"cut in UDP", 0, bend_cut_udp, VLY_VERDICT_truncated},
	{"cut in DNS", 0, bend_cut_dns, VLY_VERDICT_bad_length},
	{"IP longer than the frame", 4, bend_ip_too_long4, VLY_VERDICT_bad_length},
	{"IP longer than the frame", 6, bend_ip_too_long6, VLY_VERDICT_bad_length},
	{"IP shorter than UDP", 4, bend_ip_too_short4, VLY_VERDICT_bad_length},
	{"IP shorter than UDP", 6, bend_ip_too_short6, VLY_VERDICT_bad_length},
	{"IP without room for UDP", 4, bend_ip_headers_only4, VLY_VERDICT_bad_length},
	{"IP shorter than its header", 4, bend_ip_nothing4, VLY_VERDICT_bad_length},
	{"IP of no length", 6, bend_ip_nothing6, VLY_VERDICT_bad_length},
	{"UDP longer than IP", 0, bend_udp_too_long, VLY_VERDICT_bad_length},
	{"UDP shorter than its header", 0, bend_udp_too_short, VLY_VERDICT_bad_length},
	{"UDP of no length", 0, bend_udp_nothing, VLY_VERDICT_bad_length},
	{"source port 0", 0, bend_source_port_0, VLY_VERDICT_bad_source},
	{"from 0.0.0.0", 4, bend_source_none4, VLY_VERDICT_bad_source},
	{"from a group", 4, bend_source_group4, VLY_VERDICT_bad_source},
	{"from broadcast", 4, bend_source_broadcast4, VLY_VERDICT_bad_source},
	{"from ::", 6, bend_source_none6, VLY_VERDICT_bad_source},
	{"from a group", 6, bend_source_group6, VLY_VERDICT_bad_source},
	{"from 127/8", 4, bend_source_loopback4, VLY_VERDICT_bad_source},
	{"from our own address", 4, bend_source_ours4, VLY_VERDICT_bad_source},
	{"from ::1", 6, bend_source_loopback6, VLY_VERDICT_bad_source},
	{"from an IPv4-mapped address", 6, bend_source_mapped6, VLY_VERDICT_bad_source},
	{"from our own address", 6, bend_source_ours6, VLY_VERDICT_bad_source},
	{"11 octets of DNS", 0, bend_short_dns, VLY_VERDICT_dns_short},
	{"no DNS", 0, bend_empty_dns, VLY_VERDICT_dns_short},
	{"a response", 0, bend_response, VLY_VERDICT_dns_response},
	/* rules may have something to say about these */
	{"NOTIFY", 0, bend_notify, VLY_VERDICT_serve},
	{"UPDATE", 0, bend_update, VLY_VERDICT_serve},
	{"STATUS", 0, bend_status, VLY_VERDICT_serve},
	{"two questions", 0, bend_two_questions, VLY_VERDICT_serve},
	{"no question", 0, bend_no_question, VLY_VERDICT_serve},
	{"no question, but an option", 0, bend_only_an_option, VLY_VERDICT_serve},
	{"from chargen", 0, bend_from_chargen, VLY_VERDICT_serve},
};

/* Calls check() with each case's frame, over each IP version it is for, with 0, 1 and 2 tags. */
static inline void
test_verdicts_each(void (*check)(const struct test_frame *frame, enum vly_verdict verdict,
				 const char *what))
{
	for (unsigned i = 0; i < sizeof(test_verdicts) / sizeof(test_verdicts[0]); i++) {
		const struct test_verdict *test = &test_verdicts[i];
		for (int n = 0; n < 6; n++) {
			int version = n % 2 == 0 ? 4 : 6;
			int tag_cnt = n / 2;
			if (test->version != 0 && test->version != version)
				continue;
			struct test_frame frame = test_frame_query(version, tag_cnt);
			enum vly_verdict verdict = test->verdict;
			if (verdict == VLY_VERDICT_CNT)
				verdict = tag_cnt < 2 ? VLY_VERDICT_serve : VLY_VERDICT_pass;
			test->bend(&frame);
			check(&frame, verdict, test->what);
		}
	}
}

#endif
