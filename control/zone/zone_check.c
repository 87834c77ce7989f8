/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "zone_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "domain.h"
#include "rdata.h"
#include "zone_check_parts.h"

void
vly_check_add(const struct vly_check_place *place, unsigned check,
	      const struct vly_zone_record *record, const char *format, ...)
{
	const struct vly_zone *zone = place->zone;
	char name[VLY_DOMAIN_TEXT_BYTES];
	char text[180];
	unsigned len;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	vly_domain_text(vly_zone_node_name(zone, place->idx, &len), name);
	vly_zone_report_add(place->report, check, zone->file[record != NULL ? record->file_idx : 0],
			    record != NULL ? record->line : 0, "%.200s: %s", name, text);
}

/* RFC 1034 §3.6.2, RFC 2181 §10.1, RFC 4034 §2.5, RFC 6672 §2.4: only the records that DNSSEC adds
 * may be at the name of a CNAME. */
static void
check_alias(const struct vly_check_place *place, const struct vly_rrsets *own)
{
	const struct vly_rrset *cname = vly_rrsets_find(own, VLY_TYPE_CNAME);
	const struct vly_rrset *dname = vly_rrsets_find(own, VLY_TYPE_DNAME);

	if (dname != NULL && dname->record_cnt > 1)
		vly_check_add(place, VLY_ZONE_CHECK_must, dname->record[1],
			      "more than one DNAME record");
	if (cname == NULL)
		return;
	if (cname->record_cnt > 1)
		vly_check_add(place, VLY_ZONE_CHECK_must, cname->record[1],
			      "more than one CNAME record");
	for (unsigned i = 0; i < own->cnt; i++) {
		unsigned type = own->rrset[i].type;
		if (type != VLY_TYPE_CNAME && type != VLY_TYPE_RRSIG && type != VLY_TYPE_NSEC)
			vly_check_add(place, VLY_ZONE_CHECK_must, own->rrset[i].record[0],
				      "CNAME and other data");
	}
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

/* Whether the zone brings signatures, which nobody here can make for addresses. */
static bool
is_signed(const struct vly_zone *zone, uint32_t idx)
{
	return has_type(zone, idx, VLY_TYPE_RRSIG) || has_type(zone, idx, VLY_TYPE_DNSKEY);
}

/* Its addresses are found when the zone is served; a file has none beside it, but the store has, whose records
 * are in no line. */
static void
check_addresses_alias(const struct vly_check_place *place, const struct vly_rrsets *own)
{
	const struct vly_rrset *alias = vly_rrsets_find(own, VLY_TYPE_ALIAS);

	if (alias == NULL)
		return;
	const struct vly_zone_record *record = alias->record[0];
	const bool is_of_file = record->line != 0;
	if (is_of_file && !place->report->takes_alias)
		vly_check_add(place, VLY_ZONE_CHECK_must, record,
			      "only a living zone may have ALIAS records: give it living: true");
	if (alias->record_cnt > 1)
		vly_check_add(place, VLY_ZONE_CHECK_must, alias->record[1],
			      "more than one ALIAS record");
	if (is_of_file && (vly_rrsets_find(own, VLY_TYPE_A) != NULL ||
			   vly_rrsets_find(own, VLY_TYPE_AAAA) != NULL))
		vly_check_add(place, VLY_ZONE_CHECK_must, record,
			      "ALIAS and addresses, which the ALIAS would bring");
	if (place->zone->node[place->idx].flags & (VLY_ZONE_CUT | VLY_ZONE_OCCLUDED))
		vly_check_add(place, VLY_ZONE_CHECK_must, record,
			      "ALIAS at or below a delegation or below a DNAME");
	if (is_signed(place->zone, 0) || is_signed(place->zone, place->idx))
		vly_check_add(place, VLY_ZONE_CHECK_must, record,
			      "ALIAS in a zone that is signed elsewhere: its addresses would have "
			      "no signatures");
}

static void
check_hidden(const struct vly_check_place *place, const struct vly_rrsets *own)
{
	const struct vly_zone_node *node = place->zone->node;
	uint32_t at = node[place->idx].parent;

	while (!(node[at].flags & (VLY_ZONE_CUT | VLY_ZONE_DNAME)) ||
	       (node[at].flags & VLY_ZONE_OCCLUDED))
		at = node[at].parent;
	bool below_dname = !(node[at].flags & VLY_ZONE_CUT);
	for (unsigned i = 0; i < own->cnt; i++) {
		const struct vly_rrset *rrset = &own->rrset[i];
		if (below_dname)
			vly_check_add(place, VLY_ZONE_CHECK_below_dname, rrset->record[0],
				      "hidden below a DNAME");
		else if (rrset->type != VLY_TYPE_A && rrset->type != VLY_TYPE_AAAA)
			vly_check_add(place, VLY_ZONE_CHECK_below_cut, rrset->record[0],
				      "hidden below a delegation, and not glue");
	}
}

static void
check_rrset(const struct vly_check_place *place, const struct vly_rrset *rrset)
{
	for (unsigned i = 1; i < rrset->record_cnt; i++)
		if (rrset->record[i]->ttl != rrset->ttl && rrset->type != VLY_TYPE_RRSIG) {
			vly_check_add(place, VLY_ZONE_CHECK_ttl_differs, rrset->record[i],
				      "the TTL differs from that of the RRset's first record, "
				      "which is used");
			break;
		}
	for (unsigned i = 0; i < rrset->duplicate_cnt; i++)
		vly_check_add(place, VLY_ZONE_CHECK_duplicate, rrset->record[0],
			      "duplicate record");
}

/* The node that answers for a name, or VLY_ZONE_NONE; and whether a delegated zone has the answer
 * instead. */
struct answering {
	uint32_t idx;
	bool delegated;
};

static struct answering
answering_node(const struct vly_zone *zone, const struct vly_name *name)
{
	uint32_t found = vly_zone_find(zone, name, 0);
	unsigned i = 0;

	if (found != VLY_ZONE_NONE && !(zone->node[found].flags & VLY_ZONE_ABSENT))
		return (struct answering){found, zone->node[found].flags & VLY_ZONE_CUT};
	do /* ends at the apex, at the latest */
		found = vly_zone_find(zone, name, ++i);
	while (found == VLY_ZONE_NONE || (zone->node[found].flags & VLY_ZONE_ABSENT));
	return (struct answering){zone->node[found].wildcard,
				  zone->node[found].flags & (VLY_ZONE_CUT | VLY_ZONE_OCCLUDED)};
}

/* The host that an NS, MX or SRV names should have an address under that very name (RFC 2181
 * §10.3). */
static void
check_target(const struct vly_check_place *place, const struct vly_zone_record *record,
	     unsigned skip)
{
	const struct vly_zone *zone = place->zone;
	struct vly_name name;

	if (record->data_len <= skip + 1 || /* "." means that there is no host */
	    !vly_rdata_scan_name(&name, record->data + skip, record->data_len - skip) ||
	    !vly_zone_has_name(zone, &name))
		return;
	vly_name_hash(&name, &zone->key);
	struct answering target = answering_node(zone, &name);
	bool known = target.idx != VLY_ZONE_NONE;
	if (known && (zone->node[target.idx].flags & VLY_ZONE_CNAME)) {
		vly_check_add(place, VLY_ZONE_CHECK_alias_target, record, "its target is an alias");
		return;
	}
	if (known && ((zone->node[target.idx].flags & VLY_ZONE_ADDRESS) ||
		      has_type(zone, target.idx, VLY_TYPE_ALIAS)))
		return;
	if (record->type == VLY_TYPE_NS && place->idx != 0 &&
	    vly_zone_is_below(zone, place->idx, &name))
		vly_check_add(place, VLY_ZONE_CHECK_missing_glue, record,
			      "the name server is below the delegation, but has no address here");
	else if (!target.delegated)
		vly_check_add(place, VLY_ZONE_CHECK_no_address, record,
			      "its target has no address");
}

static void
check_targets(const struct vly_check_place *place, const struct vly_rrset *rrset)
{
	static const struct {
		uint16_t type;
		uint8_t skip; /* octets before the name */
	} with_target[] = {{VLY_TYPE_NS, 0}, {VLY_TYPE_MX, 2}, {VLY_TYPE_SRV, 6}};

	for (size_t t = 0; t < sizeof(with_target) / sizeof(with_target[0]); t++)
		for (unsigned i = 0; with_target[t].type == rrset->type && i < rrset->record_cnt;
		     i++)
			check_target(place, rrset->record[i], with_target[t].skip);
}

static void
check_apex(const struct vly_check_place *place, const struct vly_rrsets *own)
{
	const struct vly_rrset *soa = vly_rrsets_find(own, VLY_TYPE_SOA);
	const char *file = place->zone->file[0];

	if (soa == NULL)
		vly_zone_report_add(place->report, VLY_ZONE_CHECK_must, file, 0,
				    "the zone has no SOA record at its apex");
	else if (soa->record_cnt > 1)
		vly_check_add(place, VLY_ZONE_CHECK_must, soa->record[1],
			      "more than one SOA record");
	if (vly_rrsets_find(own, VLY_TYPE_NS) == NULL)
		vly_zone_report_add(place->report, VLY_ZONE_CHECK_no_ns, file,
				    soa != NULL ? soa->record[0]->line : 0,
				    "the zone has no NS record at its apex");
	const struct vly_rrset *ds = vly_rrsets_find(own, VLY_TYPE_DS);
	if (ds != NULL)
		vly_check_add(place, VLY_ZONE_CHECK_ds_at_apex, ds->record[0],
			      "DS records belong in the parent zone");
	vly_check_child_keys(place, own);
}

static void
check_node(const struct vly_check_place *place, const struct vly_rrsets *own)
{
	unsigned flags = place->zone->node[place->idx].flags;

	if (place->idx == 0)
		check_apex(place, own);
	if (flags & (VLY_ZONE_CNAME | VLY_ZONE_DNAME))
		check_alias(place, own);
	check_addresses_alias(place, own);
	const struct vly_rrset *soa = vly_rrsets_find(own, VLY_TYPE_SOA);
	if (place->idx != 0 && soa != NULL)
		vly_check_add(place, VLY_ZONE_CHECK_must, soa->record[0],
			      "SOA record below the apex");
	if (flags & VLY_ZONE_OCCLUDED) {
		check_hidden(place, own);
		return;
	}
	for (unsigned i = 0; i < own->cnt; i++) {
		const struct vly_rrset *rrset = &own->rrset[i];
		check_rrset(place, rrset);
		check_targets(place, rrset);
		vly_check_data(place, rrset);
	}
}

/* Most nodes have one address and nothing that could be wrong. */
static bool
is_plain(const struct vly_zone *zone, const struct vly_zone_node *node)
{
	const struct vly_zone_record *record = vly_arena_at(&zone->arena, node->records);

	return node->flags == VLY_ZONE_ADDRESS && record->next == 0;
}

void
vly_zone_check(const struct vly_zone *zone, struct vly_zone_report *report)
{
	struct vly_rrsets own = {0};

	for (uint32_t i = 0; i < zone->node_cnt && !vly_zone_report_is_full(report); i++) {
		const struct vly_zone_node *node = &zone->node[i];
		vly_zone_pass(zone, i);
		if (i != 0 && (node->records == 0 || is_plain(zone, node)))
			continue;
		if (vly_rrsets_load(&own, zone, i) != 0) {
			vly_zone_report_add(report, VLY_ZONE_CHECK_must, zone->file[0], 0,
					    "out of memory");
			break;
		}
		check_node(&(struct vly_check_place){zone, report, i}, &own);
	}
	vly_rrsets_free(&own);
}
