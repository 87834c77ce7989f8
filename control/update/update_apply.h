/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Evaluates a dynamic update (RFC 2136 §3.2, §3.4.2) against a zone: first the prerequisites, then
 * the changes, one after the other, each upon the result of those before. All of them become one
 * change, or none does.
 *
 * Where the RFC leaves something open, this does as BIND does: a record that is added with another
 * TTL gives it to its whole RRset; DNAME is replaced as CNAME is; a name in RDATA that differs in
 * case replaces the old one. Wildcards are names like others.
 *
 * Use: vly_update_apply() with a message that vly_update_message_check() has found good.
 * Any thread; no function blocks, except in the callbacks.
 */
#ifndef VLY_CONTROL_UPDATE_APPLY_H
#define VLY_CONTROL_UPDATE_APPLY_H

#include "change/change.h"
#include "update_message.h"

struct vly_update_records;

/* The zone as it is, and what may be done to it. */
struct vly_update_zone {
	/* Calls vly_update_records_add() for each record of a name (lower case, in the zone). Returns 0,
	 * or -1 when the zone can't be read. */
	int (*get)(void *arg, const uint8_t *owner, unsigned owner_len,
		   struct vly_update_records *records);
	/* May the records of a type be removed, when all types of a name are to be? NULL: always. */
	bool (*permits)(void *arg, const uint8_t *owner, unsigned owner_len, uint16_t type);
	void *arg;
};

/* Hands over one record; its data holds until vly_update_apply() returns. */
__attribute__((nonnull(1))) void vly_update_records_add(struct vly_update_records *records,
							uint16_t type, uint32_t ttl,
							const uint8_t *data, unsigned data_len);

/*
 * Fills an empty change, the caller's to free in any case. Returns NOERROR: `change` is empty when
 * nothing is to be done; it has the SOA and its serials only if the update brings a new SOA. Or,
 * with a sentence in *why: YXDOMAIN, NXDOMAIN, YXRRSET or NXRRSET for a prerequisite that is not met;
 * REFUSED for a zone that a signer makes, by permits(), or when the message has too many changes for a
 * name with very many records; SERVFAIL when the zone can't be read, or
 * without memory.
 */
__attribute__((nonnull, warn_unused_result)) enum vly_rcode
vly_update_apply(const struct vly_update_message *update, const struct vly_update_zone *zone,
		 struct vly_change *change, const char **why);

#endif
