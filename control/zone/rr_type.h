/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Types of records and their mnemonics, as IANA's registry "Resource Record (RR) TYPEs" has them,
 * and TYPEn of RFC 3597 §5 for all others. No state; any thread; no function blocks.
 */
#ifndef VLY_CONTROL_RR_TYPE_H
#define VLY_CONTROL_RR_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

/* The longest mnemonic and a NUL. */
#define VLY_RR_TYPE_BYTES 16

/* Returns the type that a mnemonic (ANAME, too, for ALIAS) or TYPEn (untrusted, in any case) stands for; 0: none. */
__attribute__((nonnull)) uint16_t vly_rr_type_read(const char *text, size_t len);

/* Returns the type's mnemonic, or TYPEn in `buffer`. */
__attribute__((nonnull)) const char *vly_rr_type_name(uint16_t type,
						      char buffer[VLY_RR_TYPE_BYTES]);

/* True when BIND 9.18, NSD 4.6, Knot DNS 3.2 and ldns 1.8 read the type by its mnemonic. */
bool vly_rr_type_is_common(uint16_t type);

/* The same as vly_rr_type_name(), but TYPEn for a type that is not common. */
__attribute__((nonnull)) const char *vly_rr_type_portable(uint16_t type,
							  char buffer[VLY_RR_TYPE_BYTES]);

/* The same for the type of a zone's record, which may be an ALIAS: in data, its number is one like others. */
__attribute__((nonnull)) const char *vly_rr_type_of_record(uint16_t type,
							   char buffer[VLY_RR_TYPE_BYTES]);

/* True when records of the type may be in a zone: it is neither for queries and messages alone (RFC
 * 6895 §3.1), nor for type lists alone (NXNAME, RFC 9824 §3.5). */
static inline bool
vly_rr_type_is_data(uint16_t type)
{
	return type != 0 && type != 41 && (type < 128 || type > 255);
}

/* True when zones in the control process may have records of the type: besides data, ALIAS. What comes from
 * outside in wire form may not have it. */
static inline bool
vly_rr_type_is_kept(uint16_t type)
{
	return vly_rr_type_is_data(type) || type == VLY_TYPE_ALIAS;
}

/* The type that a record written with this type has in a zone. */
static inline uint16_t
vly_rr_type_from_text(uint16_t type)
{
	return type == VLY_TYPE_ALIAS_TEXT ? (uint16_t)VLY_TYPE_ALIAS : type;
}

#endif
