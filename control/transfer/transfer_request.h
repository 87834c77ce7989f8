/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a query on a connection for transfers: AXFR (RFC 5936 §2.1), IXFR (RFC 1995 §3), SOA. Pure; any
 * thread. Messages are untrusted.
 */
#ifndef VLY_CONTROL_TRANSFER_REQUEST_H
#define VLY_CONTROL_TRANSFER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/message.h"
#include "key/tsig.h"

/* In the order in which it is looked for. */
enum vly_request_fault {
	VLY_REQUEST_GOOD,
	VLY_REQUEST_SILENT,         /* not even a header, or a response: no answer, close */
	VLY_REQUEST_MALFORMED,      /* FORMERR */
	VLY_REQUEST_UNKNOWN_OPCODE, /* NOTIMP */
	VLY_REQUEST_BAD_VERSION,    /* BADVERS */
};

struct vly_transfer_request {
	uint16_t id;
	uint16_t flags;               /* of the header, as they came */
	bool has_question;            /* name, type and class are set */
	struct vly_message_name name; /* as the client spells it */
	uint16_t type;
	uint16_t class;
	bool has_serial; /* IXFR: there is a SOA of that name in the authority section */
	uint32_t serial;
	bool has_opt;
	struct vly_tsig tsig; /* found or not */
};

/* Reads message[0..len-1] into *request, whose fields are set as far as it was read. An IXFR without a
 * SOA is malformed. */
__attribute__((nonnull, warn_unused_result)) enum vly_request_fault
vly_transfer_request_read(struct vly_transfer_request *request, const uint8_t *message, size_t len);

#endif
