/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fields of each type's RDATA, in their order: one table, by which records are read
 * (rdata_read.h) and printed (rdata_print.h). No state; any thread; no function blocks.
 */
#ifndef VLY_CONTROL_RR_FIELDS_H
#define VLY_CONTROL_RR_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of fields. A kind for which "to the end" is said takes all the words that are left. */
enum vly_field {
	VLY_FIELD_END, /* behind the last field */
	VLY_FIELD_NAME,
	VLY_FIELD_U8,
	VLY_FIELD_U16,
	VLY_FIELD_U32,
	VLY_FIELD_U64,
	VLY_FIELD_PERIOD,         /* 32 bits, in seconds or as 1w2d3h4m5s */
	VLY_FIELD_TIME,           /* 32 bits, in seconds or as YYYYMMDDHHmmSS */
	VLY_FIELD_TYPE,           /* 16 bits, mnemonic of a type */
	VLY_FIELD_ALGORITHM,      /* 8 bits, number or mnemonic */
	VLY_FIELD_DIGEST_TYPE,    /* the same */
	VLY_FIELD_HASH_ALGORITHM, /* the same, of NSEC3 */
	VLY_FIELD_PROTOCOL,       /* the same, of KEY and DNSKEY */
	VLY_FIELD_SCHEME,         /* the same, of DSYNC */
	VLY_FIELD_CERT_TYPE,      /* 16 bits, number or mnemonic */
	VLY_FIELD_KEY_FLAGS,      /* 16 bits, number or mnemonics with | between them */
	VLY_FIELD_STRING,         /* a length octet, 0 to 255 octets */
	VLY_FIELD_STRING_MAY,     /* one, or none at the end */
	VLY_FIELD_STRINGS,        /* one or more, to the end; longer ones are split */
	VLY_FIELD_TEXT,           /* octets without a length, at the end */
	VLY_FIELD_TAG,            /* a string of letters and digits */
	VLY_FIELD_DIGITS,         /* a string of digits */
	VLY_FIELD_IPV4,
	VLY_FIELD_IPV6,
	VLY_FIELD_LOCATOR64, /* four groups of hexadecimal digits */
	VLY_FIELD_EUI48,
	VLY_FIELD_EUI64,
	VLY_FIELD_BASE64,      /* one octet or more, to the end */
	VLY_FIELD_BASE64_MAY,  /* or nothing */
	VLY_FIELD_BASE64_DASH, /* nothing is written as - */
	VLY_FIELD_HEX,         /* one octet or more, to the end */
	VLY_FIELD_SALT,        /* a length octet, hexadecimal digits or - */
	VLY_FIELD_HASH,        /* a length octet, Base32hex */
	VLY_FIELD_BITMAP,      /* types in windows (RFC 4034 §4.1.2), to the end */
	VLY_FIELD_NXT_BITMAP,  /* types below 128 (RFC 2535 §5.2), to the end */
	VLY_FIELD_NSAP,        /* 0x and hexadecimal digits, to the end */
	VLY_FIELD_ATMA,        /* + and digits, or hexadecimal digits, with dots */
	VLY_FIELD_LOC,
	VLY_FIELD_APL, /* to the end */
	VLY_FIELD_WKS, /* protocol and services, to the end */
	VLY_FIELD_A6,
	VLY_FIELD_GATEWAY,    /* type, algorithm and gateway of IPSECKEY */
	VLY_FIELD_RELAY,      /* discovery bit, type and relay of AMTRELAY */
	VLY_FIELD_HIP,        /* to the end */
	VLY_FIELD_SVC_PARAMS, /* to the end */
	VLY_FIELD_CNT,
};

#define VLY_RR_FIELDS_MAX 10

struct vly_rr_field {
	uint8_t kind;     /* enum vly_field */
	const char *name; /* for messages: "the NAME is missing" */
};

/* Returns the fields of a type, up to one of kind VLY_FIELD_END; NULL: its data is written in the
 * form \# alone. */
const struct vly_rr_field *vly_rr_fields(uint16_t type);

/* Returns the number that a mnemonic (untrusted, in any case) stands for in a field of this kind;
 * -1: none. */
__attribute__((nonnull)) int vly_field_mnemonic(uint8_t kind, const char *text, size_t len);

#endif
