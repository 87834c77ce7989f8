/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A catalog zone (RFC 9432) as a list of members.
 *
 * Use:
 *   1. vly_catalog_begin();
 *   2. vly_catalog_take() each record of the zone, in any order;
 *   3. vly_catalog_end() yields the catalog, or why the zone is none: a broken catalog;
 *   4. vly_catalog_find(), vly_catalog_compare(); vly_catalog_free().
 * A reader that is not ended is freed with vly_catalog_drop().
 *
 * Records that the RFC does not name are passed over: custom properties, below labels `ext`, above all. They
 * stay in the zone.
 *
 * Trust: the records are sound (vly_rdata_is_sound()), what they say is untrusted. Ownership: a catalog
 * owns its strings. No state; any thread; no function blocks. The cost is that of sorting the members.
 */
#ifndef VLY_CONTROL_CATALOG_H
#define VLY_CONTROL_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include <volley/dns.h>

#include "base/reason.h"

/* Groups that a member may be in. More of them are passed over. */
#define VLY_CATALOG_GROUPS_MAX 16

/* Octets of a label as text, with escapes and a NUL. */
#define VLY_CATALOG_LABEL_BYTES (63 * 4 + 1)

struct vly_catalog_member {
	char *zone;   /* as vly_domain_canonical() writes it */
	char *coo;    /* the catalog that may take the zone over, the same spelling; or NULL */
	char **group; /* [group_cnt], sorted; texts without a NUL in them */
	unsigned group_cnt;
	/* the unique label, in lower case and without its length */
	uint8_t label_len;
	uint8_t label[VLY_LABEL_BYTES_MAX];
	/* while it is read */
	unsigned ptr_cnt;
	unsigned coo_cnt;
	UT_hash_handle hh;
};

struct vly_catalog {
	char *name;
	struct vly_catalog_member **member; /* [member_cnt], sorted by zone */
	uint32_t member_cnt;
};

struct vly_catalog_reader {
	char *name;
	uint8_t apex[VLY_NAME_BYTES_MAX];
	unsigned apex_len;
	struct vly_catalog_member *by_label;
	unsigned version_cnt;
	bool has_version; /* one of them is "2" */
	bool is_out_of_memory;
};

/* `name`: of the catalog, as vly_domain_canonical() writes it. */
__attribute__((nonnull)) void vly_catalog_begin(struct vly_catalog_reader *reader,
						const char *name);

/* Takes a record: an owner in lower case, which is passed over unless it is below the apex. */
__attribute__((nonnull)) void vly_catalog_take(struct vly_catalog_reader *reader,
					       const uint8_t *owner, unsigned owner_len,
					       uint16_t type, const uint8_t *data,
					       unsigned data_len);

/* Returns the catalog, the caller's; or NULL with one sentence: why it is broken. Frees what the reader
 * holds in any case. */
__attribute__((nonnull, warn_unused_result)) struct vly_catalog *
vly_catalog_end(struct vly_catalog_reader *reader, char reason[VLY_REASON_BYTES]);

__attribute__((nonnull)) void vly_catalog_drop(struct vly_catalog_reader *reader);

/* The member that is this zone (canonical spelling), or NULL. */
__attribute__((nonnull)) const struct vly_catalog_member *
vly_catalog_find(const struct vly_catalog *catalog, const char *zone);

__attribute__((nonnull)) bool vly_catalog_same_label(const struct vly_catalog_member *left,
						     const struct vly_catalog_member *right);

/* Writes the unique label as text, with escapes. Returns `text`. */
__attribute__((nonnull)) const char *vly_catalog_label_text(const struct vly_catalog_member *member,
							    char text[VLY_CATALOG_LABEL_BYTES]);

/*
 * Calls fn for each zone whose member differs between two catalogs, in order: `before` is NULL for a new member,
 * `after` for one that is gone. Either catalog may be NULL: no members.
 */
__attribute__((nonnull(3))) void
vly_catalog_compare(const struct vly_catalog *before, const struct vly_catalog *after,
		    void (*fn)(void *arg, const struct vly_catalog_member *before,
			       const struct vly_catalog_member *after),
		    void *arg);

void vly_catalog_free(struct vly_catalog *catalog);

#endif
