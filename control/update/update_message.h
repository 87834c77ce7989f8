/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages of dynamic update (RFC 2136): from octets to prerequisites and changes.
 *
 * Use:
 *   1. vly_update_message_read() a message (untrusted);
 *   2. find the zone that it names, else the response is NOTAUTH;
 *   3. vly_update_message_check() the changes, and whether they are allowed;
 *   4. vly_update_apply() (update_apply.h);
 *   5. vly_update_message_free().
 *
 * The struct has copies of all that it needs of the message. Owners are in lower case; RDATA is
 * uncompressed and has its type's form. One thread at a time; no function blocks but for memory.
 */
#ifndef VLY_CONTROL_UPDATE_MESSAGE_H
#define VLY_CONTROL_UPDATE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <volley/dns.h>

/* Class NONE (RFC 2136 §2.4) */
#define VLY_UPDATE_CLASS_NONE 254

struct vly_update_record {
	const uint8_t *owner; /* sound, in lower case */
	const uint8_t *data;
	uint32_t ttl;
	uint16_t type;
	uint16_t class;
	uint16_t data_len;
	uint8_t owner_len;
};

struct vly_update_message {
	uint8_t zone[VLY_NAME_BYTES_MAX]; /* lower case */
	uint8_t zone_len;
	uint16_t zone_class;
	struct vly_update_record *prerequisite;
	unsigned prerequisite_cnt;
	struct vly_update_record *change; /* behind the prerequisites, in the same array */
	unsigned change_cnt;
	uint8_t *octets; /* owners and data */
};

/*
 * Reads all of a message. Returns VLY_RCODE_NOERROR with *update, the caller's to free; or an RCODE
 * with nothing to free: FORMERR, or SERVFAIL without memory.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_rcode
vly_update_message_read(struct vly_update_message *update, const uint8_t *message, size_t len);

/*
 * Checks the changes as far as that needs no look at the zone (RFC 2136 §3.4.1). Returns NOERROR,
 * FORMERR, NOTZONE; or REFUSED for types that belong to the signer: RRSIG, NSEC, NSEC3, NSEC3PARAM,
 * DNSKEY and ZONEMD. `why` is a sentence about what is not NOERROR.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_rcode
vly_update_message_check(const struct vly_update_message *update, const char **why);

/* The same for one prerequisite (§3.2); for update_apply.c, which checks them in their order. */
__attribute__((nonnull, warn_unused_result)) enum vly_rcode
vly_update_prerequisite_check(const struct vly_update_message *update,
			      const struct vly_update_record *record, const char **why);

__attribute__((nonnull)) void vly_update_message_free(struct vly_update_message *update);

#endif
