/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The line of a verifier's log that says what is wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "port/xdp_refusal.h"

static void
expect(const char *log, const char *expected)
{
	char cause[VLY_XDP_REFUSAL_CAUSE_CHARS];

	memset(cause, 'x', sizeof(cause));
	vly_xdp_refusal_cause(log, cause);
	cr_expect_str_eq(cause, expected);
}

Test(xdp_refusal, cause)
{
	expect("", "");
	expect("\n\n", "");
	expect("processed 1 insns (limit 1000000)\n", "");
	expect("one", "one");
	expect("\none\n", "one");
	expect("1341: (0f) r0 += r8\n"
	       "math between map_value pointer and register with unbounded min value is not "
	       "allowed\n"
	       "verification time 95264 usec\n"
	       "stack depth 96+8\n"
	       "processed 874 insns (limit 1000000) max_states_per_insn 2\n",
	       "math between map_value pointer and register with unbounded min value is not "
	       "allowed");
}

Test(xdp_refusal, long_cause_is_cut)
{
	char line[2 * VLY_XDP_REFUSAL_CAUSE_CHARS];
	char cause[VLY_XDP_REFUSAL_CAUSE_CHARS];

	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	vly_xdp_refusal_cause(line, cause);
	cr_expect_eq(strlen(cause), sizeof(cause) - 1);
}
