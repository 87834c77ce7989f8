/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Digests: of the whole zone (ZONEMD, RFC 8976), and of keys (CDS, RFC 7344). */
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>

#include <volley/octets.h>

#include "dnssec_parts.h"
#include "name_order.h"

/* RFC 8976 §2.2: serial, scheme, hash algorithm, digest */
#define ZONEMD_SCHEME_AT 4
#define ZONEMD_HASH_AT   5
#define ZONEMD_DIGEST_AT 6
#define SCHEME_SIMPLE    1

#define SOA_FIXED_BYTES 20 /* behind the names */

#define DIGEST_BYTES_MAX 64

/* ZONEMD and CDS records that are looked at. Zones have two at most; comparing thousands with each
 * other would take long. */
#define RECORDS_MAX 64

/* [hash algorithm of ZONEMD] */
static const gnutls_digest_algorithm_t hashes[] = {0, GNUTLS_DIG_SHA384, GNUTLS_DIG_SHA512};
#define HASH_CNT (sizeof(hashes) / sizeof(hashes[0]))

static bool
is_known(const struct vly_zone_record *zonemd)
{
	return zonemd->data_len > ZONEMD_DIGEST_AT &&
	       zonemd->data[ZONEMD_SCHEME_AT] == SCHEME_SIMPLE &&
	       zonemd->data[ZONEMD_HASH_AT] > 0 && zonemd->data[ZONEMD_HASH_AT] < HASH_CNT;
}

/* RFC 8976 §3.3.1: not the digests themselves, and what signs them. */
static bool
is_digested(uint32_t idx, const struct vly_zone_record *record)
{
	const unsigned type = record->type == VLY_TYPE_RRSIG && record->data_len >= 2
				      ? vly_be16(record->data)
				      : record->type;

	return idx != 0 || type != VLY_TYPE_ZONEMD;
}

/* Returns 0, or -1 without memory. */
static int
hash_node(struct vly_dnssec_worker *worker, uint32_t idx, gnutls_hash_hd_t hash)
{
	unsigned len;
	const struct vly_zone *zone = worker->dnssec->zone;
	const uint8_t *owner = vly_zone_node_name(zone, idx, &len);

	if (vly_rrsets_load(&worker->own, zone, idx) != 0)
		return -1;
	for (unsigned i = 0; i < worker->own.cnt; i++) {
		const struct vly_rrset *rrset = &worker->own.rrset[i];
		const struct vly_zone_record *const *record = vly_dnssec_sort(worker, rrset);
		for (unsigned r = 0; record != NULL && r < rrset->record_cnt; r++) {
			if (!is_digested(idx, record[r]))
				continue;
			if (vly_dnssec_reserve(worker, len + VLY_DNSSEC_RECORD_BYTES +
							       record[r]->data_len) != 0)
				return -1;
			uint8_t *end = vly_dnssec_put_record(
				worker->octets, owner, len, record[r],
				rrset->type == VLY_TYPE_RRSIG ? record[r]->ttl : rrset->ttl);
			gnutls_hash(hash, worker->octets, (size_t)(end - worker->octets));
		}
		if (record == NULL)
			return -1;
	}
	return 0;
}

/* Computes a digest of the zone. Returns its length; 0 without memory. */
static unsigned
hash_zone(struct vly_dnssec *dnssec, gnutls_digest_algorithm_t algorithm,
	  uint8_t digest[DIGEST_BYTES_MAX])
{
	struct vly_dnssec_worker worker = {.dnssec = dnssec};
	uint32_t cnt;
	uint32_t *order = vly_zone_order(dnssec->zone, NULL, &cnt);
	gnutls_hash_hd_t hash;
	bool failed = order == NULL || gnutls_hash_init(&hash, algorithm) < 0;

	if (!failed) {
		for (uint32_t i = 0; i < cnt && !failed; i++)
			failed = hash_node(&worker, order[i], hash) != 0;
		gnutls_hash_deinit(hash, digest);
	}
	vly_rrsets_free(&worker.own);
	free(worker.octets);
	free(worker.sorted);
	free(order);
	dnssec->failed |= failed;
	return failed ? 0 : (unsigned)gnutls_hash_get_len(algorithm);
}

/* Records with the same scheme and hash algorithm are not to be used (RFC 8976 §2.2). */
static bool
is_unique(const struct vly_rrset *zonemd, const struct vly_zone_record *record)
{
	unsigned cnt = 0;

	for (unsigned i = 0; i < zonemd->record_cnt && i < RECORDS_MAX; i++)
		cnt += is_known(zonemd->record[i]) &&
		       zonemd->record[i]->data[ZONEMD_HASH_AT] == record->data[ZONEMD_HASH_AT];
	return cnt == 1;
}

/* Returns why a record of a known kind does not verify the zone, or NULL. */
static const char *
find_fault(struct vly_dnssec *dnssec, const struct vly_rrset *zonemd,
	   const struct vly_zone_record *record, const uint8_t serial[4])
{
	uint8_t digest[DIGEST_BYTES_MAX];

	if (memcmp(record->data, serial, 4) != 0)
		return "its ZONEMD record is of another serial than the SOA record";
	if (!is_unique(zonemd, record))
		return "two ZONEMD records have the same scheme and hash algorithm";
	unsigned len = hash_zone(dnssec, hashes[record->data[ZONEMD_HASH_AT]], digest);
	if (len == 0 || (record->data_len == ZONEMD_DIGEST_AT + len &&
			 memcmp(record->data + ZONEMD_DIGEST_AT, digest, len) == 0))
		return NULL;
	return "the digest of its ZONEMD record is not that of the zone: the file was changed or "
	       "is not complete";
}

void
vly_dnssec_check_zonemd(struct vly_dnssec *dnssec, const struct vly_rrset *zonemd)
{
	const struct vly_rrset *soa = vly_rrsets_find(&dnssec->apex, VLY_TYPE_SOA);
	const struct vly_zone_record *first = NULL;
	const char *fault = NULL;

	if (soa == NULL || soa->record[0]->data_len < SOA_FIXED_BYTES)
		return;
	const uint8_t *serial = soa->record[0]->data + soa->record[0]->data_len - SOA_FIXED_BYTES;
	for (unsigned i = 0; i < zonemd->record_cnt && i < RECORDS_MAX; i++) {
		const struct vly_zone_record *record = zonemd->record[i];
		if (!is_known(record))
			continue;
		const char *why = find_fault(dnssec, zonemd, record, serial);
		fault = first == NULL || why == NULL ? why : fault;
		first = first == NULL ? record : first;
		if (why == NULL)
			return; /* one that verifies is enough (RFC 8976 §4) */
	}
	if (fault != NULL)
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_zonemd, 0, first, "%s", fault);
}

/* [digest type of DS] */
static const gnutls_digest_algorithm_t key_hashes[] = {0, GNUTLS_DIG_SHA1, GNUTLS_DIG_SHA256, 0,
						       GNUTLS_DIG_SHA384};
#define KEY_HASH_CNT (sizeof(key_hashes) / sizeof(key_hashes[0]))

#define DS_DIGEST_AT 4

/* Whether a CDS record has the digest of a key (RFC 4034 §5.1.4). */
static bool
is_digest_of(const struct vly_dnssec *dnssec, const struct vly_zone_record *cds,
	     const struct vly_zone_record *key)
{
	const gnutls_digest_algorithm_t algorithm = key_hashes[cds->data[3]];
	uint8_t digest[DIGEST_BYTES_MAX];
	gnutls_hash_hd_t hash;
	unsigned len;
	const uint8_t *apex = vly_zone_node_name(dnssec->zone, 0, &len);

	if (gnutls_hash_init(&hash, algorithm) < 0)
		return true; /* no memory: not the record's fault */
	gnutls_hash(hash, apex, len);
	gnutls_hash(hash, key->data, key->data_len);
	gnutls_hash_deinit(hash, digest);
	len = (unsigned)gnutls_hash_get_len(algorithm);
	return cds->data_len == DS_DIGEST_AT + len &&
	       memcmp(cds->data + DS_DIGEST_AT, digest, len) == 0;
}

static void
check_cds(struct vly_dnssec *dnssec, const struct vly_zone_record *cds,
	  const struct vly_rrset *keys)
{
	bool has_tag = false;

	if (cds->data_len <= DS_DIGEST_AT || cds->data[3] >= KEY_HASH_CNT ||
	    key_hashes[cds->data[3]] == 0)
		return;
	for (unsigned i = 0; i < keys->record_cnt && i < VLY_DNSSEC_KEYS_MAX; i++) {
		const struct vly_zone_record *key = keys->record[i];
		if (key->data_len <= 4 || key->data[3] != cds->data[2] ||
		    vly_dnssec_key_tag(key->data, key->data_len) != vly_be16(cds->data))
			continue;
		has_tag = true;
		if (is_digest_of(dnssec, cds, key))
			return;
	}
	if (has_tag)
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_cds, 0, cds,
			       "the digest of its CDS record is not that of the DNSKEY record "
			       "with tag %u",
			       vly_be16(cds->data));
}

/* That some record has a key is checked in any zone (vly_check_child_keys()). */
void
vly_dnssec_check_cds(struct vly_dnssec *dnssec)
{
	const struct vly_rrset *cds = vly_rrsets_find(&dnssec->apex, VLY_TYPE_CDS);
	const struct vly_rrset *keys = vly_rrsets_find(&dnssec->apex, VLY_TYPE_DNSKEY);

	for (unsigned i = 0; cds != NULL && keys != NULL && i < cds->record_cnt && i < RECORDS_MAX;
	     i++)
		check_cds(dnssec, cds->record[i], keys);
}
