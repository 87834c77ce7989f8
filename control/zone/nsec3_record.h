/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of NSEC3 and NSEC3PARAM records that say how names are hashed (RFC 5155 §3, §4). The
 * records are untrusted. Pure; any thread. */
#ifndef VLY_CONTROL_NSEC3_RECORD_H
#define VLY_CONTROL_NSEC3_RECORD_H

#include "common/nsec3_hash.h"
#include "zone.h"

/* In front of the salt: algorithm, flags, iterations, length of the salt. */
#define VLY_NSEC3_HEAD_BYTES 5

#define VLY_NSEC3_SHA1 1 /* the algorithm, the only one there is */

/* Reads the parameters of a record of either type. False: the record is malformed, or its algorithm
 * is not SHA-1. The salt stays in the record. */
__attribute__((nonnull, warn_unused_result)) bool
vly_nsec3_read_params(const struct vly_zone_record *record, struct vly_nsec3_params *params);

/* Whether the record has these parameters. */
__attribute__((nonnull)) bool vly_nsec3_has_params(const struct vly_zone_record *record,
						   const struct vly_nsec3_params *params);

/* Reads the hash in the first label of an NSEC3's owner, in lower case (Base32hex without padding,
 * RFC 4648 §7). False: the label is no hash. */
__attribute__((nonnull, warn_unused_result)) bool
vly_nsec3_read_owner(const uint8_t *name, uint8_t hash[VLY_NSEC3_HASH_BYTES]);

#endif
