/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dnssec_check.h"

#include <stdlib.h>

#include <volley/octets.h>

#include "dnssec_parts.h"

/* From the end of the SOA's data (RFC 1035 §3.3.13): EXPIRE, MINIMUM. */
#define SOA_EXPIRE_FROM_END 8

/* Whether the node has an RRSIG that covers a type; 0: any. */
static bool
covers(const struct vly_rrsets *own, uint16_t type)
{
	const struct vly_rrset *rrsigs = vly_rrsets_find(own, VLY_TYPE_RRSIG);

	for (unsigned i = 0; rrsigs != NULL && i < rrsigs->record_cnt; i++)
		if (type == 0 ||
		    (rrsigs->record[i]->data_len >= 2 && vly_be16(rrsigs->record[i]->data) == type))
			return true;
	return false;
}

/* A server that does not answer for a zone as a signed one answers validators wrongly. */
static void
check_unsigned(struct vly_dnssec *dnssec)
{
	const struct vly_rrset *soa = vly_rrsets_find(&dnssec->apex, VLY_TYPE_SOA);

	if (soa != NULL && covers(&dnssec->apex, 0) &&
	    vly_rrsets_find(&dnssec->apex, VLY_TYPE_DNSKEY) != NULL)
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_signature_missing, 0, soa->record[0],
			       "its SOA RRset has no signature, so that the zone is served as an "
			       "unsigned one: sign the zone again");
}

/* About half of the records of a signed zone are signatures. */
static uint32_t
sample_share(const struct vly_zone *zone, const struct vly_dnssec_settings *settings)
{
	const uint64_t signature_cnt = zone->record_cnt / 2 + 1;

	return settings->sample_max >= signature_cnt
		       ? UINT32_MAX
		       : (uint32_t)(((uint64_t)settings->sample_max << 32) / signature_cnt);
}

static void
check_signatures(struct vly_dnssec *dnssec)
{
	const struct vly_rrset *dnskey = vly_rrsets_find(&dnssec->apex, VLY_TYPE_DNSKEY);
	const struct vly_rrset *soa = vly_rrsets_find(&dnssec->apex, VLY_TYPE_SOA);

	if (dnskey != NULL)
		vly_dnssec_keys_load(&dnssec->keys, dnskey);
	if (dnssec->keys.cnt == 0) {
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_signature_invalid, 0, soa->record[0],
			       "the zone has signatures, but no DNSKEY record of a zone key");
		return;
	}
	dnssec->sample_share = sample_share(dnssec->zone, dnssec->settings);
	vly_dnssec_check_signatures(dnssec);
	if (soa->record[0]->data_len >= SOA_EXPIRE_FROM_END)
		dnssec->facts->margin_s += vly_be32(soa->record[0]->data +
						    soa->record[0]->data_len - SOA_EXPIRE_FROM_END);
}

static void
check_denial(struct vly_dnssec *dnssec)
{
	const struct vly_rrset *soa = vly_rrsets_find(&dnssec->apex, VLY_TYPE_SOA);
	const struct vly_rrset *nsec = vly_rrsets_find(&dnssec->apex, VLY_TYPE_NSEC);
	const struct vly_rrset *params = vly_rrsets_find(&dnssec->apex, VLY_TYPE_NSEC3PARAM);

	if (nsec != NULL)
		vly_dnssec_check_nsec(dnssec);
	if (params != NULL)
		vly_dnssec_check_nsec3(dnssec, params);
	if (nsec == NULL && params == NULL)
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec_chain, 0, soa->record[0],
			       "the zone has signatures, but neither NSEC nor NSEC3PARAM: names "
			       "and types that do not exist can't be denied");
}

static void
check(struct vly_dnssec *dnssec)
{
	const struct vly_rrset *zonemd = vly_rrsets_find(&dnssec->apex, VLY_TYPE_ZONEMD);

	dnssec->facts->is_signed = covers(&dnssec->apex, VLY_TYPE_SOA) &&
				   vly_rrsets_find(&dnssec->apex, VLY_TYPE_SOA) != NULL;
	if (dnssec->facts->is_signed) {
		check_signatures(dnssec);
		check_denial(dnssec);
	} else {
		check_unsigned(dnssec);
	}
	vly_dnssec_check_cds(dnssec);
	if (zonemd != NULL && vly_dnssec_wants(dnssec, VLY_ZONE_CHECK_zonemd))
		vly_dnssec_check_zonemd(dnssec, zonemd);
	vly_dnssec_report(dnssec);
}

/* Most zones have nothing to check. */
static bool
is_concerned(const struct vly_zone *zone)
{
	const struct vly_zone_record *record;

	for (vly_arena_ref ref = zone->node[0].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == VLY_TYPE_RRSIG || record->type == VLY_TYPE_ZONEMD ||
		    record->type == VLY_TYPE_CDS)
			return true;
	}
	return false;
}

void
vly_dnssec_check(const struct vly_zone *zone, const struct vly_dnssec_settings *settings,
		 struct vly_zone_report *report, struct vly_dnssec_facts *facts)
{
	*facts = (struct vly_dnssec_facts){0};
	if (!is_concerned(zone))
		return;
	struct vly_dnssec *dnssec = calloc(1, sizeof(*dnssec));
	if (dnssec == NULL || vly_rrsets_load(&dnssec->apex, zone, 0) != 0) {
		vly_zone_report_add(report, VLY_ZONE_CHECK_must, zone->file[0], 0, "out of memory");
		free(dnssec);
		return;
	}
	facts->expiry_s = UINT64_MAX;
	dnssec->zone = zone;
	dnssec->settings = settings;
	dnssec->report = report;
	dnssec->facts = facts;
	pthread_mutex_init(&dnssec->lock, NULL);
	check(dnssec);
	if (facts->expiry_s == UINT64_MAX)
		facts->expiry_s = 0;
	pthread_mutex_destroy(&dnssec->lock);
	vly_dnssec_keys_free(&dnssec->keys);
	vly_rrsets_free(&dnssec->apex);
	free(dnssec);
}
