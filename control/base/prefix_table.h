/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a struct vly_prefix_table (volley/prefix.h) from prefixes and their actions.
 *
 * Use: list the rules in any order, vly_prefix_table_build(). The longest prefix that covers an
 * address decides; VLY_PREFIX_NONE as an action makes a hole in a larger one.
 */
#ifndef VLY_CONTROL_PREFIX_TABLE_H
#define VLY_CONTROL_PREFIX_TABLE_H

#include <stddef.h>

#include <volley/prefix.h>

struct vly_prefix_rule {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d; bits behind the prefix don't matter */
	uint8_t bits;        /* 0..128; of IPv4, 96 more than one says */
	uint8_t action;      /* enum vly_prefix_action */
};

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
