/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads decimal numbers, of digits only: no sign, no space, no other base. The text is not
 * trusted. No state; any thread.
 */
#ifndef VLY_COMMON_NUMBER_H
#define VLY_COMMON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the digits that `text` (of `len` octets) begins with. Returns the octet behind them; NULL
 * when there is no digit, or when the number is not in [min, max]. *value is written on success
 * only. */
__attribute__((nonnull, warn_unused_result)) const char *
vly_number_read(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *value);

/* Whether all `len` octets of `text` are a number in [min, max], which then is in *value. */
__attribute__((nonnull, warn_unused_result)) bool
vly_number_is(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *value);

#endif
