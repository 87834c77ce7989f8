/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <volley/octets.h>

#include "common/nsec3_hash.h"
#include "zone/name_order.h"
#include "zone_model_parts.h"

/* RFC 4034 §3.1, up to the signer's name; then a signature of so many octets. */
enum { RRSIG_FIXED_BYTES = 18, SIGNATURE_BYTES = 8 };

static bool
has_type(const struct vly_model *model, const uint8_t *owner, uint16_t type)
{
	for (unsigned i = 0; i < model->cnt; i++)
		if (model->record[i].type == type && is_same_name(model->record[i].owner, owner))
			return true;
	return false;
}

static bool
is_apex(const struct vly_model *model, const uint8_t *name)
{
	return is_same_name(name, model->record[0].owner);
}

/* Whether a name is a delegation. */
static bool
is_cut(const struct vly_model *model, const uint8_t *name)
{
	return !is_apex(model, name) && has_type(model, name, VLY_TYPE_NS);
}

/* Whether a name is below a delegation or a DNAME. */
static bool
is_occluded(const struct vly_model *model, const uint8_t *name)
{
	while (!is_apex(model, name)) {
		name += *name + 1u;
		if (is_cut(model, name) || has_type(model, name, VLY_TYPE_DNAME))
			return true;
	}
	return false;
}

static struct vly_model_record *
add(struct vly_model *into, const uint8_t *owner, uint16_t type, uint32_t ttl)
{
	cr_assert_lt(into->cnt, VLY_MODEL_RECORDS_MAX);
	struct vly_model_record *record = &into->record[into->cnt++];
	*record = (struct vly_model_record){.type = type, .ttl = ttl};
	memcpy(record->owner, owner, name_len(owner));
	return record;
}

/* FNV-1a of the RRset that record `idx` is the first of. */
static uint64_t
digest(const struct vly_model *model, unsigned idx, uint32_t epoch)
{
	const struct vly_model_record *first = &model->record[idx];
	uint64_t sum = UINT64_C(14695981039346656037) ^ epoch;

	for (unsigned i = idx; i < model->cnt; i++) {
		const struct vly_model_record *record = &model->record[i];
		if (record->type != first->type || !is_same_name(record->owner, first->owner))
			continue;
		for (unsigned at = 0; at < record->data_len; at++)
			sum = (sum ^ record->data[at]) * UINT64_C(1099511628211);
		sum = (sum ^ record->ttl) * UINT64_C(1099511628211);
	}
	return sum;
}

/* Signs the RRset that record `idx` is the first of. */
static void
sign_rrset(struct vly_model *into, unsigned idx, uint32_t epoch)
{
	const struct vly_model_record set = into->record[idx];
	const uint64_t sum = digest(into, idx, epoch);
	struct vly_model_record *rrsig = add(into, set.owner, VLY_TYPE_RRSIG, set.ttl);

	vly_put_be16(rrsig->data, set.type);
	rrsig->data[2] = 13;
	vly_put_be16(rrsig->data + 14, epoch);
	unsigned at = RRSIG_FIXED_BYTES + put_name(into->apex, rrsig->data + RRSIG_FIXED_BYTES);
	memcpy(rrsig->data + at, &sum, SIGNATURE_BYTES);
	rrsig->data_len = at + SIGNATURE_BYTES;
}

static bool
is_first_of_set(const struct vly_model *model, unsigned idx)
{
	for (unsigned i = 0; i < idx; i++)
		if (model->record[i].type == model->record[idx].type &&
		    is_same_name(model->record[i].owner, model->record[idx].owner))
			return false;
	return true;
}

static int
by_order(const void *left, const void *right)
{
	return vly_name_order(*(uint8_t *const *)left, *(uint8_t *const *)right);
}

static void
add_nsec(struct vly_model *into, const struct vly_model *model, const uint8_t *owner,
	 const uint8_t *next)
{
	struct vly_model_record *nsec = add(into, owner, VLY_TYPE_NSEC, 60);
	unsigned at = name_len(next);
	uint8_t bitmap[32] = {0};
	unsigned last = VLY_TYPE_NSEC;

	bitmap[VLY_TYPE_RRSIG / 8] |= 0x80 >> VLY_TYPE_RRSIG % 8;
	bitmap[VLY_TYPE_NSEC / 8] |= 0x80 >> VLY_TYPE_NSEC % 8;
	for (unsigned i = 0; i < model->cnt; i++) {
		const unsigned type = model->record[i].type;
		if (!is_same_name(model->record[i].owner, owner))
			continue;
		bitmap[type / 8] |= (uint8_t)(0x80 >> type % 8);
		last = type > last ? type : last;
	}
	memcpy(nsec->data, next, at);
	nsec->data[at++] = 0;
	nsec->data[at++] = (uint8_t)(last / 8 + 1);
	memcpy(nsec->data + at, bitmap, last / 8 + 1);
	nsec->data_len = at + last / 8 + 1;
}

static void
add_chain(struct vly_model *into, const struct vly_model *model)
{
	const uint8_t *owner[VLY_MODEL_RECORDS_MAX];
	unsigned cnt = 0;

	for (unsigned i = 0; i < model->cnt; i++) {
		bool known = is_occluded(model, model->record[i].owner);
		for (unsigned k = 0; k < cnt && !known; k++)
			known = is_same_name(owner[k], model->record[i].owner);
		if (!known)
			owner[cnt++] = model->record[i].owner;
	}
	qsort(owner, cnt, sizeof(owner[0]), by_order);
	for (unsigned i = 0; i < cnt; i++)
		add_nsec(into, model, owner[i], owner[(i + 1) % cnt]);
}

/* ---- NSEC3 ---- */

static const uint8_t salt[4] = {0xaa, 0xbb, 0xcc, 0xdd};

enum { NSEC3_HEAD_BYTES = 5 };

struct hashed {
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	const uint8_t *name;
};

/* Head and salt, the same in NSEC3 and NSEC3PARAM. Returns their octets. */
static unsigned
put_params(uint8_t *to, const struct vly_model_chain *chain, uint8_t flags)
{
	to[0] = 1;
	to[1] = flags;
	vly_put_be16(to + 2, chain->iterations);
	to[4] = chain->salt_len;
	memcpy(to + NSEC3_HEAD_BYTES, salt, chain->salt_len);
	return NSEC3_HEAD_BYTES + chain->salt_len;
}

static int
by_hash(const void *left, const void *right)
{
	return memcmp(left, right, VLY_NSEC3_HASH_BYTES);
}

/* A name, and those above it, of which some are empty non-terminals. */
static unsigned
hash_names(const struct vly_model *model, const struct vly_model_chain *chain, const uint8_t *name,
	   struct hashed *hashed, unsigned cnt)
{
	const struct vly_nsec3_params params = {chain->iterations, chain->salt_len, salt};

	for (;; name += *name + 1u) {
		bool known = false;
		for (unsigned i = 0; i < cnt && !known; i++)
			known = is_same_name(hashed[i].name, name);
		if (!known) {
			cr_assert_lt(cnt, VLY_MODEL_RECORDS_MAX);
			hashed[cnt].name = name;
			vly_nsec3_hash(&params, name, name_len(name), hashed[cnt++].hash);
		}
		if (is_apex(model, name))
			return cnt;
	}
}

static void
add_nsec3(struct vly_model *into, const struct vly_model *model,
	  const struct vly_model_chain *chain, const struct hashed *hashed,
	  const struct hashed *next)
{
	uint8_t owner[VLY_MODEL_NAME_BYTES] = {VLY_NSEC3_LABEL_BYTES};
	uint8_t bitmap[32] = {0};
	unsigned last = 1;

	vly_nsec3_label(hashed->hash, owner + 1);
	put_name(into->apex, owner + 1 + VLY_NSEC3_LABEL_BYTES);
	struct vly_model_record *nsec3 = add(into, owner, VLY_TYPE_NSEC3, 60);
	unsigned at = put_params(nsec3->data, chain, chain->opt_out);
	nsec3->data[at++] = VLY_NSEC3_HASH_BYTES;
	memcpy(nsec3->data + at, next->hash, VLY_NSEC3_HASH_BYTES);
	at += VLY_NSEC3_HASH_BYTES;
	for (unsigned i = 0; i < model->cnt; i++) {
		const unsigned type = model->record[i].type;
		if (!is_same_name(model->record[i].owner, hashed->name))
			continue;
		bitmap[type / 8] |= (uint8_t)(0x80 >> type % 8);
		last = type > last ? type : last;
	}
	nsec3->data[at++] = 0;
	nsec3->data[at++] = (uint8_t)(last / 8 + 1);
	memcpy(nsec3->data + at, bitmap, last / 8 + 1);
	nsec3->data_len = at + last / 8 + 1;
}

static void
add_hash_chain(struct vly_model *into, const struct vly_model *model,
	       const struct vly_model_chain *chain)
{
	struct hashed hashed[VLY_MODEL_RECORDS_MAX];
	unsigned cnt = 0;

	struct vly_model_record *param = add(into, model->record[0].owner, VLY_TYPE_NSEC3PARAM, 0);
	param->data_len = put_params(param->data, chain, 0);
	for (unsigned i = 0; i < model->cnt; i++) {
		const uint8_t *owner = model->record[i].owner;
		const bool is_insecure =
			is_cut(model, owner) && !has_type(model, owner, VLY_TYPE_DS);
		if (!is_occluded(model, owner) && !(chain->opt_out && is_insecure))
			cnt = hash_names(model, chain, owner, hashed, cnt);
	}
	qsort(hashed, cnt, sizeof(hashed[0]), by_hash);
	for (unsigned i = 0; i < cnt; i++)
		add_nsec3(into, model, chain, &hashed[i], &hashed[(i + 1) % cnt]);
}

void
vly_model_sign(const struct vly_model *model, struct vly_model *into,
	       const struct vly_model_chain *chain, uint32_t epoch)
{
	*into = *model;
	if (chain->nsec3)
		add_hash_chain(into, model, chain);
	else
		add_chain(into, model);
	const unsigned cnt = into->cnt;
	for (unsigned i = 0; i < cnt; i++) {
		const uint16_t type = into->record[i].type;
		const uint8_t *owner = into->record[i].owner;
		if (!is_first_of_set(into, i) ||
		    (type != VLY_TYPE_NSEC3 && is_occluded(model, owner)) ||
		    (is_cut(model, owner) && type != VLY_TYPE_DS && type != VLY_TYPE_NSEC))
			continue;
		sign_rrset(into, i, epoch);
	}
}
