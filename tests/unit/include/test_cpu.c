/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>

#include <criterion/criterion.h>
#include <criterion/redirect.h>

static bool ask_for_more;

/* Every CPU of 64 bits has the first; the last is one generation's of Xeon Phi alone. */
#define VLY_CPU_FEATURES                                                                           \
	NEED("sse2")                                                                               \
	if (ask_for_more) {                                                                        \
		NEED("avx5124vnniw")                                                               \
	}

#include <volley/cpu.h>

Test(cpu, that_has_all_suits)
{
	cr_redirect_stderr();
	cr_assert(vly_cpu_suits("program"));
	fputs("nothing", stderr);
	fflush(stderr);
	cr_assert_stderr_eq_str("nothing");
}

Test(cpu, that_lacks_something_does_not_suit)
{
	cr_redirect_stderr();
	ask_for_more = true;
	cr_assert_not(vly_cpu_suits("program"));
	fflush(stderr);
	cr_assert_stderr_eq_str("program: error: built for CPUs with avx5124vnniw, which this one "
				"lacks: build it on this machine, or with -Dcpu=x86-64-v2 for "
				"any\n");
}
