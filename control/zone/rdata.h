/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RDATA: checks that the names are present that the compiler relies on, and compares records. No
 * state; any thread; no function blocks. */
#ifndef VLY_CONTROL_RDATA_H
#define VLY_CONTROL_RDATA_H

#include <stdbool.h>
#include <stdint.h>

#include <volley/name.h>
#include <volley/rdata.h>

/* True when RDATA (untrusted: RFC 3597 §5 lets a zone file write any octets) has the names and
 * sizes that the compiler relies on. */
__attribute__((nonnull)) bool vly_rdata_is_sound(uint16_t type, const uint8_t *data,
						 unsigned data_len);

/* Scans the name that is all of `data` (NS, CNAME, DNAME) or its beginning; false: it is no name.
 */
__attribute__((nonnull, warn_unused_result)) bool
vly_rdata_scan_name(struct vly_name *name, const uint8_t *data, unsigned data_len);

/* Compares RDATA of one type in canonical form (RFC 4034 §6.2, RFC 6840 §5.1): without regard to
 * case in those names that the form has in lower case. Returns 0 when the records are the same (RFC
 * 4034 §6.3), else <0 or >0. Malformed RDATA is compared octet by octet. */
__attribute__((nonnull)) int vly_rdata_compare(uint16_t type, const uint8_t *left,
					       unsigned left_len, const uint8_t *right,
					       unsigned right_len);

/* Puts RDATA into canonical form (RFC 4034 §6.2, RFC 6840 §5.1): those names in lower case that
 * the form has so. Malformed RDATA may stay as it is. */
__attribute__((nonnull)) void vly_rdata_make_canonical(uint16_t type, uint8_t *data,
						       unsigned data_len);

/*
 * The name that answers may follow or add records of: the target of an alias, the host of a record
 * (untrusted). Returns its first octet inside `data`, up to whose end vly_rdata_scan_name() scans;
 * or NULL: the type has none, or the data ends before it. A name "." is returned, too; it means the
 * owner itself or nothing, except for NS, CNAME and DNAME.
 */
__attribute__((nonnull)) const uint8_t *vly_rdata_host(uint16_t type, const uint8_t *data,
						       unsigned data_len);
/* The same, and the targets of CNAME and DNAME: what the store's reverse index has. */
__attribute__((nonnull)) const uint8_t *vly_rdata_target(uint16_t type, const uint8_t *data,
							 unsigned data_len);

/* Offset of the name that a NAPTR record ends with; 0: the record is malformed. */
__attribute__((nonnull)) unsigned vly_rdata_naptr_name_off(const uint8_t *data, unsigned data_len);

#endif
