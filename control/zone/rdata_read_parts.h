/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For rdata_read.c and the readers of kinds of fields alone, by file below. Each takes the words of
 * one field and appends its octets. Returns false when the field is malformed, and the reason has
 * been written.
 */
#ifndef VLY_CONTROL_RDATA_READ_PARTS_H
#define VLY_CONTROL_RDATA_READ_PARTS_H

#include <stdbool.h>
#include <string.h>

#include "rdata_read.h"
#include "rr_fields.h"

struct vly_rdata_reader {
	const struct vly_token *token; /* the next word */
	const struct vly_token *end;
	const uint8_t *origin;
	uint8_t *to;
	unsigned len;      /* octets written, at most VLY_RDATA_BYTES_MAX */
	const char *field; /* its name, for messages */
	uint8_t kind;
	char *why;
	size_t why_size;
};

/* rdata_read.c */

/* Writes "the FIELD" and the rest of the sentence. Always returns false. */
__attribute__((format(printf, 2, 3), nonnull, cold)) bool
vly_rdata_fail(struct vly_rdata_reader *reader, const char *rest, ...);

/* The next word; NULL: there is none, and the reason has been written. */
__attribute__((nonnull)) const struct vly_token *vly_rdata_take(struct vly_rdata_reader *reader);

/* False when the data would be longer than 65,535 octets. */
__attribute__((nonnull)) bool vly_rdata_append(struct vly_rdata_reader *reader, const void *octets,
					       unsigned len);
__attribute__((nonnull)) bool vly_rdata_append_number(struct vly_rdata_reader *reader,
						      uint64_t number, unsigned octets);

/* Copies a word as a C string; false: it does not fit, or has a NUL. */
__attribute__((nonnull)) bool vly_rdata_word(const struct vly_token *token, char *to, size_t size);

/* rdata_read_plain.c: numbers, names, strings, times */
/* A number in `octets` octets, 0 to max. */
__attribute__((nonnull)) bool vly_rdata_take_number(struct vly_rdata_reader *reader, uint64_t max,
						    unsigned octets);
__attribute__((nonnull)) bool vly_rdata_take_name(struct vly_rdata_reader *reader);

/* Any field of such a kind. */
__attribute__((nonnull)) bool vly_rdata_take_plain(struct vly_rdata_reader *reader);

/* rdata_read_coded.c: hexadecimal, Base64, Base32hex */
__attribute__((nonnull)) bool vly_rdata_take_hex(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_base64(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_base64_word(struct vly_rdata_reader *reader,
							 const char *text, size_t len);
__attribute__((nonnull)) bool vly_rdata_take_salt(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_hash(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_nsap(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_atma(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_eui(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_locator(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_hip(struct vly_rdata_reader *reader);

/* The value of a hexadecimal digit, or -1. */
static inline int
vly_rdata_hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* rdata_read_types.c: lists of types */
__attribute__((nonnull)) bool vly_rdata_take_type(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_bitmap(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_nxt_bitmap(struct vly_rdata_reader *reader);

/* rdata_read_place.c: addresses and places */
__attribute__((nonnull)) bool vly_rdata_take_ipv4(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_ipv6(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_a6(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_apl(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_wks(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_gateway(struct vly_rdata_reader *reader);
__attribute__((nonnull)) bool vly_rdata_take_relay(struct vly_rdata_reader *reader);

/* rdata_read_loc.c */
__attribute__((nonnull)) bool vly_rdata_take_loc(struct vly_rdata_reader *reader);

/* rdata_read_svcb.c */
__attribute__((nonnull)) bool vly_rdata_take_svc_params(struct vly_rdata_reader *reader);

#endif
