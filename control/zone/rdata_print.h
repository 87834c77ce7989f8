/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RDATA in presentation form: names absolute, strings in quotes, in spellings that BIND, NSD, Knot
 * DNS and ldns read. No state; any thread; no function blocks.
 */
#ifndef VLY_CONTROL_RDATA_PRINT_H
#define VLY_CONTROL_RDATA_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No RDATA takes more as text: services of WKS and windows of types take the most. */
#define VLY_RDATA_TEXT_BYTES (1 << 20)

/*
 * These print RDATA (untrusted) and a NUL, as snprintf() does: at most `size` octets, and return
 * the length without the NUL that the whole has.
 *
 * vly_rdata_print() writes the form \# (RFC 3597 §5) for data that does not have its type's form,
 * and for types that not all of those servers know. vly_rdata_print_form() writes the type's own
 * form, and returns 0 when the data does not have it.
 */
__attribute__((nonnull)) size_t vly_rdata_print(uint16_t type, const uint8_t *data,
						unsigned data_len, char *out, size_t size);
__attribute__((nonnull)) size_t vly_rdata_print_form(uint16_t type, const uint8_t *data,
						     unsigned data_len, char *out, size_t size);

/* True when the data has its type's form, or the type has none. */
__attribute__((nonnull)) bool vly_rdata_has_form(uint16_t type, const uint8_t *data,
						 unsigned data_len);

/* Prints a sound name in wire form, absolute, in the same way. */
__attribute__((nonnull)) size_t vly_rdata_print_name(const uint8_t *name, char *out, size_t size);

#endif
