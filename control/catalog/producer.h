/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A catalog zone that we make (RFC 9432): its records follow a list of zones. Other records that are in it stay, custom
 * properties of members and of the catalog above all; those of a member that goes, go with it.
 *
 * Use: vly_wanted_add() for each zone, vly_wanted_end(); vly_producer_begin_zone() makes the
 * zone that the store does not have yet; vly_producer_prepare() in the `prepare` of a request
 * (living/living.h); vly_wanted_free().
 *
 * Unique labels are made of hashes of the zones' names, so that a zone that comes back has the label that it had. A
 * label that somebody has given a zone otherwise stays, so that a new one resets the zone at the consumers.
 *
 * One thread at a time; vly_producer_prepare() blocks for the store.
 */
#ifndef VLY_CONTROL_PRODUCER_H
#define VLY_CONTROL_PRODUCER_H

#include <volley/dns.h>

#include "living/living.h"

/* Characters of a label: 128 bits in hexadecimal. */
#define VLY_PRODUCER_LABEL_LEN 32

struct vly_wanted_member {
	const char *zone;  /* as vly_domain_canonical() writes it */
	const char *group; /* or NULL */
	/* while a change is prepared */
	bool is_there;
	bool has_group;
	uint8_t label[VLY_LABEL_BYTES_MAX + 1]; /* with its length octet */
};

struct vly_wanted {
	struct vly_wanted_member *member; /* [cnt], sorted by zone */
	uint32_t cnt;
	uint32_t size;
};

/* All zeros is an empty list. Strings are copied. Returns 0, or -1 without memory. */
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_wanted_add(struct vly_wanted *wanted, const char *zone, const char *group);

/* Sorts the list; zones that are in it twice stay once. */
__attribute__((nonnull)) void vly_wanted_end(struct vly_wanted *wanted);

__attribute__((nonnull)) void vly_wanted_free(struct vly_wanted *wanted);

/* Fills *change with what makes the members of the catalog those of `wanted`. */
__attribute__((nonnull, warn_unused_result)) enum vly_living_prepared
vly_producer_prepare(struct vly_wanted *wanted, struct vly_store_txn *txn,
		     const struct vly_store_zone *zone, struct vly_change *change,
		     char reason[VLY_REASON_BYTES]);

struct vly_zone;

/* The zone without members, the caller's to free: `name` in canonical spelling. Returns 0, or -1 without
 * memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_producer_make_zone(struct vly_zone *tree, const struct vly_hash_key *key, const char *name,
		       uint32_t serial);

#endif
