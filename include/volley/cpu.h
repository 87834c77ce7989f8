/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the CPU has what the build takes for granted: where it has not, the first of such
 * instructions would end the program without a word.
 *
 * VLY_CPU_FEATURES is NEED("avx2") and so on for all of that, by what -Dcpu= gives (meson.build).
 * For the file with main(), which is itself compiled for any CPU.
 */
#ifndef VLY_CPU_H
#define VLY_CPU_H

#include <stdbool.h>
#include <stdio.h>

/* Returns true, or false with the reason on standard error. Any thread. */
static inline bool
vly_cpu_suits(const char *program)
{
	const char *lacking = NULL;

#define NEED(feature)                                                                              \
	if (!__builtin_cpu_supports(feature))                                                      \
		lacking = feature;
	VLY_CPU_FEATURES
#undef NEED
	if (lacking != NULL)
		fprintf(stderr,
			"%s: error: built for CPUs with %s, which this one lacks: build it on this "
			"machine, or with -Dcpu=x86-64-v2 for any\n",
			program, lacking);
	return lacking == NULL;
}

#endif
