/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chains of NSEC3, one for each NSEC3PARAM record: each name of the zone has a record at its
 * hash, which names the next hash and lists the types of the name (RFC 5155 §7.1). Insecure
 * delegations may be left out where the record before them says so (opt-out). */
#include <stdlib.h>
#include <string.h>

#include <volley/image.h>
#include <volley/octets.h>

#include "dnssec_parts.h"
#include "nsec3_record.h"

#define FLAG_OPT_OUT 1

/* Chains that are checked. Zones have one, or two while one is exchanged. */
#define CHAINS_MAX 4

struct entry {
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	uint32_t idx;
	const struct vly_zone_record *record;
	atomic_bool is_matched; /* by a name */
};

struct chain {
	struct vly_nsec3_params params;
	struct entry *entry; /* in the order of the hashes */
	uint32_t cnt;
	uint8_t *is_needed; /* [node]: its record can't be left out */
};

/* Adds the NSEC3 records of a node that belong to the chain. */
static void
add_entries(struct vly_dnssec *dnssec, struct chain *chain, uint32_t idx)
{
	const struct vly_zone *zone = dnssec->zone;
	const struct vly_zone_record *record;
	unsigned len;

	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type != VLY_TYPE_NSEC3 || !vly_nsec3_has_params(record, &chain->params))
			continue;
		struct entry *entry = &chain->entry[chain->cnt];
		*entry = (struct entry){.idx = idx, .record = record};
		if (zone->node[idx].parent == 0 &&
		    vly_nsec3_read_owner(vly_zone_node_name(zone, idx, &len), entry->hash)) {
			chain->cnt++;
			return; /* a second one is a fault, which its next hash shows */
		}
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, idx, record,
			       "the owner of an NSEC3 record is no hash");
	}
}

static int
by_hash(const void *left, const void *right)
{
	return memcmp(((const struct entry *)left)->hash, ((const struct entry *)right)->hash,
		      VLY_NSEC3_HASH_BYTES);
}

static void
check_closed(struct vly_dnssec *dnssec, const struct chain *chain)
{
	for (uint32_t i = 0; i < chain->cnt; i++) {
		const struct entry *entry = &chain->entry[i];
		const struct entry *next = &chain->entry[i + 1 < chain->cnt ? i + 1 : 0];
		const unsigned at = VLY_NSEC3_HEAD_BYTES + (unsigned)chain->params.salt_len;
		const uint8_t *data = entry->record->data;
		if (entry->record->data_len < at + 1 + VLY_NSEC3_HASH_BYTES ||
		    data[at] != VLY_NSEC3_HASH_BYTES)
			vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, entry->idx,
				       entry->record, "its NSEC3 record is malformed");
		else if (memcmp(data + at + 1, next->hash, VLY_NSEC3_HASH_BYTES) != 0)
			vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, entry->idx,
				       entry->record,
				       "its NSEC3 record names a wrong next hash: sign the zone "
				       "again");
	}
}

/* The entry of a hash, or else the one that covers it. */
static struct entry *
find_entry(const struct chain *chain, const uint8_t hash[VLY_NSEC3_HASH_BYTES])
{
	uint32_t low = 0; /* entries before it are not larger */
	uint32_t high = chain->cnt;

	while (low < high) { /* at most 32 times */
		const uint32_t middle = low + (high - low) / 2;
		if (memcmp(chain->entry[middle].hash, hash, VLY_NSEC3_HASH_BYTES) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &chain->entry[(low > 0 ? low : chain->cnt) - 1];
}

/* Insecure delegations have no signed records. */
static bool
has_signed_records(const struct vly_dnssec_worker *worker, uint32_t idx)
{
	const bool is_cut = worker->dnssec->zone->node[idx].flags & VLY_ZONE_CUT;

	return is_cut ? vly_rrsets_find(&worker->own, VLY_TYPE_DS) != NULL : worker->own.cnt > 0;
}

static int
check_match(struct vly_dnssec_worker *worker, uint32_t idx, const struct entry *entry)
{
	const struct chain *chain = worker->job;
	const unsigned at =
		VLY_NSEC3_HEAD_BYTES + chain->params.salt_len + 1u + VLY_NSEC3_HASH_BYTES;

	if (entry->record->data_len < at)
		return 0; /* malformed; see check_closed() */
	if (vly_rrsets_load(&worker->own, worker->dnssec->zone, idx) != 0)
		return -1;
	vly_rrsets_drop_nsec3(&worker->own);
	if (!vly_dnssec_bitmap_is(worker, idx, has_signed_records(worker, idx),
				  entry->record->data + at, entry->record->data_len - at))
		vly_dnssec_add(worker->dnssec, VLY_ZONE_CHECK_nsec3_chain, idx, entry->record,
			       "its NSEC3 record does not list the types of the name: sign the "
			       "zone again");
	return 0;
}

static int
check_name(struct vly_dnssec_worker *worker, uint32_t idx)
{
	struct vly_dnssec *dnssec = worker->dnssec;
	const struct vly_zone_node *node = &dnssec->zone->node[idx];
	const struct chain *chain = worker->job;
	uint8_t hash[VLY_NSEC3_HASH_BYTES];
	unsigned len;

	if (node->flags & VLY_ZONE_HIDDEN)
		return 0;
	const uint8_t *name = vly_zone_node_name(dnssec->zone, idx, &len);
	vly_nsec3_hash(&chain->params, name, len, hash);
	struct entry *entry = find_entry(chain, hash);
	if (memcmp(entry->hash, hash, sizeof(hash)) == 0) {
		entry->is_matched = true;
		return check_match(worker, idx, entry);
	}
	if (!chain->is_needed[idx] && (entry->record->data[1] & FLAG_OPT_OUT))
		return 0;
	vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, idx,
		       node->records != 0 ? vly_arena_at(&dnssec->zone->arena, node->records)
					  : NULL,
		       "it has no NSEC3 record: sign the zone again");
	return 0;
}

static bool
has_type(const struct vly_zone *zone, uint32_t idx, uint16_t type)
{
	const struct vly_zone_record *record;

	for (vly_arena_ref ref = zone->node[idx].records; ref != 0; ref = record->next) {
		record = vly_arena_at(&zone->arena, ref);
		if (record->type == type)
			return true;
	}
	return false;
}

/* What is left out are insecure delegations, and empty non-terminals with nothing else below. */
static uint8_t *
list_needed(const struct vly_zone *zone)
{
	uint8_t *is_needed = calloc(zone->node_cnt, 1);

	for (uint32_t i = 0; is_needed != NULL && i < zone->node_cnt; i++) {
		const struct vly_zone_node *node = &zone->node[i];
		is_needed[i] = node->records != 0 && !(node->flags & VLY_ZONE_HIDDEN) &&
			       (!(node->flags & VLY_ZONE_CUT) || has_type(zone, i, VLY_TYPE_DS));
	}
	/* children come before their parents this way round */
	for (uint32_t i = zone->node_cnt; is_needed != NULL && i-- > 1;)
		is_needed[zone->node[i].parent] |= is_needed[i];
	return is_needed;
}

static void
check_chain(struct vly_dnssec *dnssec, struct chain *chain, const struct vly_zone_record *param)
{
	for (uint32_t i = 0; i < dnssec->zone->node_cnt; i++)
		add_entries(dnssec, chain, i);
	if (chain->cnt == 0) {
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, 0, param,
			       "no NSEC3 record has these parameters: sign the zone again");
		return;
	}
	qsort(chain->entry, chain->cnt, sizeof(*chain->entry), by_hash);
	check_closed(dnssec, chain);
	vly_dnssec_share(dnssec, dnssec->zone->node_cnt, check_name, chain);
	for (uint32_t i = 0; i < chain->cnt && !dnssec->failed; i++)
		if (!chain->entry[i].is_matched)
			vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, chain->entry[i].idx,
				       chain->entry[i].record,
				       "its NSEC3 record is that of no name in the zone");
}

static void
check_param(struct vly_dnssec *dnssec, const struct vly_zone_record *param)
{
	const uint8_t *data = param->data;
	struct chain chain = {
		.params = {vly_be16(data + 2), data[4], data + VLY_NSEC3_HEAD_BYTES},
	};

	if (chain.params.iterations > VLY_NSEC3_ITERATIONS_MAX) {
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_iterations, 0, param,
			       "%u iterations are more than %d: validators treat the zone as "
			       "insecure; sign it with 0",
			       chain.params.iterations, VLY_NSEC3_ITERATIONS_MAX);
		return; /* no validator follows the chain */
	}
	if (chain.params.iterations > 0 || chain.params.salt_len > 0)
		vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_costly, 0, param,
			       "%u iterations and a salt of %u octets protect nothing: sign the "
			       "zone with 0 and no salt",
			       chain.params.iterations, chain.params.salt_len);
	if (!vly_dnssec_wants(dnssec, VLY_ZONE_CHECK_nsec3_chain))
		return;
	chain.entry = vly_pages_alloc((uint64_t)dnssec->zone->node_cnt * sizeof(*chain.entry));
	chain.is_needed = list_needed(dnssec->zone);
	if (chain.entry != NULL && chain.is_needed != NULL)
		check_chain(dnssec, &chain, param);
	else
		dnssec->failed = true;
	vly_pages_free(chain.entry, (uint64_t)dnssec->zone->node_cnt * sizeof(*chain.entry));
	free(chain.is_needed);
}

void
vly_dnssec_check_nsec3(struct vly_dnssec *dnssec, const struct vly_rrset *params)
{
	unsigned chain_cnt = 0;

	for (unsigned i = 0; i < params->record_cnt && chain_cnt < CHAINS_MAX; i++) {
		const struct vly_zone_record *param = params->record[i];
		if (param->data_len < VLY_NSEC3_HEAD_BYTES ||
		    param->data_len != VLY_NSEC3_HEAD_BYTES + (unsigned)param->data[4])
			vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, 0, param,
				       "its NSEC3PARAM record is malformed");
		else if (param->data[1] != 0)
			continue; /* its chain is not complete (RFC 5155 §4.1.2) */
		else if (param->data[0] != VLY_NSEC3_SHA1)
			vly_dnssec_add(dnssec, VLY_ZONE_CHECK_nsec3_chain, 0, param,
				       "hash algorithm %u is unknown", param->data[0]);
		else
			chain_cnt++, check_param(dnssec, param);
	}
}
