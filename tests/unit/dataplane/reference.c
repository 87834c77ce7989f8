/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

enum section {
	ANSWER,
	AUTHORITY,
	ADDITIONAL,
};

struct answer {
	const struct vly_reference_zone *zone;
	const char *rcode;
	bool authoritative;
	unsigned line_cnt;
	char *line[4 * VLY_REFERENCE_RECORDS_MAX];
};

bool
vly_reference_is_below(const char *name, const char *ancestor)
{
	size_t name_len = strlen(name);
	size_t len = strlen(ancestor);

	if (strcmp(ancestor, ".") == 0 || strcmp(name, ancestor) == 0)
		return true;
	return name_len > len && name[name_len - len - 1] == '.' &&
	       strcmp(name + name_len - len, ancestor) == 0;
}

/* The name without its first label. */
static const char *
parent_of(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot[1] == '\0' ? dot : dot + 1;
}

const struct vly_reference_record *
vly_reference_find(const struct vly_reference_zone *zone, const char *owner, unsigned type)
{
	for (unsigned i = 0; i < zone->record_cnt; i++)
		if (zone->record[i].type == type && strcmp(zone->record[i].owner, owner) == 0)
			return &zone->record[i];
	return NULL;
}

/* RFC 4592 §2.2: a name exists when it or a name below it owns a record. */
static bool
exists(const struct vly_reference_zone *zone, const char *name)
{
	for (unsigned i = 0; i < zone->record_cnt; i++)
		if (vly_reference_is_below(zone->record[i].owner, name))
			return true;
	return false;
}

/* The owner of the cut nearest to the apex at or above the name, or NULL. */
static const char *
find_cut(const struct vly_reference_zone *zone, const char *name)
{
	const char *cut = NULL;

	for (; strcmp(name, zone->apex) != 0; name = parent_of(name))
		if (vly_reference_find(zone, name, VLY_TYPE_NS) != NULL)
			cut = name;
	return cut;
}

static void
add(struct answer *answer, enum section section, const struct vly_reference_record *record,
    const char *owner, unsigned ttl)
{
	static const char *const prefix[] = {"an", "ns", "ad"};
	char type[16];

	if (asprintf(&answer->line[answer->line_cnt++], "%s %s %u %s %s\n", prefix[section], owner,
		     ttl, vly_test_type_text(record->type, type), record->shown) < 0)
		abort();
}

/* The RRset `type` of `node`, under the name `owner`. */
static bool
add_rrset(struct answer *answer, enum section section, const char *node, unsigned type,
	  const char *owner)
{
	const struct vly_reference_zone *zone = answer->zone;
	bool found = false;

	for (unsigned i = 0; i < zone->record_cnt; i++) {
		const struct vly_reference_record *record = &zone->record[i];
		if (record->type != type || strcmp(record->owner, node) != 0)
			continue;
		add(answer, section, record, owner, record->ttl);
		found = true;
	}
	return found;
}

/* The node that answers for a name: its own or the wildcard of its closest encloser; false: none.
 */
static bool
find_node(const struct vly_reference_zone *zone, const char *name, char node[VLY_REFERENCE_CHARS])
{
	if (exists(zone, name)) {
		snprintf(node, VLY_REFERENCE_CHARS, "%s", name);
		return true;
	}
	do
		name = parent_of(name);
	while (!exists(zone, name));
	snprintf(node, VLY_REFERENCE_CHARS, "*.%s", strcmp(name, ".") == 0 ? "" : name);
	return exists(zone, node);
}

/* Adds the addresses of `host`, once. Of name servers those below a cut are there, too. */
static void
add_host(struct answer *answer, const char *host, bool is_server)
{
	const struct vly_reference_zone *zone = answer->zone;
	char node[VLY_REFERENCE_CHARS];

	if (!vly_reference_is_below(host, zone->apex))
		return;
	if (exists(zone, host) && (is_server || find_cut(zone, host) == NULL))
		snprintf(node, sizeof(node), "%s", host);
	else if (exists(zone, host) || find_cut(zone, host) != NULL || !find_node(zone, host, node))
		return;
	add_rrset(answer, ADDITIONAL, node, VLY_TYPE_A, host);
	add_rrset(answer, ADDITIONAL, node, VLY_TYPE_AAAA, host);
}

/* What `node` names as name servers or mail exchangers, each once. */
static void
add_hosts(struct answer *answer, const char *node, unsigned type)
{
	const struct vly_reference_zone *zone = answer->zone;
	const char *hosts[VLY_REFERENCE_RECORDS_MAX];
	unsigned cnt = 0;

	for (unsigned i = 0; i < zone->record_cnt; i++) {
		const struct vly_reference_record *record = &zone->record[i];
		if (record->type != type || strcmp(record->owner, node) != 0)
			continue;
		const char *host =
			type == VLY_TYPE_MX ? strchr(record->data, ' ') + 1 : record->data;
		unsigned j = 0;
		while (j < cnt && strcmp(hosts[j], host) != 0)
			j++;
		if (j < cnt || (type == VLY_TYPE_MX && strcmp(host, ".") == 0))
			continue;
		hosts[cnt++] = host;
		add_host(answer, host, type == VLY_TYPE_NS);
	}
}

static void
refer(struct answer *answer, const char *cut)
{
	add_rrset(answer, AUTHORITY, cut, VLY_TYPE_NS, cut);
	add_hosts(answer, cut, VLY_TYPE_NS);
}

/* RFC 2308 §3: the TTL is the lesser of the SOA's own and its last field. */
static void
deny(struct answer *answer, const char *rcode)
{
	const struct vly_reference_record *soa = &answer->zone->record[0];
	unsigned minimum = (unsigned)atoi(strrchr(soa->data, ' ') + 1);

	answer->rcode = rcode;
	add(answer, AUTHORITY, soa, soa->owner, soa->ttl < minimum ? soa->ttl : minimum);
}

static void
resolve(struct answer *answer, const char *name, unsigned qtype, unsigned any_type)
{
	const struct vly_reference_zone *zone = answer->zone;
	const char *passed[VLY_REFERENCE_HOPS_MAX];
	unsigned hop_cnt = 0;
	char node[VLY_REFERENCE_CHARS];

	while (vly_reference_is_below(name, zone->apex)) {
		const char *cut = find_cut(zone, name);
		if (cut != NULL && !(qtype == VLY_TYPE_DS && strcmp(cut, name) == 0)) {
			answer->authoritative = hop_cnt > 0;
			refer(answer, cut);
			return;
		}
		if (!find_node(zone, name, node)) {
			deny(answer, "NXDOMAIN");
			return;
		}
		unsigned type = qtype == VLY_TYPE_ANY ? any_type : qtype;
		if (add_rrset(answer, ANSWER, node, type, name)) {
			if (type == VLY_TYPE_NS || type == VLY_TYPE_MX)
				add_hosts(answer, node, type); /* RFC 1034 §4.3.2, step 6 */
			return;
		}
		const struct vly_reference_record *cname =
			vly_reference_find(zone, node, VLY_TYPE_CNAME);
		if (cname == NULL) {
			deny(answer, "NOERROR");
			return;
		}
		for (unsigned i = 0; i < hop_cnt; i++)
			if (strcmp(passed[i], name) == 0)
				return;
		if (hop_cnt == VLY_REFERENCE_HOPS_MAX)
			return;
		passed[hop_cnt++] = name;
		add(answer, ANSWER, cname, name, cname->ttl);
		name = cname->data;
	}
}

char *
vly_reference_answer(const struct vly_reference_zone *zone, const char *qname, unsigned qtype,
		     unsigned any_type)
{
	struct answer answer = {.zone = zone, .rcode = "NOERROR", .authoritative = true};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		abort();
	if (vly_reference_is_below(qname, zone->apex)) {
		resolve(&answer, qname, qtype, any_type);
	} else {
		answer.rcode = "REFUSED";
		answer.authoritative = false;
	}
	fprintf(out, "%s%s\n", answer.rcode, answer.authoritative ? " aa" : "");
	qsort(answer.line, answer.line_cnt, sizeof(answer.line[0]), vly_test_line_order);
	for (unsigned i = 0; i < answer.line_cnt; i++) {
		fputs(answer.line[i], out);
		free(answer.line[i]);
	}
	fclose(out);
	return text;
}

char *
vly_reference_zone_text(const struct vly_reference_zone *zone)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	char type[16];

	if (out == NULL)
		abort();
	for (unsigned i = 0; i < zone->record_cnt; i++) {
		const struct vly_reference_record *record = &zone->record[i];
		fprintf(out, "%s %u %s %s\n", record->owner, record->ttl,
			vly_test_type_text(record->type, type), record->data);
	}
	fclose(out);
	return text;
}
