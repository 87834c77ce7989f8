/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names inside RDATA: which types have them, and whether they are there. */
#ifndef VLY_CONTROL_RDATA_H
#define VLY_CONTROL_RDATA_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/name.h>

/* Where the compressible names of a type are: only types that RFC 1035 defines have any (RFC 3597 §4). */
struct vly_rdata_names {
	uint8_t type;
	uint8_t skip;  /* octets before the first name */
	uint8_t cnt;   /* names, one behind the other */
	uint8_t after; /* octets behind the last name */
};

/* NULL: the type has no such names. */
const struct vly_rdata_names *vly_rdata_names(uint16_t type);

/* True when RDATA (untrusted: RFC 3597 §5 lets a zone file write any octets) has the names and sizes that the
 * compiler relies on. */
__attribute__((nonnull)) bool vly_rdata_is_sound(uint16_t type, const uint8_t *data,
						 unsigned data_len);

/* Scans the name that is all of `data` (NS, CNAME, DNAME) or its beginning; false: it is no name. */
__attribute__((nonnull, warn_unused_result)) bool
vly_rdata_scan_name(struct vly_name *name, const uint8_t *data, unsigned data_len);

#endif
