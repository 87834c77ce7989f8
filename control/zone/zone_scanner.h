/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A scanner of libzscanner that is used for one zone after the other. It has a fifth of a megabyte,
 * which zs_init() clears: that would be most of the work for a small zone file.
 *
 * Use: `struct vly_zone_scanner scanner = {0};` vly_zone_scanner_begin() for each zone, and
 * vly_zone_scanner_restart() for each text; vly_zone_scanner_free(). By one thread at a time; no
 * function blocks but for memory.
 */
#ifndef VLY_CONTROL_ZONE_SCANNER_H
#define VLY_CONTROL_ZONE_SCANNER_H

#include <libzscanner/scanner.h>
#include <string.h>

#include <volley/dns.h>

struct vly_zone_scanner {
	zs_scanner_t *zs; /* NULL: none yet */
	int start;        /* its state before a record */
};

/* Begins a zone of class IN: with an origin (wire form), no owner, and a default TTL. Returns 0, or
 * -1: no memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_zone_scanner_begin(struct vly_zone_scanner *scanner, const uint8_t *origin, unsigned origin_len,
		       uint32_t default_ttl);

/* Makes it read `text` (not empty) next, which begins in that line with a record, whatever it was
 * doing. Origin, owner and default TTL stay. */
__attribute__((nonnull)) void vly_zone_scanner_restart(struct vly_zone_scanner *scanner,
						       const char *text, size_t len, uint64_t line);

/* True when libzscanner may have misread the record that it has just read from `text`, without an
 * error. `escape` is the first backslash in the text, or NULL. */
__attribute__((nonnull(1, 2, 3))) bool
vly_zone_scanner_is_doubtful(const struct vly_zone_scanner *scanner, const char *text,
			     const char *end, const char *escape);

/* The owner that a record without one gets. */
struct vly_zone_owner {
	uint8_t name[VLY_NAME_BYTES_MAX];
	uint32_t len;
};

static inline void
vly_zone_owner_save(struct vly_zone_owner *owner, const zs_scanner_t *zs)
{
	owner->len = zs->r_owner_length;
	memcpy(owner->name, zs->r_owner, owner->len);
}

static inline void
vly_zone_owner_restore(const struct vly_zone_owner *owner, zs_scanner_t *zs)
{
	memcpy(zs->r_owner, owner->name, owner->len);
	zs->r_owner_length = owner->len;
}

__attribute__((nonnull)) void vly_zone_scanner_free(struct vly_zone_scanner *scanner);

#endif
