/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RDATA checks: whether the names are there that the compiler relies on. */
#ifndef VLY_CONTROL_RDATA_H
#define VLY_CONTROL_RDATA_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/name.h>
#include <volley/rdata.h>

/* True when RDATA (untrusted: RFC 3597 §5 lets a zone file write any octets) has the names and sizes that the
 * compiler relies on. */
__attribute__((nonnull)) bool vly_rdata_is_sound(uint16_t type, const uint8_t *data,
						 unsigned data_len);

/* Scans the name that is all of `data` (NS, CNAME, DNAME) or its beginning; false: it is no name. */
__attribute__((nonnull, warn_unused_result)) bool
vly_rdata_scan_name(struct vly_name *name, const uint8_t *data, unsigned data_len);

#endif
