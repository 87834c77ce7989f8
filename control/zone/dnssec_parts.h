/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the checks of a signed zone alone. dnssec_check.c calls the others:
 *
 *     dnssec_sign.c    signatures and their dates
 *     dnssec_nsec.c    the chain of NSEC
 *     dnssec_nsec3.c   the chain of NSEC3
 *     dnssec_digest.c  digests: ZONEMD, CDS
 *     dnssec_work.c    work shared by threads; findings
 */
#ifndef VLY_CONTROL_DNSSEC_PARTS_H
#define VLY_CONTROL_DNSSEC_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "dnssec_check.h"
#include "dnssec_key.h"

/* Findings of one check that are reported; the others are counted. A zone whose signatures have
 * expired has millions. */
#define VLY_DNSSEC_FINDINGS_MAX 16

#define VLY_DNSSEC_TEXT_BYTES 180

struct vly_dnssec_finding {
	uint32_t idx;                         /* node */
	const struct vly_zone_record *record; /* NULL: the name has none */
	char text[VLY_DNSSEC_TEXT_BYTES];
};

struct vly_dnssec_findings {
	uint64_t cnt;
	struct vly_dnssec_finding first[VLY_DNSSEC_FINDINGS_MAX]; /* in the order of the file */
};

struct vly_dnssec {
	const struct vly_zone *zone;
	const struct vly_dnssec_settings *settings;
	struct vly_zone_report *report;
	struct vly_dnssec_facts *facts;
	struct vly_rrsets apex;
	struct vly_dnssec_keys keys;
	uint32_t sample_share; /* nodes whose signatures are verified, of 2^32 */
	_Atomic uint32_t sample_cnt;
	atomic_bool failed; /* no memory */
	pthread_mutex_t lock;
	struct vly_dnssec_findings findings[VLY_ZONE_CHECK_CNT];
};

/* The types of a name as NSEC and NSEC3 list them: at most 256 windows of 2 + 32 octets. */
#define VLY_TYPE_BITMAP_BYTES (256 * 34)

/* What one thread works with, and what it has found out. */
struct vly_dnssec_worker {
	struct vly_dnssec *dnssec;
	const void *job; /* of vly_dnssec_share() */
	struct vly_rrsets own;
	uint8_t *octets; /* [octets_max] */
	size_t octets_max;
	const struct vly_zone_record **sorted; /* [sorted_max] */
	unsigned sorted_max;
	const struct vly_zone_record **rrsig; /* [rrsig_max] */
	unsigned rrsig_max;
	uint8_t bitmap[VLY_TYPE_BITMAP_BYTES];
	uint64_t expiry_s; /* UINT64_MAX: none */
	uint32_t ttl_max;
	uint64_t rrset_cnt;
	uint64_t verified_cnt;
};

/* dnssec_work.c */

/* Calls run() for each idx of 0..cnt-1, in several threads if there is enough to do. When run()
 * returns -1, there is no memory, and the rest may be left out. */
__attribute__((nonnull(1, 3))) void
vly_dnssec_share(struct vly_dnssec *dnssec, uint32_t cnt,
		 int (*run)(struct vly_dnssec_worker *worker, uint32_t idx), const void *job);

/* Notes a finding about a node, at the line of a record if it is not NULL. Any thread. */
__attribute__((format(printf, 5, 6), nonnull(1, 5), cold)) void
vly_dnssec_add(struct vly_dnssec *dnssec, unsigned check, uint32_t idx,
	       const struct vly_zone_record *record, const char *format, ...);

/* Reports all findings. */
__attribute__((nonnull)) void vly_dnssec_report(struct vly_dnssec *dnssec);

static inline bool
vly_dnssec_wants(const struct vly_dnssec *dnssec, unsigned check)
{
	return dnssec->report->severity[check] != VLY_ZONE_IGNORE;
}

/* Returns the records of an RRset in canonical order (RFC 4034 §6.3), valid until the next call;
 * NULL without memory. */
__attribute__((nonnull)) const struct vly_zone_record *const *
vly_dnssec_sort(struct vly_dnssec_worker *worker, const struct vly_rrset *rrset);

/* Makes room for `bytes` in worker->octets. Returns 0, or -1 without memory. */
__attribute__((nonnull, warn_unused_result)) int
vly_dnssec_reserve(struct vly_dnssec_worker *worker, size_t bytes);

/* Octets of a record in canonical form besides owner and data: type, class, TTL, length. */
#define VLY_DNSSEC_RECORD_BYTES 10

/* Writes a record in canonical form (RFC 4034 §6.2): there must be room for owner, data and
 * VLY_DNSSEC_RECORD_BYTES. Returns where it ends. */
__attribute__((nonnull)) uint8_t *vly_dnssec_put_record(uint8_t *at, const uint8_t *owner,
							unsigned owner_len,
							const struct vly_zone_record *record,
							uint32_t ttl);

/* Whether the types of a node, whose records are in worker->own, are those of a bitmap (RFC 4034
 * §4.1.2); `with_rrsig` adds RRSIG. */
__attribute__((nonnull)) bool vly_dnssec_bitmap_is(struct vly_dnssec_worker *worker, uint32_t idx,
						   bool with_rrsig, const uint8_t *bitmap,
						   unsigned len);

/* The others; all but the last two are for signed zones. */

__attribute__((nonnull)) void vly_dnssec_check_signatures(struct vly_dnssec *dnssec);
__attribute__((nonnull)) void vly_dnssec_check_nsec(struct vly_dnssec *dnssec);
__attribute__((nonnull)) void vly_dnssec_check_nsec3(struct vly_dnssec *dnssec,
						     const struct vly_rrset *params);
__attribute__((nonnull)) void vly_dnssec_check_cds(struct vly_dnssec *dnssec);
__attribute__((nonnull)) void vly_dnssec_check_zonemd(struct vly_dnssec *dnssec,
						      const struct vly_rrset *zonemd);

#endif
