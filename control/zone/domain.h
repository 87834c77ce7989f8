/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Domain names in presentation form (RFC 1035 §5.1), in one canonical spelling, so that they
 * compare as strings: absolute, lower case, with escapes only where they are needed. No state; any
 * thread; no function blocks.
 */
#ifndef VLY_CONTROL_DOMAIN_H
#define VLY_CONTROL_DOMAIN_H

#include <stdint.h>

#include <volley/dns.h>

/* 255 octets, each written as \DDD at the worst, and a NUL. */
#define VLY_DOMAIN_TEXT_BYTES (255 * 4 + 1)

/*
 * Writes the canonical spelling of `text` (untrusted; absolute with or without the last dot) to
 * `out`. Returns NULL, or a sentence why it is not a name.
 */
__attribute__((nonnull, warn_unused_result)) const char *
vly_domain_canonical(const char *text, char out[VLY_DOMAIN_TEXT_BYTES]);

/* Writes the wire form of a name in canonical spelling. Returns its length in octets. */
__attribute__((nonnull)) unsigned vly_domain_wire(const char *text,
						  uint8_t wire[VLY_NAME_BYTES_MAX]);

/* Writes a sound name in wire form as people write it, in the case that it has. Returns `out`. */
__attribute__((nonnull)) const char *vly_domain_text(const uint8_t *wire,
						     char out[VLY_DOMAIN_TEXT_BYTES]);

#endif
