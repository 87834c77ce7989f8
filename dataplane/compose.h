/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Composing the answers that depend on the question: DNAME substitution (RFC 6672 §3), and what the
 * lookup of the new name adds. The rare path: everything else is compiled.
 */
#ifndef VLY_DATAPLANE_COMPOSE_H
#define VLY_DATAPLANE_COMPOSE_H

#include "query.h"

/* What a response holds behind the question. */
struct vly_composed {
	uint16_t flags; /* header flags: AA, TC, RCODE */
	uint16_t ancount;
	uint16_t nscount;
	uint16_t arcount; /* without the OPT */
	uint16_t wire_len;
	bool is_referral;
};

/*
 * Writes the sections for a name below the DNAME at query->node to `to`, at most `space` octets.
 * What does not fit sets TC and leaves the sections empty.
 */
__attribute__((cold, nonnull)) void vly_compose_dname(const struct vly_query *query, uint8_t *to,
						      unsigned space,
						      struct vly_composed *composed);

#endif
