/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <volley/octets.h>

#include "common/plural.h"
#include "dnssec_key.h"
#include "rdata.h"
#include "svc_params.h"
#include "zone_check_parts.h"

#define LOC_BYTES 16

/* RFC 1876 §2: 2^31 stands for 0 degrees; the unit is a thousandth of a second of arc. */
#define LOC_ZERO         (UINT32_C(1) << 31)
#define LOC_DEGREE       3600000u
#define LOC_LATITUDE     (90 * LOC_DEGREE)
#define LOC_LONGITUDE    (180 * LOC_DEGREE)
#define LOC_LATITUDE_AT  4
#define LOC_LONGITUDE_AT 8

/* RFC 9460 §14.3.2 */
enum { SVC_ALPN = 1, SVC_NO_DEFAULT_ALPN = 2 };

/* A type with a digest behind a number that says which one. */
struct digest {
	uint16_t type;
	uint8_t number_at;
	uint8_t digest_at;
	uint8_t len_min;
	uint8_t len[7]; /* by the number; 0: of any length */
};

/* The lengths of the digests that IANA lists. */
static const struct digest digests[] = {
	{VLY_TYPE_DS, 3, 4, 1, {0, 20, 32, 32, 48, 32, 32}},
	{VLY_TYPE_CDS, 3, 4, 1, {0, 20, 32, 32, 48, 32, 32}},
	{VLY_TYPE_DLV, 3, 4, 1, {0, 20, 32, 32, 48, 32, 32}},
	{VLY_TYPE_SSHFP, 1, 2, 1, {0, 20, 32}},
	{VLY_TYPE_TLSA, 2, 3, 1, {0, 32, 64}},
	{VLY_TYPE_SMIMEA, 2, 3, 1, {0, 32, 64}},
	{VLY_TYPE_ZONEMD, 5, 6, 12, {0, 48, 64}}, /* RFC 8976 §2.2.4: never below 12 */
};

static const struct digest *
find_digest(uint16_t type)
{
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (digests[i].type == type)
			return &digests[i];
	return NULL;
}

static void
check_digest(const struct vly_check_place *place, const struct digest *digest,
	     const struct vly_zone_record *record)
{
	if (record->data_len <= digest->digest_at) {
		vly_check_add(place, VLY_ZONE_CHECK_digest_length, record, "it has no digest");
		return;
	}
	const unsigned number = record->data[digest->number_at];
	const unsigned len = (unsigned)record->data_len - digest->digest_at;
	const unsigned expected = number < sizeof(digest->len) ? digest->len[number] : 0;
	if (expected != 0 && len != expected)
		vly_check_add(place, VLY_ZONE_CHECK_digest_length, record,
			      "its digest has %u octet%s, but those of type %u have %u", len,
			      vly_plural(len), number, expected);
	else if (len < digest->len_min)
		vly_check_add(place, VLY_ZONE_CHECK_digest_length, record,
			      "its digest has %u octet%s, fewer than %u", len, vly_plural(len),
			      digest->len_min);
}

static bool
is_beyond(uint32_t angle, uint32_t max)
{
	return angle > LOC_ZERO + max || angle < LOC_ZERO - max;
}

static void
check_location(const struct vly_check_place *place, const struct vly_zone_record *record)
{
	const uint8_t *data = record->data;

	if (record->data_len == 0 || data[0] != 0)
		return; /* another version */
	if (record->data_len != LOC_BYTES)
		vly_check_add(place, VLY_ZONE_CHECK_location, record,
			      "its data is not %u octets long", LOC_BYTES);
	else if (is_beyond(vly_be32(data + LOC_LATITUDE_AT), LOC_LATITUDE))
		vly_check_add(place, VLY_ZONE_CHECK_location, record,
			      "its latitude is beyond 90 degrees");
	else if (is_beyond(vly_be32(data + LOC_LONGITUDE_AT), LOC_LONGITUDE))
		vly_check_add(place, VLY_ZONE_CHECK_location, record,
			      "its longitude is beyond 180 degrees");
}

/* Returns what is wrong with the parameters of a service, or NULL. Keys are in ascending order (RFC
 * 9460 §2.2), and so are those that are mandatory (§8): each must turn up further on. */
static const char *
service_fault(const uint8_t *at, const uint8_t *end)
{
	const uint8_t *mandatory = end;
	const uint8_t *mandatory_end = end;
	int before = -1;

	while (at < end) {
		if (end - at < VLY_SVC_HEAD_BYTES ||
		    (long)vly_be16(at + 2) > end - at - VLY_SVC_HEAD_BYTES)
			return "its parameters are malformed";
		const int key = (int)vly_be16(at);
		const unsigned len = vly_be16(at + 2);
		at += VLY_SVC_HEAD_BYTES;
		if (key <= before)
			return "its parameters are not in ascending order";
		if (key == SVC_NO_DEFAULT_ALPN && before != SVC_ALPN)
			return "it has no-default-alpn without alpn";
		if (key == VLY_SVC_MANDATORY) {
			if (len == 0 || len % 2 != 0)
				return "its mandatory is malformed";
			mandatory = at;
			mandatory_end = at + len;
		} else if (mandatory < mandatory_end && (int)vly_be16(mandatory) == key) {
			mandatory += 2;
		}
		before = key;
		at += len;
	}
	return mandatory < mandatory_end
		       ? "its mandatory has keys that are missing, twice, or not in ascending order"
		       : NULL;
}

/* In alias mode, parameters are ignored (RFC 9460 §2.4.2). */
static void
check_service(const struct vly_check_place *place, const struct vly_zone_record *record)
{
	const uint8_t *data = record->data;
	struct vly_name target;

	if (record->data_len >= 3 && vly_be16(data) == 0)
		return;
	if (record->data_len < 3 ||
	    !vly_rdata_scan_name(&target, data + 2, record->data_len - 2u)) {
		vly_check_add(place, VLY_ZONE_CHECK_svcb, record, "its target is malformed");
		return;
	}
	const char *fault = service_fault(data + 2 + target.len, data + record->data_len);
	if (fault != NULL)
		vly_check_add(place, VLY_ZONE_CHECK_svcb, record, "%s", fault);
}

void
vly_check_data(const struct vly_check_place *place, const struct vly_rrset *rrset)
{
	const bool is_service = rrset->type == VLY_TYPE_SVCB || rrset->type == VLY_TYPE_HTTPS;
	const struct digest *digest = find_digest(rrset->type);

	if (!is_service && digest == NULL && rrset->type != VLY_TYPE_LOC)
		return;
	for (unsigned i = 0; i < rrset->record_cnt; i++) {
		if (is_service)
			check_service(place, rrset->record[i]);
		else if (digest != NULL)
			check_digest(place, digest, rrset->record[i]);
		else
			check_location(place, rrset->record[i]);
	}
}

/* Whether a CDS or CDNSKEY record is about this DNSKEY: by tag and algorithm, or by all but the
 * flags, which a revoked key changes. */
static bool
is_about(const struct vly_zone_record *record, const struct vly_zone_record *key)
{
	if (record->type == VLY_TYPE_CDS)
		return vly_be16(record->data) == vly_dnssec_key_tag(key->data, key->data_len) &&
		       record->data[2] == key->data[3];
	return record->data_len == key->data_len &&
	       memcmp(record->data + 2, key->data + 2, key->data_len - 2u) == 0;
}

/* Whether any record is about any key, or asks for the removal of the DS (RFC 8078 §4). Records too
 * short to be either are no matter of this check. */
static bool
has_match(const struct vly_rrset *asks, const struct vly_rrset *keys)
{
	const unsigned algorithm_at = asks->type == VLY_TYPE_CDS ? 2 : 3;

	for (unsigned i = 0; i < asks->record_cnt; i++) {
		const struct vly_zone_record *record = asks->record[i];
		if (record->data_len < 5 || record->data[algorithm_at] == 0)
			return true;
		for (unsigned k = 0; k < keys->record_cnt; k++)
			if (keys->record[k]->data_len >= 5 && is_about(record, keys->record[k]))
				return true;
	}
	return false;
}

/* Octets of a record in a message besides its data, when the owner is compressed. */
#define RECORD_HEAD_BYTES 12

/* Whether a message has room for the set. One that is larger is a finding of its own, and comparing
 * two such sets record by record could take hours. */
static bool
fits_message(const struct vly_rrset *rrset)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < rrset->record_cnt; i++)
		bytes += RECORD_HEAD_BYTES + rrset->record[i]->data_len;
	return bytes <= UINT16_MAX;
}

/* RFC 7344 §4.1: the delegation must not break. A CDS for a key that is not yet in use may stand
 * beside one for a key that is. */
void
vly_check_child_keys(const struct vly_check_place *place, const struct vly_rrsets *own)
{
	static const uint16_t types[] = {VLY_TYPE_CDS, VLY_TYPE_CDNSKEY};
	const struct vly_rrset *keys = vly_rrsets_find(own, VLY_TYPE_DNSKEY);

	if (keys == NULL || !fits_message(keys))
		return;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const struct vly_rrset *asks = vly_rrsets_find(own, types[i]);
		if (asks != NULL && fits_message(asks) && !has_match(asks, keys))
			vly_check_add(place, VLY_ZONE_CHECK_cds, asks->record[0],
				      "no %s record matches a DNSKEY record: a parent zone that "
				      "follows them breaks the delegation",
				      asks->type == VLY_TYPE_CDS ? "CDS" : "CDNSKEY");
	}
}
