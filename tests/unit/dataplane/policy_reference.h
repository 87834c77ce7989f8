/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The policy once more, slow and plain, for tests: sources are counted exactly, time stands still.
 */
#ifndef VLY_TEST_POLICY_REFERENCE_H
#define VLY_TEST_POLICY_REFERENCE_H

#include <stddef.h>

#include <volley/policy.h>

struct test_deny {
	uint8_t address[16]; /* IPv4: the first four octets */
	int version;
	unsigned bits;
	enum vly_prefix_action action;
};

/* Rules as a person would note them down. */
struct test_policy {
	bool has_lists;
	bool has_rates;
	bool dry_run;
	const uint16_t *reflector_port;
	unsigned reflector_cnt;
	const struct test_deny *prefix;
	unsigned prefix_cnt;
	unsigned packets[VLY_SOURCE_LEVEL_CNT]; /* of a source, at each level */
	unsigned unserved;
};

/* Forgets what was counted. */
void test_reference_reset(void);

enum vly_verdict test_reference(const struct test_policy *policy, const uint8_t *frame, size_t len);

unsigned test_reference_dry_run(void);

#endif
