/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the messages of a transfer: the response to AXFR (RFC 5936) or IXFR (RFC 1995).
 *
 * Use:
 *   1. vly_transfer_reader_init();
 *   2. vly_transfer_read() for each message in order, until it returns something else than MORE. Each
 *      record goes to `add`;
 *   3. vly_transfer_reader_reason() after FAILED.
 *
 * What is accepted: records of class IN at or below the apex, whose data is what the compiler relies
 * on; one SOA at the beginning, the same one at the end, and none between, but those that separate the
 * steps of an IXFR, whose serials must lead from ours to the new one without a gap. Everything else
 * ends the transfer. Whether the records are a good zone is not checked here.
 *
 * Pure, but for what `add` does. Messages are untrusted; TSIG has been verified before. Additional
 * records are not looked at.
 */
#ifndef VLY_CONTROL_TRANSFER_READER_H
#define VLY_CONTROL_TRANSFER_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/name.h>

#include "base/reason.h"

enum vly_transfer_result {
	VLY_TRANSFER_MORE,
	VLY_TRANSFER_WHOLE,   /* the records are the zone */
	VLY_TRANSFER_CHANGES, /* they are what leads from our serial to the new one */
	VLY_TRANSFER_CURRENT, /* IXFR: the primary has nothing newer than we */
	VLY_TRANSFER_REFUSED, /* the primary does not do that: its RCODE is in `rcode` */
	VLY_TRANSFER_FAILED,
};

enum vly_transfer_op {
	VLY_TRANSFER_HAS,     /* part of the whole zone */
	VLY_TRANSFER_REMOVES, /* of an IXFR */
	VLY_TRANSFER_ADDS,
};

struct vly_transfer_record {
	const uint8_t *owner; /* lower case */
	const uint8_t *data;  /* uncompressed; sound */
	uint32_t ttl;
	uint16_t type;
	uint16_t data_len;
	uint8_t owner_len;
	uint8_t op; /* enum vly_transfer_op */
};

/* Part of the SOA. */
struct vly_transfer_soa {
	uint32_t serial;
	uint32_t refresh;
	uint32_t retry;
	uint32_t expire;
};

struct vly_transfer_reader {
	/* set by vly_transfer_reader_init() */
	struct vly_name apex;
	uint16_t id;
	bool is_ixfr;
	uint32_t ours; /* is_ixfr: the serial that was asked with */
	/* Takes a record, which holds during the call. Returns false when it can take no more; the
	 * caller knows why. */
	bool (*add)(void *arg, const struct vly_transfer_record *record);
	void *arg;

	/* read, once there is one */
	bool has_soa;
	struct vly_transfer_soa soa;
	uint64_t record_cnt;
	uint32_t step_cnt; /* of an IXFR */
	uint8_t rcode;

	/* private */
	uint8_t state;
	uint32_t step_to; /* where the step at hand leads */
	uint16_t soa_len;
	uint8_t soa_data[2 * VLY_NAME_BYTES_MAX + 20];
	uint32_t soa_ttl;
	char reason[VLY_REASON_BYTES];
};

/* Begins a transfer. `apex`: scanned. */
__attribute__((nonnull(1, 2, 6))) void vly_transfer_reader_init(
	struct vly_transfer_reader *reader, const struct vly_name *apex, uint16_t id, bool is_ixfr,
	uint32_t ours, bool (*add)(void *arg, const struct vly_transfer_record *record), void *arg);

__attribute__((nonnull, warn_unused_result)) enum vly_transfer_result
vly_transfer_read(struct vly_transfer_reader *reader, const uint8_t *message, size_t len);

/* Reads the response to an SOA query. True with *soa; else a sentence in `reason`. */
__attribute__((nonnull, warn_unused_result)) bool
vly_transfer_read_soa(const struct vly_name *apex, uint16_t id, const uint8_t *message, size_t len,
		      struct vly_transfer_soa *soa, char reason[VLY_REASON_BYTES]);

/* Writes a query: header and question, and for IXFR the SOA with serial `ours` (RFC 1995 §3). Returns its
 * length. */
#define VLY_TRANSFER_QUERY_BYTES (12 + VLY_NAME_BYTES_MAX + 4 + 2 + 10 + 22)
__attribute__((nonnull)) size_t vly_transfer_write_query(uint8_t to[VLY_TRANSFER_QUERY_BYTES],
							 const struct vly_name *apex, uint16_t id,
							 uint16_t type, uint32_t ours);

/* The fields of an SOA's sound RDATA. */
__attribute__((nonnull)) void vly_transfer_soa_read(struct vly_transfer_soa *soa,
						    const uint8_t *data, unsigned data_len);

#endif
