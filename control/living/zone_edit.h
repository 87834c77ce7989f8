/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes of a zone as people write them, a line for each:
 *
 *     + OWNER [TTL] [IN] TYPE DATA       adds a record
 *     - OWNER [TTL] [IN] [TYPE [DATA]]   removes a record, an RRset, or all of a name but the SOA
 *
 * in the words of zone files (RFC 1035 §5.1). Names without a dot at their end are relative to the zone.
 * What is removed must be there. SOA, CNAME, DNAME and ALIAS replace the one that is there. The addresses of a name
 * with an ALIAS come and go with that.
 *
 * Use: vly_zone_edit_parse(); vly_zone_edit_prepare() in the `prepare` of a request;
 * vly_zone_edit_free(). The text is untrusted. Any thread; preparing blocks for the store.
 */
#ifndef VLY_CONTROL_ZONE_EDIT_H
#define VLY_CONTROL_ZONE_EDIT_H

#include "living.h"

struct vly_zone_edit_step {
	uint8_t *data; /* owned; NULL: all of the type */
	uint32_t ttl;
	uint32_t line;
	uint16_t type; /* 0: all */
	uint16_t data_len;
	bool adds;
	bool has_ttl;
	uint8_t owner_len;
	uint8_t owner[VLY_NAME_BYTES_MAX]; /* in lower case */
};

struct vly_zone_edit {
	struct vly_zone_edit_step *step;
	uint32_t cnt;
	uint32_t size;
};

/* Appends the steps of `text` to an edit, which is all zeros at first. `zone` is a name in canonical
 * spelling. Returns 0; or -1 with a sentence, and nothing is appended. */
__attribute__((nonnull, warn_unused_result)) int vly_zone_edit_parse(struct vly_zone_edit *edit,
								     const char *zone,
								     const char *text, size_t bytes,
								     char reason[VLY_REASON_BYTES]);

/* Copies an edit into an empty one. Returns 0, or -1 without memory, and the copy is empty. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_edit_copy(struct vly_zone_edit *to, const struct vly_zone_edit *from);

__attribute__((nonnull, warn_unused_result)) enum vly_living_prepared
vly_zone_edit_prepare(const struct vly_zone_edit *edit, struct vly_store_txn *txn,
		      const struct vly_store_zone *zone, struct vly_change *change,
		      char reason[VLY_REASON_BYTES]);

/* The change that brings back the zone as it was with this serial. */
__attribute__((nonnull, warn_unused_result)) enum vly_living_prepared
vly_zone_revert_prepare(uint32_t serial, struct vly_store_txn *txn,
			const struct vly_store_zone *zone, struct vly_change *change,
			char reason[VLY_REASON_BYTES]);

__attribute__((nonnull)) void vly_zone_edit_free(struct vly_zone_edit *edit);

#endif
