/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The query of a check, and what its response says. Pure. */
#ifndef VLY_HEALTH_DNS_MESSAGE_H
#define VLY_HEALTH_DNS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

/* A header, the longest name, type and class. */
#define VLY_DNS_QUERY_MAX (12 + 255 + 4)

/* Writes a query for `name`, which has no escapes, with or without the last dot. Returns its octets, or 0 when the name
 * is none. */
__attribute__((nonnull)) size_t vly_dns_query_write(const char *name, uint16_t type, uint16_t id,
						    uint8_t query[VLY_DNS_QUERY_MAX]);

/* Returns the RCODE of a message (untrusted), or -1 when it does not answer the query. */
__attribute__((nonnull)) int vly_dns_response_rcode(const uint8_t *query, size_t query_bytes,
						    const uint8_t *message, size_t bytes);

#endif
