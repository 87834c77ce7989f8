/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a struct vly_prefix_table (volley/prefix.h) from prefixes and their actions.
 *
 * Use: list the rules in any order, vly_prefix_table_build(). The longest prefix that covers an
 * address decides; VLY_PREFIX_NONE as an action makes a hole in a larger one.
 */
#ifndef VLY_CONTROL_PREFIX_TABLE_H
#define VLY_CONTROL_PREFIX_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/prefix.h>

struct vly_prefix_rule {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d; bits behind the prefix don't matter */
	uint8_t bits;        /* 0..128; of IPv4, 96 more than one says */
	uint8_t action;      /* enum vly_prefix_action */
};

/* Whether it is a prefix of IPv4 addresses. */
__attribute__((nonnull, pure)) bool vly_prefix_rule_is_ipv4(const struct vly_prefix_rule *rule);

/* Clears the bits behind the prefix. Returns whether one was set. */
__attribute__((nonnull)) bool vly_prefix_rule_clear_host_bits(struct vly_prefix_rule *rule);

/* By address, then length: <0, 0, >0. Actions don't matter. */
__attribute__((nonnull, pure)) int vly_prefix_compare(const struct vly_prefix_rule *a,
						      const struct vly_prefix_rule *b);

/*
 * Fills all of *table from `rule_cnt` rules, which it sorts. Returns 0, or
 * -EINVAL: a length above 128, or no action of that number;
 * -EEXIST: the same prefix twice, with different actions;
 * -E2BIG: more than VLY_PREFIX_RANGES_MAX ranges in a family.
 * After an error the table is not to be used.
 */
__attribute__((nonnull(1), warn_unused_result)) int
vly_prefix_table_build(struct vly_prefix_table *table, struct vly_prefix_rule *rules,
		       size_t rule_cnt);

#endif
