/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of a name as one value of the store, behind its seal: for each record u16 type, u32 ttl,
 * u16 data_len, data, in canonical order. Pure, but for memory; any thread.
 */
#ifndef VLY_CONTROL_STORE_RECORDS_H
#define VLY_CONTROL_STORE_RECORDS_H

#include "store_names.h"
#include "zone_store_parts.h"

/* Octets before the data of a record. */
#define VLY_STORE_RECORD_BYTES 8

/* All records of a name. A change of one writes all of them. */
#define VLY_STORE_RECORDS_MAX (UINT32_C(16) << 20)

/* Checks a value (untrusted, without its seal): whole records, each sound, in ascending order, one
 * TTL for each RRset, at least one. */
__attribute__((nonnull, warn_unused_result)) bool
vly_store_records_check(struct vly_store_records *records, const uint8_t *octets, size_t bytes);

/* Appends a record. False: no memory. */
__attribute__((nonnull, warn_unused_result)) bool
vly_store_records_put(struct vly_store_buffer *buffer, uint16_t type, uint32_t ttl,
		      const uint8_t *data, unsigned data_len);

__attribute__((nonnull)) unsigned vly_store_records_cnt(const struct vly_store_records *records);

/* The part of a change that concerns one name, sorted. */
struct vly_store_edit {
	const struct vly_change_record *removed;
	size_t removed_cnt;
	const struct vly_change_record *added;
	size_t added_cnt;
};

enum vly_store_misfit {
	VLY_STORE_FITS,
	VLY_STORE_NOT_THERE,   /* *which is removed, but not there */
	VLY_STORE_OTHER_TTL,   /* *which is removed, but there with another TTL */
	VLY_STORE_THERE,       /* *which is added, but there */
	VLY_STORE_MIXED_TTL,   /* *which is added, and its RRset has another TTL */
	VLY_STORE_TOO_MANY,    /* octets */
	VLY_STORE_EDIT_MEMORY, /* no memory */
};

/* Appends the records that remain to `buffer`. */
__attribute__((nonnull, warn_unused_result)) enum vly_store_misfit
vly_store_records_edit(const struct vly_store_records *before, const struct vly_store_edit *edit,
		       struct vly_store_buffer *buffer, const struct vly_change_record **which);

#endif
