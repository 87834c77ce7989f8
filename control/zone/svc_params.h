/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parameters of SVCB and HTTPS (RFC 9460): one table of IANA's registry "Service Parameter
 * Keys (SvcParamKeys)", by which they are read, printed and checked. No state; any thread; no
 * function blocks.
 */
#ifndef VLY_CONTROL_SVC_PARAMS_H
#define VLY_CONTROL_SVC_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of values. */
enum vly_svc_value {
	VLY_SVC_GENERIC, /* octets: of a key without an entry */
	VLY_SVC_KEYS,    /* a list of keys, in order */
	VLY_SVC_IDS,     /* a list of strings, none empty */
	VLY_SVC_PATH,    /* a list of strings, or nothing */
	VLY_SVC_NOTHING,
	VLY_SVC_PORT,
	VLY_SVC_IPV4, /* lists */
	VLY_SVC_IPV6,
	VLY_SVC_GROUPS, /* a list of numbers */
	VLY_SVC_BASE64,
	VLY_SVC_TEXT, /* octets, not none */
};

#define VLY_SVC_MANDATORY 0

/* Keys up to this one are in all peers' readers; see vly_rr_type_is_common(). */
#define VLY_SVC_COMMON_MAX 6

/* The number of a key: a name of the registry, or keyN without leading zeros; -1: there is none. */
__attribute__((nonnull)) int vly_svc_key_read(const char *text, size_t len);

/* Octets of "key65535" and NUL. */
#define VLY_SVC_KEY_BYTES 24

/* The key's name in the registry, or keyN in `buffer`. */
__attribute__((nonnull)) const char *vly_svc_key_name(unsigned key, char buffer[VLY_SVC_KEY_BYTES]);

enum vly_svc_value vly_svc_value_of(unsigned key);

/* True when the octets (untrusted) are a value of the key. */
__attribute__((nonnull)) bool vly_svc_value_is_sound(unsigned key, const uint8_t *value,
						     unsigned len);

/* Octets of a parameter before its value: key and length. */
#define VLY_SVC_HEAD_BYTES 4

/* Returns the first mandatory key that has no parameter (RFC 9460 §8), or -1. The parameters must be
 * sound and in ascending order. */
__attribute__((nonnull)) int vly_svc_missing_key(const uint8_t *params, unsigned len);

#endif
