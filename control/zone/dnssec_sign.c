/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signatures: of each RRset that should have one, whether a validator finds a good one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <volley/octets.h>

#include "dnssec_parts.h"
#include "rr_type.h"

/* RFC 4034 §3.1 */
#define RRSIG_ALGORITHM_AT  2
#define RRSIG_LABELS_AT     3
#define RRSIG_TTL_AT        4
#define RRSIG_EXPIRATION_AT 8
#define RRSIG_INCEPTION_AT  12
#define RRSIG_TAG_AT        16
#define RRSIG_SIGNER_AT     18

/* Signatures that are verified for one RRset, as validators limit it: more are an attack. */
#define VERIFY_MAX 16

/* An RRset that no message has room for is no validator's concern. */
#define SIGNED_BYTES_MAX (128 * 1024)

#define NO_EXPIRY INT64_MIN

/* What is wrong with a signature: the later, the nearer it is to a good one. */
enum fault {
	MISSING,
	MALFORMED,
	OTHER_SIGNER,
	WRONG_LABELS,
	WITHOUT_KEY,
	NO_ENTRY, /* of DNSKEY, by a key that the parent zone does not know */
	UNKNOWN,  /* of an algorithm that is not verified; no fault if there is nothing else */
	BOGUS,
	NOT_YET,
	EXPIRED,
	GOOD,
};

struct judging {
	struct vly_dnssec_worker *worker;
	uint32_t idx;
	const struct vly_rrset *rrset;
	unsigned tries; /* that are left */
	bool verifies;
	enum fault fault; /* of the best signature */
	const struct vly_zone_record *best;
	int64_t expiry_s; /* of the signature that expires last, or NO_EXPIRY */
};

/* Times are numbers modulo 2^32 (RFC 4034 §3.1.5): the one is meant that is nearest to now. */
static int64_t
time_at(const struct vly_dnssec *dnssec, const uint8_t *at)
{
	uint64_t now_s = dnssec->settings->now_s;

	return (int64_t)now_s + (int32_t)(vly_be32(at) - (uint32_t)now_s);
}

static bool
is_by_zone(const struct vly_zone *zone, const struct vly_zone_record *rrsig)
{
	unsigned len;
	const uint8_t *apex = vly_zone_node_name(zone, 0, &len);

	if (rrsig->data_len <= RRSIG_SIGNER_AT + len)
		return false;
	for (unsigned i = 0; i < len; i++)
		if (vly_ascii_lower(rrsig->data[RRSIG_SIGNER_AT + i]) != apex[i])
			return false;
	return true;
}

/* RFC 4034 §3.1.3: the root and a leftmost "*" are not counted. */
static unsigned
label_cnt(const struct vly_zone *zone, uint32_t idx)
{
	unsigned len;
	const uint8_t *name = vly_zone_node_name(zone, idx, &len);

	return zone->node[idx].label_cnt - (name[0] == 1 && name[1] == '*' ? 1u : 0u);
}

/* A validator comes from the parent zone to DNSKEY, so that these must be signed by a key that the
 * parent's DS are about: one with the flag SEP, if the zone uses it. */
static bool
may_sign(const struct judging *judging, const struct vly_dnssec_key *key)
{
	if (judging->rrset->type != VLY_TYPE_DNSKEY)
		return !key->is_revoked;
	return (key->is_entry && !key->is_revoked) || !judging->worker->dnssec->keys.has_entry;
}

/* The next key from `at` on that may have made the signature, or NULL. */
static const struct vly_dnssec_key *
next_key(const struct judging *judging, const struct vly_zone_record *rrsig, unsigned *at)
{
	const struct vly_dnssec_keys *keys = &judging->worker->dnssec->keys;

	while (*at < keys->cnt) {
		const struct vly_dnssec_key *key = &keys->key[(*at)++];
		if (key->tag == vly_be16(rrsig->data + RRSIG_TAG_AT) &&
		    key->algorithm == rrsig->data[RRSIG_ALGORITHM_AT])
			return key;
	}
	return NULL;
}

/* The same, of the keys that may sign the RRset. */
static const struct vly_dnssec_key *
next_signer(const struct judging *judging, const struct vly_zone_record *rrsig, unsigned *at)
{
	const struct vly_dnssec_key *key;

	while ((key = next_key(judging, rrsig, at)) != NULL && !may_sign(judging, key))
		;
	return key;
}

/* Writes what is signed (RFC 4034 §3.1.8.1) to worker->octets. Returns its length, 0 when it is too
 * large, or -1 without memory. */
static int
write_signed(const struct judging *judging, const struct vly_zone_record *rrsig)
{
	struct vly_dnssec_worker *worker = judging->worker;
	const struct vly_zone *zone = worker->dnssec->zone;
	const struct vly_rrset *rrset = judging->rrset;
	unsigned apex_len;
	unsigned len;
	const uint8_t *apex = vly_zone_node_name(zone, 0, &apex_len);
	const uint8_t *owner = vly_zone_node_name(zone, judging->idx, &len);
	size_t bytes = RRSIG_SIGNER_AT + apex_len;

	for (unsigned i = 0; i < rrset->record_cnt; i++)
		bytes += len + VLY_DNSSEC_RECORD_BYTES + rrset->record[i]->data_len;
	if (bytes > SIGNED_BYTES_MAX)
		return 0;
	const struct vly_zone_record *const *record = vly_dnssec_sort(worker, rrset);
	if (record == NULL || vly_dnssec_reserve(worker, bytes) != 0)
		return -1;
	memcpy(worker->octets, rrsig->data, RRSIG_SIGNER_AT);
	memcpy(worker->octets + RRSIG_SIGNER_AT, apex, apex_len);
	uint8_t *at = worker->octets + RRSIG_SIGNER_AT + apex_len;
	for (unsigned i = 0; i < rrset->record_cnt; i++)
		at = vly_dnssec_put_record(at, owner, len, record[i],
					   vly_be32(rrsig->data + RRSIG_TTL_AT));
	return (int)bytes;
}

/* Returns 0 and *is_good, or -1 without memory. */
static int
verify(struct judging *judging, const struct vly_zone_record *rrsig, bool *is_good)
{
	struct vly_dnssec_worker *worker = judging->worker;
	const struct vly_dnssec_key *key;
	unsigned apex_len;
	unsigned at = 0;
	int bytes = judging->tries > 0 ? write_signed(judging, rrsig) : 0;

	vly_zone_node_name(worker->dnssec->zone, 0, &apex_len);
	const unsigned signature_at = RRSIG_SIGNER_AT + apex_len;
	*is_good = bytes == 0 && judging->tries > 0;
	if (bytes <= 0)
		return bytes;
	while (!*is_good && judging->tries > 0 &&
	       (key = next_signer(judging, rrsig, &at)) != NULL) {
		judging->tries--;
		worker->verified_cnt++;
		*is_good = vly_dnssec_key_verify(
				   key, worker->octets, (size_t)bytes, rrsig->data + signature_at,
				   rrsig->data_len - signature_at) != VLY_DNSSEC_BOGUS;
	}
	return 0;
}

/* Everything but the signature itself. */
static enum fault
judge_form(const struct judging *judging, const struct vly_zone_record *rrsig)
{
	const struct vly_dnssec *dnssec = judging->worker->dnssec;
	const int64_t now_s = (int64_t)dnssec->settings->now_s;
	unsigned at = 0;

	if (rrsig->data_len <= RRSIG_SIGNER_AT)
		return MALFORMED;
	if (!is_by_zone(dnssec->zone, rrsig))
		return OTHER_SIGNER;
	if (rrsig->data[RRSIG_LABELS_AT] != label_cnt(dnssec->zone, judging->idx))
		return WRONG_LABELS;
	if (next_key(judging, rrsig, &at) == NULL)
		return WITHOUT_KEY;
	at = 0;
	const struct vly_dnssec_key *key = next_signer(judging, rrsig, &at);
	if (key == NULL)
		return NO_ENTRY;
	if (time_at(dnssec, rrsig->data + RRSIG_INCEPTION_AT) > now_s)
		return NOT_YET;
	if (time_at(dnssec, rrsig->data + RRSIG_EXPIRATION_AT) < now_s)
		return EXPIRED;
	return key->pubkey == NULL && !key->is_malformed ? UNKNOWN : GOOD;
}

/* Returns 0, or -1 without memory. */
static int
judge(struct judging *judging, const struct vly_zone_record *rrsig)
{
	enum fault fault = judge_form(judging, rrsig);
	bool is_good = true;

	if (fault >= NOT_YET || fault == UNKNOWN) {
		int64_t expiry_s =
			time_at(judging->worker->dnssec, rrsig->data + RRSIG_EXPIRATION_AT);
		if (expiry_s > judging->expiry_s)
			judging->expiry_s = expiry_s;
	}
	if (fault == GOOD && judging->verifies && judging->fault != GOOD &&
	    verify(judging, rrsig, &is_good) != 0)
		return -1;
	if (!is_good)
		fault = BOGUS;
	if (judging->best == NULL || fault > judging->fault) {
		judging->fault = fault;
		judging->best = rrsig;
	}
	return 0;
}

static void
write_date(const struct judging *judging, char *out, size_t bytes)
{
	const bool expired = judging->fault == EXPIRED;
	time_t when = (time_t)time_at(judging->worker->dnssec,
				      judging->best->data +
					      (expired ? RRSIG_EXPIRATION_AT : RRSIG_INCEPTION_AT));
	char text[32] = "a date out of range";
	struct tm tm;

	if (gmtime_r(&when, &tm) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	if (expired)
		snprintf(out, bytes, "expired on %s: sign the zone again", text);
	else
		snprintf(out, bytes, "is not valid before %s: check the clocks", text);
}

/* What is wrong with the signature that is nearest to a good one. */
static void
write_fault(const struct judging *judging, char *out, size_t bytes)
{
	const uint8_t *data = judging->best->data;

	if (judging->fault == MALFORMED)
		snprintf(out, bytes, "is malformed");
	else if (judging->fault == OTHER_SIGNER)
		snprintf(out, bytes, "names another signer than the zone");
	else if (judging->fault == WRONG_LABELS)
		snprintf(out, bytes, "has a wrong number of labels, %u", data[RRSIG_LABELS_AT]);
	else if (judging->fault == WITHOUT_KEY)
		snprintf(out, bytes,
			 "is by a key that no DNSKEY record has, tag %u of algorithm %u",
			 vly_be16(data + RRSIG_TAG_AT), data[RRSIG_ALGORITHM_AT]);
	else if (judging->fault == NO_ENTRY)
		snprintf(out, bytes,
			 "is by key %u, which is revoked or has no SEP flag: sign it with the "
			 "key that the parent zone knows",
			 vly_be16(data + RRSIG_TAG_AT));
	else if (judging->fault == BOGUS)
		snprintf(out, bytes, "by key %u does not verify: sign the zone again",
			 vly_be16(data + RRSIG_TAG_AT));
	else
		write_date(judging, out, bytes);
}

static void
report_fault(const struct judging *judging)
{
	struct vly_dnssec *dnssec = judging->worker->dnssec;
	char buffer[VLY_RR_TYPE_BYTES];
	const char *type = vly_rr_type_name(judging->rrset->type, buffer);
	char text[120];

	if (judging->fault == MISSING) {
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_signature_missing, judging->idx,
			       judging->rrset->record[0],
			       "its %s RRset has no signature: sign the zone again", type);
		return;
	}
	write_fault(judging, text, sizeof(text));
	vly_dnssec_add(dnssec,
		       judging->fault >= NOT_YET ? VLY_ZONE_CHECK_signature_expired
						 : VLY_ZONE_CHECK_signature_invalid,
		       judging->idx, judging->best, "the signature of its %s RRset %s", type, text);
}

/* Whether the signatures of this node are in the sample. */
static bool
wants_verify(struct vly_dnssec *dnssec, uint32_t idx)
{
	const struct vly_dnssec_settings *settings = dnssec->settings;
	uint64_t mixed = (dnssec->zone->node[idx].hash ^ settings->seed) *
			 UINT64_C(0x9e3779b97f4a7c15); /* odd: no two hashes become one */

	if (settings->verify != VLY_DNSSEC_VERIFY_SAMPLE)
		return settings->verify == VLY_DNSSEC_VERIFY_ALL;
	if (idx != 0 && (uint32_t)(mixed >> 32) >= dnssec->sample_share)
		return false;
	return atomic_fetch_add(&dnssec->sample_cnt, 1) < settings->sample_max;
}

static unsigned
covered_type(const struct vly_zone_record *rrsig)
{
	return rrsig->data_len >= 2 ? vly_be16(rrsig->data) : 0;
}

static int
by_covered_type(const void *left_ref, const void *right_ref)
{
	const struct vly_zone_record *left = *(const struct vly_zone_record *const *)left_ref;
	const struct vly_zone_record *right = *(const struct vly_zone_record *const *)right_ref;

	return (int)covered_type(left) - (int)covered_type(right);
}

/* Copies the signatures of a node to worker->rrsig, in the order of the types that they cover, so
 * that one walk over the RRsets passes them all. Returns how many; or -1 without memory. */
static int
sort_rrsigs(struct vly_dnssec_worker *worker)
{
	const struct vly_rrset *rrsigs = vly_rrsets_find(&worker->own, VLY_TYPE_RRSIG);

	if (rrsigs == NULL)
		return 0;
	if (rrsigs->record_cnt > worker->rrsig_max) {
		void *rrsig =
			reallocarray(worker->rrsig, rrsigs->record_cnt, sizeof(*worker->rrsig));
		if (rrsig == NULL)
			return -1;
		worker->rrsig = rrsig;
		worker->rrsig_max = rrsigs->record_cnt;
	}
	memcpy(worker->rrsig, rrsigs->record, rrsigs->record_cnt * sizeof(*worker->rrsig));
	if (rrsigs->record_cnt > 1)
		qsort(worker->rrsig, rrsigs->record_cnt, sizeof(*worker->rrsig), by_covered_type);
	return (int)rrsigs->record_cnt;
}

/* Checks an RRset, and goes on behind its signatures. Returns 0, or -1 without memory. */
static int
check_rrset(struct vly_dnssec_worker *worker, uint32_t idx, const struct vly_rrset *rrset,
	    const struct vly_zone_record ***rrsig, const struct vly_zone_record **end)
{
	struct judging judging = {
		.worker = worker,
		.idx = idx,
		.rrset = rrset,
		.tries = VERIFY_MAX,
		.verifies = wants_verify(worker->dnssec, idx),
		.fault = MISSING,
		.expiry_s = NO_EXPIRY,
	};

	worker->rrset_cnt++;
	for (; *rrsig < end && covered_type(**rrsig) <= rrset->type; ++*rrsig)
		if (covered_type(**rrsig) == rrset->type && judge(&judging, **rrsig) != 0)
			return -1;
	if (judging.expiry_s != NO_EXPIRY) {
		uint64_t expiry_s = judging.expiry_s > 0 ? (uint64_t)judging.expiry_s : 1;
		if (expiry_s < worker->expiry_s)
			worker->expiry_s = expiry_s;
	}
	if (judging.fault != GOOD && judging.fault != UNKNOWN)
		report_fault(&judging);
	return 0;
}

static int
check_node(struct vly_dnssec_worker *worker, uint32_t idx)
{
	const struct vly_zone *zone = worker->dnssec->zone;
	const struct vly_zone_node *node = &zone->node[idx];

	if (node->records == 0)
		return 0;
	if (vly_rrsets_load(&worker->own, zone, idx) != 0)
		return -1;
	const int rrsig_cnt = sort_rrsigs(worker);
	if (rrsig_cnt < 0)
		return -1;
	const struct vly_zone_record **rrsig = worker->rrsig;
	const struct vly_zone_record **end = rrsig + rrsig_cnt;
	for (unsigned i = 0; i < worker->own.cnt; i++) {
		const struct vly_rrset *rrset = &worker->own.rrset[i];
		if (rrset->ttl > worker->ttl_max)
			worker->ttl_max = rrset->ttl;
		if ((node->flags & VLY_ZONE_OCCLUDED) || rrset->type == VLY_TYPE_RRSIG ||
		    ((node->flags & VLY_ZONE_CUT) && rrset->type != VLY_TYPE_DS &&
		     rrset->type != VLY_TYPE_NSEC))
			continue;
		if (check_rrset(worker, idx, rrset, &rrsig, end) != 0)
			return -1;
	}
	return 0;
}

void
vly_dnssec_check_signatures(struct vly_dnssec *dnssec)
{
	vly_dnssec_share(dnssec, dnssec->zone->node_cnt, check_node, NULL);
}
