/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns_message.h"

#include <string.h>
#include <strings.h>

#include <volley/dns.h>

#define HEADER_BYTES 12

/* Returns the octets written, or 0. */
static size_t
write_name(const char *name, uint8_t *wire)
{
	size_t at = 0;

	if (strcmp(name, ".") == 0)
		name = "";
	while (*name) {
		const size_t len = strcspn(name, ".");
		if (len == 0 || len > 63 || at + len + 2 > VLY_NAME_BYTES_MAX)
			return 0;
		wire[at++] = (uint8_t)len;
		memcpy(wire + at, name, len);
		at += len;
		name += len + (name[len] == '.');
	}
	wire[at++] = 0;
	return at;
}

size_t
vly_dns_query_write(const char *name, uint16_t type, uint16_t id, uint8_t query[VLY_DNS_QUERY_MAX])
{
	/* no recursion is wanted; one question */
	const uint8_t header[HEADER_BYTES] = {(uint8_t)(id >> 8), (uint8_t)id, 0, 0, 0, 1};
	const size_t name_bytes = write_name(name, query + HEADER_BYTES);
	uint8_t *at = query + HEADER_BYTES + name_bytes;

	if (name_bytes == 0)
		return 0;
	memcpy(query, header, sizeof(header));
	at[0] = (uint8_t)(type >> 8);
	at[1] = (uint8_t)type;
	at[2] = 0;
	at[3] = 1; /* IN */
	return HEADER_BYTES + name_bytes + 4;
}

int
vly_dns_response_rcode(const uint8_t *query, size_t query_bytes, const uint8_t *message,
		       size_t bytes)
{
	if (bytes < HEADER_BYTES || memcmp(query, message, 2) != 0 || !(message[2] & 0x80) ||
	    (message[2] >> 3 & 15) != 0)
		return -1;
	const unsigned question_cnt = (unsigned)message[4] << 8 | message[5];
	/* servers that can't read a query may leave the question out (RFC 1035 §4.1.1) */
	if (question_cnt == 0)
		return (message[3] & 15) == VLY_RCODE_NOERROR ? -1 : message[3] & 15;
	if (question_cnt != 1 || bytes < query_bytes)
		return -1;
	/* lengths of labels are below 'A', so the comparison of letters leaves them alone */
	if (strncasecmp((const char *)query + HEADER_BYTES, (const char *)message + HEADER_BYTES,
			query_bytes - HEADER_BYTES - 5) != 0 ||
	    memcmp(query + query_bytes - 5, message + query_bytes - 5, 5) != 0)
		return -1;
	return message[3] & 15;
}
