/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chain of NSEC: each name that owns records which the zone answers for has one, which names
 * the next such name and lists the types of its own (RFC 4035 §2.3). */
#include <stdlib.h>
#include <string.h>

#include "dnssec_parts.h"
#include "domain.h"
#include "name_order.h"
#include "rdata.h"

struct chain {
	uint32_t *node; /* that should have NSEC, in canonical order */
	uint32_t cnt;
};

static bool
should_have_nsec(const struct vly_zone *zone, uint32_t idx)
{
	const struct vly_zone_node *node = &zone->node[idx];

	return node->records != 0 && !(node->flags & VLY_ZONE_HIDDEN);
}

/* Returns what is wrong with an NSEC record, or NULL. */
static const char *
find_fault(struct vly_dnssec_worker *worker, uint32_t idx, const struct vly_zone_record *nsec,
	   const uint8_t *expected, unsigned expected_len)
{
	struct vly_name next;

	if (!vly_rdata_scan_name(&next, nsec->data, nsec->data_len))
		return "its NSEC record is malformed";
	if (next.len != expected_len || memcmp(next.lower, expected, expected_len) != 0)
		return "its NSEC record names a wrong next name";
	if (!vly_dnssec_bitmap_is(worker, idx, true, nsec->data + next.len,
				  nsec->data_len - (unsigned)next.len))
		return "its NSEC record does not list the types of the name";
	return NULL;
}

static int
check_link(struct vly_dnssec_worker *worker, uint32_t at)
{
	struct vly_dnssec *dnssec = worker->dnssec;
	const struct chain *chain = worker->job;
	const uint32_t idx = chain->node[at];
	unsigned len;
	const uint8_t *next = vly_zone_node_name(
		dnssec->zone, chain->node[at + 1 < chain->cnt ? at + 1 : 0], &len);

	if (vly_rrsets_load(&worker->own, dnssec->zone, idx) != 0)
		return -1;
	const struct vly_rrset *nsec = vly_rrsets_find(&worker->own, VLY_TYPE_NSEC);
	if (nsec == NULL) {
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec_chain, idx,
			       worker->own.rrset[0].record[0],
			       "it has no NSEC record: sign the zone again");
		return 0;
	}
	if (nsec->record_cnt > 1) {
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec_chain, idx, nsec->record[1],
			       "it has more than one NSEC record");
		return 0;
	}
	vly_rrsets_drop_nsec3(&worker->own); /* the name of an NSEC3 record need not exist */
	const char *fault = find_fault(worker, idx, nsec->record[0], next, len);
	if (fault != NULL)
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec_chain, idx, nsec->record[0],
			       "%s: sign the zone again", fault);
	return 0;
}

void
vly_dnssec_check_nsec(struct vly_dnssec *dnssec)
{
	struct chain chain;

	if (!vly_dnssec_wants(dnssec, VLY_ZONE_CHECK_nsec_chain))
		return;
	chain.node = vly_zone_order(dnssec->zone, should_have_nsec, &chain.cnt);
	if (chain.node == NULL)
		dnssec->failed = true;
	else
		vly_dnssec_share(dnssec, chain.cnt, check_link, &chain);
	free(chain.node);
}
