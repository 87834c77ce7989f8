/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The additional section (RFC 1034 §4.3.2 6): glue that a referral must have, and addresses of
 * hosts that records name, which may be left out when there is no room.
 */
#include <stdlib.h>

#include "compiler.h"
#include "zone/rdata.h"

static bool
is_service(uint16_t type)
{
	return type == VLY_TYPE_SVCB || type == VLY_TYPE_HTTPS;
}

/* RFC 9460 §2.4.2: an SVCB or HTTPS record whose priority is 0. */
static bool
is_alias_form(const struct vly_zone_record *record)
{
	return is_service(record->type) && record->data_len > 2 && record->data[0] == 0 &&
	       record->data[1] == 0;
}

/* The flag of a NAPTR record, in lower case (RFC 3403 §4.1, RFC 3404 §4.3); 0: none. */
static uint8_t
naptr_flag(const struct vly_zone_record *record)
{
	return record->type == VLY_TYPE_NAPTR && record->data_len > 5 && record->data[4] == 1
		       ? vly_ascii_lower(record->data[5])
		       : 0;
}

/* The type to add for the host besides addresses, or instead of them: the same type behind an alias
 * (RFC 9460 §4.1), SRV for the NAPTR flag S. 0: none. */
static uint16_t
other_type(const struct vly_zone_record *record)
{
	if (is_alias_form(record))
		return record->type;
	return naptr_flag(record) == 's' ? VLY_TYPE_SRV : 0;
}

static bool
wants_addresses(const struct vly_zone_record *record)
{
	return record->type != VLY_TYPE_NAPTR || naptr_flag(record) == 'a';
}

/* The node that answers for a host: its own, or the wildcard above; VLY_ZONE_NONE: none here, or
 * the zone is not authoritative for it. A server's addresses are taken from below a cut, too. */
static uint32_t
find_host(const struct vly_zone *zone, struct vly_name *name, uint16_t type)
{
	vly_name_hash(name, &zone->key);
	uint32_t found = vly_zone_find(zone, name, 0);
	if (found != VLY_ZONE_NONE && !(zone->node[found].flags & VLY_ZONE_ABSENT))
		return type == VLY_TYPE_NS ||
				       !(zone->node[found].flags & (VLY_ZONE_CUT | VLY_ZONE_HIDDEN))
			       ? found
			       : VLY_ZONE_NONE;
	for (unsigned i = 1;; i++) { /* ends at the apex, at the latest */
		found = vly_zone_find(zone, name, i);
		if (found == VLY_ZONE_NONE || (zone->node[found].flags & VLY_ZONE_ABSENT))
			continue;
		return zone->node[found].flags & (VLY_ZONE_CUT | VLY_ZONE_DNAME | VLY_ZONE_OCCLUDED)
			       ? VLY_ZONE_NONE
			       : zone->node[found].wildcard;
	}
}

/* Notes a host, unless it has been noted: servers of one RRset differ in their ports alone, say. */
static int
note_host(struct vly_compiler *compiler, const struct vly_compiler_host *host)
{
	for (unsigned i = 0; i < compiler->host_cnt; i++) {
		const struct vly_compiler_host *other = &compiler->host[i];
		if (other->node_idx == host->node_idx && other->type == host->type &&
		    other->addresses == host->addresses && other->len == host->len &&
		    (host->len == 0 || vly_rdata_compare(VLY_TYPE_NS, other->name, host->len,
							 host->name, host->len) == 0))
			return 0;
	}
	if (compiler->host_cnt == compiler->host_size) {
		unsigned size = compiler->host_size == 0 ? 16 : compiler->host_size * 2;
		void *grown = realloc(compiler->host, size * sizeof(*compiler->host));
		if (grown == NULL)
			return vly_compiler_fail_memory(compiler);
		compiler->host = grown;
		compiler->host_size = size;
	}
	compiler->host[compiler->host_cnt++] = *host;
	return 0;
}

/* Notes the host that a record names, when the zone has something to say about it. */
static int
take_host(struct vly_compiler *compiler, const struct vly_compiler_place *place,
	  const struct vly_zone_record *record)
{
	const uint8_t *data = vly_rdata_host(record->type, record->data, record->data_len);
	struct vly_compiler_host host = {.type = other_type(record),
					 .addresses = wants_addresses(record)};
	struct vly_name name;

	if (data == NULL || (host.type == 0 && !host.addresses))
		return 0;
	if (data[0] == 0 && record->type != VLY_TYPE_NS) {
		/* the owner's own (RFC 9460 §2.5), or none */
		if (!is_service(record->type) || is_alias_form(record))
			return 0;
		host.name = place->owner;
		host.len = 0;
		host.node_idx = place->node_idx;
		if (compiler->zone->node[host.node_idx].flags & VLY_ZONE_STEERED)
			return 0;
		return note_host(compiler, &host);
	}
	if (!vly_rdata_scan_name(&name, data, (unsigned)(record->data + record->data_len - data)) ||
	    !vly_zone_has_name(compiler->zone, &name) ||
	    (place->cut_idx != VLY_ZONE_NONE &&
	     vly_zone_is_below(compiler->zone, place->cut_idx, &name)))
		return 0;
	host.name = data;
	host.len = name.len;
	host.node_idx = find_host(compiler->zone, &name, record->type);
	if (host.node_idx == place->node_idx)
		host.type = 0; /* that is in the answer */
	/* what a steered name has depends on who asks */
	return host.node_idx != VLY_ZONE_NONE &&
			       !(compiler->zone->node[host.node_idx].flags & VLY_ZONE_STEERED)
		       ? note_host(compiler, &host)
		       : 0;
}

/* Loads the RRsets of a host. Many records name the same one: it is not loaded again then. */
static int
load_host(struct vly_compiler *compiler, uint32_t idx)
{
	if (compiler->glue.cnt > 0 && compiler->glue_idx == idx)
		return 0;
	compiler->glue_idx = idx;
	return vly_rrsets_load(&compiler->glue, compiler->zone, idx) == 0
		       ? 0
		       : vly_compiler_fail_memory(compiler);
}

/* Adds the RRset `type` in compiler->glue, if there is one. Returns false when a message has no room
 * for it. */
static bool
add_fitting(struct vly_compiler *compiler, const uint8_t *owner, uint16_t type)
{
	const struct vly_rrset *rrset = vly_rrsets_find(&compiler->glue, type);
	struct vly_answer_mark mark;

	if (rrset == NULL)
		return true;
	vly_answer_mark(compiler->writer, &mark);
	vly_compiler_add_rrset(
		compiler, VLY_SECTION_ADDITIONAL, owner, rrset,
		vly_compiler_signatures(compiler, &compiler->glue, compiler->glue_idx, type));
	if (!compiler->writer->overflow)
		return true;
	vly_answer_rewind(compiler->writer, &mark);
	return false;
}

/* Adds the RRset `type` of a host, if it has one and a message has room for it. */
static int
add_host(struct vly_compiler *compiler, const struct vly_compiler_host *host, uint16_t type)
{
	if (load_host(compiler, host->node_idx) != 0)
		return -1;
	(void)add_fitting(compiler, host->name, type);
	return 0;
}

/* One address of each host is worth more than two of some. So IPv4 comes first, as in all other
 * servers, then IPv6, then everything else. */
int
vly_compile_additional(struct vly_compiler *compiler, const struct vly_rrset *rrset,
		       const struct vly_compiler_place *place)
{
	static const uint16_t types[] = {VLY_TYPE_A, VLY_TYPE_AAAA, 0};

	if (compiler->draft->additional_none || compiler->writer->overflow)
		return 0;
	compiler->host_cnt = 0;
	for (unsigned i = 0; i < rrset->record_cnt; i++)
		if (take_host(compiler, place, rrset->record[i]) != 0)
			return -1;
	vly_answer_keep(compiler->writer);
	for (size_t pass = 0; pass < sizeof(types) / sizeof(types[0]); pass++) {
		for (unsigned i = 0; i < compiler->host_cnt; i++) {
			const struct vly_compiler_host *host = &compiler->host[i];
			uint16_t type = types[pass];
			if (type == 0)
				type = host->type;
			else if (!host->addresses)
				type = 0;
			if ((type == VLY_TYPE_A || type == VLY_TYPE_AAAA) &&
			    !(compiler->zone->node[host->node_idx].flags & VLY_ZONE_ADDRESS))
				type = 0;
			if (type != 0 && add_host(compiler, host, type) != 0)
				return -1;
		}
	}
	return 0;
}

/* RFC 9471 §2: addresses of the name servers inside the delegated domain, which the zone file has
 * at their very names. */
int
vly_compile_glue(struct vly_compiler *compiler, const struct vly_rrset *ns, uint32_t cut_idx)
{
	static const uint16_t types[] = {VLY_TYPE_A, VLY_TYPE_AAAA};
	const struct vly_zone *zone = compiler->zone;
	struct vly_name name;
	bool all_fit = true;

	for (unsigned i = 0; i < ns->record_cnt && !compiler->writer->overflow; i++) {
		const struct vly_zone_record *record = ns->record[i];
		if (!vly_rdata_scan_name(&name, record->data, record->data_len) ||
		    !vly_zone_is_below(zone, cut_idx, &name))
			continue;
		vly_name_hash(&name, &zone->key);
		uint32_t node_idx = vly_zone_find(zone, &name, 0);
		if (node_idx == VLY_ZONE_NONE)
			continue;
		if (load_host(compiler, node_idx) != 0)
			return -1;
		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
			all_fit &= add_fitting(compiler, record->data, types[t]);
	}
	return all_fit ? 0
		       : vly_compiler_report_size(compiler,
						  "the referral with all glue is larger than any "
						  "DNS message (65,535 octets); glue is left out");
}
