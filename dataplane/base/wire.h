/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wire data: big-endian numbers, and the bounds-checked cursor for reading messages (untrusted).
 *
 * The numbers do not check bounds: call vly_cursor_has() or vly_cursor_skip() first. Pure; any
 * thread.
 */
#ifndef VLY_DATAPLANE_WIRE_H
#define VLY_DATAPLANE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

struct vly_cursor {
	const uint8_t *at;
	const uint8_t *end;
};

static inline unsigned
vly_read_u16(const uint8_t *from)
{
	return (unsigned)from[0] << 8 | from[1];
}

static inline void
vly_write_u16(uint8_t *to, unsigned value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static inline bool
vly_cursor_has(const struct vly_cursor *cursor, size_t bytes)
{
	return (size_t)(cursor->end - cursor->at) >= bytes;
}

/* Steps over `bytes` octets. Returns false, without a step, if there are fewer. */
static inline bool
vly_cursor_skip(struct vly_cursor *cursor, size_t bytes)
{
	if (!vly_cursor_has(cursor, bytes))
		return false;
	cursor->at += bytes;
	return true;
}

/* Steps over a name. A compression pointer ends it and is not followed (RFC 1035 §4.1.4). Returns
 * false if the name is malformed or not complete. Each turn takes an octet at least. */
static inline bool
vly_cursor_skip_name(struct vly_cursor *cursor)
{
	while (vly_cursor_has(cursor, 1)) {
		unsigned len = *cursor->at;
		if (len >= 0xc0)
			return vly_cursor_skip(cursor, 2);
		if (len > VLY_LABEL_BYTES_MAX || !vly_cursor_skip(cursor, len + 1))
			return false;
		if (len == 0)
			return true;
	}
	return false;
}

/* The fixed part of a record, behind its owner (RFC 1035 §4.1.3). */
struct vly_record {
	const uint8_t *owner;
	const uint8_t *fixed; /* type, class, TTL, RDLENGTH: 10 octets */
};

/* Reads one record and steps over it. Returns false if it is not complete. */
static inline bool
vly_cursor_record(struct vly_cursor *cursor, struct vly_record *record)
{
	record->owner = cursor->at;
	if (!vly_cursor_skip_name(cursor))
		return false;
	record->fixed = cursor->at;
	return vly_cursor_skip(cursor, 10) &&
	       vly_cursor_skip(cursor, vly_read_u16(record->fixed + 8));
}

#endif
