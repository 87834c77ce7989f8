/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A change of one zone: the records that are removed and added, and the serial before and after. It
 * has one form in memory, and one as octets, for the journal and for transfers.
 *
 * Use:
 *   1. vly_change_init(), or a zeroed struct;
 *   2. vly_change_remove() and vly_change_add() for each record, in any order; vly_change_set_soa()
 *      for a new serial;
 *   3. vly_change_normalise(); vly_store_apply() does it, too;
 *   4. vly_change_free().
 *
 * Meaning: first all of removed[] go, then all of added[] come. A new TTL is a removal with the old
 * TTL and an addition with the new one. The SOA is among both when the serial changes. Owners are in
 * lower case, as everywhere in zones; names in RDATA keep their spelling.
 *
 * Ownership: a change has copies of all that is added. Pointers into it hold until
 * vly_change_free(); the arrays move when something is added. One thread at a time; no function
 * blocks but for memory.
 */
#ifndef VLY_CONTROL_CHANGE_H
#define VLY_CONTROL_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/name.h>

struct vly_change_record {
	const uint8_t *owner; /* sound, in lower case */
	const uint8_t *data;  /* RDATA, uncompressed */
	uint32_t ttl;         /* seconds */
	uint16_t type;
	uint16_t data_len;
	uint8_t owner_len; /* with the root label */
};

struct vly_change_list {
	struct vly_change_record *record;
	size_t cnt;
	size_t size;
};

struct vly_change {
	uint32_t from; /* serial before */
	uint32_t to;   /* serial after */
	struct vly_change_list removed;
	struct vly_change_list added;
	bool is_normal; /* vly_change_normalise() has nothing to do */
	struct vly_change_block *block;
};

__attribute__((nonnull)) void vly_change_init(struct vly_change *change);

__attribute__((nonnull)) void vly_change_free(struct vly_change *change);

/*
 * Adds a record to removed[] or added[]. `owner`: an uncompressed name in any case, of which at most
 * owner_avail octets are read; `data`: data_len octets of uncompressed RDATA. Both are untrusted.
 * Returns 0; or -1 with errno: EINVAL when the owner is no name, or the RDATA is not what the
 * compiler relies on (vly_rdata_is_sound(), or a type that no zone has), ENOMEM.
 */
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_change_remove(struct vly_change *change, const uint8_t *owner, size_t owner_avail,
		  uint16_t type, uint32_t ttl, const uint8_t *data, unsigned data_len);
__attribute__((nonnull(1, 2), warn_unused_result)) int
vly_change_add(struct vly_change *change, const uint8_t *owner, size_t owner_avail, uint16_t type,
	       uint32_t ttl, const uint8_t *data, unsigned data_len);

/*
 * Sets from and to, and puts the zone's SOA into removed[], and the same with serial `to` into
 * added[]. `soa`: the zone's SOA as it is, with its apex as the owner; vly_store_soa() yields it.
 * For changes that have no SOA of their own. Returns 0, or -1 with errno as above.
 */
__attribute__((nonnull, warn_unused_result)) int
vly_change_set_soa(struct vly_change *change, const struct vly_change_record *soa, uint32_t to);

/* The serial of a sound SOA record's RDATA. */
__attribute__((nonnull)) uint32_t vly_change_soa_serial(const struct vly_change_record *soa);

/* The SOA in a list; NULL: there is none. */
__attribute__((nonnull)) const struct vly_change_record *
vly_change_list_soa(const struct vly_change_list *list);

/*
 * Sorts both lists by owner (RFC 4034 §6.1), type, and data in canonical order (§6.3). Records that
 * are twice in a list stay once; what is removed and added, octet for octet and with the same TTL,
 * vanishes from both.
 */
__attribute__((nonnull)) void vly_change_normalise(struct vly_change *change);

/* Nothing is removed or added. */
static inline bool
vly_change_is_empty(const struct vly_change *change)
{
	return change->removed.cnt == 0 && change->added.cnt == 0;
}

/* The order of vly_change_normalise(), without the TTL: 0 when both are the same record. */
__attribute__((nonnull)) int vly_change_record_order(const struct vly_change_record *left,
						     const struct vly_change_record *right);

/* The change that undoes this one: removed and added change places, and so do from and to. The
 * serial of a zone never goes back, so that its caller sets another SOA. Copies nothing. */
__attribute__((nonnull)) void vly_change_invert(struct vly_change *change);

/*
 * As octets, all numbers in network order:
 *
 *     octet form (1), u32 from, u32 to, u32 removed_cnt, u32 added_cnt, then the records removed,
 *     then those added, each: owner, u16 type, u32 ttl, u16 data_len, data
 *
 * where an owner is its wire form, or one octet 0xff for the owner of the record before.
 */

/* Octets that vly_change_encode() writes. */
__attribute__((nonnull)) size_t vly_change_encoded_bytes(const struct vly_change *change);

/* Writes vly_change_encoded_bytes() octets. */
__attribute__((nonnull)) void vly_change_encode(const struct vly_change *change, uint8_t *to);

/* Reads octets (untrusted) into an empty change. Returns 0; or -1 with errno: EINVAL when they are
 * not a whole change and nothing else, ENOMEM. The change is the caller's to free in any case. */
__attribute__((nonnull, warn_unused_result)) int
vly_change_decode(struct vly_change *change, const uint8_t *octets, size_t bytes);

/* Reads the serials alone, and the numbers of records. False: too short, or of another form. */
struct vly_change_head {
	uint32_t from, to;
	uint32_t removed_cnt, added_cnt;
};
__attribute__((nonnull)) bool vly_change_read_head(struct vly_change_head *head,
						   const uint8_t *octets, size_t bytes);

#endif
