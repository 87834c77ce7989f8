/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signed queries (RFC 8945): the dataplane has answered them, and sends query and response; the key is
 * here. A secondary asks for the SOA so, and certbot.
 *
 * Threads: any; nothing blocks.
 */
#ifndef VLY_CONTROL_SIGNED_QUERY_H
#define VLY_CONTROL_SIGNED_QUERY_H

#include <volley/publish.h>

#include "keyring.h"

/*
 * Verifies a query (untrusted), and signs the response that came with it, or one that says why the query
 * is not believed. `response` has VLY_MESSAGE_BYTES_MAX octets. Returns the octets of the response; 0:
 * there is none. *error: that of TSIG, or 0.
 */
__attribute__((nonnull, warn_unused_result)) size_t
vly_signed_query_answer(struct vly_keyring *keyring,
			const struct vly_publish_client_request *request, uint64_t now,
			uint8_t *response, unsigned *error);

#endif
