/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One list of packets under several sets of rules, and the verdict that each must get: from native
 * code, and from the XDP program. Verdicts come from a policy of the tests' own, which looks at one
 * octet after the other and counts sources exactly.
 *
 * Time must stand still while a set is gone through: a source may then send TEST_SOURCE_PACKETS,
 * and so on.
 *
 * Use: for each set, test_rules_make(), and a fresh state; then test_packet() of each index, in
 * order.
 */
#ifndef VLY_TEST_PACKET_LIST_H
#define VLY_TEST_PACKET_LIST_H

#include <volley/policy.h>

#include "frames.h"

enum test_rule_set {
	TEST_RULES_NONE,  /* all zeros */
	TEST_RULES_LISTS, /* reflector ports, denied and allowed prefixes */
	TEST_RULES_RATES, /* source rates, and that of unserved messages */
	TEST_RULES_ALL,
	TEST_RULES_DRY_RUN, /* all, with VLY_LIMIT_DRY_RUN */
	TEST_RULES_CNT
};

#define TEST_SOURCE_PACKETS   3 /* of an address */
#define TEST_NETWORK_PACKETS  8
#define TEST_UNSERVED_PACKETS 5

/* Packets in the list of a set; those made by hand come first. */
#define TEST_PACKETS 3000

/* `rules` are the caller's to free(). */
struct vly_policy_rules *test_rules_make(enum test_rule_set set);

struct test_packet {
	struct test_frame frame;
	enum vly_verdict verdict;
	char what[80];
};

/* The idx-th packet of a set, 0..TEST_PACKETS - 1. Verdicts depend on those before, so ask for all
 * in order; index 0 starts anew. */
struct test_packet test_packet(enum test_rule_set set, unsigned idx);

/* Packets that the source rate of TEST_RULES_DRY_RUN would have dropped so far. */
unsigned test_packets_dry_run(void);

#endif
