/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of the store's tables: the number of a zone, then an order key (volley/order_key.h) or a
 * number. No state; any thread. */
#ifndef VLY_CONTROL_STORE_KEY_H
#define VLY_CONTROL_STORE_KEY_H

#include <assert.h>
#include <lmdb.h>

#include <volley/name.h>
#include <volley/order_key.h>

#define VLY_STORE_ID_BYTES 4

/* LMDB's limit, as Debian compiles it; for several values of one key, the values have it, too. */
#define VLY_STORE_KEY_MAX 511

/* The longest order key: 250 octets in four labels, each with an escape, and four ends. */
#define VLY_STORE_ORDER_KEY_MAX (2 * 250 + 4)

/* What stands behind a target and behind an owner in the reverse index. */
#define VLY_STORE_KIND_BYTES 2
#define VLY_STORE_TAIL_BYTES 5

static_assert(VLY_STORE_ID_BYTES + VLY_STORE_ORDER_KEY_MAX + VLY_STORE_KIND_BYTES <=
		      VLY_STORE_KEY_MAX,
	      "each name has a key");
static_assert(VLY_STORE_ORDER_KEY_MAX + VLY_STORE_TAIL_BYTES <= VLY_STORE_KEY_MAX,
	      "each name can be a value");

struct vly_store_key {
	unsigned len;
	uint8_t octet[VLY_STORE_ID_BYTES + VLY_ORDER_KEY_BYTES];
};

__attribute__((nonnull)) void vly_store_key_begin(struct vly_store_key *key, uint32_t id);

/* Appends the order key of `name` (scanned, at or below an apex of apex_len octets). */
__attribute__((nonnull)) void
vly_store_key_add_name(struct vly_store_key *key, const struct vly_name *name, unsigned apex_len);

/* The key of a name in the tables `records` and `reverse`. */
__attribute__((nonnull)) void vly_store_name_key(struct vly_store_key *key, uint32_t id,
						 const struct vly_name *apex,
						 const struct vly_name *name);

__attribute__((nonnull)) void vly_store_version_key(struct vly_store_key *key, uint32_t id,
						    uint64_t version);

/* The name of an order key (untrusted) below `apex`. False: it is none. */
__attribute__((nonnull, warn_unused_result)) bool vly_store_key_name(const uint8_t *order_key,
								     size_t bytes,
								     const struct vly_name *apex,
								     struct vly_name *name);

/* Whether `name` is at or below `top`; both scanned. */
__attribute__((nonnull)) bool vly_store_is_below(const struct vly_name *top,
						 const struct vly_name *name);

static inline MDB_val
vly_store_key_val(const struct vly_store_key *key)
{
	return (MDB_val){key->len, (void *)(uintptr_t)key->octet};
}

/* Whether a key of the table begins with `key`. */
static inline bool
vly_store_key_is_prefix(const struct vly_store_key *key, const MDB_val *found)
{
	return found->mv_size >= key->len && memcmp(found->mv_data, key->octet, key->len) == 0;
}

/* A copy of a key found; false: it is too long to be one. */
__attribute__((nonnull, warn_unused_result)) bool vly_store_key_copy(struct vly_store_key *key,
								     const MDB_val *found);

#endif
