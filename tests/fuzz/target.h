/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libFuzzer calls in each target, and how a target says that it has found something. */
#ifndef VLY_FUZZ_TARGET_H
#define VLY_FUZZ_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Only where a target has it: called once. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* One input (untrusted). Returns 0, or -1 if it is not worth keeping. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Only where a target has it: changes an input in a way of its own. Returns its new size. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t bytes_max, unsigned seed);

/* libFuzzer's own way. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t bytes_max);

static inline void
require(bool holds)
{
	if (!holds)
		abort();
}

#endif
