/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The checks of a signed zone, as a validator would make them: signatures, their dates, the chain
 * of NSEC or NSEC3, the digests of ZONEMD; zone_report.h lists them.
 *
 *   - A zone is signed if its apex has an RRSIG that covers the SOA record.
 *   - An RRset is good if one signature of it is: in date, by a zone key of the apex, and verified.
 *     A validator takes any signature that it can follow, so that not every algorithm of the DNSKEY
 *     records is asked for (RFC 6840 §5.11), and what else is there, such as signatures of a key
 *     that is being exchanged, is no finding.
 *   - Structure and dates of all signatures are always checked. Verifying them takes much longer,
 *     so that the caller says how many are verified.
 *
 * Use: after vly_zone_check(), vly_dnssec_check(). Each check reports its first findings in the
 * order of the file, and how many more there are.
 *
 * Zones are untrusted. Starts threads for large zones, and returns when they have ended. Blocks for
 * nothing else; any thread.
 */
#ifndef VLY_CONTROL_DNSSEC_CHECK_H
#define VLY_CONTROL_DNSSEC_CHECK_H

#include "zone.h"
#include "zone_report.h"

/* Which signatures are verified. */
enum vly_dnssec_verify {
	VLY_DNSSEC_VERIFY_NONE,
	VLY_DNSSEC_VERIFY_SAMPLE, /* of the apex, and of names at random: up to sample_max */
	VLY_DNSSEC_VERIFY_ALL,
};

struct vly_dnssec_settings {
	uint64_t now_s; /* Unix time */
	uint64_t seed;  /* of the sample */
	uint8_t verify; /* enum vly_dnssec_verify */
	uint32_t sample_max;
	unsigned thread_max; /* 1.., with the caller's */
};

/* Signatures that a load verifies of one zone, and of all zones: 0.3 s and 3 s of a core for ECDSA
 * P-256. A thousand show damage to one signature in 200 with a probability of 99 %. Fewer: damage
 * is seen later. More: zones are served later. */
#define VLY_DNSSEC_SAMPLE_MAX 1000
#define VLY_DNSSEC_LOAD_MAX   10000

/* The sample of zone `zone_idx` in a load of zone_cnt zones: an equal share, or, when there are more
 * zones than signatures to verify, one of some zones. */
static inline uint32_t
vly_dnssec_sample(uint64_t seed, uint32_t zone_idx, uint32_t zone_cnt)
{
	const uint32_t share = zone_cnt > 0 ? VLY_DNSSEC_LOAD_MAX / zone_cnt : VLY_DNSSEC_LOAD_MAX;

	if (share > 0)
		return share < VLY_DNSSEC_SAMPLE_MAX ? share : VLY_DNSSEC_SAMPLE_MAX;
	return (seed + zone_idx) % zone_cnt < VLY_DNSSEC_LOAD_MAX;
}

struct vly_dnssec_facts {
	bool is_signed;
	/* When the first RRset is left without a signature in date, in Unix time; 0: the zone has
	 * no signature that a key of it could have made. */
	uint64_t expiry_s;
	/* SOA expire and the largest TTL: as long before the expiry, a secondary server may still
	 * fetch the zone, and a cache keep it, until signatures have expired. */
	uint64_t margin_s;
	uint64_t rrset_cnt;    /* that should be signed */
	uint64_t verified_cnt; /* signatures that were verified, good or not */
};

/* Checks a zone, signed or not, reports the findings, and fills *facts. */
__attribute__((nonnull)) void vly_dnssec_check(const struct vly_zone *zone,
					       const struct vly_dnssec_settings *settings,
					       struct vly_zone_report *report,
					       struct vly_dnssec_facts *facts);

#endif
