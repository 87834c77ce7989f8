/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decodes samples of packets (volley/sample.h): reason, time, source, question. The octets come
 * from attackers: parts that are missing or cut off are left out. No state; any thread; no function
 * blocks.
 */
#ifndef VLY_CONTROL_SAMPLE_DECODE_H
#define VLY_CONTROL_SAMPLE_DECODE_H

#include <stdbool.h>
#include <stddef.h>

#include <volley/sample.h>

#include "zone/domain.h"

#define VLY_SAMPLE_TYPE_BYTES   12
#define VLY_SAMPLE_SOURCE_BYTES 46

struct vly_sample_view {
	const char *reason; /* as counters call it; "unknown" */
	bool is_served;
	bool is_drop;        /* a drop by the policy, or a response over its limit */
	unsigned ip_version; /* 4 or 6; 0: not known, and no source either */
	uint8_t source[16];  /* IPv4 as ::ffff:a.b.c.d */
	bool has_port;
	uint16_t source_port;
	bool has_question;
	char name[VLY_DOMAIN_TEXT_BYTES]; /* as in zone files, absolute, ASCII */
	char type[VLY_SAMPLE_TYPE_BYTES]; /* such as AAAA, or TYPE65280 */
};

__attribute__((nonnull)) void vly_sample_decode(const struct vly_sample *sample,
						struct vly_sample_view *view);

/* Writes the source's address, "" when there is none. Returns `out`. */
__attribute__((nonnull)) const char *vly_sample_source(const struct vly_sample_view *view,
						       char out[VLY_SAMPLE_SOURCE_BYTES]);

/* Copies sample number `number` (from 0) of a ring that is being written. Returns whether it is
 * still there, and whole. */
__attribute__((nonnull, warn_unused_result)) bool
vly_sample_copy(const struct vly_sample_ring *ring, uint64_t number, struct vly_sample *out);

/* Returns the number after the newest sample of a ring, and in *first that of the oldest one that
 * may still be there. */
__attribute__((nonnull)) uint64_t vly_sample_range(const struct vly_sample_ring *ring,
						   uint64_t *first);

#endif
